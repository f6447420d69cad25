"""Workers whose clocks differ by up to five minutes, in both directions."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from points_ledger.domain.replay import replay
from tests.builders import DAY, START, paid, posted, program, refunded
from tests.service.desk import ADA, Desk

SKEW_SECONDS = 300
PURCHASES = 12


def told(seed: int, *, skewed: bool) -> Desk:
    """A desk at which each fact is taken by a worker with a clock of its own."""
    dice = random.Random(seed)  # noqa: S311 - a clock, no secret
    desk = Desk(program())
    facts = [
        fact
        for number in range(PURCHASES)
        for fact in (
            posted("30.00", id=f"p-{number}", at=START - DAY),
            paid("30.00", id=f"p-{number}", at=START - DAY),
            refunded("10.00", id=f"p-{number}", at=START - DAY),
        )
    ]
    dice.shuffle(facts)
    for number, fact in enumerate(facts):
        wrong = dice.uniform(-SKEW_SECONDS, SKEW_SECONDS) if skewed else 0
        desk.now = START + timedelta(seconds=number + wrong)
        desk.tell(fact)
        if number % 9 == 8 and desk.memory.members() and desk.balances()[1] >= 5:
            desk.redeem(5, key=f"key-{number}")
    return desk


@pytest.mark.parametrize("seed", range(10))
def test_workers_whose_clocks_differ_end_alike(seed: int) -> None:
    desk, clean = told(seed, skewed=True), told(seed, skewed=False)
    chain = desk.memory.chain(ADA)
    assert desk.balances() == clean.balances()
    assert replay(chain) == chain[-1].state
    assert all(before.recorded_at <= after.recorded_at for before, after in pairwise(chain))
