"""One call of every endpoint that succeeds for those who may make it.

A `Desk` is either the functions with a table in memory or a whole stack; a colleague sets the stage
there through the same interface, so that each caller finds something of its own to act on and a
second person's approval is never that of the first.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

Json = dict[str, Any]

PROGRAM: Final = Path(__file__).parents[2] / "events" / "program.json"


@dataclass(frozen=True, kw_only=True)
class Call:
    """The varying parts of a request; every call carries an Idempotency-Key of its own."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None


class Desk(Protocol):
    """What setting the stage needs."""

    member_id: str
    """The member that calls are about; it has points, and shares an organisation with `friend`."""
    friend_id: str
    """Another member of the same organisation."""

    def colleague(self, route: str, call: Call) -> Json:
        """Ask as an admin who is none of the callers, and expect to be served."""

    def enrol(self) -> str:
        """A member of whom nothing is known."""


def _member(desk: Desk) -> Call:
    return Call(path={"member_id": desk.member_id})


def _redeemed(desk: Desk, **more: object) -> Json:
    body = {"member_id": desk.member_id, "points": 500, "kind": "cash", **more}
    return desk.colleague("POST /redemptions", Call(body=body))


def _redemption(desk: Desk) -> Call:
    return Call(path={"redemption_id": _redeemed(desk)["redemption_id"]}, body={})


def _reservation(desk: Desk) -> Call:
    """The only open one: what a caller before was refused is given up first."""
    mine = Call(query={"member_id": desk.member_id})
    for each in desk.colleague("GET /redemptions", mine)["redemptions"]:
        if each["status"] == "reserved":
            path = {"redemption_id": each["redemption_id"]}
            desk.colleague("POST /redemptions/{redemption_id}/cancel", Call(path=path, body={}))
    made = _redeemed(desk, reserve=True)
    return Call(path={"redemption_id": made["redemption_id"]}, body={})


def _approval(desk: Desk) -> Call:
    """An adjustment that waits: nobody may take more than there is without a second person."""
    body = {"member_id": desk.enrol(), "points": -5, "reason": "correction"}
    asked = desk.colleague("POST /adjustments", Call(body=body))
    return Call(path={"approval_id": asked["approval_id"]}, body={})


def _coupon(desk: Desk) -> Call:
    made = _redeemed(desk, kind="coupon", points=500)
    return Call(path={"code": made["coupon"]["code"]}, body={})


def _reward(desk: Desk) -> Call:
    made = desk.colleague("POST /rewards", _new_reward(desk))
    return Call(path={"reward_id": made["reward_id"]}, body={"name": "Bigger mug"})


def _new_reward(desk: Desk) -> Call:  # noqa: ARG001 - every recipe takes the desk
    return Call(body={"name": f"Mug {secrets.token_hex(3)}", "kind": "item", "points": 50})


def _publication(desk: Desk) -> Call:  # noqa: ARG001 - every recipe takes the desk
    """The program that is there anyway, long after everything that is asked of this stack."""
    document = json.loads(PROGRAM.read_text(encoding="utf-8"))
    return Call(body={"program": document, "effective_from": "2099-01-01T00:00:00Z"})


def _draft(desk: Desk) -> Call:  # noqa: ARG001 - every recipe takes the desk
    return Call(body={"program": json.loads(PROGRAM.read_text(encoding="utf-8"))})


def _backtest(desk: Desk) -> Call:  # noqa: ARG001 - every recipe takes the desk
    draft = json.loads(PROGRAM.read_text(encoding="utf-8"))
    return Call(body={"program": draft, "from": "2026-01-01", "to": "2027-01-01"})


def _simulation(desk: Desk) -> Call:
    made = desk.colleague("POST /program/simulations", _backtest(desk))
    return Call(path={"simulation_id": made["simulation_id"]})


def _endpoint(desk: Desk) -> Call:
    """An endpoint that is told of nothing that happens; there may be few, so that it is used on."""
    known = desk.colleague("GET /outbound-webhooks", Call())["outbound_webhooks"]
    mine = [each for each in known if each["description"] == "authorization"]
    [endpoint] = mine[:1] or [desk.colleague("POST /outbound-webhooks", _new_endpoint(desk))]
    return Call(path={"webhook_id": endpoint["webhook_id"]})


def _new_endpoint(desk: Desk) -> Call:  # noqa: ARG001 - every recipe takes the desk
    url, events = "https://hooks.invalid/points", ["LedgerInconsistent"]
    return Call(body={"url": url, "events": events, "description": "authorization"})


