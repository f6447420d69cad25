"""What every webhook provider offers: proof of origin, and one table from event type to facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from points_ledger.adapters.providers.payload import Field, decode
from points_ledger.domain.error import FactRefusedError
from points_ledger.domain.fact import Fact

Complete = Callable[[str], Mapping[str, object]]
"""Fetches one page of what a payload cut off: path and query in, the provider's JSON out."""

Verify = Callable[[Mapping[str, str], bytes, Sequence[str], datetime], None]
"""Checks headers (lower-case names) and raw body against the active secrets at an instant."""


@dataclass
class IncompletePayloadError(FactRefusedError):
    """The payload cuts off `missing` and there is no way to fetch the rest.

    A fact made from half an invoice would be wrong for good: the message goes to the dead
    letters, and is complete once an API key of the provider is configured.
    """

    code: ClassVar[str] = "payload_incomplete"
    title: ClassVar[str] = "The payload is incomplete"
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One authenticated message on its way to become facts."""

    message: Field
    complete: Complete | None = None


Read = Callable[[Delivery], tuple[Fact, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A source of webhooks; `name` is the default source of its ids."""

    name: str
    check: Verify
    events: Mapping[str, Read]

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> None:
        """Prove that the raw body comes from who holds one of the secrets.

        Raises:
            UnauthenticatedError: it is not proven, or the message is too old or too new.
        """
        self.check(headers, body, secrets, now)

    def read(
        self,
        body: bytes,
        *,
        now: datetime,  # noqa: ARG002 - for providers whose payloads leave a time out
        complete: Complete | None = None,
    ) -> tuple[Fact, ...]:
        """The facts in a message; none for a valid message of a type that means nothing here.

        Raises:
            InvalidRequestError: unreadable, or a known type with a field that cannot be right.
            IncompletePayloadError: cut off, and `complete` is not given.
        """
        message = decode(body)
        read = self.events.get(message["type"].id())
        return () if read is None else read(Delivery(message=message, complete=complete))
