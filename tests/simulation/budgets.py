"""Families of scenarios about campaigns with a budget.

How much a purchase finds left depends on the order, and what is given back at the very moment in
which another one finds nothing is not seen by it. So either a budget is used up and nothing comes
back, or things come back and there is plenty; both at once are in tests/property/test_budgets.py.
"""

from collections.abc import Callable
from typing import Final

from points_ledger.domain.program import Program
from tests.builders import campaign, paid, posted, program
from tests.simulation.draft import MINUTE, POSTED_AT, ScenarioDraft, enrolled_before, some_facts

CUSTOMERS: Final = ("ada", "bob", "cleo")
PLENTY: Final = 100_000


def budgeted(draft: ScenarioDraft, *points: int) -> Program:
    """Campaigns that double what a purchase earns, with these budgets."""
    return program(
        campaigns=[
            campaign(f"campaign-{place}", multiplier="2", budget_points=budget)
            for place, budget in enumerate(points)
        ],
        stacking=draft.dice.choice(("add", "highest")) if len(points) > 1 else "add",
    )


def last_points(draft: ScenarioDraft) -> None:
    """Purchases of several members that together would take more than there is."""
    dice = draft.dice
    draft.rules = budgeted(draft, dice.choice((1, 30, 50, 77)))
    draft.compared = "together"
    enrolled_before(draft, *CUSTOMERS)
    are_paid = draft.chance(0.5)  # all or none: who gets the last points depends on the order
    for number in range(dice.choice((3, 4, 5))):
        id_, amount = f"purchase-{number}", dice.choice(("7.00", "20.00", "31.50"))
        draft.facts.append(posted(amount, id=id_, at=POSTED_AT, customer=dice.choice(CUSTOMERS)))
        if are_paid:
            draft.facts.append(paid(amount, id=id_, at=POSTED_AT + MINUTE))


def given_back(draft: ScenarioDraft) -> None:
    """Purchases that grow, shrink and go, of one or two campaigns with plenty to give."""
    dice = draft.dice
    draft.rules = budgeted(draft, *([PLENTY] * dice.choice((1, 2))))
    enrolled_before(draft, *CUSTOMERS)
    for number in range(dice.choice((1, 2))):
        customer = dice.choice(CUSTOMERS)
        draft.facts += some_facts(dice, f"purchase-{number}", customer, at_most=4, other="bob")


Family = Callable[[ScenarioDraft], None]
FAMILIES: Final[tuple[Family, ...]] = (last_points, given_back)
