"""Totals on every store: a chunk is stored whole, once, and only over what was read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.service.totalling import (
    MAX_COUNTERS_PER_WRITE,
    MAX_WRITES_PER_CHUNK,
    Checkpoint,
    Chunk,
    Increment,
    Remembered,
    Text,
    TotalsKey,
)
from tests.contract.backends import Backend
from tests.memory_totals import MemoryTotals

AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
SHARD = "shardId-00000001795323456789-0a1b2c3d"
FAR = 4421584500000000017450439091

Totals = MemoryTotals | DynamoDbTotals


def totals_of(backend: Backend) -> Totals:
    if backend.client is None:
        return MemoryTotals()
    return DynamoDbTotals(backend.client, backend.table_name)


@pytest.fixture
def totals(backend: Backend) -> Totals:
    return totals_of(backend)


@pytest.fixture
def on_table(dynamodb: Backend) -> DynamoDbTotals:
    assert dynamodb.client is not None
    return DynamoDbTotals(dynamodb.client, dynamodb.table_name)


def key(place: str, *partition: str) -> TotalsKey:
    return TotalsKey(partition=partition or ("ledger", "days"), place=place)


def chunk(
    position: int,
    expected: int | None = None,
    counters: Mapping[TotalsKey, Mapping[str, int]] | None = None,
    texts: Mapping[TotalsKey, Text] | None = None,
) -> Chunk:
    return Chunk(
        shard=SHARD,
        expected=expected,
        position=position,
        counted_through=AT,
        counters=counters or {},
        texts=texts or {},
    )


def test_counters_add_up_beside_the_checkpoint(totals: Totals) -> None:
    assert totals.checkpoint(SHARD) is None
    day = key("2026-11-22")
    assert totals.add(chunk(FAR, counters={day: {"earned:pending": 85, "lots:never": -2}}))
    assert totals.add(chunk(FAR + 1, FAR, {day: {"earned:pending": -5, "lots:never": 2}}))
    assert totals.checkpoint(SHARD) == Checkpoint(position=FAR + 1)
    page = totals.page(day.partition, limit=10)
    assert page.counters == {"2026-11-22": {"earned:pending": 80}}
    assert (page.counted_through, page.next_place) == (AT, None)


def test_nothing_is_added_where_the_checkpoint_is_not_as_read(totals: Totals) -> None:
    day = key("2026-11-22")
    assert totals.add(chunk(5, counters={day: {"n": 1}}))
    for expected in (None, 4, 6):
        assert not totals.add(chunk(9, expected, {day: {"n": 1}}, {key("a"): Text(text="x")}))
    assert totals.checkpoint(SHARD) == Checkpoint(position=5)
    page = totals.page(day.partition, limit=10)
    assert (page.counters, page.texts) == ({"2026-11-22": {"n": 1}}, {})


def test_what_is_left_of_a_change_is_added_before_any_other_and_once(totals: Totals) -> None:
    rest = tuple(
        Increment(key=key(f"{n}", "ledger", "a/b"), counters={"earned:pending": n, "x": -n})
        for n in (1, 2, 3)
    )
    assert totals.add(replace(chunk(FAR), remainder=rest))
    stored = Checkpoint(position=FAR, counted_through=AT, remainder=rest)
    assert totals.checkpoint(SHARD) == stored
    assert not totals.add(chunk(FAR + 1, FAR, {key("a"): {"n": 1}})), "not before the rest"
    part = chunk(FAR, FAR, {rest[0].key: rest[0].counters})
    less = replace(part, expected_remainder=3, remainder=rest[1:])
    assert totals.add(less)
    assert not totals.add(less), "another copy of the same worker"
    last = chunk(FAR, FAR, {each.key: each.counters for each in rest[1:]})
    assert totals.add(replace(last, expected_remainder=2))
    assert totals.checkpoint(SHARD) == Checkpoint(position=FAR)
    assert totals.add(chunk(FAR + 1, FAR))
    page = totals.page(("ledger", "a/b"), limit=5)
    assert page.counters == {f"{n}": {"earned:pending": n, "x": -n} for n in (1, 2, 3)}


def test_a_text_is_stored_over_the_revision_that_was_read(totals: Totals) -> None:
    who = key("statistics", "member", "mbr_1#%")
    assert totals.remembered([who]) == {}
    assert totals.add(chunk(1, texts={who: Text(text="one", expected=0)}))
    assert totals.remembered([who]) == {who: Remembered(text="one", revision=1)}
    for expected in (0, 2):
        assert not totals.add(chunk(2, 1, texts={who: Text(text="lost", expected=expected)}))
    assert totals.add(chunk(2, 1, texts={who: Text(text="two", expected=1)}))
    assert totals.remembered([who]) == {who: Remembered(text="two", revision=2)}
    assert not totals.add(chunk(3, 2, texts={who: Text(text=None, expected=1)}))
    assert totals.add(chunk(3, 2, texts={who: Text(text=None, expected=2)}))
    assert totals.remembered([who]) == {}


def test_a_place_that_was_not_read_is_put_and_taken_away(totals: Totals) -> None:
    rank = key("000120 mbr_1", "ranks")
    assert totals.add(chunk(1, texts={rank: Text(text="mbr_1")}))
    assert totals.page(("ranks",), limit=5).texts == {"000120 mbr_1": "mbr_1"}
    assert totals.add(chunk(2, 1, texts={rank: Text(text=None)}))
    assert totals.add(chunk(3, 2, texts={rank: Text(text=None)}))
    assert totals.page(("ranks",), limit=5).texts == {}


def test_as_much_as_a_chunk_may_have_is_stored(concurrent: Backend) -> None:
    """Not on moto, which reads long expressions by recursion."""
    totals = totals_of(concurrent)
    wide = {f"campaign-{n}": n for n in range(1, MAX_COUNTERS_PER_WRITE + 1)}
    many = {key(f"{n:03d}", "many"): {"n": n} for n in range(1, MAX_WRITES_PER_CHUNK)}
    assert totals.add(chunk(1, counters={key("wide", "wide"): wide, **many}))
    assert totals.page(("wide",), limit=5).counters == {"wide": wide}
    assert len(totals.page(("many",), limit=200).counters) == MAX_WRITES_PER_CHUNK - 1


def test_places_are_read_in_order_between_bounds_and_page_by_page(totals: Totals) -> None:
    places = ["2026-09", "2026-10", "2026-11 kinds", "2026-11 rules", "2026-12"]
    assert totals.add(chunk(1, counters={key(p, "p"): {"n": 1} for p in places}))
    assert totals.add(chunk(2, 1, counters={key("2026-10", "q"): {"n": 1}}))

    def listed(**how: object) -> list[str]:
        page = totals.page(("p",), limit=10, **how)  # type: ignore[arg-type]
        return list(page.counters)

    assert listed() == places
    assert listed(last="2026-10") == places[:2]
    # What begins with the end is before it.
    assert listed(first="2026-10", last="2026-11") == places[1:4]
    assert listed(backwards=True) == places[::-1]
    first = totals.page(("p",), limit=2)
    assert (list(first.counters), first.next_place) == (places[:2], "2026-10")
    rest = totals.page(("p",), limit=5, after=first.next_place)
    assert (list(rest.counters), rest.next_place) == (places[2:], None)
    back = totals.page(("p",), limit=3, backwards=True, after="2026-12")
    assert list(back.counters) == places[3:0:-1]


def test_a_checkpoint_is_kept_for_longer_than_the_stream_keeps_records(
    on_table: DynamoDbTotals, dynamodb: Backend
) -> None:
    assert on_table.add(chunk(FAR))
    assert dynamodb.client is not None
    item = dynamodb.client.get_item(
        TableName=dynamodb.table_name,
        Key={"PK": {"S": f"CHECKPOINT#{SHARD}"}, "SK": {"S": "CHECKPOINT"}},
    )["Item"]
    assert item["position"] == {"S": str(FAR)}
    assert int(item["expires_at_epoch"]["N"]) - AT.timestamp() == 30 * 86_400


def test_a_format_of_a_later_version_is_not_read(
    on_table: DynamoDbTotals, dynamodb: Backend
) -> None:
    assert dynamodb.client is not None
    dynamodb.client.put_item(
        TableName=dynamodb.table_name,
        Item={
            "PK": {"S": "TOTALS#ledger#days"},
            "SK": {"S": "2026-11-22"},
            ".n": {"N": "1"},
            "format": {"N": "2"},
        },
    )
    with pytest.raises(BrokenInvariantError):
        on_table.page(("ledger", "days"), limit=1)