CALLS: Mapping[str, Callable[[Desk], Call]] = {
    "GET /health": lambda _: Call(),
    "GET /openapi.json": lambda _: Call(),
    "GET /portal": lambda _: Call(),
    "GET /console": lambda _: Call(),
    "GET /portal/{proxy+}": lambda _: Call(path={"proxy+": "0/styles.css"}),
    "GET /program": lambda _: Call(),
    "GET /program/schema": lambda _: Call(),
    "GET /program/versions": lambda _: Call(),
    "POST /program/versions": _publication,
    "POST /program/validations": _draft,
    "POST /program/simulations": _backtest,
    "GET /program/simulations/{simulation_id}": _simulation,
    "POST /members": lambda _: Call(body={"name": "Somebody"}),
    "GET /members": lambda _: Call(query={"external_id": "pos:nobody"}),
    "GET /members/{member_id}": _member,
    "PATCH /members/{member_id}": lambda desk: Call(
        path={"member_id": desk.member_id}, body={"phone": "+1 312 555 0142"}
    ),
    "DELETE /members/{member_id}": lambda desk: Call(path={"member_id": desk.enrol()}),
    "GET /members/{member_id}/export": _member,
    "POST /members/{member_id}/invitation": lambda desk: Call(
        path={"member_id": desk.member_id},
        body={"email": f"{secrets.token_hex(6)}@example.com"},
    ),
    "GET /members/{member_id}/balance": _member,
    "GET /members/{member_id}/benefits": _member,
    "POST /members/{member_id}/memberships": lambda desk: Call(
        path={"member_id": desk.member_id}, body={"membership_id": "none"}
    ),
    "GET /members/{member_id}/pending": _member,
    "GET /members/{member_id}/entries": _member,
    "GET /members/{member_id}/statement": lambda desk: Call(
        path={"member_id": desk.member_id}, query={"month": "2026-11"}
    ),
    "GET /members/{member_id}/overview": _member,
    "GET /members/{member_id}/requests": _member,
    "GET /members/{member_id}/proof": lambda desk: Call(
        path={"member_id": desk.member_id}, query={"day": "2000-01-01"}
    ),
    "GET /members/{member_id}/challenges": _member,
    "GET /leaderboards/{leaderboard_id}": lambda _: Call(path={"leaderboard_id": "none"}),
    "GET /members/{member_id}/sharing": _member,
    "PUT /members/{member_id}/sharing": lambda desk: Call(
        path={"member_id": desk.member_id},
        body={"shares": [{"member_id": desk.friend_id, "percent": 100}]},
    ),
    "POST /members/{member_id}/merge": lambda desk: Call(
        path={"member_id": desk.enrol()}, body={"into": desk.friend_id}
    ),
    "POST /redemptions/quote": lambda desk: Call(body={"member_id": desk.member_id}),
    "POST /redemptions": lambda desk: Call(
        body={"member_id": desk.member_id, "points": 500, "kind": "cash"}
    ),
    "GET /redemptions": lambda desk: Call(query={"member_id": desk.member_id}),
    "GET /redemptions/{redemption_id}": lambda desk: Call(path=_redemption(desk).path),
    "POST /redemptions/{redemption_id}/capture": _reservation,
    "POST /redemptions/{redemption_id}/cancel": _reservation,
    "POST /redemptions/{redemption_id}/reverse": _redemption,
    "POST /transfers": lambda desk: Call(
        body={
            "from_member_id": desk.member_id,
            "to_member_id": desk.friend_id,
            "points": 1,
        }
    ),
    # The same action again is known: each caller reports another one.
    "POST /actions": lambda desk: Call(
        body={"member_id": desk.member_id, "action": "review", "action_id": desk.enrol()}
    ),
    "POST /adjustments": lambda desk: Call(
        body={"member_id": desk.member_id, "points": 5, "reason": "goodwill"}
    ),
    "GET /approvals": lambda _: Call(),
    "POST /approvals/{approval_id}/approve": _approval,
    "POST /approvals/{approval_id}/reject": _approval,
    "GET /rewards": lambda _: Call(),
    "POST /rewards": _new_reward,
    "PATCH /rewards/{reward_id}": _reward,
    "GET /members/{member_id}/coupons": _member,
    "GET /notifications/templates": lambda _: Call(),
    "PUT /notifications/templates": lambda _: Call(body={"templates": []}),
    "POST /notifications/previews": lambda _: Call(
        body={"event": "PointsMatured", "language": "en", "subject": "Points", "text": "{points}"}
    ),
    "GET /unsubscribe": lambda _: Call(),
    "POST /unsubscribe": lambda _: Call(),
    "GET /coupons/{code}": lambda desk: Call(path=_coupon(desk).path),
    "POST /coupons/{code}/use": _coupon,
    "POST /coupons/{code}/cancel": _coupon,
    "GET /reports/liability": lambda _: Call(),
    "GET /reports/activity": lambda _: Call(query={"from": "2026-11", "to": "2026-11"}),
    "GET /reports/sales": lambda _: Call(),
    "GET /reports/engagement": lambda _: Call(),
    "GET /reports/leaderboard": lambda _: Call(),
    "GET /dead-letters": lambda _: Call(),
    "POST /dead-letters/redrive": lambda _: Call(body={"queue": "hold_release_failures"}),
    "GET /integrity": lambda _: Call(),
    "GET /outbound-webhooks": lambda _: Call(),
    "POST /outbound-webhooks": _new_endpoint,
    "DELETE /outbound-webhooks/{webhook_id}": _endpoint,
    "POST /outbound-webhooks/{webhook_id}/secret": _endpoint,
    "POST /outbound-webhooks/{webhook_id}/enable": _endpoint,
    "POST /outbound-webhooks/{webhook_id}/test": _endpoint,
    "GET /outbound-webhooks/{webhook_id}/deliveries": _endpoint,
    "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry": lambda desk: Call(
        path={**_endpoint(desk).path, "delivery_id": "none"}
    ),
}
"""By route. What a call changes is made for that call alone."""
