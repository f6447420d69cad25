"""Clients: one each, patient but not for ever, where the environment says."""

from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import pytest

from points_ledger.runtime import bootstrap, observability
from tests.unit.runtime.conftest import Printed

MAKERS: list[Callable[[], Any]] = [
    bootstrap.dynamodb,
    bootstrap.sqs,
    bootstrap.events,
    bootstrap.secrets,
]
WEBHOOKS_TIMEOUT_SECONDS = 10


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (
        bootstrap.dynamodb,
        bootstrap.sqs,
        bootstrap.events,
        bootstrap.secrets,
        bootstrap._session,
    ):
        cached.cache_clear()


@pytest.mark.parametrize("make", MAKERS, ids=["dynamodb", "sqs", "events", "secrets"])
def test_a_client_is_made_once_with_bounded_patience(make: Callable[[], Any]) -> None:
    client = make()
    assert make() is client
    assert client.meta.region_name == "eu-central-1"
    config = client.meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": bootstrap.MAX_ATTEMPTS}
    assert config.read_timeout * bootstrap.MAX_ATTEMPTS < WEBHOOKS_TIMEOUT_SECONDS
    assert config.connect_timeout <= config.read_timeout


def test_the_endpoint_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert bootstrap.sqs().meta.endpoint_url == "http://127.0.0.1:4566"


def test_the_clock_is_aware_and_in_utc() -> None:
    assert bootstrap.utc_now().tzinfo is UTC


@pytest.mark.parametrize(("attempts", "counted"), [(0, 0), (2, 2)])
def test_requests_that_are_sent_again_are_counted(
    attempts: int, counted: int, printed: Callable[[], Printed]
) -> None:
    answer = {"ResponseMetadata": {"RetryAttempts": attempts}}
    with observability.invocation():
        observability.count("posted")
        bootstrap.dynamodb().meta.events.emit(
            "after-call.dynamodb.GetItem", parsed=answer, context={}, http_response=None
        )
    assert printed().counted("request_retried") == counted
