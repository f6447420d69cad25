"""Every day: tiers that time may have changed.

The window of the qualifying points moves on, the grace after a fall is over, or a tier that was
given for a time has ended.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`; and SQS, shards of crowded hours
that a tick has left to workers. Contract: a tick answers counts (due, posted, failed, visited, and
queued where it left something), a worker the messages that come again. Failure destination:
tier_review_failures, and the dead letters of tier_review_sweep.
"""

from datetime import datetime
from typing import Any

from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:tier_review"


def handler(event: object, context: Context) -> dict[str, Any]:
    """Visit every member whose tier is due for a look."""
    visits: dict[MarkerKind, sweeping.Visit] = {"tier_review": review}
    return sweeping.sweep_or_work(visits, event, context)


def review(target: str, now: datetime) -> int:
    """Look at one member's tier; the number of entries."""
    return services.reviewing().visit(target, now=now, actor=ACTOR)
