"""Every way in which the ledger says no.

LedgerError
├── Rejection                       a command was refused; nothing was written
│   ├── InvalidRequestError         the input itself is malformed or out of bounds
│   ├── IdempotencyKeyMissingError
│   ├── IdempotencyKeyReusedError   same key, other input
│   ├── UnauthenticatedError
│   ├── ForbiddenError
│   ├── NotFoundError
│   ├── PayloadTooLargeError
│   ├── TooManyRequestsError
│   ├── InsufficientPointsError
│   ├── BelowMinimumError
│   │   └── CouponBelowMinimumError
│   ├── RedemptionPausedError
│   ├── RedemptionNotPermittedError
│   ├── TicketTooLowError
│   ├── EarnedOnSameTicketError
│   ├── YearlyCapExceededError
│   ├── AmountNotWholePointsError
│   ├── MemberInactiveError
│   ├── ApprovalClosedError
│   ├── RewardNotAvailableError
│   ├── OutOfStockError
│   ├── CouponNotUsableError
│   ├── ReservationNotOpenError
│   ├── AlreadyReversedError
│   ├── TransferNotPermittedError
│   ├── MergeNotPermittedError
│   ├── WebhookDisabledError
│   ├── SignInTakenError
│   └── LimitExceededError
├── FactRefusedError                a fact is wrong by itself: it goes to the dead letters
│   ├── FutureFactError
│   ├── ContradictionError
│   ├── LimitReachedByFactError
│   ├── MergeRefusedError
│   └── MalformedFactError
├── ConflictError                   another writer won too often: try again
└── BrokenInvariantError            the ledger itself is inconsistent: never expected
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar

from points_ledger.domain.dataclass import dataclass


class LedgerError(Exception):
    """Root of the tree; `code` is the stable name that clients see."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def data(self) -> Mapping[str, object]:
        """The error's own fields, ready for a problem document."""
        return {}


class Rejection(LedgerError):  # noqa: N818 - the field's word for a refused command
    """A command was refused and nothing was written."""

    code: ClassVar[str] = "invalid_request"

    def data(self) -> Mapping[str, object]:
        """The dataclass fields of the rejection; every subclass is a dataclass."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]  # subclasses are dataclasses


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with an input: where, and what."""

    field: str
    message: str


@dataclass
class InvalidRequestError(Rejection):
    """The input is malformed or out of bounds; `errors` names each field."""

    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request is not valid"
    errors: tuple[FieldError, ...]

    def data(self) -> Mapping[str, object]:
        """Field errors as plain mappings."""
        return {"errors": [{"field": e.field, "message": e.message} for e in self.errors]}


@dataclass
class IdempotencyKeyMissingError(Rejection):
    """A write that posts entries came without an Idempotency-Key."""

    code: ClassVar[str] = "idempotency_key_missing"
    title: ClassVar[str] = "An Idempotency-Key header is needed"


@dataclass
class IdempotencyKeyReusedError(Rejection):
    """The key was used before by the same caller with another input."""

    code: ClassVar[str] = "idempotency_key_reused"
    title: ClassVar[str] = "This Idempotency-Key was used for another request"


@dataclass
class UnauthenticatedError(Rejection):
    """No valid token or signature."""

    code: ClassVar[str] = "unauthenticated"
    title: ClassVar[str] = "Authentication is needed"


@dataclass
class ForbiddenError(Rejection):
    """The caller is known and may not do this."""

    code: ClassVar[str] = "forbidden"
    title: ClassVar[str] = "You may not do this"


@dataclass
class NotFoundError(Rejection):
    """There is no such thing for this caller."""

    code: ClassVar[str] = "not_found"
    title: ClassVar[str] = "Not found"
    what: str
    id: str


@dataclass
class PayloadTooLargeError(Rejection):
    """The body is larger than `maximum_bytes`."""

    code: ClassVar[str] = "payload_too_large"
    title: ClassVar[str] = "The body is too large"
    maximum_bytes: int


@dataclass
class TooManyRequestsError(Rejection):
    """Too much was asked in a short time."""

    code: ClassVar[str] = "too_many_requests"
    title: ClassVar[str] = "Too many requests; try again later"


@dataclass
class InsufficientPointsError(Rejection):
    """More points were asked for than are available."""

    code: ClassVar[str] = "insufficient_points"
    title: ClassVar[str] = "Not enough points"
    requested: int
    available: int


@dataclass
class BelowMinimumError(Rejection):
    """The value is below the program's minimum for one redemption."""

    code: ClassVar[str] = "below_minimum"
    title: ClassVar[str] = "Below the minimum redemption"
    minimum_amount: str
    amount: str


@dataclass
class CouponBelowMinimumError(BelowMinimumError):
    """Coupons are made from `minimum_points` on; the amounts are what the points are worth."""

    minimum_points: int
    points: int


@dataclass
class RedemptionPausedError(Rejection):
    """The program has paused redemptions."""

    code: ClassVar[str] = "redemption_paused"
    title: ClassVar[str] = "Redemptions are paused"


@dataclass
class RedemptionNotPermittedError(Rejection):
    """Analysis mode, or the member's jurisdiction is excluded; `reason` says which."""

    code: ClassVar[str] = "redemption_not_permitted"
    title: ClassVar[str] = "Redemption is not permitted"
    reason: str


@dataclass
class TicketTooLowError(Rejection):
    """The ticket does not exceed the value redeemed on it."""

    code: ClassVar[str] = "ticket_too_low"
    title: ClassVar[str] = "The ticket must exceed the value redeemed"
    ticket_amount: str
    amount: str


