"""Recording a batch of facts: what the workers of both queues do."""

from collections.abc import Mapping
from typing import Any

from points_ledger.runtime import batch, services
from points_ledger.runtime.batch import Context, Message
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings


def record_batch(event: Mapping[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Record each fact; the answer names the messages that have to come again."""
    return batch.process_facts(event, context, _record, settings_class=LedgerSettings)


def _record(message: Message) -> Outcome:
    recorded = services.recording().record(message.fact, actor=message.actor)
    ids = {
        "fact": message.fact.type,
        "earning": str(recorded.earning) if recorded.earning else None,
        "entries": recorded.entries,
    }
    return Outcome(name=recorded.outcome, ids=ids)
