"""Logs and metrics: one line and one count per outcome, with ids and codes only.

A line never holds names, emails, payloads or the text of a foreign exception, which may quote any
of these. Values are cut to a bound and written as ASCII JSON, so that nothing that a caller sends
can begin a line of its own or steer a terminal.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache, partial
from threading import Lock
from types import TracebackType
from typing import Final, Literal

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import ConflictError, LedgerError

MAX_VALUE_CHARACTERS: Final = 256
MAX_IDS: Final = 16
MAX_FRAMES: Final = 12
"""Of a failure's traceback, innermost last."""

_counting: Final = Lock()
"""Metrics are written by themselves when one is full, which two threads must not do at once."""

Level = Literal["info", "warning", "error"]
Identifier = str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request, message or sweep: a word, a code, and ids to find it by."""

    name: str
    code: str | None = None
    ids: Mapping[str, Identifier] | None = None


@dataclass(slots=True)
class _Current:
    """What is being worked on now: one thing in a process, with as many threads as it likes."""

    correlation_id: str | None = None


_CURRENT: Final = _Current()


@cache
def logger() -> Logger:
    """The JSON logger of this process; service and level come from the environment."""
    return Logger(
        utc=True,
        use_rfc3339=True,
        json_serializer=partial(json.dumps, ensure_ascii=True, default=str, separators=(",", ":")),
    )


@cache
def metrics() -> Metrics:
    """The metrics of this process, written to the log in CloudWatch's embedded format."""
    return Metrics()


def log(outcome: Outcome, *, level: Level = "info", failure: BaseException | None = None) -> None:
    """Write the line of one outcome and count it."""
    line: dict[str, object] = {"code": outcome.code}
    if outcome.ids:
        line["ids"] = bounded(outcome.ids)
    if failure is not None:
        line["failure"] = describe(failure)
    present = {name: value for name, value in line.items() if value is not None}
    write = getattr(logger(), level)
    write(outcome.name, extra=present)
    count(outcome.name)


def log_failure(failure: BaseException, *, ids: Mapping[str, Identifier] | None = None) -> None:
    """The line of something that was not expected, or that has to be tried again."""
    if isinstance(failure, ConflictError):
        log(Outcome(name="conflict", code=failure.code, ids=ids), level="warning")
    else:
        code = failure.code if isinstance(failure, LedgerError) else LedgerError.code
        log(Outcome(name="failed", code=code, ids=ids), level="error", failure=failure)


def count(name: str, value: int = 1) -> None:
    """Add to a metric: `name` is an outcome, or what a service counts, such as lost races.

    From any thread: several visits of a sweep count at the same time.
    """
    with _counting:
        metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_seconds(name: str, seconds: float) -> None:
    """Set a metric that is a time."""
    with _counting:
        metrics().add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


@contextmanager
def invocation(correlation_id: str | None = None) -> Iterator[None]:
    """One call of a function: lines carry its correlation id, counts are written at its end."""
    correlate(correlation_id)
    try:
        yield
    finally:
        if metrics().metric_set:
            metrics().flush_metrics()
        correlate(None)


def correlate(correlation_id: str | None) -> None:
    """Name what the following lines belong to."""
    value = None if correlation_id is None else correlation_id[:MAX_VALUE_CHARACTERS]
    _CURRENT.correlation_id = value
    logger().set_correlation_id(value)


def run_id(scheduled_time: str) -> str:
    """The correlation id of a scheduled run: a repetition of it has the same."""
    return f"{logger().service}:{scheduled_time}"


def correlation_id() -> str | None:
    """What is being worked on now, as the last `correlate` named it; the same in every thread."""
    return _CURRENT.correlation_id


def bounded(values: Mapping[str, object]) -> dict[str, str | int]:
    """Values fit for a log line: at most `MAX_IDS`, as numbers or short text, absent ones left out.

    Names are ours; only values come from outside.
    """
    return {
        name: value if isinstance(value, int) else str(value)[:MAX_VALUE_CHARACTERS]
        for name, value in list(values.items())[:MAX_IDS]
        if value is not None
    }


def describe(failure: BaseException) -> dict[str, object]:
    """What a failure is and where it happened, without its text.

    The fields of our own errors and AWS's error codes are safe by their making; the text of any
    other exception may quote what a caller sent, so only its type is told.
    """
    described: dict[str, object] = {"type": type(failure).__qualname__}
    thing: object = failure
    if isinstance(failure, ClientError):
        described["operation"] = failure.operation_name
        described["aws_code"] = str(failure.response.get("Error", {}).get("Code"))
    elif is_dataclass(thing) and not isinstance(thing, LedgerError):
        named = {field.name: getattr(thing, field.name) for field in fields(thing)}
        described["fields"] = bounded(named)
    described["frames"] = _frames(failure.__traceback__)
    cause = failure.__cause__
    if cause is not None:
        described["cause"] = type(cause).__qualname__
    return described


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: deque[str] = deque(maxlen=MAX_FRAMES)
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = traceback.tb_frame.f_globals.get("__name__", "?")
        frames.append(f"{module}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    return list(frames)
