"""A worker answers each line once, says what went wrong, and dies when it is told to."""

import io
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.meter import Usage
from tests.benchmarks.peers import server
from tests.benchmarks.peers.worker import (
    KILLED,
    Death,
    NotOfferedError,
    RefusedError,
    serve,
)


@dataclass
class Counting:
    """Counts what it is told; every message is two writes and three units."""

    death: Death
    usage: Usage = field(default_factory=lambda: Usage(write_units=3, calls=["PutItem"]))
    told: list[str] = field(default_factory=list)

    def enrol(self, name: str) -> str:
        return f"called-{name}"

    def tell(self, message: Mapping[str, Any]) -> None:
        self.told.append(message["id"])
        self.death.wrote()
        self.death.wrote()

    def redeem(self, message: Mapping[str, Any]) -> None:
        raise RefusedError(f"{message['points']} are too many")

    def sweep(self) -> None:
        raise NotOfferedError

    def balance(self, member: str) -> int:
        raise ConnectionError(member)

    def pass_days(self, days: float, *, stored: bool) -> None:
        self.told.append(f"{days} days, {stored}")

    def measure(self) -> AbstractContextManager[Usage | None]:
        return nullcontext(self.usage)


def answers_to(
    monkeypatch: pytest.MonkeyPatch, *messages: Mapping[str, Any]
) -> tuple[Counting, list[Mapping[str, Any]]]:
    death = Death()
    peer, answers = Counting(death), list[Mapping[str, Any]]()
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    serve(peer, death, answers.append)
    return peer, answers


def test_every_outcome_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    _, answers = answers_to(
        monkeypatch,
        {"do": "enrol", "member": "a"},
        {"do": "redeem", "points": 5},
        {"do": "sweep"},
        {"do": "balance", "member": "a"},
        {"do": "paid", "id": "1"},
    )

    assert [answer["outcome"] for answer in answers] == [
        "done", "refused", "not_offered", "again", "done",
    ]  # fmt: skip
    assert answers[0]["member"] == "called-a"
    assert answers[1]["error"] == "5 are too many"
    assert answers[3]["error"] == "ConnectionError: a"
    assert all(answer["usage"] == [1, 3, 0] for answer in answers)
    assert all(answer["cpu"] >= 0 for answer in answers)


def test_moving_the_clock_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    peer, [answer] = answers_to(monkeypatch, {"do": "pass", "days": 2, "stored": True})

    assert peer.told == ["2 days, True"]
    assert "usage" not in answer


@pytest.mark.parametrize("writes", [1, 2])
def test_it_dies_after_the_write_that_was_named(
    monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    codes = []

    def die(code: int) -> None:
        codes.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", die)
    with pytest.raises(SystemExit):
        answers_to(monkeypatch, {"do": "paid", "id": "1", "die_after": writes})

    assert codes == [KILLED]


def test_it_lives_where_there_are_fewer_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next message is not the one to die of."""
    first, second = {"do": "paid", "id": "1", "die_after": 3}, {"do": "paid", "id": "2"}

    peer, answers = answers_to(monkeypatch, first, second)

    assert (peer.told, len(answers)) == (["1", "2"], 2)


def test_without_postgresql_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server, "BINARIES", tmp_path)

    with pytest.raises(server.NoServerError) as missing, server.server():
        pass

    assert str(missing.value) == "PostgreSQL is missing: apt-get install postgresql"
