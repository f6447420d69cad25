"""Qualifying points: what of an earning counts towards a tier (semantics 8).

They are the matured points of a purchase as credited, after the split and all multipliers, in the
month of the program's zone in which it was posted. Where rules took part that do not qualify, the
points count in the proportion of what the rules give before campaigns and tier, exactly, and are
rounded down once. Actions never qualify. All of it follows from the earning's target and its
receipt, so the facts of one purchase come to the same in any order.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import Earned
from points_ledger.domain.program import Program
from points_ledger.domain.tier import counter_of, month_of

_WHOLE: Final = Fraction(1)
_NOTHING: Final[Mapping[str, int]] = {}


def qualified(
    earned: Earned, matured: int, *, program: Program, posted_at: datetime
) -> Mapping[str, int]:
    """The qualifying points of so many matured ones, by the counter of their month."""
    points = int(matured * qualifying_part(earned, program)) if matured > 0 else 0
    if not points:
        return _NOTHING
    return {counter_of(month_of(local_day(posted_at, program.zone))): points}


def qualifying_part(earned: Earned, program: Program) -> Fraction:
    """Which part of the points of an earning qualifies, from 0 to 1, by its pinned version."""
    given = dict(earned.rules)
    parts = [(rule, given[rule.id]) for rule in program.rules if rule.id in given]
    every = sum(points for _, points in parts)
    # Campaigns apply to purchases only, and may give points where no rule does.
    counting = sum(points for rule, points in parts if rule.on == "purchase" and rule.qualifying)
    return Fraction(counting, every) if every else _WHOLE
