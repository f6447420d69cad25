"""messaging: what mails say, and the link by which a reader ends them."""

import base64
import hashlib
import re
from typing import Any

import pytest

from points_ledger.contracts.unsubscribe_page import (
    HEADERS,
    LANGUAGES,
    done_page,
    question_page,
    unknown_page,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import MAILED_EVENTS
from points_ledger.domain.mail_words import SHIPPED_LANGUAGES
from points_ledger.domain.unsubscribing import token_of
from points_ledger.runtime import bootstrap
from tests.functions.deployed import Answer, Deployed
from tests.functions.gateway import ADMIN, NOBODY, STAFF

Json = dict[str, Any]

SHOW, REPLACE = "GET /notifications/templates", "PUT /notifications/templates"
PREVIEW = "POST /notifications/previews"
ASK, UNSUBSCRIBE = "GET /unsubscribe", "POST /unsubscribe"
KEY = "k" * 64


def template(**changes: object) -> Json:
    return {
        "event": "PointsMatured",
        "language": "fr",
        "subject": "{points} points",
        "text": "Bonjour {member_name}, {points} points.",
        **changes,
    }


def replaced(deployed: Deployed, **body: object) -> Answer:
    return deployed.ask(REPLACE, ADMIN, body=body)


def named(answer: Answer, event: str, language: str) -> Json:
    [found] = (
        each
        for each in answer.body["templates"]
        if (each["event"], each["language"]) == (event, language)
    )
    return dict(found)


# --- Templates ------------------------------------------------------------------------------


def test_every_event_has_a_template_in_each_shipped_language(deployed: Deployed) -> None:
    answer = deployed.ask(SHOW, ADMIN)
    assert answer.status == 200
    assert answer.body["languages"] == ["de", "en", "es"]
    assert [(each["event"], each["language"]) for each in answer.body["templates"]] == [
        (event, language) for event in MAILED_EVENTS for language in ("de", "en", "es")
    ]
    assert all(each["is_default"] for each in answer.body["templates"])
    assert answer.body["settings"] == {"quiet_hours": None, "default_language": "en"}
    assert [each["event"] for each in answer.body["events"]] == list(MAILED_EVENTS)
    assert "points" in answer.body["events"][0]["placeholders"]


def test_what_is_shown_can_be_sent_back_and_changes_nothing(deployed: Deployed) -> None:
    shown = deployed.ask(SHOW, ADMIN).body
    assert replaced(deployed, **shown).body == shown
    assert "NOTIFICATIONS TEMPLATES" not in deployed.stored()


def test_a_template_of_ones_own_stands_beside_the_shipped_ones(deployed: Deployed) -> None:
    answer = replaced(deployed, templates=[template()])
    assert answer.status == 200
    assert answer.body["revision"] == 1
    assert answer.body["updated_by"] == "person:sub-ada"
    own = named(answer, "PointsMatured", "fr")
    assert own == {**template(), "html": None, "enabled": True, "is_default": False}
    assert answer.body["languages"] == ["de", "en", "es", "fr"]
    assert deployed.ask(SHOW, ADMIN).body == answer.body


def test_what_is_not_named_is_as_shipped_again(deployed: Deployed) -> None:
    replaced(deployed, templates=[template(), template(language="en", subject="Hurray")])
    answer = replaced(deployed, templates=[template()])
    assert named(answer, "PointsMatured", "en")["is_default"] is True
    assert replaced(deployed, templates=[]).body["languages"] == ["de", "en", "es"]


def test_settings_and_templates_are_replaced_apart(deployed: Deployed) -> None:
    replaced(deployed, templates=[template()])
    settings = {"quiet_hours": {"from": "21:00", "to": "08:30"}, "default_language": "fr"}
    answer = replaced(deployed, settings=settings)
    assert (answer.body["settings"], answer.body["revision"]) == (settings, 2)
    assert named(answer, "PointsMatured", "fr")["is_default"] is False
    # Nobody is left without the language that all others fall back to.
    assert replaced(deployed, templates=[]).fields == ["settings.default_language"]


def test_the_same_again_changes_nothing(deployed: Deployed) -> None:
    first = replaced(deployed, templates=[template()])
    deployed.clock.move(minutes=5)
    assert replaced(deployed, templates=[template()]).body == first.body


def test_who_has_seen_an_older_revision_is_refused(deployed: Deployed) -> None:
    replaced(deployed, templates=[template()])
    answer = replaced(deployed, revision=0, templates=[])
    assert answer.refusal == (409, "conflict")
    assert replaced(deployed, revision=1, templates=[]).status == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"templates": [template(text="{pionts}")]}, ["templates.0.text"]),
        ({"templates": [template(), template()]}, ["templates.1"]),
        ({"templates": [template(subject="{lots}")]}, ["templates.0.subject"]),
        ({"templates": [template(html="<p>{{nobody}}</p>")]}, ["templates.0.html"]),
        ({"templates": [template(text="{points")]}, ["templates.0.text"]),
        ({"templates": [template(subject="a\nb")]}, ["templates.0.subject"]),
        ({"templates": [template(subject="a\u2028b")]}, ["templates.0.subject"]),
        ({"templates": [template(subject="x" * 201)]}, ["templates.0.subject"]),
        ({"templates": [template(text=" ")]}, ["templates.0.text"]),
        ({"templates": [template(text="x" * 20_001)]}, ["templates.0.text"]),
        ({"templates": [template(event="PointsReserved")]}, ["templates.0.event"]),
        ({"templates": [template(language="french")]}, ["templates.0.language"]),
        ({"templates": [template(enabled=1)]}, ["templates.0.enabled"]),
        ({"templates": [template(body="x")]}, ["templates.0.body"]),
        ({"settings": {"quiet_hours": {"from": "8", "to": "9"}}}, ["settings.quiet_hours"]),
        ({"settings": {"quiet_hours": {"from": "08:00"}}}, ["settings.quiet_hours"]),
        (
            {"settings": {"quiet_hours": {"from": "08:00", "to": "08:00"}}},
            ["settings.quiet_hours"],
        ),
        (
            {"settings": {"quiet_hours": {"from": "20:00", "to": "08:01"}}},
            ["settings.quiet_hours"],
        ),
        ({"settings": {"default_language": "fr"}}, ["settings.default_language"]),
        ({"settings": {"sender": "x"}}, ["settings.sender"]),
        ({"template": []}, ["template"]),
        ([], ["body"]),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    body: object, fields: list[str], deployed: Deployed
) -> None:
    assert deployed.ask(REPLACE, ADMIN, body=body).fields == fields
    assert "NOTIFICATIONS TEMPLATES" not in deployed.stored()


