"""The description of the API (functions/portal/openapi.json), held against what is answered.

Read strictly: a client is told to pass over fields that it does not know, but what the functions
answer has none that is not described.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, cast

import jsonschema_rs

Json = dict[str, Any]

FILE: Final = Path(__file__).resolve().parents[2] / "functions" / "portal" / "openapi.json"


class Answer(Protocol):
    """What is looked at of an answer."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> Json: ...


@cache
def document() -> Json:
    return cast("Json", json.loads(FILE.read_text(encoding="utf-8")))


def operation(route: str) -> Json:
    """What is said of a route, by its key in template.yaml."""
    method, _, path = route.partition(" ")
    return cast("Json", document()["paths"][path.replace("+}", "}")][method.lower()])


def response(route: str, status: int) -> Json | None:
    """What is said of a status of a route; None where nothing is."""
    found = operation(route)["responses"].get(str(status))
    if found is not None and "$ref" in found:
        return cast("Json", document()["components"]["responses"][found["$ref"].split("/")[-1]])
    return cast("Json | None", found)


def faults(route: str, answer: Answer) -> list[str]:
    """How an answer differs from the description; empty where it does not."""
    said = response(route, answer.status)
    if said is None:
        return [f"{route} {answer.status} is not described: {answer.body}"]
    media_type = answer.headers["content-type"]
    if not said["content"].keys() & {media_type, "*/*"}:
        return [f"{route} {answer.status} is not described as {media_type}"]
    if "json" not in media_type or media_type not in said["content"]:
        return []
    found = _validator(route, answer.status, media_type).iter_errors(answer.body)
    where = f"{route} {answer.status}"
    return [f"{where} {'.'.join(map(str, each.instance_path))}: {each.message}" for each in found]


@cache
def _validator(route: str, status: int, media_type: str) -> jsonschema_rs.Draft202012Validator:
    said = response(route, status)
    assert said is not None
    whole = {**said["content"][media_type]["schema"], "components": _strict_components()}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@cache
def _strict_components() -> Json:
    """The named schemas, in which objects have no fields but those that are described."""
    components = cast("Json", json.loads(json.dumps(document()["components"])))
    for part in _parts(components):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
    return components


def _parts(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each)
