"""Periods by name: where they begin and end, at year ends and in ISO weeks."""

from datetime import date
from typing import Literal

import pytest

from points_ledger.domain.periods import (
    Every,
    days_after,
    is_period,
    last_day_of,
    period_of,
    place_of,
)

D = date.fromisoformat


@pytest.mark.parametrize(
    ("day", "every", "period", "last"),
    [
        ("2026-11-22", "day", "2026-11-22", "2026-11-22"),
        ("2026-11-22", "week", "2026-W47", "2026-11-22"),
        ("2026-11-23", "week", "2026-W48", "2026-11-29"),
        ("2026-12-31", "week", "2026-W53", "2027-01-03"),
        ("2027-01-01", "week", "2026-W53", "2027-01-03"),
        ("2027-01-04", "week", "2027-W01", "2027-01-10"),
        ("2024-12-30", "week", "2025-W01", "2025-01-05"),
        ("2028-02-29", "month", "2028-02", "2028-02-29"),
        ("2026-12-31", "month", "2026-12", "2026-12-31"),
        ("2026-12-31", "year", "2026", "2026-12-31"),
        ("2026-12-31", "lifetime", "lifetime", None),
        ("0009-03-01", "month", "0009-03", "0009-03-31"),
    ],
)
def test_a_day_is_in_one_period_that_knows_its_end(
    day: str, every: Every, period: str, last: str | None
) -> None:
    assert period_of(D(day), every) == period
    assert last_day_of(period) == (D(last) if last else None)
    assert is_period(period, every)


@pytest.mark.parametrize(
    "text",
    ["", "2026-W54", "2026-13", "2026-11-31", "26-11", "2026-W1", "life", "2026-11-01T00"],
)
def test_what_is_no_period_has_no_last_day(text: str) -> None:
    assert last_day_of(text) is None
    assert not any(is_period(text, every) for every in ("day", "week", "month", "year", "lifetime"))


def test_a_period_is_of_one_kind_only() -> None:
    assert not is_period("2026-11", "week")
    assert not is_period("2026-W47", "month")
    assert not is_period("2026-11", "year")
    assert not is_period("lifetime", "month")


@pytest.mark.parametrize(
    ("every", "one", "next_"),
    [
        ("day", "2026-12-31", "2027-01-01"),
        ("week", "2027-01-03", "2027-01-04"),
        ("week", "2026-12-28", "2027-01-04"),
        ("month", "2026-12-01", "2027-01-31"),
    ],
)
def test_the_next_period_has_the_next_place(
    every: Literal["day", "week", "month"], one: str, next_: str
) -> None:
    assert place_of(D(next_), every) == place_of(D(one), every) + 1


def test_days_of_one_period_have_one_place() -> None:
    assert place_of(D("2026-12-28"), "week") == place_of(D("2027-01-03"), "week")
    assert place_of(D("2026-02-01"), "month") == place_of(D("2026-02-28"), "month")


def test_no_day_is_after_the_last_one_of_the_calendar() -> None:
    assert days_after(date.max, 7) == date.max
    assert days_after(D("2026-12-31"), 7) == D("2027-01-07")
