"""The machine that was measured on: what it is, never what it is called or where it stands."""

import importlib.metadata
import os
import platform
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from local.home import ROOT

LOOP_ADDITIONS: Final = 3_000_000
LOOPS: Final = 5


def description() -> list[tuple[str, str]]:
    """Names and values for the report."""
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("processor", f"{_processor()}, {os.cpu_count()} cores seen"),
        ("system", f"{_system()}, {platform.machine()}"),
        ("Python", platform.python_version()),
        ("botocore", _pinned("layers/dependencies/requirements.txt", "botocore")),
        ("pydantic", _pinned("layers/dependencies/requirements.txt", "pydantic")),
        ("Powertools", _pinned("layers/dependencies/requirements.txt", "aws-lambda-powertools")),
        ("boto3 (baseline)", importlib.metadata.version("boto3")),
        ("ministack", _pinned("requirements/ministack.txt", "ministack")),
        ("load during the run", f"{os.getloadavg()[2]:.1f} over 15 minutes"),
        ("plain loop", f"{loop_milliseconds():.0f} ms CPU for {LOOP_ADDITIONS:,} additions"),
    ]


def loop_milliseconds() -> float:
    """CPU time of a plain loop, the least of a few: what a core gives while we measure."""
    times = []
    for _ in range(LOOPS):
        began = time.process_time()
        total = 0
        for number in range(LOOP_ADDITIONS):
            total += number * 2
        times.append(time.process_time() - began)
    return min(times) * 1_000


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or "unknown processor"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _pinned(requirements: str, package: str) -> str:
    text = (ROOT / requirements).read_text()
    found = re.search(rf"^{re.escape(package)}==([^\s\\;]+)", text, re.MULTILINE)
    assert found, f"{package} is not in {requirements}"
    return found[1]
