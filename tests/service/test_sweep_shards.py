"""Hours of several shards: queued, worked on by several, killed, throttled, and caught up."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from points_ledger.domain.error import ConflictError
from points_ledger.service import sweep as sweep_module
from points_ledger.service.pacing import Pace
from points_ledger.service.ports import Marker, Put
from points_ledger.service.sweep import (
    HOURS_AT_ONCE,
    QUEUED_AGAIN_AFTER,
    WORTH_A_WRITE,
    Sweep,
    SweepReport,
)
from points_ledger.service.sweep_ports import (
    MARKERS_PER_SHARD,
    MAX_SHARDS,
    DueShard,
    ShardProgress,
    numbers_of_shards,
    shards_for,
)
from tests.builders import DAY, HOUR, START
from tests.memory_store import MemoryStore

PAGE = 5


class KilledError(BaseException):
    """The process was stopped here."""


class Queue:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.shards: list[DueShard] = []

    def send(self, shards: Sequence[DueShard]) -> None:
        self.shards += shards

    def taken(self) -> list[DueShard]:
        taken, self.shards = self.shards, []
        return taken


class Mortal:
    """A store, or a queue, whose process is killed at the operation of a number."""

    def __init__(self, thing: object, killed_at: int | None) -> None:
        self._thing = thing
        self._left = killed_at

    def __getattr__(self, name: str) -> Callable[..., object]:
        operation = getattr(self._thing, name)

        def mortal(*values: object, **named: object) -> object:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise KilledError
            return operation(*values, **named)

        return mortal


class Stack:
    """A sweep of lots with a queue, its workers, and members that only take note."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, page: int = PAGE) -> None:
        monkeypatch.setattr(sweep_module, "PAGE_SIZE", page)
        self.now = START
        self.store = MemoryStore(clock=lambda: self.now)
        self.queue = Queue()
        self.seen: list[str] = []
        self.done: set[str] = set()
        self.failing: set[str] = set()
        self._lock = threading.Lock()

    def arm(self, count: int, due_at: datetime = START, name: str = "target") -> None:
        for number in range(count):
            marker = Marker(kind="expiry", due_at=due_at, target=f"{name}-{number:04}")
            self.store.commit([Put(item=marker)])

    def visit(self, target: str, _now: datetime) -> int:
        with self._lock:
            self.seen.append(target)
            if target in self.failing:
                raise ConflictError
            is_first = target not in self.done
            self.done.add(target)
        return int(is_first)

    def sweep(
        self,
        *,
        killed_at: int | None = None,
        most: int | None = None,
        pace: Pace | None = None,
        queued: bool = True,
    ) -> Sweep:
        before = len(self.seen)
        mortal = Mortal(self.store, killed_at)
        sweep = Sweep(
            kind="expiry",
            store=mortal,  # type: ignore[arg-type]  # it has whatever the store has
            visit=self.visit,
            clock=lambda: self.now,
            has_time=lambda: most is None or len(self.seen) - before < most,
            queue=self.queue if queued else None,
        )
        return sweep if pace is None else replace(sweep, pace=pace)

    def work(self, **settings: object) -> list[SweepReport]:
        """Workers take every message; what is not done comes again."""
        reports: list[SweepReport] = []
        for _ in range(1_000):
            taken = self.queue.taken()
            if not taken:
                return reports
            for due in taken:
                worker = self.sweep(**settings)  # type: ignore[arg-type]  # as a test names them
                report = worker.work(due.hour, due.shard, due.now)
                reports.append(report)
                if not report.complete:
                    self.queue.send([due])
        raise AssertionError("the shards are never worked off")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(monkeypatch)


# --- How many shards ------------------------------------------------------------------------


def test_an_hour_doubles_its_shards_as_it_fills() -> None:
    counts = [1, MARKERS_PER_SHARD, MARKERS_PER_SHARD + 1, 4 * MARKERS_PER_SHARD, 10**9]
    assert [shards_for(count) for count in counts] == [1, 1, 2, 4, MAX_SHARDS]


@pytest.mark.parametrize(("shards", "numbers"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6))])
def test_a_marker_may_stand_where_any_number_before_has_put_it(
    shards: int, numbers: tuple[int, ...]
) -> None:
    assert numbers_of_shards(shards) == numbers


def test_markers_written_while_the_hour_grows_are_all_visited(stack: Stack) -> None:
    """By writers that know the old number, and by those that know the new one."""
    stack.arm(12, name="before")
    stack.sweep().run(START)
    stack.work()
    stack.store.grow_shards("expiry", START, 4)
    stack.arm(12, name="after")
    stack.now = START + HOUR / 2
    stack.sweep().run(stack.now)
    stack.work()
    assert len(stack.done) == 24


def test_a_marker_that_comes_into_a_new_shard_after_the_tick_has_read_is_found_by_the_next(
    stack: Stack,
) -> None:
    stack.arm(3)
    hours = stack.store.due_hours

    def grown_meanwhile(*values: object, **named: object) -> object:
        found = hours(*values, **named)  # type: ignore[arg-type]  # handed on
        stack.store.grow_shards("expiry", START, 8)
        stack.arm(20, name="meanwhile")
        return found

    stack.store.due_hours = grown_meanwhile  # type: ignore[assignment, method-assign]
    stack.sweep().run(START)
    assert len(stack.done) < 23
    stack.store.due_hours = hours  # type: ignore[method-assign]
    # The pass that closes the hour reads anew, an hour after the last writer could add to it.
    stack.now = START + 2 * HOUR
    stack.sweep().run(stack.now)
    stack.work()
    assert len(stack.done) == 23


# --- The queue ------------------------------------------------------------------------------


def test_a_small_hour_is_worked_by_the_tick_itself(stack: Stack) -> None:
    stack.arm(PAGE - 1)
    assert stack.sweep().run(START) == SweepReport(due=4, posted=4, visited=4)
    assert stack.queue.shards == []


def test_a_crowded_shard_is_left_to_a_worker_and_its_small_neighbour_is_not(stack: Stack) -> None:
    stack.store.grow_shards("expiry", START, 2)
    stack.arm(14)
    by_shard = [
        len(stack.store.markers("expiry", START, n, until=START, after=None, limit=99).markers)
        for n in range(2)
    ]
    crowded = [n for n, count in enumerate(by_shard) if count >= PAGE]
    report = stack.sweep().run(START)
    assert (report.queued, report.complete) == (len(crowded), True)
    assert stack.queue.shards == [
        DueShard(kind="expiry", hour=START, shard=n, now=START) for n in crowded
    ]
    assert sum(each.posted for each in stack.work()) + report.posted == 14


def test_a_shard_that_waits_or_is_worked_on_is_not_queued_again(stack: Stack) -> None:
    stack.arm(20)
    stack.sweep().run(START)
    for minutes in (5, 10, 55):
        stack.now = START + timedelta(minutes=minutes)
        assert stack.sweep().run(stack.now) == SweepReport()
    assert len(stack.queue.shards) == 1


def test_a_shard_whose_message_was_lost_is_queued_again_later(stack: Stack) -> None:
    stack.arm(20)
    stack.sweep().run(START)
    stack.queue.taken()
    stack.now = START + QUEUED_AGAIN_AFTER
    assert stack.sweep().run(stack.now).queued == 1
    stack.work()
    assert len(stack.done) == 20


def test_a_worker_that_is_out_of_time_leaves_its_cursor_and_goes_on_there(stack: Stack) -> None:
    stack.arm(33)
    stack.sweep().run(START)
    reports = stack.work(most=8)
    assert [each.complete for each in reports] == [False, False, False, False, True]
    assert len(stack.seen) == 33


