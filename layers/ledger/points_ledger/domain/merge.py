"""Merging two members into one (semantics 6).

Everything of the source's account passes to the target in one closing and one opening entry; the
source becomes an alias for ever. Debt meets lots, whichever side has them; all counters pass too,
so caps and limits add up and points are conserved on both chains.
"""

from datetime import datetime

from points_ledger.domain.activity import with_merged_activity
from points_ledger.domain.calendar import local_day
from points_ledger.domain.challenge import WON_STREAK, merged_prizes, over_by, prizes
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import LimitExceededError, MergeNotPermittedError
from points_ledger.domain.expiry import records_within_bounds
from points_ledger.domain.grant import best_grants
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_ALIASES, MAX_TAGS
from points_ledger.domain.lot import add, negative, take, total
from points_ledger.domain.program import Program
from points_ledger.domain.state import (
    ACTIVE_UNTIL,
    ENROLLED_AT,
    EXPIRED,
    JOINED,
    Counters,
    Standing,
    State,
    changed,
    credited,
    joins_within_bounds,
    summed,
)
from points_ledger.domain.tier import (
    held_by_points,
    higher,
    reassessed,
    standing_with,
    tier_details,
    valid_grants,
)
from points_ledger.domain.usage import OVER
from points_ledger.domain.warning import NOTIFIED, WARNED, merged_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """What is known when two members are merged; what time has ended is settled in both."""

    source_id: MemberId
    source: State
    target_id: MemberId
    target: State
    program: Program
    now: datetime
    actor: str


def check_mergeable(merging: Merging) -> None:
    """See that two members can become one.

    Raises:
        MergeNotPermittedError: `reason` is same_member (also in a circle), already_merged,
            inactive or open_reservations.
        LimitExceededError: the target would have too many aliases or tags.
    """
    source, target = merging.source.standing, merging.target.standing
    # A target that the source knows as its alias was read before it became one.
    if merging.target_id in (merging.source_id, *source.aliases):
        raise MergeNotPermittedError("same_member")
    if source.status == "merged":
        raise MergeNotPermittedError("already_merged")
    if source.status != "active" or target.status != "active":
        raise MergeNotPermittedError("inactive")
    if merging.source.reservations:
        raise MergeNotPermittedError("open_reservations")
    if len(target.aliases) + 1 + len(source.aliases) > MAX_ALIASES:
        raise LimitExceededError("aliases", MAX_ALIASES)
    if len({*source.tags, *target.tags}) > MAX_TAGS:
        raise LimitExceededError("tags", MAX_TAGS)


def closing(merging: Merging) -> Posting:
    """The source's last entry: all that it has leaves it."""
    source = merging.source
    standing = replace(
        _without_grants(source.standing),
        status="merged",
        alias_of=merging.target_id,
        sharing=(),
        aliases=(),
    )
    return Posting(
        type="merge",
        at=merging.now,
        pending=-source.pending,
        debt=-source.debt,
        lots=negative(source.lots),
        counters={name: -value for name, value in source.counters.items()},
        standing=standing,
        program_version=merging.program.version,
        actor=merging.actor,
        details={"into": str(merging.target_id)},
    )


def _without_grants(standing: Standing) -> Standing:
    """What is said of a tier for a time, and of its loss, passes to the target."""
    return replace(standing, points_tier=None, fell_on=None, grants=())


def opening(merging: Merging) -> Posting:
    """The target's entry: all that the source had joins what the target has."""
    source, target = merging.source, merging.target
    counters = summed(_counters(merging), prizes_of_merge(merging))
    into = credited(changed(target, counters=counters), source.lots)
    # The points of both may reach what neither's had reached.
    united = changed(target, counters=counters, standing=_united(merging))
    today = local_day(merging.now, merging.program.zone)
    standing = reassessed(united, today=today, program=merging.program, falls=False)
    # The source has lots or debt, never both: at most one of these is more than nothing.
    repaid = take(target.lots, source.debt)
    posting = Posting(
        type="merge",
        at=merging.now,
        pending=source.pending,
        debt=source.debt - total(repaid) - into.repaid,
        lots=add(into.lots, negative(repaid)),
        counters=summed(counters, into.counters),
        standing=standing,
        program_version=merging.program.version,
        actor=merging.actor,
        details={"from": str(merging.source_id)} | tier_details(target.standing, standing),
    )
    return with_merged_activity(posting, source, target, now=merging.now, program=merging.program)


