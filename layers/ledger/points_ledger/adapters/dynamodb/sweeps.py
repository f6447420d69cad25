"""Markers of what falls due, by hour and shard, and how far each sweep has come."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import key_attributes
from points_ledger.adapters.dynamodb.query import BETWEEN, pages
from points_ledger.service.ports import MarkerKind, MarkerPage, SweepProgress

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class DynamoDbSweeps:
    """`SweepStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def due_hours(
        self, kind: MarkerKind, *, since: datetime | None, until: datetime
    ) -> Sequence[tuple[datetime, int]]:
        """Hours that have markers, oldest first, with their number of shards."""
        first, last = keys.hour_key(kind, since or _BEGINNING), keys.hour_key(kind, until)
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": first.pk},
                ":from": {"S": first.sk},
                ":to": {"S": last.sk},
            },
            "ConsistentRead": True,
        }
        if first.sk > last.sk:
            return []
        return [
            (keys.hour_of(item["SK"]["S"]), int(item["shards"]["N"]))
            for page in pages(self._client, query)
            for item in page["Items"]
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
            return MarkerPage(markers=(), cursor=None)
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
            cursor=items[-1]["SK"]["S"] if items and more else None,
        )

    def progress(self, kind: MarkerKind) -> SweepProgress:
        """The stored progress; empty at first."""
        response = self._client.get_item(
            TableName=self._table_name,
            Key=key_attributes(keys.progress_key(kind)),
            ConsistentRead=True,
        )
        return codec.decode_progress(response["Item"]) if "Item" in response else SweepProgress()

    def save_progress(self, kind: MarkerKind, progress: SweepProgress) -> None:
        """Keep the progress; the last writer wins, since progress only saves work."""
        self._client.put_item(
            TableName=self._table_name, Item=codec.encode_progress(kind, progress)
        )
