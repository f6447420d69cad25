"""program: judging a draft while it is written, without storing anything."""

from typing import Any, Final

import pytest

from tests.functions.deployed import Answer, Deployed, program
from tests.functions.gateway import ADMIN, NOBODY, STAFF

Json = dict[str, Any]

VALIDATE: Final = "POST /program/validations"
PUBLISH: Final = "POST /program/versions"


def validated(deployed: Deployed, document: object) -> Answer:
    return deployed.ask(VALIDATE, ADMIN, body={"program": document})


def test_a_valid_draft_is_said_in_the_sentences_it_would_have(deployed: Deployed) -> None:
    draft = program(name="Draft")
    draft["earning_rules"][1]["points"] = 7
    answer = validated(deployed, draft)
    assert (answer.status, answer.body["valid"]) == (200, True)
    assert any("7 points" in sentence for sentence in answer.body["sentences"])
    deployed.ask(PUBLISH, ADMIN, body={"program": draft})
    deployed.clock.move(minutes=3)
    in_force = deployed.ask("GET /program", NOBODY).body
    assert in_force["sentences"] == answer.body["sentences"]


def test_nothing_is_stored_for_a_draft(deployed: Deployed) -> None:
    before = deployed.stored()
    validated(deployed, program(name="Draft"))
    validated(deployed, {"name": 5})
    assert deployed.stored() == before


@pytest.mark.parametrize(
    "document",
    [
        program(mode="sometimes", currency="XXX"),
        program(currency="EUR"),
        program(earning_rules=[{"id": "x", "on": "purchase", "points": -1}]),
        {},
        [],
        None,
        "text",
        5,
    ],
)
def test_a_draft_is_refused_exactly_as_publishing_it_would_be(
    deployed: Deployed, document: object
) -> None:
    answer = validated(deployed, document)
    assert (answer.status, answer.body["valid"]) == (200, False)
    refused = deployed.ask(PUBLISH, ADMIN, body={"program": document})
    assert refused.refusal == (400, "invalid_request")
    assert answer.body == {"valid": False, "errors": refused.body["errors"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "program"),
        ([], "body"),
        ({"programme": {}}, "program"),
        ({"program": {}, "effective_from": "2030-01-01T00:00:00Z"}, "effective_from"),
    ],
)
def test_a_body_that_holds_no_draft_is_refused(
    deployed: Deployed, body: object, field: str
) -> None:
    answer = deployed.ask(VALIDATE, ADMIN, body=body)
    assert answer.refusal == (400, "invalid_request")
    assert field in answer.fields


def test_drafts_are_judged_for_admins_only(deployed: Deployed) -> None:
    answer = deployed.ask(VALIDATE, STAFF, body={"program": {}})
    assert answer.refusal == (403, "forbidden")
