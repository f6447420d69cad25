"""Every test here plays many schedules."""

from collections.abc import Iterator

import pytest

from tests.simulation.remembered import remembered


@pytest.fixture(autouse=True, scope="module")
def _arithmetic_is_remembered() -> Iterator[None]:
    with remembered():
        yield
