"""POST /webhooks/{provider}, from the gateway's event to the messages on the queues."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from moto import mock_aws
from standardwebhooks import Webhook

from functions.webhooks import app
from points_ledger.adapters import secrets, sqs
from points_ledger.adapters.provider_api import ProviderApi, ProviderApiError
from points_ledger.adapters.providers import PROVIDERS
from points_ledger.contracts.messages import decode
from points_ledger.domain.limit import MAX_BODY_BYTES
from points_ledger.runtime import bootstrap, observability, webhooks
from tests.unit.providers.payloads import topic_of

SAMPLES = Path(__file__).parents[2] / "events" / "webhooks"
STRIPE_SECRET = "whsec_stripe_first"
SQUARE_SECRET = "square-signature-key"
SQUARE_HEADER = "x-square-hmacsha256-signature"
SHOPIFY_SECRET = "shpss_first"
SHOPIFY_HEADER = "X-Shopify-Hmac-Sha256"
HOST = "ledger.example"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"standard-secret-of-24-by").decode()
SECRETS = {
    "stripe": (STRIPE_SECRET, "whsec_stripe_second"),
    "square": (SQUARE_SECRET, "square-second-key"),
    "shopify": (SHOPIFY_SECRET, "shpss_second"),
    "standard": (
        STANDARD_SECRET,
        "whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode(),
    ),
}
REPLAY_WINDOW_SECONDS = 300
CACHED = (
    webhooks.webhook_secrets,
    webhooks.queues,
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
            "SQUARE_API_URL": "https://square.invalid",
            "SQUARE_NOTIFICATION_URL": "{scheme}://{host}{path}",
        }.items():
            monkeypatch.setenv(name, value)

    def secret_text(self, stripe: list[str], api_key: str | None = None, **others: object) -> str:
        standard, square = [STANDARD_SECRET], [SQUARE_SECRET]
        usual = {"standard": standard, "square": square, "stripe_api_key": api_key}
        shopify = {"shopify": [SHOPIFY_SECRET]}
        return json.dumps({"stripe": stripe, **usual, **shopify, **others})

    def change_secret(
        self, stripe: list[str], api_key: str | None = None, **others: object
    ) -> None:
        text = self.secret_text(stripe, api_key, **others)
        bootstrap.secrets().put_secret_value(SecretId=self.arn, SecretString=text)

    def activate(self, provider: str, active: list[str]) -> None:
        """Make these the only secrets of a provider; the others keep theirs."""
        known = json.loads(self.secret_text([STRIPE_SECRET]))
        text = json.dumps(known | {provider: active})
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
            "requestContext": {
                "requestId": "request-1",
                "apiId": "a1b2c3",
                "stage": "$default",
                "http": {"method": "POST"},
            },
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

    def standard(self, body: bytes, secret: str = STANDARD_SECRET) -> Answer:
        now = datetime.now(UTC)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign("msg_1", now, body.decode()),
        }
        return self.post("standard", body, headers)

    def square(self, body: bytes, secret: str = SQUARE_SECRET, *, url: str | None = None) -> Answer:
        signed = (url or f"https://{HOST}/webhooks/square").encode() + body
        digest = hmac.digest(secret.encode(), signed, "sha256")
        headers = {SQUARE_HEADER: base64.b64encode(digest).decode(), "Host": HOST}
        return self.post("square", body, headers)

    def shopify(
        self,
        body: bytes,
        secret: str = SHOPIFY_SECRET,
        *,
        topic: str | None = "orders/create",
        **more: str,
    ) -> Answer:
        digest = hmac.digest(secret.encode(), body, "sha256")
        headers = {SHOPIFY_HEADER: base64.b64encode(digest).decode(), **more}
        named = {} if topic is None else {"X-Shopify-Topic": topic}
        return self.post("shopify", body, headers | named)

    def signed(
        self, provider: str, body: bytes, secret: str | None = None, topic: str | None = None
    ) -> Answer:
        """Deliver a body as this provider would."""
        key = secret or SECRETS[provider][0]
        match provider:
            case "stripe":
                return self.stripe(body, key)
            case "square":
                return self.square(body, key)
            case "shopify":
                return self.shopify(body, key, topic=topic)
            case _:
                return self.standard(body, key)

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


def test_every_provider_has_two_secrets_here() -> None:
    assert SECRETS.keys() == PROVIDERS.keys()


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
class TestRotation:
    """Of every provider: the new secret comes before the old one, then the old one goes."""

    BODY = b'{"id": "7", "type": "unheard.of", "data": {}}'

    def test_both_secrets_work_while_one_is_replaced(
        self, provider: str, deployed: Deployed
    ) -> None:
        old, new = SECRETS[provider]
        for active in ([new, old], [old, new]):
            deployed.activate(provider, active)
            webhooks.webhook_secrets.cache_clear()
            for secret in (old, new):
                answer = deployed.signed(provider, self.BODY, secret, "unheard/of")
                assert (answer.status, answer.line()["message"]) == (202, "ignored")

    def test_a_new_secret_works_at_once_and_an_old_one_ends(
        self, provider: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secrets, "MIN_REREAD_SECONDS", 0)
        old, new = SECRETS[provider]
        assert deployed.signed(provider, self.BODY, old, "unheard/of").status == 202
        deployed.activate(provider, [new])
        assert deployed.signed(provider, self.BODY, new, "unheard/of").status == 202
        assert deployed.signed(provider, self.BODY, old, "unheard/of").status == 401

    def test_an_empty_list_proves_nothing(self, provider: str, deployed: Deployed) -> None:
        deployed.activate(provider, [])
        answer = deployed.signed(provider, self.BODY, topic="unheard/of")
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")

    def test_the_secret_of_another_provider_proves_nothing(
        self, provider: str, deployed: Deployed
    ) -> None:
        for other in PROVIDERS.keys() - {provider}:
            key = "whsec_" + base64.b64encode(SECRETS[other][0].encode()).decode()
            secret = key if provider == "standard" else SECRETS[other][0]
            assert deployed.signed(provider, self.BODY, secret, "unheard/of").status == 401


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

    def get(api: ProviderApi, path: str) -> Mapping[str, object]:
        asked.append((api.base_url, api.api_key, path))
        return {"data": [lines[0] | {"id": "il_fetched"}], "has_more": False}

    monkeypatch.setattr(ProviderApi, "get", get)
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
    def get(_: ProviderApi, __: str) -> Mapping[str, object]:
        raise ProviderApiError(503)

    monkeypatch.setattr(ProviderApi, "get", get)
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


# --- Square ---------------------------------------------------------------------------------


class Orders(BaseHTTPRequestHandler):
    """Square's API on this machine: knows one order, the one that is whole in the samples."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        Orders.asked.append((self.path, self.headers["authorization"]))
        order = json.loads(sample("square_order_updated_ok"))["data"]["object"]["order"]
        known = self.path == f"/v2/orders/{order['id']}"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"order": order} if known else {"errors": []}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the function's own lines are what the tests read."""


