"""What admins send about mails, and what they are answered (docs/notifications.md)."""

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Annotated, Final

from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import LINES_OF_TEXT, SHOWN_TEXT, Language, read
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import clean_text
from points_ledger.domain.mail import (
    FALLBACK_LANGUAGE,
    LONGEST_QUIET,
    MAILED_EVENTS,
    MAX_MAIL_CHARACTERS,
    MAX_SUBJECT_CHARACTERS,
    MAX_TEMPLATES,
    PLACEHOLDERS,
    Mail,
    MailedEvent,
    MailSettings,
    MailTemplate,
    QuietHours,
    has_stray_braces,
    unknown_placeholders,
)
from points_ledger.service.mail_ports import MailBook
from points_ledger.service.mail_templates import Templates

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LAYOUT: Final = str.maketrans("\n\t", "  ")


def _subject(value: str) -> str:
    if len(value.splitlines()) > 1:
        raise ValueError("must be one line")
    return clean_text(value, maximum=MAX_SUBJECT_CHARACTERS, what="subject")


def _message(value: str) -> str:
    text = value.replace("\r\n", "\n")
    clean_text(text.translate(_LAYOUT).strip(), maximum=MAX_MAIL_CHARACTERS, what="text")
    return text


def _quiet_hours(value: object) -> QuietHours:
    if not isinstance(value, Mapping) or value.keys() != {"from", "to"}:
        raise ValueError('must be {"from": "HH:MM", "to": "HH:MM"}')
    begins, ends = _clock(value["from"]), _clock(value["to"])
    if begins == ends:
        raise ValueError("from and to must differ")
    hours = QuietHours(begins=begins, ends=ends)
    if hours.length > LONGEST_QUIET:
        raise ValueError(f"must not last longer than {LONGEST_QUIET // timedelta(hours=1)} hours")
    return hours


def _clock(value: object) -> time:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError("a time is written HH:MM")
    return time.fromisoformat(value)


def _shown(value: object) -> None:
    """What is shown may be sent back, and says nothing."""


QUIET_HOURS: Final = Schema(
    type="object",
    properties={
        each: {"type": "string", "pattern": f"^({_CLOCK.pattern})$"} for each in ("from", "to")
    },
    required=["from", "to"],
    additionalProperties=False,
)
Subject = Annotated[
    str, _subject, Schema(minLength=1, maxLength=MAX_SUBJECT_CHARACTERS, pattern=SHOWN_TEXT)
]
Message = Annotated[
    str, _message, Schema(minLength=1, maxLength=MAX_MAIL_CHARACTERS, pattern=LINES_OF_TEXT)
]
ReadOnly = Annotated[object, By(_shown), Schema(description="Shown, and not looked at.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBody:
    """One template as it is sent."""

    event: MailedEvent
    language: Language
    subject: Subject
    text: Message
    html: Message | None = None
    enabled: bool = True
    is_default: ReadOnly = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsBody:
    """The settings as they are sent."""

    quiet_hours: Annotated[QuietHours, By(_quiet_hours), QUIET_HOURS] | None = None
    default_language: Language = FALLBACK_LANGUAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesBody:
    """PUT /notifications/templates; an answer of GET is one, too."""

    revision: int | None = None
    settings: SettingsBody | None = None
    templates: tuple[TemplateBody, ...] | None = None
    events: ReadOnly = None
    languages: ReadOnly = None
    updated_at: ReadOnly = None
    updated_by: ReadOnly = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesChange:
    """What a body asks for; None is what it does not name."""

    revision: int | None
    settings: MailSettings | None
    templates: Templates | None


def read_templates(body: object) -> TemplatesChange:
    """The change that a body asks for.

    Raises:
        InvalidRequestError: with every field that is wrong, unknown placeholders included.
    """
    sent = read(TemplatesBody, body)
    listed = sent.templates
    if listed is not None:
        errors = tuple(_errors(listed))
        if errors:
            raise InvalidRequestError(errors)
    settings = sent.settings
    return TemplatesChange(
        revision=sent.revision,
        settings=MailSettings(
            quiet_hours=settings.quiet_hours, default_language=settings.default_language
        )
        if settings
        else None,
        templates=None
        if listed is None
        else {(each.event, each.language): _template(each) for each in listed},
    )


def read_template(body: object) -> MailTemplate:
    """POST /notifications/previews: one template.

    Raises:
        InvalidRequestError: with every field that is wrong.
    """
    sent = read(TemplateBody, body)
    errors = tuple(_placeholder_errors(sent, ""))
    if errors:
        raise InvalidRequestError(errors)
    return _template(sent)


def _template(sent: TemplateBody) -> MailTemplate:
    return MailTemplate(
        event=sent.event,
        language=sent.language,
        subject=sent.subject,
        text=sent.text,
        html=sent.html,
        enabled=sent.enabled,
    )


def _errors(listed: tuple[TemplateBody, ...]) -> Iterator[FieldError]:
    if len(listed) > MAX_TEMPLATES:
        yield FieldError("templates", f"at most {MAX_TEMPLATES} templates")
        return
    seen: set[tuple[str, str]] = set()
    for position, each in enumerate(listed):
        if (each.event, each.language) in seen:
            message = f"{each.event} has another template in {each.language}"
            yield FieldError(f"templates.{position}", message)
        seen.add((each.event, each.language))
        yield from _placeholder_errors(each, f"templates.{position}.")


def _placeholder_errors(sent: TemplateBody, path: str) -> Iterator[FieldError]:
    for name, text in (("subject", sent.subject), ("text", sent.text), ("html", sent.html or "")):
        unknown = unknown_placeholders(text, sent.event)
        if unknown:
            known = ", ".join(PLACEHOLDERS[sent.event])
            wrong = ", ".join(f"{{{each}}}" for each in unknown)
            yield FieldError(f"{path}{name}", f"{sent.event} has no {wrong}; it has {known}")
        # Style sheets are full of braces.
        elif name != "html" and has_stray_braces(text):
            yield FieldError(f"{path}{name}", "has a brace that belongs to no placeholder")


def templates_document(book: MailBook) -> Document:
    """All templates in force, and what may stand in them."""
    templates = sorted(
        book.all_templates.values(),
        key=lambda each: (MAILED_EVENTS.index(each.event), each.language),
    )
    return {
        "revision": book.revision,
        "settings": {
            "quiet_hours": _quiet_document(book.settings.quiet_hours),
            "default_language": book.settings.default_language,
        },
        "templates": [
            {
                "event": each.event,
                "language": each.language,
                "subject": each.subject,
                "text": each.text,
                "html": each.html,
                "enabled": each.enabled,
                "is_default": (each.event, each.language) not in book.templates,
            }
            for each in templates
        ],
        "events": [
            {"event": event, "placeholders": list(PLACEHOLDERS[event])} for event in MAILED_EVENTS
        ],
        "languages": sorted({each.language for each in templates}),
        "updated_at": format_instant(book.updated_at) if book.updated_at else None,
        "updated_by": book.updated_by,
    }


def _quiet_document(hours: QuietHours | None) -> Document | None:
    if hours is None:
        return None
    return {"from": f"{hours.begins:%H:%M}", "to": f"{hours.ends:%H:%M}"}


def mail_document(mail: Mail) -> Document:
    """A mail as somebody would get it."""
    return {"subject": mail.subject, "text": mail.text, "html": mail.html}
