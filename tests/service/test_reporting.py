"""Reports read totals only: how many requests, whatever the ledger's size, and what they say."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from points_ledger.contracts.reports import (
    activity_csv,
    activity_document,
    liability_csv,
    liability_document,
    read_activity,
)
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.program import Program
from points_ledger.service.ledger import WritePath
from points_ledger.service.ledger_totals import DAYS, MONTHS, RESULTS
from points_ledger.service.ports import Budget, ProgramVersion
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import Publishing
from points_ledger.service.reporting import Activity, BudgetUse, Reporting
from points_ledger.service.totalling import TotalsKey
from tests.benchmarks import synthetic
from tests.builders import START, campaign, program, rule
from tests.memory_store import MemoryStore
from tests.memory_totals import MemoryTotals

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
"""Noon, and in the program's zone the same day."""


def reporting(
    totals: MemoryTotals, rules: Program | None = None, *budgets: Budget, now: datetime = NOW
) -> Reporting:
    store = MemoryStore(clock=lambda: now)
    version = ProgramVersion(program=rules or program(), document="{}", published_at=START)
    path = WritePath(store=store, pause=lambda _: None)
    Publishing(path=path, clock=lambda: START).load_first(version)
    for budget in budgets:
        store._items[budget.key] = budget
    programs = Programs(store, lambda: now)
    return Reporting(totals=totals, store=store, programs=programs, clock=lambda: now)


def totals(items: Mapping[tuple[tuple[str, ...], str], Mapping[str, int]]) -> MemoryTotals:
    store = MemoryTotals()
    for (partition, place), counters in items.items():
        store.counters[TotalsKey(partition=partition, place=place)] = dict(counters)
    return store


@pytest.mark.parametrize("entries", [1_000, 1_000_000])
def test_a_report_takes_as_many_requests_whatever_the_ledgers_size(entries: int) -> None:
    store = MemoryTotals()
    synthetic.fill(store, entries, NOW)
    report = reporting(store)
    asked = []
    for run in (
        lambda: report.liability(None, Decimal(0)),
        lambda: report.liability(date(2026, 12, 24), Decimal(0)),
        lambda: report.activity(date(2025, 1, 1), date(2026, 12, 1)),
    ):
        store.requests = 0
        run()
        asked.append(store.requests)
    assert asked == [1, 2, 2]


MOVED = totals(
    {
        (MONTHS, "2026-10"): {"earned:pending": 900, "matured:pending": -500}
        | {"matured:available": 500, "lots:2026-11": 200, "lots:2028-10": 300},
        (MONTHS, "2026-12"): {"redeemed:available": -120, "lots:2028-10": -120}
        | {"reserved:available": -30, "reserved:reserved": 30, "lots:never": -30}
        | {"opened:available": 80, "lots:2028-10 ": 0, "lots:later": 80},
        (DAYS, "2026-12-01"): {"redeemed:available": -120, "lots:2028-10": -120},
        (DAYS, "2026-12-30"): {"opened:available": 80, "lots:later": 80},
        (DAYS, "2026-12-31"): {"reserved:available": -30, "reserved:reserved": 30},
        (RESULTS, "2026-12 kinds"): {"cash:points": 100, "cash:USD": 100, "ticket:points": 20}
        | {"ticket:USD": 20},
        (RESULTS, "2026-12 rules"): {"base": 70, "black-friday": 30, "=gone": -5},
    }
)


def test_what_is_owed_by_month_of_expiry() -> None:
    found = reporting(MOVED).liability(None, Decimal("0.2"))
    assert dict(found.months) == {"2028-10": 180, "later": 80, "never": -30}
    assert list(found.months) == ["2028-10", "later", "never"]
    assert found.passed == 200
    assert (found.outstanding, found.balances.pending) == (260, 400)
    shown = liability_document(found)
    assert shown["cost_per_point"] == "0.01"
    assert shown["expected_cost_per_point"] == "0.008"
    assert shown["outstanding"] == {
        "points": 260,
        "value": "2.60",
        "reserve": "2.08",
        "available": 230,
        "reserved": 30,
    }
    assert shown["at"] is None


def test_what_was_owed_at_the_end_of_a_day() -> None:
    report = reporting(MOVED)
    by_day = {
        day: report.liability(date(2026, 12, day), Decimal(0)).balances.available
        for day in (1, 29, 30)
    }
    assert by_day == {1: 380, 29: 380, 30: 460}
    before = report.liability(date(2026, 11, 30), Decimal(0))
    assert (before.balances.available, dict(before.months)) == (
        500,
        {"2026-11": 200, "2028-10": 300},
    )
    assert before.closed
    assert before.as_of == datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    today = report.liability(date(2026, 12, 31), Decimal(0))
    assert (today.closed, today.as_of) == (False, NOW)


