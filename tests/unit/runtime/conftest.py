"""What a function prints, as the tests read it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from points_ledger.runtime import observability

ENVIRONMENT = {
    "POWERTOOLS_SERVICE_NAME": "service",
    "POWERTOOLS_METRICS_NAMESPACE": "PointsLedger",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "TABLE_NAME": "ledger",
}


@dataclass(frozen=True)
class Printed:
    """The log lines and the metrics of one or more calls, and all of it as text."""

    lines: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    text: str

    def line(self) -> Mapping[str, Any]:
        [line] = self.lines
        return line

    def counted(self, name: str) -> float:
        return sum(sum(metric.get(name, [])) for metric in self.metrics)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # A logger keeps the stream it was made with: each test has one of its own.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"service-{uuid4()}")
    observability.logger.cache_clear()
    observability.metrics.cache_clear()
    yield
    observability.metrics().clear_metrics()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], Printed]:
    def read() -> Printed:
        text = capsys.readouterr().out
        documents = [json.loads(line) for line in text.splitlines()]
        return Printed(
            lines=[document for document in documents if "level" in document],
            metrics=[document for document in documents if "_aws" in document],
            text=text,
        )

    return read