def test_staff_do_not_write_templates(deployed: Deployed) -> None:
    answer = deployed.ask(REPLACE, STAFF, body={"templates": []})
    assert answer.refusal == (403, "forbidden")


def test_a_preview_is_the_mail_of_somebody_invented(deployed: Deployed) -> None:
    html = '<p title="{member_name}">{points}</p>'
    answer = deployed.ask(PREVIEW, ADMIN, body=template(language="de", html=html))
    assert answer.status == 200
    assert answer.body["subject"] == "1.200 points"
    assert answer.body["text"].startswith("Bonjour Alex Example, 1.200 points.")
    assert "unsubscribe?token=example" in answer.body["html"]
    assert deployed.ask(PREVIEW, ADMIN, body=template(text="{x}")).fields == ["text"]


# --- The link -------------------------------------------------------------------------------


@pytest.fixture
def key(deployed: Deployed) -> str:
    made = bootstrap.secrets().create_secret(Name="mail-key", SecretString=KEY)
    deployed.monkeypatch.setenv("MAIL_KEY_ARN", made["ARN"])
    return KEY


def wants_mails(deployed: Deployed, member_id: str) -> bool:
    shown = deployed.ask("GET /members/{member_id}", path={"member_id": member_id}).body
    return bool(shown["notifications"])


