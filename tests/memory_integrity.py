"""The reconciliation on a store in memory: what it reads of members, and its own item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.reconciliation import StoredEarning
from points_ledger.service.integrity import ChangedPage, Finding, Integrity
from points_ledger.service.ledger import WritePath
from points_ledger.service.programs import Programs
from points_ledger.service.reconciling import Reconciled, Reconciling
from tests.memory_store import MemoryStore


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


def with_item(store: MemoryStore, item: Earning) -> None:
    """Write an earning over the one that is there, whatever its revision."""
    store._items[item.key] = replace(item)
