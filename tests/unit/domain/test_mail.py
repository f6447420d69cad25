"""Mails: placeholders, escaping, languages, quiet hours, and the words that stand for values."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain import mail_words
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.lot import NEVER
from points_ledger.domain.mail import (
    LONGEST_QUIET,
    MAILED_EVENTS,
    PLACEHOLDERS,
    MailTemplate,
    QuietHours,
    has_stray_braces,
    languages_to_try,
    unknown_placeholders,
    written,
)
from points_ledger.domain.mail_texts import SHIPPED
from points_ledger.domain.mail_words import SHIPPED_LANGUAGES
from points_ledger.domain.unsubscribing import member_of, token_of

CHICAGO = ZoneInfo("America/Chicago")
FOOTER = "Stop: {unsubscribe_url}"
TEMPLATE = MailTemplate(
    event="PointsMatured",
    language="en",
    subject="{points} for {member_name}",
    text="Hello {{ member_name }},\n\n{points} points.\nSee {portal_url}",
)
VALUES = {
    **dict.fromkeys(PLACEHOLDERS["PointsMatured"], "?"),
    "points": "50",
    "member_name": "Dana",
    "portal_url": "https://portal.test/?a=1&b=2",
    "unsubscribe_url": "https://stop.test",
}


class Seen(HTMLParser):
    """The tags of a page and what stands between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


# --- Writing --------------------------------------------------------------------------------


def test_placeholders_are_filled_in_with_one_or_two_braces() -> None:
    mail = written(TEMPLATE, VALUES, footer=FOOTER)
    assert mail.subject == "50 for Dana"
    assert mail.text.startswith("Hello Dana,\n\n50 points.\nSee https://portal.test/?a=1&b=2")


def test_html_is_made_from_the_text_with_paragraphs_and_links() -> None:
    seen = Seen(written(TEMPLATE, VALUES, footer=FOOTER).html)
    assert seen.links == ["https://portal.test/?a=1&b=2", "https://stop.test"]
    assert seen.tags.count("p") == 3
    assert "50 points." in seen.text


def test_every_mail_has_a_way_to_end_them() -> None:
    own = replace(TEMPLATE, html="<html><body><h1>{points}</h1></body></html>")
    mail = written(own, VALUES, footer=FOOTER)
    assert mail.text.endswith("\n-- \nStop: https://stop.test\n")
    assert Seen(mail.html).links == ["https://stop.test"]
    assert mail.html.endswith("</body></html>")
    named = replace(TEMPLATE, text="{unsubscribe_url}", html="<a href='{unsubscribe_url}'>x</a>")
    mail = written(named, VALUES, footer=FOOTER)
    assert mail.text == "https://stop.test"
    assert mail.html == "<a href='https://stop.test'>x</a>"


hostile = st.text() | st.sampled_from(
    ['"><script>x</script>', "'onload='x", "{points}", "{{points}}", "</p>\n\n<p>", "a\r\nBcc: b"]
)


@given(hostile)
def test_a_value_is_text_wherever_it_stands(name: str) -> None:
    plain = Seen(written(TEMPLATE, VALUES, footer=FOOTER).html)
    html = "<p title=\"{member_name}\" class='{member_name}'>{member_name}</p>"
    for template in (TEMPLATE, replace(TEMPLATE, html=html)):
        mail = written(template, {**VALUES, "member_name": name}, footer=FOOTER)
        seen = Seen(mail.html)
        expected = plain.tags if template.html is None else ["p", "p", "a"]
        assert [tag for tag in seen.tags if tag != "br"] == [t for t in expected if t != "br"]
        assert mail.subject.isprintable()
        assert len(mail.subject.splitlines()) <= 1


@pytest.mark.parametrize("event", MAILED_EVENTS)
@pytest.mark.parametrize("language", SHIPPED_LANGUAGES)
def test_a_shipped_template_has_only_placeholders_of_its_event(event: str, language: str) -> None:
    template = next(each for place, each in SHIPPED.items() if place == (event, language))
    for text in (template.subject, template.text):
        assert unknown_placeholders(text, template.event) == ()
        assert not has_stray_braces(text)
    named = set(re.findall(r"\{(\w+)\}", template.subject + template.text))
    english = next(each for place, each in SHIPPED.items() if place == (event, "en"))
    assert named == set(re.findall(r"\{(\w+)\}", english.subject + english.text))


