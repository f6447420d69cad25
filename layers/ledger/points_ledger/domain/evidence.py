"""Whether entries are those that were published, and what was done to them where they are not.

Entries that fit together prove only that somebody made them fit. A published head (checkpoint.py)
is what nobody can make fit afterwards: the entries up to it are unchanged if the one with its
number has its hash.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

from points_ledger.domain.checkpoint import Head
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import GENESIS_HASH, Entry, entry_hash

LATE: Final = timedelta(minutes=15)
"""How much older than its storing an entry's time may be: retries, and clocks that differ."""
SCHEDULE: Final = "schedule:"
"""What a schedule posts bears the schedule's time, also where a failed run is repeated days later:
its entries may be younger than they say."""
MAX_TOLD: Final = 20
"""Further irregularities of one chain are not listed."""

What = Literal["missing", "repeated", "reordered", "changed", "forged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Irregularity:
    """What was done to an entry, by its number."""

    number: int
    what: What


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A head, and the day and time of the checkpoint that has it."""

    day: date
    begun_at: datetime
    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one published head says of a chain.

    Attributes:
        agrees: the entries up to the head are those that were published.
        later: entries after it, of which this checkpoint says nothing.
        forged: the first entry after it that claims to be older than the checkpoint.
        doubtful: the first such entry of a schedule, which may be older than its storing.
    """

    published: Published
    agrees: bool
    later: int = 0
    forged: int | None = None
    doubtful: int | None = None


def judged(entries: Sequence[Entry], verified: int, published: Published) -> Judged:
    """Judge a chain, oldest first, of which the first `verified` entries fit together."""
    head = published.head
    if verified < head.number:
        return Judged(published=published, agrees=False)
    hash_ = entries[head.number - 1].hash if head.number else GENESIS_HASH
    if hash_ != head.hash:
        return Judged(published=published, agrees=False)
    later = entries[head.number :]
    early = [entry for entry in later if entry.recorded_at < published.begun_at - LATE]
    return Judged(
        published=published,
        agrees=True,
        later=len(later),
        forged=next((e.number for e in early if not e.posting.actor.startswith(SCHEDULE)), None),
        doubtful=next((e.number for e in early if e.posting.actor.startswith(SCHEDULE)), None),
    )


def irregularities(entries: Sequence[Entry]) -> tuple[Irregularity, ...]:
    """What is wrong with a chain as it stands, by itself: numbers, links and hashes."""
    found = dict.fromkeys(_irregular(entries))
    return tuple(found)[:MAX_TOLD]


def _irregular(entries: Sequence[Entry]) -> Iterator[Irregularity]:
    counts = Counter(entry.number for entry in entries)
    expected = 1
    for number in sorted(counts):
        # A number that nobody could have reached is no gap of millions.
        for missing in range(expected, min(number, expected + MAX_TOLD)):
            yield Irregularity(number=missing, what="missing")
        expected = number + 1
        if counts[number] > 1:
            yield Irregularity(number=number, what="repeated")
    highest = 0
    for entry in entries:
        if entry.number < highest:
            yield Irregularity(number=entry.number, what="reordered")
        highest = max(highest, entry.number)
    hashes = {entry.number: entry.hash for entry in entries}
    for entry in entries:
        if entry.hash != _right_hash(entry):
            yield Irregularity(number=entry.number, what="changed")
        before = GENESIS_HASH if entry.number == 1 else hashes.get(entry.number - 1)
        if before is not None and entry.previous_hash != before:
            yield Irregularity(number=entry.number, what="forged")


def _right_hash(entry: Entry) -> bytes:
    return entry_hash(
        entry.member_id,
        entry.number,
        entry.recorded_at,
        entry.posting,
        entry.state,
        entry.previous_hash,
    )
