"""People of every kind on the stack, and a colleague who sets the stage for what they ask."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.authorization.calls import Call
from tests.stack.client import StackClient, unique

Json = dict[str, Any]


@dataclass(kw_only=True)
class People:
    """Two members with sign-ins, and a colleague who sets the stage."""

    ledger: StackClient
    member_id: str
    other_id: str
    friend_id: str
    tokens: dict[str, str | None]
    colleague_token: str

    def ask(self, route: str, call: Call, token: str | None) -> httpx.Response:
        method, _, path = route.partition(" ")
        headers = {"Idempotency-Key": unique("key")}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.ledger.http.request(
            method,
            path.format(**call.path),
            params=dict(call.query) or None,
            json=call.body,
            headers=headers,
        )

    def colleague(self, route: str, call: Call) -> Json:
        answer = self.ask(route, call, self.colleague_token)
        assert answer.status_code in (200, 201, 202), answer.text
        body: Json = answer.json()
        return body

    def enrol(self) -> str:
        return self.ledger.enrol("Somebody")

    @property
    def member_token(self) -> str:
        return str(self.tokens["self"])

    @property
    def other_token(self) -> str:
        return str(self.tokens["other"])


def people_of(ledger: StackClient) -> People:
    """Two members with sign-ins and a friend of one, staff, an admin, a till, and nobody."""
    organisation = unique("firm")
    customer_id = unique("customer")
    member_id = ledger.enrol(
        "Somebody",
        organisation=organisation,
        external_ids=[{"source": "pos", "id": customer_id}],
    )
    friend_id = ledger.enrol("A friend", organisation=organisation)
    other_id = ledger.enrol("Somebody else")
    ledger.make_rich(member_id, customer_id, 90_000)
    return People(
        ledger=ledger,
        member_id=member_id,
        other_id=other_id,
        friend_id=friend_id,
        colleague_token=ledger.sign_up_colleague("admin"),
        tokens={
            "no token": None,
            "self": ledger.sign_up(member_id),
            "other": ledger.sign_up(other_id),
            "staff": ledger.staff_token,
            "admin": ledger.admin_token,
            "till": ledger.till_token,
        },
    )
