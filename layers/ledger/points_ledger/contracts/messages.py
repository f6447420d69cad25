"""The queue messages: our own small facts as JSON, written by webhooks, read by the workers.

`encode` and `decode` are inverse; amounts travel as decimal strings, instants as ISO 8601.
"""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from points_ledger.domain.error import MalformedFactError
from points_ledger.domain.fact import EarningFact, Fact, PaymentFact

_STRICT: Final = ConfigDict(extra="forbid", defer_build=True)
_fact: Final[TypeAdapter[Fact]] = TypeAdapter(
    Annotated[Fact, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)


def encode(fact: Fact) -> str:
    """One fact as a JSON object with a `type`."""
    return _fact.dump_json(fact, exclude_defaults=False, exclude_none=True).decode()


def decode(body: str) -> Fact:
    """Read one message.

    Raises:
        MalformedFactError: not JSON, an unknown type, or a value out of bounds; the text names
            fields and problems, never values, so that it can be logged.
    """
    try:
        return _fact.validate_json(body)
    except ValidationError as error:
        problem = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()[:5]
        )
        raise MalformedFactError(problem) from None


def is_payment_fact(fact: Fact) -> bool:
    """Whether a fact goes to payment_events; everything else goes to earning_events."""
    return isinstance(fact, PaymentFact)


__all__ = ["EarningFact", "Fact", "PaymentFact", "decode", "encode", "is_payment_fact"]
