"""One place builds keys, one place writes entries: found out by reading the code.

IAM cannot force a put to be conditional, so that nothing but `DynamoDbStore` may write what
commands decide, and nothing in it but `_append` an entry.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "ledger" / "points_ledger"
DYNAMODB = PACKAGE / "adapters" / "dynamodb"
WRITING = {
    "put_item",
    "update_item",
    "delete_item",
    "batch_write_item",
    "transact_write_items",
    "execute_statement",
    "batch_execute_statement",
    "execute_transaction",
}


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    """Everything that runs on AWS."""
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text()))
        for folder in (PACKAGE, ROOT / "functions")
        for path in sorted(folder.rglob("*.py"))
    ]


def functions_with(tree: ast.AST, name: str) -> set[str]:
    """The functions in which a name or attribute is used."""
    return {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Name) and node.id == name)
    }


def uses(tree: ast.AST, names: set[str]) -> set[str]:
    return names & names_in(tree)


@cache
def names_in(tree: ast.AST) -> frozenset[str]:
    """All attributes, names and imported names."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name):
                found.add(name)
            case ast.ImportFrom(names=imported):
                found.update(alias.name for alias in imported)
            case _:
                pass
    return frozenset(found)


@cache
def texts(tree: ast.AST) -> tuple[str, ...]:
    """Every text in the code that is not a docstring."""
    return tuple(_texts(tree))


def _texts(tree: ast.AST) -> Iterator[str]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    yield from (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    )


def test_the_store_the_sweeps_and_the_erasure_of_notes_write_to_the_table() -> None:
    writers = {str(path): uses(tree, WRITING) for path, tree in sources() if uses(tree, WRITING)}
    here = DYNAMODB.relative_to(ROOT)
    assert writers == {
        f"{here}/store.py": {"put_item", "update_item", "transact_write_items"},
        f"{here}/sweeps.py": {"put_item"},
        # Totals for reports, under keys of their own.
        f"{here}/totals.py": {"transact_write_items"},
        # Why messages failed, what the reconciliation found, and who was written.
        f"{here}/failures.py": {"put_item"},
        f"{here}/integrity.py": {"put_item"},
        # How far the reconciliation and the checkpoints of all heads have come.
        f"{here}/revisioned.py": {"put_item"},
        # Endpoints of outbound webhooks and their log: nothing of the ledger.
        f"{here}/outbound.py": {"put_item", "update_item", "transact_write_items"},
        # How far the recount has come, and what it adds to totals.
        f"{here}/recounts.py": {"transact_write_items"},
        # Templates of mails, and who sends which.
        f"{here}/mail.py": {"put_item"},
        # Free text of a person who is erased.
        f"{here}/readers.py": {"delete_item"},
        # Names of sign-ins, which decide nothing.
        f"{here}/sign_ins.py": {"delete_item", "put_item"},
    }


def test_one_function_puts_entries_and_never_over_another() -> None:
    found = {
        str(path): functions_with(tree, "encode_entry")
        for path, tree in sources()
        if uses(tree, {"encode_entry"})
    }
    store = DYNAMODB / "store.py"
    assert found == {str(store.relative_to(ROOT)): {"_append"}}
    [append] = [
        node
        for node in ast.walk(ast.parse(store.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "_append"
    ]
    assert uses(append, {"ENTRY_NUMBER_IS_FREE"})


def test_places_of_entries_are_only_used_where_they_are_put_guarded_or_read() -> None:
    found = {
        path.name: functions_with(tree, "entry_key")
        for path, tree in sources()
        if uses(tree, {"entry_key"})
    }
    # In the store: the guard that checks that there is no newer entry, which puts nothing. A mail
    # reads the entry that it tells of.
    assert found == {
        "codec.py": {"encode_entry"},
        "store.py": {"_action"},
        "mail.py": {"addressee"},
    }


def test_only_one_module_spells_keys() -> None:
    kinds = (
        *("MEMBER", "EARNING", "REDEMPTION", "APPROVAL", "REWARD", "COUPON", "REQUEST", "PROFILE"),
        *("EXTERNAL", "PAYMENT", "LIST"),
    )
    forged = [
        (str(path), text)
        for path, tree in sources()
        if path.name != "keys.py" or path.parent != DYNAMODB.relative_to(ROOT)
        for text in texts(tree)
        if text.startswith(tuple(f"{kind}#" for kind in (*kinds, "DUE", "SWEEP")))
    ]
    assert forged == []


def test_only_one_package_spells_expressions() -> None:
    elsewhere = [
        (str(path), text)
        for path, tree in sources()
        if DYNAMODB.relative_to(ROOT) not in path.parents
        for text in texts(tree)
        if "attribute_not_exists" in text or "begins_with(" in text or "if_not_exists" in text
    ]
    assert elsewhere == []
