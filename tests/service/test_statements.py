"""Statements: opening and entries come to closing, and a past month never changes."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import State
from points_ledger.service.history import first_from, span
from points_ledger.service.ports import Append
from points_ledger.service.statements import SUMMED, Statement
from tests.builders import START, paid, posted, program, refunded
from tests.service.party import ADA, BOB, earn, within_organisation
from tests.service.registry import Registry

MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))


@pytest.fixture
def registry() -> Registry:
    """Ada earns 100 in March, spends and reserves in April, has a refund in May."""
    registry = Registry()
    desk = registry.desk
    desk.wait(datetime(2026, 4, 10, 12, tzinfo=UTC))
    desk.redeem(30)
    desk.redeem(10, reserve=True, key="hold")
    desk.tell(posted("40.00", id="open", customer="ada", at=desk.now))
    desk.wait(datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC))
    desk.tell(refunded("80.00", id="of-ada", at=desk.now))
    return registry


def balances(state: State) -> tuple[int, int, int, int]:
    return state.available, state.pending, state.reserved, state.debt


def check(statement: Statement) -> None:
    """Opening and entries come to closing, and so do the totals."""
    sums = [
        sum(getattr(entry.posting, name) for entry in statement.entries)
        for name in ("available", "pending", "reserved", "debt")
    ]
    opening, closing = balances(statement.opening), balances(statement.closing)
    assert tuple(a + b for a, b in zip(opening, sums, strict=True)) == closing
    assert {name: statement.totals[name] for name in SUMMED} == {
        name: statement.closing.counter(name) - statement.opening.counter(name) for name in SUMMED
    }


def test_months_follow_one_another_without_a_gap(registry: Registry) -> None:
    statements = [registry.statement(month) for month in (MARCH, APRIL, MAY, JUNE)]
    for statement in statements:
        check(statement)
    for before, following in pairwise(statements):
        assert following.opening == before.closing
    entries = [entry for statement in statements for entry in statement.entries]
    assert entries == registry.desk.memory.chain(ADA)
    assert balances(statements[0].opening) == (0, 0, 0, 0)
    assert statements[-1].closing == entries[-1].state


def test_totals_say_what_happened(registry: Registry) -> None:
    march = registry.statement(MARCH).totals
    april = registry.statement(APRIL).totals
    assert (march["earned"], march["matured"], march["redeemed"]) == (100, 100, 0)
    assert (april["earned"], april["matured"], april["redeemed"]) == (40, 0, 30)


def test_a_past_month_never_changes(registry: Registry) -> None:
    before = registry.statement(APRIL)
    registry.desk.wait(datetime(2026, 6, 3, tzinfo=UTC))
    earn(registry.desk, "ada", "5.00", id="later")
    registry.desk.tell(paid("40.00", id="open", at=datetime(2026, 4, 20, tzinfo=UTC)))
    registry.erase()
    assert registry.statement(APRIL) == before


def test_a_month_to_come_is_empty(registry: Registry) -> None:
    head = registry.desk.memory.chain(ADA)[-1]
    for month in (JUNE, date(9998, 12, 1)):
        statement = registry.statement(month)
        assert (statement.entries, statement.next_number) == ((), None)
        assert statement.opening == statement.closing == head.state


def test_a_month_before_there_was_a_member_is_empty(registry: Registry) -> None:
    statement = registry.statement(date(1900, 1, 1))
    assert (statement.entries, balances(statement.closing)) == ((), (0, 0, 0, 0))


def test_months_are_those_of_the_programs_zone() -> None:
    registry = Registry(within_organisation(program(zone="America/Chicago")))
    for hour in (4, 5):
        registry.desk.wait(datetime(2026, 4, 1, hour, tzinfo=UTC))
        registry.desk.redeem(1, key=f"at-{hour}")
    assert registry.statement(MARCH).totals["redeemed"] == 1
    assert registry.statement(APRIL).totals["redeemed"] == 1
    assert registry.statement(APRIL).zone.key == "America/Chicago"


def test_pages_carry_the_balance_forward(registry: Registry) -> None:
    whole = registry.statement(APRIL)
    pages: list[Statement] = []
    begin = None
    for _ in range(len(whole.entries)):
        page = registry.statement(APRIL, begin=begin, limit=2)
        check(page)
        pages.append(page)
        begin = page.next_number
        if begin is None:
            break
    assert [entry for page in pages for entry in page.entries] == list(whole.entries)
    assert (pages[0].opening, pages[-1].closing) == (whole.opening, whole.closing)
    for before, following in pairwise(pages):
        assert following.opening == before.closing


def test_a_place_in_another_month_is_refused(registry: Registry) -> None:
    march = registry.statement(MARCH).entries
    for begin in (march[-1].number, 10_000):
        with pytest.raises(ValueError):
            registry.statement(APRIL, begin=begin)


def test_a_merge_changes_no_statement_of_the_past(registry: Registry) -> None:
    before = registry.statement(MARCH)
    registry.desk.merge(ADA, BOB)
    assert registry.statement(MARCH) == before
    assert before.member_id == ADA


def test_nobody_has_no_statement(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        registry.statement(MARCH, MemberId("nobody"))


def test_a_month_costs_the_logarithm_of_the_history() -> None:
    registry = Registry()
    head = registry.desk.memory.chain(ADA)[-1]
    for n in range(2_000):
        now = START + timedelta(hours=12 * n)
        posting = Posting(type="notice", at=now, actor="test")
        head = chain(head, ADA, posting, now)
        registry.desk.memory.commit([Append(entry=head)])
    reads: list[int] = []
    whole = registry.desk.memory.entries

    def counted(member_id: MemberId, **asked: object) -> object:
        reads.append(1)
        return whole(member_id, **asked)  # type: ignore[arg-type]  # handed on

    registry.desk.memory.entries = counted  # type: ignore[method-assign, assignment]  # counts
    statement = registry.statement(MAY)
    assert len(statement.entries) == 62
    assert len(reads) <= 2 * 12 + 1


def test_the_newest_entry_is_there_though_the_list_lags_behind(registry: Registry) -> None:
    memory = registry.desk.memory
    registry.desk.wait(registry.desk.now + timedelta(days=1))
    registry.desk.redeem(1, key="last", member_id=BOB)
    head = memory.chain(BOB)[-1]
    stale = memory.chain(BOB)[:-1]
    memory._chains[BOB].pop()
    assert span(memory, head, 1, head.number) == (*stale, head)
    assert first_from(memory, head, head.recorded_at) == head.number
