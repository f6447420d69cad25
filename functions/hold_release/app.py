"""Every five minutes: what waits for a time that has come.

Points whose hold or return window has passed mature, unpaid ones lapse, and points whose
reservation has ended go back into their lots. Leaderboards whose period is over are frozen, and
their prizes awarded.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`; and SQS, shards of crowded hours
that a tick has left to workers. Contract: a tick answers counts (due, posted, failed, visited, and
queued where it left something), a worker the messages that come again. Failure destination:
hold_release_failures, and the dead letters of hold_release_sweep.
"""

from datetime import datetime
from typing import Any

from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.runtime import services, sweeping
from points_ledger.runtime.batch import Context
from points_ledger.service.ports import MarkerKind

ACTOR = "schedule:hold_release"


def handler(event: object, context: Context) -> dict[str, Any]:
    """Visit every leaderboard and earning that is due, and every reservation that has ended."""
    visits: dict[MarkerKind, sweeping.Visit] = {
        "leaderboard": freeze,  # first: the prizes that it awards are due at once
        "hold_release": release,
        "reservation": end,
    }
    return sweeping.sweep_or_work(visits, event, context)


def release(target: str, now: datetime) -> int:
    """Post what became due of one earning; the number of entries."""
    key = EarningKey.parse(target)
    return services.recording().release(key, now=now, actor=ACTOR).entries


def end(target: str, now: datetime) -> int:
    """Settle one member's account; the number of entries."""
    return services.expiring().expire(MemberId(target), now=now, actor=ACTOR)


def freeze(target: str, now: datetime) -> int:
    """Freeze one period of a leaderboard; the number of prizes."""
    return services.leaderboards().freeze(target, now=now)
