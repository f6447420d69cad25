"""Bodies, keys and ids that no client should send, and the field that each is refused for."""

import json
from typing import Any

import pytest

from points_ledger.domain.limit import MAX_BODY_BYTES
from tests.functions import gateway
from tests.functions.deployed import NAME, Deploy, Deployed
from tests.functions.gateway import STAFF

Json = dict[str, Any]

REDEEM = "POST /redemptions"
QUOTE = "POST /redemptions/quote"
ENROL = "POST /members"
EACH_BODY = pytest.mark.parametrize("route", [REDEEM, QUOTE, ENROL])

LONG = "x" * 2_000
NO_IDS = {
    "empty": "",
    "blank": " ",
    "a control character": "a\u0000b",
    "a line feed": "a\nb",
    "an escape sequence": "a\u001b[31m",
    "2,000 characters": LONG,
    "a number": 7,
    "a list": ["a"],
    "null": None,
    "true": True,
}


# --- What is no JSON ------------------------------------------------------------------------


@EACH_BODY
@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        " ",
        "points=1",
        "{",
        "{}{}",
        "'{}'",
        '{"points": 1, "points": 2}',
        '{"ticket": {"id": "a", "id": "b"}}',
        '{"points": NaN}',
        '{"points": Infinity}',
        '{"points": -Infinity}',
        '{"points": 1e999}',
        '{"points": 01}',
        '{"member_id": "\\ud800"}',
        "[" * 33 + "]" * 33,
        "[" * 100_000,
        '{"a": ' * 40 + "1" + "}" * 40,
        '{"points": ' + "9" * 5_000 + "}",
        "\ufeff{}",
    ],
    ids=lambda body: repr(body)[:30],
)
def test_what_is_no_proper_json_is_refused(route: str, body: str | None, cut_off: Deployed) -> None:
    assert cut_off.ask(route, body=body, key="k").fields == ["body"]


@EACH_BODY
@pytest.mark.parametrize("body", ["null", "[]", "7", '"text"', "true"])
def test_what_is_no_object_is_refused(route: str, body: str, cut_off: Deployed) -> None:
    assert cut_off.ask(route, body=body, key="k").fields == ["body"]


def test_a_body_that_is_no_text_is_refused(cut_off: Deployed) -> None:
    event = gateway.request(REDEEM, STAFF, headers={"idempotency-key": "k"}, body="//4=")
    assert cut_off.answer({**event, "isBase64Encoded": True}).fields == ["body"]


@EACH_BODY
def test_a_byte_too_many_is_too_large(route: str, cut_off: Deployed) -> None:
    answer = cut_off.ask(route, body="{}".ljust(MAX_BODY_BYTES + 1), key="k")
    assert answer.refusal == (413, "payload_too_large")
    assert answer.body["maximum_bytes"] == MAX_BODY_BYTES


