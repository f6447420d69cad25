"""Totals of a stream: each change counts once, however it is delivered."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.error import BrokenInvariantError, ConflictError
from points_ledger.domain.program import Program
from points_ledger.service.totalling import (
    Change,
    Checkpoint,
    Chunk,
    Counted,
    Counting,
    Increment,
    ProgramAt,
    Totalling,
    TotalsKey,
)
from tests.memory_totals import MemoryTotals

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SHARD = "shard-1"


def no_program(_: datetime) -> Program:
    raise AssertionError("nothing here asks for a program")


def change(number: int) -> Change:
    return Change(sequence_number=number, at=BEGIN + timedelta(seconds=number))


def by_remainder(change: Change, _: ProgramAt) -> Iterable[Increment]:
    """Two items for most changes, none for each fifth."""
    number = change.sequence_number
    if number % 5:
        for key in (key_of("thirds", number % 3), key_of("sevenths", number % 7)):
            yield Increment(key=key, counters={"changes": 1, "sum": number})


def key_of(partition: str, place: object) -> TotalsKey:
    return TotalsKey(partition=(partition,), place=str(place))


def wide(count: int, counters: int = 1) -> Counting:
    def counting(change: Change, _: ProgramAt) -> Iterable[Increment]:
        for place in range(count):
            names = {f"{n}": change.sequence_number for n in range(counters)}
            yield Increment(key=key_of("wide", place), counters=names)

    return counting


@dataclass(frozen=True)
class Ranked:
    """Remembers a sum for each of a few, and keeps them in a list by their sum."""

    def names(self, change: Change) -> Iterable[TotalsKey]:
        yield key_of("sums", change.sequence_number % 4)

    def count(self, change: Change, texts: Mapping[TotalsKey, str], _: ProgramAt) -> Counted:
        [key] = self.names(change)
        before = int(texts.get(key, "0"))
        after = before + change.sequence_number
        return Counted(
            increments=(Increment(key=key_of("known", "all"), counters={"sum": after - before}),),
            texts={
                key: str(after),
                key_of("ranks", f"{before:06d} {key.place}"): None,
                key_of("ranks", f"{after:06d} {key.place}"): key.place,
            },
        )


def totalling(store: MemoryTotals) -> Totalling:
    return Totalling(
        store=store, program_at=no_program, counting=(by_remainder,), remembering=(Ranked(),)
    )


def recount(changes: Iterable[Change]) -> MemoryTotals:
    """All of them at once, one after the other."""
    store = MemoryTotals()
    for number, each in enumerate(changes):
        totalling(store).count(f"recount {number}", [each])
    return store


def same(store: MemoryTotals, other: MemoryTotals) -> bool:
    texts = [{key: each.text for key, each in one.texts.items()} for one in (store, other)]
    return store.counters == other.counters and texts[0] == texts[1]


def test_a_change_that_comes_again_counts_once() -> None:
    store = MemoryTotals()
    changes = [change(n) for n in range(1, 9)]
    for _ in range(3):
        totalling(store).count(SHARD, changes)
    assert same(store, recount(changes))
    assert store.checkpoints == {SHARD: Checkpoint(position=8)}


def test_sequence_numbers_are_numbers_and_not_text() -> None:
    store = MemoryTotals()
    for number in (9, 11, 101):
        assert totalling(store).count(SHARD, [change(number)]) == 1
    assert totalling(store).count(SHARD, [change(11), change(102)]) == 1


def test_what_comes_to_nothing_writes_nothing() -> None:
    store = MemoryTotals()
    only = Totalling(store=store, program_at=no_program, counting=(by_remainder,))
    assert only.count(SHARD, [change(5), change(10)]) == 0
    assert store == MemoryTotals()


def test_a_child_of_a_shard_begins_without_a_checkpoint() -> None:
    store = MemoryTotals()
    totalling(store).count(SHARD, [change(900), change(901)])
    assert totalling(store).count("its child", [change(7)]) == 1
    assert same(store, recount([change(900), change(901), change(7)]))


@dataclass
class Faulty(MemoryTotals):
    """Loses replies: what is stored is said not to be; and does not store what it says."""

    seed: int = 0

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)  # noqa: S311 - a test's

    def add(self, chunk: Chunk) -> bool:
        lot = self.draw.random()
        if lot < 0.2:
            return False
        stored = super().add(chunk)
        if lot < 0.3:
            raise Killed
        return stored and lot < 0.7


class Killed(Exception):  # noqa: N818 - what happens to a process
    """The process ends here."""


@given(st.lists(st.integers(1, 40), max_size=40), st.integers(0, 10_000))
def test_any_batches_any_repeats_and_any_death_count_each_change_once(
    steps: Sequence[int], seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - a test's
    numbers = [sum(steps[: n + 1]) for n in range(len(steps))]
    changes = [change(n) for n in numbers]
    store, done = Faulty(seed=seed), 0
    for _ in range(10_000):
        if done >= len(changes):
            break
        begin = draw.randint(max(0, done - 5), done)
        batch = changes[begin : begin + draw.randint(1, 12)]
        try:
            totalling(store).count(SHARD, batch)
        except (Killed, ConflictError):
            continue  # the stream delivers from where it was, in whatever batch
        done = max(done, begin + len(batch))
    assert done >= len(changes)
    assert same(store, recount(changes))


def test_two_copies_of_a_batch_at_once_count_once() -> None:
    changes = [change(n) for n in range(1, 9)]

    class Overtaken(MemoryTotals):
        overtaken = False

        def add(self, chunk: Chunk) -> bool:
            if not self.overtaken:
                self.overtaken = True
                totalling(self).count(SHARD, changes[:5])
            return super().add(chunk)

    store = Overtaken()
    totalling(store).count(SHARD, changes)
    assert store.counters == recount(changes).counters


def test_another_shard_that_changes_what_is_remembered_is_not_overwritten() -> None:
    class Contested(MemoryTotals):
        contested = False

        def add(self, chunk: Chunk) -> bool:
            if not self.contested:
                self.contested = True
                totalling(self).count("another shard", [change(4)])
            return super().add(chunk)

    store = Contested()
    totalling(store).count(SHARD, [change(8)])
    assert same(store, recount([change(4), change(8)]))


def test_a_long_batch_is_stored_in_several_transactions() -> None:
    store = MemoryTotals()

    def one_place_each(change: Change, _: ProgramAt) -> Iterable[Increment]:
        for side in ("left", "right"):
            yield Increment(key=key_of(side, change.sequence_number), counters={"n": 1})

    chunks: list[Chunk] = []

    class Watched(MemoryTotals):
        def add(self, chunk: Chunk) -> bool:
            chunks.append(chunk)
            return super().add(chunk)

    store = Watched()
    counting = Totalling(store=store, program_at=no_program, counting=(one_place_each,))
    counting.count(SHARD, [change(n) for n in range(1, 121)])
    assert [chunk.position for chunk in chunks] == [49, 98, 120]
    # What one change adds is never torn: both its items are in the same chunk.
    for chunk in chunks:
        places = Counter(key.place for key in chunk.counters)
        assert set(places.values()) == {2}
    assert len(store.counters) == 240


def test_one_change_with_more_counters_of_an_item_than_a_write_has_is_an_error() -> None:
    one = Totalling(store=MemoryTotals(), program_at=no_program, counting=(wide(1, counters=101),))
    with pytest.raises(BrokenInvariantError):
        one.count(SHARD, [change(1)])


@pytest.mark.parametrize(("seed", "places"), [(1, 99), (2, 100), (3, 250), (4, 500), (5, 1_250)])
def test_a_change_that_no_transaction_can_hold_is_counted_once_in_parts(
    seed: int, places: int
) -> None:
    """As when somebody who was there for a hundred years is closed; whatever dies meanwhile."""
    store, changes = Faulty(seed=seed), [change(n) for n in (1, 2, 3)]

    def counted(store: MemoryTotals, batch: Sequence[Change]) -> None:
        Totalling(
            store=store,
            program_at=no_program,
            counting=(wide(places),),
            remembering=(Ranked(),),
        ).count(SHARD, batch)

    for n in range(len(changes)):
        for _ in range(10_000):
            try:
                counted(store, changes[: n + 1])
                break
            except (Killed, ConflictError):
                continue
    expected = MemoryTotals()
    counted(expected, changes)
    assert same(store, expected)
    for checkpoint in (store.checkpoint(SHARD), expected.checkpoint(SHARD)):
        assert checkpoint == Checkpoint(position=3)


def test_a_batch_that_is_never_stored_comes_again() -> None:
    class Refusing(MemoryTotals):
        def add(self, chunk: Chunk) -> bool:
            return chunk.position < 0

    with pytest.raises(ConflictError):
        totalling(Refusing()).count(SHARD, [change(1)])
