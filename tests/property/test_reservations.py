"""Redemptions at once and in two steps against a small model, command by command.

The model is written from semantics.md alone: lots by day, what is set aside, and for each
redemption what was captured and reversed. One program lets lots expire every few days; the other
never does, and there purchases are refunded as well, so that members fall into debt.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from points_ledger.domain.error import (
    AlreadyReversedError,
    InsufficientPointsError,
    LimitExceededError,
    Rejection,
    ReservationNotOpenError,
)
from points_ledger.domain.limit import MAX_COMMANDS_PER_REDEMPTION, MAX_OPEN_RESERVATIONS
from points_ledger.domain.replay import replay
from points_ledger.domain.settling import settled
from points_ledger.domain.state import State
from points_ledger.service.redeeming import Redeemed
from points_ledger.service.redemption_steps import StepName
from tests.builders import paid, posted, program, refunded
from tests.service.desk import ADA, Desk

POINTS_PER_UNIT = 3
"""So many points are worth 1.00: their values round."""
RESERVED_FOR = timedelta(minutes=15)

WHICH = st.integers(0, 9)
QUARTERS = st.integers(1, 4)


def worth(points: int) -> int:
    """The value of points in cents, rounded down."""
    return int(Fraction(points * 100, POINTS_PER_UNIT))


@dataclass
class Spending:
    """One redemption."""

    redeemed: Redeemed
    points: int
    lots: Counter[date]
    year: int
    expires_at: datetime | None = None
    captured: int = 0
    reversed: int = 0
    status: str = "completed"
    commands: int = 0

    @property
    def value(self) -> int:
        """What counts against the cap of its year."""
        if self.status == "reserved":
            return worth(self.points)
        return worth(self.captured - self.reversed)


@dataclass
class Account:
    """One member. Time is settled at once here, and by the ledger when somebody looks."""

    lots: Counter[date] = field(default_factory=Counter)
    debt: int = 0
    expired: int = 0
    spendings: list[Spending] = field(default_factory=list)

    @property
    def available(self) -> int:
        return self.lots.total() - self.debt

    def open_ones(self) -> list[Spending]:
        return [each for each in self.spendings if each.status == "reserved"]

    def credit(self, lots: Counter[date]) -> None:
        """Debt first, from the soonest lot."""
        for day in sorted(lots):
            repaid = min(self.debt, lots[day])
            self.debt -= repaid
            self.lots[day] += lots[day] - repaid
        self.lots += Counter()

    def give_back(self, lots: Counter[date], today: date) -> None:
        """Into the lots they came from; where the day has passed they expire."""
        self.expired += sum(points for day, points in lots.items() if day < today)
        self.credit(Counter({day: points for day, points in lots.items() if day >= today}))

    def take(self, points: int) -> Counter[date]:
        """Soonest last day first."""
        taken: Counter[date] = Counter()
        for _ in range(points):
            day = min(day for day, left in (self.lots - taken).items() if left)
            taken[day] += 1
        self.lots -= taken
        return taken

    def expire(self, today: date) -> None:
        for day in [day for day in self.lots if day < today]:
            self.expired += self.lots.pop(day)

    def settle(self, now: datetime) -> None:
        """What has ended, in the order in which it did."""
        ended = [s for s in self.open_ones() if s.expires_at is not None and s.expires_at <= now]
        for spending in sorted(ended, key=lambda each: each.expires_at or now):
            assert spending.expires_at is not None
            day = spending.expires_at.date()
            self.expire(day)
            spending.status = "timed_out"
            self.give_back(spending.lots, day)
        self.expire(now.date())


def soonest(lots: Counter[date], points: int) -> Counter[date]:
    """Up to so many points of the lots, soonest first."""
    part: Counter[date] = Counter()
    for day in sorted(lots):
        part[day] = min(lots[day], points - part.total())
    return part + Counter()


class RedemptionMachine(RuleBasedStateMachine):
    """Tells the service and the model the same, and compares them after each step."""

    def begin(self, valid_days: int | None) -> None:
        self.valid_days = valid_days
        self.desk = Desk(
            program(
                point_value=(POINTS_PER_UNIT, "1.00"),
                expires_after=f"P{valid_days}D" if valid_days is not None else None,
                round_to="day",
            )
        )
        self.account = Account()
        self.refundable: list[tuple[str, int]] = []
        self.told = 0
        self.earn(40)

    # ---- What happens to the balance otherwise

    @rule(points=st.integers(1, 120))
    def earn(self, points: int) -> None:
        """A purchase that is paid at once."""
        self.sweep()
        self.told += 1
        id_, now, amount = f"purchase-{self.told}", self.desk.now, f"{points}.00"
        self.desk.tell(posted(amount, id=id_, at=now), paid(amount, id=id_, at=now))
        days = self.valid_days
        day = date.max if days is None else now.date() + timedelta(days=days)
        self.account.credit(Counter({day: points}))
        self.refundable.append((id_, points))

    @precondition(lambda self: self.valid_days is None and self.refundable)
    @rule(which=WHICH)
    def refund(self, which: int) -> None:
        """All of a purchase: what is not there any more becomes debt; what is reserved stays."""
        id_, points = self.refundable.pop(which % len(self.refundable))
        self.sweep()
        self.desk.tell(refunded(f"{points}.00", id=id_, at=self.desk.now))
        left = min(points, self.account.lots.total())
        self.account.take(left)
        self.account.debt += points - left

    # ---- Redemptions

    @rule(quarters=QUARTERS, reserve=st.booleans())
    def redeem(self, quarters: int, reserve: bool) -> None:
        """Some or all of what there is."""
        account = self.settled_account()
        points = account.available * quarters // 4
        too_many = reserve and len(account.open_ones()) >= MAX_OPEN_RESERVATIONS
        if points <= 0:
            return
        if too_many:
            self.refuse(lambda: self.ask(points, reserve=True), LimitExceededError)
            return
        redeemed = self.ask(points, reserve=reserve)
        now = self.desk.now
        account.spendings.append(
            Spending(
                redeemed=redeemed,
                points=points,
                lots=account.take(points),
                year=now.year,
                expires_at=now + RESERVED_FOR if reserve else None,
                captured=0 if reserve else points,
                status="reserved" if reserve else "completed",
            )
        )

    @rule(more=st.integers(1, 50), reserve=st.booleans())
    def redeem_too_much(self, more: int, reserve: bool) -> None:
        points = max(0, self.settled_account().available) + more
        self.refuse(lambda: self.ask(points, reserve=reserve), InsufficientPointsError)

    @precondition(lambda self: self.account.spendings)
    @rule(which=WHICH, quarters=QUARTERS, more=st.integers(0, 3))
    def capture(self, which: int, quarters: int, more: int) -> None:
        account, spending = self.chosen(which)
        points = max(1, spending.points * quarters // 4)
        if spending.status != "reserved":
            self.refuse_step("capture", spending, points, ReservationNotOpenError)
        elif more == 1:
            self.refuse_step("capture", spending, spending.points + 1, LimitExceededError)
        else:
            self.take_step("capture", spending, points)
            captured = soonest(spending.lots, points)
            account.give_back(spending.lots - captured, self.desk.now.date())
            spending.lots, spending.captured, spending.status = captured, points, "completed"

    @precondition(lambda self: self.account.spendings)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        account, spending = self.chosen(which)
        if spending.status != "reserved":
            self.refuse_step("cancel", spending, None, ReservationNotOpenError)
            return
        self.take_step("cancel", spending, None)
        account.give_back(spending.lots, self.desk.now.date())
        spending.status = "cancelled"

    @precondition(lambda self: self.account.spendings)
    @rule(which=WHICH, quarters=QUARTERS, more=st.integers(0, 3))
    def reverse(self, which: int, quarters: int, more: int) -> None:
        account, spending = self.chosen(which)
        left = spending.captured - spending.reversed
        if not spending.captured:
            self.refuse_step("reverse", spending, 1, ReservationNotOpenError)
        elif not left:
            self.refuse_step("reverse", spending, 1, AlreadyReversedError)
        elif more == 1 or spending.commands >= MAX_COMMANDS_PER_REDEMPTION:
            self.refuse_step("reverse", spending, left + 1, LimitExceededError)
        else:
            points = max(1, left * quarters // 4)
            self.take_step("reverse", spending, points)
            still = soonest(spending.lots, left)
            account.give_back(still - soonest(spending.lots, left - points), self.today)
            spending.reversed += points
            if spending.reversed == spending.captured:
                spending.status = "reversed"

    # ---- Time

    @rule(minutes=st.sampled_from([1, 7, 15, 16, 60]))
    def minutes_pass(self, minutes: int) -> None:
        self.desk.now += timedelta(minutes=minutes)

    @rule(hours=st.integers(1, 60))
    def hours_pass(self, hours: int) -> None:
        self.desk.wait(self.desk.now + timedelta(hours=hours))

    @precondition(lambda self: self.account.lots and self.valid_days is not None)
    @rule(before=st.sampled_from([0, 5, 14]))
    def nearly_midnight_of_the_soonest_lot(self, before: int) -> None:
        """So that reservations end on another day than they began."""
        end = datetime.combine(min(self.account.lots) + timedelta(days=1), time(), UTC)
        self.desk.wait(max(self.desk.now, end - timedelta(minutes=before)))

    @rule()
    def sweep(self) -> None:
        self.desk.sweep("reservation")
        self.desk.expire()
        self.account.settle(self.desk.now)

    # ---- Always

    @invariant()
    def the_balances_are_those_of_the_model(self) -> None:
        account, state = self.settled_account(), self.settled_state()
        assert dict(state.lots) == dict(sorted(account.lots.items()))
        assert (state.available, state.debt) == (account.available, account.debt)
        assert state.reserved == sum(each.points for each in account.open_ones())
        assert state.counter("expired") == account.expired

    @invariant()
    def what_is_redeemed_is_what_was_captured_and_not_reversed(self) -> None:
        account, state = self.account, self.settled_state()
        spendings = account.spendings
        assert state.counter("redeemed") == sum(s.captured - s.reversed for s in spendings)
        for year in {spending.year for spending in spendings}:
            value = sum(s.value for s in spendings if s.year == year)
            assert state.counter(f"redeemed_value:{year}") == value

    @invariant()
    def every_redemption_is_shown_as_it_is(self) -> None:
        for spending in self.settled_account().spendings[-2:]:
            shown = self.desk.shown(spending.redeemed)
            assert shown.status == spending.status
            found = shown.redemption
            assert (found.captured, found.reversed) == (spending.captured, spending.reversed)

    def teardown(self) -> None:
        """Every chain is whole, and nothing was ever spent that was not there."""
        if not hasattr(self, "desk"):
            return
        chain = self.desk.memory.chain(ADA)
        replay(chain)
        for entry in chain:
            if entry.posting.type in ("redemption", "reservation"):
                assert entry.state.available >= 0

    # ---- Parts

    @property
    def today(self) -> date:
        return self.desk.now.date()

    def settled_account(self) -> Account:
        self.account.settle(self.desk.now)
        return self.account

    def settled_state(self) -> State:
        state = self.desk.memory.chain(ADA)[-1].state
        rules = self.desk.programs.at(self.desk.now)
        return settled(state, now=self.desk.now, program=rules)

    def chosen(self, which: int) -> tuple[Account, Spending]:
        account = self.settled_account()
        return account, account.spendings[-1 - which % len(account.spendings)]

    def ask(self, points: int, *, reserve: bool) -> Redeemed:
        """Twice with the same key: it is done once."""
        self.told += 1
        key = f"redeem-{self.told}"
        first = self.desk.redeem(points, key=key, reserve=reserve)
        again = self.desk.redeem(points, key=key, reserve=reserve)
        assert (again.result, again.replayed, first.replayed) == (first.result, True, False)
        return first

    def take_step(self, step: StepName, spending: Spending, points: int | None) -> None:
        """Twice with the same key: it is done once."""
        self.told += 1
        key = f"take-{self.told}"
        first = self.desk.go_on(step, spending.redeemed, points, key=key)
        again = self.desk.go_on(step, spending.redeemed, points, key=key)
        assert (again.result, again.replayed, first.replayed) == (first.result, True, False)
        spending.commands += 1

    def refuse_step(
        self,
        step: StepName,
        spending: Spending,
        points: int | None,
        error: type[Rejection],
    ) -> None:
        self.refuse(lambda: self.desk.go_on(step, spending.redeemed, points), error)

    def refuse(self, ask: Callable[[], object], error: type[Rejection]) -> None:
        """It is refused and nothing is written."""
        before = self.desk.memory.chain(ADA)
        with pytest.raises(error):
            ask()
        assert self.desk.memory.chain(ADA) == before


class ExpiringMachine(RedemptionMachine):
    """Lots are good for a few days."""

    @initialize(valid_days=st.sampled_from([0, 1, 3, 10]))
    def begin_expiring(self, valid_days: int) -> None:
        self.begin(valid_days)


class LastingMachine(RedemptionMachine):
    """Lots never expire, and purchases are refunded."""

    @initialize()
    def begin_lasting(self) -> None:
        self.begin(None)


TestExpiring = ExpiringMachine.TestCase
TestLasting = LastingMachine.TestCase


# ---- Undoing everything


@dataclass(frozen=True)
class Use:
    """One redemption, and what is done with it before everything is undone."""

    quarters: int
    reserved: bool
    captured_quarters: int
    reversed_quarters: int


USES = st.builds(
    Use,
    quarters=QUARTERS,
    reserved=st.booleans(),
    captured_quarters=st.integers(0, 4),
    reversed_quarters=st.integers(0, 3),
)


@given(
    earned=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    uses=st.lists(USES, min_size=1, max_size=MAX_OPEN_RESERVATIONS),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=2 * settings().max_examples)
def test_undoing_every_redemption_restores_the_lots(
    earned: list[int], uses: list[Use], order: Random
) -> None:
    desk = Desk(program(expires_after="P1Y", round_to="day", point_value=(7, "1.00")))
    for number, points in enumerate(earned):
        at, id_ = desk.now, f"purchase-{number}"
        desk.tell(posted(f"{points}.00", id=id_, at=at), paid(f"{points}.00", id=id_, at=at))
        desk.now += timedelta(days=1)
    before = desk.memory.chain(ADA)[-1].state
    made: list[Redeemed] = []
    for number, use in enumerate(uses):
        points = desk.queries.balance(ADA).available * use.quarters // 4
        if points:
            made.append(desk.redeem(points, key=f"redeem-{number}", reserve=use.reserved))
            begin(desk, made[-1], use)
    order.shuffle(made)
    for redemption in made:
        shown = desk.shown(redemption)
        if shown.status == "reserved":
            desk.go_on("cancel", redemption)
        elif shown.status == "completed":
            desk.go_on("reverse", redemption)
    after = desk.memory.chain(ADA)[-1].state
    assert (dict(after.lots), after.counters) == (dict(before.lots), before.counters)
    assert (after.reserved, after.reservations) == (0, {})
    replay(desk.memory.chain(ADA))


def begin(desk: Desk, redemption: Redeemed, use: Use) -> None:
    """Capture some of it and reverse some of that."""
    points = int(str(redemption.result["points"]))
    captured = points * use.captured_quarters // 4 if use.reserved else points
    if use.reserved and captured:
        desk.go_on("capture", redemption, captured)
    reversed_points = captured * use.reversed_quarters // 4
    if reversed_points:
        desk.go_on("reverse", redemption, reversed_points)
