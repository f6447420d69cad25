"""The pace of a worker: how many visits are in flight, and what makes it fewer."""

import threading

import pytest

from points_ledger.service.pacing import (
    CALM_SECONDS,
    FIRST_PARALLEL,
    LONGEST_DELAY_SECONDS,
    Pace,
)


class Time:
    """Passes only when a test, or a pause, lets it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def paced(most: int) -> tuple[Pace, Time]:
    time = Time()
    return Pace(most, clock=time, pause=time.pause), time


def always() -> bool:
    return True


def doubled(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("most", [1, 2, 16])
def test_results_come_in_the_order_of_the_tasks(most: int) -> None:
    pace, _ = paced(most)
    numbers = range(500)
    assert pace.run(numbers, doubled, has_time=always) == [2 * n for n in numbers]
    assert pace.run([], doubled, has_time=always) == []


def test_several_are_in_flight_at_once_and_never_more_than_the_limit() -> None:
    pace, _ = paced(4)
    together = threading.Barrier(FIRST_PARALLEL)
    active: list[int] = []
    most_seen: list[int] = []

    def visit(number: int) -> None:
        active.append(number)
        most_seen.append(len(active))
        together.wait(timeout=20)  # nobody gets past it alone
        active.remove(number)

    pace.run(range(4 * FIRST_PARALLEL), visit, has_time=always)
    assert max(most_seen) == FIRST_PARALLEL


def test_grows_slowly_while_all_goes_well_and_no_further_than_it_may() -> None:
    pace, time = paced(16)
    assert pace.limit == FIRST_PARALLEL
    limits = []
    for _ in range(60):
        time.now += 1
        pace.run([1], doubled, has_time=always)
        limits.append(pace.limit)
    assert limits == sorted(limits)
    assert limits[3:5] == [FIRST_PARALLEL, FIRST_PARALLEL + 1]
    pace.run(range(1_000), doubled, has_time=always)
    assert pace.limit == 16


def test_halves_when_the_table_is_throttled_once_for_a_crowd() -> None:
    pace, time = paced(16)
    time.now = 1
    pace.run(range(1_000), doubled, has_time=always)
    for _ in range(10):
        pace.slow_down()
    assert pace.limit == 8
    time.now += CALM_SECONDS
    pace.slow_down()
    assert pace.limit == 4


def test_what_began_before_does_not_make_it_grow_again() -> None:
    pace, time = paced(16)

    def throttled(_number: int) -> None:
        time.now += 1
        pace.slow_down()

    pace.run([1], throttled, has_time=always)
    assert pace.limit == FIRST_PARALLEL // 2


def test_waits_between_visits_where_one_at_a_time_is_still_too_fast() -> None:
    pace, time = paced(1)

    def throttled(_number: int) -> None:
        time.now += 1
        pace.slow_down()

    pace.run(range(12), throttled, has_time=always)
    assert pace.limit == 1
    assert time.pauses[0] < time.pauses[1] < time.pauses[2]
    assert time.pauses[-1] == LONGEST_DELAY_SECONDS
    time.pauses.clear()
    time.now += 1
    pace.run(range(20), doubled, has_time=always)
    assert time.pauses == sorted(time.pauses, reverse=True)
    assert len(time.pauses) < 10


@pytest.mark.parametrize("most", [1, 8])
def test_begins_nothing_more_when_there_is_no_time(most: int) -> None:
    pace, _ = paced(most)
    left = iter(range(7))
    found = pace.run(range(100), doubled, has_time=lambda: next(left, None) is not None)
    assert found == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize("most", [1, 8])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_error_ends_the_work_and_is_raised(most: int, error: type[BaseException]) -> None:
    pace, _ = paced(most)
    begun: list[int] = []

    def fail(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise error

    with pytest.raises(error):
        pace.run(range(10_000), fail, has_time=always)
    assert len(begun) < 10_000
    assert pace.run([1], doubled, has_time=always) == [2]


def test_each_task_is_done_once_however_often_it_slows_down() -> None:
    pace, time = paced(16)
    done: list[int] = []
    lock = threading.Lock()

    def visit(number: int) -> None:
        with lock:
            done.append(number)
            time.now += 0.1
        if number % 7 == 0:
            pace.slow_down()

    pace.run(range(2_000), visit, has_time=always)
    assert sorted(done) == list(range(2_000))
