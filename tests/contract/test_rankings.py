"""Rankings: rows of totals in the order of their score, in memory, on moto and on the emulator."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from points_ledger.adapters.dynamodb.rankings import DynamoDbRankings
from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
from points_ledger.service.rankings import RankingReader, Row
from points_ledger.service.totalling import Chunk, Text, TotalsKey, TotalsStore
from tests.contract.backends import Backend
from tests.memory_rankings import MemoryRankings
from tests.memory_totals import MemoryTotals

AT = datetime(2026, 11, 22, tzinfo=UTC)
SALES = ("sales", "2026-11", "USD", "member")
OTHER = ("sales", "2026-12", "USD", "member")


class Ranked:
    """A ranking on one of the stores; each addition is a chunk of its own."""

    def __init__(self, backend: Backend) -> None:
        self.store: TotalsStore
        self.reader: RankingReader
        self.position = 0
        if backend.client is None:
            totals = MemoryTotals()
            self.store, self.reader = totals, MemoryRankings(totals)
        else:
            self.store = DynamoDbTotals(backend.client, backend.table_name)
            self.reader = DynamoDbRankings(backend.client, backend.table_name)

    def add(
        self,
        counters: Mapping[TotalsKey, Mapping[str, int]],
        texts: Mapping[TotalsKey, Text] | None = None,
    ) -> None:
        expected = self.position or None
        self.position += 1
        chunk = Chunk(
            shard="shard",
            expected=expected,
            position=self.position,
            counted_through=AT,
            counters=counters,
            texts=texts or {},
        )
        assert self.store.add(chunk)

    def score(self, place: str, score: int, partition: tuple[str, ...] = SALES) -> None:
        self.add({TotalsKey(partition=partition, place=place): {"score": score, "own": score}})

    def rows(self, limit: int = 99) -> list[tuple[str, int]]:
        page = self.reader.ranked(SALES, limit=limit, cursor=None)
        assert page.cursor is None
        return [(row.place, row.score) for row in page.rows]


@pytest.fixture
def ranked(backend: Backend) -> Ranked:
    return Ranked(backend)


def test_the_highest_score_comes_first_as_a_number_and_not_as_text(ranked: Ranked) -> None:
    for place, score in (("=a", 9), ("=b", 10), ("=c", -3), ("=d", 100), ("=#e%", 7)):
        ranked.score(place, score)
    assert ranked.rows() == [("=d", 100), ("=b", 10), ("=a", 9), ("=#e%", 7), ("=c", -3)]


def test_a_row_moves_with_its_score(ranked: Ranked) -> None:
    ranked.score("=a", 5)
    ranked.score("=b", 6)
    ranked.score("=a", 2)
    assert ranked.rows() == [("=a", 7), ("=b", 6)]
    ranked.score("=a", -7)
    assert ranked.rows() == [("=b", 6), ("=a", 0)]


def test_a_row_says_all_its_counters(ranked: Ranked) -> None:
    ranked.score("=a", 5)
    page = ranked.reader.ranked(SALES, limit=1, cursor=None)
    assert page.rows == (Row(place="=a", score=5, counters={"score": 5, "own": 5}),)


def test_what_has_no_score_is_in_no_ranking(ranked: Ranked) -> None:
    ranked.score("=a", 5)
    ranked.score("=a", 5, OTHER)
    ranked.add({TotalsKey(partition=SALES, place="=b"): {"own": 3}})
    assert ranked.rows() == [("=a", 5)]


def test_pages_have_every_row_once(ranked: Ranked) -> None:
    for number in range(7):
        ranked.score(f"={number}", number // 2)
    found: list[tuple[int, str]] = []
    cursor: str | None = None
    for _ in range(10):
        page = ranked.reader.ranked(SALES, limit=3, cursor=cursor)
        found += [(row.score, row.place) for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == [(number // 2, f"={number}") for number in range(7)]
    assert [score for score, _ in found] == sorted((score for score, _ in found), reverse=True)


def test_a_cursor_leads_into_no_other_ranking(dynamodb: Backend) -> None:
    ranked = Ranked(dynamodb)
    for number in range(3):
        ranked.score(f"={number}", number)
    cursor = ranked.reader.ranked(SALES, limit=1, cursor=None).cursor
    assert cursor is not None
    with pytest.raises(ValueError, match="not a cursor"):
        ranked.reader.ranked(OTHER, limit=1, cursor=cursor)
    with pytest.raises(ValueError, match="not a cursor"):
        ranked.reader.ranked(SALES, limit=1, cursor="bm9uZQ==")


def test_counters_and_texts_are_read_by_key(ranked: Ranked) -> None:
    total = TotalsKey(partition=("sales", "2026-11", "USD"), place="total")
    member = TotalsKey(partition=("member", "member-1"), place="statistics")
    absent = TotalsKey(partition=("member", "nobody"), place="statistics")
    ranked.add(
        {total: {"own_revenue": 12, "copy_revenue": 0}}, {member: Text(text="{}", expected=0)}
    )
    found = ranked.reader.stored([total, member, absent])
    assert found.keys() == {total, member}
    assert (found[total].counters, found[total].text) == ({"own_revenue": 12}, None)
    assert (found[member].counters, found[member].text) == ({}, "{}")
