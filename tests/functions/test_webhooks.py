"""POST /webhooks/{provider}, from the gateway's event to the messages on the queues."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from moto import mock_aws
from standardwebhooks import Webhook

from functions.webhooks import app
from points_ledger.adapters import secrets, sqs
from points_ledger.adapters.stripe_api import StripeApi, StripeApiError
from points_ledger.contracts.messages import decode
from points_ledger.domain.limit import MAX_BODY_BYTES
from points_ledger.runtime import bootstrap, observability

SAMPLES = Path(__file__).parents[2] / "events" / "webhooks"
STRIPE_SECRET = "whsec_stripe_first"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"standard-secret-of-24-by").decode()
REPLAY_WINDOW_SECONDS = 300
CACHED = (
    app.webhook_secrets,
    app.queues,
    bootstrap.sqs,
    bootstrap.secrets,
    observability.logger,
    observability.metrics,
)


@dataclass
class Answer:
    """A response and what was printed on the way to it."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    lines: list[dict[str, Any]]
    printed: str

    def line(self) -> dict[str, Any]:
        [line] = self.lines
        return line


class Deployed:
    """The function with its queues and its secret."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.earnings = bootstrap.sqs().create_queue(QueueName="earnings")["QueueUrl"]
        self.payments = bootstrap.sqs().create_queue(QueueName="payments")["QueueUrl"]
        self.arn = bootstrap.secrets().create_secret(
            Name="webhooks", SecretString=self.secret_text([STRIPE_SECRET])
        )["ARN"]
        for name, value in {
            "POWERTOOLS_SERVICE_NAME": f"webhooks-{uuid4()}",
            "POWERTOOLS_METRICS_NAMESPACE": "PointsLedger",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "WEBHOOK_SECRET_ARN": self.arn,
            "EARNING_QUEUE_URL": self.earnings,
            "PAYMENT_QUEUE_URL": self.payments,
            "STRIPE_API_URL": "https://stripe.invalid",
        }.items():
            monkeypatch.setenv(name, value)

    def secret_text(self, stripe: list[str], api_key: str | None = None) -> str:
        return json.dumps(
            {"stripe": stripe, "standard": [STANDARD_SECRET], "stripe_api_key": api_key}
        )

    def change_secret(self, stripe: list[str], api_key: str | None = None) -> None:
        text = self.secret_text(stripe, api_key)
        bootstrap.secrets().put_secret_value(SecretId=self.arn, SecretString=text)

    def post(
        self, provider: str, body: bytes, headers: Mapping[str, str], *, in_base64: bool = False
    ) -> Answer:
        sent = {
            "version": "2.0",
            "routeKey": "POST /webhooks/{provider}",
            "rawPath": f"/webhooks/{provider}",
            "headers": {"content-type": "application/json", **headers},
            "pathParameters": {"provider": provider},
            "requestContext": {"requestId": "request-1", "http": {"method": "POST"}},
            "body": base64.b64encode(body).decode() if in_base64 else body.decode(),
            "isBase64Encoded": in_base64,
        }
        self.capsys.readouterr()
        answered: Any = app.handler(sent, None)
        printed = self.capsys.readouterr().out
        documents = [json.loads(line) for line in printed.splitlines()]
        return Answer(
            status=answered["statusCode"],
            headers=answered["headers"],
            body=json.loads(answered["body"]),
            lines=[document for document in documents if "level" in document],
            printed=printed,
        )

    def stripe(
        self, body: bytes, secret: str = STRIPE_SECRET, *, in_base64: bool = False
    ) -> Answer:
        return self.post("stripe", body, stripe_headers(body, secret), in_base64=in_base64)

    def standard(self, body: bytes) -> Answer:
        now = datetime.now(UTC)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(STANDARD_SECRET).sign("msg_1", now, body.decode()),
        }
        return self.post("standard", body, headers)

    def queued(self, url: str) -> list[dict[str, Any]]:
        answer: Any = bootstrap.sqs().receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))

    def types(self, url: str) -> list[str]:
        return [decode(message["Body"]).type for message in self.queued(url)]

    def nothing_is_queued(self) -> bool:
        return not self.queued(self.earnings) and not self.queued(self.payments)


@pytest.fixture
def deployed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for cached in CACHED:
        cached.cache_clear()
    with mock_aws():
        yield Deployed(capsys, monkeypatch)
    for cached in CACHED:
        cached.cache_clear()


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def stripe_headers(body: bytes, secret: str, age_seconds: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - age_seconds)
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={digest}"}


# --- accepted -------------------------------------------------------------------------------


def test_an_invoice_becomes_a_message_that_names_its_origin(deployed: Deployed) -> None:
    answer = deployed.stripe(sample("stripe_invoice_finalized_ok"))
    assert (answer.status, answer.body) == (202, {"accepted": True})
    assert answer.headers["cache-control"] == "no-store"
    [message] = deployed.queued(deployed.earnings)
    assert decode(message["Body"]).type == "purchase_posted"
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes == {"actor": "webhook:stripe", "correlation_id": "request-1"}
    assert deployed.queued(deployed.payments) == []
    line = answer.line()
    assert (line["message"], line["correlation_id"]) == ("accepted", "request-1")
    assert line["ids"]["provider"] == "stripe"
    assert line["ids"]["facts"] == "purchase_posted"


def test_facts_about_payment_go_to_their_own_queue(deployed: Deployed) -> None:
    assert deployed.stripe(sample("stripe_invoice_paid_ok")).status == 202
    assert deployed.types(deployed.earnings) == ["purchase_posted"]
    assert "purchase_settled" in deployed.types(deployed.payments)


def test_a_till_may_speak_standard_webhooks(deployed: Deployed) -> None:
    assert deployed.standard(sample("standard_purchase_posted_ok")).status == 202
    assert deployed.types(deployed.earnings) == ["purchase_posted"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("stripe", b'{"id": "evt_1", "type": "unheard.of", "data": {"object": {}}}'),
        ("standard", b'{"type": "unheard.of", "data": {}}'),
    ],
)
def test_a_type_that_means_nothing_here_is_accepted(
    name: str, body: bytes, deployed: Deployed
) -> None:
    answer = deployed.stripe(body) if name == "stripe" else deployed.standard(body)
    assert (answer.status, answer.line()["message"]) == (202, "ignored")
    assert deployed.nothing_is_queued()


def test_a_base64_body_is_verified_over_its_bytes(deployed: Deployed) -> None:
    body = sample("stripe_invoice_finalized_ok")
    assert deployed.stripe(body, in_base64=True).status == 202
    assert deployed.types(deployed.earnings) == ["purchase_posted"]


def test_a_body_is_verified_in_utf8_before_it_is_read(deployed: Deployed) -> None:
    document = json.loads(sample("standard_purchase_posted_ok"))
    document["data"]["purchase"]["customer"]["name"] = "Zoë Müller 🐢 \u2028"
    answer = deployed.standard(json.dumps(document, ensure_ascii=False).encode())
    assert answer.status == 202
    assert "Zo" not in answer.printed


def test_a_body_at_the_limit_is_accepted(deployed: Deployed) -> None:
    body = b'{"type": "unheard.of", "data": {}}'
    assert deployed.standard(body.ljust(MAX_BODY_BYTES)).status == 202


# --- signatures -----------------------------------------------------------------------------


def unsigned(_: bytes) -> dict[str, str]:
    return {}


def of_another_body(body: bytes) -> dict[str, str]:
    return stripe_headers(body + b" ", STRIPE_SECRET)


def with_another_secret(body: bytes) -> dict[str, str]:
    return stripe_headers(body, "whsec_other")


def too_old(body: bytes) -> dict[str, str]:
    return stripe_headers(body, STRIPE_SECRET, age_seconds=REPLAY_WINDOW_SECONDS + 5)


def too_new(body: bytes) -> dict[str, str]:
    return stripe_headers(body, STRIPE_SECRET, age_seconds=-REPLAY_WINDOW_SECONDS - 5)


@pytest.mark.parametrize("sign", [unsigned, of_another_body, with_another_secret, too_old, too_new])
def test_what_is_not_proven_is_refused_unread(
    sign: Callable[[bytes], dict[str, str]], deployed: Deployed
) -> None:
    for body in (sample("stripe_invoice_finalized_ok"), b"not even JSON"):
        answer = deployed.post("stripe", body, sign(body))
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.line()["message"], answer.line()["code"]) == ("rejected", "unauthenticated")
    assert deployed.nothing_is_queued()


def test_the_secret_of_one_provider_proves_nothing_to_another(deployed: Deployed) -> None:
    body = sample("stripe_invoice_finalized_ok")
    answer = deployed.post("stripe", body, stripe_headers(body, STANDARD_SECRET))
    assert answer.status == 401


def test_both_secrets_work_while_one_is_replaced(deployed: Deployed) -> None:
    deployed.change_secret(["whsec_second", STRIPE_SECRET])
    body = sample("stripe_invoice_finalized_ok")
    assert deployed.stripe(body, "whsec_second").status == 202
    assert deployed.stripe(body, STRIPE_SECRET).status == 202


def test_a_new_secret_works_at_once(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "MIN_REREAD_SECONDS", 0)
    body = sample("stripe_invoice_finalized_ok")
    assert deployed.stripe(body).status == 202
    deployed.change_secret(["whsec_second"])
    assert deployed.stripe(body, "whsec_second").status == 202
    assert deployed.stripe(body, STRIPE_SECRET).status == 401


# --- refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"not JSON", b"[]", b'{"type": 7}', b'{"a": 1, "a": 2}', b'{"type": NaN}', b"{}"]
)
def test_what_cannot_be_read_is_invalid(body: bytes, deployed: Deployed) -> None:
    answer = deployed.stripe(body)
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.body["errors"][0].keys() == {"field", "message"}
    assert deployed.nothing_is_queued()


@pytest.mark.parametrize("provider", ["unknown", "Stripe", "x" * 300, "a\x00b", "stripe "])
def test_an_unknown_provider_is_not_found(provider: str, deployed: Deployed) -> None:
    answer = deployed.post(provider, b"{}", {})
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert len(answer.lines) == 1


@pytest.mark.parametrize("in_base64", [False, True])
def test_a_byte_too_many_is_refused_before_its_signature_is_checked(
    *, in_base64: bool, deployed: Deployed
) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    answer = deployed.post("stripe", body, {}, in_base64=in_base64)
    assert (answer.status, answer.body["code"]) == (413, "payload_too_large")
    assert answer.body["maximum_bytes"] == MAX_BODY_BYTES


# --- set aside and tried again --------------------------------------------------------------


def test_half_an_invoice_goes_to_the_dead_letters_with_its_reason(deployed: Deployed) -> None:
    answer = deployed.stripe(sample("stripe_invoice_finalized_cut_off"))
    assert (answer.status, answer.body) == (202, {"accepted": True})
    [message] = deployed.queued(deployed.earnings)
    assert json.loads(message["Body"]) == {
        "type": "refused",
        "reason": "payload_incomplete",
        "provider": "stripe",
        "event_id": "evt_1Tkt0004Ledger",
    }
    line = answer.line()
    assert (line["message"], line["code"]) == ("set_aside", "payload_incomplete")


def test_with_a_key_the_rest_is_fetched(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(sample("stripe_invoice_finalized_cut_off"))
    lines = document["data"]["object"]["lines"]["data"]
    asked: list[tuple[str, str, str]] = []

    def get(api: StripeApi, path: str) -> Mapping[str, object]:
        asked.append((api.base_url, api.api_key, path))
        return {"data": [lines[0] | {"id": "il_fetched"}], "has_more": False}

    monkeypatch.setattr(StripeApi, "get", get)
    deployed.change_secret([STRIPE_SECRET], api_key="sk_1")
    assert deployed.stripe(sample("stripe_invoice_finalized_cut_off")).status == 202
    [(base_url, api_key, path)] = asked
    assert (base_url, api_key) == ("https://stripe.invalid", "sk_1")
    assert path.startswith("/v1/invoices/in_1Tkt0001Ledger/lines?")
    [message] = deployed.queued(deployed.earnings)
    fetched = json.loads(message["Body"])["snapshot"]["lines"]
    assert [line["id"] for line in fetched] == [*(line["id"] for line in lines), "il_fetched"]


def test_while_stripe_does_not_answer_the_delivery_fails_and_comes_again(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(_: StripeApi, __: str) -> Mapping[str, object]:
        raise StripeApiError(503)

    monkeypatch.setattr(StripeApi, "get", get)
    deployed.change_secret([STRIPE_SECRET], api_key="sk_1")
    answer = deployed.stripe(sample("stripe_invoice_finalized_cut_off"))
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert answer.line()["failure"]["fields"] == {"status": 503}
    assert deployed.nothing_is_queued()


def test_a_purchase_too_large_for_a_message_is_set_aside(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs, "MAX_BATCH_BYTES", 500)
    answer = deployed.standard(sample("standard_purchase_posted_ok"))
    assert (answer.status, answer.line()["code"]) == (202, "message_too_large")
    [message] = deployed.queued(deployed.earnings)
    assert json.loads(message["Body"])["event_id"] == "msg_1"


def test_a_queue_that_takes_nothing_makes_the_provider_deliver_again(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARNING_QUEUE_URL", deployed.earnings + "-gone")
    answer = deployed.stripe(sample("stripe_invoice_finalized_ok"))
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert answer.line()["failure"]["operation"] == "SendMessageBatch"


def test_without_its_settings_nothing_is_accepted(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYMENT_QUEUE_URL")
    answer = deployed.stripe(sample("stripe_invoice_finalized_ok"))
    assert answer.status == 500
    assert "PAYMENT_QUEUE_URL" in answer.line()["failure"]["fields"]["variables"]


# --- every sample ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
def test_every_sample_is_answered_and_logged_without_its_content(
    name: str, deployed: Deployed
) -> None:
    provider = name.split("_", 1)[0]
    body = sample(name)
    answer = deployed.stripe(body) if provider == "stripe" else deployed.standard(body)
    refused = name.endswith(("_malformed", "_rejected"))
    assert answer.status == (400 if refused else 202)
    assert len(answer.lines) == 1
    for personal in ("Dana", "dana", "Reyes", "@example", STRIPE_SECRET, STANDARD_SECRET, "whsec"):
        assert personal not in answer.printed
