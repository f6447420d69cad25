"""Endpoints of outbound webhooks, their secrets and their log in the table.

Nothing of the ledger is written here. Each condition below says which race it closes.
"""

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import ClientError

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.codec import FORMAT, Attributes, key_attributes
from points_ledger.adapters.dynamodb.query import OF_KIND
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.error import BrokenInvariantError, ConflictError, LimitExceededError
from points_ledger.domain.outbound import (
    LOG_KEPT_FOR,
    MAX_ENDPOINTS,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    DisabledBecause,
    Endpoint,
    Occurrence,
    SigningSecrets,
    Try,
    WebhookId,
)
from points_ledger.service.outbound_ports import DeliveryPage, Known
from points_ledger.service.ports import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
    )

_IN_LOG: Final = "PK = :pk"

# Two admins add the last endpoint that there may be at the same moment.
ROOM_IS_LEFT: Final = "attribute_not_exists(endpoints) OR endpoints < :most"
COUNT: Final = "SET #format = :format ADD endpoints :by"
# The same request comes twice at the same moment.
NOT_THERE_YET: Final = "attribute_not_exists(PK)"
# The endpoint is removed while something about it is noted: it would come back as a torso.
STILL_THERE: Final = "attribute_exists(PK)"
# Two failures say at the same moment that the endpoint is disabled: one of them tells it.
NOT_DISABLED_YET: Final = "attribute_exists(PK) AND attribute_not_exists(disabled_at)"
# Two rotations replace the same secret, and one of the new ones would be lost.
GENERATION_IS_LAST: Final = "generation = :last"
# Two messages about one delivery are worked on at the same moment.
REVISION_IS_LAST: Final = "revision = :last"

FAIL: Final = "SET failing_since = if_not_exists(failing_since, :at) ADD failures :one"
SLOW: Final = "REMOVE failing_since ADD failures :one"
FORGET_FAILURES: Final = "REMOVE failures, failing_since"
DISABLE: Final = "SET disabled_at = :at, disabled_because = :because"
ENABLE: Final = "REMOVE failures, failing_since, disabled_at, disabled_because"


