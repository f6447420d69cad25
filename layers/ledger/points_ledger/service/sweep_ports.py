"""What a sweep needs from the outside: due markers, how far it has come, and a queue of shards.

An hour's markers are spread over shards. Their number starts at 1, is stored with the hour, and
only grows. Every shard has an item of its own that says how far it was worked off.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.service.ports import Marker, MarkerKind

MAX_SHARDS: Final = 256
"""Of one hour and kind: 256,000 write units a second at DynamoDB's 1,000 for each partition."""
MARKERS_PER_SHARD: Final = 20_000
"""An hour grows beyond so many markers for each of its shards. A worker visits as many in a minute,
so a shard is a piece of work that one invocation can finish."""

HourAndShard = tuple[datetime, int]


def shards_for(markers: int) -> int:
    """How many shards an hour with so many markers should have: a power of two.

    Doubling keeps the places where a marker may be few: one for each power up to the number now.
    """
    shards = 1
    while shards < MAX_SHARDS and shards * MARKERS_PER_SHARD < markers:
        shards *= 2
    return shards


def numbers_of_shards(shards: int) -> tuple[int, ...]:
    """The numbers of shards that an hour has had when it now has `shards`."""
    powers = (2**power for power in range(MAX_SHARDS.bit_length()))
    return (*(each for each in powers if each < shards), shards)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPage:
    """Markers in order of their due time.

    Attributes:
        places: a cursor behind each of the markers.
        cursor: continues after the last, None at the end. A full page always has one.
    """

    markers: tuple[Marker, ...]
    places: tuple[str, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """How far the sweep of a kind has come: `first_open_hour` is the first that is not closed."""

    first_open_hour: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardProgress:
    """How far one shard of an hour was worked off. Each worker's own tale is true by itself.

    Everything before a cursor was visited by whoever stored it, or before that by whoever it was
    read from. So it does not matter whose item stays when two work on a shard at once: the other's
    work is done again at worst.

    Attributes:
        revision: counts stored changes; 0 is not stored.
        cursor: everything before it was visited while it fell due.
        closing: everything before it was visited in the pass that closes the hour.
        has_failed: a visit of that pass failed, so that it has to be made again.
        is_closed: that pass is over, and no visit of it failed.
        queued_at: when the shard was given to the queue, or a worker last stored something; None
            once one has come to its end. After a closing pass that failed it lies back by what is
            left of the rest of a queued shard.
    """

    hour: datetime
    shard: int
    revision: int = 0
    cursor: str | None = None
    closing: str | None = None
    has_failed: bool = False
    is_closed: bool = False
    queued_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueShard:
    """One message of a sweep's queue: work this shard off as it is due at `now`."""

    kind: MarkerKind
    hour: datetime
    shard: int
    now: datetime


class SweepQueue(Protocol):
    """Where shards wait for a worker; a message too many changes nothing."""

    def send(self, shards: Sequence[DueShard]) -> None:
        """Ask for a worker for each shard."""


class SweepStore(Protocol):
    """Markers by hour and shard, and the sweep's own progress."""

    def due_hours(
        self, kind: MarkerKind, *, since: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[datetime, int]]:
        """The first hours that have markers, oldest first, with their number of shards.

        Read consistently: whoever reads an hour after its last marker was written knows all shards.
        """

    def markers(
        self,
        kind: MarkerKind,
        hour: datetime,
        shard: int,
        *,
        until: datetime,
        after: str | None,
        limit: int,
    ) -> MarkerPage:
        """Markers of an hour due at or before `until`, after a cursor."""

    def progress(self, kind: MarkerKind) -> SweepProgress:
        """The stored progress; empty at first."""

    def save_progress(self, kind: MarkerKind, progress: SweepProgress) -> None:
        """Keep the progress, unless what is stored is further."""

    def shards(
        self, kind: MarkerKind, *, first: datetime, last: datetime
    ) -> Mapping[HourAndShard, ShardProgress]:
        """What is known of the shards of the hours from `first` to `last`, both included."""

    def shard(self, kind: MarkerKind, hour: datetime, shard: int) -> ShardProgress:
        """How far a shard was worked off; not at all at first."""

    def save_shard(self, kind: MarkerKind, progress: ShardProgress) -> ShardProgress:
        """Keep the progress of a shard; what is stored afterwards.

        Another worker's is kept where that one has stored since this one read.
        """
