"""Reviewing a member's tier when time may have changed it (semantics 8).

A marker says that a look is due: the window moves on, the grace after a fall is over, or a grant
has ended. What is due is decided from the account and the program in force, so that a look that
comes late, twice, or for nothing does no more than it should. As long as there is something to come
each look asks for the next one; a new version of the program reaches everybody by their next look.
"""

from datetime import datetime
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.tier import ReviewTarget, next_review, review
from points_ledger.service.ledger import (
    Decision,
    View,
    WritePath,
    latest,
    posting_writes,
    review_marker,
)
from points_ledger.service.ports import GuardHead, Put, Write
from points_ledger.service.programs import Programs

GONE: Final = ("merged", "erased")
"""Members who have no tier of their own any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """Raises, notes and lowers tiers as time passes."""

    path: WritePath
    programs: Programs

    def visit(self, target: str, *, now: datetime, actor: str) -> int:
        """Look at what a marker is about; the number of entries, 0 or 1."""
        due = ReviewTarget.parse(target)
        return self.path.run(lambda view: self._decide(view, due, now, actor))

    def _decide(self, view: View, due: ReviewTarget, now: datetime, actor: str) -> Decision[int]:
        head = view.head(due.member_id)
        if head is None or head.state.standing.status in GONE:
            return Decision(result=0)
        now = latest(now, [head])
        program = self.programs.at(now)
        posting = review(head.state, since=due.day, now=now, program=program, actor=actor)
        entries: list[Entry] = []
        if posting is not None:
            entries.append(chain(head, head.member_id, posting, now))
        state = entries[-1].state if entries else head.state
        writes: list[Write] = [*posting_writes(entries, [head], program)]
        next_on = next_review(state, today=local_day(now, program.zone), program=program)
        if next_on is not None:
            again = Put(item=review_marker(head.member_id, next_on, program))
            writes += () if again in writes else (again,)
        if writes and not entries:
            # What has decided that nothing is due may not have changed meanwhile.
            writes.append(GuardHead(member_id=head.member_id, number=head.number))
        return Decision(result=len(entries), writes=tuple(writes))
