"""The fault script asks for what the rules say, and the rules do not depend on order."""

from itertools import permutations

import pytest

from tests.benchmarks.peers import oracle
from tests.benchmarks.peers.script import (
    FAULTS,
    ORDER,
    WORKERS,
    Fault,
    Tell,
    Together,
    bought,
    redeem,
    refund,
    told,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_expected_balance_is_what_the_rules_give(fault: Fault) -> None:
    account = oracle.after(fault.steps)

    assert account.available == fault.expected
    assert fault.accepted in (None, len(account.accepted))


@pytest.mark.parametrize("fault", ORDER, ids=lambda fault: fault.name)
def test_facts_in_any_order_and_repeated_end_the_same(fault: Fault) -> None:
    for steps in permutations(fault.steps):
        assert oracle.after([*steps, *steps]).available == fault.expected


def test_names_are_unique_and_no_step_needs_more_workers_than_there_are() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    crowds = [step for fault in FAULTS for step in fault.steps if isinstance(step, Together)]
    assert max(len(step.messages) for step in crowds) == WORKERS


def test_a_script_without_the_fault_would_end_elsewhere() -> None:
    """The oracle is no constant: take a step away, and another balance is right."""
    steps: list[Tell] = [*bought("a"), *told(redeem(40), refund("30.00"))]

    assert [oracle.after(steps[:count]).available for count in range(5)] == [0, 0, 100, 60, 30]
