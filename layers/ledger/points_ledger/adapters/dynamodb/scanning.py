"""Reading what is stored of one member, and saying so where an item cannot be read."""

import binascii
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import PENDING_MEMBER, Attributes, key_attributes
from points_ledger.adapters.dynamodb.query import BETWEEN
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import BrokenInvariantError, ConflictError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.reconciliation import StoredEarning
from points_ledger.service.reconciling import UnreadableItemError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

KEYS_PER_READ: Final = 100
MAX_READS: Final = 6

_UNREADABLE: Final = (
    AttributeError,
    ArithmeticError,
    BrokenInvariantError,
    LookupError,
    TypeError,
    ValueError,
    AssertionError,
    binascii.Error,
    zlib.error,
)
"""What reading an item raises that says something else than what any version of us wrote."""

T = TypeVar("T")


class DynamoDbScan:
    """`LedgerScan` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def entries_after(self, member_id: MemberId, number: int, *, limit: int) -> Sequence[Entry]:
        """Entries after a number, oldest first, read consistently.

        Raises:
            UnreadableItemError: names the first that cannot be read.
        """
        found: list[Attributes] = []
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.chain_pk(member_id)},
                ":from": {"S": keys.entry_sk(number + 1)},
                ":to": {"S": keys.AFTER_ENTRIES},
            },
            "ConsistentRead": True,
        }
        for _ in range(MAX_READS):
            query["Limit"] = limit - len(found)
            answer = self._client.query(**query)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer or len(found) >= limit:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return [_read(codec.decode_entry, item) for item in found]

    def earnings(
        self, keys_: Sequence[EarningKey], members: Sequence[MemberId]
    ) -> Mapping[EarningKey, StoredEarning]:
        """Earnings, and under which members the index has them.

        Raises:
            UnreadableItemError: one of them cannot be read.
        """
        stored: dict[EarningKey, tuple[Earning, set[MemberId]]] = {}
        for item in self._items([key_attributes(keys.item_key(key)) for key in keys_]):
            earning = cast("Earning", _read(codec.decode_item, item))
            indexed = {MemberId(item[PENDING_MEMBER]["S"])} if PENDING_MEMBER in item else set()
            stored[earning.key] = earning, indexed
        beside = [
            key_attributes(keys.share_key(key, id_))
            for key, (earning, indexed) in stored.items()
            for id_ in members
            if id_ not in indexed and id_ in earning.posted and earning.posted[id_].pending
        ]
        for item in self._items(beside):
            if PENDING_MEMBER in item:
                key = keys.earning_key_of(item["PK"]["S"])
                stored[key][1].add(MemberId(item[PENDING_MEMBER]["S"]))
        return {
            key: StoredEarning(earning=earning, indexed=frozenset(indexed))
            for key, (earning, indexed) in stored.items()
        }

    def _items(self, asked: Sequence[Attributes]) -> list[Attributes]:
        """Items by key, read consistently; what is left unread is asked for again.

        Raises:
            ConflictError: DynamoDB leaves some unread again and again.
        """
        found: list[Attributes] = []
        for first in range(0, len(asked), KEYS_PER_READ):
            missing = list(asked[first : first + KEYS_PER_READ])
            for _ in range(MAX_READS):
                answer = self._client.batch_get_item(
                    RequestItems={self._table_name: {"Keys": missing, "ConsistentRead": True}}
                )
                found += answer["Responses"].get(self._table_name, [])
                unread = answer.get("UnprocessedKeys", {}).get(self._table_name)
                missing = [dict(key) for key in unread["Keys"]] if unread else []
                if not missing:
                    break
            else:
                raise ConflictError
        return found


def _read(decode: Callable[[Attributes], T], item: Attributes) -> T:
    try:
        return decode(item)
    except _UNREADABLE as error:
        place = keys.entry_at(item["PK"]["S"], item["SK"]["S"])
        raise UnreadableItemError(None if place is None else place[1]) from error
