"""What every webhook provider offers: proof of origin, and one table from event type to facts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from points_ledger.adapters.providers.payload import Field, decode
from points_ledger.adapters.providers.signature import Sent
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FactRefusedError
from points_ledger.domain.fact import Fact

Complete = Callable[[str], Mapping[str, object]]
"""Fetches one page of what a payload cut off: path and query in, the provider's JSON out."""

Verify = Callable[[Sent, Sequence[str], datetime], None]
"""Checks what was sent against the active secrets at an instant."""


@dataclass
class IncompletePayloadError(FactRefusedError):
    """The payload cuts off `missing` and there is no way to fetch the rest.

    A fact made from half an invoice would be wrong for good: the message goes to the dead
    letters, and is complete once an API key of the provider is configured.
    """

    code: ClassVar[str] = "payload_incomplete"
    title: ClassVar[str] = "The payload is incomplete"
    missing: str


@dataclass
class PrivacyRequestError(FactRefusedError):
    """Someone asks for their data or its erasure, which a person has to decide.

    Erasing forfeits a balance, and the same member may be a customer of other sources: no message
    does that by itself. It goes to the dead letters under `subject`, an opaque id of the source.
    """

    code: ClassVar[str] = "privacy_request"
    title: ClassVar[str] = "A request about personal data"
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One authenticated message on its way to become facts.

    `headers` (lower-case names) and `now` are for what a provider's payloads leave out.
    """

    message: Field
    headers: Mapping[str, str]
    now: datetime
    complete: Complete | None = None


Read = Callable[[Delivery], tuple[Fact, ...]]
"""What one type of message says."""


def nothing(_delivery: Delivery) -> tuple[Fact, ...]:
    """How a type is read that is known and changes nothing in the ledger."""
    return ()


TypeOf = Callable[[Delivery], str]
"""How a message names its type."""


def type_in_body(delivery: Delivery) -> str:
    """The member `type` of the payload."""
    return delivery.message["type"].id()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A source of webhooks; `name` is the default source of its ids."""

    name: str
    check: Verify
    events: Mapping[str, Read]
    type_of: TypeOf = type_in_body

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> None:
        """Prove that the raw body comes from who holds one of the secrets.

        Raises:
            UnauthenticatedError: it is not proven, or the message is too old or too new.
        """
        self.check(sent, secrets, now)

    def read(
        self, sent: Sent, *, now: datetime, complete: Complete | None = None
    ) -> tuple[Fact, ...]:
        """The facts in a message; none for a valid message of a type that means nothing here.

        Raises:
            InvalidRequestError: unreadable, without a type, or a known type with a field that
                cannot be right.
            IncompletePayloadError: cut off, and `complete` is not given.
            PrivacyRequestError: no fact, but something that a person has to decide.
        """
        delivery = Delivery(
            message=decode(sent.body), headers=sent.headers, now=now, complete=complete
        )
        read = self.events.get(self.type_of(delivery))
        return () if read is None else read(delivery)
