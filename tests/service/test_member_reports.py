"""Reports of members: requests, however large the ledger is; rows, ranks and pages."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from points_ledger.domain.engagement import Statistics, encode_statistics
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.leaderboard import FROM_THE_TOP
from points_ledger.domain.periods import LIFETIME
from points_ledger.runtime.totals import COUNTING, REMEMBERING
from points_ledger.service.engagement_report import EngagementReports
from points_ledger.service.engagement_totals import FIGURES, figures_key, statistics_key
from points_ledger.service.ports import Item, ItemKey
from points_ledger.service.ranking_reports import MAX_RANKED_ROWS, RankingReports
from points_ledger.service.sales_totals import (
    place_of,
    ranking_of_points,
    ranking_of_sales,
    total_of_sales,
)
from points_ledger.service.totalling import Remembered, Totalling, TotalsKey
from tests.builders import ONE_PER_UNIT, START, paid, posted, program, purchase_key, voided
from tests.followed import Followed
from tests.memory_rankings import MemoryRankings
from tests.memory_totals import MemoryTotals
from tests.service.desk import Desk
from tests.service.office import Office

MONTH = "2026-03"


class CountedProfiles:
    """A store of no profiles that counts what it is asked."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.requests = 0

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        self.requests += 1
        assert len(keys) <= 100
        return self.desk.memory.get(keys)


class Reports:
    """The reports over totals in memory."""

    def __init__(self, totals: MemoryTotals, desk: Desk | None = None) -> None:
        self.desk = desk or Desk(program(ONE_PER_UNIT))
        self.totals = totals
        self.reader = MemoryRankings(totals)
        self.profiles = CountedProfiles(self.desk)
        self.rankings = RankingReports(
            rankings=self.reader,
            store=self.profiles,  # type: ignore[arg-type]  # only profiles are read
            programs=self.desk.programs,
            clock=self.desk.clock,
        )
        self.engagement = EngagementReports(
            totals=totals, programs=self.desk.programs, clock=self.desk.clock
        )

    @property
    def requests(self) -> int:
        return self.reader.requests + self.profiles.requests + self.totals.requests


