"""Entries: the immutable, numbered, chained lines of a member's ledger.

A `Posting` says what changes; `chain` makes it the next entry after a head, with the state after
it and the hash of the entry before. Nothing else makes entries.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.lot import Lots, total
from points_ledger.domain.state import (
    EMPTY,
    Counters,
    ReservationChanges,
    Standing,
    State,
    changed,
    encode_lots,
    encode_reservations,
    encode_standing,
    encode_state,
)

EntryType = Literal[
    "enrolment",
    "accrual",
    "maturation",
    "reversal",
    "lapse",
    "redemption",
    "reservation",
    "capture",
    "release",
    "expiry",
    "notice",
    "extension",
    "adjustment",
    "transfer",
    "merge",
    "forfeit",
    "opening",
    "change",
]
RulePoints = tuple[tuple[str, int], ...]
"""Points by rule or campaign id, in the order in which they were computed."""

GENESIS_HASH: Final = bytes(32)
ENTRY_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One change of one member's account, before it has a place in the chain.

    All numbers are changes, except that `standing` replaces the one before. `details` holds ids
    and hashes only, never free text; `inputs` is what the numbers were computed from, as text, so
    that they can be computed again.
    """

    type: EntryType
    at: datetime
    pending: int = 0
    reserved: int = 0
    debt: int = 0
    lots: Lots = field(default_factory=dict)
    reservations: ReservationChanges = field(default_factory=dict)
    counters: Counters = field(default_factory=dict)
    standing: Standing | None = None
    source: EarningKey | None = None
    rules: RulePoints = ()
    program_version: int | None = None
    actor: str
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def available(self) -> int:
        """The change of available points."""
        return total(self.lots) - self.debt


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A posting at its place in a chain, with the state after it and the hash of the one before."""

    member_id: MemberId
    number: int
    recorded_at: datetime
    posting: Posting
    state: State
    previous_hash: bytes
    hash: bytes


def chain(head: Entry | None, member_id: MemberId, posting: Posting, now: datetime) -> Entry:
    """The next entry after `head`, recorded at `now` or at the head's instant if that is later.

    Raises:
        BrokenInvariantError: the posting would break an invariant; a defect, not a user's error.
    """
    entry = chain_unchecked(head, member_id, posting, now)
    entry.state.check()
    return entry


def chain_unchecked(
    head: Entry | None, member_id: MemberId, posting: Posting, now: datetime
) -> Entry:
    """The same after an account that may be broken, as it has to be possible to freeze it."""
    state = apply(head.state if head else EMPTY, posting)
    recorded_at = max(now, head.recorded_at) if head else now
    number = head.number + 1 if head else 1
    previous_hash = head.hash if head else GENESIS_HASH
    return Entry(
        member_id=member_id,
        number=number,
        recorded_at=recorded_at,
        posting=posting,
        state=state,
        previous_hash=previous_hash,
        hash=entry_hash(member_id, number, recorded_at, posting, state, previous_hash),
    )


def apply(state: State, posting: Posting) -> State:
    """The state after a posting."""
    return changed(
        state,
        pending=posting.pending,
        reserved=posting.reserved,
        debt=posting.debt,
        lots=posting.lots,
        reservations=posting.reservations,
        counters=posting.counters,
        standing=posting.standing,
    )


def post(
    heads: Mapping[MemberId, Entry], member_id: MemberId, postings: Iterable[Posting], now: datetime
) -> tuple[Entry, ...]:
    """Chain several postings of one member one after the other."""
    head = heads.get(member_id)
    entries: list[Entry] = []
    for posting in postings:
        head = chain(head, member_id, posting, now)
        entries.append(head)
    return tuple(entries)


def entry_hash(
    member_id: MemberId,
    number: int,
    recorded_at: datetime,
    posting: Posting,
    state: State,
    previous_hash: bytes,
) -> bytes:
    """SHA-256 over everything that the entry says, canonically written, and the hash before."""
    source = posting.source
    content: list[object] = [
        ENTRY_FORMAT,
        member_id,
        number,
        posting.type,
        format_instant(posting.at),
        format_instant(recorded_at),
        [posting.pending, posting.reserved, posting.debt, encode_lots(posting.lots)],
        posting.counters,
        encode_standing(posting.standing) if posting.standing else None,
        [source.source, source.kind, source.id] if source else None,
        posting.rules,
        posting.program_version,
        posting.actor,
        posting.reason,
        posting.details,
        encode_state(state),
        previous_hash.hex(),
    ]
    # Parts that the first entries did not have are only there where they say something, each
    # under its name, so that every hash that was ever written stays what it is.
    later = {
        "reservations": encode_reservations(posting.reservations),
        "inputs": posting.inputs,
    }
    content += [[name, value] for name, value in later.items() if value]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()
