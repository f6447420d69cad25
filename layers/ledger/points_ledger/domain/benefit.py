"""Benefits: what a member's tier gives at the till, and how far the next tier is."""

from datetime import date, timedelta

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.program import Benefit, Program, Tier
from points_ledger.domain.state import Grant, State
from points_ledger.domain.tier import (
    current_tier,
    enrolled_on,
    held_by_points,
    qualifying_points,
    span_at,
    tier_reached,
    valid_grants,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a member has come on the way up, by points alone.

    `begins` is the first day of the first month that counts, `ends` the last day on which the
    window stands as it does.
    """

    qualifying_points: int
    next_tier: str | None
    points_needed: int
    begins: date
    ends: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberBenefits:
    """What a member has by the tier of today.

    `tier_until` is the last day of the tier where it has an end that is known.
    """

    tier: Tier | None
    tier_id: str | None
    tier_until: date | None
    benefits: tuple[Benefit, ...]
    grants: tuple[Grant, ...]
    progress: Progress


def benefits_of(state: State, *, today: date, program: Program) -> MemberBenefits:
    """The benefits by the account and the program in force."""
    tier_id = current_tier(state.standing, today=today, program=program)
    return MemberBenefits(
        tier=next((tier for tier in program.tiers if tier.id == tier_id), None),
        tier_id=tier_id,
        tier_until=_until(state, tier_id, today, program),
        benefits=tuple(
            each for each in program.benefits if not each.tiers or tier_id in each.tiers
        ),
        grants=valid_grants(state.standing, today),
        progress=_progress(state, today, program),
    )


def _until(state: State, tier_id: str | None, today: date, program: Program) -> date | None:
    standing = state.standing
    if tier_id is None:
        return None
    ends = [g.last_day for g in valid_grants(standing, today) if g.tier == tier_id]
    if held_by_points(standing) == tier_id:
        if standing.fell_on is None:
            return None
        grace = timedelta(days=program.tier_window.grace_days)
        # Until a review has lowered it the tier counts, also where that is late.
        ends.append(max(today, standing.fell_on + grace - timedelta(days=1)))
    return max(ends, default=None)


def _progress(state: State, today: date, program: Program) -> Progress:
    """The next tier is the one above what points hold, and above what they reach."""
    points = qualifying_points(state, today, program=program)
    held = held_by_points(state.standing)
    rank = max(program.tier_rank(held), program.tier_rank(tier_reached(points, program)))
    above = program.tiers[rank] if rank < len(program.tiers) else None
    span = span_at(today, program=program, enrolled=enrolled_on(state, program))
    year, month = divmod(span.first, 12)
    return Progress(
        qualifying_points=points,
        next_tier=above.id if above else None,
        points_needed=max(0, above.points - points) if above else 0,
        begins=date(max(year, 1), month + 1, 1),
        ends=span.ends - timedelta(days=1),
    )
