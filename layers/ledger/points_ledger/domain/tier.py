"""Tiers: which one a member's qualifying points reach, hold and lose (semantics 8).

Qualifying points are counted by the month in which a purchase was posted (qualifying.py), as
counters of the state. A window says which months count on a day. An entry that raises them raises
the tier at once; a fall is only noted (`Standing.fell_on`), and `grace_days` later the review
lowers the tier, unless the points have come back. Beside the points a grant gives a tier through
its last day (grant.py). What a program version says of tiers holds for everybody from the moment
that it is in force; who falls by it is found at the next review.

When a review has to look at a member is one day at a time: the next one at which the window moves
on, the grace is over, or a grant has ended.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from points_ledger.domain.calendar import day_in, local_day
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.state import (
    ENROLLED_AT,
    QUALIFYING,
    Counters,
    Grant,
    Standing,
    State,
    changed,
    summed,
)

MONTHS_KEPT_BEYOND_WINDOW: Final = 3
"""Of months that no window needs any more, so many are kept: sweeps may be late."""
REVIEW_REASON: Final = "tier_review"
_MONTHS_PER_YEAR: Final = 12
_FIRST_MONTH: Final = _MONTHS_PER_YEAR
"""January of the year 1."""


# --- Months and windows ---------------------------------------------------------------------


def month_of(day: date) -> int:
    """The number of the month that a day is in, so that months can be counted."""
    return day.year * _MONTHS_PER_YEAR + day.month - 1


def counter_of(month: int) -> str:
    """The counter of a month's qualifying points."""
    year, month_of_year = divmod(month, _MONTHS_PER_YEAR)
    return f"{QUALIFYING}{year:04}-{month_of_year + 1:02}"


def is_qualifying(name: str) -> bool:
    """Whether a counter is one of a month's qualifying points."""
    return name.startswith(QUALIFYING)


