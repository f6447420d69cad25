"""Recording an action that a client reports, and answering what came of it.

An action is recorded as every fact is (recording.py), under its natural key: its name and id. So a
report that comes again, with whatever key, finds the earning that is there. Where two reports of
one action differ, the earliest time counts, and the answer says who has it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import NOTHING_POSTED, Earning, Posted
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    BrokenInvariantError,
    FieldError,
    InvalidRequestError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.fact import ActionPerformed, Earner
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.maturation import Target, target
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.ports import Append, Save, Write
from points_ledger.service.programs import Programs
from points_ledger.service.recorded import Recorded
from points_ledger.service.recording import MAX_FACT_LEAD, Recording

SOURCE: Final = "api"
"""The source of actions that come by request; those of webhooks have the source's own name."""
MEMBER_SOURCE: Final = "member"
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before this nobody performed anything: time zones and periods need some room."""
_CLOSED_FOR_GOOD: Final = ("closed", "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformAction(Command):
    """Report an action of a member; without `occurred_at` it has happened now."""

    member_id: MemberId
    action: str
    action_id: str
    occurred_at: datetime | None = None
    linked_purchase: EarningKey | None = None
    linked_also: EarningKey | None = None

    @property
    def key(self) -> EarningKey:
        """The permanent natural key of the action."""
        return action_key(self.action, self.action_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """The answer; `created` tells a new action from one that was known."""

    result: Mapping[str, object]
    created: bool
    replayed: bool = False


def action_key(action: str, action_id: str) -> EarningKey:
    """The natural key of an action that comes by request.

    Raises:
        ValueError: the two are too long together, or no ids.
    """
    return EarningKey(source=SOURCE, kind="action", id=f"{action}:{action_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Records actions."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    recording: Recording

    def perform(self, command: PerformAction) -> Performed:
        """Record an action once, whoever reports it and however often.

        Raises:
            NotFoundError: there is no such member.
            MemberInactiveError: the account is closed or erased.
            InvalidRequestError: it lies in the future, or before all time.
            LimitReachedByFactError: too many actions are linked to the purchase.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        self._check_time(command)
        done = self.path.run(lambda view: self._decide(view, command))
        self.recording.follow(done.follow_ups, now=self.clock(), actor=command.actor)
        return done.performed

    def _check_time(self, command: PerformAction) -> None:
        at = command.occurred_at
        if at is not None and not EARLIEST <= at <= self.clock() + MAX_FACT_LEAD:
            message = "is more than 24 hours ahead" if at > EARLIEST else "is too long ago"
            raise InvalidRequestError((FieldError("occurred_at", message),))

    def _decide(self, view: View, command: PerformAction) -> Decision["_Done"]:
        view.load(command.request, command.key)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            repeated = Performed(result=first["answer"], created=first["created"], replayed=True)
            return Decision(result=_Done(performed=repeated))
        head = view.resolved_head(command.member_id)
        if head is None:
            raise NotFoundError("member", command.member_id)
        if head.state.standing.status in _CLOSED_FOR_GOOD:
            raise MemberInactiveError(head.state.standing.status)
        is_known = view.earning(command.key) is not None
        decision = self.recording.decide(view, self._fact(command, head), command.actor)
        answer = self._answer(view, command, decision)
        performed = Performed(result=answer, created=not is_known)
        done = _Done(performed=performed, follow_ups=decision.result.follow_ups)
        if not decision.writes:
            return Decision(result=done)
        kept = command.kept({"answer": answer, "created": performed.created})
        return Decision(result=done, writes=(*decision.writes, kept))

    def _fact(self, command: PerformAction, head: Entry) -> ActionPerformed:
        """The fact; without a time it happened when it is first recorded.

        The key is the action's own, so a repetition without a time is later and changes nothing.
        """
        named = ExternalId(source=MEMBER_SOURCE, id=head.member_id)
        return ActionPerformed(
            key=command.key,
            action=command.action,
            earner=Earner(external_id=named, member_id=head.member_id),
            at=command.occurred_at or latest(self.clock(), [head]),
            linked_purchase=command.linked_purchase,
            linked_also=command.linked_also,
        )

    def _answer(
        self, view: View, command: PerformAction, decision: Decision[Recorded]
    ) -> dict[str, object]:
        """What the action is worth and to whom, after the decision."""
        earning = _written(decision.writes, command.key) or view.earning(command.key)
        if earning is None or earning.earner_id is None or earning.program_version is None:
            raise BrokenInvariantError(f"{command.key} belongs to nobody")
        head = view.resolved_head(earning.earner_id)
        if head is None:
            raise BrokenInvariantError(f"member {earning.earner_id} has an earning and no entry")
        head = _newest(decision.writes, head)
        now = latest(self.clock(), [head])
        found = target(earning, program=self.programs.version(earning.program_version), now=now)
        parts = [earning.posted.get(id_, NOTHING_POSTED) for id_ in _ids(head)]
        state = head.state
        return {
            "earning_id": str(command.key),
            "member_id": head.member_id,
            "action": command.action,
            "action_id": command.action_id,
            "points": sum(part.earned for part in parts),
            "pending": sum(part.pending for part in parts),
            **_waiting(parts, found),
            "balance": {
                "available": state.available,
                "pending": state.pending,
                "reserved": state.reserved,
                "debt": state.debt,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What is answered, and what has to be looked at once it is committed."""

    performed: Performed
    follow_ups: tuple[EarningKey, ...] = ()


def _waiting(parts: list[Posted], found: Target) -> dict[str, object]:
    """How far the points have come: `none` where it earned nothing."""
    pending, earned = any(part.pending for part in parts), any(part.earned for part in parts)
    matures_at = found.matures_at if pending else None
    return {
        "status": "pending" if pending else "available" if earned else "none",
        "waiting_for": [wait.waiting_for for wait in found.waits] if pending else [],
        "matures_at": format_instant(matures_at) if matures_at else None,
    }


def _ids(head: Entry) -> tuple[MemberId, ...]:
    return (head.member_id, *head.state.standing.aliases)


def _written(writes: tuple[Write, ...], key: EarningKey) -> Earning | None:
    """The earning as the writes will store it."""
    for write in writes:
        if isinstance(write, Save) and isinstance(write.item, Earning) and write.item.key == key:
            return write.item
    return None


def _newest(writes: tuple[Write, ...], head: Entry) -> Entry:
    """The member's newest entry once the writes are stored."""
    entries = [write.entry for write in writes if isinstance(write, Append)]
    return max(
        (head, *(each for each in entries if each.member_id == head.member_id)),
        key=lambda entry: entry.number,
    )
