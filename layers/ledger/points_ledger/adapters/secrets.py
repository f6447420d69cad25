"""The webhook secret: signing secrets by provider, several active while one is replaced.

`{"stripe": ["whsec_…", …], "standard": […], "square": [], "shopify": [], "stripe_api_key": null,
"square_access_token": null}`
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import UnauthenticatedError

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS: Final = 60
MIN_REREAD_SECONDS: Final = 5
"""Between two readings that wrong signatures cause: anybody can send a wrong signature."""

MAX_ACTIVE_SECRETS: Final = 8
"""Per provider; each costs a digest per delivery."""

STRIPE_API_KEY: Final = "stripe_api_key"
SQUARE_API_KEY: Final = "square_access_token"


@dataclass(eq=False)
class SecretUnreadableError(Exception):
    """The secret does not have the form that it must have; `problem` names no value."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secret as it was read; never shown, not even by a debugger's repr."""

    signing: Mapping[str, tuple[str, ...]] = field(repr=False)
    stripe_api_key: str | None = field(repr=False)
    square_access_token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Secrets":
        """Read the secret's JSON.

        Raises:
            SecretUnreadableError: not such an object.
        """
        try:
            value = json.loads(text)
        except ValueError:
            raise SecretUnreadableError("is not JSON") from None  # the error quotes the secret
        if not isinstance(value, dict):
            raise SecretUnreadableError("is not an object")
        stripe, square = (_key(value, name) for name in (STRIPE_API_KEY, SQUARE_API_KEY))
        signing = {provider: _signing(provider, listed) for provider, listed in value.items()}
        return cls(signing=signing, stripe_api_key=stripe, square_access_token=square)

    def of(self, provider: str) -> tuple[str, ...]:
        """The active signing secrets of a provider; without any, nothing it sends is genuine."""
        return self.signing.get(provider, ())


class WebhookSecrets:
    """The secret, read at most once in `CACHE_SECONDS` unless a signature did not fit."""

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_arn: str,
        *,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._monotonic_seconds = monotonic_seconds
        self._cached: Secrets | None = None
        self._read_at_seconds = 0.0

    def current(self) -> Secrets:
        """The secrets, at most `CACHE_SECONDS` old.

        Raises:
            SecretUnreadableError: the secret has another form.
        """
        if self._cached is None or self._age_seconds() >= CACHE_SECONDS:
            return self._read()
        return self._cached

    def prove(self, provider: str, verify: Callable[[Sequence[str]], None]) -> Secrets:
        """Verify a signature with the active secrets, so that rotation takes effect at once.

        When none of the cached ones fits, the secret is read again, unless that was done less than
        `MIN_REREAD_SECONDS` ago, and the newer ones are tried. Returns the secrets that fitted.

        Raises:
            UnauthenticatedError: raised by `verify` for the newest secrets.
            SecretUnreadableError: the secret has another form.
        """
        secrets = self.current()
        try:
            verify(secrets.of(provider))
        except UnauthenticatedError:
            if self._age_seconds() < MIN_REREAD_SECONDS:
                raise
            newest = self._read()
            if newest.of(provider) == secrets.of(provider):
                raise
            verify(newest.of(provider))
            return newest
        return secrets

    def _age_seconds(self) -> float:
        return self._monotonic_seconds() - self._read_at_seconds

    def _read(self) -> Secrets:
        answer = self._client.get_secret_value(SecretId=self._secret_arn)
        self._cached = Secrets.parse(answer["SecretString"])
        self._read_at_seconds = self._monotonic_seconds()
        return self._cached


def _key(value: dict[str, object], name: str) -> str | None:
    key = value.pop(name, None)
    if key is not None and not isinstance(key, str):
        raise SecretUnreadableError(f"{name} is neither text nor null")
    return key or None


def _signing(provider: str, listed: object) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise SecretUnreadableError(f"{provider} is not a list of texts")
    if len(listed) > MAX_ACTIVE_SECRETS:
        raise SecretUnreadableError(f"{provider} has more than {MAX_ACTIVE_SECRETS} secrets")
    return tuple(each for each in listed if each)
