"""Totals as many entries leave them, without the entries."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from points_ledger.domain.movement import MOVEMENTS
from points_ledger.service.ledger_totals import (
    COLUMNS,
    DAYS,
    KINDS,
    LOTS,
    MONTHS,
    RESULTS,
    RULES,
)
from points_ledger.service.totalling import (
    MAX_WRITES_PER_CHUNK,
    Chunk,
    TotalsKey,
    TotalsStore,
)

MONTHS_KEPT: Final = 36
LOT_MONTHS: Final = 25
RULE_IDS: Final = 20
FIRST_YEAR: Final = 2024
LAST_MONTH: Final = "2026-12"
SHARD: Final = "synthetic"


def month(number: int) -> str:
    """A month, counted from January of FIRST_YEAR."""
    return f"{FIRST_YEAR + number // 12}-{number % 12 + 1:02d}"


def ledger_totals(entries: int) -> Iterator[tuple[TotalsKey, dict[str, int]]]:
    """Three years in which everything happens every month and on every day of the last one."""
    for number in range(MONTHS_KEPT):
        name = month(number)
        counters = _movements(entries // MONTHS_KEPT) | {
            f"{LOTS}{month(number + n)}": entries + n for n in range(LOT_MONTHS)
        }
        yield TotalsKey(partition=MONTHS, place=name), counters
        if name == LAST_MONTH:
            for day in range(1, 32):
                yield TotalsKey(partition=DAYS, place=f"{name}-{day:02d}"), counters
        kinds = {
            f"{kind}:{what}": entries
            for kind in ("ticket", "gift_card", "cash", "coupon", "reward")
            for what in ("points", "USD")
        }
        yield TotalsKey(partition=RESULTS, place=name + KINDS), kinds
        rules = {f"campaign-of-the-season-{n}": entries for n in range(RULE_IDS)}
        yield TotalsKey(partition=RESULTS, place=name + RULES), rules


def _movements(entries: int) -> dict[str, int]:
    """Every movement in every column, with columns that come to opening and closing anyhow."""
    return {
        f"{movement}:{column}": entries * 100 + place
        for place, movement in enumerate(MOVEMENTS)
        for column in COLUMNS
    }


def fill(store: TotalsStore, entries: int, at: datetime) -> None:
    """Store the totals of so many entries."""
    items, known = list(ledger_totals(entries)), store.checkpoint(SHARD)
    expected = None if known is None else known.position
    for first in range(0, len(items), MAX_WRITES_PER_CHUNK):
        position = (expected or 0) + 1
        assert store.add(
            Chunk(
                shard=SHARD,
                expected=expected,
                position=position,
                counted_through=at,
                counters=dict(items[first : first + MAX_WRITES_PER_CHUNK]),
            )
        )
        expected = position
