"""The functions on moto: one fixture makes everything new for each test."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from moto import mock_aws

from tests.functions.deployed import CACHES, Deploy, Deployed, environment, program


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """Deploy with a program document of the test's own; None loads no program."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Streams are else asked for at an address of the account, which moto does not answer.
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # Loggers of one name share their handlers for good: each test has one of its own.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"functions-{uuid4()}")
    for cached in CACHES:
        cached.cache_clear()
    stack = Deployed(monkeypatch)

    def make(document: dict[str, Any] | None) -> Deployed:
        stack.set_up(document)
        return stack

    with mock_aws():
        yield make
    for cached in CACHES:
        cached.cache_clear()
    stack.check()


@pytest.fixture
def deployed(deploy: Deploy) -> Deployed:
    """A stack whose program lets points mature when paid, and spends any amount of them."""
    return deploy(program())
