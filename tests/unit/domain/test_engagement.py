"""Engagement: what one member adds to the figures of months."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.earning import Earning
from points_ledger.domain.engagement import (
    BUCKET_DAYS,
    Activity,
    Happened,
    Statistics,
    activity_of,
    bucket_of,
    decode_statistics,
    encode_statistics,
    figures_changed,
    figures_of,
    with_activity,
)
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId
from points_ledger.domain.periods import month_name, month_number

ADA = MemberId("member-1")
MAY = month_number("2026-05")
ENROLLED = date(2026, 5, 20)

MONTHS = st.dictionaries(
    st.integers(MAY - 30, MAY + 40), st.builds(Happened, st.integers(0, 5), st.integers(0, 3))
)
DAYS = st.none() | st.dates(date(2024, 1, 1), date(2029, 1, 1))
STATISTICS = st.builds(
    Statistics,
    number=st.integers(0, 10**6),
    enrolled_on=DAYS,
    left_on=DAYS,
    alias_of=st.none() | st.just(MemberId("é#member")),
    first_redeemed_on=DAYS,
    months=MONTHS.map(lambda months: {m: each for m, each in sorted(months.items()) if any(each)}),
)


def bought(*months: int, enrolled: date = ENROLLED, left: date | None = None) -> Statistics:
    statistics = Statistics(enrolled_on=enrolled, left_on=left)
    for month in months:
        statistics = with_activity(statistics, Activity(ADA, month, "purchase"), 1)
    return statistics


def segments(statistics: Statistics) -> dict[str, str]:
    return {
        month_name(month): name
        for month, counters in sorted((m, c) for m, c in figures_of(statistics).items() if m)
        for name in ("frequent", "occasional")
        if name in counters
    }


def test_a_segment_looks_at_three_months_and_ends_without_any_event() -> None:
    assert segments(bought(MAY, MAY, MAY + 1)) == {
        "2026-05": "occasional",
        "2026-06": "frequent",
        "2026-07": "frequent",
        "2026-08": "occasional",
    }


def test_actions_keep_a_member_occasional_and_make_nobody_frequent() -> None:
    statistics = Statistics(enrolled_on=ENROLLED)
    for _ in range(9):
        statistics = with_activity(statistics, Activity(ADA, MAY, "action"), 1)
    assert set(segments(statistics).values()) == {"occasional"}


def test_what_was_before_the_enrolment_never_counts() -> None:
    assert figures_of(bought(MAY - 1, MAY - 2)) == figures_of(Statistics(enrolled_on=ENROLLED))


def test_nobody_counts_before_being_enrolled_and_then_all_that_was_known_does() -> None:
    early = with_activity(Statistics(), Activity(ADA, MAY, "purchase"), 1)
    assert figures_of(early) == {}
    enrolled = Statistics(enrolled_on=ENROLLED, months=early.months)
    assert figures_of(enrolled)[MAY] == {
        "enrolled": 1,
        "active": 1,
        "active_after_0": 1,
        "occasional": 1,
    }


def test_who_left_counts_up_to_the_month_before() -> None:
    figures = figures_of(bought(MAY, MAY + 1, MAY + 2, left=date(2026, 7, 1)))
    assert [figures[MAY + age].get("active", 0) for age in range(3)] == [1, 1, 0]
    assert figures[MAY + 2] == {"left": 1}
    assert figures[MAY]["active_after_1"] == 1
    assert "active_after_2" not in figures[MAY]


def test_retention_ends_after_two_years() -> None:
    figures = figures_of(bought(MAY + 24, MAY + 25))
    assert figures[MAY]["active_after_24"] == 1
    assert "active_after_25" not in figures[MAY]
    assert figures[MAY + 25]["active"] == 1


def test_one_more_and_one_less_is_as_before() -> None:
    before = bought(MAY, MAY + 1)
    activity = Activity(ADA, MAY + 1, "purchase")
    assert with_activity(with_activity(before, activity, 1), activity, -1) == before


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (730, len(BUCKET_DAYS) - 1), (731, len(BUCKET_DAYS))],
)
def test_every_number_of_days_has_its_bucket(days: int, bucket: int) -> None:
    assert bucket_of(days) == bucket


def test_the_ledgers_own_actions_are_no_activity() -> None:
    prize = Earning(key=EarningKey(source=LEDGER_SOURCE, kind="action", id="x"), earner_id=ADA)
    assert activity_of(prize, lambda _: ZoneInfo("UTC")) is None


@given(STATISTICS)
def test_statistics_are_read_as_they_were_written(statistics: Statistics) -> None:
    assert decode_statistics(encode_statistics(statistics)) == statistics


@given(STATISTICS, STATISTICS, STATISTICS)
def test_changes_add_up_whatever_the_way(a: Statistics, b: Statistics, c: Statistics) -> None:
    total: dict[tuple[int | None, str], int] = {}
    for before, after in ((a, b), (b, c), (c, a)):
        for month, counters in figures_changed(before, after).items():
            for name, number in counters.items():
                total[month, name] = total.get((month, name), 0) + number
    assert set(total.values()) <= {0}


def test_ten_years_of_a_busy_member_are_one_write_unit() -> None:
    statistics = bought(*(MAY + age for age in range(120) for _ in range(4)))
    assert len(encode_statistics(statistics).encode()) < 400
