"""Lists that are shown, and what waits for an enrolment or a payment.

What is shown may be a moment old; what the stream's function queues again is read consistently.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import (
    PENDING_MEMBER,
    PENDING_SINCE,
    Attributes,
    key_attributes,
)
from points_ledger.adapters.dynamodb.earning_json import parse_earning_key
from points_ledger.adapters.dynamodb.query import BETWEEN, OF_KIND, pages
from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.domain.limit import MAX_PAGE_SIZE
from points_ledger.service.ports import (
    EntryPage,
    ListName,
    ListPage,
    Note,
    NotePlace,
    PendingPage,
    ProfileKey,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

INDEX: Final = "pending_by_member"
MAX_FILTERED_PAGES: Final = 10
"""Pages of MAX_PAGE_SIZE entries that are searched for entries of some types in one request; the
answer may then be shorter than asked for, and says where to go on."""

MAX_TEXTS_PER_READ: Final = 100
MAX_TEXT_READS: Final = 5

PENDING_OF_MEMBER: Final = "pending_member = :member"


class DynamoDbReader:
    """`LedgerReader` and `WaitingReader` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> EntryPage:
        """A page of entries, newest first, of the given types (none: all).

        A page may have fewer than `limit` entries, or none, and still name the next one.
        """
        found: list[Entry] = []
        for _ in range(MAX_FILTERED_PAGES):
            page, before = self._entry_page(member_id, before, MAX_PAGE_SIZE if types else limit)
            for entry in page:
                if not types or entry.posting.type in types:
                    found.append(entry)
                if len(found) == limit:
                    more = before is not None or entry is not page[-1]
                    return EntryPage(
                        entries=tuple(found), next_number=entry.number if more else None
                    )
            if before is None:
                break
        return EntryPage(entries=tuple(found), next_number=before)

    def _entry_page(
        self, member_id: MemberId, before: int | None, limit: int
    ) -> tuple[list[Entry], int | None]:
        """Entries before a number, newest first, and the last of them where there are more."""
        if before is not None and before <= 1:
            return [], None
        newest = keys.entry_sk(before - 1) if before is not None else keys.AFTER_ENTRIES
        response = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=BETWEEN,
            ExpressionAttributeValues={
                ":pk": {"S": keys.chain_pk(member_id)},
                ":from": {"S": keys.ENTRY_PREFIX},
                ":to": {"S": newest},
            },
            ScanIndexForward=False,
            Limit=limit,
        )
        entries = [codec.decode_entry(item) for item in response["Items"]]
        more = "LastEvaluatedKey" in response and bool(entries) and entries[-1].number > 1
        return entries, entries[-1].number if more else None

    def pending_earnings(
        self, member_id: MemberId, *, limit: int, cursor: str | None
    ) -> PendingPage:
        """Earnings of which the member has pending points, oldest first.

        Raises:
            ValueError: the cursor is not one of this list.
        """
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "IndexName": INDEX,
            "KeyConditionExpression": PENDING_OF_MEMBER,
            "ExpressionAttributeValues": {":member": {"S": member_id}},
            "Limit": limit,
        }
        if cursor is not None:
            query["ExclusiveStartKey"] = _read_cursor(cursor, member_id)
        response = self._client.query(**query)
        last = response.get("LastEvaluatedKey")
        return PendingPage(
            keys=tuple(keys.earning_key_of(item["PK"]["S"]) for item in response["Items"]),
            cursor=_cursor(last) if last else None,
        )

    def listed(
        self,
        name: ListName,
        partition: str,
        *,
        prefix: str = "",
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
    ) -> ListPage:
        """A page of a partition of a list, of what is sorted under a prefix.

        Raises:
            ValueError: the cursor is not one of this list.
        """
        pk = keys.list_pk(name, partition)
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": {"S": pk},
                ":from": {"S": keys.listed_from(prefix)},
                ":to": {"S": keys.listed_until(prefix)},
            },
            "ScanIndexForward": not newest_first,
            "Limit": limit,
            "ConsistentRead": consistent,
        }
        if cursor is not None:
            place = keys.TableKey(pk, _read_place(cursor, pk, prefix))
            query["ExclusiveStartKey"] = key_attributes(place)
        response = self._client.query(**query)
        last = response.get("LastEvaluatedKey")
        return ListPage(
            ids=tuple(keys.listed_id(item["SK"]["S"]) for item in response["Items"]),
            cursor=_opaque([pk, last["SK"]["S"]]) if last else None,
        )

    def notes(self, member_id: MemberId) -> Sequence[Note]:
        """All free text about a member, read consistently."""
        items = self._beside(keys.item_key(ProfileKey(member_id=member_id)), keys.NOTE_PREFIX)
        return [codec.decode_note(item) for item in items]

    def texts(self, places: Sequence[NotePlace]) -> Mapping[NotePlace, str]:
        """Some free texts, to be shown; what is not there, or was erased, is left out."""
        asked = [key_attributes(keys.note_key(*place)) for place in dict.fromkeys(places)]
        found: list[Attributes] = []
        for first in range(0, len(asked), MAX_TEXTS_PER_READ):
            found += self._batch(asked[first : first + MAX_TEXTS_PER_READ])
        notes = map(codec.decode_note, found)
        return {(note.member_id, note.id): note.text for note in notes}

    def _batch(self, missing: list[Attributes]) -> list[Attributes]:
        """Items by key; what DynamoDB leaves unread is asked for again, a few times."""
        found: list[Attributes] = []
        for _ in range(MAX_TEXT_READS):
            if not missing:
                break
            response = self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": missing}}
            )
            found += response["Responses"].get(self._table_name, [])
            unread = response.get("UnprocessedKeys", {}).get(self._table_name)
            missing = [dict(key) for key in unread["Keys"]] if unread else []
        return found

    def erase_notes(self, member_id: MemberId) -> int:
        """Take all free text about a member away; how many there were."""
        notes = self.notes(member_id)
        for note in notes:
            place = keys.note_key(member_id, note.id)
            self._client.delete_item(TableName=self._table_name, Key=key_attributes(place))
        return len(notes)

    def waiting(self, external_id: ExternalId) -> Sequence[EarningKey]:
        """Earnings that wait for this customer, read consistently."""
        items = self._beside(keys.item_key(external_id), keys.WAITING_PREFIX)
        return [codec.decode_waiting(item) for item in items]

    def parked(self, payment: PaymentKey) -> Sequence[Fact]:
        """Facts that wait for this payment, read consistently."""
        items = self._beside(keys.item_key(payment), keys.PARKED_PREFIX)
        return [codec.decode_parked(item) for item in items]

    def _beside(self, place: keys.TableKey, kind: str) -> list[Attributes]:
        """The items of a kind in the partition of another item."""
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": OF_KIND,
            "ExpressionAttributeValues": {":pk": {"S": place.pk}, ":kind": {"S": kind}},
            "ConsistentRead": True,
        }
        return [item for page in pages(self._client, query) for item in page["Items"]]


