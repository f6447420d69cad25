"""Ending mails by the link that each of them has, without a sign-in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.unsubscribing import member_of
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.ports import GuardHead
from points_ledger.service.profiles import profile_writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribing:
    """Switches the mails of a member off; `key` is what the links are signed with."""

    path: WritePath
    clock: Callable[[], datetime]
    key: Callable[[], str]

    def member(self, token: str) -> MemberId:
        """Whose mails a token ends; nothing is changed.

        Raises:
            NotFoundError: it is no token of ours.
        """
        member_id = member_of(token, self.key()) if token else None
        if member_id is None:
            raise NotFoundError("link", "")
        return member_id

    def unsubscribe(self, token: str) -> MemberId:
        """Switch the mails off; doing it again changes nothing.

        Who was merged meanwhile reads mails as the member who survived. Who was erased gets none.

        Raises:
            NotFoundError: it is no token of ours, or there is no such member.
            ConflictError: see `WritePath.run`.
        """
        member_id = self.member(token)
        return self.path.run(lambda view: self._decide(view, member_id))

    def _decide(self, view: View, member_id: MemberId) -> Decision[MemberId]:
        head = view.resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        profile = view.profile(head.member_id)
        if profile is None or not profile.notifications:
            return Decision(result=head.member_id)
        now = latest(self.clock(), [head])
        after = replace(profile, notifications=False, updated_at=now)
        # Whoever merges or erases the member meanwhile posts an entry.
        guard = GuardHead(member_id=head.member_id, number=head.number)
        return Decision(result=head.member_id, writes=(*profile_writes(profile, after), guard))
