"""How one member's account gets from what was posted of an earning to the goal.

A goal below what was posted is a fall, which takes back (clawback.py); any other is a rise, which
forgives and then credits. What time has ended is settled first where the step would count on it,
and what the step means for lots that live by activity, and for the tier, goes with its postings.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.domain.activity import Activity, activity, including
from points_ledger.domain.aim import Goal, Goals
from points_ledger.domain.clawback import Fall, forgiven, taken_back
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.drafting import Draft, Origin
from points_ledger.domain.earning import NOTHING_POSTED, Posted
from points_ledger.domain.entry import EntryType, Posting, apply
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import add, negative
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import State, changed, summed
from points_ledger.domain.tier import with_tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One member's way from what was posted to the goal, as postings in order."""

    origin: Origin

    def together(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> tuple[dict[MemberId, Posted], tuple[Posting, ...]]:
        """The way of one member, who may be known by several ids: one posting of each type.

        Each has what it means for the member's tier, by the program in force.
        """
        occasion = self.origin.occasion
        after, postings = self._together(posted, goals, state)
        return after, with_tiers(postings, state, today=occasion.today, program=occasion.in_force)

    def _together(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> tuple[dict[MemberId, Posted], tuple[Posting, ...]]:
        if self._activity(posted, goals, state) is None:
            return self._converged(posted, goals, state)
        # An activity brings nothing back, so what had ended before it is settled first.
        first = self._settlement(state)
        for settling in first:
            state = apply(state, settling)
        active = self._activity(posted, goals, state)
        assert active is not None
        state = changed(state, lots=active.lots, counters=active.counters)
        after, postings = self._converged(posted, goals, state)
        return after, (*first, *self._with_activity(postings, active))

    def _settlement(self, state: State) -> tuple[Posting, ...]:
        """The posting for what time has ended, if there is any."""
        occasion = self.origin.occasion
        settling = settlement(
            state, now=occasion.now, program=occasion.in_force, actor=occasion.actor
        )
        return () if settling is None else (settling,)

    def _activity(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> Activity | None:
        """What it means for a member's lots that this happened, when the account first hears of it.

        It is an activity of whoever earns by it, and of the earner in any case.
        """
        earning = self.origin.aimed.earning
        assert earning.posted_at is not None
        is_new = any(
            id_ not in posted and (goal.earned or id_ == earning.earner_id)
            for id_, goal in goals.items()
        )
        if not is_new:
            return None
        today = self.origin.occasion.today
        return activity(state, at=earning.posted_at, today=today, program=self.origin.program)

    def _with_activity(
        self, postings: tuple[Posting, ...], active: Activity
    ) -> tuple[Posting, ...]:
        """The accrual says that the member was active; one of no points where there is none."""
        place = next((n for n, each in enumerate(postings) if each.type == "accrual"), None)
        if place is None:
            draft = Draft(before=NOTHING_POSTED, after=NOTHING_POSTED, origin=self.origin)
            return (including(draft.nothing(), active), *postings)
        return (*postings[:place], including(postings[place], active), *postings[place + 1 :])

    def _converged(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> tuple[dict[MemberId, Posted], tuple[Posting, ...]]:
        """Falls come before rises, so that no posting counts on lots that a later type opens."""
        if len(goals) == 1:
            [(member_id, goal)] = goals.items()
            after, alone = self._postings(posted.get(member_id, NOTHING_POSTED), goal, state)
            return {member_id: after}, alone

        def rises(member_id: MemberId) -> bool:
            before = posted.get(member_id, NOTHING_POSTED)
            return goals[member_id].matured >= before.matured - before.written_off

        found: dict[MemberId, Posted] = {}
        made: list[Posting] = []
        for member_id in sorted(goals, key=rises):
            before = posted.get(member_id, NOTHING_POSTED)
            found[member_id], postings = self._postings(before, goals[member_id], state)
            for posting in postings:
                state = apply(state, posting)
            made += postings
        return found, _one_of_each_type(made)

    def _postings(
        self, posted: Posted, goal: Goal, state: State
    ) -> tuple[Posted, tuple[Posting, ...]]:
        """What is posted afterwards, and the postings that lead there."""
        if goal.is_met(posted):
            return posted, ()
        change = goal.matured - (posted.matured - posted.written_off)
        if change < 0:
            return self._fallen(posted, goal, state, -change)
        after, restored = forgiven(posted, change)
        credit = change - (posted.written_off - after.written_off)
        # A full account joins lots: one that has passed must not live on in another.
        first = self._settlement(state) if credit and len(state.lots) >= MAX_LOTS else ()
        for settling in first:
            state = apply(state, settling)
        if credit:
            lots = add(after.lots, {self.origin.lot_day(state): credit})
            after = replace(after, matured=after.matured + credit, lots=lots)
        after = _settled_rest(after, goal)
        draft = Draft(before=posted, after=after, origin=self.origin)
        fall = Fall(absorbed=negative(restored))
        return after, (*first, *draft.postings(state, fall, credit))

    def _fallen(
        self, posted: Posted, goal: Goal, state: State, points: int
    ) -> tuple[Posted, tuple[Posting, ...]]:
        """A fall takes from lots, so lots that have passed are settled first."""
        first = self._settlement(state)
        for settling in first:
            state = apply(state, settling)
        after, fall = taken_back(points, posted, state, self.origin.program.clawback)
        after = _settled_rest(after, goal)
        draft = Draft(before=posted, after=after, origin=self.origin)
        return after, (*first, *draft.postings(state, fall, credit=0))


def _settled_rest(posted: Posted, goal: Goal) -> Posted:
    """The part that is neither matured nor pending any more."""
    lapsed = min(goal.lapsed, max(0, goal.earned - posted.matured))
    return replace(
        posted, earned=goal.earned, lapsed=lapsed, used=goal.used, qualified=goal.qualified
    )


_ORDER: Final[Mapping[EntryType, int]] = MappingProxyType(
    {"accrual": 1, "reversal": 2, "maturation": 3, "lapse": 4}
)
"""The order in which one id's postings are made; whatever settles comes before."""


def _one_of_each_type(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Postings of the same type and member as one: numbers, lots, counters and rules add up."""
    by_type: dict[EntryType, Posting] = {}
    for posting in postings:
        known = by_type.get(posting.type)
        by_type[posting.type] = posting if known is None else _joint(known, posting)
    return tuple(sorted(by_type.values(), key=lambda posting: _ORDER.get(posting.type, 0)))


def _joint(one: Posting, other: Posting) -> Posting:
    rules = dict(one.rules)
    for id_, points in other.rules:
        rules[id_] = rules.get(id_, 0) + points
    return replace(
        one,
        at=max(one.at, other.at),
        pending=one.pending + other.pending,
        debt=one.debt + other.debt,
        lots=add(one.lots, other.lots),
        counters=summed(one.counters, other.counters),
        rules=tuple((id_, points) for id_, points in rules.items() if points),
        details=_joint_details(one.details, other.details),
        inputs={**one.inputs, **other.inputs},
    )


def _joint_details(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Details of an entry for two ids of one member; only what is written off differs by id."""
    details = {**one, **other}
    if "written_off" in one and "written_off" in other:
        details["written_off"] = str(int(one["written_off"]) + int(other["written_off"]))
    return details
