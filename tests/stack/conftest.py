"""One client of the stack for all tests of the session."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.stack.client import StackClient
from tests.stack.published import Published, published_once

LATE = (
    "test_budgets.py",
    "test_challenges.py",
    "test_member_requests.py",
    "test_program_versions.py",
)


@pytest.fixture(scope="session")
def ledger(stack: Mapping[str, Any]) -> Iterator[StackClient]:
    with StackClient(stack) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def published(ledger: StackClient) -> Published:
    """The version of this session: it takes effect while other tests run."""
    return published_once(ledger)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need the session's version come last, so that nobody waits for it."""
    items.sort(key=lambda item: item.path.name in LATE)
