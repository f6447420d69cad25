"""Every handler killed after every write, refused, unanswered, overtaken: the end is the same."""

import os
import random
from collections import Counter
from itertools import product
from typing import Final

import pytest

from points_ledger.runtime import bootstrap
from tests.faults import story
from tests.faults.wire import KINDS, Kind
from tests.functions import access
from tests.functions.test_samples import STORY

SOAK: Final = bool(os.environ.get("SOAK"))
PARTS: Final = 3 if SOAK else 23
"""Each run plays one of so many parts of the faults; `make soak` plays every third one. An odd
number, so that each part has all kinds."""
RATE: Final = 0.3
"""How many of all requests fail."""
LONG_RUNS: Final = ("checkpoints/", "reconciliation/")
"""Of dozens of requests one after the other: here they fail as AWS's own client sees it, which
tries each three times."""
SHAKEN: Final = 1 if SOAK else 11
"""Each run lets requests fail in one of so many steps."""
SEEDS: Final = 2 if SOAK else 1

Found = dict[str, list[str]]


def rate_of(name: str) -> float:
    """How often a request of a sample fails for good."""
    return RATE**bootstrap.MAX_ATTEMPTS if name.startswith(LONG_RUNS) else RATE


def note(found: Found, name: str, differences: list[str]) -> None:
    if differences:
        found[name] = differences


def test_after_one_fault_at_any_write_all_is_as_without_it() -> None:
    found: Found = {}
    played: Counter[Kind] = Counter()
    number = 0
    with story.opened() as told:
        for step in told.steps():
            for write, kind in product(range(1, step.writes + 1), KINDS):
                number += 1
                if number % PARTS == 0:
                    played[kind] += 1
                    note(found, f"{step.name} {kind} at {write}", told.hurt(step, kind, write))
    assert found == {}
    assert min(played[kind] for kind in KINDS) >= 5


@pytest.mark.parametrize("seed", range(SEEDS))
def test_when_every_third_request_fails_all_ends_as_without_failures(seed: int) -> None:
    found: Found = {}
    with story.opened() as told:
        told.wire.dice = random.Random(seed)  # noqa: S311 - what fails is no secret
        for number, step in enumerate(told.steps()):
            if number % SHAKEN == 0 and step.name not in story.GIVES_UP:
                note(found, step.name, told.shake(step, rate_of(step.name)))
        assert told.wire.faults > len(STORY) / SHAKEN / 2, "too few failed"
    assert found == {}


def test_every_function_that_writes_is_in_the_story() -> None:
    writes = ("PutItem", "UpdateItem", "DeleteItem")
    template = access.template()
    writing = {
        function.folder
        for function in template.functions
        if any(template.grants(function, f"dynamodb:{action}") for action in writes)
    }
    played = {name.partition("/")[0] for _, name, _ in STORY if name.endswith("_ok")}
    # What it queues, the provider delivers again (tests/functions/test_webhooks.py).
    assert writing - played <= {"webhooks"}
