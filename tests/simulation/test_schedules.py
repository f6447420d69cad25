"""Thousands of schedules of the write path, each chosen by its seed, each checked in full.

A seed that fails is printed with the command that shows its schedule.
"""

import os
from collections import Counter
from typing import Final

import pytest

from points_ledger.service.rewarding import CreateReward
from tests.simulation.checks import first_failure
from tests.simulation.scenario import NAMES, SCHEDULES_PER_SCENARIO, scenario_of
from tests.simulation.services import WAYS, name_of

PART: Final = 2 * SCHEDULES_PER_SCENARIO * len(NAMES)
"""Schedules per test: a whole number of scenarios of every family, so that parts share none."""
SCHEDULES: Final = 24 * PART
"""All of them; a mutant is looked for in as many."""
PLAYED: Final = SCHEDULES if os.environ.get("SOAK") else SCHEDULES // 3
"""Of these, what each run of the tests plays: `make soak` plays all."""


@pytest.mark.parametrize("begin", range(0, PLAYED, PART))
def test_whatever_the_order_the_ledger_is_as_if_everything_had_happened_alone(begin: int) -> None:
    for seed in range(begin, begin + PART):
        failure = first_failure(seed)
        assert failure is None, str(failure)


def test_a_seed_always_plays_the_same_schedule() -> None:
    for seed in range(len(NAMES)):
        told: list[list[str]] = [[], []]
        for lines in told:
            first_failure(seed, trace=lines.append)
        assert told[0] == told[1]


def test_schedules_meet_every_fault_and_lose_many_races() -> None:
    met: Counter[str] = Counter()
    for seed in range(24 * len(NAMES)):
        lines: list[str] = []
        first_failure(seed, trace=lines.append)
        met.update(
            sign
            for line in lines
            for sign in ("lost:", "conflict", "not_applied", "late", "reply_lost", "killed_after")
            if sign in line
        )
        met.update("killed before" for line in lines if "killed before" in line)
        met.update("rejected" for line in lines if "rejected" in line)
    assert len(met) == 8
    assert all(count >= 10 for count in met.values()), met


def test_every_command_is_carried_out_repeated_and_refused() -> None:
    met: set[tuple[type, str]] = set()
    for number in range(40 * len(NAMES)):
        scenario, family = divmod(number, len(NAMES))
        seed = family + scenario * SCHEDULES_PER_SCENARIO * len(NAMES)
        asked = {name_of(command): type(command) for command in scenario_of(seed).commands}
        history = scenario_of(seed).world(seed).play()
        for name, answers in history.answers.items():
            met.update((asked[name], "again" if a.replayed else "first") for a in answers)
        refused = (refusal.run.name for refusal in history.refusals)
        met.update((asked[name], "refused") for name in refused if name in asked)
    expected = {(command, how) for command in WAYS for how in ("first", "again", "refused")}
    # Nothing can be wrong about a new reward that its draft does not show.
    assert expected - met == {(CreateReward, "refused")}


def test_every_family_of_scenarios_is_played() -> None:
    assert {scenario_of(seed).family for seed in range(len(NAMES))} == set(NAMES)
