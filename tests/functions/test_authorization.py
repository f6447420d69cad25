"""Who may do what: every route with every kind of caller, in one table."""

from typing import Any

import pytest

from tests.authorization.calls import CALLS
from tests.authorization.table import CALLERS, CODES, EXPECTED, SESSIONS, SIGNED, UNAUTHENTICATED
from tests.functions import access
from tests.functions.deployed import Deployed, functions_by_route
from tests.functions.desk import Desk
from tests.functions.gateway import (
    ADMIN,
    NOBODY,
    OTHER_MEMBER,
    PERSONS_ACCESS_TOKEN,
    STAFF,
    STRANGER,
    TILL,
    TILL_WITHOUT_SCOPE,
    CallerKind,
    member,
    person,
)

Json = dict[str, Any]

NOT_THESE = {
    "stranger": (STRANGER, 403),
    "person's access token": (PERSONS_ACCESS_TOKEN, 401),
    "till without its scope": (TILL_WITHOUT_SCOPE, 401),
}
"""Callers whom the table does not have; what anybody may read they may read too."""
MAY_SEE_NOTHING_OF_IT = {
    route: 404 if row["other"] == 404 else 403 for route, row in EXPECTED.items()
}


def test_every_route_of_the_template_has_its_row() -> None:
    assert EXPECTED.keys() | SESSIONS | {SIGNED} == functions_by_route().keys()
    assert EXPECTED.keys() == CALLS.keys()


def test_only_public_routes_are_open_at_the_gateway() -> None:
    open_routes = {
        f"{event['Method']} {event['Path']}"
        for function in access.template().functions
        for event in function.events_of("HttpApi")
        if event.get("Auth", {}).get("Authorizer") == "NONE"
    }
    public = {route for route, row in EXPECTED.items() if row["no token"] != 401}
    assert open_routes == {*public, *SESSIONS, SIGNED}


@pytest.mark.parametrize("route", EXPECTED)
def test_a_route_answers_its_callers_and_no_others(route: str, deployed: Deployed) -> None:
    desk, row = Desk(deployed), EXPECTED[route]
    callers = {
        # What is expired or from another pool never gets past the gateway: nobody, to a function.
        **dict.fromkeys(UNAUTHENTICATED, NOBODY),
        "self": member(desk.member_id),
        "other": OTHER_MEMBER,
        "staff": STAFF,
        "admin": ADMIN,
        "till": TILL,
    }
    answers = {name: desk.ask(route, CALLS[route](desk), callers[name]) for name in CALLERS}
    assert {name: answer.status for name, answer in answers.items()} == row
    for answer in answers.values():
        if answer.status in CODES:
            assert answer.code == CODES[answer.status]


@pytest.mark.parametrize("route", [r for r, row in EXPECTED.items() if row["no token"] == 401])
def test_a_route_refuses_who_is_nobody_here(route: str, deployed: Deployed) -> None:
    desk, may_all_read = Desk(deployed), EXPECTED[route]["other"] == 200
    for caller, status in NOT_THESE.values():
        answer = desk.ask(route, CALLS[route](desk), caller)
        expected = 200 if may_all_read else MAY_SEE_NOTHING_OF_IT[route]
        assert answer.status == (expected if status == 403 else 401)


@pytest.mark.parametrize("part", ["", "/balance", "/pending", "/entries"])
def test_a_member_who_does_not_exist_is_forbidden_to_members_and_unknown_to_staff(
    part: str, deployed: Deployed
) -> None:
    route, path = f"GET /members/{{member_id}}{part}", {"member_id": "mbr_unheardof"}
    assert deployed.ask(route, OTHER_MEMBER, path=path).refusal == (403, "forbidden")
    assert deployed.ask(route, STAFF, path=path).refusal == (404, "not_found")


