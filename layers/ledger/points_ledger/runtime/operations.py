"""What the operation of the stack is put together with: dead letters, and the reconciliation.

Apart from services.py, because no function that serves members needs any of it.
"""

# ruff: noqa: PLC0415 - imports inside are the point: importing all costs every cold start

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from points_ledger.runtime import bootstrap
from points_ledger.runtime.settings import LedgerSettings, OperationsSettings, load

if TYPE_CHECKING:
    from points_ledger.adapters.dynamodb.failures import DynamoDbFailures
    from points_ledger.adapters.dynamodb.integrity import DynamoDbIntegrity
    from points_ledger.service.dead_letters import DeadLetters

MAX_DETAILS: Final = 8
PARALLEL_COUNTS: Final = 8
"""Queues that are counted at the same time."""


@cache
def failure_notes() -> "DynamoDbFailures":
    """Why messages failed."""
    from points_ledger.adapters.dynamodb.failures import DynamoDbFailures

    return DynamoDbFailures(bootstrap.dynamodb(), load(LedgerSettings).table_name)


def note_failure(message_id: str, code: str, detail: Mapping[str, str]) -> None:
    """Keep why a message failed for the last time; `detail` has ids, times and field names."""
    from points_ledger.service.dead_letters import FailureNote

    note = FailureNote(
        message_id=message_id,
        code=code,
        at=bootstrap.utc_now(),
        detail=dict(list(detail.items())[:MAX_DETAILS]),
    )
    failure_notes().note(note)


@cache
def integrity_store() -> "DynamoDbIntegrity":
    """What the reconciliation found."""
    from points_ledger.adapters.dynamodb.integrity import DynamoDbIntegrity

    return DynamoDbIntegrity(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def dead_letters() -> "DeadLetters":
    """Shows what failed, and tries it again."""
    from concurrent.futures import ThreadPoolExecutor

    from points_ledger.adapters.dead_letters import LambdaFunctions, SqsLastResorts
    from points_ledger.contracts.dead_letters import invocation_of, read_last_resorts
    from points_ledger.service.dead_letters import DeadLetters

    settings = load(OperationsSettings)
    counters = ThreadPoolExecutor(max_workers=PARALLEL_COUNTS)
    return DeadLetters(
        last_resorts=read_last_resorts(settings.last_resorts),
        queues=SqsLastResorts(client=bootstrap.sqs(), sibling_url=settings.sibling_queue_url),
        functions=LambdaFunctions(client=bootstrap.functions()),
        notes=failure_notes(),
        read_invocation=invocation_of,
        gather=counters.map,
    )
