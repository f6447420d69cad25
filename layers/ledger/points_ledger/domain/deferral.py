"""What points cost: their value, the reserve for it, and revenue that is put off because of them.

Points that customers earn with a purchase are a promise of something of value (ASC 606-10-55-41 to
45, IFRS 15 B39 to B43): a part of the price is paid for them, by relative stand-alone selling
prices, and is revenue only when they are redeemed. Points that are expected never to be redeemed
(breakage) make each point worth less. docs/deferred-revenue.md works an example through.

Money is exact inside and rounded half up once, to the currency's smallest unit.
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.money import unit
from points_ledger.domain.program import PointValue


def cost_per_point(point_value: PointValue, breakage: Decimal = Decimal(0)) -> Fraction:
    """The stand-alone selling price of one point: its value, less what breakage leaves unused."""
    return Fraction(point_value.amount) / point_value.points * (1 - Fraction(breakage))


def reserve(points: int, point_value: PointValue, currency: str, breakage: Decimal) -> Decimal:
    """What points are expected to cost."""
    return rounded(points * cost_per_point(point_value, breakage), currency)


def rounded(amount: Fraction, currency: str) -> Decimal:
    """An exact amount in the currency's smallest unit, half up."""
    units = amount / Fraction(unit(currency))
    exact = Decimal(units.numerator) / Decimal(units.denominator)
    return exact.to_integral_value(rounding=ROUND_HALF_UP) * unit(currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """A period's sales and the points issued with them.

    Attributes:
        revenue: what was sold, as billed.
        points: what was issued for it, less what was taken back.
        price_per_point: see `cost_per_point`, with the breakage that is expected.
    """

    revenue: Decimal
    points: int
    price_per_point: Fraction
    breakage: Decimal
    currency: str

    @property
    def deferred(self) -> Decimal:
        """The part of the price that was paid for points: revenue × points' share of both."""
        worth = self.points * self.price_per_point
        whole = Fraction(self.revenue) + worth
        share = worth / whole if whole else Fraction(0)
        return rounded(Fraction(self.revenue) * share, self.currency)

    @property
    def expected_points(self) -> Fraction:
        """The points that are expected to be redeemed in the end."""
        return self.points * (1 - Fraction(self.breakage))

    def recognised(self, redeemed: int) -> Decimal:
        """Revenue of the points redeemed so far: their share of those expected, at most all."""
        if not self.expected_points:
            return self.deferred
        share = min(Fraction(1), redeemed / self.expected_points)
        return rounded(Fraction(self.deferred) * share, self.currency)
