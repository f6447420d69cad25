"""The logs of all functions of the local stack as they come: one readable line per outcome.

Lambda's own lines and metrics are left out; what is no line of ours, such as a traceback at import,
is shown as it is. Nothing in a line can steer a terminal, whoever sent it.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

POLL_SECONDS: Final = 1.0
OVERLAP_MILLISECONDS: Final = 5_000
"""How far a look goes back behind the last: lines arrive a little later than they were written."""
MAX_REMEMBERED: Final = 50_000
"""Lines that are known to have been shown; far more than are written while looks overlap."""
MAX_LINE_CHARACTERS: Final = 1_000
PLATFORM: Final = ("START ", "END ", "REPORT ", "INIT_START ")
"""Lambda's lines about an invocation begin so."""
WIDEST_NAME: Final = 19


Event = tuple[str, int, str]
"""Group and stream, milliseconds, and text of one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are shown; None is all.

    Attributes:
        function: the folder of a function.
        correlation: a correlation id, see docs/operations.md.
    """

    function: str | None = None
    correlation: str | None = None


@dataclass(slots=True)
class Tail:
    """Follows the log groups of one stack. `prefix` is what their names begin with."""

    logs: "CloudWatchLogsClient"
    prefix: str
    wanted: Wanted
    since_milliseconds: int
    _shown: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    _known: set[Event] = field(default_factory=set)

    def follow(self, wait: Callable[[], bool]) -> Iterator[str]:
        """Yield lines in the order of their times, until `wait` says that there is no more."""
        while True:
            yield from self.look()
            if not wait():
                return

    def look(self) -> Iterator[str]:
        """Yield what is new since the last look."""
        found = sorted(
            (event for group in self._groups() for event in self._events(group)),
            key=lambda event: event[:2],
        )
        for at, function, message in found:
            line = line_of(at, function, message, self.wanted)
            if line is not None:
                yield line
        if found:
            newest = found[-1][0] - OVERLAP_MILLISECONDS
            self.since_milliseconds = max(self.since_milliseconds, newest)

    def _groups(self) -> list[str]:
        if self.wanted.function is not None:
            return [f"{self.prefix}{self.wanted.function}"]
        pages = self.logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=self.prefix
        )
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    def _events(self, group: str) -> Iterator[tuple[int, str, str]]:
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self.since_milliseconds
        )
        for page in pages:
            for event in page["events"]:
                at, message = event["timestamp"], event["message"]
                if self._is_new((f"{group} {event['logStreamName']}", at, message)):
                    yield at, group.removeprefix(self.prefix), message

    def _is_new(self, event: Event) -> bool:
        if event in self._known:
            return False
        if len(self._shown) == MAX_REMEMBERED:
            self._known.discard(self._shown[0])
        self._shown.append(event)
        self._known.add(event)
        return True


def line_of(at_milliseconds: int, function: str, message: str, wanted: Wanted) -> str | None:
    """One line for a person; None for what is not wanted."""
    if message.startswith(PLATFORM) or not message.strip():
        return None
    document = _document(message)
    if document is None:
        if wanted.correlation is not None:
            return None
        told = [_plain(message.rstrip())]
    elif "_aws" in document:
        return None
    else:
        correlation = document.get("correlation_id")
        if wanted.correlation not in (None, correlation):
            return None
        told = list(_told(document))
    at = datetime.fromtimestamp(at_milliseconds / 1_000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return " ".join([at, function.ljust(WIDEST_NAME), *told])[:MAX_LINE_CHARACTERS]


def _told(document: dict[str, Any]) -> Iterator[str]:
    """The parts of a line of ours: level, outcome, code, correlation id, ids, and a failure."""
    level = str(document.get("level", "?"))
    yield _plain(level if level != "INFO" else "-")
    yield _plain(document.get("message", "?"))
    for name in ("code", "correlation_id"):
        if document.get(name) is not None:
            yield f"{name}={_plain(document[name])}"
    ids = document.get("ids")
    others = {name: value for name, value in document.items() if name in ("route", "status")}
    for name, value in {**others, **(ids if isinstance(ids, dict) else {})}.items():
        yield f"{_plain(name)}={_plain(value)}"
    if "failure" in document:
        yield f"failure={_plain(json.dumps(document['failure']))}"


def _document(message: str) -> dict[str, Any] | None:
    try:
        document = json.loads(message)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _plain(value: object) -> str:
    """A text as it is, or escaped where it would not stay on its line or steer the terminal."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)
