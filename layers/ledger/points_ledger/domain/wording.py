"""The words that sentences about the program are made of.

Amounts carry the currency, thousands have commas, and names that are more than one word stand in
quotation marks.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from points_ledger.domain.calendar import Period
from points_ledger.domain.money import unit
from points_ledger.domain.program import Limit, Match, Program

_ONE_WORD: Final = re.compile(r"[\w.+-]+")
_MINUTES_PER_HOUR: Final = 60


def matched(match: Match) -> str:
    """The lines that a match is about; nothing where it is about every line."""
    items = named("item", match.items)
    categories = any_of(match.categories)
    if items and categories:
        return f"{items} in {categories}"
    return items or categories


def match_terms(match: Match, program: Program, *, what: str = "that") -> Iterable[str]:
    """The conditions of a match beside its lines; `what` has to come to the minimum amount."""
    excluded = [*sorted_names(match.exclude_categories)]
    if match.exclude_items:
        excluded.append(named("item", match.exclude_items))
    if excluded:
        yield f"not for {listed(excluded, 'or')}"
    if match.minimum_amount is not None:
        least = amount(match.minimum_amount, program)
        yield f"only when {what} comes to at least {least} after refunds"
    if match.own_orders is not None:
        whose = "the member's own orders" if match.own_orders else "copies of another's order"
        yield f"only for {whose}"
    yield from member_terms(match)


def member_terms(match: Match) -> Iterable[str]:
    """Which members a match is about."""
    if match.tags:
        yield f"only for members tagged {any_of(match.tags)}"
    if match.exclude_tags:
        yield f"not for members tagged {any_of(match.exclude_tags)}"
    if match.tiers:
        yield f"only for members of {named('tier', match.tiers)}"
    if match.organisations:
        yield f"only for members of {named('organisation', match.organisations)}"
    if match.jurisdictions:
        yield f"only for members in {any_of(match.jurisdictions)}"
    if match.exclude_jurisdictions:
        yield f"not for members in {any_of(match.exclude_jurisdictions)}"


def times(limit: Limit) -> str:
    """How often: `once a month`, `at most 3 times in all`."""
    often = "once" if limit.times == 1 else f"at most {limit.times:,} times"
    if limit.per == "lifetime":
        return often if limit.times == 1 else f"{often} in all"
    return f"{often} a {limit.per}"


def points(number_of: int, kind: str = "") -> str:
    """A number of points, of a kind such as `extra `."""
    return f"{number_of:,} {kind}{'point' if number_of == 1 else 'points'}"


def count(number_of: int, noun: str) -> str:
    """A number of things."""
    return f"{number_of:,} {noun}" if number_of == 1 else f"{number_of:,} {noun}s"


def pieces(quantity: Decimal) -> str:
    """A number of pieces, as it stands after `per`."""
    return "piece" if quantity == 1 else f"{number(quantity)} pieces"


def amount(money: Decimal, program: Program) -> str:
    """The amount with the currency's decimals."""
    return f"{money.quantize(unit(program.currency)):,f} {program.currency}"


def number(decimal: Decimal) -> str:
    """A decimal without needless zeros."""
    return f"{decimal.normalize():f}"


def period(length: Period) -> str:
    """A period in words; nothing for an empty one."""
    hours, minutes = divmod(length.minutes, _MINUTES_PER_HOUR)
    parts = [(length.months, "month"), (length.days, "day"), (hours, "hour"), (minutes, "minute")]
    return all_of([count(number_of, noun) for number_of, noun in parts if number_of])


def passed(length: Period) -> str:
    """That a period has passed; nothing for an empty one."""
    text = period(length)
    if not text:
        return ""
    return f"{text} {'has' if text.startswith('1 ') and ' and ' not in text else 'have'} passed"


def local_time(time: datetime, separator: str = " ") -> str:
    """A wall-clock time, with seconds where there are any."""
    return time.isoformat(sep=separator, timespec="seconds" if time.second else "minutes")


def name(text: str) -> str:
    """A name, in quotation marks where it is more than one word."""
    return text if _ONE_WORD.fullmatch(text) else f'"{text}"'


def named(noun: str, names: Iterable[str]) -> str:
    """Names with what they are names of; nothing where there are none."""
    found = sorted_names(names)
    return f"{noun if len(found) == 1 else noun + 's'} {listed(found, 'or')}" if found else ""


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names in their order."""
    return [name(each) for each in sorted(names)]


def any_of(names: Iterable[str]) -> str:
    """Names of which one is enough."""
    return listed(sorted_names(names), "or")


def all_of(parts: Sequence[str]) -> str:
    """Parts that all hold."""
    return listed(parts, "and")


def listed(parts: Sequence[str], last: str) -> str:
    """Parts with commas, and a word before the last."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def joined(gain: str, terms: Iterable[str]) -> str:
    """What is given, and the terms it is given under."""
    return "; ".join([gain, *terms])
