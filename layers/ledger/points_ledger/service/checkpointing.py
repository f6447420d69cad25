"""Checkpoints: every day, the newest entry of every member, bound in one root and published.

The directory of members is walked page by page. Heads are gathered in parts; each part is an object
under the name of its root, so that making it again makes the same one or another beside it, never
one in the place of one. How far the walk has come is one conditional write after each part: a
worker that is killed loses one part, and of two workers the slower one gives way. The checkpoint
itself is written last, under its day, and only if there is none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, Protocol

from points_ledger.domain.calendar import local_day
from points_ledger.domain.checkpoint import (
    Checkpoint,
    Head,
    Part,
    Proof,
    Shard,
    part_of,
    part_with,
    proof_of,
    shard_of_parts,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import BrokenInvariantError, NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.service.directory import SHARDS, partition_of, shard_of
from points_ledger.service.ledger import View
from points_ledger.service.ports import ListReader, Store
from points_ledger.service.programs import Programs

PART_HEADS: Final = 2_000
"""Heads of one object, about 200 KB; read between two writes of the progress."""
MAX_PARTS: Final = 2_000
"""Parts of a shard: 64 million members in 16 shards; the progress stays below 400 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A checkpoint that is being made.

    Attributes:
        shards: those that are done, in order; the next one is under way.
        parts: of the shard under way, in order.
        cursor: where in that shard the next part begins; None at its beginning.
    """

    day: date
    begun_at: datetime
    shards: tuple[Shard, ...] = ()
    parts: tuple[Part, ...] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far checkpoints have come.

    Attributes:
        revision: counts stored changes.
        day, root: of the last checkpoint that was published.
        walk: the one under way.
    """

    revision: int = 0
    day: date | None = None
    root: bytes | None = None
    walk: Walk | None = None


class ProgressStore(Protocol):
    """The one item that says how far checkpoints have come."""

    def progress(self) -> Progress:
        """How far, read consistently; empty at first."""

    def save(self, progress: Progress, *, expected: int) -> bool:
        """Store it if its stored revision is `expected`; whether it was."""


class HeadReader(Protocol):
    """The newest entries of members."""

    def head(self, member_id: MemberId) -> Head:
        """A member's head, read consistently in one request."""