def test_languages_come_closer_to_english_step_by_step() -> None:
    assert languages_to_try("pt-BR", "de") == ("pt-BR", "pt", "de", "en")
    assert languages_to_try(None, "en") == ("en",)


# --- Quiet hours ----------------------------------------------------------------------------

NIGHT = QuietHours(begins=time(21), ends=time(8))


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("2026-09-04T20:59:59", None),
        ("2026-09-04T21:00:00", "2026-09-05T08:00:00"),
        ("2026-09-04T23:59:59", "2026-09-05T08:00:00"),
        ("2026-09-05T00:00:00", "2026-09-05T08:00:00"),
        ("2026-09-05T07:59:59", "2026-09-05T08:00:00"),
        ("2026-09-05T08:00:00", None),
        # The clock goes forward and back at two in the morning.
        ("2026-03-07T23:00:00", "2026-03-08T08:00:00"),
        ("2026-10-31T23:00:00", "2026-11-01T08:00:00"),
    ],
)
def test_quiet_hours_pass_midnight_and_the_change_of_the_clock(
    local: str, ends: str | None
) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=CHICAGO)
    expected = datetime.fromisoformat(ends).replace(tzinfo=CHICAGO) if ends else None
    assert NIGHT.end_after(now.astimezone(UTC), CHICAGO) == expected


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"),
        ("2026-11-01T06:30:00Z", None),
        ("2026-11-01T07:10:00Z", "2026-11-01T07:30:00Z"),
        ("2026-11-01T07:30:00Z", None),
    ],
)
def test_quiet_hours_that_end_in_an_hour_that_comes_twice_end_ahead_of_now(
    now: str, ends: str | None
) -> None:
    hours = QuietHours(begins=time(22), ends=time(1, 30))
    expected = datetime.fromisoformat(ends) if ends else None
    assert hours.end_after(datetime.fromisoformat(now), CHICAGO) == expected


clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@given(clocks, clocks, st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))  # noqa: DTZ001 - UTC below
def test_the_end_of_quiet_hours_is_ahead_and_not_quiet(
    begins: time, ends: time, at: datetime
) -> None:
    hours = QuietHours(begins=begins, ends=ends)
    now = at.replace(tzinfo=UTC)
    end = hours.end_after(now, CHICAGO)
    if begins == ends or hours.length > LONGEST_QUIET:
        return
    if end is not None:
        # The change of the clock makes one night an hour longer.
        assert now < end <= now + hours.length + timedelta(hours=1)


# --- Words ----------------------------------------------------------------------------------


def test_numbers_money_and_days_are_written_as_the_language_does() -> None:
    day = date(2028, 11, 30)
    assert mail_words.number(1234567, "en") == "1,234,567"
    assert mail_words.number(1234567, "de-AT") == "1.234.567"
    assert mail_words.number(1234567, "fr") == "1234567"
    assert mail_words.signed(-1200, "en") == "−1,200"
    assert mail_words.signed(0, "es") == "+0"
    assert mail_words.money(Decimal("1234.50"), "USD", "en") == "1,234.50 USD"
    assert mail_words.money(Decimal("1234.50"), "EUR", "de") == "1.234,50 EUR"
    assert mail_words.money(Decimal(1234), "JPY", "es") == "1.234 JPY"
    assert mail_words.day(day, "en") == "30 November 2028"
    assert mail_words.day(day, "de") == "30. November 2028"
    assert mail_words.day(day, "es") == "30 de noviembre de 2028"
    assert mail_words.day(day, "fr") == "2028-11-30"
    assert mail_words.day(NEVER, "de") == "unbegrenzt"


def test_the_reason_names_one_purchase_or_says_that_there_are_several() -> None:
    invoice = EarningKey(source="pos", kind="invoice", id="in:1")
    action = EarningKey(source="points-ledger", kind="action", id="review:r-1")
    assert mail_words.reason([invoice, invoice], "de") == "Rechnung in:1"
    assert mail_words.reason([action], "en") == "action review"
    assert mail_words.reason([invoice, action], "en") == "several purchases or actions"
    assert mail_words.reason([None], "es") == "su cuenta"


# --- The link -------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=80).filter(lambda id_: id_.isprintable()), st.text())
def test_only_a_token_of_ours_is_read(member_id: str, noise: str) -> None:
    token = token_of(MemberId(member_id), "key")
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)
    assert member_of(token, "key") == member_id
    assert member_of(token, "another") is None
    assert member_of(noise, "key") is None
    assert member_of(f"{token}{noise}", "key") in (None, member_id)
