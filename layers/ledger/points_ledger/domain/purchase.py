"""What is left of a purchase after refunds, and what is owed for it (semantics 3.1).

Everything here is exact: fractions, rounded nowhere.
"""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.fact import Line, Refund, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingLine:
    """One line as far as it was really sold; `original` is its amount before refunds."""

    item: str | None
    product: str | None
    category: str | None
    amount: Fraction
    original: Fraction
    pieces: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """A purchase after its refunds: the lines that earn and what the customer owes.

    `excess` says that refunds named more than there was; only what was there has been counted.
    """

    lines: tuple[RemainingLine, ...]
    owed: Fraction
    refunded: bool
    excess: bool


def standing_refunds(earning: Earning, at: datetime | None = None) -> tuple[Refund, ...]:
    """The refunds that count: neither cancelled nor contained in another that counts.

    With `at`: those that had been made by then.
    """

    def stands(refund: Refund) -> bool:
        cancelled = earning.refund_cancellations.get(refund.id)
        if at is None:
            return cancelled is None
        return refund.at <= at and (cancelled is None or cancelled > at)

    standing = [refund for refund in earning.refunds.values() if stands(refund)]
    contained = {other for refund in standing for other in refund.settles if other != refund.id}
    return tuple(refund for refund in standing if refund.id not in contained)


def remaining(
    snapshot: Snapshot, refunds: Iterable[Refund], *, points_paid_part_earns: bool = False
) -> Remaining:
    """Apply refunds to a purchase.

    With f = Σ line refunds / Σ lines, rest = total × (1 − f) and g = min(1, Σ amount refunds /
    rest): a remaining line is (line − its refunds) × (1 − g), owed is rest × (1 − g).
    """
    counted = _counted(snapshot, refunds)
    lines = spread_discounts(snapshot.lines)
    unpaid_by_points = 1 - _share(Fraction(snapshot.points_paid_amount), Fraction(snapshot.total))
    earning_part = Fraction(1) if points_paid_part_earns else unpaid_by_points
    if not counted:
        return Remaining(
            lines=tuple(_whole_line(line, amount, earning_part) for line, amount in lines),
            owed=Fraction(snapshot.total),
            refunded=False,
            excess=False,
        )
    given_back = _given_back(snapshot, lines, counted)
    return Remaining(
        lines=tuple(
            _remaining_line(line, amount, refund, kept=given_back.kept, earning_part=earning_part)
            for (line, amount), refund in zip(lines, given_back.by_line, strict=True)
        ),
        owed=given_back.rest * given_back.kept,
        refunded=bool(given_back.by_amount or any(given_back.by_line)),
        excess=given_back.excess,
    )


def amount_owed(snapshot: Snapshot, refunds: Iterable[Refund]) -> Fraction:
    """What the customer owes after refunds: `remaining(…).owed` without its lines."""
    counted = _counted(snapshot, refunds)
    if any(refund.lines for refund in counted):
        given_back = _given_back(snapshot, spread_discounts(snapshot.lines), counted)
        return given_back.rest * given_back.kept
    # Without line refunds f is 0, and total × (1 − g) comes to what amounts leave of the total.
    total, by_amount = Fraction(snapshot.total), _by_amount(counted)
    return max(Fraction(0), total - by_amount) if by_amount > 0 else total


@dataclass(frozen=True, slots=True, kw_only=True)
class _GivenBack:
    """Refunds applied to the lines and to the total: `kept` is 1 − g."""

    by_line: list[Fraction]
    by_amount: Fraction
    rest: Fraction
    kept: Fraction
    excess: bool


def _given_back(
    snapshot: Snapshot, lines: list[tuple[Line, Fraction]], counted: list[Refund]
) -> _GivenBack:
    asked = _line_refunds(counted)
    taken = [
        min(asked.get(line.id, Fraction(0)), max(Fraction(0), amount)) for line, amount in lines
    ]
    line_sum = sum((amount for _, amount in lines), Fraction(0))
    f = min(Fraction(1), sum(taken, Fraction(0)) / line_sum) if line_sum > 0 else Fraction(0)
    rest = Fraction(snapshot.total) * (1 - f)
    by_amount = _by_amount(counted)
    return _GivenBack(
        by_line=taken,
        by_amount=by_amount,
        rest=rest,
        kept=1 - _share(by_amount, rest),
        excess=by_amount > rest or sum(asked.values(), Fraction(0)) > sum(taken, Fraction(0)),
    )


def _by_amount(refunds: Iterable[Refund]) -> Fraction:
    return sum((Fraction(r.amount) for r in refunds if r.amount is not None), Fraction(0))


def _counted(snapshot: Snapshot, refunds: Iterable[Refund]) -> list[Refund]:
    return [refund for refund in refunds if refund.currency in (None, snapshot.currency)]


def spread_discounts(lines: Iterable[Line]) -> list[tuple[Line, Fraction]]:
    """Lines with their exact amounts, negative lines that name nothing spread over the others.

    Where such discounts exceed the other lines, nothing remains.
    """
    all_lines = list(lines)
    discounts = [line for line in all_lines if line.amount < 0 and _names_nothing(line)]
    if not discounts:
        return [(line, Fraction(line.amount)) for line in all_lines]
    others = [line for line in all_lines if line not in discounts]
    discount = sum((Fraction(line.amount) for line in discounts), Fraction(0))
    gross = sum((Fraction(line.amount) for line in others), Fraction(0))
    factor = max(Fraction(0), 1 + discount / gross) if gross > 0 else Fraction(0)
    return [(line, Fraction(line.amount) * factor) for line in others]


def _names_nothing(line: Line) -> bool:
    return line.item is None and line.category is None and line.product is None


def _share(part: Fraction, whole: Fraction) -> Fraction:
    """min(1, part / whole), where nothing of nothing is nothing."""
    if part <= 0:
        return Fraction(0)
    return min(Fraction(1), part / whole) if whole > 0 else Fraction(1)


def _line_refunds(refunds: Iterable[Refund]) -> dict[str, Fraction]:
    asked: dict[str, Fraction] = {}
    for refund in refunds:
        for line in refund.lines:
            asked[line.line_id] = asked.get(line.line_id, Fraction(0)) + Fraction(line.amount)
    return asked


def _remaining_line(
    line: Line, amount: Fraction, refund: Fraction, *, kept: Fraction, earning_part: Fraction
) -> RemainingLine:
    left = (amount - refund) * kept
    share_left = left / amount if amount else kept
    return RemainingLine(
        item=line.item,
        product=line.product,
        category=line.category,
        amount=left * earning_part,
        original=amount * earning_part,
        pieces=Fraction(line.quantity) * share_left if amount >= 0 else Fraction(0),
    )


def _whole_line(line: Line, amount: Fraction, earning_part: Fraction) -> RemainingLine:
    """A line of which nothing was given back."""
    earning = amount if earning_part == 1 else amount * earning_part
    return RemainingLine(
        item=line.item,
        product=line.product,
        category=line.category,
        amount=earning,
        original=earning,
        pieces=Fraction(line.quantity) if amount >= 0 else Fraction(0),
    )
