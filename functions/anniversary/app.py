"""Every hour: birthdays, and anniversaries of enrolments, that have begun.

A day begins at 00:00 in the program's zone, so one of the runs of a day finds it; where the program
has a rule for it, the member's points are pending from then on.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (due,
posted, failed, visited). Failure destination: anniversary_failures.
"""

from datetime import datetime

from points_ledger.domain.anniversary import ANNIVERSARY, BIRTHDAY
from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:anniversary"


def handler(event: object, context: Context) -> dict[str, int]:
    """Visit every member whose day has come."""
    visits: dict[MarkerKind, sweeping.Visit] = {"birthday": birthday, "anniversary": anniversary}
    return sweeping.sweep(visits, event, context)


def birthday(target: str, now: datetime) -> int:
    """Look at one member's birthday; the number of entries."""
    return services.celebrating().visit(BIRTHDAY, target, now=now, actor=ACTOR)


def anniversary(target: str, now: datetime) -> int:
    """Look at one member's anniversary; the number of entries."""
    return services.celebrating().visit(ANNIVERSARY, target, now=now, actor=ACTOR)
