"""reports: sales, engagement and top members, as they are asked for and answered."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from points_ledger.contracts.cursors import sealed
from points_ledger.domain.fact import Customer, PurchaseRefunded, PurchaseVoided, Refund
from points_ledger.domain.identity import ExternalId
from tests.functions.deployed import SALE, Deploy, Deployed, program, settled, sold, ticket
from tests.functions.gateway import ADMIN, STAFF, STRANGER

Json = dict[str, Any]

SALES: Final = "GET /reports/sales"
ENGAGEMENT: Final = "GET /reports/engagement"
LEADERBOARD: Final = "GET /reports/leaderboard"
CSV: Final = {"accept": "text/csv"}
COUNTED: Final = ("MEMBER#", "EARNING#", "REDEMPTION#")


@pytest.fixture
def stack(deploy: Deploy) -> Deployed:
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    return deployed


def count(stack: Deployed) -> None:
    """Let the stream be counted from its beginning; what was counted before is passed over."""
    changes = [
        record
        for record in stack.streamed()
        if record["dynamodb"]["Keys"]["PK"]["S"].startswith(COUNTED)
    ]
    stack.invoke("report_totals", {"Records": changes, "shardId": "shard-1"})


def bought(
    stack: Deployed,
    customer: str,
    amount: str,
    id_: str,
    *,
    at: datetime = SALE,
    organisation: str | None = None,
    own: bool = True,
    billed_to: str | None = None,
) -> None:
    fact = sold(amount, id_=id_, customer=customer, at=at)
    payer = ExternalId(source="pos", id=billed_to) if billed_to else None
    snapshot = replace(fact.snapshot, own_order=own, billed_to=payer)
    seen = Customer(
        external_id=fact.snapshot.earner.external_id, name="Dana", organisation=organisation
    )
    assert stack.accrue(replace(fact, snapshot=snapshot, customer=seen)) == []
    assert stack.mature(settled(id_, at)) == []


def ask(stack: Deployed, route: str, **query: str) -> Json:
    count(stack)
    answer = stack.ask(route, query=query)
    assert answer.status == 200, answer.text
    return answer.body


def lines(stack: Deployed, route: str, **query: str) -> list[dict[str, str]]:
    count(stack)
    answer = stack.ask(route, query=query, headers=CSV)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


# --- Sales ----------------------------------------------------------------------------------


def test_revenue_is_that_of_who_ordered_whoever_was_billed(stack: Deployed) -> None:
    bought(stack, "C-1", "100.00", "T-1", billed_to="C-2")
    bought(stack, "C-1", "40.00", "T-2", own=False)
    bought(stack, "C-2", "30.00", "T-3")
    body = ask(stack, SALES, month="2026-09")
    ada, bob = stack.linked("C-1"), stack.linked("C-2")
    assert body["members"] == [
        {
            "member_id": ada,
            "merged_into": None,
            "name": "Dana",
            "own": {"revenue": "100.00", "purchases": 1},
            "copy": {"revenue": "40.00", "purchases": 1},
            "revenue": "140.00",
            "purchases": 2,
        },
        {
            "member_id": bob,
            "merged_into": None,
            "name": "Dana",
            "own": {"revenue": "30.00", "purchases": 1},
            "copy": {"revenue": "0.00", "purchases": 0},
            "revenue": "30.00",
            "purchases": 1,
        },
    ]
    assert body["total"] == {
        "own": {"revenue": "130.00", "purchases": 2},
        "copy": {"revenue": "40.00", "purchases": 1},
        "revenue": "170.00",
        "purchases": 3,
    }
    assert (body["period"], body["by"], body["currency"]) == ("2026-09", "member", "USD")
    assert body["cursor"] is None


def test_refunds_and_voids_take_it_back(stack: Deployed) -> None:
    bought(stack, "C-1", "100.00", "T-1")
    bought(stack, "C-2", "60.00", "T-2")
    count(stack)
    refund = Refund(id="R-1", at=SALE, amount=Decimal("25.50"))
    assert stack.accrue(PurchaseRefunded(purchase=ticket("T-1"), refund=refund)) == []
    assert stack.accrue(PurchaseVoided(purchase=ticket("T-2"), at=SALE)) == []
    body = ask(stack, SALES)
    assert [each["revenue"] for each in body["members"]] == ["74.50"]
    assert (body["total"]["revenue"], body["total"]["purchases"]) == ("74.50", 1)


def test_organisations_are_added_up_and_those_without_one_too(stack: Deployed) -> None:
    bought(stack, "C-1", "10.00", "T-1", organisation="Acme")
    bought(stack, "C-2", "20.00", "T-2", organisation="Acme")
    bought(stack, "C-3", "5.00", "T-3")
    body = ask(stack, SALES, by="organisation")
    assert [(each["organisation"], each["revenue"]) for each in body["organisations"]] == [
        ("Acme", "30.00"),
        (None, "5.00"),
    ]


def test_an_organisation_cannot_be_a_formula(stack: Deployed) -> None:
    bought(stack, "C-1", "10.00", "T-1", organisation='=HYPERLINK("http://x")')
    bought(stack, "C-2", "9.00", "T-2", organisation="<script>alert(1)</script>")
    first, second = lines(stack, SALES, by="organisation")
    assert first["organisation"] == '\'=HYPERLINK("http://x")'
    assert second["organisation"] == "<script>alert(1)</script>"
    assert (first["own_revenue"], first["revenue"], first["currency"]) == ("10.00", "10.00", "USD")


def test_a_month_has_only_what_was_posted_in_it(stack: Deployed) -> None:
    bought(stack, "C-1", "10.00", "T-1", at=datetime(2026, 9, 1, 4, 59, tzinfo=UTC))
    bought(stack, "C-1", "7.00", "T-2", at=datetime(2026, 9, 1, 5, 0, tzinfo=UTC))
    months = {
        month: ask(stack, SALES, month=month)["total"]["revenue"]
        for month in ("2026-08", "2026-09", "2026-10")
    }
    assert months == {"2026-08": "10.00", "2026-09": "7.00", "2026-10": "0.00"}
    assert ask(stack, SALES)["total"]["revenue"] == "17.00"


def test_pages_go_on_by_cursor_and_a_cursor_belongs_to_one_report(stack: Deployed) -> None:
    for number in range(1, 6):
        bought(stack, f"C-{number}", f"{number}.00", f"T-{number}")
    first = ask(stack, SALES, limit="2")
    assert [each["revenue"] for each in first["members"]] == ["5.00", "4.00"]
    second = ask(stack, SALES, limit="2", cursor=first["cursor"])
    assert [each["revenue"] for each in second["members"]] == ["3.00", "2.00"]
    answer = stack.ask(SALES, query={"by": "organisation", "cursor": first["cursor"]})
    assert answer.fields == ["cursor"]


def test_a_merged_member_is_shown_as_who_it_is_now(stack: Deployed) -> None:
    bought(stack, "C-1", "10.00", "T-1")
    bought(stack, "C-2", "5.00", "T-2")
    ada, bob = stack.linked("C-1"), stack.linked("C-2")
    path = {"member_id": ada}
    merged = stack.ask("POST /members/{member_id}/merge", path=path, body={"into": bob}, key="m")
    assert merged.status == 200, merged.text
    bought(stack, "C-1", "1.00", "T-3")
    rows = ask(stack, SALES)["members"]
    assert [(row["member_id"], row["merged_into"], row["revenue"]) for row in rows] == [
        (ada, bob, "10.00"),
        (bob, None, "6.00"),
    ]
    assert {row["name"] for row in rows} == {"Dana"}


def test_an_erased_member_has_no_name(stack: Deployed) -> None:
    bought(stack, "C-1", "10.00", "T-1")
    ada = stack.linked("C-1")
    path = {"member_id": ada}
    assert stack.ask("DELETE /members/{member_id}", ADMIN, path=path, key="e").status == 200
    [row] = ask(stack, SALES)["members"]
    assert (row["member_id"], row["name"], row["revenue"]) == (ada, None, "10.00")


def test_another_currency_is_apart(stack: Deployed) -> None:
    fact = sold("1000", id_="T-1")
    yen = replace(fact.snapshot, currency="JPY")
    assert stack.accrue(replace(fact, snapshot=yen)) == []
    assert ask(stack, SALES)["members"] == []
    body = ask(stack, SALES, currency="jpy")
    assert (body["currency"], body["members"][0]["revenue"]) == ("JPY", "1000")


# --- Engagement -----------------------------------------------------------------------------


def test_engagement_of_the_months_up_to_now(stack: Deployed) -> None:
    for number in range(3):
        bought(stack, "C-1", "100.00", f"T-{number}")
    bought(stack, "C-2", "50.00", "T-9")
    stack.enrol("C-3")
    ada = stack.linked("C-1")
    stack.clock.move(days=10)
    body = {"member_id": ada, "points": 90, "kind": "cash"}
    assert stack.ask("POST /redemptions", body=body, key="r").status == 201
    stack.clock.move(days=75)
    shown = ask(stack, ENGAGEMENT)
    assert len(shown["months"]) == 12
    september, *_, november = shown["months"][-3:]
    assert september == {
        "month": "2026-09",
        "members": 3,
        "enrolled": 3,
        "left": 0,
        "active": 2,
        "participation": "0.6667",
        "issued": 350,
        "redeemed": 90,
        "redemption_rate": "0.2571",
        "segments": {"frequent": 1, "occasional": 1, "inactive": 1},
    }
    assert november["segments"] == {"frequent": 1, "occasional": 1, "inactive": 1}
    assert (november["active"], november["redemption_rate"]) == (0, None)
    cohort = shown["cohorts"][-3]
    assert (cohort["month"], cohort["members"]) == ("2026-09", 3)
    assert cohort["retention"] == [
        {"month": 0, "active": 2, "share": "0.6667"},
        {"month": 1, "active": 0, "share": "0.0000"},
        {"month": 2, "active": 0, "share": "0.0000"},
    ]
    first = shown["first_redemption"]
    assert (first["members"], first["mean_days"]) == (1, "10.0")
    assert first["median_days"] == {"from_days": 8, "to_days": 14}
    assert (shown["members"], shown["redemption_rate"]) == (3, "0.2571")
    stack.clock.move(days=31)
    assert ask(stack, ENGAGEMENT)["months"][-1]["segments"]["inactive"] == 3


def test_engagement_as_tables(stack: Deployed) -> None:
    bought(stack, "C-1", "100.00", "T-1")
    [month] = lines(stack, ENGAGEMENT, **{"from": "2026-09"})
    assert (month["active"], month["participation"], month["frequent"]) == ("1", "1.0000", "0")
    [cohort] = lines(stack, ENGAGEMENT, **{"from": "2026-09"}, table="cohorts")
    assert (cohort["members"], cohort["active_after_0"], cohort["active_after_1"]) == ("1", "1", "")
    buckets = lines(stack, ENGAGEMENT, table="first_redemption")
    assert (buckets[0]["from_days"], buckets[-1]["to_days"]) == ("0", "")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-9"}, "from"),
        ({"from": "2026-09", "to": "2026-08"}, "from"),
        ({"from": "2024-09", "to": "2026-09"}, "from"),
        ({"to": "2026-10"}, "to"),
        ({"to": "9999-01"}, "to"),
        ({"table": "members"}, "table"),
        ({"from_": "2026-09"}, "from_"),
        ({"month": "2026-09"}, "month"),
    ],
)
def test_engagement_refuses_what_is_no_range(
    deployed: Deployed, query: dict[str, str], field: str
) -> None:
    assert deployed.ask(ENGAGEMENT, query=query).fields == [field]


# --- Top members ----------------------------------------------------------------------------


def test_top_members_by_each_measure(stack: Deployed) -> None:
    bought(stack, "C-1", "100.00", "T-1")
    bought(stack, "C-2", "100.00", "T-2")
    bought(stack, "C-3", "250.00", "T-3")
    ada = stack.linked("C-1")
    body = {"member_id": ada, "points": 30, "kind": "cash"}
    assert stack.ask("POST /redemptions", body=body, key="r").status == 201
    earned = ask(stack, LEADERBOARD)
    assert [(each["rank"], each["points"]) for each in earned["members"]] == [
        (1, 250),
        (2, 100),
        (2, 100),
    ]
    redeemed = ask(stack, LEADERBOARD, by="redeemed", period="2026-09")
    assert [(each["member_id"], each["points"]) for each in redeemed["members"]] == [(ada, 30)]
    revenue = ask(stack, LEADERBOARD, by="revenue", limit="2")
    assert [each["revenue"] for each in revenue["members"]] == ["250.00", "100.00"]
    assert revenue["members"][0]["name"] == "Dana"


def test_ranks_go_on_with_the_next_page(stack: Deployed) -> None:
    for number, points in enumerate(("30.00", "20.00", "20.00", "10.00")):
        bought(stack, f"C-{number}", points, f"T-{number}")
    ranks: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = ask(stack, LEADERBOARD, **query)
        ranks += [each["rank"] for each in page["members"]]
        cursor = page["cursor"]
    assert ranks == [1, 2, 2, 4]


def test_top_members_as_a_table_and_its_cursor_as_a_header(stack: Deployed) -> None:
    bought(stack, "C-1", "30.00", "T-1")
    bought(stack, "C-2", "20.00", "T-2")
    count(stack)
    answer = stack.ask(LEADERBOARD, query={"limit": "1"}, headers=CSV)
    [line] = csv.DictReader(io.StringIO(answer.text))
    assert (line["rank"], line["points"], line["name"]) == ("1", "30", "Dana")
    following = lines(stack, LEADERBOARD, limit="1", cursor=answer.headers["x-cursor"])
    assert [each["rank"] for each in following] == ["2"]


@pytest.mark.parametrize("place", ['["a", 1, 1, "x"]', "[1, 1, 1, null]", "[1]", "{}", "1", "[["])
def test_a_cursor_that_nobody_was_given_is_refused(stack: Deployed, place: str) -> None:
    cursor = sealed("top_members", "earned lifetime", place)
    assert cursor is not None
    assert stack.ask(LEADERBOARD, query={"cursor": cursor}).fields == ["cursor"]


# --- Who may, and what is refused -----------------------------------------------------------


@pytest.mark.parametrize("route", [SALES, ENGAGEMENT, LEADERBOARD])
def test_reports_are_for_staff(deployed: Deployed, route: str) -> None:
    assert deployed.ask(route, STRANGER).refusal == (403, "forbidden")
    assert deployed.ask(route, STAFF).status == 200


@pytest.mark.parametrize(
    ("route", "query", "field"),
    [
        (SALES, {"month": "2026-13"}, "month"),
        (SALES, {"month": "lifetime"}, "month"),
        (SALES, {"by": "till"}, "by"),
        (SALES, {"currency": "XXX"}, "currency"),
        (SALES, {"limit": "0"}, "limit"),
        (SALES, {"cursor": "bm9uZQ=="}, "cursor"),
        (LEADERBOARD, {"period": "2026"}, "period"),
        (LEADERBOARD, {"by": "luck"}, "by"),
        (LEADERBOARD, {"cursor": "x"}, "cursor"),
        (LEADERBOARD, {"limit": "101"}, "limit"),
    ],
)
def test_what_is_no_parameter_is_refused(
    deployed: Deployed, route: str, query: dict[str, str], field: str
) -> None:
    assert deployed.ask(route, query=query).fields == [field]
