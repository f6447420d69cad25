"""The reconciliation's own items, and the notes of whose ledger was written in which hour."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.revisioned import RevisionedItem
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.identity import MemberId
from points_ledger.service.integrity import ChangedPage, Finding, Integrity, Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputTypeDef,
    )

FORMAT: Final = 1
CHANGED_KEPT_SECONDS: Final = 30 * 86_400
"""How long it is known who was written: no run comes later than that after another."""

ALL_OF: Final = "PK = :pk"


class DynamoDbIntegrity:
    """`IntegrityStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name
        self._item = RevisionedItem(client, table_name, keys.integrity_key())

    def integrity(self) -> Integrity:
        """What is stored, read consistently."""
        item = self._item.load()
        return Integrity() if item is None else decode_integrity(item)

    def save(self, integrity: Integrity, *, expected: int) -> bool:
        """Store it if its stored revision is `expected` (0: there is none)."""
        return self._item.save(encode_integrity(integrity), expected=expected)

    def changed(self, hour: datetime, shard: int, *, limit: int, cursor: str | None) -> ChangedPage:
        """A page of members written in an hour; `cursor` is that of the page before."""
        pk = keys.changed_pk(hour, shard)
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": ALL_OF,
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
            "Limit": limit,
        }
        if cursor is not None:
            query["ExclusiveStartKey"] = {"PK": {"S": pk}, "SK": {"S": cursor}}
        answer = self._client.query(**query)
        last = answer.get("LastEvaluatedKey")
        return ChangedPage(
            members=tuple(keys.changed_member(item["SK"]["S"]) for item in answer["Items"]),
            cursor=last["SK"]["S"] if last else None,
        )


class DynamoDbChanges:
    """Notes whose ledger was written; the same note again is the same item."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is written before the first note."""
        self._client = client
        self._table_name = table_name

    def note(self, members: Iterable[MemberId], *, hour: datetime, shard_count: int) -> None:
        """Note members under an hour."""
        expires = str(int(hour.timestamp()) + CHANGED_KEPT_SECONDS)
        for member_id in members:
            shard = keys.changed_shard(member_id, shard_count)
            place = keys.changed_key(hour, shard, member_id)
            self._client.put_item(
                TableName=self._table_name,
                Item={
                    "PK": {"S": place.pk},
                    "SK": {"S": place.sk},
                    "expires_at_epoch": {"N": expires},
                    "format": {"N": str(FORMAT)},
                },
            )


def encode_integrity(integrity: Integrity) -> "dict[str, AttributeValueTypeDef]":
    """The item; runs are JSON texts."""
    place = keys.integrity_key()
    texts = {
        "run": _run_text(integrity.run),
        "previous": _run_text(integrity.previous),
        "covered_until": _instant(integrity.covered_until),
        "sample_cursor": integrity.sample_cursor,
    }
    item: dict[str, AttributeValueTypeDef] = {
        "PK": {"S": place.pk},
        "SK": {"S": place.sk},
        "revision": {"N": str(integrity.revision)},
        "sample_shard": {"N": str(integrity.sample_shard)},
        "format": {"N": str(FORMAT)},
    }
    for name, text in texts.items():
        if text is not None:
            item[name] = {"S": text}
    return item


def decode_integrity(item: "Mapping[str, AttributeValueTypeDef]") -> Integrity:
    """What an item holds.

    Raises:
        ValueError: the item has a format that this version does not know.
    """
    if item["format"]["N"] != str(FORMAT):
        raise ValueError("unknown format of the reconciliation")
    covered = item.get("covered_until", {}).get("S")
    return Integrity(
        revision=int(item["revision"]["N"]),
        run=_read_run(item.get("run", {}).get("S")),
        previous=_read_run(item.get("previous", {}).get("S")),
        covered_until=None if covered is None else parse_instant(covered),
        sample_shard=int(item["sample_shard"]["N"]),
        sample_cursor=item.get("sample_cursor", {}).get("S"),
    )


_COUNTS: Final = (
    "checked", "changed", "sampled", "failed", "rearmed", "frozen", "difference_count",
)  # fmt: skip
_INSTANTS: Final = ("now", "started_at", "updated_at", "finished_at")


def _run_text(run: Run | None) -> str | None:
    if run is None:
        return None
    content: dict[str, Any] = {
        **{name: _instant(getattr(run, name)) for name in _INSTANTS},
        **{name: getattr(run, name) for name in _COUNTS},
        "phase": run.phase,
        "place": run.place,
        "findings": [
            {
                "member_id": finding.member_id,
                "invariant": finding.invariant,
                "entry": finding.entry,
                "detail": finding.detail,
                "found_at": format_instant(finding.found_at),
                "frozen": finding.frozen,
            }
            for finding in run.findings
        ],
    }
    return json.dumps(content, separators=(",", ":"))


def _read_run(text: str | None) -> Run | None:
    if text is None:
        return None
    content = json.loads(text)
    instants = {
        name: None if content[name] is None else parse_instant(content[name]) for name in _INSTANTS
    }
    findings = tuple(
        Finding(**{**finding, "found_at": parse_instant(finding["found_at"])})
        for finding in content["findings"]
    )
    named: dict[str, Any] = {
        **instants,
        **{name: content[name] for name in (*_COUNTS, "phase", "place")},
    }
    return Run(**named, findings=findings)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
