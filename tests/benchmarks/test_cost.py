"""The gate on cost: requests and units of every operation against the bars of the design.

Counts are exact and do not depend on the machine, so unlike times they can be gated on. The
balance of a chain of a hundred thousand entries is measured by `make bench` only.
"""

import pytest

from points_ledger.adapters.dynamodb.item_size import WRITE_UNIT_BYTES
from tests.benchmarks.operations import OPERATIONS, Operation, measured
from tests.benchmarks.reference import Ledger

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_costs_no_more_than_its_bar(operation: Operation, ledger: Ledger) -> None:
    usage = measured(operation, ledger)

    assert operation.bar is None or operation.bar.holds(usage), usage
    most = operation.entry_units * WRITE_UNIT_BYTES
    assert all(size <= most for size in usage.sizes_of("MEMBER#"))
    assert all(size <= WRITE_UNIT_BYTES for size in usage.sizes_of("EARNING#"))
    # What the emulator reports is what the rules say; an earning that enters or leaves the index
    # costs one unit more, and so does a row that moves in a ranking.
    index_units = usage.write_units - usage.table_write_units
    assert 0 <= index_units <= len(usage.sizes_of("EARNING#")) + operation.index_units
