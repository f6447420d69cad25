"""Replaying a member's entries from the first: the proof that a chain is whole (semantics 9)."""

from collections.abc import Iterable

from points_ledger.domain.entry import GENESIS_HASH, Entry, apply, entry_hash
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.state import EMPTY, State


def replay(entries: Iterable[Entry]) -> State:
    """The state after all entries, oldest first.

    Raises:
        BrokenInvariantError: names the first entry that has a gap before it, another state than
            its postings sum to, or a hash that does not fit.
    """
    state, previous_hash, expected = EMPTY, GENESIS_HASH, 1
    for entry in entries:
        place = f"entry {entry.number} of {entry.member_id}"
        if entry.number != expected:
            raise BrokenInvariantError(f"{place}: expected number {expected}")
        state = apply(state, entry.posting)
        if state != entry.state:
            raise BrokenInvariantError(f"{place}: the state is not the sum of the postings")
        state.check()
        actual = entry_hash(
            entry.member_id,
            entry.number,
            entry.recorded_at,
            entry.posting,
            entry.state,
            previous_hash,
        )
        if entry.previous_hash != previous_hash or entry.hash != actual:
            raise BrokenInvariantError(f"{place}: the hash does not fit")
        previous_hash, expected = entry.hash, expected + 1
    return state
