"""Mails to members: templates, their placeholders, and the hours in which nobody is mailed.

A template is text with placeholders, `{points}`. Which ones there are depends on the event; what
is put in for them is always text, and escaped wherever the mail is HTML.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from html import escape
from types import MappingProxyType
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from points_ledger.domain.dataclass import dataclass

MailedEvent = Literal[
    "PointsAccrued",
    "PointsMatured",
    "PointsExpiring",
    "PointsExpired",
    "PointsRedeemed",
    "PointsReversed",
    "PointsTransferred",
    "PointsAdjusted",
    "TierChanged",
]
MAILED_EVENTS: Final[tuple[MailedEvent, ...]] = get_args(MailedEvent)

EVERYWHERE: Final = (
    *("member_name", "program_name", "available", "available_value", "pending"),
    *("portal_url", "unsubscribe_url"),
)
"""Placeholders of every event."""
PLACEHOLDERS: Final[Mapping[MailedEvent, tuple[str, ...]]] = MappingProxyType(
    {
        "PointsAccrued": (*EVERYWHERE, "points", "value", "reason", "rules"),
        "PointsMatured": (*EVERYWHERE, "points", "value", "reason", "rules", "last_day"),
        "PointsExpiring": (*EVERYWHERE, "points", "value", "last_day", "days", "lots"),
        "PointsExpired": (*EVERYWHERE, "points", "value"),
        "PointsRedeemed": (*EVERYWHERE, "points", "value"),
        "PointsReversed": (*EVERYWHERE, "points", "value", "reason"),
        "PointsTransferred": (*EVERYWHERE, "points", "value", "change"),
        "PointsAdjusted": (*EVERYWHERE, "points", "value", "change"),
        "TierChanged": (*EVERYWHERE, "old_tier", "new_tier"),
    }
)
LINKS: Final = frozenset({"portal_url", "unsubscribe_url"})
"""Placeholders that become links where HTML is made from the text."""

FALLBACK_LANGUAGE: Final = "en"
"""Every event has a template in it."""

MAX_SUBJECT_CHARACTERS: Final = 200
MAX_MAIL_CHARACTERS: Final = 20_000
"""Of the text and of the HTML of a template."""
MAX_TEMPLATES: Final = 200
LONGEST_QUIET: Final = timedelta(hours=12)
"""A message of a queue cannot be put off for longer."""

_PLACEHOLDER: Final = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}|\{([A-Za-z_]\w*)\}")
_PAGE: Final = (
    '<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
    "<title>{subject}</title></head>\n"
    '<body style="font-family:sans-serif;line-height:1.5;max-width:36em;margin:0 auto;padding:1em">'
    "\n{body}\n</body>\n</html>\n"
)

Values = Mapping[str, str]
"""What stands for each placeholder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplate:
    """What members are told of one event in one language; without `html` it is made from `text`."""

    event: MailedEvent
    language: str
    subject: str
    text: str
    html: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From `begins` until `ends`, in the program's zone, nobody is mailed; may pass midnight."""

    begins: time
    ends: time

    @property
    def length(self) -> timedelta:
        """How long they last, more than nothing and at most a day, on a day of 24 hours."""
        seconds = _seconds(self.ends) - _seconds(self.begins)
        return timedelta(seconds=seconds if seconds > 0 else seconds + 86_400)

    def end_after(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that are now are over; None where they are not."""
        local = now.astimezone(zone)
        clock, day = local.time(), local.date()
        if self.begins < self.ends:
            is_quiet = self.begins <= clock < self.ends
        else:
            is_quiet = clock >= self.begins or clock < self.ends
            if clock >= self.begins:
                day += timedelta(days=1)
        if not is_quiet:
            return None
        # Where the clock goes back, an end that comes twice may be over once already.
        ends = (datetime.combine(day, self.ends.replace(fold=fold), zone) for fold in (0, 1))
        first, second = (each.astimezone(UTC) for each in ends)
        return first if first > now else second


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """What holds for all mails of a program."""

    quiet_hours: QuietHours | None = None
    default_language: str = FALLBACK_LANGUAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as it is sent: a subject of one line, and the same message as text and as HTML."""

    subject: str
    text: str
    html: str


def languages_to_try(wanted: str | None, default: str) -> tuple[str, ...]:
    """The languages in which a template is looked for: `pt-BR`, `pt`, the default, English."""
    tried: list[str] = []
    for language in (wanted, default):
        if language:
            tried += [language, language.partition("-")[0]]
    return tuple(dict.fromkeys([*tried, FALLBACK_LANGUAGE]))


def unknown_placeholders(text: str, event: MailedEvent) -> tuple[str, ...]:
    """Placeholders of a template that its event does not have, each once."""
    named = (found[1] or found[2] for found in _PLACEHOLDER.finditer(text))
    return tuple(dict.fromkeys(name for name in named if name not in PLACEHOLDERS[event]))


def has_stray_braces(text: str) -> bool:
    """Whether there are braces that belong to no placeholder: a misspelt one, most likely."""
    rest = _PLACEHOLDER.sub("", text)
    return "{" in rest or "}" in rest


def names(text: str, placeholder: str) -> bool:
    """Whether a template has a placeholder."""
    return any(placeholder in (found[1], found[2]) for found in _PLACEHOLDER.finditer(text))


def written(template: MailTemplate, values: Values, *, footer: str) -> Mail:
    """The mail of a template; `footer` is added to a part that has no link to unsubscribe."""
    subject = one_line(_filled(template.subject, values))[:MAX_SUBJECT_CHARACTERS]
    text = _with_footer(template.text, f"\n\n-- \n{footer}\n")
    if template.html is None:
        body = _paragraphs(text, values)
        html = _PAGE.format(language=template.language, subject=escape(subject), body=body)
    else:
        marked = _with_footer(template.html, f"\n<p>{_linked(escape(footer), {})}</p>\n")
        html = _escaped(marked, values)
    return Mail(subject=subject, text=_filled(text, values), html=html)


def one_line(text: str) -> str:
    """A text without line breaks or other control characters, fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _with_footer(part: str, footer: str) -> str:
    if names(part, "unsubscribe_url"):
        return part
    body, end, rest = part.rpartition("</body>")
    return f"{body.rstrip()}{footer}{end}{rest}" if end else f"{part.rstrip()}{footer}"


def _filled(text: str, values: Values) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1] or found[2]], text)


def _escaped(html: str, values: Values) -> str:
    """HTML with its placeholders filled in; no value ends an attribute or begins a tag."""
    return _PLACEHOLDER.sub(lambda found: _as_html(values[found[1] or found[2]]), html)


def _paragraphs(text: str, values: Values) -> str:
    """A text as HTML: paragraphs where it has blank lines, links where it has addresses."""
    blocks = (block for block in re.split(r"\n[ \t]*\n", text) if block.strip())
    return "\n".join(f"<p>{_linked(_as_html(block.strip()), values)}</p>" for block in blocks)


def _linked(escaped: str, values: Values) -> str:
    """HTML whose addresses are links, filled in where there are values."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        shown = _as_html(values[name]) if values else found[0]
        return f'<a href="{shown}">{shown}</a>' if name in LINKS else shown

    return _PLACEHOLDER.sub(value, escaped)


def _as_html(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second
