"""Records of the table's stream as the changes that they stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.codec import decode_stream_image
from points_ledger.domain.identity import MemberId
from points_ledger.service.ports import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one item.

    Attributes:
        kind: INSERT, MODIFY or REMOVE.
        inserted: the new value, for an item that is read by its own key.
        broken_entry: member and number of an entry that was changed or removed.
    """

    kind: str
    at: datetime
    inserted: Stored | None = None
    broken_entry: tuple[MemberId, int] | None = None


def read_change(record: Mapping[str, Any]) -> Change:
    """Read one record as Lambda delivers it, with the new image."""
    kind, detail = record["eventName"], record["dynamodb"]
    at = datetime.fromtimestamp(float(detail["ApproximateCreationDateTime"]), UTC)
    if kind == "INSERT":
        return Change(kind=kind, at=at, inserted=decode_stream_image(detail["NewImage"]))
    place = {name: value["S"] for name, value in detail["Keys"].items()}
    return Change(kind=kind, at=at, broken_entry=keys.entry_at(place["PK"], place["SK"]))
