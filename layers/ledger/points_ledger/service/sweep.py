"""The one sweep: visits what is due by its markers, page by page, and resumes where it stopped.

A marker only says that a look is due. The visit decides from the item itself, so a sweep that
runs twice, late, twice at the same time, or is killed at any point changes nothing more.

A tick (`Sweep.run`) goes over the hours that are not closed and works the small ones itself. A
shard with more than a page is left to a worker (`Sweep.work`), which goes on from page to page as
long as it has time. Both keep how far they came by shard, and neither depends on the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import ConflictError, LedgerError
from points_ledger.service.pacing import Pace
from points_ledger.service.ports import Marker, MarkerKind
from points_ledger.service.sweep_ports import (
    DueShard,
    HourAndShard,
    MarkerPage,
    ShardProgress,
    SweepProgress,
    SweepQueue,
    SweepStore,
)

PAGE_SIZE: Final = 250
CLOSED_AFTER: Final = timedelta(hours=1)
"""An hour is closed this long after its end, by a last pass from its start."""
HOURS_AT_ONCE: Final = 48
"""A tick lists so many hours, and the next ones while it has time."""
MAX_ROUNDS: Final = 1_000
MAX_PAGES: Final = 10_000
"""Of one shard in one run: far more than there is time for."""
VISIT_ROUNDS: Final = 3
"""A visit that lost to other writers is made again at the end of its page, so often in all."""
QUEUED_AGAIN_AFTER: Final = timedelta(hours=3)
"""A shard is queued again when for so long nobody has worked on it: its message was set aside."""
PASSED_AGAIN_AFTER: Final = timedelta(hours=1)
"""After a closing pass of which a visit failed, the shard rests for so long before the next one."""
SETTLED_AFTER: Final = timedelta(minutes=10)
"""No marker is written any more for an instant so long ago: writers are a transaction late at most,
by clocks that differ by minutes."""
WORTH_A_WRITE: Final = 10
"""So many markers that need no second look pay for storing that they need none."""
CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""A worker's clock may be so far behind that of the schedule that named the time."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one run did.

    Attributes:
        due: visited targets that had something to post.
        posted: entries posted.
        failed: visits that failed; the pass that closes the hour visits them again.
        visited: markers visited.
        queued: shards that were left to workers.
        complete: everything due was visited, or left to workers, before the time ran out.
        first_open_hour: the first hour that is not closed, as of the wall clock: not what the run
            did but where it stands, so that it does not count in a comparison. None for a worker.
    """

    due: int = 0
    posted: int = 0
    failed: int = 0
    visited: int = 0
    queued: int = 0
    complete: bool = True
    first_open_hour: datetime | None = field(default=None, compare=False)

    def __add__(self, other: "SweepReport") -> "SweepReport":
        """Both together; complete if both are."""
        return SweepReport(
            due=self.due + other.due,
            posted=self.posted + other.posted,
            failed=self.failed + other.failed,
            visited=self.visited + other.visited,
            queued=self.queued + other.queued,
            complete=self.complete and other.complete,
        )


_NOTHING: Final = SweepReport()


def _one_at_a_time() -> Pace:
    return Pace(1, clock=lambda: 0.0, pause=lambda _seconds: None)