class DynamoDbOutbound:
    """`EndpointStore` and `DeliveryStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    # --- Endpoints --------------------------------------------------------------------------

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them, oldest first."""
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": OF_KIND,
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.endpoints_pk()},
                ":kind": {"S": keys.ENDPOINT_PREFIX},
            },
            "ConsistentRead": True,
        }
        items = self._client.query(**query)["Items"]
        found = (_decode_endpoint(item) for item in items)
        return tuple(sorted(found, key=lambda each: (each.created_at, each.webhook_id)))

    def known(self, webhook_id: WebhookId, delivery_id: DeliveryId | None = None) -> Known:
        """An endpoint, its secrets, and one delivery.

        Raises:
            ConflictError: DynamoDB left something unread; try again.
        """
        places = [keys.endpoint_key(webhook_id), keys.endpoint_secrets_key(webhook_id)]
        if delivery_id is not None:
            places.append(keys.delivery_key(webhook_id, delivery_id))
        asked = [key_attributes(place) for place in places]
        answer = self._client.batch_get_item(
            RequestItems={self._table_name: {"Keys": asked, "ConsistentRead": True}}
        )
        if answer.get("UnprocessedKeys"):
            raise ConflictError
        items = answer["Responses"].get(self._table_name, [])
        found = {keys.TableKey(item["PK"]["S"], item["SK"]["S"]): item for item in items}
        endpoint, secrets = found.get(places[0]), found.get(places[1])
        delivery = found.get(places[2]) if delivery_id is not None else None
        return Known(
            endpoint=None if endpoint is None else _decode_endpoint(endpoint),
            secrets=None if secrets is None else _decode_secrets(secrets),
            delivery=None if delivery is None else _decode_delivery(delivery),
        )

    def register(
        self, endpoint: Endpoint, secrets: SigningSecrets, request: Request | None
    ) -> bool:
        """Store a new endpoint; see `EndpointStore`."""
        actions: list[TransactWriteItemTypeDef] = [
            self._counted(1, most=MAX_ENDPOINTS),
            self._put(_encode_endpoint(endpoint), NOT_THERE_YET),
            self._put(_encode_secrets(secrets), NOT_THERE_YET),
            *self._requested(request),
        ]
        refused = self._transact(actions)
        if 0 in refused:
            raise LimitExceededError(limit="outbound webhooks", maximum=MAX_ENDPOINTS)
        return not refused

    def rotate(self, secrets: SigningSecrets, request: Request | None) -> bool:
        """Store the next generation; see `EndpointStore`."""
        put = self._put(_encode_secrets(secrets), GENERATION_IS_LAST)
        put["Put"]["ExpressionAttributeValues"] = {":last": {"N": str(secrets.generation - 1)}}
        return not self._transact([put, *self._requested(request)])

    def remove(self, webhook_id: WebhookId) -> bool:
        """Take an endpoint and its secrets away."""
        place, secret_place = keys.endpoint_key(webhook_id), keys.endpoint_secrets_key(webhook_id)
        refused = self._transact(
            [
                {
                    "Delete": {
                        "TableName": self._table_name,
                        "Key": key_attributes(place),
                        "ConditionExpression": STILL_THERE,
                    }
                },
                {
                    "Delete": {
                        "TableName": self._table_name,
                        "Key": key_attributes(secret_place),
                    }
                },
                self._counted(-1),
            ]
        )
        return not refused

    def enable(self, webhook_id: WebhookId) -> Endpoint | None:
        """Forget its failures, and that it was disabled."""
        return self._updated(webhook_id, ENABLE, {}, STILL_THERE)

    def failed(self, webhook_id: WebhookId, at: datetime) -> Endpoint | None:
        """Count a failure."""
        values = _values(at=format_instant(at), one=1)
        return self._updated(webhook_id, FAIL, values, STILL_THERE)

    def slow(self, webhook_id: WebhookId) -> None:
        """Count an answer that came late."""
        self._updated(webhook_id, SLOW, _values(one=1), STILL_THERE)

    def succeeded(self, webhook_id: WebhookId) -> None:
        """Forget its failures."""
        self._updated(webhook_id, FORGET_FAILURES, {}, STILL_THERE)

    def disable(self, webhook_id: WebhookId, at: datetime, because: DisabledBecause) -> bool:
        """Tell it nothing more."""
        values = _values(at=format_instant(at), because=because)
        return self._updated(webhook_id, DISABLE, values, NOT_DISABLED_YET) is not None

    # --- The log ----------------------------------------------------------------------------

    def deliveries(
        self, webhook_id: WebhookId, *, limit: int, after: DeliveryId | None
    ) -> DeliveryPage:
        """A page of the log, newest event first."""
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": _IN_LOG,
            "ExpressionAttributeValues": {":pk": {"S": keys.deliveries_pk(webhook_id)}},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after is not None:
            query["ExclusiveStartKey"] = key_attributes(keys.delivery_key(webhook_id, after))
        answer = self._client.query(**query)
        found = tuple(_decode_delivery(item) for item in answer["Items"])
        more = "LastEvaluatedKey" in answer and found
        return DeliveryPage(deliveries=found, after=found[-1].delivery_id if more else None)

    def save(self, delivery: Delivery) -> bool:
        """Store the next revision of a delivery."""
        put = self._put(_encode_delivery(delivery), NOT_THERE_YET)["Put"]
        if delivery.revision:
            put["ConditionExpression"] = REVISION_IS_LAST
            put["ExpressionAttributeValues"] = {":last": {"N": str(delivery.revision)}}
        try:
            self._client.put_item(**put)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    # --- Writing ----------------------------------------------------------------------------

    def _updated(
        self,
        webhook_id: WebhookId,
        expression: str,
        values: Attributes,
        condition: str,
    ) -> Endpoint | None:
        update: UpdateItemInputTypeDef = {
            "TableName": self._table_name,
            "Key": key_attributes(keys.endpoint_key(webhook_id)),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ReturnValues": "ALL_NEW",
        }
        if values:
            update["ExpressionAttributeValues"] = values
        try:
            answer = self._client.update_item(**update)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return None
        return _decode_endpoint(answer["Attributes"])

    def _put(self, item: Attributes, condition: str) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table_name,
                "Item": item,
                "ConditionExpression": condition,
            }
        }

    def _requested(self, request: Request | None) -> "list[TransactWriteItemTypeDef]":
        if request is None:
            return []
        return [self._put(codec.encode_create(request), NOT_THERE_YET)]

    def _counted(self, by: int, *, most: int | None = None) -> "TransactWriteItemTypeDef":
        action: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table_name,
                "Key": key_attributes(keys.endpoint_count_key()),
                "UpdateExpression": COUNT,
                "ExpressionAttributeNames": {"#format": "format"},
                "ExpressionAttributeValues": {
                    ":by": {"N": str(by)},
                    ":format": {"N": str(FORMAT)},
                    **({} if most is None else {":most": {"N": str(most)}}),
                },
            }
        }
        if most is not None:
            action["Update"]["ConditionExpression"] = ROOM_IS_LEFT
        return action

    def _transact(self, actions: "Sequence[TransactWriteItemTypeDef]") -> frozenset[int]:
        """Which conditions failed, by the place of their actions; none when all is stored.

        Raises:
            ConflictError: another transaction came between.
        """
        try:
            self._client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = error.response.get("CancellationReasons", [])
            codes = [reason.get("Code") for reason in reasons]
            failed = frozenset(
                place for place, code in enumerate(codes) if code == "ConditionalCheckFailed"
            )
            if not failed:
                raise ConflictError from error
            return failed
        return frozenset()


# --- Items ----------------------------------------------------------------------------------


