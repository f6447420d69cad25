"""Notes of why messages failed, kept for as long as a queue keeps the messages."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import keys
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.service.dead_letters import FailureNote

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

FORMAT: Final = 1
KEPT_SECONDS: Final = 15 * 86_400
"""A day more than the longest that a queue keeps a message."""
MAX_NOTES_PER_READ: Final = 100
MAX_READS: Final = 6


class DynamoDbFailures:
    """`FailureNotes` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def note(self, note: FailureNote) -> None:
        """Keep a note; a later one of the same message takes its place."""
        self._client.put_item(TableName=self._table_name, Item=encode_note(note))

    def notes(self, message_ids: Sequence[str]) -> Mapping[str, FailureNote]:
        """The notes there are; one that DynamoDB keeps leaving unread is as one that is not."""
        asked = dict.fromkeys(message_ids)
        missing = [_key(message_id) for message_id in list(asked)[:MAX_NOTES_PER_READ]]
        found: dict[str, FailureNote] = {}
        for _ in range(MAX_READS):
            if not missing:
                break
            answer = self._client.batch_get_item(RequestItems={self._table_name: {"Keys": missing}})
            for item in answer["Responses"].get(self._table_name, []):
                note = decode_note(item)
                found[note.message_id] = note
            unread = answer.get("UnprocessedKeys", {}).get(self._table_name)
            missing = [dict(key) for key in unread["Keys"]] if unread else []
        return found


def encode_note(note: FailureNote) -> "dict[str, AttributeValueTypeDef]":
    """A note as an item."""
    expires = int(note.at.timestamp()) + KEPT_SECONDS
    return {
        **_key(note.message_id),
        "code": {"S": note.code},
        "at": {"S": format_instant(note.at)},
        "detail": {"S": json.dumps(dict(note.detail), separators=(",", ":"))},
        "expires_at_epoch": {"N": str(expires)},
        "format": {"N": str(FORMAT)},
    }


def decode_note(item: "Mapping[str, AttributeValueTypeDef]") -> FailureNote:
    """The note in an item.

    Raises:
        ValueError: the item has a format that this version does not know.
    """
    if item["format"]["N"] != str(FORMAT):
        raise ValueError("unknown format of a note")
    return FailureNote(
        message_id=keys.parts(item["PK"]["S"])[1],
        code=item["code"]["S"],
        at=parse_instant(item["at"]["S"]),
        detail=json.loads(item["detail"]["S"]),
    )


def _key(message_id: str) -> "dict[str, AttributeValueTypeDef]":
    place = keys.failure_key(message_id)
    return {"PK": {"S": place.pk}, "SK": {"S": place.sk}}
