"""Notifications: events of the bus become mails to members.

Trigger: SQS, one event of the bus a message. Contract: docs/notifications.md and
contracts/bus_events.py. What cannot be sent comes again. Failure destination: the dead letters of
notifications.
"""

from typing import Any

from points_ledger.runtime import mailing
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Mail each event; the answer names those that have to come again."""
    return mailing.work(event, context)
