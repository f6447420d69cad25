"""The work queues: one of facts about sales, one of facts about payment, one of backtests.

A message is one fact, or names one backtest. Sending is not atomic over a delivery: when a part of
it fails the caller fails too, the provider delivers again, and facts sent twice change nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from points_ledger.contracts.messages import encode, is_payment_fact
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import SimulationId

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_BATCH_MESSAGES: Final = 10
MAX_BATCH_BYTES: Final = 256 * 1024
"""Of all messages of one request together, attributes included: the limit that every region and
every queue has had; 500 lines of the usual kind come to 80 KiB."""

MAX_FACTS: Final = 1_000
"""In one delivery; a body of 256 KiB cannot name more."""

CORRELATION_ATTRIBUTE: Final = "correlation_id"
ACTOR_ATTRIBUTE: Final = "actor"
SIMULATION_FIELD: Final = "simulation_id"
_STRING: Final = "String"


@dataclass(eq=False)
class MessageTooLargeError(Exception):
    """A fact does not fit into a message: thousands of characters of ids on hundreds of lines."""

    bytes: int
    maximum_bytes: int


@dataclass(eq=False)
class SendFailedError(Exception):
    """The queue did not take every message; `codes` are its reasons."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactQueues:
    """Where facts wait for their workers.

    `payment_queue_url` is None where a function has no business with payments.
    """

    client: "SQSClient"
    earning_queue_url: str
    payment_queue_url: str | None = None

    def send(self, facts: Sequence[Fact], *, actor: str, correlation_id: str) -> None:
        """Send facts, each kind in the order given; nothing is sent when one cannot be.

        `actor` is who the entries will name, `correlation_id` the request that the facts came with.

        Raises:
            MessageTooLargeError: a fact has more than `MAX_BATCH_BYTES`.
            SendFailedError: a part was not taken; everything may be sent again.
            ValueError: more than `MAX_FACTS`, or a payment without a queue for payments.
        """
        if len(facts) > MAX_FACTS:
            raise ValueError(f"at most {MAX_FACTS} facts are sent at once, not {len(facts)}")
        earnings = [encode(fact) for fact in facts if not is_payment_fact(fact)]
        payments = [encode(fact) for fact in facts if is_payment_fact(fact)]
        attributes = {ACTOR_ATTRIBUTE: actor, CORRELATION_ATTRIBUTE: correlation_id}
        requests = list(_batches(self.earning_queue_url, earnings, attributes))
        if payments:
            if self.payment_queue_url is None:
                raise ValueError("there is no queue for payments here")
            requests += _batches(self.payment_queue_url, payments, attributes)
        for queue_url, entries in requests:
            self._send_batch(queue_url, entries)

    def dead_letter(
        self, *, reason: str, provider: str, event_id: str | None, correlation_id: str
    ) -> None:
        """Set a delivery aside that cannot become facts, with its reason.

        What is sent is no fact, so the worker refuses it and the queue moves it to its dead
        letters. The payload stays with the provider, who can deliver it again: it holds names.

        Raises:
            SendFailedError: it was not taken.
        """
        refused = {"type": "refused", "reason": reason, "provider": provider, "event_id": event_id}
        body = json.dumps(refused, separators=(",", ":"))
        attributes = {CORRELATION_ATTRIBUTE: correlation_id}
        for queue_url, entries in _batches(self.earning_queue_url, [body], attributes):
            self._send_batch(queue_url, entries)

    def _send_batch(
        self, queue_url: str, entries: "list[SendMessageBatchRequestEntryTypeDef]"
    ) -> None:
        answer = self.client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = answer.get("Failed", [])
        if failed:
            raise SendFailedError(tuple(sorted({failure["Code"] for failure in failed})))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationMessages:
    """The queue on which backtests wait for their worker: a message names one of them."""

    client: "SQSClient"
    queue_url: str

    def send(self, simulation_id: SimulationId, *, correlation_id: str) -> None:
        """Ask for a worker; a message too many changes nothing."""
        self.client.send_message(
            QueueUrl=self.queue_url,
            MessageBody=json.dumps({SIMULATION_FIELD: simulation_id}),
            MessageAttributes={
                CORRELATION_ATTRIBUTE: {"DataType": _STRING, "StringValue": correlation_id}
            },
        )

    def hide(self, receipt_handle: str, *, seconds: int) -> None:
        """See that a message that is being worked on comes again in so many seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def _batches(
    queue_url: str, bodies: Sequence[str], attributes: Mapping[str, str]
) -> "Iterator[tuple[str, list[SendMessageBatchRequestEntryTypeDef]]]":
    """As few requests as the limits allow, in order."""
    entries: list[SendMessageBatchRequestEntryTypeDef] = []
    total_bytes = 0
    for body in bodies:
        message_bytes = _size_bytes(body, attributes)
        if message_bytes > MAX_BATCH_BYTES:
            raise MessageTooLargeError(message_bytes, MAX_BATCH_BYTES)
        if len(entries) == MAX_BATCH_MESSAGES or total_bytes + message_bytes > MAX_BATCH_BYTES:
            yield queue_url, entries
            entries, total_bytes = [], 0
        entries.append(_entry(str(len(entries)), body, attributes))
        total_bytes += message_bytes
    if entries:
        yield queue_url, entries


def _size_bytes(body: str, attributes: Mapping[str, str]) -> int:
    """As SQS counts: the body, and of each attribute its name, type and value."""
    named = sum(
        len(name) + len(_STRING) + len(value.encode()) for name, value in attributes.items()
    )
    return len(body.encode()) + named


def _entry(
    entry_id: str, body: str, attributes: Mapping[str, str]
) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": entry_id,
        "MessageBody": body,
        "MessageAttributes": {
            name: {"DataType": _STRING, "StringValue": value} for name, value in attributes.items()
        },
    }
