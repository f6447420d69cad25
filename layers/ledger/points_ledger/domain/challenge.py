"""Challenges, streaks and leaderboards: what a purchase or action counts for, and what it wins.

Whatever counts is a counter on its earner's account, held by the earning as caps are, so that a
refund, a void or another earner gives it back and a merge adds it up:

    challenge:<id>:<period>      purchases (or actions) that count in a challenge
    won:challenge:<id>:<period>  above 0 once the prize was won
    streak:<id>:<period>         the same for a streak, per day, week or month
    won:streak:<id>              the last day of the last period that a prize used up, as a number
    board:<id>:<period>          the score on a leaderboard

It counts for the earner alone, in the period of the program's zone in which it was posted, by the
pinned version and what the earner was then. A prize is won by the entry that completes it and is
never taken back; the prize itself is an action of the ledger's own (service/prizes.py).

Counters of periods that are over go with the next entry that counts, so there are never more of
them than the program's challenges need; what comes later than that no longer counts.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from points_ledger.domain.calendar import local_day, start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning, Pin
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId
from points_ledger.domain.periods import days_after, last_day_of, period_of, place_of
from points_ledger.domain.program import Challenge, Leaderboard, Match, Program, Streak
from points_ledger.domain.purchase import remaining, standing_refunds
from points_ledger.domain.rules import categorised, matching_lines, member_matches
from points_ledger.domain.state import NO_COUNTERS, Counters, State, summed

CHALLENGE: Final = "challenge:"
STREAK: Final = "streak:"
BOARD: Final = "board:"
WON: Final = "won:"
WON_CHALLENGE: Final = f"{WON}{CHALLENGE}"
WON_STREAK: Final = f"{WON}{STREAK}"
FAMILIES: Final = (CHALLENGE, STREAK, BOARD, WON)

LATE_DAYS: Final = 7
"""How long after the end of its period a purchase may come and still count in a challenge, and how
long after its freeze a score stays with the member."""
UNKNOWN_KEPT_DAYS: Final = 400
"""How long counters stay of which the program at hand knows nothing: longer than any freeze."""

Counted = Challenge | Streak | Leaderboard
Over = Callable[[str, State], bool]
"""Whether a counter of an account is of a period in which nothing counts any more."""


# --- What something counts for --------------------------------------------------------------


def counted_in(earning: Earning, *, program: Program, pin: Pin) -> tuple[str, ...]:
    """The challenges, streaks and leaderboards that an earning counts in, by their ids.

    A purchase counts while lines that match remain and come to more than nothing, whether or not
    it earns points. Leaderboards are about purchases only. What the ledger does by itself counts
    for nothing, so no prize ever leads to another.
    """
    parts = _parts(program)
    if not parts or not pin.earns or earning.voided_at or earning.posted_at is None:
        return ()
    if earning.key.source == LEDGER_SOURCE:
        return ()
    counts = (
        _action_counts(earning, pin) if earning.action else _purchase_counts(earning, program, pin)
    )
    posted_at = earning.posted_at
    return tuple(part.id for part in parts if is_running(part, posted_at, program) and counts(part))


def _parts(program: Program) -> tuple[Counted, ...]:
    return (*program.challenges, *program.streaks, *program.leaderboards)


def _action_counts(earning: Earning, pin: Pin) -> Callable[[Counted], bool]:
    assert earning.action is not None
    name = earning.action.name

    def counts(part: Counted) -> bool:
        return (
            not isinstance(part, Leaderboard)
            and (part.on, part.action) == ("action", name)
            and member_matches(part.match, pin, own_order=True)
        )

    return counts


def _purchase_counts(earning: Earning, program: Program, pin: Pin) -> Callable[[Counted], bool]:
    snapshot = earning.snapshot
    if snapshot is None or snapshot.currency != program.currency:
        return lambda _part: False
    rest = remaining(
        snapshot,
        standing_refunds(earning),
        points_paid_part_earns=program.redemption.points_paid_part_earns,
    )
    lines = [categorised(line, program.item_categories) for line in rest.lines]
    own_order = snapshot.own_order

    def amount(match: Match) -> Fraction:
        return sum((line.amount for line in matching_lines(match, lines)), Fraction(0))

    def counts(part: Counted) -> bool:
        return (
            (isinstance(part, Leaderboard) or part.on == "purchase")
            and member_matches(part.match, pin, own_order=own_order)
            and amount(part.match) > 0
        )

    return counts


def is_running(part: Counted, at: datetime, program: Program) -> bool:
    """Whether a challenge with a window is in it; like a campaign, by wall-clock times."""
    if not isinstance(part, Challenge) or part.begins is None or part.ends is None:
        return True
    begins, ends = (each.replace(tzinfo=program.zone) for each in (part.begins, part.ends))
    return begins.timestamp() <= at.timestamp() < ends.timestamp()


def counters_of(
    counted: tuple[str, ...], *, points: int, program: Program, posted_at: datetime
) -> Counters:
    """What an earning holds of each counter, by the ids of what it counts in.

    Raises:
        ValueError: the program has no such challenge, streak or leaderboard, or not in this order.
    """
    if not counted:
        return NO_COUNTERS
    day = local_day(posted_at, program.zone)
    parts = {part.id: part for part in _parts(program)}
    unknown = [id_ for id_ in counted if id_ not in parts]
    if unknown:
        raise ValueError(f"version {program.version} has no {', '.join(unknown)}")
    if [id_ for id_ in parts if id_ in counted] != list(counted):
        raise ValueError("counts are each named once, in the order of the program")
    held = (_counter(parts[id_], day, points) for id_ in counted)
    return {name: value for name, value in held if value}


def _counter(part: Counted, day: date, points: int) -> tuple[str, int]:
    match part:
        case Challenge():
            return f"{CHALLENGE}{part.id}:{challenge_period(part, day)}", 1
        case Streak():
            return f"{STREAK}{part.id}:{period_of(day, part.every)}", 1
        case Leaderboard():
            score = points if part.by == "points" else 1
            return f"{BOARD}{part.id}:{period_of(day, part.per)}", score


def challenge_period(challenge: Challenge, day: date) -> str:
    """The name of a challenge's period that a day is in; a window is named by when it begins."""
    if challenge.per == "window":
        assert challenge.begins is not None
        return f"{challenge.begins.isoformat(timespec='minutes').replace(':', '')}"
    return period_of(day, challenge.per)


