"""Budgets: how many points a campaign gives in all, whoever earns them (semantics 3.1).

A budget is kept in SHARDS shards, each of which counts what it has given and may give its share of
the points, so that purchases that happen at once seldom meet. An earning draws from the shard that
its key chooses, and from the others where there is too little. What it drew from which shard is its
grant: pinned in the earning, and given back where the earning needs less.

The points of the budget are those of the earning's version of the program. The grants of all
versions count in the same shards; where a later version has a smaller budget, every shard stops at
its smaller share, so that in all no more is given than by the largest budget of any version.
"""

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from points_ledger.domain.dataclass import replace
from points_ledger.domain.earning import Earned, Earning, Grants
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.program import Campaign, Program
from points_ledger.domain.receipt import read_content
from points_ledger.domain.rules import drawn_points, is_running

SHARDS: Final = 4

Given = Mapping[str, Mapping[int, int]]
"""What shards have given so far: by campaign and shard, as far as they were read."""


def own_shard(key: EarningKey) -> int:
    """The shard that an earning draws from first."""
    return zlib.crc32(str(key).encode()) % SHARDS


def share_of(budget_points: int, shard: int) -> int:
    """How many points of a budget one shard may give; the shares of all shards sum to it."""
    return budget_points // SHARDS + (shard < budget_points % SHARDS)


def budgeted(program: Program, posted_at: datetime) -> tuple[Campaign, ...]:
    """The campaigns with a budget that are about what was posted at an instant.

    In analysis mode nothing is given, so nothing is drawn.
    """
    if program.mode == "analysis":
        return ()
    return tuple(
        campaign
        for campaign in program.campaigns
        if campaign.budget_points is not None and is_running(campaign, posted_at, program)
    )


def budget_room(earning: Earning, given: Given, *, program: Program) -> dict[str, int]:
    """How much an earning may draw in all by what is known: what it has, and what is free.

    Of a shard that was not read nothing is free.
    """
    assert earning.posted_at is not None
    return {
        campaign.id: sum(earning.grants.get(campaign.id, {}).values())
        + sum(_free(campaign, shard, given) for shard in range(SHARDS))
        for campaign in budgeted(program, earning.posted_at)
    }


def lacking(earned: Earned, room: Mapping[str, int]) -> frozenset[str]:
    """The campaigns whose budget, as far as it is known, cut what an earning is worth."""
    campaigns = read_content(earned.inputs).campaigns
    return frozenset(
        id_ for id_, left in room.items() if id_ in campaigns and campaigns[id_].room == left
    )


def granted(earning: Earning, given: Given, *, program: Program) -> Earning:
    """The earning with grants for what it is worth: it draws what is missing, returns the rest.

    It draws from its own shard first, and returns what it drew last.
    """
    uses = {}
    if program.mode != "analysis":
        uses = drawn_points(read_content(earning.earned.inputs), program=program)
    by_id = {campaign.id: campaign for campaign in program.campaigns}
    grants: dict[str, Mapping[int, int]] = {}
    for id_ in sorted({*earning.grants, *uses}):
        held = dict(earning.grants.get(id_, {}))
        missing = uses.get(id_, 0) - sum(held.values())
        if missing > 0:
            held = _drawn(held, missing, by_id[id_], given, own_shard(earning.key))
        elif missing < 0:
            held = _returned(held, -missing, own_shard(earning.key))
        if held:
            grants[id_] = held
    return earning if grants == earning.grants else replace(earning, grants=grants)


def drawn_between(before: Grants, after: Grants) -> Iterator[tuple[str, int, int]]:
    """What changes in the shards: campaign, shard and points, below zero where they come back."""
    for id_ in sorted({*before, *after}):
        old, new = before.get(id_, {}), after.get(id_, {})
        for shard in sorted({*old, *new}):
            points = new.get(shard, 0) - old.get(shard, 0)
            if points:
                yield id_, shard, points


def _free(campaign: Campaign, shard: int, given: Given) -> int:
    known = given.get(campaign.id, {})
    if shard not in known:
        return 0
    assert campaign.budget_points is not None
    return max(0, share_of(campaign.budget_points, shard) - known[shard])


def _order(own: int) -> list[int]:
    """The shards in the order in which an earning draws from them."""
    return [(own + step) % SHARDS for step in range(SHARDS)]


def _drawn(
    held: dict[int, int], points: int, campaign: Campaign, given: Given, own: int
) -> dict[int, int]:
    for shard in _order(own):
        part = min(points, _free(campaign, shard, given))
        if part:
            held[shard] = held.get(shard, 0) + part
            points -= part
    assert not points, "nothing is worth more than there is room for"
    return dict(sorted(held.items()))


def _returned(held: dict[int, int], points: int, own: int) -> dict[int, int]:
    for shard in reversed(_order(own)):
        part = min(points, held.get(shard, 0))
        if part:
            held[shard] -= part
            points -= part
    return {shard: left for shard, left in held.items() if left}
