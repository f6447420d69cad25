"""Totals of the stream equal a full recount; what the stream has lost, a recount brings back."""

import os
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest

from points_ledger.service.ledger_totals import DAYS, MONTHS, RESULTS, RULES, count_ledger
from points_ledger.service.totalling import Change, Totalling, TotalsKey
from tests.memory_integrity import MemoryRecounting
from tests.memory_totals import MemoryTotals
from tests.property.stream import changes_of, delivered
from tests.simulation.scenario import NAMES, scenario_of
from tests.simulation.world import World

SCHEDULES_PER_FAMILY: Final = 20 if os.environ.get("SOAK") else 2
SPREAD: Final = 24


class Told:
    """A schedule that was played, its totals, and those of a stream that lost some changes."""

    def __init__(self, seed: int) -> None:
        scenario = scenario_of(seed)
        self.world: World = scenario.world(seed)
        changes = list(changes_of(scenario.prepared, self.world.play().log))
        self.dice = random.Random(seed)  # noqa: S311 - a test's
        self.whole = self._counted(changes)
        kept = [each for each in changes if self.dice.random() > 0.3]
        self.torn = self._counted(kept)

    def _counted(self, changes: Sequence[Change]) -> MemoryTotals:
        totals = MemoryTotals()
        totalling = Totalling(
            store=totals, program_at=self.world.programs.at, counting=(count_ledger,)
        )
        delivered(totalling, changes, self.dice)
        return totals

    def recounting(self, totals: MemoryTotals, days: float) -> MemoryRecounting:
        now = self.world.now + timedelta(days=days)
        return MemoryRecounting(self.world.store, self.world.programs, totals, now)


def of_entries(totals: MemoryTotals) -> dict[TotalsKey, dict[str, int]]:
    """The totals that follow from entries alone, without what comes to nothing."""
    kept = {
        key: {name: number for name, number in counters.items() if number}
        for key, counters in totals.counters.items()
        if key.partition in (MONTHS, DAYS)
        or (key.partition == RESULTS and key.place.endswith(RULES))
    }
    return {key: counters for key, counters in kept.items() if counters}


def seeds() -> list[int]:
    return [
        family + len(NAMES) * (SPREAD + 1) * number
        for number in range(SCHEDULES_PER_FAMILY)
        for family in range(len(NAMES))
    ]


@pytest.mark.parametrize("days_later", [2, 45])
def test_totals_of_any_batches_and_repeats_equal_a_recount(days_later: int) -> None:
    for seed in seeds():
        told = Told(seed)
        recounting = told.recounting(told.whole, days_later)
        done = recounting.run()
        found = recounting.kept.stored
        assert (found.shown, found.differing) == ((), 0), seed
        assert found.conserves, (seed, found.whole)
        assert done.members == len(told.world.store.members())
        assert found.entries == sum(map(len, told.world.store.snapshot().chains.values()))


def test_what_the_stream_has_lost_is_brought_back_once_two_recounts_agree() -> None:
    torn = 0
    for seed in seeds():
        told = Told(seed)
        recounting = told.recounting(told.torn, 45)
        assert recounting.run(heals=True).healed == 0, "one look is none"
        first = recounting.kept.stored
        recounting.now += timedelta(hours=26)
        done = recounting.run(heals=True)
        assert (done.confirmed, done.healed) == (first.differing, first.differing), seed
        assert of_entries(told.torn) == of_entries(told.whole), seed
        recounting.now += timedelta(days=7)
        assert recounting.run().confirmed == 0
        assert recounting.kept.stored.differing == 0
        torn += bool(first.differing)
    assert torn > len(NAMES)


def test_the_month_that_is_not_over_is_mended_with_its_days() -> None:
    for seed in seeds():
        told = Told(seed)
        recounting = told.recounting(told.torn, 1)
        recounting.run()
        recounting.now += timedelta(hours=26)
        recounting.run(heals=True)
        ended = recounting.kept.stored.until.isoformat()
        for key, counters in of_entries(told.whole).items():
            if key.partition == DAYS:
                assert key.place < ended
                assert of_entries(told.torn).get(key) == counters, seed
        if recounting.now.month == told.world.now.month:
            months = {k: c for k, c in of_entries(told.torn).items() if k.partition == MONTHS}
            whole = {k: c for k, c in of_entries(told.whole).items() if k.partition == MONTHS}
            assert months == whole, seed


def test_without_being_asked_nothing_is_mended_and_a_recount_comes_once_a_week() -> None:
    told = next(t for t in map(Told, seeds()) if of_entries(t.torn) != of_entries(t.whole))
    recounting = told.recounting(told.torn, 45)
    before = of_entries(told.torn)
    for days, members in ((1, True), (6, False), (2, True)):
        done = recounting.run()
        assert bool(done.members) == members
        recounting.now += timedelta(days=days)
    assert recounting.kept.stored.confirmed == recounting.kept.stored.differing > 0
    assert of_entries(told.torn) == before


def test_a_worker_that_stops_anywhere_adds_nobody_up_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("points_ledger.service.recounting.PAGE_MEMBERS", 1)
    for seed in seeds()[: len(NAMES)]:
        told = Told(seed)
        recounting = told.recounting(told.whole, 45)
        invocations = 0
        while not invocations or recounting.kept.stored.is_running:
            left = iter((True,) * told.dice.randint(0, 3))
            recounting.run(has_time=lambda left=left: next(left, False))  # type: ignore[misc]
            if told.dice.random() < 0.5:
                _overtaken(recounting)
            invocations += 1
        found = recounting.kept.stored
        assert (found.differing, found.shown) == (0, ()), seed
        assert found.conserves


def _overtaken(recounting: MemoryRecounting) -> None:
    """A page of another worker that is killed before it can keep it."""
    save, recounting.kept.save = recounting.kept.save, lambda *_args, **_more: False  # type: ignore[method-assign]
    recounting.run()
    recounting.kept.save = save  # type: ignore[method-assign]
