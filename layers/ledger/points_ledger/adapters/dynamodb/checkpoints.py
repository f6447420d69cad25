"""The newest entries of members as checkpoints have them, and how far the checkpoints have come."""

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.revisioned import RevisionedItem
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.checkpoint import Head, Part, Shard, no_head
from points_ledger.domain.identity import MemberId
from points_ledger.service.checkpointing import Progress, Walk

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

FORMAT: Final = 1

# The newest entry of a chain.
NEWEST: Final = "PK = :pk AND begins_with(SK, :entries)"
NUMBER_AND_HASH: Final = "SK, #hash"


class DynamoDbHeads:
    """`HeadReader` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def head(self, member_id: MemberId) -> Head:
        """A member's newest entry: one consistent request, whatever the chain's length."""
        items = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=NEWEST,
            ProjectionExpression=NUMBER_AND_HASH,
            ExpressionAttributeNames={"#hash": "hash"},
            ExpressionAttributeValues={
                ":pk": {"S": keys.chain_pk(member_id)},
                ":entries": {"S": keys.ENTRY_PREFIX},
            },
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )["Items"]
        if not items:
            return no_head(member_id)
        [item] = items
        return Head(
            member_id=member_id,
            number=keys.number_of(item["SK"]["S"]),
            hash=bytes(item["hash"]["B"]),
        )


class DynamoDbProgress:
    """`ProgressStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._item = RevisionedItem(client, table_name, keys.checkpoints_key())

    def progress(self) -> Progress:
        """What is stored, read consistently."""
        item = self._item.load()
        return Progress() if item is None else decode_progress(item)

    def save(self, progress: Progress, *, expected: int) -> bool:
        """Store it if its stored revision is `expected` (0: there is none)."""
        return self._item.save(encode_progress(progress), expected=expected)


def encode_progress(progress: Progress) -> "dict[str, AttributeValueTypeDef]":
    """The item; the walk is a JSON text."""
    place = keys.checkpoints_key()
    item: dict[str, AttributeValueTypeDef] = {
        "PK": {"S": place.pk},
        "SK": {"S": place.sk},
        "revision": {"N": str(progress.revision)},
        "format": {"N": str(FORMAT)},
    }
    if progress.day is not None and progress.root is not None:
        item["day"] = {"S": str(progress.day)}
        item["root"] = {"S": progress.root.hex()}
    if progress.walk is not None:
        item["walk"] = {"S": _walk_text(progress.walk)}
    return item


def decode_progress(item: "Mapping[str, AttributeValueTypeDef]") -> Progress:
    """What an item holds.

    Raises:
        ValueError: the item has a format that this version does not know.
    """
    if item["format"]["N"] != str(FORMAT):
        raise ValueError("unknown format of the progress of checkpoints")
    return Progress(
        revision=int(item["revision"]["N"]),
        day=date.fromisoformat(item["day"]["S"]) if "day" in item else None,
        root=bytes.fromhex(item["root"]["S"]) if "root" in item else None,
        walk=_read_walk(item["walk"]["S"]) if "walk" in item else None,
    )


def _walk_text(walk: Walk) -> str:
    content: dict[str, Any] = {
        "day": str(walk.day),
        "begun_at": format_instant(walk.begun_at),
        "shards": [[shard.members, shard.root.hex()] for shard in walk.shards],
        "parts": [[part.first, part.last, part.size, part.root.hex()] for part in walk.parts],
        "cursor": walk.cursor,
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _read_walk(text: str) -> Walk:
    content = json.loads(text)
    return Walk(
        day=date.fromisoformat(content["day"]),
        begun_at=parse_instant(content["begun_at"]),
        shards=tuple(
            Shard(members=members, root=bytes.fromhex(root)) for members, root in content["shards"]
        ),
        parts=tuple(
            Part(first=MemberId(first), last=MemberId(last), size=size, root=bytes.fromhex(root))
            for first, last, size, root in content["parts"]
        ),
        cursor=content["cursor"],
    )