def _cursor(last: Attributes) -> str:
    """The place of the last item of a page, opaque to clients."""
    earning = keys.earning_key_of(last["PK"]["S"])
    place = [last[PENDING_MEMBER]["S"], last[PENDING_SINCE]["S"], str(earning)]
    if last["SK"]["S"] != keys.EARNING:
        place.append("share")
    return _opaque(place)


def _opaque(place: list[str]) -> str:
    # Not as ASCII: an id of other letters would make a cursor of five times its length.
    text = json.dumps(place, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_opaque(cursor: str) -> list[str]:
    try:
        place = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except ValueError as error:
        raise ValueError("not a cursor of this list") from error
    if not isinstance(place, list) or not all(isinstance(each, str) for each in place):
        raise ValueError("not a cursor of this list")
    return place


def _read_place(cursor: str, pk: str, prefix: str) -> str:
    """The place in a list, among those under a prefix, where a page begins.

    Raises:
        ValueError: not one of our cursors, or one of another list.
    """
    match _read_opaque(cursor):
        case [known_pk, place] if known_pk == pk and _is_within(place, prefix):
            return place
        case _:
            raise ValueError("not a cursor of this list")


def _is_within(place: str, prefix: str) -> bool:
    """Whether a query under a prefix may begin there: DynamoDB refuses any other place."""
    return keys.listed_from(prefix) <= place <= keys.listed_until(prefix)


def _read_cursor(cursor: str, member_id: MemberId) -> Attributes:
    """Where a page begins.

    Raises:
        ValueError: not one of our cursors, or one of another member.
    """
    try:
        member, since, earning, *share = _read_opaque(cursor)
        key = parse_earning_key(earning)
        place = keys.share_key(key, member_id) if share else keys.item_key(key)
        start: Attributes = {
            **key_attributes(place),
            PENDING_MEMBER: {"S": member},
            PENDING_SINCE: {"S": keys.format_key_instant(parse_instant(since))},
        }
    except (TypeError, ValueError) as error:
        raise ValueError("not a cursor of this list") from error
    if member != member_id:
        raise ValueError("not a cursor of this list: it is another member's")
    return start
