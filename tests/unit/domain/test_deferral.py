"""The worksheet of docs/deferred-revenue.md, reckoned again."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from points_ledger.domain.deferral import Deferral, cost_per_point, reserve, rounded
from points_ledger.domain.program import PointValue

VALUE = PointValue(points=100, amount=Decimal("1.00"))
BREAKAGE = Decimal("0.20")
PAGE = Path(__file__).parents[3] / "docs" / "deferred-revenue.md"
FIRST = Deferral(
    revenue=Decimal("100000.00"),
    points=400_000,
    price_per_point=cost_per_point(VALUE, BREAKAGE),
    breakage=BREAKAGE,
    currency="USD",
)


def rows() -> dict[str, list[str]]:
    """The lines of the page's tables by their first cell."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in cells}


def test_the_example_of_the_page() -> None:
    page = rows()
    worth = rounded(FIRST.points * FIRST.price_per_point, "USD")
    assert page["value of a point"] == ["0.01"]
    assert Fraction(page["price of a point, with breakage"][0]) == FIRST.price_per_point
    assert page["points at that price"] == [f"{worth:,}"]
    assert page["deferred for the points"] == [f"{FIRST.deferred:,}"]
    assert page["revenue of the goods"] == [f"{FIRST.revenue - FIRST.deferred:,}"]
    assert page["points expected to be redeemed"] == [f"{int(FIRST.expected_points):,}"]


def test_what_is_recognised_quarter_by_quarter() -> None:
    page, before = rows(), Decimal(0)
    for name in ("first", "second", "third", "fourth"):
        redeemed, breakage, so_far, in_period, left = page[f"{name} quarter"]
        estimate = replace(FIRST, breakage=Decimal(breakage))
        # A new estimate changes what is expected, never what was paid for the points.
        recognised = estimate.recognised(int(redeemed.replace(",", "")))
        assert [so_far, in_period, left] == [
            f"{recognised:,.2f}",
            f"{recognised - before:,.2f}",
            f"{FIRST.deferred - recognised:,.2f}",
        ]
        before = recognised


def test_no_more_than_was_deferred_is_ever_recognised() -> None:
    assert FIRST.recognised(10**9) == FIRST.deferred
    assert FIRST.recognised(0) == 0


def test_nothing_sold_and_nothing_issued_defers_nothing() -> None:
    nothing = replace(FIRST, revenue=Decimal(0), points=0)
    assert nothing.deferred == nothing.recognised(0) == 0
    assert replace(FIRST, points=0).deferred == 0


@pytest.mark.parametrize(
    ("points", "currency", "breakage", "expected"),
    [
        (500, "USD", "0", "5.00"),
        (500, "USD", "0.20", "4.00"),
        (1, "USD", "0.5", "0.01"),  # half a cent, up
        (1, "USD", "0.51", "0.00"),
        (149, "JPY", "0", "1"),
        (150, "JPY", "0", "2"),
        (500, "USD", "1", "0.00"),
    ],
)
def test_a_reserve_is_rounded_once_half_up(
    points: int, currency: str, breakage: str, expected: str
) -> None:
    assert str(reserve(points, VALUE, currency, Decimal(breakage))) == expected
