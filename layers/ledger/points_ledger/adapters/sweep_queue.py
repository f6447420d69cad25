"""The queue of a sweep: shards of crowded hours that wait for a worker."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from points_ledger.adapters.sqs import MAX_BATCH_MESSAGES, SendFailedError
from points_ledger.contracts.sweep_messages import encode
from points_ledger.domain.dataclass import dataclass
from points_ledger.service.sweep_ports import DueShard

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsSweepQueue:
    """`SweepQueue` on one queue, and what its worker says about the messages it has."""

    client: "SQSClient"
    queue_url: str

    def send(self, shards: Sequence[DueShard]) -> None:
        """Ask for a worker for each shard; a message too many changes nothing.

        Raises:
            SendFailedError: a part was not taken; everything may be sent again.
        """
        for begin in range(0, len(shards), MAX_BATCH_MESSAGES):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "MessageBody": encode(shard)}
                for place, shard in enumerate(shards[begin : begin + MAX_BATCH_MESSAGES])
            ]
            answer = self.client.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            failed = answer.get("Failed", [])
            if failed:
                raise SendFailedError(tuple(sorted({failure["Code"] for failure in failed})))

    def hide(self, receipt_handle: str, *, seconds: int) -> None:
        """See that a message that is being worked on comes again in so many seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
