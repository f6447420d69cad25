"""Posting the difference between what an earning should be and what was posted of it.

The target comes from the facts alone (maturation.py); this module moves each member's account
there, taking back what a fall demands by the program's clawback policy (semantics 3.4).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from points_ledger.domain.activity import Activity, activity, counts_activity, including, lot_day
from points_ledger.domain.calendar import local_day
from points_ledger.domain.challenge import counted_in, counters_of, tallied
from points_ledger.domain.earning import (
    NOTHING_POSTED,
    BoughtMembership,
    Earned,
    Earning,
    Pin,
    Posted,
)
from points_ledger.domain.entry import Entry, EntryType, Posting, RulePoints, apply, chain
from points_ledger.domain.expiry import expired_from
from points_ledger.domain.grant import MEMBERSHIP_REASON, Granting, membership_posting
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import NO_LOTS, Lots, add, negative, take, total
from points_ledger.domain.maturation import (
    Target,
    earned_points,
    pays_in_full,
    target,
)
from points_ledger.domain.membership import bought_membership
from points_ledger.domain.program import Clawback, Program
from points_ledger.domain.qualifying import qualified
from points_ledger.domain.receipt import (
    Holder,
    Receipt,
    encode_counts,
    read_content,
    read_counts,
)
from points_ledger.domain.rules import Room, appraised, attributed
from points_ledger.domain.settling import settlement
from points_ledger.domain.sharing import split
from points_ledger.domain.state import (
    Counters,
    State,
    changed,
    credited,
    record_of,
    summed,
    where_now,
)
from points_ledger.domain.tier import with_tiers
from points_ledger.domain.usage import within_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why and when the ledger looks at an earning: part of every entry that comes of it.

    `in_force` is the program in force now: it decides which lots have passed. `forgets` says
    whether counters that are over are dropped, as entries of before do not (usage.py).
    """

    now: datetime
    fact_at: datetime
    reason: str
    actor: str
    in_force: Program
    forgets: bool = True

    @property
    def today(self) -> date:
        """The recording day."""
        return local_day(self.now, self.in_force.zone)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """The earning as it now stands, and the entries that bring the members' accounts there."""

    earning: Earning
    entries: tuple[Entry, ...]


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
        goals = _qualifying(goals, earning.earned, program=program, posted_at=earning.posted_at)
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
    earned = _counting(earned, counts, program=program, posted_at=earning.posted_at)
    return replace(earning, earned=earned)


def _counting(
    earned: Earned, counts: tuple[str, ...], *, program: Program, posted_at: datetime
) -> Earned:
    """What an earning is worth, with what it counts in beside its points."""
    held = counters_of(counts, points=earned.points, program=program, posted_at=posted_at)
    if not held:
        return earned
    return replace(
        earned, used={**earned.used, **held}, inputs={**earned.inputs, **encode_counts(counts)}
    )


def converge(
    aimed: Aim,
    *,
    before: Earning,
    heads: Mapping[MemberId, Entry],
    resolved: Mapping[MemberId, MemberId],
    program: Program,
    occasion: Occasion,
) -> Convergence:
    """Bring every member's account to its goal.

    Args:
        aimed: the goals, with the earning's newest facts.
        before: the earning as it was stored, whose rules the last entries named.
        heads: the newest entry of every member concerned, by resolved id.
        resolved: the surviving member of every id that the earning names.
        program: the pinned version.
        occasion: the time and the reason.
    """
    posted = dict(aimed.earning.posted)
    entries: list[Entry] = []
    step = _Step(aimed=aimed, before=before, program=program, occasion=occasion)
    for resolved_id, goals in _by_member(aimed.goals, resolved).items():
        head = heads[resolved_id]
        if head.state.standing.status == "erased":
            continue
        after, postings = step.together(posted, goals, head.state)
        for posting in step.with_receipt(postings, posted, goals, head.member_id):
            head = chain(head, head.member_id, posting, occasion.now)
            entries.append(head)
        membership = _membership_posting(aimed, goals, head.state, occasion)
        if membership is not None:
            head = chain(head, head.member_id, membership, occasion.now)
            entries.append(head)
        for member_id, part in after.items():
            if part != NOTHING_POSTED or member_id in posted or counts_activity(program):
                posted[member_id] = part
    return Convergence(
        earning=replace(aimed.earning, posted=posted, membership=aimed.membership),
        entries=tuple(entries),
    )


