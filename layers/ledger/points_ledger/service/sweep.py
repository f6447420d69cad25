"""The one sweep: visits what is due by its markers, page by page, and resumes where it stopped.

A marker only says that a look is due. The visit decides from the item itself, so a sweep that
runs twice, late, twice at the same time, or is killed at any point changes nothing more.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import LedgerError
from points_ledger.service.ports import Marker, MarkerKind, SweepProgress, SweepStore

PAGE_SIZE: Final = 100
CLOSED_AFTER: Final = timedelta(hours=1)
"""An hour is closed this long after its end, by a last pass from its start."""
_HOUR: Final = timedelta(hours=1)
_CLOSING: Final = "#closing"
_FAILED: Final = "#failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one run did.

    Attributes:
        due: visited targets that had something to post.
        posted: entries posted.
        failed: visits that failed; the pass that closes the hour visits them again.
        visited: markers visited.
        complete: everything due was visited before the time ran out.
    """

    due: int = 0
    posted: int = 0
    failed: int = 0
    visited: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Visits all markers of a kind.

    Attributes:
        visit: looks at one target at an instant and returns the number of entries posted.
        has_time: whether there is time for another page.
        clock: the wall clock; progress is only ever kept up to it, so a run for a future
            instant (local stack) leaves no gap behind.
        failed: told of each failed visit.
    """

    kind: MarkerKind
    store: SweepStore
    visit: Callable[[str, datetime], int]
    clock: Callable[[], datetime]
    has_time: Callable[[], bool] = lambda: True
    failed: Callable[[Marker, LedgerError], None] = lambda _marker, _error: None

    def run(self, now: datetime) -> SweepReport:
        """Visit everything due at `now`."""
        progress = self.store.progress(self.kind)
        report = SweepReport()
        hours = self.store.due_hours(self.kind, since=progress.first_open_hour, until=now)
        still_open: list[datetime] = []
        for hour, shards in hours:
            closing = hour + _HOUR + CLOSED_AFTER <= min(now, self.clock())
            clean = report.complete
            for shard in range(shards):
                if not report.complete:
                    break
                progress, report = self._shard(progress, report, hour, shard, now, closing=closing)
                failed_before = f"{hour:%Y-%m-%dT%H}#{shard}{_FAILED}" in progress.cursors
                clean = clean and report.complete and not failed_before
                if report.complete and failed_before:
                    progress = _from_the_start(progress, hour, shard)
            if not (closing and clean):
                still_open.append(hour)
        self._keep(progress, still_open, now)
        return report

    def _shard(
        self,
        progress: SweepProgress,
        report: SweepReport,
        hour: datetime,
        shard: int,
        now: datetime,
        *,
        closing: bool,
    ) -> tuple[SweepProgress, SweepReport]:
        """One shard from its cursor on.

        The pass that closes an hour has a cursor of its own: where one run is too short for the
        hour, the next one goes on. It notes a failed visit, so that the pass is made again.
        """
        hour_and_shard = f"{hour:%Y-%m-%dT%H}#{shard}"
        place = hour_and_shard + _CLOSING if closing else hour_and_shard
        cursor = progress.cursors.get(place)
        while True:
            if not self.has_time():
                return progress, replace(report, complete=False)
            page = self.store.markers(
                self.kind, hour, shard, until=now, after=cursor, limit=PAGE_SIZE
            )
            failures = report.failed
            for marker in page.markers:
                report = self._visited(report, marker, now)
            if closing and report.failed > failures:
                cursors = {**progress.cursors, hour_and_shard + _FAILED: ""}
                progress = replace(progress, cursors=cursors)
            if page.cursor is not None:
                cursor = page.cursor
                if now <= self.clock():
                    progress = replace(progress, cursors={**progress.cursors, place: cursor})
            if page.cursor is None or len(page.markers) < PAGE_SIZE:
                return progress, report

    def _visited(self, report: SweepReport, marker: Marker, now: datetime) -> SweepReport:
        report = replace(report, visited=report.visited + 1)
        try:
            posted = self.visit(marker.target, now)
        except LedgerError as error:
            self.failed(marker, error)
            return replace(report, failed=report.failed + 1)
        return replace(report, posted=report.posted + posted, due=report.due + bool(posted))

    def _keep(self, progress: SweepProgress, still_open: list[datetime], now: datetime) -> None:
        """Keep how far the sweep came, but never beyond the wall clock."""
        reached = min(now, self.clock()).replace(minute=0, second=0, microsecond=0)
        first_open = min([reached - CLOSED_AFTER, *still_open])
        cursors = {
            place: cursor
            for place, cursor in progress.cursors.items()
            if place[:13] >= f"{first_open:%Y-%m-%dT%H}"
        }
        self.store.save_progress(
            self.kind, SweepProgress(first_open_hour=first_open, cursors=cursors)
        )


def _from_the_start(progress: SweepProgress, hour: datetime, shard: int) -> SweepProgress:
    """The progress with the closing pass of a shard to be made again."""
    place = f"{hour:%Y-%m-%dT%H}#{shard}"
    dropped = {place + _CLOSING, place + _FAILED}
    kept = {name: cursor for name, cursor in progress.cursors.items() if name not in dropped}
    return replace(progress, cursors=kept)
