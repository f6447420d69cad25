"""Every night: whether what is stored of members is what it has to be.

Trigger: schedule, or an invocation with `{"scheduled_time": "…", "heal_totals"?: true}`. Contract:
answers counts (checked, differences, frozen, rearmed, failed; recounted, totals_wrong,
totals_healed); what is not done goes on with the next invocation. Failure destination:
reconciliation_failures.
"""

from points_ledger.runtime import reconciling
from points_ledger.runtime.batch import Context


def handler(event: object, context: Context) -> dict[str, int]:
    """Check who was written since the last run, a part of everybody, and the totals."""
    return reconciling.reconcile(event, context)