Goals = Mapping[MemberId, Goal]


def _membership_posting(
    aimed: Aim, goals: Goals, state: State, occasion: Occasion
) -> Posting | None:
    """What the purchase's membership changes for the member with these ids."""
    before, after = aimed.earning.membership, aimed.membership
    if before == after:
        return None
    return membership_posting(
        aimed.earning,
        Granting(state=state, today=occasion.today, program=occasion.in_force),
        lost=before if before is not None and before.member_id in goals else None,
        gained=after if after is not None and after.member_id in goals else None,
        posting=Posting(
            type="change",
            at=occasion.now,
            program_version=occasion.in_force.version,
            actor=occasion.actor,
            reason=MEMBERSHIP_REASON,
        ),
    )


def repeated(
    receipt: Receipt,
    *,
    key: EarningKey,
    member_id: MemberId,
    posted: Mapping[MemberId, Posted],
    state: State,
    program: Program,
    occasion: Occasion,
    matured_at: datetime,
    has_excess_refund: bool,
    counts_qualifying: bool = True,
) -> tuple[Mapping[MemberId, Posted], list[Posting]]:
    """What `converge` posted for one member, made again from the receipt in its entries.

    Args:
        receipt: what the entries say they were computed from.
        key: the purchase or action.
        member_id: whose chain it is.
        posted: what the ledger held of it before, by the ids of the member.
        state: the account before.
        program: the pinned version.
        occasion: the time and the reason.
        matured_at: when the last condition was met; the facts for it are not in the receipt.
        has_excess_refund: whether refunds named more than there was.
        counts_qualifying: whether the ledger counted qualifying points by then.

    Raises:
        ValueError: the program does not have what the receipt names.
    """
    known = {rule.id for rule in program.rules} | {each.id for each in program.campaigns}
    named = {*receipt.content.rules, *receipt.content.campaigns}
    if not named <= known:
        raise ValueError(f"version {program.version} has no {', '.join(sorted(named - known))}")
    earned = appraised(receipt.content, program=program, posted_at=receipt.posted_at)
    earned = replace(earned, excess_refund=has_excess_refund)
    if receipt.counts and not any(holder.is_earner for holder in receipt.holders):
        raise ValueError("it counts for the earner alone")
    earned = _counting(earned, receipt.counts, program=program, posted_at=receipt.posted_at)
    _check_released(receipt, earned)
    in_full = pays_in_full(program)
    lapses_at = None
    if receipt.paid is not None:
        patience = program.maturation.cancel_unpaid_after
        if patience is None:
            raise ValueError(f"nothing lapses by version {program.version}")
        lapses_at = patience.after(receipt.posted_at, program.zone)
    found = Target(
        earned=earned.points,
        matured=receipt.due.points(earned.points, in_full=in_full) if receipt.due else 0,
        matured_at=matured_at,
        paid=receipt.paid.points(earned.points, in_full=in_full) if receipt.paid else 0,
        lapses=lapses_at is not None,
        lapses_at=lapses_at,
    )
    goals: dict[MemberId, Goal] = {}
    for holder in receipt.holders:
        used = earned.used if holder.is_earner else {}
        goals[holder.member_id or member_id] = (
            Goal(used=used)
            if holder.place is None
            else goal_at(holder.place, receipt.percents, found, used)
        )
    if counts_qualifying:
        goals = _qualifying(goals, earned, program=program, posted_at=receipt.posted_at)
    earner_id = next((h.member_id or member_id for h in receipt.holders if h.is_earner), None)
    earning = Earning(key=key, posted_at=receipt.posted_at, earned=earned, earner_id=earner_id)
    step = _Step(
        aimed=Aim(earning=earning, target=found, goals=goals, arm_at=None),
        before=replace(earning, earned=replace(earned, rules=receipt.was)),
        program=program,
        occasion=occasion,
    )
    after, postings = step.together(posted, goals, state)
    inputs = receipt.encode()
    return after, [replace(posting, inputs=inputs) for posting in postings]


