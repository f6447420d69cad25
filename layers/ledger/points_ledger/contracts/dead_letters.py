"""Dead letters: what clients ask, and what they are told of a message that failed.

A message is never shown as it is: a fact may have a customer in it. Shown are what kind of thing
it is, ids that look like ids, and codes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from points_ledger.contracts.messages import decode
from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import MalformedFactError
from points_ledger.service.dead_letters import (
    MAX_NAMED,
    DeadLetter,
    DeadLetterPage,
    HeldMessage,
    Invocation,
    LastResort,
    Redriven,
)

_QUEUE_NAME: Final = re.compile(r"[a-z][a-z_]{0,79}")
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_SHOWN: Final = re.compile(r"[A-Za-z0-9_.:#/+-]{1,160}")
"""What looks like an id, a code, a type or a time; an address does not."""
_ERROR_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
_SCHEDULED: Final = "scheduled_time"
_TARGET: Final = "TARGET_ARN"
_ERROR_CODE: Final = "ERROR_CODE"
_REASON: Final = "reason"

_FACT_FIELDS: Final = (
    "purchase", "key", "linked_purchase", "payment_id", "refund_id", "action",
)  # fmt: skip
_SHARD_FIELDS: Final = ("kind", "hour", "shard", _SCHEDULED)
_PLAIN_FIELDS: Final = ("type", "reason", "provider", "event_id", "simulation_id")


def _queue_name(value: str) -> str:
    if not _QUEUE_NAME.fullmatch(value):
        raise ValueError("is not the name of a queue")
    return value


def _message_ids(value: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(value) <= MAX_NAMED:
        raise ValueError(f"must have 1 to {MAX_NAMED} ids")
    if not all(_MESSAGE_ID.fullmatch(each) for each in value):
        raise ValueError("has an id that no message can have")
    return tuple(dict.fromkeys(value))


QueueName = Annotated[str, _queue_name, Schema(pattern=f"^{_QUEUE_NAME.pattern}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettersQuery:
    """GET /dead-letters."""

    queue: QueueName | None = None
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveBody:
    """POST /dead-letters/redrive; without `message_ids` all that one call can reach."""

    queue: QueueName
    message_ids: (
        Annotated[
            tuple[Annotated[str, Schema(pattern=f"^{_MESSAGE_ID.pattern}$")], ...],
            _message_ids,
            Schema(minItems=1, maxItems=MAX_NAMED),
        ]
        | None
    ) = None


def read_last_resorts(text: str) -> tuple[LastResort, ...]:
    """The queues of last resort as template.yaml names them: `{name: [queue, kind, target]}`.

    Raises:
        ValueError: the text is another one.
    """
    named = json.loads(text)
    return tuple(
        LastResort(name=name, queue=queue, kind=kind, target=target)
        for name, (queue, kind, target) in named.items()
    )


def dead_letters_document(page: DeadLetterPage, *, cursor: str | None) -> Document:
    """GET /dead-letters: a page, and how many every queue that was asked for has."""
    return {
        "dead_letters": [_dead_letter(each) for each in page.dead_letters],
        "queues": [
            {
                "queue": count.last_resort.name,
                "messages": count.messages,
                "redrivable": count.last_resort.kind != "stream",
            }
            for count in page.counts
        ],
        "cursor": cursor,
    }


def redriven_document(queue: str, redriven: Redriven) -> Document:
    """POST /dead-letters/redrive."""
    return {
        "queue": queue,
        "redriven": len(redriven.message_ids),
        "message_ids": list(redriven.message_ids),
        "not_redriven": [
            {"message_id": message_id, "reason": reason}
            for message_id, reason in redriven.not_redriven.items()
        ],
        "not_found": list(redriven.not_found),
        "remaining": redriven.remaining,
    }


def invocation_of(last_resort: LastResort, message: HeldMessage) -> Invocation | None:
    """What is called again for a failed invocation, or for a schedule that could not start one.

    A schedule's message names its function; one that the schedule's input cannot be read of was
    put there by somebody else.
    """
    body = _object(message.body)
    if last_resort.kind == "function":
        payload = body.get("requestPayload")
        if not isinstance(payload, Mapping):
            return None
        return Invocation(function=last_resort.target, payload=payload)
    function = message.attributes.get(_TARGET, "").rpartition(":")[2]
    if function not in last_resort.target.split(" ") or _SCHEDULED not in body:
        return None
    return Invocation(function=function, payload=body)


def _dead_letter(letter: DeadLetter) -> Document:
    message, kind = letter.message, letter.last_resort.kind
    about, reason = _READERS[kind](message)
    if letter.note is not None:
        reason = letter.note.code
        about = {**about, **letter.note.detail}
    return {
        "queue": letter.last_resort.name,
        "message_id": message.message_id,
        "first_seen": format_instant(message.first_seen),
        "received": message.received,
        "reason": reason,
        "failed_at": None if letter.note is None else format_instant(letter.note.at),
        "about": _shown(about),
        "redrivable": kind != "stream",
    }


def _of_queue(message: HeldMessage) -> tuple[Mapping[str, Any], str | None]:
    """A fact by its type and ids; what is no fact by what it says of itself."""
    body = _object(message.body)
    if "detail-type" in body:
        return _of_event(body), None
    if "shard" in body:
        return {name: body.get(name) for name in _SHARD_FIELDS}, None
    if "delivery_id" in body:
        # What was given up says why; else the note of the last failure does.
        return _of_delivery(body), message.attributes.get(_REASON)
    try:
        fact = decode(message.body)
    except MalformedFactError as error:
        about = {name: body.get(name) for name in _PLAIN_FIELDS}
        refused = body.get("reason") if body.get("type") == "refused" else None
        return about, refused if isinstance(refused, str) else _malformed(body, error)
    about = {"type": fact.type, "correlation_id": message.attributes.get("correlation_id")}
    about |= {name: getattr(fact, name, None) for name in _FACT_FIELDS}
    for name in ("payment", "refund"):
        about[name] = getattr(getattr(fact, name, None), "id", None)
    return about, None


def _of_event(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event of the bus: which, of whom, and what made it happen."""
    detail = _member(body, "detail")
    return {
        "type": body["detail-type"],
        "event_id": detail.get("id"),
        "member_id": detail.get("member_id"),
        "correlation_id": detail.get("correlation_id"),
    }


