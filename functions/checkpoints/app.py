"""Every day: one root that stands for the newest entry of every member, published for good.

Trigger: schedule, or an invocation with `{"scheduled_time": "…"}`. Contract: answers counts (heads,
parts, published); a checkpoint that is not done goes on with the next invocation, and a day has
one. Failure destination: checkpoints_failures.
"""

from points_ledger.runtime import checkpoints
from points_ledger.runtime.batch import Context


def handler(event: object, context: Context) -> dict[str, int]:
    """Make the checkpoint of the day, unless there is one."""
    return checkpoints.run(event, context)
