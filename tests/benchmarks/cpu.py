"""CPU per event in a handler, outside the SDK: clients are replaced by canned answers.

What is left is what this project adds to an event: parsing, deciding, encoding, logging. The clock
stands at the reference instant, so that every repetition is the same event.
"""

import base64
import contextlib
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from functions.accounts import app as accounts
from functions.accrual import app as accrual
from functions.maturation import app as maturation
from functions.redemption import app as redemption
from functions.webhooks import app as webhooks
from local.demo import stripe_events
from points_ledger.adapters.dynamodb import codec
from points_ledger.contracts.program import parse_program
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.maturation import earned_points
from points_ledger.domain.program import Campaign, Match, VersionPeriod
from points_ledger.domain.rules import Room
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime import webhooks as webhook_wiring
from points_ledger.service.ports import ExternalLink, ProgramVersion, VersionList
from points_ledger.service.publishing import FIRST_VERSION
from tests import builders
from tests.benchmarks import reference
from tests.benchmarks.events import queue_event
from tests.benchmarks.reference import HOLD, START

Json = dict[str, Any]

BAR_MILLISECONDS: Final = 1.0
RULES_BAR_MILLISECONDS: Final = 5.0
EVENTS_PER_ROUND: Final = 200
ROUNDS: Final = 7
RULES: Final = 50
RULE_LINES: Final = 100
RULE_CAMPAIGNS: Final = 5
TABLE: Final = "benchmark"
STRIPE_SECRET: Final = "whsec_benchmark"
CONTEXT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000)
MEMBER: Final = MemberId("mbr_7h2k9x4qv1w80001")

