"""The queues of outbound webhooks: a message is one event on its way to one endpoint."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.outbound import DeliveryId, Occurrence, WebhookId
from points_ledger.service.outbound_ports import Errand

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_BATCH_MESSAGES: Final = 10
MAX_BATCH_BYTES: Final = 256 * 1024
REASON_ATTRIBUTE: Final = "reason"
MAX_DELAY_SECONDS: Final = 900
"""What SQS can hold a new message back for."""
MAX_HIDDEN_SECONDS: Final = 11 * 3_600
"""Below the twelve hours of SQS, which count from when the message was handed out."""


@dataclass(eq=False)
class ErrandsNotTakenError(Exception):
    """The queue did not take every message; `codes` are its reasons."""

    codes: tuple[str, ...]


def encode_errand(errand: Errand) -> str:
    """The text of a message."""
    occurrence = errand.occurrence
    document = {
        "webhook_id": errand.webhook_id,
        "delivery_id": errand.delivery_id,
        "round": errand.round,
        "event_id": occurrence.id,
        "type": occurrence.type,
        "at": format_instant(occurrence.at),
        "content": json.loads(occurrence.content),
    }
    return json.dumps(document, separators=(",", ":"))


def decode_errand(text: str) -> Errand:
    """The inverse.

    Raises:
        ValueError, KeyError, TypeError: the text is no such message.
    """
    document: Any = json.loads(text)
    occurrence = Occurrence(
        id=str(document["event_id"]),
        type=str(document["type"]),
        at=datetime.fromisoformat(document["at"]),
        content=json.dumps(document["content"], separators=(",", ":")),
    )
    return Errand(
        webhook_id=WebhookId(str(document["webhook_id"])),
        delivery_id=DeliveryId(str(document["delivery_id"])),
        occurrence=occurrence,
        round=int(document["round"]),
    )


def correlation_of(occurrence: Occurrence) -> str | None:
    """The request, message or run that made an event happen, where its content says so."""
    content: Any = json.loads(occurrence.content)
    told = content.get("data") if isinstance(content, dict) else None
    value = told.get("correlation_id") if isinstance(told, dict) else None
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandQueue:
    """One queue of deliveries."""

    client: "SQSClient"
    queue_url: str

    def send(
        self, errands: Sequence[Errand], *, delay_seconds: int = 0, reason: str | None = None
    ) -> None:
        """Send errands, ten at a time; the queue holds them back for up to `MAX_DELAY_SECONDS`.

        `reason` says why they are set aside, where they are.

        Raises:
            ErrandsNotTakenError: some were not taken; all may be sent again.
        """
        held = min(delay_seconds, MAX_DELAY_SECONDS)
        batch: list[SendMessageBatchRequestEntryTypeDef] = []
        batch_bytes = 0
        for body in map(encode_errand, errands):
            size = len(body.encode())
            if len(batch) == MAX_BATCH_MESSAGES or (batch and batch_bytes + size > MAX_BATCH_BYTES):
                self._send(batch)
                batch, batch_bytes = [], 0
            batch.append(_entry(str(len(batch)), body, held, reason))
            batch_bytes += size
        if batch:
            self._send(batch)

    def _send(self, batch: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
        answer = self.client.send_message_batch(QueueUrl=self.queue_url, Entries=batch)
        failed = answer.get("Failed", [])
        if failed:
            raise ErrandsNotTakenError(tuple(sorted({each["Code"] for each in failed})))

    def hide(self, receipt_handle: str, *, seconds: int) -> None:
        """See that a message that was handed out comes again in so many seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=min(seconds, MAX_HIDDEN_SECONDS),
        )


def _entry(
    id_: str, body: str, delay_seconds: int, reason: str | None
) -> "SendMessageBatchRequestEntryTypeDef":
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": id_,
        "MessageBody": body,
        "DelaySeconds": delay_seconds,
    }
    if reason is not None:
        entry["MessageAttributes"] = {
            REASON_ATTRIBUTE: {"DataType": "String", "StringValue": reason}
        }
    return entry
