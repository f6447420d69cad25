"""What clients send: the bodies and queries of interface 2 as pydantic models.

Unknown fields are refused, so that a misspelt one is not silently ignored. Money is a decimal
string; numbers are integers, never floats, never booleans.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

from points_ledger.domain.entry import EntryType
from points_ledger.domain.identity import EarningKey, ExternalId, clean_id, clean_text
from points_ledger.domain.limit import (
    MAX_EXTERNAL_IDS_PER_MEMBER,
    MAX_PAGE_SIZE,
    MAX_TAGS,
    MAX_TEXT_CHARACTERS,
)
from points_ledger.domain.money import parse_amount
from points_ledger.domain.redemption import Ticket

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
DEFAULT_PAGE_SIZE: Final = 50
DEFAULT_TICKET_SOURCE: Final = "pos"
DEFAULT_TICKET_KIND: Final = "ticket"


def _text(value: str) -> str:
    return clean_text(value, maximum=MAX_TEXT_CHARACTERS, what="text")


def _email(value: str) -> str:
    text = _text(value)
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an email address")
    return text


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('an amount is a decimal string such as "12.50"')  # noqa: TRY004 - pydantic reports ValueErrors
    return parse_amount(value)


def _external_id(value: object) -> ExternalId:
    if not isinstance(value, str):
        raise ValueError("an external id is written source:id")  # noqa: TRY004 - as above
    return ExternalId.parse(value)


def _day(value: object) -> date:
    # pydantic would also take a number of seconds, and a time.
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


def _count(value: object) -> int:
    # pydantic would also take "1_0", "1.0" and " 1".
    if not isinstance(value, str) or not _COUNT.fullmatch(value):
        raise ValueError("is not a whole number")
    return int(value)


Text = Annotated[StrictStr, AfterValidator(_text)]
Day = Annotated[date, BeforeValidator(_day)]
PageSize = Annotated[int, BeforeValidator(_count), Field(ge=1, le=MAX_PAGE_SIZE)]
Email = Annotated[StrictStr, AfterValidator(_email)]
Id = Annotated[StrictStr, AfterValidator(clean_id)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]


class Body(BaseModel):
    """Base of all: immutable, no unknown fields, built when first used."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ExternalIdBody(Body):
    """A customer of a source system."""

    source: StrictStr
    id: StrictStr

    @model_validator(mode="after")
    def _check(self) -> "ExternalIdBody":
        self.external_id  # noqa: B018 - raises what is wrong with it
        return self

    @property
    def external_id(self) -> ExternalId:
        """As the domain names it."""
        return ExternalId(source=self.source, id=self.id)


class EnrolMemberBody(Body):
    """POST /members."""

    name: Text
    email: Email | None = None
    phone: Text | None = None
    organisation: Text | None = None
    jurisdiction: Text | None = None
    tags: Annotated[tuple[Text, ...], Field(max_length=MAX_TAGS)] = ()
    birthday: Day | None = None
    earns: StrictBool = True
    external_ids: Annotated[
        tuple[ExternalIdBody, ...], Field(max_length=MAX_EXTERNAL_IDS_PER_MEMBER)
    ] = ()


class TicketBody(Body):
    """The sale on which points are spent; `amount` is what it comes to before."""

    id: Id
    amount: Amount
    source: StrictStr = DEFAULT_TICKET_SOURCE
    kind: Literal["ticket", "invoice", "order"] = DEFAULT_TICKET_KIND

    @model_validator(mode="after")
    def _check(self) -> "TicketBody":
        self.ticket  # noqa: B018 - raises what is wrong with it
        return self

    @property
    def ticket(self) -> Ticket:
        """As the domain names it."""
        key = EarningKey(source=self.source, kind=self.kind, id=self.id)
        return Ticket(key=key, amount=self.amount)


class QuoteBody(Body):
    """POST /redemptions/quote."""

    member_id: Id
    ticket: TicketBody | None = None


class RedemptionBody(Body):
    """POST /redemptions."""

    member_id: Id
    points: Annotated[StrictInt, Field(gt=0)] | None = None
    amount: Annotated[Amount, Field(gt=0)] | None = None
    kind: Literal["ticket", "gift_card", "cash"] = "ticket"
    ticket: TicketBody | None = None
    reserve: Literal[False] = False
    note: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _points_or_amount(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if isinstance(data, dict) and (data.get("points") is None) == (data.get("amount") is None):
            raise ValueError("give either points or amount")
        return data


class EntriesQuery(Body):
    """GET /members/{member_id}/entries."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Annotated[StrictStr, Field(max_length=1_000)] | None = None
    type: EntryType | None = None

    @property
    def types(self) -> frozenset[EntryType]:
        """The types asked for; none means all."""
        return frozenset({self.type}) if self.type else frozenset()


class PendingQuery(Body):
    """GET /members/{member_id}/pending."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Annotated[StrictStr, Field(max_length=1_000)] | None = None


class FindMembersQuery(Body):
    """GET /members."""

    external_id: Annotated[ExternalId, BeforeValidator(_external_id)]
