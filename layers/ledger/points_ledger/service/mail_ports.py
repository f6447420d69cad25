"""What mails need from the outside, and the items that they store."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Literal, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import (
    Mail,
    MailedEvent,
    MailSettings,
    MailTemplate,
    languages_to_try,
)
from points_ledger.domain.mail_texts import SHIPPED
from points_ledger.service.ports import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class MailBook:
    """The settings of mails, and the templates that differ from the shipped ones.

    `revision` counts stored changes; 0 is what is shipped.
    """

    revision: int = 0
    settings: MailSettings = field(default_factory=MailSettings)
    templates: Mapping[tuple[MailedEvent, str], MailTemplate] = field(default_factory=dict)
    updated_at: datetime | None = None
    updated_by: str | None = None

    @property
    def all_templates(self) -> Mapping[tuple[MailedEvent, str], MailTemplate]:
        """The templates in force, by event and language."""
        return {**SHIPPED, **self.templates}

    def template(self, event: MailedEvent, language: str | None) -> MailTemplate:
        """The template of an event in the language that comes closest."""
        for tried in languages_to_try(language, self.settings.default_language):
            found = self.templates.get((event, tried)) or SHIPPED.get((event, tried))
            if found is not None:
                return found
        raise AssertionError("every event has a template in English")


ClaimStatus = Literal["claimed", "open", "sent", "rejected"]
"""`claimed`: a mail is being sent, or nobody knows whether it was; `open`: it was not, and may be
tried again; the others are final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """That somebody sends the mail of an event to a member, and what became of it.

    Attributes:
        occasion: what the mail is about, unique for the member and the event.
        token: who claims it: a retry of the same write finds its own.
        message_id: the mail service's name of the mail, once it took it.
        code: why the mail service refused it.
    """

    member_id: MemberId
    event: MailedEvent
    occasion: str
    token: str
    status: ClaimStatus
    at: datetime
    message_id: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """A member as mails need it: the newest entry, the one to tell of, and the personal data."""

    head: Entry | None
    entry: Entry | None
    profile: Profile | None
    book: MailBook


class MailStore(Protocol):
    """Templates, claims, and what a mail says of a member."""

    def book(self) -> MailBook:
        """The stored templates and settings, read consistently."""

    def save_book(self, book: MailBook, *, expected: int) -> bool:
        """Store them over revision `expected`; False where another one is stored."""

    def addressee(self, member_id: MemberId, *, number: int) -> Addressee:
        """A member, with the entry of a number."""

    def entries(self, member_id: MemberId, *, first: int, last: int) -> Sequence[Entry]:
        """The entries of a member from one number to another, both included."""

    def claim(self, claim: Claim) -> Claim | None:
        """Store a claim where there is none, or an open one; else the one that is there."""

    def conclude(self, claim: Claim) -> None:
        """Store what became of a claim of one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail on its way: to whom, from which name, and how its reader ends all of them."""

    address: str
    sender_name: str
    unsubscribe_url: str
    mail: Mail


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail service took the mail."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will never take this mail, and says why."""

    code: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It did not take it now: too many at once, not reached, or not allowed to us."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it took it: the answer was lost."""

    code: str


Delivery = Sent | Rejected | NotSent | Unknown


class Mailer(Protocol):
    """Sends mails."""

    def send(self, letter: Letter) -> Delivery:
        """Hand one mail to the mail service, once."""
