"""Every hour: lots whose last day is over leave their members' balances.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (due,
posted, failed, visited). Failure destination: expiry_failures.
"""

from datetime import datetime

from points_ledger.domain.identity import MemberId
from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context

ACTOR = "schedule:expiry"


def handler(event: object, context: Context) -> dict[str, int]:
    """Visit every member with a lot that is due."""
    return sweeping.sweep("expiry", expire, event, context)


def expire(target: str, now: datetime) -> int:
    """Expire what has passed of one member's lots; the number of entries."""
    return services.expiring().expire(MemberId(target), now=now, actor=ACTOR)
