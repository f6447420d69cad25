"""Records of the table's stream as the changes that they stand for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.codec import PENDING_MEMBER, decode_stream_image
from points_ledger.adapters.dynamodb.tracing import correlation_of
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import MemberId
from points_ledger.service.ports import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one item.

    Attributes:
        kind: INSERT, MODIFY or REMOVE.
        inserted: the new value, for an item that is read by its own key.
        broken_entry: member and number of an entry that was changed or removed.
        written_of: whose ledger it is about: the member of an entry, or the one under whom an
            earning has something pending.
        correlation_id: what the new value was written for, as it says.
    """

    kind: str
    at: datetime
    inserted: Stored | None = None
    broken_entry: tuple[MemberId, int] | None = None
    written_of: MemberId | None = None
    correlation_id: str | None = None


def read_change(record: Mapping[str, Any]) -> Change:
    """Read one record as Lambda delivers it, with the new image."""
    kind, detail = record["eventName"], record["dynamodb"]
    at = datetime.fromtimestamp(float(detail["ApproximateCreationDateTime"]), UTC)
    place = {name: value["S"] for name, value in detail["Keys"].items()}
    entry = keys.entry_at(place["PK"], place["SK"])
    written_of = _pending_member(detail) if entry is None else entry[0]
    if kind == "INSERT":
        image = detail["NewImage"]
        return Change(
            kind=kind,
            at=at,
            inserted=decode_stream_image(image),
            written_of=written_of,
            correlation_id=correlation_of(image),
        )
    return Change(kind=kind, at=at, broken_entry=entry, written_of=written_of)


def _pending_member(detail: Mapping[str, Any]) -> MemberId | None:
    for image in ("NewImage", "OldImage"):
        member_id = detail.get(image, {}).get(PENDING_MEMBER, {}).get("S")
        if member_id:
            return MemberId(member_id)
    return None