def test_bytes_are_counted_and_not_characters(cut_off: Deployed) -> None:
    body = json.dumps({"name": "é" * (MAX_BODY_BYTES // 2)}, ensure_ascii=False)
    assert len(body) < MAX_BODY_BYTES
    assert cut_off.ask(ENROL, body=body, key="k").refusal == (413, "payload_too_large")


def test_a_body_at_the_limit_is_read(deployed: Deployed) -> None:
    body = json.dumps({"name": NAME}).ljust(MAX_BODY_BYTES)
    assert deployed.ask(ENROL, body=body, key="k").status == 201


# --- Redemptions ----------------------------------------------------------------------------

TICKET = {"id": "T-1", "amount": "9.00"}
BAD_REDEMPTIONS: dict[str, tuple[Json, list[str]]] = {
    "nothing": ({"member_id": None, "points": None}, ["member_id"]),
    "neither points nor amount": ({"points": None}, ["body"]),
    "no member": ({"member_id": None}, ["member_id"]),
    "points as a float": ({"points": 1.0}, ["points"]),
    "points as a fraction": ({"points": 1.5}, ["points"]),
    "points as text": ({"points": "1"}, ["points"]),
    "points as a boolean": ({"points": True}, ["points"]),
    "points in a list": ({"points": [1]}, ["points"]),
    "no points at all": ({"points": 0}, ["points"]),
    "points below zero": ({"points": -1}, ["points"]),
    "both points and amount": ({"amount": "1.00"}, ["body"]),
    "an amount as a float": ({"points": None, "amount": 1.5}, ["amount"]),
    "an amount as an integer": ({"points": None, "amount": 1}, ["amount"]),
    "an amount as a boolean": ({"points": None, "amount": True}, ["amount"]),
    "an amount of nothing": ({"points": None, "amount": "0.00"}, ["amount"]),
    "an amount below zero": ({"points": None, "amount": "-1.00"}, ["amount"]),
    "an amount with an exponent": ({"points": None, "amount": "1e2"}, ["amount"]),
    "an amount with a comma": ({"points": None, "amount": "1,00"}, ["amount"]),
    "an amount that is not a number": ({"points": None, "amount": "NaN"}, ["amount"]),
    "an amount in other digits": ({"points": None, "amount": "\u0661"}, ["amount"]),
    "an amount with a currency": ({"points": None, "amount": "1.00 USD"}, ["amount"]),
    "an amount with a line feed": ({"points": None, "amount": "1.00\n"}, ["amount"]),
    "too large an amount": ({"points": None, "amount": "1000000000.00"}, ["amount"]),
    "too fine an amount": ({"points": None, "amount": "1.00001"}, ["amount"]),
    "an empty amount": ({"points": None, "amount": ""}, ["amount"]),
    "an unknown kind": ({"kind": "lottery"}, ["kind"]),
    "a reward that is not named": ({"kind": "reward"}, ["body"]),
    "a reservation in words": ({"reserve": "yes"}, ["reserve"]),
    "an unknown field": ({"pionts": 7}, ["pionts"]),
    "a note of 1,001 characters": ({"note": "x" * 1_001}, ["note"]),
    "a note with a control character": ({"note": "a\u0007"}, ["note"]),
    "a ticket that is text": ({"ticket": "T-1"}, ["ticket"]),
    "a ticket without amount": ({"ticket": {"id": "T-1"}}, ["ticket.amount"]),
    "a ticket without id": ({"ticket": {"amount": "1.00"}}, ["ticket.id"]),
    "a ticket with a float": ({"ticket": {**TICKET, "amount": 9.0}}, ["ticket.amount"]),
    "a negative ticket": ({"ticket": {**TICKET, "amount": "-9.00"}}, ["ticket.amount"]),
    "a ticket of an unknown kind": ({"ticket": {**TICKET, "kind": "gift"}}, ["ticket.kind"]),
    "a ticket of a source with a sign": ({"ticket": {**TICKET, "source": "a#b"}}, ["ticket"]),
    "a ticket with an unknown field": ({"ticket": {**TICKET, "tax": "1"}}, ["ticket.tax"]),
    "several mistakes": (
        {"points": -1, "kind": "x", "ticket": {"id": ""}},
        ["points", "kind", "ticket.id", "ticket.amount"],
    ),
}


@pytest.mark.parametrize(
    ("changes", "fields"), BAD_REDEMPTIONS.values(), ids=BAD_REDEMPTIONS.keys()
)
def test_a_redemption_is_refused_for(changes: Json, fields: list[str], cut_off: Deployed) -> None:
    body = {"member_id": "mbr_1", "points": 100, **changes}
    sent = {name: value for name, value in body.items() if value is not None}
    assert cut_off.ask(REDEEM, body=sent, key="k").fields == fields


@pytest.mark.parametrize("id_", NO_IDS.values(), ids=NO_IDS.keys())
def test_what_is_no_id_names_no_member_and_no_ticket(id_: object, cut_off: Deployed) -> None:
    ticket = {"id": id_, "amount": "9.00"}
    body = {"member_id": id_, "points": 1, "ticket": ticket}
    assert cut_off.ask(REDEEM, body=body, key="k").fields == ["member_id", "ticket.id"]
    assert cut_off.ask(QUOTE, body={"member_id": id_, "ticket": ticket}).fields == [
        "member_id",
        "ticket.id",
    ]


def test_any_other_id_may_name_a_ticket(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    ids = ["a#b", "a%23b", "é", "日本", "a b", "x" * 255, "<script>"]
    for id_ in ids:
        body = {"member_id": member_id, "points": 1, "ticket": {"id": id_, "amount": "9.00"}}
        assert deployed.ask(REDEEM, body=body, key=id_.encode().hex()[:200]).status == 201
    entries = deployed.entries(member_id)[-len(ids) :]
    assert [entry["source"]["id"] for entry in entries] == ids


def test_a_ticket_is_the_same_however_its_id_is_composed(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 30, ticket="caf\u00e9")
    body = {"member_id": member_id, "points": 1, "ticket": {"id": "cafe\u0301", "amount": "9.00"}}
    assert deployed.ask(REDEEM, body=body, key="k").code == "earned_on_same_ticket"


def test_a_member_id_that_is_nobodys_is_not_found_whatever_is_in_it(deployed: Deployed) -> None:
    for id_ in ("a#b", "%23", "é", "..", "x" * 255):
        body = {"member_id": id_, "points": 1}
        assert deployed.ask(REDEEM, body=body, key="k").refusal == (404, "not_found")


# --- Enrolment ------------------------------------------------------------------------------

BAD_MEMBERS: dict[str, tuple[Json, list[str]]] = {
    "no name": ({"name": None}, ["name"]),
    "a name of 1,001 characters": ({"name": "x" * 1_001}, ["name"]),
    "an email without a host": ({"email": "somebody"}, ["email"]),
    "an email with a space": ({"email": "some body@host"}, ["email"]),
    "two emails": ({"email": "a@b, c@d"}, ["email"]),
    "a phone as a number": ({"phone": 15551234}, ["phone"]),
    "a birthday that never was": ({"birthday": "2025-02-29"}, ["birthday"]),
    "a birthday as a number": ({"birthday": 0}, ["birthday"]),
    "a birthday as digits": ({"birthday": "86400"}, ["birthday"]),
    "a birthday with a time": ({"birthday": "1984-02-29T00:00:00"}, ["birthday"]),
    "earns as text": ({"earns": "yes"}, ["earns"]),
    "earns as a number": ({"earns": 1}, ["earns"]),
    "tags as text": ({"tags": "press"}, ["tags"]),
    "a tag as a number": ({"tags": ["press", 7]}, ["tags.1"]),
    "too many tags": ({"tags": [f"t{n}" for n in range(21)]}, ["tags"]),
    "an external id without source": ({"external_ids": [{"id": "1"}]}, ["external_ids.0.source"]),
    "an external id as text": ({"external_ids": ["pos:1"]}, ["external_ids.0"]),
    "an external id with a sign in its source": (
        {"external_ids": [{"source": "a#b", "id": "1"}]},
        ["external_ids.0"],
    ),
    "too many external ids": (
        {"external_ids": [{"source": "pos", "id": str(n)} for n in range(11)]},
        ["external_ids"],
    ),
    "an unknown field": ({"e-mail": "a@b"}, ["e-mail"]),
    "a status of one's own": ({"status": "active"}, ["status"]),
    "a tier of one's own": ({"tier": "gold"}, ["tier"]),
}


@pytest.mark.parametrize(("changes", "fields"), BAD_MEMBERS.values(), ids=BAD_MEMBERS.keys())
def test_a_member_is_refused_for(changes: Json, fields: list[str], cut_off: Deployed) -> None:
    body = {name: value for name, value in {"name": NAME, **changes}.items() if value is not None}
    assert cut_off.ask(ENROL, body=body, key="k").fields == fields


@pytest.mark.parametrize("id_", NO_IDS.values(), ids=NO_IDS.keys())
def test_what_is_no_id_names_no_customer(id_: object, cut_off: Deployed) -> None:
    body = {"name": NAME, "external_ids": [{"source": "pos", "id": id_}]}
    [field] = cut_off.ask(ENROL, body=body, key="k").fields
    assert field in ("external_ids.0", "external_ids.0.id")


@pytest.mark.parametrize("name", ["", "  ", "a\u0000", "\u0085", 7, ["a"]], ids=repr)
def test_what_is_no_text_names_nobody(name: object, cut_off: Deployed) -> None:
    assert cut_off.ask(ENROL, body={"name": name}, key="k").fields == ["name"]


def test_the_same_external_id_twice_is_one(deployed: Deployed) -> None:
    ids = [{"source": "pos", "id": "caf\u00e9"}, {"source": "pos", "id": "cafe\u0301"}]
    answer = deployed.ask(ENROL, body={"name": NAME, "external_ids": ids}, key="k")
    assert (answer.status, answer.body["external_ids"]) == (201, [ids[0]])


# --- Keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", " ", "   "])
def test_an_empty_key_is_a_missing_one(key: str, cut_off: Deployed) -> None:
    answer = cut_off.ask(ENROL, body={"name": NAME}, key=key)
    assert answer.refusal == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["x" * 256, "é", "a\u0000", "a\tb", "日本"])
def test_a_key_that_is_not_printable_or_too_long_is_refused(key: str, cut_off: Deployed) -> None:
    assert cut_off.ask(ENROL, body={"name": NAME}, key=key).fields == ["Idempotency-Key"]


def test_any_printable_key_will_do_and_none_can_pass_for_another(deployed: Deployed) -> None:
    keys = ["x" * 255, "a#b", "a%23b", "a%2523b", "A#B", "{}", "~", "a b", "a  b"]
    answers = [deployed.ask(ENROL, body={"name": NAME}, key=key) for key in keys]
    assert len({answer.body["member_id"] for answer in answers}) == len(keys)


def test_a_header_is_found_however_it_is_written(deployed: Deployed) -> None:
    answer = deployed.ask(ENROL, body={"name": NAME}, headers={"IDEMPOTENCY-KEY": "k"})
    assert answer.status == 201


# --- Problems -------------------------------------------------------------------------------


def test_a_problem_says_what_is_wrong_in_every_member(cut_off: Deployed) -> None:
    answer = cut_off.ask(REDEEM, body={"member_id": "mbr_1", "points": -1}, key="k")
    assert answer.headers == {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
    }
    [error] = answer.body.pop("errors")
    assert error["field"] == "points"
    assert answer.body == {
        "type": "urn:points-ledger:problem:invalid_request",
        "title": "The request is not valid",
        "status": 400,
        "detail": f"The request is not valid: points: {error['message']}",
        "code": "invalid_request",
    }


def test_a_problem_stays_small_whatever_was_sent(cut_off: Deployed) -> None:
    body = {f"field-{n}": LONG for n in range(100)}
    answer = cut_off.ask(REDEEM, body=body, key="k")
    assert answer.refusal == (400, "invalid_request")
    assert len(json.dumps(answer.body)) < 20_000


def test_without_a_program_the_client_learns_that_the_fault_is_not_theirs(
    deploy: Deploy,
) -> None:
    answer = deploy(None).ask(ENROL, body={"name": NAME}, key="k")
    assert answer.refusal == (500, "ledger_inconsistent")
    assert "program" not in answer.body["detail"]


@EACH_BODY
def test_without_its_settings_a_function_answers_nothing_but_that(
    route: str, cut_off: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    assert cut_off.ask(route, body={}, key="k").refusal == (500, "internal_error")
