"""The built layers hold everything that the functions import.

The local stack does not show it: its workers see the emulator's own packages as well.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack as local_stack
from local.home import ROOT
from points_ledger.runtime.settings import FUNCTION_SETTINGS
from tests.benchmarks import imports

pytestmark = pytest.mark.stack

EVERY_MODULE = """
import importlib, pkgutil, sys
sys.path[:0] = {paths!r}
import points_ledger
for module in pkgutil.walk_packages(points_ledger.__path__, "points_ledger."):
    importlib.import_module(module.name)
"""
HANDLER = """
import sys
sys.path[:0] = {paths!r}
import app
assert callable(app.handler)
"""


@pytest.fixture(scope="module")
def build_folder() -> Iterator[Path]:
    with local_stack.stack_for_tests() as description:
        yield Path(description["build_folder"])


@pytest.mark.parametrize("function", sorted(FUNCTION_SETTINGS))
def test_a_handler_needs_its_layers_and_the_standard_library_only(
    function: str, build_folder: Path
) -> None:
    finished = imports.run_clean(HANDLER.format(paths=imports.paths(build_folder, function)))

    assert finished.returncode == 0, finished.stderr


def test_every_module_of_the_ledger_needs_its_layers_and_the_standard_library_only(
    build_folder: Path,
) -> None:
    paths = [str(build_folder / layer / "python") for layer in imports.LAYERS]

    finished = imports.run_clean(EVERY_MODULE.format(paths=paths))

    assert finished.returncode == 0, finished.stderr


def test_every_module_of_the_layers_is_compiled(build_folder: Path) -> None:
    sources = [
        source
        for layer in imports.LAYERS
        for source in (build_folder / layer / "python").rglob("*.py")
    ]

    missing = [
        source.name
        for source in sources
        if not list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))
    ]

    assert sources
    assert missing == []


def test_every_function_with_a_folder_is_tested() -> None:
    folders = {handler.parent.name for handler in (ROOT / "functions").glob("*/app.py")}

    assert folders == set(FUNCTION_SETTINGS) == set(imports.FIRST_USE)
