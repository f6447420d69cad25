"""The recount: all entries of everybody added up again, beside the totals that the stream kept.

It walks the directory of members and adds up what each entry comes to, by the same function that
counts the stream, for all days that are over. A page is kept in one transaction, with the sums and
with where the next one begins: a worker that is killed loses one page, and of two workers the
slower one gives way. Then the sums are compared with the stored totals, year by year.

What has just been stored may not have been counted yet. So a difference counts only when two
recounts more than a day apart see the same one: the stream keeps nothing for longer, and what was
not counted by then never will be. Such a difference is added to the totals where that is asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import ConflictError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import ORIGIN_COUNTERS, USE_COUNTERS, summed
from points_ledger.service.directory import SHARDS, partition_of
from points_ledger.service.ledger_totals import DAYS, MONTHS, RESULTS, RULES, count_ledger
from points_ledger.service.ports import ListReader
from points_ledger.service.programs import Programs
from points_ledger.service.reconciling import LedgerScan, UnreadableItemError
from points_ledger.service.recounts import (
    HELD,
    Counters,
    Discrepancy,
    Recount,
    RecountStore,
    Sums,
    TotalsMender,
    Year,
)
from points_ledger.service.totalling import Change, TotalsKey
from points_ledger.service.totals import TotalsReader

PAGE_MEMBERS: Final = 100
"""Members that are added up between two writes of the progress: few, since there is no stop before
the page is through, and an account may be long."""
ENTRIES_PER_READ: Final = 500
MAX_READS: Final = 40
"""Reads of one chain: 20,000 entries."""
MAX_YEARS: Final = 90
"""Years of one page: what one transaction stores, with the progress."""
MAX_DAYS_OF_YEAR: Final = 366
MAX_MONTHS_OF_YEAR: Final = 12
MAX_RESULTS_OF_YEAR: Final = 36
MAX_MONTHS_KEPT: Final = 1_200
MAX_SHOWN: Final = 20
"""Differences that a recount shows; it counts further ones too."""
EVERY: Final = timedelta(days=7)
"""How often the totals are recounted without being asked for."""
FORGOTTEN_AFTER: Final = timedelta(hours=25)
"""The table's stream keeps a change for 24 hours: what it has not told by then is never told."""
SETTLED_AFTER: Final = timedelta(hours=2)
"""How long a day has to be over before it is added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted:
    """What one invocation did."""

    members: int = 0
    confirmed: int = 0
    healed: int = 0
    broke: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What the entries of some members come to."""

    entries: int
    unreadable: int
    sums: dict[TotalsKey, Counter[str]]
    whole: Counter[str]


