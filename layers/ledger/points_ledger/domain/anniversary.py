"""Days that come once a year: birthdays, and the anniversary of an enrolment (product.md, C12).

Each is an action that the ledger performs itself, at 00:00 of the day in the program's zone. Who
was born, or enrolled, on 29 February has the day on 28 February of a common year.

That a day comes is a marker of its own kind, one for each member. Its target says which day it is
and when it falls due, so that a visit sees whether the day is still the member's, and can take the
very marker away: a birthday is personal data, and no marker of it outlives the person's.
"""

from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import (
    day_in,
    format_instant,
    local_day,
    parse_instant,
    start_of_day,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId

AnniversaryKind = Literal["birthday", "anniversary"]
"""Also the name of the action."""

BIRTHDAY: Final[AnniversaryKind] = "birthday"
ANNIVERSARY: Final[AnniversaryKind] = "anniversary"


def anniversary_key(kind: AnniversaryKind, member_id: MemberId, year: int) -> EarningKey:
    """The natural key of one year's day of a member: it comes once, whoever looks how often."""
    return EarningKey(source=LEDGER_SOURCE, kind="action", id=f"{kind}:{member_id}:{year}")


def next_day(origin: date, after: date) -> date | None:
    """The first anniversary of a day later than another; None at the end of all time.

    The day itself is not one of its anniversaries.
    """
    later = max(after, origin)
    years = (year for year in (later.year, later.year + 1) if year <= date.max.year)
    return next((day for year in years if (day := day_in(year, origin)) > later), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnniversaryTarget:
    """What a marker is about: whose day it is, which day, and when it falls due."""

    member_id: MemberId
    day: date
    due_at: datetime

    def __str__(self) -> str:
        """As a marker's target: the member, the day, the instant."""
        return f"{self.member_id} {self.day.isoformat()} {format_instant(self.due_at)}"

    @classmethod
    def parse(cls, text: str) -> "AnniversaryTarget":
        """The inverse of `str`.

        Raises:
            ValueError: it is no such target.
        """
        member_id, day, due_at = text.rsplit(" ", 2)
        return cls(
            member_id=MemberId(member_id),
            day=date.fromisoformat(day),
            due_at=parse_instant(due_at),
        )


def target_on(member_id: MemberId, day: date, zone: ZoneInfo) -> AnniversaryTarget:
    """The target of a day, which falls due when it begins in the program's zone."""
    return AnniversaryTarget(member_id=member_id, day=day, due_at=start_of_day(day, zone))


def upcoming(
    member_id: MemberId, origin: date, *, now: datetime, zone: ZoneInfo
) -> AnniversaryTarget | None:
    """The next day of a member; one that has begun already is not waited for."""
    day = next_day(origin, local_day(now, zone))
    return None if day is None else target_on(member_id, day, zone)


def begun(
    member_id: MemberId, origin: date, *, now: datetime, zone: ZoneInfo
) -> AnniversaryTarget | None:
    """The last day of a member that has begun; nobody may have looked at it yet."""
    today = local_day(now, zone)
    days = (day_in(year, origin) for year in (today.year, today.year - 1) if year > origin.year)
    day = next((day for day in days if day <= today), None)
    return None if day is None else target_on(member_id, day, zone)
