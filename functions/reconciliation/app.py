"""Every night: whether what is stored of members is what it has to be.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts
(checked, differences, frozen, rearmed, failed); a run that is not done goes on with the next
invocation. Failure destination: reconciliation_failures.
"""

from points_ledger.runtime import reconciling
from points_ledger.runtime.batch import Context


def handler(event: object, context: Context) -> dict[str, int]:
    """Check who was written since the last run, and a part of everybody."""
    return reconciling.reconcile(event, context)
