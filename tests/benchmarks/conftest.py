"""The ledger that is measured, on a table of its own in the stack under test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.reference import Ledger, ledger_on


@pytest.fixture
def ledger(stack: dict[str, Any]) -> Iterator[Ledger]:
    with ledger_on(stack["endpoint_url"], stack["region"]) as ledger:
        yield ledger
