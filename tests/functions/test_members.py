"""members: enrolling, finding, and what a member has and why."""

import base64
import json
from typing import Any, get_args

import pytest

from points_ledger.domain.entry import EntryType
from points_ledger.domain.limit import MAX_PAGE_SIZE
from points_ledger.domain.state import Standing
from tests.functions.deployed import EMAIL, NAME, PHONE, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import STAFF, TILL, member

Json = dict[str, Any]

BALANCE = "GET /members/{member_id}/balance"
PENDING = "GET /members/{member_id}/pending"
ENTRIES = "GET /members/{member_id}/entries"


def enrolment(**more: object) -> Json:
    return {"name": NAME, "email": EMAIL, "phone": PHONE, **more}


# --- Enrolling ------------------------------------------------------------------------------


def test_a_new_member_is_answered_with_everything_that_is_known(deployed: Deployed) -> None:
    body = enrolment(
        organisation="Acme",
        jurisdiction="US-IL",
        tags=["press", "court"],
        birthday="1984-02-29",
        external_ids=[{"source": "pos", "id": "C-1"}, {"source": "stripe", "id": "cus_1"}],
    )
    answer = deployed.ask("POST /members", body=body, key="k")
    assert answer.status == 201
    member_id = answer.body.pop("member_id")
    assert member_id.startswith("mbr_")
    assert answer.body == {**body, "status": "active", "tier": None, "earns": True}


def test_a_name_is_all_that_is_needed(deployed: Deployed) -> None:
    answer = deployed.ask("POST /members", body={"name": NAME}, key="k")
    assert answer.status == 201
    assert (answer.body["email"], answer.body["external_ids"]) == (None, [])


def test_a_known_external_id_answers_the_same_member(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    before = deployed.stored()
    body = enrolment(name="Another", external_ids=[{"source": "pos", "id": "C-1"}])
    answer = deployed.ask("POST /members", body=body, key="other")
    assert (answer.status, answer.body["member_id"]) == (200, member_id)
    assert answer.body["name"] == NAME
    assert deployed.stored() == before


def test_external_ids_of_different_members_are_refused(deployed: Deployed) -> None:
    deployed.enrol("C-1")
    deployed.enrol("C-2")
    ids = [{"source": "pos", "id": "C-1"}, {"source": "pos", "id": "C-2"}]
    answer = deployed.ask("POST /members", body=enrolment(external_ids=ids), key="other")
    assert answer.fields == ["external_ids"]


def test_the_same_request_again_gets_the_same_answer_and_enrols_nobody(deployed: Deployed) -> None:
    first = deployed.ask("POST /members", body=enrolment(), key="k")
    before = deployed.stored()
    again = deployed.ask("POST /members", body=enrolment(), key="k")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert deployed.stored() == before


def test_a_key_enrols_only_what_it_enrolled_first(deployed: Deployed) -> None:
    deployed.ask("POST /members", body=enrolment(), key="k")
    answer = deployed.ask("POST /members", body=enrolment(tags=["press"]), key="k")
    assert answer.refusal == (422, "idempotency_key_reused")


def test_the_key_of_one_caller_is_free_for_another(deployed: Deployed) -> None:
    first = deployed.ask("POST /members", STAFF, body=enrolment(), key="k")
    second = deployed.ask("POST /members", TILL, body=enrolment(), key="k")
    assert (first.status, second.status) == (201, 201)
    assert first.body["member_id"] != second.body["member_id"]


def test_without_a_key_nobody_is_enrolled(deployed: Deployed) -> None:
    before = deployed.stored()
    answer = deployed.ask("POST /members", body=enrolment())
    assert answer.refusal == (400, "idempotency_key_missing")
    assert deployed.stored() == before


def test_a_member_who_does_not_earn_gets_no_points(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1", earns=False)
    deployed.give("C-1", 100)
    assert deployed.balance(member_id)["lifetime"]["earned"] == 0


def test_two_members_never_have_the_same_id(deployed: Deployed) -> None:
    assert len({deployed.enrol() for _ in range(5)}) == 5


# --- Finding --------------------------------------------------------------------------------


def test_a_member_is_found_by_external_id(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    answer = deployed.ask("GET /members", query={"external_id": "pos:C-1"})
    shown = deployed.ask("GET /members/{member_id}", path={"member_id": member_id})
    assert (answer.status, answer.body) == (200, {"members": [shown.body], "cursor": None})


def test_an_unknown_external_id_finds_nobody(deployed: Deployed) -> None:
    answer = deployed.ask("GET /members", query={"external_id": "pos:C-1"})
    assert (answer.status, answer.body) == (200, {"members": [], "cursor": None})


def test_an_external_id_is_found_whatever_is_in_it(deployed: Deployed) -> None:
    ids = ["a#b", "a%23b", "a%b", "a:b:c", "é", "日本", "x" * 255]
    enrolled = {id_: deployed.enrol(id_) for id_ in ids}
    assert {id_: deployed.member_of(id_) for id_ in ids} == enrolled


def test_external_ids_are_equal_after_normalisation(deployed: Deployed) -> None:
    member_id = deployed.enrol("caf\u00e9")
    assert deployed.member_of("cafe\u0301") == member_id


def test_sources_are_told_apart(deployed: Deployed) -> None:
    deployed.enrol("C-1")
    answer = deployed.ask("GET /members", query={"external_id": "stripe:C-1"})
    assert answer.body["members"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "C-1"}, "external_id"),
        ({"external_id": ":C-1"}, "external_id"),
        ({"external_id": "pos:"}, "external_id"),
        ({"external_id": "pos:a\u0000"}, "external_id"),
        ({"external_id": f"pos:{'x' * 2_000}"}, "external_id"),
        ({"external_id": "po s:C-1"}, "external_id"),
        ({"external_id": "pos:C-1", "page": "1"}, "page"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    query: dict[str, str], field: str, cut_off: Deployed
) -> None:
    assert cut_off.ask("GET /members", query=query).fields == [field]


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
    *(("limit", value) for value in ("0", "-1", "101", "many", "1.5", "", "9" * 100, "1_0")),
    *(("cursor", value) for value in ("", "forged", "!!!", "é", "x" * 2_000)),
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


@pytest.mark.parametrize(("route", "other"), [(PENDING, ENTRIES), (ENTRIES, PENDING)])
def test_a_cursor_of_one_list_is_refused_by_the_other(
    route: str, other: str, deployed: Deployed
) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(2)))
    page = deployed.ask(other, path={"member_id": member_id}, query={"limit": "1"}).body
    assert page["cursor"] is not None
    query = {"cursor": page["cursor"]}
    assert deployed.ask(route, path={"member_id": member_id}, query=query).fields == ["cursor"]


@pytest.mark.parametrize("part", ["", "/balance", "/pending", "/entries"])
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
