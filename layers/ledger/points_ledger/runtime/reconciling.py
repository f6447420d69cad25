"""The reconciliation: settings, clock and the time left of one invocation."""

from datetime import datetime
from typing import Final

from points_ledger.runtime import bootstrap, observability, operations, schedule
from points_ledger.runtime.batch import Context
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import ReconciliationSettings, load

RESERVED_MILLISECONDS: Final = 45_000
"""No page is begun with less time left; the next invocation goes on where this one stopped."""


def reconcile(event: object, context: Context) -> dict[str, int]:
    """Go on with the run under way, or begin one; answers the counts of this invocation."""
    settings = load(ReconciliationSettings)

    def work(now: datetime) -> dict[str, int]:
        done = operations.reconciling().run(
            now,
            has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
        )
        if not done.complete:
            observability.log(Outcome(name="out_of_time"), level="warning")
        observability.count("members_checked", done.checked)
        observability.count("members_inconsistent", done.differences)
        return {
            "checked": done.checked,
            "differences": done.differences,
            "frozen": done.frozen,
            "rearmed": done.rearmed,
            "failed": done.failed,
        }

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )
