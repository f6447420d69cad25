"""How many visits of one worker are in flight: more while all goes well, half when it is too many.

Additive increase and multiplicative decrease, as congestion control does it (RFC 5681): workers
that do not know each other come to share what the table gives. With only one left in flight a
worker that is still too fast also waits between visits.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from points_ledger.domain.dataclass import dataclass

MAX_PARALLEL: Final = 16
"""Of one worker; its client holds so many connections (runtime/bootstrap.py)."""
FIRST_PARALLEL: Final = 4
CALM_SECONDS: Final = 0.25
"""What one crowd was told within this time counts once."""
FIRST_DELAY_SECONDS: Final = 0.05
LONGEST_DELAY_SECONDS: Final = 2.0

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Course:
    """How far all threads together have come: the next place, and what ended the work."""

    places: int
    place: int = 0
    error: BaseException | None = None


class _Finished(Generic[Result]):
    """A result that may itself be None."""

    __slots__ = ("result",)

    def __init__(self, result: Result) -> None:
        self.result = result


class Pace:
    """The pace of one worker; it keeps what it has learned from one page to the next."""

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        """Begin with a few in flight, or `most` where that is less.

        `clock` counts seconds and never goes back; `pause` waits for up to so many, by chance, so
        that workers which were told at once do not come back at once.
        """
        assert 1 <= most <= MAX_PARALLEL
        self._most = most
        self._clock = clock
        self._pause = pause
        self._changed = threading.Condition()
        self._limit = float(min(most, FIRST_PARALLEL))
        self._active = 0
        self._slowed_at: float | None = None
        self._delay = 0.0

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return int(self._limit)

    def slow_down(self) -> None:
        """Halve what is in flight: the table has asked for fewer requests."""
        with self._changed:
            now = self._clock()
            if self._slowed_at is not None and now - self._slowed_at < CALM_SECONDS:
                return
            self._slowed_at = now
            if self._limit < 2:  # noqa: PLR2004 - nothing is left to halve
                doubled = max(FIRST_DELAY_SECONDS, 2 * self._delay)
                self._delay = min(LONGEST_DELAY_SECONDS, doubled)
            self._limit = max(1.0, self._limit / 2)

    def run(
        self,
        tasks: Sequence[Task],
        do: Callable[[Task], Result],
        *,
        has_time: Callable[[], bool],
    ) -> list[Result]:
        """Do tasks in their order, several at once; the results of those that were begun.

        None is begun when there is no time any more, so what was done is the beginning of `tasks`.

        Raises:
            whatever `do` raises, once all that had been begun is over.
        """
        done: list[_Finished[Result] | None] = [None] * len(tasks)
        course = _Course(places=len(tasks))
        threads = min(self._most, len(tasks))

        def work() -> None:
            while (place := self._next(course, has_time)) is not None:
                done[place] = self._finished(tasks[place], do, course)

        others = [threading.Thread(target=work, daemon=True) for _ in range(threads - 1)]
        for thread in others:
            thread.start()
        work()
        for thread in others:
            thread.join()
        if course.error is not None:
            raise course.error
        return [each.result for each in done if each is not None]

    def _next(self, course: _Course, has_time: Callable[[], bool]) -> int | None:
        """Where to go on, when there is room for one more in flight; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: course.error is not None or self._active < self.limit)
            is_over = course.error is not None or course.place == course.places
            if is_over or not has_time():
                return None
            place, delay = course.place, self._delay
            course.place += 1
            self._active += 1
        if delay:
            self._pause(delay)
        return place

    def _finished(
        self, task: Task, do: Callable[[Task], Result], course: _Course
    ) -> _Finished[Result] | None:
        began = self._clock()
        try:
            return _Finished(do(task))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that asked
            course.error = error
            return None
        finally:
            with self._changed:
                self._active -= 1
                if self._slowed_at is None or self._slowed_at < began:
                    self._limit = min(self._most, self._limit + 1 / self._limit)
                    self._delay = self._delay / 2 if self._delay > FIRST_DELAY_SECONDS else 0.0
                self._changed.notify_all()
