"""Sessions: what sign-in pages send, and what they are answered."""

from collections.abc import Mapping
from typing import Annotated, Final

from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import Text
from points_ledger.contracts.responses import Document
from points_ledger.domain.dataclass import dataclass

MAX_SECRET_CHARACTERS: Final = 4_096
"""Of a password or a challenge; the pool has bounds of its own."""
MIN_CHALLENGE_CHARACTERS: Final = 20
"""Of what the pool gives out; it is not even asked about less."""


def _secret(value: str) -> str:
    """As it was typed: nothing is trimmed."""
    if not 1 <= len(value) <= MAX_SECRET_CHARACTERS:
        raise ValueError(f"must have 1 to {MAX_SECRET_CHARACTERS} characters")
    return value


def _challenge(value: str) -> str:
    if len(value) < MIN_CHALLENGE_CHARACTERS:
        raise ValueError(f"must have at least {MIN_CHALLENGE_CHARACTERS} characters")
    return value


Secret = Annotated[str, _secret, Schema(minLength=1, maxLength=MAX_SECRET_CHARACTERS)]

Challenge = Annotated[Secret, _challenge, Schema(minLength=MIN_CHALLENGE_CHARACTERS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInBody:
    """POST /session."""

    username: Text
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordBody:
    """POST /session/new-password: `challenge` is what POST /session answered."""

    username: Text
    new_password: Secret
    challenge: Challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenPasswordBody:
    """POST /session/forgotten-password."""

    username: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetBody:
    """POST /session/reset-password: `code` is what was mailed."""

    username: Text
    code: Secret
    new_password: Secret


def session_document(id_token: str, expires_in_seconds: int) -> Document:
    """A session that has begun, or goes on."""
    return {"id_token": id_token, "expires_in_seconds": expires_in_seconds}


def challenge_document(challenge: str) -> Mapping[str, object]:
    """A first sign-in: a new password has to come back with the challenge."""
    return {"new_password_required": True, "challenge": challenge}