@pytest.fixture
def orders(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Orders]]:
    """Square's API, with the token that opens it."""
    deployed.change_secret([STRIPE_SECRET], square_access_token="EAAA1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server:
        monkeypatch.setenv("SQUARE_API_URL", f"http://127.0.0.1:{server.server_port}")
        Orders.asked.clear()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Orders
        server.shutdown()
        thread.join()


def test_an_order_of_square_becomes_messages(deployed: Deployed) -> None:
    answer = deployed.square(sample("square_order_updated_ok"))
    assert (answer.status, answer.body) == (202, {"accepted": True})
    assert deployed.types(deployed.earnings) == ["purchase_posted"]
    assert deployed.types(deployed.payments) == ["purchase_settled"]


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/webhooks/square",
        f"https://{HOST}/prod/webhooks/square",
        "https://other.example/webhooks/square",
        f"https://{HOST}/webhooks/square/",
    ],
)
def test_square_signs_the_address_that_was_called(url: str, deployed: Deployed) -> None:
    answer = deployed.square(sample("square_order_updated_ok"), url=url)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert deployed.nothing_is_queued()


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("https://points.example/hooks/sq?shop=1", "https://points.example/hooks/sq?shop=1"),
        (
            "http://{host}/x/{api_id}/{stage}{path}",
            f"http://{HOST}/x/a1b2c3/$default/webhooks/square",
        ),
    ],
)
def test_another_notification_url_may_be_set(
    setting: str, url: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUARE_NOTIFICATION_URL", setting)
    body = sample("square_order_updated_ok")
    assert deployed.square(body, url=url).status == 202
    assert deployed.square(body).status == 401


def test_both_keys_of_square_work_while_one_is_replaced(deployed: Deployed) -> None:
    deployed.change_secret([STRIPE_SECRET], square=["square-second", SQUARE_SECRET])
    body = sample("square_order_updated_ok")
    assert deployed.square(body, "square-second").status == 202
    assert deployed.square(body, SQUARE_SECRET).status == 202
    assert deployed.square(body, "square-third").status == 401


@pytest.mark.parametrize("name", ["order_updated_cut_off", "invoice_published_cut_off"])
def test_an_order_without_lines_goes_to_the_dead_letters(name: str, deployed: Deployed) -> None:
    body = sample(f"square_{name}")
    answer = deployed.square(body)
    assert (answer.status, answer.line()["code"]) == (202, "payload_incomplete")
    [message] = deployed.queued(deployed.earnings)
    assert json.loads(message["Body"]) == {
        "type": "refused",
        "reason": "payload_incomplete",
        "provider": "square",
        "event_id": json.loads(body)["event_id"],
    }


@pytest.mark.parametrize(
    ("name", "payments"),
    [
        ("order_updated_cut_off", ["purchase_settled"]),
        ("payment_updated_ok", ["purchase_settled", "payment_received"]),
        ("invoice_published_cut_off", ["purchase_settled"]),
    ],
)
def test_with_a_token_the_order_is_fetched(
    name: str, payments: list[str], deployed: Deployed, orders: type[Orders]
) -> None:
    answer = deployed.square(sample(f"square_{name}"))
    assert answer.status == 202
    assert orders.asked == [("/v2/orders/TktOrder0001Ledger", "Bearer EAAA1")]
    assert "EAAA1" not in answer.printed
    [message] = deployed.queued(deployed.earnings)
    lines = json.loads(message["Body"])["snapshot"]["lines"]
    assert [line["id"] for line in lines] == ["TktLineOriginal01", "TktLineMug00001"]
    assert deployed.types(deployed.payments) == payments


def test_while_square_has_no_answer_the_delivery_fails_and_comes_again(
    deployed: Deployed,
    orders: type[Orders],
) -> None:
    document = json.loads(sample("square_order_updated_cut_off"))
    document["data"]["object"]["order_updated"]["order_id"] = "unheard-of"
    answer = deployed.square(json.dumps(document).encode())
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert answer.line()["failure"]["fields"] == {"status": 404}
    assert len(orders.asked) == 1
    assert deployed.nothing_is_queued()


# --- Shopify --------------------------------------------------------------------------------


def test_an_order_of_shopify_becomes_messages(deployed: Deployed) -> None:
    answer = deployed.shopify(sample("shopify_orders_create_paid"))
    assert (answer.status, answer.body) == (202, {"accepted": True})
    assert answer.line()["ids"]["facts"] == "purchase_posted purchase_settled"
    assert deployed.types(deployed.earnings) == ["purchase_posted"]
    assert deployed.types(deployed.payments) == ["purchase_settled"]


def test_the_topic_decides_what_a_body_means(deployed: Deployed) -> None:
    body = sample("shopify_orders_create_ok")
    assert deployed.shopify(body, topic="orders/fulfilled").line()["message"] == "ignored"
    assert deployed.nothing_is_queued()


def test_a_topic_does_not_delete_an_order_that_the_body_has(deployed: Deployed) -> None:
    body = sample("shopify_orders_create_ok")
    assert deployed.shopify(body, topic="orders/delete").line()["message"] == "accepted"
    assert deployed.types(deployed.earnings) == ["purchase_posted"]


@pytest.mark.parametrize("topic", [None, "", "t" * 256])
def test_a_message_of_shopify_without_a_topic_is_invalid(
    topic: str | None, deployed: Deployed
) -> None:
    answer = deployed.shopify(sample("shopify_orders_create_ok"), topic=topic)
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.body["errors"][0]["field"] == "X-Shopify-Topic"
    assert deployed.nothing_is_queued()


@pytest.mark.parametrize("topic", ["products/create", "orders/risk_assessment_changed", "x"])
def test_a_topic_that_means_nothing_here_is_accepted(topic: str, deployed: Deployed) -> None:
    answer = deployed.shopify(b'{"id": 7}', topic=topic)
    assert (answer.status, answer.line()["message"]) == (202, "ignored")
    assert deployed.nothing_is_queued()


@pytest.mark.parametrize("header", ["", "AAAA", "v1,AAAA", "=" * 5_000, "\u00e9"])
def test_a_wrong_signature_of_shopify_is_refused_unread(header: str, deployed: Deployed) -> None:
    for body in (sample("shopify_orders_create_ok"), b"not even JSON"):
        sent = {SHOPIFY_HEADER: header, "X-Shopify-Topic": "orders/create"}
        answer = deployed.post("shopify", body, sent)
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert deployed.post("shopify", b"{}", {}).status == 401
    assert deployed.nothing_is_queued()


def test_a_privacy_request_goes_to_the_dead_letters_without_a_name(deployed: Deployed) -> None:
    answer = deployed.shopify(sample("shopify_customers_redact_ok"), topic="customers/redact")
    assert (answer.status, answer.body) == (202, {"accepted": True})
    assert (answer.line()["message"], answer.line()["code"]) == ("set_aside", "privacy_request")
    [message] = deployed.queued(deployed.earnings)
    assert json.loads(message["Body"]) == {
        "type": "refused",
        "reason": "privacy_request",
        "provider": "shopify",
        "event_id": "customers/redact:7710000029001",
    }


@pytest.mark.parametrize("id_", [{"X-Shopify-Webhook-Id": "b1946ac9"}, {}])
def test_an_order_too_large_for_a_message_is_set_aside(
    id_: dict[str, str], deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs, "MAX_BATCH_BYTES", 500)
    answer = deployed.shopify(sample("shopify_orders_create_ok"), **id_)
    assert (answer.status, answer.line()["code"]) == (202, "message_too_large")
    [message] = deployed.queued(deployed.earnings)
    assert json.loads(message["Body"])["event_id"] == id_.get("X-Shopify-Webhook-Id")


# --- every sample ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
def test_every_sample_is_answered_and_logged_without_its_content(
    name: str, deployed: Deployed
) -> None:
    provider = name.split("_", 1)[0]
    body = sample(name)
    answer = deployed.signed(provider, body, topic=topic_of(name))
    refused = name.endswith(("_malformed", "_rejected"))
    assert answer.status == (400 if refused else 202)
    assert len(answer.lines) == 1
    private = (STRIPE_SECRET, SQUARE_SECRET, SHOPIFY_SECRET, STANDARD_SECRET, "whsec", "Kinzie")
    for personal in ("Dana", "dana", "Reyes", "@example", *private):
        assert personal not in answer.printed
