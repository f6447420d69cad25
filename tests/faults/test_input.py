"""What is no request is refused by every route that reads a body, before anything else happens."""

import json
from typing import Final

import pytest

from tests.authorization.calls import CALLS
from tests.functions.deployed import Deployed, functions_by_route
from tests.functions.gateway import ADMIN

MAX_BODY_BYTES: Final = 256 * 1024
DEPTH: Final = 100_000

BODILESS: Final = frozenset(
    {
        "POST /approvals/{approval_id}/approve",
        "POST /approvals/{approval_id}/reject",
        "POST /coupons/{code}/cancel",
        "POST /coupons/{code}/use",
        "POST /members/{member_id}/invitation",
        "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
        "POST /outbound-webhooks/{webhook_id}/enable",
        "POST /outbound-webhooks/{webhook_id}/secret",
        "POST /outbound-webhooks/{webhook_id}/test",
        "POST /unsubscribe",
    }
)
"""Routes that read no JSON."""
READ_LATE: Final = frozenset({"POST /program/simulations"})
"""Its body is read by what the program in force has."""

READING: Final = sorted(
    route
    for route in CALLS
    if route.startswith(("POST", "PUT", "PATCH")) and route not in BODILESS | READ_LATE
)

NO_JSON: Final = {
    "cut off": '{"name": ',
    "a name twice": '{"name": "a", "name": "b"}',
    "no number": '{"points": NaN}',
    "endless": '{"points": Infinity}',
    "deep": "[" * DEPTH + "]" * DEPTH,
    "deep in objects": '{"a": ' * 5_000 + "1" + "}" * 5_000,
    "a lone surrogate": '{"name": "\\ud800"}',
    "text": '"text"',
    "a list": "[]",
    "null": "null",
}


def parameters(route: str) -> dict[str, str]:
    """A value for each parameter of a path."""
    return {part.strip("{}"): "x" for part in route.split("/") if part.startswith("{")}


@pytest.mark.parametrize("route", READING)
def test_a_body_that_is_no_strict_json_is_refused_by_every_route(
    route: str, cut_off: Deployed
) -> None:
    answers = {
        name: cut_off.ask(route, ADMIN, path=parameters(route), body=body, key="k").refusal
        for name, body in NO_JSON.items()
    }
    assert answers == dict.fromkeys(NO_JSON, (400, "invalid_request"))


@pytest.mark.parametrize("route", READING)
def test_a_body_that_is_too_large_is_refused_by_every_route(route: str, cut_off: Deployed) -> None:
    body = json.dumps({"note": "a" * MAX_BODY_BYTES})
    answer = cut_off.ask(route, ADMIN, path=parameters(route), body=body, key="k")
    assert answer.refusal == (413, "payload_too_large")
    assert "aaaa" not in answer.printed.text


def test_every_route_that_takes_a_body_is_asked() -> None:
    writing = {
        route for route in functions_by_route() if route.startswith(("POST", "PUT", "PATCH"))
    }
    # Signatures and sessions come before their bodies, and have tests of their own.
    others = {route for route in writing if route.startswith(("POST /webhooks", "POST /session"))}
    assert writing - others == {*READING, *BODILESS, *READ_LATE}
