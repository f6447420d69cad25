"""Statements as CSV: what comes from outside is shown and never computed."""

import csv
import io
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from points_ledger.contracts.statement import COLUMNS, statement_csv
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.lot import NEVER
from points_ledger.domain.state import EMPTY
from points_ledger.service.statements import Statement
from tests.builders import START

ADA = MemberId("mbr_ada")


def lines(*postings: Posting) -> list[dict[str, str]]:
    entries: list[Entry] = []
    for posting in postings:
        entries.append(chain(entries[-1] if entries else None, ADA, posting, START))
    statement = Statement(
        member_id=ADA,
        month=date(2026, 3, 1),
        zone=ZoneInfo("UTC"),
        opening=EMPTY,
        closing=EMPTY,
        entries=tuple(entries),
        totals={},
        next_number=None,
    )
    text = statement_csv(statement)
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "-x", "+5", " =1+1", "\n=1", "\uff1d1+1"],
)
def test_what_a_spreadsheet_would_compute_is_quoted(text: str) -> None:
    [line] = lines(Posting(type="change", at=START, actor=text, reason=text))
    assert (line["actor"], line["reason"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", ["a=1", "x", '"quoted", and more', "two\nlines", "-12", "-1.5"])
def test_everything_else_is_as_it_was(text: str) -> None:
    [line] = lines(Posting(type="change", at=START, actor="person:x", reason=text))
    assert line["reason"] == text


def test_amounts_below_zero_stay_numbers() -> None:
    first = Posting(
        type="opening", at=START, lots={NEVER: 50}, counters={"opened": 50}, actor="import:f"
    )
    second = Posting(
        type="redemption",
        at=START,
        lots={NEVER: -20},
        counters={"redeemed": 20},
        source=EarningKey(source="pos", kind="ticket", id="=1+1"),
        rules=(("=rule", 20), ("other", 1)),
        actor="till:1",
    )
    line = lines(first, second)[1]
    assert list(line) == list(COLUMNS)
    assert (line["available"], line["balance_available"]) == ("-20", "30")
    assert (line["lots"], line["source"]) == ("never:-20", "pos:ticket:=1+1")
    assert line["rules"] == "'=rule:20 other:1"


def test_a_month_without_entries_is_a_line_of_names() -> None:
    assert lines() == []
