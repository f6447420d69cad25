"""Every day: tiers that time may have changed.

The window of the qualifying points moves on, the grace after a fall is over, or a tier that was
given for a time has ended.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (due,
posted, failed, visited). Failure destination: tier_review_failures.
"""

from datetime import datetime

from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:tier_review"


def handler(event: object, context: Context) -> dict[str, int]:
    """Visit every member whose tier is due for a look."""
    visits: dict[MarkerKind, sweeping.Visit] = {"tier_review": review}
    return sweeping.sweep(visits, event, context)


def review(target: str, now: datetime) -> int:
    """Look at one member's tier; the number of entries."""
    return services.reviewing().visit(target, now=now, actor=ACTOR)
