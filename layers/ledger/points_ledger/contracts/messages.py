"""The queue messages: our own small facts as JSON, written by webhooks, read by the workers.

`encode` and `decode` are inverse; amounts travel as decimal strings, instants as ISO 8601.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, cast, get_args

from points_ledger.contracts.reading import UnreadableError, read_as
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.error import MalformedFactError
from points_ledger.domain.fact import EarningFact, Fact, PaymentFact

MAX_PROBLEMS: Final = 5

_TYPES: Final[Mapping[object, type]] = MappingProxyType(
    {get_args(fact.__annotations__["type"])[0]: fact for fact in get_args(Fact)}
)


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
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedFactError("is not JSON") from None  # the error quotes the message
    kind = value.get("type") if isinstance(value, dict) else None
    fact = _TYPES.get(kind) if isinstance(kind, str) else None
    if fact is None:
        raise MalformedFactError("type: is unknown")
    try:
        return cast(Fact, read_as(fact, value))
    except UnreadableError as error:
        problems = [f"{each.path or 'message'}: {each.message}" for each in error.problems]
        raise MalformedFactError("; ".join(problems[:MAX_PROBLEMS])) from None  # its cause quotes


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


__all__ = ["EarningFact", "Fact", "PaymentFact", "decode", "encode", "is_payment_fact"]
