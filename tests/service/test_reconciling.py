"""Whose turn it is: everybody is looked at within a known number of nights."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

import pytest

from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import Standing
from points_ledger.service import reconciling
from points_ledger.service.directory import SHARDS, in_directory
from points_ledger.service.ports import Append, Put
from points_ledger.service.programs import Programs
from tests.builders import START
from tests.memory_integrity import MemoryReconciliation, MemoryScan
from tests.memory_store import MemoryStore

SAMPLE = 7


def enrolled(store: MemoryStore, *names: str) -> None:
    for name in names:
        posting = Posting(type="enrolment", at=START, actor="staff:1", standing=Standing())
        entry = chain(None, MemberId(name), posting, START)
        store.commit([Append(entry=entry), Put(item=in_directory(MemberId(name)))])


class Nights:
    """A reconciliation, and who was looked at in the last night."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = MemoryStore(clock=lambda: START)
        self.reconciliation = MemoryReconciliation(
            self.store, Programs(self.store, lambda: START), START
        )
        self.looked_at: Counter[MemberId] = Counter()
        entries_after = MemoryScan.entries_after

        def watched(
            scan: MemoryScan, member_id: MemberId, number: int, *, limit: int
        ) -> Sequence[Entry]:
            self.looked_at[member_id] += 1
            return entries_after(scan, member_id, number, limit=limit)

        monkeypatch.setattr(MemoryScan, "entries_after", watched)
        monkeypatch.setattr(reconciling, "SAMPLE_MEMBERS", SAMPLE)
        monkeypatch.setattr(reconciling, "PAGE_MEMBERS", 3)

    def pass_by(self, nights: int) -> set[MemberId]:
        """Who was looked at in some nights."""
        self.looked_at.clear()
        for _ in range(nights):
            before = self.looked_at.total()
            assert self.reconciliation.run().failed == 0
            assert self.looked_at.total() - before <= SAMPLE
        return set(self.looked_at)


@pytest.mark.parametrize("count", [1, SAMPLE, 4 * SAMPLE + 1, 100])
def test_everybody_is_looked_at_within_as_many_nights_as_samples_cover_them(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    nights = Nights(monkeypatch)
    enrolled(nights.store, *(f"member-{n}" for n in range(count)))
    needed = ceil(count / SAMPLE)
    for _ in range(3):  # wherever the circle has come to
        assert nights.pass_by(needed) == set(nights.store.members())


def test_who_is_enrolled_behind_the_place_of_the_circle_comes_with_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nights = Nights(monkeypatch)
    enrolled(nights.store, *(f"member-{n}" for n in range(40)))
    nights.pass_by(3)
    enrolled(nights.store, *(f"late-{n}" for n in range(2 * SHARDS)))
    assert nights.pass_by(ceil((40 + 2 * SHARDS) / SAMPLE)) == set(nights.store.members())