def _encode_endpoint(endpoint: Endpoint) -> Attributes:
    """As it is first stored; what is noted about it later is added by updates."""
    item: Attributes = {
        **key_attributes(keys.endpoint_key(endpoint.webhook_id)),
        "url": {"S": endpoint.url},
        "created_at": {"S": format_instant(endpoint.created_at)},
        "format": {"N": str(FORMAT)},
    }
    if endpoint.events:
        item["events"] = {"S": " ".join(endpoint.events)}
    if endpoint.description is not None:
        item["description"] = {"S": endpoint.description}
    return item


def _decode_endpoint(item: Attributes) -> Endpoint:
    _check_format(item)
    return Endpoint(
        webhook_id=WebhookId(keys.parts(item["SK"]["S"])[1]),
        url=item["url"]["S"],
        events=tuple(_text(item, "events", "").split()),
        description=_text(item, "description", "") or None,
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        failures=int(item["failures"]["N"]) if "failures" in item else 0,
        failing_since=_instant(item, "failing_since"),
        disabled_at=_instant(item, "disabled_at"),
        disabled_because=cast(
            "DisabledBecause | None", _text(item, "disabled_because", "") or None
        ),
    )


def _encode_secrets(secrets: SigningSecrets) -> Attributes:
    item: Attributes = {
        **key_attributes(keys.endpoint_secrets_key(secrets.webhook_id)),
        "current": {"S": secrets.current},
        "generation": {"N": str(secrets.generation)},
        "format": {"N": str(FORMAT)},
    }
    if secrets.previous is not None and secrets.previous_until is not None:
        item["previous"] = {"S": secrets.previous}
        item["previous_until"] = {"S": format_instant(secrets.previous_until)}
    return item


def _decode_secrets(item: Attributes) -> SigningSecrets:
    _check_format(item)
    return SigningSecrets(
        webhook_id=WebhookId(keys.parts(item["PK"]["S"])[2]),
        current=item["current"]["S"],
        generation=int(item["generation"]["N"]),
        previous=_text(item, "previous", "") or None,
        previous_until=_instant(item, "previous_until"),
    )


def _encode_delivery(delivery: Delivery) -> Attributes:
    """The next revision; the content is deflated, so that most deliveries are one write unit."""
    occurrence = delivery.occurrence
    last = delivery.tries[-1].at if delivery.tries else occurrence.at
    tries = [
        [format_instant(made.at), made.outcome, made.status_code, made.duration_milliseconds]
        for made in delivery.tries
    ]
    item: Attributes = {
        **key_attributes(keys.delivery_key(delivery.webhook_id, delivery.delivery_id)),
        "event_id": {"S": occurrence.id},
        "type": {"S": occurrence.type},
        "at": {"S": format_instant(occurrence.at)},
        "content": {"B": zlib.compress(occurrence.content.encode())},
        "status": {"S": delivery.status},
        "tried": {"N": str(delivery.tried)},
        "round": {"N": str(delivery.round)},
        "tries": {"S": json.dumps(tries, separators=(",", ":"))},
        "revision": {"N": str(delivery.revision + 1)},
        "expires_at_epoch": {"N": str(int((last + LOG_KEPT_FOR).timestamp()))},
        "format": {"N": str(FORMAT)},
    }
    if delivery.next_try_at is not None:
        item["next_try_at"] = {"S": format_instant(delivery.next_try_at)}
    return item


def _decode_delivery(item: Attributes) -> Delivery:
    _check_format(item)
    return Delivery(
        webhook_id=WebhookId(keys.parts(item["PK"]["S"])[2]),
        delivery_id=DeliveryId(keys.parts(item["SK"]["S"])[0]),
        occurrence=Occurrence(
            id=item["event_id"]["S"],
            type=item["type"]["S"],
            at=datetime.fromisoformat(item["at"]["S"]),
            content=zlib.decompress(item["content"]["B"]).decode(),
        ),
        status=cast("DeliveryStatus", item["status"]["S"]),
        tried=int(item["tried"]["N"]),
        round=int(item["round"]["N"]),
        tries=tuple(
            Try(
                at=datetime.fromisoformat(at),
                outcome=outcome,
                status_code=status_code,
                duration_milliseconds=milliseconds,
            )
            for at, outcome, status_code, milliseconds in json.loads(item["tries"]["S"])
        ),
        next_try_at=_instant(item, "next_try_at"),
        revision=int(item["revision"]["N"]),
    )


def _values(**named: str | int) -> Attributes:
    """What an expression names, as DynamoDB takes it."""
    return {
        f":{name}": {"S": value} if isinstance(value, str) else {"N": str(value)}
        for name, value in named.items()
    }


def _check_format(item: Attributes) -> None:
    if int(item["format"]["N"]) != FORMAT:
        kind = keys.stored_kind(item["PK"]["S"], item["SK"]["S"])
        raise BrokenInvariantError(f"no way to read format {item['format']['N']} of {kind}")


def _text(item: Attributes, name: str, absent: str) -> str:
    return item[name]["S"] if name in item else absent


def _instant(item: Attributes, name: str) -> datetime | None:
    return datetime.fromisoformat(item[name]["S"]) if name in item else None
