"""members: enrolling, finding, changing, erasing, and what is known of a person."""

import json
from typing import Any

import pytest

from points_ledger.contracts.export import read_entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.replay import replay
from points_ledger.runtime import services
from points_ledger.service.ports import Note, Put
from tests.functions.deployed import (
    EMAIL,
    NAME,
    PHONE,
    Deploy,
    Deployed,
    named_in,
    program,
    settled,
    sold,
)
from tests.functions.gateway import ADMIN, OTHER_MEMBER, STAFF, TILL, CallerKind, member

Json = dict[str, Any]

SHOW = "GET /members/{member_id}"
CHANGE = "PATCH /members/{member_id}"
ERASE = "DELETE /members/{member_id}"
EXPORT = "GET /members/{member_id}/export"


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
    decided = {"status": "active", "tier": None, "earns": True, "referred_by": None}
    decided |= {"language": None, "notifications": True}
    assert answer.body == {**body, **decided, "aliases": []}


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
        ({"external_id": "pos:C-1", "email": EMAIL}, "email"),
        ({"email": EMAIL, "name": "d"}, "name"),
        ({"email": "dana"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "x" * 1_001}, "name"),
        ({"name": "a\u0000"}, "name"),
        ({"name": "d", "limit": "26"}, "limit"),
        ({"name": "d", "limit": "0"}, "limit"),
        ({"name": "d", "cursor": "forged"}, "cursor"),
        ({"external_id": "pos:C-1", "cursor": "forged"}, "cursor"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    query: dict[str, str], field: str, cut_off: Deployed
) -> None:
    assert cut_off.ask("GET /members", query=query).fields == [field]


def names_of(deployed: Deployed, **query: str) -> list[str]:
    answer = deployed.ask("GET /members", TILL, query=query)
    assert (answer.status, answer.body["cursor"]) == (200, None)
    return [found["name"] for found in answer.body["members"]]


def test_members_are_found_by_email_and_by_the_beginning_of_their_name(
    deployed: Deployed,
) -> None:
    deployed.enrol(name="Dana Reyes", email="dana@example.com")
    deployed.enrol(name="dana okafor", email="dana.o@example.com")
    deployed.enrol(name="Ngozi Osei", email="DANA@example.com")
    assert sorted(names_of(deployed, email="Dana@Example.com")) == ["Dana Reyes", "Ngozi Osei"]
    assert names_of(deployed, name="DANA") == ["dana okafor", "Dana Reyes"]
    assert names_of(deployed, name="dana  r") == ["Dana Reyes"]
    assert names_of(deployed, name="reyes") == []
    assert names_of(deployed, email="nobody@example.com") == []


