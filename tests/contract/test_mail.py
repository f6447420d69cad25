"""Items of mails: what was stored once is read for good, and one of many writers wins."""

import json
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from points_ledger.adapters.dynamodb import mail as stored
from points_ledger.adapters.dynamodb.mail import DynamoDbMail
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import MailSettings, MailTemplate, QuietHours
from points_ledger.service.mail_ports import Claim, MailBook
from tests.contract.shapes import RECORDED_AT
from tests.template.reading import read_template

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

SAMPLES = Path(__file__).parent / "samples_of_mails"
TABLE = "mails"

FRENCH = MailTemplate(
    event="PointsMatured",
    language="fr",
    subject="{points} points",
    text="Bonjour {member_name}",
    html="<p>{points}</p>",
    enabled=False,
)
BOOK = MailBook(
    revision=3,
    settings=MailSettings(
        quiet_hours=QuietHours(begins=time(21), ends=time(8, 30)), default_language="fr"
    ),
    templates={("PointsMatured", "fr"): FRENCH},
    updated_at=RECORDED_AT,
    updated_by="person:sub-1",
)
CLAIM = Claim(
    member_id=MemberId("mbr#1"),
    event="PointsMatured",
    occasion="2027-01-31T06:00:00.123456Z",
    token="0" * 32,
    status="claimed",
    at=RECORDED_AT,
)
REJECTED = Claim(
    member_id=MemberId("mbr_1"),
    event="TierChanged",
    occasion="7",
    token="1" * 32,
    status="rejected",
    at=RECORDED_AT,
    message_id="mail-1",
    code="MessageRejected",
)


def sample(name: str) -> Json:
    found: Json = json.loads((SAMPLES / f"format_1_{name}.json").read_text(encoding="utf-8"))
    return found


def test_templates_are_stored_and_read_as_ever() -> None:
    item: Any = sample("templates")
    assert stored._encode_book(BOOK) == item
    assert stored._book(item) == BOOK


@pytest.mark.parametrize(("name", "claim"), [("claim", CLAIM), ("rejected", REJECTED)])
def test_claims_are_stored_and_read_as_ever(name: str, claim: Claim) -> None:
    item: Any = sample(name)
    assert stored._encode_claim(claim) == item
    assert stored._claim(item) == claim


def test_a_format_of_the_future_is_not_guessed_at() -> None:
    later: Any = {**sample("templates"), "format": {"N": "2"}}
    with pytest.raises(BrokenInvariantError):
        stored._book(later)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDbMail]":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    [properties] = read_template().of_type("AWS::DynamoDB::Table").values()
    taken: Any = {
        name: properties[name]
        for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    }
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(TableName=TABLE, **taken)
        yield DynamoDbMail(client, TABLE)


def test_of_two_who_save_the_same_revision_one_wins(store: DynamoDbMail) -> None:
    first = MailBook(revision=1, updated_at=RECORDED_AT, updated_by="a")
    assert store.save_book(first, expected=0)
    assert not store.save_book(first, expected=0)
    assert store.save_book(BOOK, expected=1)
    assert not store.save_book(first, expected=1)
    assert store.book() == BOOK


def test_one_of_many_claims_a_mail_and_an_open_one_is_claimed_again(store: DynamoDbMail) -> None:
    other = Claim(
        member_id=CLAIM.member_id,
        event=CLAIM.event,
        occasion=CLAIM.occasion,
        token="2" * 32,
        status="claimed",
        at=RECORDED_AT,
    )
    assert store.claim(CLAIM) is None
    assert store.claim(other) == CLAIM
    # The answer was lost, and the same write came again: it finds its own.
    assert store.claim(CLAIM) is None
    store.conclude(
        Claim(
            member_id=CLAIM.member_id,
            event=CLAIM.event,
            occasion=CLAIM.occasion,
            token=CLAIM.token,
            status="open",
            at=RECORDED_AT,
        )
    )
    assert store.claim(other) is None
    with pytest.raises(store._client.exceptions.ConditionalCheckFailedException):
        store.conclude(CLAIM)
