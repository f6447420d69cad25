"""The ledger that is measured, on a table of its own in the stack under test."""

from collections.abc import Iterator
from typing import Any

import pytest

from local import stack as local_stack
from tests.benchmarks.reference import Ledger, ledger_on


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """The stack that ``python -m local within`` names; one of its own where it names none."""
    with local_stack.stack_for_tests() as description:
        yield description


@pytest.fixture
def ledger(stack: dict[str, Any]) -> Iterator[Ledger]:
    with ledger_on(stack["endpoint_url"], stack["region"]) as ledger:
        yield ledger
