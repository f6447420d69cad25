"""Who may call which route: every route with every kind of caller, in one table.

One stack serves all of them, as on AWS: each call finds something of its own to act on.
"""

from collections.abc import Iterator

import pytest

from tests.authorization.calls import CALLS
from tests.authorization.table import CALLERS, CODES, EXPECTED, SESSIONS, SIGNED, UNAUTHENTICATED
from tests.functions import access
from tests.functions.deployed import functions_by_route, new_stack, program
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
    member,
)

NOT_THESE = {
    "stranger": (STRANGER, 403),
    "person's access token": (PERSONS_ACCESS_TOKEN, 401),
    "till without its scope": (TILL_WITHOUT_SCOPE, 401),
}
"""Callers whom the table does not have; what anybody may read they may read too."""
MAY_SEE_NOTHING_OF_IT = {
    route: 404 if row["other"] == 404 else 403 for route, row in EXPECTED.items()
}


@pytest.fixture(scope="module")
def made() -> Iterator[Desk]:
    """Only tests that share this stack may be in this module: there is one moto in a process."""
    with pytest.MonkeyPatch.context() as patched, new_stack(patched) as stack:
        stack.set_up(program())
        yield Desk(stack)


@pytest.fixture
def desk(made: Desk) -> Iterator[Desk]:
    """The stack, of which each test owes that no function did what its role does not grant."""
    yield made
    made.deployed.check()


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
def test_a_route_answers_its_callers_and_no_others(route: str, desk: Desk) -> None:
    row = EXPECTED[route]
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
def test_a_route_refuses_who_is_nobody_here(route: str, desk: Desk) -> None:
    may_all_read = EXPECTED[route]["other"] == 200
    for caller, status in NOT_THESE.values():
        answer = desk.ask(route, CALLS[route](desk), caller)
        expected = 200 if may_all_read else MAY_SEE_NOTHING_OF_IT[route]
        assert answer.status == (expected if status == 403 else 401)
