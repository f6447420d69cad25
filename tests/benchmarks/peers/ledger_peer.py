"""This ledger: its own handlers on its own table, as Lambda would call them.

Facts come as queue messages to `accrual` and `maturation`, requests as the gateway hands them
over, the sweep as its schedule calls it. Only the clock is another one, so that time can go by.
"""

import base64
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from functions.accounts import app as accounts
from functions.accrual import app as accrual
from functions.expiry import app as expiry
from functions.maturation import app as maturation
from functions.members import app as members
from functions.redemption import app as redemption
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.fact import (
    Earner,
    Fact,
    Line,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.runtime import bootstrap
from tests.benchmarks.events import queue_event
from tests.benchmarks.meter import Meter, Usage
from tests.benchmarks.peers.worker import Death, RefusedError

Message = Mapping[str, Any]

WRITES: Final = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
LINES: Final = 5
CONTEXT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000)
MAX_TICKS: Final = 40
"""A tick catches up a bounded time; so many are more than two months."""
HTTP_OK: Final = 200


class FailedError(Exception):
    """The handler gave the message back."""


class Clock:
    """The wall clock, and how far it has been moved."""

    def __init__(self, days: float) -> None:
        self.ahead = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class LedgerPeer:
    """The handlers of one process."""

    def __init__(self, death: Death) -> None:
        self._clock = Clock(float(os.environ["PEER_DAYS"]))
        bootstrap.utc_now = self._clock.now
        client = bootstrap.dynamodb()
        self._meter = Meter(client)

        def wrote(http_response: Any, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
            if model.name in WRITES and http_response.status_code == HTTP_OK:
                death.wrote()

        client.meta.events.register("after-call.dynamodb", wrote)

    def enrol(self, name: str) -> str:
        answer = request("POST /members", {"name": "Jane Doe"}, key=f"enrol-{name}")
        done: dict[str, Any] = members.handler(answer, None)
        assert done["statusCode"] == 201, done
        member_id: str = json.loads(done["body"])["member_id"]
        return member_id

    def tell(self, message: Message) -> None:
        handler = maturation.handler if message["do"] == "paid" else accrual.handler
        if handler(queue_event(fact(message), 1), CONTEXT)["batchItemFailures"]:
            raise FailedError

    def redeem(self, message: Message) -> None:
        body = {"member_id": message["member"], "points": message["points"]}
        asked = request("POST /redemptions", body, key=message["id"])
        _answered(redemption.handler(asked, None))

    def sweep(self) -> None:
        """What the schedule does while the hours pass, at once."""
        now = self._clock.now()
        event = {"scheduled_time": format_instant(now)}
        for _ in range(MAX_TICKS):
            counts = expiry.handler(event, CONTEXT)
            if counts["failed"]:
                raise FailedError(counts)
            if not counts["due"]:
                return
        raise FailedError("the sweep did not end")

    def balance(self, member: str) -> int:
        asked = request("GET /members/{member_id}/balance", None, member_id=member)
        points: int = _answered(accounts.handler(asked, None))["available"]
        return points

    def pass_days(self, days: float, *, stored: bool) -> None:
        del stored  # nothing stored has to move
        self._clock.ahead += timedelta(days=days)

    def measure(self) -> AbstractContextManager[Usage]:
        return self._meter.measure()


def fact(message: Message) -> Fact:
    """A message of the script as one of our facts."""
    began = datetime.fromisoformat(os.environ["PEER_BEGAN"])
    at = began + timedelta(days=message["sold_days"])
    purchase = EarningKey(source="pos", kind="ticket", id=message["purchase"])
    match message["do"]:
        case "posted":
            return PurchasePosted(purchase=purchase, snapshot=snapshot(message, at))
        case "paid":
            return PurchaseSettled(purchase=purchase, at=at)
        case "refunded":
            amount = Decimal(message["amount"])
            refund = Refund(id=message["id"], at=at, amount=amount, currency="USD")
            return PurchaseRefunded(purchase=purchase, refund=refund)
        case "voided":
            return PurchaseVoided(purchase=purchase, at=at)
        case _:
            raise ValueError(message["do"])


def snapshot(message: Message, sold_at: datetime) -> Snapshot:
    """A purchase of five lines, the first of which carries what the others do not."""
    total, each = Decimal(message["amount"]), Decimal("1.00")
    amounts = [total - each * (LINES - 1), *[each] * (LINES - 1)]
    lines = tuple(
        Line(id=f"line-{n}", amount=amount, item=f"item-{n}", category="retail")
        for n, amount in enumerate(amounts)
    )
    earner = Earner(
        external_id=ExternalId(source="pos", id=message["member"]),
        member_id=MemberId(message["member"]),
    )
    return Snapshot(
        posted_at=sold_at,
        updated_at=sold_at + timedelta(minutes=message["told_minutes"]),
        currency="USD",
        lines=lines,
        total=total,
        earner=earner,
    )


def request(
    route: str, body: Mapping[str, object] | None, *, key: str | None = None, **parameters: str
) -> dict[str, Any]:
    """A till's request as the gateway hands it over."""
    method, _, path = route.partition(" ")
    keyed = {"idempotency-key": key} if key else {}
    claims = {"token_use": "access", "scope": "ledger/till", "client_id": "till"}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "headers": {"content-type": "application/json", **keyed},
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "http": {"method": method},
            "authorizer": {"jwt": {"claims": claims}},
        },
        "pathParameters": parameters,
        "body": base64.b64encode(json.dumps(body).encode()).decode() if body else "",
        "isBase64Encoded": True,
    }


def _answered(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a good answer.

    Raises:
        RefusedError: a decision that stands (422).
        FailedError: anything that is worth another try.
    """
    body: dict[str, Any] = json.loads(answer["body"])
    if answer["statusCode"] == 422:
        raise RefusedError(body["code"])
    if answer["statusCode"] >= 300:
        raise FailedError(body)
    return body


def peer(death: Death) -> LedgerPeer:
    """Serve the table that the bench has made."""
    return LedgerPeer(death)