def _check_released(receipt: Receipt, earned: Earned) -> None:
    """What waits for something else than time and money is due once that is there."""
    needs = bool(earned.releases) and receipt.due is not None
    if needs != (receipt.released_at is not None):
        raise ValueError("released is missing" if needs else "nothing had to be released")


def _qualifying(
    goals: Goals, earned: Earned, *, program: Program, posted_at: datetime
) -> dict[MemberId, Goal]:
    """The goals with what of each member's matured points counts towards a tier."""
    return {
        member_id: replace(
            goal, qualified=qualified(earned, goal.matured, program=program, posted_at=posted_at)
        )
        for member_id, goal in goals.items()
    }


def _by_member(goals: Goals, resolved: Mapping[MemberId, MemberId]) -> dict[MemberId, Goals]:
    """The goals of each member by the ids under which the earning knows the member."""
    found: dict[MemberId, dict[MemberId, Goal]] = {}
    for member_id, goal in goals.items():
        found.setdefault(resolved[member_id], {})[member_id] = goal
    return dict(found)


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
    paid = split(found.paid, percents)[place]
    return Goal(
        earned=earned,
        matured=split(found.matured, percents)[place],
        lapsed=earned - paid if found.lapses else 0,
        used=used,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One member's way from what was posted to the goal, as postings in order."""

    aimed: Aim
    before: Earning
    program: Program
    occasion: Occasion

    def with_receipt(
        self,
        postings: Iterable[Posting],
        posted: Mapping[MemberId, Posted],
        goals: Goals,
        member_id: MemberId,
    ) -> list[Posting]:
        """The postings of the earning with what they were computed from."""
        earning, found = self.aimed.earning, self.aimed.target
        assert earning.earner_id is not None
        assert earning.posted_at is not None
        plan = earning.pins[earning.earner_id].allocation
        places = {share.member_id: place for place, share in enumerate(plan)}
        was = self.before.earned.rules
        receipt = Receipt(
            content=read_content(earning.earned.inputs),
            posted_at=earning.posted_at,
            percents=tuple(share.percent for share in plan),
            holders=tuple(
                Holder(
                    place=places.get(id_),
                    is_earner=id_ == earning.earner_id,
                    member_id=None if id_ == member_id else id_,
                    kept=posted.get(id_, NOTHING_POSTED).kept,
                )
                for id_ in goals
            ),
            due=found.due,
            released_at=earning.released_at if earning.earned.releases and found.due else None,
            paid=found.covered if found.lapses else None,
            was=was if was != earning.earned.rules else (),
            counts=read_counts(earning.earned.inputs) if earning.earner_id in goals else (),
        )
        inputs = receipt.encode()
        return [
            replace(posting, inputs=inputs) if posting.source == earning.key else posting
            for posting in postings
        ]

    def together(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> tuple[dict[MemberId, Posted], tuple[Posting, ...]]:
        """The way of one member, who may be known by several ids: one posting of each type.

        Each has what it means for the member's tier, by the program in force.
        """
        occasion = self.occasion
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
        occasion = self.occasion
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
        earning = self.aimed.earning
        assert earning.posted_at is not None
        is_new = any(
            id_ not in posted and (goal.earned or id_ == earning.earner_id)
            for id_, goal in goals.items()
        )
        if not is_new:
            return None
        today = self.occasion.today
        return activity(state, at=earning.posted_at, today=today, program=self.program)

    def _with_activity(
        self, postings: tuple[Posting, ...], active: Activity
    ) -> tuple[Posting, ...]:
        """The accrual says that the member was active; one of no points where there is none."""
        place = next((n for n, each in enumerate(postings) if each.type == "accrual"), None)
        if place is None:
            nothing = _Draft(before=NOTHING_POSTED, after=NOTHING_POSTED, step=self).nothing()
            return (including(nothing, active), *postings)
        return (*postings[:place], including(postings[place], active), *postings[place + 1 :])

    def _converged(
        self, posted: Mapping[MemberId, Posted], goals: Goals, state: State
    ) -> tuple[dict[MemberId, Posted], tuple[Posting, ...]]:
        """Falls come before rises, so that no posting counts on lots that a later type opens."""
        if len(goals) == 1:
            [(member_id, goal)] = goals.items()
            after, alone = self.postings(posted.get(member_id, NOTHING_POSTED), goal, state)
            return {member_id: after}, alone

        def rises(member_id: MemberId) -> bool:
            before = posted.get(member_id, NOTHING_POSTED)
            return goals[member_id].matured >= before.matured - before.written_off

        found: dict[MemberId, Posted] = {}
        made: list[Posting] = []
        for member_id in sorted(goals, key=rises):
            before = posted.get(member_id, NOTHING_POSTED)
            found[member_id], postings = self.postings(before, goals[member_id], state)
            for posting in postings:
                state = apply(state, posting)
            made += postings
        return found, _one_of_each_type(made)

    def postings(
        self, posted: Posted, goal: Goal, state: State
    ) -> tuple[Posted, tuple[Posting, ...]]:
        """What is posted afterwards, and the postings that lead there."""
        change = goal.matured - (posted.matured - posted.written_off)
        if change < 0:
            return self._fallen(posted, goal, state, -change)
        after, restored = _forgiven(posted, change)
        credit = change - (posted.written_off - after.written_off)
        # A full account joins lots: one that has passed must not live on in another.
        first = self._settlement(state) if credit and len(state.lots) >= MAX_LOTS else ()
        for settling in first:
            state = apply(state, settling)
        if credit:
            lots = add(after.lots, {self.lot_day(state): credit})
            after = replace(after, matured=after.matured + credit, lots=lots)
        after = _settled_rest(after, goal)
        draft = _Draft(before=posted, after=after, step=self)
        fall = _Fall(absorbed=negative(restored))
        return after, (*first, *draft.postings(state, fall, credit))

    def _fallen(
        self, posted: Posted, goal: Goal, state: State, points: int
    ) -> tuple[Posted, tuple[Posting, ...]]:
        """A fall takes from lots, so lots that have passed are settled first."""
        first = self._settlement(state)
        for settling in first:
            state = apply(state, settling)
        after, fall = _taken_back(points, posted, state, self.program.clawback)
        after = _settled_rest(after, goal)
        draft = _Draft(before=posted, after=after, step=self)
        return after, (*first, *draft.postings(state, fall, credit=0))

    def lot_day(self, state: State) -> date:
        """The lot into which this step's maturation goes."""
        matured_at = self.aimed.target.matured_at or self.occasion.fact_at
        today = local_day(self.occasion.now, self.program.zone)
        return lot_day(state, matured_at, program=self.program, today=today)


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


def _settled_rest(posted: Posted, goal: Goal) -> Posted:
    """The part that is neither matured nor pending any more."""
    lapsed = min(goal.lapsed, max(0, goal.earned - posted.matured))
    return replace(
        posted, earned=goal.earned, lapsed=lapsed, used=goal.used, qualified=goal.qualified
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fall:
    """What a fall takes: from lots, as debt, and what expiry already took."""

    taken: Lots = field(default_factory=dict)
    debt: int = 0
    absorbed: Lots = field(default_factory=dict)


def _taken_back(
    points: int, posted: Posted, state: State, clawback: Clawback
) -> tuple[Posted, _Fall]:
    """Take `points` back, as far as the policy allows, and write the rest off.

    Expired points of the earning's own lots count first; then its own lots are taken from, then
    other lots soonest first, then debt is made.
    """
    if clawback == "only_pending":
        return replace(posted, written_off=posted.written_off + points), _Fall()
    posted = replace(
        posted, lots=where_now(posted.lots, state), absorbed=where_now(posted.absorbed, state)
    )
    still_out = add(posted.lots, negative(posted.absorbed))
    absorbable = {
        day: min(expired, max(0, still_out.get(day, 0)))
        for day, expired in expired_from(state, posted.lots).items()
    }
    absorbed = take(absorbable, points)
    need = points - total(absorbed)
    own = {day: min(held, state.lots.get(day, 0)) for day, held in still_out.items()}
    from_own = take(own, need)
    others = take(add(state.lots, negative(from_own)), need - total(from_own))
    taken = add(from_own, others)
    debt = need - total(taken) if clawback == "unlimited" else 0
    gone = total(taken) + debt
    # The earning's own lots shrink by what was taken, first where it really came from.
    shrunk = add(from_own, take(add(still_out, negative(from_own)), gone - total(from_own)))
    after = replace(
        posted,
        matured=posted.matured - gone,
        written_off=posted.written_off + points - gone,
        lots=add(posted.lots, negative(shrunk)),
        absorbed=add(posted.absorbed, absorbed),
    )
    return after, _Fall(taken=taken, debt=debt, absorbed=absorbed)


def _forgiven(before: Posted, rise: int) -> tuple[Posted, Lots]:
    """Let a rise lower `written_off` first.

    The part left by policy goes first, then the expired part, which returns to the state's record.
    """
    forgiven = min(before.written_off, rise)
    restored = take(before.absorbed, max(0, forgiven - before.kept))
    after = replace(
        before,
        written_off=before.written_off - forgiven,
        absorbed=add(before.absorbed, negative(restored)),
    )
    return after, restored


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """The postings of one member's step, all with the same origin."""

    before: Posted
    after: Posted
    step: _Step

    def postings(self, state: State, fall: _Fall, credit: int) -> Iterable[Posting]:
        """Accrual, reversal, maturation and lapse, as far as each has something to say."""
        before, after, found = self.before, self.after, self.step.aimed.target
        fact_at = self.step.occasion.fact_at
        grown = max(after.earned, after.matured) - max(before.earned, before.matured)
        gone = total(fall.taken) + fall.debt
        pending, lapsed = before.pending, before.lapsed
        used = tallied(
            _difference(before.used, after.used),
            state,
            program=self.step.program,
            in_force=self.step.occasion.in_force,
            now=self.step.occasion.now,
        )
        used = self._kept_within_bounds(used, state)
        records = {record_of(day): -points for day, points in fall.absorbed.items()}
        months = _difference(before.qualified, after.qualified)
        risen, fallen = (months, {}) if sum(months.values()) >= 0 else ({}, months)

        if grown > 0 or (not grown and not gone and any(n > 0 for n in used.values())):
            pending += grown
            counters = {"earned": grown, **used}
            yield self._posting(
                "accrual", grown, self._accrued_at(), pending=grown, counters=counters
            )
            used = {}
        reversed_points = max(0, -grown)
        if reversed_points or gone or records or used or fallen:
            # What is not taken from matured points comes off pending first, then off lapsed.
            back = gone - reversed_points
            from_lapsed = max(0, -back - pending)
            pending += back + from_lapsed
            lapsed -= from_lapsed
            counters = {
                "reversed": reversed_points, "lapsed": -from_lapsed, **records, **used, **fallen
            }  # fmt: skip
            yield self._posting(
                "reversal", -(reversed_points or gone), fact_at, pending=back + from_lapsed,
                lots=negative(fall.taken), debt=fall.debt, counters=counters,
            )  # fmt: skip
        if credit or risen:
            from_lapsed = max(0, credit - pending)
            pending -= credit - from_lapsed
            lapsed -= from_lapsed
            into = credited(state, {self.step.lot_day(state): credit} if credit else NO_LOTS)
            yield self._posting(
                "maturation", credit, found.matured_at or fact_at, pending=from_lapsed - credit,
                lots=into.lots, debt=-into.repaid,
                counters={"lapsed": -from_lapsed, **into.counters, **risen},
            )  # fmt: skip
        if after.lapsed != lapsed:
            more = after.lapsed - lapsed
            at = found.lapses_at if more > 0 and found.lapses_at else fact_at
            yield self._posting("lapse", more, at, pending=-more, counters={"lapsed": more})

    def _kept_within_bounds(self, used: Counters, state: State) -> Counters:
        """The change of what is used of limits and caps, with what is over dropped."""
        occasion = self.step.occasion
        return within_bounds(
            used,
            state,
            in_force=occasion.in_force,
            today=occasion.today,
            forgets=occasion.forgets,
        )

    def nothing(self) -> Posting:
        """The accrual of what earns nothing."""
        return self._posting("accrual", 0, self._accrued_at(), pending=0, counters={})

    def _accrued_at(self) -> datetime:
        """The first accrual happened when the purchase was posted, later ones with their fact."""
        posted_at = self.step.aimed.earning.posted_at
        first = self.before == NOTHING_POSTED
        return posted_at if first and posted_at is not None else self.step.occasion.fact_at

    def _posting(
        self,
        type_: EntryType,
        points: int,
        at: datetime,
        *,
        pending: int,
        counters: Mapping[str, int],
        lots: Lots = NO_LOTS,
        debt: int = 0,
    ) -> Posting:
        return Posting(
            type=type_,
            at=at,
            pending=pending,
            lots=lots,
            debt=debt,
            counters={name: change for name, change in counters.items() if change},
            source=self.step.aimed.earning.key,
            rules=self._rules(points),
            program_version=self.step.program.version,
            actor=self.step.occasion.actor,
            reason=None if type_ in ("accrual", "maturation") else self.step.occasion.reason,
            details=self._details(type_),
        )

    def _rules(self, points: int) -> RulePoints:
        """Points by rule: the exact change of each rule where that is what was posted."""
        new_rules = self.step.aimed.earning.earned.rules
        old_rules = self.step.before.earned.rules
        new, old = dict(new_rules), dict(old_rules)
        change = {id_: new.get(id_, 0) - old.get(id_, 0) for id_ in {**old, **new}}
        if old and sum(change.values()) == points:
            return tuple((id_, part) for id_, part in change.items() if part)
        sign = -1 if points < 0 else 1
        parts = attributed(abs(points), new_rules or old_rules)
        return tuple((id_, sign * part) for id_, part in parts)

    def _details(self, type_: EntryType) -> dict[str, str]:
        details: dict[str, str] = {}
        earned = self.step.aimed.earning.earned
        if type_ == "accrual" and earned.truncated:
            details["truncated"] = ",".join(earned.truncated)
        if type_ == "reversal":
            if earned.excess_refund:
                details["refund"] = "exceeds_purchase"
            if self.after.written_off != self.before.written_off:
                details["written_off"] = str(self.after.written_off)
        return details


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    change = {name: after.get(name, 0) - before.get(name, 0) for name in {**before, **after}}
    return {name: value for name, value in change.items() if value}


def _arm_at(armed: datetime | None, due_at: datetime | None, now: datetime) -> datetime | None:
    """When to arm a marker: the due time is new, earlier than the armed one, or that has passed.

    A due time that moved later needs nothing: the old marker re-arms itself when visited.
    """
    if due_at is None or due_at == armed:
        return None
    return due_at if armed is None or due_at < armed or armed <= now else None
