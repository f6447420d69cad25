"""Reports over HTTP: what happened to some members is what the reports changed by."""

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.stack.client import StackClient, problem, unique

pytestmark = pytest.mark.stack

Json = dict[str, Any]
COLUMNS = ("pending", "available", "reserved", "debt")
COUNTED_SECONDS = 60.0


def month(days: int = 0) -> str:
    """The month that it is in Chicago, or was, or will be some days from now."""
    return (datetime.now(ZoneInfo("America/Chicago")) + timedelta(days=days)).strftime("%Y-%m")


def report(ledger: StackClient, name: str, accept: str = "", **query: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {ledger.staff_token}", "Accept": accept}
    answer = ledger.http.get(f"/reports/{name}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def activity(ledger: StackClient) -> Json:
    found: Json = report(ledger, "activity", **{"from": month(), "to": month()}).json()
    return found


def closing(ledger: StackClient) -> dict[str, int]:
    balances = activity(ledger)["months"][-1]["closing"]
    return {name: balances[name] for name in COLUMNS}


def cost_of(found: Json, kind: str) -> tuple[int, Decimal]:
    """Points and money that redemptions of a kind took."""
    rows = [row for row in found["redemptions"] if row["kind"] == kind]
    return sum(row["points"] for row in rows), sum((Decimal(r["amount"]) for r in rows), Decimal(0))


def test_reports_change_by_what_happened(ledger: StackClient) -> None:
    ledger.wait_until_processed()
    before, owed_before = activity(ledger), report(ledger, "liability").json()

    member_id, friend_id = ledger.rich_member(1200), ledger.rich_member(60)
    assert ledger.redeem(member_id, points=500, kind="cash").status_code == 201
    held = ledger.redeem(member_id, points=500, kind="gift_card", reserve=True)
    staff, path = ledger.staff_token, f"/redemptions/{held.json()['redemption_id']}"
    captured = ledger.post(f"{path}/capture", {"points": 300}, token=staff, key=unique("key"))
    undone = ledger.post(f"{path}/reverse", {"points": 100}, token=staff, key=unique("key"))
    assert (captured.status_code, undone.status_code) == (200, 200)
    body = {"member_id": friend_id, "points": 25, "reason": "goodwill"}
    assert ledger.post("/adjustments", body, token=staff, key=unique("key")).status_code == 201

    entries = [each for id_ in (member_id, friend_id) for each in ledger.entries(id_)]
    first = before["months"][0]["closing"]
    expected = {name: first[name] + sum(each[name] for each in entries) for name in COLUMNS}
    ledger.wait_for(
        f"totals are {expected}",
        lambda: closing(ledger),
        lambda found: found == expected,
        seconds=COUNTED_SECONDS,
    )

    after, owed = activity(ledger), report(ledger, "liability", breakage="0.20").json()
    [row] = after["months"]
    names = [name for name in row if name not in ("month", "opening", "closing")]
    for column in (*COLUMNS, "total"):
        moved = sum(row[name][column] for name in names)
        assert row["opening"][column] + moved == row["closing"][column]
    for kind, points in (("cash", 500), ("gift_card", 200)):
        told, told_before = cost_of(after, kind), cost_of(before, kind)
        assert told[0] - told_before[0] == points
        assert told[1] - told_before[1] == Decimal(points) / 100

    lots = sum(row["points"] for row in owed["expiring"])
    lots_before = sum(row["points"] for row in owed_before["expiring"])
    available = sum(each["available"] for each in entries)
    assert lots - lots_before == available
    assert owed["outstanding"]["points"] == lots + owed["outstanding"]["reserved"]
    worth = Decimal(owed["outstanding"]["value"])
    assert worth == Decimal(owed["outstanding"]["points"]) / 100
    assert abs(Decimal(owed["outstanding"]["reserve"]) - worth * Decimal("0.8")) <= Decimal("0.005")


def test_reports_as_csv(ledger: StackClient) -> None:
    answer = report(ledger, "liability", "text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    outstanding = next(row for row in rows if row["item"] == "outstanding")
    assert int(outstanding["points"]) >= 0
    months = {"from": month(-40), "to": month()}
    lines = list(csv.DictReader(io.StringIO(report(ledger, "activity", "text/csv", **months).text)))
    assert {line["month"] for line in lines} >= {months["from"], months["to"]}
    closings = [line for line in lines if line["movement"] == "closing"]
    openings = [line for line in lines if line["movement"] == "opening"]
    for earlier, later in zip(closings, openings[1:], strict=False):
        assert [earlier[name] for name in COLUMNS] == [later[name] for name in COLUMNS]


def test_a_past_day_is_answered_the_same_twice(ledger: StackClient) -> None:
    day = (datetime.now(ZoneInfo("America/Chicago")) - timedelta(days=1)).date().isoformat()
    first = report(ledger, "liability", at=day).json()
    ledger.rich_member(60)
    second = report(ledger, "liability", at=day).json()
    assert first["closed"] is True
    assert {**second, "counted_through": None} == {**first, "counted_through": None}


def test_reports_are_for_staff_and_of_what_there_is(ledger: StackClient) -> None:
    token = ledger.sign_up(ledger.enrol("Somebody"))
    for path in ("liability", "activity?from=2026-11&to=2026-11"):
        headers = {"Authorization": f"Bearer {token}"}
        assert problem(ledger.http.get(f"/reports/{path}", headers=headers)) == (403, "forbidden")
    headers = {"Authorization": f"Bearer {ledger.staff_token}"}
    for query in (
        "activity?from=0000-11",
        "activity?from=2026-11&to=2026-10",
        "liability?breakage=1.5",
    ):
        answer = ledger.http.get(f"/reports/{query}", headers=headers)
        assert problem(answer) == (400, "invalid_request")
