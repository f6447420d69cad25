"""report_totals and reports: the ledger's totals from the stream, and what staff read of them."""

from decimal import Decimal
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from points_ledger.domain.fact import PurchaseRefunded, PurchaseVoided, Refund
from points_ledger.runtime import bootstrap
from points_ledger.runtime import totals as runtime_totals
from tests.functions.deployed import SALE, Deploy, Deployed, program, sold, ticket
from tests.functions.gateway import STAFF, STRANGER

Json = dict[str, Any]

LIABILITY: Final = "GET /reports/liability"
ACTIVITY: Final = "GET /reports/activity"
CSV: Final = {"accept": "text/csv"}
SEPTEMBER: Final = {"from": "2026-09", "to": "2026-09"}


@pytest.fixture
def shop(deploy: Deploy) -> Deployed:
    """A member with 1,000 points of which 700 are redeemed, and one with 40 pending."""
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 1_000)
    body = {"member_id": member_id, "points": 700, "kind": "cash"}
    assert deployed.ask("POST /redemptions", body=body, key="r").status == 201
    deployed.accrue(sold("40.00", id_="T-9", customer="C-2"))
    return deployed


def count(shop: Deployed, *records: Json, shard: str | None = "shard-1") -> int:
    event: Json = {"Records": list(records)}
    event |= {"shardId": shard} if shard is not None else {}
    assert shop.invoke("report_totals", event) == {"state": {}}
    counted: int = shop.printed.line()["ids"]["counted"]
    return counted


def closing(shop: Deployed) -> dict[str, int]:
    answer = shop.ask(ACTIVITY, query=SEPTEMBER)
    assert answer.status == 200
    balances: dict[str, int] = answer.body["months"][0]["closing"]
    return balances


EXPECTED: Final = {"pending": 40, "available": 300, "reserved": 0, "debt": 0, "total": 340}


def test_totals_follow_the_ledger(shop: Deployed) -> None:
    count(shop, *shop.streamed())
    assert closing(shop) == EXPECTED
    body = shop.ask(ACTIVITY, query=SEPTEMBER).body
    [month] = body["months"]
    assert (month["earned"]["total"], month["redeemed"]["total"]) == (1_040, -700)
    assert month["matured"] == {
        "pending": -1_000, "available": 1_000, "reserved": 0, "debt": 0, "total": 0
    }  # fmt: skip
    assert [(r["kind"], r["points"], r["amount"]) for r in body["redemptions"]] == [
        ("cash", 700, "7.00")
    ]
    assert sum(row["points"] for row in body["results"]) == 1_040
    owed = shop.ask(LIABILITY, query={"breakage": "0.5"}).body
    assert owed["outstanding"] == {
        "points": 300, "value": "3.00", "reserve": "1.50", "available": 300, "reserved": 0
    }  # fmt: skip
    assert (owed["pending"]["points"], owed["debt"]["points"]) == (40, 0)
    assert sum(row["points"] for row in owed["expiring"]) == 300


def test_what_comes_again_in_other_batches_counts_once(shop: Deployed) -> None:
    records = shop.streamed()
    count(shop, *records[:5])
    count(shop, *records[3:11])
    assert count(shop, *records[:9]) == 0
    for begin in range(8, len(records), 7):
        count(shop, *records[begin : begin + 9])
    assert count(shop, *records) == 0
    assert closing(shop) == EXPECTED


def test_an_event_without_a_shard_is_of_the_only_one(shop: Deployed) -> None:
    records = shop.streamed()
    count(shop, *records, shard=None)
    assert count(shop, *records, shard=None) == 0
    assert closing(shop) == EXPECTED


