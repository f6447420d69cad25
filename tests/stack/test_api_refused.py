"""What the API refuses of a caller who may ask, with status, code and fields."""

from typing import Any
from urllib.parse import quote as url_quote

import httpx
import pytest

from tests.stack.client import StackClient, problem, unique

pytestmark = pytest.mark.stack

Json = dict[str, Any]
INVALID = (400, "invalid_request")
LONG = "x" * 2_000


def raw_post(
    ledger: StackClient, path: str, body: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    known = {
        "Authorization": f"Bearer {ledger.staff_token}",
        "Content-Type": "application/json",
        "Idempotency-Key": unique("key"),
    }
    return ledger.http.post(path, content=body, headers={**known, **(headers or {})})


def fields(answer: httpx.Response) -> set[str]:
    assert problem(answer) == INVALID
    return {error["field"] for error in answer.json()["errors"]}


@pytest.fixture(scope="module")
def poor(ledger: StackClient) -> str:
    return ledger.enrol("Somebody")


@pytest.fixture(scope="module")
def rich(ledger: StackClient) -> str:
    return ledger.rich_member(1_200)


# --- idempotency keys -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/members", "/redemptions"])
def test_writes_need_a_key(ledger: StackClient, poor: str, path: str) -> None:
    body = {"name": "Somebody"} if path == "/members" else {"member_id": poor, "points": 500}
    without = ledger.post(path, body, token=ledger.staff_token)
    empty = ledger.post(path, body, token=ledger.staff_token, key="")

    assert problem(without) == problem(empty) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["x" * 256, "tab\there"])
def test_keys_that_are_none(ledger: StackClient, key: str) -> None:
    answer = ledger.post("/members", {"name": "Somebody"}, token=ledger.staff_token, key=key)
    assert fields(answer) == {"Idempotency-Key"}


def test_the_longest_key_is_taken(ledger: StackClient) -> None:
    key = unique("key").ljust(255, "~")
    answer = ledger.post("/members", {"name": "Somebody"}, token=ledger.staff_token, key=key)
    assert answer.status_code == 201


# --- bodies ---------------------------------------------------------------------------------

UNREADABLE = {
    "empty": b"",
    "not JSON": b"{",
    "NaN": b'{"name": NaN}',
    "a name twice": b'{"name": "A", "name": "B"}',
    "an unpaired surrogate": b'{"name": "\\ud800"}',
    "nested deeply": b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}",
    "nested very deeply": b'{"name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number out of range": b'{"name": 1e999}',
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.parametrize("path", ["/members", "/redemptions"])
def test_bodies_that_cannot_be_read(ledger: StackClient, path: str, case: str) -> None:
    assert fields(raw_post(ledger, path, UNREADABLE[case])) == {"body"}


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
def test_bodies_that_are_no_object(ledger: StackClient, body: bytes) -> None:
    for path in ("/members", "/redemptions", "/redemptions/quote"):
        assert fields(raw_post(ledger, path, body))


def test_a_body_that_is_too_large(ledger: StackClient) -> None:
    body = b'{"name": "' + b"x" * 256 * 1024 + b'"}'
    for path in ("/members", "/redemptions", "/redemptions/quote"):
        answer = raw_post(ledger, path, body)
        assert problem(answer) == (413, "payload_too_large")


WRONG_MEMBERS: dict[str, tuple[Json, set[str]]] = {
    "nothing": ({}, {"name"}),
    "a name that is a number": ({"name": 7}, {"name"}),
    "an empty name": ({"name": " "}, {"name"}),
    "a name too long": ({"name": LONG}, {"name"}),
    "control characters": ({"name": "a\x00b"}, {"name"}),
    "no email address": ({"name": "A", "email": "nowhere"}, {"email"}),
    "a misspelt field": ({"name": "A", "e_mail": "a@example.com"}, {"e_mail"}),
    "text for a flag": ({"name": "A", "earns": "true"}, {"earns"}),
    "no day": ({"name": "A", "birthday": "31.12.1990"}, {"birthday"}),
    "an external id without source": (
        {"name": "A", "external_ids": [{"id": "1"}]},
        {"external_ids.0.source"},
    ),
    "an external id too long": (
        {"name": "A", "external_ids": [{"source": "pos", "id": LONG}]},
        {"external_ids.0"},
    ),
    "too many external ids": (
        {"name": "A", "external_ids": [{"source": "pos", "id": str(n)} for n in range(11)]},
        {"external_ids"},
    ),
    "too many tags": ({"name": "A", "tags": [str(n) for n in range(21)]}, {"tags"}),
    "several at once": ({"name": 1, "email": 2, "phone": 3}, {"name", "email", "phone"}),
}


