"""The correlation id that some items carry, so that what follows from them can be traced.

It says which request, message or run wrote an item, and nothing depends on it: it is no part of
what an item stands for, an entry's hash does not cover it, and an entry that would not fit into one
write unit with it goes without (docs/decisions/0025-observability.md).
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

CORRELATION: Final = "correlation_id"
MAX_CHARACTERS: Final = 128
"""The gateway's own have 16; what is longer was not made by anything here."""

Correlation = Callable[[], str | None]
"""Tells what is being worked on now."""


def traced(
    item: "dict[str, AttributeValueTypeDef]", correlation_id: str | None
) -> "dict[str, AttributeValueTypeDef]":
    """The item with the correlation id, if there is one that is fit to be stored."""
    if correlation_id is None or not _is_fit(correlation_id):
        return item
    return {**item, CORRELATION: {"S": correlation_id}}


def correlation_of(image: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The correlation id that an item carries, if any."""
    value = image.get(CORRELATION, {}).get("S")
    return value if isinstance(value, str) else None


def _is_fit(correlation_id: str) -> bool:
    return (
        0 < len(correlation_id) <= MAX_CHARACTERS
        and correlation_id.isascii()
        and correlation_id.isprintable()
    )
