"""What the operation of the stack is put together with: dead letters, and the reconciliation.

Apart from services.py, because no function that serves members needs any of it.
"""

# ruff: noqa: PLC0415 - imports inside are the point: importing all costs every cold start

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from points_ledger.domain.identity import MemberId
from points_ledger.runtime import bootstrap, observability
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import (
    LedgerSettings,
    OperationsSettings,
    ReconciliationSettings,
    load,
)

if TYPE_CHECKING:
    from points_ledger.adapters.dynamodb.failures import DynamoDbFailures
    from points_ledger.adapters.dynamodb.integrity import DynamoDbChanges, DynamoDbIntegrity
    from points_ledger.adapters.dynamodb.recounts import DynamoDbRecounts
    from points_ledger.service.dead_letters import DeadLetters
    from points_ledger.service.integrity import Finding
    from points_ledger.service.reconciling import Reconciling
    from points_ledger.service.recounting import Recounting

MAX_DETAILS: Final = 8
PARALLEL_CHECKS: Final = 8
"""Members that one worker of the reconciliation looks at side by side."""
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


@cache
def changes() -> "DynamoDbChanges":
    """Notes whose ledger was written."""
    from points_ledger.adapters.dynamodb.integrity import DynamoDbChanges

    return DynamoDbChanges(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def reconciling() -> "Reconciling":
    """Checks members against the invariants, side by side."""
    from concurrent.futures import ThreadPoolExecutor

    from points_ledger.adapters.dynamodb.scanning import DynamoDbScan
    from points_ledger.runtime import services
    from points_ledger.service.ledger import WritePath
    from points_ledger.service.reconciling import Reconciling

    checkers = ThreadPoolExecutor(max_workers=PARALLEL_CHECKS)
    return Reconciling(
        path=WritePath(store=services.store(), pause=services.pause),
        store=services.store(),
        scan=DynamoDbScan(bootstrap.dynamodb(), load(LedgerSettings).table_name),
        reader=services.reader(),
        lists=services.reader(),
        integrity=integrity_store(),
        programs=services.programs(),
        clock=bootstrap.utc_now,
        tell=_tell,
        failed=_failed,
        gather=checkers.map,
    )


@cache
def recounts() -> "DynamoDbRecounts":
    """How far the recount of the totals has come, and what it came to."""
    from points_ledger.adapters.dynamodb.recounts import DynamoDbRecounts

    return DynamoDbRecounts(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def recounting() -> "Recounting":
    """Recounts the totals, with several members read at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    from points_ledger.adapters.dynamodb.scanning import DynamoDbScan
    from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
    from points_ledger.runtime import services
    from points_ledger.service.recounting import Recounting

    table_name = load(LedgerSettings).table_name
    return Recounting(
        scan=DynamoDbScan(bootstrap.dynamodb(), table_name),
        lists=services.reader(),
        store=recounts(),
        totals=DynamoDbTotals(bootstrap.dynamodb(), table_name),
        mender=recounts(),
        programs=services.programs(),
        clock=bootstrap.utc_now,
        gather=ThreadPoolExecutor(max_workers=PARALLEL_CHECKS).map,
    )


def _tell(finding: "Finding") -> None:
    """One line, one count and one event for each difference that was not known before."""
    from points_ledger.adapters.eventbridge import EventBus, OutgoingEvent
    from points_ledger.contracts.events import INCONSISTENT
    from points_ledger.contracts.integrity import inconsistent_detail

    ids: dict[str, Identifier] = {
        "member_id": finding.member_id,
        "invariant": finding.invariant,
        "entry": finding.entry,
        "detail": finding.detail,
    }
    observability.log(Outcome(name="inconsistent", ids=ids), level="error")
    bus = EventBus(client=bootstrap.events(), bus_name=load(ReconciliationSettings).event_bus_name)
    event = OutgoingEvent(
        name=INCONSISTENT,
        id=f"{finding.member_id}#{finding.entry or 0}#{finding.invariant}",
        at=finding.found_at,
        detail=inconsistent_detail(finding),
    )
    bus.publish([event])


def _failed(member_id: MemberId, error: Exception) -> None:
    observability.log_failure(error, ids={"member_id": member_id})
