"""Who may do what with what is their own, and who the caller is."""

from typing import Any

import pytest

from tests.functions import access
from tests.functions.deployed import Deployed
from tests.functions.gateway import (
    NOBODY,
    OTHER_MEMBER,
    STAFF,
    STRANGER,
    TILL,
    CallerKind,
    member,
    person,
)

Json = dict[str, Any]


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
