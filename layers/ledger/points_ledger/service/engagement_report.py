"""The engagement report: figures of months, cohorts, and the time to the first redemption.

One request reads the figures from the first month asked for up to those of all time, about half
a kilobyte for each month since, whatever the size of the ledger.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.engagement import BUCKET_DAYS, MAX_COHORT_AGE_MONTHS
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.periods import LIFETIME, month_name, month_number, place_of
from points_ledger.service.engagement_totals import FIGURES
from points_ledger.service.programs import Programs
from points_ledger.service.totals import TotalsReader

MAX_MONTHS: Final = 24
DEFAULT_MONTHS: Final = 12
MAX_FIGURES_READ: Final = 600
"""Months since the first one asked for: half a century."""

Counters = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfEngagement:
    """One month.

    Attributes:
        members: enrolled at its end.
        enrolled, left: in it.
        active: of `members`, with at least one purchase or action in it.
        issued, redeemed: points, by when entries were recorded.
        frequent, occasional, inactive: `members` by what they did in it and the two months before.
    """

    month: str
    members: int
    enrolled: int
    left: int
    active: int
    issued: int
    redeemed: int
    frequent: int
    occasional: int

    @property
    def inactive(self) -> int:
        """Members who did nothing in the month and the two before."""
        return self.members - self.frequent - self.occasional


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Who enrolled in a month: how many, and how many were active in the k-th month after it."""

    month: str
    members: int
    active_after: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Members whose first redemption was so many days after enrolment; `to_days` None: or later."""

    from_days: int
    to_days: int | None
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """The whole report.

    Attributes:
        members: enrolled now.
        enrolled: ever.
        issued, redeemed: points of all time.
        redeemers: members who have ever redeemed; `mean_days` until then since enrolment.
    """

    months: tuple[MonthOfEngagement, ...]
    cohorts: tuple[Cohort, ...]
    members: int
    enrolled: int
    issued: int
    redeemed: int
    redeemers: int
    mean_days: Fraction | None
    median: Bucket | None
    buckets: tuple[Bucket, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementReports:
    """Reads the figures of engagement as a report."""

    totals: TotalsReader
    programs: Programs
    clock: Callable[[], datetime]

    def engagement(self, *, first: str | None = None, last: str | None = None) -> Engagement:
        """The report of the months from `first` to `last`: the twelve up to now by default.

        Raises:
            InvalidRequestError: the months are in the wrong order, too many, or not begun.
        """
        now = self.clock()
        current = place_of(local_day(now, self.programs.at(now).zone), "month")
        begin, end = _range(first, last, current)
        page = self.totals.page(
            FIGURES, first=month_name(begin), last=LIFETIME, limit=MAX_FIGURES_READ
        )
        figures = {each: page.counters.get(month_name(each), {}) for each in range(begin, end + 1)}
        lifetime = page.counters.get(LIFETIME, {})
        later = sum(
            _grown(counters)
            for name, counters in page.counters.items()
            if name > month_name(end) and name != LIFETIME
        )
        return Engagement(
            months=_months(figures, _grown(lifetime) - later),
            cohorts=tuple(_cohort(month, each, current) for month, each in figures.items()),
            members=_grown(lifetime),
            enrolled=lifetime.get("enrolled", 0),
            issued=lifetime.get("issued", 0),
            redeemed=lifetime.get("redeemed", 0),
            redeemers=lifetime.get("redeemers", 0),
            mean_days=_mean_days(lifetime),
            median=_median(lifetime),
            buckets=_buckets(lifetime),
            as_of=now,
        )


def _range(first: str | None, last: str | None, current: int) -> tuple[int, int]:
    end = month_number(last) if last is not None else current
    begin = month_number(first) if first is not None else end - DEFAULT_MONTHS + 1
    if end > current:
        raise InvalidRequestError((FieldError("to", "must not be after the current month"),))
    if begin > end:
        raise InvalidRequestError((FieldError("from", "must not be after to"),))
    if end - begin >= MAX_MONTHS:
        raise InvalidRequestError((FieldError("from", f"at most {MAX_MONTHS} months"),))
    return begin, end


def _grown(counters: Counters) -> int:
    """By how many the members grew."""
    return counters.get("enrolled", 0) - counters.get("left", 0)


def _months(figures: Mapping[int, Counters], members: int) -> tuple[MonthOfEngagement, ...]:
    """The months, oldest first; `members` are those at the end of the last."""
    months: list[MonthOfEngagement] = []
    for month, counters in reversed([*figures.items()]):
        months.append(
            MonthOfEngagement(
                month=month_name(month),
                members=members,
                enrolled=counters.get("enrolled", 0),
                left=counters.get("left", 0),
                active=counters.get("active", 0),
                issued=counters.get("issued", 0),
                redeemed=counters.get("redeemed", 0),
                frequent=counters.get("frequent", 0),
                occasional=counters.get("occasional", 0),
            )
        )
        members -= _grown(counters)
    return tuple(reversed(months))


def _cohort(month: int, counters: Counters, current: int) -> Cohort:
    ages = range(min(MAX_COHORT_AGE_MONTHS, current - month) + 1)
    return Cohort(
        month=month_name(month),
        members=counters.get("enrolled", 0),
        active_after=tuple(counters.get(f"active_after_{age}", 0) for age in ages),
    )


def _mean_days(lifetime: Counters) -> Fraction | None:
    redeemers = lifetime.get("redeemers", 0)
    return Fraction(lifetime.get("redeemer_days", 0), redeemers) if redeemers else None


def _buckets(lifetime: Counters) -> tuple[Bucket, ...]:
    begins = (0, *(last + 1 for last in BUCKET_DAYS))
    ends = (*BUCKET_DAYS, None)
    return tuple(
        Bucket(from_days=begin, to_days=end, members=lifetime.get(f"redeemed_within_{number}", 0))
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True))
    )


def _median(lifetime: Counters) -> Bucket | None:
    """The bucket in which the member in the middle is, the lower of two."""
    redeemers = lifetime.get("redeemers", 0)
    passed = 0
    for bucket in _buckets(lifetime):
        passed += bucket.members
        if redeemers and 2 * passed >= redeemers:
            return bucket
    return None
