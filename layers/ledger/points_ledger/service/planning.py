"""Sharing plans: between whom a member's future purchases are split (semantics 3.2)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_MEMBERS_READ_FOR_PLAN
from points_ledger.domain.program import Program
from points_ledger.domain.sharing import (
    Allocation,
    Share,
    allocation_by,
    check_no_circle,
    check_percents,
    new_plan,
    united,
)
from points_ledger.service.addressing import Addressee, Addressing
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import GuardHead, Store, Write
from points_ledger.service.programs import Programs

_CLOSED_FOR_GOOD = ("closed", "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAsked:
    """A share of a plan as it is asked for."""

    addressee: Addressee
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSharing(Command):
    """Replace a member's plan; no shares end it."""

    member_id: MemberId
    shares: tuple[ShareAsked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The answer of a plan, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Keeps sharing plans."""

    path: WritePath
    store: Store
    programs: Programs
    clock: Callable[[], datetime]
    addressing: Addressing

    def plan(self, command: PlanSharing) -> Planned:
        """Replace a plan, once per request. It counts for purchases that are posted from now on.

        Raises:
            NotFoundError: a member is unknown, or by email outside the circle.
            TransferNotPermittedError: a member named by id is outside the circle or not active.
            InvalidRequestError: percentages, a member twice, or plans that lead back to the owner.
            LimitExceededError: too many shares, or too many members behind them.
            MemberInactiveError: the owner is not active.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def sharing(self, member_id: MemberId) -> Allocation:
        """A member's plan with the members that its ids stand for now; empty without one.

        Raises:
            NotFoundError: there is no such member.
        """
        view = View(self.store)
        return plan_of(view, _owner(view, member_id))

    def _decide(self, view: View, command: PlanSharing) -> Decision[Planned]:
        # The account comes first: whoever changes the plan meanwhile takes its next number.
        view.resolved_head(command.member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Planned(result=first, replayed=True))
        owner = _owner(view, command.member_id)
        now = latest(self.clock(), [owner])
        plan, others = self._new_plan(view, owner, command, self.programs.at(now))
        guards = [GuardHead(member_id=head.member_id, number=head.number) for head in others]
        result = {"shares": [{"member_id": s.member_id, "percent": s.percent} for s in plan]}
        return Decision(
            result=Planned(result=result),
            writes=(*self._changed(owner, plan, command, now), *guards, command.kept(result)),
        )

    def _new_plan(
        self, view: View, owner: Entry, command: PlanSharing, program: Program
    ) -> tuple[Allocation, tuple[Entry, ...]]:
        """The plan, and every other account that has decided that it may be."""
        standing, circle = owner.state.standing, program.sharing_within
        if standing.status != "active":
            raise MemberInactiveError(standing.status)
        check_percents([share.percent for share in command.shares])
        found = [
            self.addressing.found(view, share.addressee, near=owner, circle=circle)
            for share in command.shares
        ]
        shares = [
            Share(member_id=head.member_id, percent=share.percent)
            for head, share in zip(found, command.shares, strict=True)
        ]
        plan = new_plan(shares, owner.member_id)
        others = [head for head in found if head.member_id != owner.member_id]
        reached = _reached(view, others, owner.member_id)
        check_no_circle(owner.member_id, reached)
        return plan, tuple(reached.values())

    def _changed(
        self, owner: Entry, plan: Allocation, command: PlanSharing, now: datetime
    ) -> tuple[Write, ...]:
        """The entry that replaces the plan; none where it is that plan already."""
        standing = owner.state.standing
        if standing.sharing == plan:
            return (GuardHead(member_id=owner.member_id, number=owner.number),)
        posting = Posting(
            type="change",
            at=now,
            standing=replace(standing, sharing=plan),
            actor=command.actor,
            reason="sharing",
        )
        entry = chain(owner, owner.member_id, posting, now)
        return posting_writes([entry], [owner], self.programs.at(now))


def plan_of(view: View, owner: Entry) -> Allocation:
    """A member's plan with the members that its ids stand for now; empty without one."""
    heads = ((s, view.resolved_head(s.member_id)) for s in owner.state.standing.sharing)
    return united(
        Share(member_id=head.member_id if head else share.member_id, percent=share.percent)
        for share, head in heads
    )


def split_of(view: View, owner: Entry) -> tuple[Allocation, tuple[GuardHead, ...]]:
    """Between whom a purchase of a member is split now, and guards for what has decided it.

    Each share goes to the member that its id stands for; the share of somebody who is unknown,
    closed or erased is the owner's, so that no points are lost.
    """
    guards = [GuardHead(member_id=owner.member_id, number=owner.number)]
    receivers: dict[MemberId, MemberId | None] = {owner.member_id: owner.member_id}
    plan = owner.state.standing.sharing
    for share in plan:
        if share.member_id in receivers:
            continue
        head = view.resolved_head(share.member_id)
        gone = head is None or head.state.standing.status in _CLOSED_FOR_GOOD
        receivers[share.member_id] = None if gone or head is None else head.member_id
        guard = GuardHead(
            member_id=head.member_id if head else share.member_id, number=head.number if head else 0
        )
        if guard not in guards:
            guards.append(guard)
    return allocation_by(plan, owner.member_id, receivers), tuple(guards)


def _owner(view: View, member_id: MemberId) -> Entry:
    head = view.resolved_head(member_id)
    if head is None:
        raise NotFoundError("member", member_id)
    return head


def _reached(view: View, heads: list[Entry], owner: MemberId) -> dict[MemberId, Entry]:
    """Everybody to whom plans lead from these members, step by step; the owner ends the search.

    Raises:
        LimitExceededError: they are more than MAX_MEMBERS_READ_FOR_PLAN.
    """
    reached: dict[MemberId, Entry] = {}
    waiting = list(heads)
    while waiting:
        head = waiting.pop(0)
        if head.member_id in reached:
            continue
        reached[head.member_id] = head
        if len(reached) > MAX_MEMBERS_READ_FOR_PLAN:
            raise LimitExceededError("members_in_plan", MAX_MEMBERS_READ_FOR_PLAN)
        if head.member_id == owner:
            break
        shares = head.state.standing.sharing
        found = (view.resolved_head(share.member_id) for share in shares)
        waiting += [
            each
            for each in found
            # What a member keeps of its own leads nowhere.
            if each is not None and each.member_id != head.member_id
        ]
    return reached
