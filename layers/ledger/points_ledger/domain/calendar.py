"""Instants and calendar days: UTC inside, days in the program's time zone.

An instant is an aware datetime in UTC. A day is a `date` in the program's IANA zone.
"""

import calendar as _months
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from points_ledger.domain.dataclass import dataclass

Rounding = Literal["day", "month", "quarter", "year"]

_PERIOD = re.compile(
    r"P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?"
    r"(?:(?P<days>\d{1,5})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?)?"
)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with a zone and bring it to UTC.

    Raises:
        ValueError: not an instant, or one without a zone.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone, for example a trailing Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is out of range") from None


def format_instant(instant: datetime) -> str:
    """Write an instant as ISO 8601 with Z; fractions only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def whole_second(instant: datetime) -> datetime:
    """The instant, or the beginning of the next second: an end that is never sooner than meant."""
    if not instant.microsecond:
        return instant
    return instant.replace(microsecond=0) + timedelta(seconds=1)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in the program's zone."""
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins; where 00:00 does not exist, the first one after it."""
    # zoneinfo maps a 00:00 that a gap leaves out to the first instant after the gap.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def end_of_validity(last_day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a lot expires: 00:00 of the day after its last day."""
    return start_of_day(last_day + timedelta(days=1), zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An ISO 8601 duration: months are calendar months, the rest is exact time."""

    months: int = 0
    days: int = 0
    minutes: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `P24M`, `PT24H`, `P1Y6M`, `P2W`, `P0D` and the like.

        Raises:
            ValueError: not a duration of years, months, weeks, days, hours and minutes.
        """
        match = _PERIOD.fullmatch(text)
        if match is None or text in ("P", "PT") or text.endswith("T"):
            raise ValueError(f"{text!r} is not a duration such as P24M, P14D or PT24H")
        part = {name: int(value or 0) for name, value in match.groupdict().items()}
        return cls(
            months=part["years"] * 12 + part["months"],
            days=part["weeks"] * 7 + part["days"],
            minutes=part["hours"] * 60 + part["minutes"],
        )

    def after_day(self, day: date) -> date:
        """The day this period after `day`; a month end stays a month end that exists."""
        month_index = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(month_index, 12)
        last = _months.monthrange(year, month + 1)[1]
        moved = date(year, month + 1, min(day.day, last))
        return moved + timedelta(days=self.days + self.minutes // 1440)

    def after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The instant this period after `instant`; months are counted in the program's zone."""
        if self.months:
            local = instant.astimezone(zone)
            day = Period(months=self.months).after_day(local.date())
            instant = datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)
        return instant + timedelta(days=self.days, minutes=self.minutes)


def round_up(day: date, rounding: Rounding) -> date:
    """The last day of the day, month, quarter or year that `day` is in."""
    if rounding == "day":
        return day
    month = {"month": day.month, "quarter": (day.month + 2) // 3 * 3, "year": 12}[rounding]
    return date(day.year, month, _months.monthrange(day.year, month)[1])


def day_in(year: int, origin: date) -> date:
    """The day of a year on which something that began on `origin` has its anniversary.

    Of 29 February it is the 28th in a common year.
    """
    is_missing = (origin.month, origin.day) == (2, 29) and not _months.isleap(year)
    return date(year, 2, 28) if is_missing else origin.replace(year=year)