def test_the_hour_is_closed_by_workers_too_and_then_forgotten(stack: Stack) -> None:
    stack.arm(33)
    stack.sweep().run(START)
    stack.work()
    stack.now = START + 2 * HOUR
    stack.failing = {"target-0007"}
    assert stack.sweep().run(stack.now).queued == 1
    stack.work()
    assert stack.seen.count("target-0032") == 2
    stack.failing.clear()
    stack.now += HOUR
    stack.sweep().run(stack.now)
    stack.work()
    assert stack.seen.count("target-0032") == 3, "a pass with a failure is made again"
    stack.now += 2 * HOUR
    report = stack.sweep().run(stack.now)
    assert (report.visited, report.queued) == (0, 0)
    assert report.first_open_hour == stack.now - HOUR


def test_a_run_for_a_future_instant_is_queued_and_keeps_nothing(stack: Stack) -> None:
    stack.arm(20, due_at=START + 3 * DAY)
    assert stack.sweep().run(START + 3 * DAY).queued == 1
    stack.work()
    assert len(stack.done) == 20
    assert stack.store.shard("expiry", START + 3 * DAY, 0).revision == 0


def test_a_worker_of_a_closed_shard_does_nothing(stack: Stack) -> None:
    stack.arm(20)
    stack.store.save_shard("expiry", ShardProgress(hour=START, shard=0, is_closed=True))
    assert stack.sweep().work(START, 0, START) == SweepReport()
    assert stack.sweep().run(START) == SweepReport()


def test_a_visit_that_lost_to_others_is_made_again_at_the_end_of_its_page(stack: Stack) -> None:
    stack.arm(4)
    stack.failing = {"target-0002"}
    visit = stack.visit

    def once(target: str, now: datetime) -> int:
        try:
            return visit(target, now)
        finally:
            stack.failing.discard(target)

    report = replace(stack.sweep(), visit=once).run(START)
    assert report == SweepReport(due=4, posted=4, visited=4)
    assert stack.seen[-1] == "target-0002"


def first_target(stack: Stack) -> str:
    """Whom a worker visits first: markers of one instant are in the order of their digests."""
    page = stack.store.markers("expiry", START, 0, until=START, after=None, limit=1)
    return page.markers[0].target


# --- Several at once, and killed anywhere ---------------------------------------------------


def test_two_workers_of_one_shard_visit_everything_and_close_it_once_each_has_seen_all(
    stack: Stack,
) -> None:
    stack.arm(40)
    stack.now = START + 2 * HOUR
    stack.failing = {first_target(stack)}
    first, second = stack.sweep(most=12), stack.sweep()
    first.work(START, 0, stack.now)
    stack.failing.clear()
    # The second goes on behind the failure; that it was there is stored with the cursor.
    assert second.work(START, 0, stack.now).complete
    assert not stack.store.shard("expiry", START, 0).is_closed
    stack.sweep().work(START, 0, stack.now)
    assert stack.store.shard("expiry", START, 0).is_closed
    assert len(stack.done) == 40


def test_a_worker_that_began_earlier_does_not_lose_what_another_has_found_to_fail(
    stack: Stack,
) -> None:
    stack.arm(40)
    stack.now = START + 2 * HOUR
    slow = stack.sweep()
    page = slow._page(stack.store.shard("expiry", START, 0), stack.now, closing=True)
    stack.failing = {first_target(stack)}
    stack.sweep(most=20).work(START, 0, stack.now)
    stack.failing.clear()
    progress = ShardProgress(hour=START, shard=0)
    report, reached = slow._worked(progress, stack.now, page, closing=True)
    # It has visited all of them itself, so that it may say so.
    assert (report.visited, reached.is_closed) == (40, True)
    assert len(stack.done) == 40


