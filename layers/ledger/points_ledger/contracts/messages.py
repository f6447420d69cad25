"""The queue messages: our own small facts as JSON, written by webhooks, read by the workers.

`encode` and `decode` are inverse; amounts travel as decimal strings, instants as ISO 8601. Both
follow the annotations of the facts themselves: with pydantic, which does the same, a cold start of
the webhook function takes 80 ms longer (docs/benchmarks.md).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, NewType, Union, cast, get_args, get_origin, get_type_hints

from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.error import MalformedFactError
from points_ledger.domain.fact import EarningFact, Fact, PaymentFact

_TYPES: Final[Mapping[object, type]] = MappingProxyType(
    {get_type_hints(fact)["type"].__args__[0]: fact for fact in get_args(Fact)}
)
_Read = Callable[[object, str], Any]


def encode(fact: Fact) -> str:
    """One fact as a JSON object with a `type`; what is absent is left out."""
    return json.dumps(_plain(fact), ensure_ascii=False, separators=(",", ":"))


def decode(body: str) -> Fact:
    """Read one message.

    Raises:
        MalformedFactError: not JSON, an unknown type, or a value out of bounds; the text names
            fields and problems, never values, so that it can be logged.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedFactError("is not JSON") from None  # the error quotes the message
    kind = value.get("type") if isinstance(value, dict) else None
    fact = _TYPES.get(kind) if isinstance(kind, str) else None
    if fact is None:
        raise MalformedFactError("type: is unknown")
    return cast(Fact, _dataclass(fact)(value, ""))


def is_payment_fact(fact: Fact) -> bool:
    """Whether a fact goes to payment_events; everything else goes to earning_events."""
    return isinstance(fact, PaymentFact)


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return str(value)
        case datetime():
            return format_instant(value)
        case tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            named = ((field.name, getattr(value, field.name)) for field in fields(value))
            return {name: _plain(each) for name, each in named if each is not None}
        case _:
            return value


@cache
def _reader(hint: Any) -> _Read:  # noqa: ANN401 - an annotation may be any object
    """How to read a value of an annotation of `domain.fact`."""
    if isinstance(hint, NewType):
        return _reader(hint.__supertype__)
    if is_dataclass(hint):
        return _dataclass(cast(type, hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple(_reader(arguments[0]))
    if origin in (Union, UnionType):
        [present] = (each for each in arguments if each is not NoneType)
        return _optional(_reader(present))
    if origin is Literal:
        return _one_of(arguments)
    return _SCALARS[hint]


@cache
def _dataclass(target: type) -> _Read:
    hints = get_type_hints(target)
    readers = {field.name: _reader(hints[field.name]) for field in fields(target)}
    required = {field.name for field in fields(target) if field.default is MISSING}

    def read(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _malformed(path, "must be an object")
        if not value.keys() <= readers.keys():
            raise _malformed(path, "has an unknown member")
        if not required <= value.keys():
            raise _malformed(path, f"lacks {', '.join(sorted(required - value.keys()))}")
        members = {
            name: readers[name](each, f"{path}.{name}" if path else name)
            for name, each in value.items()
        }
        try:
            return target(**members)
        except ValueError:
            raise _malformed(path, "is out of bounds") from None  # the error may quote a value

    return read


def _tuple(read_item: _Read) -> _Read:
    def read(value: object, path: str) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise _malformed(path, "must be a list")
        return tuple(read_item(each, f"{path}.{n}") for n, each in enumerate(value))

    return read


def _optional(read_present: _Read) -> _Read:
    return lambda value, path: None if value is None else read_present(value, path)


def _one_of(options: tuple[object, ...]) -> _Read:
    def read(value: object, path: str) -> object:
        if not isinstance(value, str) or value not in options:
            raise _malformed(path, "is none of its values")
        return value

    return read


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _malformed(path, "must be a text")
    return value


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _malformed(path, "must be true or false")
    return value


def _decimal(value: object, path: str) -> Decimal:
    try:
        return Decimal(_text(value, path))
    except InvalidOperation:
        raise _malformed(path, "must be a decimal") from None


def _instant(value: object, path: str) -> datetime:
    try:
        return parse_instant(_text(value, path))
    except ValueError:
        raise _malformed(path, "must be an instant") from None


_SCALARS: Final[Mapping[object, _Read]] = MappingProxyType(
    {str: _text, bool: _flag, Decimal: _decimal, datetime: _instant}
)


def _malformed(path: str, problem: str) -> MalformedFactError:
    return MalformedFactError(f"{path or 'message'}: {problem}")


__all__ = ["EarningFact", "Fact", "PaymentFact", "decode", "encode", "is_payment_fact"]
