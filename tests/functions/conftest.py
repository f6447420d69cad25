"""The functions on moto: one fixture makes everything new for each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functions.deployed import Deploy, Deployed, forget, new_stack, program, set_environment


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """Deploy with a program document of the test's own; None loads no program."""
    with new_stack(monkeypatch) as stack:

        def make(document: dict[str, Any] | None) -> Deployed:
            stack.set_up(document)
            return stack

        yield make


@pytest.fixture
def deployed(deploy: Deploy) -> Deployed:
    """A stack whose program lets points mature when paid, and spends any amount of them."""
    return deploy(program())


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """Functions that reach nothing: for what is refused before anything is read."""
    set_environment(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    forget()
    yield Deployed(monkeypatch)
    forget()
