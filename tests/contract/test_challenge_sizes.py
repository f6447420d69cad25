"""Counters of challenges and streaks keep an entry within two write units, an earning within one.

Played for a member of many years: 40 lots, invoices of five lines, one a day for two months, every
one of which counts everywhere.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.home import ROOT
from points_ledger.adapters.dynamodb import codec
from points_ledger.adapters.dynamodb.item_size import WRITE_UNIT_BYTES, size_bytes
from points_ledger.contracts.program import parse_program
from points_ledger.domain.earning import Earning
from points_ledger.domain.program import Program
from points_ledger.service.ports import Append, Save
from tests.benchmarks import reference
from tests.service.desk import Desk

NAMES = (
    "five-purchases", "coffee-lover", "weekend-shopper", "big-spender", "new-in-spring",
    "early-bird", "ten-originals", "retail-champion", "birthday-month", "summer-race",
)  # fmt: skip
STREAKS = (("day", 7), ("day", 3), ("week", 4), ("week", 8), ("month", 3))
DAYS = 60


def playing(challenges: int, streaks: int, per: str) -> Program:
    document: dict[str, Any] = json.loads((ROOT / "events" / "program.json").read_text("utf-8"))
    document["challenges"] = [
        {"id": name, "count": 5, "points": 50, "per": per} for name in NAMES[:challenges]
    ]
    document["streaks"] = [
        {"id": f"streak-{every}-{length}", "every": every, "length": length, "points": 5}
        for every, length in STREAKS[:streaks]
    ]
    return parse_program(document, 1)


def largest(rules: Program, lots: int = reference.LOTS) -> tuple[int, int]:
    """The largest entry and the largest earning of two months, in bytes."""
    desk = Desk(rules, now=reference.START - timedelta(days=DAYS))
    entries, earnings = [0], [0]
    for number in range(DAYS):
        desk.wait(desk.now + timedelta(days=1))
        sold = reference.invoice(number + 1, reference.customer(1), posted_at=desk.now)
        before = len(desk.store.commits)
        desk.tell(sold)
        if not number:
            grow_old(desk, lots)
            continue
        for write in desk.store.commits[before]:
            if isinstance(write, Append):
                entries.append(size_bytes(codec.encode_entry(write.entry)))
            if isinstance(write, Save) and isinstance(write.item, Earning):
                earnings.append(size_bytes(codec.encode_save(write.item, write.expected)))
    return max(entries), max(earnings)


def grow_old(desk: Desk, lots: int) -> None:
    """Let the member have the account of the reference shape from here on."""
    [member_id] = desk.memory.members()
    chain = desk.memory._chains[member_id]
    counted = {name: n for name, n in chain[-1].state.counters.items() if ":" in name}
    old = reference.state(reference.lots(lots))
    chain[-1] = replace(chain[-1], state=replace(old, counters={**old.counters, **counted}))


@pytest.mark.parametrize("per", ["day", "week", "month", "lifetime"])
def test_ten_challenges_and_five_streaks_cost_one_unit_more(per: str) -> None:
    entry, earning = largest(playing(10, 5, per))
    assert entry <= 2 * WRITE_UNIT_BYTES
    assert earning <= WRITE_UNIT_BYTES


def test_one_challenge_costs_nothing_more() -> None:
    entry, earning = largest(playing(1, 0, "month"), lots=12)
    assert entry <= WRITE_UNIT_BYTES
    assert earning <= WRITE_UNIT_BYTES
