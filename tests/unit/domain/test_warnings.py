"""Warnings before points expire, and lots that may not expire without notice (semantics 5)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.calendar import local_day
from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import NEVER
from points_ledger.domain.program import ExpiryTerms, Program
from points_ledger.domain.settling import given_back, settled, settlement
from points_ledger.domain.state import ACTIVE_UNTIL, Reservation, State, record_of
from points_ledger.domain.warning import (
    NOT_NAMED,
    NOTIFIED,
    WARNED,
    LookTarget,
    has_been_notified,
    merged_warnings,
    next_look,
    notice,
    opened_looks,
)
from tests.builders import DAY, HOUR, program

LAST_DAY = date(2026, 12, 31)
LATER_DAY = date(2027, 1, 31)
CHICAGO = ZoneInfo("America/Chicago")


def ordinal(day: date) -> int:
    return day.toordinal()


def rules(
    *,
    warn: tuple[int, ...] = (30, 7),
    notice_days: int | None = None,
    grace_days: int = 0,
    zone: str = "UTC",
) -> Program:
    terms = ExpiryTerms(
        kind="period",
        warn_days_before=warn,
        requires_notice_days=notice_days,
        return_grace_days=grace_days,
    )
    return replace(program(), expiry=terms, zone=ZoneInfo(zone))


def on(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def before(days: int, day: date = LAST_DAY) -> datetime:
    """The start of the day so many days before the last day."""
    return on(day - days * DAY)


def account(lots: Mapping[date, int], counters: Mapping[str, int] | None = None) -> State:
    return State(lots=dict(lots), counters=dict(counters or {}))


def warn(state: State, now: datetime, given: Program | None = None) -> State:
    """The account after the warning that is due."""
    posting = warning(state, now, given)
    assert posting is not None
    return apply(state, posting)


def warning(state: State, now: datetime, given: Program | None = None) -> Posting | None:
    return notice(state, now=now, program=given or rules(), actor="sweep")


# ---- What is named, and when


@pytest.mark.parametrize(
    ("days", "is_due"), [(31, False), (30, True), (29, True), (8, True), (0, True), (-1, False)]
)
def test_a_lot_is_named_from_its_first_warning_day_to_its_last_day(days: int, is_due: bool) -> None:
    assert (warning(account({LAST_DAY: 50}), before(days)) is not None) is is_due


def test_a_notice_moves_nothing_and_names_lots_and_days() -> None:
    posting = warning(account({LAST_DAY: 50, LATER_DAY: 20}), before(7))
    assert posting is not None
    assert (posting.type, posting.available, posting.lots) == ("notice", 0, {})
    assert posting.details == {"lots": "20261231:50", "days": "7"}


def test_one_notice_names_all_lots_that_are_due() -> None:
    posting = warning(account({LAST_DAY: 50, date(2027, 1, 5): 20, LATER_DAY: 9}), before(7))
    assert posting is not None
    assert posting.details == {"lots": "20261231:50 20270105:20", "days": "7"}


def test_a_day_has_at_most_one_notice() -> None:
    state = warn(account({LAST_DAY: 50}), before(30))
    more = replace(state, lots={**state.lots, date(2026, 12, 8): 5})
    assert warning(more, before(30) + 23 * HOUR) is None
    assert warning(more, before(29)) is not None


def test_each_warning_day_is_announced_once() -> None:
    state = account({LAST_DAY: 50})
    told = []
    for days in range(40, -1, -1):
        for hours in (0, 5, 23):
            now = before(days) + hours * HOUR
            posting = warning(state, now)
            if posting is not None:
                told.append((days, hours))
                state = apply(state, posting)
    assert told == [(30, 0), (7, 0)]


def test_a_late_sweep_gives_one_warning_for_all_the_days_that_it_missed() -> None:
    state = warn(account({LAST_DAY: 50}), before(3))
    assert warning(state, before(2)) is None


def test_points_that_never_expire_are_not_warned_of() -> None:
    assert warning(account({NEVER: 50}), before(7)) is None


def test_a_program_without_warning_days_gives_none() -> None:
    assert warning(account({LAST_DAY: 50}), before(7), rules(warn=())) is None


def test_the_state_keeps_the_first_warning_and_the_last() -> None:
    state = warn(warn(account({LAST_DAY: 50}), before(30)), before(7))
    assert state.counters == {
        f"{WARNED}20261231": ordinal(date(2026, 12, 1)),
        f"{NOTIFIED}20261231": ordinal(date(2026, 12, 24)),
    }


def test_what_is_kept_goes_with_the_lot() -> None:
    given = rules()
    state = warn(account({LAST_DAY: 50, LATER_DAY: 20}), before(7), given)
    later = settled(state, now=before(-1), program=given)
    assert later.counters == {"expired": 50, record_of(LAST_DAY): 50}


def test_a_warned_lot_that_was_spent_and_given_back_is_not_warned_of_anew() -> None:
    state = replace(warn(account({LAST_DAY: 50}), before(7)), lots={})
    again = replace(state, lots={LAST_DAY: 50})
    assert warning(again, before(6)) is None


def test_the_record_of_warnings_is_as_short_as_that_of_lots() -> None:
    known = {f"{WARNED}{LAST_DAY + n * DAY:%Y%m%d}": 7 for n in range(1, MAX_LOTS + 1)}
    state = warn(account({LAST_DAY: 50}, known), before(7))
    names = [name for name in state.counters if name.startswith(WARNED)]
    assert (len(names), f"{WARNED}20261231" in names) == (MAX_LOTS, True)


# ---- Zones


@pytest.mark.parametrize(
    ("zone", "last_day", "days", "instant"),
    [
        # Clocks go forward on 8 March and back on 1 November 2026 in Chicago.
        ("America/Chicago", date(2026, 3, 14), 7, "2026-03-07T06:00:00Z"),
        ("America/Chicago", date(2026, 3, 14), -1, "2026-03-15T05:00:00Z"),
        ("America/Chicago", date(2026, 11, 1), 0, "2026-11-01T05:00:00Z"),
        ("America/Chicago", date(2026, 11, 1), -1, "2026-11-02T06:00:00Z"),
        ("Europe/Berlin", date(2026, 4, 28), 30, "2026-03-28T23:00:00Z"),
        ("Europe/Berlin", date(2026, 4, 28), -1, "2026-04-28T22:00:00Z"),
        # 00:00 does not exist there: the day begins at 01:00.
        ("Africa/Cairo", date(2026, 4, 23), -1, "2026-04-23T22:00:00Z"),
        ("America/Santiago", date(2026, 9, 13), 7, "2026-09-06T04:00:00Z"),
        ("Asia/Kathmandu", date(2028, 2, 29), -1, "2028-02-29T18:15:00Z"),
        ("Australia/Lord_Howe", date(2026, 10, 10), 7, "2026-10-02T13:30:00Z"),
        ("Pacific/Kiritimati", date(2026, 1, 1), 1, "2025-12-30T10:00:00Z"),
    ],
)
def test_looks_are_at_the_start_of_local_days(
    zone: str, last_day: date, days: int, instant: str
) -> None:
    due_at = datetime.fromisoformat(instant)
    given = rules(warn=(days,) if days >= 0 else (), zone=zone)
    look = next_look(
        account({last_day: 5}), last_day, now=due_at - timedelta(microseconds=1), program=given
    )
    assert look is not None
    assert (look.due_at, look.days_before) == (due_at, days)
    assert local_day(due_at, given.zone) == last_day - days * DAY
    assert local_day(due_at - timedelta(microseconds=1), given.zone) < last_day - days * DAY


# ---- When a lot is looked at


@pytest.mark.parametrize(
    ("now", "days_before"),
    [(before(31), 30), (before(30), 7), (before(8), 7), (before(7), -1), (before(0), -1)],
)
def test_the_next_look_is_the_next_warning_day_and_then_the_expiry(
    now: datetime, days_before: int
) -> None:
    look = next_look(account({LAST_DAY: 5}), LAST_DAY, now=now, program=rules())
    assert look is not None
    assert (look.days_before, look.due_at) == (days_before, before(days_before))


def test_a_lot_that_never_expires_is_not_looked_at() -> None:
    assert next_look(account({NEVER: 5}), NEVER, now=before(7), program=rules()) is None


def test_only_lots_that_open_are_to_be_looked_at() -> None:
    looks = opened_looks(
        account({LAST_DAY: 5}),
        account({LAST_DAY: 9, LATER_DAY: 7, NEVER: 3}),
        now=before(7),
        program=rules(),
    )
    assert [(look.day, look.days_before) for look in looks] == [(LATER_DAY, 30)]


@pytest.mark.parametrize(("old_day", "is_armed"), [(LAST_DAY, False), (date(2027, 3, 1), True)])
def test_a_lot_that_activity_moved_is_found_by_the_marker_of_its_old_day_if_that_is_sooner(
    old_day: date, is_armed: bool
) -> None:
    until = date(2027, 2, 20)
    looks = opened_looks(
        account({old_day: 5}),
        account({until: 5}, {ACTIVE_UNTIL: ordinal(until)}),
        now=before(60),
        program=rules(),
    )
    assert bool(looks) is is_armed


@pytest.mark.parametrize(
    "target",
    [
        LookTarget(member_id=MemberId("mbr_x"), day=LAST_DAY, days_before=30),
        LookTarget(member_id=MemberId("mbr_x"), day=LAST_DAY, days_before=-1),
        LookTarget(member_id=MemberId("mbr_x")),
        LookTarget(member_id=MemberId("a name 2 x")),
    ],
)
def test_a_marker_s_target_reads_back(target: LookTarget) -> None:
    assert LookTarget.parse(str(target)) == target


# ---- Notice that is required

REQUIRED = rules(notice_days=14)


def after_settling(state: State, now: datetime, given: Program = REQUIRED) -> tuple[str, State]:
    posting = settlement(state, now=now, program=given, actor="sweep")
    assert posting is not None
    return posting.type, apply(state, posting)


@pytest.mark.parametrize("late_days", [0, 1, 90])
def test_a_lot_without_notice_is_extended_from_the_day_of_its_warning(late_days: int) -> None:
    now = before(-1 - late_days)
    type_, state = after_settling(account({LAST_DAY: 50}), now)
    extended = now.date() + 14 * DAY
    assert (type_, dict(state.lots)) == ("extension", {extended: 50})
    assert state.counter(f"{WARNED}{extended:%Y%m%d}") == ordinal(now.date())
    assert state.counter("expired") == 0


@pytest.mark.parametrize(
    ("warned_days_before", "type_"), [(30, "expiry"), (14, "expiry"), (13, "extension")]
)
def test_a_warning_is_in_time_so_many_days_before_the_last_day(
    warned_days_before: int, type_: str
) -> None:
    state = warn(account({LAST_DAY: 50}), before(warned_days_before), REQUIRED)
    assert after_settling(state, before(-1))[0] == type_


def test_an_extended_lot_expires_after_its_new_last_day() -> None:
    _, state = after_settling(account({LAST_DAY: 50}), before(-1))
    (day,) = state.lots
    assert settlement(state, now=on(day, 23), program=REQUIRED, actor="") is None
    assert after_settling(state, on(day + DAY))[0] == "expiry"


def test_the_warning_that_an_extension_is_gets_its_notice_at_once() -> None:
    _, state = after_settling(account({LAST_DAY: 50}), before(-1))
    posting = warning(state, before(-1), rules(warn=(7,), notice_days=14))
    assert posting is not None
    assert posting.details == {"lots": "20270115:50", "days": "14"}
    assert warning(apply(state, posting), before(-2), rules(warn=(7,), notice_days=14)) is None


def test_where_the_day_had_its_notice_the_extended_lot_is_named_on_the_next() -> None:
    now = before(-1)
    state = account({LAST_DAY: 50}, {f"{WARNED}20270131": ordinal(now.date())})
    _, state = after_settling(state, now)
    assert has_been_notified(state, now.date())
    assert warning(state, now, REQUIRED) is None
    (day,) = state.lots
    look = next_look(state, day, now=now, program=REQUIRED)
    assert look is not None
    assert look.due_at == now + DAY
    assert warning(state, look.due_at, REQUIRED) is not None


def test_the_extension_is_where_a_later_reversal_finds_the_lot() -> None:
    _, state = after_settling(account({LAST_DAY: 50}), before(-1))
    back = given_back(state, {LAST_DAY: 5}, today=date(2027, 1, 2), program=REQUIRED)
    assert dict(back.lots) == {date(2027, 1, 15): 5}


def test_one_entry_expires_what_was_warned_of_and_extends_the_rest() -> None:
    state = warn(account({LAST_DAY: 50}), before(30), REQUIRED)
    state = replace(state, lots={**state.lots, date(2027, 1, 3): 20})
    posting = settlement(state, now=on(date(2027, 1, 4)), program=REQUIRED, actor="")
    assert posting is not None
    assert (posting.type, posting.counters["expired"]) == ("expiry", 50)
    assert posting.details == {"extended": "20270103:20"}
    assert dict(posting.lots) == {
        LAST_DAY: -50,
        date(2027, 1, 3): -20,
        date(2027, 1, 18): 20,
    }


def test_a_lot_that_will_be_extended_counts_before_anybody_has_posted_it() -> None:
    state = settled(account({LAST_DAY: 50}), now=before(-40), program=REQUIRED)
    assert (state.available, list(state.lots)) == (50, [before(-54).date()])


def test_points_given_back_after_their_day_get_the_days_of_the_notice_that_they_never_had() -> None:
    today = LAST_DAY + 5 * DAY
    back = given_back(account({}), {LAST_DAY: 5}, today=today, program=REQUIRED)
    assert (dict(back.lots), back.expired) == ({today + 14 * DAY: 5}, 0)


def test_points_given_back_to_a_lot_that_expired_with_notice_expire_too() -> None:
    state = account({}, {record_of(LAST_DAY): 50})
    back = given_back(state, {LAST_DAY: 5}, today=LAST_DAY + 5 * DAY, program=REQUIRED)
    assert (dict(back.lots), back.expired) == ({}, 5)


# ---- Reservations that ended, settled late


def reserved(points: int, *, until: datetime, counters: Mapping[str, int] | None = None) -> State:
    held = Reservation(lots={LAST_DAY: points}, expires_at=until)
    return State(
        reserved=points, reservations={"r": held}, counters={"earned": points, **(counters or {})}
    )


@pytest.mark.parametrize("late_days", [0, 3, 9, 10, 40])
def test_the_days_of_grace_run_from_when_the_reservation_ended_however_late_it_is_settled(
    late_days: int,
) -> None:
    given = rules(grace_days=10)
    ended_at = before(-2) + HOUR
    state = settled(reserved(50, until=ended_at), now=ended_at + late_days * DAY, program=given)
    good_through = ended_at.date() + 10 * DAY
    assert dict(state.lots) == ({good_through: 50} if late_days <= 10 else {})
    state.check()


def test_a_reservation_that_ended_in_time_has_no_grace_when_it_is_settled_late() -> None:
    given = rules(grace_days=10)
    state = settled(reserved(50, until=before(2)), now=before(-3), program=given)
    assert (dict(state.lots), state.counter("expired")) == ({}, 50)


def test_a_lot_that_passed_while_it_was_reserved_is_extended_where_notice_is_required() -> None:
    posting = settlement(reserved(50, until=before(-2)), now=before(-5), program=REQUIRED, actor="")
    assert posting is not None
    assert (posting.type, dict(posting.lots)) == ("release", {date(2027, 1, 19): 50})


# ---- Two members who become one


W, N = "warned:20261231", "notified:20261231"


@pytest.mark.parametrize(
    ("source", "target", "merged"),
    [
        ({W: 5}, {W: 9}, {W: 9, N: 5}),
        ({W: 9}, {W: 5}, {W: 9, N: 5}),
        ({W: 5, N: 11}, {W: 9, N: 10}, {W: 9, N: 10}),
        ({}, {W: 5}, {}),
        ({W: 5}, {}, {}),
        ({W: 5}, {W: 5}, {W: 5}),
        ({W: 5, N: NOT_NAMED}, {W: 3, N: 4}, {W: 5, N: NOT_NAMED}),
    ],
)
def test_a_lot_that_both_had_is_warned_of_as_the_less_warned_was(
    source: dict[str, int], target: dict[str, int], merged: dict[str, int]
) -> None:
    lots = {LAST_DAY: 10}
    change = merged_warnings(account(lots, source), account(lots, target))
    both = {name: target.get(name, 0) + change.get(name, 0) for name in {*target, *change}}
    assert {name: value for name, value in both.items() if value} == merged


def test_a_lot_that_only_the_source_had_keeps_its_warning() -> None:
    known = {W: 5, N: 7}
    source = account({LAST_DAY: 10}, known)
    assert merged_warnings(source, account({LATER_DAY: 5})) == known
