"""The webhook secret: cached, read again in time, and never shown."""

import json
import traceback
from collections.abc import Sequence
from typing import Any

import pytest

from points_ledger.adapters.secrets import (
    CACHE_SECONDS,
    MAX_ACTIVE_SECRETS,
    MIN_REREAD_SECONDS,
    Secrets,
    SecretUnreadableError,
    WebhookSecrets,
)
from points_ledger.domain.error import UnauthenticatedError

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhooks"


class Store:
    """A secret that can be changed, a clock that can be moved, and a count of readings."""

    def __init__(self, **signing: list[str]) -> None:
        self.value: object = signing
        self.readings = 0
        self.seconds = 1_000.0

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        assert request == {"SecretId": ARN}
        self.readings += 1
        return {"SecretString": json.dumps(self.value)}

    def secrets(self) -> WebhookSecrets:
        client: Any = self
        return WebhookSecrets(client, ARN, monotonic_seconds=lambda: self.seconds)


class Signed:
    """A signature made with one secret."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.attempts: list[Sequence[str]] = []

    def verify(self, secrets: Sequence[str]) -> None:
        self.attempts.append(secrets)
        if self.secret not in secrets:
            raise UnauthenticatedError


def test_the_secret_is_read_once_in_a_minute() -> None:
    store = Store(stripe=["a", "b"])
    secrets = store.secrets()
    for _ in range(3):
        assert secrets.current().of("stripe") == ("a", "b")
        store.seconds += CACHE_SECONDS / 3 - 0.1
    assert store.readings == 1
    store.seconds += 1
    secrets.current()
    assert store.readings == 2


@pytest.mark.parametrize("secret", ["a", "b"])
def test_every_active_secret_counts(secret: str) -> None:
    store = Store(stripe=["a", "b"])
    store.secrets().prove("stripe", Signed(secret).verify)
    assert store.readings == 1


def test_a_new_secret_works_at_once() -> None:
    store = Store(stripe=["old"])
    secrets = store.secrets()
    secrets.current()
    store.value = {"stripe": ["new", "old"], "stripe_api_key": "key"}
    store.seconds += MIN_REREAD_SECONDS
    assert secrets.prove("stripe", Signed("new").verify).stripe_api_key == "key"
    assert store.readings == 2


def test_a_removed_secret_is_refused_after_a_minute_at_the_latest() -> None:
    store = Store(stripe=["old"])
    secrets = store.secrets()
    secrets.prove("stripe", Signed("old").verify)
    store.value = {"stripe": ["new"]}
    store.seconds += CACHE_SECONDS
    with pytest.raises(UnauthenticatedError):
        secrets.prove("stripe", Signed("old").verify)


def test_wrong_signatures_cannot_make_us_read_all_the_time() -> None:
    store = Store(stripe=["a"])
    secrets = store.secrets()
    for _ in range(100):
        with pytest.raises(UnauthenticatedError):
            secrets.prove("stripe", Signed("wrong").verify)
        store.seconds += 0.1
    assert store.readings <= 1 + 10 / MIN_REREAD_SECONDS


def test_unchanged_secrets_are_not_tried_twice() -> None:
    store = Store(stripe=["a"])
    secrets = store.secrets()
    secrets.current()
    store.seconds += MIN_REREAD_SECONDS
    signed = Signed("wrong")
    with pytest.raises(UnauthenticatedError):
        secrets.prove("stripe", signed.verify)
    assert signed.attempts == [("a",)]


@pytest.mark.parametrize("provider", ["square", "stripe", "unheard-of"])
def test_without_secrets_nothing_is_genuine(provider: str) -> None:
    store = Store(stripe=[], square=[""])
    signed = Signed("")
    with pytest.raises(UnauthenticatedError):
        store.secrets().prove(provider, signed.verify)
    assert signed.attempts == [()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        '["hunter2"]',
        '{"stripe": "hunter2"}',
        '{"stripe": ["a", 7]}',
        '{"stripe": null}',
        '{"stripe": [], "stripe_api_key": 7}',
        '{"square": [], "square_access_token": ["hunter2"]}',
        json.dumps({"stripe": ["hunter2"] * (MAX_ACTIVE_SECRETS + 1)}),
    ],
)
def test_another_form_is_an_error_that_does_not_show_it(text: str) -> None:
    with pytest.raises(SecretUnreadableError) as refused:
        Secrets.parse(text)
    assert "hunter2" not in refused.value.problem
    shown = traceback.format_exception(refused.value)
    assert not any("hunter2" in line for line in shown)


@pytest.mark.parametrize("api_key", ["null", '""'])
def test_no_api_key_is_none(api_key: str) -> None:
    assert Secrets.parse(f'{{"stripe_api_key": {api_key}}}').stripe_api_key is None
    assert Secrets.parse(f'{{"square_access_token": {api_key}}}').square_access_token is None


def test_each_provider_has_its_own_key() -> None:
    secrets = Secrets.parse('{"stripe_api_key": "a", "square_access_token": "b"}')
    assert (secrets.stripe_api_key, secrets.square_access_token) == ("a", "b")
    assert secrets.signing == {}


def test_secrets_are_never_shown() -> None:
    shown = repr(
        Secrets.parse(
            '{"stripe": ["hunter2"], "stripe_api_key": "hunter3", "square_access_token": "hunter4"}'
        )
    )
    assert "hunter" not in shown
