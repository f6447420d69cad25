"""Outbound webhooks: what clients send, and what they are answered (docs/outbound-webhooks.md)."""

from typing import Annotated, Any, Final

from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize, Text
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.outbound import Delivery, Try
from points_ledger.domain.outbound_address import parse_target

EVENT_TYPES: Final = frozenset(
    {
        "ApprovalRequested",
        "LedgerInconsistent",
        "MemberChanged",
        "MemberEnrolled",
        "MembersMerged",
        "PointsAccrued",
        "PointsAdjusted",
        "PointsExpired",
        "PointsExpiring",
        "PointsExtended",
        "PointsForfeited",
        "PointsLapsed",
        "PointsMatured",
        "PointsOpened",
        "PointsRedeemed",
        "PointsReleased",
        "PointsReserved",
        "PointsReversed",
        "PointsTransferred",
        "TierChanged",
    }
)
"""What the event bus tells; a test compares it with contracts/events.py, which costs a cold start
more than these names."""


def _event_type(value: object) -> str:
    if not isinstance(value, str) or value not in EVENT_TYPES:
        raise ValueError("is no type of event")
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("names no event; leave it out for all")
    if len(value) > len(EVENT_TYPES):
        raise ValueError(f"at most {len(EVENT_TYPES)} events")
    return tuple(sorted(set(value)))


EventTypes = Annotated[
    tuple[Annotated[str, By(_event_type), Schema(type="string", enum=sorted(EVENT_TYPES))], ...],
    _some,
    Schema(minItems=1, maxItems=len(EVENT_TYPES)),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundWebhookBody:
    """POST /outbound-webhooks; without `events` it is told of all."""

    url: str
    events: EventTypes | None = None
    description: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingBody:
    """A body that says nothing: `{}`, or none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesQuery:
    """GET /outbound-webhooks/{webhook_id}/deliveries."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


def checked_url(url: str, *, allow_loopback: bool) -> str:
    """The URL, if events may be posted to it.

    Raises:
        InvalidRequestError: they may not.
    """
    try:
        parse_target(url, allow_loopback=allow_loopback)
    except ValueError as error:
        raise InvalidRequestError((FieldError("url", str(error)),)) from error
    return url


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the log shows it: its newest try first, then all that are kept."""
    last = delivery.tries[-1] if delivery.tries else None
    next_ = delivery.next_try_at
    return {
        "delivery_id": delivery.delivery_id,
        "event_id": delivery.occurrence.id,
        "type": delivery.occurrence.type,
        "occurred_at": format_instant(delivery.occurrence.at),
        "status": delivery.status,
        "attempt": delivery.tried,
        "attempted_at": None if last is None else format_instant(last.at),
        "outcome": None if last is None else last.outcome,
        "status_code": None if last is None else last.status_code,
        "duration_milliseconds": None if last is None else last.duration_milliseconds,
        "next_attempt_at": None if next_ is None else format_instant(next_),
        "attempts": [_try_document(made) for made in reversed(delivery.tries)],
    }


def _try_document(made: Try) -> dict[str, Any]:
    return {
        "attempted_at": format_instant(made.at),
        "outcome": made.outcome,
        "status_code": made.status_code,
        "duration_milliseconds": made.duration_milliseconds,
    }