@pytest.mark.parametrize("case", WRONG_MEMBERS)
def test_members_that_cannot_be_enrolled(ledger: StackClient, case: str) -> None:
    body, wrong = WRONG_MEMBERS[case]
    answer = ledger.post("/members", body, token=ledger.staff_token, key=unique("key"))
    assert fields(answer) == wrong


WRONG_REDEMPTIONS: dict[str, tuple[Json, set[str]]] = {
    "neither points nor amount": ({}, {"body"}),
    "points and amount": ({"points": 500, "amount": "5.00"}, {"body"}),
    "points that are a float": ({"points": 500.0}, {"points"}),
    "points that are text": ({"points": "500"}, {"points"}),
    "points that are a flag": ({"points": True}, {"points"}),
    "no points": ({"points": 0}, {"points"}),
    "points below zero": ({"points": -500}, {"points"}),
    "an amount that is a float": ({"amount": 5.0}, {"amount"}),
    "an amount that is a whole number": ({"amount": 5}, {"amount"}),
    "no amount": ({"amount": "0.00"}, {"amount"}),
    "an amount below zero": ({"amount": "-5.00"}, {"amount"}),
    "an amount above the limit": ({"amount": "1000000000.00"}, {"amount"}),
    "no number": ({"amount": "five"}, {"amount"}),
    "an unknown kind": ({"points": 500, "kind": "gold"}, {"kind"}),
    "a ticket without amount": ({"points": 500, "ticket": {"id": "1"}}, {"ticket.amount"}),
    "a ticket with a float": (
        {"points": 500, "ticket": {"id": "1", "amount": 9.5}},
        {"ticket.amount"},
    ),
    "a ticket below zero": (
        {"points": 500, "ticket": {"id": "1", "amount": "-9.00"}},
        {"ticket.amount"},
    ),
    "a ticket id too long": (
        {"points": 500, "ticket": {"id": LONG, "amount": "9.00"}},
        {"ticket.id"},
    ),
    "a ticket id with control characters": (
        {"points": 500, "ticket": {"id": "a\x1fb", "amount": "9.00"}},
        {"ticket.id"},
    ),
    "a ticket of no source": (
        {"points": 500, "ticket": {"id": "1", "amount": "9.00", "source": "a#b"}},
        {"ticket"},
    ),
    "a note too long": ({"points": 500, "note": LONG}, {"note"}),
    "a misspelt field": ({"points": 500, "tikcet": {}}, {"tikcet"}),
}


@pytest.mark.parametrize("case", WRONG_REDEMPTIONS)
def test_redemptions_that_are_none(ledger: StackClient, rich: str, case: str) -> None:
    body, wrong = WRONG_REDEMPTIONS[case]
    assert fields(ledger.redeem(rich, **body)) == wrong
    assert ledger.amounts(rich) == (0, 1_200, 0)


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (
            {"points": 1_300},
            "insufficient_points",
            {"requested": 1_300, "available": 1_200},
        ),
        ({"points": 499}, "below_minimum", {"minimum_amount": "5.00", "amount": "4.99"}),
        ({"amount": "4.99"}, "below_minimum", {"minimum_amount": "5.00", "amount": "4.99"}),
        (
            {"points": 500, "ticket": {"id": "1", "amount": "5.00"}},
            "ticket_too_low",
            {"ticket_amount": "5.00", "amount": "5.00"},
        ),
        ({"amount": "5.005"}, "amount_not_whole_points", {"amount": "5.005"}),
    ],
)
def test_redemptions_against_the_rules(
    ledger: StackClient, rich: str, body: Json, code: str, told: Json
) -> None:
    key = unique("key")

    refused = ledger.redeem(rich, key=key, **body)

    assert problem(refused) == (422, code)
    assert told.items() <= refused.json().items()
    assert ledger.amounts(rich) == (0, 1_200, 0)
    # A rejection is not remembered: the key is still free, for any other request.
    assert problem(ledger.redeem(rich, key=key, points=1_201)) == (422, "insufficient_points")


def test_a_key_used_for_another_redemption(ledger: StackClient) -> None:
    member_id, key = ledger.rich_member(1_200), unique("key")
    assert ledger.redeem(member_id, key=key, points=500).status_code == 201

    assert problem(ledger.redeem(member_id, key=key, points=501)) == (
        422,
        "idempotency_key_reused",
    )
    assert problem(ledger.redeem(member_id, key=key, amount="5.00")) == (
        422,
        "idempotency_key_reused",
    )
    assert ledger.amounts(member_id) == (0, 700, 0)


