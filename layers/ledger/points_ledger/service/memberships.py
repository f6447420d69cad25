"""Memberships that staff give: a tier of the program for as long as the membership lasts."""

from collections.abc import Callable, Mapping
from datetime import datetime

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import MemberInactiveError, NotFoundError
from points_ledger.domain.grant import MEMBERSHIP_REASON, Granting, granted, staff_source
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Membership, Program
from points_ledger.domain.state import Grant
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMembership(Command):
    """Give a member a membership of the program in force, from today."""

    member_id: MemberId
    membership_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The answer, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memberships:
    """Gives memberships."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]

    def give(self, command: GrantMembership) -> Given:
        """Give a membership, once per request.

        Raises:
            NotFoundError: there is no such member, or no such membership in the program in force.
            MemberInactiveError: the member is not active.
            LimitExceededError: the member has as many grants as one may have.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def _decide(self, view: View, command: GrantMembership) -> Decision[Given]:
        # The account comes first: whatever this request did before took its next number.
        head = view.resolved_head(command.member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Given(result=first, replayed=True))
        if head is None:
            raise NotFoundError("member", command.member_id)
        if head.state.standing.status != "active":
            raise MemberInactiveError(head.state.standing.status)
        now = latest(self.clock(), [head])
        program = self.programs.at(now)
        membership = _offered(program, command.membership_id)
        today = local_day(now, program.zone)
        grant = Grant(
            tier=membership.tier,
            last_day=membership.lasts.after_day(today),
            source=staff_source(membership.id, head.number + 1),
        )
        posting = Posting(
            type="change",
            at=now,
            program_version=program.version,
            actor=command.actor,
            reason=MEMBERSHIP_REASON,
        )
        granting = Granting(state=head.state, today=today, program=program)
        entry = chain(head, head.member_id, granted(posting, grant, granting), now)
        result = _answer(entry, membership, grant)
        return Decision(
            result=Given(result=result),
            writes=(*posting_writes([entry], [head], program), command.kept(result)),
        )


def _offered(program: Program, membership_id: str) -> Membership:
    found = next((each for each in program.memberships if each.id == membership_id), None)
    if found is None:
        raise NotFoundError("membership", membership_id)
    return found


def _answer(entry: Entry, membership: Membership, grant: Grant) -> dict[str, object]:
    return {
        "member_id": entry.member_id,
        "membership_id": membership.id,
        "tier": entry.state.standing.tier,
        "last_day": grant.last_day.isoformat(),
        "entry": entry.number,
    }
