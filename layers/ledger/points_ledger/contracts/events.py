"""Events out (docs/api.md): what each kind of entry is told as on the event bus."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.contracts.responses import entry_document
from points_ledger.domain.entry import Entry, EntryType

EVENT_NAMES: Final[Mapping[EntryType, str]] = MappingProxyType(
    {
        "enrolment": "MemberEnrolled",
        "accrual": "PointsAccrued",
        "maturation": "PointsMatured",
        "reversal": "PointsReversed",
        "lapse": "PointsLapsed",
        "redemption": "PointsRedeemed",
        "reservation": "PointsReserved",
        "capture": "PointsRedeemed",
        "release": "PointsReleased",
        "expiry": "PointsExpired",
        "notice": "PointsExpiring",
        "extension": "PointsExtended",
        "adjustment": "PointsAdjusted",
        "transfer": "PointsTransferred",
        "merge": "MembersMerged",
        "forfeit": "PointsForfeited",
        "opening": "PointsOpened",
        "change": "MemberChanged",
    }
)
INCONSISTENT: Final = "LedgerInconsistent"


def event_id(member_id: str, number: int) -> str:
    """The same whenever the same entry is told again."""
    return f"{member_id}#{number}"


def entry_detail(entry: Entry) -> Mapping[str, object]:
    """Whose entry it is, the points that it is about (unsigned), and the entry itself."""
    posting = entry.posting
    moved = posting.available or posting.pending or posting.reserved
    return {
        "member_id": entry.member_id,
        "points": abs(moved),
        "entry": entry_document(entry),
    }
