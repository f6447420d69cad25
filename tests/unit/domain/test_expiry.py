"""Expiry by a period, by rounding, and never (semantics 5)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.calendar import end_of_validity
from points_ledger.domain.entry import Posting
from points_ledger.domain.expiry import expires_at, usable_points
from points_ledger.domain.limit import EXPIRED_LOT_RECORD_DAYS, MAX_LOTS
from points_ledger.domain.lot import NEVER
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import State, record_of
from tests.builders import DAY, HOUR, Balances, World, after, paid, posted, program, rule

CHICAGO = ZoneInfo("America/Chicago")
IN_CHICAGO = replace(program(), zone=CHICAGO)
LAST_DAY = date(2021, 7, 31)
MIDNIGHT = datetime(2021, 8, 1, 5, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def swept(state: State, now: datetime) -> Posting | None:
    """What the sweep posts for an account in Chicago."""
    return settlement(state, now=now, program=IN_CHICAGO, actor="sweep")


def with_records(records: dict[date, int], lots: dict[date, int]) -> State:
    """An account that remembers what expired from lots."""
    return State(lots=lots, counters={record_of(day): points for day, points in records.items()})


@pytest.mark.parametrize(("now", "usable"), [(MIDNIGHT - MOMENT, 50), (MIDNIGHT, 0)])
def test_a_lot_is_usable_through_the_end_of_its_last_day_even_when_the_sweep_is_late(
    now: datetime, usable: int
) -> None:
    assert usable_points(State(lots={LAST_DAY: 50}), now=now, zone=CHICAGO) == usable


@pytest.mark.parametrize(("now", "due"), [(MIDNIGHT - MOMENT, False), (MIDNIGHT, True)])
def test_a_lot_expires_at_the_start_of_the_next_day(now: datetime, due: bool) -> None:
    assert (swept(State(lots={LAST_DAY: 50}), now) is not None) is due


def test_one_entry_lists_all_lots_that_have_passed() -> None:
    state = State(lots={date(2021, 6, 30): 10, LAST_DAY: 50, date(2021, 9, 30): 7})
    posting = swept(state, MIDNIGHT + 3 * DAY)
    assert posting is not None
    assert (dict(posting.lots), posting.counters["expired"], posting.at) == (
        {date(2021, 6, 30): -10, LAST_DAY: -50},
        60,
        MIDNIGHT,
    )


def test_the_sweep_run_again_changes_nothing() -> None:
    world = World(program())
    world.tell(posted("50.00"), paid("50.00"))
    first = world.expire(after(days=800))
    assert (len(first), world.expire(after(days=800)), world.expire(after(days=900))) == (1, (), ())


def test_a_late_sweep_dates_the_expiry_when_it_was_due() -> None:
    world = World(program())
    world.tell(posted("50.00"), paid("50.00"))
    (entry,) = world.expire(after(days=800))
    assert (entry.posting.at, entry.recorded_at) == (
        end_of_validity(date(2028, 3, 31), ZoneInfo("UTC")),
        after(days=800),
    )


def test_points_that_never_expire_stay() -> None:
    world = World(program(expires_after=None))
    world.tell(posted("50.00"), paid("50.00"))
    assert (world.expire(after(days=100_000)), world.lots()) == ((), {NEVER: 50})


def test_spending_takes_the_sooner_lot_first() -> None:
    world = World(program(rule(50), expires_after="P1D", round_to="day"))
    world.tell(posted("1.00", id="a"), paid("1.00", id="a"))
    day_later = after(days=1)
    world.tell(
        posted("1.00", id="b", at=day_later), paid("1.00", id="b", at=day_later), now=day_later
    )
    world.redeem(70)
    assert world.lots() == {date(2026, 3, 4): 30}


def test_points_that_were_spent_do_not_expire() -> None:
    # Earn 100 (expiring), spend 100, earn 50; the first day passes.
    world = World(program(expires_after="P30D", round_to="day"))
    world.tell(posted("100.00", id="a"), paid("100.00", id="a"))
    world.redeem(100)
    later = after(days=20)
    world.tell(posted("50.00", id="b", at=later), paid("50.00", id="b", at=later), now=later)
    world.expire(after(days=32))
    assert world.balances() == Balances(0, 50, 0, 0)


def test_a_redemption_settles_what_has_passed_first() -> None:
    world = World(program(expires_after="P30D", round_to="day"))
    world.tell(posted("100.00", id="a"), paid("100.00", id="a"))
    later = after(days=20)
    world.tell(posted("50.00", id="b", at=later), paid("50.00", id="b", at=later), now=later)
    world.now = after(days=40)
    world.redeem(50)
    world.check()
    assert (world.types()[-2:], world.balances()) == (
        ["expiry", "redemption"],
        Balances(0, 0, 0, 0),
    )


@pytest.mark.parametrize(
    ("day", "instant"),
    [(LAST_DAY, MIDNIGHT), (date(2021, 12, 31), MIDNIGHT.replace(year=2022, month=1) + HOUR)],
)
def test_the_instant_of_an_expiry(day: date, instant: datetime) -> None:
    assert expires_at(day, CHICAGO) == instant


def test_a_lot_that_never_expires_has_no_such_instant() -> None:
    assert expires_at(NEVER, CHICAGO) is None


# ---- The record of what expired


def records_after(state: State, now: datetime) -> dict[str, int]:
    """The records that a sweep leaves."""
    posting = swept(state, now)
    assert posting is not None
    names = {name for name in {**state.counters, **posting.counters} if ":" in name}
    left = {name: state.counter(name) + posting.counters.get(name, 0) for name in names}
    return {name: points for name, points in left.items() if points}


def test_the_state_remembers_what_expired_from_which_lot() -> None:
    state = with_records({LAST_DAY: 5}, {LAST_DAY: 50})
    assert records_after(state, MIDNIGHT) == {record_of(LAST_DAY): 55}


@pytest.mark.parametrize(("age", "kept"), [(EXPIRED_LOT_RECORD_DAYS, True), (401, False)])
def test_a_record_is_kept_400_days(age: int, kept: bool) -> None:
    old = date(2021, 8, 1) - age * DAY
    records = records_after(with_records({old: 5}, {LAST_DAY: 50}), MIDNIGHT)
    assert (record_of(old) in records) is kept


def test_a_lot_swept_later_than_its_record_is_kept_leaves_none() -> None:
    assert records_after(State(lots={LAST_DAY: 50}), MIDNIGHT + 500 * DAY) == {}


@pytest.mark.parametrize("old", [False, True])
def test_records_are_as_few_as_lots(old: bool) -> None:
    known = {LAST_DAY - (place + 1) * DAY: 1 for place in range(MAX_LOTS)}
    if old:
        known[LAST_DAY - 500 * DAY] = 1
    lots = {LAST_DAY: 50, LAST_DAY - 100 * DAY: 50}
    assert len(records_after(with_records(known, lots), MIDNIGHT)) == MAX_LOTS