def _of_delivery(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event on its way to an endpoint."""
    told = _member(_member(body, "content"), "data")
    about = {name: body.get(name) for name in ("type", "event_id", "webhook_id", "delivery_id")}
    return {**about, "correlation_id": told.get("correlation_id")}


def _member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _malformed(body: Mapping[str, Any], error: MalformedFactError) -> str | None:
    """A message that names a backtest is no fact, and is not malformed for that."""
    return None if "simulation_id" in body else error.code


def _of_function(message: HeldMessage) -> tuple[Mapping[str, Any], str | None]:
    body = _object(message.body)
    about = {
        _SCHEDULED: _object(body.get("requestPayload")).get(_SCHEDULED),
        "condition": _object(body.get("requestContext")).get("condition"),
    }
    error = _object(body.get("responsePayload")).get("errorType")
    named = isinstance(error, str) and _ERROR_NAME.fullmatch(error)
    return about, str(error) if named else None


def _of_schedule(message: HeldMessage) -> tuple[Mapping[str, Any], str | None]:
    about = {
        _SCHEDULED: _object(message.body).get(_SCHEDULED),
        "function": message.attributes.get(_TARGET, "").rpartition(":")[2],
    }
    return about, message.attributes.get(_ERROR_CODE)


def _of_stream(message: HeldMessage) -> tuple[Mapping[str, Any], str | None]:
    body = _object(message.body)
    batch = _object(body.get("DDBStreamBatchInfo"))
    names = {
        "shard": "shardId",
        "first": "startSequenceNumber",
        "last": "endSequenceNumber",
        "records": "batchSize",
        "from": "approximateArrivalOfFirstRecord",
        "to": "approximateArrivalOfLastRecord",
    }
    condition = _object(body.get("requestContext")).get("condition")
    return {name: batch.get(key) for name, key in names.items()}, condition


_READERS: Final = {
    "queue": _of_queue,
    "function": _of_function,
    "schedule": _of_schedule,
    "stream": _of_stream,
}


def _shown(about: Mapping[str, Any]) -> dict[str, str]:
    return dict(_looks_like_ids(about))


def _looks_like_ids(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in about.items():
        text = "" if value is None else str(value)
        if _SHOWN.fullmatch(text):
            yield name, text


def _object(value: object) -> Mapping[str, Any]:
    """A JSON object, or its text; an empty one where it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}
