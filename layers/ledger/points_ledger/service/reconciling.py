"""The reconciliation: checks members one by one, page by page, and goes on where it stopped.

A run checks first who had a difference before, then everybody whose ledger was written since the
last run, then a part of all members, so that in time everybody comes to their turn. A page is kept
in one conditional write, with where the next one begins: a worker that is killed loses one page,
and two workers at once check some members twice and count each once.

Whoever has a difference that was not known before is frozen, alone, and it is told. A member who
is written while being looked at may seem inconsistent: only what two looks in a row agree on
counts.
"""

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, cast

from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain_unchecked
from points_ledger.domain.error import BrokenInvariantError, ConflictError, LimitExceededError
from points_ledger.domain.identity import EarningKey, MemberId, RedemptionId
from points_ledger.domain.reconciliation import (
    MAX_BROKEN,
    REPORTED_ONLY,
    Broken,
    Holdings,
    Invariant,
    StoredEarning,
    StoredRedemption,
    broken_beside,
    broken_in_chain,
    is_late,
    redemptions_of,
    sources_of,
)
from points_ledger.domain.verification import Book, verify
from points_ledger.service.directory import SHARDS, partition_of
from points_ledger.service.integrity import (
    CHANGED_SHARDS,
    MAX_FINDINGS,
    Finding,
    Integrity,
    IntegrityStore,
    Run,
)
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    LedgerReader,
    ListReader,
    Marker,
    Put,
    Redemption,
    RedemptionKey,
    Store,
)
from points_ledger.service.programs import Programs

PAGE_MEMBERS: Final = 50
"""Members that are checked between two writes of the progress."""
SAMPLE_MEMBERS: Final = 1_000
"""Members that every run checks because it is their turn."""
MAX_CHANGED_HOURS: Final = 30 * 24
"""Notes are kept so long; a run that comes later finds members by their turn."""
FIRST_HOURS: Final = 2
"""How far back the first run of a stack looks for who was written; all have their turn."""
MAX_PAGE_QUERIES: Final = 400
"""Hours and shards without anybody that one page passes over."""
MAX_LOOKS: Final = 4
"""Looks at one member; who is written between all of them comes again with the next run."""
ENTRIES_PER_READ: Final = 500
MAX_ENTRIES: Final = 20_000
MAX_RECOMPUTED: Final = 2_000
"""Longer chains are checked for all but what their rules come to."""
MAX_EARNINGS: Final = 500
"""Earnings of a member that are compared with the entries: those with something pending, and the
latest of the others."""
MAX_STRAYS: Final = 100
"""Earnings that the index has under a member, and that are not among those compared already."""
MAX_REDEMPTIONS: Final = 100
"""Redemptions of a member that are compared with the entries: the open ones and the latest."""
MAX_FROZEN: Final = 100
"""Members that one run freezes: where more seem broken it is rather what looks at them, and people
decide. All are told."""
LATE_AFTER: Final = timedelta(hours=3)
"""The sweeps' own second pass is over by then."""
ACTOR: Final = "schedule:reconciliation"
REASON: Final = "reconciliation"
_HOUR: Final = timedelta(hours=1)


UNEXPECTED: Final = (
    BrokenInvariantError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AssertionError,
    zlib.error,
)
"""What looking at a ledger that is not as it should be may raise."""


class UnreadableItemError(Exception):
    """A stored item of a member cannot be read; `entry` is its number, where it is an entry."""

    def __init__(self, entry: int | None) -> None:
        """What the item holds is not told."""
        super().__init__(entry)
        self.entry = entry


