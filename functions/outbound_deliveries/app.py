"""Queue outbound_deliveries: first tries of events at endpoints of outbound webhooks.

Trigger: SQS, one delivery a message. Contract: docs/outbound-webhooks.md. What an endpoint does not
take goes to the queue of retries. Failure destination: the dead letters of outbound_deliveries.
"""

from typing import Any

from points_ledger.runtime import outbound
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Post the event; the answer names the message if it has to come again."""
    return outbound.first_try(event, context)
