"""What the provider tests send: our sample deliveries, and objects in Stripe's own shapes.

Stripe's fixtures are its published example objects. They are no part of this repository; tests
that need them are skipped where they are absent.
"""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from points_ledger.adapters.providers import PROVIDERS, Complete
from points_ledger.adapters.providers.signature import Sent
from points_ledger.domain.fact import Fact

REPOSITORY: Final = Path(__file__).resolve().parents[3]
SAMPLES: Final = REPOSITORY / "events" / "webhooks"
FIXTURES: Final = REPOSITORY.parent / "shared" / "data" / "stripe-fixtures.json"

FINALIZED_AT: Final = 1_788_336_000
EVENT_AT: Final = FINALIZED_AT + 60
NOW: Final = datetime(2026, 9, 3, tzinfo=UTC)

PATIENTLY: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For machines that have other things to do as well."""

Json = dict[str, Any]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def read(
    provider: str,
    message: object,
    complete: Complete | None = None,
    *,
    topic: object = None,
) -> tuple[Fact, ...]:
    """What a provider reads in a body; `topic` is how Shopify names the type of a message."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    headers = {"x-shopify-topic": topic} if isinstance(topic, str) else {}
    sent = Sent(headers=headers, body=body)
    return PROVIDERS[provider].read(sent, now=NOW, complete=complete)


def topic_of(name: str) -> str | None:
    """The topic of one of Shopify's samples, which are named after it: their bodies do not say."""
    provider, _, rest = name.partition("_")
    if provider != "shopify":
        return None
    known = sorted(PROVIDERS[provider].events, key=len, reverse=True)
    unknown = rest.rpartition("_")[0].replace("_", "/", 1)
    return next((t for t in known if rest.startswith(t.replace("/", "_") + "_")), unknown)


def read_stripe(
    type_: str, subject: Mapping[str, Any], complete: Complete | None = None
) -> tuple[Fact, ...]:
    return read("stripe", event(type_, subject), complete)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def money(text: str) -> Decimal:
    return Decimal(text)


@cache
def _fixtures() -> Json:
    if not FIXTURES.exists():
        pytest.skip("Stripe's fixtures are not on this machine")
    loaded: Json = json.loads(FIXTURES.read_text())
    return loaded


def stripe_object(resource: str, **changes: object) -> Json:
    """A fresh copy of Stripe's example of a resource, with some members changed."""
    example: Json = copy.deepcopy(_fixtures()[resource])
    return example | changes


def event(type_: str, subject: Mapping[str, Any], *, created: int = EVENT_AT) -> Json:
    return stripe_object("event", type=type_, created=created, data={"object": subject})


def line(id_: str = "il_1", amount: int = 5_000, **changes: object) -> Json:
    return stripe_object("line_item", id=id_, amount=amount, **changes)


def listed(*data: Json, has_more: bool = False) -> Json:
    return {"object": "list", "data": list(data), "has_more": has_more, "url": "/v1/lines"}


def invoice(*lines: Json, total: int = 5_000, **changes: object) -> Json:
    """Stripe's example invoice, finalised, with these lines (one of 50.00 where none is given)."""
    transitions = {"finalized_at": FINALIZED_AT, "paid_at": None, "voided_at": None}
    finalised: Json = {
        "id": "in_1",
        "customer": "cus_1",
        "status": "open",
        "status_transitions": transitions,
        "lines": listed(*(lines or (line(),))),
        "total": total,
    }
    return stripe_object("invoice", **(finalised | changes))


def refund(**changes: object) -> Json:
    named: Json = {"id": "re_1", "payment_intent": "pi_1", "charge": "ch_1", "amount": 1_000}
    return stripe_object("refund", **(named | changes))


def credit_note(*lines: Json, **changes: object) -> Json:
    named: Json = {"id": "cn_1", "invoice": "in_1", "total": 1_190, "refunds": []}
    if lines:
        named["lines"] = listed(*lines)
    return stripe_object("credit_note", **(named | changes))


def credited(amount: int, invoice_line: str | None = "il_1", **changes: object) -> Json:
    """A credit note's line: Stripe's example of one that names an invoice line."""
    example: Json = copy.deepcopy(_fixtures()["credit_note"]["lines"]["data"][0])
    return example | {"amount": amount, "invoice_line_item": invoice_line} | changes
