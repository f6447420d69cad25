"""Compare, and write docs/peers.md.

The exit code is 0 when this ledger came through every fault.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local import stack as local_stack
from local.home import ROOT
from tests.benchmarks import machine
from tests.benchmarks.peers import measuring
from tests.benchmarks.peers.crew import crew
from tests.benchmarks.peers.measuring import Cost
from tests.benchmarks.peers.playing import Outcome, names, played
from tests.benchmarks.peers.report import OURS, TITLES, Comparison, score, text
from tests.benchmarks.peers.script import FAULTS
from tests.benchmarks.peers.server import NoServerError, Server, server
from tests.benchmarks.peers.stage import Stage, python_of, set_up

DATABASES: Final[Mapping[str, str]] = {"nostro": "nostro", "postgres": "plain"}
"""Of the peers that are on PostgreSQL."""


def main() -> int:
    """Compare everything, and write it down."""
    try:
        with local_stack.stack_for_tests() as stack, server() as running:
            stage = Stage(
                endpoint_url=stack["endpoint_url"], region=stack["region"], server=running
            )
            found = _compared(stage, Path(stack["build_folder"]))
    except NoServerError as error:
        _say(str(error))
        return 1
    (ROOT / "docs" / "peers.md").write_text(text(found))
    _say("Written: docs/peers.md")
    wrong = [outcome.fault.name for outcome in found.outcomes[OURS] if not outcome.passed]
    for name in wrong:
        _say(f"This ledger gets wrong: {name}")
    return 1 if wrong else 0


def _compared(stage: Stage, build_folder: Path) -> Comparison:
    outcomes: dict[str, list[Outcome]] = {}
    costs: dict[str, Mapping[str, Cost]] = {}
    sweeps: dict[str, Cost | None] = {}
    pgbench: Mapping[int, float] = {}
    for name in TITLES:
        metered = stage.server if name in DATABASES else None
        database = DATABASES.get(name, "")
        with set_up(name, stage) as recipe:
            with crew(recipe) as working:
                _say(f"{TITLES[name]}: playing {len(FAULTS)} faults.")
                called = names()
                outcomes[name] = [played(working, fault, called) for fault in FAULTS]
                _say(f"{TITLES[name]}: {score(outcomes[name])}. Measuring.")
                days = working.days
            with crew(recipe, size=1, days=days) as working:
                costs[name] = measuring.costs(working, metered, database)
                sweeps[name] = measuring.sweep(working, metered, database)
            if name == "postgres":
                pgbench = measuring.pgbench(stage.server, database)
    _say("Starting fresh interpreters.")
    starts = measuring.starts(build_folder, {name: python_of(name) for name in TITLES})
    return Comparison(
        machine=[(name, value) for name, value in machine.description() if name in MACHINE],
        versions=_versions(stage.server),
        outcomes=outcomes,
        costs=costs,
        sweeps=sweeps,
        starts=starts,
        pgbench=pgbench,
    )


MACHINE: Final = frozenset(
    {"date", "processor", "system", "Python", "load during the run", "plain loop"}
)


def _versions(running: Server) -> dict[str, str]:
    postgres = f"PostgreSQL {running.version().split()[0]}"
    botocore, powertools = (
        _pinned("layers/dependencies/requirements.txt", package)
        for package in ("botocore", "aws-lambda-powertools")
    )
    nostro, driver = (
        _pinned("requirements/peer_nostro.txt", package) for package in ("hf-nostro", "psycopg")
    )
    plain = _pinned("requirements/peer_postgres.txt", "psycopg")
    ministack = _pinned("requirements/ministack.txt", "ministack")
    dynamodb = f"DynamoDB of ministack {ministack}, botocore {botocore}"
    return {
        OURS: f"this checkout, {dynamodb}",
        "nostro": f"hf-nostro {nostro}, {postgres}, psycopg {driver}",
        "postgres": f"{postgres}, psycopg {plain}",
        "powertools": f"Powertools {powertools}, {dynamodb}",
    }


def _pinned(requirements: str, package: str) -> str:
    lines = (ROOT / requirements).read_text()
    found = re.search(rf"^{re.escape(package)}==([^\s\\;]+)", lines, re.MULTILINE)
    assert found, f"{package} is not in {requirements}"
    return found[1]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command line tells how far it is
