"""Checkpoints: one hash a day that stands for the newest entry of every member.

The newest entry of a member, its *head*, has the hash of the one before it, and so on down to the
first: whoever knows the hash of a head can tell every change of the entries up to it. A checkpoint
binds all heads of a day in one root, in three levels: heads are the leaves of parts, parts of
shards, shards (after a leaf with the day and the root of the checkpoint before) of the whole. Each
is a Merkle tree (merkle.py), so that a member needs two short paths and the checkpoint itself.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from points_ledger.domain import merkle
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import GENESIS_HASH
from points_ledger.domain.identity import MemberId

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A member's newest entry: its number and hash; 0 and zeros where there is none."""

    member_id: MemberId
    number: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        """Its hash as a leaf of a part."""
        return _leaf("head", self.member_id, self.number, self.hash.hex())


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Heads of members that stand side by side in the directory, from `first` to `last`."""

    first: MemberId
    last: MemberId
    size: int
    root: bytes

    @property
    def leaf(self) -> bytes:
        """Its hash as a leaf of a shard."""
        return _leaf("part", self.first, self.last, self.size, self.root.hex())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A part of the directory: how many members it has, and the root over its parts."""

    members: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is published of a day.

    Attributes:
        day: of the program's zone, on which it was taken.
        begun_at: every head was read at this instant or later.
        previous: the root of the checkpoint before; None for the first.
        shards: in the order of the directory.
    """

    day: date
    begun_at: datetime
    previous: bytes | None
    shards: tuple[Shard, ...]

    @property
    def members(self) -> int:
        """How many heads it stands for."""
        return sum(shard.members for shard in self.shards)

    @property
    def root(self) -> bytes:
        """The one hash that stands for all of it."""
        previous = None if self.previous is None else self.previous.hex()
        header = _leaf("checkpoint", str(self.day), format_instant(self.begun_at), previous)
        leaves = [
            _leaf("shard", place, shard.members, shard.root.hex())
            for place, shard in enumerate(self.shards)
        ]
        return merkle.root_of([header, *leaves])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a leaf is in its tree, and the path from it to the root."""

    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a head is in a checkpoint: its place in a part, and the part's in a shard."""

    head: Head
    shard: int
    part: Part
    in_part: Place
    in_shard: Place

    def agrees(self, checkpoint: Checkpoint) -> bool:
        """Whether the head is what the checkpoint stands for."""
        part_root = _root(self.head.leaf, self.in_part)
        shard_root = _root(self.part.leaf, self.in_shard)
        return (
            (part_root, self.in_part.size) == (self.part.root, self.part.size)
            and 0 <= self.shard < len(checkpoint.shards)
            and shard_root == checkpoint.shards[self.shard].root
        )


def no_head(member_id: MemberId) -> Head:
    """What stands for a member without any entry."""
    return Head(member_id=member_id, number=0, hash=GENESIS_HASH)


def part_of(heads: Sequence[Head]) -> Part:
    """The part that has some heads, at least one."""
    return Part(
        first=heads[0].member_id,
        last=heads[-1].member_id,
        size=len(heads),
        root=merkle.root_of([head.leaf for head in heads]),
    )


def shard_of_parts(parts: Iterable[Part]) -> Shard:
    """The shard that has some parts."""
    listed = tuple(parts)
    return Shard(
        members=sum(part.size for part in listed),
        root=merkle.root_of([part.leaf for part in listed]),
    )


def proof_of(
    member_id: MemberId, *, shard: int, parts: Sequence[Part], heads: Sequence[Head]
) -> Proof | None:
    """The proof for a member by all parts of the shard and the heads of its part, if it is there.

    `heads` are those of the part that `part_with` finds.
    """
    at = part_with(member_id, parts)
    index = next((n for n, head in enumerate(heads) if head.member_id == member_id), None)
    if at is None or index is None:
        return None
    leaves, above = [head.leaf for head in heads], [part.leaf for part in parts]
    return Proof(
        head=heads[index],
        shard=shard,
        part=parts[at],
        in_part=Place(index=index, size=len(leaves), path=merkle.path_of(leaves, index)),
        in_shard=Place(index=at, size=len(above), path=merkle.path_of(above, at)),
    )


def part_with(member_id: MemberId, parts: Sequence[Part]) -> int | None:
    """Which of the parts of a shard a member is in, if any: they are in the order of members."""
    for index, part in enumerate(parts):
        if part.first <= member_id <= part.last:
            return index
    return None


def _root(leaf: bytes, place: Place) -> bytes | None:
    return merkle.root_by(leaf, index=place.index, size=place.size, path=place.path)


def _leaf(*content: object) -> bytes:
    """The hash of a leaf; the first word says of what kind, so that none passes for another."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return merkle.leaf_hash(text.encode())
