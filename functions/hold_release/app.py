"""Every five minutes: what waits for a time that has come.

Points whose hold or return window has passed mature, unpaid ones lapse, and points whose
reservation has ended go back into their lots.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (due,
posted, failed, visited). Failure destination: hold_release_failures.
"""

from datetime import datetime

from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:hold_release"


def handler(event: object, context: Context) -> dict[str, int]:
    """Visit every earning that is due, and every member with a reservation that has ended."""
    visits: dict[MarkerKind, sweeping.Visit] = {"hold_release": release, "reservation": end}
    return sweeping.sweep(visits, event, context)


def release(target: str, now: datetime) -> int:
    """Post what became due of one earning; the number of entries."""
    key = EarningKey.parse(target)
    return services.recording().release(key, now=now, actor=ACTOR).entries


def end(target: str, now: datetime) -> int:
    """Settle one member's account; the number of entries."""
    return services.expiring().expire(MemberId(target), now=now, actor=ACTOR)
