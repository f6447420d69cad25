"""Backtests of random ledgers: the program that was in force gives what was given, to the point.

A ledger is what three members did in a quarter of a year: purchases that are paid in part, bounce,
shrink, grow, change hands and are voided, actions that repeat, plans, a merge, while sweeps come
late. Programs have caps, limits, exclusive rules, tiers that multiply, parts that lapse, and change
once on the way. What is compared is the ledger itself: the backtest's real numbers are those of the
stored earnings, and so are the draft's where the draft is what was in force.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final, get_args

import pytest

from points_ledger.domain.error import Rejection
from points_ledger.domain.fact import Line
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Clawback, LimitPeriod, Program, Tier, VersionPeriod
from points_ledger.domain.tally import Both, Tally
from points_ledger.service.ports import (
    Committed,
    Create,
    ProgramVersion,
    Save,
    VersionList,
)
from tests.builders import (
    DAY,
    HOUR,
    START,
    after,
    bounced,
    campaign,
    line,
    match,
    paid,
    performed,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    voided,
)
from tests.service.backtests import Backtests
from tests.service.desk import Desk

Dice = random.Random

POLICIES: Final[tuple[Clawback, ...]] = get_args(Clawback)
LEDGERS_PER_POLICY: Final = 40
STEPS: Final = 45
CUSTOMERS: Final = ("ada", "ben", "eve")
PERIODS: Final[tuple[LimitPeriod, ...]] = get_args(LimitPeriod)
CATEGORIES: Final = ("retail", "original", None)
CHANGES_AT: Final = after(days=20)
BEGINNING: Final = after(days=-10)
END: Final = after(days=60)


def _program(dice: Dice, clawback: Clawback, version: int) -> Program:
    base = rule(dice.choice([1, 3]), dice.choice(["1.00", "2.50"]), rounding="down")
    rules = [base]
    if dice.random() < 0.5:
        retail = match(categories=["retail"])
        per = dice.choice(PERIODS)
        rules.append(rule(7, id="visit", match=retail, limit=(dice.randint(1, 3), per)))
    if dice.random() < 0.3:
        rules.append(
            rule(
                2, "1.00", id="original", match=match(categories=["original"]), exclusive=True,
                limit=(2, "lifetime") if dice.random() < 0.5 else None,
            )
        )  # fmt: skip
    rules.append(rule(20, id="review", action="review", limit=(2, "month")))
    campaigns = [
        campaign(
            id_, multiplier=dice.choice(["1.5", "2", "3"]), points=dice.choice([0, 5]),
            member_cap_points=dice.choice([None, 40, 150]),
            budget_points=dice.choice([None, 60, 300]),
        )
        for id_ in ("spring", "launch")
        if dice.random() < 0.6
    ]  # fmt: skip
    made = program(
        *rules, campaigns=campaigns, stacking=dice.choice(["add", "highest"]),
        tiers={"silver": "1.25", "gold": "2"} if dice.random() < 0.7 else None,
        partial_payment=dice.choice(["full_only", "proportional"]),
        hold=dice.choice(["P0D", "P2D"]), return_window=dice.choice(["P0D", "P3D"]),
        cancel_unpaid_after=dice.choice([None, "P9D"]), clawback=clawback,
        zone=dice.choice(["UTC", "America/Chicago"]),
    )  # fmt: skip
    tiers = tuple(
        Tier(id=tier.id, points=threshold, multiplier=tier.multiplier)
        for tier, threshold in zip(made.tiers, (60, 200), strict=False)
    )
    return replace(made, tiers=tiers, version=version, sharing_within="anyone")


class Shop:
    """Plays a random ledger at a desk."""

    def __init__(self, seed: int, clawback: Clawback) -> None:
        self.dice = dice = Dice(f"{seed} {clawback}")
        self.programs = (_program(dice, clawback, 1), _program(dice, clawback, 2))
        self.desk = Desk(self.programs[0])
        self.backtests = Backtests(self.desk)
        self._publish(self.programs[1])
        self.purchases = 0
        self.done: Counter[str] = Counter()

    def _publish(self, rules: Program) -> None:
        """As the second version, from CHANGES_AT on."""
        version = ProgramVersion(program=rules, document="{}", published_at=START)
        periods = (
            VersionPeriod(version=1, effective_from=START),
            VersionPeriod(version=2, effective_from=CHANGES_AT),
        )
        stored = self.desk.memory.commit(
            [Create(item=version), Save(item=VersionList(periods=periods), expected=1)]
        )
        assert stored == Committed()

    def play(self) -> None:
        for _ in range(STEPS):
            step = self.dice.choice(
                ["buy", "buy", "buy", "pay", "pay", "refund", "cancel", "bounce", "void", "edit",
                 "review", "share", "wait", "wait", "sweep", "other_customer"]
            )  # fmt: skip
            self.done[step] += 1
            getattr(self, f"_{step}")()
        self.done["drawn"] += sum(bool(e.grants) for e in self.desk.memory.earnings())
        if self.dice.random() < 0.4:
            self._merge()
        self.desk.wait(max(self.desk.now, after(days=45)))
        self._sweep()

    def _id(self) -> str:
        return f"p{self.dice.randint(1, max(1, self.purchases))}"

    def _money(self) -> str:
        return str(Decimal(self.dice.randint(0, 9_000)).scaleb(-2))

    def _lines(self) -> Iterator[Line]:
        for number in range(self.dice.randint(1, 3)):
            yield line(self._money(), id=str(number), category=self.dice.choice(CATEGORIES))

    def _buy(self) -> None:
        self.purchases += 1
        at = self.desk.now - self.dice.choice([0, 0, 0, 3]) * DAY
        self._snapshot(f"p{self.purchases}", self.dice.choice(CUSTOMERS), at)

    def _snapshot(self, id_: str, customer: str, at: datetime) -> None:
        lines = list(self._lines())
        self.desk.tell(posted(*lines, id=id_, customer=customer, at=at, updated_at=self.desk.now))

    def _edit(self) -> None:
        for earning in self.desk.memory.earnings():
            if earning.snapshot is not None and earning.key.id == self._id():
                customer = earning.snapshot.earner.external_id.id
                self.desk.now += HOUR / 60
                self._snapshot(earning.key.id, customer, earning.snapshot.posted_at)
                return

    def _other_customer(self) -> None:
        for earning in self.desk.memory.earnings():
            if earning.snapshot is not None and earning.key.id == self._id():
                self.desk.now += HOUR / 60
                self._snapshot(
                    earning.key.id, self.dice.choice(CUSTOMERS), earning.snapshot.posted_at
                )
                return

    def _pay(self) -> None:
        number = f"payment-{self.dice.randint(1, 3)}"
        id_ = self._id()
        known = {
            payment
            for earning in self.desk.memory.earnings()
            if earning.key.id == id_
            for payment in earning.payments
        }
        if number not in known:
            self.desk.tell(paid(self._money(), number, id=id_, at=self.desk.now))

    def _refund(self) -> None:
        number = f"refund-{self.dice.randint(1, 10_000)}"
        self.desk.tell(refunded(self._money(), number, id=self._id(), at=self.desk.now))

    def _cancel(self) -> None:
        for earning in self.desk.memory.earnings():
            for refund in earning.refunds:
                if self.dice.random() < 0.3:
                    self.desk.tell(refund_cancelled(refund, id=earning.key.id, at=self.desk.now))
                    return

    def _bounce(self) -> None:
        number = f"payment-{self.dice.randint(1, 3)}"
        self.desk.tell(bounced(number, id=self._id(), at=self.desk.now))

    def _void(self) -> None:
        if self.dice.random() < 0.3:
            self.desk.tell(voided(id=self._id(), at=self.desk.now))

    def _review(self) -> None:
        number = str(self.dice.randint(1, 10_000))
        customer = self.dice.choice(CUSTOMERS)
        self.desk.tell(performed("review", id=number, customer=customer, at=self.desk.now))

    def _members(self) -> list[MemberId]:
        return [
            id_
            for id_ in self.desk.memory.members()
            if self.desk.memory.chain(id_)[-1].state.standing.status == "active"
        ]

    def _share(self) -> None:
        members = self._members()
        if len(members) > 1:
            owner, *others = self.dice.sample(members, len(members))
            percent = self.dice.randint(1, 99)
            plan = {owner: percent, others[0]: 100 - percent}
            if self.dice.random() < 0.2:
                plan = {others[0]: 100}
            try:
                self.desk.share(plan, owner=owner)
            except Rejection:
                self.done["refused_plan"] += 1

    def _merge(self) -> None:
        members = self._members()
        if len(members) > 1:
            self.done["merge"] += 1
            self.desk.merge(*self.dice.sample(members, 2))

    def _wait(self) -> None:
        self.desk.wait(
            self.desk.now + self.dice.choice([1, 30, 80, 200]) * (after(hours=1) - START)
        )

    def _sweep(self) -> None:
        self.desk.sweep("hold_release")

    # --- What there is, by the stored earnings alone

    def issued(self, begins: datetime, ends: datetime) -> tuple[int, int, dict[str, int]]:
        """Points earned, points owed, and by rule, of what was posted in a period."""
        points, owed, rules = 0, 0, Counter[str]()
        for earning in self.desk.memory.earnings():
            at = earning.posted_at
            if at is not None and earning.earner_id and begins <= at < ends:
                parts = earning.posted.values()
                assert earning.earned.points == sum(part.earned for part in parts)
                points += earning.earned.points
                owed += sum(part.earned - part.lapsed for part in parts)
                rules.update(dict(earning.earned.rules))
        return points, owed, {id_: n for id_, n in rules.items() if n}


def rules_of(tally: Tally, side: str) -> dict[str, int]:
    return {id_: getattr(both, side) for id_, both in tally.rules.items() if getattr(both, side)}


@pytest.mark.parametrize("clawback", POLICIES)
def test_what_was_in_force_gives_what_was_given(clawback: Clawback) -> None:
    seen: Counter[str] = Counter()
    for seed in range(LEDGERS_PER_POLICY):
        shop = Shop(seed, clawback)
        shop.play()
        for draft, begins, ends in (
            (shop.programs[0], BEGINNING, CHANGES_AT),
            (shop.programs[1], CHANGES_AT, END),
        ):
            tally = shop.backtests.of(draft, begins=begins, ends=ends)
            points, owed, rules = shop.issued(begins, ends)
            where = (seed, clawback, draft.version)
            assert tally.issued == Both(actual=points, draft=points), where
            assert tally.owed == Both(actual=owed, draft=owed), where
            assert rules_of(tally, "actual") == rules_of(tally, "draft") == rules, where
            assert (tally.gainers, tally.losers, tally.tiers) == ([], [], {}), where
            seen["earnings"] += tally.earnings
            seen["points"] += points
            seen["tier"] += sum(n for id_, n in rules.items() if id_.startswith("tier:"))
        seen.update(shop.done)
        seen["truncated"] += sum(bool(e.earned.truncated) for e in shop.desk.memory.earnings())
        seen["shared"] += sum(len(e.posted) > 1 for e in shop.desk.memory.earnings())
    often = ("merge", "truncated", "shared", "tier", "void", "drawn")
    assert min(seen[what] for what in often) > 5, seen


@pytest.mark.parametrize("clawback", POLICIES)
def test_the_parts_of_any_draft_sum_up(clawback: Clawback) -> None:
    """By rule to the points issued, and by member to the same after the split."""
    changed = 0
    for seed in range(LEDGERS_PER_POLICY // 2):
        shop = Shop(seed, clawback)
        shop.play()
        draft = _program(Dice(seed), clawback, 0)
        tally = shop.backtests.of(draft, begins=BEGINNING, ends=END)
        for side in ("actual", "draft"):
            issued = getattr(tally.issued, side)
            assert sum(rules_of(tally, side).values()) == issued, seed
            assert 0 <= getattr(tally.owed, side) <= issued, seed
        changes = [*tally.gainers, *tally.losers]
        assert len(changes) == tally.gaining + tally.losing
        by_members = sum(change.gain for change in changes)
        if not any(len(e.pins) and _is_shared(e.pins) for e in shop.desk.memory.earnings()):
            assert by_members == tally.issued.draft - tally.issued.actual, seed
        changed += bool(changes)
    assert changed > LEDGERS_PER_POLICY // 4


def _is_shared(pins: object) -> bool:
    assert isinstance(pins, dict)
    return any(len(pin.allocation) > 1 or pin.allocation[0].member_id != id_
               for id_, pin in pins.items())  # fmt: skip
