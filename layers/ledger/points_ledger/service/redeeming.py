"""Redeeming points: the quote, and the redemption at once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.error import IdempotencyKeyReusedError, NotFoundError
from points_ledger.domain.identity import MemberId, RedemptionId
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import (
    Quote,
    Redeemer,
    RedemptionKind,
    Ticket,
    earned_on,
    points_asked,
    quote,
    redeem,
    value_of,
)
from points_ledger.domain.settling import settled, settlement
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    Create,
    Note,
    Put,
    Redemption,
    RedemptionKey,
    RequestKey,
    Write,
)
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemPoints:
    """Spend points now; exactly one of `points` and `amount` is given."""

    request: RequestKey
    fingerprint: str
    actor: str
    member_id: MemberId
    points: int | None = None
    amount: Decimal | None = None
    kind: RedemptionKind
    ticket: Ticket | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The answer of a redemption, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeeming:
    """Decides redemptions. `salt` makes the salt of a note's hash."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    salt: Callable[[], str]

    def redeem(self, command: RedeemPoints) -> Redeemed:
        """Spend points, once per request.

        Raises:
            Rejection: one of the checks of semantics 4, or an unknown member.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        salt = self.salt()
        return self.path.run(lambda view: self._decide(view, command, salt))

    def quote(self, member_id: MemberId, ticket: Ticket | None) -> tuple[Quote, Program]:
        """The most that the member could redeem now, on a ticket if given, and by which rules.

        Raises:
            NotFoundError: there is no such member.
        """
        redeemer, _ = self._redeemer(View(self.path.store), member_id, ticket)
        return quote(redeemer), redeemer.program

    def _decide(self, view: View, command: RedeemPoints, salt: str) -> Decision[Redeemed]:
        key = RedemptionKey(redemption_id=redemption_id(command.request))
        # The head comes before the ticket's earning: whatever the earning posts meanwhile makes
        # the head's next number taken, so a stale pair can never be committed.
        view.resolved_head(command.member_id)
        view.load(key, *(command.ticket.keys if command.ticket else ()))
        known = view.redemption(key)
        if known is not None:
            if known.fingerprint != command.fingerprint:
                raise IdempotencyKeyReusedError
            return Decision(result=Redeemed(result=json.loads(known.result), replayed=True))
        return self._spent(view, command, key.redemption_id, salt)

    def _spent(
        self, view: View, command: RedeemPoints, id_: RedemptionId, salt: str
    ) -> Decision[Redeemed]:
        redeemer, head = self._redeemer(view, command.member_id, command.ticket)
        program, now = redeemer.program, redeemer.now
        points = points_asked(redeemer, points=command.points, amount=command.amount)
        posting = redeem(
            redeemer,
            points=points,
            redemption_id=id_,
            actor=command.actor,
            note_hash=_note_hash(command.note, salt),
        )
        settling = settlement(head.state, now=now, program=program, actor=command.actor)
        before = (chain(head, head.member_id, settling, now),) if settling else ()
        entry = chain(before[-1] if before else head, head.member_id, posting, now)
        redemption = _redemption(command, entry, points=points, id_=id_, program=program)
        note = (
            (Put(item=Note(member_id=head.member_id, id=id_, text=command.note, salt=salt)),)
            if command.note is not None
            else ()
        )
        writes: tuple[Write, ...] = (
            *posting_writes((*before, entry), [head], program.zone),
            Create(item=redemption),
            *note,
        )
        return Decision(result=Redeemed(result=json.loads(redemption.result)), writes=writes)

    def _redeemer(
        self, view: View, member_id: MemberId, ticket: Ticket | None
    ) -> tuple[Redeemer, Entry]:
        head = view.resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        now = latest(self.clock(), [head])
        view.load(*(ticket.keys if ticket else ()))
        earnings = [view.earning(key) for key in ticket.keys] if ticket else []
        member_ids = frozenset({member_id, head.member_id})
        program = self.programs.at(now)
        redeemer = Redeemer(
            state=settled(head.state, now=now, program=program),
            program=program,
            now=now,
            ticket=ticket,
            earned_on_ticket=sum(earned_on(earning, member_ids) for earning in earnings),
        )
        return redeemer, head


def redemption_id(request: RequestKey) -> RedemptionId:
    """The id of the redemption that a request makes: the same request, the same redemption."""
    content = json.dumps([request.caller, request.key]).encode()
    return RedemptionId(f"rdm_{hashlib.sha256(content).hexdigest()[:24]}")


def _note_hash(note: str | None, salt: str) -> str | None:
    return None if note is None else hashlib.sha256(f"{salt}{note}".encode()).hexdigest()


def _redemption(
    command: RedeemPoints, entry: Entry, *, points: int, id_: RedemptionId, program: Program
) -> Redemption:
    state = entry.state
    amount = format_amount(
        value_of(points, program.point_value, program.currency), program.currency
    )
    result = {
        "redemption_id": id_,
        "status": "completed",
        "member_id": command.member_id,
        "points": points,
        "amount": amount,
        "currency": program.currency,
        "balance": {
            "available": state.available,
            "pending": state.pending,
            "reserved": state.reserved,
            "debt": state.debt,
        },
    }
    return Redemption(
        redemption_id=id_,
        member_id=entry.member_id,
        fingerprint=command.fingerprint,
        points=points,
        amount=amount,
        currency=program.currency,
        kind=command.kind,
        status="completed",
        created_at=entry.recorded_at,
        entry=entry.number,
        ticket=command.ticket.key if command.ticket else None,
        result=json.dumps(result),
    )
