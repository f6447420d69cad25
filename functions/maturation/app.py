"""Queue payment_events: money that came in or bounced lets points mature, or takes them back.

Trigger: SQS. Contract: contracts/messages.py, one fact a message. Failure destination: the dead
letters of payment_events, after maxReceiveCount deliveries.
"""

from typing import Any

from points_ledger.runtime import facts
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Record each fact of the batch; the answer names the messages that have to come again."""
    return facts.record_batch(event, context)
