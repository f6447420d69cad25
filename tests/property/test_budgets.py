"""Budgets are never exceeded: random purchases, refunds, edits and voids, in random schedules.

Each schedule is played in the simulated world: workers stop between any two requests, commits are
lost or answered late, and some workers are killed. After every single commit no shard has given
more than its share, and in the end the shards have given what the earnings hold; what a budget cut
is recomputed from the entries.
"""

import random
from collections import Counter
from typing import Final

from points_ledger.domain.budget import SHARDS, share_of
from points_ledger.domain.earning import Earning
from points_ledger.domain.fact import Fact
from points_ledger.domain.receipt import read_content
from points_ledger.domain.rules import drawn_points
from points_ledger.domain.verification import Book, verify
from points_ledger.service.ports import BudgetKey, Draw
from tests.builders import campaign, posted, program, refund_cancelled, refunded, voided
from tests.simulation.after import items
from tests.simulation.draft import MINUTE, POSTED_AT, ScenarioDraft, enrolled_before
from tests.simulation.drawn import unkept
from tests.simulation.scenario import Scenario, prepared
from tests.simulation.world import World

SCHEDULES: Final = 500
VERIFIED_EVERY: Final = 5
CUSTOMERS: Final = ("ada", "bob", "cleo")
AMOUNTS: Final = ("3.00", "10.50", "20.00", "45.00")


def some_purchase(dice: random.Random, id_: str) -> list[Fact]:
    """A purchase, and some of what becomes of it."""
    customer = dice.choice(CUSTOMERS)
    more: list[Fact] = [
        posted(
            dice.choice(AMOUNTS),
            id=id_,
            at=POSTED_AT,
            updated_at=POSTED_AT + MINUTE,
            customer=dice.choice((customer, "bob")),
        ),
        refunded(dice.choice(("2.00", "50.00")), id=id_, at=POSTED_AT + 2 * MINUTE),
        refund_cancelled(id=id_, at=POSTED_AT + 3 * MINUTE),
        voided(id=id_, at=POSTED_AT + 4 * MINUTE),
    ]
    first = posted(dice.choice(AMOUNTS), id=id_, at=POSTED_AT, customer=customer)
    return [first, *dice.sample(more, dice.choice((0, 0, 1, 2)))]


def schedule(seed: int) -> tuple[Scenario, World]:
    """A budget that is too small for everybody, and everything that happens at once."""
    dice = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    draft = ScenarioDraft(dice=dice)
    budgets = [dice.choice((1, 7, 30, 60, 90)) for _ in range(dice.choice((1, 1, 2)))]
    draft.rules = program(
        campaigns=[
            campaign(
                f"campaign-{place}",
                multiplier=dice.choice(("2", "1.5", "3")),
                member_cap_points=dice.choice((None, None, 40)),
                budget_points=points,
            )
            for place, points in enumerate(budgets)
        ],
        stacking=dice.choice(("add", "highest")),
    )
    enrolled_before(draft, *CUSTOMERS)
    for number in range(dice.randint(2, 5)):
        draft.facts += some_purchase(dice, f"purchase-{number}")
    scenario = prepared(draft, "budgets")
    return scenario, scenario.world(seed)


def test_budgets_are_never_exceeded_in_random_parallel_schedules() -> None:
    exhausted = truncated = returned = lost = 0
    for seed in range(SCHEDULES):
        scenario, world = schedule(seed)
        history = world.play()
        assert not history.errors, (seed, history.errors)
        budgets = {each.id: each.budget_points or 0 for each in scenario.rules.campaigns}
        given: Counter[BudgetKey] = Counter()
        for sent in history.log:
            for draw in (write for write in sent.writes if isinstance(write, Draw)):
                assert isinstance(draw.key, BudgetKey)
                given[draw.key] += draw.quantity
                share = share_of(budgets[draw.key.campaign_id], draw.key.shard)
                assert 0 <= given[draw.key] <= share, (seed, draw)
                returned += draw.quantity < 0
        assert list(unkept(world.store, scenario.rules)) == [], seed
        if seed % VERIFIED_EVERY == 0:
            chains = {id_: world.store.chain(id_) for id_ in world.store.members()}
            for found in verify(Book(chains=chains, programs={1: scenario.rules})):
                assert found.difference is None, (seed, found.difference)
        for earning in items(world.store, Earning):
            uses = drawn_points(read_content(earning.earned.inputs), program=scenario.rules)
            held = {id_: sum(grant.values()) for id_, grant in earning.grants.items()}
            assert held == uses, (seed, earning.key)
            truncated += bool(earning.earned.truncated)
        lost += sum(run.commits_lost for run, _ in history.losers)
        exhausted += any(
            sum(given[BudgetKey(campaign_id=id_, shard=shard)] for shard in range(SHARDS)) == points
            for id_, points in budgets.items()
        )
    # Schedules in which nothing is scarce and nobody is late would show nothing.
    assert exhausted > SCHEDULES // 4
    assert min(truncated, returned, lost) > SCHEDULES // 4, (truncated, returned, lost)
