"""Scheduled functions: which instant is *now*, and the one line that tells what was done.

The schedule puts its own time into the event, so that a retry of the same tick repeats the same
work and never a later one.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.runtime import observability
from points_ledger.runtime.observability import Outcome

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far a schedule's time may lie ahead of the clock (semantics 1)."""
MAX_AHEAD_OF_WORKER: Final = 2 * MAX_AHEAD
"""The same for whoever is told by a tick, whose own clock may be as far ahead."""


@dataclass(eq=False)
class FutureScheduleError(Exception):
    """The event names a time too far ahead of the clock; both in ISO 8601."""

    scheduled_time: str
    clock: str

    def __str__(self) -> str:
        """Both times."""
        return f"scheduled for {self.scheduled_time}, and it is {self.clock}"


def scheduled_now(
    event: object,
    clock: Callable[[], datetime],
    *,
    allow_future: bool,
    ahead: timedelta = MAX_AHEAD,
) -> datetime:
    """The instant that a scheduled function takes as *now*, in UTC.

    It is the event's `scheduled_time`; where that is not a time with a zone (a placeholder that was
    not filled in, or none at all) it is the clock.

    Raises:
        FutureScheduleError: further `ahead` of the clock, without `allow_future`.
    """
    now = clock()
    scheduled = _scheduled_time(event)
    if scheduled is None:
        return now
    if scheduled - now > ahead and not allow_future:
        raise FutureScheduleError(format_instant(scheduled), format_instant(now))
    return scheduled


def run(
    event: object,
    work: Callable[[datetime], Mapping[str, int]],
    *,
    clock: Callable[[], datetime],
    allow_future: bool,
) -> dict[str, int]:
    """Do the work that is due now, log its counts and return them.

    Whatever is raised is logged and raised again, so that the invocation is repeated and, in the
    end, lands in the function's failure queue.
    """
    with observability.invocation():
        try:
            now = scheduled_now(event, clock, allow_future=allow_future)
            observability.correlate(observability.run_id(format_instant(now)))
            counts = work(now)
        except Exception as error:
            observability.log_failure(error)
            raise
        observability.log(Outcome(name="swept", ids={"now": format_instant(now), **counts}))
        return dict(counts)


def _scheduled_time(event: object) -> datetime | None:
    value = event.get("scheduled_time") if isinstance(event, Mapping) else None
    if not isinstance(value, str):
        return None
    try:
        return parse_instant(value)
    except ValueError:
        return None
