"""Reports of the ledger, from its totals: what is owed, and what happened month by month.

A report reads totals only, in at most three requests, however many members and entries there are:
one item for each month that the program has run, the days of one month where a day is asked for,
and the budgets of the campaigns in force.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast
from zoneinfo import ZoneInfo

from points_ledger.domain.budget import SHARDS
from points_ledger.domain.calendar import end_of_validity, local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import BrokenInvariantError, FieldError, InvalidRequestError
from points_ledger.domain.movement import (
    FAR_MONTH,
    MOVEMENTS,
    NO_MONTH,
    NOTHING,
    Balances,
    Movement,
)
from points_ledger.domain.program import Program
from points_ledger.service.ledger_totals import (
    ANALYSIS,
    COLUMNS,
    DAYS,
    KINDS,
    LOTS,
    MONTHS,
    RESULTS,
    RULES,
)
from points_ledger.service.ports import Budget, BudgetKey, Store
from points_ledger.service.programs import Programs
from points_ledger.service.totals import TotalsPage, TotalsReader

MAX_MONTHS_PER_REPORT: Final = 24
DEFAULT_MONTHS: Final = 12
MAX_MONTHS_KEPT: Final = 1_200
"""Months of totals that one request reads: a hundred years; about 650 are one page of 1 MB."""
MAX_DAYS: Final = 31
MAX_RESULTS: Final = 3 * MAX_MONTHS_PER_REPORT
MAX_BUDGETS: Final = 25
"""Campaigns with a budget that one report shows: one request for all their shards."""

Counters = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Liability:
    """What is owed in points.

    Attributes:
        as_of: the instant that the answer is for.
        at: the day at whose end it is, where one was asked for.
        closed: whether that day is over, so that the answer will not change any more.
        program: the version in force then, whose value of a point is used.
        balances: of all members together.
        months: available points by the month in which they end, soonest first; `never` and
            `later` come last. Months that are over are left out.
        passed: points of lots that are over and whose expiry is not posted yet.
        breakage: the part that is expected never to be redeemed, 0 to 1.
        counted_through: when the newest change that is counted was stored.
    """

    as_of: datetime
    at: date | None
    closed: bool
    program: Program
    balances: Balances
    months: Mapping[str, int]
    passed: int
    breakage: Decimal
    counted_through: datetime | None

    @property
    def outstanding(self) -> int:
        """Points that somebody may spend: of lots that are not over, and reserved."""
        return sum(self.months.values()) + self.balances.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month: opening + movements = closing, in every column.

    Attributes:
        month: as `2026-11`.
        kinds: what redemptions of each kind took: `points`, and smallest units by currency.
        rules: points that accrued by each rule and campaign, less what was taken back.
        analysis: points that each would have given to what was posted in analysis mode.
    """

    month: str
    opening: Balances
    movements: Mapping[Movement, Balances]
    kinds: Mapping[str, Counters]
    rules: Counters
    analysis: Counters

    @property
    def closing(self) -> Balances:
        """The balances at its end."""
        return sum(self.movements.values(), start=self.opening)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """How much of a campaign's budget is used, in all."""

    campaign_id: str
    budget_points: int
    used_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What happened in some months, one after the other."""

    as_of: datetime
    program: Program
    months: tuple[Month, ...]
    budgets: tuple[BudgetUse, ...]
    counted_through: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Draws reports up; writes nothing."""

    totals: TotalsReader
    store: Store
    programs: Programs
    clock: Callable[[], datetime]

    def liability(self, at: date | None, breakage: Decimal) -> Liability:
        """What is owed now, or what was owed at the end of a day: one request, or two."""
        now = self.clock()
        zone = self.programs.at(now).zone
        as_of = now if at is None else min(now, _end_of(at, zone))
        today = local_day(now, zone)
        pages = [self._months()] if at is None else self._until(at)
        counters = _summed(each for page in pages for each in page.counters.values())
        lots = {
            name.removeprefix(LOTS): points
            for name, points in counters.items()
            if name.startswith(LOTS)
        }
        # What a day to come will bring is not known: its answer is that of now.
        first = min(at or today, today).isoformat()[:7]
        current = {month: points for month, points in lots.items() if month >= first}
        return Liability(
            as_of=as_of,
            at=at,
            closed=at is not None and at < today,
            program=self.programs.at(as_of),
            balances=sum(_movements(counters).values(), start=NOTHING),
            months={month: current[month] for month in sorted(current, key=_soonest_first)},
            passed=sum(lots.values()) - sum(current.values()),
            breakage=breakage,
            counted_through=_newest(pages),
        )

    def activity(self, first: date | None = None, last: date | None = None) -> Activity:
        """The roll-forward of the months from `first` to `last`: at most three requests.

        They are the first days of months; without `last` it is the current month, without `first`
        there are twelve.

        Raises:
            InvalidRequestError: the months are in the wrong order, or too many.
        """
        now = self.clock()
        program = self.programs.at(now)
        names = _months_asked(first, last, local_day(now, program.zone))
        history = self._months(last=names[-1])
        results = self.totals.page(RESULTS, first=names[0], last=names[-1], limit=MAX_RESULTS)
        opening = sum(
            (
                balances
                for month, counters in history.counters.items()
                if month < names[0]
                for balances in _movements(counters).values()
            ),
            start=NOTHING,
        )
        months: list[Month] = []
        for name in names:
            month = Month(
                month=name,
                opening=opening,
                movements=_movements(history.counters.get(name, {})),
                kinds=_by_kind(results.counters.get(name + KINDS, {})),
                rules=results.counters.get(name + RULES, {}),
                analysis=results.counters.get(name + ANALYSIS, {}),
            )
            months.append(month)
            opening = month.closing
        return Activity(
            as_of=now,
            program=program,
            months=tuple(months),
            budgets=self._budgets(program),
            counted_through=_newest([history, results]),
        )

    def _months(self, last: str = "") -> TotalsPage:
        """All months, up to one of them.

        Raises:
            BrokenInvariantError: there are more than one request reads.
        """
        page = self.totals.page(MONTHS, last=last, limit=MAX_MONTHS_KEPT)
        if page.next_place is not None:
            raise BrokenInvariantError("the totals of all months are one page")
        return page

    def _until(self, at: date) -> list[TotalsPage]:
        """The months before a day's, and the days of its month up to it."""
        before = at.replace(day=1) - timedelta(days=1)
        days = self.totals.page(
            DAYS,
            first=at.replace(day=1).isoformat(),
            last=at.isoformat(),
            limit=MAX_DAYS,
        )
        return [self._months(last=before.isoformat()[:7]), days]

    def _budgets(self, program: Program) -> tuple[BudgetUse, ...]:
        """What the shards of the budgets have given: one request, none without a budget."""
        limited = {
            campaign.id: campaign.budget_points
            for campaign in program.campaigns
            if campaign.budget_points is not None
        }
        shown = dict(list(limited.items())[:MAX_BUDGETS])
        keys = [BudgetKey(campaign_id=id_, shard=shard) for id_ in shown for shard in range(SHARDS)]
        found = self.store.get(keys) if keys else {}
        given = {key: cast("Budget", item).given for key, item in found.items()}
        return tuple(
            BudgetUse(
                campaign_id=id_,
                budget_points=points,
                used_points=sum(given.get(key, 0) for key in keys if key.campaign_id == id_),
            )
            for id_, points in shown.items()
        )


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last instant of a day."""
    return end_of_validity(day, zone) - timedelta(microseconds=1)


def _summed(all_: Iterable[Counters]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for counters in all_:
        for name, number in counters.items():
            sums[name] = sums.get(name, 0) + number
    return {name: number for name, number in sums.items() if number}


def _movements(counters: Counters) -> Mapping[Movement, Balances]:
    """Every movement, in the order in which reports show them."""
    return {
        movement: Balances(
            **{column: counters.get(f"{movement}:{column}", 0) for column in COLUMNS}
        )
        for movement in MOVEMENTS
    }


def _by_kind(counters: Counters) -> Mapping[str, Counters]:
    kinds: dict[str, dict[str, int]] = {}
    for name, number in counters.items():
        kind, _, what = name.partition(":")
        kinds.setdefault(kind, {})[what] = number
    return {kind: kinds[kind] for kind in sorted(kinds)}


def _soonest_first(month: str) -> tuple[bool, bool, str]:
    return (month == NO_MONTH, month == FAR_MONTH, month)


def _months_asked(first: date | None, last: date | None, today: date) -> list[str]:
    end = _number_of(last or today)
    begin = _number_of(first) if first is not None else end - DEFAULT_MONTHS + 1
    if begin > end:
        raise InvalidRequestError((FieldError("to", "must not be before from"),))
    if end - begin >= MAX_MONTHS_PER_REPORT:
        message = f"at most {MAX_MONTHS_PER_REPORT} months"
        raise InvalidRequestError((FieldError("to", message),))
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(begin, end + 1)]


def _number_of(month: date) -> int:
    return 12 * month.year + month.month - 1


def _newest(pages: Iterable[TotalsPage]) -> datetime | None:
    known = [page.counted_through for page in pages if page.counted_through is not None]
    return max(known, default=None)
