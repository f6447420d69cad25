"""GET /reports/sales, /reports/engagement and /reports/leaderboard: as JSON, or lines of CSV.

Shares are decimal strings of four places, null where there is nothing to take a share of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal, assert_never

from points_ledger.contracts.cursors import ListKind, opened, sealed, unknown_cursor
from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize, read
from points_ledger.contracts.responses import Document
from points_ledger.contracts.spreadsheet import WRITTEN_MONTH, table
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.engagement import MAX_COHORT_AGE_MONTHS
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.leaderboard import FROM_THE_TOP, Counted
from points_ledger.domain.money import clean_currency, format_amount
from points_ledger.domain.periods import LIFETIME, month_number
from points_ledger.domain.sales import amount_of
from points_ledger.service.engagement_report import Bucket, Cohort, Engagement, MonthOfEngagement
from points_ledger.service.ranking_reports import (
    SalesReport,
    SalesRow,
    TopBy,
    TopMember,
    TopMembers,
)
from points_ledger.service.rankings import Person
from points_ledger.service.sales_totals import By

_TOP_MEMBERS: Final[ListKind] = "top_members"
_SHARE: Final = Decimal("0.0001")
_DAYS: Final = Decimal("0.1")
_AGES: Final = range(MAX_COHORT_AGE_MONTHS + 1)
_FIRST_YEAR, _LAST_YEAR = "1900", "9998"


def _month(value: str) -> str:
    month_number(value)
    if not _FIRST_YEAR <= value[:4] <= _LAST_YEAR:
        raise ValueError(f"the year must be {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


def _period(value: str) -> str:
    if value == LIFETIME:
        return value
    try:
        return _month(value)
    except ValueError:
        raise ValueError(f"must be a month such as 2026-11, or {LIFETIME}") from None


Month = Annotated[str, _month, Schema(pattern=WRITTEN_MONTH)]
Period = Annotated[str, _period, Schema(examples=["2026-11", LIFETIME])]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesQuery:
    """GET /reports/sales: all time unless a month is named."""

    month: Month | None = None
    by: By = "member"
    currency: Annotated[str, clean_currency, Schema(pattern="^[A-Za-z]{3}$")] | None = None
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None

    @property
    def period(self) -> str:
        """The month, or all time."""
        return self.month or LIFETIME

    @property
    def owner(self) -> str:
        """What a cursor belongs to."""
        return f"{self.period} {self.by} {self.currency or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopMembersQuery:
    """GET /reports/leaderboard: by points earned in all time unless something else is named."""

    by: TopBy = "earned"
    period: Period = LIFETIME
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None

    @property
    def owner(self) -> str:
        """What a cursor belongs to."""
        return f"{self.by} {self.period}"


EngagementTable = Literal["months", "cohorts", "first_redemption"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementQuery:
    """GET /reports/engagement, its parameters with an underscore behind: `from` is a keyword.

    The twelve months up to now unless others are named. `table` chooses what CSV has; an answer
    in JSON has all three.
    """

    from_: Month | None = None
    to_: Month | None = None
    table_: EngagementTable = "months"


def read_engagement(query: Mapping[str, str]) -> EngagementQuery:
    """Read the parameters.

    Raises:
        InvalidRequestError: with everything that is wrong.
    """
    try:
        return read(EngagementQuery, {f"{name}_": value for name, value in query.items()})
    except InvalidRequestError as error:
        named = (FieldError(each.field.removesuffix("_"), each.message) for each in error.errors)
        raise InvalidRequestError(tuple(named)) from error


# --- Sales ----------------------------------------------------------------------------------

SALES_COLUMNS: Final = (
    "own_revenue",
    "own_purchases",
    "copy_revenue",
    "copy_purchases",
    "revenue",
    "purchases",
    "currency",
)


def sales_document(report: SalesReport, cursor: str | None) -> Document:
    """Revenue as decimals; own orders apart from copies that somebody else ordered."""
    return {
        "period": report.period,
        "by": report.by,
        "currency": report.currency,
        "total": _sales(report.total, report.currency),
        f"{report.by}s": [_sales_row(row, report) for row in report.rows],
        "cursor": cursor,
        "as_of": format_instant(report.as_of),
    }


def sales_csv(report: SalesReport) -> str:
    """A line for each row; the sum of the period is in JSON."""
    names = ("member_id", "merged_into", "name") if report.by == "member" else ("organisation",)
    lines = ({**_named(row, report.by), **_sale_cells(row.counters, report)} for row in report.rows)
    return _table((*names, *SALES_COLUMNS), lines)


def _sales_row(row: SalesRow, report: SalesReport) -> Document:
    return {**_named(row, report.by), **_sales(row.counters, report.currency)}


def _named(row: SalesRow, by: By) -> Document:
    if by == "organisation":
        return {"organisation": row.name}
    return {"member_id": row.name, **_person(row.person)}


def _person(person: Person) -> Document:
    return {"merged_into": person.merged_into, "name": person.name}


def _sales(counters: Mapping[str, int], currency: str) -> Document:
    parts = {part: _part(counters, (part,), currency) for part in ("own", "copy")}
    return {**parts, **_part(counters, ("own", "copy"), currency)}


def _part(counters: Mapping[str, int], parts: tuple[str, ...], currency: str) -> Document:
    revenue = sum(counters.get(f"{part}_revenue", 0) for part in parts)
    return {
        "revenue": format_amount(amount_of(revenue, currency), currency),
        "purchases": sum(counters.get(f"{part}_purchases", 0) for part in parts),
    }


def _sale_cells(counters: Mapping[str, int], report: SalesReport) -> Document:
    shown = _sales(counters, report.currency)
    apart = {
        f"{part}_{name}": value
        for part in ("own", "copy")
        for name, value in _part(counters, (part,), report.currency).items()
    }
    return {**shown, **apart, "currency": report.currency}


# --- Top members ----------------------------------------------------------------------------


def top_members_document(report: TopMembers, cursor: str | None) -> Document:
    """Members by rank; those of one score share it."""
    return {
        "by": report.by,
        "period": report.period,
        "currency": report.currency,
        "members": [_top_member(each, report) for each in report.members],
        "cursor": cursor,
        "as_of": format_instant(report.as_of),
    }


def top_members_csv(report: TopMembers) -> str:
    """A line for each member."""
    measure = "revenue" if report.by == "revenue" else "points"
    columns = ("rank", "member_id", "merged_into", "name", measure)
    return _table(columns, (_top_member(each, report) for each in report.members))


def _top_member(top: TopMember, report: TopMembers) -> Document:
    score: Document = {"points": top.score}
    if report.by == "revenue":
        amount = amount_of(top.score, report.currency)
        score = {"revenue": format_amount(amount, report.currency)}
    return {"rank": top.rank, "member_id": top.member_id, **_person(top.person), **score}


def sealed_rank(query: TopMembersQuery, report: TopMembers) -> str | None:
    """The cursor of the next page, which also says how far ranks were counted."""
    if report.cursor is None:
        return None
    counted = report.counted
    place = json.dumps([counted.places, counted.rank, counted.score, report.cursor])
    return sealed(_TOP_MEMBERS, query.owner, place)


def opened_rank(query: TopMembersQuery) -> tuple[Counted, str | None]:
    """How far ranks were counted, and where the list goes on.

    Raises:
        InvalidRequestError: it is not a cursor of this list.
    """
    place = opened(_TOP_MEMBERS, query.owner, query.cursor)
    if place is None:
        return FROM_THE_TOP, None
    try:
        places, rank, score, cursor = json.loads(place)
    except (TypeError, ValueError) as error:
        raise unknown_cursor() from error
    numbers = (places, rank, 0 if score is None else score)
    if not all(type(each) is int for each in numbers) or not isinstance(cursor, str):
        raise unknown_cursor()
    return Counted(places=places, rank=rank, score=score), cursor


# --- Engagement -----------------------------------------------------------------------------


def engagement_document(report: Engagement) -> Document:
    """Months with segments, cohorts with retention, and the time to the first redemption."""
    return {
        "members": report.members,
        "enrolled": report.enrolled,
        "issued": report.issued,
        "redeemed": report.redeemed,
        "redemption_rate": _share(report.redeemed, report.issued),
        "months": [_month_document(each) for each in report.months],
        "cohorts": [
            {
                "month": cohort.month,
                "members": cohort.members,
                "retention": [
                    {"month": age, "active": active, "share": _share(active, cohort.members)}
                    for age, active in enumerate(cohort.active_after)
                ],
            }
            for cohort in report.cohorts
        ],
        "first_redemption": {
            "members": report.redeemers,
            "mean_days": _rounded(report.mean_days, _DAYS),
            "median_days": _bucket_days(report.median) if report.median else None,
            "buckets": [{**_bucket_days(each), "members": each.members} for each in report.buckets],
        },
        "as_of": format_instant(report.as_of),
    }


def engagement_csv(report: Engagement, name: EngagementTable) -> str:
    """One of the three tables."""
    match name:
        case "months":
            return _table(MONTH_COLUMNS, (_month_cells(each) for each in report.months))
        case "cohorts":
            columns = ("month", "members", *(f"active_after_{age}" for age in _AGES))
            return _table(columns, (_cohort_cells(each) for each in report.cohorts))
        case "first_redemption":
            columns = ("from_days", "to_days", "members")
            lines = ({**_bucket_days(each), "members": each.members} for each in report.buckets)
            return _table(columns, lines)
        case _:
            assert_never(name)


MONTH_COLUMNS: Final = (
    "month",
    "members",
    "enrolled",
    "left",
    "active",
    "participation",
    "issued",
    "redeemed",
    "redemption_rate",
    "frequent",
    "occasional",
    "inactive",
)


def _month_document(month: MonthOfEngagement) -> Document:
    cells = _month_cells(month)
    segments = {name: cells.pop(name) for name in ("frequent", "occasional", "inactive")}
    return {**cells, "segments": segments}


def _month_cells(month: MonthOfEngagement) -> Document:
    return {
        "month": month.month,
        "members": month.members,
        "enrolled": month.enrolled,
        "left": month.left,
        "active": month.active,
        "participation": _share(month.active, month.members),
        "issued": month.issued,
        "redeemed": month.redeemed,
        "redemption_rate": _share(month.redeemed, month.issued),
        "frequent": month.frequent,
        "occasional": month.occasional,
        "inactive": month.inactive,
    }


def _cohort_cells(cohort: Cohort) -> Document:
    retained = {f"active_after_{age}": number for age, number in enumerate(cohort.active_after)}
    return {"month": cohort.month, "members": cohort.members, **retained}


def _bucket_days(bucket: Bucket) -> Document:
    return {"from_days": bucket.from_days, "to_days": bucket.to_days}


def _table(columns: Sequence[str], lines: Iterable[Mapping[str, object]]) -> str:
    return table(columns, ([line.get(name) for name in columns] for line in lines))


def _share(part: int, whole: int) -> str | None:
    return _rounded(Fraction(part, whole) if whole else None, _SHARE)


def _rounded(number: Fraction | None, exponent: Decimal) -> str | None:
    if number is None:
        return None
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{exact.quantize(exponent, rounding=ROUND_HALF_UP):f}"
