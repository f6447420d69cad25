"""Every five minutes: points whose hold or return window has passed mature, unpaid ones lapse.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (due,
posted, failed, visited). Failure destination: hold_release_failures.
"""

from datetime import datetime

from points_ledger.domain.identity import EarningKey
from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context

ACTOR = "schedule:hold_release"


def handler(event: object, context: Context) -> dict[str, int]:
    """Visit every earning that is due."""
    return sweeping.sweep("hold_release", release, event, context)


def release(target: str, now: datetime) -> int:
    """Post what became due of one earning; the number of entries."""
    key = EarningKey.parse(target)
    return services.recording().release(key, now=now, actor=ACTOR).entries