def test_each_month_begins_where_the_one_before_ended() -> None:
    found = reporting(MOVED).activity(date(2026, 10, 1), date(2026, 12, 1))
    october, november, december = found.months
    assert (october.opening.total, october.closing.available) == (0, 500)
    assert november.opening == november.closing == october.closing
    assert december.closing.total == 900 - 120 + 80
    only = reporting(MOVED).activity(date(2026, 12, 1), date(2026, 12, 1))
    assert only.months == (december,)


def test_campaigns_with_what_is_left_of_their_budgets() -> None:
    rules = program(rule(id="base"), campaigns=(campaign("black-friday", budget_points=1_000),))
    given = [
        Budget(campaign_id="black-friday", shard=n, given=used) for n, used in ((0, 40), (3, 2))
    ]
    report = reporting(MOVED, rules, *given)
    found = report.activity(date(2026, 12, 1), date(2026, 12, 1))
    assert found.budgets == (
        BudgetUse(campaign_id="black-friday", budget_points=1_000, used_points=42),
    )
    lines = activity_csv(found, "rules").splitlines()
    # An id is text: what a spreadsheet would compute begins with an apostrophe.
    assert lines == [
        "month,id,kind,points,budget_points,budget_used",
        "2026-12,'=gone,,-5,,",
        "2026-12,base,rule,70,,",
        "2026-12,black-friday,campaign,30,1000,42",
    ]


def test_the_tables_as_csv() -> None:
    report = reporting(MOVED)
    found = report.activity(date(2026, 12, 1), date(2026, 12, 1))
    assert activity_csv(found, "kinds").splitlines() == [
        "month,kind,points,amount,currency",
        "2026-12,cash,100,1.00,USD",
        "2026-12,ticket,20,0.20,USD",
    ]
    rows = activity_csv(found, "movements").splitlines()
    assert rows[0] == "month,movement,pending,available,reserved,debt,total"
    assert rows[1] == "2026-12,opening,400,500,0,0,900"
    assert "2026-12,redeemed,0,-120,0,0,-120" in rows
    assert rows[-1] == "2026-12,closing,400,430,30,0,860"
    owed = liability_csv(report.liability(None, Decimal("0.2"))).splitlines()
    assert owed[:3] == [
        "item,month,points,value,reserve,currency",
        "expiring,2028-10,180,1.80,1.44,USD",
        "expiring,later,80,0.80,0.64,USD",
    ]
    assert "per_point,,1,0.01,0.008,USD" in owed


def test_json_has_all_tables() -> None:
    shown = activity_document(reporting(MOVED).activity(date(2026, 12, 1), date(2026, 12, 1)))
    assert {row["kind"]: row["amount"] for row in shown["redemptions"]} == {  # type: ignore[attr-defined]
        "cash": "1.00",
        "ticket": "0.20",
    }
    assert [row["id"] for row in shown["results"]] == ["=gone", "base", "black-friday"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-13", "to": "2027-01"}, "from"),
        ({"from": "2026-12", "to": "2026-11"}, "to"),
        ({"from": "2027-01"}, "to"),
        ({"from": "2024-12", "to": "2026-12"}, "to"),
        ({"from": "2024-12"}, "to"),
        ({"from_": "2026-11", "to": "2026-11"}, "from_"),
        ({"from": "2026-11", "to": "2026-11", "table": "all"}, "table"),
        ({"from": "2026-11", "to": "2026-11", "more": "1"}, "more"),
    ],
)
def test_months_that_cannot_be_shown_are_refused(query: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        asked(query)
    assert field in {error.field for error in refused.value.errors}


@pytest.mark.parametrize(
    ("query", "first", "last", "months"),
    [
        ({"from": "2025-01", "to": "2026-12"}, "2025-01", "2026-12", 24),
        ({}, "2026-01", "2026-12", 12),
        ({"from": "2026-11"}, "2026-11", "2026-12", 2),
        ({"to": "2026-03"}, "2025-04", "2026-03", 12),
    ],
)
def test_months_that_are_not_named_are_those_up_to_now(
    query: dict[str, str], first: str, last: str, months: int
) -> None:
    found = asked(query).months
    assert (found[0].month, found[-1].month, len(found)) == (first, last, months)


def asked(query: dict[str, str]) -> Activity:
    found = read_activity(query)
    return reporting(MOVED).activity(found.from_, found.to)


def test_a_day_to_come_is_answered_as_now() -> None:
    to_come = reporting(MOVED).liability(date(2028, 11, 1), Decimal(0))
    now = reporting(MOVED).liability(None, Decimal(0))
    assert (to_come.months, to_come.passed, to_come.as_of) == (now.months, now.passed, now.as_of)
    assert not to_come.closed
