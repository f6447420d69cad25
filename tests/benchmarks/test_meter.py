"""The meter itself: what it counts, and by which rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.benchmarks.meter import Meter, read_units, write_units
from tests.contract.backends import scratch_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SMALL = {"PK": {"S": "A"}, "SK": {"S": "1"}}
PADDING = len("PK") + len("SK") + len("A") + len("1") + len("d")


def item_of(size: int) -> dict[str, dict[str, str]]:
    return {**SMALL, "d": {"S": "x" * (size - PADDING)}}


def key(name: str) -> dict[str, dict[str, str]]:
    return {"PK": {"S": name}, "SK": {"S": "1"}}


@pytest.fixture
def client() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield boto3.Session().client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [
        (4_096, True, 1),
        (4_097, True, 2),
        (4_096, False, 0.5),
        (4_097, False, 1),
    ],
)
def test_an_item_read_by_key_costs_a_unit_for_each_4_kilobytes(
    size: int, units: float, *, consistent: bool
) -> None:
    request = {"ConsistentRead": consistent}

    assert read_units("GetItem", request, {"Item": item_of(size)}) == units


def test_what_is_absent_costs_as_much_as_the_smallest_item() -> None:
    batch = {"RequestItems": {"t": {"Keys": [key("A"), key("B")], "ConsistentRead": True}}}

    assert read_units("GetItem", {"ConsistentRead": True}, {}) == 1
    assert read_units("BatchGetItem", batch, {"Responses": {"t": [SMALL]}}) == 2
    assert read_units("Query", {"ConsistentRead": True}, {"Items": []}) == 1


def test_items_of_a_batch_are_rounded_up_one_by_one_and_those_of_a_query_together() -> None:
    items = [item_of(2_100), item_of(2_100), item_of(2_100)]
    batch = {"RequestItems": {"t": {"Keys": [key("A")] * 3, "ConsistentRead": True}}}

    assert read_units("BatchGetItem", batch, {"Responses": {"t": items}}) == 3
    assert read_units("Query", {"ConsistentRead": True}, {"Items": items}) == 2


@pytest.mark.parametrize(("size", "units"), [(1_024, 1), (1_025, 2)])
def test_a_transaction_costs_twice_what_the_same_put_costs(size: int, units: int) -> None:
    put = {"Item": item_of(size)}

    assert write_units("PutItem", put) == units
    assert write_units("TransactWriteItems", {"TransactItems": [{"Put": put}]}) == 2 * units


def test_a_condition_check_costs_a_transaction_two_units() -> None:
    assert write_units("TransactWriteItems", {"TransactItems": [{"ConditionCheck": {}}]}) == 2


def test_only_what_happens_inside_a_block_is_counted(client: "DynamoDBClient") -> None:
    meter = Meter(client)
    with scratch_table(client, "t"):
        client.put_item(TableName="t", Item=SMALL)
        with meter.measure() as usage:
            client.get_item(TableName="t", Key=SMALL, ConsistentRead=True)
            client.put_item(TableName="t", Item=SMALL)
        client.get_item(TableName="t", Key=SMALL)

    assert usage.calls == ["GetItem", "PutItem"]
    assert usage.requests == 2
    assert usage.read_units == 1
    assert usage.written == [SMALL]