def test_looking_at_the_page_changes_nothing_and_the_button_does(
    deployed: Deployed, key: str
) -> None:
    member_id = deployed.enrol("C-1")
    link = {"token": token_of(MemberId(member_id), key)}
    before = deployed.stored()
    page = deployed.ask(ASK, NOBODY, query=link)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="post">' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert deployed.stored() == before
    done = deployed.ask(UNSUBSCRIBE, NOBODY, query=link)
    assert done.status == 200
    assert not wants_mails(deployed, member_id)
    assert done.printed.line()["ids"]["member_id"] == member_id
    changed = deployed.stored()
    assert deployed.ask(UNSUBSCRIBE, NOBODY, query=link).status == 200
    assert deployed.stored() == changed


@pytest.mark.parametrize(
    ("accepted", "language", "title"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es", "¿No recibir más correos sobre sus puntos?"),
        ("fr, DE-at;q=0.7, en;q=0.3", "de", "Keine E-Mails mehr über Ihre Punkte?"),
        ("fr-FR", "en", "Stop mails about your points?"),
        ("<script>,;;,*;q=x", "en", "Stop mails about your points?"),
        ("fr," * 5_000 + "es", "en", "Stop mails about your points?"),
    ],
)
def test_the_page_is_in_the_language_of_the_browser(
    accepted: str, language: str, title: str, deployed: Deployed, key: str
) -> None:
    link = {"token": token_of(MemberId(deployed.enrol("C-1")), key)}
    shown = deployed.ask(ASK, NOBODY, query=link, headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in shown.text
    assert f"<h1>{title}</h1>" in shown.text


def test_every_page_is_in_every_language_in_which_mails_are_shipped() -> None:
    assert set(SHIPPED_LANGUAGES) == LANGUAGES
    for written in (question_page, done_page, unknown_page):
        assert len({written(language) for language in LANGUAGES}) == len(LANGUAGES)


def test_the_policy_allows_the_style_of_the_page_and_no_other() -> None:
    [style] = re.findall("<style>(.*?)</style>", question_page("en"), re.DOTALL)
    proof = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{proof}';" in HEADERS["content-security-policy"]


def test_one_click_of_a_mail_program_is_enough(deployed: Deployed, key: str) -> None:
    member_id = deployed.enrol("C-1")
    answer = deployed.ask(
        UNSUBSCRIBE,
        NOBODY,
        query={"token": token_of(MemberId(member_id), key)},
        body="List-Unsubscribe=One-Click",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status == 200
    assert not wants_mails(deployed, member_id)


@pytest.mark.parametrize("route", [ASK, UNSUBSCRIBE])
def test_a_link_that_we_have_not_written_is_of_no_use(
    route: str, deployed: Deployed, key: str
) -> None:
    member_id = deployed.enrol("C-1")
    good = token_of(MemberId(member_id), key)
    other = token_of(MemberId("mbr_other"), key)
    forged = f"{good.partition('.')[0]}.{other.partition('.')[2]}"
    for token in ("", "x", ".", forged, token_of(MemberId(member_id), "other"), f"{good}A", "é."):
        answer = deployed.ask(route, NOBODY, query={"token": token})
        assert answer.status == 400
        assert "<h1>This link does not work</h1>" in answer.text
        assert "token" not in answer.printed.text
    assert wants_mails(deployed, member_id)


def test_who_was_merged_ends_the_mails_of_the_member_who_survived(
    deployed: Deployed, key: str
) -> None:
    gone, stays = deployed.enrol("C-1"), deployed.enrol("C-2")
    merged = deployed.ask(
        "POST /members/{member_id}/merge", path={"member_id": gone}, body={"into": stays}, key="m"
    )
    assert merged.status == 200
    link = {"token": token_of(MemberId(gone), key)}
    assert deployed.ask(UNSUBSCRIBE, NOBODY, query=link).status == 200
    assert not wants_mails(deployed, stays)


def test_who_was_erased_has_nothing_left_to_switch_off(deployed: Deployed, key: str) -> None:
    member_id = deployed.enrol("C-1")
    path = {"member_id": member_id}
    assert deployed.ask("DELETE /members/{member_id}", ADMIN, path=path, key="e").status == 200
    before = deployed.stored()
    link = {"token": token_of(MemberId(member_id), key)}
    assert deployed.ask(UNSUBSCRIBE, NOBODY, query=link).status == 200
    assert deployed.stored() == before
