"""Queues of last resort in SQS, and functions that are called again.

SQS can move a whole queue back by itself (StartMessageMoveTask), but neither some messages of it
nor the records of failed invocations, and the local stack's SQS cannot. So there is one way for
all: receive, send, delete.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from points_ledger.domain.dataclass import dataclass
from points_ledger.service.dead_letters import HeldMessage, Invocation, NotSentError

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageTypeDef

HIDDEN_SECONDS: Final = 20
"""How long what a look found stays hidden where it is killed before it gave it back."""
WAIT_SECONDS: Final = 1
"""How long SQS looks: asked at once, it looks in some of its places only and misses messages."""
MAX_BATCH_MESSAGES: Final = 10
_STRING: Final = "String"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsLastResorts:
    """`LastResortQueues` in SQS.

    `sibling_url` is the address of one queue of the stack; the others have another last part.
    """

    client: "SQSClient"
    sibling_url: str

    def count(self, queue: str) -> int:
        """How many messages there are, as SQS estimates."""
        answer = self.client.get_queue_attributes(
            QueueUrl=self._url(queue),
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return sum(int(number) for number in answer.get("Attributes", {}).values())

    def take(self, queue: str, *, limit: int) -> Sequence[HeldMessage]:
        """Up to `limit` messages, each once, hidden for HIDDEN_SECONDS."""
        held: dict[str, HeldMessage] = {}
        for _ in range(-(-limit // MAX_BATCH_MESSAGES)):
            answer = self.client.receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=min(MAX_BATCH_MESSAGES, limit - len(held)),
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                MessageAttributeNames=["All"],
            )
            found = [_held(message) for message in answer.get("Messages", [])]
            held |= {message.message_id: message for message in found}
            if not found or len(held) >= limit:
                break
        return list(held.values())

    def give_back(self, queue: str, messages: Sequence[HeldMessage]) -> None:
        """Show messages again at once; where SQS refuses, they show by themselves soon."""
        for first in range(0, len(messages), MAX_BATCH_MESSAGES):
            self.client.change_message_visibility_batch(
                QueueUrl=self._url(queue),
                Entries=[
                    {"Id": str(place), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                    for place, message in enumerate(messages[first : first + MAX_BATCH_MESSAGES])
                ],
            )

    def send(self, queue: str, message: HeldMessage) -> None:
        """Send the same text with the same attributes.

        Raises:
            NotSentError: SQS did not take it.
        """
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            name: {"DataType": _STRING, "StringValue": value}
            for name, value in message.attributes.items()
        }
        try:
            self.client.send_message(
                QueueUrl=self._url(queue), MessageBody=message.body, MessageAttributes=attributes
            )
        except (BotoCoreError, ClientError) as error:
            raise NotSentError from error

    def remove(self, queue: str, message: HeldMessage) -> None:
        """Delete a message."""
        self.client.delete_message(QueueUrl=self._url(queue), ReceiptHandle=message.receipt)

    def _url(self, queue: str) -> str:
        return f"{self.sibling_url.rpartition('/')[0]}/{queue}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaFunctions:
    """`Functions` in Lambda."""

    client: "LambdaClient"

    def start(self, invocation: Invocation) -> None:
        """Call a function without waiting; what fails again comes back to its failures.

        Raises:
            NotSentError: Lambda did not take the call.
        """
        payload: Mapping[str, Any] = invocation.payload
        try:
            self.client.invoke(
                FunctionName=invocation.function,
                InvocationType="Event",
                Payload=json.dumps(payload).encode(),
            )
        except (BotoCoreError, ClientError) as error:
            raise NotSentError from error


def _held(message: "MessageTypeDef") -> HeldMessage:
    system = message.get("Attributes", {})
    sent_at = datetime.fromtimestamp(int(system.get("SentTimestamp", "0")) / 1_000, UTC)
    return HeldMessage(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        attributes={
            name: value["StringValue"]
            for name, value in message.get("MessageAttributes", {}).items()
            if "StringValue" in value
        },
        first_seen=sent_at,
        received=int(system.get("ApproximateReceiveCount", "0")),
    )
