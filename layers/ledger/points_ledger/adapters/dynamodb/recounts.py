"""The recount's own items, and adding to totals what they lack.

A year's sums are a compressed JSON text: some hundred items of totals with a dozen counters each,
20 to 60 KB.
"""

import json
import zlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.totals import COUNTER
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.service.recounts import Counters, Discrepancy, Recount, Sums, Year
from points_ledger.service.totalling import TotalsKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

FORMAT: Final = 1
TOTALS_FORMAT: Final = 1

ABSENT: Final = "attribute_not_exists(PK)"
# Another worker has kept the same page already.
UNCHANGED: Final = "revision = :expected"

_COUNTS: Final = ("shard", "members", "entries", "unreadable", "differing", "confirmed", "healed")
_INSTANTS: Final = ("begun_at", "finished_at", "before_at")


class DynamoDbRecounts:
    """`RecountStore` and `TotalsMender` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def recount(self) -> Recount:
        """What is stored, read consistently."""
        item = self._item(keys.recount_key())
        return Recount() if item is None else decode_recount(item)

    def year(self, year: str) -> Year | None:
        """What is stored of a year, read consistently."""
        item = self._item(keys.recount_year_key(year))
        return None if item is None else decode_year(item)

    def save(self, recount: Recount, years: Mapping[str, Year], *, expected: int) -> bool:
        """Store the progress and some years in one transaction, over the revision that was read."""
        put: dict[str, Any] = {
            "TableName": self._table_name,
            "Item": encode_recount(recount),
            "ConditionExpression": UNCHANGED if expected else ABSENT,
        }
        if expected:
            put["ExpressionAttributeValues"] = {":expected": {"N": str(expected)}}
        actions: list[Any] = [{"Put": put}]
        for name, year in years.items():
            actions.append(
                {"Put": {"TableName": self._table_name, "Item": encode_year(name, year)}}
            )
        return self._is_written(actions)

    def mend(
        self, key: TotalsKey, missing: Counters, known: Counters, also: TotalsKey | None
    ) -> bool:
        """Add what is missing to an item whose counters are as they were read, and to another."""
        actions = [self._added(key, missing, known)]
        if also is not None:
            actions.append(self._added(also, missing, None))
        return self._is_written(actions)

    def _added(
        self, key: TotalsKey, missing: Counters, known: Counters | None
    ) -> "TransactWriteItemTypeDef":
        names = {f"#{n}": COUNTER + name for n, name in enumerate(missing)}
        values: dict[str, AttributeValueTypeDef] = {
            f":{n}": {"N": str(number)} for n, number in enumerate(missing.values())
        }
        place = keys.totals_key(key.partition, key.place)
        added = ", ".join(f"#{n} :{n}" for n in range(len(missing)))
        update: Any = {
            "TableName": self._table_name,
            "Key": {"PK": {"S": place.pk}, "SK": {"S": place.sk}},
            "UpdateExpression": f"SET #format = :format ADD {added}",
            "ExpressionAttributeNames": {"#format": "format", **names},
            "ExpressionAttributeValues": {":format": {"N": str(TOTALS_FORMAT)}, **values},
        }
        if known is not None:
            # Whoever has added it already, as a worker did that was killed, has changed these.
            as_read = []
            for n, name in enumerate(missing):
                if known.get(name, 0):
                    as_read.append(f"#{n} = :was{n}")
                else:
                    as_read.append(f"(attribute_not_exists(#{n}) OR #{n} = :was{n})")
                values[f":was{n}"] = {"N": str(known.get(name, 0))}
            update["ConditionExpression"] = " AND ".join(as_read)
            update["ExpressionAttributeValues"] = {
                ":format": {"N": str(TOTALS_FORMAT)},
                **values,
            }
        return {"Update": update}

    def _is_written(self, actions: "list[TransactWriteItemTypeDef]") -> bool:
        try:
            self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            if error.response["Error"]["Code"] == "TransactionCanceledException":
                return False
            raise
        return True

    def _item(self, place: keys.TableKey) -> Mapping[str, Any] | None:
        answer = self._client.get_item(
            TableName=self._table_name,
            Key={"PK": {"S": place.pk}, "SK": {"S": place.sk}},
            ConsistentRead=True,
        )
        return answer.get("Item")


def encode_recount(recount: Recount) -> "dict[str, AttributeValueTypeDef]":
    """The item; what it came to is a JSON text."""
    place = keys.recount_key()
    content: dict[str, Any] = {
        **{name: getattr(recount, name) for name in _COUNTS},
        **{name: _instant(getattr(recount, name)) for name in _INSTANTS},
        "until": recount.until.isoformat(),
        "heals": recount.heals,
        "cursor": recount.cursor,
        "years": recount.years,
        "whole": recount.whole,
        "shown": [
            [_key_text(each.key), each.missing, each.confirmed, each.healed]
            for each in recount.shown
        ],
    }
    return {
        "PK": {"S": place.pk},
        "SK": {"S": place.sk},
        "revision": {"N": str(recount.revision)},
        "recount": {"S": json.dumps(content, separators=(",", ":"), ensure_ascii=False)},
        "format": {"N": str(FORMAT)},
    }


def decode_recount(item: "Mapping[str, AttributeValueTypeDef]") -> Recount:
    """What an item holds.

    Raises:
        ValueError: the item has a format that this version does not know.
    """
    _check_format(item)
    content = json.loads(item["recount"]["S"])
    instants = {
        name: None if content[name] is None else parse_instant(content[name]) for name in _INSTANTS
    }
    named: dict[str, Any] = {
        **{name: content[name] for name in (*_COUNTS, "heals", "cursor", "whole")},
        **instants,
    }
    return Recount(
        **named,
        revision=int(item["revision"]["N"]),
        until=date.fromisoformat(content["until"]),
        years=tuple(content["years"]),
        shown=tuple(
            Discrepancy(key=_key(text), missing=missing, confirmed=confirmed, healed=healed)
            for text, missing, confirmed, healed in content["shown"]
        ),
    )


def encode_year(name: str, year: Year) -> "dict[str, AttributeValueTypeDef]":
    """The item of a year."""
    place = keys.recount_year_key(name)
    parts = (year.sums, year.missing, year.missing_before)
    text = json.dumps([_sums_text(part) for part in parts], separators=(",", ":"))
    return {
        "PK": {"S": place.pk},
        "SK": {"S": place.sk},
        "begun_at": {"S": format_instant(year.begun_at)},
        "sums": {"B": zlib.compress(text.encode())},
        "format": {"N": str(FORMAT)},
    }


def decode_year(item: "Mapping[str, Any]") -> Year:
    """What an item of a year holds.

    Raises:
        ValueError: the item has a format that this version does not know.
    """
    _check_format(item)
    parts = json.loads(zlib.decompress(bytes(item["sums"]["B"])))
    sums, missing, missing_before = (
        {_key(text): counters for text, counters in part.items()} for part in parts
    )
    return Year(
        begun_at=parse_instant(item["begun_at"]["S"]),
        sums=sums,
        missing=missing,
        missing_before=missing_before,
    )


def _sums_text(sums: Sums) -> dict[str, Counters]:
    return {_key_text(key): counters for key, counters in sums.items()}


def _key_text(key: TotalsKey) -> str:
    """A place of the ledger's totals; no part of it has a slash."""
    return "/".join((*key.partition, key.place))


def _key(text: str) -> TotalsKey:
    *partition, place = text.split("/")
    return TotalsKey(partition=tuple(partition), place=place)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _check_format(item: "Mapping[str, AttributeValueTypeDef]") -> None:
    if item["format"]["N"] != str(FORMAT):
        raise ValueError("unknown format of a recount")
