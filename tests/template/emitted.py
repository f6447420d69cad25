"""The names under which the code counts, as far as reading it tells."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.template.reading import ROOT

MAILED = "mail_"
"""What becomes of a mail is counted under its outcome with this before it (runtime/mailing.py)."""


@cache
def emitted_metrics() -> frozenset[str]:
    """Every text in the code that may be the name of an outcome or a count."""
    sources = [*ROOT.glob("layers/ledger/points_ledger/**/*.py"), *ROOT.glob("functions/**/*.py")]
    found = {text for path in sources for text in _texts(ast.parse(path.read_text()))}
    return frozenset(found | {f"{MAILED}{text}" for text in found})


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
