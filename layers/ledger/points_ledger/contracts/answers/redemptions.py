"""Redemptions, rewards, coupons, and what a second person decides."""

from typing import Any, Literal, NotRequired, TypedDict

from points_ledger.contracts.answers.common import (
    Balances,
    Count,
    Currency,
    Cursor,
    Day,
    Instant,
    Money,
    Points,
)
from points_ledger.domain.redemption import RedemptionKind

ShownRedemption = Literal[
    "completed",
    "reserved",
    "awaiting_approval",
    "cancelled",
    "rejected",
    "reversed",
    "timed_out",
]
ShownCoupon = Literal["active", "used", "cancelled", "expired"]


class QuoteAnswer(TypedDict):
    """The most that can be redeemed, and the codes of what forbids more."""

    max_points: Points
    max_amount: Money
    minimum_amount: Money
    currency: Currency
    allowed: bool
    reasons: list[str]


class CouponMade(TypedDict):
    """The coupon that points were made into."""

    code: str
    amount: Money
    currency: Currency
    last_day: Day
    status: ShownCoupon


class RedeemedAnswer(TypedDict):
    """A redemption as it was when it was made."""

    redemption_id: str
    status: Literal["completed", "reserved", "awaiting_approval"]
    member_id: str
    points: Points
    amount: Money
    currency: Currency
    expires_at: NotRequired[Instant | None]
    approval_id: NotRequired[str]
    reward_id: NotRequired[str]
    amount_due: NotRequired[Money]
    coupon: NotRequired[CouponMade]
    balance: Balances


class StepAnswer(TypedDict):
    """A redemption after a step: what was captured of it, and given back."""

    redemption_id: str
    status: ShownRedemption
    member_id: str
    points: Points
    amount: Money
    currency: Currency
    captured: Points
    captured_amount: Money
    reversed: Points
    balance: Balances


class Code(TypedDict):
    """The code of a coupon."""

    code: str


class TicketOfRedemption(TypedDict):
    """The sale that points were spent on."""

    source: str
    kind: str
    id: str


class RedemptionAnswer(TypedDict):
    """A redemption as it is now."""

    redemption_id: str
    status: ShownRedemption
    member_id: str
    points: Points
    amount: Money
    currency: Currency
    kind: RedemptionKind
    ticket: TicketOfRedemption | None
    captured: Points
    captured_amount: Money | None
    reversed: Points
    expires_at: Instant | None
    approval_id: str | None
    reward_id: str | None
    coupon: Code | None
    created_at: Instant
    entry: Count | None


class RedemptionsAnswer(TypedDict):
    """A page of redemptions, newest first."""

    redemptions: list[RedemptionAnswer]
    cursor: Cursor


class ApprovalAnswer(TypedDict):
    """What waits for a second person, or was decided."""

    approval_id: str
    kind: Literal["redemption", "transfer", "adjustment"]
    member_id: str
    member_name: str | None
    points: Points
    subject: str
    status: Literal["open", "approved", "rejected", "expired"]
    reason: str | None
    note: str | None
    requested_by: str
    created_at: Instant
    expires_at: Instant | None
    decided_by: str | None
    decided_at: Instant | None


class ApprovalsAnswer(TypedDict):
    """A page of approvals, newest first."""

    approvals: list[ApprovalAnswer]
    cursor: Cursor


class DecisionAnswer(TypedDict):
    """An approval that was decided, and what came of it: the answer of what was asked for."""

    approval_id: str
    kind: Literal["redemption", "transfer", "adjustment"]
    status: Literal["approved", "rejected"]
    member_id: str
    points: Points
    subject: str
    result: dict[str, Any]


class AdjustedAnswer(TypedDict):
    """An adjustment, or that it waits for a second person."""

    adjustment_id: str
    status: Literal["completed", "awaiting_approval"]
    member_id: str
    points: Points
    reason: str
    balance: Balances
    approval_id: NotRequired[str]


class TransferredAnswer(TypedDict):
    """A transfer, or that it waits for a second person."""

    transfer_id: str
    status: Literal["completed", "awaiting_approval"]
    points: Points
    from_member_id: str
    to_member_id: NotRequired[str]
    approval_id: NotRequired[str]
    expires_at: NotRequired[Instant | None]
    balance: Balances


class RewardGrants(TypedDict):
    """The tier that a reward gives."""

    tier: str
    months: Count


class RewardAnswer(TypedDict):
    """A reward of the catalogue; `stock` null is no end of them."""

    reward_id: str
    name: str
    description: str | None
    kind: Literal["item", "coupon"]
    points: Points
    amount: Money | None
    amount_due: Money | None
    currency: Currency
    stock: Count | None
    tiers: list[str]
    valid_from: Instant | None
    valid_until: Instant | None
    active: bool
    created_at: Instant
    grants: NotRequired[RewardGrants]


class RewardsAnswer(TypedDict):
    """A page of the catalogue."""

    rewards: list[RewardAnswer]
    cursor: Cursor


class CouponAnswer(TypedDict):
    """A coupon as it is now."""

    code: str
    status: ShownCoupon
    member_id: str
    redemption_id: str
    reward_id: str | None
    points: Points
    amount: Money
    currency: Currency
    last_day: Day
    created_at: Instant
    used_at: Instant | None
    used_on: str | None


class CouponsAnswer(TypedDict):
    """A page of coupons, newest first."""

    coupons: list[CouponAnswer]
    cursor: Cursor


class CouponCancelled(CouponAnswer):
    """A coupon that was cancelled, and what the member has now."""

    balance: Balances
