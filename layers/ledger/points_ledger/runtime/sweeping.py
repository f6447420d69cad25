"""Sweeps: scheduled ticks, and the workers of the shards that a tick leaves to its queue.

Both are the same function. A tick answers with counts. A worker goes on from page to page as long
as there is time; then, or when it fails, its message is given back to the queue, never sent anew,
for a function that sends to its own queue would be stopped as a loop.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from points_ledger.adapters.dynamodb.store import is_invalid, is_throttle, may_pass
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.error import BrokenInvariantError, ConflictError, LedgerError
from points_ledger.runtime import bootstrap, observability, schedule, services
from points_ledger.runtime.batch import Context, code_of, note_last_failure
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import SweepSettings, load
from points_ledger.service.pacing import Pace
from points_ledger.service.ports import Marker, MarkerKind
from points_ledger.service.sweep import Sweep, SweepReport
from points_ledger.service.sweep_ports import DueShard, SweepQueue

RESERVED_MILLISECONDS: Final = 20_000
"""No visit is begun with less time left; the next one goes on where this one stopped."""
HIDDEN_SECONDS: Final = 150
"""How long nobody else gets a shard that is worked on: the time of a function and some more."""
AT_ONCE: Final = 0
TURNS: Final = 200
"""After so many deliveries the queue of a sweep sets a message aside (template.yaml)."""

AGE_METRIC: Final = "oldest_due_age"
"""Seconds since the first hour that is not closed, of the kind that is furthest behind."""

Visit = Callable[[str, datetime], int]
"""Looks at one target at an instant and returns the number of entries posted."""


def sweep(visits: Mapping[MarkerKind, Visit], event: object, context: Context) -> dict[str, int]:
    """Visit everything of these kinds that is due at the event's time; answers the counts.

    A kind that several functions name is swept by each of them: whoever comes second finds
    nothing to do.
    """
    return _ticked(visits, event, context, queue=None)


def sweep_or_work(
    visits: Mapping[MarkerKind, Visit], event: object, context: Context
) -> dict[str, Any]:
    """As `sweep`, with workers for what is crowded: the event is a tick, or messages of the queue.

    `queued` among the counts says how many shards were left to workers.
    """
    if isinstance(event, Mapping) and "Records" in event:
        return _worked(visits, event, context)
    return _ticked(visits, event, context, queue=_Queue())


class _Queue:
    """The sweep's queue; its client is made by the first crowded hour, not by every cold start."""

    def send(self, shards: Sequence[DueShard]) -> None:
        """Ask for a worker for each shard."""
        services.sweep_queue().send(shards)


# --- A tick ---------------------------------------------------------------------------------


def _ticked(
    visits: Mapping[MarkerKind, Visit],
    event: object,
    context: Context,
    *,
    queue: SweepQueue | None,
) -> dict[str, int]:
    settings = load(SweepSettings)

    def work(now: datetime) -> dict[str, int]:
        reports = [
            _sweep_of(kind, visit, context, queue=queue).run(now) for kind, visit in visits.items()
        ]
        total = sum(reports, SweepReport())
        if not total.complete:
            observability.log(Outcome(name="out_of_time"), level="warning")
        open_hours = [each.first_open_hour for each in reports if each.first_open_hour is not None]
        age = bootstrap.utc_now() - min(open_hours)
        observability.measure_seconds(AGE_METRIC, age.total_seconds())
        return _counts(total)

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )


def _counts(report: SweepReport) -> dict[str, int]:
    counts = {
        "due": report.due,
        "posted": report.posted,
        "failed": report.failed,
        "visited": report.visited,
    }
    return counts | ({"queued": report.queued} if report.queued else {})


# --- A worker -------------------------------------------------------------------------------


def _worked(
    visits: Mapping[MarkerKind, Visit], event: Mapping[str, Any], context: Context
) -> dict[str, list[dict[str, str]]]:
    load(SweepSettings)
    with observability.invocation():
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not _is_done(visits, record, context)
        ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(
    visits: Mapping[MarkerKind, Visit], record: Mapping[str, Any], context: Context
) -> bool:
    ids: dict[str, Identifier] = {"message_id": record["messageId"]}
    due = _named(record["body"])
    if due is None or due.kind not in visits:
        # It would be handed out as often as a long shard needs, and be no better then.
        observability.log(Outcome(name="refused", code="malformed", ids=ids), level="error")
        return True
    observability.correlate(observability.run_id(format_instant(due.now)))
    ids |= {"kind": due.kind, "hour": format_instant(due.hour), "shard": due.shard}
    handle = record["receiptHandle"]
    try:
        _hide(handle, seconds=HIDDEN_SECONDS)
        worker = _sweep_of(due.kind, visits[due.kind], context, queue=None)
        report = worker.work(due.hour, due.shard, due.now)
    except Exception as error:  # noqa: BLE001 - one bad message must not take the others with it
        observability.log_failure(error, ids=ids)
        note_last_failure(record, code_of(error), {"error": type(error).__qualname__}, turns=TURNS)
        return False
    name = "shard_swept" if report.complete else "out_of_time"
    observability.log(Outcome(name=name, ids={**ids, **_counts(report)}))
    if not report.complete:
        note_last_failure(record, name, {}, turns=TURNS)
        _hide(handle, seconds=AT_ONCE)
    return report.complete


def _named(body: str) -> DueShard | None:
    """The shard that a message is about; None where it is no such message, or of the future."""
    from points_ledger.contracts.sweep_messages import decode  # noqa: PLC0415 - for workers only

    allow_future = load(SweepSettings).allow_future_schedules
    try:
        due = decode(body)
        tick = {"scheduled_time": format_instant(due.now)}
        schedule.scheduled_now(
            tick,
            bootstrap.utc_now,
            allow_future=allow_future,
            ahead=schedule.MAX_AHEAD_OF_WORKER,
        )
    except (ValueError, schedule.FutureScheduleError):
        return None
    return due


def _hide(handle: str, *, seconds: int) -> None:
    """Say when the message comes again; where the queue refuses, it comes when the queue thinks."""
    try:
        services.sweep_queue().hide(handle, seconds=seconds)
    except ClientError:
        observability.count("message_not_hidden")


# --- Visits ---------------------------------------------------------------------------------


def _sweep_of(
    kind: MarkerKind, visit: Visit, context: Context, *, queue: SweepQueue | None
) -> Sweep:
    def failed(marker: Marker, error: LedgerError) -> None:
        observability.log_failure(error, ids={"marker": marker.target})

    return Sweep(
        kind=kind,
        store=services.sweeps(),
        visit=_guarded(visit, services.pace()),
        clock=bootstrap.utc_now,
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
        failed=failed,
        pace=services.pace(),
        queue=queue,
    )


def _guarded(visit: Visit, pace: Pace) -> Visit:
    """A visit of which one target that nobody can read does not stop the sweep for all.

    Nor does one of which DynamoDB takes no request, for its item has grown too large. A request
    that DynamoDB did not answer, or not to its end, is made again with the visit, a little later.
    """

    def looked_at(target: str, now: datetime) -> int:
        try:
            return visit(target, now)
        except LedgerError:
            raise
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and is_throttle(error):
                pace.slow_down()
            if may_pass(error):
                raise ConflictError from error
            if isinstance(error, ClientError) and is_invalid(error):
                raise BrokenInvariantError(type(error).__name__) from error
            raise
        except Exception as error:
            if may_pass(error):
                raise ConflictError from error
            raise BrokenInvariantError(type(error).__name__) from error

    return looked_at
