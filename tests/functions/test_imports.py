"""What a cold start may import, counted: times are the benchmark's (tests/benchmarks/imports.py).

One interpreter that has what every function shares, the SDK and Powertools' logger and metrics,
is forked for each function; the fork does what a cold start does and tells what else came in.
"""

import json
import sys
import sysconfig
from collections.abc import Mapping
from typing import Any, Final

import pytest

from local.home import ROOT
from points_ledger.runtime.settings import FUNCTION_SETTINGS
from tests.benchmarks import imports

SHARED: Final = """
import json, os, sys
sys.path[:0] = {paths!r}
import botocore.session
botocore.session.get_session().create_client("dynamodb")
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
shared = set(sys.modules)

def imported(folder, statements):
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as told:
            text = told.read()
        os.waitpid(child, 0)
        return json.loads(text or '["failed: see above"]')
    sys.path.insert(0, folder)
    exec(statements, dict())
    with os.fdopen(writing, "w") as telling:
        json.dump(sorted(set(sys.modules) - shared), telling)
    os._exit(0)

print(json.dumps({{name: imported(*each) for name, each in {functions!r}.items()}}))
"""

MOST_MODULES_OF_OURS: Final = 125
"""Each takes a third of a millisecond, and reading one more file of the layer."""

UNWANTED: Final = frozenset({"asyncio", "csv", "multiprocessing", "pydoc", "unittest", "xmlrpc"})
"""Of the standard library: large, and nothing that answers an event needs them at the start."""


@pytest.fixture(scope="module")
def imported() -> Mapping[str, list[str]]:
    """By function, the modules of a cold start beyond what all of them share."""
    functions = {
        name: (str(ROOT / "functions" / name), imports.statements_of(name))
        for name in FUNCTION_SETTINGS
    }
    paths = [sysconfig.get_path("purelib"), str(ROOT / "layers" / "ledger")]
    finished = imports.run_clean(SHARED.format(paths=paths, functions=functions))
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


@pytest.mark.parametrize("function", sorted(FUNCTION_SETTINGS))
def test_a_cold_start_imports_nothing_large_beside_the_sdk(
    function: str, imported: Mapping[str, list[str]]
) -> None:
    packages = {name.partition(".")[0].lstrip("_") for name in imported[function]}
    own = [name for name in imported[function] if name.startswith("points_ledger")]

    foreign = {
        name
        for name in packages - {"app", "points_ledger"}
        if name not in sys.stdlib_module_names and not name.startswith("sysconfigdata")
    }
    assert foreign == set()
    assert packages & UNWANTED == set()
    assert 0 < len(own) <= MOST_MODULES_OF_OURS