def test_a_clock_that_reaches_the_closing_time_while_a_page_is_read_closes_nothing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.arm(12)
    stack.sweep().run(START)
    stack.failing = {first_target(stack)}
    stack.work()
    stack.failing.clear()
    closes_at = START + 2 * HOUR
    stack.now = closes_at - timedelta(milliseconds=1)
    markers = stack.store.markers

    def slow(*values: object, **named: object) -> object:
        stack.now = closes_at
        return markers(*values, **named)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(stack.store, "markers", slow)
    stack.sweep().run(closes_at)
    stack.now += HOUR
    stack.sweep().run(stack.now)
    stack.work()
    assert len(stack.done) == 12


def test_a_marker_of_a_small_hour_is_looked_at_about_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(monkeypatch, page=50)
    stack.arm(20)
    stack.arm(20, due_at=START + HOUR / 2, name="later")
    while stack.now < START + 4 * HOUR:
        stack.sweep(queued=False).run(stack.now)
        stack.now += timedelta(minutes=5)
    assert len(stack.done) == 40
    looks = Counter(stack.seen)
    assert set(looks.values()) <= {3, 4}, "when it is due, ten minutes later, and to close the hour"


def test_few_markers_are_cheaper_looked_at_again_than_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(monkeypatch, page=50)
    stack.arm(WORTH_A_WRITE - 1)
    for _ in range(6):
        stack.sweep(queued=False).run(stack.now)
        stack.now += timedelta(minutes=5)
    assert stack.store.shard("expiry", START, 0) == ShardProgress(hour=START, shard=0)


def test_what_failed_in_a_small_hour_is_tried_again_at_the_next_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack(monkeypatch, page=50)
    stack.arm(20)
    stack.failing = {first_target(stack)}
    stack.now = START + HOUR / 2
    stack.sweep(queued=False).run(stack.now)
    assert len(stack.done) == 19
    stack.failing.clear()
    stack.now += timedelta(minutes=5)
    stack.sweep(queued=False).run(stack.now)
    assert len(stack.done) == 20


def test_one_target_that_always_fails_does_not_keep_workers_busy(stack: Stack) -> None:
    stack.arm(40)
    stack.failing = {first_target(stack)}
    stack.now = START + 2 * HOUR
    stack.sweep().run(stack.now)
    stack.work()
    passes, stack.seen = len(stack.seen) // 40, []
    assert passes >= 1
    for _ in range(36):
        stack.now += timedelta(minutes=5)
        stack.sweep().run(stack.now)
        stack.work()
    again = Counter(stack.seen)["target-0039"]
    assert 1 <= again <= 4, "once an hour"
    stack.failing.clear()
    stack.now += HOUR
    stack.sweep().run(stack.now)
    stack.work()
    assert len(stack.done) == 40


def test_a_worker_whose_clock_is_behind_the_tick_s_says_that_it_is_through(stack: Stack) -> None:
    stack.arm(20)
    stack.arm(20, due_at=START + HOUR / 6, name="later")
    stack.sweep().run(START)
    stack.now = START - timedelta(minutes=3)
    stack.work()
    stack.now = START + HOUR / 6
    assert stack.sweep().run(stack.now).queued == 1
    stack.work()
    assert len(stack.seen) == len(stack.done) == 40


def tick_and_work(stack: Stack, killed_at: int | None) -> bool:
    """A tick and its workers, of which whoever makes that operation is killed; whether one was."""
    tick = stack.sweep(killed_at=killed_at)
    try:
        tick.run(stack.now)
        for due in stack.queue.taken():
            worker = replace(stack.sweep(), store=tick.store)
            worker.work(due.hour, due.shard, due.now)
    except KilledError:
        return True
    return False


