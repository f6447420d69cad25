"""Proof that a body comes from who holds the secret: HMAC-SHA256 over the raw bytes.

The schemes, each checked before the body is parsed and compared in constant time:

- Stripe (docs.stripe.com/webhooks/signature): header `t=<seconds>,v1=<hex>[,v1=<hex>]` over
  `<t>.<body>`, keyed with the secret as it is written, `whsec_` included.
- Standard Webhooks 1.0 (standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
  `webhook-signature` = `v1,<base64>[ v1,<base64>]` over `<id>.<timestamp>.<body>`, keyed with
  the base64-decoded secret behind `whsec_`.
- Square (developer.squareup.com/docs/webhooks/step3validate): header
  `x-square-hmacsha256-signature` = `<base64>` over `<notification URL><body>`, keyed with the
  subscription's signature key as it is written. There is no time in it; a message that somebody
  repeats is only a duplicate.
- Shopify (shopify.dev/docs/apps/build/webhooks/verify-deliveries): header `X-Shopify-Hmac-SHA256` =
  base64 over the body alone, keyed with the app's client secret as it is written. No time either.

During rotation several secrets are active here and several signatures may come with one message:
any pair that fits is proof. An empty or undecodable secret never fits anything.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import UnauthenticatedError

REPLAY_WINDOW_SECONDS: Final = 300
"""How far a message's time may lie from the clock, before or after it."""

MAX_SIGNATURES: Final = 16
"""Signatures in one message; a sender has one per active secret."""

_KEY_PREFIX: Final = "whsec_"
_MAX_TIMESTAMP_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came in: headers (lower-case names), the raw body, and the URL that was called."""

    headers: Mapping[str, str]
    body: bytes
    url: str = ""


def verify_stripe(sent: Sent, secrets: Sequence[str], now: datetime) -> None:
    """Check a message in Stripe's scheme.

    Raises:
        UnauthenticatedError: header missing or malformed, outside the replay window, or signed
            with none of the secrets.
    """
    parts = [part.partition("=") for part in sent.headers.get("stripe-signature", "").split(",")]
    if not all(separator for _, separator, _ in parts):
        raise UnauthenticatedError
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    _check_window(timestamp, now)
    signed = timestamp.encode() + b"." + sent.body
    keys = (secret.encode() for secret in secrets if secret)
    _check_any(given, (_digest(key, signed).hex() for key in keys))


def verify_standard(sent: Sent, secrets: Sequence[str], now: datetime) -> None:
    """Check a message in the Standard Webhooks scheme.

    Raises:
        UnauthenticatedError: a header missing or malformed, outside the replay window, or signed
            with none of the secrets.
    """
    headers, message_id = sent.headers, sent.headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    parts = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
    given = [value for version, _, value in parts if version == "v1"]
    if not message_id:
        raise UnauthenticatedError
    _check_window(timestamp, now)
    signed = _bytes(message_id) + b"." + timestamp.encode() + b"." + sent.body
    keys = (key for key in map(_decoded, secrets) if key)
    _check_any(given, (base64.b64encode(_digest(key, signed)).decode() for key in keys))


def verify_square(sent: Sent, secrets: Sequence[str], _now: datetime) -> None:
    """Check a message in Square's scheme; `sent.url` is the subscription's notification URL.

    Raises:
        UnauthenticatedError: header missing, or signed with none of the secrets or for another URL.
    """
    given = sent.headers.get("x-square-hmacsha256-signature", "")
    signed = _bytes(sent.url) + sent.body
    keys = (secret.encode() for secret in secrets if secret)
    _check_any([given], (base64.b64encode(_digest(key, signed)).decode() for key in keys))


def verify_shopify(sent: Sent, secrets: Sequence[str], _now: datetime) -> None:
    """Check a message in Shopify's scheme.

    Raises:
        UnauthenticatedError: header missing, or signed with none of the secrets.
    """
    given = sent.headers.get("x-shopify-hmac-sha256", "")
    keys = (secret.encode() for secret in secrets if secret)
    _check_any([given], (base64.b64encode(_digest(key, sent.body)).decode() for key in keys))


def _check_window(timestamp: str, now: datetime) -> None:
    if not (
        timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_TIMESTAMP_DIGITS
    ):
        raise UnauthenticatedError
    if abs(now.timestamp() - int(timestamp)) > REPLAY_WINDOW_SECONDS:
        raise UnauthenticatedError


def _check_any(given: Sequence[str], expected: Iterable[str]) -> None:
    if len(given) > MAX_SIGNATURES:
        raise UnauthenticatedError
    candidates = [_bytes(signature) for signature in given]
    fits = [
        hmac.compare_digest(candidate, right.encode())
        for right in expected
        for candidate in candidates
    ]
    if not any(fits):
        raise UnauthenticatedError


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _bytes(header: str) -> bytes:
    # Headers are untrusted text: what has no UTF-8 form still has to be compared, and fail.
    return header.encode(errors="backslashreplace")


def _decoded(secret: str) -> bytes:
    text = secret.removeprefix(_KEY_PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