Gather = Callable[[Callable[[MemberId], _Counted], Iterable[MemberId]], Iterable[_Counted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounting:
    """Recounts the totals of the ledger.

    Attributes:
        gather: how the members of a page are added up: one after the other, or side by side.
    """

    scan: LedgerScan
    lists: ListReader
    store: RecountStore
    totals: TotalsReader
    mender: TotalsMender
    programs: Programs
    clock: Callable[[], datetime]
    gather: Gather = map

    def run(self, *, heals: bool, has_time: Callable[[], bool]) -> Recounted:
        """Go on with the recount under way, or begin one if it is time or asked for."""
        recount = self._begun(heals=heals)
        done = Recounted()
        while recount is not None and recount.is_running:
            if not has_time():
                return replace(done, complete=False)
            before = recount
            is_walking = recount.shard < SHARDS
            recount = self._walk(recount) if is_walking else self._compare(recount)
            if recount is not None:
                done = _added(done, before, recount)
        return done

    def _begun(self, *, heals: bool) -> Recount | None:
        """The recount under way, or a new one; None where there is none to be made now."""
        stored, now = self.store.recount(), self.clock()
        if stored.is_running:
            if heals and not stored.heals:
                return self._kept(replace(stored, heals=True), {}, stored)
            return stored
        if not heals and stored.begun_at is not None and now - stored.begun_at < EVERY:
            return None
        begun = Recount(
            begun_at=now,
            before_at=stored.begun_at,
            until=local_day(now - SETTLED_AFTER, self.programs.at(now).zone),
            heals=heals,
        )
        return self._kept(begun, {}, stored)

    def _kept(self, newer: Recount, years: Mapping[str, Year], stored: Recount) -> Recount | None:
        newer = replace(newer, revision=stored.revision + 1)
        return newer if self.store.save(newer, years, expected=stored.revision) else None

    def _year(self, recount: Recount, name: str) -> Year:
        """What this recount knows of a year, and what the one before it found missing."""
        assert recount.begun_at is not None, "it has begun"
        known = self.store.year(name)
        if known is not None and known.begun_at == recount.begun_at:
            return known
        is_before = known is not None and known.begun_at == recount.before_at
        missing = known.missing if known is not None and is_before else {}
        return Year(begun_at=recount.begun_at, missing_before=missing)

    # --- Adding up --------------------------------------------------------------------------

    def _walk(self, recount: Recount) -> Recount | None:
        """Add the next members up; after the last of them the years are known."""
        page = self.lists.listed(
            "members",
            partition_of(recount.shard),
            limit=PAGE_MEMBERS,
            cursor=recount.cursor,
            consistent=True,
        )
        counted = _together(self.gather(self._member(recount), map(MemberId, page.ids)))
        names = sorted({key.place[:4] for key in counted.sums})
        if len(names) > MAX_YEARS:
            raise ConflictError
        years = {name: _with(self._year(recount, name), counted.sums, name) for name in names}
        newer = replace(
            recount,
            shard=recount.shard + (page.cursor is None),
            cursor=page.cursor,
            members=recount.members + len(page.ids),
            entries=recount.entries + counted.entries,
            unreadable=recount.unreadable + counted.unreadable,
            whole=summed(recount.whole, counted.whole),
            years=tuple(sorted({*recount.years, *names})),
        )
        if newer.shard == SHARDS:
            newer = replace(newer, years=tuple(sorted({*newer.years, *self._stored_years()})))
        return self._kept(newer, years, recount)

    def _member(self, recount: Recount) -> Callable[[MemberId], _Counted]:
        """What adds up one member's entries of the days that are over."""

        def counted(member_id: MemberId) -> _Counted:
            found = _Counted(entries=0, unreadable=0, sums={}, whole=Counter())
            entries = 0
            try:
                for entry in self._entries(member_id):
                    if self._day(entry.recorded_at) < recount.until:
                        entries += 1
                        self._add(entry, found)
            except UnreadableItemError:
                return replace(found, entries=entries, unreadable=1)
            return replace(found, entries=entries)

        return counted

    def _entries(self, member_id: MemberId) -> Iterable[Entry]:
        """All entries, oldest first.

        Raises:
            UnreadableItemError: one of them cannot be read, or there are more than are looked at.
        """
        number = 0
        for _ in range(MAX_READS):
            page = self.scan.entries_after(member_id, number, limit=ENTRIES_PER_READ)
            yield from page
            if len(page) < ENTRIES_PER_READ:
                return
            number = page[-1].number
        raise UnreadableItemError(number)

    def _add(self, entry: Entry, found: _Counted) -> None:
        change = Change(sequence_number=0, at=entry.recorded_at, after=entry)
        for each in count_ledger(change, self.programs.at):
            found.sums.setdefault(each.key, Counter()).update(each.counters)
        posting = entry.posting
        found.whole.update(
            {name: posting.counters.get(name, 0) for name in (*ORIGIN_COUNTERS, *USE_COUNTERS)}
        )
        found.whole.update({name: getattr(posting, name) for name in HELD})

    def _day(self, instant: datetime) -> date:
        return local_day(instant, self.programs.at(instant).zone)

    # --- Comparing --------------------------------------------------------------------------

    def _stored_years(self) -> set[str]:
        """The years of which there are totals."""
        page = self.totals.page(MONTHS, limit=MAX_MONTHS_KEPT)
        return {place[:4] for place in page.counters}

    def _compare(self, recount: Recount) -> Recount | None:
        """Compare the next year; after the last one the recount is done."""
        if not recount.years:
            return self._kept(replace(recount, finished_at=self.clock()), {}, recount)
        name, *later = recount.years
        year, stored = self._year(recount, name), self._totals_of(name)
        found = [
            self._mended(recount, discrepancy, stored.get(discrepancy.key, {}))
            for discrepancy in self._discrepancies(recount, year, stored)
        ]
        newer = replace(
            recount,
            years=tuple(later),
            differing=recount.differing + len(found),
            confirmed=recount.confirmed + sum(each.confirmed for each in found),
            healed=recount.healed + sum(each.healed for each in found),
            shown=(*recount.shown, *found)[:MAX_SHOWN],
        )
        missing = {each.key: each.missing for each in found if not each.healed}
        return self._kept(newer, {name: replace(year, missing=missing)}, recount)

    def _totals_of(self, year: str) -> Sums:
        """The stored totals of a year that follow from its entries."""
        limits = {
            MONTHS: MAX_MONTHS_OF_YEAR,
            DAYS: MAX_DAYS_OF_YEAR,
            RESULTS: MAX_RESULTS_OF_YEAR,
        }
        return {
            TotalsKey(partition=partition, place=place): counters
            for partition, limit in limits.items()
            for place, counters in self._pages(partition, year, limit)
            if partition != RESULTS or place.endswith(RULES)
        }

    def _pages(
        self, partition: tuple[str, ...], year: str, limit: int
    ) -> Iterable[tuple[str, Counters]]:
        """Items of a year: more than one page only where they are very wide."""
        after: str | None = None
        for _ in range(limit):
            page = self.totals.page(partition, first=year, last=year, limit=limit, after=after)
            yield from page.counters.items()
            after = page.next_place
            if after is None:
                return

    def _discrepancies(self, recount: Recount, year: Year, stored: Sums) -> Iterable[Discrepancy]:
        """What the stored totals of a year lack, or have too much, item by item."""
        for key in sorted({*year.sums, *stored}):
            lacking = {n: -value for n, value in stored.get(key, {}).items()}
            missing = summed(year.sums.get(key, {}), lacking)
            if missing and _is_over(key, recount.until):
                confirmed = self._may_confirm(recount) and year.missing_before.get(key) == missing
                yield Discrepancy(key=key, missing=missing, confirmed=confirmed)

    @staticmethod
    def _may_confirm(recount: Recount) -> bool:
        if recount.begun_at is None or recount.before_at is None:
            return False
        return recount.begun_at - recount.before_at >= FORGOTTEN_AFTER

    def _mended(self, recount: Recount, found: Discrepancy, stored: Counters) -> Discrepancy:
        """Add what is missing where that is asked for, and to the month that is not over, too."""
        if not recount.heals or not found.confirmed or recount.unreadable:
            return found
        month = TotalsKey(partition=MONTHS, place=found.key.place[:7])
        is_of_open_month = found.key.partition == DAYS and not _is_over(month, recount.until)
        healed = self.mender.mend(
            found.key, found.missing, stored, month if is_of_open_month else None
        )
        return replace(found, healed=healed)


def _is_over(key: TotalsKey, until: date) -> bool:
    """Whether all that an item of totals is about was before a day."""
    last = until.isoformat()
    return key.place < last if key.partition == DAYS else key.place[:7] < last[:7]


def _together(counted: Iterable[_Counted]) -> _Counted:
    sums: dict[TotalsKey, Counter[str]] = {}
    whole: Counter[str] = Counter()
    entries = unreadable = 0
    for each in counted:
        entries, unreadable = entries + each.entries, unreadable + each.unreadable
        whole.update(each.whole)
        for key, counters in each.sums.items():
            sums.setdefault(key, Counter()).update(counters)
    return _Counted(entries=entries, unreadable=unreadable, sums=sums, whole=whole)


def _with(year: Year, sums: Sums, name: str) -> Year:
    """A year with further sums, of those that are its own."""
    added = {
        key: summed(year.sums.get(key, {}), counters)
        for key, counters in sums.items()
        if key.place[:4] == name
    }
    return replace(year, sums={**year.sums, **added})


def _added(done: Recounted, before: Recount, after: Recount) -> Recounted:
    """What an invocation did, with one page more."""
    broke = not after.is_running and before.is_running and not after.conserves
    return Recounted(
        members=done.members + after.members - before.members,
        confirmed=done.confirmed + after.confirmed - before.confirmed,
        healed=done.healed + after.healed - before.healed,
        broke=done.broke + broke,
    )
