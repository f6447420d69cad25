"""Days, periods and lots against tables of every day from 2024 to 2032 (semantics 1 and 5).

The tables come from looking, not from computing: at a zone's clock until it shows another day, and
at the sheets of a calendar. Where the code under test counts, they walk.
"""

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.calendar import (
    Period,
    Rounding,
    end_of_validity,
    local_day,
    round_up,
    start_of_day,
)
from points_ledger.domain.expiry import last_day_of_lot
from points_ledger.domain.lot import NEVER
from tests.builders import program

ZONES: Final = (
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Chicago",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
)
every_zone = pytest.mark.parametrize("zone", [ZoneInfo(name) for name in ZONES], ids=ZONES)

ONE_DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MOMENT: Final = timedelta(microseconds=1)
MIDNIGHT: Final = time()
HALF_PAST_TWO: Final = time(2, 30)
"""Where clocks change at two or at three, it does not exist on one day, and twice on another."""

SHEETS: Final = [
    [day for day in calendar.Calendar().itermonthdates(year, month) if day.month == month]
    for year in range(2024, 2038)
    for month in range(1, 13)
]
"""The days of each month, month after month, as far as any period here leads."""
SHEET_OF: Final = {day: number for number, sheet in enumerate(SHEETS) for day in sheet}
LAST_YEAR: Final = 2032
DAYS: Final = tuple(day for sheet in SHEETS for day in sheet if day.year <= LAST_YEAR)
MONTH_ENDS: Final = tuple(sheet[-1] for sheet in SHEETS if sheet[-1].year <= LAST_YEAR)


# ---- What a zone's clock shows


@cache
def starts(zone: ZoneInfo) -> dict[date, datetime]:
    """When a zone's clock first shows each day, and the day after the last."""
    begins: dict[date, datetime] = {}
    now = datetime(2023, 12, 30, tzinfo=UTC)
    day = shown(now, zone).date()
    while DAYS[-1] + ONE_DAY not in begins:
        now += timedelta(minutes=15)
        today = shown(now, zone).date()
        if today != day:
            begins[today] = now
            now += 22 * HOUR  # nowhere in these years is a day over so soon
            day = shown(now, zone).date()
    return {day: begins[day] for day in (*DAYS, DAYS[-1] + ONE_DAY)}


def shown(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall clock of a zone at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None)


def offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    """How far a zone's clock is ahead of UTC at an instant."""
    return shown(instant, zone) - instant.replace(tzinfo=None)


