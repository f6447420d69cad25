"""Adjustments as postings: where points go to and come from, and what the entry says of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.adjustment import Adjustment, adjust, needs_approval, reason_code
from points_ledger.domain.entry import apply
from points_ledger.domain.identity import AdjustmentId, ApprovalId
from points_ledger.domain.state import State
from tests.builders import START, program
from tests.service.office import with_terms

TODAY = START.date()
SOON, LATER = TODAY + timedelta(days=5), TODAY + timedelta(days=50)
APPROVED = ApprovalId("apr_1")


def state(*, lots: dict[date, int] | None = None, debt: int = 0) -> State:
    held = lots or {}
    return State(lots=held, debt=debt, counters={"earned": sum(held.values()) - debt})


def adjusted(points: int, before: State, **more: object) -> State:
    asked = Adjustment(id=AdjustmentId("adj_1"), points=points, **more)  # type: ignore[arg-type]
    posting = adjust(
        asked, state=before, program=program(), now=START, actor="a", approval=APPROVED
    )
    after = apply(before, posting)
    after.check()
    return after


def test_the_soonest_lot_is_taken_first_and_the_rest_is_debt() -> None:
    before = state(lots={SOON: 30, LATER: 20})
    assert adjusted(-40, before).lots == {LATER: 10}
    gone = adjusted(-70, before)
    assert (gone.lots, gone.debt, gone.available) == ({}, 20, -20)
    assert adjusted(-5, state(debt=10)).debt == 15


def test_debt_is_repaid_before_a_lot_is_opened() -> None:
    assert adjusted(10, state(debt=30), last_day=SOON) == state_with(debt=20)
    after = adjusted(50, state(debt=30), last_day=SOON)
    assert (after.lots, after.debt) == ({SOON: 20}, 0)


def state_with(*, debt: int) -> State:
    return State(debt=debt, counters={"earned": -30, "adjusted": 30 - debt})


def test_a_day_that_passed_while_it_waited_is_today() -> None:
    after = adjusted(5, state(), last_day=TODAY - timedelta(days=3))
    assert after.lots == {TODAY: 5}


@given(
    st.dictionaries(st.dates(TODAY, date(2040, 1, 1)), st.integers(1, 1_000), max_size=40),
    st.integers(0, 500),
    st.integers(-3_000, 3_000).filter(bool),
)
def test_points_change_by_what_was_asked(lots: dict[date, int], debt: int, points: int) -> None:
    before = state(lots=lots) if lots else state(debt=debt)
    after = adjusted(points, before)
    assert after.available - before.available == points
    assert after.counter("adjusted") == points


@pytest.mark.parametrize(
    ("points", "above", "below_zero", "asks"),
    [
        (10, None, True, False),
        (10, 9, True, True),
        (10, 10, True, False),
        (-10, 9, True, True),
        (-50, None, True, False),
        (-51, None, True, True),
        (10, 0, False, True),
    ],
)
def test_who_is_asked(points: int, above: int | None, below_zero: bool, asks: bool) -> None:
    rules = with_terms(program(), above=above, below_zero=below_zero)
    asked = Adjustment(id=AdjustmentId("adj_1"), points=points)
    before = state(lots={SOON: 50})
    assert needs_approval(asked, state=before, program=rules, now=START) is asks


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("goodwill", "goodwill"),
        ("late_delivery-2.b", "late_delivery-2.b"),
        ("x" * 64, "x" * 64),
        ("x" * 65, None),
        ("two words", None),
        ("dana@example.com", None),
        ("für_Zoë", None),
        ("a:b", None),
    ],
)
def test_only_a_code_stays_in_the_entry(reason: str, code: str | None) -> None:
    assert reason_code(reason) == code
