"""Named periods of the program's calendar: days, ISO weeks, months, years, and a member's life.

A period has one name, which counters and answers carry and which says where it ends:
`2026-11-22`, `2026-W47` (Monday to Sunday, by the ISO year), `2026-11`, `2026`, `lifetime`.
"""

import re
from datetime import date, timedelta
from typing import Final, Literal, assert_never

from points_ledger.domain.calendar import round_up

Every = Literal["day", "week", "month", "year", "lifetime"]

LIFETIME: Final = "lifetime"

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK: Final = re.compile(r"([0-9]{4})-W([0-9]{2})")
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEAR: Final = re.compile(r"[0-9]{4}")
_DAYS_PER_WEEK: Final = 7
_MONTHS_PER_YEAR: Final = 12


def period_of(day: date, every: Every) -> str:
    """The name of the period that a day is in."""
    match every:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04d}-W{week:02d}"
        case "month":
            return day.isoformat()[:7]
        case "year":
            return day.isoformat()[:4]
        case "lifetime":
            return LIFETIME
        case _:
            assert_never(every)


def last_day_of(period: str) -> date | None:
    """The last day of a period; None for a life, and for what is no period of the calendar."""
    try:
        if _DAY.fullmatch(period):
            return date.fromisoformat(period)
        week = _WEEK.fullmatch(period)
        if week is not None:
            return date.fromisocalendar(int(week[1]), int(week[2]), _DAYS_PER_WEEK)
        month = _MONTH.fullmatch(period)
        if month is not None:
            return round_up(date(int(month[1]), int(month[2]), 1), "month")
        return date(int(period), _MONTHS_PER_YEAR, 31) if _YEAR.fullmatch(period) else None
    except ValueError:
        return None


def is_period(text: str, every: Every) -> bool:
    """Whether a text is the name of a period of this kind."""
    last = last_day_of(text)
    if last is None:
        return every == "lifetime" and text == LIFETIME
    return period_of(last, every) == text


def place_of(day: date, every: Literal["day", "week", "month"]) -> int:
    """The number of the period that a day is in; the next period's number is one more."""
    match every:
        case "day":
            return day.toordinal()
        case "week":
            # Day 1 of the calendar was a Monday.
            return (day.toordinal() - 1) // _DAYS_PER_WEEK
        case "month":
            return day.year * _MONTHS_PER_YEAR + day.month - 1
        case _:
            assert_never(every)


def month_name(place: int) -> str:
    """The name of the month with a number (`place_of`), such as `2026-11`."""
    return f"{place // _MONTHS_PER_YEAR:04d}-{place % _MONTHS_PER_YEAR + 1:02d}"


def month_number(name: str) -> int:
    """The number of a month (`place_of`) by its name, such as `2026-11`.

    Raises:
        ValueError: not the name of a month.
    """
    if not _MONTH.fullmatch(name):
        raise ValueError("a month is written YYYY-MM")
    return place_of(date.fromisoformat(f"{name}-01"), "month")


def days_after(day: date, days: int) -> date:
    """A day some days later, or the last day of the calendar."""
    return day + timedelta(days=min(days, (date.max - day).days))
