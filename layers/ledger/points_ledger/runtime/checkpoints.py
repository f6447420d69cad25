"""What checkpoints and proofs are put together with, and one run of the schedule.

Apart from services.py, because no other function needs the bucket.
"""

# ruff: noqa: PLC0415 - imports inside are the point: importing all costs every cold start

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from points_ledger.runtime import bootstrap, observability, schedule
from points_ledger.runtime.batch import Context
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import (
    CheckpointsSettings,
    LedgerSettings,
    ProofsSettings,
    load,
)

if TYPE_CHECKING:
    from points_ledger.adapters.checkpoint_archive import S3Archive
    from points_ledger.adapters.dynamodb.checkpoints import DynamoDbProgress
    from points_ledger.service.checkpointing import Checkpointing, Proving

RESERVED_MILLISECONDS: Final = 45_000
"""No part is begun with less time left; the next invocation goes on where this one stopped."""
PARALLEL_READERS: Final = 16
"""Heads that are read side by side."""


@cache
def _archive(bucket_name: str) -> "S3Archive":
    from points_ledger.adapters.checkpoint_archive import S3Archive

    return S3Archive(bootstrap.objects, bucket_name)


@cache
def _progress() -> "DynamoDbProgress":
    from points_ledger.adapters.dynamodb.checkpoints import DynamoDbProgress

    return DynamoDbProgress(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def checkpointing() -> "Checkpointing":
    """Makes checkpoints, with several heads read at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    from points_ledger.adapters.dynamodb.checkpoints import DynamoDbHeads
    from points_ledger.runtime import services
    from points_ledger.service.checkpointing import Checkpointing

    settings = load(CheckpointsSettings)
    readers = ThreadPoolExecutor(max_workers=PARALLEL_READERS)
    return Checkpointing(
        lists=services.reader(),
        heads=DynamoDbHeads(bootstrap.dynamodb(), settings.table_name),
        store=_progress(),
        archive=_archive(settings.checkpoint_bucket),
        programs=services.programs(),
        clock=bootstrap.utc_now,
        gather=readers.map,
    )


@cache
def proving() -> "Proving":
    """Finds proofs."""
    from points_ledger.runtime import services
    from points_ledger.service.checkpointing import Proving

    return Proving(
        store=services.store(),
        progress=_progress(),
        archive=_archive(load(ProofsSettings).checkpoint_bucket),
    )


def run(event: object, context: Context) -> dict[str, int]:
    """Go on with the checkpoint under way, or begin the day's; answers this invocation's counts.

    The root is logged with the day: whoever keeps the log has a second witness.
    """
    settings = load(CheckpointsSettings)

    def work(now: datetime) -> dict[str, int]:
        done = checkpointing().run(
            now,
            has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
        )
        if not done.complete:
            observability.log(Outcome(name="out_of_time"), level="warning")
        if done.published is not None:
            ids = {"day": str(done.published.day), "root": done.published.root.hex()}
            observability.log(Outcome(name="checkpoint_published", ids=ids))
            observability.count("checkpoints_published")
        return {
            "heads": done.heads,
            "parts": done.parts,
            "published": 0 if done.published is None else 1,
        }

    return schedule.run(
        event, work, clock=bootstrap.utc_now, allow_future=settings.allow_future_schedules
    )
