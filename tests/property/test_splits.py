"""The split of points is the Sainte-Laguë method, whatever the plan and the total.

Handing out point by point gives each the place (percent / (2k + 1)) in one order of all places; a
result is right exactly when every place that got a point comes before every place that got none.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.limit import MAX_POINTS, MAX_SHARES_PER_PLAN
from points_ledger.domain.sharing import split

FEW = 2_000
"""So many points are handed out one by one."""


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, ...]:
    """Whole percentages of up to ten shares that sum to 100."""
    count = draw(st.integers(1, MAX_SHARES_PER_PLAN))
    cuts = draw(st.sets(st.integers(1, 99), min_size=count - 1, max_size=count - 1))
    edges = [0, *sorted(cuts), 100]
    return tuple(right - left for left, right in pairwise(edges))


def one_by_one(points: int, percents: Sequence[int]) -> tuple[int, ...]:
    """The definition, without any shortcut."""
    given_out = [0] * len(percents)
    for _ in range(points):
        quotients = [Fraction(p, 2 * g + 1) for p, g in zip(percents, given_out, strict=True)]
        given_out[quotients.index(max(quotients))] += 1
    return tuple(given_out)


def is_in_order(given_out: Sequence[int], percents: Sequence[int]) -> bool:
    """Whether each last point given comes before each next point not given; earlier wins a tie."""
    shares = list(enumerate(zip(percents, given_out, strict=True)))
    for (i, (p, g)), (j, (q, h)) in product(shares, shares):
        if i == j or not g:
            continue
        got, next_ = Fraction(p, 2 * g - 1), Fraction(q, 2 * h + 1)
        if got < next_ or (got == next_ and i > j):
            return False
    return True


@given(plans(), st.integers(0, FEW // 10))
def test_the_split_is_that_of_handing_out_one_by_one(
    percents: tuple[int, ...], points: int
) -> None:
    assert split(points, percents) == one_by_one(points, percents)


@given(plans(), st.integers(0, 1_000_000) | st.integers(0, MAX_POINTS))
def test_every_point_is_given_out_in_order(percents: tuple[int, ...], points: int) -> None:
    given_out = split(points, percents)
    assert sum(given_out) == points
    assert is_in_order(given_out, percents)


@given(plans(), st.integers(0, MAX_POINTS - FEW), st.integers(0, FEW))
def test_no_share_falls_when_the_total_grows(
    percents: tuple[int, ...], points: int, more: int
) -> None:
    before, after = split(points, percents), split(points + more, percents)
    assert all(new >= old for old, new in zip(before, after, strict=True))


def test_the_order_tells_a_wrong_split_from_the_right_one() -> None:
    assert is_in_order((5, 4, 1), (43, 43, 14))
    assert not is_in_order((4, 5, 1), (43, 43, 14))
    assert not is_in_order((5, 5, 0), (43, 43, 14))
