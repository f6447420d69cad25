"""Setting points aside, capturing them, releasing and reversing (semantics 4)."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.error import (
    AlreadyReversedError,
    InsufficientPointsError,
    LimitExceededError,
    ReservationNotOpenError,
    YearlyCapExceededError,
)
from points_ledger.domain.identity import RedemptionId
from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS
from points_ledger.domain.lot import Lots
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import Redeemer, refusals
from points_ledger.domain.reservation import (
    Step,
    capture,
    captured_part,
    prolong,
    release,
    reserve,
    reverse,
    still_spent,
    undone_part,
)
from points_ledger.domain.settling import settled, settlement
from points_ledger.domain.state import Reservation, State
from tests.builders import DAY, START, program

ID = RedemptionId("rdm_1")
IN_15_MINUTES = START + timedelta(minutes=15)
JANUARY, FEBRUARY, MARCH = date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)
PROGRAM = program()


def account(*, debt: int = 0, **lots: int) -> State:
    """Lots by the name of their month; all of it was earned."""
    days = {"january": JANUARY, "february": FEBRUARY, "march": MARCH}
    held = {days[name]: points for name, points in lots.items()}
    return State(lots=held, debt=debt, counters={"earned": sum(held.values()) - debt})


def reserved(
    state: State,
    points: int,
    *,
    rules: Program = PROGRAM,
    id_: str = ID,
    expires_at: datetime = IN_15_MINUTES,
) -> State:
    """The account after a reservation at START."""
    posting = reserve(
        Redeemer(state=state, program=rules, now=START),
        points=points,
        redemption_id=RedemptionId(id_),
        expires_at=expires_at,
        actor="till",
    )
    assert posting.type == "reservation"
    return after(state, posting)


def after(state: State, posting: Posting) -> State:
    """The account after a posting, with its invariants."""
    changed = apply(state, posting)
    changed.check()
    return changed


def step(
    state: State,
    *,
    now: datetime = START,
    rules: Program = PROGRAM,
    priced_by: Program | None = None,
) -> Step:
    """What is known a moment later; what time has ended is settled."""
    return Step(
        redemption_id=ID,
        state=settled(state, now=now, program=rules),
        now=now,
        program=rules,
        priced_by=priced_by or rules,
        ticket=None,
        actor="till",
    )


# ---- Reserving


def test_points_move_from_the_soonest_lots_to_reserved() -> None:
    state = reserved(account(january=50, february=50), 70)
    assert (state.available, state.reserved, dict(state.lots)) == (30, 70, {FEBRUARY: 30})
    assert state.reservations[ID] == Reservation(
        lots={JANUARY: 50, FEBRUARY: 20}, expires_at=IN_15_MINUTES, value=70, year=2026
    )


def test_a_reservation_redeems_nothing_yet_and_counts_against_the_yearly_cap_at_once() -> None:
    rules = program(yearly_amount_cap="1.00")
    state = reserved(account(january=500), 70, rules=rules)
    assert state.counter("redeemed") == 0
    refusal = next(refusals(Redeemer(state=state, program=rules, now=START), 31))
    assert refusal == YearlyCapExceededError("1.00", "0.30")


def test_reserved_points_cannot_be_reserved_again() -> None:
    state = reserved(account(january=100), 70)
    with pytest.raises(InsufficientPointsError):
        reserved(state, 31, id_="rdm_2")
    assert reserved(state, 30, id_="rdm_2").reserved == 100


def test_there_are_at_most_so_many_open_reservations() -> None:
    state = account(january=500)
    for number in range(MAX_OPEN_RESERVATIONS):
        state = reserved(state, 10, id_=f"rdm_{number}")
    with pytest.raises(LimitExceededError) as refused:
        reserved(state, 10, id_="rdm_more")
    assert refused.value == LimitExceededError("open_reservations", MAX_OPEN_RESERVATIONS)


# ---- Capturing


@pytest.mark.parametrize(
    ("points", "spent", "lots"),
    [
        (None, 70, {FEBRUARY: 30}),
        (70, 70, {FEBRUARY: 30}),
        (69, 69, {FEBRUARY: 31}),
        (50, 50, {FEBRUARY: 50}),
        (40, 40, {JANUARY: 10, FEBRUARY: 50}),
        (1, 1, {JANUARY: 49, FEBRUARY: 50}),
    ],
)
def test_a_capture_spends_the_soonest_lots_and_releases_the_rest(
    points: int | None, spent: int, lots: Lots
) -> None:
    state = reserved(account(january=50, february=50), 70)
    state = after(state, capture(step(state), points))
    assert (state.counter("redeemed"), dict(state.lots), state.reserved) == (spent, lots, 0)
    assert state.counter("redeemed_value:2026") == spent


def test_more_than_is_reserved_cannot_be_captured() -> None:
    state = reserved(account(january=100), 70)
    with pytest.raises(LimitExceededError) as refused:
        capture(step(state), 71)
    assert refused.value == LimitExceededError("reserved_points", 70)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), DAY])
def test_a_capture_at_the_instant_at_which_it_ends_is_late(late: timedelta) -> None:
    state = reserved(account(january=100), 70)
    with pytest.raises(ReservationNotOpenError):
        capture(step(state, now=IN_15_MINUTES + late), None)


def test_a_capture_a_moment_before_is_not() -> None:
    state = reserved(account(january=100), 70)
    moment = IN_15_MINUTES - timedelta(microseconds=1)
    assert after(state, capture(step(state, now=moment), None)).counter("redeemed") == 70


def test_a_pinned_lot_stays_good_until_the_reservation_ends() -> None:
    today = START.date()
    state = State(lots={today: 100}, counters={"earned": 100})
    state = reserved(state, 70, expires_at=START + 2 * DAY)
    tomorrow = START + DAY
    expiry = settlement(state, now=tomorrow, program=PROGRAM, actor="sweep")
    assert expiry is not None
    state = after(state, expiry)
    assert (state.available, state.reserved, state.counter("expired")) == (0, 70, 30)
    state = after(state, capture(step(state, now=tomorrow), 50))
    assert (state.counter("redeemed"), state.counter("expired")) == (50, 50)


def test_the_value_is_that_of_the_version_of_the_reservation() -> None:
    dearer = program(point_value=(10, "1.00"))
    state = reserved(account(january=100), 70)
    state = after(state, capture(step(state, rules=dearer, priced_by=PROGRAM), 40))
    assert state.counter("redeemed_value:2026") == 40


def test_the_value_goes_back_to_the_year_of_the_reservation() -> None:
    new_years_eve = START.replace(month=12, day=31)
    state = account(february=100)
    posting = reserve(
        Redeemer(state=state, program=PROGRAM, now=new_years_eve),
        points=70,
        redemption_id=ID,
        expires_at=new_years_eve + 2 * DAY,
        actor="till",
    )
    state = after(state, posting)
    state = after(state, capture(step(state, now=new_years_eve + DAY), 30))
    assert state.counter("redeemed_value:2026") == 30
    assert state.counter("redeemed_value:2027") == 0


# ---- Releasing


def test_released_points_are_where_they_were() -> None:
    before = account(january=50, february=50)
    state = reserved(before, 70)
    released = after(state, release(step(state), reason="cancelled"))
    assert (released.lots, released.counters) == (before.lots, before.counters)
    assert (released.reserved, released.reservations) == (0, {})


@pytest.mark.parametrize(
    ("grace_days", "lots", "expired"),
    [(0, {}, 70), (5, {START.date() + timedelta(days=6): 70}, 0)],
)
def test_released_points_whose_day_has_passed_expire_or_get_the_days_of_grace(
    grace_days: int, lots: Lots, expired: int
) -> None:
    rules = replace(PROGRAM, expiry=replace(PROGRAM.expiry, return_grace_days=grace_days))
    state = State(lots={START.date(): 70}, counters={"earned": 70})
    state = reserved(state, 70, expires_at=START + 2 * DAY)
    posting = release(step(state, now=START + DAY, rules=rules), reason="cancelled")
    state = after(state, posting)
    assert (dict(state.lots), state.counter("expired")) == (lots, expired)
    assert posting.details.get("expired") == (str(expired) if expired else None)


def test_what_has_timed_out_is_released_by_whoever_comes_next() -> None:
    state = reserved(account(january=100), 70)
    posting = settlement(state, now=IN_15_MINUTES, program=PROGRAM, actor="till")
    assert posting is not None
    assert (posting.type, posting.at, posting.reason) == (
        "release",
        IN_15_MINUTES,
        "reservation_ended",
    )
    assert after(state, posting).available == 100
    with pytest.raises(ReservationNotOpenError):
        release(step(state, now=IN_15_MINUTES), reason="cancelled")


def test_a_longer_reservation_holds_the_same_points() -> None:
    state = reserved(account(january=100), 70)
    later = START + DAY
    longer = after(state, prolong(step(state), expires_at=later, reason="approved"))
    assert longer.reservations == {ID: replace(state.reservations[ID], expires_at=later)}
    assert (longer.available, longer.reserved) == (30, 70)


# ---- A reversal of what earned them never touches reserved points


@pytest.mark.parametrize(
    ("ends", "available", "debt"), [("cancel", 0, 0), ("capture", -100, 100), ("time", 0, 0)]
)
def test_100_reserved_then_a_full_return_is_a_debt_of_100(
    ends: str, available: int, debt: int
) -> None:
    state = reserved(account(january=100), 100)
    returned = Posting(
        type="reversal", at=START, debt=100, counters={"reversed": 100}, actor="webhook"
    )
    state = after(state, returned)
    assert (state.available, state.reserved, state.debt) == (-100, 100, 100)
    match ends:
        case "cancel":
            state = after(state, release(step(state), reason="cancelled"))
        case "capture":
            state = after(state, capture(step(state), None))
        case _:
            state = settled(state, now=IN_15_MINUTES, program=PROGRAM)
    assert (state.available, state.debt, state.reserved) == (available, debt, 0)


# ---- Reversing


@pytest.mark.parametrize(
    ("points", "lots", "redeemed"),
    [
        (30, {JANUARY: 10, FEBRUARY: 50}, 40),
        (20, {FEBRUARY: 50}, 50),
        (1, {FEBRUARY: 31}, 69),
        (70, {JANUARY: 50, FEBRUARY: 50}, 0),
        (None, {JANUARY: 50, FEBRUARY: 50}, 0),
    ],
)
def test_a_reversal_undoes_the_latest_lasting_lots_first(
    points: int | None, lots: Lots, redeemed: int
) -> None:
    state = reserved(account(january=50, february=50), 70)
    state = after(state, capture(step(state), None))
    spent = {JANUARY: 50, FEBRUARY: 20}
    state = after(state, reverse(step(state), spent=spent, points=points, year=2026))
    assert (dict(state.lots), state.counter("redeemed")) == (lots, redeemed)
    assert state.counter("redeemed_value:2026") == redeemed


def test_several_reversals_are_as_one() -> None:
    spent: Lots = {JANUARY: 50, FEBRUARY: 20}
    state = State(
        lots={FEBRUARY: 30},
        counters={"earned": 100, "redeemed": 70, "redeemed_value:2026": 70},
    )
    at_once = after(state, reverse(step(state), spent=spent, points=45, year=2026))
    for part, undone in ((15, 0), (25, 15), (5, 40)):
        left = still_spent(spent, captured=70, reversed_points=undone)
        state = after(state, reverse(step(state), spent=left, points=part, year=2026))
    assert (state.lots, state.counters) == (at_once.lots, at_once.counters)


def test_the_value_of_parts_adds_up_however_they_round() -> None:
    rules = program(point_value=(3, "1.00"))
    state = State(counters={"earned": 10, "redeemed": 10, "redeemed_value:2026": 333})
    left: Lots = {JANUARY: 10}
    for undone in range(10):
        left = still_spent({JANUARY: 10}, captured=10, reversed_points=undone)
        state = after(state, reverse(step(state, rules=rules), spent=left, points=1, year=2026))
    assert (state.counter("redeemed_value:2026"), state.available) == (0, 10)


def test_more_than_is_still_spent_cannot_be_reversed() -> None:
    with pytest.raises(LimitExceededError) as refused:
        undone_part({JANUARY: 40}, 41)
    assert refused.value == LimitExceededError("captured_points", 40)


def test_what_was_reversed_in_full_cannot_be_reversed_again() -> None:
    with pytest.raises(AlreadyReversedError) as refused:
        still_spent({JANUARY: 40}, captured=40, reversed_points=40)
    assert refused.value == AlreadyReversedError(40)


def test_a_reversal_repays_debt_first() -> None:
    state = State(debt=50, counters={"earned": 20, "redeemed": 70})
    posting = reverse(step(state), spent={JANUARY: 70}, points=None, year=2026)
    state = after(state, posting)
    assert (posting.debt, dict(state.lots), state.debt) == (-50, {JANUARY: 20}, 0)


def test_reversed_points_whose_day_has_passed_expire() -> None:
    spent: Lots = {START.date() - DAY: 40, JANUARY: 30}
    state = State(counters={"earned": 70, "redeemed": 70})
    posting = reverse(step(state), spent=spent, points=None, year=2026)
    state = after(state, posting)
    assert (dict(state.lots), state.counter("expired")) == ({JANUARY: 30}, 40)
    assert posting.details == {"redemption": ID, "expired": "40"}


@pytest.mark.parametrize(
    ("points", "lots"),
    [(None, {JANUARY: 50, FEBRUARY: 20}), (0, {}), (50, {JANUARY: 50}), (60, None)],
)
def test_the_part_that_a_capture_spends(points: int | None, lots: Lots | None) -> None:
    held = Reservation(lots={JANUARY: 50, FEBRUARY: 20}, expires_at=IN_15_MINUTES)
    expected = {JANUARY: 50, FEBRUARY: 10} if lots is None else lots
    assert dict(captured_part(held, points)) == expected


# ---- Rewards have a price of their own


def test_neither_the_minimum_nor_the_ticket_decides_about_a_reward() -> None:
    rules = program(minimum_amount="5.00", ticket_must_exceed=True)
    state = account(january=100)
    codes = {
        kind: [
            refusal.code
            for refusal in refusals(Redeemer(state=state, program=rules, now=START, kind=kind), 101)
        ]
        for kind in ("cash", "reward")
    }
    assert codes == {
        "cash": ["below_minimum", "insufficient_points"],
        "reward": ["insufficient_points"],
    }
