"""Points that live as long as their member is active (semantics 5)."""

import itertools
from dataclasses import replace
from datetime import date, datetime

import pytest

from points_ledger.domain.activity import activity, lot_day, with_merged_activity
from points_ledger.domain.calendar import Period, Rounding
from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.entry import Posting
from points_ledger.domain.identity import RedemptionId
from points_ledger.domain.lot import NEVER
from points_ledger.domain.program import ExpiryTerms, Program
from points_ledger.domain.reservation import Step, capture, release, reserve, reverse
from points_ledger.domain.state import ACTIVE_UNTIL, State
from points_ledger.domain.warning import NOTIFIED, WARNED
from tests.builders import (
    DAY,
    Balances,
    World,
    after,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    voided,
)
from tests.builders import settled as is_settled


def by_activity(
    after_: str = "P30D", round_to: Rounding = "day", rules: Program | None = None
) -> Program:
    terms = ExpiryTerms(kind="inactivity", after=Period.parse(after_), round_to=round_to)
    return replace(rules or program(), expiry=terms)


def sale(number: int, *, days: int, amount: str = "10.00") -> tuple[MergeableFact, ...]:
    at = after(days=days)
    id_ = f"purchase-{number}"
    return posted(amount, id=id_, at=at), paid(amount, id=id_, at=at)


def day(days: int) -> date:
    """The last day that an activity so many days after the start gives."""
    return after(days=days + 30).date()


# ---- One lot


def test_points_live_from_the_latest_activity() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    assert world.lots() == {day(0): 10}
    world.tell(*sale(2, days=20), now=after(days=20))
    assert world.lots() == {day(20): 20}
    world.check()


def test_the_entry_of_the_activity_shows_the_lot_moving() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=20))
    accrual = world.last("accrual")
    assert dict(accrual.lots) == {day(0): -10, day(20): 10}
    assert (accrual.available, accrual.counters[ACTIVE_UNTIL]) == (0, 20)


@pytest.mark.parametrize(
    ("round_to", "last_day"),
    [("month", date(2027, 3, 31)), ("quarter", date(2027, 3, 31)), ("year", date(2027, 12, 31))],
)
def test_the_day_is_rounded_up(round_to: Rounding, last_day: date) -> None:
    world = World(by_activity("P12M", round_to))
    world.tell(*sale(1, days=0))
    assert world.lots() == {last_day: 10}


def test_within_the_same_rounded_day_nothing_moves() -> None:
    world = World(by_activity("P12M", "month"))
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=20))
    assert dict(world.last("accrual").lots) == {}


def test_a_purchase_counts_by_when_it_was_posted_not_when_it_became_known() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=20), now=after(days=20))
    world.tell(*sale(2, days=5))
    assert world.lots() == {day(20): 20}


def test_a_payment_is_no_activity() -> None:
    world = World(by_activity())
    bill, payment = sale(1, days=0)
    world.tell(bill)
    world.tell(payment, now=after(days=20))
    assert world.lots() == {day(0): 10}


def test_points_that_mature_after_the_day_are_good_through_the_recording_day() -> None:
    world = World(by_activity())
    bill, _ = sale(1, days=0)
    world.tell(bill)
    world.tell(is_settled(at=after(days=40)), now=after(days=40))
    assert world.lots() == {after(days=40).date(): 10}


def test_an_action_is_an_activity() -> None:
    world = World(
        by_activity(rules=program(rule(1, "1.00"), rule(5, id="signup", action="signup")))
    )
    world.tell(*sale(1, days=0))
    world.tell(performed(at=after(days=10)), now=after(days=10))
    assert list(world.lots()) == [day(10)]


