"""Queue outbound_retries: later tries of deliveries, and all of endpoints that fail or are slow.

Trigger: SQS, one delivery a message, which stays hidden until its next try. Contract:
docs/outbound-webhooks.md. Failure destination: the dead letters of outbound_retries, where a
delivery ends that was tried for the last time.
"""

from typing import Any

from points_ledger.runtime import outbound
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Post the event; the answer names the message if it has to come again."""
    return outbound.later_try(event, context)
