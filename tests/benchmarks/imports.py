"""What a cold start costs: importing a function and making its first client.

Each measurement is a fresh interpreter that sees the built layers, the function's own folder and
the standard library, and nothing else. They take turns, so that what else the machine does falls
on all of them alike. CPU time is the steadier figure on a machine that is shared.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROUNDS: Final = 15
BAR: Final = 1.3

LAYERS: Final = ("DependenciesLayer", "LedgerLayer")
BASELINE_NAME: Final = "import boto3, boto3.client"
BASELINE: Final = "import boto3\nboto3.client('dynamodb')"

FIRST_USE: Final[Mapping[str, str]] = {
    "webhooks": "bootstrap.secrets()",
    "accrual": "services.recording()",
    "maturation": "services.recording()",
    "hold_release": "services.recording(), services.sweeps()",
    "redemption": "services.redeeming()",
    "expiry": "services.expiring(), services.sweeps()",
    "members": "services.queries()",
    "accounts": "services.queries()",
    "transfers": "services.transferring()",
    "adjustments": "services.adjusting()",
    "rewards": "services.rewarding()",
    "actions": "services.acting()",
    "anniversary": "services.celebrating(), services.sweeps()",
    "tier_review": "services.reviewing(), services.sweeps()",
    "simulations": "services.backtest_job()",
    "program": "services.programs()",
    "ledger_events": "bootstrap.events()",
    "portal": "site",
    "sessions": "bootstrap.identities()",
    "operations": "operations.integrity_store()",
    "reconciliation": "operations.reconciling()",
    "checkpoints": "checkpoints.checkpointing()",
    "proofs": "checkpoints.proving()",
    "invitations": "bootstrap.dynamodb(), bootstrap.identities()",
    "messaging": "services.mail_templates()",
    "notifications": "services.mail_store(), services.bootstrap.emails()",
    "outbound_webhooks": "bootstrap.dynamodb(), bootstrap.sqs()",
    "outbound_events": "bootstrap.dynamodb(), bootstrap.sqs()",
    "outbound_deliveries": "bootstrap.dynamodb(), bootstrap.sqs()",
    "outbound_retries": "bootstrap.dynamodb(), bootstrap.sqs()",
    "report_totals": "totals.totalling()",
    "reports": "services.reporting()",
}
"""By function, what its first call makes before it sends its first request: the first client with
the services around it."""

_TIMED: Final = """
import sys, time
sys.path[:0] = {paths!r}
{before}
began, began_cpu = time.perf_counter(), time.process_time()
{statements}
print(time.perf_counter() - began, time.process_time() - began_cpu)
"""

ENVIRONMENT: Final[Mapping[str, str]] = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "PointsLedger",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "TABLE_NAME": "benchmark",
    "CHECKPOINT_BUCKET": "benchmark",
    "ALLOW_FUTURE_SCHEDULES": "false",
}


ALTERNATIVES: Final[Mapping[str, str]] = {
    "pydantic": "import pydantic; from pydantic import BaseModel, Field",
    "Powertools' HTTP resolver": (
        "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver"
    ),
    "Powertools' batch processor": (
        "from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType"
    ),
}
"""What the webhook function or the workers do without, imported after what they do import."""

_ALREADY_THERE: Final = "import botocore.session\nfrom aws_lambda_powertools import Logger, Metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Milliseconds over fresh interpreters: medians, and the least CPU time.

    Other work on the machine only ever adds to CPU time, so the least is the steadiest of them.
    """

    wall: float
    cpu: float
    least_cpu: float


def paths(build_folder: Path, function: str) -> list[str]:
    """Where Lambda finds the modules of a function, beside the standard library."""
    folder = "".join(word.title() for word in function.split("_"))
    return [
        str(build_folder / f"{folder}Function"),
        *(str(build_folder / layer / "python") for layer in LAYERS),
    ]


def run_clean(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in an interpreter without site-packages and without the caller's environment."""
    return subprocess.run(  # noqa: S603 - this interpreter, with code made here
        [sys.executable, "-I", "-S", "-c", code],
        env=dict(ENVIRONMENT),
        capture_output=True,
        text=True,
        check=False,
    )


def statements_of(function: str) -> str:
    """What a cold start does before it can do anything for the caller."""
    use = FIRST_USE[function]
    maker = use.partition(".")[0]
    return f"import app\nfrom points_ledger.runtime import {maker}\n{use}"


def measured(build_folder: Path, rounds: int = ROUNDS) -> dict[str, Start]:
    """All functions by name, and the baseline as BASELINE_NAME."""
    packages = [sysconfig.get_path("purelib")]
    programs = {BASELINE_NAME: _TIMED.format(paths=packages, before="", statements=BASELINE)}
    programs |= {
        name: _TIMED.format(
            paths=paths(build_folder, name), before="", statements=statements_of(name)
        )
        for name in FIRST_USE
    }
    return _in_turns(programs, rounds)


def alternatives(rounds: int = ROUNDS) -> dict[str, Start]:
    """What each alternative would add, by name; the layers do not hold all of them."""
    packages = [sysconfig.get_path("purelib")]
    programs = {
        name: _TIMED.format(paths=packages, before=_ALREADY_THERE, statements=statements)
        for name, statements in ALTERNATIVES.items()
    }
    return _in_turns(programs, rounds)


def _in_turns(programs: Mapping[str, str], rounds: int) -> dict[str, Start]:
    for program in programs.values():
        _seconds(program)  # warms the file cache
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            times[name].append(_seconds(program))
    return {name: _summary(each) for name, each in times.items()}


def _seconds(program: str) -> tuple[float, float]:
    finished = run_clean(program)
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    wall, cpu = finished.stdout.split()
    return float(wall), float(cpu)


def _summary(times: Sequence[tuple[float, float]]) -> Start:
    walls, cpus = zip(*times, strict=True)
    return Start(
        wall=statistics.median(walls) * 1_000,
        cpu=statistics.median(cpus) * 1_000,
        least_cpu=min(cpus) * 1_000,
    )