def test_killed_at_any_operation_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at = 0
    while True:
        stack = Stack(monkeypatch)
        stack.store.grow_shards("expiry", START, 2)
        stack.arm(17)
        stack.arm(3, due_at=START + HOUR, name="later")
        stack.now = START + 2 * HOUR
        was_killed = tick_and_work(stack, killed_at)
        # Its message may be lost with it: the tick sends another when nobody works on the shard.
        for hours in (0, 4, 8, 12):
            stack.now = START + (2 + hours) * HOUR
            stack.sweep().run(stack.now)
            stack.work()
        assert len(stack.done) == 20, f"killed at operation {killed_at}"
        assert stack.sweep().run(stack.now).first_open_hour == stack.now - HOUR
        if not was_killed:
            break
        killed_at += 1
    assert killed_at > 12


def test_several_visits_at_once_and_a_table_that_throttles(stack: Stack) -> None:
    dice = random.Random(7)  # noqa: S311 - the same every time
    pace = Pace(8, clock=time.monotonic, pause=lambda _: None)
    stack.arm(400)
    visit = stack.visit

    def throttled(target: str, now: datetime) -> int:
        if dice.random() < 0.3:
            pace.slow_down()
            raise ConflictError
        return visit(target, now)

    for hours in (0, 2, 4, 6, 8, 10, 12):
        stack.now = START + hours * HOUR
        replace(stack.sweep(pace=pace, queued=False), visit=throttled).run(stack.now)
    assert len(stack.done) == 400
    assert stack.sweep().run(stack.now + HOUR).first_open_hour is not None


# --- After a long time ----------------------------------------------------------------------


def armed_for_days(stack: Stack, days: int) -> int:
    """Something due every hour, and a crowd at every midnight."""
    for hour in range(24 * days):
        stack.arm(PAGE * 2 if hour % 24 == 0 else 1, START + hour * HOUR, name=f"hour-{hour}")
    return (23 + PAGE * 2) * days


def test_off_for_sixty_days_it_catches_up_completely_in_one_tick(stack: Stack) -> None:
    expected = armed_for_days(stack, 60)
    stack.now = START + 60 * DAY + HOUR
    report = stack.sweep().run(stack.now)
    assert (report.complete, report.queued) == (True, 60)
    stack.work()
    assert len(stack.done) == expected == len(stack.seen), "each hour is closed by its only visit"
    stack.now += 2 * HOUR
    assert stack.sweep().run(stack.now) == SweepReport()
    assert stack.sweep().run(stack.now).first_open_hour == stack.now - HOUR


def test_off_for_sixty_days_it_catches_up_in_many_ticks_that_have_little_time(
    stack: Stack,
) -> None:
    expected = armed_for_days(stack, 60)
    ticks = 0
    while len(stack.done) < expected:
        stack.now = START + 60 * DAY + HOUR + ticks * HOUR / 12
        stack.sweep(most=100, queued=False).run(stack.now)
        ticks += 1
        assert ticks <= expected / 100 + 2
    assert len(stack.seen) == expected


def test_an_hour_that_fails_keeps_itself_open_and_no_other(stack: Stack) -> None:
    armed_for_days(stack, 5)
    stack.failing = {"hour-1-0000"}
    stack.now = START + 5 * DAY + HOUR
    stack.sweep(queued=False).run(stack.now)
    stack.seen.clear()
    stack.now += HOUR / 12
    report = stack.sweep(queued=False).run(stack.now)
    assert report.first_open_hour == START + HOUR
    assert set(stack.seen) == {"hour-1-0000"}
    stack.failing.clear()
    stack.now += HOUR / 12
    assert stack.sweep(queued=False).run(stack.now).posted == 1
    stack.now = START + 5 * DAY + 4 * HOUR
    assert stack.sweep(queued=False).run(stack.now).first_open_hour == stack.now - HOUR


def test_the_hours_are_listed_in_parts(stack: Stack) -> None:
    for hour in range(HOURS_AT_ONCE * 2):
        stack.arm(1, START + hour * HOUR, name=f"hour-{hour}")
    stack.now = START + 10 * DAY
    assert stack.sweep().run(stack.now).posted == HOURS_AT_ONCE * 2
