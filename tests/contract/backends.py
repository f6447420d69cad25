"""The stores that the contract is tested on, each empty at first."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.config import Config

from points_ledger.adapters.dynamodb import (
    DynamoDbReader,
    DynamoDbStore,
    DynamoDbSweeps,
    keys,
)
from points_ledger.service.ports import (
    LedgerReader,
    ListReader,
    MarkerKind,
    PersonalData,
    Store,
    WaitingReader,
)
from points_ledger.service.sweep_ports import SweepStore
from tests.memory_store import MemoryStore
from tests.template.reading import Json, read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "contract"
REGION = "us-east-1"


class Reader(LedgerReader, WaitingReader, ListReader, PersonalData, Protocol):
    """Every kind of reading, as one class implements them."""


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = field(default=datetime(2027, 1, 31, 6, 30, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Backend:
    """One store under all its ports. `client` is None where there is no table behind it."""

    store: Store
    reader: Reader
    sweeps: SweepStore
    clock: Clock
    grow_shards: Callable[[MarkerKind, datetime, int], None]
    client: "DynamoDBClient | None" = None
    table_name: str = TABLE


def memory_backend() -> Backend:
    clock = Clock()
    store = MemoryStore(clock)
    return Backend(store, store, store, clock, store.grow_shards)


def dynamodb_backend(client: "DynamoDBClient", table_name: str) -> Backend:
    clock = Clock()

    def grow_shards(kind: MarkerKind, hour: datetime, shards: int) -> None:
        place = keys.hour_key(kind, hour)
        client.put_item(
            TableName=table_name,
            Item={
                "PK": {"S": place.pk},
                "SK": {"S": place.sk},
                "shards": {"N": str(shards)},
                "format": {"N": "1"},
            },
        )

    return Backend(
        DynamoDbStore(client, table_name, clock),
        DynamoDbReader(client, table_name),
        DynamoDbSweeps(client, table_name),
        clock,
        grow_shards,
        client,
        table_name,
    )


@functools.cache
def dynamodb_client(endpoint_url: str | None = None, region: str = REGION) -> "DynamoDBClient":
    # Threads of a test share the client; what a test provokes must not be tried again behind it.
    config = Config(max_pool_connections=32, retries={"total_max_attempts": 1})
    client: DynamoDBClient = boto3.Session().client(
        "dynamodb",
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    return client


@functools.cache
def ledger_table() -> dict[str, Json]:
    properties: dict[str, Json] = read_template().resources["Table"]["Properties"]
    return properties


@contextmanager
def scratch_table(client: "DynamoDBClient", name: str) -> Iterator[str]:
    """A table with the keys and the index that template.yaml gives to the ledger's."""
    ledger = ledger_table()
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=ledger["AttributeDefinitions"],
        KeySchema=ledger["KeySchema"],
        GlobalSecondaryIndexes=ledger["GlobalSecondaryIndexes"],
    )
    try:
        yield name
    finally:
        client.delete_table(TableName=name)
