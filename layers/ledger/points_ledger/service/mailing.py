"""Telling members by mail what happened to their points: once, at a fair hour, if they want it.

An event only says which entry to look at. Whether there is a mail is decided by what is true when
it would be sent: the member's status and wishes, the templates, the hour. Then the mail is claimed
by a conditional write, sent, and its result is stored. Whoever finds a claim without a result does
not send: it is not known whether the mail went out, and none is better than two.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import MailedEvent, MailTemplate, one_line, written
from points_ledger.domain.mail_values import UNITED, Reader, occasion_of, values_of
from points_ledger.domain.mail_words import word
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settled
from points_ledger.domain.told import points_told
from points_ledger.domain.unsubscribing import token_of
from points_ledger.service.ledger import latest
from points_ledger.service.mail_ports import (
    Addressee,
    Claim,
    Letter,
    Mailer,
    MailStore,
    NotSent,
    Rejected,
    Sent,
    Unknown,
)
from points_ledger.service.ports import Profile
from points_ledger.service.programs import Programs

OLDEST: Final = timedelta(days=3)
"""What happened longer ago is no news."""
MAX_UNITED: Final = 25
"""Entries before and after one that are looked at for what was recorded with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event that members are mailed about: entry `number` of a member."""

    event: MailedEvent
    member_id: MemberId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOutcome:
    """What became of an event.

    `name` is sent, or why it was not: duplicate, unknown, rejected, not_sent, quiet, too_old,
    analysis, disabled, member_inactive, no_points, no_address, unsubscribed. After `quiet` it has
    to come again at `again_at`, after `not_sent` soon.
    """

    name: str
    code: str | None = None
    again_at: datetime | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A mail that may be sent: to whom, by which template, about which entry."""

    head: Entry
    entry: Entry
    profile: Profile
    template: MailTemplate
    program: Program
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Sends mails.

    Attributes:
        key: signs the links by which a reader ends the mails.
        new_token: a text that nobody else has, for each claim.
        unsubscribe_url: the address of the page behind those links.
    """

    store: MailStore
    mailer: Mailer
    programs: Programs
    clock: Callable[[], datetime]
    key: Callable[[], str]
    new_token: Callable[[], str]
    unsubscribe_url: str
    portal_url: str

    def tell(self, told: Told) -> MailOutcome:
        """Send the mail of an event, unless something speaks against it."""
        addressee = self.store.addressee(told.member_id, number=told.number)
        draft = self._draft(told, addressee)
        if isinstance(draft, MailOutcome):
            return draft
        claim = self._claim(told, draft)
        known = self.store.claim(claim)
        if known is not None:
            return MailOutcome(name="unknown" if known.status == "claimed" else "duplicate")
        delivery = self.mailer.send(self._written(told, draft, claim))
        match delivery:
            case Sent(message_id=message_id):
                self.store.conclude(replace(claim, status="sent", message_id=message_id))
                return MailOutcome(name="sent", message_id=message_id)
            case Rejected(code=code):
                self.store.conclude(replace(claim, status="rejected", code=code))
                return MailOutcome(name="rejected", code=code)
            case NotSent(code=code):
                self.store.conclude(replace(claim, status="open", code=code))
                return MailOutcome(name="not_sent", code=code)
            case Unknown(code=code):
                return MailOutcome(name="unknown", code=code)
            case _:
                assert_never(delivery)

    def _draft(self, told: Told, addressee: Addressee) -> _Draft | MailOutcome:
        """The mail, or the first reason against it; the hour is the last one to be asked."""
        head, entry, profile = addressee.head, addressee.entry, addressee.profile
        if head is None or entry is None or head.state.standing.status != "active":
            return MailOutcome(name="member_inactive")
        now = latest(self.clock(), [head])
        if entry.recorded_at < self.clock() - OLDEST:
            return MailOutcome(name="too_old")
        if told.event != "TierChanged" and not points_told(entry.posting):
            return MailOutcome(name="no_points")
        if profile is None or not profile.email:
            return MailOutcome(name="no_address")
        if not profile.notifications:
            return MailOutcome(name="unsubscribed")
        template = addressee.book.template(told.event, profile.language)
        if not template.enabled:
            return MailOutcome(name="disabled")
        program = self.programs.at(now)
        if program.mode == "analysis":
            return MailOutcome(name="analysis")
        hours = addressee.book.settings.quiet_hours
        quiet_until = hours.end_after(self.clock(), program.zone) if hours else None
        if quiet_until is not None:
            return MailOutcome(name="quiet", again_at=quiet_until)
        return _Draft(
            head=head, entry=entry, profile=profile, template=template, program=program, now=now
        )

    def _claim(self, told: Told, draft: _Draft) -> Claim:
        is_united = told.event in UNITED
        occasion = format_instant(draft.entry.recorded_at) if is_united else str(told.number)
        return Claim(
            member_id=told.member_id,
            event=told.event,
            occasion=occasion,
            token=self.new_token(),
            status="claimed",
            at=self.clock(),
        )

    def _written(self, told: Told, draft: _Draft, claim: Claim) -> Letter:
        """The letter; where something for it cannot be read, nothing was sent, and it says so."""
        letter: Letter | None = None
        try:
            letter = self._letter(told, draft)
        finally:
            if letter is None:
                self.store.conclude(replace(claim, status="open"))
        return letter

    def _letter(self, told: Told, draft: _Draft) -> Letter:
        template, language = draft.template, draft.template.language
        state = settled(draft.head.state, now=draft.now, program=draft.program)
        url = f"{self.unsubscribe_url}?token={token_of(told.member_id, self.key())}"
        reader = Reader(
            name=draft.profile.name,
            available=state.available,
            pending=state.pending,
            portal_url=self.portal_url,
            unsubscribe_url=url,
        )
        occasion = occasion_of(told.event, self._told_together(told, draft.entry))
        values = values_of(occasion, reader, draft.program, language)
        return Letter(
            address=str(draft.profile.email),
            sender_name=one_line(draft.program.name),
            unsubscribe_url=url,
            mail=written(template, values, footer=word("footer", language)),
        )

    def _told_together(self, told: Told, entry: Entry) -> Sequence[Entry]:
        """The entry, with those of its kind that were recorded at the same instant."""
        if told.event not in UNITED:
            return (entry,)
        around = self.store.entries(
            told.member_id, first=told.number - MAX_UNITED, last=told.number + MAX_UNITED
        )
        return [
            each
            for each in around
            if (each.posting.type, each.recorded_at) == (entry.posting.type, entry.recorded_at)
        ]
