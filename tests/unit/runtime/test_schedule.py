"""Which instant a scheduled function takes as now."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from points_ledger.runtime.schedule import MAX_AHEAD, FutureScheduleError, run, scheduled_now
from tests.unit.runtime.conftest import Printed

NOW = datetime(2027, 1, 1, 6, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def now_of(event: object, *, allow_future: bool = False) -> datetime:
    return scheduled_now(event, clock, allow_future=allow_future)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-01T05:00:00Z", NOW - timedelta(hours=1)),
        ("2027-01-01T05:00:00.5+00:00", NOW - timedelta(hours=1) + timedelta(seconds=0.5)),
        ("2026-12-31T23:00:00-06:00", NOW - timedelta(hours=1)),
        ("2020-01-01T00:00:00Z", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_scheduled_time_is_now(text: str, instant: datetime) -> None:
    assert now_of({"scheduled_time": text}) == instant


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "2027-01-01T05:00:00Z",
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        {"scheduled_time": ""},
        {"scheduled_time": None},
        {"scheduled_time": 1_800_000_000},
        {"scheduled_time": "yesterday"},
        {"scheduled_time": "2027-01-01T05:00:00"},
        {"scheduled_time": "2027-13-01T05:00:00Z"},
    ],
    ids=str,
)
def test_what_is_not_a_time_means_the_clock(event: object) -> None:
    assert now_of(event) == NOW


def test_five_minutes_ahead_are_a_clock_that_differs() -> None:
    assert now_of({"scheduled_time": "2027-01-01T06:05:00Z"}) == NOW + MAX_AHEAD


def test_more_than_five_minutes_ahead_is_refused() -> None:
    with pytest.raises(FutureScheduleError) as refused:
        now_of({"scheduled_time": "2027-01-01T06:05:01Z"})
    assert refused.value.scheduled_time == "2027-01-01T06:05:01Z"
    assert refused.value.clock == "2027-01-01T06:00:00Z"


def test_the_future_is_accepted_where_that_is_allowed() -> None:
    ahead = datetime(2030, 1, 1, tzinfo=UTC)
    assert now_of({"scheduled_time": "2030-01-01T00:00:00Z"}, allow_future=True) == ahead


def test_a_run_returns_and_logs_its_counts(printed: Callable[[], Printed]) -> None:
    def work(now: datetime) -> Mapping[str, int]:
        assert now == NOW
        return {"due": 12, "posted": 11, "failed": 1}

    counts = run({}, work, clock=clock, allow_future=False)
    assert counts == {"due": 12, "posted": 11, "failed": 1}
    line = printed().line()
    assert line["message"] == "swept"
    assert line["ids"] == {"now": "2027-01-01T06:00:00Z", **counts}


def test_a_failed_run_is_logged_and_raised_again(printed: Callable[[], Printed]) -> None:
    def work(_: datetime) -> Mapping[str, int]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run({}, work, clock=clock, allow_future=False)
    found = printed()
    assert found.line()["message"] == "failed"
    assert found.counted("failed") == 1


def test_a_refused_time_is_logged_with_both_times(printed: Callable[[], Printed]) -> None:
    event = {"scheduled_time": "2028-01-01T00:00:00Z"}
    with pytest.raises(FutureScheduleError):
        run(event, lambda _: {}, clock=clock, allow_future=False)
    assert printed().line()["failure"]["fields"] == {
        "scheduled_time": "2028-01-01T00:00:00Z",
        "clock": "2027-01-01T06:00:00Z",
    }
