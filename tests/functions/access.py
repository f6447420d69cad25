"""What a function's role allows on the table, from template.yaml.

No emulator looks at the leading keys of a request, so the tests of the functions do.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from tests.template.reading import Template, listed, read_template

Json = Mapping[str, Any]

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
    return [
        f"{function} may not {action} {key}"
        for action, key in _asked(operation, parameters)
        if not any(fnmatchcase(key, pattern) for pattern in _granted(function, action))
    ]


@cache
def _granted(function: str, action: str) -> frozenset[str]:
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


def _key_of(item: Json) -> str:
    return str(item["PK"]["S"])
