"""The one place where the service is put together with what it runs on.

Every function asks for the service that it needs; a process makes each at most once, and imports
none that it does not ask for.
"""

# ruff: noqa: PLC0415 - imports inside are the point: importing all costs every cold start 20 ms

import base64
import random
import secrets
import time
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import DynamoDbReader, DynamoDbStore, DynamoDbSweeps
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.identity import MemberId
from points_ledger.runtime import bootstrap, observability
from points_ledger.runtime.settings import LedgerSettings, load
from points_ledger.service.ledger import WritePath
from points_ledger.service.programs import Programs

if TYPE_CHECKING:
    from points_ledger.service.enrolling import Enrolling
    from points_ledger.service.expiring import Expiring
    from points_ledger.service.publishing import Publishing
    from points_ledger.service.queries import Queries
    from points_ledger.service.recording import Recording
    from points_ledger.service.redeeming import Redeeming

_FIRST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.4


@cache
def store() -> DynamoDbStore:
    """The ledger's table."""
    return DynamoDbStore(bootstrap.dynamodb(), load(LedgerSettings).table_name, bootstrap.utc_now)


@cache
def reader() -> DynamoDbReader:
    """Reads that show and do not decide."""
    return DynamoDbReader(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def sweeps() -> DynamoDbSweeps:
    """Due markers and the progress of the sweeps."""
    return DynamoDbSweeps(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def programs() -> Programs:
    """Program versions, cached by this process."""
    return Programs(store(), bootstrap.utc_now)


@cache
def recording() -> "Recording":
    """Records facts."""
    from points_ledger.service.recording import Recording

    return Recording(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_member_id=_new_member_id,
    )


@cache
def enrolling() -> "Enrolling":
    """Enrols members."""
    from points_ledger.service.enrolling import Enrolling

    return Enrolling(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_member_id=_new_member_id,
    )


@cache
def redeeming() -> "Redeeming":
    """Decides redemptions."""
    from points_ledger.service.redeeming import Redeeming

    return Redeeming(
        path=_write_path(), programs=programs(), clock=bootstrap.utc_now, salt=_new_salt
    )


@cache
def expiring() -> "Expiring":
    """Expires lots."""
    from points_ledger.service.expiring import Expiring

    return Expiring(path=_write_path(), programs=programs())


@cache
def queries() -> "Queries":
    """Answers questions."""
    from points_ledger.service.queries import Queries

    return Queries(store=store(), reader=reader(), programs=programs(), clock=bootstrap.utc_now)


def described_program(now: datetime) -> dict[str, object]:
    """The program in force: plain sentences, data, and since when."""
    from points_ledger.domain.explanation import describe

    number = programs().number_at(now)
    since = format_instant(programs().effective_from(number))
    return {**describe(programs().version(number)), "effective_from": since}


@cache
def publishing() -> "Publishing":
    """Adds program versions."""
    from points_ledger.service.publishing import Publishing

    return Publishing(path=_write_path())


@cache
def _write_path() -> WritePath:
    return WritePath(store=store(), pause=_pause, lost=lambda: observability.count("race_lost"))


def _pause(attempt: int) -> None:
    """Exponential backoff with full jitter, so that writers of one member spread out."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing


def _new_member_id() -> MemberId:
    """Unguessable, 80 bits: `mbr_` and 16 characters."""
    return MemberId(f"mbr_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}")


def _new_salt() -> str:
    return secrets.token_hex(16)
