"""accounts: what a member has and why, and the statement of a month."""

import base64
import csv
import io
import json
from typing import Any, get_args

import pytest

from points_ledger.domain.entry import EntryType
from points_ledger.domain.limit import MAX_ENTRIES_PER_STATEMENT, MAX_PAGE_SIZE
from points_ledger.domain.state import Standing
from tests.functions.deployed import Deploy, Deployed, program, settled, sold
from tests.functions.gateway import STAFF, TILL, member

Json = dict[str, Any]

BALANCE = "GET /members/{member_id}/balance"
PENDING = "GET /members/{member_id}/pending"
ENTRIES = "GET /members/{member_id}/entries"
STATEMENT = "GET /members/{member_id}/statement"
MARCH = {"month": "2026-03"}
SEPTEMBER = {"month": "2026-09"}
"""The clock of these tests begins in it."""


# --- Balance --------------------------------------------------------------------------------


def test_a_balance_has_exactly_the_published_shape(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 500)
    deployed.accrue(sold("120.00", id_="T-9"))
    answer = deployed.ask(BALANCE, path={"member_id": member_id})
    assert answer.headers == {"content-type": "application/json", "cache-control": "no-store"}
    assert answer.body == {
        "member_id": member_id,
        "available": 500,
        "pending": 120,
        "reserved": 0,
        "debt": 0,
        "value": {"amount": "5.00", "currency": "USD"},
        "lots": [{"points": 500, "last_day": "2028-09-30"}],
        "tier": None,
        "lifetime": {"earned": 620, "redeemed": 0, "expired": 0, "reversed": 0},
        "as_of": "2026-09-04T12:00:00Z",
    }


def test_a_new_member_has_nothing(deployed: Deployed) -> None:
    balance = deployed.balance(deployed.enrol())
    assert (balance["available"], balance["lots"]) == (0, [])
    assert balance["value"] == {"amount": "0.00", "currency": "USD"}


def test_a_debt_is_shown_and_worth_nothing(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 50, ticket="T-1")
    deployed.ask("POST /redemptions", body={"member_id": member_id, "points": 50}, key="k")
    deployed.accrue(json.dumps(voided("T-1")))
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["debt"], balance["lots"]) == (-50, 50, [])
    assert balance["value"]["amount"] == "0.00"


def test_points_past_their_last_day_do_not_count_before_the_sweep(deploy: Deploy) -> None:
    deployed = deploy(program(expiry={"after": "P10D", "round_to": "day"}))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    deployed.clock.move(days=9)
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["lots"]) == (0, [])
    assert balance["lifetime"]["expired"] == 100


def test_points_that_never_expire_have_no_last_day(deploy: Deploy) -> None:
    deployed = deploy(program(expiry={"kind": "never", "after": None}))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    assert deployed.balance(member_id)["lots"] == [{"points": 100, "last_day": None}]


# --- Pending --------------------------------------------------------------------------------


def voided(id_: str) -> Json:
    purchase = {"source": "pos", "kind": "ticket", "id": id_}
    return {"type": "purchase_voided", "purchase": purchase, "at": "2026-09-03T12:00:00Z"}


def test_a_pending_page_has_exactly_the_published_shape(deploy: Deploy) -> None:
    deployed = deploy(program(maturation={"hold": "P7D"}))
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("120.00", id_="T-9"))
    answer = deployed.ask(PENDING, path={"member_id": member_id})
    [earning] = answer.body.pop("earnings")
    assert answer.body == {"cursor": None}
    assert sorted(earning.pop("waiting_for")) == ["hold", "payment"]
    assert earning == {
        "earning_id": "pos:ticket:T-9",
        "source": {"system": "pos", "kind": "ticket", "id": "T-9"},
        "points": 120,
        "matures_at": None,
        "since": "2026-09-02T12:00:00Z",
    }


