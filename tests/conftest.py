"""One local stack for all tests of a session that need one."""

from collections.abc import Iterator
from typing import Any

import pytest

from local import stack as local_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """The stack that ``python -m local within`` names; one of its own where it names none."""
    with local_stack.stack_for_tests() as description:
        yield description
