"""Lots: taking, adding, passing, and joining at the limit (semantics 2)."""

from datetime import date, timedelta

import pytest

from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import NEVER, Lots, add, joining, passed, take, total, usable
from points_ledger.domain.state import State, credited
from tests.builders import World, after, paid, posted, program, refunded

JANUARY, FEBRUARY, MARCH = date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)


def every_tenth_day(count: int) -> dict[date, int]:
    """Lots of 5 points, ten days apart."""
    return {JANUARY + timedelta(days=10 * place): 5 for place in range(count)}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (0, {}),
        (30, {JANUARY: 30}),
        (50, {JANUARY: 50}),
        (70, {JANUARY: 50, FEBRUARY: 20}),
        (105, {JANUARY: 50, FEBRUARY: 50, NEVER: 5}),
        (500, {JANUARY: 50, FEBRUARY: 50, NEVER: 9}),
    ],
)
def test_lots_are_taken_soonest_first_and_those_that_never_expire_last(
    points: int, expected: Lots
) -> None:
    assert take({NEVER: 9, FEBRUARY: 50, JANUARY: 50}, points) == expected


def test_an_order_of_days_may_be_given() -> None:
    assert take({JANUARY: 5, FEBRUARY: 5}, 7, [FEBRUARY, JANUARY]) == {FEBRUARY: 5, JANUARY: 2}


@pytest.mark.parametrize(
    ("lots", "change", "expected"),
    [
        ({JANUARY: 5}, {FEBRUARY: 3}, {JANUARY: 5, FEBRUARY: 3}),
        ({FEBRUARY: 5}, {FEBRUARY: -5}, {}),
        ({FEBRUARY: 5}, {JANUARY: 1, FEBRUARY: -2}, {JANUARY: 1, FEBRUARY: 3}),
    ],
)
def test_a_change_of_lots_leaves_no_empty_ones(lots: Lots, change: Lots, expected: Lots) -> None:
    changed = add(lots, change)
    assert list(changed.items()) == list(expected.items())


def test_a_lot_counts_through_its_last_day() -> None:
    lots = {JANUARY: 1, FEBRUARY: 2, NEVER: 4}
    assert (usable(lots, FEBRUARY), passed(lots, FEBRUARY)) == (
        {FEBRUARY: 2, NEVER: 4},
        {JANUARY: 1},
    )


def test_as_many_lots_as_are_allowed_stay_as_they_are() -> None:
    assert joining(every_tenth_day(MAX_LOTS)) == {}


def test_above_the_limit_the_two_closest_days_become_one_with_the_later_day() -> None:
    lots = every_tenth_day(MAX_LOTS)
    close = JANUARY + timedelta(days=97)
    change = joining({**lots, close: 3})
    assert change == {close: -3, JANUARY + timedelta(days=100): 3}


def test_equal_gaps_join_the_sooner_pair() -> None:
    change = joining(every_tenth_day(MAX_LOTS + 1))
    assert change == {JANUARY: -5, JANUARY + timedelta(days=10): 5}


def test_several_too_many_are_joined_one_after_the_other() -> None:
    lots = every_tenth_day(MAX_LOTS + 3)
    assert len(add(lots, joining(lots))) == MAX_LOTS


def test_a_lot_that_never_expires_is_joined_only_to_its_like() -> None:
    lots = {**every_tenth_day(MAX_LOTS), NEVER: 7}
    assert add(lots, joining(lots))[NEVER] == 7


def test_a_credit_above_the_limit_shows_the_joining_in_its_change() -> None:
    state = State(lots=every_tenth_day(MAX_LOTS))
    credit = credited(state, {JANUARY + timedelta(days=97): 3})
    assert credit.lots == {JANUARY + timedelta(days=100): 3}
    assert credit.counters == {"joined_lot:2027-04-08": 3}


@pytest.mark.parametrize(
    ("debt", "lots", "repaid"), [(0, {MARCH: 50}, 0), (20, {MARCH: 30}, 20), (80, {}, 50)]
)
def test_a_credit_repays_debt_first(debt: int, lots: Lots, repaid: int) -> None:
    credit = credited(State(debt=debt), {MARCH: 50})
    assert (credit.lots, credit.repaid) == (lots, repaid)


def test_a_member_with_many_lots_keeps_all_points_in_few_lots() -> None:
    world = World(program(expires_after="P24M", round_to="day"))
    for number in range(MAX_LOTS + 5):
        at = after(days=10 * number)
        world.tell(posted("5.00", id=f"s{number}", at=at), paid("5.00", id=f"s{number}", at=at),
                   now=at)  # fmt: skip
    world.check()
    assert (len(world.lots()), total(world.lots())) == (MAX_LOTS, 5 * (MAX_LOTS + 5))


def test_a_joined_lot_can_still_be_taken_back() -> None:
    world = World(program(expires_after="P24M", round_to="day"))
    for number in range(MAX_LOTS + 5):
        at = after(days=10 * number)
        world.tell(posted("5.00", id=f"s{number}", at=at), paid("5.00", id=f"s{number}", at=at),
                   now=at)  # fmt: skip
    world.tell(*(refunded("5.00", id=f"s{number}") for number in range(MAX_LOTS + 5)))
    world.check()
    assert (world.balances().available, world.lots()) == (0, {})
