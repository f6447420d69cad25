"""The workers of outbound webhooks: events to endpoints, first tries, and later ones.

Three queues keep one endpoint from holding up another. An event becomes one message per endpoint.
First tries and retries have queues of their own, and an endpoint that fails again and again, or
answers slowly, has its events in the second from the start: there they wait hidden, for as long as
the next try is away, and nothing else waits behind them.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from points_ledger.adapters.outbound_queue import ErrandQueue, correlation_of, decode_errand
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.outbound import Endpoint, Occurrence, delivery_id
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime.batch import Context, code_of, note_last_failure
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import (
    OutboundDeliveriesSettings,
    OutboundEventsSettings,
    OutboundRetriesSettings,
    load,
)
from points_ledger.service.outbound_delivery import Told
from points_ledger.service.outbound_ports import Errand

RESERVED_MILLISECONDS: Final = 25_000
"""No try is begun with less time left than one may need."""

HIDDEN_SECONDS: Final = 60
"""How long nobody else gets a message that is worked on: a try and some more, so that the message
of a worker that was killed comes again soon."""

MALFORMED: Final = (KeyError, TypeError, ValueError, RecursionError)
"""What reading a message that is none of ours may end in; JSON may be nested too deep."""

MALFORMED_CODE: Final = "malformed"

Record = Mapping[str, Any]
Answer = dict[str, list[dict[str, str]]]


# --- Events to endpoints --------------------------------------------------------------------


def fan_out(event: Mapping[str, Any]) -> Answer:
    """Ask for one delivery per event and endpoint; the answer names the messages that come again.

    Raises:
        SettingsError: the function cannot work at all: every message comes again.
    """
    load(OutboundEventsSettings)
    with observability.invocation():
        told, refused = _occurrences(event["Records"])
        try:
            errands = _send(told)
        except Exception as error:  # noqa: BLE001 - all of them come again
            observability.correlate(None)
            observability.log_failure(error)
            for record in event["Records"]:
                note_last_failure(record, code_of(error), {"error": type(error).__qualname__})
            return _again([record["messageId"] for record in event["Records"]])
        for occurrence in told:
            _log_queued(occurrence, errands[occurrence.id])
    return _again(refused)


def _log_queued(occurrence: Occurrence, deliveries: int) -> None:
    observability.correlate(correlation_of(occurrence))
    ids: dict[str, Identifier] = {"event_id": occurrence.id, "deliveries": deliveries}
    observability.log(Outcome(name="queued" if deliveries else "ignored", ids=ids))


def _occurrences(records: list[Record]) -> tuple[list[Occurrence], list[str]]:
    told: list[Occurrence] = []
    refused: list[str] = []
    for record in records:
        try:
            told.append(occurrence_of(record["body"]))
        except MALFORMED:
            ids: dict[str, Identifier] = {"message_id": record["messageId"]}
            observability.log(Outcome(name="refused", code=MALFORMED_CODE, ids=ids), level="error")
            note_last_failure(record, MALFORMED_CODE, {})
            refused.append(record["messageId"])
    return told, refused


def occurrence_of(text: str) -> Occurrence:
    """An event of the bus as endpoints are told of it.

    Raises:
        KeyError, TypeError, ValueError, RecursionError: it is no event of ours.
    """
    event: Any = json.loads(text)
    type_, detail = str(event["detail-type"]), event["detail"]
    if not isinstance(detail, dict):
        raise TypeError("no object")
    at = _instant(event)
    document = {"type": type_, "timestamp": format_instant(at), "data": detail}
    content = json.dumps(document, separators=(",", ":"))
    return Occurrence(id=str(detail["id"]), type=type_, at=at, content=content)


def _instant(event: Any) -> datetime:  # noqa: ANN401 - JSON
    """When it was recorded, where it says so: the bus knows whole seconds only."""
    entry = event["detail"].get("entry")
    recorded = entry.get("recorded_at") if isinstance(entry, dict) else None
    return parse_instant(recorded or event["time"])


def _send(told: list[Occurrence]) -> Mapping[str, int]:
    """Send one message per event and endpoint; how many there are of each event, by its id."""
    endpoints = services.outbound_endpoints() if told else ()
    near: list[Errand] = []
    apart: list[Errand] = []
    for occurrence in told:
        for endpoint in endpoints:
            if endpoint.wants(occurrence.type):
                (apart if endpoint.stands_apart else near).append(_errand(endpoint, occurrence))
    settings = load(OutboundEventsSettings)
    _queue(settings.outbound_deliveries_queue_url).send(near)
    _queue(settings.outbound_retries_queue_url).send(apart)
    return Counter(errand.occurrence.id for errand in (*near, *apart))


def _errand(endpoint: Endpoint, occurrence: Occurrence) -> Errand:
    to = delivery_id(endpoint.webhook_id, occurrence.id, occurrence.at)
    return Errand(webhook_id=endpoint.webhook_id, delivery_id=to, occurrence=occurrence)


# --- Deliveries -----------------------------------------------------------------------------


def first_try(event: Mapping[str, Any], context: Context) -> Answer:
    """Deliver each message; what has to wait goes to the queue of retries.

    Raises:
        SettingsError: the function cannot work at all: every message comes again.
    """
    settings = load(OutboundDeliveriesSettings)
    retries = _queue(settings.outbound_retries_queue_url)

    def is_done(record: Record, errand: Errand, told: Told) -> bool:  # noqa: ARG001 - of one kind
        if told.name in ("postponed", "given_up"):
            retries.send([errand], delay_seconds=_seconds_until(told.again_at))
        return True

    return _deliver(event, context, _queue(settings.outbound_deliveries_queue_url), is_done)


def later_try(event: Mapping[str, Any], context: Context) -> Answer:
    """Deliver each message; what has to wait is hidden, what is given up goes to the dead letters.

    Raises:
        SettingsError: the function cannot work at all: every message comes again.
    """
    settings = load(OutboundRetriesSettings)
    retries = _queue(settings.outbound_retries_queue_url)
    dead_letters = _queue(settings.outbound_retries_dead_letters_queue_url)

    def is_done(record: Record, errand: Errand, told: Told) -> bool:  # noqa: ARG001 - of one kind
        if told.name == "postponed":
            retries.hide(record["receiptHandle"], seconds=_seconds_until(told.again_at))
            return False
        if told.set_aside is not None:
            reason = "given_up" if told.made is None else told.made.outcome
            dead_letters.send([told.set_aside], reason=reason)
        return True

    return _deliver(event, context, retries, is_done)


IsDone = Callable[[Record, Errand, Told], bool]
"""Does what is left to do with a message; whether it is over and need not come again."""


def _deliver(
    event: Mapping[str, Any], context: Context, queue: ErrandQueue, is_done: IsDone
) -> Answer:
    with observability.invocation():
        again = [
            record["messageId"]
            for record in event["Records"]
            if not _is_delivered(record, context, queue, is_done)
        ]
    return _again(again)


def _is_delivered(record: Record, context: Context, queue: ErrandQueue, is_done: IsDone) -> bool:
    observability.correlate(None)
    ids: dict[str, Identifier] = {"message_id": record["messageId"]}
    if context.get_remaining_time_in_millis() < RESERVED_MILLISECONDS:
        observability.log(Outcome(name="out_of_time", ids=ids), level="warning")
        return False
    try:
        errand = decode_errand(record["body"])
    except MALFORMED:
        observability.log(Outcome(name="refused", code=MALFORMED_CODE, ids=ids), level="error")
        note_last_failure(record, MALFORMED_CODE, {})
        return False
    observability.correlate(correlation_of(errand.occurrence))
    ids |= {"webhook_id": errand.webhook_id, "delivery_id": errand.delivery_id}
    try:
        _hide(queue, record["receiptHandle"])
        told = services.outbound_delivering().deliver(errand)
        done = is_done(record, errand, told)
    except Exception as error:  # noqa: BLE001 - one bad message must not take the others with it
        observability.log_failure(error, ids=ids)
        note_last_failure(record, code_of(error), {"error": type(error).__qualname__})
        return False
    _log(told, ids)
    return done


def _hide(queue: ErrandQueue, handle: str) -> None:
    """Keep a message to this worker; where the queue refuses, it is kept as long as all are."""
    try:
        queue.hide(handle, seconds=HIDDEN_SECONDS)
    except ClientError:
        observability.count("message_not_hidden")


def _log(told: Told, ids: Mapping[str, Identifier]) -> None:
    made = told.made
    known: dict[str, Identifier] = {**ids}
    if made is not None:
        known |= {"status_code": made.status_code, "milliseconds": made.duration_milliseconds}
    code = None if made is None else made.outcome
    observability.log(Outcome(name=told.name, code=code, ids=known))
    if told.disabled is not None:
        disabled = Outcome(name="endpoint_disabled", code=told.disabled, ids=ids)
        observability.log(disabled, level="error")


def _seconds_until(instant: datetime | None) -> int:
    """Whole seconds, rounded up; 0 where it is over."""
    if instant is None:
        return 0
    return max(0, -int((bootstrap.utc_now() - instant).total_seconds() // 1))


def _queue(url: str) -> ErrandQueue:
    return ErrandQueue(client=bootstrap.sqs(), queue_url=url)


def _again(message_ids: list[str]) -> Answer:
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
