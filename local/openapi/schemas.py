"""JSON Schemas of annotations: of the dataclasses that are read, and of the answers' types."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from inspect import cleandoc
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from points_ledger.contracts.reading import By, Schema
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.limit import MAX_GRANT_MONTHS, MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS
from points_ledger.service.ports import RewardGrant

Json = dict[str, Any]

_SCALARS: Final[Mapping[object, Json]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    object: {},
    Any: {},
}

_OF_THE_DOMAIN: Final[Mapping[type, Json]] = {
    ExternalId: {
        "source": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "id": {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS},
    },
    RewardGrant: {
        "tier": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARACTERS},
        "months": {"type": "integer", "minimum": 1, "maximum": MAX_GRANT_MONTHS},
    },
}
"""Properties of what is read as it is kept: the domain bounds it, and knows no contract."""


class UndescribedError(TypeError):
    """An annotation checks something that no `Schema` beside it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """What a document has by name and refers to, filled while schemas are made."""

    schemas: Json = field(default_factory=dict)
    responses: Json = field(default_factory=dict)

    def of(self, hint: Any) -> Json:  # noqa: ANN401 - an annotation may be any object
        """The schema of an annotation; classes become a reference.

        Raises:
            UndescribedError: it has a check, and no `Schema`.
        """
        origin, arguments = get_origin(hint), get_args(hint)
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if is_dataclass(hint) or is_typeddict(hint):
            return self._reference(hint)
        if origin is Annotated:
            return self._annotated(arguments[0], arguments[1:])
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin in (Union, types.UnionType):
            return self._one_of(arguments)
        if origin is Literal:
            return {**_SCALARS[type(arguments[0])], "enum": list(arguments)}
        if origin in (tuple, list):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        return dict(_SCALARS[hint])

    def members(self, target: type) -> Iterator[tuple[str, Json, bool]]:
        """The fields of a dataclass that is read: name, schema, and whether it is required."""
        hints = get_type_hints(target, include_extras=True)
        for each in fields(target):
            known = _OF_THE_DOMAIN.get(target, {}).get(each.name)
            schema = dict(known) if known else self.of(hints[each.name])
            yield each.name.removesuffix("_"), schema, each.default is MISSING

    def _reference(self, target: type) -> Json:
        name = target.__name__
        if name not in self.schemas:
            self.schemas[name] = {}  # a type may have itself inside
            made = self._answer(target) if is_typeddict(target) else self._body(target)
            about = cleandoc(target.__doc__ or "")
            self.schemas[name] = {"description": about, **made} if about else made
        return {"$ref": f"#/components/schemas/{name}"}

    def _body(self, target: type) -> Json:
        members = list(self.members(target))
        said: Schema | None = getattr(target, "schema", None)
        made = _object(
            {name: schema for name, schema, _ in members},
            [name for name, _, is_required in members if is_required],
        )
        return {**made, "additionalProperties": False, **(said.keywords if said else {})}

    def _answer(self, target: Any) -> Json:  # noqa: ANN401 - a TypedDict
        hints = get_type_hints(target, include_extras=True)
        members = {name: self.of(hint) for name, hint in hints.items()}
        return _object(members, [name for name in hints if name in target.__required_keys__])

    def _annotated(self, plain: object, said: tuple[object, ...]) -> Json:
        schemas = [each.keywords for each in said if isinstance(each, Schema)]
        if not schemas:
            raise UndescribedError(f"{plain} is checked by {said}, and nothing says how")
        made = {} if any(isinstance(each, By) for each in said) else self.of(plain)
        for each in schemas:
            made = made | each
        return made

    def _one_of(self, arguments: tuple[object, ...]) -> Json:
        made = [self.of(each) for each in arguments]
        plain = [each for each in made if set(each) == {"type"}]
        if len(plain) == len(made):
            return {"type": [each["type"] for each in made]}
        present = [each for each in made if each != {"type": "null"}]
        if len(present) == 1 and len(made) > 1 and isinstance(present[0].get("type"), str):
            return _or_null(present[0])
        return {"anyOf": made}


def _or_null(schema: Json) -> Json:
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **enum, "type": [schema["type"], "null"]}


def _object(properties: Json, required: list[str]) -> Json:
    """An object; answers may get further fields, and clients pass over those they do not know."""
    listed = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **listed}
