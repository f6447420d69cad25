"""Rewards and coupons: what clients send, and what they are answered."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, cast

from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import (
    DEFAULT_PAGE_SIZE,
    AmountAboveZero,
    Cursor,
    Id,
    PageSize,
    Text,
    read,
)
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.limit import MAX_POINTS, MAX_TIERS_OF_REWARD
from points_ledger.service.ports import RewardGrant
from points_ledger.service.rewarding import Draft, Shown

MAY_BE_NULL: Final = frozenset(
    {"description", "amount", "amount_due", "stock", "valid_from", "valid_until", "grants"}
)


def _price(value: int) -> int:
    if not 1 <= value <= MAX_POINTS:
        raise ValueError(f"must be 1 to {MAX_POINTS}")
    return value


def _stock(value: int) -> int:
    if not 0 <= value <= MAX_POINTS:
        raise ValueError(f"must be 0 to {MAX_POINTS}")
    return value


def _few_tiers(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MAX_TIERS_OF_REWARD:
        raise ValueError(f"at most {MAX_TIERS_OF_REWARD} tiers")
    return tuple(dict.fromkeys(value))


Points = Annotated[int, _price, Schema(minimum=1, maximum=MAX_POINTS)]
Remaining = Annotated[int, _stock, Schema(minimum=0, maximum=MAX_POINTS)]
Tiers = Annotated[tuple[Text, ...], _few_tiers, Schema(maxItems=MAX_TIERS_OF_REWARD)]
Kind = Literal["item", "coupon"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardBody:
    """POST /rewards; `stock` null is no end of them."""

    name: Text
    description: Text | None = None
    kind: Kind = "item"
    points: Points
    amount: AmountAboveZero | None = None
    amount_due: AmountAboveZero | None = None
    stock: Remaining | None = None
    tiers: Tiers = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    active: bool = True
    grants: RewardGrant | None = None

    @property
    def draft(self) -> Draft:
        """As the service takes it."""
        return Draft(**{each.name: getattr(self, each.name) for each in fields(Draft)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardChangesBody:
    """PATCH /rewards/{reward_id}: what is not named stays; null takes away what may be absent."""

    schema: ClassVar = Schema(minProperties=1)

    name: Text | None = None
    description: Text | None = None
    kind: Kind | None = None
    points: Points | None = None
    amount: AmountAboveZero | None = None
    amount_due: AmountAboveZero | None = None
    stock: Remaining | None = None
    tiers: Tiers | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    active: bool | None = None
    grants: RewardGrant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardsQuery:
    """GET /rewards."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponsQuery:
    """GET /members/{member_id}/coupons."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCouponBody:
    """POST /coupons/{code}/use; `used_on` is the id of what it was used on, such as a ticket."""

    used_on: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCouponBody:
    """POST /coupons/{code}/cancel."""


def read_changes(value: object) -> Mapping[str, object]:
    """The fields of a draft that a body names, and what they become.

    Raises:
        InvalidRequestError: with each field that is wrong; a body that names none is.
    """
    body = read(RewardChangesBody, value)
    named = cast("Mapping[str, object]", value)  # or it had not been read
    changes = {name: getattr(body, name) for name in named}
    errors = [
        FieldError(name, "must not be null")
        for name, change in changes.items()
        if change is None and name not in MAY_BE_NULL
    ]
    if not changes:
        errors = [FieldError("body", "names nothing to change")]
    if errors:
        raise InvalidRequestError(tuple(errors))
    return changes


def reward_document(shown: Shown) -> Document:
    """A reward with what is left of it; amounts are in the program's currency."""
    reward, given = shown.reward, shown.reward.grants
    grants = {} if given is None else {"grants": {"tier": given.tier, "months": given.months}}
    return {
        "reward_id": reward.reward_id,
        "name": reward.name,
        "description": reward.description,
        "kind": reward.kind,
        "points": reward.points,
        "amount": reward.amount,
        "amount_due": reward.amount_due,
        "currency": shown.currency,
        "stock": shown.remaining,
        "tiers": list(reward.tiers),
        "valid_from": _instant(reward.valid_from),
        "valid_until": _instant(reward.valid_until),
        "active": reward.is_active,
        "created_at": format_instant(reward.created_at),
        **grants,
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
