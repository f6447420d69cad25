"""Events per second through the local stack, from outside and with everything in between.

The emulator does the work of six services on this machine's own cores, so these figures say that
the pieces work together under load, and next to nothing about AWS.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx

from local.demo import stripe_events
from local.demo.client import LedgerClient
from points_ledger.domain.identity import MemberId
from tests.benchmarks.meter import Meter
from tests.benchmarks.reference import Ledger
from tests.contract.backends import dynamodb_client

Each = TypeVar("Each")

CLIENTS: Final = 8
INVOICES: Final = 200
REDEMPTIONS: Final = 200
BALANCES: Final = 400
WARMING: Final = 16
FAR_DAY: Final = date(2099, 12, 31)
DRAINED_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Events of one kind, how many came through a second, and a caller's median wait."""

    events: int
    per_second: float
    median_milliseconds: float


def rates(stack: Mapping[str, Any]) -> dict[str, Rate]:
    """The rates of the three ways through the stack."""
    client = LedgerClient(stack)
    members = _rich_members(stack)
    deliveries = [_delivery(number) for number in range(WARMING + INVOICES)]
    _in_parallel(lambda each: _accepted(client, each), deliveries[:WARMING])
    client.wait_until_processed()

    began = time.perf_counter()
    waits = _in_parallel(lambda each: _accepted(client, each), deliveries[WARMING:])
    accepted = time.perf_counter() - began
    client.wait_for(
        "every invoice is recorded",
        lambda: client.messages_waiting("earning_events"),
        lambda waiting: not waiting,
        seconds=DRAINED_SECONDS,
    )
    recorded = time.perf_counter() - began
    found = {
        "webhook accepted": _rate(accepted, waits),
        "webhook → queue → accrual": _rate(recorded, waits),
    }
    redeem = [members[number % CLIENTS] for number in range(REDEMPTIONS)]
    keys = iter(range(REDEMPTIONS + CLIENTS))
    _in_parallel(lambda each: _redeemed(client, each, next(keys)), members)
    found["redemption"] = _timed(lambda each: _redeemed(client, each, next(keys)), redeem)
    asked = [members[number % CLIENTS] for number in range(BALANCES)]
    found["balance"] = _timed(lambda each: _answered(client, each), asked)
    return found


def _timed(call: Callable[[MemberId], None], members: Sequence[MemberId]) -> Rate:
    began = time.perf_counter()
    waits = _in_parallel(call, members)
    return _rate(time.perf_counter() - began, waits)


def _rate(seconds: float, waits: Sequence[float]) -> Rate:
    return Rate(
        events=len(waits),
        per_second=len(waits) / seconds,
        median_milliseconds=statistics.median(waits) * 1_000,
    )


def _in_parallel(call: Callable[[Each], None], each: Sequence[Each]) -> list[float]:
    def timed(one: Each) -> float:
        began = time.perf_counter()
        call(one)
        return time.perf_counter() - began

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(timed, each))


def _rich_members(stack: Mapping[str, Any]) -> list[MemberId]:
    """One member for each client, so that redemptions do not queue for one account."""
    client = dynamodb_client(stack["endpoint_url"], stack["region"])
    ledger = Ledger(client, stack["table"], Meter(client))
    return [ledger.member({FAR_DAY: 100_000_000})[0] for _ in range(CLIENTS)]


def _delivery(number: int) -> dict[str, Any]:
    finalized_at = datetime.now(UTC) - timedelta(minutes=5)
    lines = tuple(
        stripe_events.Line(description=f"Transcript {line}", amount=12_500, category="original")
        for line in range(5)
    )
    billed = stripe_events.Customer(name=f"Customer {number}", email=f"{number}@example.com")
    invoice = stripe_events.Invoice(customer=billed, lines=lines, finalized_at=finalized_at)
    return stripe_events.event("invoice.finalized", invoice.document(), created=finalized_at)


def _accepted(client: LedgerClient, delivery: dict[str, Any]) -> None:
    _expect(client.deliver_stripe(delivery), HTTPStatus.ACCEPTED)


def _redeemed(client: LedgerClient, member_id: MemberId, number: int) -> None:
    body = {"member_id": member_id, "points": 500}
    answer = client.post(
        "/redemptions", body, token=client.till_token, key=f"benchmark-{member_id}-{number}"
    )
    _expect(answer, HTTPStatus.CREATED)


def _answered(client: LedgerClient, member_id: MemberId) -> None:
    answer = client.get(f"/members/{member_id}/balance", token=client.till_token)
    _expect(answer, HTTPStatus.OK)


def _expect(answer: httpx.Response, status: HTTPStatus) -> None:
    assert answer.status_code == status, answer.text
