"""Enrolling a member by hand, and the standing and links that come with it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.error import (
    BrokenInvariantError,
    FieldError,
    InvalidRequestError,
    LimitExceededError,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.domain.state import Standing
from points_ledger.service.anniversaries import anniversary_writes
from points_ledger.service.command import Command
from points_ledger.service.follow_ups import NO_FOLLOW_UPS
from points_ledger.service.ledger import Decision, View, WritePath, posting_writes
from points_ledger.service.ports import (
    Create,
    ExternalLink,
    GuardHead,
    Profile,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs
from points_ledger.service.recording import Recording
from points_ledger.service.referring import referrer_of_newcomer
from points_ledger.service.releasing import referred


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolMember(Command):
    """Open an account.

    `referred_by` is who has brought the newcomer; a member who is known already was not brought.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    standing: Standing
    external_ids: tuple[ExternalId, ...] = ()
    referred_by: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The member; `created` tells a new one from one whose external id was known."""

    member_id: MemberId
    created: bool
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """Enrols members. A referral that comes of it is posted right after, by `recording`."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]
    recording: Recording

    def enrol(self, command: EnrolMember) -> Enrolled:
        """Open an account, once per request and once per external id.

        Raises:
            IdempotencyKeyReusedError: the same key came with another input before.
            InvalidRequestError: the external ids belong to different members, or nobody can have
                been brought by whom `referred_by` names.
        """
        done = self.path.run(lambda view: self._decide(view, command))
        self.recording.follow(done.follow_ups, now=self.clock(), actor=command.actor)
        return done.enrolled

    def _decide(self, view: View, command: EnrolMember) -> Decision["_Done"]:
        if command.referred_by is not None:
            view.resolved_head(command.referred_by)
        view.load(command.request, *command.external_ids)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            repeated = Enrolled(
                member_id=MemberId(first["member_id"]),
                created=first.get("created", True),
                replayed=True,
            )
            return Decision(result=_Done(enrolled=repeated))
        head = owner_of(view, command.external_ids)
        return self._opened(view, command) if head is None else self._linked(view, command, head)

    def _linked(self, view: View, command: EnrolMember, head: Entry) -> Decision["_Done"]:
        """The member who is known by one external id gets the others of the request as well."""
        known = _Done(enrolled=Enrolled(member_id=head.member_id, created=False))
        links = linking_writes(view, head.member_id, command.external_ids, self.clock())
        if not links:
            return Decision(result=known)
        kept = command.kept({"member_id": head.member_id, "created": False})
        # Whoever closes or merges the member meanwhile posts an entry.
        guard = GuardHead(member_id=head.member_id, number=head.number)
        return Decision(result=known, writes=(*links, guard, kept))

    def _opened(self, view: View, command: EnrolMember) -> Decision["_Done"]:
        now, member_id = self.clock(), self.new_member_id()
        program, standing = self.programs.at(now), command.standing
        brought, guards = NO_FOLLOW_UPS, tuple[GuardHead, ...]()
        if command.referred_by is not None:
            referrer = referrer_of_newcomer(view, command.referred_by)
            guards, standing = referrer.guards, replace(standing, referred_by=referrer.member_id)
            brought = referred(view, member_id, referrer.member_id, program=program, now=now)
        posting = enrolment(at=now, standing=standing, actor=command.actor)
        entry = chain(None, member_id, posting, now)
        profile = Profile(
            member_id=member_id,
            name=command.name,
            email=command.email,
            phone=command.phone,
            birthday=command.birthday,
            external_ids=command.external_ids,
            created_at=now,
            updated_at=now,
        )
        links: tuple[Write, ...] = tuple(
            Create(item=ExternalLink(external_id=external_id, member_id=member_id, linked_at=now))
            for external_id in command.external_ids
        )
        return Decision(
            result=_Done(
                enrolled=Enrolled(member_id=member_id, created=True), follow_ups=brought.keys
            ),
            writes=(
                *posting_writes([entry], [], program),
                *links,
                *profile_writes(None, profile),
                *anniversary_writes(None, profile, now=now, zone=program.zone),
                *guards,
                *brought.writes,
                command.kept({"member_id": member_id}),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What is answered, and the referral to look at once it is committed."""

    enrolled: Enrolled
    follow_ups: tuple[EarningKey, ...] = ()


def owner_of(view: View, external_ids: Iterable[ExternalId]) -> Entry | None:
    """The newest entry of the member that customers are now; None where they are nobody yet.

    Raises:
        InvalidRequestError: they belong to different members.
    """
    links = [link for each in external_ids if (link := view.link(each)) is not None]
    owners: dict[MemberId, Entry] = {}
    for link in links:
        head = view.resolved_head(link.member_id)
        if head is None:
            raise BrokenInvariantError(f"member {link.member_id} is linked and has no entry")
        if head.state.standing.status == "erased":
            # The link was read before the erasure took it away, or it has left it behind.
            raise BrokenInvariantError(f"{link.external_id} is linked to an erased member")
        owners[head.member_id] = head
    if len(owners) > 1:
        error = FieldError("external_ids", "they belong to different members")
        raise InvalidRequestError((error,))
    return next(iter(owners.values()), None)


def linking_writes(
    view: View, member_id: MemberId, external_ids: Iterable[ExternalId], now: datetime
) -> tuple[Write, ...]:
    """The writes that link what is not linked yet to a member, whose profile is the list of it.

    Raises:
        LimitExceededError: the member would have too many external ids.
    """
    missing = tuple(each for each in external_ids if view.link(each) is None)
    if not missing:
        return ()
    before = view.profile(member_id)
    known = before or Profile(member_id=member_id, created_at=now, updated_at=now)
    if len(known.external_ids) + len(missing) > MAX_EXTERNAL_IDS_PER_MEMBER:
        raise LimitExceededError("external_ids", MAX_EXTERNAL_IDS_PER_MEMBER)
    more = replace(known, external_ids=(*known.external_ids, *missing))
    links = (ExternalLink(external_id=e, member_id=member_id, linked_at=now) for e in missing)
    return (*(Create(item=link) for link in links), *profile_writes(before, more))
