"""Tiers for clients: what a member's tier gives, and memberships that staff give (docs/api.md)."""

from points_ledger.contracts.requests import Id
from points_ledger.contracts.responses import Document
from points_ledger.domain.benefit import MemberBenefits
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.grant import membership_id_of
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Benefit, Program
from points_ledger.domain.state import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipBody:
    """POST /members/{member_id}/memberships."""

    membership_id: Id


def benefits_document(member_id: MemberId, found: MemberBenefits, program: Program) -> Document:
    """What the tier gives; `tier_until` only where the tier has an end that is known."""
    window, progress = program.tier_window, found.progress
    until = {"tier_until": found.tier_until.isoformat()} if found.tier_until else {}
    months = {"months": window.months} if window.kind == "rolling" else {}
    return {
        "member_id": member_id,
        "tier": found.tier_id,
        **until,
        "multiplier": str(found.tier.multiplier) if found.tier else "1",
        "benefits": [_benefit(each) for each in found.benefits],
        "memberships": [_grant(each) for each in found.grants],
        "progress": {
            "qualifying_points": progress.qualifying_points,
            "next_tier": progress.next_tier,
            "points_needed": progress.points_needed,
            "window": {
                "kind": window.kind,
                **months,
                "from": progress.begins.isoformat(),
                "to": progress.ends.isoformat(),
            },
        },
    }


def _benefit(benefit: Benefit) -> Document:
    percent = benefit.discount_percent
    return {
        "id": benefit.id,
        "description": benefit.description,
        "categories": sorted(benefit.categories),
        "discount_percent": None if percent is None else str(percent),
    }


def _grant(grant: Grant) -> Document:
    """A tier for a time; `membership_id` is null where a reward gave it."""
    return {
        "membership_id": membership_id_of(grant.source),
        "tier": grant.tier,
        "last_day": grant.last_day.isoformat(),
        "source": grant.source,
    }
