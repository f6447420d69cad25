"""Markers of what falls due, by hour and shard, and how far each sweep has come."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import Attributes, key_attributes
from points_ledger.adapters.dynamodb.query import BETWEEN, pages
from points_ledger.adapters.dynamodb.revisioned import RevisionedItem
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.service.ports import MarkerKind
from points_ledger.service.sweep_ports import (
    HourAndShard,
    MarkerPage,
    ShardProgress,
    SweepProgress,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

# Another tick, of a later time, has come further meanwhile.
NOT_FURTHER: Final = "attribute_not_exists(PK) OR first_open_hour <= :reached"

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class DynamoDbSweeps:
    """`SweepStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def due_hours(
        self, kind: MarkerKind, *, since: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[datetime, int]]:
        """The first hours that have markers, oldest first, with their number of shards."""
        first, last = keys.hour_key(kind, since or _BEGINNING), keys.hour_key(kind, until)
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": first.pk},
                ":from": {"S": first.sk},
                ":to": {"S": last.sk},
            },
            "Limit": limit,
            "ConsistentRead": True,
        }
        if first.sk > last.sk:
            return []
        return [
            (keys.hour_of(item["SK"]["S"]), int(item["shards"]["N"]))
            for item in self._client.query(**query)["Items"]
        ]

    def markers(
        self,
        kind: MarkerKind,
        hour: datetime,
        shard: int,
        *,
        until: datetime,
        after: str | None,
        limit: int,
    ) -> MarkerPage:
        """Markers of an hour due at or before `until`, in order of their due time.

        A full page always has a cursor, though nothing may be left behind it.
        `after` is the cursor of a page; the marker that it names need not be there any more.
        """
        pk, end = keys.marker_pk(kind, hour, shard), keys.markers_until(until)
        begin = keys.FIRST_MARKER if after is None else keys.next_marker(after)
        if begin > end:
            return MarkerPage(markers=(), places=(), cursor=None)
        response = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=BETWEEN,
            ExpressionAttributeValues={
                ":pk": {"S": pk},
                ":from": {"S": begin},
                ":to": {"S": end},
            },
            Limit=limit,
            ConsistentRead=True,
        )
        items = response["Items"]
        more = len(items) == limit or "LastEvaluatedKey" in response
        return MarkerPage(
            markers=tuple(codec.decode_marker(item) for item in items),
            places=tuple(item["SK"]["S"] for item in items),
            cursor=items[-1]["SK"]["S"] if items and more else None,
        )

    def progress(self, kind: MarkerKind) -> SweepProgress:
        """The stored progress; empty at first."""
        item = self._item(keys.progress_key(kind))
        return SweepProgress() if item is None else decode_progress(item)

    def save_progress(self, kind: MarkerKind, progress: SweepProgress) -> None:
        """Keep the progress, unless what is stored is further."""
        item = encode_progress(kind, progress)
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=item,
                ConditionExpression=NOT_FURTHER,
                ExpressionAttributeValues={":reached": item["first_open_hour"]},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def shards(
        self, kind: MarkerKind, *, first: datetime, last: datetime
    ) -> Mapping[HourAndShard, ShardProgress]:
        """What is known of the shards of the hours from `first` to `last`, both included."""
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.progress_key(kind).pk},
                ":from": {"S": keys.shards_from(first)},
                ":to": {"S": keys.shards_until(last)},
            },
            "ConsistentRead": True,
        }
        found = (
            decode_shard(item) for page in pages(self._client, query) for item in page["Items"]
        )
        return {(each.hour, each.shard): each for each in found}

    def shard(self, kind: MarkerKind, hour: datetime, shard: int) -> ShardProgress:
        """How far a shard was worked off; not at all at first."""
        item = self._item(keys.shard_key(kind, hour, shard))
        return ShardProgress(hour=hour, shard=shard) if item is None else decode_shard(item)

    def save_shard(self, kind: MarkerKind, progress: ShardProgress) -> ShardProgress:
        """Keep the progress of a shard; what is stored afterwards.

        Another worker's is kept where that one has stored since this one read.
        """
        later = replace(progress, revision=progress.revision + 1)
        place = keys.shard_key(kind, progress.hour, progress.shard)
        stored = RevisionedItem(self._client, self._table_name, place)
        if stored.save(encode_shard(kind, later), expected=progress.revision):
            return later
        return self.shard(kind, progress.hour, progress.shard)

    def _item(self, place: keys.TableKey) -> Attributes | None:
        response = self._client.get_item(
            TableName=self._table_name, Key=key_attributes(place), ConsistentRead=True
        )
        return response.get("Item")


def encode_progress(kind: MarkerKind, progress: SweepProgress) -> Attributes:
    """How far a sweep has come; there is nothing to store before it has come anywhere."""
    if progress.first_open_hour is None:
        raise ValueError("there is no progress yet")
    return {
        **key_attributes(keys.progress_key(kind)),
        "first_open_hour": {"S": format_instant(progress.first_open_hour)},
        "format": {"N": str(codec.FORMAT)},
    }


def decode_progress(item: Attributes) -> SweepProgress:
    """The inverse of `encode_progress`.

    Cursors once stood here, too; without them the open hours are visited from their start.
    """
    _check_format(item)
    return SweepProgress(first_open_hour=datetime.fromisoformat(item["first_open_hour"]["S"]))


def encode_shard(kind: MarkerKind, progress: ShardProgress) -> Attributes:
    """How far a shard was worked off, without what is absent; it goes with the hour's markers."""
    expires = int(progress.hour.timestamp()) + codec.MARKER_KEPT_SECONDS
    item: Attributes = {
        **key_attributes(keys.shard_key(kind, progress.hour, progress.shard)),
        "revision": {"N": str(progress.revision)},
        "expires_at_epoch": {"N": str(expires)},
        "format": {"N": str(codec.FORMAT)},
    }
    queued = progress.queued_at
    texts = {
        "cursor": progress.cursor,
        "closing": progress.closing,
        "queued_at": None if queued is None else format_instant(queued),
    }
    flags = {"has_failed": progress.has_failed, "is_closed": progress.is_closed}
    item |= {name: {"S": text} for name, text in texts.items() if text is not None}
    item |= {name: {"BOOL": flag} for name, flag in flags.items() if flag}
    return item


def decode_shard(item: Attributes) -> ShardProgress:
    """The inverse of `encode_shard`."""
    _check_format(item)
    hour, shard = keys.hour_and_shard(item["SK"]["S"])
    queued_at = item["queued_at"]["S"] if "queued_at" in item else None
    return ShardProgress(
        hour=hour,
        shard=shard,
        revision=int(item["revision"]["N"]),
        cursor=item["cursor"]["S"] if "cursor" in item else None,
        closing=item["closing"]["S"] if "closing" in item else None,
        has_failed="has_failed" in item,
        is_closed="is_closed" in item,
        queued_at=None if queued_at is None else datetime.fromisoformat(queued_at),
    )


def _check_format(item: Attributes) -> None:
    if int(item["format"]["N"]) != codec.FORMAT:
        raise BrokenInvariantError(f"{item['SK']['S']} is of format {item['format']['N']}")