def instants_showing(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """When a zone's clock shows this: once as a rule, never in a gap, twice where it goes back."""
    near = wall.replace(tzinfo=UTC)
    offsets = {offset(near - ONE_DAY, zone), offset(near + ONE_DAY, zone)}
    return sorted(near - ahead for ahead in offsets if shown(near - ahead, zone) == wall)


def moved_to(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant that shows this; in a gap, as if the clock had not been moved yet."""
    near = wall.replace(tzinfo=UTC)
    found = instants_showing(wall, zone)
    return found[0] if found else near - offset(near - ONE_DAY, zone)


def test_the_tables_have_days_of_all_lengths_and_days_without_midnight() -> None:
    lengths = {
        (starts(ZoneInfo(name))[day + ONE_DAY] - starts(ZoneInfo(name))[day]) / HOUR
        for name in ZONES
        for day in DAYS
    }
    without_midnight = {
        name
        for name in ZONES
        for day, begin in starts(ZoneInfo(name)).items()
        if shown(begin, ZoneInfo(name)).time() != MIDNIGHT
    }
    assert lengths == {23, 23.5, 24, 24.5, 25}
    assert without_midnight >= {"Africa/Cairo", "America/Havana", "America/Santiago"}


@every_zone
def test_a_day_starts_when_the_clock_first_shows_it(zone: ZoneInfo) -> None:
    assert {day: start_of_day(day, zone) for day in starts(zone)} == starts(zone)


@every_zone
def test_a_lot_expires_when_the_clock_first_shows_the_day_after_its_last(zone: ZoneInfo) -> None:
    expired = {day + ONE_DAY: end_of_validity(day, zone) for day in DAYS}
    assert expired == {day: starts(zone)[day] for day in expired}


@every_zone
def test_an_instant_is_in_the_day_that_the_clock_shows(zone: ZoneInfo) -> None:
    begins = starts(zone)
    wrong = [
        instant
        for day in DAYS
        for instant in (
            begins[day],
            begins[day] + 12 * HOUR,
            begins[day] + 22 * HOUR,
            begins[day + ONE_DAY] - MOMENT,
        )
        if local_day(instant, zone) != day
    ]
    assert wrong == []


# ---- Periods


def months_later(day: date, months: int) -> date:
    """The same number on the sheet so many months later, or the last one that is on it."""
    return SHEETS[SHEET_OF[day] + months][: day.day][-1]


@pytest.mark.parametrize("months", [1, 2, 3, 6, 12, 13, 24, 48])
def test_a_period_of_months_leads_to_the_same_number_or_the_months_last(months: int) -> None:
    period = Period(months=months)
    wrong = [day for day in DAYS if period.after_day(day) != months_later(day, months)]
    assert wrong == []


def test_a_month_after_a_months_last_day_never_skips_a_month() -> None:
    later = [Period.parse("P1M").after_day(day) for day in MONTH_ENDS]
    assert [SHEET_OF[day] for day in later] == [SHEET_OF[day] + 1 for day in MONTH_ENDS]
    assert [day.day for day in later[:12]] == [29, 29, 30, 30, 30, 30, 31, 30, 30, 30, 30, 31]


@pytest.mark.parametrize(
    ("day", "period", "expected"),
    [
        (date(2024, 2, 29), "P12M", date(2025, 2, 28)),
        (date(2024, 2, 29), "P1Y", date(2025, 2, 28)),
        (date(2024, 2, 29), "P48M", date(2028, 2, 29)),
        (date(2024, 2, 29), "P8Y", date(2032, 2, 29)),
        (date(2028, 2, 29), "P12M", date(2029, 2, 28)),
        (date(2028, 2, 29), "P48M", date(2032, 2, 29)),
        (date(2032, 2, 29), "P48M", date(2036, 2, 29)),
        (date(2023, 2, 28), "P12M", date(2024, 2, 28)),
        (date(2027, 2, 28), "P1Y1D", date(2028, 2, 29)),
        (date(2023, 12, 31), "P2M", date(2024, 2, 29)),
        (date(2026, 8, 31), "P6M", date(2027, 2, 28)),
    ],
)
def test_a_leap_day_has_its_day_in_every_other_year(day: date, period: str, expected: date) -> None:
    assert Period.parse(period).after_day(day) == expected


@pytest.mark.parametrize("wall", [MIDNIGHT, HALF_PAST_TWO], ids=str)
@every_zone
def test_a_month_keeps_the_wall_clock(zone: ZoneInfo, wall: time) -> None:
    period = Period(months=1)
    wrong = [
        instant
        for day in DAYS
        for instant in instants_showing(datetime.combine(day, wall), zone)[:1]
        if period.after(instant, zone)
        != moved_to(datetime.combine(months_later(day, 1), wall), zone)
    ]
    assert wrong == []


@pytest.mark.parametrize("months", [1, 3, 6, 12, 48])
@every_zone
def test_months_after_a_months_last_day_keep_the_wall_clock(zone: ZoneInfo, months: int) -> None:
    later = {
        day: Period(months=months).after(starts(zone)[day] + 13 * HOUR, zone) for day in MONTH_ENDS
    }
    assert {day: shown(instant, zone) for day, instant in later.items()} == {
        day: shown(starts(zone)[day] + 13 * HOUR, zone).replace(
            year=expected.year, month=expected.month, day=expected.day
        )
        for day in MONTH_ENDS
        for expected in [months_later(day, months)]
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H", 3_600),
        ("PT24H", 86_400),
        ("PT36H", 129_600),
        ("P1D", 86_400),
        ("P14D", 1_209_600),
        ("P1W", 604_800),
        ("P1DT30M", 88_200),
        ("P0D", 0),
    ],
)
@every_zone
def test_hours_and_days_are_exact_whatever_the_clocks_do(
    zone: ZoneInfo, text: str, seconds: int
) -> None:
    period, begins = Period.parse(text), starts(zone)
    changes = [day for day in DAYS if begins[day + ONE_DAY] - begins[day] != ONE_DAY]
    instants = [begins[day] - hours * HOUR for day in (*changes, *MONTH_ENDS) for hours in (0, 9)]
    passed = {period.after(at, zone).timestamp() - at.timestamp() for at in instants}
    assert passed == {seconds}


@every_zone
def test_24_hours_end_at_midnight_only_where_the_day_has_24(zone: ZoneInfo) -> None:
    begins = starts(zone)
    ends_with_its_day = {
        day: Period.parse("PT24H").after(begins[day], zone) == begins[day + ONE_DAY] for day in DAYS
    }
    has_24_hours = {
        day: (begins[day + ONE_DAY].timestamp() - begins[day].timestamp()) == 24 * 3_600
        for day in DAYS
    }
    assert ends_with_its_day == has_24_hours


# ---- Rounding


PARTS: Final[dict[Rounding, Callable[[date], object]]] = {
    "day": lambda day: day,
    "month": lambda day: (day.year, day.month),
    "quarter": lambda day: (day.year, "111222333444"[day.month - 1]),
    "year": lambda day: day.year,
}
"""What two days have in common when they are rounded to the same one."""


@cache
def last_days(rounding: Rounding) -> dict[date, date]:
    """The last day of the part of the calendar that each day is in."""
    parts = (list(part) for _, part in groupby(DAYS, PARTS[rounding]))
    return {day: part[-1] for part in parts for day in part}


@pytest.mark.parametrize("rounding", PARTS)
def test_every_day_is_rounded_up_to_the_last_of_its_part(rounding: Rounding) -> None:
    assert {day: round_up(day, rounding) for day in DAYS} == last_days(rounding)


# ---- The lot that points mature into


@pytest.mark.parametrize(
    ("matured_at", "expires_after", "round_to", "expected"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "P1M", "day", date(2026, 2, 28)),
        (datetime(2028, 1, 31, 12, tzinfo=UTC), "P1M", "day", date(2028, 2, 29)),
        (datetime(2020, 7, 6, 12, tzinfo=UTC), "P12M", "month", date(2021, 7, 31)),
        (datetime(2020, 7, 31, 12, tzinfo=UTC), "P12M", "month", date(2021, 7, 31)),
        (datetime(2020, 8, 1, 12, tzinfo=UTC), "P12M", "month", date(2021, 8, 31)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "P12M", "day", date(2025, 2, 28)),
        (datetime(2026, 7, 6, 12, tzinfo=UTC), "P12M", "quarter", date(2027, 9, 30)),
        (datetime(2026, 7, 6, 12, tzinfo=UTC), "P12M", "year", date(2027, 12, 31)),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "P1D", "month", date(2027, 1, 31)),
        # In Chicago it is still January, and still the year before.
        (datetime(2026, 2, 1, 5, 59, tzinfo=UTC), "P1M", "day", date(2026, 2, 28)),
        (datetime(2026, 2, 1, 6, 0, tzinfo=UTC), "P1M", "day", date(2026, 3, 1)),
        (datetime(2027, 1, 1, 5, 59, tzinfo=UTC), "P12M", "year", date(2027, 12, 31)),
        (datetime(2027, 1, 1, 6, 0, tzinfo=UTC), "P12M", "year", date(2028, 12, 31)),
    ],
)
def test_points_mature_into_the_lot_of_their_local_day(
    matured_at: datetime, expires_after: str, round_to: Rounding, expected: date
) -> None:
    rules = program(zone="America/Chicago", expires_after=expires_after, round_to=round_to)
    assert last_day_of_lot(matured_at, rules, today=matured_at.date()) == expected


def test_points_that_never_expire_mature_into_the_last_lot() -> None:
    rules = program(expires_after=None)
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert last_day_of_lot(noon, rules, today=noon.date()) == NEVER


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 3, 1)),
        (date(2026, 7, 15), date(2026, 7, 15)),
    ],
)
def test_a_lot_that_has_passed_when_it_is_recorded_is_good_for_that_day(
    today: date, expected: date
) -> None:
    rules = program(expires_after="P1M", round_to="day")
    assert last_day_of_lot(datetime(2026, 1, 31, 12, tzinfo=UTC), rules, today) == expected


@every_zone
def test_points_of_every_day_are_usable_through_the_end_of_the_month_a_year_later(
    zone: ZoneInfo,
) -> None:
    rules, begins = program(zone=str(zone), expires_after="P12M", round_to="month"), starts(zone)
    wrong = [
        day
        for day in DAYS
        if day.year < LAST_YEAR
        for last_day in [last_day_of_lot(begins[day + ONE_DAY] - MOMENT, rules, day)]
        if last_day != SHEETS[SHEET_OF[day] + 12][-1]
        or end_of_validity(last_day, zone) != begins[last_day + ONE_DAY]
    ]
    assert wrong == []
