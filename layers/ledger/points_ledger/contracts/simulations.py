"""Backtests of a draft: what clients send, and what they are answered."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from points_ledger.contracts.program import parse_program
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant, parse_instant, start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of
from points_ledger.domain.tally import Both, Change, Tally
from points_ledger.service.backtesting import DRAFT_VERSION, ShownBacktest

_FIELDS: Final = ("program", "from", "to")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationBody:
    """POST /program/simulations: a draft as text, and the period `[begins, ends)`."""

    document: str
    begins: datetime
    ends: datetime


def read_simulation(value: object, *, in_force: Program) -> SimulationBody:
    """Judge a request for a backtest.

    A bound that is a day is the beginning of that day in the time zone of the program in force.

    Raises:
        InvalidRequestError: with everything that is wrong, also in the draft, under the path that
            it has there.
    """
    if not isinstance(value, dict):
        raise InvalidRequestError((FieldError("body", "must be an object"),))
    errors = [FieldError(name, "is not known") for name in sorted(value.keys() - set(_FIELDS))]
    errors += [FieldError(name, "is required") for name in _FIELDS if name not in value]
    begins = _told(errors, lambda: _bound(value, "from", in_force.zone))
    ends = _told(errors, lambda: _bound(value, "to", in_force.zone))
    if begins is not None and ends is not None and begins >= ends:
        errors.append(FieldError("to", "must be after from"))
    if "program" in value:
        draft = _told(errors, lambda: parse_program(value["program"], DRAFT_VERSION))
        if draft is not None and draft.currency != in_force.currency:
            message = f"must be {in_force.currency}, the currency of this ledger"
            errors.append(FieldError("currency", message))
    if errors or begins is None or ends is None:
        raise InvalidRequestError(tuple(errors))
    document = json.dumps(value["program"], separators=(",", ":"), ensure_ascii=False)
    return SimulationBody(document=document, begins=begins, ends=ends)


def _told(errors: list[FieldError], read: Callable[[], T]) -> T | None:
    """What is read, or None and its errors among the others."""
    try:
        return read()
    except InvalidRequestError as error:
        errors += error.errors
        return None


def _bound(value: dict[str, object], name: str, zone: ZoneInfo) -> datetime | None:
    if name not in value:
        return None
    told = value[name]
    try:
        if isinstance(told, str):
            day = _DAY.fullmatch(told)
            return start_of_day(date.fromisoformat(told), zone) if day else parse_instant(told)
    except (OverflowError, ValueError):
        pass
    message = "must be a day such as 2026-10-01, or an instant such as 2026-10-01T06:00:00Z"
    raise InvalidRequestError((FieldError(name, message),))


def simulation_document(shown: ShownBacktest) -> Document:
    """A backtest; `result` is null until it is done, `reason` is the code of why it failed."""
    simulation = shown.simulation
    is_done = simulation.status == "done"
    return {
        "simulation_id": simulation.simulation_id,
        "status": simulation.status,
        "progress": shown.progress,
        "reason": simulation.reason,
        "from": format_instant(simulation.begins),
        "to": format_instant(simulation.ends),
        "created_at": format_instant(simulation.created_at),
        "result": result_document(shown) if is_done else None,
    }


def result_document(shown: ShownBacktest) -> Document:
    """What was really issued, and what the draft would have issued instead."""
    tally = shown.tally
    return {
        "members": tally.members,
        "earnings": tally.earnings,
        "points_issued": _both(tally.issued),
        "cost": _amounts(tally.issued, shown),
        "liability": {**_both(tally.owed), "amount": _amounts(tally.owed, shown)},
        "by_rule": _by_rule(tally),
        "tier_moves": _tier_moves(tally),
        "members_gaining": tally.gaining,
        "members_losing": tally.losing,
        "gainers": [_change(change) for change in tally.gainers],
        "losers": [_change(change) for change in tally.losers],
    }


def _both(both: Both) -> Document:
    return {"actual": both.actual, "draft": both.draft}


def _amounts(points: Both, shown: ShownBacktest) -> Document:
    """What points are worth: the real ones by the program in force, the draft's by the draft."""
    currency = shown.in_force.currency
    actual = value_of(points.actual, shown.in_force.point_value, currency)
    draft = value_of(points.draft, shown.draft.point_value, currency)
    return {
        "actual": format_amount(actual, currency),
        "draft": format_amount(draft, currency),
        "currency": currency,
    }


def _by_rule(tally: Tally) -> list[Document]:
    """Rules, campaigns and tiers (`tier:gold`), with their points: they sum to those issued."""
    return [{"id": id_, **_both(both)} for id_, both in sorted(tally.rules.items())]


def _tier_moves(tally: Tally) -> list[Document]:
    """Members whose tier at the end of the period is another one by the draft."""
    ordered = sorted(tally.tiers.items(), key=lambda pair: [each or "" for each in pair[0]])
    return [{"from": was, "to": by_draft, "members": n} for (was, by_draft), n in ordered]


def _change(change: Change) -> Document:
    return {
        "member_id": change.member_id,
        "actual": change.actual,
        "draft": change.draft,
        "points": change.gain,
    }
