"""Redeeming points: the quote, the redemption at once or in two steps, and giving it back."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from points_ledger.domain.calendar import local_day, whole_second
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    FieldError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    NotFoundError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import CouponCode, MemberId, RedemptionId, RewardId
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import (
    Quote,
    Redeemer,
    RedemptionKind,
    Ticket,
    earned_on,
    lots_for,
    points_asked,
    quote,
    redeem,
    value_of,
)
from points_ledger.domain.reservation import Step, prolong, release, reserve
from points_ledger.domain.settling import settled, settlement
from points_ledger.domain.state import State
from points_ledger.service.approving import approval_id, asked, withdrawn
from points_ledger.service.claiming import (
    NOTHING_CLAIMED,
    Claim,
    cancelled_coupon,
    claim_coupon,
    claim_keys,
    claim_reward,
    claimed_reward,
    given_back_stock,
    may_have_coupon,
    with_grant_of,
    without_grant_of,
)
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    Approval,
    Create,
    Note,
    Put,
    Redemption,
    RedemptionKey,
    RedemptionStatus,
    RequestKey,
    Reward,
    Save,
    Write,
)
from points_ledger.service.programs import Programs
from points_ledger.service.redemption_steps import (
    StepName,
    Stepped,
    answer,
    answer_again,
    balances,
    captured,
    command_key,
    first_answer,
    remembered,
    taken,
)
from points_ledger.service.redemptions import belongs_to


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemPoints(Command):
    """Spend points, or reserve them; exactly one of `points` and `amount` is given.

    A reward has its own price: neither is needed then, and points that are named have to be it.
    Rewards and coupons are not reserved.
    `is_own_request` says that the member asks, and nobody who serves members.
    """

    member_id: MemberId
    points: int | None = None
    amount: Decimal | None = None
    kind: RedemptionKind
    reward_id: RewardId | None = None
    ticket: Ticket | None = None
    reserve: bool = False
    note: str | None = None
    is_own_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueRedemption(Command):
    """Capture, cancel or reverse a redemption; `points` of it, or all where None.

    `asked_by` is the member who asks, None where somebody who serves members does.
    """

    redemption_id: RedemptionId
    step: StepName
    points: int | None = None
    asked_by: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The answer of a redemption or of a further step, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeeming:
    """Decides redemptions. `salt` makes the salt of a note's hash, `new_code` that of a coupon."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    salt: Callable[[], str]
    new_code: Callable[[], CouponCode]

    def redeem(self, command: RedeemPoints) -> Redeemed:
        """Spend or reserve points, once per request.

        Raises:
            Rejection: one of the checks of semantics 4, or an unknown member.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        salt = self.salt()
        return self.path.run(lambda view: self._decide(view, command, salt))

    def go_on(self, command: ContinueRedemption) -> Redeemed:
        """Capture, cancel or reverse, once per request.

        Raises:
            NotFoundError: there is no such redemption, or it is another member's.
            ReservationNotOpenError: there is nothing to capture, cancel or reverse any more.
            AlreadyReversedError: all of it was reversed before.
            LimitExceededError: more points than there are in it, or too many commands on it.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        return self.path.run(lambda view: self._continue(view, command))

    def decided(
        self, view: View, approval: Approval, *, approved: bool, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """What follows when a redemption is approved or rejected.

        Approved, all of it is spent, or stays reserved under `reservation_minutes` from now where
        that was asked for; rejected, it is released.

        Raises:
            ReservationNotOpenError: it has timed out, or was cancelled.
        """
        head = _head(view, approval.member_id)
        redemption = _stored(view, RedemptionId(approval.subject))
        if redemption.status != "awaiting_approval":
            raise ReservationNotOpenError(redemption.status)
        step, before = self._step(redemption, head, now=latest(now, [head]), actor=actor)
        stepped = _decided(redemption, step, approved=approved)
        reward, claim = self._claim_waiting(view, stepped.redemption, step)
        redeemer = Redeemer(state=step.state, program=step.program, now=step.now)
        posting = with_grant_of(reward, stepped.posting, redemption.redemption_id, redeemer)
        entries = _after(head, before, posting, step.now)
        coupon = claim.coupon.code if claim.coupon else None
        after = replace(stepped.redemption, coupon=coupon)
        return (
            (
                *posting_writes(entries, [head], step.program),
                Save(item=after, expected=redemption.revision),
                *claim.writes,
            ),
            {**answer(after, entries[-1].state, step.priced_by), **claim.fields},
        )

    def undone(
        self, view: View, redemption_id: RedemptionId, *, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """What gives all points of a redemption back, and puts a reward of it back on its stock.

        Its coupon is for the caller to cancel.

        Raises:
            ReservationNotOpenError: nothing was spent.
            AlreadyReversedError: all of it was reversed before.
            MemberInactiveError: the member is erased.
        """
        redemption = _stored(view, redemption_id)
        head = _head(view, redemption.member_id)
        step, before = self._step(redemption, head, now=latest(now, [head]), actor=actor)
        stepped = taken(redemption, "reverse", step, None)
        posting = without_grant_of(stepped.redemption, stepped.posting, step)
        entries = _after(head, before, posting, step.now)
        return (
            (
                *posting_writes(entries, [head], step.program),
                Save(item=stepped.redemption, expected=redemption.revision),
                *given_back_stock(view, redemption.reward_id),
            ),
            {"balance": balances(entries[-1].state)},
        )

    def quote(self, member_id: MemberId, ticket: Ticket | None) -> tuple[Quote, Program]:
        """The most that the member could redeem now, on a ticket if given, and by which rules.

        Raises:
            NotFoundError: there is no such member.
        """
        redeemer, _ = self._redeemer(View(self.path.store), member_id, ticket, "ticket")
        return quote(redeemer), redeemer.program

    # ---- A new redemption

    def _decide(self, view: View, command: RedeemPoints, salt: str) -> Decision[Redeemed]:
        key = RedemptionKey(redemption_id=redemption_id(command.request))
        # The head comes before the ticket's earning: whatever the earning posts meanwhile makes
        # the head's next number taken, so a stale pair can never be committed.
        view.resolved_head(command.member_id)
        ticket_keys = command.ticket.keys if command.ticket else ()
        view.load(key, *ticket_keys, *claim_keys(command.reward_id))
        known = view.redemption(key)
        if known is not None:
            if known.fingerprint != command.fingerprint:
                raise IdempotencyKeyReusedError
            return Decision(result=Redeemed(result=json.loads(known.result), replayed=True))
        return self._spent(view, command, key.redemption_id, salt)

    def _spent(
        self, view: View, command: RedeemPoints, id_: RedemptionId, salt: str
    ) -> Decision[Redeemed]:
        redeemer, head = self._redeemer(view, command.member_id, command.ticket, command.kind)
        program, now = redeemer.program, redeemer.now
        reward = _reward(view, command, redeemer)
        points = _points(command, redeemer, reward)
        posting = _first_posting(command, redeemer, points=points, id_=id_, salt=salt)
        if _first_status(command, points, program) == "completed":
            posting = with_grant_of(reward, posting, id_, redeemer)
        settling = settlement(head.state, now=now, program=program, actor=command.actor)
        entries = _after(head, settling, posting, now)
        asked_for = _redemption(command, entries[-1], redeemer, points=points, id_=id_)
        claim = self._claim(asked_for, reward, redeemer)
        redemption = _answered(asked_for, claim, entries[-1].state, head.member_id)
        writes: tuple[Write, ...] = (
            *posting_writes(entries, [head], program),
            Create(item=redemption),
            *claim.writes,
            *_note(command, head.member_id, id_, salt),
            *_question(command, redemption),
        )
        return Decision(result=Redeemed(result=json.loads(redemption.result)), writes=writes)

    def _claim(self, redemption: Redemption, reward: Reward | None, redeemer: Redeemer) -> Claim:
        """What the redemption gets beside, once its points are spent."""
        if redemption.status != "completed":
            return NOTHING_CLAIMED
        if reward is not None:
            return claim_reward(reward, redeemer, redemption, self.new_code)
        if redemption.kind == "coupon":
            return claim_coupon(redeemer, redemption, self.new_code())
        return NOTHING_CLAIMED

    def _claim_waiting(
        self, view: View, redemption: Redemption, step: Step
    ) -> tuple[Reward | None, Claim]:
        """The same for a redemption that a second person has approved."""
        if redemption.status != "completed":
            return None, NOTHING_CLAIMED
        kind = cast("RedemptionKind", redemption.kind)  # written from a command
        redeemer = Redeemer(state=step.state, program=step.program, now=step.now, kind=kind)
        id_ = redemption.reward_id
        reward = claimed_reward(view, id_, redeemer) if id_ is not None else None
        return reward, self._claim(redemption, reward, redeemer)

    def _redeemer(
        self, view: View, member_id: MemberId, ticket: Ticket | None, kind: RedemptionKind
    ) -> tuple[Redeemer, Entry]:
        head = _head(view, member_id)
        now = latest(self.clock(), [head])
        view.load(*(ticket.keys if ticket else ()))
        earnings = [view.earning(key) for key in ticket.keys] if ticket else []
        member_ids = frozenset({head.member_id, *head.state.standing.aliases})
        program = self.programs.at(now)
        redeemer = Redeemer(
            state=settled(head.state, now=now, program=program),
            program=program,
            now=now,
            ticket=ticket,
            earned_on_ticket=sum(earned_on(earning, member_ids) for earning in earnings),
            kind=kind,
        )
        return redeemer, head

    # ---- What comes after

    def _continue(self, view: View, command: ContinueRedemption) -> Decision[Redeemed]:
        # The item comes before the head, for it says whose head: both are written or neither is.
        redemption = _stored(view, command.redemption_id)
        if command.asked_by is not None and not belongs_to(view, redemption, command.asked_by):
            raise NotFoundError("redemption", command.redemption_id)
        known = redemption.commands.get(command_key(command.request))
        if known is not None and known.fingerprint == command.fingerprint:
            return Decision(result=Redeemed(result=answer_again(redemption, known), replayed=True))
        if known is not None or redemption_id(command.request) == command.redemption_id:
            raise IdempotencyKeyReusedError
        head = _head(view, redemption.member_id)
        now = latest(self.clock(), [head])
        step, before = self._step(redemption, head, now=now, actor=command.actor)
        stepped = taken(redemption, command.step, step, command.points)
        posting = without_grant_of(stepped.redemption, stepped.posting, step)
        entries = _after(head, before, posting, now)
        result = answer(stepped.redemption, entries[-1].state, step.priced_by)
        after = remembered(
            stepped.redemption, command.request, fingerprint=command.fingerprint, answer=result
        )
        writes: tuple[Write, ...] = (
            *posting_writes(entries, [head], step.program),
            Save(item=after, expected=redemption.revision),
            *_given_up(view, redemption),
            *_handed_back(view, redemption, stepped.redemption, step),
        )
        return Decision(result=Redeemed(result=result), writes=writes)

    def _step(
        self, redemption: Redemption, head: Entry, *, now: datetime, actor: str
    ) -> tuple[Step, Posting | None]:
        """What is known of a redemption now, and what has to be settled before."""
        program = self.programs.at(now)
        version = redemption.program_version
        step = Step(
            redemption_id=redemption.redemption_id,
            state=settled(head.state, now=now, program=program),
            now=now,
            program=program,
            priced_by=program if version is None else self.programs.version(version),
            ticket=redemption.ticket,
            actor=actor,
        )
        return step, settlement(head.state, now=now, program=program, actor=actor)


def redemption_id(request: RequestKey) -> RedemptionId:
    """The id of the redemption that a request makes: the same request, the same redemption."""
    content = json.dumps([request.caller, request.key]).encode()
    return RedemptionId(f"rdm_{hashlib.sha256(content).hexdigest()[:24]}")


def _stored(view: View, id_: RedemptionId) -> Redemption:
    redemption = view.redemption(RedemptionKey(redemption_id=id_))
    if redemption is None:
        raise NotFoundError("redemption", id_)
    return redemption


def _head(view: View, member_id: MemberId) -> Entry:
    head = view.resolved_head(member_id)
    if head is None:
        raise NotFoundError("member", member_id)
    return head


def _after(
    head: Entry, settling: Posting | None, posting: Posting, now: datetime
) -> tuple[Entry, ...]:
    """The entry of a posting, after one for what time has ended."""
    before = (chain(head, head.member_id, settling, now),) if settling else ()
    return (*before, chain(before[-1] if before else head, head.member_id, posting, now))


# --- A new redemption -----------------------------------------------------------------------


def _first_status(command: RedeemPoints, points: int, program: Program) -> RedemptionStatus:
    terms = program.redemption
    limit = terms.approval_above_points
    is_large = limit is not None and points > limit
    if is_large or (command.is_own_request and terms.member_requests_need_approval):
        return "awaiting_approval"
    return "reserved" if command.reserve else "completed"


def _ends_at(status: RedemptionStatus, now: datetime, program: Program) -> datetime | None:
    """When points that are set aside are free again, in whole seconds, never sooner than meant.

    Days of `approval_days` have 24 hours.
    """
    match status:
        case "awaiting_approval":
            ends_at = now + timedelta(days=program.redemption.approval_days)
        case "reserved":
            ends_at = now + timedelta(minutes=program.redemption.reservation_minutes)
        case _:
            return None
    return whole_second(ends_at)


def _first_posting(
    command: RedeemPoints, redeemer: Redeemer, *, points: int, id_: RedemptionId, salt: str
) -> Posting:
    status = _first_status(command, points, redeemer.program)
    expires_at = _ends_at(status, redeemer.now, redeemer.program)
    note_hash = _note_hash(command.note, salt)
    if expires_at is None:
        return redeem(
            redeemer, points=points, redemption_id=id_, actor=command.actor, note_hash=note_hash
        )
    return reserve(
        redeemer,
        points=points,
        redemption_id=id_,
        expires_at=expires_at,
        actor=command.actor,
        note_hash=note_hash,
    )


def _redemption(
    command: RedeemPoints, entry: Entry, redeemer: Redeemer, *, points: int, id_: RedemptionId
) -> Redemption:
    program = redeemer.program
    status = _first_status(command, points, program)
    amount = value_of(points, program.point_value, program.currency)
    waits = status == "awaiting_approval"
    return Redemption(
        redemption_id=id_,
        member_id=entry.member_id,
        fingerprint=command.fingerprint,
        points=points,
        amount=format_amount(amount, program.currency),
        currency=program.currency,
        kind=command.kind,
        status=status,
        created_at=entry.recorded_at,
        entry=entry.number,
        ticket=command.ticket.key if command.ticket else None,
        result="",
        program_version=program.version,
        year=redeemer.year,
        lots=lots_for(redeemer, points),
        captured=points if status == "completed" else 0,
        expires_at=_ends_at(status, redeemer.now, program),
        holds=waits and command.reserve,
        requested_by=command.request.caller if waits else None,
        approval_id=approval_id("redemption", command.request) if waits else None,
        reward_id=command.reward_id,
    )


def _answered(
    redemption: Redemption, claim: Claim, state: State, member_id: MemberId
) -> Redemption:
    """The redemption with its coupon, if any, and with what it was answered."""
    made = replace(redemption, coupon=claim.coupon.code if claim.coupon else None)
    result = {**first_answer(made, state, member_id), **claim.fields}
    return replace(made, result=json.dumps(result))


def _reward(view: View, command: RedeemPoints, redeemer: Redeemer) -> Reward | None:
    """The reward that is asked for, if the redeemer can have it."""
    if command.reward_id is None:
        return None
    reward = claimed_reward(view, command.reward_id, redeemer)
    if command.points not in (None, reward.points):
        error = FieldError("points", f"the price of this reward is {reward.points}")
        raise InvalidRequestError((error,))
    return reward


def _points(command: RedeemPoints, redeemer: Redeemer, reward: Reward | None) -> int:
    if reward is not None:
        return reward.points
    points = points_asked(redeemer, points=command.points, amount=command.amount)
    if command.kind == "coupon":
        may_have_coupon(redeemer, points)
    return points


def _question(command: RedeemPoints, redemption: Redemption) -> tuple[Write, ...]:
    """What puts it before a second person, where it waits for one."""
    if redemption.approval_id is None:
        return ()
    approval = Approval(
        approval_id=redemption.approval_id,
        kind="redemption",
        member_id=redemption.member_id,
        points=redemption.points,
        requested_by=command.request.caller,
        subject=redemption.redemption_id,
        created_at=redemption.created_at,
        expires_at=redemption.expires_at,
    )
    return asked(approval)


def _note(
    command: RedeemPoints, member_id: MemberId, id_: RedemptionId, salt: str
) -> tuple[Write, ...]:
    if command.note is None:
        return ()
    return (Put(item=Note(member_id=member_id, id=id_, text=command.note, salt=salt)),)


def _note_hash(note: str | None, salt: str) -> str | None:
    return None if note is None else hashlib.sha256(f"{salt}{note}".encode()).hexdigest()


# --- What comes after -----------------------------------------------------------------------


def _decided(redemption: Redemption, step: Step, *, approved: bool) -> Stepped:
    """What a second person's decision makes of it."""
    if not approved:
        return Stepped(
            posting=release(step, reason="rejected"),
            redemption=replace(redemption, status="rejected"),
        )
    if not redemption.holds:
        return captured(redemption, step, None)
    expires_at = _ends_at("reserved", step.now, step.program)
    assert expires_at is not None
    return Stepped(
        posting=prolong(step, expires_at=expires_at, reason="approved"),
        redemption=replace(redemption, status="reserved", expires_at=expires_at),
    )


def _handed_back(
    view: View, before: Redemption, after: Redemption, step: Step
) -> tuple[Write, ...]:
    """What a reversal does to the reward or coupon that was had for the points.

    Raises:
        CouponNotUsableError: the coupon is not active any more.
        InvalidRequestError: a part of a coupon.
    """
    if after.reversed == before.reversed:
        return ()
    is_whole = after.status == "reversed"
    if before.coupon is not None and not is_whole:
        error = FieldError("points", "a coupon is given back as a whole")
        raise InvalidRequestError((error,))
    today = local_day(step.now, step.program.zone)
    stock = given_back_stock(view, before.reward_id) if is_whole else ()
    return (*cancelled_coupon(view, before, today), *stock)


def _given_up(view: View, redemption: Redemption) -> tuple[Write, ...]:
    """Takes a redemption off the list of what waits, where it waited for a second person."""
    if redemption.status != "awaiting_approval" or redemption.approval_id is None:
        return ()
    approval = view.approval(redemption.approval_id)
    return withdrawn(approval) if approval is not None else ()
