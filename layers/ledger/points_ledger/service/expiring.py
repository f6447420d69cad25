"""Expiring points: what time has ended of one member's account, at most one entry."""

from dataclasses import dataclass
from datetime import datetime

from points_ledger.domain.entry import chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.settling import settlement
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """Expires lots, and releases reservations that have ended."""

    path: WritePath
    programs: Programs

    def expire(self, member_id: MemberId, *, now: datetime, actor: str) -> int:
        """Settle a member's account; the number of entries, 0 or 1."""
        return self.path.run(lambda view: self._decide(view, member_id, now, actor))

    def _decide(self, view: View, member_id: MemberId, now: datetime, actor: str) -> Decision[int]:
        head = view.head(member_id)
        if head is None:
            return Decision(result=0)
        now = latest(now, [head])
        program = self.programs.at(now)
        posting = settlement(head.state, now=now, program=program, actor=actor)
        if posting is None:
            return Decision(result=0)
        entry = chain(head, member_id, posting, now)
        return Decision(result=1, writes=posting_writes([entry], [head], program.zone))
