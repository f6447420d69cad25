"""The public interface as the tests use it: the demonstration's client, and what only tests need.

Webhooks are signed with the providers' own libraries here, so that our reading of the schemes is
checked by somebody else's.
"""

import base64
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import stripe
from shopify_app.verify import verify_webhook_req
from square.utils.webhooks_helper import verify_signature
from standardwebhooks.webhooks import Webhook

from local.demo.client import LedgerClient
from tests.stack.standard import Purchase

Json = dict[str, Any]
Result = TypeVar("Result")

POINTS_PER_STEP, STEP_AMOUNT = 3, 50
DEAD_LETTER_SECONDS = 60.0


def unique(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(6)}"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def days_ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code, having checked that it is a problem of RFC 9457."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


def in_parallel(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all calls at the same time, as nearly as threads can."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


CLIENT_SETTINGS = frozenset(
    {
        *("ClientName", "ReadAttributes", "WriteAttributes", "ExplicitAuthFlows"),
        *("SupportedIdentityProviders", "CallbackURLs", "AllowedOAuthFlows", "AllowedOAuthScopes"),
        *("AllowedOAuthFlowsUserPoolClient", "PreventUserExistenceErrors"),
        *("IdTokenValidity", "TokenValidityUnits"),
    }
)
"""What of a client an update would put back to its default if it were left out."""


def _expiry(token: str) -> float:
    claims = token.split(".")[1]
    said: Json = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return float(said["exp"])


class StackClient(LedgerClient):
    """Speaks to the stack under test."""

    # --- webhooks -------------------------------------------------------------------------

    def post_stripe(
        self,
        body: bytes,
        *,
        secret: str | None = None,
        at: datetime | None = None,
        header: str | None = None,
    ) -> httpx.Response:
        """Deliver bytes to Stripe's endpoint; rightly signed unless told otherwise."""
        if header is None:
            seconds = int((at or datetime.now(UTC)).timestamp())
            digest = stripe.WebhookSignature._compute_signature(
                f"{seconds}.{body.decode()}",
                secret or self.stack["webhook_secrets"]["stripe"],
            )
            header = f"t={seconds},v1={digest}"
        return self.http.post(
            "/webhooks/stripe",
            content=body,
            headers={"Content-Type": "application/json", "Stripe-Signature": header},
        )

    def post_standard(
        self, body: bytes, *, secret: str | None = None, at: datetime | None = None
    ) -> httpx.Response:
        """Deliver bytes to the endpoint of Standard Webhooks, rightly signed by default."""
        instant, message_id = at or datetime.now(UTC), unique("msg")
        webhook = Webhook(secret or self.stack["webhook_secrets"]["standard"])
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(instant.timestamp())),
            "webhook-signature": webhook.sign(message_id, instant, body.decode()),
        }
        return self.http.post("/webhooks/standard", content=body, headers=headers)

    def post_square(
        self, body: bytes, *, secret: str | None = None, url: str | None = None
    ) -> httpx.Response:
        """Deliver bytes to Square's endpoint; rightly signed unless told otherwise.

        Square's library only verifies: what is sent here is what it would accept.
        """
        key = secret or self.stack["webhook_secrets"]["square"]
        called = url or f"{self.stack['api_url']}/webhooks/square"
        digest = hmac.digest(key.encode(), called.encode() + body, "sha256")
        signature = base64.b64encode(digest).decode()
        assert verify_signature(
            request_body=body.decode(),
            signature_header=signature,
            signature_key=key,
            notification_url=called,
        )
        return self.http.post(
            "/webhooks/square",
            content=body,
            headers={
                "Content-Type": "application/json",
                "x-square-hmacsha256-signature": signature,
            },
        )

    def post_shopify(
        self,
        body: bytes,
        topic: str | None,
        *,
        secret: str | None = None,
        header: str | None = None,
    ) -> httpx.Response:
        """Deliver bytes to Shopify's endpoint; rightly signed unless told otherwise.

        Shopify's library only verifies: what is sent here is what it would accept.
        """
        key = secret or self.stack["webhook_secrets"]["shopify"]
        signature = base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
        found = verify_webhook_req(
            {
                "method": "POST",
                "headers": {"X-Shopify-Hmac-Sha256": signature},
                "url": "/webhooks/shopify",
                "body": body.decode(),
            },
            {"client_id": "app", "client_secret": key, "old_client_secret": None},
        )
        assert found.ok
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Hmac-Sha256": signature if header is None else header,
        }
        if topic is not None:
            headers["X-Shopify-Topic"] = topic
        return self.http.post("/webhooks/shopify", content=body, headers=headers)

    def settle_shopify(self, *messages: tuple[str, Json]) -> None:
        """Deliver messages of Shopify by their topics, and wait until nothing is left to do."""
        for topic, message in messages:
            answer = self.post_shopify(json.dumps(message).encode(), topic)
            assert answer.status_code == 202, answer.text
            assert answer.json() == {"accepted": True}
        self.wait_until_processed()

    def deliver(self, *messages: Json) -> None:
        """Deliver messages of any provider; all of them are accepted."""
        for message in messages:
            body = json.dumps(message).encode()
            answer = self._endpoint_of(message)(body)
            assert answer.status_code == 202, answer.text
            assert answer.json() == {"accepted": True}

    def _endpoint_of(self, message: Json) -> Callable[[bytes], httpx.Response]:
        if message.get("object") == "event":
            return self.post_stripe
        return self.post_square if "merchant_id" in message else self.post_standard

    def settle(self, *messages: Json) -> None:
        """Deliver messages, and wait until nothing is left to do."""
        self.deliver(*messages)
        self.wait_until_processed()

    # --- members --------------------------------------------------------------------------

    def customer(self) -> tuple[str, str]:
        """Enrol a new member who is a customer of the till; the member's id and the customer's."""
        customer_id = unique("customer")
        external_id = {"source": "pos", "id": customer_id}
        return self.enrol("Somebody", external_ids=[external_id]), customer_id

    def rich_member(self, points: int) -> str:
        """A new member with so many available points; a multiple of 3."""
        member_id, customer_id = self.customer()
        self.make_rich(member_id, customer_id, points)
        return member_id

    def make_rich(self, member_id: str, customer_id: str, points: int) -> None:
        """Let a customer of the till buy and pay for so many points; a multiple of 3."""
        assert points % POINTS_PER_STEP == 0
        amount = f"{points // POINTS_PER_STEP * STEP_AMOUNT}.00"
        purchase = Purchase(customer_id=customer_id, amount=amount, posted_at=days_ago(3))
        self.deliver(purchase.posted(), purchase.paid("1", amount, at=days_ago(2)))
        self.wait_for_amounts(member_id, available=points)

    # --- people ---------------------------------------------------------------------------

    def sign_up_colleague(self, group: str) -> str:
        """A further person of a group; the token."""
        username, password = unique("colleague"), f"aA1-{secrets.token_urlsafe(18)}"
        self._create_user(self.stack["user_pool_id"], username, password)
        self.identities.admin_add_user_to_group(
            UserPoolId=self.stack["user_pool_id"], Username=username, GroupName=group
        )
        return self.sign_in(username, password)

    def expired_token(self) -> str:
        """A token of staff that was good a moment ago.

        The client's tokens live for a second while it is made; nobody else signs in meanwhile.
        """
        pool, client_id = self.stack["user_pool_id"], self.stack["client_id"]
        known: Any = self.identities.describe_user_pool_client(UserPoolId=pool, ClientId=client_id)
        kept = {
            name: value
            for name, value in known["UserPoolClient"].items()
            if name in CLIENT_SETTINGS and value
        }
        short: Any = {
            "IdTokenValidity": 1,
            "TokenValidityUnits": {"IdToken": "seconds"},
        }
        staff = self.stack["users"]["staff"]
        self.identities.update_user_pool_client(
            UserPoolId=pool, ClientId=client_id, **{**kept, **short}
        )
        try:
            token = self.sign_in(staff["username"], staff["password"])
        finally:
            usual: Any = {"IdTokenValidity": 60, "TokenValidityUnits": {"IdToken": "minutes"}}
            self.identities.update_user_pool_client(
                UserPoolId=pool, ClientId=client_id, **{**usual, **kept}
            )
        assert _expiry(token) - time.time() < 2, "the token is not short-lived"
        time.sleep(2)
        return token

    def token_of_another_pool(self) -> str:
        """A person of a group `admin` in a pool that is not ours."""
        pool = self.identities.create_user_pool(PoolName=unique("pool"))["UserPool"]["Id"]
        self.identities.create_group(GroupName="admin", UserPoolId=pool)
        client = self.identities.create_user_pool_client(
            UserPoolId=pool,
            ClientName="people",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        username, password = unique("person"), f"aA1-{secrets.token_urlsafe(18)}"
        self._create_user(pool, username, password)
        self.identities.admin_add_user_to_group(
            UserPoolId=pool, Username=username, GroupName="admin"
        )
        signed_in = self.identities.initiate_auth(
            ClientId=client["UserPoolClient"]["ClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        return signed_in["AuthenticationResult"]["IdToken"]

    def _create_user(self, pool: str, username: str, password: str) -> None:
        self.identities.admin_create_user(
            UserPoolId=pool, Username=username, MessageAction="SUPPRESS"
        )
        self.identities.admin_set_user_password(
            UserPoolId=pool, Username=username, Password=password, Permanent=True
        )

    # --- balances -------------------------------------------------------------------------

    def amounts(self, member_id: str) -> tuple[int, int, int]:
        """Pending, available and debt."""
        balance = self.balance(member_id)
        assert balance["reserved"] == 0
        return balance["pending"], balance["available"], balance["debt"]

    def wait_for_amounts(self, member_id: str, **expected: int) -> Json:
        return self.wait_for(
            f"{member_id} has {expected}",
            lambda: self.balance(member_id),
            lambda balance: all(balance[name] == amount for name, amount in expected.items()),
        )

    def entry_types(self, member_id: str) -> list[str]:
        return [entry["type"] for entry in self.entries(member_id)]

    def redeem(
        self, member_id: str, *, token: str | None = None, key: str | None = None, **body: object
    ) -> httpx.Response:
        return self.post(
            "/redemptions",
            {"member_id": member_id, **body},
            token=token or self.staff_token,
            key=key or unique("key"),
        )

    def quote(self, member_id: str, *, token: str | None = None, **body: object) -> httpx.Response:
        return self.post(
            "/redemptions/quote", {"member_id": member_id, **body}, token=token or self.till_token
        )
