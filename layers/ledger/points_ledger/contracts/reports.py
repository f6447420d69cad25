"""Reports of the ledger as they are asked for, and as they are answered: JSON, or lines of CSV."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal

from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import read
from points_ledger.contracts.responses import Document
from points_ledger.contracts.spreadsheet import WRITTEN_MONTH, table
from points_ledger.contracts.spreadsheet import month as read_month
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.deferral import cost_per_point, reserve
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.money import EXPONENTS, format_amount, from_minor_units
from points_ledger.domain.movement import Balances
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of
from points_ledger.service.reporting import (
    Activity,
    Liability,
    Month,
)

LIABILITY_COLUMNS: Final = ("item", "month", "points", "value", "reserve", "currency")
MOVEMENT_COLUMNS: Final = (
    *("month", "movement", "pending", "available", "reserved", "debt", "total"),
)
KIND_COLUMNS: Final = ("month", "kind", "points", "amount", "currency")
ANALYSIS_COLUMNS: Final = ("month", "id", "kind", "points")
RULE_COLUMNS: Final = ("month", "id", "kind", "points", "budget_points", "budget_used")

_SHARE: Final = re.compile(r"[01](?:\.[0-9]{1,6})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS: Final = range(1900, 9999)
_PRICE_DECIMALS: Final = 9


def _breakage(value: object) -> Decimal:
    if not isinstance(value, str) or not _SHARE.fullmatch(value) or Decimal(value) > 1:
        raise ValueError("a breakage is written as a part from 0 to 1, such as 0.20")
    return Decimal(value)


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    day = date.fromisoformat(value)
    if day.year not in _YEARS:
        raise ValueError(f"the year must be {_YEARS.start} to {_YEARS.stop - 1}")
    return day


MonthBegun = Annotated[date, By(read_month), Schema(type="string", pattern=WRITTEN_MONTH)]
"""A month, which becomes its first day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiabilityQuery:
    """GET /reports/liability: at the end of a day, or now; what part is never redeemed."""

    at: Annotated[date, By(_day), Schema(type="string", format="date")] | None = None
    breakage: Annotated[
        Decimal, By(_breakage), Schema(type="string", pattern=f"^{_SHARE.pattern}$")
    ] = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery:
    """GET /reports/activity: the first days of the first and the last month.

    The twelve months up to now unless others are named.
    `table` is which of the tables is wanted as CSV; JSON has all of them.
    """

    from_: MonthBegun | None = None
    to: MonthBegun | None = None
    table: Literal["movements", "kinds", "rules", "analysis"] = "movements"


def read_activity(query: Mapping[str, str]) -> ActivityQuery:
    """Read the query of a roll-forward.

    Raises:
        InvalidRequestError: with everything that is wrong; whether the months are in order, and
            not too many, is for the report to say.
    """
    if "from_" in query:
        raise InvalidRequestError((FieldError("from_", "is not known"),))
    try:
        return read(ActivityQuery, {"from_" if n == "from" else n: v for n, v in query.items()})
    except InvalidRequestError as error:
        named = (replace(e, field="from") if e.field == "from_" else e for e in error.errors)
        raise InvalidRequestError(tuple(named)) from error


# --- What is owed ---------------------------------------------------------------------------


def liability_document(found: Liability) -> Document:
    """What is owed, in points and in money."""
    program, balances = found.program, found.balances
    return {
        "as_of": format_instant(found.as_of),
        "at": found.at.isoformat() if found.at is not None else None,
        "closed": found.closed,
        "counted_through": _instant(found),
        "currency": program.currency,
        "program_version": program.version,
        "point_value": {
            "points": program.point_value.points,
            "amount": format_amount(program.point_value.amount, program.currency),
        },
        "cost_per_point": _price(cost_per_point(program.point_value)),
        "breakage": f"{found.breakage:f}",
        "expected_cost_per_point": _price(cost_per_point(program.point_value, found.breakage)),
        "outstanding": {
            **_worth(found.outstanding, found),
            "available": found.outstanding - balances.reserved,
            "reserved": balances.reserved,
        },
        "pending": _worth(balances.pending, found),
        "debt": {"points": balances.debt, "value": _value(balances.debt, program)},
        "passed": found.passed,
        "expiring": [
            {"month": month, **_worth(points, found)} for month, points in found.months.items()
        ],
    }


def liability_csv(found: Liability) -> str:
    """A line for each month of expiry, then for what is reserved, outstanding, pending and owed."""
    return table(LIABILITY_COLUMNS, _liability_rows(found))


def _liability_rows(found: Liability) -> Iterable[Iterable[object]]:
    program, balances = found.program, found.balances
    at = found.at.isoformat() if found.at is not None else format_instant(found.as_of)

    def row(item: str, month: str | None, points: int) -> tuple[object, ...]:
        worth = _worth(points, found)
        return (item, month, points, worth["value"], worth["reserve"], program.currency)

    for month, points in found.months.items():
        yield row("expiring", month, points)
    yield row("reserved", None, balances.reserved)
    yield row("outstanding", None, found.outstanding)
    yield row("pending", None, balances.pending)
    yield ("debt", None, balances.debt, _value(balances.debt, program), None, program.currency)
    per_point = _price(cost_per_point(program.point_value))
    expected = _price(cost_per_point(program.point_value, found.breakage))
    yield ("per_point", None, 1, per_point, expected, program.currency)
    yield ("breakage", None, None, f"{found.breakage:f}", None, None)
    yield ("as_of", at, None, None, None, None)


def _worth(points: int, found: Liability) -> dict[str, object]:
    """Points, their value, and what of it is expected to be spent."""
    program = found.program
    reserved = reserve(points, program.point_value, program.currency, found.breakage)
    return {
        "points": points,
        "value": _value(points, program),
        "reserve": format_amount(reserved, program.currency),
    }


def _value(points: int, program: Program) -> str:
    return format_amount(value_of(points, program.point_value, program.currency), program.currency)


def _price(price: Fraction) -> str:
    """The price of a point, with as many decimals as it needs, at most _PRICE_DECIMALS."""
    units = round(price * 10**_PRICE_DECIMALS)
    text = f"{Decimal(units).scaleb(-_PRICE_DECIMALS):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- What happened --------------------------------------------------------------------------


def activity_document(found: Activity) -> Document:
    """The roll-forward, with what redemptions cost and what came of rules and campaigns."""
    months = found.months
    return {
        "as_of": format_instant(found.as_of),
        "counted_through": _instant(found),
        "from": months[0].month,
        "to": months[-1].month,
        "months": [_month(month) for month in months],
        "redemptions": [
            {"month": month, "kind": kind, "points": points, "amount": amount, "currency": currency}
            for month, kind, points, amount, currency in _kinds(found)
        ],
        "results": [
            {"month": month, "id": id_, "kind": kind, "points": points}
            for month, id_, kind, points, *_ in _rules(found)
        ],
        "analysis": [
            {"month": month, "id": id_, "kind": kind, "points": points}
            for month, id_, kind, points in _analysis(found)
        ],
        "budgets": [
            {
                "campaign": each.campaign_id,
                "budget_points": each.budget_points,
                "used_points": each.used_points,
            }
            for each in found.budgets
        ],
    }


def activity_csv(found: Activity, which: str) -> str:
    """One of the tables of the report."""
    match which:
        case "kinds":
            return table(KIND_COLUMNS, _kinds(found))
        case "rules":
            return table(RULE_COLUMNS, _rules(found))
        case "analysis":
            return table(ANALYSIS_COLUMNS, _analysis(found))
        case _:
            return table(MOVEMENT_COLUMNS, _movements(found))


def _month(month: Month) -> Document:
    return {
        "month": month.month,
        "opening": _balances(month.opening),
        **{name: _balances(balances) for name, balances in month.movements.items()},
        "closing": _balances(month.closing),
    }


def _balances(balances: Balances) -> Document:
    return {
        "pending": balances.pending,
        "available": balances.available,
        "reserved": balances.reserved,
        "debt": balances.debt,
        "total": balances.total,
    }


def _movements(found: Activity) -> Iterable[tuple[object, ...]]:
    for month in found.months:
        opening, closing = ("opening", month.opening), ("closing", month.closing)
        for name, balances in (opening, *month.movements.items(), closing):
            yield (month.month, name, *_balances(balances).values())


def _kinds(found: Activity) -> Iterable[tuple[object, ...]]:
    """What redemptions of each kind cost; a line for each currency that it was valued in."""
    for month in found.months:
        for kind, counters in month.kinds.items():
            amounts = {name: units for name, units in counters.items() if name in EXPONENTS}
            for currency, units in (amounts or {found.program.currency: 0}).items():
                amount = f"{from_minor_units(units, currency):f}"
                yield (month.month, kind, counters.get("points", 0), amount, currency)


def _rules(found: Activity) -> Iterable[tuple[object, ...]]:
    """Points by rule and campaign; `kind` is None for those of earlier versions only."""
    budgets = {each.campaign_id: each for each in found.budgets}
    for month in found.months:
        for id_ in sorted(month.rules):
            budget = budgets.get(id_)
            limits = (budget.budget_points, budget.used_points) if budget else (None, None)
            yield (month.month, id_, _kind(id_, found.program), month.rules[id_], *limits)


def _analysis(found: Activity) -> Iterable[tuple[str, str, str | None, int]]:
    """Points that rules and campaigns would have given in analysis mode."""
    for month in found.months:
        for id_ in sorted(month.analysis):
            yield (month.month, id_, _kind(id_, found.program), month.analysis[id_])


def _kind(id_: str, program: Program) -> str | None:
    """What an id stands for in the program in force."""
    if any(rule.id == id_ for rule in program.rules):
        return "rule"
    return "campaign" if any(each.id == id_ for each in program.campaigns) else None


def _instant(found: Liability | Activity) -> str | None:
    through = found.counted_through
    return format_instant(through) if through is not None else None
