"""Queue simulations: backtests of drafts of the program, worked off page by page.

Trigger: SQS, one backtest a message (`{"simulation_id": "…"}`). Contract: docs/backtest.md. A
backtest that is not done comes again. Failure destination: the dead letters of simulations; a
backtest that makes no progress is marked as failed before.
"""

from typing import Any

from points_ledger.runtime import simulating
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Go on with the backtest; the answer names the message if it has to come again."""
    return simulating.work(event, context)
