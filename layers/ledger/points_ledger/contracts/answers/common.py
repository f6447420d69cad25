"""Values that answers are made of."""

from typing import Annotated, TypedDict

from points_ledger.contracts.reading import Schema

Instant = Annotated[str, Schema(format="date-time")]
"""ISO 8601 in UTC, with Z."""
Day = Annotated[str, Schema(format="date")]
Month = Annotated[str, Schema(pattern="^[0-9]{4}-[0-9]{2}$")]
Money = Annotated[str, Schema(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal with as many places as the currency has."""
Share = Annotated[str, Schema(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal number."""
Currency = Annotated[str, Schema(pattern="^[A-Z]{3}$")]
Hash = Annotated[str, Schema(pattern="^[0-9a-f]{64}$")]
Points = int
Count = Annotated[int, Schema(minimum=0)]
Cursor = Annotated[str, Schema(description="Asks for the next page; null on the last.")] | None


class Balances(TypedDict):
    """The four balances of a member."""

    available: Points
    pending: Points
    reserved: Points
    debt: Points


class Worth(TypedDict):
    """An amount of money."""

    amount: Money
    currency: Currency


class Accepted(TypedDict):
    """Taken in; what comes of it, comes later."""

    accepted: bool
