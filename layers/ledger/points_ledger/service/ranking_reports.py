"""Reports of who bought most, and who earned and redeemed most: three requests each, however much.

One reads a page of a ranking, one the statistics of those in it (who may have been merged since)
with the sum of the period, one their names.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import MemberId
from points_ledger.domain.leaderboard import Counted, ranked
from points_ledger.domain.periods import LIFETIME
from points_ledger.domain.ranking import Measure
from points_ledger.service.engagement_totals import statistics_key
from points_ledger.service.ports import Store
from points_ledger.service.programs import Programs
from points_ledger.service.rankings import (
    UNKNOWN,
    Person,
    RankingPage,
    RankingReader,
    Row,
    people,
)
from points_ledger.service.sales_totals import (
    By,
    name_at,
    ranking_of_points,
    ranking_of_sales,
    total_of_sales,
)

MAX_RANKED_ROWS: Final = 99
"""With the sum of the period they are the hundred keys of one request."""

TopBy = Literal["earned", "redeemed", "revenue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRow:
    """What one member, or one organisation, bought.

    `name` is None for those without one: customers who are not enrolled, no organisation.
    """

    name: str | None
    person: Person
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesReport:
    """A page of the sales of a period, most revenue first, and the sum of the whole period.

    The sum has all purchases; rows without revenue, because all was given back, are left out.
    """

    period: str
    by: By
    currency: str
    total: Mapping[str, int]
    rows: tuple[SalesRow, ...]
    cursor: str | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TopMember:
    """One place among the top members; `score` is points, or the currency's smallest unit."""

    rank: int
    member_id: MemberId
    person: Person
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopMembers:
    """A page of the members of a period, highest score first.

    `counted` is the last place of the page, from which ranks go on.
    """

    period: str
    by: TopBy
    currency: str
    members: tuple[TopMember, ...]
    counted: Counted
    cursor: str | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingReports:
    """Reads rankings as reports."""

    rankings: RankingReader
    store: Store
    programs: Programs
    clock: Callable[[], datetime]

    def sales(
        self,
        *,
        period: str = LIFETIME,
        by: By,
        currency: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> SalesReport:
        """A page of the revenue of a period; in the program's currency unless one is named.

        Raises:
            ValueError: the cursor is not one of this ranking.
        """
        now = self.clock()
        currency = currency or self.programs.at(now).currency
        page = self.rankings.ranked(
            ranking_of_sales(period, currency, by),
            limit=min(limit, MAX_RANKED_ROWS),
            cursor=cursor,
        )
        rows = [row for row in page.rows if row.score]
        members = list(_members(rows)) if by == "member" else []
        total = total_of_sales(period, currency)
        stored = self.rankings.stored([total, *map(statistics_key, members)])
        known = people(members, stored, self.store)
        return SalesReport(
            period=period,
            by=by,
            currency=currency,
            total=stored[total].counters if total in stored else {},
            rows=tuple(_sales_row(row, known) for row in rows),
            cursor=page.cursor,
            as_of=now,
        )

    def top_members(
        self,
        *,
        period: str = LIFETIME,
        by: TopBy,
        limit: int,
        after: Counted,
        cursor: str | None = None,
    ) -> TopMembers:
        """A page of the top members of a period; `after` is what the page before ended with.

        Raises:
            ValueError: the cursor is not one of this ranking.
        """
        now = self.clock()
        currency = self.programs.at(now).currency
        partition = _partition(by, period, currency)
        page = self.rankings.ranked(partition, limit=min(limit, MAX_RANKED_ROWS), cursor=cursor)
        places = tuple(ranked(_scores(page), after))
        members = [place.member_id for place in places]
        stored = self.rankings.stored(list(map(statistics_key, members))) if members else {}
        known = people(members, stored, self.store)
        last = places[-1] if places else None
        return TopMembers(
            period=period,
            by=by,
            currency=currency,
            members=tuple(
                TopMember(
                    rank=place.rank,
                    member_id=place.member_id,
                    person=known[place.member_id],
                    score=place.score,
                )
                for place in places
            ),
            counted=Counted(
                places=after.places + len(places),
                rank=last.rank if last else after.rank,
                score=last.score if last else after.score,
            ),
            cursor=page.cursor if not _is_at_nothing(page) else None,
            as_of=now,
        )


def _partition(by: TopBy, period: str, currency: str) -> tuple[str, ...]:
    if by == "revenue":
        return ranking_of_sales(period, currency, "member")
    measure: Measure = by
    return ranking_of_points(measure, period)


def _members(rows: Iterable[Row]) -> Iterable[MemberId]:
    for row in rows:
        name = name_at(row.place)
        if name is not None:
            yield MemberId(name)


def _scores(page: RankingPage) -> Iterable[tuple[int, MemberId]]:
    """Members with more than nothing; those of one score by their id."""
    found = [
        (-row.score, name)
        for row in page.rows
        if row.score > 0 and (name := name_at(row.place)) is not None
    ]
    return ((-score, MemberId(name)) for score, name in sorted(found))


def _is_at_nothing(page: RankingPage) -> bool:
    """Whether all who follow have nothing."""
    return bool(page.rows) and page.rows[-1].score <= 0


def _sales_row(row: Row, known: Mapping[MemberId, Person]) -> SalesRow:
    name = name_at(row.place)
    person = known.get(MemberId(name), UNKNOWN) if name is not None else UNKNOWN
    return SalesRow(name=name, person=person, counters=row.counters)
