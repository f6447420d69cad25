"""The reconciliation on a store in memory: what it reads of members, and its own item."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.reconciliation import StoredEarning
from points_ledger.service.integrity import ChangedPage, Finding, Integrity
from points_ledger.service.ledger import WritePath
from points_ledger.service.programs import Programs
from points_ledger.service.reconciling import Reconciled, Reconciling
from points_ledger.service.recounting import Recounted, Recounting
from points_ledger.service.recounts import Recount, Year
from points_ledger.service.totalling import TotalsKey
from tests.memory_store import MemoryStore
from tests.memory_totals import MemoryTotals


@dataclass(slots=True)
class MemoryScan:
    """`LedgerScan` on a store in memory, whose index has what the keys of its items say."""

    store: MemoryStore

    def entries_after(self, member_id: MemberId, number: int, *, limit: int) -> Sequence[Entry]:
        return [each for each in self.store.chain(member_id) if each.number > number][:limit]

    def earnings(
        self, keys: Sequence[EarningKey], members: Sequence[MemberId]
    ) -> Mapping[EarningKey, StoredEarning]:
        indexed = {
            id_: set(self.store.pending_earnings(id_, limit=1_000, cursor=None).keys)
            for id_ in members
        }
        return {
            key: StoredEarning(
                earning=item, indexed=frozenset(id_ for id_ in members if key in indexed[id_])
            )
            for key, item in self.store.get(keys).items()
            if isinstance(item, Earning) and isinstance(key, EarningKey)
        }


@dataclass(slots=True)
class MemoryIntegrity:
    """`IntegrityStore` that forgets everything with the process."""

    stored: Integrity = field(default_factory=Integrity)

    def integrity(self) -> Integrity:
        return self.stored

    def save(self, integrity: Integrity, *, expected: int) -> bool:
        if self.stored.revision != expected:
            return False
        self.stored = integrity
        return True

    def changed(self, hour: datetime, shard: int, *, limit: int, cursor: str | None) -> ChangedPage:
        del hour, shard, limit, cursor
        return ChangedPage()


@dataclass(slots=True)
class MemoryReconciliation:
    """Runs of the reconciliation of one store, and what they told."""

    store: MemoryStore
    programs: Programs
    now: datetime
    told: list[Finding] = field(default_factory=list)
    failures: list[tuple[MemberId, Exception]] = field(default_factory=list)
    integrity: MemoryIntegrity = field(default_factory=MemoryIntegrity)

    def run(self) -> Reconciled:
        """One run over everybody in the directory."""
        return Reconciling(
            path=WritePath(store=self.store, pause=lambda _attempt: None),
            store=self.store,
            scan=MemoryScan(self.store),
            reader=self.store,
            lists=self.store,
            integrity=self.integrity,
            programs=self.programs,
            clock=lambda: self.now,
            tell=self.told.append,
            failed=lambda id_, error: self.failures.append((id_, error)),
        ).run(self.now, has_time=lambda: True)


@dataclass
class MemoryRecounts:
    """`RecountStore` and `TotalsMender` on totals in memory."""

    totals: MemoryTotals
    stored: Recount = field(default_factory=Recount)
    years: dict[str, Year] = field(default_factory=dict)

    def recount(self) -> Recount:
        return self.stored

    def year(self, year: str) -> Year | None:
        return self.years.get(year)

    def save(self, recount: Recount, years: Mapping[str, Year], *, expected: int) -> bool:
        if self.stored.revision != expected:
            return False
        self.stored = recount
        self.years |= years
        return True

    def mend(
        self,
        key: TotalsKey,
        missing: Mapping[str, int],
        known: Mapping[str, int],
        also: TotalsKey | None,
    ) -> bool:
        stored = self.totals.counters.get(key, {})
        if any(stored.get(name, 0) != known.get(name, 0) for name in missing):
            return False
        for place in (key,) if also is None else (key, also):
            counters = self.totals.counters.setdefault(place, {})
            for name, number in missing.items():
                counters[name] = counters.get(name, 0) + number
        return True


@dataclass(slots=True)
class MemoryRecounting:
    """Recounts of one store beside totals in memory."""

    store: MemoryStore
    programs: Programs
    totals: MemoryTotals
    now: datetime
    kept: MemoryRecounts = field(init=False)

    def __post_init__(self) -> None:
        self.kept = MemoryRecounts(self.totals)

    def run(self, *, heals: bool = False, has_time: Callable[[], bool] = lambda: True) -> Recounted:
        """Go on with a recount, or begin one."""
        return Recounting(
            scan=MemoryScan(self.store),
            lists=self.store,
            store=self.kept,
            totals=self.totals,
            mender=self.kept,
            programs=self.programs,
            clock=lambda: self.now,
        ).run(heals=heals, has_time=has_time)
