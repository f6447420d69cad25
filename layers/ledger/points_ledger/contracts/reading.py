"""Reading JSON values as frozen dataclasses, by the annotations of the dataclasses themselves.

Used for queue messages and for requests. Nothing is converted that was sent as another type:
a number is no text and a boolean no number. `Annotated` adds checks: a function takes the value
and returns it as it is kept, or raises a ValueError; `By(function)` reads the raw value itself.
Pydantic does the same and more, for as much of a cold start as everything else that a function
imports together (docs/benchmarks.md); it judges program documents.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import MappingProxyType, NoneType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.dataclass import dataclass

T = TypeVar("T")
_Read = Callable[[object, str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one field: its dotted path, empty for the whole value.

    `message` never quotes a value and may be logged; `detail` is what a check said, and may.
    """

    path: str
    message: str
    detail: str | None = None


@dataclass(eq=False)
class UnreadableError(Exception):
    """The value is not what was asked for; all its problems, in the order of the fields."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class By:
    """In `Annotated`: reads the raw JSON value, or raises a ValueError."""

    read: Callable[[object], object]


class Schema:
    """In `Annotated`, or as `schema` of a dataclass: what the checks let pass, as JSON Schema.

    Reading passes over it; the description that clients get is made of it (local/openapi). Beside
    `By` it says everything, otherwise what goes beyond the annotated type.
    """

    __slots__ = ("keywords",)

    def __init__(self, **keywords: object) -> None:
        self.keywords = keywords


def one_of(*names: str) -> list[dict[str, object]]:
    """For `oneOf`: exactly one of these fields is there, and not null."""
    given: dict[str, object] = {"not": {"type": "null"}}
    return [{"required": [name], "properties": {name: given}} for name in names]


def read_as(target: type[T], value: object) -> T:
    """Read a JSON value as a dataclass.

    Raises:
        UnreadableError: with every field that is wrong.
    """
    return cast(T, _reader(target)(value, ""))  # type: ignore[arg-type]  # every type is hashable


@cache
def _reader(hint: Any) -> _Read:  # noqa: ANN401 - an annotation may be any object
    """How to read a value of an annotation."""
    if isinstance(hint, NewType):
        return _reader(hint.__supertype__)
    if is_dataclass(hint):
        return _dataclass(cast(type, hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin is tuple:
        return _tuple(_reader(arguments[0]))
    if origin in (Union, types.UnionType):
        [present] = (each for each in arguments if each is not NoneType)
        return _optional(_reader(present))
    if origin is Literal:
        return _one_of(arguments)
    return _SCALARS[hint]


@cache
def _dataclass(target: type) -> _Read:
    hints = get_type_hints(target, include_extras=True)
    readers = {field.name: _reader(hints[field.name]) for field in fields(target)}
    required = {field.name for field in fields(target) if field.default is MISSING}

    def read(value: object, path: str) -> object:
        if not isinstance(value, Mapping):
            raise _unreadable(path, "must be an object")
        inside = f"{path}." if path else ""
        members: dict[str, object] = {}
        problems: list[Problem] = []
        for name, read_member in readers.items():
            if name in value:
                try:
                    members[name] = read_member(value[name], f"{inside}{name}")
                except UnreadableError as error:
                    problems += error.problems
            elif name in required:
                problems.append(Problem(path=f"{inside}{name}", message="is required"))
        if len(members) < len(value):  # else there is nothing but what was read
            unknown = sorted(value.keys() - readers.keys())
            problems += [
                Problem(path=f"{inside}{name}", message="is not known") for name in unknown
            ]
        if problems:
            raise UnreadableError(tuple(problems))
        try:
            return target(**members)
        except ValueError as error:
            raise _out_of_bounds(path, error) from error

    return read


def _annotated(hint: object, checks: tuple[Any, ...]) -> _Read:
    by = next((check for check in checks if isinstance(check, By)), None)
    steps = [*([by.read] if by else []), *(check for check in checks if callable(check))]
    read_plain = None if by else _reader(hint)

    def read(value: object, path: str) -> object:
        if read_plain is not None:
            value = read_plain(value, path)
        try:
            for step in steps:
                value = step(value)
        except ValueError as error:
            raise _out_of_bounds(path, error) from error
        return value

    return read


def _out_of_bounds(path: str, error: ValueError) -> UnreadableError:
    return _unreadable(path, "is out of bounds", detail=str(error))


def _tuple(read_item: _Read) -> _Read:
    def read(value: object, path: str) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise _unreadable(path, "must be a list")
        items: list[object] = []
        problems: list[Problem] = []
        for position, each in enumerate(value):
            try:
                items.append(read_item(each, f"{path}.{position}"))
            except UnreadableError as error:
                problems += error.problems
        if problems:
            raise UnreadableError(tuple(problems))
        return tuple(items)

    return read


def _optional(read_present: _Read) -> _Read:
    return lambda value, path: None if value is None else read_present(value, path)


def _one_of(options: tuple[object, ...]) -> _Read:
    def read(value: object, path: str) -> object:
        # False is 0 to Python, and not to JSON.
        if not any(type(value) is type(option) and value == option for option in options):
            raise _unreadable(path, f"must be one of {', '.join(map(str, options))}")
        return value

    return read


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _unreadable(path, "must be a text")
    return value


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _unreadable(path, "must be true or false")
    return value


def _whole_number(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unreadable(path, "must be a whole number")
    return value


def _decimal(value: object, path: str) -> Decimal:
    try:
        return Decimal(_text(value, path))
    except InvalidOperation:
        raise _unreadable(path, "must be a decimal") from None


def _instant(value: object, path: str) -> datetime:
    try:
        return parse_instant(_text(value, path))
    except ValueError:
        raise _unreadable(path, "must be an instant") from None


_SCALARS: Final[Mapping[object, _Read]] = MappingProxyType(
    {str: _text, bool: _flag, int: _whole_number, Decimal: _decimal, datetime: _instant}
)


def _unreadable(path: str, message: str, *, detail: str | None = None) -> UnreadableError:
    return UnreadableError((Problem(path=path, message=message, detail=detail),))
