"""Birthdays and anniversaries of enrolments: their markers, and what is done when a day has come.

A marker is written with the enrolment, and with a birthday that is told later. A visit takes its
own marker away and writes the next year's in the same transaction, so a sweep that runs late, twice
or at the same time as another does no more. Where the program has a rule for the day, the visit
also performs the action (releasing.py), and posts what it earns right after.

Whoever is erased, or was merged into somebody else, has no days any more. The closed have theirs,
earn nothing by them, and go on when the account is opened again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from points_ledger.domain.anniversary import (
    AnniversaryKind,
    AnniversaryTarget,
    anniversary_key,
    target_on,
    upcoming,
)
from points_ledger.domain.calendar import day_in
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import EarningKey
from points_ledger.service.anniversaries import marker_of, moved, origin_of
from points_ledger.service.follow_ups import NO_FOLLOW_UPS, FollowUps
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.ports import GuardHead, ProfileKey, Remove
from points_ledger.service.programs import Programs
from points_ledger.service.recording import Recording
from points_ledger.service.releasing import knows, performed

_GONE: Final = ("merged", "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class Celebrating:
    """Performs the actions of days that come once a year."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    recording: Recording

    def visit(self, kind: AnniversaryKind, target: str, *, now: datetime, actor: str) -> int:
        """Look at what a marker is about; the number of entries posted.

        Raises:
            ValueError: it is no target of a marker of these kinds.
        """
        day = AnniversaryTarget.parse(target)
        keys = self.path.run(lambda view: self._decide(view, kind, day, now))
        return self.recording.follow(keys, now=now, actor=actor)

    def _decide(
        self, view: View, kind: AnniversaryKind, target: AnniversaryTarget, now: datetime
    ) -> Decision[tuple[EarningKey, ...]]:
        member_id, done = target.member_id, Remove(item=marker_of(kind, target))
        head = view.head(member_id)
        if head is None or head.state.standing.status in _GONE:
            return Decision(result=(), writes=(done,))
        now = latest(now, [head])
        program = self.programs.at(now)
        key = anniversary_key(kind, member_id, target.day.year)
        is_celebrated = knows(program, kind) and head.state.standing.status != "closed"
        view.load(ProfileKey(member_id=member_id), *((key,) if is_celebrated else ()))
        origin = origin_of(kind, view.profile(member_id), program.zone)
        # Whoever erases or merges the member meanwhile posts an entry.
        guard = GuardHead(member_id=member_id, number=head.number)
        if origin is None or day_in(target.day.year, origin) != target.day:
            # It is another day now, which has a marker of its own.
            return Decision(result=(), writes=(done, guard))
        here = target_on(member_id, target.day, program.zone)
        if here.due_at > now:
            # The program has another time zone now, in which the day has not begun yet.
            return Decision(result=(), writes=moved(kind, target, here))
        following = upcoming(member_id, origin, now=max(now, self.clock()), zone=program.zone)
        follow_ups = NO_FOLLOW_UPS
        if is_celebrated:
            follow_ups = _performed(view, key, kind, here, now)
        writes = (*moved(kind, target, following), guard, *follow_ups.writes)
        return Decision(result=follow_ups.keys, writes=writes)


def _performed(
    view: View, key: EarningKey, kind: AnniversaryKind, target: AnniversaryTarget, now: datetime
) -> FollowUps:
    return performed(view, key, kind, member_id=target.member_id, at=target.due_at, now=now)
