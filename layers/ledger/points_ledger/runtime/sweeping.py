"""Scheduled sweeps: the settings, the clock and the time left of one invocation."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from points_ledger.domain.error import BrokenInvariantError, LedgerError
from points_ledger.runtime import bootstrap, observability, schedule, services
from points_ledger.runtime.batch import Context
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import SweepSettings, load
from points_ledger.service.ports import Marker, MarkerKind
from points_ledger.service.sweep import Sweep

RESERVED_MILLISECONDS: Final = 20_000
"""No page is begun with less time left; the next tick goes on where this one stopped."""


Visit = Callable[[str, datetime], int]
"""Looks at one target at an instant and returns the number of entries posted."""


def sweep(visits: Mapping[MarkerKind, Visit], event: object, context: Context) -> dict[str, int]:
    """Visit everything of these kinds that is due at the event's time; answers the counts.

    A kind that several functions name is swept by each of them: whoever comes second finds
    nothing to do.
    """
    settings = load(SweepSettings)

    def failed(marker: Marker, error: LedgerError) -> None:
        observability.log_failure(error, ids={"marker": marker.target})

    def work(now: datetime) -> dict[str, int]:
        reports = [
            Sweep(
                kind=kind,
                store=services.sweeps(),
                visit=_guarded(visit),
                clock=bootstrap.utc_now,
                has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
                failed=failed,
            ).run(now)
            for kind, visit in visits.items()
        ]
        if not all(report.complete for report in reports):
            observability.log(Outcome(name="out_of_time"), level="warning")
        return {
            "due": sum(report.due for report in reports),
            "posted": sum(report.posted for report in reports),
            "failed": sum(report.failed for report in reports),
            "visited": sum(report.visited for report in reports),
        }

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )


def _guarded(visit: Visit) -> Visit:
    """A visit of which one target that nobody can read does not stop the sweep for all."""

    def looked_at(target: str, now: datetime) -> int:
        try:
            return visit(target, now)
        except (LedgerError, BotoCoreError, ClientError):
            raise
        except Exception as error:
            raise BrokenInvariantError(type(error).__name__) from error

    return looked_at
