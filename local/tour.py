"""By hand on the local stack: a token to try the API with, and a purchase as a till sends it."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from local.demo.client import LedgerClient


def token(stack: Mapping[str, Any], role: str) -> str:
    """An id token of one of the stack's users: admin, staff or member."""
    user = stack["users"][role]
    with LedgerClient(stack) as client:
        return client.sign_in(user["username"], user["password"])


def send_purchase(stack: Mapping[str, Any], *, customer: str, amount: str, category: str) -> str:
    """Post a ticket of one line through the Standard webhook; its id, once it was accepted."""
    now = datetime.now(UTC)
    ticket_id = f"ticket-{secrets.token_hex(4)}"
    purchase = {
        "id": ticket_id,
        "kind": "ticket",
        "customer": {"id": customer},
        "posted_at": now.isoformat(),
        "currency": "USD",
        "lines": [{"id": "1", "item": "tour", "category": category, "amount": amount}],
        "total": amount,
    }
    data = {"source": "pos", "purchase": purchase}
    body = json.dumps({"type": "purchase.posted", "timestamp": now.isoformat(), "data": data})
    answer = httpx.post(
        f"{stack['api_url']}/webhooks/standard",
        content=body,
        headers=_signature(stack["webhook_secrets"]["standard"], body, now),
        trust_env=False,
        timeout=60,
    )
    answer.raise_for_status()
    return ticket_id


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