def test_a_purchase_that_earns_nothing_keeps_the_points_alive() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.tell(posted("0.40", id="purchase-2", at=after(days=20)), now=after(days=20))
    accrual = world.last("accrual")
    assert (accrual.pending, accrual.counters) == (0, {ACTIVE_UNTIL: 20})
    assert world.lots() == {day(20): 10}
    assert world.tell(posted("0.40", id="purchase-2", at=after(days=20))) == ()
    assert world.look("purchase-2") == ()


def test_under_an_analysis_nothing_is_posted() -> None:
    world = World(by_activity(rules=program(mode="analysis")))
    assert world.tell(*sale(1, days=0)) == ()


def test_whoever_shares_in_a_purchase_was_active_and_so_was_who_made_it() -> None:
    world = World(by_activity())
    world.tell(posted("10.00", id="bens", customer="ben"), paid("10.00", id="bens"))
    world.tell(*sale(9, days=0))
    world.share("ada", {"ben": 100})
    world.tell(*sale(1, days=20), now=after(days=20))
    assert (world.lots("ada"), world.lots("ben")) == ({day(20): 10}, {day(20): 20})
    world.check()


# ---- What time ends


def test_an_activity_brings_nothing_back_that_had_passed() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=31))
    assert world.types()[-3:] == ["expiry", "accrual", "maturation"]
    assert world.lots() == {day(20): 10}
    world.check()


def test_a_refund_after_everything_expired_is_not_owed() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=20))
    world.expire(after(days=60))
    world.tell(refunded("10.00", id="purchase-1", at=after(days=61)), now=after(days=61))
    assert world.balances() == Balances(0, 0, 0, 0)
    world.check()


def test_a_refund_takes_from_the_lot_to_which_the_points_moved() -> None:
    world = World(by_activity())
    for number in range(60):
        world.tell(*sale(number, days=number), now=after(days=number))
    world.tell(refunded("10.00", id="purchase-0", at=after(days=60)), now=after(days=60))
    assert world.lots() == {day(59): 590}
    world.check()


# ---- Own redemptions


def test_a_redemption_is_an_activity_of_what_is_left() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.now = after(days=20)
    entry = world.redeem(4)
    assert dict(entry.posting.lots) == {day(0): -10, day(20): 6}
    assert world.lots() == {day(20): 6}
    world.check()


def test_a_redemption_of_everything_counts_for_what_comes_later() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.now = after(days=20)
    world.redeem(10)
    world.tell(*sale(2, days=3))
    assert world.lots() == {day(20): 10}


def test_a_redemption_settles_first_what_had_passed() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=31))
    world.now = after(days=51)
    world.tell(*sale(3, days=51))
    world.now = after(days=82)
    world.tell(*sale(4, days=60))
    world.redeem(4)
    assert world.lots() == {day(82): 6}
    world.check()


def step(world: World) -> Step:
    return Step(
        redemption_id=RedemptionId("r"),
        state=world.state(),
        now=world.now,
        program=world.program,
        priced_by=world.program,
        ticket=None,
        actor="test",
    )


def reserved_on_day_10() -> World:
    """Ten points of day 0, four of them set aside on day 10."""
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    world.now = after(days=10)
    posting = reserve(
        world.redeemer(),
        points=4,
        redemption_id=RedemptionId("r"),
        expires_at=after(days=15),
        actor="test",
    )
    world.post(world.enrol(), posting)
    return world


def test_a_reservation_and_its_capture_are_activities() -> None:
    world = reserved_on_day_10()
    assert world.lots() == {day(10): 6}
    world.now = after(days=12)
    world.post(world.enrol(), capture(step(world), 3))
    assert world.lots() == {day(12): 7}
    world.check()


def test_released_points_join_the_one_lot_and_that_is_no_activity() -> None:
    world = reserved_on_day_10()
    world.now = after(days=12)
    world.post(world.enrol(), release(step(world), reason="cancelled"))
    assert world.lots() == {day(10): 10}


def test_a_reservation_that_ended_is_settled_into_the_one_lot() -> None:
    world = reserved_on_day_10()
    world.expire(after(days=16))
    assert world.lots() == {day(10): 10}


