"""A batch of queue messages: each is handled by itself, and only those that failed come again.

Records are handled one after the other in the order of the batch, so facts of one earning keep
theirs. A message that is refused or fails is reported as failed; the queue hands it out again and,
after `maxReceiveCount` times, moves it to its dead letters. Powertools' batch processor does this
too, for 25 to 40 ms of every cold start (docs/benchmarks.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Protocol

from points_ledger.contracts.messages import decode
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FactRefusedError, LedgerError
from points_ledger.domain.fact import Fact
from points_ledger.runtime import observability, settings
from points_ledger.runtime.observability import Identifier, Outcome

RESERVED_MILLISECONDS: Final = 15_000
"""No record is begun with less time left than one record may need: the rest comes again."""

MAX_RECEIVES: Final = 5
"""After so many deliveries a queue of facts sets a message aside (template.yaml)."""

CORRELATION_ATTRIBUTE: Final = "correlation_id"

ACTOR_ATTRIBUTE: Final = "actor"
UNNAMED_ACTOR: Final = "queue"
"""Who acts when a message does not say: somebody put it there by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One fact, who told it (`webhook:stripe`), and the request that it came with."""

    id: str
    fact: Fact
    actor: str
    correlation_id: str | None


HandleMessage = Callable[[Message], Outcome]
"""Records the fact of a message and tells what became of it."""


class Context(Protocol):
    """What Lambda tells about an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        ...


def process_facts(
    event: Mapping[str, Any],
    context: Context,
    handle: HandleMessage,
    *,
    settings_class: type[settings.Settings],
) -> dict[str, list[dict[str, str]]]:
    """Handle each record of an SQS event; the answer names those that failed.

    Raises:
        SettingsError: the function cannot work at all: every record comes again.
    """
    settings.load(settings_class)
    with observability.invocation():
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not _is_done(record, context, handle)
        ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(record: Mapping[str, Any], context: Context, handle: HandleMessage) -> bool:
    observability.correlate(_attribute(record, CORRELATION_ATTRIBUTE))
    if int(_received(record) or 0) > 1:
        observability.count("redelivered")
    ids: dict[str, Identifier] = {"message_id": record["messageId"]}
    if context.get_remaining_time_in_millis() < RESERVED_MILLISECONDS:
        observability.log(Outcome(name="postponed", ids=ids), level="warning")
        return False
    try:
        outcome = handle(_message(record))
    except FactRefusedError as error:
        detail = _fields(error)
        known = {**ids, **detail, "received": _received(record)}
        observability.log(Outcome(name="refused", code=error.code, ids=known), level="error")
        note_last_failure(record, error.code, detail)
        return False
    except Exception as error:  # noqa: BLE001 - one bad record must not take the others with it
        observability.log_failure(error, ids=ids)
        note_last_failure(record, code_of(error), {"error": type(error).__qualname__})
        return False
    known = {**ids, **(outcome.ids or {})}
    observability.log(Outcome(name=outcome.name, code=outcome.code, ids=known))
    return True


def code_of(error: Exception) -> str:
    """The stable code of an error; that of the unexpected where it has none."""
    return error.code if isinstance(error, LedgerError) else LedgerError.code


def note_last_failure(
    record: Mapping[str, Any], code: str, detail: Mapping[str, str], *, turns: int = MAX_RECEIVES
) -> None:
    """Keep why a message fails that the queue sets aside now: the queue itself does not know.

    `turns` is after how many deliveries it does.
    """
    if int(_received(record) or 0) < turns:
        return
    from points_ledger.runtime import operations  # noqa: PLC0415 - only who fails pays for it

    try:
        operations.note_failure(record["messageId"], code, detail)
    except Exception:  # noqa: BLE001 - the message is set aside all the same
        observability.count("failure_not_noted")


def _message(record: Mapping[str, Any]) -> Message:
    return Message(
        id=record["messageId"],
        fact=decode(record["body"]),
        actor=_attribute(record, ACTOR_ATTRIBUTE) or UNNAMED_ACTOR,
        correlation_id=_attribute(record, CORRELATION_ATTRIBUTE),
    )


def _attribute(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get("messageAttributes", {}).get(name, {}).get("stringValue")
    return value[: observability.MAX_VALUE_CHARACTERS] if isinstance(value, str) else None


def _received(record: Mapping[str, Any]) -> str | None:
    count = record.get("attributes", {}).get("ApproximateReceiveCount")
    return None if count is None else str(count)


def _fields(error: object) -> dict[str, str]:
    """The error's own fields: ids, times and field names."""
    if not is_dataclass(error):
        return {}
    return {field.name: str(getattr(error, field.name)) for field in fields(error)}
