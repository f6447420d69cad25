"""What is left of a purchase, summed once by item and category, for any number of rules.

The sums are whole numbers over one denominator for the whole purchase: exact like fractions, and
as fast as integers. A rule about categories adds up a few categories, whatever the number of lines.
"""

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.program import Match
from points_ledger.domain.purchase import RemainingLine


@dataclass(slots=True)
class _Sums:
    """Lines added up, in parts of the basket's units.

    `is_sold` says whether one of them has an amount or pieces left.
    """

    amount: int = 0
    original: int = 0
    pieces: int = 0
    is_sold: bool = False


_Place = tuple[str | None, str | None]
"""Category and item."""


def _total(parts: Iterable[_Sums]) -> _Sums:
    """All parts together; none of them changes any more."""
    all_parts = list(parts)
    if len(all_parts) == 1:
        return all_parts[0]
    total = _Sums()
    for part in all_parts:
        total.amount += part.amount
        total.original += part.original
        total.pieces += part.pieces
        total.is_sold |= part.is_sold
    return total


@dataclass(frozen=True, slots=True)
class Matched:
    """What the lines that a rule is about come to."""

    _sums: _Sums
    _basket: "Basket"

    @property
    def is_sold(self) -> bool:
        """Whether anything of them is left."""
        return self._sums.is_sold

    @property
    def amount(self) -> Fraction:
        """What is left of their amounts; below zero where discounts are greater."""
        return Fraction(self._sums.amount, self._basket.money_unit)

    @property
    def original(self) -> Fraction:
        """Their amounts before refunds."""
        return Fraction(self._sums.original, self._basket.money_unit)

    @property
    def pieces(self) -> Fraction:
        """How many pieces are left."""
        return Fraction(self._sums.pieces, self._basket.piece_unit)


class Basket:
    """The lines of a purchase by category and item; all are in parts of the same units."""

    __slots__ = ("_by_category", "_totals", "money_unit", "piece_unit")

    def __init__(
        self, groups: Iterable[tuple[_Place, _Sums]], *, money_unit: int, piece_unit: int
    ) -> None:
        """A unit is the number of parts that make 1."""
        self.money_unit = money_unit
        self.piece_unit = piece_unit
        self._by_category: dict[str | None, dict[str | None, _Sums]] = {}
        for (category, item), sums in groups:
            self._by_category.setdefault(category, {})[item] = sums
        self._totals = {c: _total(items.values()) for c, items in self._by_category.items()}

    @property
    def is_sold(self) -> bool:
        """Whether anything is left of the purchase at all."""
        return any(total.is_sold for total in self._totals.values())

    def matched(self, match: Match) -> Matched | None:
        """The lines that a rule or campaign is about.

        None where there are none, or where they sum to less than its minimum.
        """
        found = [
            sums
            for category in self._categories(match)
            for sums in self._of_category(category, match)
        ]
        if not found:
            return None
        matched = Matched(_total(found), self)
        if match.minimum_amount is not None and matched.amount < Fraction(match.minimum_amount):
            return None
        return matched

    def part(self, match: Match) -> "Basket":
        """The lines that match, by themselves."""
        groups = (
            ((category, item), sums)
            for category in self._categories(match)
            for item, sums in self._by_category[category].items()
            if _is_about_item(match, item)
        )
        is_enough = match.minimum_amount is None or self.matched(match) is not None
        return Basket(
            groups if is_enough else (), money_unit=self.money_unit, piece_unit=self.piece_unit
        )

    def _categories(self, match: Match) -> Iterable[str | None]:
        if not match.categories and not match.exclude_categories:
            return self._totals
        return [each for each in self._totals if _is_about_category(match, each)]

    def _of_category(self, category: str | None, match: Match) -> Iterable[_Sums]:
        if not match.items and not match.exclude_items:
            return (self._totals[category],)
        items = self._by_category[category].items()
        return [sums for item, sums in items if _is_about_item(match, item)]


def basket(lines: Iterable[RemainingLine], categories: Mapping[str, str]) -> Basket:
    """The lines of a purchase, with the program's category where the source gave none."""
    all_lines = list(lines)
    money = math.lcm(
        *{line.amount.denominator for line in all_lines},
        *{line.original.denominator for line in all_lines},
    )
    pieces = math.lcm(*{line.pieces.denominator for line in all_lines})
    groups: dict[_Place, _Sums] = {}
    for line in all_lines:
        place = category_of(line, categories), line.item
        sums = groups.get(place)
        if sums is None:
            sums = groups[place] = _Sums()
        sums.amount += _parts(line.amount, money)
        sums.original += _parts(line.original, money)
        sums.pieces += _parts(line.pieces, pieces)
        sums.is_sold |= line.amount.numerator > 0 or line.pieces.numerator > 0
    return Basket(groups.items(), money_unit=money, piece_unit=pieces)


def category_of(line: RemainingLine, categories: Mapping[str, str]) -> str | None:
    """The line's own category, else the program's for its item, then for its product."""
    if line.category is not None:
        return line.category
    return categories.get(line.item or "") or categories.get(line.product or "") or None


def is_about(match: Match, category: str | None, item: str | None) -> bool:
    """Whether a rule or campaign is about lines of this category and item."""
    return _is_about_category(match, category) and _is_about_item(match, item)


def _is_about_category(match: Match, category: str | None) -> bool:
    if match.categories and category not in match.categories:
        return False
    return category not in match.exclude_categories


def _is_about_item(match: Match, item: str | None) -> bool:
    return (not match.items or item in match.items) and item not in match.exclude_items


def _parts(number: Fraction, unit: int) -> int:
    return number.numerator * (unit // number.denominator)
