"""Redemptions in HTTP: the bodies and queries that clients send, and what they are answered."""

from typing import Annotated, ClassVar, Final, Literal

from points_ledger.contracts.reading import Schema, one_of
from points_ledger.contracts.requests import (
    DEFAULT_PAGE_SIZE,
    Amount,
    AmountAboveZero,
    Cursor,
    Id,
    NoteText,
    PageSize,
    PointsAboveZero,
)
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import Quote, RedemptionKind, Ticket
from points_ledger.service.redemptions import ShownRedemption

TICKET_SOURCES: Final = ("pos", "standard")
"""Where the sale of a ticket without source may be known from: tills that name themselves `pos`,
and those that send Standard webhooks without a source of their own."""
DEFAULT_TICKET_KIND: Final = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketBody:
    """The sale on which points are spent; `amount` is what it comes to before."""

    id: Id
    amount: Amount
    source: Annotated[str, Schema(pattern="^[A-Za-z0-9._-]{1,64}$")] | None = None
    kind: Literal["ticket", "invoice", "order"] = DEFAULT_TICKET_KIND

    def __post_init__(self) -> None:
        """Refuse what no key can name."""
        _ = self.ticket

    @property
    def ticket(self) -> Ticket:
        """As the domain names it: without a source, under each that a till's sale may have."""
        sources = (self.source,) if self.source is not None else TICKET_SOURCES
        keys = [EarningKey(source=source, kind=self.kind, id=self.id) for source in sources]
        return Ticket(key=keys[0], amount=self.amount, other_keys=tuple(keys[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteBody:
    """POST /redemptions/quote."""

    member_id: Id
    ticket: TicketBody | None = None


A_REWARD: Final = {"required": ["kind", "reward_id"], "properties": {"kind": {"const": "reward"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionBody:
    """POST /redemptions: points, or an amount; a reward has its own price."""

    schema: ClassVar = Schema(
        oneOf=[
            *({**each, "not": A_REWARD} for each in one_of("points", "amount")),
            {**A_REWARD, "not": one_of("amount")[0]},
        ]
    )

    member_id: Id
    points: PointsAboveZero | None = None
    amount: AmountAboveZero | None = None
    kind: RedemptionKind = "ticket"
    reward_id: Id | None = None
    ticket: TicketBody | None = None
    reserve: bool = False
    note: NoteText | None = None

    def __post_init__(self) -> None:
        """Exactly one of points and amount says how much, but for a reward."""
        if (self.kind == "reward") != (self.reward_id is not None):
            raise ValueError("a reward, and nothing else, has a reward_id")
        if self.kind == "reward" and self.amount is not None:
            raise ValueError("a reward has its own price")
        if self.kind != "reward" and (self.points is None) == (self.amount is None):
            raise ValueError("give either points or amount")
        if self.reserve and self.kind in ("reward", "coupon"):
            raise ValueError("a reward or a coupon cannot be reserved")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBody:
    """POST /redemptions/{redemption_id}/capture and /reverse: so many points, or all of them."""

    points: PointsAboveZero | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBody:
    """POST /redemptions/{redemption_id}/cancel: there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionsQuery:
    """GET /redemptions."""

    member_id: Id
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


def quote_document(quote: Quote, program: Program) -> Document:
    """The most that can be redeemed, and the codes of what forbids more."""
    return {
        "max_points": quote.max_points,
        "max_amount": format_amount(quote.max_amount, program.currency),
        "minimum_amount": format_amount(quote.minimum_amount, program.currency),
        "currency": program.currency,
        "allowed": quote.allowed,
        "reasons": list(quote.reasons),
    }


def redemption_document(shown: ShownRedemption) -> Document:
    """A redemption as it is now."""
    redemption, ticket = shown.redemption, shown.redemption.ticket
    expires_at = redemption.expires_at
    return {
        "redemption_id": redemption.redemption_id,
        "status": shown.status,
        "member_id": redemption.member_id,
        "points": redemption.points,
        "amount": redemption.amount,
        "currency": redemption.currency,
        "kind": redemption.kind,
        "ticket": {"source": ticket.source, "kind": ticket.kind, "id": ticket.id}
        if ticket
        else None,
        "captured": redemption.captured,
        "captured_amount": shown.captured_amount,
        "reversed": redemption.reversed,
        "expires_at": format_instant(expires_at) if expires_at else None,
        "approval_id": redemption.approval_id,
        "reward_id": redemption.reward_id,
        "coupon": {"code": redemption.coupon} if redemption.coupon else None,
        "created_at": format_instant(redemption.created_at),
        "entry": redemption.entry,
    }