@pytest.mark.parametrize("stored", [False, True])
def test_a_death_before_or_after_the_commit_counts_once(
    stored: bool,
    shop: Deployed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = shop.streamed()
    store = runtime_totals.totalling().store
    add = store.add

    def dies(chunk: Any) -> bool:  # noqa: ANN401 - a chunk, unread
        if stored:
            add(chunk)
        raise SystemExit

    with monkeypatch.context() as killing:
        killing.setattr(type(store), "add", lambda _, chunk: dies(chunk))
        with pytest.raises(SystemExit):
            shop.invoke("report_totals", {"Records": records, "shardId": "shard-1"})
    count(shop, *records)
    assert closing(shop) == EXPECTED


def test_what_is_wrong_with_a_request_is_not_tried_again(
    shop: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        error: Any = {
            "Error": {"Code": "AccessDeniedException", "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(error, "TransactWriteItems")

    monkeypatch.setattr(bootstrap.dynamodb(), "transact_write_items", refused)
    with pytest.raises(ClientError):
        shop.invoke("report_totals", {"Records": shop.streamed(), "shardId": "shard-1"})
    assert shop.printed.line()["failure"]["type"] == "ClientError"


def test_an_analysis_is_reported_and_posts_nothing(deploy: Deploy) -> None:
    shop = deploy(None)
    shop.listen()
    shop.load(program(mode="analysis"))
    shop.accrue(sold("100.00"), sold("30.00", id_="T-2"), sold("5.00", id_="T-3"))
    count(shop, *shop.streamed())
    refund = Refund(id="re_1", amount=Decimal("40.00"), at=SALE)
    shop.accrue(
        PurchaseRefunded(purchase=ticket("T-1"), refund=refund),
        PurchaseVoided(purchase=ticket("T-2"), at=SALE),
    )
    records = shop.streamed()
    count(shop, *records)
    assert count(shop, *records) == 0
    body = shop.ask(ACTIVITY, query=SEPTEMBER).body
    assert body["analysis"] == [
        {"month": "2026-09", "id": "retail", "kind": "rule", "points": 65},
    ]
    assert (body["results"], set(closing(shop).values())) == ([], {0})
    text = shop.ask(ACTIVITY, query=SEPTEMBER | {"table": "analysis"}, headers=CSV).text
    assert text.splitlines() == ["month,id,kind,points", "2026-09,retail,rule,65"]


def test_a_closed_day_does_not_change(shop: Deployed) -> None:
    count(shop, *shop.streamed())
    yesterday = {"at": "2026-09-04"}
    shop.clock.move(days=1)
    first = shop.ask(LIABILITY, query=yesterday).body
    assert (first["closed"], first["outstanding"]["points"]) == (True, 300)
    shop.give("C-3", 500, ticket="T-7")
    count(shop, *shop.streamed())
    again = shop.ask(LIABILITY, query=yesterday).body
    assert again["outstanding"] == first["outstanding"]
    assert again["expiring"] == first["expiring"]
    assert shop.ask(LIABILITY).body["outstanding"]["points"] == 800


def test_csv_where_it_is_asked_for(shop: Deployed) -> None:
    count(shop, *shop.streamed())
    for route, query in ((LIABILITY, {}), (ACTIVITY, SEPTEMBER)):
        answer = shop.ask(route, query=query, headers={"accept": "text/csv"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("route", "query", "field"),
    [
        (LIABILITY, {"at": "2026-02-30"}, "at"),
        (LIABILITY, {"at": "0001-01-01"}, "at"),
        (LIABILITY, {"breakage": "-0.1"}, "breakage"),
        (LIABILITY, {"breakage": "1.01"}, "breakage"),
        (LIABILITY, {"breakage": "20%"}, "breakage"),
        (LIABILITY, {"when": "now"}, "when"),
        (ACTIVITY, {"from": "2026-10"}, "to"),
        (ACTIVITY, {"from": "2024-09", "to": "2026-09"}, "to"),
    ],
)
def test_bad_questions_are_refused_by_name(
    route: str, query: dict[str, str], field: str, shop: Deployed
) -> None:
    answer = shop.ask(route, query=query)
    assert answer.status == 400
    assert field in answer.fields


@pytest.mark.parametrize("route", [LIABILITY, ACTIVITY])
def test_members_see_no_reports(route: str, shop: Deployed) -> None:
    assert shop.ask(route, STRANGER, query=SEPTEMBER).status == 403
    assert shop.ask(route, STAFF).status == 200


def test_a_ledger_without_a_past_has_reports_of_nothing(deploy: Deploy) -> None:
    shop = deploy(program())
    assert set(closing(shop).values()) == {0}
    owed = shop.ask(LIABILITY, query={"at": "1900-01-01"}).body
    assert (owed["outstanding"]["points"], owed["expiring"], owed["counted_through"]) == (
        0,
        [],
        None,
    )
