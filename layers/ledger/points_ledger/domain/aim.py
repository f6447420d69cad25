"""Where an earning should be: what it is worth, and what each member should hold of it by now.

What it is worth comes from its content (rules.py) and how much of that is due from its facts
(maturation.py). This module splits both between the members concerned. It posts nothing: bringing
their accounts there is convergence.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from points_ledger.domain.activity import counts_activity
from points_ledger.domain.challenge import counted_in, counters_of
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import (
    NOTHING_POSTED,
    BoughtMembership,
    Earned,
    Earning,
    Pin,
    Posted,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.maturation import Target, earned_points, target
from points_ledger.domain.membership import bought_membership
from points_ledger.domain.program import Program
from points_ledger.domain.qualifying import qualified
from points_ledger.domain.receipt import encode_counts
from points_ledger.domain.rules import Room
from points_ledger.domain.sharing import split
from points_ledger.domain.state import State, summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What one member should hold of the earning."""

    earned: int = 0
    matured: int = 0
    lapsed: int = 0
    used: Mapping[str, int] = field(default_factory=dict)
    qualified: Mapping[str, int] = field(default_factory=dict)

    def is_met(self, posted: Posted) -> bool:
        """Whether nothing has to be posted for this member."""
        matured = posted.matured - posted.written_off
        owed_to_member = max(0, self.earned - posted.matured)
        return (
            (self.earned, self.matured, self.used) == (posted.earned, matured, posted.used)
            and self.qualified == posted.qualified
            and min(self.lapsed, owed_to_member) == posted.lapsed
        )  # fmt: skip


Goals = Mapping[MemberId, Goal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where an earning should be at an instant, and how the members concerned share it."""

    earning: Earning
    target: Target
    goals: Mapping[MemberId, Goal]
    arm_at: datetime | None
    is_unseen_activity: bool = False
    """Whether the earner's account has yet to hear of it, though it may earn nothing."""
    membership: BoughtMembership | None = None
    """The membership that the purchase should give (membership.py)."""

    @property
    def is_met(self) -> bool:
        """Whether the ledger is there already, so that no account has to be read."""
        posted = self.earning.posted
        return (
            not self.is_unseen_activity
            and self.membership == self.earning.membership
            and all(goal.is_met(posted.get(m, NOTHING_POSTED)) for m, goal in self.goals.items())
        )


def valued(
    earning: Earning,
    *,
    program: Program,
    earner: State,
    known_as: Collection[MemberId] = (),
    budgets: Mapping[str, int] | None = None,
) -> Earning:
    """The earning with its content valued anew, within what caps and budgets still allow.

    `known_as` are further ids of the same earner, whose use of the caps is the earner's own;
    `budgets` is what the earning may draw from each campaign's budget, all of it where not given.
    """
    assert earning.earner_id is not None
    ids = {earning.earner_id, *known_as}
    used = summed(*(earning.posted.get(id_, NOTHING_POSTED).used for id_ in sorted(ids)))
    earned = earned_points(
        earning,
        program=program,
        pin=earning.pins[earning.earner_id],
        room=Room(used=used, taken=earner.counters, budgets=budgets or {}),
    )
    counts = counted_in(earning, program=program, pin=earning.pins[earning.earner_id])
    assert earning.posted_at is not None
    earned = counting(earned, counts, program=program, posted_at=earning.posted_at)
    return replace(earning, earned=earned)


def counting(
    earned: Earned, counts: tuple[str, ...], *, program: Program, posted_at: datetime
) -> Earned:
    """What an earning is worth, with what it counts in beside its points."""
    held = counters_of(counts, points=earned.points, program=program, posted_at=posted_at)
    if not held:
        return earned
    return replace(
        earned, used={**earned.used, **held}, inputs={**earned.inputs, **encode_counts(counts)}
    )


def aim(earning: Earning, *, program: Program, now: datetime) -> Aim:
    """The goals of an earning that has an earner, by what its content is worth.

    `arm_at` is the instant for which a marker has to be armed, if any.
    """
    assert earning.earner_id is not None
    found = target(earning, program=program, now=now)
    arm_at = _arm_at(earning.due_at, found.due_at, now)
    analysed_only = program.mode == "analysis"
    goals: dict[MemberId, Goal] = {}
    if not analysed_only:
        goals = _goals(earning, earning.pins[earning.earner_id], found)
        assert earning.posted_at is not None
        goals = qualifying(goals, earning.earned, program=program, posted_at=earning.posted_at)
    is_activity = counts_activity(program) and not analysed_only
    if is_activity:
        goals.setdefault(earning.earner_id, Goal())
    membership = None if analysed_only else bought_membership(earning, program)
    if membership != earning.membership:
        for each in (membership, earning.membership):
            if each is not None:
                goals.setdefault(each.member_id, Goal())
    return Aim(
        earning=replace(earning, due_at=arm_at or earning.due_at),
        target=found,
        goals=goals,
        arm_at=None if analysed_only else arm_at,
        is_unseen_activity=is_activity and earning.earner_id not in earning.posted,
        membership=membership,
    )


def _goals(earning: Earning, pin: Pin, found: Target) -> dict[MemberId, Goal]:
    """The target split between the members; those who earned it formerly come to nothing.

    Caps and limits are the earner's, also where the plan gives all points to others.
    """
    goals = dict.fromkeys(earning.posted, Goal())
    if earning.earner_id is not None and earning.earned.used:
        goals[earning.earner_id] = Goal(used=earning.earned.used)
    percents = [share.percent for share in pin.allocation]
    for place, share in enumerate(pin.allocation):
        used = earning.earned.used if share.member_id == earning.earner_id else {}
        goals[share.member_id] = goal_at(place, percents, found, used)
    return goals


def goal_at(place: int, percents: Sequence[int], found: Target, used: Mapping[str, int]) -> Goal:
    """What the member at one place of a plan should hold of a target."""
    earned = split(found.earned, percents)[place]
    return Goal(
        earned=earned,
        matured=split(found.matured, percents)[place],
        lapsed=earned - split(found.paid, percents)[place] if found.lapses else 0,
        used=used,
    )


def qualifying(
    goals: Goals, earned: Earned, *, program: Program, posted_at: datetime
) -> dict[MemberId, Goal]:
    """The goals with what of each member's matured points counts towards a tier."""
    return {
        member_id: replace(
            goal, qualified=qualified(earned, goal.matured, program=program, posted_at=posted_at)
        )
        for member_id, goal in goals.items()
    }


def _arm_at(armed: datetime | None, due_at: datetime | None, now: datetime) -> datetime | None:
    """When to arm a marker: the due time is new, earlier than the armed one, or that has passed.

    A due time that moved later needs nothing: the old marker re-arms itself when visited.
    """
    if due_at is None or due_at == armed:
        return None
    return due_at if armed is None or due_at < armed or armed <= now else None
