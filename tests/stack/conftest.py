"""One stack and one client of it for all tests of the session."""

from collections.abc import Iterator

import pytest

from local import stack as local_stack
from tests.stack.client import StackClient


@pytest.fixture(scope="session")
def ledger() -> Iterator[StackClient]:
    """The stack that ``python -m local within`` names; one of its own where it names none."""
    with local_stack.stack_for_tests() as description, StackClient(description) as client:
        yield client
