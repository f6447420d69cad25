"""Sales, engagement and top members over HTTP: what some people did is what the reports say."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.stack.client import StackClient, problem, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]
COUNTED_SECONDS = 60.0
PAGES = 50


def month() -> str:
    """The month that it is in Chicago."""
    return datetime.now(ZoneInfo("America/Chicago")).strftime("%Y-%m")


def report(ledger: StackClient, name: str, **query: str) -> Json:
    headers = {"Authorization": f"Bearer {ledger.staff_token}"}
    answer = ledger.http.get(f"/reports/{name}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def rows(ledger: StackClient, name: str, list_name: str, **query: str) -> list[Json]:
    """All rows of a report, page by page."""
    found: list[Json] = []
    cursor = ""
    for _ in range(PAGES):
        page = report(ledger, name, cursor=cursor, **query)
        found += page[list_name]
        cursor = page["cursor"] or ""
        if not cursor:
            return found
    raise AssertionError("a report has no end")


def row_of(found: list[Json], member_id: str) -> Json | None:
    return next((row for row in found if row["member_id"] == member_id), None)


def bought(customer_id: str, amount: str, **changes: object) -> Json:
    purchase = Purchase(customer_id=customer_id, amount=amount, posted_at=datetime.now(UTC))
    return purchase.posted(**changes)


def test_revenue_is_shown_for_who_ordered_and_not_for_who_was_billed(ledger: StackClient) -> None:
    firm = unique("Firm & Söhne <b>")
    attorney = unique("attorney")
    kept = bought(attorney, "91000.00", billed_to={"id": unique("insurer")})
    copy = bought(
        unique("other"),
        "500.00",
        requested_by={"id": attorney},
        own_order=False,
    )
    given_back = Purchase(customer_id=attorney, amount="300.00", posted_at=datetime.now(UTC))
    external_ids = [{"source": "pos", "id": attorney}]
    member_id = ledger.enrol("=Ada", organisation=firm, external_ids=external_ids)
    refund = given_back.refunded("1", "100.00", at=datetime.now(UTC))
    ledger.settle(kept, copy, given_back.posted(), refund)

    expected = {
        "member_id": member_id,
        "merged_into": None,
        "name": "=Ada",
        "own": {"revenue": "91200.00", "purchases": 2},
        "copy": {"revenue": "500.00", "purchases": 1},
        "revenue": "91700.00",
        "purchases": 3,
    }
    ledger.wait_for(
        f"sales of {member_id}",
        lambda: row_of(rows(ledger, "sales", "members", month=month()), member_id),
        lambda row: row == expected,
        seconds=COUNTED_SECONDS,
    )
    assert row_of(rows(ledger, "sales", "members"), member_id) == expected
    firms = rows(ledger, "sales", "organisations", by="organisation", month=month())
    [shown] = [row for row in firms if row["organisation"] == firm]
    assert (shown["revenue"], shown["own"]["purchases"]) == ("91700.00", 2)
    amounts = [float(row["revenue"]) for row in firms]
    assert amounts == sorted(amounts, reverse=True)

    headers = {"Authorization": f"Bearer {ledger.staff_token}", "Accept": "text/csv"}
    answer = ledger.http.get("/reports/sales", params={"month": month()}, headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    [line] = [
        line
        for line in csv.DictReader(io.StringIO(answer.text, newline=""))
        if line["member_id"] == member_id
    ]
    assert (line["name"], line["revenue"]) == ("'=Ada", "91700.00")


def test_top_members_are_those_who_earned_and_redeemed_most(ledger: StackClient) -> None:
    member_id = ledger.rich_member(90_000)
    assert ledger.redeem(member_id, points=70_000, kind="cash").status_code == 201
    for by, points in (("earned", 90_000), ("redeemed", 70_000)):
        for period in (month(), "lifetime"):
            ledger.wait_for(
                f"{by} in {period}",
                lambda by=by, period=period: row_of(  # type: ignore[misc]  # bound now
                    rows(ledger, "leaderboard", "members", by=by, period=period), member_id
                ),
                lambda row, points=points: row is not None and row["points"] == points,  # type: ignore[misc]  # bound now
                seconds=COUNTED_SECONDS,
            )
    ranks = [row["rank"] for row in report(ledger, "leaderboard")["members"]]
    assert ranks[0] == 1
    assert ranks == sorted(ranks)


def now_of(ledger: StackClient) -> Json:
    """The figures of this month, and all that have redeemed."""
    found = report(ledger, "engagement", **{"from": month()})
    [figures] = found["months"]
    return {
        **{name: figures[name] for name in ("members", "enrolled", "active", "issued")},
        **figures["segments"],
        "redeemed": figures["redeemed"],
        "redeemers": found["first_redemption"]["members"],
        "cohort": found["cohorts"][0]["retention"][0]["active"],
    }


def test_engagement_changes_by_what_members_do(ledger: StackClient) -> None:
    ledger.wait_until_processed()
    before = settled_figures(ledger)
    customer = unique("often")
    member_id = ledger.enrol("Somebody", external_ids=[{"source": "pos", "id": customer}])
    ledger.enrol("Nobody")
    purchases = [
        Purchase(customer_id=customer, amount="500.00", posted_at=datetime.now(UTC))
        for _ in range(3)
    ]
    ledger.settle(*(purchase.posted() for purchase in purchases))
    ledger.make_rich(member_id, customer, 600)
    assert ledger.redeem(member_id, points=500, kind="cash").status_code == 201
    issued = sum(e["pending"] for e in ledger.entries(member_id) if e["type"] == "accrual")

    changed = {
        "members": 2, "enrolled": 2, "active": 1, "issued": issued, "frequent": 1,
        "occasional": 0, "inactive": 1, "redeemed": 500, "redeemers": 1, "cohort": 1,
    }  # fmt: skip
    expected = {name: before[name] + number for name, number in changed.items()}
    ledger.wait_for(
        f"figures are {expected}",
        lambda: now_of(ledger),
        lambda found: found == expected,
        seconds=COUNTED_SECONDS,
    )


def settled_figures(ledger: StackClient) -> Json:
    """The figures once everything of before has been counted: they no longer change."""
    seen: list[Json] = []

    def look() -> Json:
        seen.append(now_of(ledger))
        return seen[-1]

    found: Json = ledger.wait_for(
        "figures stand still",
        look,
        lambda found: seen[-12:].count(found) >= 12,
        seconds=COUNTED_SECONDS,
    )
    return found


def test_these_reports_are_for_staff(ledger: StackClient) -> None:
    token = ledger.sign_up(ledger.enrol("Somebody"))
    for name in ("sales", "engagement", "leaderboard"):
        headers = {"Authorization": f"Bearer {token}"}
        answer = ledger.http.get(f"/reports/{name}", headers=headers)
        assert problem(answer) == (403, "forbidden")
        assert ledger.http.get(f"/reports/{name}").status_code == 401
