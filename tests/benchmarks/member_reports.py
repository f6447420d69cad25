"""What counting a purchase costs, and the reports of members over synthetic totals."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from points_ledger.adapters.dynamodb.rankings import DynamoDbRankings
from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
from points_ledger.domain.engagement import Statistics, encode_statistics
from points_ledger.domain.leaderboard import FROM_THE_TOP
from points_ledger.domain.periods import LIFETIME
from points_ledger.runtime.totals import COUNTING, REMEMBERING
from points_ledger.service.engagement_report import EngagementReports
from points_ledger.service.engagement_totals import figures_key, statistics_key
from points_ledger.service.ranking_reports import MAX_RANKED_ROWS, RankingReports
from points_ledger.service.sales_totals import (
    place_of,
    ranking_of_points,
    ranking_of_sales,
    total_of_sales,
)
from points_ledger.service.totalling import (
    MAX_WRITES_PER_CHUNK,
    Change,
    Chunk,
    Text,
    Totalling,
    TotalsKey,
)
from tests.benchmarks.reference import ACTOR, START, Ledger, invoice

MONTH: Final = "2026-11"
ENTRIES_PER_PURCHASE: Final = 5
MAX_ROWS: Final = 2_000
"""Rows that are really stored of a large ranking: a page reads the first of them."""
YEARS: Final = range(2017, 2027)

Measured = Callable[[], object]


# --- Counting -------------------------------------------------------------------------------


def purchase_counted(ledger: Ledger, purchases: int = 1) -> Measured:
    """New purchases of as many members who have bought before, in one batch of the stream."""
    members = [ledger.member() for _ in range(purchases)]
    ledger.warm()
    totalling = Totalling(
        store=DynamoDbTotals(ledger.client, ledger.table_name),
        program_at=ledger.programs.at,
        counting=COUNTING,
        remembering=REMEMBERING,
    )
    changes: list[list[Change]] = []
    for time in range(2):
        changes.append([])
        for number, (member_id, customer) in enumerate(members):
            posted = invoice(10_000 * time + number, customer, posted_at=START)
            ledger.recording.record(posted, actor=ACTOR)
            entry = ledger.store.head(member_id)
            earning = ledger.store.get([posted.purchase])[posted.purchase]
            assert entry is not None
            for item in (entry, earning):
                sequence = 10_000 * time + len(changes[-1]) + 1
                changes[-1].append(Change(sequence_number=sequence, at=START, after=item))
    before, after = changes
    totalling.count("shard", before)

    def run() -> None:
        assert totalling.count("shard", after) == 2 * purchases

    return run


# --- Reading --------------------------------------------------------------------------------


def sales(entries: int) -> Callable[[Ledger], Measured]:
    """The first page of a month."""

    def prepare(ledger: Ledger) -> Measured:
        reports = rankings(ledger, entries)

        def run() -> None:
            page = reports.sales(period=MONTH, by="member", limit=MAX_RANKED_ROWS)
            assert len(page.rows) == MAX_RANKED_ROWS

        return run

    return prepare


def top_members(entries: int) -> Callable[[Ledger], Measured]:
    """The first page of all time."""

    def prepare(ledger: Ledger) -> Measured:
        reports = rankings(ledger, entries)

        def run() -> None:
            page = reports.top_members(by="earned", limit=MAX_RANKED_ROWS, after=FROM_THE_TOP)
            assert len(page.members) == MAX_RANKED_ROWS

        return run

    return prepare


def engagement(entries: int) -> Callable[[Ledger], Measured]:
    """24 months."""

    def prepare(ledger: Ledger) -> Measured:
        rankings(ledger, entries)
        totals = DynamoDbTotals(ledger.client, ledger.table_name)
        reports = EngagementReports(totals=totals, programs=ledger.programs, clock=lambda: START)

        def run() -> None:
            months = reports.engagement(first="2024-12", last="2026-11").months
            assert sum(month.active for month in months) > 0

        return run

    return prepare


def rankings(ledger: Ledger, entries: int) -> RankingReports:
    """The reports over the totals of so many entries."""
    store = DynamoDbTotals(ledger.client, ledger.table_name)
    items = list(synthetic(entries))
    for number, first in enumerate(range(0, len(items), MAX_WRITES_PER_CHUNK)):
        part = items[first : first + MAX_WRITES_PER_CHUNK]
        chunk = Chunk(
            shard="synthetic",
            expected=number or None,
            position=number + 1,
            counted_through=START,
            counters={key: each for key, each in part if isinstance(each, dict)},
            texts={key: each for key, each in part if isinstance(each, Text)},
        )
        assert store.add(chunk)
    ledger.warm()
    ledger.programs.at(START)
    return RankingReports(
        rankings=DynamoDbRankings(ledger.client, ledger.table_name),
        store=ledger.store,
        programs=ledger.programs,
        clock=lambda: START,
    )


def synthetic(entries: int) -> Iterator[tuple[TotalsKey, dict[str, int] | Text]]:
    """Rankings of a month and of all time, statistics of those in them, and ten years of months."""
    purchases = entries // ENTRIES_PER_PURCHASE
    text = Text(text=encode_statistics(Statistics(number=4711)))
    for number in range(min(purchases, MAX_ROWS)):
        member = f"mbr_7h2k9x4qv1w8{number:04d}"
        revenue = 100 * (purchases - number)
        row = {"score": revenue, "own_revenue": revenue, "own_purchases": purchases}
        for partition in rankings_of_members():
            yield TotalsKey(partition=partition, place=place_of(member)), row
        yield statistics_key(member), text  # type: ignore[arg-type]  # a member's id
    yield total_of_sales(MONTH, "USD"), {"own_revenue": purchases, "own_purchases": purchases}
    for place in (*(f"{year}-{month:02d}" for year in YEARS for month in range(1, 13)), LIFETIME):
        counters = {"enrolled": purchases, "left": 1, "active": purchases, "issued": entries}
        ages = {f"active_after_{age}": purchases for age in range(25)}
        yield figures_key(place), counters | ages


def rankings_of_members() -> Iterable[tuple[str, ...]]:
    """Those that are read."""
    yield ranking_of_sales(MONTH, "USD", "member")
    yield ranking_of_points("earned", LIFETIME)
