"""What a function's role allows on the table, from template.yaml.

No emulator looks at the leading keys of a request, so the tests of the functions do.
"""

import atexit
import json
import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from tests.template.reading import Template, listed, read_template

Json = Mapping[str, Any]

ASKED_FOLDER = "POINTS_LEDGER_ASKED"
"""Names a folder in which each process that runs tests leaves what its functions asked for."""

_asked_for: set[tuple[str, str, str]] = set()
"""Function, action and kind of key of each request that was allowed."""

_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@cache
def template() -> Template:
    return read_template()


def violations(function: str, operation: str, parameters: Json) -> list[str]:
    """What a function asks of the table and may not."""
    found: list[str] = []
    for action, key in _asked(operation, parameters):
        matching = [each for each in granted(function, action) if fnmatchcase(key, each)]
        _asked_for.add((function, action, kind_of(key)))
        if not matching:
            found.append(f"{function} may not {action} {key}")
    return found


@cache
def granted(function: str, action: str) -> frozenset[str]:
    [found] = (each for each in template().functions if each.folder == function)
    prefixes: set[str] = set()
    for statement in template().grants(found, f"dynamodb:{action}"):
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
        if keys:
            prefixes |= set(keys["dynamodb:LeadingKeys"])
        elif "index" in str(listed(statement["Resource"])):
            prefixes.add("index:*")
    return frozenset(prefixes)


def _asked(operation: str, parameters: Json) -> Iterator[tuple[str, str]]:
    match operation:
        case "TransactWriteItems":
            for item in parameters["TransactItems"]:
                for name, asked in item.items():
                    yield _TRANSACTED[name], _key_of(asked.get("Item") or asked["Key"])
        case "BatchGetItem":
            for asked in parameters["RequestItems"].values():
                for key in asked["Keys"]:
                    yield operation, _key_of(key)
        case "Query" if "IndexName" in parameters:
            yield operation, f"index:{parameters['IndexName']}"
        case "Query":
            yield operation, parameters["ExpressionAttributeValues"][":pk"]["S"]
        case _:
            yield operation, _key_of(parameters.get("Item") or parameters["Key"])


def kind_of(key: str) -> str:
    """What a key is of: `MEMBER`, and of those that are told apart by it also their second part."""
    kind, _, rest = key.partition("#")
    return f"{kind} {rest.partition('#')[0]}" if kind in ("LIST", "OUTBOUND") else kind


def _key_of(item: Json) -> str:
    return str(item["PK"]["S"])


@atexit.register
def _leave_asked() -> None:
    folder = os.environ.get(ASKED_FOLDER)
    if folder and _asked_for:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{os.getpid()}.json").write_text(json.dumps(sorted(_asked_for)))
