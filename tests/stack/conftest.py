"""One client of the stack for all tests of the session."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.stack.client import StackClient


@pytest.fixture(scope="session")
def ledger(stack: Mapping[str, Any]) -> Iterator[StackClient]:
    with StackClient(stack) as client:
        yield client
