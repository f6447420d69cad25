"""Merging two members into one: by staff, or because a source says that two customers are one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.challenge import won_by
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.error import (
    BrokenInvariantError,
    LimitExceededError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_AFTER_MERGE
from points_ledger.domain.merge import Merging as Merge
from points_ledger.domain.merge import (
    check_mergeable,
    closing,
    opening,
    prizes_of_merge,
    repointed,
)
from points_ledger.domain.settling import settled, settlement
from points_ledger.domain.state import State
from points_ledger.service.command import Command
from points_ledger.service.follow_ups import all_of
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import Profile, ProfileKey, Write
from points_ledger.service.prizes import prize
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs
from points_ledger.service.releasing import looks_after_merge


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeMembers(Command):
    """Let `member_id` become part of `into`, for ever."""

    member_id: MemberId
    into: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The answer of a merge, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Merges members."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]

    def merge(self, command: MergeMembers) -> Merged:
        """Merge two members, once per request.

        Raises:
            NotFoundError: one of them is unknown.
            MergeNotPermittedError: see domain/merge.py.
            LimitExceededError: the target would have too many aliases, tags or external ids.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def _decide(self, view: View, command: MergeMembers) -> Decision[Merged]:
        # The source's account comes first: whatever this request did before took its next number.
        source = view.head(command.member_id)
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Merged(result=first, replayed=True))
        if source is None:
            raise NotFoundError("member", command.member_id)
        target = view.resolved_head(command.into)
        if target is None:
            raise NotFoundError("member", command.into)
        writes, state = merge_writes(
            view, source, target, programs=self.programs, clock=self.clock, actor=command.actor
        )
        result = {
            "member_id": target.member_id,
            "merged_member_id": source.member_id,
            "balance": {
                "available": state.available,
                "pending": state.pending,
                "reserved": state.reserved,
                "debt": state.debt,
            },
        }
        return Decision(result=Merged(result=result), writes=(*writes, command.kept(result)))


def merge_writes(
    view: View,
    source: Entry,
    target: Entry,
    *,
    programs: Programs,
    clock: Callable[[], datetime],
    actor: str,
) -> tuple[tuple[Write, ...], State]:
    """The writes that merge two members, by their newest entries, and the target's account after.

    Time is settled on both sides first. A prize that both counts win together is posted by the
    next sweep. Older aliases of the source are pointed to the target, and
    the external ids of its profile pass to the target's.

    Raises:
        MergeNotPermittedError, LimitExceededError: see domain/merge.py.
    """
    aliases = [_alias(view, id_) for id_ in source.state.standing.aliases]
    now = latest(clock(), [source, target, *aliases])
    program = programs.at(now)
    merge = Merge(
        source_id=source.member_id,
        source=settled(source.state, now=now, program=program),
        target_id=target.member_id,
        target=settled(target.state, now=now, program=program),
        program=program,
        now=now,
        actor=actor,
    )
    check_mergeable(merge)

    def entries(head: Entry, posting: Posting) -> tuple[Entry, ...]:
        settling = settlement(head.state, now=now, program=program, actor=actor)
        before = (chain(head, head.member_id, settling, now),) if settling else ()
        last = before[-1] if before else head
        return (*before, chain(last, head.member_id, posting, now))

    opened = entries(target, opening(merge))
    posted = (
        *entries(source, closing(merge)),
        *opened,
        *(
            chain(alias, alias.member_id, repointed(alias.state.standing, merge), now)
            for alias in aliases
        ),
    )
    view.load(*(ProfileKey(member_id=head.member_id) for head in (source, target)))
    profiles = _profiles(view.profile(source.member_id), view.profile(target.member_id), merge)
    writes = (
        *posting_writes(posted, [source, target, *aliases], program),
        *looks_after_merge(source, target, now=now),
    )
    state = opened[-1].state
    together = won_by(prizes_of_merge(merge), state, program)
    won = all_of(prize(view, merge.target_id, each, at=now, now=now) for each in together)
    return (*writes, *profiles, *won.writes), state


def _alias(view: View, member_id: MemberId) -> Entry:
    head = view.head(member_id)
    if head is None:
        raise BrokenInvariantError(f"alias {member_id} has no entry")
    return head


def _profiles(source: Profile | None, target: Profile | None, merge: Merge) -> tuple[Write, ...]:
    """The source's external ids pass to the target's profile, and a wish for no mails.

    Names and addresses stay.
    """
    if source is None or (source.external_ids == () and source.notifications):
        return ()
    own = target.external_ids if target else ()
    united = tuple(dict.fromkeys([*own, *source.external_ids]))
    if len(united) > MAX_EXTERNAL_IDS_AFTER_MERGE:
        raise LimitExceededError("external_ids", MAX_EXTERNAL_IDS_AFTER_MERGE)
    known = target or Profile(member_id=merge.target_id, created_at=merge.now, updated_at=merge.now)
    return (
        *profile_writes(source, replace(source, external_ids=())),
        *profile_writes(
            target,
            replace(
                known,
                external_ids=united,
                notifications=known.notifications and source.notifications,
            ),
        ),
    )
