"""Ways of getting budgets wrong, each of which the simulation must notice."""

from contextlib import ExitStack
from typing import Final
from unittest.mock import patch

from points_ledger.service import budgeting
from points_ledger.service.ports import Draw
from tests.simulation.patching import in_two, unchecked, without


def _draws_afterwards(stack: ExitStack) -> None:
    """The budget is drawn from after the points were posted."""
    in_two(stack, lambda write: isinstance(write, Draw))


def _draws_whatever_is_left(stack: ExitStack) -> None:
    """A shard gives without looking at its share."""
    unchecked(stack, lambda write: isinstance(write, Draw))


def _never_gives_back(stack: ExitStack) -> None:
    """What a purchase no longer needs stays drawn."""
    without(stack, lambda write, _: isinstance(write, Draw) and write.quantity < 0)


def _draws_no_grant(stack: ExitStack) -> None:
    """The points are granted, and no shard hears of it."""
    stack.enter_context(patch.object(budgeting, "drawn_between", lambda _before, _after: ()))


FAMILIES: Final = (
    (_draws_afterwards, "last_points"),
    (_draws_whatever_is_left, "last_points"),
    (_never_gives_back, "given_back"),
    (_draws_no_grant, "last_points"),
)
"""Each with the family of scenarios that it shows in."""
