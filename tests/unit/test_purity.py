"""The domain is pure: it imports the standard library and itself, and asks nobody for the time,
for chance, for the environment or for input (house style, rule 1)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import points_ledger.domain

DOMAIN = Path(points_ledger.domain.__file__).parent
MODULES = sorted(DOMAIN.rglob("*.py"))

FORBIDDEN_MODULES = frozenset(
    {
        "asyncio",
        "concurrent",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "shutil",
        "socket",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)
PURE_PARTS = frozenset({"urllib.parse"})
"""What of a forbidden package asks nobody for anything."""

FORBIDDEN_CALLS = frozenset(
    {
        "now",
        "utcnow",
        "today",
        "time_ns",
        "monotonic",
        "uuid1",
        "uuid4",
        "urandom",
        "getenv",
    }
)
FORBIDDEN_BUILTINS = frozenset({"open", "print", "input", "eval", "exec", "id", "hash", "float"})
ALLOWED_BUILTINS = {"dataclass": frozenset({"exec", "hash"})}
"""By module: classes are compiled, and hashed for sets; what is decided depends on neither."""


def imports(tree: ast.Module) -> Iterator[str]:
    """The full names of all modules that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else node.module or "."


def calls(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """The last part of the name of everything called, its line, and whether it is a method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name):
                    yield name, node.lineno, False
                case ast.Attribute(attr=name):
                    yield name, node.lineno, True


def problems(source: str, allowed: frozenset[str] = frozenset()) -> list[str]:
    """Everything in a module that a pure one must not have."""
    tree = ast.parse(source)
    found = [
        f"imports {name}"
        for name in imports(tree)
        if not f"{name}.".startswith("points_ledger.domain.")
        and name not in PURE_PARTS
        and (
            name.split(".")[0] not in sys.stdlib_module_names
            or name.split(".")[0] in FORBIDDEN_MODULES
        )
    ]
    found += [
        f"line {line}: calls {name}()"
        for name, line, is_method in calls(tree)
        if name in (FORBIDDEN_CALLS if is_method else FORBIDDEN_BUILTINS - allowed)
    ]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_domain_is_pure(path: Path) -> None:
    allowed = ALLOWED_BUILTINS.get(path.stem, frozenset())

    assert problems(path.read_text(encoding="utf-8"), allowed) == []


def test_the_domain_was_found() -> None:
    assert {"convergence", "lot", "redemption"} <= {path.stem for path in MODULES}


@pytest.mark.parametrize(
    "source",
    [
        "import boto3",
        "import pydantic.fields",
        "from points_ledger.service import recording",
        "from points_ledger.contracts.messages import encode",
        "from . import lot",
        "import os",
        "from os import environ",
        "import random",
        "from uuid import uuid4",
        "import time",
        "from datetime import datetime\nat = datetime.now()",
        "from datetime import datetime, UTC\nat = datetime.now(UTC)",
        "from datetime import date\nday = date.today()",
        "rate = float('1.5')",
        "print('x')",
        "open('x')",
    ],
)
def test_what_is_not_pure_is_found(source: str) -> None:
    assert problems(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "from points_ledger.domain.lot import take",
        "from datetime import date\nday = date(2026, 1, 1)",
        "class A:\n    def b(self):\n        return self.now",
    ],
)
def test_what_is_pure_passes(source: str) -> None:
    assert problems(source) == []
