"""The domain's arithmetic, remembered: it is pure, and thousands of schedules share scenarios.

What a purchase is worth and what is left of it is computed once for the same facts; the simulation
is about who reads and writes what when. Actions, and programs whose caps, budgets or limits depend
on what else there is, are computed each time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from unittest.mock import patch

from points_ledger.domain import aim, maturation, purchase
from points_ledger.domain.earning import Earned, Earning, Pin
from points_ledger.domain.maturation import Target
from points_ledger.domain.program import Program
from points_ledger.domain.rules import Room

REMEMBERED = 20_000


@contextmanager
def remembered() -> Iterator[None]:
    """Compute the same thing once, for as long as this lasts."""
    targets: dict[object, Target] = {}
    worths: dict[object, Earned] = {}
    programs: dict[int, Program] = {}  # kept, so that an id stands for one program

    def number(program: Program) -> int:
        programs[id(program)] = program
        return id(program)

    def target(earning: Earning, *, program: Program, now: datetime) -> Target:
        if earning.action is not None:
            return maturation.target(earning, program=program, now=now)
        known = (number(program), now, earning.earned.points, *_facts(earning))
        if known not in targets:
            targets[known] = maturation.target(earning, program=program, now=now)
        return targets[known]

    def earned_points(earning: Earning, *, program: Program, pin: Pin, room: Room) -> Earned:
        if earning.action is not None or _has_bounds(program):
            return maturation.earned_points(earning, program=program, pin=pin, room=room)
        known = (number(program), pin, earning.voided_at, *_facts(earning))
        if known not in worths:
            worths[known] = maturation.earned_points(earning, program=program, pin=pin, room=room)
        return worths[known]

    remaining = lru_cache(REMEMBERED)(purchase.remaining)
    with (
        patch.object(maturation, "remaining", remaining),
        patch.object(aim, "target", target),
        patch.object(aim, "earned_points", earned_points),
    ):
        yield


def _has_bounds(program: Program) -> bool:
    return bool(program.campaigns) or any(rule.limit for rule in program.rules)


def _facts(earning: Earning) -> Iterator[object]:
    yield earning.snapshot
    yield earning.posted_at
    yield earning.settled_at
    yield tuple(earning.payments.values())
    yield tuple(earning.payment_reversals.items())
    yield tuple(earning.refunds.values())
    yield tuple(earning.refund_cancellations.items())
