"""Backtest: recorded earnings valued by a draft of the program, against what they really earned.

One member after the other, and of each member one earning after the other, in the order in which
they were first recorded. The draft decides what a purchase earns, and with it how full the caps and
limits of the member are for the next one, and which tier the member holds. What the draft leaves
alone keeps its real outcome: how much other earnings had taken of a cap when this one was last
valued is read off what it really got (`real_bounds`), and a tier is the real one until the
draft's own terms or points lead to another (`MemberReplay.tier`). So a draft that is the program
which was in force earns what was earned, to the point.
"""

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Final

from points_ledger.domain.aim import goal_at
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import NOTHING_POSTED, Earned, Earning, Pin
from points_ledger.domain.entry import RulePoints
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.maturation import Target, earned_points, target
from points_ledger.domain.program import Program, Rule
from points_ledger.domain.qualifying import qualified
from points_ledger.domain.receipt import read_content
from points_ledger.domain.rules import (
    Room,
    attributed,
    cap_counter,
    drawn_points,
    limit_counter,
)
from points_ledger.domain.sharing import split
from points_ledger.domain.state import Counters, Standing, State, summed
from points_ledger.domain.tier import current_tier, held_by_points, reviewed, standing_with

Order = tuple[datetime, int]
"""When an earning was first recorded, and the number of that entry; 0 where there is no entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a member's chains say about one earning.

    Attributes:
        order: its place among the earnings of the member.
        counters: the member's counters after the entry that last changed what it earns; empty
            where no entry did.
        state: the account after the earning's first entry; None where there is no entry.
    """

    order: Order
    counters: Counters = field(default_factory=dict)
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one earning comes to by one program.

    Attributes:
        points: before any split.
        rules: the same by rule, campaign and tier.
        owed: pending and matured points, without those that lapsed.
        shares: points by member, after the split.
        qualified: what counts towards a tier, by member.
        matured_at: when it began to count.
    """

    points: int = 0
    rules: RulePoints = ()
    owed: int = 0
    shares: Mapping[MemberId, int] = field(default_factory=dict)
    qualified: Mapping[MemberId, Counters] = field(default_factory=dict)
    matured_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One earning by what was in force and by the draft.

    `is_own` says whether the member is its earner, and not one with whom it was shared.
    """

    key: EarningKey
    actual: Worth
    draft: Worth
    is_own: bool


