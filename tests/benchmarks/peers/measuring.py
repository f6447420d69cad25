"""What the same messages cost each peer: requests, units, CPU time, starting, and the sweep."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks import imports
from tests.benchmarks.peers import sql
from tests.benchmarks.peers.crew import Crew
from tests.benchmarks.peers.script import VALID_DAYS
from tests.benchmarks.peers.server import Server

EVENTS: Final = 60
"""Of each kind, in turn by so many members."""
MEMBERS: Final = 12
WARMING: Final = 3
DUE_MEMBERS: Final = 200
START_ROUNDS: Final = 15
PGBENCH_CLIENTS: Final = (1, 8)
PGBENCH_SECONDS: Final = 5

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one message takes, on average.

    Attributes:
        requests: to the database; for PostgreSQL statements, BEGIN and COMMIT included.
        write_units, read_units: of DynamoDB; None where it is not DynamoDB.
        cpu: milliseconds of the worker, with the driver or SDK.
        server_cpu: milliseconds of the database's own processes, where they are ours.
    """

    requests: float
    write_units: float | None = None
    read_units: float | None = None
    cpu: float
    server_cpu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Milliseconds over fresh interpreters: medians, and the least CPU time."""

    wall: float
    cpu: float
    least_cpu: float


# --- Messages -------------------------------------------------------------------------------


def messages_of(kind: str, member: str, number: int, days: float) -> Message:
    """One message of a kind; the number is that of its purchase."""
    purchase = f"measured-{number}"
    message: Message = {
        "member": member,
        "purchase": purchase,
        "amount": "100.00",
        "told_minutes": 0,
        "sold_days": days,
        "points": 0,
    }
    match kind:
        case "purchase posted":
            return message | {"do": "posted", "id": f"posted-{purchase}"}
        case "paid, points granted" | "paid, told again":
            return message | {"do": "paid", "id": f"paid-{purchase}"}
        case "refund of a part":
            return message | {"do": "refunded", "id": f"refund-{purchase}", "amount": "30.00"}
        case "redemption" | "redemption, asked for again":
            return message | {"do": "redeem", "id": f"redeem-{purchase}", "points": 20}
        case "balance":
            return {"do": "balance", "member": member}
        case _:
            raise ValueError(kind)


KINDS: Final = (
    "purchase posted",
    "paid, points granted",
    "paid, told again",
    "refund of a part",
    "redemption",
    "redemption, asked for again",
    "balance",
)
LIFE: Final = ("purchase posted", "paid, points granted", "redemption")
"""What becomes of a usual purchase."""


# --- Costs ----------------------------------------------------------------------------------


def costs(crew: Crew, server: Server | None, database: str) -> dict[str, Cost]:
    """What each kind of message costs, by kind."""
    members = [_enrolled(crew, f"measured-{n}") for n in range(MEMBERS)]
    for kind in KINDS:
        for number in range(WARMING):
            _done(crew, messages_of(kind, members[0], EVENTS + number, crew.days))

    def batch(kind: str) -> Cost:
        def run() -> list[Mapping[str, Any]]:
            return [
                _done(crew, messages_of(kind, members[n % MEMBERS], n, crew.days))
                for n in range(EVENTS)
            ]

        return _cost(run, EVENTS, server, database)

    return {kind: batch(kind) for kind in KINDS}


def sweep(crew: Crew, server: Server | None, database: str) -> Cost | None:
    """What expiring the only lot of a member costs, by member; None where there is no sweep."""
    members = [_enrolled(crew, f"due-{n}") for n in range(DUE_MEMBERS)]
    for n, member in enumerate(members):
        for kind in LIFE[:2]:
            _done(crew, messages_of(kind, member, 10_000 + n, crew.days))
    crew.pass_days(VALID_DAYS + 1)
    replies: list[Mapping[str, Any]] = []

    def run() -> list[Mapping[str, Any]]:
        reply = crew.ask({"do": "sweep"})
        assert reply is not None
        replies.append(reply)
        return replies

    found = _cost(run, DUE_MEMBERS, server, database)
    if replies[0]["outcome"] == "not_offered":
        return None
    left = _done(crew, {"do": "balance", "member": members[-1]})["balance"]
    assert left == 0, f"{left} points are left"
    return found


def _cost(
    run: Callable[[], Sequence[Mapping[str, Any]]],
    count: int,
    server: Server | None,
    database: str,
) -> Cost:
    if server is None:
        replies = run()
        requests, writes, reads = (
            sum(reply["usage"][each] for reply in replies) / count for each in range(3)
        )
        cpu = sum(reply["cpu"] for reply in replies) / count * 1_000
        return Cost(requests=requests, write_units=writes, read_units=reads, cpu=cpu)
    statements, server_cpu = server.statements(database), server.cpu_seconds()
    replies = run()
    return Cost(
        requests=(server.statements(database) - statements) / count,
        cpu=sum(reply["cpu"] for reply in replies) / count * 1_000,
        server_cpu=(server.cpu_seconds() - server_cpu) / count * 1_000,
    )


def _enrolled(crew: Crew, name: str) -> str:
    member: str = _done(crew, {"do": "enrol", "member": name})["member"]
    return member


def _done(crew: Crew, message: Message) -> Mapping[str, Any]:
    reply = crew.ask(message)
    assert reply is not None
    assert reply["outcome"] == "done", reply
    return reply


# --- Starting -------------------------------------------------------------------------------

TIMED: Final = """
import sys, time
sys.path[:0] = {paths!r}
began, began_cpu = time.perf_counter(), time.process_time()
{statements}
print(time.perf_counter() - began, time.process_time() - began_cpu)
"""

IDEMPOTENCY: Final = """
import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function)
DynamoDBPersistenceLayer(table_name="t", boto3_client=boto3.client("dynamodb"))
"""
NOSTRO: Final = """
from nostro import Ledger
import psycopg_pool
Ledger(dsn="dbname=nowhere", scale=0)
"""
SDK: Final = "the SDK alone"


def starts(build_folder: Path, pythons: Mapping[str, Path]) -> dict[str, Start]:
    """Importing what a worker needs and making its first client, by peer; without connecting."""
    programs = {
        SDK: (sys.executable, ["-I"], TIMED.format(paths=[], statements=imports.BASELINE)),
        "ledger": (
            sys.executable,
            ["-I", "-S"],
            TIMED.format(
                paths=imports.paths(build_folder, "accrual"),
                statements=imports.statements_of("accrual"),
            ),
        ),
        "nostro": (str(pythons["nostro"]), ["-I"], TIMED.format(paths=[], statements=NOSTRO)),
        "postgres": (
            str(pythons["postgres"]),
            ["-I"],
            TIMED.format(paths=[], statements="import psycopg"),
        ),
        "powertools": (
            str(pythons["powertools"]),
            ["-I"],
            TIMED.format(paths=[], statements=IDEMPOTENCY),
        ),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for turn in range(START_ROUNDS + 1):
        for name, (python, flags, code) in programs.items():
            found = _timed([python, *flags, "-c", code])
            if turn:  # the first warms the file cache
                times[name].append(found)
    return {name: _summary(each) for name, each in times.items()}


def _timed(command: Sequence[str]) -> tuple[float, float]:
    finished = subprocess.run(  # noqa: S603 - the peer's interpreter, with code made here
        command,
        env={**imports.ENVIRONMENT, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    wall, cpu = finished.stdout.split()
    return float(wall) * 1_000, float(cpu) * 1_000


def _summary(times: Sequence[tuple[float, float]]) -> Start:
    walls, cpus = zip(*times, strict=True)
    return Start(wall=statistics.median(walls), cpu=statistics.median(cpus), least_cpu=min(cpus))


# --- pgbench --------------------------------------------------------------------------------


def pgbench(server: Server, database: str) -> dict[int, float]:
    """Messages a second through the plain schema, by the number of clients."""
    server.run(database, sql.FILL)
    script = server.folder / "pgbench.sql"
    script.write_text(sql.PGBENCH)
    return {clients: _pgbench(server, database, script, clients) for clients in PGBENCH_CLIENTS}


def _pgbench(server: Server, database: str, script: Path, clients: int) -> float:
    finished = subprocess.run(  # noqa: S603 - Debian's pgbench
        [
            str(server.binaries / "pgbench"), "--no-vacuum", f"--client={clients}",
            f"--time={PGBENCH_SECONDS}", f"--define=valid_days={VALID_DAYS}",
            f"--file={script}", server.address(database),
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    [line] = [each for each in finished.stdout.splitlines() if each.startswith("tps")]
    return float(line.split()[2]) * sql.PGBENCH_MESSAGES
