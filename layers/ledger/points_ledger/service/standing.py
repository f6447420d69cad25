"""Changing a member: personal data, what decides about the member, and further external ids."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any, Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.domain.program import Program
from points_ledger.service.anniversaries import anniversary_writes
from points_ledger.service.follow_ups import NO_FOLLOW_UPS, FollowUps
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
from points_ledger.service.recording import Recording
from points_ledger.service.referring import referrer_of_member
from points_ledger.service.releasing import referred

GONE: Final = ("merged", "erased")
"""Members of whom nothing can be changed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMember:
    """Change what is named, and leave the rest.

    Attributes:
        request: the originator's key; may be absent where nothing of the standing is named.
        personal: new values of fields of the profile; None clears a text.
        standing: new values of fields of the standing; `referred_by` can be set once.
        external_ids: linked to the member as well.
    """

    request: RequestKey | None
    fingerprint: str
    actor: str
    member_id: MemberId
    personal: Mapping[str, object] = field(default_factory=dict)
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
    recording: Recording

    def change(self, command: ChangeMember) -> Changed:
        """Make the changes, with one entry where something that decides becomes another.

        Raises:
            NotFoundError: there is no such member.
            MemberInactiveError: the member was merged or erased.
            InvalidRequestError: an external id belongs to somebody else, or the member cannot have
                been brought by whom `referred_by` names.
            LimitExceededError: the member would have too many external ids.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        done, follow_ups = self.path.run(lambda view: self._decide(view, command))
        self.recording.follow(follow_ups, now=self.clock(), actor=command.actor)
        return done

    def _decide(
        self, view: View, command: ChangeMember
    ) -> Decision[tuple[Changed, tuple[EarningKey, ...]]]:
        head = view.head(command.member_id)
        request = (command.request,) if command.request is not None else ()
        view.load(*request, ProfileKey(member_id=command.member_id), *command.external_ids)
        key = command.request
        first = view.first_answer(key, command.fingerprint) if key is not None else None
        if first is not None:
            return Decision(result=(_repeated(first), ()))
        if head is None:
            raise NotFoundError("member", command.member_id)
        if head.state.standing.status in GONE:
            raise MemberInactiveError(head.state.standing.status)
        now = latest(self.clock(), [head])
        command, brought, guards = self._brought(view, head, command, now)
        entry = _entry(head, command, now)
        writes: list[Write] = [*_links(view, head, command, now), *guards, *brought.writes]
        writes += _profile(view, head, command, now, self.programs.at(now))
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
        return Decision(result=(done, brought.keys), writes=tuple(writes))

    def _brought(
        self, view: View, head: Entry, command: ChangeMember, now: datetime
    ) -> tuple[ChangeMember, FollowUps, tuple[GuardHead, ...]]:
        """The command with who the referrer really is, and the referral that comes of it."""
        if "referred_by" not in command.standing:
            return command, NO_FOLLOW_UPS, ()
        named: Any = command.standing["referred_by"]
        referrer = referrer_of_member(view, head, named)
        rest = {name: each for name, each in command.standing.items() if name != "referred_by"}
        if referrer is None:
            return replace(command, standing=rest), NO_FOLLOW_UPS, ()
        changed = replace(command, standing={**rest, "referred_by": referrer.member_id})
        program = self.programs.at(now)
        brought = referred(view, head.member_id, referrer.member_id, program=program, now=now)
        return changed, brought, referrer.guards


def _repeated(first: Mapping[str, Any]) -> Changed:
    return Changed(member_id=MemberId(first["member_id"]), entry=first["entry"], replayed=True)


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


def _profile(
    view: View, head: Entry, command: ChangeMember, now: datetime, program: Program
) -> tuple[Write, ...]:
    before = view.profile(head.member_id)
    known = before or Profile(member_id=head.member_id, created_at=now, updated_at=now)
    ids = tuple(dict.fromkeys([*known.external_ids, *command.external_ids]))
    if len(ids) > max(MAX_EXTERNAL_IDS_PER_MEMBER, len(known.external_ids)):
        raise LimitExceededError("external_ids", MAX_EXTERNAL_IDS_PER_MEMBER)
    named: dict[str, Any] = dict(command.personal)
    after = replace(known, **named, external_ids=ids)
    if after == known:
        return ()
    days = anniversary_writes(known, after, now=now, zone=program.zone)
    return (*profile_writes(before, replace(after, updated_at=now)), *days)