def test_quotes_say_why_nothing_can_be_redeemed(ledger: StackClient, poor: str, rich: str) -> None:
    low_ticket = {"id": "1", "amount": "4.00"}
    quotes = [
        ledger.quote(poor).json(),
        ledger.quote(rich, ticket=low_ticket).json(),
        ledger.quote(rich, ticket={**low_ticket, "amount": "8.00"}).json(),
        ledger.quote(rich).json(),
    ]

    assert [(quote["allowed"], quote["max_points"]) for quote in quotes] == [
        (False, 0),
        (False, 0),
        (True, 799),
        (True, 1_200),
    ]
    assert [quote["reasons"] for quote in quotes] == [
        ["insufficient_points"],
        ["below_minimum"],
        [],
        [],
    ]
    assert {quote["minimum_amount"] for quote in quotes} == {"5.00"}
    assert [quote["max_amount"] for quote in quotes] == ["0.00", "0.00", "7.99", "12.00"]


# --- what is not there ----------------------------------------------------------------------

STRANGE_IDS = {
    "unknown": "mbr_aaaaaaaaaaaaaaaa",
    "a hash": "a#b",
    "percent signs": "100%25",
    "a slash": "a/b",
    "dots": "..",
    "unicode": "ünïcødé領収書",
    "combining characters": "e\N{COMBINING ACUTE ACCENT}",
    "control characters": "a\x00b\x1bc",
    "a line break": "a\nb",
    "2,000 characters": LONG,
    "spaces": " ",
    "a key of the table": "MEMBER#mbr_1",
}


@pytest.mark.parametrize("case", STRANGE_IDS)
@pytest.mark.parametrize("what", ["", "/balance", "/pending", "/entries"])
def test_members_that_do_not_exist(ledger: StackClient, case: str, what: str) -> None:
    path = f"/members/{url_quote(STRANGE_IDS[case], safe='')}{what}"
    answer = ledger.get(path, token=ledger.staff_token)
    # A gateway may refuse what no path can hold before any function sees it.
    assert answer.status_code == 404, answer.text
    if answer.headers["content-type"].startswith("application/problem"):
        assert problem(answer) == (404, "not_found")


@pytest.mark.parametrize("case", ["unknown", "a hash", "unicode", "a key of the table"])
def test_redeeming_from_members_that_do_not_exist(ledger: StackClient, case: str) -> None:
    member_id = STRANGE_IDS[case]
    assert problem(ledger.redeem(member_id, points=500)) == (404, "not_found")
    assert problem(ledger.quote(member_id)) == (404, "not_found")


@pytest.mark.parametrize("case", ["control characters", "2,000 characters", "spaces"])
def test_redeeming_from_what_is_no_id(ledger: StackClient, case: str) -> None:
    assert fields(ledger.redeem(STRANGE_IDS[case], points=500)) == {"member_id"}
    assert fields(ledger.quote(STRANGE_IDS[case])) == {"member_id"}


@pytest.mark.parametrize("case", STRANGE_IDS)
def test_redemptions_that_do_not_exist(ledger: StackClient, case: str) -> None:
    path = f"/redemptions/{url_quote(STRANGE_IDS[case], safe='')}"
    answer = ledger.get(path, token=ledger.staff_token)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("external_id", ["", "nobody", ":", "pos:", "a b:c", "pos:a\x00b", LONG])
def test_external_ids_that_are_none(ledger: StackClient, external_id: str) -> None:
    answer = ledger.get("/members", token=ledger.staff_token, query={"external_id": external_id})
    assert fields(answer) == {"external_id"}


def test_an_external_id_that_nobody_has(ledger: StackClient) -> None:
    answer = ledger.get("/members", token=ledger.staff_token, query={"external_id": "pos:nobody#%"})
    assert (answer.status_code, answer.json()) == (200, {"members": [], "cursor": None})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"cursor": "not-a-cursor"}, "cursor"),
        ({"cursor": "ZW50cnk6LTE="}, "cursor"),
        ({"cursor": LONG}, "cursor"),
        ({"type": "gift"}, "type"),
        ({"page": "2"}, "page"),
    ],
)
def test_lists_that_cannot_be_asked_for(
    ledger: StackClient, poor: str, query: dict[str, str], field: str
) -> None:
    answer = ledger.get(f"/members/{poor}/entries", token=ledger.staff_token, query=query)
    assert fields(answer) == {field}


@pytest.mark.parametrize("cursor", ["not-a-cursor", "ZW50cnk6MQ==", "é", "e30="])
def test_pending_with_a_cursor_of_nothing(ledger: StackClient, poor: str, cursor: str) -> None:
    answer = ledger.get(
        f"/members/{poor}/pending", token=ledger.staff_token, query={"cursor": cursor}
    )
    assert fields(answer) == {"cursor"}


def test_routes_that_do_not_exist(ledger: StackClient) -> None:
    for path in ("/", "/nothing", "/members/x/y/z"):
        assert ledger.get(path, token=ledger.staff_token).status_code == 404


def test_answers_are_not_stored_by_anybody(ledger: StackClient, poor: str) -> None:
    answer = ledger.get(f"/members/{poor}/balance", token=ledger.staff_token)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
