"""Queue outbound_events: each event of the bus becomes one message per endpoint that wants it.

Trigger: SQS, which a rule of the event bus feeds. Contract: docs/outbound-webhooks.md. An event
that comes twice ends in the same deliveries. Failure destination: the dead letters of
outbound_events.
"""

from typing import Any

from points_ledger.runtime import outbound
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:  # noqa: ARG001 - Lambda passes both
    """Hand the events on; the answer names the messages that have to come again."""
    return outbound.fan_out(event)