# --- What was really the case ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How full caps, limits and budgets were for one earning when it was last valued.

    Attributes:
        taken: what other earnings had taken of the earner's caps and limits, by counter.
        budgets: what the earning could draw in all, by the campaigns whose budget cut it.
    """

    taken: Counters
    budgets: Mapping[str, int]


def real_bounds(earning: Earning, counters: Counters, *, program: Program) -> Bounds:
    """How full caps, limits and budgets were, by the account's counters of that moment.

    Never in contradiction to the outcome: a campaign that was cut says what was left, one that was
    not had room enough, and a rule that counted was within its limit.
    """
    earned = earning.earned
    taken = {name: value - earned.used.get(name, 0) for name, value in counters.items()}
    budgets = _by_campaigns(earned, taken, program=program)
    limits = _limits(earning, program=program)
    counted = read_content(earned.inputs).rules.keys()
    for id_ in counted & limits.keys():
        name, times = limits[id_]
        taken[name] = min(taken.get(name, 0), times - 1)
    bounds = Bounds(taken=taken, budgets=budgets)
    if not limits or _agrees(earning, bounds, program=program):
        return bounds
    # Valued again without an entry: what did not count then had no room left.
    for id_ in limits.keys() - counted:
        name, times = limits[id_]
        taken[name] = max(taken.get(name, 0), times)
    return bounds


def _by_campaigns(earned: Earned, taken: dict[str, int], *, program: Program) -> dict[str, int]:
    """Bring `taken` in line with what campaigns gave; the room of those that a budget cut."""
    content, budgets = read_content(earned.inputs), dict[str, int]()
    for campaign in program.campaigns:
        basis, cap = content.campaigns.get(campaign.id), campaign.member_cap_points
        if basis is None:
            continue
        name, room = cap_counter(campaign), basis.room
        known = taken.get(name, 0)
        is_cut_by_cap = cap is not None and room == cap - known
        if room is not None and campaign.budget_points is not None and not is_cut_by_cap:
            budgets[campaign.id] = room
            room = None
        if cap is not None:
            taken[name] = min(known, cap - earned.used.get(name, 0)) if room is None else cap - room
    return budgets


def _limits(earning: Earning, *, program: Program) -> dict[str, tuple[str, int]]:
    """The rules with a limit that an earning may meet: the counter of its period, and the limit."""
    assert earning.posted_at is not None
    day = local_day(earning.posted_at, program.zone)
    return {
        rule.id: (limit_counter(rule, day), rule.limit.times)
        for rule in program.rules
        if rule.limit is not None and _may_be_met(rule, earning)
    }


def _may_be_met(rule: Rule, earning: Earning) -> bool:
    """Whether a rule is about this kind of earning at all."""
    if earning.action is None:
        return rule.on == "purchase"
    return rule.on == "action" and rule.action == earning.action.name


def _agrees(earning: Earning, bounds: Bounds, *, program: Program) -> bool:
    """Whether the program in force gives what it gave, within such bounds."""
    assert earning.earner_id is not None
    pin = earning.pins[earning.earner_id]
    room = Room(taken=bounds.taken, budgets=bounds.budgets)
    again = earned_points(earning, program=program, pin=pin, room=room)
    return (again.points, again.rules) == (earning.earned.points, earning.earned.rules)


@dataclass(slots=True, kw_only=True)
class DraftBudgets:
    """The budgets of a draft's campaigns, drawn from by all members one after the other.

    What was really drawn stands; the draft draws more from the rest, first come first served, or
    leaves more of it.

    Attributes:
        given: what each campaign has really given to all members by now.
        drawn: by how much the draft has drawn more so far; kept from page to page.
    """

    draft: Program
    given: Mapping[str, int] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)

    def room(self, earning: Earning, bounds: Bounds, *, program: Program) -> dict[str, int]:
        """What an earning may draw of each budget in all."""
        before = {campaign.id: campaign.budget_points for campaign in program.campaigns}
        found: dict[str, int] = {}
        for campaign in self.draft.campaigns:
            id_, budget = campaign.id, campaign.budget_points
            if budget is None:
                continue
            drawn = self.drawn.get(id_, 0)
            was = before.get(id_)
            if id_ in bounds.budgets and was is not None:
                found[id_] = bounds.budgets[id_] + max(0, budget - was - drawn)
            else:
                free = budget - self.given.get(id_, 0) - drawn
                found[id_] = sum(earning.grants.get(id_, {}).values()) + max(0, free)
        return found

    def draw(self, earning: Earning, earned: Earned) -> None:
        """Count what the draft draws for an earning, in place of what it really drew."""
        uses = drawn_points(read_content(earned.inputs), program=self.draft)
        for id_ in sorted({*uses, *earning.grants}):
            change = uses.get(id_, 0) - sum(earning.grants.get(id_, {}).values())
            if change:
                self.drawn[id_] = self.drawn.get(id_, 0) + change


def actual_worth(earning: Earning, *, program: Program, now: datetime) -> Worth:
    """What an earning really came to.

    In analysis mode nothing is posted; then it is what the ledger reports.
    """
    assert earning.earner_id is not None
    worth = _worth(earning, earning.pins[earning.earner_id], program=program, now=now)
    posted = {id_: part.earned for id_, part in earning.posted.items() if part.earned}
    points = sum(posted.values())
    if program.mode == "analysis" or points == worth.points:
        return worth
    lapsed = sum(part.lapsed for part in earning.posted.values())
    rules = attributed(points, earning.earned.rules) or ((UNATTRIBUTED, points),)
    return replace(worth, points=points, rules=rules, owed=points - lapsed, shares=posted)


UNATTRIBUTED: Final = "unattributed"
"""Where points stand that no rule gives any more: of purchases that shrank after an erasure."""


def _worth(earning: Earning, pin: Pin, *, program: Program, now: datetime) -> Worth:
    """What an earning comes to once it is valued by a program."""
    earned, posted_at = earning.earned, earning.posted_at
    assert posted_at is not None
    if not earned.points:
        return Worth()
    percents = [share.percent for share in pin.allocation]
    members = [share.member_id for share in pin.allocation]
    shares = _by_member(members, split(earned.points, percents))
    if program.mode == "analysis":
        return Worth(points=earned.points, rules=earned.rules, shares=shares)
    found = target(earning, program=program, now=now)
    matured = _by_member(members, split(found.matured, percents)) if found.matured else {}
    return Worth(
        points=earned.points,
        rules=earned.rules,
        owed=_owed(earning, pin, found),
        shares=shares,
        qualified={
            id_: qualified(earned, points, program=program, posted_at=posted_at)
            for id_, points in matured.items()
        }
        if program.tiers
        else {},
        matured_at=found.matured_at,
    )


def _by_member(members: list[MemberId], parts: tuple[int, ...]) -> dict[MemberId, int]:
    return {id_: part for id_, part in zip(members, parts, strict=True) if part}


def _owed(earning: Earning, pin: Pin, found: Target) -> int:
    """Pending and matured points of all members; lapsed ones are owed to nobody."""
    if not found.lapses:
        return found.earned
    owed = 0
    percents = [share.percent for share in pin.allocation]
    for place, share in enumerate(pin.allocation):
        goal = goal_at(place, percents, found, {})
        held = goal.matured + earning.posted.get(share.member_id, NOTHING_POSTED).written_off
        owed += goal.earned - min(goal.lapsed, max(0, goal.earned - held))
    return owed


# --- What it had been by the draft ----------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class MemberReplay:
    """One member's earnings by a draft, one after the other.

    Attributes:
        ids: all ids that stand for the member.
        now: the instant at which both sides are compared: what lapses by then has lapsed.
        budgets: the draft's, shared by all members.
        actual, draft_points: what the member got so far, after every split.
        deviation: by how much the draft has taken more of each counter than was really taken.
        months: by how much the draft gave more qualifying points, as far as they count by now;
            `ahead` those that count later.
        standing: the standing by the draft; None while it is the real one. `looked_on` is the day
            of the last look at it.
    """

    ids: frozenset[MemberId]
    draft: Program
    now: datetime
    budgets: DraftBudgets
    actual: int = 0
    draft_points: int = 0
    deviation: Counters = field(default_factory=dict)
    months: Counters = field(default_factory=dict)
    ahead: list[tuple[datetime, Counters]] = field(default_factory=list)
    standing: Standing | None = None
    looked_on: date | None = None

    def compared(self, earning: Earning, trace: Trace, *, program: Program) -> Compared:
        """The next earning, by its pinned version and by the draft.

        Args:
            earning: one that has an earner and was valued.
            trace: what the member's chains say about it.
            program: its pinned version.
        """
        assert earning.earner_id is not None
        is_own = earning.earner_id in self.ids
        actual = actual_worth(earning, program=program, now=self.now)
        if actual.points == earning.earned.points:
            draft = self._by_draft(earning, trace, program=program, is_own=is_own)
        else:
            # A member who was erased holds a part: what is posted stays, whatever the rules say.
            draft = actual
        self._count(actual, draft)
        return Compared(key=earning.key, actual=actual, draft=draft, is_own=is_own)

    def _by_draft(self, earning: Earning, trace: Trace, *, program: Program, is_own: bool) -> Worth:
        assert earning.earner_id is not None
        pin = earning.pins[earning.earner_id]
        bounds = real_bounds(earning, trace.counters if is_own else {}, program=program)
        taken = bounds.taken
        if is_own:
            # A counter that comes to nothing is there all the same: it is not a forgotten one.
            names = {**taken, **self.deviation}
            taken = {n: taken.get(n, 0) + self.deviation.get(n, 0) for n in names}
            tier = self.tier(trace.state, trace.order[0], really=pin.tier, program=program)
            pin = replace(pin, tier=tier)
        budgets = self.budgets.room(earning, bounds, program=program)
        room = Room(taken=taken, budgets=budgets)
        earned = earned_points(earning, program=self.draft, pin=pin, room=room)
        if is_own:
            self.budgets.draw(earning, earned)
            self.deviation = summed(self.deviation, _difference(earning.earned, earned))
        return _worth(replace(earning, earned=earned), pin, program=self.draft, now=self.now)

    def tier(
        self, state: State | None, at: datetime, *, really: str | None, program: Program
    ) -> str | None:
        """The tier that the member holds at an instant by the draft.

        Args:
            state: the real account then, of which the qualifying points and grants count; None
                where nothing is known of it.
            at: never before the instant of the call before.
            really: the tier that was really held.
            program: what was in force.
        """
        self._reach(at)
        if state is None or (not self.months and _same_terms(self.draft, program)):
            known = self.standing if state is None else None
            self.standing = known
            return really if known is None else known.tier
        today = local_day(at, self.draft.zone)
        before = self.standing or state.standing
        standing = standing_with(
            before,
            held=held_by_points(before),
            fell_on=before.fell_on,
            grants=state.standing.grants,
            program=self.draft,
        )
        simulated = State(counters=summed(state.counters, self.months), standing=standing)
        since = self.looked_on or today
        self.standing = reviewed(simulated, since=since, today=today, program=self.draft)
        self.looked_on = today
        return current_tier(self.standing, today=today, program=self.draft)

    def _reach(self, at: datetime) -> None:
        """Let qualifying points count that matured by then."""
        if self.ahead:
            due = [counters for matured_at, counters in self.ahead if matured_at <= at]
            self.ahead = [each for each in self.ahead if each[0] > at]
            self.months = summed(self.months, *due)

    def _count(self, actual: Worth, draft: Worth) -> None:
        for id_ in sorted(self.ids):
            self.actual += actual.shares.get(id_, 0)
            self.draft_points += draft.shares.get(id_, 0)
            less = {n: -value for n, value in actual.qualified.get(id_, {}).items()}
            change = summed(draft.qualified.get(id_, {}), less)
            matured_at = draft.matured_at or actual.matured_at
            if change and matured_at is not None:
                self.ahead.append((matured_at, change))


def _difference(really: Earned, by_draft: Earned) -> Counters:
    """By how much the draft takes more of caps and limits."""
    change = {name: by_draft.used.get(name, 0) - value for name, value in really.used.items()}
    return {**{n: v for n, v in by_draft.used.items() if n not in change}, **change}


def _same_terms(one: Program, other: Program) -> bool:
    """Whether two programs make the same tiers of the same points."""
    return one.tier_window == other.tier_window and [(t.id, t.points) for t in one.tiers] == [
        (t.id, t.points) for t in other.tiers
    ]


def in_order(traces: Mapping[EarningKey, Trace]) -> list[EarningKey]:
    """Earnings in the order in which they were first recorded; ties by their keys."""
    return sorted(traces, key=lambda key: (traces[key].order, str(key)))


def names_any(earning: Earning, ids: Collection[MemberId]) -> bool:
    """Whether a member earns by it, or it is shared with the member, by any of these ids."""
    if earning.earner_id is None or earning.earner_id not in earning.pins:
        return False
    allocation = earning.pins[earning.earner_id].allocation
    return earning.earner_id in ids or any(share.member_id in ids for share in allocation)
