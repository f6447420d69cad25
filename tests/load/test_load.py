"""A stack under mixed traffic loses and doubles nothing; a soak lasts as long as make load."""

import os

import pytest

from tests.load.judging import loaded
from tests.stack.client import StackClient

pytestmark = pytest.mark.stack

SECONDS, MEMBERS = (30.0, 24) if os.environ.get("SOAK") else (4.0, 6)


def test_a_load_leaves_every_balance_as_its_clients_wrote_it_down(
    stack: dict[str, object],
) -> None:
    with StackClient(stack) as ledger:
        found = loaded(ledger, seconds=SECONDS, members=MEMBERS, seed=1)
    assert found.wrong == ()
    assert found.run["failed"] == 0
    assert found.requests > 50, "there was a load"
