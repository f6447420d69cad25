"""Grants: a tier for a time, whatever the points are (product.md C14, C16).

A reward, a membership that was bought, or staff gives one. It lifts the tier in the entry that
gives it, through the end of its last day; what has ended counts no more, and leaves the standing
with the next entry about tiers. Each grant stands for itself: a second one that begins before the
first has ended does not lengthen it. What is undone takes its grant with it, by the source.

The entry says the grant in `inputs.grant`, as `gold 2027-11-30 reward:rdm_…`, or the source of the
one that it ends in `inputs.grant_ended`.
"""

from datetime import date
from typing import Final

from points_ledger.domain.calendar import Period
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import BoughtMembership, Earning
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import LimitExceededError
from points_ledger.domain.identity import RedemptionId
from points_ledger.domain.limit import MAX_GRANTS
from points_ledger.domain.program import Program
from points_ledger.domain.state import Grant, Standing, State
from points_ledger.domain.tier import (
    held_by_points,
    standing_with,
    valid_grants,
    with_standing,
)

GRANT: Final = "grant"
GRANT_ENDED: Final = "grant_ended"
MEMBERSHIP_REASON: Final = "membership"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """Who is given or loses a grant, and when."""

    state: State
    today: date
    program: Program


def reward_grant(redemption_id: RedemptionId, tier: str, months: int, today: date) -> Grant:
    """The tier that a reward gives for so many months from today."""
    last_day = Period(months=months).after_day(today)
    return Grant(tier=tier, last_day=last_day, source=reward_source(redemption_id))


def reward_source(redemption_id: RedemptionId) -> str:
    """What names the grant of a redemption."""
    return f"reward:{redemption_id}"


def granted(posting: Posting, grant: Grant, granting: Granting) -> Posting:
    """The posting with a grant in it.

    Raises:
        LimitExceededError: the member has as many as one may have.
    """
    standing = with_grant(granting, grant)
    if len(standing.grants) > MAX_GRANTS:
        raise LimitExceededError("grants", MAX_GRANTS)
    return _changed(posting, granting, standing, {GRANT: written(grant)})


def ended(posting: Posting, source: str, granting: Granting) -> Posting:
    """The posting with the end of a grant; as it is where there is none of this source."""
    if not has_grant(granting.state, source):
        return posting
    standing = without_grant(granting, source)
    return _changed(posting, granting, standing, {GRANT_ENDED: source})


def has_grant(state: State, source: str) -> bool:
    """Whether a member has the grant of a source."""
    return any(grant.source == source for grant in state.standing.grants)


def with_grant(granting: Granting, grant: Grant) -> Standing:
    """The standing with one grant more, or with another one of the same source."""
    others = _others(granting, grant.source)
    return _standing(granting, (*others, grant))


def without_grant(granting: Granting, source: str) -> Standing:
    """The standing without the grant of a source."""
    return _standing(granting, _others(granting, source))


def best_grants(grants: tuple[Grant, ...], program: Program) -> tuple[Grant, ...]:
    """As many grants as a member may have: those of higher tiers, and of those the longest."""
    by_worth = sorted(grants, key=lambda g: (-program.tier_rank(g.tier), -g.last_day.toordinal()))
    return tuple(sorted(by_worth[:MAX_GRANTS]))


def written(grant: Grant) -> str:
    """A grant as text; the id of a tier has no spaces."""
    return f"{grant.tier} {grant.last_day.isoformat()} {grant.source}"


def read_grant(text: str) -> Grant:
    """The inverse of `written`.

    Raises:
        ValueError: the text is no grant.
    """
    tier, day, source = text.split(" ", 2)
    return Grant(tier=tier, last_day=date.fromisoformat(day), source=source)


# --- Memberships that are bought ------------------------------------------------------------


def membership_posting(
    earning: Earning,
    granting: Granting,
    *,
    lost: BoughtMembership | None,
    gained: BoughtMembership | None,
    posting: Posting,
) -> Posting | None:
    """The entry by which a purchase gives a member a tier, or takes it back; None for neither.

    `posting` is the entry without what it changes. Where there are too many grants, the best stay.
    """
    source_ended = lost.grant.source if lost is not None else None
    standing = granting.state.standing
    if source_ended is not None and has_grant(granting.state, source_ended):
        standing = without_grant(granting, source_ended)
        posting = replace(posting, inputs={GRANT_ENDED: source_ended})
    if gained is not None and gained.grant.last_day >= granting.today:
        now = replace(granting, state=replace(granting.state, standing=standing))
        standing = bought(now, gained.grant)
        posting = replace(posting, inputs={**posting.inputs, GRANT: written(gained.grant)})
    if standing == granting.state.standing:
        return None
    return with_standing(replace(posting, source=earning.key), granting.state.standing, standing)


def bought(granting: Granting, grant: Grant) -> Standing:
    """The standing with a membership that was bought, within the bound."""
    standing = with_grant(granting, grant)
    if len(standing.grants) <= MAX_GRANTS:
        return standing
    return _standing(granting, best_grants(standing.grants, granting.program))


def staff_source(membership_id: str, number: int) -> str:
    """What names the grant that staff gave with the entry of this number."""
    return f"membership:{membership_id}#{number}"


def membership_id_of(source: str) -> str | None:
    """The membership that a grant comes from; None for a reward's."""
    kind, _, rest = source.partition(":")
    if kind != "membership":
        return None
    return rest.partition(":")[0].partition("#")[0]


# --- Parts ----------------------------------------------------------------------------------


def _others(granting: Granting, source: str) -> tuple[Grant, ...]:
    valid = valid_grants(granting.state.standing, granting.today)
    return tuple(grant for grant in valid if grant.source != source)


def _standing(granting: Granting, grants: tuple[Grant, ...]) -> Standing:
    standing = granting.state.standing
    return standing_with(
        standing,
        held=held_by_points(standing),
        fell_on=standing.fell_on,
        grants=grants,
        program=granting.program,
    )


def _changed(
    posting: Posting, granting: Granting, standing: Standing, inputs: dict[str, str]
) -> Posting:
    said = replace(posting, inputs={**posting.inputs, **inputs})
    return with_standing(said, granting.state.standing, standing)
