"""Totals against a recount: after any schedule, in whatever batches it was told."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

import pytest

from points_ledger.domain.calendar import local_day
from points_ledger.domain.entry import Entry
from points_ledger.domain.lot import NEVER
from points_ledger.domain.movement import MOVEMENTS, NOTHING, Balances
from points_ledger.domain.program import Program
from points_ledger.domain.state import EMPTY, ORIGIN_COUNTERS, USE_COUNTERS, State
from points_ledger.service.ledger_totals import count_ledger
from points_ledger.service.ports import Redemption
from points_ledger.service.reporting import Month, Reporting
from points_ledger.service.totalling import Totalling
from tests.memory_totals import MemoryTotals
from tests.property.stream import changes_of, delivered
from tests.simulation.scenario import NAMES, Scenario, scenario_of
from tests.simulation.world import World

SCHEDULES: Final = 12 * len(NAMES)
PARTS: Final = 6
SIGNS: Final = {**dict.fromkeys(ORIGIN_COUNTERS, 1), **dict.fromkeys(USE_COUNTERS, -1)}


def told(seed: int) -> tuple[Scenario, World, MemoryTotals]:
    """A schedule that was played, and the totals of it."""
    scenario = scenario_of(seed)
    world = scenario.world(seed)
    history = world.play()
    totals = MemoryTotals()
    totalling = Totalling(store=totals, program_at=world.programs.at, counting=(count_ledger,))
    dice = random.Random(seed)  # noqa: S311 - a test's
    delivered(totalling, list(changes_of(scenario.prepared, history.log)), dice)
    return scenario, world, totals


def reporting(world: World, totals: MemoryTotals) -> Reporting:
    return Reporting(
        totals=totals, store=world.store, programs=world.programs, clock=lambda: world.now
    )


def chains(world: World) -> list[tuple[Entry, ...]]:
    return list(world.store.snapshot().chains.values())


def balances(state: State) -> Balances:
    return Balances(
        pending=state.pending,
        available=state.available,
        reserved=state.reserved,
        debt=state.debt,
    )


def steps(chain: Sequence[Entry]) -> Iterator[tuple[State, Entry]]:
    """Each entry with the state before it."""
    yield EMPTY, chain[0]
    yield from ((before.state, entry) for before, entry in pairwise(chain))


def rolled_forward(
    report: Reporting, totals: MemoryTotals, first: date, last: date
) -> Iterator[Month]:
    """All months, a year at a time: each report goes on where the one before ended."""
    for year in range(first.year, last.year + 1):
        begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 1))
        totals.requests = 0
        yield from report.activity(begin, end).months
        assert totals.requests <= 2


def seeds(part: int) -> range:
    return range(part, SCHEDULES * 24, 24 * PARTS + 1)


@pytest.mark.parametrize("part", range(PARTS))
def test_totals_are_what_a_recount_of_all_entries_gives(part: int) -> None:
    for seed in seeds(part):
        scenario, world, totals = told(seed)
        name = (scenario.family, seed)
        all_ = chains(world)
        months = sorted({_month(entry, scenario.rules) for chain in all_ for entry in chain})
        first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
        found = rolled_forward(reporting(world, totals), totals, first, last)
        expected = NOTHING
        for month in found:
            # Every row adds up, and to what the accounts really were.
            assert month.opening == expected, name
            assert month.closing == sum(month.movements.values(), start=month.opening)
            moved = [
                (before, entry)
                for chain in all_
                for before, entry in steps(chain)
                if _month(entry, scenario.rules) == month.month
            ]
            for before, entry in moved:
                expected += balances(entry.state) - balances(before)
            assert month.closing == expected, name
            for counter, sign in SIGNS.items():
                counted = sum(
                    entry.state.counter(counter) - before.counter(counter)
                    for before, entry in moved
                    if entry.posting.type != "merge"
                )
                movement = month.movements[counter]  # type: ignore[index]
                if counter != "merged":
                    assert movement.total == sign * counted, (name, counter)
            for net in ("matured", "reserved", "transferred", "merged"):
                assert month.movements[net].total == 0, (name, net)
            spent = sum(counters["points"] for counters in month.kinds.values())
            assert spent == -month.movements["redeemed"].total, name
        assert expected == sum((balances(chain[-1].state) for chain in all_), start=NOTHING)


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_owed_is_what_all_accounts_hold(part: int) -> None:
    for seed in seeds(part):
        _, world, totals = told(seed)
        found = reporting(world, totals).liability(None, Decimal(0))
        lots: Counter[str] = Counter()
        for chain in chains(world):
            for day, points in chain[-1].state.lots.items():
                lots["never" if day == NEVER else day.isoformat()[:7]] += points
        today = local_day(world.now, found.program.zone).isoformat()[:7]
        assert dict(found.months) == {m: n for m, n in lots.items() if m >= today}
        assert found.passed == sum(n for m, n in lots.items() if m < today)
        held = found.balances
        assert held.available + held.debt == lots.total()
        assert found.outstanding + found.passed - held.debt == held.available + held.reserved


def test_points_by_rule_are_what_was_earned_by_them() -> None:
    for seed in seeds(0):
        scenario, world, totals = told(seed)
        by_rule: Counter[str] = Counter()
        for chain in chains(world):
            for entry in chain:
                posting = entry.posting
                if posting.type == "accrual" or posting.counters.get("reversed"):
                    by_rule.update(dict(posting.rules))
        months = [
            counters for key, counters in totals.counters.items() if key.place.endswith(" rules")
        ]
        shown: Counter[str] = Counter()
        for counters in months:
            shown.update(counters)
        assert +shown == +by_rule, (scenario.family, seed)


def test_schedules_have_every_movement_and_some_kinds() -> None:
    met: set[str] = set()
    for part in range(PARTS):
        for seed in seeds(part):
            _, world, totals = told(seed)
            for key, counters in totals.counters.items():
                if key.partition[1] == "months":
                    met.update(name.partition(":")[0] for name in counters)
            items = world.store.snapshot().items.values()
            met.update(each.kind for each in items if isinstance(each, Redemption))
    assert {*MOVEMENTS, "reward", "coupon"} <= met


def _month(entry: Entry, program: Program) -> str:
    return local_day(entry.recorded_at, program.zone).isoformat()[:7]
