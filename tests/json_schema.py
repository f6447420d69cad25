"""Judges a value by a JSON Schema, as an editor would; knows the keywords that ours uses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_SAYS_NOTHING: Final = {"$defs", "$schema", "default", "description", "examples", "title"}


def faults(schema: Mapping[str, Any], value: object) -> list[str]:
    """The paths of what is wrong, each with the keyword that says so; empty for a valid value."""
    return list(_faults(schema, value, schema, ""))


def _faults(part: Mapping[str, Any], value: object, whole: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    for keyword, bound in part.items():
        if keyword == "$ref":
            yield from _faults(whole["$defs"][bound.rpartition("/")[2]], value, whole, path)
        elif keyword == "anyOf":
            if all(list(_faults(each, value, whole, path)) for each in bound):
                yield f"{path}: {keyword}"
        elif not _holds(keyword, bound, value, part):
            yield f"{path}: {keyword}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(part.get("items", {}), item, whole, f"{path}.{number}")
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _faults(part.get("propertyNames", {}), name, whole, f"{path}.{name}")
            for each in _of_member(part, name):
                yield from _faults(each, member, whole, f"{path}.{name}")


def _of_member(part: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    if name in part.get("properties", {}):
        yield part["properties"][name]
    for pattern, each in part.get("patternProperties", {}).items():
        if re.search(pattern, name):
            yield each


def _holds(keyword: str, bound: Any, value: Any, part: Mapping[str, Any]) -> bool:  # noqa: ANN401 - any JSON
    match keyword:
        case "type":
            names = [bound] if isinstance(bound, str) else bound
            is_flag = isinstance(value, bool)
            return any(isinstance(value, _TYPES[n]) and (n == "boolean") == is_flag for n in names)
        case "enum":
            return value in bound
        case "pattern":
            return not isinstance(value, str) or re.search(bound, value) is not None
        case "minimum":
            return not isinstance(value, int) or value >= bound
        case "maximum":
            return not isinstance(value, int) or value <= bound
        case "minLength":
            return not isinstance(value, str) or len(value) >= bound
        case "maxLength":
            return not isinstance(value, str) or len(value) <= bound
        case "maxItems":
            return not isinstance(value, list) or len(value) <= bound
        case "maxProperties":
            return not isinstance(value, dict) or len(value) <= bound
        case "required":
            return not isinstance(value, dict) or set(bound) <= value.keys()
        case "additionalProperties":
            assert bound is False
            return not isinstance(value, dict) or value.keys() <= part["properties"].keys()
        case "properties" | "patternProperties" | "propertyNames" | "items":
            return True
        case _:
            assert keyword in _SAYS_NOTHING, f"nobody checks {keyword}"
            return True
