"""Errors as RFC 9457 problems: the one table from error class to HTTP status."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.domain.error import (
    AlreadyReversedError,
    AmountNotWholePointsError,
    ApprovalClosedError,
    BelowMinimumError,
    BrokenInvariantError,
    ConflictError,
    CouponNotUsableError,
    EarnedOnSameTicketError,
    FactRefusedError,
    ForbiddenError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    InvalidRequestError,
    LedgerError,
    LimitExceededError,
    MemberInactiveError,
    MergeNotPermittedError,
    NotFoundError,
    OutOfStockError,
    PayloadTooLargeError,
    RedemptionNotPermittedError,
    RedemptionPausedError,
    ReservationNotOpenError,
    RewardNotAvailableError,
    SignInTakenError,
    TicketTooLowError,
    TooManyRequestsError,
    TransferNotPermittedError,
    UnauthenticatedError,
    WebhookDisabledError,
    YearlyCapExceededError,
)

TYPE_PREFIX: Final = "urn:points-ledger:problem:"
MEMBERS: Final = ("type", "title", "status", "detail", "code")
"""What every problem has; no error has a field of such a name."""

MAX_DETAIL_CHARACTERS: Final = 1_000
INTERNAL_STATUS: Final = 500

STATUS: Final[Mapping[type[LedgerError], int]] = MappingProxyType(
    {
        InvalidRequestError: 400,
        IdempotencyKeyMissingError: 400,
        UnauthenticatedError: 401,
        ForbiddenError: 403,
        NotFoundError: 404,
        ConflictError: 409,
        PayloadTooLargeError: 413,
        TooManyRequestsError: 429,
        IdempotencyKeyReusedError: 422,
        InsufficientPointsError: 422,
        BelowMinimumError: 422,
        RedemptionPausedError: 422,
        RedemptionNotPermittedError: 422,
        TicketTooLowError: 422,
        EarnedOnSameTicketError: 422,
        YearlyCapExceededError: 422,
        AmountNotWholePointsError: 422,
        MemberInactiveError: 422,
        ApprovalClosedError: 422,
        RewardNotAvailableError: 422,
        OutOfStockError: 422,
        CouponNotUsableError: 422,
        MergeNotPermittedError: 422,
        SignInTakenError: 422,
        TransferNotPermittedError: 422,
        ReservationNotOpenError: 422,
        AlreadyReversedError: 422,
        LimitExceededError: 422,
        WebhookDisabledError: 422,
        # Facts come by queue; one that a request makes (an action) is refused with all its kin.
        FactRefusedError: 422,
        BrokenInvariantError: INTERNAL_STATUS,
    }
)
"""Each class by itself, or by the nearest class above it in this table; a test walks the tree."""


def status_of(error_class: type[LedgerError]) -> int | None:
    """The status of an error class; None when neither it nor a class above it is in the table."""
    return next((STATUS[base] for base in error_class.__mro__ if base in STATUS), None)


def problem_of(error: LedgerError) -> dict[str, object]:
    """The problem document of an error.

    A class without a status is a mistake of ours, and so is anything from 500 on: the client sees
    that it was one, and nothing of what it was about.
    """
    status = status_of(type(error))
    if status is None or status >= INTERNAL_STATUS:
        return internal_problem(error.code)
    data = dict(error.data())
    detail = _detail(error, data)
    return data | _problem(code=error.code, title=error.title, status=status, detail=detail)


def internal_problem(code: str = LedgerError.code) -> dict[str, object]:
    """The problem of something that the caller cannot help."""
    return _problem(
        code=code,
        title=LedgerError.title,
        status=INTERNAL_STATUS,
        detail="It has been logged; sending the same request again is safe",
    )


def _problem(*, code: str, title: str, status: int, detail: str) -> dict[str, object]:
    return {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail[:MAX_DETAIL_CHARACTERS],
        "code": code,
    }


def _detail(error: LedgerError, data: Mapping[str, object]) -> str:
    """What was wrong, with the values that decided."""
    match error:
        case InvalidRequestError():
            wrong = [f"{each.field}: {each.message}" for each in error.errors]
        case NotFoundError():
            wrong = [f"no {error.what.replace('_', ' ')} {error.id}".rstrip()]
        case _:
            wrong = [f"{name.replace('_', ' ')} {value}" for name, value in data.items()]
    return f"{error.title}: {'; '.join(wrong)}" if wrong else error.title