@dataclass
class EarnedOnSameTicketError(Rejection):
    """The points asked for include points that this very ticket earned."""

    code: ClassVar[str] = "earned_on_same_ticket"
    title: ClassVar[str] = "Points earned on this ticket cannot be spent on it"
    requested: int
    spendable: int


@dataclass
class YearlyCapExceededError(Rejection):
    """The member's yearly value cap would be exceeded."""

    code: ClassVar[str] = "yearly_cap_exceeded"
    title: ClassVar[str] = "The yearly cap would be exceeded"
    yearly_cap: str
    remaining: str


@dataclass
class AmountNotWholePointsError(Rejection):
    """The amount does not correspond to a whole number of points."""

    code: ClassVar[str] = "amount_not_whole_points"
    title: ClassVar[str] = "The amount is not a whole number of points"
    amount: str


@dataclass
class MemberInactiveError(Rejection):
    """The member is frozen, closed, merged or erased."""

    code: ClassVar[str] = "member_inactive"
    title: ClassVar[str] = "The member is not active"
    member_status: str


@dataclass
class TransferNotPermittedError(Rejection):
    """Points may not pass, or be shared, between these two members; `reason` says why."""

    code: ClassVar[str] = "transfer_not_permitted"
    title: ClassVar[str] = "The transfer is not permitted"
    reason: str


@dataclass
class MergeNotPermittedError(Rejection):
    """These two members cannot become one; `reason` says why."""

    code: ClassVar[str] = "merge_not_permitted"
    title: ClassVar[str] = "The members cannot be merged"
    reason: str


@dataclass
class SignInTakenError(Rejection):
    """Somebody else signs in with this address; who that is, is not told."""

    code: ClassVar[str] = "sign_in_taken"
    title: ClassVar[str] = "Somebody else signs in with this address"


@dataclass
class ReservationNotOpenError(Rejection):
    """There is no open reservation to go on with: it has ended, or it was decided another way."""

    code: ClassVar[str] = "reservation_not_open"
    title: ClassVar[str] = "The reservation is not open"
    reservation_status: str = "timed_out"


@dataclass
class AlreadyReversedError(Rejection):
    """All that was spent, `reversed_points`, has been given back before."""

    code: ClassVar[str] = "already_reversed"
    title: ClassVar[str] = "It has been reversed already"
    reversed_points: int


@dataclass
class ApprovalClosedError(Rejection):
    """Somebody has decided already; `approval_status` says how."""

    code: ClassVar[str] = "approval_closed"
    title: ClassVar[str] = "This approval is closed"
    approval_status: str


@dataclass
class RewardNotAvailableError(Rejection):
    """The reward cannot be had now, or not by this member; `reason` says why."""

    code: ClassVar[str] = "reward_not_available"
    title: ClassVar[str] = "The reward is not available"
    reason: str


@dataclass
class OutOfStockError(Rejection):
    """Nothing of the reward is left."""

    code: ClassVar[str] = "out_of_stock"
    title: ClassVar[str] = "The reward is out of stock"
    reward_id: str


@dataclass
class CouponNotUsableError(Rejection):
    """The coupon is not active any more; `coupon_status` says what it is."""

    code: ClassVar[str] = "coupon_not_usable"
    title: ClassVar[str] = "The coupon cannot be used"
    coupon_status: str


@dataclass
class WebhookDisabledError(Rejection):
    """An endpoint of outbound webhooks is told nothing until somebody enables it."""

    code: ClassVar[str] = "webhook_disabled"
    title: ClassVar[str] = "The outbound webhook is disabled"
    webhook_id: str


@dataclass
class LimitExceededError(Rejection):
    """A named limit of the ledger would be exceeded."""

    code: ClassVar[str] = "limit_exceeded"
    title: ClassVar[str] = "A limit would be exceeded"
    limit: str
    maximum: int


class FactRefusedError(LedgerError):
    """A fact that can be judged wrong from itself, or that contradicts a stored one."""

    code: ClassVar[str] = "fact_refused"
    title: ClassVar[str] = "The fact is refused"


@dataclass
class FutureFactError(FactRefusedError):
    """The fact is dated more than 24 hours ahead of the clock."""

    code: ClassVar[str] = "fact_in_the_future"
    dated: str


@dataclass
class ContradictionError(FactRefusedError):
    """Same id and time as a stored payment or refund, other content."""

    code: ClassVar[str] = "fact_contradicts_stored"
    what: str
    id: str


@dataclass
class LimitReachedByFactError(FactRefusedError):
    """One purchase has more payments or refunds than the ledger keeps."""

    code: ClassVar[str] = "fact_limit_reached"
    what: str
    maximum: int


@dataclass
class MergeRefusedError(FactRefusedError):
    """A source says that two customers are one, and their members cannot be merged (now)."""

    code: ClassVar[str] = "merge_refused"
    title: ClassVar[str] = "The customers' members cannot be merged"
    reason: str


@dataclass
class MalformedFactError(FactRefusedError):
    """The message is not a fact that this version understands."""

    code: ClassVar[str] = "fact_malformed"
    problem: str


class ConflictError(LedgerError):
    """Another writer won each of the bounded attempts; the same command may be sent again."""

    code: ClassVar[str] = "conflict"
    title: ClassVar[str] = "Another change was made at the same moment; try again"


class BrokenInvariantError(LedgerError):
    """Stored data contradicts itself."""

    code: ClassVar[str] = "ledger_inconsistent"
    title: ClassVar[str] = "The ledger is inconsistent"