# --- What an account makes of it ------------------------------------------------------------


def tallied(
    change: Counters, state: State, *, program: Program, in_force: Program, now: datetime
) -> Counters:
    """A change of counters as the account takes it: with what it wins, without what is over.

    What falls is never more than there is, and nothing counts in a period that is over. A counter
    that was asked to fall and cannot stays in the change with 0, so that there is an entry.
    """
    if not any(name.startswith(FAMILIES) for name in change):
        return change
    over = over_by(program, in_force, now=now)
    taken = {
        name: max(value, -state.counter(name)) if name.startswith(FAMILIES) else value
        for name, value in change.items()
        if not over(name, state)
    }
    taken |= prizes(state, taken, program=program, over=over)
    after = State(counters={**state.counters, **summed(state.counters, taken)})
    return {**taken, **_dropped(after, state, taken, over)}


def _dropped(after: State, before: State, taken: Counters, over: Over) -> Counters:
    """The change that drops what is over, also by the prize that was just won."""
    return {
        name: -before.counter(name)
        for name in {**before.counters, **taken}
        if name.startswith(FAMILIES) and over(name, after)
    }


def prizes(state: State, change: Counters, *, program: Program, over: Over) -> Counters:
    """The counters that say which prizes a change of other counters wins.

    A challenge is won when its count is reached, once per period. A streak is won by the earliest
    periods in a row that no prize has used up yet; one prize of a streak at a time. Counts of what
    is over win nothing, also while nothing has dropped them yet.
    """

    def counting(counters: Counters) -> Counters:
        return {
            name: value
            for name, value in counters.items()
            if not (name.startswith((CHALLENGE, STREAK)) and over(name, state))
        }

    counted, change = State(counters=counting(state.counters)), counting(change)
    rises = [name for name, value in change.items() if value > 0]
    won = dict(_challenges_won(rises, counted, change, program))
    won |= dict(_streaks_won(rises, counted, change, program))
    return won


