"""The link that ends mails without a sign-in: a member id, and a proof that we wrote it.

The token is `<member id>.<HMAC-SHA256 over its purpose and the id>`, both in URL-safe base64. It
does not run out, since old mails have to be stoppable too, and lets nobody do anything else.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from points_ledger.domain.identity import MemberId

MAX_TOKEN_CHARACTERS: Final = 2_048
"""The longest id takes about 1,400 of them."""

_PURPOSE: Final = "points-ledger unsubscribe\n"


def token_of(member_id: MemberId, key: str) -> str:
    """The token that ends the mails of a member."""
    return f"{_encoded(member_id.encode())}.{_encoded(_proof(member_id, key))}"


def member_of(token: str, key: str) -> MemberId | None:
    """Whose mails a token ends; None where we have not written it."""
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        return None
    id_, _, proof = token.partition(".")
    try:
        member_id = MemberId(_decoded(id_).decode())
        shown = _decoded(proof)
    except (binascii.Error, ValueError):
        return None
    return member_id if hmac.compare_digest(_proof(member_id, key), shown) else None


def _proof(member_id: MemberId, key: str) -> bytes:
    return hmac.digest(key.encode(), f"{_PURPOSE}{member_id}".encode(), hashlib.sha256)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
