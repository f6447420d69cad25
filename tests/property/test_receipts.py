"""Receipts of random histories: whatever happens to a purchase, its entries can be recomputed."""

from collections import Counter
from dataclasses import replace

import pytest

from points_ledger.domain.entry import EntryType
from points_ledger.domain.program import Clawback
from points_ledger.domain.verification import Book, verify
from tests.property.test_histories import POLICIES, Telling, drawn, opened, orders

HISTORIES = 40
ORDERS_PER_HISTORY = 3


@pytest.mark.parametrize("clawback", POLICIES)
def test_histories_in_any_order_recompute(clawback: Clawback) -> None:
    """Splits, refunds, bounces, lapses and a program that changes, under each policy."""
    seen: Counter[EntryType] = Counter()
    for seed in range(HISTORIES):
        # What happened before has rules of its own under the same number of version.
        history = replace(drawn(seed, clawback), has_past=False)
        for order in orders(history)[:ORDERS_PER_HISTORY]:
            Telling(history=history, world=(world := opened(history))).tell_all(order)
            programs = {program.version: program for program in history.programs}
            for found in verify(Book(chains=world.entries, programs=programs)):
                assert found.difference is None, (seed, found.difference)
                assert not found.not_recomputed, (seed, found.not_recomputed)
            chains = world.entries.values()
            seen.update(entry.posting.type for entries in chains for entry in entries)
    for type_ in ("accrual", "maturation", "reversal", "lapse", "redemption"):
        assert seen[type_] >= HISTORIES // 2, f"{type_} occurs {seen[type_]} times"
