"""How far a member has come with the challenges and streaks of the program in force."""

from collections.abc import Callable
from datetime import date, datetime

from points_ledger.domain.calendar import local_day
from points_ledger.domain.challenge import (
    CHALLENGE,
    WON,
    WON_STREAK,
    challenge_period,
    is_running,
    runs_of,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.periods import period_of, place_of
from points_ledger.domain.program import Challenge, Program, Streak
from points_ledger.domain.state import State
from points_ledger.service.ledger import View, latest
from points_ledger.service.ports import Store
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeProgress:
    """`count` of the challenge's purchases or actions in its current period."""

    challenge: Challenge
    period: str
    is_running: bool
    count: int
    is_won: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakProgress:
    """`count` consecutive periods up to the current or the last one.

    `is_active`: the current period is among them. `last_won` is the last period of the last prize.
    """

    streak: Streak
    period: str
    count: int
    is_active: bool
    last_won: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All challenges and streaks of one member, in the order of the program."""

    challenges: tuple[ChallengeProgress, ...]
    streaks: tuple[StreakProgress, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenges:
    """Shows progress; writes nothing."""

    store: Store
    programs: Programs
    clock: Callable[[], datetime]

    def progress(self, member_id: MemberId) -> Progress:
        """One consistent read of the newest entry, by the program in force.

        Raises:
            NotFoundError: there is no such member.
        """
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        now = latest(self.clock(), [head])
        return progress_of(head.state, program=self.programs.at(now), now=now)


def progress_of(state: State, *, program: Program, now: datetime) -> Progress:
    """The progress that an account shows at an instant."""
    today = local_day(now, program.zone)
    return Progress(
        challenges=tuple(
            _challenge(each, state, program, today, now) for each in program.challenges
        ),
        streaks=tuple(_streak(each, state, today) for each in program.streaks),
    )


def _challenge(
    challenge: Challenge, state: State, program: Program, today: date, now: datetime
) -> ChallengeProgress:
    period = challenge_period(challenge, today)
    name = f"{CHALLENGE}{challenge.id}:{period}"
    return ChallengeProgress(
        challenge=challenge,
        period=period,
        is_running=is_running(challenge, now, program),
        count=state.counter(name),
        is_won=state.counter(f"{WON}{name}") > 0,
    )


def _streak(streak: Streak, state: State, today: date) -> StreakProgress:
    current = place_of(today, streak.every)
    # What was posted ahead of the clock is of a period to come, and counts once that has begun.
    runs = (
        [day for day in run if place_of(day, streak.every) <= current]
        for run in runs_of(streak, state)
    )
    run = next((run for run in runs if run and place_of(run[-1], streak.every) >= current - 1), [])
    used_until = state.counter(f"{WON_STREAK}{streak.id}")
    return StreakProgress(
        streak=streak,
        period=period_of(today, streak.every),
        count=len(run),
        is_active=bool(run) and place_of(run[-1], streak.every) == current,
        last_won=period_of(date.fromordinal(used_until), streak.every) if used_until else None,
    )
