"""Checkpoints in memory: pages, kills, two workers at once, merged members, many parts."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from points_ledger.adapters.dynamodb.checkpoints import decode_progress, encode_progress
from points_ledger.domain.checkpoint import Checkpoint, Head, Part, Shard, shard_of_parts
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import MemberId
from points_ledger.service import checkpointing
from points_ledger.service.checkpointing import (
    Checkpointing,
    Progress,
    Proven,
    Proving,
    Walk,
)
from points_ledger.service.directory import SHARDS, in_directory
from points_ledger.service.ports import ListPage, Put
from tests.chronicle import ADA, CLEO, Chronicle, chronicle
from tests.memory_store import MemoryStore

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = date(2027, 3, 1)
MEMBERS = [MemberId(f"mbr_{number:03d}") for number in range(90)]


class KilledError(Exception):
    """The worker is gone."""


@dataclass
class Stored:
    """The archive and the progress; the write with the number `kill_at` is its worker's last."""

    days: dict[date, Checkpoint] = field(default_factory=dict)
    shards: dict[bytes, tuple[Part, ...]] = field(default_factory=dict)
    parts_heads: dict[bytes, tuple[Head, ...]] = field(default_factory=dict)
    kept: Any = None
    writes: int = 0
    kill_at: int | None = None
    after: bool = False

    def _writing(self) -> bool:
        """Count a write; whether its worker is killed by it."""
        self.writes += 1
        fatal = self.writes == self.kill_at
        if fatal and not self.after:
            raise KilledError
        return fatal

    def put_heads(self, part: Part, heads: Sequence[Head]) -> None:
        fatal = self._writing()
        self.parts_heads.setdefault(part.root, tuple(heads))
        if fatal:
            raise KilledError

    def put_parts(self, shard: Shard, parts: Sequence[Part]) -> None:
        fatal = self._writing()
        self.shards.setdefault(shard.root, tuple(parts))
        if fatal:
            raise KilledError

    def publish(self, checkpoint: Checkpoint) -> bool:
        fatal = self._writing()
        is_new = checkpoint.day not in self.days
        self.days.setdefault(checkpoint.day, checkpoint)
        if fatal:
            raise KilledError
        return is_new

    def checkpoint(self, day: date) -> Checkpoint | None:
        return self.days.get(day)

    def parts(self, root: bytes) -> Sequence[Part]:
        return self.shards[root]

    def heads(self, root: bytes) -> Sequence[Head]:
        return self.parts_heads[root]

    def progress(self) -> Progress:
        return Progress() if self.kept is None else decode_progress(self.kept)

    def save(self, progress: Progress, *, expected: int) -> bool:
        fatal = self._writing()
        if self.progress().revision != expected:
            return False
        self.kept = encode_progress(progress)
        if fatal:
            raise KilledError
        return True


@dataclass
class Heads:
    """Every member has as many entries as its number in `numbers`."""

    numbers: dict[MemberId, int] = field(default_factory=dict)

    def head(self, member_id: MemberId) -> Head:
        number = self.numbers.get(member_id, 1)
        return Head(member_id=member_id, number=number, hash=number.to_bytes(32))


@dataclass
class Bench:
    """Checkpoints of a directory with `MEMBERS`, in parts of two."""

    stored: Stored = field(default_factory=Stored)
    heads: Heads = field(default_factory=Heads)

    def __post_init__(self) -> None:
        office: Chronicle = chronicle()
        self.office = office
        lists = MemoryStore()
        lists.commit([Put(item=in_directory(member_id)) for member_id in MEMBERS])
        self.made = Checkpointing(
            lists=lists,
            heads=self.heads,
            store=self.stored,
            archive=self.stored,
            programs=office.programs,
            clock=lambda: NOW,
            part_heads=2,
        )

    def run(self, now: datetime = NOW, *, parts: int = 1_000_000) -> checkpointing.Checkpointed:
        left = iter([True] * min(parts, 10_000))
        return self.made.run(now, has_time=lambda: next(left, False))

    def all_heads(self, day: date = DAY) -> dict[MemberId, Head]:
        found: dict[MemberId, Head] = {}
        for shard in self.stored.days[day].shards:
            for part in self.stored.shards[shard.root]:
                found |= {head.member_id: head for head in self.stored.parts_heads[part.root]}
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


def everybody(bench: Bench) -> dict[MemberId, Head]:
    return {member_id: bench.heads.head(member_id) for member_id in MEMBERS}


def test_everybody_is_in_it_once(bench: Bench) -> None:
    done = bench.run()
    assert done.heads == len(MEMBERS)
    assert done.complete
    assert bench.stored.days[DAY] == done.published
    assert bench.all_heads() == everybody(bench)
    assert bench.stored.days[DAY].members == len(MEMBERS)


def test_it_goes_on_where_time_ended(bench: Bench) -> None:
    turns = 0
    while not bench.stored.days:
        assert turns < 200
        done = bench.run(parts=1)
        assert done.complete == bool(bench.stored.days)
        turns += 1
    assert turns > SHARDS
    assert bench.all_heads() == everybody(bench)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_write_it_ends_with_one_checkpoint(bench: Bench, *, after: bool) -> None:
    stored, killed = bench.stored, 0
    for _ in range(1_000):
        # A turn gets one part further, and its successor finds what it left.
        stored.writes, stored.kill_at, stored.after = 0, 4, after
        try:
            bench.run()
        except KilledError:
            killed += 1
        else:
            break
    assert killed > SHARDS
    stored.kill_at = None
    assert bench.run().published is None
    assert list(stored.days) == [DAY]
    assert bench.all_heads() == everybody(bench)


def test_each_single_write_may_be_the_last_one() -> None:
    whole = Bench()
    whole.run()
    for kill_at in range(1, whole.stored.writes + 1):
        for after in (False, True):
            bench = Bench()
            bench.stored.kill_at, bench.stored.after = kill_at, after
            with pytest.raises(KilledError):
                bench.run()
            bench.stored.kill_at = None
            bench.run()
            assert bench.stored.days == whole.stored.days, (kill_at, after)


def test_heads_that_move_meanwhile_leave_one_consistent_checkpoint(bench: Bench) -> None:
    turn = 0
    while not bench.stored.days:
        bench.heads.numbers = dict.fromkeys(MEMBERS, turn + 1)
        # A part is made and its worker killed; the next one makes it again, with other heads.
        bench.stored.writes, bench.stored.kill_at = 0, 2 if turn % 2 else None
        with suppress(KilledError):
            bench.run(parts=2)
        turn += 1
        assert turn < 500
    found = bench.all_heads()
    assert found.keys() == set(MEMBERS)
    for shard in bench.stored.days[DAY].shards:
        assert shard_of_parts(bench.stored.shards[shard.root]) == shard


def test_of_two_workers_the_slower_one_gives_way(bench: Bench) -> None:
    class Slow:
        """Reads the progress, and then another worker comes first."""

        def progress(self) -> Progress:
            stored = bench.stored.progress()
            bench.run()
            return stored

        def save(self, progress: Progress, *, expected: int) -> bool:
            return bench.stored.save(progress, expected=expected)

    done = replace(bench.made, store=Slow()).run(NOW, has_time=lambda: True)
    assert done == checkpointing.Checkpointed()
    assert list(bench.stored.days) == [DAY]


def test_a_day_has_one_and_the_next_one_names_it(bench: Bench) -> None:
    first = bench.run().published
    assert first is not None
    bench.heads.numbers = {MEMBERS[0]: 9}
    assert bench.run().published is None
    assert bench.run(NOW - timedelta(days=3)).published is None
    second = bench.run(NOW + timedelta(days=1)).published
    assert second is not None
    assert (first.previous, second.previous) == (None, first.root)
    assert first.root != second.root


def test_another_checkpoint_of_the_day_is_no_success(bench: Bench) -> None:
    other = Bench()
    other.heads.numbers = {MEMBERS[0]: 9}
    other.run()
    bench.stored.days = other.stored.days
    with pytest.raises(BrokenInvariantError, match="another checkpoint"):
        bench.run()


def test_more_parts_than_the_progress_can_hold_are_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpointing, "MAX_PARTS", 1)
    with pytest.raises(BrokenInvariantError, match="more than 1 parts"):
        bench.run()


def test_a_page_of_nobody_makes_no_part(bench: Bench) -> None:
    class Empty:
        def listed(self, *_: object, **__: object) -> ListPage:
            return ListPage(ids=(), cursor=None)

    done = replace(bench.made, lists=Empty()).run(NOW, has_time=lambda: True)
    assert (done.heads, done.parts) == (0, 0)
    assert bench.stored.days[DAY].members == 0


def test_progress_comes_back_as_it_was_stored() -> None:
    part = Part(first=MEMBERS[0], last=MEMBERS[1], size=2, root=b"r" * 32)
    walk = Walk(
        day=DAY,
        begun_at=NOW,
        shards=(Shard(members=7, root=b"s" * 32),),
        parts=(part,),
        cursor="next",
    )
    for progress in (
        Progress(),
        Progress(revision=2, walk=walk),
        Progress(revision=3, day=DAY, root=b"x" * 32, walk=replace(walk, cursor=None)),
    ):
        assert decode_progress(encode_progress(progress)) == progress


def test_progress_of_a_format_to_come_is_refused() -> None:
    item = encode_progress(Progress())
    item["format"] = {"N": "2"}
    with pytest.raises(ValueError, match="unknown format"):
        decode_progress(item)


# --- Proving --------------------------------------------------------------------------------


def proven(bench: Bench, member_id: MemberId) -> Proven:
    memory = bench.office.memory
    return Proving(store=memory, progress=bench.stored, archive=bench.stored).prove(member_id, None)


def test_who_was_merged_is_proven_too(bench: Bench) -> None:
    chains = bench.office.chains()
    bench.made.lists.commit([Put(item=in_directory(id_)) for id_ in chains])  # type: ignore[attr-defined]  # it is the memory store
    bench.run()
    for asked in (ADA, CLEO):
        found = proven(bench, asked)
        assert found.member_id == ADA
        assert [proof.head.member_id for proof in found.proofs] == [ADA, CLEO]
        assert all(proof.agrees(found.checkpoint) for proof in found.proofs)
