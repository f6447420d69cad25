"""Scheduled sweeps: the settings, the clock and the time left of one invocation."""

from collections.abc import Callable
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


def sweep(
    kind: MarkerKind, visit: Callable[[str, datetime], int], event: object, context: Context
) -> dict[str, int]:
    """Visit everything of a kind that is due at the event's time; answers the counts."""
    settings = load(SweepSettings)

    def failed(marker: Marker, error: LedgerError) -> None:
        observability.log_failure(error, ids={"marker": marker.target})

    def looked_at(target: str, now: datetime) -> int:
        """Visit, so that one target that nobody can read does not stop the sweep for all."""
        try:
            return visit(target, now)
        except (LedgerError, BotoCoreError, ClientError):
            raise
        except Exception as error:
            raise BrokenInvariantError(type(error).__name__) from error

    def work(now: datetime) -> dict[str, int]:
        report = Sweep(
            kind=kind,
            store=services.sweeps(),
            visit=looked_at,
            clock=bootstrap.utc_now,
            has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
            failed=failed,
        ).run(now)
        if not report.complete:
            observability.log(Outcome(name="out_of_time"), level="warning")
        return {
            "due": report.due,
            "posted": report.posted,
            "failed": report.failed,
            "visited": report.visited,
        }

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )
