"""Comparing what an entry posts with what it should post, field by field."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.entry import Posting
from points_ledger.domain.lot import NEVER
from points_ledger.domain.state import State, encode_reservations, encode_standing
from points_ledger.domain.verification.outcome import DiffersError

_POSTING: Final = (
    "type", "at", "pending", "reserved", "debt", "lots", "reservations", "counters", "standing",
    "source", "rules", "program_version", "actor", "reason", "details", "inputs",
)  # fmt: skip
_STATE: Final = ("pending", "reserved", "debt", "lots", "reservations", "counters", "standing")


def compare_postings(expected: Posting, found: Posting) -> None:
    """See that an entry posts what it should.

    Raises:
        DiffersError: names the first field that differs.
    """
    for name in _POSTING:
        _compare(name, getattr(expected, name), getattr(found, name))


def compare_states(expected: State, found: State) -> None:
    """See that the account after an entry is the one before it with what it posts.

    Raises:
        DiffersError: names the first field that differs.
    """
    for name in _STATE:
        _compare(f"state.{name}", getattr(expected, name), getattr(found, name))


def _compare(field: str, expected: object, found: object) -> None:
    if expected == found:
        return
    write = _WRITTEN.get(field.removeprefix("state."))
    one, other = (write(expected), write(found)) if write else (expected, found)
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        raise DiffersError(field, _text(one), _text(other))
    for name in _names(one, other):
        if one.get(name) != other.get(name):
            raise DiffersError(f"{field}.{name}", _text(one.get(name)), _text(other.get(name)))


def _names(one: Mapping[str, object], other: Mapping[str, object]) -> Iterator[str]:
    yield from dict.fromkeys([*one, *other])


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)


def _day(day: date) -> str:
    return "never" if day == NEVER else day.isoformat()


_WRITTEN: Final[Mapping[str, Callable[[Any], object]]] = {
    "at": format_instant,
    "lots": lambda lots: {_day(day): points for day, points in lots.items()},
    "reservations": encode_reservations,
    "standing": lambda standing: None if standing is None else encode_standing(standing),
    "rules": dict,
}
