"""The store on DynamoDB: consistent reads by key, and one conditional write per commit.

This is the only module that writes what commands decide, and `_append` in it the only place that
writes an entry. Each condition below says which race it closes.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, assert_never

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import Attributes, key_attributes
from points_ledger.adapters.dynamodb.tracing import Correlation, traced
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import ConflictError
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.service.ports import (
    Append,
    Approval,
    BudgetKey,
    Committed,
    Create,
    Draw,
    ExternalLink,
    GuardAbsent,
    GuardHead,
    HeadKey,
    Item,
    ItemKey,
    Key,
    Link,
    Listed,
    Lost,
    Marker,
    MarkerKind,
    Outcome,
    Park,
    Profile,
    ProfileKey,
    Put,
    Redemption,
    Remove,
    Save,
    Stored,
    Wait,
    Write,
)
from points_ledger.service.sweep_ports import numbers_of_shards, shards_for

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        DeleteTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
        UpdateTypeDef,
    )

MAX_KEYS_PER_READ: Final = 100
MAX_ACTIONS_PER_COMMIT: Final = 100
MAX_READ_ATTEMPTS: Final = 6
"""Requests for keys that DynamoDB left unprocessed, before the read is given up."""
READ_PAUSE_SECONDS: Final = 0.05
MAX_KNOWN_HOURS: Final = 1_000
KNOWN_HOUR_FOR: Final = timedelta(seconds=60)
"""How long a process relies on the number of shards that it last saw. They only grow, and a sweep
reads all of them, so an old number costs nothing but balance."""

_ABSENT: Final = "attribute_not_exists(PK)"

# Two commands decide from the same head and both append number n + 1: one of them wins.
ENTRY_NUMBER_IS_FREE: Final = _ABSENT
# An entry was appended to an account that this command read but does not write.
NO_NEWER_ENTRY: Final = _ABSENT
# Two facts of one purchase are merged into the same revision, and the later write would drop one.
REVISION_IS_AS_READ: Final = "revision = :expected"
# The same for what was stored before it had a revision, as long as it is there.
REVISION_IS_AS_READ_OR_NONE: Final = (
    "attribute_exists(PK) AND (revision = :expected OR attribute_not_exists(revision))"
)
# Two first facts of one purchase arrive at once, and each believes that it creates the earning.
NO_REVISION_YET: Final = _ABSENT
# Two webhooks enrol the same new customer; or one request comes twice at the same moment.
NOT_CREATED_YET: Final = _ABSENT
# The customer is linked, or the payment becomes known, while something is put down to wait for it.
STILL_ABSENT: Final = _ABSENT

# A hundred customers claim the last ten at the same moment.
ENOUGH_IS_LEFT: Final = "remaining >= :quantity"
DRAW: Final = "SET remaining = remaining - :quantity"
# Fifty purchases earn from the last points of a campaign's budget at the same moment.
SHARE_IS_KEPT: Final = "attribute_not_exists(given) OR given <= :most"
DRAW_FROM_BUDGET: Final = "SET #format = :format ADD given :quantity"

# Shards only ever grow: whoever meets an hour first notes it with one shard, others find theirs.
# The markers that this process has put there since it last asked are counted on the way.
REGISTER_HOUR: Final = (
    "SET shards = if_not_exists(shards, :one), #format = if_not_exists(#format, :one) "
    "ADD markers :more"
)
# Two writers see at once that an hour is crowded, and one of them saw less.
GROW_HOUR: Final = "SET shards = :shards"
HAS_FEWER_SHARDS: Final = "shards < :shards"

HEAD_OF_CHAIN: Final = "PK = :pk AND begins_with(SK, :entries)"

THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
    }
)
"""Errors, and reasons for which a transaction was cancelled, that ask for fewer requests."""
UNKNOWN_OUTCOMES: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
"""Errors after which nobody knows what is stored, or after which trying again may help."""
_FIRST_SERVER_ERROR: Final = 500
_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_LOST_REPLIES: Final = (NoConnectionError, HTTPClientError, ResponseParserError)
"""No connection, none in time, or an answer that was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    """One write of a commit as DynamoDB takes it.

    Attributes:
        key: what a failed condition is reported under; None where nothing depends on the item.
        item: what is put; None where the item is not.
        draw: what is taken from a stock or a budget.
        is_removal: whether the item is taken away. What has neither is only checked.
    """

    place: keys.TableKey
    key: Key | None = None
    item: Attributes | None = None
    condition: str | None = None
    expected: int | None = None
    draw: Draw | None = None
    is_removal: bool = False