def test_what_is_paid_and_held_says_when_it_matures(deploy: Deploy) -> None:
    deployed = deploy(program(maturation={"hold": "P7D"}))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    [earning] = deployed.ask(PENDING, path={"member_id": member_id}).body["earnings"]
    assert earning["waiting_for"] == ["hold"]
    assert earning["matures_at"] == "2026-09-09T12:00:00Z"


def test_what_has_matured_is_pending_no_more(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    answer = deployed.ask(PENDING, path={"member_id": member_id})
    assert answer.body == {"earnings": [], "cursor": None}


def test_pending_pages_go_on_by_cursor_until_the_end(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(5)))
    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(4):
        page = deployed.ask(PENDING, path={"member_id": member_id}, query=query).body
        assert len(page["earnings"]) <= 2
        seen += [earning["earning_id"] for earning in page["earnings"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert sorted(seen) == [f"pos:ticket:T-{n}" for n in range(5)]


def test_pending_pages_go_on_where_ids_are_as_long_as_they_may_be(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    ids = ["\U0001f600" * 254 + str(n) for n in range(2)]
    deployed.accrue(*(sold("1.00", id_=id_) for id_ in ids))
    first = deployed.ask(PENDING, path={"member_id": member_id}, query={"limit": "1"}).body
    query = {"limit": "1", "cursor": first["cursor"]}
    answer = deployed.ask(PENDING, path={"member_id": member_id}, query=query)
    assert answer.status == 200
    seen = [each["earning_id"] for page in (first, answer.body) for each in page["earnings"]]
    assert sorted(seen) == [f"pos:ticket:{id_}" for id_ in ids]


# --- Entries --------------------------------------------------------------------------------


def test_an_entry_page_has_exactly_the_published_shape(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120, ticket="T-9")
    answer = deployed.ask(ENTRIES, path={"member_id": member_id}, query={"limit": "1"})
    assert answer.body.keys() == {"entries", "cursor"}
    [entry] = answer.body["entries"]
    hashes = {name: entry.pop(name) for name in ("previous_hash", "hash")}
    assert all(len(value) == 64 and int(value, 16) for value in hashes.values())
    assert entry == {
        "entry": 3,
        "type": "maturation",
        "at": "2026-09-02T12:00:00Z",
        "recorded_at": "2026-09-04T12:00:00Z",
        "pending": -120,
        "available": 120,
        "reserved": 0,
        "debt": 0,
        "lots": {"2028-09-30": 120},
        "balance": {"available": 120, "pending": 0, "reserved": 0, "debt": 0},
        "source": {"system": "pos", "kind": "ticket", "id": "T-9"},
        "rules": [{"id": "retail", "points": 120}],
        "program_version": 1,
        "actor": "webhook:standard",
        "reason": None,
        "details": {},
        "inputs": {"due": "settled", "posted": "2026-09-02T12:00:00Z", "rule:retail": "120"},
    }


def test_entries_are_newest_first_and_linked_by_their_hashes(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    entries = deployed.ask(ENTRIES, path={"member_id": member_id}).body["entries"]
    assert [entry["entry"] for entry in entries] == [3, 2, 1]
    links = [entry["previous_hash"] for entry in entries]
    assert links == [*(entry["hash"] for entry in entries[1:]), "0" * 64]


def test_entry_pages_go_on_by_cursor_until_the_end(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(4)))
    seen: list[int] = []
    query = {"limit": "2"}
    for _ in range(4):
        page = deployed.ask(ENTRIES, path={"member_id": member_id}, query=query).body
        seen += [entry["entry"] for entry in page["entries"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == [5, 4, 3, 2, 1]


def test_a_cursor_is_opaque(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    page = deployed.ask(ENTRIES, path={"member_id": member_id}, query={"limit": "1"}).body
    assert "entry" not in page["cursor"]
    assert member_id not in page["cursor"]


def test_entries_of_one_type_only(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    query = {"type": "maturation"}
    page = deployed.ask(ENTRIES, path={"member_id": member_id}, query=query).body
    assert [entry["entry"] for entry in page["entries"]] == [3]


def test_every_type_of_entry_can_be_asked_for(deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    types = get_args(EntryType)
    answers = [deployed.ask(ENTRIES, path=path, query={"type": type_}) for type_ in types]
    assert {answer.status for answer in answers} == {200}


# --- Queries that make no sense -------------------------------------------------------------


def encoded(cursor: bytes) -> str:
    return base64.urlsafe_b64encode(cursor).decode()


BAD_PAGES = [
    *(("limit", value) for value in ("0", "-1", "101", "many", "1.5", "9" * 100, "1_0")),
    *(("cursor", value) for value in ("forged", "!!!", "é", "x" * 2_000)),
    *(("cursor", encoded(value)) for value in (b"entry:0", b"entry:-1", b"7", b"[]", b"\xff\xff")),
    ("cursor", encoded(b'["a", "b", "c"]')),
    ("cursor", encoded(b"entry:" + b"9" * 20)),
    ("offset", "1"),
]


@pytest.mark.parametrize("route", [PENDING, ENTRIES])
def test_a_page_that_makes_no_sense_is_refused(route: str, deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    for name, value in BAD_PAGES:
        answer = deployed.ask(route, path=path, query={name: value})
        assert (answer.fields, value) == ([name], value)


@pytest.mark.parametrize("route", [PENDING, ENTRIES])
def test_a_parameter_without_value_is_none(route: str, deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    plain = deployed.ask(route, path=path).body
    assert deployed.ask(route, path=path, query={"limit": "", "cursor": ""}).body == plain


@pytest.mark.parametrize("route", [PENDING, ENTRIES])
def test_limits_reach_from_one_to_a_hundred(route: str, deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    for limit in (1, MAX_PAGE_SIZE):
        assert deployed.ask(route, path=path, query={"limit": str(limit)}).status == 200


def test_an_unknown_type_of_entry_is_refused(cut_off: Deployed) -> None:
    answer = cut_off.ask(ENTRIES, path={"member_id": "mbr_1"}, query={"type": "gift"})
    assert answer.fields == ["type"]


def test_a_pending_cursor_of_another_member_is_refused(deployed: Deployed) -> None:
    mine, other = deployed.enrol("C-1"), deployed.enrol("C-2")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(2)))
    page = deployed.ask(PENDING, path={"member_id": mine}, query={"limit": "1"}).body
    query = {"cursor": page["cursor"]}
    answer = deployed.ask(PENDING, member(other), path={"member_id": other}, query=query)
    assert answer.fields == ["cursor"]


LISTS = [PENDING, ENTRIES, STATEMENT]


def first_page(deployed: Deployed, route: str, member_id: str) -> Json:
    query = {"limit": "1", **(SEPTEMBER if route == STATEMENT else {})}
    page = deployed.ask(route, path={"member_id": member_id}, query=query).body
    assert page["cursor"] is not None
    return page


def with_cursor(deployed: Deployed, route: str, member_id: str, cursor: str) -> list[str]:
    """The fields for which a page with a cursor is refused."""
    query = {"cursor": cursor, **(SEPTEMBER if route == STATEMENT else {})}
    caller = member(member_id)
    return deployed.ask(route, caller, path={"member_id": member_id}, query=query).fields


@pytest.mark.parametrize("route", LISTS)
def test_a_cursor_is_refused_by_every_other_list_and_member(route: str, deployed: Deployed) -> None:
    mine, other = deployed.enrol("C-1"), deployed.enrol("C-2")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(2)))
    deployed.accrue(*(sold("1.00", id_=f"U-{n}", customer="C-2") for n in range(2)))
    cursor = first_page(deployed, route, mine)["cursor"]
    for another in LISTS:
        if another != route:
            assert with_cursor(deployed, another, mine, cursor) == ["cursor"]
    assert with_cursor(deployed, route, other, cursor) == ["cursor"]


@pytest.mark.parametrize("route", LISTS)
def test_a_cursor_that_was_touched_is_refused(route: str, deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(2)))
    cursor = first_page(deployed, route, member_id)["cursor"]
    content = base64.urlsafe_b64decode(cursor)
    touched = [content[:-1], content[:12], content + b"1", content[1:], b"\x00" + content[1:]]
    for each in touched:
        assert with_cursor(deployed, route, member_id, encoded(each)) == ["cursor"]
    for text in (cursor[:-1], cursor[:-4], cursor + "=", cursor.swapcase()):
        assert with_cursor(deployed, route, member_id, text) == ["cursor"]


def test_a_cursor_says_nothing_of_whose_it_is(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(2)))
    content = base64.urlsafe_b64decode(first_page(deployed, ENTRIES, member_id)["cursor"])
    assert member_id.encode() not in content


@pytest.mark.parametrize("part", ["", "/balance", "/pending", "/entries", "/export"])
def test_no_id_finds_a_member_that_it_is_not(part: str, deployed: Deployed) -> None:
    for id_ in ("a#b", "%23", "a\u0000", "x" * 2_000, "é", "..", "mbr_unheardof", "\ud800", " "):
        answer = deployed.ask(f"GET /members/{{member_id}}{part}", path={"member_id": id_})
        assert (answer.refusal, id_) == ((404, "not_found"), id_)


# --- Standing -------------------------------------------------------------------------------


def test_a_frozen_member_still_sees_the_account(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.put_standing(member_id, Standing(status="frozen"))
    answer = deployed.ask(
        "GET /members/{member_id}", member(member_id), path={"member_id": member_id}
    )
    assert (answer.status, answer.body["status"]) == (200, "frozen")


def test_settling_later_shows_in_the_next_balance(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("10.00"))
    before = deployed.balance(member_id)["available"]
    deployed.mature(settled())
    assert (before, deployed.balance(member_id)["available"]) == (0, 10)


# --- Statement ------------------------------------------------------------------------------


@pytest.fixture
def spent(deployed: Deployed) -> str:
    """A member who earned 120 and spent 20 in September, and spent 30 in October."""
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120, ticket="T-9")
    body = {"member_id": member_id, "points": 20}
    deployed.ask("POST /redemptions", body=body, key="september")
    deployed.clock.move(days=30)
    deployed.ask("POST /redemptions", body={**body, "points": 30}, key="october")
    return member_id


def balances(available: int) -> Json:
    return {"available": available, "pending": 0, "reserved": 0, "debt": 0}


def test_a_statement_has_exactly_the_published_shape(deployed: Deployed, spent: str) -> None:
    path = {"member_id": spent}
    answer = deployed.ask(STATEMENT, member(spent), path=path, query=SEPTEMBER)
    entries = answer.body.pop("entries")
    assert answer.body == {
        "member_id": spent,
        "month": "2026-09",
        "time_zone": "America/Chicago",
        "opening": balances(0),
        "closing": balances(100),
        "totals": {
            "earned": 120,
            "matured": 120,
            "redeemed": 20,
            "opened": 0,
            "adjusted": 0,
            "transferred": 0,
            "merged": 0,
            "expired": 0,
            "lapsed": 0,
            "reversed": 0,
            "forfeited": 0,
        },
        "cursor": None,
    }
    assert entries == deployed.entries(spent)[:4]


def test_a_month_opens_as_the_one_before_has_closed(deployed: Deployed, spent: str) -> None:
    path = {"member_id": spent}
    september, october, november = (
        deployed.ask(STATEMENT, path=path, query={"month": f"2026-{month}"}).body
        for month in ("09", "10", "11")
    )
    assert october["opening"] == september["closing"]
    assert (october["closing"], november["entries"]) == (balances(70), [])
    assert november["opening"] == november["closing"] == balances(70)


def test_a_statement_goes_on_by_cursor(deployed: Deployed, spent: str) -> None:
    seen: list[int] = []
    query = {**SEPTEMBER, "limit": "3"}
    for _ in range(3):
        page = deployed.ask(STATEMENT, path={"member_id": spent}, query=query).body
        seen += [entry["entry"] for entry in page["entries"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == [1, 2, 3, 4]


def csv_of(deployed: Deployed, member_id: str, **query: str) -> tuple[str, dict[str, str]]:
    answer = deployed.ask(
        STATEMENT,
        path={"member_id": member_id},
        query={**SEPTEMBER, **query},
        headers={"accept": "text/csv"},
    )
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.text, dict(answer.headers)


def test_a_statement_as_csv_has_a_line_for_each_entry(deployed: Deployed, spent: str) -> None:
    text, headers = csv_of(deployed, spent)
    assert text.endswith("\r\n")
    assert "x-cursor" not in headers
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["type"] for row in rows] == ["enrolment", "accrual", "maturation", "redemption"]
    assert rows[2] == {
        "entry": "3",
        "type": "maturation",
        "at": "2026-09-02T12:00:00Z",
        "recorded_at": "2026-09-04T12:00:00Z",
        "pending": "-120",
        "available": "120",
        "reserved": "0",
        "debt": "0",
        "balance_available": "120",
        "balance_pending": "0",
        "balance_reserved": "0",
        "balance_debt": "0",
        "lots": "2028-09-30:120",
        "source": "pos:ticket:T-9",
        "rules": "retail:120",
        "program_version": "1",
        "actor": "webhook:standard",
        "reason": "",
    }


def test_a_long_statement_as_csv_says_in_a_header_where_it_goes_on(
    deployed: Deployed, spent: str
) -> None:
    text, headers = csv_of(deployed, spent, limit="3")
    following, _ = csv_of(deployed, spent, limit="3", cursor=headers["x-cursor"])
    assert (len(text.splitlines()), len(following.splitlines())) == (4, 2)


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV", True),
        ("text/csv;q=0.5, */*;q=0.1", True),
        ("text/csv, application/json;q=0.9", True),
        ("text/csv, application/json", True),
        ("application/json, text/csv", False),
        ("application/json, text/csv;q=0.5", False),
        ("text/csv;q=0", False),
        ("*/*", False),
        ("", False),
        ("text/html", False),
    ],
)
def test_the_accept_header_says_which(accept: str, is_csv: bool, deployed: Deployed) -> None:
    answer = deployed.ask(
        STATEMENT,
        path={"member_id": deployed.enrol()},
        query=SEPTEMBER,
        headers={"accept": accept},
    )
    assert answer.headers["content-type"].startswith("text/csv") is is_csv


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-13", "2026-00", "2026-9", "26-09", "2026-09-01", "now", "0000-01",
              "9999-12", "2026-0a", "-026-01"]
)  # fmt: skip
def test_a_month_that_is_none_is_refused(month: str, cut_off: Deployed) -> None:
    answer = cut_off.ask(STATEMENT, path={"member_id": "mbr_1"}, query={"month": month})
    assert answer.fields == ["month"]


def test_a_statement_is_of_a_month(cut_off: Deployed) -> None:
    assert cut_off.ask(STATEMENT, path={"member_id": "mbr_1"}).fields == ["month"]


@pytest.mark.parametrize("limit", ["0", str(MAX_ENTRIES_PER_STATEMENT + 1), "all"])
def test_a_statement_has_its_own_bound(limit: str, cut_off: Deployed) -> None:
    query = {**SEPTEMBER, "limit": limit}
    answer = cut_off.ask(STATEMENT, path={"member_id": "mbr_1"}, query=query)
    assert answer.fields == ["limit"]


def test_a_place_of_another_month_is_refused(deployed: Deployed, spent: str) -> None:
    cursor = first_page(deployed, STATEMENT, spent)["cursor"]
    query = {"month": "2026-10", "cursor": cursor}
    assert deployed.ask(STATEMENT, path={"member_id": spent}, query=query).fields == ["cursor"]


def test_a_till_sees_no_statement(deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    assert deployed.ask(STATEMENT, TILL, path=path, query=MARCH).refusal == (403, "forbidden")
    assert deployed.ask(STATEMENT, STAFF, path=path, query=MARCH).status == 200
