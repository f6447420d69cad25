"""How hard Hypothesis tries, and one local stack for all tests of a session that need one.

Hypothesis tries briefly by default, longer with HYPOTHESIS_PROFILE=soak, for a night
with HYPOTHESIS_PROFILE=long.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from local import stack as local_stack

TESTS: Final = Path(__file__).parent
PLAYED_AT_LENGTH: Final = ("faults", "load", "openapi", "property", "simulation")
"""Suites that try more the longer they may: with SOAK all of them is played (make soak)."""

settings.register_profile(
    "brief",
    deadline=None,
    database=None,
    max_examples=60,
    stateful_step_count=40,
    # How long it takes to make an example tells of the machine, which is busy here.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "soak", settings.get_profile("brief"), max_examples=200, stateful_step_count=80
)
settings.register_profile(
    "long", settings.get_profile("brief"), max_examples=3_000, stateful_step_count=80
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark for a soak what is played at length in it; without SOAK nothing is."""
    if os.environ.get("SOAK"):
        for item in items:
            if item.path.relative_to(TESTS).parts[0] in PLAYED_AT_LENGTH:
                item.add_marker(pytest.mark.soak)


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """The stack that ``python -m local within`` names; one of its own where it names none."""
    with local_stack.stack_for_tests() as description:
        yield description