def enrolled_on(state: State, program: Program) -> date | None:
    """The day of the enrolment in the program's zone; None where the account does not know it."""
    minutes = state.counter(ENROLLED_AT)
    return local_day(datetime.fromtimestamp(minutes * 60, UTC), program.zone) if minutes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One position of the window: it stands so from `begins` until `ends`, that day not included.

    `first` is the first month whose points count.
    """

    begins: date
    ends: date
    first: int


def span_at(day: date, *, program: Program, enrolled: date | None) -> Span:
    """How the window stands on a day.

    Where the day of the enrolment is not known, the window of an anniversary is that of twelve
    months.
    """
    window = program.tier_window
    if window.kind == "calendar":
        begins, ends = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        return Span(begins=begins, ends=ends, first=month_of(begins))
    if window.kind == "anniversary" and enrolled is not None:
        begins = max(enrolled, _last_anniversary(enrolled, day))
        ends = day_in(begins.year + 1, enrolled)
        return Span(begins=begins, ends=ends, first=month_of(begins))
    months = window.months if window.kind == "rolling" else _MONTHS_PER_YEAR
    begins = day.replace(day=1)
    ends = (begins + timedelta(days=31)).replace(day=1)
    return Span(begins=begins, ends=ends, first=month_of(begins) - months)


def _last_anniversary(enrolled: date, day: date) -> date:
    this_year = day_in(day.year, enrolled)
    return this_year if this_year <= day else day_in(day.year - 1, enrolled)


def qualifying_points(state: State, day: date, *, program: Program) -> int:
    """The qualifying points that count on a day."""
    first = span_at(day, program=program, enrolled=enrolled_on(state, program)).first
    return _sum(state.counters, first, month_of(day))


def _sum(counters: Counters, first: int, last: int) -> int:
    # Names of months sort as the months do.
    begin, end = counter_of(max(first, _FIRST_MONTH)), counter_of(last)
    return sum(n for name, n in counters.items() if is_qualifying(name) and begin <= name <= end)


def _oldest_kept(today: date, program: Program) -> str:
    window = program.tier_window
    needed = window.months if window.kind == "rolling" else 0
    back = max(needed, _MONTHS_PER_YEAR) + MONTHS_KEPT_BEYOND_WINDOW
    return counter_of(max(month_of(today) - back, _FIRST_MONTH))


# --- Which tier -----------------------------------------------------------------------------


def tier_reached(points: int, program: Program) -> str | None:
    """The highest tier that so many qualifying points reach."""
    reached = [tier.id for tier in program.tiers if tier.points <= points]
    return reached[-1] if reached else None


def higher(one: str | None, other: str | None, program: Program) -> str | None:
    """The higher of two tiers, `one` where neither is."""
    if one is None:
        return other
    return other if program.tier_rank(other) > program.tier_rank(one) else one


def held_by_points(standing: Standing) -> str | None:
    """The tier without any grant."""
    return standing.points_tier if standing.grants else standing.tier


def valid_grants(standing: Standing, today: date) -> tuple[Grant, ...]:
    """The grants that have not ended."""
    return tuple(grant for grant in standing.grants if today <= grant.last_day)


def current_tier(standing: Standing, *, today: date, program: Program) -> str | None:
    """The tier that counts today: a grant that has ended does not, though no review came yet."""
    if not standing.grants:
        return standing.tier
    return _lifted(standing.points_tier, valid_grants(standing, today), program)


def standing_with(
    standing: Standing,
    *,
    held: str | None,
    fell_on: date | None,
    grants: Iterable[Grant],
    program: Program,
) -> Standing:
    """The standing with a tier held by points and these grants."""
    given = tuple(sorted(grants))
    return replace(
        standing,
        tier=_lifted(held, given, program),
        points_tier=held if given else None,
        fell_on=fell_on,
        grants=given,
    )


def _lifted(held: str | None, grants: Iterable[Grant], program: Program) -> str | None:
    for grant in grants:
        held = higher(held, grant.tier, program)
    return held


# --- Rising and falling ---------------------------------------------------------------------


def reassessed(state: State, *, today: date, program: Program, falls: bool) -> Standing:
    """The standing by the qualifying points of now: raised, or recovered, but never lowered.

    With `falls`, that the points do not suffice any more is noted as of today.
    """
    standing = state.standing
    held, fell_on = held_by_points(standing), standing.fell_on
    if not (program.tiers or standing.grants):
        return standing
    reached = tier_reached(qualifying_points(state, today, program=program), program)
    if program.tier_rank(reached) > program.tier_rank(held):
        held, fell_on = reached, None
    elif _suffices(held, reached, program):
        fell_on = None
    elif falls:
        fell_on = fell_on or today
    return standing_with(
        standing,
        held=held,
        fell_on=fell_on,
        grants=valid_grants(standing, today),
        program=program,
    )


def reviewed(state: State, *, since: date, today: date, program: Program) -> Standing:
    """The standing after a review: raised, recovered, noted as fallen, or lowered.

    A review that comes late finds what one in time had found: it goes by the day on which the
    window moved on, not earlier than `since`, up to which earlier reviews have looked.
    """
    standing = reassessed(state, today=today, program=program, falls=False)
    held = held_by_points(standing)
    reached = tier_reached(qualifying_points(state, today, program=program), program)
    if _suffices(held, reached, program):
        return standing
    fell_on: date | None = standing.fell_on or _fallen_since(state, held, since, today, program)
    assert fell_on is not None
    over_on = fell_on + timedelta(days=program.tier_window.grace_days)
    if over_on <= today:
        held, fell_on = _lowered(held, reached, over_on, today, program)
    return standing_with(
        standing, held=held, fell_on=fell_on, grants=standing.grants, program=program
    )


def _lowered(
    held: str | None, reached: str | None, over_on: date, today: date, program: Program
) -> tuple[str | None, date | None]:
    """The tier after the grace, and since when the points do not suffice for that one either.

    One review takes one step: the grace of the next one is over tomorrow at the earliest.
    """
    window, rank = program.tier_window, program.tier_rank(held)
    if window.downgrade == "reassess" or rank <= program.tier_rank(reached) + 1:
        return reached, None
    next_lower = program.tiers[rank - 2].id
    tomorrow = today + timedelta(days=1)
    return next_lower, max(over_on, tomorrow - timedelta(days=window.grace_days))


def _suffices(held: str | None, reached: str | None, program: Program) -> bool:
    """Whether the points hold a tier; nothing holds one that the program does not know."""
    rank = program.tier_rank(held)
    return held is None or 0 < rank <= program.tier_rank(reached)


def _fallen_since(
    state: State, held: str | None, since: date, today: date, program: Program
) -> date:
    """The day on which the window moved on and the points that it left did not suffice.

    Today where that was before `since`: then something else has changed.
    """
    enrolled = enrolled_on(state, program)
    fell_on, day = today, today
    for _ in range(len(state.counters) + _MONTHS_PER_YEAR * MONTHS_KEPT_BEYOND_WINDOW):
        span = span_at(day, program=program, enrolled=enrolled)
        if span.begins < since:
            break
        if day != today:
            last = month_of(span.ends - timedelta(days=1))
            reached = tier_reached(_sum(state.counters, span.first, last), program)
            if _suffices(held, reached, program):
                break
        fell_on, day = span.begins, span.begins - timedelta(days=1)
    return fell_on


# --- Postings -------------------------------------------------------------------------------


def with_tiers(
    postings: Iterable[Posting], state: State, *, today: date, program: Program
) -> tuple[Posting, ...]:
    """The postings of an earning with what their qualifying points make of the tier.

    Months that are older than what is kept change nothing; what is there of such months goes. A
    posting that had nothing else to say is left out.
    """
    found: list[Posting] = []
    for posting in postings:
        if any(map(is_qualifying, posting.counters)):
            counted = _counted(posting, state, today, program)
            if counted is None:
                continue
            posting = counted  # noqa: PLW2901 - the same posting, with all that it changes
        found.append(posting)
        state = apply(state, posting)
    return tuple(found)


def _counted(posting: Posting, state: State, today: date, program: Program) -> Posting | None:
    oldest = _oldest_kept(today, program)
    others = {n: v for n, v in posting.counters.items() if not is_qualifying(n)}
    change = {
        # What was dropped as too old is not there to be taken back.
        name: max(points, -state.counter(name))
        for name, points in posting.counters.items()
        if is_qualifying(name) and name >= oldest
    }
    stale = {n: -v for n, v in state.counters.items() if is_qualifying(n) and n < oldest}
    counters = summed(others, change, stale)
    if not (counters or posting.pending or posting.lots or posting.debt):
        return None
    posting = replace(posting, counters=counters)
    after = changed(state, counters=counters)
    falls = sum(change.values()) < 0
    standing = reassessed(after, today=today, program=program, falls=falls)
    return with_standing(posting, state.standing, standing)


def with_standing(posting: Posting, before: Standing, after: Standing) -> Posting:
    """The posting with a new standing, and with what it says of a change of the tier."""
    if after == before:
        return posting
    return replace(
        posting, standing=after, details={**posting.details, **tier_details(before, after)}
    )


def tier_details(before: Standing, after: Standing) -> dict[str, str]:
    """What an entry says where it changes the tier: the new one and the former, "" for none."""
    if before.tier == after.tier:
        return {}
    return {"tier": after.tier or "", "former_tier": before.tier or ""}


def changed_tier(details: Mapping[str, str]) -> tuple[str | None, str | None] | None:
    """The former and the new tier of an entry; None where it has not changed."""
    if "tier" not in details or "former_tier" not in details:
        return None
    return details["former_tier"] or None, details["tier"] or None


# --- Reviews --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTarget:
    """What a marker of the review is about: a member, and the day on which it was due."""

    member_id: MemberId
    day: date

    def __str__(self) -> str:
        """As a marker's target: the member and the day."""
        return f"{self.member_id} {self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> "ReviewTarget":
        """The inverse of `str`.

        Raises:
            ValueError: the text is no such target.
        """
        member_id, _, day = text.rpartition(" ")
        return cls(member_id=MemberId(member_id), day=date.fromisoformat(day))


def next_review(state: State, *, today: date, program: Program) -> date | None:
    """The next day on which time alone may change the tier; None where there is none."""
    standing = state.standing
    days = [grant.last_day + timedelta(days=1) for grant in standing.grants]
    if held_by_points(standing) is not None:
        if standing.fell_on is not None:
            days.append(standing.fell_on + timedelta(days=program.tier_window.grace_days))
        else:
            enrolled = enrolled_on(state, program)
            days.append(span_at(today, program=program, enrolled=enrolled).ends)
    return min(days, default=None)


def review(
    state: State, *, since: date, now: datetime, program: Program, actor: str
) -> Posting | None:
    """The entry that a review makes; None where everything is as it should be."""
    today = local_day(now, program.zone)
    standing = reviewed(state, since=since, today=today, program=program)
    if standing == state.standing:
        return None
    posting = Posting(
        type="change",
        at=now,
        program_version=program.version,
        actor=actor,
        reason=REVIEW_REASON,
        inputs={"since": since.isoformat()},
    )
    return with_standing(posting, state.standing, standing)
