"""Mails on DynamoDB: their templates, the claims of who sends them, and what they are about.

The templates are one item: a request has at most 256 KiB and an item of DynamoDB 400, so all that
can be sent fits, and is replaced as a whole.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import Attributes, key_attributes
from points_ledger.adapters.dynamodb.query import BETWEEN
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import MailedEvent, MailSettings, MailTemplate, QuietHours
from points_ledger.service.mail_ports import Addressee, Claim, ClaimStatus, MailBook
from points_ledger.service.ports import Profile, ProfileKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAIM_KEPT: Final = timedelta(days=30)
"""An event that is older than three days is not mailed, so nobody asks for its claim any more."""
MAX_READS: Final = 5
"""Requests for keys that DynamoDB left unprocessed."""

# Two admins save at once, and the later one would undo what the earlier has done.
REVISION_IS_AS_READ: Final = "revision = :expected"
NO_REVISION_YET: Final = "attribute_not_exists(PK)"
# The event is told twice, or two entries are told in one mail: one worker sends it.
NOBODY_SENDS_IT: Final = "attribute_not_exists(PK) OR #status = :open"
# What became of a mail is said by whoever sent it.
IS_MINE: Final = "#token = :token"

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"


class DynamoDbMail:
    """`MailStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def book(self) -> MailBook:
        """The stored templates and settings, read consistently."""
        place = keys.mail_templates_key()
        response = self._client.get_item(
            TableName=self._table_name, Key=key_attributes(place), ConsistentRead=True
        )
        return _book(response.get("Item"))

    def save_book(self, book: MailBook, *, expected: int) -> bool:
        """Store templates and settings over revision `expected`; False where there is another."""
        try:
            if expected:
                self._client.put_item(
                    TableName=self._table_name,
                    Item=_encode_book(book),
                    ConditionExpression=REVISION_IS_AS_READ,
                    ExpressionAttributeValues={":expected": {"N": str(expected)}},
                )
            else:
                self._client.put_item(
                    TableName=self._table_name,
                    Item=_encode_book(book),
                    ConditionExpression=NO_REVISION_YET,
                )
        except ClientError as error:
            if error.response["Error"]["Code"] == _CONDITION_FAILED:
                return False
            raise
        return True

    def addressee(self, member_id: MemberId, *, number: int) -> Addressee:
        """A member with the newest entry and the one of a number, read consistently."""
        profile = keys.item_key(ProfileKey(member_id=member_id))
        entry, templates = keys.entry_key(member_id, number), keys.mail_templates_key()
        found = self._batch([profile, entry, templates])
        kept = found.get(profile)
        told = found.get(entry)
        newest = self._newest(member_id)
        return Addressee(
            head=newest,
            entry=codec.decode_entry(told) if told else None,
            profile=cast("Profile", codec.decode_item(kept)) if kept else None,
            book=_book(found.get(templates)),
        )

    def entries(self, member_id: MemberId, *, first: int, last: int) -> Sequence[Entry]:
        """The entries of a member from one number to another, both included."""
        response = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=BETWEEN,
            ExpressionAttributeValues={
                ":pk": {"S": keys.chain_pk(member_id)},
                ":from": {"S": keys.entry_sk(max(1, first))},
                ":to": {"S": keys.entry_sk(last)},
            },
            ConsistentRead=True,
            Limit=last - max(1, first) + 1,
        )
        return [codec.decode_entry(item) for item in response["Items"]]

    def claim(self, claim: Claim) -> Claim | None:
        """Store a claim where there is none, or an open one; else the one that is there."""
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=_encode_claim(claim),
                ConditionExpression=NOBODY_SENDS_IT,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":open": {"S": "open"}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            there = cast("Any", error.response).get("Item")
            if error.response["Error"]["Code"] != _CONDITION_FAILED or there is None:
                raise
            known = _claim(there)
            return None if known.token == claim.token else known
        return None

    def conclude(self, claim: Claim) -> None:
        """Store what became of a claim of one's own."""
        self._client.put_item(
            TableName=self._table_name,
            Item=_encode_claim(claim),
            ConditionExpression=IS_MINE,
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": {"S": claim.token}},
        )

    def _newest(self, member_id: MemberId) -> Entry | None:
        response = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=BETWEEN,
            ExpressionAttributeValues={
                ":pk": {"S": keys.chain_pk(member_id)},
                ":from": {"S": keys.ENTRY_PREFIX},
                ":to": {"S": keys.AFTER_ENTRIES},
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=1,
        )
        return next(map(codec.decode_entry, response["Items"]), None)

    def _batch(self, places: Sequence[keys.TableKey]) -> Mapping[keys.TableKey, Attributes]:
        """Items by key; what DynamoDB leaves unread is asked for again, a few times."""
        missing = [key_attributes(place) for place in places]
        found: dict[keys.TableKey, Attributes] = {}
        for _ in range(MAX_READS):
            response = self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": missing, "ConsistentRead": True}}
            )
            for item in response["Responses"].get(self._table_name, []):
                found[keys.TableKey(item["PK"]["S"], item["SK"]["S"])] = item
            unread = response.get("UnprocessedKeys", {}).get(self._table_name)
            missing = [dict(key) for key in unread["Keys"]] if unread else []
            if not missing:
                return found
        raise BrokenInvariantError("DynamoDB leaves keys unread")


# --- Templates ------------------------------------------------------------------------------


def _encode_book(book: MailBook) -> Attributes:
    hours = book.settings.quiet_hours
    document = {
        "settings": {
            "default_language": book.settings.default_language,
            "quiet_hours": [hours.begins.isoformat(), hours.ends.isoformat()] if hours else None,
        },
        "templates": [
            [each.event, each.language, each.subject, each.text, each.html, each.enabled]
            for each in book.templates.values()
        ],
    }
    item: Attributes = {
        **key_attributes(keys.mail_templates_key()),
        "format": {"N": str(codec.FORMAT)},
        "revision": {"N": str(book.revision)},
        "document": {"S": json.dumps(document, separators=(",", ":"), ensure_ascii=False)},
    }
    if book.updated_at is not None:
        item["updated_at"] = {"S": format_instant(book.updated_at)}
    if book.updated_by is not None:
        item["updated_by"] = {"S": book.updated_by}
    return item


def _book(item: Attributes | None) -> MailBook:
    if item is None:
        return MailBook()
    _check_format(item)
    document = json.loads(item["document"]["S"])
    settings = document["settings"]
    return MailBook(
        revision=int(item["revision"]["N"]),
        settings=MailSettings(
            default_language=settings["default_language"],
            quiet_hours=_quiet_hours(settings["quiet_hours"]),
        ),
        templates={
            (event, language): MailTemplate(
                event=event,
                language=language,
                subject=subject,
                text=text,
                html=html,
                enabled=enabled,
            )
            for event, language, subject, text, html, enabled in document["templates"]
        },
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        updated_by=item["updated_by"]["S"],
    )


def _quiet_hours(stored: list[str] | None) -> QuietHours | None:
    if stored is None:
        return None
    begins, ends = map(time.fromisoformat, stored)
    return QuietHours(begins=begins, ends=ends)


# --- Claims ---------------------------------------------------------------------------------


def _encode_claim(claim: Claim) -> Attributes:
    item: Attributes = {
        **key_attributes(keys.mail_key(claim.member_id, claim.event, claim.occasion)),
        "format": {"N": str(codec.FORMAT)},
        "status": {"S": claim.status},
        "token": {"S": claim.token},
        "at": {"S": format_instant(claim.at)},
        "expires_at_epoch": {"N": str(int((claim.at + CLAIM_KEPT).timestamp()))},
    }
    if claim.message_id is not None:
        item["message_id"] = {"S": claim.message_id}
    if claim.code is not None:
        item["code"] = {"S": claim.code}
    return item


def _claim(item: Attributes) -> Claim:
    _check_format(item)
    _, member_id = keys.parts(item["PK"]["S"])
    event, occasion = keys.parts(item["SK"]["S"])
    return Claim(
        member_id=MemberId(member_id),
        event=cast("MailedEvent", event),
        occasion=occasion,
        token=item["token"]["S"],
        status=cast("ClaimStatus", item["status"]["S"]),
        at=datetime.fromisoformat(item["at"]["S"]),
        message_id=item["message_id"]["S"] if "message_id" in item else None,
        code=item["code"]["S"] if "code" in item else None,
    )


def _check_format(item: Attributes) -> None:
    if int(item["format"]["N"]) != codec.FORMAT:
        raise BrokenInvariantError(f"no way to read format {item['format']['N']} of a mail's item")