def synthetic(entries: int) -> MemoryTotals:
    """What so many entries leave: every fifth is a purchase of another member."""
    store = MemoryTotals()
    purchases = entries // 5
    for number in range(purchases):
        member = place_of(f"member-{number}")
        row = {"score": number, "own_revenue": number, "own_purchases": 1}
        for partition in (
            ranking_of_sales(MONTH, "USD", "member"),
            ranking_of_points("earned", LIFETIME),
        ):
            store.counters[TotalsKey(partition=partition, place=member)] = row
    store.counters[total_of_sales(MONTH, "USD")] = {"own_purchases": purchases}
    for year in range(2015, 2027):
        for month in range(1, 13):
            key = figures_key(f"{year}-{month:02d}")
            store.counters[key] = {"enrolled": purchases, "left": 1, "active": purchases // 2}
    store.counters[figures_key(LIFETIME)] = {"enrolled": 144 * purchases, "left": 144}
    return store


@pytest.mark.parametrize("entries", [1_000, 1_000_000])
def test_a_report_is_at_most_three_requests(entries: int) -> None:
    reports = Reports(synthetic(entries))
    sales = reports.rankings.sales(period=MONTH, by="member", limit=100)
    assert (len(sales.rows), reports.requests) == (MAX_RANKED_ROWS, 3)
    assert sales.total == {"own_purchases": entries // 5}
    reports = Reports(reports.totals)
    top = reports.rankings.top_members(by="earned", limit=100, after=FROM_THE_TOP)
    assert (top.members[0].score, reports.requests) == (entries // 5 - 1, 3)
    reports.totals.requests = 0
    reports = Reports(reports.totals)
    engagement = reports.engagement.engagement(first="2024-04", last=MONTH)
    assert (len(engagement.months), reports.requests) == (24, 1)


def test_what_is_not_there_is_empty_and_asks_for_nobody() -> None:
    reports = Reports(MemoryTotals())
    sales = reports.rankings.sales(by="member", limit=50)
    assert (sales.rows, sales.total, sales.cursor) == ((), {}, None)
    top = reports.rankings.top_members(by="revenue", limit=50, after=FROM_THE_TOP)
    assert (top.members, top.cursor) == ((), None)
    engagement = reports.engagement.engagement()
    assert (engagement.members, engagement.mean_days, engagement.median) == (0, None, None)
    assert {month.inactive for month in engagement.months} == {0}


def test_members_at_the_end_of_a_month_are_those_of_all_time_less_what_came_later() -> None:
    store = MemoryTotals()
    for place, enrolled, left in (
        ("2026-01", 5, 0), ("2026-02", 3, 1), ("2026-03", 2, 2), (LIFETIME, 17, 4),
    ):  # fmt: skip
        store.counters[figures_key(place)] = {"enrolled": enrolled, "left": left}
    report = Reports(store).engagement.engagement(first="2026-01", last="2026-02")
    assert [month.members for month in report.months] == [11, 13]
    assert report.members == 13
    now = Reports(store).engagement.engagement(first="2026-03")
    assert [month.members for month in now.months] == [13]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [("2026-02", "2026-01", "from"), ("2024-03", "2026-03", "from"), (None, "2026-04", "to")],
)
def test_a_range_of_months_has_bounds(first: str | None, last: str, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        Reports(MemoryTotals()).engagement.engagement(first=first, last=last)
    assert [error.field for error in refused.value.errors] == [field]


def test_ranks_go_on_behind_equal_scores_and_end_before_nothing() -> None:
    store = MemoryTotals()
    for number, score in enumerate((30, 20, 20, 10, 0, -5)):
        key = TotalsKey(partition=ranking_of_points("earned", MONTH), place=place_of(f"m-{number}"))
        store.counters[key] = {"score": score}
    reports, after, cursor = Reports(store).rankings, FROM_THE_TOP, None
    ranks: list[tuple[int, int]] = []
    for _ in range(6):
        page = reports.top_members(period=MONTH, by="earned", limit=2, after=after, cursor=cursor)
        ranks += [(each.rank, each.score) for each in page.members]
        after, cursor = page.counted, page.cursor
        if cursor is None:
            break
    assert ranks == [(1, 30), (2, 20), (2, 20), (4, 10)]


def test_sales_of_nobody_are_a_row_and_no_top_member() -> None:
    store = MemoryTotals()
    partition = ranking_of_sales(MONTH, "USD", "member")
    for place, score in ((place_of(None), 9), (place_of("none"), 5)):
        counters = {"score": score, "own_revenue": score}
        store.counters[TotalsKey(partition=partition, place=place)] = counters
    reports = Reports(store).rankings
    assert [row.name for row in reports.sales(period=MONTH, by="member", limit=9).rows] == [
        None,
        "none",
    ]
    top = reports.top_members(period=MONTH, by="revenue", limit=9, after=FROM_THE_TOP)
    assert [each.member_id for each in top.members] == ["none"]


def test_who_was_merged_is_shown_under_the_name_of_who_stayed() -> None:
    desk = Desk(program(ONE_PER_UNIT))
    kept = desk.enrol("ada", name="Ada").member_id
    store = MemoryTotals()
    former = MemberId("former")
    store.counters[
        TotalsKey(partition=ranking_of_points("earned", MONTH), place=place_of(former))
    ] = {"score": 3}
    text = encode_statistics(Statistics(alias_of=kept))
    store.texts[statistics_key(former)] = Remembered(text=text, revision=1)
    top = Reports(store, desk).rankings.top_members(
        period=MONTH, by="earned", limit=9, after=FROM_THE_TOP
    )
    [member] = top.members
    assert (member.member_id, member.person.merged_into, member.person.name) == (
        former,
        kept,
        "Ada",
    )


# --- Counting -------------------------------------------------------------------------------


def counted(desk: Desk, followed: Followed) -> MemoryTotals:
    store = MemoryTotals()
    totalling = Totalling(
        store=store, program_at=desk.programs.at, counting=COUNTING, remembering=REMEMBERING
    )
    totalling.count("shard", followed.changes)
    return store


def test_a_purchase_that_changes_its_earner_moves_with_all_that_it_counts_for() -> None:
    desk = Desk(program(ONE_PER_UNIT))
    followed = Followed(desk.memory)
    desk.tell(posted("100.00", customer="ada"))
    desk.tell(posted("80.00", customer="bob", updated_at=START + timedelta(seconds=5)))
    store = counted(desk, followed)
    reports = Reports(store, desk)
    [row] = reports.rankings.sales(period=MONTH, by="member", limit=9).rows
    assert (row.name, row.counters["own_revenue"]) == ("member-2", 8_000)
    [month] = reports.engagement.engagement(first=MONTH).months
    assert (month.members, month.active) == (2, 1)


def test_a_voided_purchase_is_nowhere() -> None:
    desk = Desk(program(ONE_PER_UNIT))
    followed = Followed(desk.memory)
    desk.tell(posted("100.00"), paid("100.00"), voided())
    reports = Reports(counted(desk, followed), desk)
    sales = reports.rankings.sales(period=MONTH, by="organisation", limit=9)
    assert (sales.rows, sales.total) == ((), {})
    [month] = reports.engagement.engagement(first=MONTH).months
    assert (month.active, month.occasional, month.inactive) == (0, 0, 1)


def test_who_left_did_so_when_it_happened_first_and_not_at_all_once_back() -> None:
    office = Office(program(ONE_PER_UNIT))
    followed = Followed(office.memory)
    member_id = office.enrol("ada").member_id
    office.put_standing(member_id, "closed")
    office.wait(START + timedelta(days=40))
    office.put_standing(member_id, "closed")
    reports = Reports(counted(office, followed), office)
    months = reports.engagement.engagement(first=MONTH).months
    assert [(month.left, month.members) for month in months] == [(1, 0), (0, 0)]
    office.put_standing(member_id, "active")
    reports = Reports(counted(office, followed), office)
    months = reports.engagement.engagement(first=MONTH).months
    assert [(month.left, month.members) for month in months] == [(0, 1), (0, 1)]


def test_payments_cost_no_read_of_what_is_remembered() -> None:
    desk = Desk(program(ONE_PER_UNIT, hold="PT24H"))
    followed = Followed(desk.memory)
    desk.tell(posted("100.00"))
    before = len(followed.changes)
    desk.tell(paid("100.00"))
    assert desk.memory.get([purchase_key()])
    changes = followed.changes[before:]
    assert changes
    assert not [name for each in changes for one in REMEMBERING for name in one.names(each)]


def test_figures_sort_before_those_of_all_time() -> None:
    assert figures_key("9998-12").place < LIFETIME
    assert figures_key(MONTH).partition == FIGURES
