"""Splitting points between members by whole percentages (semantics 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from points_ledger.domain.identity import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One member's whole percentage of a plan; the percentages of a plan sum to 100."""

    member_id: MemberId
    percent: int


Allocation = tuple[Share, ...]


def whole(member_id: MemberId) -> Allocation:
    """The allocation without a plan: everything to one member."""
    return (Share(member_id=member_id, percent=100),)


def split(points: int, percents: Sequence[int]) -> tuple[int, ...]:
    """Hand out `points` by the Sainte-Laguë method.

    One by one to the highest percent / (2 × points so far + 1), ties to the earlier share.

    Each share starts at max(0, floor(quota) − number of shares), which the method is proven to
    reach, so the loop is short. A larger total never takes a point from anyone.
    """
    shares = len(percents)
    given = [max(0, points * percent // 100 - shares) for percent in percents]
    for _ in range(points - sum(given)):
        # Highest percent / (2 × given + 1), compared by cross-multiplication to stay exact.
        best = 0
        for index in range(1, shares):
            if percents[index] * (2 * given[best] + 1) > percents[best] * (2 * given[index] + 1):
                best = index
        given[best] += 1
    return tuple(given)
