"""Instants, days of a zone, periods and their rounding (semantics 1 and 5)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.calendar import (
    Period,
    Rounding,
    end_of_validity,
    format_instant,
    local_day,
    parse_instant,
    round_up,
    start_of_day,
    whole_second,
)

MOMENT = timedelta(microseconds=1)

# Zones whose clocks change at or around midnight, or by odd amounts, and a few ordinary ones.
ZONES = (
    "UTC",
    "America/Chicago",
    "America/Santiago",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Scoresbysund",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Gaza",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Kiritimati",
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02T12:00:00.250Z", datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-02T06:00:00-06:00", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02T23:30:00+14:00", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_with_a_zone_is_brought_to_utc(text: str, instant: datetime) -> None:
    assert (parse_instant(text), parse_instant(text).tzinfo) == (instant, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-03-02",
        "2026-03-02T12:00:00",
        "2026-02-30T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_what_is_not_an_instant_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), "2026-03-02T12:00:00Z"),
        (datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC), "2026-03-02T12:00:00.000005Z"),
        (
            datetime(2026, 7, 2, 12, tzinfo=ZoneInfo("Europe/Berlin")),
            "2026-07-02T10:00:00Z",
        ),
    ],
)
def test_an_instant_is_written_in_utc_with_z(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text


@pytest.mark.parametrize(
    ("day", "period", "expected"),
    [
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2028, 1, 31), "P1M", date(2028, 2, 29)),
        (date(2024, 2, 29), "P12M", date(2025, 2, 28)),
        (date(2024, 2, 29), "P1Y", date(2025, 2, 28)),
        (date(2024, 2, 29), "P48M", date(2028, 2, 29)),
        (date(2026, 3, 31), "P1M", date(2026, 4, 30)),
        (date(2026, 12, 31), "P2M", date(2027, 2, 28)),
        (date(2026, 11, 30), "P3M", date(2027, 2, 28)),
        (date(2026, 12, 15), "P1M", date(2027, 1, 15)),
        (date(2026, 1, 31), "P1M1D", date(2026, 3, 1)),
        (date(2028, 2, 28), "P1D", date(2028, 2, 29)),
        (date(2100, 2, 28), "P1D", date(2100, 3, 1)),
        (date(2026, 3, 2), "P0D", date(2026, 3, 2)),
        (date(2026, 3, 2), "P2W", date(2026, 3, 16)),
        (date(2026, 3, 2), "PT48H", date(2026, 3, 4)),
    ],
)
def test_a_period_counts_months_on_the_calendar(day: date, period: str, expected: date) -> None:
    assert Period.parse(period).after_day(day) == expected


@pytest.mark.parametrize(
    ("day", "rounding", "expected"),
    [
        (date(2026, 7, 6), "day", date(2026, 7, 6)),
        (date(2026, 7, 6), "month", date(2026, 7, 31)),
        (date(2026, 7, 6), "quarter", date(2026, 9, 30)),
        (date(2026, 7, 6), "year", date(2026, 12, 31)),
        (date(2026, 7, 31), "month", date(2026, 7, 31)),
        (date(2028, 2, 1), "month", date(2028, 2, 29)),
        (date(2026, 2, 1), "month", date(2026, 2, 28)),
        (date(2026, 1, 1), "quarter", date(2026, 3, 31)),
        (date(2026, 6, 30), "quarter", date(2026, 6, 30)),
        (date(2026, 10, 1), "quarter", date(2026, 12, 31)),
        (date(2026, 12, 31), "year", date(2026, 12, 31)),
    ],
)
def test_a_day_is_rounded_up_to_the_end_of_its_part_of_the_calendar(
    day: date, rounding: Rounding, expected: date
) -> None:
    assert round_up(day, rounding) == expected


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P24M", Period(months=24)),
        ("P1Y6M", Period(months=18)),
        ("PT24H", Period(minutes=24 * 60)),
        ("P2W", Period(days=14)),
        ("P1W3D", Period(days=10)),
        ("PT90M", Period(minutes=90)),
        ("P1DT12H30M", Period(days=1, minutes=750)),
        ("P0D", Period()),
    ],
)
def test_a_duration_is_read(text: str, period: Period) -> None:
    assert Period.parse(text) == period


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "24M", "-P1D", "P-1D", "P1.5D", "PT1S", "P1M1Y", "p1d", "P1D ", "P1H"],
)
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Period.parse(text)


def test_hours_are_exact_across_a_change_of_clocks() -> None:
    before_the_change = datetime(2026, 3, 7, 18, tzinfo=UTC)
    after = Period.parse("PT24H").after(before_the_change, ZoneInfo("America/Chicago"))
    assert after - before_the_change == timedelta(hours=24)


def test_months_keep_the_wall_clock_across_a_change_of_clocks() -> None:
    zone = ZoneInfo("America/Chicago")
    noon_in_winter = datetime(2026, 3, 1, 12, tzinfo=zone)
    assert Period.parse("P1M").after(noon_in_winter, zone) == datetime(2026, 4, 1, 12, tzinfo=zone)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        (datetime(2026, 1, 1, 5, 59, tzinfo=UTC), "America/Chicago", date(2025, 12, 31)),
        (datetime(2026, 1, 1, 6, 0, tzinfo=UTC), "America/Chicago", date(2026, 1, 1)),
        (datetime(2026, 1, 1, 10, 0, tzinfo=UTC), "Pacific/Kiritimati", date(2026, 1, 2)),
    ],
)
def test_a_day_is_a_day_in_the_programs_zone(instant: datetime, zone: str, day: date) -> None:
    assert local_day(instant, ZoneInfo(zone)) == day


@pytest.mark.parametrize(
    ("zone", "last_day", "expires_at"),
    [
        ("UTC", date(2026, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)),
        ("America/Chicago", date(2026, 12, 31), datetime(2027, 1, 1, 6, tzinfo=UTC)),
        ("America/Chicago", date(2026, 7, 31), datetime(2026, 8, 1, 5, tzinfo=UTC)),
        # 00:00 does not exist on these days: the day begins at 01:00.
        ("America/Santiago", date(2026, 9, 5), datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("Africa/Cairo", date(2026, 4, 23), datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("Asia/Beirut", date(2026, 3, 28), datetime(2026, 3, 28, 22, tzinfo=UTC)),
        ("America/Havana", date(2026, 3, 7), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        # 00:00 exists twice: the first one counts.
        ("America/Havana", date(2026, 10, 31), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        # A whole day that does not exist begins with the day after it.
        ("Pacific/Apia", date(2011, 12, 29), datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_a_lot_expires_when_the_day_after_its_last_begins(
    zone: str, last_day: date, expires_at: datetime
) -> None:
    assert end_of_validity(last_day, ZoneInfo(zone)) == expires_at


@pytest.mark.parametrize("name", ZONES)
def test_from_2024_to_2032_a_lot_is_usable_through_its_last_day_and_no_longer(name: str) -> None:
    zone = ZoneInfo(name)
    first, last = date(2024, 1, 1), date(2032, 12, 31)
    days = [first + timedelta(days=count) for count in range((last - first).days)]
    wrong = [
        day
        for day in days
        if local_day(end_of_validity(day, zone), zone) <= day
        or local_day(end_of_validity(day, zone) - MOMENT, zone) > day
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ZONES)
def test_a_day_starts_at_midnight_where_there_is_one(name: str) -> None:
    zone = ZoneInfo(name)
    days = [date(2024, 1, 1) + timedelta(days=count) for count in range(366)]
    wrong = [
        day
        for day in days
        if (local := start_of_day(day, zone).astimezone(zone)).hour * 60 + local.minute
        # Only a gap moves the start of a day, and then by the length of the gap.
        not in (0, 60)
    ]
    assert wrong == []


def test_an_end_in_whole_seconds_is_never_sooner_than_meant() -> None:
    end = datetime(2026, 11, 22, 3, 5, 33, tzinfo=UTC)
    late = end.replace(microsecond=1)
    assert (whole_second(end), whole_second(late)) == (end, end + timedelta(seconds=1))