ENVIRONMENT: Final[Mapping[str, str]] = {
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "PointsLedger",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "TABLE_NAME": TABLE,
    "WEBHOOK_SECRET_ARN": "secret",
    "EARNING_QUEUE_URL": "earning_events",
    "PAYMENT_QUEUE_URL": "payment_events",
    "STRIPE_API_URL": "https://stripe.invalid",
    "SQUARE_API_URL": "https://square.invalid",
    "SQUARE_NOTIFICATION_URL": "{scheme}://{host}{path}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """CPU milliseconds of one event: the median and the least of the rounds, and what it logs."""

    median: float
    least: float
    log_bytes: int


class CannedTable:
    """Answers reads from items that never change, and accepts every write."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], codec.Attributes] = {}
        self.last_put: list[codec.Attributes] = []

    def hold(self, *items: codec.Attributes) -> None:
        for item in items:
            self._items[item["PK"]["S"], item["SK"]["S"]] = item

    def get_item(self, *, Key: Json, **_: object) -> Json:  # noqa: N803 - as boto3 names it
        item = self._find(Key)
        return {"Item": item} if item else {}

    def batch_get_item(self, *, RequestItems: Json) -> Json:  # noqa: N803
        found = [self._find(key) for key in RequestItems[TABLE]["Keys"]]
        return {"Responses": {TABLE: [item for item in found if item]}, "UnprocessedKeys": {}}

    def query(self, *, ExpressionAttributeValues: Json, **_: object) -> Json:  # noqa: N803
        partition = ExpressionAttributeValues[":pk"]["S"]
        places = sorted(place for place in self._items if place[0] == partition)
        return {"Items": [self._items[places[-1]]] if places else []}

    def transact_write_items(self, *, TransactItems: list[Json]) -> Json:  # noqa: N803
        self.last_put = [action["Put"]["Item"] for action in TransactItems if "Put" in action]
        return {}

    def put_item(self, **_: object) -> Json:
        return {}

    def update_item(self, **_: object) -> Json:
        return {"Attributes": {"shards": {"N": "1"}, "markers": {"N": "1"}}}

    def _find(self, key: Json) -> codec.Attributes | None:
        return self._items.get((key["PK"]["S"], key["SK"]["S"]))


@contextlib.contextmanager
def canned() -> Iterator[tuple[CannedTable, io.StringIO]]:
    """A process whose clients are canned and whose clock stands, and what it logs."""
    table, logged = CannedTable(), io.StringIO()
    clients = {
        "dynamodb": table,
        "sqs": SimpleNamespace(send_message_batch=lambda **_: {"Successful": [], "Failed": []}),
        "secretsmanager": SimpleNamespace(
            get_secret_value=lambda **_: {"SecretString": json.dumps({"stripe": [STRIPE_SECRET]})}
        ),
    }
    with (
        patch.dict("os.environ", ENVIRONMENT),
        patch.object(bootstrap, "_client", clients.__getitem__),
        patch.object(bootstrap, "utc_now", lambda: START),
        contextlib.redirect_stdout(logged),
    ):
        _forget()
        try:
            yield table, logged
        finally:
            _forget()


def _forget() -> None:
    """Let every factory of the process make its own anew."""
    for module in (bootstrap, observability, services, webhook_wiring):
        for made in vars(module).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()


# --- Events ---------------------------------------------------------------------------------


def http_event(method: str, route: str, *, body: bytes = b"", **more: object) -> Json:
    """A request as API Gateway hands it over."""
    headers: Any = more.pop("headers", {})
    return {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": route,
        "headers": {"content-type": "application/json", **headers},
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "http": {"method": method},
            "authorizer": {
                "jwt": {
                    "claims": {
                        "token_use": "access",
                        "scope": "ledger/till",
                        "client_id": "7d9c1f4e3a524c0b9f610d9b3b",
                    }
                }
            },
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        **more,
    }


def stripe_delivery() -> Json:
    """`invoice.finalized` with five lines, indented and signed as Stripe does."""
    lines = tuple(
        stripe_events.Line(description=f"Transcript {n}", amount=125_050, category="original")
        for n in range(reference.LINES)
    )
    billed = stripe_events.Customer(name="Jane Doe", email="jane.doe@example.com")
    invoice = stripe_events.Invoice(customer=billed, lines=lines, finalized_at=START)
    message = stripe_events.event("invoice.finalized", invoice.document(), created=START)
    body = stripe_events.encode(message)
    signature = stripe_events.signature(body, secret=STRIPE_SECRET, at=START)
    return http_event(
        "POST",
        "/webhooks/{provider}",
        body=body,
        headers={"stripe-signature": signature},
        pathParameters={"provider": "stripe"},
    )


# --- Measuring ------------------------------------------------------------------------------


def efforts() -> dict[str, Effort]:
    """What one event takes, by what it is."""
    billed = reference.customer(1)
    posted = reference.invoice(1, billed, posted_at=START)
    earlier = reference.invoice(2, billed, posted_at=START - 2 * HOLD)
    paid = reference.settlement(earlier, at=START - HOLD)
    spending = http_event(
        "POST",
        "/redemptions",
        body=json.dumps({"member_id": MEMBER, "points": 1_000}).encode(),
        headers={"idempotency-key": "7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11"},
    )
    asking = http_event("GET", "/members/{member_id}/balance", pathParameters={"member_id": MEMBER})
    with canned() as (table, logged):
        stock(table, billed)
        accrual.handler(queue_event(earlier, 1), CONTEXT)
        table.hold(*table.last_put)
        delivery = stripe_delivery()
        events: dict[str, tuple[int, Callable[[], object]]] = {
            "webhook, a Stripe invoice of five lines": (
                1,
                lambda: _answered(webhooks.handler(delivery, None), 202),
            ),
            **_batches("accrual", accrual.handler, posted),
            **_batches("maturation", maturation.handler, paid),
            "redemption": (1, lambda: _answered(redemption.handler(spending, None), 201)),
            "balance": (1, lambda: _answered(accounts.handler(asking, None), 200)),
        }
        return {name: _effort(run, logged, each) for name, (each, run) in events.items()}


def _batches(
    name: str, handler: Callable[[Json, Any], Json], fact: Fact
) -> dict[str, tuple[int, Callable[[], object]]]:
    """A message alone, and ten in one batch."""
    one, ten = queue_event(fact, 1), queue_event(fact, 10)
    return {
        f"{name}, a message alone": (1, lambda: _taken(handler(one, CONTEXT))),
        f"{name}, each of ten messages": (10, lambda: _taken(handler(ten, CONTEXT))),
    }


def many_rules() -> dict[str, Effort]:
    """Valuing a purchase of 100 lines by 50 rules, by what the rules are about.

    The lines are of ten categories, and each of an item of its own; the part with campaigns has to
    value what each campaign matches by all rules once more.
    """
    apart = [
        builders.match(categories=[f"category-{n % 10}"], exclude_items=[f"item-{n}"])
        for n in range(RULES)
    ]
    everything = [builders.match()] * RULES
    campaigns = [
        builders.campaign(f"campaign-{n}", multiplier="2", match=apart[n])
        for n in range(RULE_CAMPAIGNS)
    ]
    return {
        "each rule about some of the lines": _rules_effort(apart, ()),
        "every rule about all lines": _rules_effort(everything, ()),
        "each rule about some of the lines, five campaigns": _rules_effort(apart, campaigns),
    }


def _rules_effort(matches: Sequence[Match], campaigns: Sequence[Campaign]) -> Effort:
    rules = [
        builders.rule(n + 1, "10.00", id=f"rule-{n}", match=match)
        for n, match in enumerate(matches)
    ]
    program = builders.program(*rules, campaigns=campaigns)
    lines = [
        builders.line("12.50", id=f"line-{n}", item=f"item-{n}", category=f"category-{n % 10}")
        for n in range(RULE_LINES)
    ]
    earning = builders.merged(builders.posted(*lines))
    pin = builders.pin()

    def value() -> None:
        earned = earned_points(earning, program=program, pin=pin, room=Room())
        assert len(earned.rules) == len(rules) + len(campaigns)

    return _effort(value, io.StringIO(), 1, repetitions=20)


def stock(table: CannedTable, billed: ExternalId) -> None:
    """The program, a member with a long past, and the customer's link."""
    document = reference.PROGRAM_DOCUMENT.read_text()
    program = parse_program(json.loads(document), FIRST_VERSION)
    version = ProgramVersion(
        program=program, document=document, published_at=START - timedelta(days=400)
    )
    period = VersionPeriod(version=FIRST_VERSION, effective_from=version.published_at)
    table.hold(
        codec.encode_create(version),
        codec.encode_save(VersionList(periods=(period,)), 0),
        codec.encode_entry(reference.head_of(MEMBER, reference.lots())),
        codec.encode_create(
            ExternalLink(external_id=billed, member_id=MEMBER, linked_at=START - HOLD)
        ),
    )


def _effort(
    run: Callable[[], object],
    logged: io.StringIO,
    events: int,
    *,
    repetitions: int = EVENTS_PER_ROUND,
) -> Effort:
    run()  # makes what a warm process has
    _empty(logged)
    run()
    log_bytes = len(logged.getvalue()) // events
    times = []
    for _ in range(ROUNDS):
        _empty(logged)
        began = time.process_time()
        for _ in range(repetitions):
            run()
        times.append((time.process_time() - began) / repetitions / events * 1_000)
    return Effort(median=statistics.median(times), least=min(times), log_bytes=log_bytes)


def _empty(logged: io.StringIO) -> None:
    logged.seek(0)
    logged.truncate()


def _answered(answer: Mapping[str, object], status: int) -> None:
    assert answer["statusCode"] == status, answer


def _taken(answer: Mapping[str, object]) -> None:
    assert answer == {"batchItemFailures": []}