class Archive(Protocol):
    """Where checkpoints are published; what was put there is neither changed nor removed."""

    def put_heads(self, part: Part, heads: Sequence[Head]) -> None:
        """Keep the heads of a part."""

    def put_parts(self, shard: Shard, parts: Sequence[Part]) -> None:
        """Keep the parts of a shard."""

    def publish(self, checkpoint: Checkpoint) -> bool:
        """Keep a checkpoint under its day, if there is none; whether there was none."""

    def checkpoint(self, day: date) -> Checkpoint | None:
        """What was published of a day."""

    def parts(self, root: bytes) -> Sequence[Part]:
        """The parts of a shard by its root."""

    def heads(self, root: bytes) -> Sequence[Head]:
        """The heads of a part by its root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointed:
    """What one invocation did; `published` is the checkpoint that it finished."""

    heads: int = 0
    parts: int = 0
    published: Checkpoint | None = None
    complete: bool = True


Gather = Callable[[Callable[[MemberId], Head], Iterable[MemberId]], Iterable[Head]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointing:
    """Makes checkpoints.

    Attributes:
        gather: how the heads of a part are read: one after the other, or side by side.
    """

    lists: ListReader
    heads: HeadReader
    store: ProgressStore
    archive: Archive
    programs: Programs
    clock: Callable[[], datetime]
    gather: Gather = map
    part_heads: int = PART_HEADS

    def run(self, now: datetime, *, has_time: Callable[[], bool]) -> Checkpointed:
        """Go on with the checkpoint under way, or begin that of the day, until it is published.

        A day that has one, or lies before the last one, gets no other.
        """
        progress = self._begun(now)
        done = Checkpointed()
        while progress is not None and progress.walk is not None:
            if not has_time():
                return replace(done, complete=False)
            progress, done = self._step(progress, progress.walk, done)
        return done

    def _begun(self, now: datetime) -> Progress | None:
        """The progress with a walk; None where there is nothing to do, or somebody else began."""
        stored = self.store.progress()
        if stored.walk is not None:
            return stored
        day = local_day(now, self.programs.at(now).zone)
        if stored.day is not None and day <= stored.day:
            return None
        walk = Walk(day=day, begun_at=self.clock())
        return self._kept(replace(stored, walk=walk), stored)

    def _kept(self, newer: Progress, stored: Progress) -> Progress | None:
        newer = replace(newer, revision=stored.revision + 1)
        return newer if self.store.save(newer, expected=stored.revision) else None

    def _step(
        self, progress: Progress, walk: Walk, done: Checkpointed
    ) -> tuple[Progress | None, Checkpointed]:
        """One part more, or the end; no progress where another worker made it."""
        if len(walk.shards) == SHARDS:
            checkpoint = self._published(progress, walk)
            newer = replace(progress, day=walk.day, root=checkpoint.root, walk=None)
            kept = self._kept(newer, progress)
            return kept, replace(done, published=checkpoint) if kept else done
        heads, cursor = self._heads(walk)
        if len(walk.parts) + bool(heads) > MAX_PARTS:
            raise BrokenInvariantError(f"a shard of the directory has more than {MAX_PARTS} parts")
        parts = walk.parts
        if heads:
            parts = (*parts, part_of(heads))
            self.archive.put_heads(parts[-1], heads)
        walk = replace(walk, parts=parts, cursor=cursor)
        if cursor is None:
            shard = shard_of_parts(parts)
            self.archive.put_parts(shard, parts)
            walk = replace(walk, shards=(*walk.shards, shard), parts=())
        kept = self._kept(replace(progress, walk=walk), progress)
        if kept is None:
            return None, done
        return kept, replace(
            done, heads=done.heads + len(heads), parts=done.parts + (1 if heads else 0)
        )

    def _heads(self, walk: Walk) -> tuple[list[Head], str | None]:
        """The heads of the next part, and where the one after it begins."""
        page = self.lists.listed(
            "members",
            partition_of(len(walk.shards)),
            limit=self.part_heads,
            cursor=walk.cursor,
            consistent=True,
        )
        return list(self.gather(self.heads.head, map(MemberId, page.ids))), page.cursor

    def _published(self, progress: Progress, walk: Walk) -> Checkpoint:
        """Publish the checkpoint; who was killed after publishing it finds their own.

        Raises:
            BrokenInvariantError: there is another one of this day, which nobody here has made.
        """
        checkpoint = Checkpoint(
            day=walk.day, begun_at=walk.begun_at, previous=progress.root, shards=walk.shards
        )
        if not self.archive.publish(checkpoint) and self.archive.checkpoint(walk.day) != checkpoint:
            raise BrokenInvariantError(f"another checkpoint of {walk.day} was published")
        return checkpoint


# --- Proving --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Proofs for all chains of a member, the own one first, and the checkpoint that has them."""

    member_id: MemberId
    checkpoint: Checkpoint
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Finds proofs; writes nothing."""

    store: Store
    progress: ProgressStore
    archive: Archive

    def prove(self, member_id: MemberId, day: date | None) -> Proven:
        """The proofs of a day, or of the last checkpoint, for a member and who was merged into it.

        Whoever was enrolled after the checkpoint has none in it.

        Raises:
            NotFoundError: no such member, no checkpoint of that day, or none that has the member.
            BrokenInvariantError: the archive has objects that do not fit together.
        """
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        checkpoint = self._checkpoint(day)
        ids = (head.member_id, *head.state.standing.aliases)
        parts: dict[int, Sequence[Part]] = {}
        found = [self._proof(id_, checkpoint, parts) for id_ in dict.fromkeys(ids)]
        proofs = tuple(proof for proof in found if proof is not None)
        if not proofs:
            raise NotFoundError("checkpoint", f"{checkpoint.day} with {head.member_id}")
        if not all(proof.agrees(checkpoint) for proof in proofs):
            raise BrokenInvariantError(f"the objects of checkpoint {checkpoint.day} do not agree")
        return Proven(member_id=head.member_id, checkpoint=checkpoint, proofs=proofs)

    def _checkpoint(self, day: date | None) -> Checkpoint:
        chosen = day or self.progress.progress().day
        if chosen is None:
            raise NotFoundError("checkpoint", "any")
        checkpoint = self.archive.checkpoint(chosen)
        if checkpoint is None:
            raise NotFoundError("checkpoint", str(chosen))
        return checkpoint

    def _proof(
        self, member_id: MemberId, checkpoint: Checkpoint, parts: dict[int, Sequence[Part]]
    ) -> Proof | None:
        """The proof for one chain; `parts` keeps those of the shards that were read."""
        shard = shard_of(member_id)
        if not checkpoint.shards[shard].members:
            return None
        if shard not in parts:
            parts[shard] = self.archive.parts(checkpoint.shards[shard].root)
        at = part_with(member_id, parts[shard])
        if at is None:
            return None
        heads = self.archive.heads(parts[shard][at].root)
        return proof_of(member_id, shard=shard, parts=parts[shard], heads=heads)
