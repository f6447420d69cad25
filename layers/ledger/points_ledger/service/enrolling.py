"""Enrolling a member by hand, and the standing and links that come with it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import chain
from points_ledger.domain.error import (
    FieldError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
)
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.state import Standing
from points_ledger.service.ledger import Decision, View, WritePath, posting_writes
from points_ledger.service.ports import (
    Create,
    ExternalLink,
    GuardHead,
    Profile,
    Request,
    RequestKey,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolMember:
    """Open an account. `request` and `fingerprint` identify the command for good."""

    request: RequestKey
    fingerprint: str
    actor: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    standing: Standing
    external_ids: tuple[ExternalId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The member; `created` tells a new one from one whose external id was known."""

    member_id: MemberId
    created: bool
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """Enrols members."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]

    def enrol(self, command: EnrolMember) -> Enrolled:
        """Open an account, once per request and once per external id.

        Raises:
            IdempotencyKeyReusedError: the same key came with another input before.
            InvalidRequestError: the external ids belong to different members.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def _decide(self, view: View, command: EnrolMember) -> Decision[Enrolled]:
        view.load(command.request, *command.external_ids)
        known = view.request(command.request)
        if known is not None:
            if known.fingerprint != command.fingerprint:
                raise IdempotencyKeyReusedError
            first = json.loads(known.result)
            return Decision(
                result=Enrolled(
                    member_id=MemberId(first["member_id"]),
                    created=first.get("created", True),
                    replayed=True,
                )
            )
        owners = {link.member_id for e in command.external_ids if (link := view.link(e))}
        if len(owners) > 1:
            error = FieldError("external_ids", "they belong to different members")
            raise InvalidRequestError((error,))
        if owners:
            return self._linked(view, command, owners.pop())
        return self._opened(command)

    def _linked(self, view: View, command: EnrolMember, member_id: MemberId) -> Decision[Enrolled]:
        """The member who is known by one external id gets the others of the request as well."""
        known = Enrolled(member_id=member_id, created=False)
        missing = tuple(each for each in command.external_ids if view.link(each) is None)
        head, profile = view.resolved_head(member_id), view.profile(member_id)
        if not missing or head is None:
            return Decision(result=known)
        now = self.clock()
        writes: list[Write] = [
            Create(item=ExternalLink(external_id=each, member_id=member_id, linked_at=now))
            for each in missing
        ]
        # Whoever closes or merges the member meanwhile posts an entry.
        writes.append(GuardHead(member_id=head.member_id, number=head.number))
        if profile is not None:
            more = replace(profile, external_ids=(*profile.external_ids, *missing))
            writes += profile_writes(profile, more)
        result = json.dumps({"member_id": member_id, "created": False})
        request = Request(key=command.request, fingerprint=command.fingerprint, result=result)
        return Decision(result=known, writes=(*writes, Create(item=request)))

    def _opened(self, command: EnrolMember) -> Decision[Enrolled]:
        now, member_id = self.clock(), self.new_member_id()
        posting = enrolment(at=now, standing=command.standing, actor=command.actor)
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
        request = Request(
            key=command.request,
            fingerprint=command.fingerprint,
            result=json.dumps({"member_id": member_id}),
        )
        return Decision(
            result=Enrolled(member_id=member_id, created=True),
            writes=(
                *posting_writes([entry], [], self.programs.at(now).zone),
                *links,
                *profile_writes(None, profile),
                Create(item=request),
            ),
        )
