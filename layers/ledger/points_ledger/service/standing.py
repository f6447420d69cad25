"""Changing a member: personal data, what decides about the member, and further external ids."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    Create,
    ExternalLink,
    GuardHead,
    Profile,
    ProfileKey,
    Request,
    RequestKey,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs

GONE: Final = ("merged", "erased")
"""Members of whom nothing can be changed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMember:
    """Change what is named, and leave the rest.

    Attributes:
        request: the originator's key; may be absent where nothing of the standing is named.
        personal: new values of fields of the profile; None clears one.
        standing: new values of fields of the standing.
        external_ids: linked to the member as well.
    """

    request: RequestKey | None
    fingerprint: str
    actor: str
    member_id: MemberId
    personal: Mapping[str, str | None] = field(default_factory=dict)
    standing: Mapping[str, object] = field(default_factory=dict)
    external_ids: tuple[ExternalId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The member; `entry` is the number of the entry that it took, if it took one."""

    member_id: MemberId
    entry: int | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """Changes members."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]

    def change(self, command: ChangeMember) -> Changed:
        """Make the changes, with one entry where something that decides becomes another.

        Raises:
            NotFoundError: there is no such member.
            MemberInactiveError: the member was merged or erased.
            InvalidRequestError: an external id belongs to somebody else.
            LimitExceededError: the member would have too many external ids.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def _decide(self, view: View, command: ChangeMember) -> Decision[Changed]:
        head = view.head(command.member_id)
        request = (command.request,) if command.request is not None else ()
        view.load(*request, ProfileKey(member_id=command.member_id), *command.external_ids)
        key = command.request
        first = view.first_answer(key, command.fingerprint) if key is not None else None
        if first is not None:
            return _repeated(first)
        if head is None:
            raise NotFoundError("member", command.member_id)
        if head.state.standing.status in GONE:
            raise MemberInactiveError(head.state.standing.status)
        now = latest(self.clock(), [head])
        entry = _entry(head, command, now)
        writes = [*_links(view, head, command, now), *_profile(view, head, command, now)]
        if entry is not None:
            writes += posting_writes([entry], [head], self.programs.at(now))
        elif writes or request:
            # Whoever merges or erases the member meanwhile posts an entry.
            writes.append(GuardHead(member_id=head.member_id, number=head.number))
        done = Changed(member_id=head.member_id, entry=entry.number if entry else None)
        if command.request is not None:
            result = json.dumps({"member_id": done.member_id, "entry": done.entry})
            writes.append(
                Create(
                    item=Request(
                        key=command.request, fingerprint=command.fingerprint, result=result
                    )
                )
            )
        return Decision(result=done, writes=tuple(writes))


def _repeated(first: Mapping[str, Any]) -> Decision[Changed]:
    member_id = MemberId(first["member_id"])
    return Decision(result=Changed(member_id=member_id, entry=first["entry"], replayed=True))


def _entry(head: Entry, command: ChangeMember, now: datetime) -> Entry | None:
    before = head.state.standing
    named: dict[str, Any] = dict(command.standing)
    after = replace(before, **named)
    if after == before:
        return None
    posting = Posting(type="change", at=now, standing=after, actor=command.actor)
    return chain(head, head.member_id, posting, now)


def _links(view: View, head: Entry, command: ChangeMember, now: datetime) -> Iterator[Write]:
    """Link what is not linked yet; another member's customer stays another member's."""
    own = {head.member_id, *head.state.standing.aliases}
    for external_id in command.external_ids:
        link = view.link(external_id)
        if link is not None and link.member_id not in own:
            message = f"{external_id} is linked to another member"
            raise InvalidRequestError((FieldError("external_ids", message),))
        if link is None:
            yield Create(
                item=ExternalLink(external_id=external_id, member_id=head.member_id, linked_at=now)
            )


def _profile(view: View, head: Entry, command: ChangeMember, now: datetime) -> tuple[Write, ...]:
    before = view.profile(head.member_id)
    known = before or Profile(member_id=head.member_id, created_at=now, updated_at=now)
    ids = tuple(dict.fromkeys([*known.external_ids, *command.external_ids]))
    if len(ids) > max(MAX_EXTERNAL_IDS_PER_MEMBER, len(known.external_ids)):
        raise LimitExceededError("external_ids", MAX_EXTERNAL_IDS_PER_MEMBER)
    named: dict[str, Any] = dict(command.personal)
    after = replace(known, **named, external_ids=ids)
    if after == known:
        return ()
    return profile_writes(before, replace(after, updated_at=now))
