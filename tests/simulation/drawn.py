"""What must hold of budgets after every schedule."""

from collections import Counter
from collections.abc import Iterable

from points_ledger.domain.budget import share_of
from points_ledger.domain.earning import Earning
from points_ledger.domain.program import Program
from points_ledger.service.ports import Budget
from tests.memory_store import MemoryStore
from tests.simulation.after import After, items


def budgets_are_kept(after: After) -> Iterable[str]:
    """No shard gives more than its share, and what it gave is what earnings hold of it."""
    yield from unkept(after.store, after.scenario.rules)


def unkept(store: MemoryStore, rules: Program) -> Iterable[str]:
    """What is wrong with the budgets of a store."""
    budgets = {each.id: each.budget_points for each in rules.campaigns}
    held: Counter[tuple[str, int]] = Counter()
    for earning in items(store, Earning):
        for id_, grant in earning.grants.items():
            held.update({(id_, shard): points for shard, points in grant.items()})
    for budget in items(store, Budget):
        place = budget.campaign_id, budget.shard
        points = budgets[budget.campaign_id]
        assert points is not None
        if not 0 <= budget.given <= share_of(points, budget.shard):
            yield f"{place} has given {budget.given}"
        if budget.given != held.pop(place, 0):
            yield f"{place} has given {budget.given}, earnings hold something else"
    yield from (f"{place} has given nothing, earnings hold {n}" for place, n in held.items() if n)
