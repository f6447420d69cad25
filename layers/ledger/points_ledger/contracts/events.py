"""Events out (docs/api.md): what each kind of entry is told as on the event bus."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.contracts.responses import entry_document
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.tier import changed_tier
from points_ledger.domain.told import points_told
from points_ledger.service.ports import Approval

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
TIER_CHANGED: Final = "TierChanged"
APPROVAL_REQUESTED: Final = "ApprovalRequested"


def event_id(member_id: str, number: int) -> str:
    """The same whenever the same entry is told again."""
    return f"{member_id}#{number}"


def approval_detail(approval: Approval) -> Mapping[str, object]:
    """What waits for a second person; points are signed as they were asked for."""
    return {
        "approval_id": approval.approval_id,
        "kind": approval.kind,
        "member_id": approval.member_id,
        "points": approval.points,
    }


def tier_event_id(member_id: str, number: int) -> str:
    """The same whenever the change of tier of the same entry is told again."""
    return f"{event_id(member_id, number)}#tier"


def tier_detail(entry: Entry) -> Mapping[str, object] | None:
    """The former and the new tier of a member, null for none, and the entry that changed it.

    None where the entry has not changed the tier.
    """
    change = changed_tier(entry.posting.details)
    if change is None:
        return None
    former, new = change
    return {
        "member_id": entry.member_id,
        "old_tier": former,
        "new_tier": new,
        "entry": entry_document(entry),
    }


def entry_detail(entry: Entry) -> Mapping[str, object]:
    """Whose entry it is, the points that it is about (unsigned), and the entry itself."""
    return {
        "member_id": entry.member_id,
        "points": abs(points_told(entry.posting)),
        "entry": entry_document(entry),
    }
