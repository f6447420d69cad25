"""Totals on the table: counters that are added to, texts, and the checkpoint of a stream shard.

One transaction adds a chunk and moves the checkpoint, under the condition that it is where it was
read. That condition alone makes every change count once.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.codec import decode_stream_image
from points_ledger.adapters.dynamodb.query import BETWEEN
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.error import BrokenInvariantError, ConflictError
from points_ledger.service.ports import Stored
from points_ledger.service.totalling import (
    Change,
    Checkpoint,
    Chunk,
    Increment,
    Remembered,
    Text,
    TotalsKey,
)
from points_ledger.service.totals import TotalsPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        DeleteTypeDef,
        PutTypeDef,
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
    )

FORMAT: Final = 1
MAX_KEYS_PER_READ: Final = 100
MAX_READ_ATTEMPTS: Final = 6
CHECKPOINT_KEPT: Final = timedelta(days=30)
"""How long a checkpoint stays after it was moved: a stream keeps its records for one day."""

# The same batch is counted by another copy of the function, which was believed to be dead.
CHECKPOINT_IS_AS_READ: Final = "#position = :expected"
NO_CHECKPOINT_YET: Final = "attribute_not_exists(PK)"
# It has added a part of what was left of the last change, too.
REMAINDER_IS_AS_READ: Final = "remaining = :remaining"
NO_REMAINDER: Final = "attribute_not_exists(remaining)"
# Two shards change what is remembered of one member at the same moment.
REVISION_IS_AS_READ: Final = "revision = :expected"
NOTHING_THERE_YET: Final = "attribute_not_exists(PK)"

COUNTER: Final = "."
"""Before the name of every counter, so that none can be taken for another attribute."""
_THROUGH: Final = "counted_through"

_LOST_REPLIES: Final = (NoConnectionError, HTTPClientError, ResponseParserError)
_NOT_STORED: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_CONTESTED: Final = frozenset(
    {
        "None",
        "ConditionalCheckFailed",
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
    }
)


def read_change(record: Mapping[str, Any]) -> Change:
    """Read one record of the stream as Lambda delivers it, with both images."""
    detail = record["dynamodb"]

    def image(name: str) -> Stored | None:
        return decode_stream_image(detail[name]) if name in detail else None

    return Change(
        sequence_number=int(detail["SequenceNumber"]),
        at=datetime.fromtimestamp(float(detail["ApproximateCreationDateTime"]), UTC),
        before=image("OldImage"),
        after=image("NewImage"),
    )


class DynamoDbTotals:
    """`TotalsStore` and `TotalsReader` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    # --- Counting ---------------------------------------------------------------------------

    def checkpoint(self, shard: str) -> Checkpoint | None:
        """How far a shard is counted."""
        response = self._client.get_item(
            TableName=self._table_name,
            Key=_key(keys.checkpoint_key(shard)),
            ConsistentRead=True,
        )
        item = response.get("Item")
        if item is None:
            return None
        _check_format(item)
        # As text: it has more digits than a number of the table is exact to.
        position = int(item["position"]["S"])
        if "remainder" not in item:
            return Checkpoint(position=position)
        through, rest = json.loads(zlib.decompress(bytes(item["remainder"]["B"])))
        return Checkpoint(
            position=position,
            counted_through=datetime.fromisoformat(through),
            remainder=tuple(
                Increment(key=TotalsKey(partition=tuple(partition), place=place), counters=counters)
                for partition, place, counters in rest
            ),
        )

    def remembered(self, keys_: Sequence[TotalsKey]) -> Mapping[TotalsKey, Remembered]:
        """What is stored under the keys: one request for each hundred.

        Raises:
            ConflictError: DynamoDB left some keys unread again and again; try later.
        """
        places = {keys.totals_key(key.partition, key.place): key for key in keys_}
        wanted, found = list(places), {}
        for first in range(0, len(wanted), MAX_KEYS_PER_READ):
            for item in self._batch(wanted[first : first + MAX_KEYS_PER_READ]):
                _check_format(item)
                key = places[keys.TableKey(item["PK"]["S"], item["SK"]["S"])]
                found[key] = Remembered(text=item["text"]["S"], revision=int(item["revision"]["N"]))
        return found

    def _batch(self, places: Sequence[keys.TableKey]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        missing: list[Any] = [_key(place) for place in places]
        for _ in range(MAX_READ_ATTEMPTS):
            response = self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": missing, "ConsistentRead": True}}
            )
            found += response["Responses"].get(self._table_name, [])
            unread = response.get("UnprocessedKeys", {}).get(self._table_name)
            missing = list(unread["Keys"]) if unread else []
            if not missing:
                return found
        raise ConflictError

    def add(self, chunk: Chunk) -> bool:
        """Store a chunk and the checkpoint, or nothing.

        Raises:
            ClientError: the request itself is wrong or not allowed.
        """
        actions = [self._checkpoint(chunk)]
        actions += [
            self._increment(key, counters, chunk.counted_through)
            for key, counters in chunk.counters.items()
        ]
        actions += [self._text(key, text) for key, text in chunk.texts.items()]
        try:
            self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            if _may_be_tried_again(error):
                return False
            raise
        except _LOST_REPLIES:
            return False
        return True

    def _checkpoint(self, chunk: Chunk) -> "TransactWriteItemTypeDef":
        kept_until = chunk.counted_through + CHECKPOINT_KEPT
        item: dict[str, AttributeValueTypeDef] = {
            **_key(keys.checkpoint_key(chunk.shard)),
            "position": {"S": str(chunk.position)},
            "expires_at_epoch": {"N": str(int(kept_until.timestamp()))},
            "format": {"N": str(FORMAT)},
        }
        if chunk.remainder:
            rest = [[i.key.partition, i.key.place, i.counters] for i in chunk.remainder]
            text = json.dumps([format_instant(chunk.counted_through), rest], separators=(",", ":"))
            item["remaining"] = {"N": str(len(rest))}
            item["remainder"] = {"B": zlib.compress(text.encode())}
        if chunk.expected is None:
            return {
                "Put": {
                    "TableName": self._table_name,
                    "Item": item,
                    "ConditionExpression": NO_CHECKPOINT_YET,
                }
            }
        values: dict[str, AttributeValueTypeDef] = {":expected": {"S": str(chunk.expected)}}
        if chunk.expected_remainder:
            values[":remaining"] = {"N": str(chunk.expected_remainder)}
        as_read = REMAINDER_IS_AS_READ if chunk.expected_remainder else NO_REMAINDER
        return {
            "Put": {
                "TableName": self._table_name,
                "Item": item,
                "ConditionExpression": f"{CHECKPOINT_IS_AS_READ} AND {as_read}",
                "ExpressionAttributeNames": {"#position": "position"},
                "ExpressionAttributeValues": values,
            }
        }

    def _increment(
        self, key: TotalsKey, counters: Mapping[str, int], through: datetime
    ) -> "TransactWriteItemTypeDef":
        names = {f"#{n}": COUNTER + name for n, name in enumerate(counters)}
        values: dict[str, AttributeValueTypeDef] = {
            f":{n}": {"N": str(number)} for n, number in enumerate(counters.values())
        }
        added = ", ".join(f"#{n} :{n}" for n in range(len(counters)))
        return {
            "Update": {
                "TableName": self._table_name,
                "Key": _key(keys.totals_key(key.partition, key.place)),
                "UpdateExpression": f"SET #format = :format, #through = :through ADD {added}",
                "ExpressionAttributeNames": {"#format": "format", "#through": _THROUGH, **names},
                "ExpressionAttributeValues": {
                    ":format": {"N": str(FORMAT)},
                    ":through": {"S": format_instant(through)},
                    **values,
                },
            }
        }

    def _text(self, key: TotalsKey, text: Text) -> "TransactWriteItemTypeDef":
        place = _key(keys.totals_key(key.partition, key.place))
        condition: dict[str, Any] = {"TableName": self._table_name}
        if text.expected == 0:
            condition["ConditionExpression"] = NOTHING_THERE_YET
        elif text.expected is not None:
            condition["ConditionExpression"] = REVISION_IS_AS_READ
            condition["ExpressionAttributeValues"] = {":expected": {"N": str(text.expected)}}
        action: TransactWriteItemTypeDef
        if text.text is None:
            action = {"Delete": cast("DeleteTypeDef", {**condition, "Key": place})}
        else:
            item = {
                **place,
                "text": {"S": text.text},
                "revision": {"N": str((text.expected or 0) + 1)},
                "format": {"N": str(FORMAT)},
            }
            action = {"Put": cast("PutTypeDef", {**condition, "Item": item})}
        return action

    # --- Reading ----------------------------------------------------------------------------

    def page(
        self,
        partition: tuple[str, ...],
        *,
        first: str = "",
        last: str = "",
        limit: int,
        backwards: bool = False,
        after: str | None = None,
    ) -> TotalsPage:
        """Items of a partition in the order of their places: one request.

        Args:
            partition: which.
            first: no place that sorts before this.
            last: nothing behind this, but for what begins with it; empty for no end.
            limit: how many items at most.
            backwards: the last place first.
            after: the place with which the page before ended.
        """
        pk = keys.totals_pk(partition)
        begin = keys.totals_key(partition, first).sk or " "
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": pk},
                ":from": {"S": begin},
                ":to": {"S": keys.totals_until(last)},
            },
            "ScanIndexForward": not backwards,
            "Limit": limit,
            "ConsistentRead": True,
        }
        if after is not None:
            query["ExclusiveStartKey"] = _key(keys.totals_key(partition, after))
        response = self._client.query(**query)
        items = response["Items"]
        for item in items:
            _check_format(item)
        more = "LastEvaluatedKey" in response
        return TotalsPage(
            counters={
                keys.totals_place(item["SK"]["S"]): counters_of(item)
                for item in items
                if "text" not in item
            },
            texts={
                keys.totals_place(item["SK"]["S"]): item["text"]["S"]
                for item in items
                if "text" in item
            },
            counted_through=max(
                (datetime.fromisoformat(i[_THROUGH]["S"]) for i in items if _THROUGH in i),
                default=None,
            ),
            next_place=keys.totals_place(items[-1]["SK"]["S"]) if items and more else None,
        )


def counters_of(item: Mapping[str, Any]) -> dict[str, int]:
    """The counters of an item that are not nothing."""
    return {
        name[len(COUNTER) :]: int(value["N"])
        for name, value in item.items()
        if name.startswith(COUNTER) and value["N"] != "0"
    }


def _may_be_tried_again(error: ClientError) -> bool:
    """Whether a cancelled transaction may succeed after reading again."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        return all(reason.get("Code", "None") in _CONTESTED for reason in reasons)
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return code in _NOT_STORED or status >= 500  # noqa: PLR2004 - any error of the server


def _key(place: keys.TableKey) -> dict[str, Any]:
    return {"PK": {"S": place.pk}, "SK": {"S": place.sk}}


def _check_format(item: Mapping[str, Any]) -> None:
    format_ = int(item["format"]["N"])
    if format_ != FORMAT:
        raise BrokenInvariantError(f"no way to read format {format_} of totals")