class LedgerScan(Protocol):
    """Reads of a member's stored ledger, item by item and consistently."""

    def entries_after(self, member_id: MemberId, number: int, *, limit: int) -> Sequence[Entry]:
        """Entries after a number, oldest first.

        Raises:
            UnreadableItemError: one of them cannot be read.
        """

    def earnings(
        self, keys: Sequence[EarningKey], members: Sequence[MemberId]
    ) -> Mapping[EarningKey, StoredEarning]:
        """Earnings, and under which of the members the index has each.

        Raises:
            UnreadableItemError: one of them cannot be read.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one member's check came to; `broken` is None where no two looks agreed."""

    member_id: MemberId
    broken: tuple[Broken, ...] | None
    rearmed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What one invocation did; `complete` says whether the run is done."""

    checked: int = 0
    differences: int = 0
    frozen: int = 0
    rearmed: int = 0
    failed: int = 0
    complete: bool = True


Gather = Callable[[Callable[[MemberId], Checked], Iterable[MemberId]], Iterable[Checked]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Members to check, the run and the reconciliation once they are."""

    members: tuple[MemberId, ...]
    run: Run
    integrity: Integrity


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """Checks members against the invariants.

    Attributes:
        tell: publishes a difference that was not known before; telling it again is harmless.
        failed: told of each member whose check failed by itself.
        gather: how the members of a page are checked: one after the other, or side by side.
    """

    path: WritePath
    store: Store
    scan: LedgerScan
    reader: LedgerReader
    lists: ListReader
    integrity: IntegrityStore
    programs: Programs
    clock: Callable[[], datetime]
    tell: Callable[[Finding], None]
    failed: Callable[[MemberId, Exception], None] = lambda _member_id, _error: None
    gather: Gather = map

    def run(self, now: datetime, *, has_time: Callable[[], bool]) -> Reconciled:
        """Go on with the run that is under way, or begin one, until it is done or time is short."""
        integrity = self._begun(now)
        done = Reconciled()
        while integrity is not None and integrity.running is not None:
            if not has_time():
                return replace(done, complete=False)
            before = integrity.running
            integrity = self._page(integrity, now)
            if integrity is not None and integrity.run is not None:
                done = _added(done, before, integrity.run)
        return done

    def _begun(self, now: datetime) -> Integrity | None:
        """The run under way, or a new one; None where somebody else has just begun one."""
        stored = self.integrity.integrity()
        if stored.running is not None:
            return stored
        clock = self.clock()
        begun = Run(now=now, started_at=clock, updated_at=clock)
        return self._kept(replace(stored, run=begun, previous=stored.last), stored)

    def _kept(self, newer: Integrity, stored: Integrity) -> Integrity | None:
        newer = replace(newer, revision=stored.revision + 1)
        return newer if self.integrity.save(newer, expected=stored.revision) else None

    # --- Pages ------------------------------------------------------------------------------

    def _page(self, integrity: Integrity, now: datetime) -> Integrity | None:
        """Check the next members and keep what that came to; None where somebody else did."""
        page = self._next(integrity)
        known = {
            (finding.member_id, finding.invariant): finding
            for finding in (*_findings(integrity.previous), *_findings(integrity.run))
        }
        run = page.run
        for checked in self.gather(lambda id_: self._check(id_, now), page.members):
            run = self._noted(run, checked, known)
        clock = self.clock()
        run = replace(run, updated_at=clock)
        if run.phase == "done":
            run = replace(run, finished_at=clock)
        return self._kept(replace(page.integrity, run=run), integrity)

    def _noted(
        self, run: Run, checked: Checked, known: Mapping[tuple[MemberId, Invariant], Finding]
    ) -> Run:
        """The run with one member's check; new differences freeze the member and are told."""
        run = replace(run, checked=run.checked + 1, rearmed=run.rearmed + checked.rearmed)
        if checked.broken is None:
            return replace(run, failed=run.failed + 1)
        if not checked.broken or any(f.member_id == checked.member_id for f in run.findings):
            return run
        found, frozen = [], 0
        for broken in checked.broken[:MAX_BROKEN]:
            before = known.get((checked.member_id, broken.invariant))
            finding = Finding(
                member_id=checked.member_id,
                invariant=broken.invariant,
                entry=broken.entry,
                detail=broken.detail,
                found_at=before.found_at if before else self.clock(),
                frozen=before.frozen if before else False,
            )
            if before is None:
                if broken.invariant not in REPORTED_ONLY and run.frozen + frozen < MAX_FROZEN:
                    newly = self._freeze(checked.member_id)
                    frozen += newly
                    finding = replace(finding, frozen=self._is_frozen(checked.member_id))
                self.tell(finding)
            found.append(finding)
        return replace(
            run,
            frozen=run.frozen + frozen,
            difference_count=run.difference_count + 1,
            findings=(*run.findings, *found)[:MAX_FINDINGS],
        )

    def _next(self, integrity: Integrity) -> _Page:
        """The members of the next page, and where the one after it begins."""
        run = integrity.run
        assert run is not None
        match run.phase:
            case "open":
                ids = dict.fromkeys(f.member_id for f in _findings(integrity.previous))
                moved = replace(run, phase="changed", place=None)
                return _Page(members=tuple(ids), run=moved, integrity=integrity)
            case "changed":
                return self._changed(integrity, run)
            case "sample" | "done":
                return self._sample(integrity, run)

    def _changed(self, integrity: Integrity, run: Run) -> _Page:
        """Members that were written since the last run, by the hour of the wall clock.

        The hour that is not over, and the one before it, are covered again by the next run.
        """
        last = _hour(run.started_at)
        earliest = last - MAX_CHANGED_HOURS * _HOUR
        first = max(integrity.covered_until or last - FIRST_HOURS * _HOUR, earliest)
        hour, shard, cursor = (first, 0, None) if run.place is None else _read(run.place)
        members: dict[MemberId, None] = {}
        for _ in range(MAX_PAGE_QUERIES):
            if hour > last or len(members) >= PAGE_MEMBERS:
                break
            page = self.integrity.changed(hour, shard, limit=PAGE_MEMBERS, cursor=cursor)
            members |= dict.fromkeys(page.members)
            cursor = page.cursor
            if cursor is None:
                hour, shard = (hour, shard + 1) if shard + 1 < CHANGED_SHARDS else (hour + _HOUR, 0)
        run = replace(run, changed=run.changed + len(members))
        if hour > last:
            run = replace(run, phase="sample", place=None)
            integrity = replace(integrity, covered_until=last - _HOUR)
        else:
            run = replace(run, place=json.dumps([hour.isoformat(), shard, cursor]))
        return _Page(members=tuple(members), run=run, integrity=integrity)

    def _sample(self, integrity: Integrity, run: Run) -> _Page:
        """Members whose turn it is: the directory in a circle, at most once in a run."""
        shard, cursor = integrity.sample_shard, integrity.sample_cursor
        # Where the last run stopped within a shard, the circle ends with the rest of that shard.
        passed = int(cursor is None) if run.place is None else int(run.place)
        members: list[MemberId] = []
        room = min(PAGE_MEMBERS, SAMPLE_MEMBERS - run.sampled)
        while len(members) < room and passed <= SHARDS:
            page = self.lists.listed(
                "members",
                partition_of(shard),
                limit=room - len(members),
                cursor=cursor,
                consistent=True,
            )
            members += map(MemberId, page.ids)
            cursor = page.cursor
            if cursor is None:
                shard, passed = (shard + 1) % SHARDS, passed + 1
        run = replace(run, sampled=run.sampled + len(members), place=str(passed))
        is_over = passed > SHARDS or run.sampled >= SAMPLE_MEMBERS
        run = replace(run, phase="done" if is_over else "sample")
        integrity = replace(integrity, sample_shard=shard, sample_cursor=cursor)
        return _Page(members=tuple(members), run=run, integrity=integrity)

    # --- One member -------------------------------------------------------------------------

    def _check(self, member_id: MemberId, now: datetime) -> Checked:
        """Look at one member until two looks agree."""
        before: tuple[Broken, ...] | None = None
        for _ in range(MAX_LOOKS):
            try:
                broken, rearmed = self._look(member_id, now)
            except UnreadableItemError as error:
                broken, rearmed = (Broken(invariant="readable", entry=error.entry),), 0
            except ConflictError:
                continue
            except (LimitExceededError, *UNEXPECTED) as error:
                # Perhaps a defect of ours, which must not freeze everybody in one night.
                self.failed(member_id, error)
                break
            if not broken or broken == before:
                return Checked(member_id=member_id, broken=broken, rearmed=rearmed)
            before = broken
        return Checked(member_id=member_id, broken=None)

    def _look(self, member_id: MemberId, now: datetime) -> tuple[tuple[Broken, ...], int]:
        chain = self._chain(member_id)
        if not chain:
            return (Broken(invariant="entries_gap_free", detail="no entry is there"),), 0
        broken = list(broken_in_chain(member_id, chain))
        head = chain[-1]
        if broken or head.state.standing.status in ("merged", "erased"):
            return tuple(broken[:MAX_BROKEN]), 0
        aliases = head.state.standing.aliases
        chains = {**{id_: self._chain(id_) for id_ in aliases}, member_id: chain}
        holdings, asked = self._holdings(member_id, chains)
        broken += broken_beside(holdings, asked)
        broken += self._recomputed(member_id, chains)
        return tuple(broken[:MAX_BROKEN]), self._rearm(holdings, now)

    def _chain(self, member_id: MemberId) -> tuple[Entry, ...]:
        """All entries, oldest first.

        Raises:
            LimitExceededError: there are more than can be looked at.
        """
        entries: list[Entry] = []
        while len(entries) < MAX_ENTRIES:
            number = entries[-1].number if entries else 0
            page = self.scan.entries_after(member_id, number, limit=ENTRIES_PER_READ)
            entries += page
            if len(page) < ENTRIES_PER_READ:
                return tuple(entries)
        raise LimitExceededError("entries_of_member", MAX_ENTRIES)

    def _holdings(
        self, member_id: MemberId, chains: Mapping[MemberId, Sequence[Entry]]
    ) -> tuple[Holdings, tuple[EarningKey, ...]]:
        named = sources_of(chains)[:MAX_EARNINGS]
        asked = (*named, *self._strays(chains, named))
        ids = dict.fromkeys((*chains[member_id][-1].state.reservations, *redemptions_of(chains)))
        keys = [RedemptionKey(redemption_id=RedemptionId(id_)) for id_ in [*ids][:MAX_REDEMPTIONS]]
        found = self.store.get(keys) if keys else {}
        redemptions = (cast("Redemption", found[key]) for key in keys if key in found)
        holdings = Holdings(
            member_id=member_id,
            chains=chains,
            earnings=self.scan.earnings(asked, tuple(chains)),
            redemptions={
                str(each.redemption_id): StoredRedemption(
                    status=each.status, spent=each.captured - each.reversed
                )
                for each in redemptions
            },
        )
        return holdings, asked

    def _strays(
        self, chains: Mapping[MemberId, Sequence[Entry]], known: Collection[EarningKey]
    ) -> tuple[EarningKey, ...]:
        """Earnings that the index has under the member beside the known: nobody posted them."""
        pages = (
            self.reader.pending_earnings(id_, limit=MAX_STRAYS + len(known), cursor=None)
            for id_ in chains
        )
        found = dict.fromkeys(key for page in pages for key in page.keys)
        return tuple(key for key in found if key not in known)[:MAX_STRAYS]

    def _recomputed(
        self, member_id: MemberId, chains: Mapping[MemberId, Sequence[Entry]]
    ) -> list[Broken]:
        """What the rules come to, computed again from what the entries say they rest on."""
        if sum(map(len, chains.values())) > MAX_RECOMPUTED:
            return []
        programs = {number: self.programs.version(number) for number in _versions_named(chains)}
        return [
            Broken(
                invariant="entry_recomputed",
                entry=verified.difference.number,
                detail=verified.difference.field,
            )
            for verified in verify(Book(chains=chains, programs=programs))
            if verified.difference is not None and verified.member_id == member_id
        ]

    def _rearm(self, holdings: Holdings, now: datetime) -> int:
        """Make markers again of pending earnings whose time was over some hours ago."""
        members = tuple(holdings.chains)
        late = [
            key
            for key, stored in holdings.earnings.items()
            if any(
                stored.earning.posted[id_].pending
                for id_ in members
                if id_ in stored.earning.posted
            )
            and stored.earning.program_version is not None
            and is_late(
                stored.earning,
                members,
                self.programs.version(stored.earning.program_version),
                now - LATE_AFTER,
            )
        ]
        for key in late:
            marker = Marker(kind="hold_release", due_at=now, target=str(key))
            self.store.commit((Put(item=marker),))
        return len(late)

    # --- Freezing ---------------------------------------------------------------------------

    def _freeze(self, member_id: MemberId) -> int:
        """Freeze an active member, by an entry; how many were frozen by this.

        Who cannot be read cannot be written either: nothing can be done with such a ledger, which
        is as good as frozen.
        """
        try:
            return self.path.run(lambda view: self._frozen(view, member_id))
        except (ConflictError, *UNEXPECTED):
            return 0

    def _frozen(self, view: View, member_id: MemberId) -> Decision[int]:
        head = view.head(member_id)
        if head is None or head.state.standing.status != "active":
            return Decision(result=0)
        now = latest(self.clock(), [head])
        posting = Posting(
            type="change",
            at=now,
            standing=replace(head.state.standing, status="frozen"),
            actor=ACTOR,
            reason=REASON,
        )
        entry = chain_unchecked(head, member_id, posting, now)
        writes = posting_writes([entry], [head], self.programs.at(now))
        return Decision(result=1, writes=writes)

    def _is_frozen(self, member_id: MemberId) -> bool:
        try:
            head = self.store.head(member_id)
        except UNEXPECTED:
            return False
        return head is not None and head.state.standing.status == "frozen"


def _versions_named(chains: Mapping[MemberId, Sequence[Entry]]) -> set[int]:
    """The numbers of the program versions that entries were computed by."""
    postings = [entry.posting for chain in chains.values() for entry in chain]
    priced = (posting.inputs.get("priced_by", "") for posting in postings)
    numbers = {posting.program_version for posting in postings}
    return {each for each in numbers if each is not None} | {
        int(text) for text in priced if text.isdecimal()
    }


def _findings(run: Run | None) -> tuple[Finding, ...]:
    return () if run is None else run.findings


def _added(done: Reconciled, before: Run, after: Run) -> Reconciled:
    """What an invocation did, with one page more."""
    return Reconciled(
        checked=done.checked + after.checked - before.checked,
        differences=done.differences + after.difference_count - before.difference_count,
        frozen=done.frozen + after.frozen - before.frozen,
        rearmed=done.rearmed + after.rearmed - before.rearmed,
        failed=done.failed + after.failed - before.failed,
    )


def _hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _read(place: str) -> tuple[datetime, int, str | None]:
    hour, shard, cursor = json.loads(place)
    return parse_instant(hour), shard, cursor