@pytest.mark.parametrize("part", ["", "/balance", "/pending", "/entries"])
def test_me_is_the_caller(part: str, deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    route = f"GET /members/{{member_id}}{part}"
    own = deployed.ask(route, member(member_id), path={"member_id": member_id})
    assert deployed.ask(route, member(member_id), path={"member_id": "me"}).body == own.body


@pytest.mark.parametrize("caller", [STAFF, TILL, STRANGER], ids=["staff", "till", "stranger"])
@pytest.mark.parametrize("route", ["GET /members/{member_id}/balance", "POST /redemptions/quote"])
def test_me_is_nobody_to_a_caller_who_is_no_member(
    route: str, caller: CallerKind, deployed: Deployed
) -> None:
    body = {"member_id": "me"} if route.startswith("POST") else None
    answer = deployed.ask(route, caller, path={"member_id": "me"}, body=body)
    assert answer.refusal == (403, "forbidden")


def test_me_redeems_the_callers_own_points(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 500)
    answer = deployed.ask(
        "POST /redemptions", member(member_id), body={"member_id": "me", "points": 100}, key="k"
    )
    assert (answer.status, answer.body["member_id"]) == (201, member_id)


def test_staff_who_are_members_too_may_use_me(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    both = person("both", groups="[staff]", member_id=member_id)
    answer = deployed.ask("GET /members/{member_id}/balance", both, path={"member_id": "me"})
    assert answer.body["member_id"] == member_id


@pytest.mark.parametrize("groups", ["[admin staff]", "[other staff]", "[staff]"])
def test_groups_are_read_from_the_gateways_list(groups: str, deployed: Deployed) -> None:
    answer = deployed.ask("GET /members", person("p", groups=groups), query={"external_id": "p:1"})
    assert answer.status == 200


@pytest.mark.parametrize("groups", ["[staffing]", "[]", "", "[Staff]", "[not-staff]"])
def test_no_other_group_is_staff(groups: str, deployed: Deployed) -> None:
    answer = deployed.ask("GET /members", person("p", groups=groups), query={"external_id": "p:1"})
    assert answer.refusal == (403, "forbidden")


def test_a_body_cannot_say_who_is_calling(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    body = {"member_id": member_id, "points": 1, "caller": "staff", "groups": ["staff"]}
    answer = deployed.ask("POST /redemptions", OTHER_MEMBER, body=body, key="k")
    assert answer.status in (400, 403)


def test_who_is_not_authenticated_learns_nothing_about_their_body(deployed: Deployed) -> None:
    assert deployed.ask("POST /redemptions", NOBODY, body="{").refusal == (401, "unauthenticated")
    assert deployed.ask("POST /members", NOBODY, body="{").refusal == (401, "unauthenticated")


def test_an_entry_names_who_posted_it(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    body = {"member_id": member_id, "points": 1}
    deployed.ask("POST /redemptions", TILL, body=body, key="k")
    actors = [entry["actor"] for entry in deployed.entries(member_id)]
    assert (actors[0], actors[-1]) == ("person:sub-sam", "till:till-7")


@pytest.mark.parametrize(
    ("function", "operation", "parameters", "allowed"),
    [
        ("accrual", "PutItem", {"Item": {"PK": {"S": "MEMBER#m"}}}, True),
        ("ledger_events", "PutItem", {"Item": {"PK": {"S": "MEMBER#m"}}}, False),
        ("accrual", "UpdateItem", {"Key": {"PK": {"S": "MEMBER#m"}}}, False),
        ("program", "GetItem", {"Key": {"PK": {"S": "PROFILE#m"}}}, False),
        ("members", "Query", {"IndexName": "pending_by_member"}, True),
        ("redemption", "Query", {"IndexName": "pending_by_member"}, False),
        ("accrual", "Scan", {"Key": {"PK": {"S": "MEMBER#m"}}}, False),
        (
            "redemption",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": {"PK": {"S": "EARNING#e"}}}}]},
            False,
        ),
    ],
)
def test_what_a_role_does_not_grant_is_noticed(
    function: str, operation: str, parameters: Json, allowed: bool
) -> None:
    assert (access.violations(function, operation, parameters) == []) is allowed
