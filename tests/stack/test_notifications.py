"""Mails: an event of the bus becomes one, read where the emulator keeps what it would send."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack.client import StackClient, days_ago, problem, unique
from tests.stack.standard import Purchase

Json = dict[str, Any]

pytestmark = pytest.mark.stack

TEMPLATES = "/notifications/templates"


class Reader:
    """A member with an address of its own."""

    def __init__(self, ledger: StackClient, **more: object) -> None:
        self.ledger = ledger
        self.address = f"{unique('reader')}@example.com"
        self.customer_id = unique("customer")
        self.member_id = ledger.enrol(
            "<b>Dana</b>",
            email=self.address,
            external_ids=[{"source": "pos", "id": self.customer_id}],
        )
        if more:
            self.change(**more)

    def change(self, **wishes: object) -> None:
        answer = self.ledger.http.request(
            "PATCH",
            f"/members/{self.member_id}",
            json=wishes,
            headers={"Authorization": f"Bearer {self.ledger.staff_token}"},
        )
        assert answer.status_code == 200, answer.text

    def buys(self, points: int) -> None:
        self.ledger.make_rich(self.member_id, self.customer_id, points)

    def mails(self) -> list[Json]:
        """What was sent to the address, oldest first."""
        answer = httpx.get(
            f"{self.ledger.stack['endpoint_url']}/_ministack/ses/messages", timeout=30
        )
        accounts: Mapping[str, list[Json]] = answer.json()["messages"]
        return [mail for sent in accounts.values() for mail in sent if mail["To"] == [self.address]]

    def mail(self, words: str, count: int = 1) -> Json:
        """The one mail with these words in its subject, once there are `count` in all."""
        sent = self.ledger.wait_for(f"{count} mails", self.mails, lambda mails: len(mails) >= count)
        [found] = (mail for mail in sent if words in mail["Subject"])
        return found


def wait_until_told(ledger: StackClient) -> None:
    """Wait until the worker of mails has nothing left to do."""
    ledger.wait_until_processed()
    ledger.wait_for(
        "the events are mailed",
        lambda: ledger.messages_waiting("notifications"),
        lambda waiting: not waiting,
    )


def test_a_purchase_is_told_when_it_is_earned_and_when_it_matures(ledger: StackClient) -> None:
    reader = Reader(ledger)
    reader.buys(300)
    earned = reader.mail("You have earned 300 points", 2)
    matured = reader.mail("300 points are ready to be spent", 2)
    assert earned["Source"] == "Acme Rewards <points@ledger.example>"
    assert "original-pages" in earned["BodyText"]
    assert "300 points (3.00 USD) are yours to spend" in matured["BodyText"]
    assert "Hello <b>Dana</b>," in matured["BodyText"]
    assert "&lt;b&gt;Dana&lt;/b&gt;" in matured["BodyHtml"]
    assert "<b>" not in matured["BodyHtml"]
    assert f"{ledger.stack['api_url']}/portal" in matured["BodyText"]


def test_the_language_is_the_members(ledger: StackClient) -> None:
    reader = Reader(ledger, language="de-AT")
    reader.buys(300)
    assert "Guten Tag" in reader.mail("300 Punkte sind verfügbar", 2)["BodyText"]


def test_the_link_in_a_mail_ends_the_mails(ledger: StackClient) -> None:
    reader = Reader(ledger)
    reader.buys(600)
    text = reader.mail("ready to be spent", 2)["BodyText"]
    [link] = re.findall(r"(http\S+/unsubscribe\?token=\S+)", text)
    assert urlsplit(link).netloc == urlsplit(ledger.stack["api_url"]).netloc
    page = httpx.get(link, timeout=30)
    assert page.status_code == 200
    assert "<form" in page.text
    assert shown(ledger, reader)["notifications"] is True
    done = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=30)
    assert done.status_code == 200
    assert shown(ledger, reader)["notifications"] is False
    redeemed = ledger.redeem(reader.member_id, points=500, kind="cash")
    assert redeemed.status_code == 201
    wait_until_told(ledger)
    assert len(reader.mails()) == 2
    forged = httpx.get(f"{link[:-4]}AAAA", timeout=30)
    assert forged.status_code == 400


def shown(ledger: StackClient, reader: Reader) -> Json:
    answer: Json = ledger.get(f"/members/{reader.member_id}", token=ledger.staff_token).json()
    return answer


def test_a_template_is_edited_and_what_it_cannot_say_is_refused(ledger: StackClient) -> None:
    own = {
        "event": "PointsRedeemed",
        "language": "fr",
        "subject": "{points} points dépensés",
        "text": "Bonjour {member_name} : {value}.",
    }
    wrong = {"templates": [{**own, "text": "{nothing}"}]}
    refused = put(ledger, wrong, ledger.admin_token)
    assert problem(refused) == (400, "invalid_request")
    assert refused.json()["errors"][0]["field"] == "templates.0.text"
    assert put(ledger, {"templates": [own]}, ledger.admin_token).status_code == 200
    try:
        reader = Reader(ledger, language="fr")
        reader.buys(600)
        reader.mail("earned", 2)
        assert ledger.redeem(reader.member_id, points=500, kind="cash").status_code == 201
        mail = reader.mail("500 points dépensés", 3)
        assert mail["BodyText"].startswith("Bonjour <b>Dana</b> : 5.00 USD.")
        assert "&lt;b&gt;Dana&lt;/b&gt;" in mail["BodyHtml"]
    finally:
        assert put(ledger, {"templates": []}, ledger.admin_token).status_code == 200


def put(ledger: StackClient, body: Json, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return ledger.http.request("PUT", TEMPLATES, json=body, headers=headers)


def test_an_event_that_is_told_again_is_mailed_once(ledger: StackClient) -> None:
    reader = Reader(ledger)
    purchase = Purchase(customer_id=reader.customer_id, amount="50.00", posted_at=days_ago(3))
    ledger.settle(purchase.posted())
    reader.mail("You have earned 3 points")
    event = {
        "source": "points-ledger",
        "detail-type": "PointsAccrued",
        "detail": {"member_id": reader.member_id, "points": 3, "entry": {"entry": 2}},
    }
    for _ in range(3):
        ledger.queues.send_message(
            QueueUrl=ledger.stack["queues"]["notifications"],
            MessageBody=httpx.Request("POST", "http://x", json=event).read().decode(),
        )
    wait_until_told(ledger)
    assert len(reader.mails()) == 1
