"""A meter on a DynamoDB client: requests, write units and read units of whatever it is used for.

It hangs on the client's own events, so the code under measurement is the code that runs.

- A request is a call of the client; measured clients do not try again.
- Write units are what DynamoDB says (`ReturnConsumedCapacity`): the total, because the emulator
  leaves the index out of a transaction's `WriteCapacityUnits`.
- Read units are computed from the items that came back, by the rules of the developer guide ("Read
  and write operations"), because the emulator reports a constant: 4 KB a unit, half of that
  where the read is eventually consistent; an item read by key is rounded up by itself, a query as a
  whole; what is absent costs as much as the smallest item.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from points_ledger.adapters.dynamodb.item_size import READ_UNIT_BYTES, WRITE_UNIT_BYTES, size_bytes

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]
Item = Mapping[str, Mapping[str, Any]]

_READS: Final = frozenset({"GetItem", "BatchGetItem", "Query"})
_REQUEST: Final = "tests.benchmarks.request"


@dataclass(slots=True, kw_only=True)
class Usage:
    """What was used.

    Attributes:
        table_write_units: those of `write_units` that the written items cost by the rules; the rest
            is the index.
        written: the items that were put.
        calls: the operations, in order.
    """

    write_units: float = 0
    table_write_units: int = 0
    read_units: float = 0
    written: list[Item] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return len(self.calls)

    def sizes_of(self, prefix: str) -> list[int]:
        """Bytes of the written items whose partition begins with a prefix."""
        return [size_bytes(item) for item in self.written if item["PK"]["S"].startswith(prefix)]


class Meter:
    """Measures one client, block by block."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._usage: Usage | None = None
        events = client.meta.events
        events.register("before-parameter-build.dynamodb", self._before)
        events.register("after-call.dynamodb", self._after)

    @contextmanager
    def measure(self) -> Iterator[Usage]:
        assert self._usage is None, "blocks do not nest"
        usage = self._usage = Usage()
        try:
            yield usage
        finally:
            self._usage = None

    def _before(
        self, params: Json, model: "OperationModel", context: Json, **_other: object
    ) -> None:
        if self._usage is None:
            return
        context[_REQUEST] = dict(params)
        if model.name not in _READS:
            params["ReturnConsumedCapacity"] = "INDEXES"

    def _after(
        self, parsed: Json, model: "OperationModel", context: Json, **_other: object
    ) -> None:
        usage = self._usage
        if usage is None:
            return
        request = context[_REQUEST]
        usage.calls.append(model.name)
        if model.name in _READS:
            usage.read_units += read_units(model.name, request, parsed)
        else:
            computed = write_units(model.name, request)
            # A write whose condition fails is billed like one that succeeds; its answer is silent.
            consumed = parsed.get("ConsumedCapacity")
            usage.write_units += _reported(consumed) if consumed else computed
            usage.table_write_units += computed
            usage.written += _written(model.name, request)


def read_units(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """The units of one read by its answer."""
    match operation:
        case "GetItem":
            found = [answer["Item"]] if "Item" in answer else []
            return _units_by_key(found, 1, consistent=request.get("ConsistentRead", False))
        case "BatchGetItem":
            return sum(
                _units_by_key(
                    answer["Responses"].get(table, []),
                    len(wanted["Keys"]),
                    consistent=wanted.get("ConsistentRead", False),
                )
                for table, wanted in request["RequestItems"].items()
            )
        case "Query":
            size = sum(size_bytes(item) for item in answer["Items"])
            return _units(size, consistent=request.get("ConsistentRead", False))
        case _:
            raise ValueError(f"{operation} is no read")


def write_units(operation: str, request: Mapping[str, Any]) -> int:
    """The units that one write costs the table: 1 KB a unit, twice that in a transaction.

    Of an item that is updated or removed only that it is small is known: the table has no other.
    """
    units = sum(
        math.ceil(size_bytes(item) / WRITE_UNIT_BYTES) for item in _written(operation, request)
    )
    match operation:
        case "PutItem":
            return units
        case "UpdateItem" | "DeleteItem":
            return 1
        case "TransactWriteItems":
            others = sum("Put" not in action for action in request["TransactItems"])
            return 2 * (units + others)
        case _:
            raise ValueError(f"{operation} is not measured")


def _units_by_key(found: Sequence[Item], wanted: int, *, consistent: bool) -> float:
    sizes = [size_bytes(item) for item in found] + [0] * (wanted - len(found))
    return sum(_units(size, consistent=consistent) for size in sizes)


def _units(size: int, *, consistent: bool) -> float:
    units = max(1, math.ceil(size / READ_UNIT_BYTES))
    return units if consistent else units / 2


def _reported(consumed: Json | list[Json]) -> float:
    tables = consumed if isinstance(consumed, list) else [consumed]
    return sum(float(table["CapacityUnits"]) for table in tables)


def _written(operation: str, request: Mapping[str, Any]) -> list[Item]:
    match operation:
        case "PutItem":
            return [request["Item"]]
        case "TransactWriteItems":
            puts = (action.get("Put") for action in request["TransactItems"])
            return [put["Item"] for put in puts if put]
        case _:
            return []
