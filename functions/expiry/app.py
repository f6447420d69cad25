"""Every hour: lots whose last day is over leave their members' balances.

Members are warned some days before, and a lot that may not expire without notice is extended.
Reservations that have ended are released on the way, in case their own sweep was late.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`; and SQS, shards of crowded hours
that a tick has left to workers. Contract: a tick answers counts (due, posted, failed, visited, and
queued where it left something), a worker the messages that come again. Failure destination:
expiry_failures, and the dead letters of expiry_sweep.
"""

from datetime import datetime
from typing import Any

from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:expiry"


def handler(event: object, context: Context) -> dict[str, Any]:
    """Visit every member with a lot or a reservation that is due."""
    visits: dict[MarkerKind, sweeping.Visit] = {"expiry": expire, "reservation": expire}
    return sweeping.sweep_or_work(visits, event, context)


def expire(target: str, now: datetime) -> int:
    """Look at one member's account; the number of entries."""
    return services.expiring().visit(target, now=now, actor=ACTOR)
