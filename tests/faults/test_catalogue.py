"""docs/faults.md names tests that there are, and every test of faults is in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.document import DOCUMENT, rendered

TESTS = Path(__file__).resolve().parents[1]
OF_FAULTS = ("faults/test_*.py", "stack/test_faults.py")
"""Where every test is about a fault."""


def named() -> set[str]:
    return {test for group in FAULTS for entry in group.entries for test in entry.tests}


def found_in(path: Path) -> Iterator[str]:
    """The tests of a file, and its classes of tests."""
    file = path.relative_to(TESTS)
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield f"{file}::{name}"
            case ast.ClassDef(name=name, body=body) if name.startswith("Test"):
                yield f"{file}::{name}"
                methods = (each for each in body if isinstance(each, ast.FunctionDef))
                yield from (f"{file}::{name}::{each.name}" for each in methods)


def test_every_test_that_the_catalogue_names_is_there() -> None:
    files = {TESTS / test.partition("::")[0] for test in named()}
    there = {test for path in files if path.exists() for test in found_in(path)}
    assert named() - there == set()


def test_every_test_of_faults_is_in_the_catalogue() -> None:
    paths = [path for pattern in OF_FAULTS for path in TESTS.glob(pattern)]
    there = {test for path in paths if path != Path(__file__) for test in found_in(path)}
    assert there - named() == set()


def test_the_catalogue_in_the_document_is_this_one() -> None:
    assert rendered() in DOCUMENT.read_text("utf-8")
