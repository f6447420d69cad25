"""Totals from the table's stream: what reports read instead of the ledger.

A `Counting` turns one change of one item into increments of named counters, and is pure: the same
change always gives the same. A `Remembering` also knows a bounded item of its own for each of whom
it counts, which is read before and written with the increments. `Totalling` adds up a batch, and
writes it in transactions that also move the shard's checkpoint, so that each change counts once
however often, and in whatever batches, it is delivered. What one change adds is torn between two
transactions only where one cannot hold it: then the rest is noted in the checkpoint.

To add totals: write a `Counting` or a `Remembering`, and name it in `runtime/totals.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Final, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import BrokenInvariantError, ConflictError
from points_ledger.domain.program import Program
from points_ledger.service.ports import Stored

MAX_WRITES_PER_CHUNK: Final = 99
"""A transaction has at most 100 actions, and one of them moves the checkpoint."""
MAX_COUNTERS_PER_WRITE: Final = 100
"""Counters of one item that one write changes: its expression has to stay below 4 KB."""
MAX_ATTEMPTS: Final = 10
"""Tries of one batch. Only another copy of the same batch, or another shard that writes the same
item at the same moment, can make one fail."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TotalsKey:
    """Where counters stand: a partition by its parts, and a place in it that sorts as text."""

    partition: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one item, as the stream tells it.

    Attributes:
        sequence_number: grows along a shard, and only there.
        at: when the change was stored, by the table's clock.
        before: the item before; None where it is new, or of a kind that is not counted.
        after: the item after; None where it was removed.
    """

    sequence_number: int
    at: datetime
    before: Stored | None = None
    after: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """What is added to the counters of one item; they may be negative, and begin at nothing."""

    key: TotalsKey
    counters: Mapping[str, int]


ProgramAt = Callable[[datetime], Program]
"""The program version in force at an instant."""

Counting = Callable[[Change, ProgramAt], Iterable[Increment]]
"""The increments of one change; pure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one change comes to where something is remembered.

    Attributes:
        increments: added to counters.
        texts: what is stored from now on, by place; None takes the item away. Places that the
            change has named are written only over what was read there; others are simply put, so
            they have to belong to one that was named (such as a place in a list by a score that
            is remembered).
    """

    increments: tuple[Increment, ...] = ()
    texts: Mapping[TotalsKey, str | None] = field(default_factory=dict)


class Remembering(Protocol):
    """Counts by what it remembers of a member, or of anything else that is small."""

    def names(self, change: Change) -> Iterable[TotalsKey]:
        """What has to be read before the change can be counted; pure, and few."""

    def count(
        self, change: Change, texts: Mapping[TotalsKey, str], program_at: ProgramAt
    ) -> Counted:
        """What the change comes to; `texts` has what exists of the places named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A stored text and the number of times that it was stored."""

    text: str
    revision: int


NOTHING: Final = Remembered(text="", revision=0)
"""What is known of a place where nothing is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text to store. `expected` is the revision that was read (0: there was none), None any."""

    text: str | None
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a shard has been counted.

    Attributes:
        position: the sequence number of the last change that is.
        counted_through: when that change was stored.
        remainder: what that change adds besides, where one transaction did not hold all of it.
    """

    position: int
    counted_through: datetime | None = None
    remainder: tuple[Increment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What is stored together: totals, texts, and how far the shard has been counted.

    Attributes:
        expected: the position as it was read; None where there was no checkpoint.
        expected_remainder: how many increments of the remainder were read with it.
        position: the checkpoint afterwards.
        counted_through: when the last of the changes was stored.
        remainder: what has to be added before any further change.
    """

    shard: str
    expected: int | None
    position: int
    counted_through: datetime
    counters: Mapping[TotalsKey, Mapping[str, int]]
    texts: Mapping[TotalsKey, Text] = field(default_factory=dict)
    expected_remainder: int = 0
    remainder: tuple[Increment, ...] = ()


class TotalsStore(Protocol):
    """Where totals are kept."""

    def checkpoint(self, shard: str) -> Checkpoint | None:
        """How far a shard is counted, read consistently."""

    def remembered(self, keys: Sequence[TotalsKey]) -> Mapping[TotalsKey, Remembered]:
        """What is stored under the keys, read consistently."""

    def add(self, chunk: Chunk) -> bool:
        """Store all of it or nothing; False where it was not stored, or nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totalling:
    """Adds changes up, each once."""

    store: TotalsStore
    program_at: ProgramAt
    counting: tuple[Counting, ...]
    remembering: tuple[Remembering, ...] = ()
    pause: Callable[[int], None] = lambda _: None

    def count(self, shard: str, changes: Sequence[Change]) -> int:
        """Count the changes of one shard that are not counted yet; how many came to something.

        Changes that come to nothing are passed over without a write: the checkpoint then stays
        where it is, which costs nothing when they come again, and totals that are themselves
        changes of the table do not set off further ones.

        Raises:
            ConflictError: something else wrote at the same moment, again and again.
            BrokenInvariantError: one change adds to more counters of an item than a write can, or
                changes more texts than one transaction.
        """
        if not changes:
            return 0
        counted = 0
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                self.pause(attempt)
            checkpoint = self.store.checkpoint(shard)
            if checkpoint is not None and not self._completed(shard, checkpoint):
                continue
            position = None if checkpoint is None else checkpoint.position
            fresh = [
                each for each in changes if position is None or each.sequence_number > position
            ]
            stored, is_done = self._counted(shard, position, fresh)
            counted += stored
            if is_done:
                return counted
        raise ConflictError

    def _counted(
        self, shard: str, checkpoint: int | None, changes: Sequence[Change]
    ) -> tuple[int, bool]:
        """Store the changes chunk by chunk: how many were, and whether those were all."""
        named = sorted(
            {key for change in changes for one in self.remembering for key in one.names(change)}
        )
        found = self.store.remembered(named) if named else {}
        sum_, stored = _Sum(known={key: found.get(key, NOTHING) for key in named}), 0
        for change in changes:
            more = self._of(change, sum_)
            if sum_.included and not sum_.has_room_for(more):
                if not self.store.add(sum_.chunk(shard, checkpoint)):
                    return stored, False
                stored += sum_.included
                checkpoint = sum_.last.sequence_number
                sum_ = _Sum(known=sum_.stored())
                more = self._of(change, sum_)
            has_room = sum_.has_room_for(more)
            sum_.include(change, more)
            if not has_room:
                if not self._stored_in_parts(sum_.chunk(shard, checkpoint)):
                    return stored, False
                stored += 1
                checkpoint = change.sequence_number
                sum_ = _Sum(known=sum_.stored())
        if not sum_.included:
            return stored, True
        is_done = self.store.add(sum_.chunk(shard, checkpoint))
        return stored + (sum_.included if is_done else 0), is_done

    def _stored_in_parts(self, chunk: Chunk) -> bool:
        """Store what one change comes to where one transaction does not hold it.

        Its texts, a part of its increments and the new position are one transaction, which also
        notes what is left: from then on the change is counted, and whoever comes next adds the rest
        before anything else.
        """
        room = MAX_WRITES_PER_CHUNK - len(chunk.texts)
        widest = max(map(len, chunk.counters.values()), default=0)
        if room < 0 or widest > MAX_COUNTERS_PER_WRITE:
            raise BrokenInvariantError("a part of one change fits into one transaction")
        listed = [Increment(key=key, counters=each) for key, each in chunk.counters.items()]
        counters = {each.key: each.counters for each in listed[:room]}
        rest = tuple(listed[room:])
        if not self.store.add(replace(chunk, counters=counters, remainder=rest)):
            return False
        return self._completed(
            chunk.shard,
            Checkpoint(
                position=chunk.position, counted_through=chunk.counted_through, remainder=rest
            ),
        )

    def _completed(self, shard: str, checkpoint: Checkpoint) -> bool:
        """Add what is left of the change that was counted last; whether nothing is left now."""
        rest = checkpoint.remainder
        for first in range(0, len(rest), MAX_WRITES_PER_CHUNK):
            end = first + MAX_WRITES_PER_CHUNK
            assert checkpoint.counted_through is not None, "stored with every remainder"
            chunk = Chunk(
                shard=shard,
                expected=checkpoint.position,
                position=checkpoint.position,
                counted_through=checkpoint.counted_through,
                counters={each.key: each.counters for each in rest[first:end]},
                expected_remainder=len(rest) - first,
                remainder=rest[end:],
            )
            if not self.store.add(chunk):
                return False
        return True

    def _of(self, change: Change, sum_: "_Sum") -> Counted:
        """What one change comes to, after the changes before it."""
        increments = [each for one in self.counting for each in one(change, self.program_at)]
        texts: dict[TotalsKey, str | None] = {}
        for one in self.remembering:
            named = {key: text for key in one.names(change) if (text := sum_.text(key)) is not None}
            counted = one.count(change, named, self.program_at)
            increments += counted.increments
            texts |= counted.texts
        return Counted(increments=tuple(increments), texts=texts)


@dataclass(slots=True, kw_only=True)
class _Sum:
    """What has been added up for the next transaction."""

    known: Mapping[TotalsKey, Remembered]
    counters: dict[TotalsKey, dict[str, int]] = field(default_factory=dict)
    texts: dict[TotalsKey, str | None] = field(default_factory=dict)
    latest: Change | None = None
    included: int = 0

    @property
    def last(self) -> Change:
        assert self.latest is not None, "something was included"
        return self.latest

    def text(self, key: TotalsKey) -> str | None:
        """What is remembered under a key after the changes so far."""
        if key in self.texts:
            return self.texts[key]
        known = self.known.get(key, NOTHING)
        return known.text if known.revision else None

    def has_room_for(self, more: Counted) -> bool:
        """Whether one transaction still holds it all."""
        names = {key: set(counters) for key, counters in self.counters.items()}
        for each in more.increments:
            names.setdefault(each.key, set()).update(each.counters)
        writes = len(names) + len(self.texts.keys() | more.texts.keys())
        widest = max(map(len, names.values()), default=0)
        return writes <= MAX_WRITES_PER_CHUNK and widest <= MAX_COUNTERS_PER_WRITE

    def include(self, change: Change, more: Counted) -> None:
        """Add what a change comes to; one that comes to nothing leaves no trace."""
        if not more.increments and not more.texts:
            return
        for each in more.increments:
            counters = self.counters.setdefault(each.key, {})
            for name, number in each.counters.items():
                counters[name] = counters.get(name, 0) + number
        self.texts |= more.texts
        self.latest = change
        self.included += 1

    def chunk(self, shard: str, checkpoint: int | None) -> Chunk:
        """The transaction; counters that come to nothing are left out."""
        changed = {
            key: {name: number for name, number in counters.items() if number}
            for key, counters in self.counters.items()
        }
        return Chunk(
            shard=shard,
            expected=checkpoint,
            position=self.last.sequence_number,
            counted_through=self.last.at,
            counters={key: counters for key, counters in changed.items() if counters},
            texts={key: self._text_to_store(key) for key in self.texts},
        )

    def _text_to_store(self, key: TotalsKey) -> Text:
        return Text(text=self.texts[key], expected=self._revision(key))

    def _revision(self, key: TotalsKey) -> int | None:
        return self.known[key].revision if key in self.known else None

    def stored(self) -> Mapping[TotalsKey, Remembered]:
        """What is known to be stored once the chunk is."""
        after = dict(self.known)
        for key, text in self.texts.items():
            if key in after:
                revision = after[key].revision + 1
                after[key] = NOTHING if text is None else Remembered(text=text, revision=revision)
        return after
