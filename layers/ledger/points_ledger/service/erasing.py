"""Erasing a person: the account is forfeited, and everything that says who it was is taken away.

Entries, earnings and results of commands hold ids, numbers and codes only, and stay under an id
that means nothing any more. External ids are unlinked, so that the same customer is somebody new
from now on.
"""

from collections.abc import Callable
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.erasure import forfeit
from points_ledger.domain.error import (
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settlement
from points_ledger.service.anniversaries import anniversary_writes
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    PersonalData,
    ProfileKey,
    Remove,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs
from points_ledger.service.standing import GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseMember(Command):
    """Erase a person for good."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who was erased, and how many points were forfeited: less than none where there was debt."""

    member_id: MemberId
    forfeited: int
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """Erases members."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    personal_data: PersonalData

    def erase(self, command: EraseMember) -> Erased:
        """Forfeit the account and take away all personal data.

        Free text has no place in the transaction, of which there may be any amount. It is taken
        away once the rest is, and again by whoever follows the stream, so that a process that
        stops in between leaves nothing; before, a refusal would have taken it from somebody who
        stays.

        Raises:
            NotFoundError: there is no such member.
            MemberInactiveError: the member was merged or erased before.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        erased, ids = self.path.run(lambda view: self._decide(view, command))
        for member_id in ids:
            self.personal_data.erase_notes(member_id)
        return erased

    def _decide(
        self, view: View, command: EraseMember
    ) -> Decision[tuple[Erased, tuple[MemberId, ...]]]:
        head = view.head(command.member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            member_id = MemberId(first["member_id"])
            repeated = Erased(member_id=member_id, forfeited=first["forfeited"], replayed=True)
            return Decision(result=(repeated, _ids(head) if head else ()))
        if head is None:
            raise NotFoundError("member", command.member_id)
        if head.state.standing.status in GONE:
            raise MemberInactiveError(head.state.standing.status)
        now = latest(self.clock(), [head])
        program = self.programs.at(now)
        settling = settlement(head.state, now=now, program=program, actor=command.actor)
        entries = [chain(head, head.member_id, settling, now)] if settling else []
        before = entries[-1] if entries else head
        posting = forfeit(before.state, now=now, program=program, actor=command.actor)
        entries.append(chain(before, head.member_id, posting, now))
        erased = Erased(member_id=head.member_id, forfeited=_forfeited(posting))
        result = {"member_id": erased.member_id, "forfeited": erased.forfeited}
        writes = (
            *posting_writes(entries, [head], program),
            *_removals(view, _ids(head), now=now, program=program),
            command.kept(result),
        )
        return Decision(result=(erased, _ids(head)), writes=writes)


def _ids(head: Entry) -> tuple[MemberId, ...]:
    """The member and everybody who was merged into it."""
    return head.member_id, *head.state.standing.aliases


def _forfeited(posting: Posting) -> int:
    return posting.counters.get("forfeited", 0)


def _removals(
    view: View, ids: tuple[MemberId, ...], *, now: datetime, program: Program
) -> list[Write]:
    """Take away profiles, the places where they are found, and what they are linked to.

    So do the markers of birthdays.

    A profile names every customer that is linked to the member, which its revision guards.
    """
    view.load(*(ProfileKey(member_id=id_) for id_ in ids))
    profiles = [profile for id_ in ids if (profile := view.profile(id_)) is not None]
    customers = dict.fromkeys(each for profile in profiles for each in profile.external_ids)
    removals: list[Write] = [
        write
        for profile in profiles
        for write in (
            *profile_writes(profile, None),
            *anniversary_writes(profile, None, now=now, zone=program.zone),
        )
    ]
    return [*removals, *(Remove(item=customer) for customer in customers)]
