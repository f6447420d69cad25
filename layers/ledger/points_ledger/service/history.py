"""Parts of a member's history, oldest first, whatever its length."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from points_ledger.domain.entry import Entry
from points_ledger.service.ports import LedgerReader

MAX_PAGES: Final = 100
"""Reads for one span; DynamoDB answers with at least 100 entries, unless there are no more."""


def span(reader: LedgerReader, head: Entry, first: int, last: int) -> tuple[Entry, ...]:
    """The entries with the numbers `first` to `last` of the chain of `head`, oldest first."""
    found: list[Entry] = []
    before = last + 1
    for _ in range(MAX_PAGES):
        if before <= first:
            break
        page = reader.entries(
            head.member_id, limit=before - first, before=before, types=frozenset()
        )
        found += page.entries
        before = page.next_number or first
    # The list that is read may be a moment old, and the newest entry is known.
    if last == head.number and (not found or found[0].number < last) and first <= last:
        found = [head, *(each for each in found if each.number < last)]
    return tuple(reversed(found))


def first_from(reader: LedgerReader, head: Entry, instant: datetime) -> int:
    """The number of the first entry recorded at or after an instant; after `head` if there is none.

    Numbers grow with the time of recording, so half of what is left is ruled out by each read.
    """
    if head.recorded_at < instant:
        return head.number + 1
    return _lowest(
        1, head.number, lambda number: _entry(reader, head, number).recorded_at >= instant
    )


def _lowest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The lowest number from `low` for which something holds, as it does for `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _entry(reader: LedgerReader, head: Entry, number: int) -> Entry:
    """One entry; what is too new for the list that is read is as new as the newest."""
    page = reader.entries(head.member_id, limit=1, before=number + 1, types=frozenset())
    return page.entries[0] if page.entries and page.entries[0].number == number else head