def test_a_search_goes_on_by_cursor(deployed: Deployed) -> None:
    ids = {deployed.enrol(name=f"Dana {n}") for n in range(5)}
    seen: list[str] = []
    query = {"name": "dana", "limit": "2"}
    for _ in range(4):
        page = deployed.ask("GET /members", query=query).body
        seen += [found["member_id"] for found in page["members"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert (len(seen), set(seen)) == (5, ids)


def test_a_cursor_of_another_search_is_refused(deployed: Deployed) -> None:
    for n in range(2):
        deployed.enrol(name=f"Dana {n}")
    page = deployed.ask("GET /members", query={"name": "dana", "limit": "1"}).body
    for search in ({"name": "dan"}, {"name": "osei"}, {"email": EMAIL}, {"external_id": "p:1"}):
        answer = deployed.ask("GET /members", query={**search, "cursor": page["cursor"]})
        assert answer.fields == ["cursor"]


def test_addresses_as_long_as_they_may_be_are_found_page_by_page(deployed: Deployed) -> None:
    address = "\U0001f600" * 64 + "@" + "\ufdfa" * 255
    for n in range(2):
        deployed.enrol(name=f"Dana {n}", email=address)
    first = deployed.ask("GET /members", query={"email": address, "limit": "1"}).body
    second = deployed.ask(
        "GET /members", query={"email": address, "limit": "1", "cursor": first["cursor"]}
    )
    assert second.status == 200
    assert first["members"] != second.body["members"]


# --- Changing -------------------------------------------------------------------------------


def changed(
    deployed: Deployed,
    member_id: str,
    caller: CallerKind = STAFF,
    *,
    key: str | None = "change",
    **body: object,
) -> Any:  # noqa: ANN401 - an answer
    return deployed.ask(CHANGE, caller, path={"member_id": member_id}, body=body, key=key)


def test_staff_change_everything_at_once(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1", tags=["press"])
    answer = changed(
        deployed,
        member_id,
        name="Dana Okafor",
        email="dana.okafor@example.com",
        phone=None,
        birthday="1984-02-29",
        organisation="Acme",
        jurisdiction="US-IL",
        tags=None,
        earns=False,
        status="frozen",
        external_ids=[{"source": "stripe", "id": "cus_1"}],
    )
    assert answer.status == 200
    assert answer.body == {
        "member_id": member_id,
        "status": "frozen",
        "name": "Dana Okafor",
        "email": "dana.okafor@example.com",
        "phone": None,
        "birthday": "1984-02-29",
        "language": None,
        "notifications": True,
        "organisation": "Acme",
        "jurisdiction": "US-IL",
        "tags": [],
        "tier": None,
        "referred_by": None,
        "earns": False,
        "external_ids": [{"source": "pos", "id": "C-1"}, {"source": "stripe", "id": "cus_1"}],
        "aliases": [],
    }
    assert deployed.types(member_id) == ["enrolment", "change"]
    assert deployed.ask(SHOW, path={"member_id": member_id}).body == answer.body


def test_what_is_not_named_stays(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1", organisation="Acme", birthday="1984-02-29")
    before = deployed.ask(SHOW, path={"member_id": member_id}).body
    assert changed(deployed, member_id).body == before
    assert changed(deployed, member_id, key="2", phone="1").body == {**before, "phone": "1"}


def test_a_member_says_in_which_language_mails_are_and_whether_there_are_any(
    deployed: Deployed,
) -> None:
    path = {"member_id": deployed.enrol("C-1")}
    first = deployed.ask(SHOW, path=path).body
    assert (first["language"], first["notifications"]) == (None, True)
    wishes = {"language": "pt-BR", "notifications": False}
    answer = deployed.ask(CHANGE, member(path["member_id"]), path=path, body=wishes)
    assert answer.status == 200
    assert {name: answer.body[name] for name in wishes} == wishes
    again = deployed.ask(CHANGE, path=path, body={"language": None, "notifications": True})
    assert (again.body["language"], again.body["notifications"]) == (None, True)
    assert deployed.types(path["member_id"]) == ["enrolment"]


@pytest.mark.parametrize(
    "wish",
    [
        {"language": "EN"},
        {"language": "en\n"},
        {"language": ""},
        {"notifications": "no"},
        {"notifications": None},
        {"notifications": 0},
    ],
)
def test_wishes_about_mails_are_read_strictly(wish: Json, deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol("C-1")}
    answer = deployed.ask(CHANGE, member(path["member_id"]), path=path, body=wish)
    assert answer.fields == list(wish)


def test_a_member_changes_personal_data_of_their_own_without_a_key(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    answer = changed(deployed, member_id, member(member_id), key=None, name="Dana O.", email=None)
    assert (answer.status, answer.body["name"], answer.body["email"]) == (200, "Dana O.", None)
    assert changed(deployed, "me", member(member_id), key=None, phone="1").status == 200
    assert deployed.types(member_id) == ["enrolment"]


@pytest.mark.parametrize(
    "field",
    [
        {"organisation": "Acme"},
        {"jurisdiction": None},
        {"tags": ["vip"]},
        {"earns": True},
        {"status": "active"},
        {"referred_by": "mbr_1"},
        {"status": "nonsense"},
        {"external_ids": []},
    ],
    ids=str,
)
def test_a_member_may_not_say_what_decides(field: Json, deployed: Deployed) -> None:
    member_id = deployed.enrol()
    before = deployed.stored()
    answer = changed(deployed, member_id, member(member_id), phone="1", **field)
    assert answer.refusal == (403, "forbidden")
    assert deployed.stored() == before


@pytest.mark.parametrize("caller", [TILL, OTHER_MEMBER], ids=["till", "other"])
def test_nobody_else_changes_a_member(caller: CallerKind, deployed: Deployed) -> None:
    answer = changed(deployed, deployed.enrol(), caller, phone="1")
    assert answer.refusal == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": None}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"email": "nobody"}, ["email"]),
        ({"birthday": "2025-02-29"}, ["birthday"]),
        ({"earns": None}, ["earns"]),
        ({"status": None}, ["status"]),
        ({"status": "erased"}, ["status"]),
        ({"status": "merged"}, ["status"]),
        ({"tags": [f"t{n}" for n in range(21)]}, ["tags"]),
        ({"organisation": "x" * 1_001}, ["organisation"]),
        ({"jurisdiction": ""}, ["jurisdiction"]),
        ({"external_ids": None}, ["external_ids"]),
        ({"external_ids": ["pos:1"]}, ["external_ids.0"]),
        ({"external_ids": [{"source": "pos", "id": str(n)} for n in range(11)]}, ["external_ids"]),
        ({"tier": "gold"}, ["tier"]),
        ({"member_id": "mbr_2"}, ["member_id"]),
        ({"phone": 7, "e-mail": "a@b"}, ["phone", "e-mail"]),
    ],
    ids=str,
)
def test_a_change_is_refused_for(body: Json, fields: list[str], cut_off: Deployed) -> None:
    answer = cut_off.ask(CHANGE, path={"member_id": "mbr_1"}, body=body, key="k")
    assert answer.fields == fields


@pytest.mark.parametrize("body", ["[]", "null", "7", "{"])
def test_a_change_is_an_object(body: str, cut_off: Deployed) -> None:
    answer = cut_off.ask(CHANGE, path={"member_id": "mbr_1"}, body=body, key="k")
    assert answer.fields == ["body"]


def test_what_decides_is_not_changed_without_a_key(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    before = deployed.stored()
    answer = changed(deployed, member_id, key=None, tags=["vip"])
    assert answer.refusal == (400, "idempotency_key_missing")
    assert deployed.stored() == before


def test_a_change_is_made_once_for_a_key(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    first = changed(deployed, member_id, organisation="Acme")
    again = changed(deployed, member_id, organisation="Acme")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = changed(deployed, member_id, organisation="Globex")
    assert other.refusal == (422, "idempotency_key_reused")
    assert deployed.types(member_id) == ["enrolment", "change"]


def test_a_key_is_honoured_for_personal_data_too(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    changed(deployed, member_id, phone="1")
    changed(deployed, member_id, key="other", phone="2")
    again = changed(deployed, member_id, phone="1")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.body["phone"] == "2"


def test_another_members_external_id_is_refused_and_names_the_field(deployed: Deployed) -> None:
    deployed.enrol("C-1")
    member_id = deployed.enrol("C-2")
    ids = [{"source": "pos", "id": "C-1"}]
    assert changed(deployed, member_id, external_ids=ids).fields == ["external_ids"]


def test_too_many_external_ids_are_refused(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    ids = [{"source": "pos", "id": f"D-{n}"} for n in range(10)]
    answer = changed(deployed, member_id, external_ids=ids)
    assert answer.refusal == (422, "limit_exceeded")
    assert (answer.body["limit"], answer.body["maximum"]) == ("external_ids", 10)


def test_a_linked_customer_earns_for_the_member(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    changed(deployed, member_id, key=None, external_ids=[{"source": "pos", "id": "C-7"}])
    deployed.give("C-7", 10)
    assert deployed.balance(member_id)["available"] == 10


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_who_is_not_active_spends_nothing(status: str, deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    changed(deployed, member_id, status=status)
    body = {"member_id": member_id, "points": 1}
    answer = deployed.ask("POST /redemptions", body=body, key="k")
    assert answer.refusal == (422, "member_inactive")
    changed(deployed, member_id, key="again", status="active")
    assert deployed.ask("POST /redemptions", body=body, key="k").status == 201


def test_nobody_is_not_changed(deployed: Deployed) -> None:
    assert changed(deployed, "mbr_unheardof", phone="1").refusal == (404, "not_found")


# --- Erasing --------------------------------------------------------------------------------


def erased(
    deployed: Deployed, member_id: str, caller: CallerKind = ADMIN, *, key: str | None = "erase"
) -> Any:  # noqa: ANN401 - an answer
    return deployed.ask(ERASE, caller, path={"member_id": member_id}, key=key)


def test_a_person_is_erased_and_the_points_are_forfeited(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1", organisation="Acme", birthday="1984-02-29")
    deployed.give("C-1", 120)
    answer = erased(deployed, member_id)
    body = {"member_id": member_id, "status": "erased", "forfeited": 120}
    assert (answer.status, answer.body) == (200, body)
    shown = deployed.ask(SHOW, path={"member_id": member_id}).body
    assert shown == {
        "member_id": member_id,
        "status": "erased",
        **dict.fromkeys(["name", "email", "phone", "birthday", "organisation", "jurisdiction"]),
        **dict.fromkeys(["language", "notifications"]),
        "tags": [],
        "tier": None,
        "referred_by": None,
        "earns": True,
        "external_ids": [],
        "aliases": [],
    }
    assert deployed.types(member_id)[-1] == "forfeit"
    assert deployed.balance(member_id)["available"] == 0


def test_no_item_of_the_table_names_who_was_erased(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120)
    body = {"member_id": member_id, "points": 20, "note": f"for {NAME}"}
    deployed.ask("POST /redemptions", body=body, key="k")
    changed(deployed, member_id, name="Dana Okafor")
    erased(deployed, member_id)
    items = json.dumps(deployed.stored(), default=str)
    assert named_in(items, ("Dana", "dana", "Reyes", EMAIL, PHONE)) == []
    kinds = {name.partition("#")[0] for name in deployed.stored()}
    # The list is the directory, which holds the opaque id alone.
    assert kinds == {"MEMBER", "EARNING", "REDEMPTION", "REQUEST", "DUE", "LIST",
                     "PROGRAM VERSIONS", "PROGRAM VERSION"}  # fmt: skip


def test_who_was_erased_is_not_found(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    erased(deployed, member_id)
    assert deployed.member_of("C-1") is None
    assert names_of(deployed, email=EMAIL) == []
    assert names_of(deployed, name="dana") == []


def test_an_erasure_is_made_once(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120)
    first = erased(deployed, member_id)
    again = erased(deployed, member_id)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    other = erased(deployed, member_id, key="other")
    assert other.refusal == (422, "member_inactive")
    assert other.body["member_status"] == "erased"


@pytest.mark.parametrize("caller", [STAFF, TILL, OTHER_MEMBER], ids=["staff", "till", "other"])
def test_only_an_admin_erases(caller: CallerKind, deployed: Deployed) -> None:
    assert erased(deployed, deployed.enrol(), caller).refusal == (403, "forbidden")


def test_without_a_key_nobody_is_erased(deployed: Deployed) -> None:
    answer = erased(deployed, deployed.enrol(), key=None)
    assert answer.refusal == (400, "idempotency_key_missing")


def test_who_was_erased_is_not_changed(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    erased(deployed, member_id)
    answer = changed(deployed, member_id, phone="1")
    assert answer.refusal == (422, "member_inactive")


def test_facts_of_old_and_new_purchases_after_an_erasure(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("50.00", id_="T-1"))
    erased(deployed, member_id)
    entries = deployed.entries(member_id)
    assert deployed.mature(settled("T-1")) == []
    assert deployed.accrue(sold("70.00", id_="T-1")) == []
    assert deployed.entries(member_id) == entries
    assert deployed.member_of("C-1") is None
    deployed.give("C-1", 10)
    newcomer = deployed.member_of("C-1")
    assert newcomer not in (None, member_id)
    assert deployed.balance(str(newcomer))["available"] == 10


# --- Exporting ------------------------------------------------------------------------------


def exported(deployed: Deployed, member_id: str, **query: str) -> Json:
    caller = member(member_id)
    answer = deployed.ask(EXPORT, caller, path={"member_id": member_id}, query=query)
    assert answer.status == 200, answer.body
    return answer.body


def test_an_export_has_everything_about_a_person(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120, ticket="T-1")
    deployed.accrue(sold("30.00", id_="T-2"))
    body = {"member_id": member_id, "points": 20, "note": "for a friend"}
    redeemed = deployed.ask("POST /redemptions", body=body, key="k").body
    found = exported(deployed, member_id)
    path = {"member_id": member_id}
    assert found["member"] == deployed.ask(SHOW, path=path).body
    assert found["balance"] == deployed.balance(member_id)
    assert found["sharing"] == []
    assert found["notes"] == [{"id": redeemed["redemption_id"], "text": "for a friend"}]
    pending = deployed.ask("GET /members/{member_id}/pending", path=path).body["earnings"]
    assert found["earnings_pending"] == pending
    assert [entry["entry"] for entry in found["entries"]] == [1, 2, 3, 4, 5]
    assert [version["version"] for version in found["program_versions"]] == [1]
    assert (found["merged"], found["cursor"]) == ([], None)


def test_an_exported_chain_replays(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120)
    entries = [read_entry(entry) for entry in exported(deployed, member_id)["entries"]]
    state = replay(entries)  # type: ignore[arg-type]  # each could be read
    assert state == deployed.head(member_id).state


def test_an_export_goes_on_by_cursor(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(*(sold("1.00", id_=f"T-{n}") for n in range(4)))
    seen: list[int] = []
    query = {"limit": "2"}
    for _ in range(4):
        page = exported(deployed, member_id, **query)
        seen += [entry["entry"] for entry in page["entries"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == [1, 2, 3, 4, 5]


def test_a_cursor_of_another_export_is_refused(deployed: Deployed) -> None:
    mine, other = deployed.enrol("C-1"), deployed.enrol("C-2")
    deployed.accrue(sold("1.00"))
    cursor = exported(deployed, mine, limit="1")["cursor"]
    for member_id, text in ((other, cursor), (mine, cursor[:-4]), (mine, "forged")):
        answer = deployed.ask(EXPORT, path={"member_id": member_id}, query={"cursor": text})
        assert answer.fields == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "501", "all"])
def test_an_export_has_its_own_bound(limit: str, cut_off: Deployed) -> None:
    answer = cut_off.ask(EXPORT, path={"member_id": "mbr_1"}, query={"limit": limit})
    assert answer.fields == ["limit"]


def test_an_export_of_who_was_erased_names_nobody(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    note = Note(member_id=MemberId(member_id), id="rdm_1", text=NAME, salt="salt")
    deployed.commit(Put(item=note))
    erased(deployed, member_id)
    found = json.dumps(exported(deployed, member_id))
    assert NAME not in found
    assert EMAIL not in found


# --- Following an erasure -------------------------------------------------------------------


def test_the_stream_takes_away_what_an_erasure_left(deploy: Deploy) -> None:
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    member_id = MemberId(deployed.enrol("C-1"))
    erased(deployed, member_id)
    deployed.commit(Put(item=Note(member_id=member_id, id="rdm_1", text=NAME, salt="salt")))
    forfeits = [
        record
        for record in deployed.streamed()
        if record["dynamodb"].get("NewImage", {}).get("type") == {"S": "forfeit"}
    ]
    deployed.invoke("ledger_events", {"Records": forfeits})
    assert len(forfeits) == 1
    assert list(services.reader().notes(member_id)) == []
    assert [event["detail-type"] for event in deployed.published()] == ["PointsForfeited"]
