"""Proof that a body comes from who holds the secret: HMAC-SHA256 over the raw bytes.

Two schemes, each checked before the body is parsed and compared in constant time:

- Stripe (docs.stripe.com/webhooks/signature): header `t=<seconds>,v1=<hex>[,v1=<hex>]` over
  `<t>.<body>`, keyed with the secret as it is written, `whsec_` included.
- Standard Webhooks 1.0 (standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
  `webhook-signature` = `v1,<base64>[ v1,<base64>]` over `<id>.<timestamp>.<body>`, keyed with
  the base64-decoded secret behind `whsec_`.

During rotation several secrets are active here and several signatures may come with one message:
any pair that fits is proof. An empty or undecodable secret never fits anything.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from points_ledger.domain.error import UnauthenticatedError

REPLAY_WINDOW_SECONDS: Final = 300
"""How far a message's time may lie from the clock, before or after it."""

MAX_SIGNATURES: Final = 16
"""Signatures in one message; a sender has one per active secret."""

_KEY_PREFIX: Final = "whsec_"
_MAX_TIMESTAMP_DIGITS: Final = 12


def verify_stripe(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> None:
    """Check a message in Stripe's scheme.

    Raises:
        UnauthenticatedError: header missing or malformed, outside the replay window, or signed
            with none of the secrets.
    """
    parts = [part.partition("=") for part in headers.get("stripe-signature", "").split(",")]
    if not all(separator for _, separator, _ in parts):
        raise UnauthenticatedError
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    _check_window(timestamp, now)
    signed = timestamp.encode() + b"." + body
    keys = (secret.encode() for secret in secrets if secret)
    _check_any(given, (_digest(key, signed).hex() for key in keys))


def verify_standard(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> None:
    """Check a message in the Standard Webhooks scheme.

    Raises:
        UnauthenticatedError: a header missing or malformed, outside the replay window, or signed
            with none of the secrets.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    parts = [part.partition(",") for part in headers.get("webhook-signature", "").split(" ")]
    given = [value for version, _, value in parts if version == "v1"]
    if not message_id:
        raise UnauthenticatedError
    _check_window(timestamp, now)
    signed = _bytes(message_id) + b"." + timestamp.encode() + b"." + body
    keys = (key for key in map(_decoded, secrets) if key)
    _check_any(given, (base64.b64encode(_digest(key, signed)).decode() for key in keys))


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