@dataclass(slots=True, kw_only=True)
class _KnownHour:
    """What a process knows of an hour: its shards, since when, and how many markers it has put."""

    shards: int = 0
    seen_at: datetime
    uncounted: int = 0


class DynamoDbStore:
    """`Store` on one table. Safe to share between threads, like its client."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
        correlation: Correlation = lambda: None,
        throttled: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a store.

        `clock` is the wall clock, which decides in which hour a marker is looked for; `correlation`
        tells what is being worked on, which entries and what wakes others carry; `throttled` is
        told when DynamoDB asks for fewer requests.
        """
        self._client = client
        self._table_name = table_name
        self._clock = clock
        self._pause = pause
        self._correlation = correlation
        self._throttled = throttled
        self._hours: dict[keys.TableKey, _KnownHour] = {}
        self._hours_lock = threading.Lock()

    # --- Reads ------------------------------------------------------------------------------

    def get(self, keys_: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        """The items that exist under the keys: one consistent request.

        Raises:
            ConflictError: DynamoDB left some keys unread again and again; try later.
        """
        wanted = {keys.item_key(key): key for key in keys_}
        if len(wanted) > MAX_KEYS_PER_READ:
            raise ValueError(f"at most {MAX_KEYS_PER_READ} keys in one read, not {len(wanted)}")
        found = self._one(next(iter(wanted))) if len(wanted) == 1 else self._batch(list(wanted))
        places = ((keys.TableKey(item["PK"]["S"], item["SK"]["S"]), item) for item in found)
        return {wanted[place]: codec.decode_item(item) for place, item in places}

    def _one(self, place: keys.TableKey) -> list[Attributes]:
        response = self._client.get_item(
            TableName=self._table_name, Key=key_attributes(place), ConsistentRead=True
        )
        return [response["Item"]] if "Item" in response else []

    def _batch(self, places: Sequence[keys.TableKey]) -> list[Attributes]:
        found: list[Attributes] = []
        missing = [key_attributes(place) for place in places]
        for attempt in range(MAX_READ_ATTEMPTS):
            if not missing:
                return found
            if attempt:
                # Never read as absent: what came back unprocessed is asked for again.
                self._pause(random.uniform(0, READ_PAUSE_SECONDS * 2**attempt))  # noqa: S311 - jitter
            response = self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": missing, "ConsistentRead": True}}
            )
            found += response["Responses"].get(self._table_name, [])
            unread = response.get("UnprocessedKeys", {}).get(self._table_name)
            missing = [dict(key) for key in unread["Keys"]] if unread else []
        if missing:
            raise ConflictError
        return found

    def head(self, member_id: MemberId) -> Entry | None:
        """The newest entry of a member: one consistent request, whatever the chain's length."""
        response = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=HEAD_OF_CHAIN,
            ExpressionAttributeValues={
                ":pk": {"S": keys.chain_pk(member_id)},
                ":entries": {"S": keys.ENTRY_PREFIX},
            },
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        items = response["Items"]
        return codec.decode_entry(items[0]) if items else None

    # --- The one write ----------------------------------------------------------------------

    def commit(self, writes: Sequence[Write]) -> Outcome:
        """Store all writes or none: one put, or one transaction.

        Raises:
            ValueError: too many writes, or two that contradict each other.
            ClientError: the request itself is wrong or not allowed.
        """
        actions: list[_Action] = []
        try:
            actions += self._actions(writes)
            if len(actions) == 1 and actions[0].item is not None:
                self._client.put_item(**self._put(actions[0], actions[0].item))
            elif actions:
                self._client.transact_write_items(
                    TransactItems=[self._transacted(action) for action in actions]
                )
        except ClientError as error:
            if is_throttle(error):
                self._throttled()
            return _lost(error, actions)
        except _LOST_REPLIES:
            return Lost(unknown=True)
        return Committed()

    def _actions(self, writes: Sequence[Write]) -> list[_Action]:
        """One action per item; the same unconditional put twice is one."""
        actions: dict[keys.TableKey, _Action] = {}
        for write in writes:
            for action in self._actions_of(write):
                before = actions.setdefault(action.place, action)
                if before is not action and (before.condition or action.condition):
                    raise ValueError(f"two writes of {action.place} in one commit")
        if len(actions) > MAX_ACTIONS_PER_COMMIT:
            raise ValueError(f"at most {MAX_ACTIONS_PER_COMMIT} writes in one commit")
        return list(actions.values())

    def _actions_of(self, write: Write) -> list[_Action]:
        """One action; something is taken away wherever it may stand."""
        if isinstance(write, Remove) and write.expected is None:
            places = self._places_of(write.item)
            return [_Action(place=place, is_removal=True) for place in places]
        return [self._action(write)]

    def _action(self, write: Write) -> _Action:
        match write:
            case Append():
                return self._append(write.entry)
            case Save():
                return _save(write)
            case Create(item=item):
                created = codec.encode_create(item)
                if isinstance(item, ExternalLink | Approval):
                    created = traced(created, self._correlation())
                return _stored(created, key=item.key, condition=NOT_CREATED_YET)
            case Put(item=item):
                return _stored(
                    self._marker(item) if isinstance(item, Marker) else codec.encode_put(item)
                )
            case Remove(item=key):
                assert isinstance(key, ProfileKey)  # noqa: S101 - nothing else has a revision
                return _Action(
                    place=keys.item_key(key),
                    key=key,
                    condition=REVISION_IS_AS_READ_OR_NONE,
                    expected=write.expected,
                    is_removal=True,
                )
            case Draw(key=key):
                condition = _condition_of_draw(write)
                return _Action(place=keys.item_key(key), key=key, condition=condition, draw=write)
            case Link():
                return _stored(traced(codec.encode_put(write.item), self._correlation()))
            case Wait():
                return _stored(codec.encode_wait(write))
            case Park():
                return _stored(codec.encode_park(write))
            case GuardAbsent(key=key):
                return _Action(place=keys.item_key(key), key=key, condition=STILL_ABSENT)
            case GuardHead():
                return _Action(
                    place=keys.entry_key(write.member_id, write.number + 1),
                    key=HeadKey(member_id=write.member_id),
                    condition=NO_NEWER_ENTRY,
                )
            case _:
                assert_never(write)

    def _append(self, entry: Entry) -> _Action:
        """The one place where an entry is put: never over another one."""
        return _stored(
            codec.encode_entry(entry, self._correlation()),
            key=HeadKey(member_id=entry.member_id),
            condition=ENTRY_NUMBER_IS_FREE,
        )

    def _marker(self, marker: Marker) -> Attributes:
        """A marker in an hour that a sweep will still look at, which is noted before."""
        hour = _hour(max(marker.due_at, self._clock()))
        return codec.encode_marker(marker, hour, self._shards(marker.kind, hour, more=1))

    def _places_of(
        self, item: ProfileKey | ExternalId | Listed | Marker
    ) -> Sequence[keys.TableKey]:
        """Where something may stand."""
        match item:
            case Marker():
                return self._places_of_marker(item)
            case Listed():
                return (keys.listed_key(item),)
            case _:
                return (keys.item_key(item),)

    def _places_of_marker(self, marker: Marker) -> Sequence[keys.TableKey]:
        """Where a marker may stand that was written before it was due.

        It was put by a number of shards that the hour had then. Before it is due somebody may just
        have put it by a newer number than this process knows, so the number is read anew.
        """
        hour, is_due = _hour(marker.due_at), marker.due_at <= self._clock()
        shards = self._shards(marker.kind, hour, anew=not is_due)
        places = (
            keys.marker_key(marker.kind, hour, number, due_at=marker.due_at, target=marker.target)
            for number in numbers_of_shards(shards)
        )
        return list(dict.fromkeys(places))

    def _shards(
        self, kind: MarkerKind, hour: datetime, *, more: int = 0, anew: bool = False
    ) -> int:
        """The number of shards of an hour, which exists from now on.

        `more` markers are about to be put there. Their number is told with the next question, so
        that an hour that becomes crowded grows: what a process never tells costs only balance.
        """
        place, now = keys.hour_key(kind, hour), self._clock()
        with self._hours_lock:
            known = self._hours.get(place) or _KnownHour(seen_at=now)
            known.uncounted += more
            if known.shards and not anew and abs(now - known.seen_at) < KNOWN_HOUR_FOR:
                return known.shards
            told, known.uncounted = known.uncounted, 0
        shards = self._registered(place, told)
        with self._hours_lock:
            if len(self._hours) >= MAX_KNOWN_HOURS:
                self._hours.clear()
            known.shards, known.seen_at = shards, now
            self._hours[place] = known
        return shards

    def _registered(self, place: keys.TableKey, more: int) -> int:
        """Note an hour and that it has so many markers more; its number of shards."""
        response = self._client.update_item(
            TableName=self._table_name,
            Key=key_attributes(place),
            UpdateExpression=REGISTER_HOUR,
            ExpressionAttributeNames={"#format": "format"},
            ExpressionAttributeValues={":one": {"N": "1"}, ":more": {"N": str(more)}},
            ReturnValues="ALL_NEW",
        )
        noted = response["Attributes"]
        shards, wanted = int(noted["shards"]["N"]), shards_for(int(noted["markers"]["N"]))
        if wanted <= shards:
            return shards
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key=key_attributes(place),
                UpdateExpression=GROW_HOUR,
                ConditionExpression=HAS_FEWER_SHARDS,
                ExpressionAttributeValues={":shards": {"N": str(wanted)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _CONDITION_FAILED:
                raise
            return shards
        return wanted

    def _put(self, action: _Action, item: Attributes) -> "PutTypeDef":
        put: PutTypeDef = {"TableName": self._table_name, "Item": item}
        if action.condition is not None:
            put["ConditionExpression"] = action.condition
            put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if action.expected is not None:
            put["ExpressionAttributeValues"] = {":expected": {"N": str(action.expected)}}
        return put

    def _delete(self, action: _Action) -> "DeleteTypeDef":
        delete: DeleteTypeDef = {
            "TableName": self._table_name,
            "Key": key_attributes(action.place),
        }
        if action.condition is not None:
            delete["ConditionExpression"] = action.condition
            delete["ExpressionAttributeValues"] = {":expected": {"N": str(action.expected)}}
            delete["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return delete

    def _update(self, action: _Action, draw: Draw) -> "UpdateTypeDef":
        update: UpdateTypeDef = {
            "TableName": self._table_name,
            "Key": key_attributes(action.place),
            "UpdateExpression": DRAW,
            "ExpressionAttributeValues": {":quantity": {"N": str(draw.quantity)}},
        }
        if action.condition is not None:
            update["ConditionExpression"] = action.condition
            update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if isinstance(draw.key, BudgetKey):
            update["UpdateExpression"] = DRAW_FROM_BUDGET
            update["ExpressionAttributeNames"] = {"#format": "format"}
            values = {":quantity": draw.quantity, ":format": codec.FORMAT}
            if draw.share is not None:
                values[":most"] = draw.share - draw.quantity
            update["ExpressionAttributeValues"] = {n: {"N": str(v)} for n, v in values.items()}
        return update

    def _transacted(self, action: _Action) -> "TransactWriteItemTypeDef":
        if action.item is not None:
            return {"Put": self._put(action, action.item)}
        if action.is_removal:
            return {"Delete": self._delete(action)}
        if action.draw is not None:
            return {"Update": self._update(action, action.draw)}
        return {
            "ConditionCheck": {
                "TableName": self._table_name,
                "Key": key_attributes(action.place),
                "ConditionExpression": action.condition or _ABSENT,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }


def _save(save: Save) -> _Action:
    item = codec.encode_save(save.item, save.expected)
    if save.expected == 0:
        return _stored(item, key=save.item.key, condition=NO_REVISION_YET)
    may_have_none = isinstance(save.item, Redemption | Profile)
    condition = REVISION_IS_AS_READ_OR_NONE if may_have_none else REVISION_IS_AS_READ
    return _stored(item, key=save.item.key, condition=condition, expected=save.expected)


def _condition_of_draw(draw: Draw) -> str | None:
    """What a budget gets back was taken from it before, which the earning's revision proves."""
    if isinstance(draw.key, BudgetKey):
        return SHARE_IS_KEPT if draw.share is not None else None
    return ENOUGH_IS_LEFT


def _stored(
    item: Attributes,
    *,
    key: Key | None = None,
    condition: str | None = None,
    expected: int | None = None,
) -> _Action:
    place = keys.TableKey(item["PK"]["S"], item["SK"]["S"])
    return _Action(place=place, key=key, item=item, condition=condition, expected=expected)


def _hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


# --- What became of a commit that was not accepted ------------------------------------------


def is_throttle(error: ClientError) -> bool:
    """Whether DynamoDB asks for fewer requests, of the table or of one of its partitions."""
    reasons = error.response.get("CancellationReasons", [])
    codes = {error.response["Error"]["Code"], *(reason.get("Code") for reason in reasons)}
    return not codes.isdisjoint(THROTTLES)


def is_invalid(error: ClientError) -> bool:
    """Whether what was asked can never be done: an item or a key is too large, for one."""
    reasons = error.response.get("CancellationReasons", [])
    return error.response["Error"]["Code"] == "ValidationException" or any(
        reason.get("Code") == "ValidationError" for reason in reasons
    )


def may_pass(error: Exception) -> bool:
    """Whether the same request may be answered when it is sent again."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return is_throttle(error) or code in UNKNOWN_OUTCOMES or status >= _FIRST_SERVER_ERROR
    return isinstance(error, _LOST_REPLIES)


def _lost(error: ClientError, actions: Sequence[_Action]) -> Lost:
    """What is known after an error.

    Raises:
        ClientError: `error` itself, where trying again cannot help.
    """
    code = error.response["Error"]["Code"]
    if code == _CONDITION_FAILED:
        return _contested(actions, [{**error.response, "Code": "ConditionalCheckFailed"}])
    if code == "TransactionConflictException":
        return _contested(actions, [{"Code": "TransactionConflict"}])
    if code == "TransactionCanceledException":
        if is_invalid(error):
            raise error
        return _contested(actions, error.response.get("CancellationReasons", []))
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in UNKNOWN_OUTCOMES or status >= _FIRST_SERVER_ERROR:
        return Lost(unknown=True)
    raise error


def _contested(actions: Sequence[_Action], reasons: Sequence[Mapping[str, Any]]) -> Lost:
    """Who won, by the reason given for each action."""
    if len(reasons) != len(actions):
        return Lost(unknown=True)
    returned: dict[Key, Stored | None] = {}
    unknown = False
    for action, reason in zip(actions, reasons, strict=True):
        match reason.get("Code"):
            case None | "None":
                continue
            case "ConditionalCheckFailed" | "TransactionConflict" if action.key is not None:
                item = reason.get("Item")
                stored = codec.decode(item) if item else None
                returned[action.key] = _newer(returned.get(action.key), stored)
            case _:
                # Throttling and the like, or a conflict over an item that no decision rests on.
                unknown = True
    return Lost(returned=returned, unknown=unknown or not returned)


def _newer(known: Stored | None, other: Stored | None) -> Stored | None:
    """Two writes may be refused for one chain: its highest entry is adopted."""
    if isinstance(known, Entry) and isinstance(other, Entry):
        return max(known, other, key=lambda entry: entry.number)
    return other or known
