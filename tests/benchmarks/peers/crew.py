"""The worker processes of one peer: they take messages, one each, and die when they are told to."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local.home import ROOT
from tests.benchmarks.peers.script import WORKERS
from tests.benchmarks.peers.worker import KILLED

Reply = dict[str, Any]
CLOSING_SECONDS: Final = 10
PROGRAM: Final = """
import sys
from tests.benchmarks.peers.worker import main
main(sys.argv[1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a worker of a peer is started.

    Attributes:
        name: of the module `<name>_peer`.
        python: the interpreter of the peer's environment.
    """

    name: str
    python: Path
    environment: Mapping[str, str]


class WorkerError(Exception):
    """A worker ended that was not told to."""


@dataclass
class Crew:
    """Workers side by side, on one database, with one clock."""

    recipe: Recipe
    size: int = WORKERS
    days: float = 0
    _workers: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self) -> None:
        """Start them all, and wait until each is ready."""
        self._workers = [self._started() for _ in range(self.size)]
        for worker in self._workers:
            _ready(worker)

    def stop(self) -> None:
        """End their input, which ends them."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.close()
            try:
                worker.wait(CLOSING_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def ask(self, message: Mapping[str, Any], worker: int = 0) -> Reply | None:
        """What a worker answers; None if it died, in which case another takes its place."""
        return self.ask_together([message], first=worker)[0]

    def ask_together(
        self, messages: Sequence[Mapping[str, Any]], *, first: int = 0
    ) -> list[Reply | None]:
        """What as many workers answer, who all begin at once."""
        chosen = range(first, first + len(messages))
        for number, message in zip(chosen, messages, strict=True):
            _write(self._workers[number], message)
        return [self._answer(number) for number in chosen]

    def pass_days(self, days: float) -> None:
        """Let time go by for everybody."""
        self.days += days
        messages = [{"do": "pass", "days": days, "stored": n == 0} for n in range(self.size)]
        for reply in self.ask_together(messages):
            assert reply is not None
            assert reply["outcome"] == "done", reply

    def _answer(self, number: int) -> Reply | None:
        worker = self._workers[number]
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if line:
            reply: Reply = json.loads(line)
            return reply
        if worker.wait() != KILLED:
            raise WorkerError(f"{self.recipe.name} ended with {worker.returncode}")
        self._workers[number] = self._started()
        _ready(self._workers[number])
        return None

    def _started(self) -> "subprocess.Popen[str]":
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'layers' / 'ledger'}{os.pathsep}{ROOT}",
            "PEER_DAYS": str(self.days),
            **self.recipe.environment,
        }
        return subprocess.Popen(  # noqa: S603 - the peer's interpreter, with a module of ours
            [str(self.recipe.python), "-c", PROGRAM, self.recipe.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )


@contextmanager
def crew(recipe: Recipe, size: int = WORKERS, days: float = 0) -> Iterator[Crew]:
    """Workers for the length of a block, whose clock is so many days ahead."""
    working = Crew(recipe=recipe, size=size, days=days)
    working.start()
    try:
        yield working
    finally:
        working.stop()


def _write(worker: "subprocess.Popen[str]", message: Mapping[str, Any]) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(message) + "\n")
    worker.stdin.flush()


def _ready(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdout is not None
    if not worker.stdout.readline():
        raise WorkerError(f"a worker did not start: {worker.wait()}")
