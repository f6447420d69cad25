"""The reconciliation, of members and of totals: settings, clock and the time of one invocation."""

from collections.abc import Mapping
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

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS

    def work(now: datetime) -> dict[str, int]:
        done = operations.reconciling().run(now, has_time=has_time)
        observability.count("members_checked", done.checked)
        observability.count("members_inconsistent", done.differences)
        # Members come first, also where adding up fails: totals are shown, and decide nothing.
        totals = operations.recounting().run(heals=_heals(event), has_time=has_time)
        if not (done.complete and totals.complete):
            observability.log(Outcome(name="out_of_time"), level="warning")
        observability.count("totals_wrong", totals.confirmed - totals.healed + totals.broke)
        return {
            "checked": done.checked,
            "differences": done.differences,
            "frozen": done.frozen,
            "rearmed": done.rearmed,
            "failed": done.failed,
            "recounted": totals.members,
            "totals_wrong": totals.confirmed + totals.broke,
            "totals_healed": totals.healed,
        }

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )


def _heals(event: object) -> bool:
    """Whether somebody asks for the totals to be set right."""
    return isinstance(event, Mapping) and event.get("heal_totals") is True