def repointed(standing: Standing, merging: Merging) -> Posting:
    """The entry by which an older alias of the source becomes one of the target."""
    return Posting(
        type="change",
        at=merging.now,
        standing=replace(standing, alias_of=merging.target_id),
        actor=merging.actor,
        reason="alias",
    )


def _united(merging: Merging) -> Standing:
    """The target's standing with what it takes over; where both say something, its own stays."""
    source, target = merging.source.standing, merging.target.standing
    referred_by, referred_as = _referrer(merging)
    return replace(
        _with_higher_tier(merging),
        tags=tuple(dict.fromkeys([*target.tags, *source.tags])),
        organisation=target.organisation or source.organisation,
        jurisdiction=target.jurisdiction or source.jurisdiction,
        aliases=(*target.aliases, merging.source_id, *source.aliases),
        referred_by=referred_by,
        referred_as=referred_as,
    )


def _referrer(merging: Merging) -> tuple[MemberId | None, MemberId | None]:
    """Who has brought the target from now on, and under which id.

    Who brought the source, unless somebody has brought the target, or the target the source: the
    purchases of either are those of the friend.
    """
    source, target = merging.source.standing, merging.target.standing
    own = {merging.target_id, *target.aliases}
    if source.referred_by is None or target.referred_by is not None or source.referred_by in own:
        return target.referred_by, target.referred_as
    return source.referred_by, source.referred_as or merging.source_id


def _with_higher_tier(merging: Merging) -> Standing:
    """The target's standing with the higher tier of the two that points hold, and all grants."""
    source, target, program = merging.source.standing, merging.target.standing, merging.program
    today = local_day(merging.now, program.zone)
    own, other = held_by_points(target), held_by_points(source)
    held = higher(own, other, program)
    # Who holds the same as well holds it by the points of both, unless both had fallen.
    falls = [s.fell_on for s, tier in ((target, own), (source, other)) if tier == held]
    grants = (*valid_grants(target, today), *valid_grants(source, today))
    return standing_with(
        target,
        held=held,
        fell_on=None if None in falls else max(day for day in falls if day is not None),
        grants=best_grants(grants, program),
        program=program,
    )


def _counters(merging: Merging) -> Counters:
    """The source's counters as changes of the target's.

    They add up, but for where joined lots went: that is a distance, of which the longer one stays;
    and for days: when lots were warned of, and until when activity keeps them. What is remembered
    of lots keeps its bound. Since when campaigns of the source are over is found anew.
    """
    source, target = merging.source.counters, merging.target
    apart = (EXPIRED, JOINED, WARNED, NOTIFIED, ACTIVE_UNTIL, ENROLLED_AT, WON_STREAK, OVER)
    plain = {n: v for n, v in source.items() if not n.startswith(apart)}
    expired = {n: v for n, v in source.items() if n.startswith(EXPIRED)}
    joined = {
        name: max(value, target.counter(name))
        for name, value in source.items()
        if name.startswith(JOINED)
    }
    today = local_day(merging.now, merging.program.zone)
    return summed(
        plain,
        merged_warnings(merging.source, target),
        records_within_bounds(target.counters, expired, today),
        joins_within_bounds(target.counters, joined),
        merged_prizes(source, target),
    )


def prizes_of_merge(merging: Merging) -> Counters:
    """The prizes that two counts win together which neither had won alone."""
    over = over_by(merging.program, now=merging.now)
    return prizes(merging.target, _counters(merging), program=merging.program, over=over)
