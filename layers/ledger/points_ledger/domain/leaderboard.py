"""Leaderboards: what an entry changes of a score, ranks with ties, and where a score is listed.

A score is a counter on the member's account (challenge.py), so the newest entry alone says what it
is: whoever hears of entries late, twice or in other batches ends with the same scores. Members of
the same score share a rank, and the next rank is as much lower: 1, 1, 3.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from points_ledger.domain.calendar import start_of_day
from points_ledger.domain.challenge import BOARD, over_by
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.periods import days_after, last_day_of
from points_ledger.domain.program import Leaderboard, Program

_HIGHEST: Final = 10**15
"""Scores are listed by what they lack to this, so that the highest comes first."""
_BEFORE_THE_END: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one member stands."""

    rank: int
    member_id: MemberId
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How far the places of a board have been counted: the number of them, and the last one."""

    places: int = 0
    rank: int = 0
    score: int | None = None


FROM_THE_TOP: Final = Counted()


def ranked(
    scores: Iterable[tuple[int, MemberId]], after: Counted = FROM_THE_TOP
) -> Iterator[Place]:
    """The places of scores in descending order, `after` those that were counted before."""
    places, rank, last = after.places, after.rank, after.score
    for score, member_id in scores:
        places += 1
        if score != last:
            rank, last = places, score
        yield Place(rank=rank, member_id=member_id, score=score)


def scores_changed(entry: Entry, *programs: Program) -> Iterator[tuple[str, str, int]]:
    """Board, period and score after an entry, for every board whose score it changes.

    What an entry drops because the period is over is no change of a score. `programs` are the
    version of the entry and the one in force then.
    """
    over = over_by(*programs, now=entry.recorded_at)
    for name in entry.posting.counters:
        if name.startswith(BOARD) and not over(name, entry.state):
            _, board_id, period = name.split(":", 2)
            yield board_id, period, entry.state.counter(name)


def board_of(program: Program, board_id: str) -> Leaderboard | None:
    """A leaderboard of a program version."""
    return next((each for each in program.leaderboards if each.id == board_id), None)


def last_moment(last_day: date, program: Program) -> datetime:
    """The last second of the period that ends with a day.

    The version in force then says when the period is frozen and what its prizes are, and they
    happen then.
    """
    return start_of_day(days_after(last_day, 1), program.zone) - _BEFORE_THE_END


def sort_of(score: int) -> str:
    """Where a score is listed: the highest first."""
    return f"{_HIGHEST - score:016d}"


def listed_as(score: int, member_id: MemberId) -> str:
    """What is listed there, so that a page of the list says all that is shown."""
    return f"{score} {member_id}"


def read_listed(text: str) -> tuple[int, MemberId]:
    """The inverse of `listed_as`."""
    score, _, member_id = text.partition(" ")
    return int(score), MemberId(member_id)


def target_of(board_id: str, period: str) -> str:
    """A period of a board, as its marker and its list name it."""
    return f"{board_id}:{period}"


def read_target(target: str) -> tuple[str, str, date]:
    """The inverse of `target_of`, with the last day of the period.

    Raises:
        ValueError: it names no period of the calendar.
    """
    board_id, _, period = target.partition(":")
    last_day = last_day_of(period)
    if last_day is None:
        raise ValueError(f"{target!r} is no period of a leaderboard")
    return board_id, period, last_day
