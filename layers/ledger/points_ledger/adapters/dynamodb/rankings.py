"""Totals in the order of a score: the index `by_score`, and items of totals by key."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.codec import key_attributes
from points_ledger.adapters.dynamodb.totals import COUNTER, counters_of
from points_ledger.domain.error import ConflictError
from points_ledger.service.rankings import RankingPage, Row, StoredTotals
from points_ledger.service.sales_totals import SCORE
from points_ledger.service.totalling import TotalsKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

INDEX: Final = "by_score"
SCORE_ATTRIBUTE: Final = COUNTER + SCORE
IN_RANKING: Final = "PK = :pk"
MAX_READ_ATTEMPTS: Final = 6

_NOT_A_CURSOR: Final = "not a cursor of this ranking"


class DynamoDbRankings:
    """`RankingReader` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def ranked(self, partition: tuple[str, ...], *, limit: int, cursor: str | None) -> RankingPage:
        """A page of rows, highest score first; those of one score in no order.

        Raises:
            ValueError: the cursor is not one of this ranking.
        """
        pk = keys.totals_pk(partition)
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "IndexName": INDEX,
            "KeyConditionExpression": IN_RANKING,
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor is not None:
            query["ExclusiveStartKey"] = _read_cursor(cursor, pk)
        response = self._client.query(**query)
        last = response.get("LastEvaluatedKey")
        return RankingPage(
            rows=tuple(_row(item) for item in response["Items"]),
            cursor=_cursor(last) if last else None,
        )

    def stored(self, keys_: Sequence[TotalsKey]) -> Mapping[TotalsKey, StoredTotals]:
        """What exists of the keys.

        Raises:
            ConflictError: DynamoDB left some keys unread again and again; try later.
        """
        places = {keys.totals_key(key.partition, key.place): key for key in keys_}
        missing: list[Any] = [key_attributes(place) for place in places]
        found: dict[TotalsKey, StoredTotals] = {}
        for _ in range(MAX_READ_ATTEMPTS):
            if not missing:
                return found
            response = self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": missing}}
            )
            for item in response["Responses"].get(self._table_name, []):
                key = places[keys.TableKey(item["PK"]["S"], item["SK"]["S"])]
                text = item["text"]["S"] if "text" in item else None
                found[key] = StoredTotals(counters=counters_of(item), text=text)
            unread = response.get("UnprocessedKeys", {}).get(self._table_name)
            missing = list(unread["Keys"]) if unread else []
        raise ConflictError


def _row(item: Mapping[str, Any]) -> Row:
    return Row(
        place=keys.totals_place(item["SK"]["S"]),
        score=int(item[SCORE_ATTRIBUTE]["N"]),
        counters=counters_of(item),
    )


def _cursor(last: Mapping[str, Any]) -> str:
    place = [last["PK"]["S"], last["SK"]["S"], last[SCORE_ATTRIBUTE]["N"]]
    text = json.dumps(place, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, pk: str) -> dict[str, Any]:
    """Where a page begins.

    Raises:
        ValueError: not one of our cursors, or one of another ranking.
    """
    try:
        known_pk, place, score = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        number = str(int(score))
    except (TypeError, ValueError) as error:
        raise ValueError(_NOT_A_CURSOR) from error
    if known_pk != pk or not isinstance(place, str):
        raise ValueError(_NOT_A_CURSOR)
    key = key_attributes(keys.TableKey(pk, place))
    return {**key, SCORE_ATTRIBUTE: {"N": number}}