def _challenges_won(
    rises: list[str], state: State, change: Counters, program: Program
) -> Iterator[tuple[str, int]]:
    counts = {challenge.id: challenge.count for challenge in program.challenges}
    for name in rises:
        if not name.startswith(CHALLENGE):
            continue
        _, id_, _ = name.split(":", 2)
        flag = f"{WON}{name}"
        if id_ not in counts or state.counter(flag) + change.get(flag, 0):
            continue
        if state.counter(name) + change[name] >= counts[id_]:
            yield flag, 1


def _streaks_won(
    rises: list[str], state: State, change: Counters, program: Program
) -> Iterator[tuple[str, int]]:
    for streak in program.streaks:
        prefix, flag = f"{STREAK}{streak.id}:", f"{WON_STREAK}{streak.id}"
        if not any(name.startswith(prefix) for name in rises):
            continue
        after = State(counters=summed(state.counters, change))
        used_until = after.counter(flag)
        run = next((run for run in runs_of(streak, after) if len(run) >= streak.length), None)
        if run is not None:
            yield flag, run[streak.length - 1].toordinal() - used_until


def runs_of(streak: Streak, state: State) -> list[list[date]]:
    """The active periods of a streak that no prize has used up, in runs, by their last days."""
    prefix = f"{STREAK}{streak.id}:"
    used_until = state.counter(f"{WON_STREAK}{streak.id}")
    days = sorted(
        last
        for name, value in state.counters.items()
        if value > 0
        and name.startswith(prefix)
        and (last := _last_day(name.removeprefix(prefix), streak)) is not None
        and last.toordinal() > used_until
    )
    runs: list[list[date]] = []
    for day in days:
        follows = runs and place_of(day, streak.every) == place_of(runs[-1][-1], streak.every) + 1
        if follows:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _last_day(period: str, streak: Streak) -> date | None:
    """The last day of a streak's period; None for one of a version that counted otherwise."""
    last = last_day_of(period)
    return last if last is not None and period_of(last, streak.every) == period else None


# --- What is over ---------------------------------------------------------------------------


def over_by(*programs: Program, now: datetime) -> Over:
    """Whether a counter is over by each of these versions.

    A refund of what an earlier version counted must not drop what a later one, which runs for
    longer, still counts.
    """
    days = {each.version: (each, local_day(now, each.zone)) for each in programs}

    def over(name: str, state: State) -> bool:
        return all(
            is_over(name, state, program=program, today=today) for program, today in days.values()
        )

    return over


def is_over(name: str, state: State, *, program: Program, today: date) -> bool:
    """Whether a counter is of a period in which nothing counts any more.

    Challenges end LATE_DAYS after their period. A streak looks back at as many periods as it is
    long and at what comes late, and never behind a prize. Scores stay until their board is frozen.
    """
    kind, _, rest = name.removeprefix(WON).partition(":")
    id_, _, period = rest.partition(":")
    if name.startswith(WON_STREAK):
        used_until = state.counter(name)
        streak = _streak(id_, program)
        if used_until < 1 or streak is None:
            return used_until + UNKNOWN_KEPT_DAYS < today.toordinal()
        return place_of(date.fromordinal(used_until), streak.every) < _oldest(streak, today)
    match f"{kind}:":
        case "challenge:":
            return _challenge_is_over(id_, period, program, today)
        case "streak:":
            return _streak_is_over(id_, period, state, program, today)
        case "board:":
            return _board_is_over(id_, period, program, today)
        case _:
            return False


