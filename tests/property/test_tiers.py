"""Tiers of random histories: what counts, what is held, and that order never matters (semantics 8).

A member buys, pays, returns and is reviewed in random months. What the account says is compared
with a recount that knows nothing of counters: purchase by purchase, month by month, day by day.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Final, Literal

import pytest

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.program import Clawback, Program, Tier, TierWindow
from points_ledger.domain.verification import Book, verify
from tests.builders import (
    ONE_PER_UNIT,
    World,
    bounced,
    paid,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    voided,
)
from tests.service.desk import ADA, Desk

HISTORIES: Final = 60
STEPS: Final = 40
BEGIN: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
THRESHOLDS: Final = (("silver", 100), ("gold", 300), ("platinum", 600))
TIERS: Final = tuple(
    Tier(id=id_, points=points, multiplier=Decimal(1)) for id_, points in THRESHOLDS
)
Kind = Literal["rolling", "calendar", "anniversary"]


# ---- One purchase, in any order


def counted(facts: Sequence[MergeableFact], rules: Program) -> dict[str, int]:
    """The qualifying points of ada after these facts."""
    world = World(rules, now=datetime(2026, 5, 1, tzinfo=UTC))
    world.enrol("ada")
    for fact in facts:
        world.tell(fact)
    counters = world.heads[world.enrol("ada")].state.counters
    programs = {1: rules}
    [verified] = verify(Book(chains=world.entries, programs=programs))
    assert verified.difference is None, verified.difference
    return {name: n for name, n in counters.items() if name.startswith("qualifying:")}


@pytest.mark.parametrize("clawback", ["unlimited", "within_balance", "only_pending"])
@pytest.mark.parametrize("partial", ["full_only", "proportional"])
def test_the_order_of_the_facts_of_a_purchase_never_changes_what_counts(
    clawback: Clawback, partial: Literal["full_only", "proportional"]
) -> None:
    extra = replace(rule(3, "7.00", id="extra"), qualifying=False)
    rules = replace(
        program(ONE_PER_UNIT, extra, clawback=clawback, partial_payment=partial),
        tiers=TIERS,
    )
    march, april = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    facts: tuple[MergeableFact, ...] = (
        posted("120.00", at=april, updated_at=april),
        # A later statement says that it was posted a month before.
        posted("110.00", at=march, updated_at=april + timedelta(hours=1)),
        paid("60.00", "one", at=april),
        paid("50.00", "two", at=april),
        refunded("33.00", at=april + timedelta(days=1)),
    )
    found = {str(counted(order, rules)) for order in permutations(facts)}
    [only] = found
    assert only.startswith("{'qualifying:2026-03': ")


def test_what_is_undone_counts_no_more() -> None:
    rules = replace(program(), tiers=TIERS)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    facts: tuple[MergeableFact, ...] = (
        posted("120.00", at=at),
        paid("120.00", at=at),
        refunded("20.00", at=at),
        refund_cancelled(at=at),
        bounced(at=at),
    )
    for order in permutations(facts):
        assert counted(order, rules) == {}, order
        assert counted((*order, voided(at=at)), rules) == {}


# ---- Many purchases, in time


@dataclass
class Recount:
    """What a member should have, told from the purchases alone."""

    rules: Program
    enrolled: date
    net: dict[str, tuple[date, int]] = field(default_factory=dict)

    def months(self, today: date) -> list[tuple[int, int]]:
        """The months that count, as (year, month)."""
        window = self.rules.tier_window
        if window.kind == "calendar":
            return [(today.year, month) for month in range(1, today.month + 1)]
        if window.kind == "anniversary":
            last = max(
                day
                for year in range(self.enrolled.year, today.year + 1)
                if (day := _same_day(self.enrolled, year)) <= today
            )
            begin = last.year * 12 + last.month - 1
        else:
            begin = today.year * 12 + today.month - 1 - window.months
        end = today.year * 12 + today.month - 1
        return [(month // 12, month % 12 + 1) for month in range(begin, end + 1)]

    def points(self, today: date) -> int:
        months = set(self.months(today))
        return sum(n for day, n in self.net.values() if (day.year, day.month) in months)

    def tier(self, points: int) -> int:
        return sum(points >= threshold for _, threshold in THRESHOLDS)


def _same_day(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


@pytest.mark.parametrize("kind", ["rolling", "calendar", "anniversary"])
@pytest.mark.parametrize("seed", range(HISTORIES // 3))
def test_tiers_are_what_a_recount_says(seed: int, kind: Kind) -> None:
    dice = random.Random(f"{kind} {seed}")  # noqa: S311 - a history, not a secret
    grace = dice.choice((0, 10, 45))
    window = TierWindow(kind=kind, months=dice.choice((1, 3, 12)), grace_days=grace)
    rules = replace(program(), tiers=TIERS, tier_window=window)
    begin = BEGIN if seed % 4 else datetime(2028, 2, 29, 12, tzinfo=UTC)
    desk = Desk(rules, now=begin)
    desk.enrol("ada")
    recount = Recount(rules=rules, enrolled=begin.date())
    level, fell_on = 0, None
    day = begin.date()
    for step in range(STEPS):
        ahead = desk.now + timedelta(days=dice.choice((1, 3, 9, 20, 40)))
        # Day by day a review comes, as the schedule has it; the recount goes along.
        while day < ahead.date():
            day += timedelta(days=1)
            reached = recount.tier(recount.points(day))
            if reached >= level:
                level, fell_on = max(level, reached), None
            else:
                fell_on = fell_on or day
                if fell_on + timedelta(days=grace) <= day:
                    level, fell_on = reached, None
            desk.wait(datetime.combine(day, desk.now.timetz()))
            if desk.markers("tier_review"):
                desk.sweep("tier_review")
        if dice.random() < 0.65 or not recount.net:
            id_, amount = f"purchase-{step}", dice.choice((20, 80, 150, 320))
            desk.tell(
                posted(f"{amount}.00", id=id_, at=desk.now),
                paid(f"{amount}.00", f"payment-{step}", id=id_, at=desk.now),
            )
            recount.net[id_] = (day, amount)
        else:
            id_ = dice.choice(sorted(recount.net))
            bought_on, left = recount.net[id_]
            back = dice.choice((left, left // 2, 7))
            back = min(back, left)
            if back:
                desk.tell(refunded(f"{back}.00", f"refund-{step}", id=id_, at=desk.now))
                recount.net[id_] = (bought_on, left - back)
        reached = recount.tier(recount.points(day))
        if reached >= level:
            level, fell_on = reached, None
        else:
            fell_on = fell_on or day
        expected = THRESHOLDS[level - 1][0] if level else None
        _, benefits, _ = desk.queries.benefits(ADA)
        assert benefits.progress.qualifying_points == recount.points(day), (step, day)
        assert benefits.tier_id == expected, (step, day, fell_on)
    found = verify(Book(chains=desk.memory.snapshot().chains, programs={1: rules}))
    assert [each.difference for each in found] == [None] * len(found)
