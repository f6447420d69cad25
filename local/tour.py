"""By hand on the local stack: a token, purchases as a till sends them, and something to look at."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.demo.client import LedgerClient


def token(stack: Mapping[str, Any], role: str) -> str:
    """An id token of one of the stack's users: admin, staff or member."""
    user = stack["users"][role]
    with LedgerClient(stack) as client:
        return client.sign_in(user["username"], user["password"])


MEMBERS_CUSTOMER_ID = "local-member"
TILL = "pos"

PURCHASES = (
    (40, "12000.00", "original", True),
    (0.5, "86.00", "retail", True),
    (3, "2500.00", "original", False),
)
"""Days ago, amount, category, and whether it is paid: one is available, one waits for payment."""


def furnish(stack: Mapping[str, Any]) -> None:
    """Let the local member have bought something, once, so that there is something to see."""
    member_id = stack["users"]["member"]["member_id"]
    with LedgerClient(stack) as client:
        if client.member_of(f"{TILL}:{MEMBERS_CUSTOMER_ID}") is not None:
            return
        external_ids = [{"source": TILL, "id": MEMBERS_CUSTOMER_ID}]
        answer = client.http.patch(
            f"/members/{member_id}",
            json={"external_ids": external_ids},
            headers={"Authorization": f"Bearer {client.staff_token}"},
        )
        answer.raise_for_status()
        now = datetime.now(UTC)
        for days, amount, category, is_paid in PURCHASES:
            at = now - timedelta(days=days)
            ticket_id = send_purchase(
                stack, customer=MEMBERS_CUSTOMER_ID, amount=amount, category=category, at=at
            )
            if is_paid:
                paid = {"source": TILL, "purchase_id": ticket_id, "kind": "ticket"}
                _deliver(stack, "purchase.paid", {**paid, "settled": {"at": at.isoformat()}})
        client.wait_until_processed()


def send_purchase(
    stack: Mapping[str, Any],
    *,
    customer: str,
    amount: str,
    category: str,
    at: datetime | None = None,
) -> str:
    """Post a ticket of one line through the Standard webhook; its id, once it was accepted."""
    ticket_id = f"ticket-{secrets.token_hex(4)}"
    purchase = {
        "id": ticket_id,
        "kind": "ticket",
        "customer": {"id": customer},
        "posted_at": (at or datetime.now(UTC)).isoformat(),
        "currency": "USD",
        "lines": [{"id": "1", "item": "tour", "category": category, "amount": amount}],
        "total": amount,
    }
    _deliver(stack, "purchase.posted", {"source": TILL, "purchase": purchase})
    return ticket_id


def _deliver(stack: Mapping[str, Any], type_: str, data: Mapping[str, Any]) -> None:
    """Send one message through the Standard webhook."""
    now = datetime.now(UTC)
    body = json.dumps({"type": type_, "timestamp": now.isoformat(), "data": data})
    answer = httpx.post(
        f"{stack['api_url']}/webhooks/standard",
        content=body,
        headers=_signature(stack["webhook_secrets"]["standard"], body, now),
        trust_env=False,
        timeout=60,
    )
    answer.raise_for_status()


def _signature(secret: str, body: str, now: datetime) -> dict[str, str]:
    """The three headers of the Standard Webhooks scheme."""
    message_id, timestamp = f"msg_{secrets.token_hex(8)}", str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }
