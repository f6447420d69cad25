"""Showing and changing the templates of mails and their settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import ConflictError, FieldError, InvalidRequestError
from points_ledger.domain.mail import Mail, MailedEvent, MailSettings, MailTemplate, written
from points_ledger.domain.mail_examples import EXAMPLE_READER, EXAMPLES
from points_ledger.domain.mail_texts import SHIPPED
from points_ledger.domain.mail_values import values_of
from points_ledger.domain.mail_words import word
from points_ledger.service.mail_ports import MailBook, MailStore
from points_ledger.service.programs import Programs

MAX_ATTEMPTS: Final = 3

Templates = Mapping[tuple[MailedEvent, str], MailTemplate]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTemplates:
    """Replace the settings, the templates, or both; None leaves them as they are.

    `revision` is the one that the caller has seen, None for whichever there is.
    """

    actor: str
    settings: MailSettings | None
    templates: Templates | None
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplates:
    """Shows and changes what mails say."""

    store: MailStore
    programs: Programs
    clock: Callable[[], datetime]

    def book(self) -> MailBook:
        """What is in force."""
        return self.store.book()

    def replace(self, command: ReplaceTemplates) -> MailBook:
        """Store what differs from the shipped templates; what is not named is as shipped again.

        The same command again changes nothing.

        Raises:
            InvalidRequestError: there is no template in the default language.
            ConflictError: somebody else has changed them since `revision`, or does so all the time.
        """
        for _ in range(MAX_ATTEMPTS):
            stored = self.store.book()
            if command.revision is not None and command.revision != stored.revision:
                raise ConflictError
            changed = self._changed(stored, command)
            if (changed.settings, changed.templates) == (stored.settings, stored.templates):
                return stored
            if self.store.save_book(changed, expected=stored.revision):
                return changed
        raise ConflictError

    def preview(self, template: MailTemplate) -> Mail:
        """The mail of a template, about somebody invented."""
        program = self.programs.at(self.clock())
        language = template.language
        values = values_of(EXAMPLES[template.event], EXAMPLE_READER, program, language)
        return written(template, values, footer=word("footer", language))

    def _changed(self, stored: MailBook, command: ReplaceTemplates) -> MailBook:
        named = stored.templates if command.templates is None else command.templates
        own = {place: each for place, each in named.items() if each != SHIPPED.get(place)}
        settings = command.settings or stored.settings
        languages = {language for _, language in {**SHIPPED, **own}}
        if settings.default_language not in languages:
            message = f"there is no template in {settings.default_language}"
            raise InvalidRequestError((FieldError("settings.default_language", message),))
        return replace(
            stored,
            revision=stored.revision + 1,
            settings=settings,
            templates=own,
            updated_at=self.clock(),
            updated_by=command.actor,
        )