def _challenge_is_over(id_: str, period: str, program: Program, today: date) -> bool:
    last = last_day_of(period)
    if last is not None:
        return days_after(last, LATE_DAYS) < today
    window = next(
        (
            each.ends
            for each in program.challenges
            if each.id == id_ and each.ends and challenge_period(each, today) == period
        ),
        None,
    )
    if window is not None:
        return days_after((window - timedelta(microseconds=1)).date(), LATE_DAYS) < today
    began = _day_of_window(period)
    return began is not None and days_after(began, UNKNOWN_KEPT_DAYS) < today


def _day_of_window(period: str) -> date | None:
    day, separator, _ = period.partition("T")
    return last_day_of(day) if separator else None


def _streak_is_over(id_: str, period: str, state: State, program: Program, today: date) -> bool:
    last = last_day_of(period)
    if last is None:
        return False
    if last.toordinal() <= state.counter(f"{WON_STREAK}{id_}"):
        return True
    streak = _streak(id_, program)
    if streak is None or _last_day(period, streak) is None:
        return days_after(last, UNKNOWN_KEPT_DAYS) < today
    return place_of(last, streak.every) < _oldest(streak, today)


def _streak(id_: str, program: Program) -> Streak | None:
    return next((each for each in program.streaks if each.id == id_), None)


def _oldest(streak: Streak, today: date) -> int:
    """The first period of a streak that may still be part of a prize."""
    late = LATE_DAYS if streak.every == "day" else 1
    return place_of(today, streak.every) - (streak.length - 1) - late


def _board_is_over(id_: str, period: str, program: Program, today: date) -> bool:
    board = next((each for each in program.leaderboards if each.id == id_), None)
    last = last_day_of(period)
    if last is None:
        return False
    if board is None or period_of(last, board.per) != period:
        return days_after(last, UNKNOWN_KEPT_DAYS) < today
    frozen = local_day(freezes_at(board, last, program), program.zone)
    return days_after(frozen, LATE_DAYS) < today


def freezes_at(board: Leaderboard, last_day: date, program: Program) -> datetime:
    """When the ranks of the period that ends with a day become final."""
    ends_at = start_of_day(days_after(last_day, 1), program.zone)
    return board.freeze_after.after(ends_at, program.zone)


# --- What was won ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Won:
    """A prize: of which challenge or streak, and for which period (of a streak: the last)."""

    kind: str
    id: str
    period: str

    @property
    def action(self) -> str:
        """The action that the prize's rule is about."""
        return f"{self.kind}:{self.id}"

    def key(self, member_id: MemberId) -> EarningKey:
        """The permanent natural key of the prize of one member."""
        return EarningKey(
            source=LEDGER_SOURCE,
            kind="action",
            id=f"{self.kind}:{self.id}:{member_id}:{self.period}",
        )


def won_by(change: Counters, state: State, program: Program) -> tuple[Won, ...]:
    """The prizes that a change of counters has won; `state` is the account after it."""
    found: list[Won] = []
    for name, value in change.items():
        if value <= 0 or not name.startswith(WON):
            continue
        kind, id_, *period = name.removeprefix(WON).split(":", 2)
        if name.startswith(WON_CHALLENGE):
            found.append(Won(kind=kind, id=id_, period=period[0]))
        every = next((each.every for each in program.streaks if each.id == id_), None)
        if name.startswith(WON_STREAK) and every is not None:
            last = date.fromordinal(state.counter(name))
            found.append(Won(kind=kind, id=id_, period=period_of(last, every)))
    return tuple(found)


# --- Merges ---------------------------------------------------------------------------------


def merged_prizes(source: Counters, target: State) -> Counters:
    """Until when streaks were used up: not a number that adds up, the later one stays."""
    return {
        name: max(0, value - target.counter(name))
        for name, value in source.items()
        if name.startswith(WON_STREAK)
    }
