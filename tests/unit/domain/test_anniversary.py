"""Days that come once a year, also for who was born on 29 February."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.anniversary import (
    AnniversaryTarget,
    anniversary_key,
    begun,
    next_day,
    upcoming,
)
from points_ledger.domain.calendar import day_in
from points_ledger.domain.identity import MemberId

ADA = MemberId("member 1")
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("origin", "year", "day"),
    [
        (date(1990, 5, 17), 2026, date(2026, 5, 17)),
        (date(1992, 2, 29), 2026, date(2026, 2, 28)),
        (date(1992, 2, 29), 2028, date(2028, 2, 29)),
        (date(1992, 2, 28), 2028, date(2028, 2, 28)),
        (date(1992, 2, 29), 2100, date(2100, 2, 28)),
    ],
)
def test_the_day_of_a_year(origin: date, year: int, day: date) -> None:
    assert day_in(year, origin) == day


@pytest.mark.parametrize(
    ("origin", "after", "day"),
    [
        (date(1990, 5, 17), date(2026, 5, 16), date(2026, 5, 17)),
        (date(1990, 5, 17), date(2026, 5, 17), date(2027, 5, 17)),
        (date(1990, 5, 17), date(2026, 12, 31), date(2027, 5, 17)),
        (date(1992, 2, 29), date(2027, 2, 28), date(2028, 2, 29)),
        (date(2026, 3, 2), date(2026, 3, 2), date(2027, 3, 2)),
        (date(2030, 1, 1), date(2026, 3, 2), date(2031, 1, 1)),
        (date(9999, 12, 31), date(2026, 3, 2), None),
        (date(1990, 1, 1), date(9999, 6, 1), None),
    ],
)
def test_the_next_day(origin: date, after: date, day: date | None) -> None:
    assert next_day(origin, after) == day


def test_a_day_begins_at_midnight_in_the_zone() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    target = upcoming(ADA, date(1990, 3, 8), now=noon, zone=CHICAGO)
    assert target is not None
    assert target.due_at == datetime(2026, 3, 8, 6, tzinfo=UTC)
    # The day after that one the clocks have changed.
    later = upcoming(ADA, date(1990, 3, 9), now=noon, zone=CHICAGO)
    assert later is not None
    assert later.due_at == datetime(2026, 3, 9, 5, tzinfo=UTC)


def test_the_last_day_that_has_begun() -> None:
    def last(now: datetime) -> date | None:
        found = begun(ADA, date(2025, 3, 2), now=now, zone=CHICAGO)
        return found.day if found else None

    assert last(datetime(2026, 3, 2, 5, 59, tzinfo=UTC)) is None
    assert last(datetime(2026, 3, 2, 6, tzinfo=UTC)) == date(2026, 3, 2)
    assert last(datetime(2027, 3, 1, tzinfo=UTC)) == date(2026, 3, 2)


def test_a_target_is_read_as_it_was_written() -> None:
    target = upcoming(ADA, date(1990, 5, 17), now=datetime(2026, 3, 2, tzinfo=UTC), zone=CHICAGO)
    assert target is not None
    assert AnniversaryTarget.parse(str(target)) == target
    assert str(anniversary_key("birthday", ADA, 2026)) == (
        "points-ledger:action:birthday:member 1:2026"
    )


@pytest.mark.parametrize("text", ["", "member", "member 2026-05-17", "m 2026-05-17 noon"])
def test_anything_else_is_no_target(text: str) -> None:
    with pytest.raises(ValueError):
        AnniversaryTarget.parse(text)
