"""The reconciliation finds nothing in any honest ledger."""

import os
from collections import Counter
from typing import Final

import pytest

from points_ledger.domain.entry import EntryType
from tests.chronicle import chronicle
from tests.memory_integrity import MemoryReconciliation
from tests.simulation.scenario import NAMES, scenario_of

SCHEDULES_PER_FAMILY: Final = 60 if os.environ.get("SOAK") else 5
SPREAD: Final = 24
"""Seeds of one family that share a scenario."""


@pytest.mark.parametrize("family", range(len(NAMES)), ids=NAMES)
def test_an_honest_ledger_has_no_differences(family: int) -> None:
    """Whatever was asked for, in any order, with retries, kills and lost replies."""
    for number in range(SCHEDULES_PER_FAMILY):
        seed = family + len(NAMES) * (SPREAD + 1) * number
        scenario = scenario_of(seed)
        world = scenario.world(seed)
        world.play()
        reconciliation = MemoryReconciliation(world.store, world.programs, world.now)
        done = reconciliation.run()
        assert reconciliation.told == [], (seed, reconciliation.told)
        assert reconciliation.failures == [], (seed, reconciliation.failures)
        assert done.checked == len(world.store.members()), seed


def test_a_history_of_everything_has_no_differences() -> None:
    """Every type of entry: imports, merges, transfers, tiers, approvals, erasure."""
    office = chronicle()
    met: Counter[EntryType] = Counter(
        entry.posting.type for chain in office.chains().values() for entry in chain
    )
    assert {"opening", "merge", "transfer", "forfeit", "capture", "lapse"} <= met.keys()
    reconciliation = MemoryReconciliation(office.memory, office.programs, office.now)
    done = reconciliation.run()
    assert reconciliation.told == []
    assert (done.checked, done.differences, done.failed) == (3, 0, 0)
