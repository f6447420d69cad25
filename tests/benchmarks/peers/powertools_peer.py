"""What most serverless samples do: a mutable account item, and Powertools' idempotency record.

The handler is wrapped by `idempotent_function` with the message's own id as the key, its payload
checked, and the defaults of the library otherwise. Inside, one request after the other: read the
purchase, add to the account, note it at the purchase. Spending is an update on the condition that
there is enough. Points do not expire: samples have no sweep, and their keys nothing to sweep by.
"""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyValidationError
from botocore.config import Config

from tests.benchmarks.meter import Meter, Usage
from tests.benchmarks.peers.worker import Death, NotOfferedError, RefusedError

WRITES: Final = frozenset({"PutItem", "UpdateItem"})
HTTP_OK: Final = 200
DAY_SECONDS: Final = 86_400
REMAINING_MILLISECONDS: Final = 30_000
ACCOUNTS: Final = "powertools-accounts"
RECORDS: Final = "powertools-records"

Message = Mapping[str, Any]


class UnknownPurchaseError(Exception):
    """A fact about a purchase that has not been posted yet."""


@dataclass(frozen=True)
class Accounts:
    """The items: `ACCOUNT#…` with a balance, `PURCHASE#…` with what is known of it."""

    client: Any

    def purchase(self, message: Message) -> dict[str, Any]:
        key = {"PK": {"S": f"PURCHASE#{message['purchase']}"}}
        item: dict[str, Any] | None = self.client.get_item(
            TableName=ACCOUNTS, Key=key, ConsistentRead=True
        ).get("Item")
        if item is None:
            raise UnknownPurchaseError(message["purchase"])
        return item

    def save(self, item: Mapping[str, Any]) -> None:
        self.client.put_item(TableName=ACCOUNTS, Item=item)

    def add(self, member: str, points: int) -> None:
        self.client.update_item(
            TableName=ACCOUNTS,
            Key={"PK": {"S": f"ACCOUNT#{member}"}},
            UpdateExpression="ADD balance :points",
            ExpressionAttributeValues={":points": {"N": str(points)}},
        )

    def spend(self, member: str, points: int) -> None:
        try:
            self.client.update_item(
                TableName=ACCOUNTS,
                Key={"PK": {"S": f"ACCOUNT#{member}"}},
                UpdateExpression="SET balance = balance - :points",
                ConditionExpression="balance >= :points",
                ExpressionAttributeValues={":points": {"N": str(points)}},
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise RefusedError("too few points") from error

    def balance(self, member: str) -> int:
        item = self.client.get_item(
            TableName=ACCOUNTS, Key={"PK": {"S": f"ACCOUNT#{member}"}}, ConsistentRead=True
        )["Item"]
        return int(item["balance"]["N"])


def take_in(accounts: Accounts, message: Message) -> None:
    """The body of the handler for facts."""
    if message["do"] == "posted":
        _posted(accounts, message)
        return
    purchase = accounts.purchase(message)
    total, granted = Decimal(purchase["total"]["N"]), int(purchase["granted"]["N"])
    change = 0
    match message["do"], purchase["status"]["S"]:
        case "paid", "posted":
            change = math.floor(total)
            purchase["status"] = {"S": "paid"}
        case "refunded", "posted":
            purchase["total"] = {"N": str(total - Decimal(message["amount"]))}
        case "refunded", "paid":
            change = -math.floor(Decimal(message["amount"]))
        case "voided", _:
            change = -granted
            purchase["status"] = {"S": "voided"}
        case _:
            return
    if change:
        accounts.add(message["member"], change)
    accounts.save({**purchase, "granted": {"N": str(granted + change)}})


def _posted(accounts: Accounts, message: Message) -> None:
    status, granted = "posted", 0
    try:
        known = accounts.purchase(message)
    except UnknownPurchaseError:
        pass
    else:
        status, granted = known["status"]["S"], int(known["granted"]["N"])
    change = math.floor(Decimal(message["amount"])) - granted if status == "paid" else 0
    if change:
        accounts.add(message["member"], change)
    accounts.save(
        {
            "PK": {"S": f"PURCHASE#{message['purchase']}"},
            "status": {"S": status},
            "total": {"N": message["amount"]},
            "granted": {"N": str(granted + change)},
        }
    )


class PowertoolsPeer:
    """The handlers of one process."""

    def __init__(self, client: Any, death: Death) -> None:  # noqa: ANN401 - stubs are for development
        self._client = client
        self._accounts = Accounts(client=client)
        self._meter = Meter(client)
        config = IdempotencyConfig(event_key_jmespath="id", payload_validation_jmespath="points")
        context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: REMAINING_MILLISECONDS)
        config.register_lambda_context(context)
        records = DynamoDBPersistenceLayer(table_name=RECORDS, boto3_client=client)
        once = idempotent_function(
            data_keyword_argument="message", config=config, persistence_store=records
        )
        self._take_in = once(self._taken_in)
        self._redeem = once(self._redeemed)

        def wrote(http_response: Any, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
            if model.name in WRITES and http_response.status_code == HTTP_OK:
                death.wrote()

        client.meta.events.register("after-call.dynamodb", wrote)

    def _taken_in(self, *, message: Message) -> str:
        take_in(self._accounts, message)
        return "done"

    def _redeemed(self, *, message: Message) -> str:
        self._accounts.spend(message["member"], message["points"])
        return "done"

    def enrol(self, name: str) -> str:
        self._accounts.add(name, 0)
        return name

    def tell(self, message: Message) -> None:
        self._take_in(message=_plain(message))

    def redeem(self, message: Message) -> None:
        try:
            self._redeem(message=_plain(message))
        except IdempotencyValidationError as error:
            raise RefusedError("the key was used for something else") from error

    def sweep(self) -> None:
        raise NotOfferedError

    def balance(self, member: str) -> int:
        return self._accounts.balance(member)

    def pass_days(self, days: float, *, stored: bool) -> None:
        """Records age: they count seconds, and milliseconds while in progress."""
        if not stored:
            return
        seconds = int(days * DAY_SECONDS)
        pages = self._client.get_paginator("scan").paginate(TableName=RECORDS)
        for item in (item for page in pages for item in page["Items"]):
            older = dict(item)
            older["expiration"] = {"N": str(int(item["expiration"]["N"]) - seconds)}
            if "in_progress_expiration" in item:
                until = int(item["in_progress_expiration"]["N"]) - seconds * 1_000
                older["in_progress_expiration"] = {"N": str(until)}
            self._client.put_item(TableName=RECORDS, Item=older)

    def measure(self) -> AbstractContextManager[Usage]:
        return self._meter.measure()


def _plain(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "die_after"}


def peer(death: Death) -> PowertoolsPeer:
    """Connect to the tables that the bench has made."""
    config = Config(retries={"total_max_attempts": 1})
    return PowertoolsPeer(boto3.client("dynamodb", config=config), death)
