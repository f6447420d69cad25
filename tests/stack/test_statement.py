"""Statements over HTTP: a month as JSON and as CSV."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.stack.client import StackClient, problem

pytestmark = pytest.mark.stack

Json = dict[str, Any]
CHICAGO = ZoneInfo("America/Chicago")
NAMES = ("available", "pending", "reserved", "debt")


def months() -> tuple[str, str, str]:
    """The last month, this one and the next, in the program's zone."""
    first = datetime.now(CHICAGO).replace(day=1)
    return tuple(  # type: ignore[return-value]  # three of them
        (first + timedelta(days=days)).strftime("%Y-%m") for days in (-1, 0, 32)
    )


def statement(
    ledger: StackClient, member_id: str, month: str, *, token: str | None = None, **more: str
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or ledger.staff_token}", **more}
    return ledger.http.get(
        f"/members/{member_id}/statement", params={"month": month}, headers=headers
    )


def test_opening_and_entries_come_to_closing(ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    assert ledger.redeem(member_id, points=510).status_code == 201
    before, current, following = (statement(ledger, member_id, month).json() for month in months())

    assert current["time_zone"] == "America/Chicago"
    sums = {name: sum(entry[name] for entry in current["entries"]) for name in NAMES}
    assert {name: current["opening"][name] + sums[name] for name in NAMES} == current["closing"]
    assert current["entries"] == ledger.entries(member_id)
    assert (current["closing"]["available"], current["cursor"]) == (90, None)
    totals = current["totals"]
    assert (totals["earned"], totals["matured"], totals["redeemed"]) == (600, 600, 510)
    assert (before["entries"], following["entries"]) == ([], [])
    assert before["closing"] == current["opening"]
    assert following["opening"] == current["closing"]


def test_a_statement_as_csv(ledger: StackClient) -> None:
    member_id = ledger.rich_member(60)
    token = ledger.sign_up(member_id)
    answer = statement(ledger, "me", months()[1], token=token, Accept="text/csv")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    entries = ledger.entries(member_id)
    assert [row["type"] for row in rows] == [entry["type"] for entry in entries]
    assert [int(row["available"]) for row in rows] == [entry["available"] for entry in entries]


def test_no_id_of_a_source_becomes_a_formula(ledger: StackClient) -> None:
    external_id = {"source": "pos", "id": "=1+1"}
    member_id = ledger.enrol("Somebody", tags=["=2+2"], external_ids=[external_id])
    answer = statement(ledger, member_id, months()[1], Accept="text/csv")
    cells = [cell for row in csv.reader(io.StringIO(answer.text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_a_month_that_is_none_and_a_member_who_is_another(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    other = ledger.sign_up(ledger.enrol("Somebody else"))
    assert problem(statement(ledger, member_id, "2026-13")) == (400, "invalid_request")
    month = months()[1]
    assert problem(statement(ledger, member_id, month, token=other)) == (403, "forbidden")
    till = statement(ledger, member_id, month, token=ledger.till_token)
    assert problem(till) == (403, "forbidden")
