"""What each peer stands on: a database of its own, and how a worker of it is started."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.home import ROOT, TOOLS
from points_ledger.contracts.program import parse_program
from points_ledger.runtime.settings import FUNCTION_SETTINGS
from points_ledger.service.ports import ProgramVersion
from points_ledger.service.publishing import FIRST_VERSION
from tests.benchmarks.meter import Meter
from tests.benchmarks.peers import nostro_sql, sql
from tests.benchmarks.peers.crew import Recipe
from tests.benchmarks.peers.script import VALID_DAYS
from tests.benchmarks.peers.server import Server
from tests.benchmarks.reference import Clock, Ledger
from tests.contract.backends import dynamodb_client, scratch_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PEERS: Final = ("ledger", "nostro", "postgres", "powertools")
TABLE: Final = "peers"
PLACEHOLDER: Final = "benchmark"
SETTINGS: Final[Mapping[str, str]] = {
    "allow_future_schedules": "true",
    "powertools_log_level": "INFO",
    "sweep_parallelism": "8",
    "table_name": TABLE,
}
USED: Final = ("accounts", "accrual", "expiry", "maturation", "members", "redemption")
"""Functions that the ledger's worker calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the peers run: the stack's DynamoDB, and a PostgreSQL server."""

    endpoint_url: str
    region: str
    server: Server

    @property
    def client(self) -> "DynamoDBClient":
        return dynamodb_client(self.endpoint_url, self.region)

    @property
    def aws(self) -> dict[str, str]:
        """The environment of whatever talks to the stack."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment; ours runs where its tests do."""
    folder = ROOT / ".venv" if name == "ledger" else TOOLS / f"peer_{name}"
    return folder / "bin" / "python"


@contextmanager
def set_up(name: str, stage: Stage) -> Iterator[Recipe]:
    """Make a peer's database, and unmake it if it is the stack's."""
    match name:
        case "ledger":
            with _ledger(stage) as environment:
                yield _recipe(name, environment)
        case "powertools":
            with _powertools(stage) as environment:
                yield _recipe(name, environment)
        case "nostro":
            address = stage.server.create(name, nostro_sql.SCHEMA)
            migrate(address)
            yield _recipe(name, {"PEER_DATABASE": address})
        case "postgres":
            address = stage.server.create("plain", sql.SCHEMA)
            yield _recipe(name, {"PEER_DATABASE": address})
        case _:
            raise ValueError(f"{name} is no peer")


def _recipe(name: str, environment: Mapping[str, str]) -> Recipe:
    return Recipe(name=name, python=python_of(name), environment=environment)


def migrate(address: str) -> None:
    """Let hf-nostro make its tables, as its manual says."""
    python, scale = str(python_of("nostro")), str(nostro_sql.SCALE)
    command = [python, "-m", "nostro", "migrate", "--dsn", address, "--scale", scale]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the peer's interpreter


# --- This ledger ----------------------------------------------------------------------------


def program_document() -> dict[str, Any]:
    """One point for each whole 1.00, granted when paid, good for VALID_DAYS."""
    document: dict[str, Any] = json.loads((ROOT / "events" / "program.json").read_text())
    rule = {"id": "all", "on": "purchase", "match": {}, "points": 1, "per_amount": "1.00"}
    return document | {
        "time_zone": "UTC",
        "earning_rules": [{**rule, "rounding": "down"}],
        "campaigns": [],
        "tiers": [],
        "maturation": {**document["maturation"], "hold": "P0D", "return_window": "P0D"},
        "expiry": {
            **document["expiry"],
            "after": f"P{VALID_DAYS}D",
            "round_to": "day",
            "warn_days_before": [],
        },
        "redemption": {**document["redemption"], "minimum_amount": "0.00"},
    }


def ledger_environment() -> dict[str, str]:
    """Every variable that the functions of the worker need; no queue of theirs is used."""
    needed = {field.name for name in USED for field in fields(FUNCTION_SETTINGS[name])}
    return {name.upper(): SETTINGS.get(name, PLACEHOLDER) for name in sorted(needed)}


@contextmanager
def _ledger(stage: Stage) -> Iterator[dict[str, str]]:
    with scratch_table(stage.client, TABLE):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        document = program_document()
        version = ProgramVersion(
            program=parse_program(document, FIRST_VERSION),
            document=json.dumps(document),
            published_at=yesterday,
        )
        ledger = Ledger(stage.client, TABLE, Meter(stage.client), clock=Clock(now=yesterday))
        assert ledger.publishing.load_first(version)
        began = datetime.now(UTC).isoformat()
        yield stage.aws | ledger_environment() | {"PEER_BEGAN": began}


# --- The baseline of serverless samples -----------------------------------------------------


@contextmanager
def _powertools(stage: Stage) -> Iterator[dict[str, str]]:
    tables = {"powertools-accounts": "PK", "powertools-records": "id"}
    for table_name, key in tables.items():
        stage.client.create_table(
            TableName=table_name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        )
    try:
        yield stage.aws | {"POWERTOOLS_DEV": "false", "AWS_LAMBDA_FUNCTION_NAME": "baseline"}
    finally:
        for table_name in tables:
            stage.client.delete_table(TableName=table_name)
