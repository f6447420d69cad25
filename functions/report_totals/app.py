"""Totals for reports: what the table's stream comes to, counted once.

Trigger: DynamoDB stream in order, in tumbling windows, at least once. Contract: docs/reports.md.
Failure destination: report_totals_failures, once records are too old to come again.
"""

from typing import Any

from points_ledger.runtime import totals
from points_ledger.runtime.batch import Context


def handler(event: dict[str, Any], context: Context) -> dict[str, object]:  # noqa: ARG001 - Lambda passes both
    """Count one batch of changes; raising brings it again, which counts nothing twice."""
    return totals.follow(event)
