"""Looking at a member's account when something in it falls due.

A look settles what time has ended, with at most one entry; gives the warning that is due, with
another; and sees that each lot it was about will be looked at again: first warning → next warning →
expiry. Which lot and why is in the marker's target. What is due is decided from the account alone,
so that a look that comes late, twice or for nothing does no more than it should.

What a look writes are single puts, which cost half of what a transaction does: the markers first,
then the entries. Each is right without those that follow, so that a look which ends half-way is
simply taken again.
"""

from collections.abc import Collection
from datetime import date, datetime

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.lot import Lots
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import ACTIVE_UNTIL, State
from points_ledger.domain.warning import (
    EXPIRY_LOOK,
    Look,
    LookTarget,
    due_for_notice,
    look_at,
    next_look,
    notice,
    tomorrow_s_look,
)
from points_ledger.service.ledger import (
    Decision,
    View,
    WritePath,
    latest,
    look_marker,
    one_by_one,
    posting_writes,
)
from points_ledger.service.ports import Put, Write
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """Expires lots, warns of it beforehand, and releases reservations that have ended."""

    path: WritePath
    programs: Programs

    def visit(self, target: str, *, now: datetime, actor: str) -> int:
        """Look at what a marker is about; the number of entries, 0 to 2."""
        look = LookTarget.parse(target)
        return self.path.run(lambda view: self._decide(view, look, now, actor))

    def expire(self, member_id: MemberId, *, now: datetime, actor: str) -> int:
        """Look at a member's account for no lot in particular; the number of entries, 0 to 2."""
        look = LookTarget(member_id=member_id)
        return self.path.run(lambda view: self._decide(view, look, now, actor))

    def _decide(self, view: View, look: LookTarget, now: datetime, actor: str) -> Decision[int]:
        head = view.head(look.member_id)
        if head is None:
            return Decision(result=0)
        now = latest(now, [head])
        program = self.programs.at(now)
        today = local_day(now, program.zone)
        entries: list[Entry] = []
        settling = settlement(head.state, now=now, program=program, actor=actor)
        if settling is not None:
            entries.append(chain(head, look.member_id, settling, now))
        state = entries[-1].state if entries else head.state
        due = due_for_notice(state, today=today, program=program)
        warning = notice(state, now=now, program=program, actor=actor)
        if warning is not None:
            entries.append(chain(entries[-1] if entries else head, look.member_id, warning, now))
            state = entries[-1].state
        named = due.keys() if warning is not None else ()
        # A lot that has only just come to be has its marker from what opened it.
        known = state.lots.keys() & head.state.lots.keys()
        again = [
            next_look(state, day, now=now, program=program) for day in sorted(known & {*named})
        ]
        again.append(_missing(look, state, known - {*named}, due, now=now, program=program))
        markers: list[Write] = [
            Put(item=look_marker(look.member_id, each)) for each in again if each is not None
        ]
        writes = one_by_one((*posting_writes(entries, [head], program), *markers))
        if not writes:
            return Decision(result=0)
        return Decision(result=len(entries), before=writes[:-1], writes=writes[-1])


def _missing(
    look: LookTarget,
    state: State,
    days: Collection[date],
    due: Lots,
    *,
    now: datetime,
    program: Program,
) -> Look | None:
    """The further look that nobody has asked for yet; None where there is one, or no need.

    `days` are the lots that this look has not seen to. A warning that was due and given has asked
    for the next look. Nobody has where activity moved the lot to a later day, where the program has
    changed so that this is no day to look any more, or where today has had its warning already.
    """
    if look.day is None:
        return None
    if look.day not in days:
        until = state.counter(ACTIVE_UNTIL)
        moved_to = date.fromordinal(until) if until else look.day
        if look.day in state.lots or moved_to not in days:
            return None
        return next_look(state, moved_to, now=now, program=program)
    if look.day in due:
        return tomorrow_s_look(look.day, now, program)
    is_known = look.days_before in (*program.expiry.warn_days_before, EXPIRY_LOOK)
    if is_known and look_at(look.day, look.days_before, program).due_at <= now:
        return None
    return next_look(state, look.day, now=now, program=program)
