"""Following the table's stream for totals: one batch of one shard, counted once.

With a tumbling window Lambda says which shard a batch is of; where it does not (an emulator), there
is one shard. The window's own state is not used: totals and checkpoint are stored together.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from points_ledger.adapters.dynamodb.totals import DynamoDbTotals, read_change
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings, load
from points_ledger.service.engagement_totals import MemberStatistics, count_issued
from points_ledger.service.ledger_totals import count_ledger
from points_ledger.service.sales_totals import count_points, count_sales
from points_ledger.service.totalling import Counting, Remembering, Totalling

ONLY_SHARD: Final = "only"

COUNTING: Final[tuple[Counting, ...]] = (count_ledger, count_sales, count_points, count_issued)
"""What is counted without remembering anything; each is pure."""
REMEMBERING: Final[tuple[Remembering, ...]] = (MemberStatistics(),)
"""What is counted by what is remembered of a member."""


def follow(event: Mapping[str, Any]) -> dict[str, object]:
    """Count one batch; the answer is the window's state, which is empty.

    Raises:
        Exception: something could not be counted; the batch has to come again.
    """
    with observability.invocation():
        try:
            changes = [read_change(record) for record in event.get("Records", [])]
            counted = totalling().count(event.get("shardId") or ONLY_SHARD, changes)
        except Exception as error:
            observability.log_failure(error)
            raise
        ids = {"records": len(changes), "counted": counted}
        observability.log(Outcome(name="counted", ids=ids))
        return {"state": {}}


@cache
def totalling() -> Totalling:
    """Adds changes up on the ledger's table."""
    return Totalling(
        store=DynamoDbTotals(bootstrap.dynamodb(), load(LedgerSettings).table_name),
        program_at=services.programs().at,
        counting=COUNTING,
        remembering=REMEMBERING,
        pause=services.pause,
    )
