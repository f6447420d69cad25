"""The table's stream: tells the event bus what was posted, and wakes what waited.

Trigger: DynamoDB stream, in order, at least once. Contract: docs/api.md, contracts/events.py.
Failure destination: ledger_events_failures, after the batch was bisected to the record that fails.
"""

from typing import Any

from points_ledger.runtime import stream
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> None:  # noqa: ARG001 - Lambda passes both
    """Follow one batch of changes; raising brings the whole batch again, which harms nothing."""
    stream.follow(event)