def test_points_of_a_reversed_redemption_join_the_one_lot() -> None:
    world = World(by_activity())
    world.tell(*sale(1, days=0))
    spent = {day(0): 10}
    world.redeem(10)
    world.tell(*sale(2, days=20), now=after(days=20))
    undone = reverse(step(world), spent=spent, points=None, year=2026)
    world.post(world.enrol(), undone)
    assert world.lots() == {day(20): 20}


# ---- Any order


def test_facts_in_any_order_end_in_the_same_lot() -> None:
    facts = [
        *sale(1, days=3),
        *sale(2, days=9),
        refunded("10.00", id="purchase-2", at=after(days=9)),
        voided(id="purchase-1", at=after(days=10)),
    ]
    for order in itertools.permutations(facts):
        world = World(by_activity(), now=after(days=12))
        world.tell(*sale(0, days=0))
        world.tell(*order)
        assert (world.lots(), world.state().counter(ACTIVE_UNTIL)) == (
            {day(9): 10},
            day(9).toordinal(),
        )
        world.check()


# ---- The parts


def account(lots: dict[date, int], until: date | None = None) -> State:
    counters = {ACTIVE_UNTIL: until.toordinal()} if until else {}
    return State(lots=lots, counters=counters)


def active(state: State, at: datetime) -> dict[date, int]:
    found = activity(state, at=at, today=at.date(), program=by_activity())
    return dict(found.lots) if found else {}


def test_lots_that_end_later_or_never_stay_where_they_are() -> None:
    lots = {day(-5): 1, day(1): 2, NEVER: 3}
    assert active(account(lots), after()) == {day(-5): -1, day(0): 1}


def test_lots_that_have_passed_do_not_move() -> None:
    assert active(account({day(-31): 1}), after()) == {}


def test_a_moved_lot_has_not_been_warned_of() -> None:
    name = f"{day(-5):%Y%m%d}"
    known = {f"{WARNED}{name}": 7, f"{NOTIFIED}{name}": 9}
    state = State(lots={day(-5): 1}, counters=known)
    found = activity(state, at=after(), today=after().date(), program=by_activity())
    assert found is not None
    assert {n: known[n] + found.counters[n] for n in known} == dict.fromkeys(known, 0)


def test_without_any_activity_a_credit_lives_from_its_own_day() -> None:
    today = after().date()
    assert lot_day(State(), after(), program=by_activity(), today=today) == day(0)
    known = account({}, until=day(-5))
    assert lot_day(known, after(), program=by_activity(), today=today) == day(-5)
    assert lot_day(known, after(), program=program(), today=today) == date(2028, 3, 31)


@pytest.mark.parametrize(("source_days", "target_days"), [(3, 8), (8, 3)])
def test_two_members_who_become_one_have_one_lot_of_the_later_day(
    source_days: int, target_days: int
) -> None:
    source = account({day(source_days): 5}, until=day(source_days))
    target = account({day(target_days): 7}, until=day(target_days))
    posting = Posting(type="merge", at=after(), lots=source.lots, actor="test")
    merged = with_merged_activity(posting, source, target, now=after(), program=by_activity())
    lots = {**target.lots}
    for lot, points in merged.lots.items():
        lots[lot] = lots.get(lot, 0) + points
    assert {lot: points for lot, points in lots.items() if points} == {day(8): 12}
    assert target.counter(ACTIVE_UNTIL) + merged.counters.get(ACTIVE_UNTIL, 0) == (
        day(8).toordinal()
    )


def test_a_period_program_knows_no_activity() -> None:
    world = World(program(expires_after="P30D", round_to="day"))
    world.tell(*sale(1, days=0))
    world.tell(*sale(2, days=20), now=after(days=20))
    assert world.lots() == {day(0): 10, day(20): 10}
    assert (after(days=30) - after()) // DAY == 30
