"""Drawing from campaign budgets: an earning is valued within them and draws in its own transaction.

What a shard of a budget has given is read with what decides, and taken by a conditional update
beside the earning that keeps the grant, so a budget is never exceeded, whatever happens at once
(domain/budget.py). Nothing guards that a shard stays empty: what is given back in the moment in
which another purchase finds nothing is left to those that come after it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from points_ledger.domain.aim import valued
from points_ledger.domain.budget import (
    SHARDS,
    Given,
    budget_room,
    budgeted,
    drawn_between,
    granted,
    lacking,
    own_shard,
    share_of,
)
from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.state import State
from points_ledger.service.ledger import View
from points_ledger.service.ports import BudgetKey, Draw


def own_shards(key: EarningKey, *, program: Program, posted_at: datetime) -> tuple[BudgetKey, ...]:
    """What a purchase posted at an instant most likely draws from, to be read with its earning."""
    shard = own_shard(key)
    return tuple(
        BudgetKey(campaign_id=campaign.id, shard=shard) for campaign in budgeted(program, posted_at)
    )


def valued_within_budgets(
    view: View,
    earning: Earning,
    *,
    program: Program,
    earner: State,
    known_as: Collection[MemberId],
) -> Earning:
    """The earning with its content valued anew, and the grants for it.

    It goes by the shards that were read already; the others are read where these are not enough.
    Nothing is drawn for somebody who was erased, since nothing is posted any more.
    """
    assert earning.posted_at is not None
    is_posted = earner.standing.status != "erased"
    ids = [campaign.id for campaign in budgeted(program, earning.posted_at)] if is_posted else []

    def drawing() -> tuple[Earning, list[BudgetKey]]:
        """With what was read so far; and what is to be read, where that was not enough."""
        given = _given(view, ids)
        room = budget_room(earning, given, program=program)
        found = valued(earning, program=program, earner=earner, known_as=known_as, budgets=room)
        wanted = _shards(lacking(found.earned, room) if is_posted else ())
        missing = [key for key in wanted if not view.has_read(key)]
        return granted(found, given, program=program), missing

    found, missing = drawing()
    if missing:
        view.load(*missing)
        found, _ = drawing()
    return found


def draws(before: Earning, after: Earning, *, program: Program) -> Iterator[Draw]:
    """The writes by which the shards follow the grants of an earning."""
    budgets = {campaign.id: campaign.budget_points for campaign in program.campaigns}
    for id_, shard, points in drawn_between(before.grants, after.grants):
        key = BudgetKey(campaign_id=id_, shard=shard)
        if points < 0:
            yield Draw(key=key, quantity=points)
            continue
        budget_points = budgets[id_]
        assert budget_points is not None
        yield Draw(key=key, quantity=points, share=share_of(budget_points, shard))


def _shards(campaign_ids: Iterable[str]) -> list[BudgetKey]:
    return [
        BudgetKey(campaign_id=id_, shard=shard)
        for id_ in sorted(campaign_ids)
        for shard in range(SHARDS)
    ]


def _given(view: View, campaign_ids: Iterable[str]) -> Given:
    """What the shards have given that were read already."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for key in filter(view.has_read, _shards(campaign_ids)):
        budget = view.budget(key)
        found[key.campaign_id][key.shard] = budget.given if budget is not None else 0
    return found