@dataclass(slots=True, kw_only=True)
class _Found:
    """What one tick has found out, hour by hour.

    Attributes:
        first_open: the first hour that is still open.
        unstored: shards that were closed and of which nothing is stored yet.
        to_queue: shards that are left to workers.
    """

    report: SweepReport = _NOTHING
    first_open: datetime | None = None
    unstored: list[ShardProgress] = field(default_factory=list)
    to_queue: list[ShardProgress] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Visits all markers of a kind.

    Attributes:
        visit: looks at one target at an instant and returns the number of entries posted. Several
            are made at once where the pace allows it.
        has_time: whether there is time for another visit.
        clock: the wall clock; progress is only ever kept up to it, so a run for a future
            instant (local stack) leaves no gap behind.
        failed: told of each failed visit.
        pace: how many visits are in flight.
        queue: where long shards wait for a worker; without one a tick works them itself.
    """

    kind: MarkerKind
    store: SweepStore
    visit: Callable[[str, datetime], int]
    clock: Callable[[], datetime]
    has_time: Callable[[], bool] = lambda: True
    failed: Callable[[Marker, LedgerError], None] = lambda _marker, _error: None
    pace: Pace = field(default_factory=_one_at_a_time)
    queue: SweepQueue | None = None

    # --- A tick -----------------------------------------------------------------------------

    def run(self, now: datetime) -> SweepReport:
        """Visit everything due at `now`, or see that workers do."""
        begin = self.store.progress(self.kind).first_open_hour
        since, found = begin, _Found()
        for _ in range(MAX_ROUNDS):
            hours = self.store.due_hours(self.kind, since=since, until=now, limit=HOURS_AT_ONCE)
            self._hours(hours, now, found)
            if len(hours) < HOURS_AT_ONCE or not found.report.complete:
                break
            since = hours[-1][0] + _HOUR
            self._keep(found, now, before=since, stored=begin)
        else:
            found.report = replace(found.report, complete=False)
            found.first_open = found.first_open or since
        first_open = self._keep(found, now, before=now, stored=begin)
        return replace(found.report, first_open_hour=first_open)

    def _hours(self, hours: Sequence[tuple[datetime, int]], now: datetime, found: _Found) -> None:
        if not hours:
            return
        known = self.store.shards(self.kind, first=hours[0][0], last=hours[-1][0])
        for hour, shards in hours:
            closed = [self._tick(hour, each, now, known, found) for each in range(shards)]
            if not all(closed) and found.first_open is None:
                found.first_open = hour
        self._hand_over(found, now)

    def _tick(
        self,
        hour: datetime,
        shard: int,
        now: datetime,
        known: Mapping[HourAndShard, ShardProgress],
        found: _Found,
    ) -> bool:
        """Work one shard of an hour, or leave it to a worker; whether it is closed now."""
        if not found.report.complete or not self.has_time():
            found.report = replace(found.report, complete=False)
            return False
        progress = known.get((hour, shard)) or ShardProgress(hour=hour, shard=shard)
        if progress.is_closed:
            return True
        closing = self._is_closing(hour, now)
        page = self._page(progress, now, closing=closing)
        if page.cursor is not None and self.queue is not None:
            if self._may_queue(progress):
                found.to_queue.append(progress)
            return False
        report, reached = self._worked(progress, now, page, closing=closing)
        found.report += report
        if reached.is_closed:
            found.unstored.append(reached)
        elif reached != progress:
            self._save(reached, now)
        return reached.is_closed

    def _may_queue(self, progress: ShardProgress) -> bool:
        queued_at = progress.queued_at
        return queued_at is None or self.clock() - queued_at >= QUEUED_AGAIN_AFTER

    def _hand_over(self, found: _Found, now: datetime) -> None:
        """Leave shards to workers; a message sent twice changes nothing, one never sent would."""
        shards, found.to_queue = found.to_queue, []
        if not shards:
            return
        assert self.queue is not None
        self.queue.send(
            [DueShard(kind=self.kind, hour=each.hour, shard=each.shard, now=now) for each in shards]
        )
        for each in shards:
            self._save(replace(each, queued_at=self.clock()), now)
        found.report += SweepReport(queued=len(shards))

    def _keep(
        self, found: _Found, now: datetime, *, before: datetime, stored: datetime | None
    ) -> datetime:
        """Keep how far the sweep came, but never beyond the wall clock; the first open hour.

        Every hour `before` has been looked at. What was closed is kept by shard only where an
        earlier hour is open: else the first open hour says it.
        """
        until = min(now, self.clock()).replace(minute=0, second=0, microsecond=0) - CLOSED_AFTER
        first_open = min(until, before, found.first_open or before)
        for each in found.unstored:
            if each.hour >= first_open:
                self._save(each, now)
        found.unstored.clear()
        if stored is None or first_open > stored:
            self.store.save_progress(self.kind, SweepProgress(first_open_hour=first_open))
            return first_open
        return stored

    # --- A worker ---------------------------------------------------------------------------

    def work(self, hour: datetime, shard: int, now: datetime) -> SweepReport:
        """Visit what is due of one shard, from where whoever came before has stopped."""
        progress = self.store.shard(self.kind, hour, shard)
        if progress.is_closed:
            return _NOTHING
        closing = self._is_closing(hour, now)
        page = self._page(progress, now, closing=closing)
        report, reached = self._worked(progress, now, page, closing=closing)
        if report.complete:
            rests = closing and not reached.is_closed
            again_at = self.clock() + PASSED_AGAIN_AFTER - QUEUED_AGAIN_AFTER
            reached = replace(reached, queued_at=again_at if rests else None)
        if reached != progress:
            self._save(reached, now)
        return report

    # --- Pages ------------------------------------------------------------------------------

    def _worked(
        self, progress: ShardProgress, now: datetime, page: MarkerPage, *, closing: bool
    ) -> tuple[SweepReport, ShardProgress]:
        """One shard from its cursor on; `page` is the first. What is returned is not stored yet.

        Whether this is the pass that closes the hour was decided before the first page was read:
        the clock may come to that time meanwhile, and the page would be of the other cursor. The
        pass that closes an hour has a cursor of its own: where one run is too short for the
        hour, the next one goes on. It notes a failed visit, so that the pass is made again.
        """
        report = _NOTHING
        for _ in range(MAX_PAGES):
            visited, count = self._visited(page, now)
            report += visited
            if closing and visited.failed:
                progress = replace(progress, has_failed=True)
            if page.cursor is not None and visited.complete:
                progress = _moved(progress, page.cursor, closing=closing)
            elif not visited.complete and count:
                progress = _moved(progress, page.places[count - 1], closing=closing)
            if page.cursor is None or not visited.complete:
                if not closing and count == len(page.markers) and not visited.failed:
                    progress = self._settled(progress, page, now)
                break
            is_queued = progress.queued_at is not None
            at_work = replace(progress, queued_at=self.clock() if is_queued else None)
            progress = self._save(at_work, now)
            page = self._page(progress, now, closing=closing)
        if closing and report.complete:
            progress = _passed(progress)
        return report, progress

    def _settled(self, progress: ShardProgress, page: MarkerPage, now: datetime) -> ShardProgress:
        """Past what needs no look before the closing pass, at the end of what is due."""
        until = min(now, self.clock()) - SETTLED_AFTER
        count = sum(marker.due_at <= until for marker in page.markers)
        if count < WORTH_A_WRITE:
            return progress
        return _moved(progress, page.places[count - 1], closing=False)

    def _page(self, progress: ShardProgress, now: datetime, *, closing: bool) -> MarkerPage:
        return self.store.markers(
            self.kind,
            progress.hour,
            progress.shard,
            until=now,
            after=progress.closing if closing else progress.cursor,
            limit=PAGE_SIZE,
        )

    def _is_closing(self, hour: datetime, now: datetime) -> bool:
        return hour + _HOUR + CLOSED_AFTER <= min(now, self.clock())

    def _save(self, progress: ShardProgress, now: datetime) -> ShardProgress:
        """Keep how far a shard was worked off, unless that is for a time still to come.

        By a clock that is a little behind it is not: a worker that did not say that it is through
        would keep everybody from the shard until it counts as lost. Nothing is closed by that.

        Who finds that another worker has stored something goes on with what it has done itself, and
        stores that the next time.
        """
        if now > self.clock() + CLOCKS_DIFFER:
            return progress
        stored = self.store.save_shard(self.kind, progress)
        return replace(progress, revision=stored.revision)

    # --- Visits -----------------------------------------------------------------------------

    def _visited(self, page: MarkerPage, now: datetime) -> tuple[SweepReport, int]:
        """Visit a page; how many of its markers were visited before the time ran out."""
        outcomes: list[int | LedgerError] = []
        again: Sequence[int] = range(len(page.markers))
        for attempt in range(VISIT_ROUNDS):
            found = self.pace.run(
                [page.markers[place] for place in again],
                lambda marker: self._visit(marker, now),
                has_time=self.has_time,
            )
            if attempt == 0:
                outcomes = found
            else:
                for place, outcome in zip(again, found, strict=False):
                    outcomes[place] = outcome
            again = [n for n, each in enumerate(outcomes) if isinstance(each, ConflictError)]
            if not again:
                break
        count = len(outcomes)
        return self._reported(page.markers[:count], outcomes, of=len(page.markers)), count

    def _visit(self, marker: Marker, now: datetime) -> int | LedgerError:
        try:
            return self.visit(marker.target, now)
        except LedgerError as error:
            return error

    def _reported(
        self, markers: Sequence[Marker], outcomes: Sequence[int | LedgerError], *, of: int
    ) -> SweepReport:
        posted = [each for each in outcomes if isinstance(each, int)]
        for marker, outcome in zip(markers, outcomes, strict=True):
            if isinstance(outcome, LedgerError):
                self.failed(marker, outcome)
        return SweepReport(
            due=sum(each > 0 for each in posted),
            posted=sum(posted),
            failed=len(outcomes) - len(posted),
            visited=len(outcomes),
            complete=len(outcomes) == of,
        )


def _moved(progress: ShardProgress, cursor: str, *, closing: bool) -> ShardProgress:
    return replace(progress, closing=cursor) if closing else replace(progress, cursor=cursor)


def _passed(progress: ShardProgress) -> ShardProgress:
    """After the closing pass: closed, or with the whole pass to be made again."""
    if progress.has_failed:
        return replace(progress, closing=None, has_failed=False)
    return replace(progress, is_closed=True)
