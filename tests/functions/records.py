"""Messages and changes as Lambda hands them to a function: SQS batches, stream batches."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from points_ledger.contracts.messages import encode
from points_ledger.domain.fact import Fact

Json = dict[str, Any]

QUEUE_ARN: Final = "arn:aws:sqs:us-east-1:123456789012:points-ledger-EarningEventsQueue"
STREAM_ARN: Final = (
    "arn:aws:dynamodb:us-east-1:123456789012:table/points-ledger/stream/2026-09-01T00:00:00.000"
)


def message(
    body: str | Fact,
    id_: str,
    *,
    actor: str | None = "webhook:standard",
    correlation_id: str | None = "request-1",
    received: int = 1,
) -> Json:
    """One record of a batch; `body` is a fact or the text of a message."""
    text = body if isinstance(body, str) else encode(body)
    given = {"actor": actor, "correlation_id": correlation_id}
    return {
        "messageId": id_,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": str(received),
            "SentTimestamp": "1788361446000",
            "SenderId": "AROAEXAMPLE:webhooks",
            "ApproximateFirstReceiveTimestamp": "1788361446010",
        },
        "messageAttributes": {
            name: {
                "stringValue": value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
            for name, value in given.items()
            if value is not None
        },
        "md5OfBody": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "awsRegion": "us-east-1",
    }


def batch(*messages: Json) -> Json:
    return {"Records": list(messages)}


def facts(*given: Fact | str) -> Json:
    """A batch of messages with the ids `message-1`, `message-2`, …"""
    return batch(*(message(each, f"message-{n}") for n, each in enumerate(given, 1)))


def stream(records: Iterable[Mapping[str, Any]]) -> Json:
    """Records that the table's stream holds, as the event source hands them on."""
    return {"Records": [_as_lambda_has_it(record) for record in records]}


def change(record: Mapping[str, Any], kind: str) -> Json:
    """The record of an insertion made one of a change or a removal of the same item."""
    made = json.loads(json.dumps(record))
    made["eventName"] = kind
    image = made["dynamodb"]["NewImage"]
    if kind == "REMOVE":
        del made["dynamodb"]["NewImage"]
    made["dynamodb"]["OldImage"] = image
    return dict(made)


def _as_lambda_has_it(record: Mapping[str, Any]) -> Json:
    made: Json = json.loads(json.dumps(record, default=_plain))
    made["eventSourceARN"] = STREAM_ARN
    return made


def _plain(value: object) -> object:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).timestamp()
        case Decimal():
            return float(value)
        case _:
            raise TypeError(type(value))
