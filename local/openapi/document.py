"""The document: the operations with their schemas, in the words of OpenAPI 3.1."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, get_type_hints

from local.openapi.operations import CSV, OPERATIONS, Operation, Refusal
from local.openapi.schemas import Components
from points_ledger import __version__
from points_ledger.domain import error
from points_ledger.domain.limit import MAX_ID_CHARACTERS, MAX_IDEMPOTENCY_KEY_CHARACTERS
from points_ledger.runtime.http import JSON_TYPE, PROBLEM_TYPE
from points_ledger.runtime.problem import (
    INTERNAL_STATUS,
    MAX_DETAIL_CHARACTERS,
    TYPE_PREFIX,
    status_of,
)

Json = dict[str, Any]

FILE: Final = Path(__file__).resolve().parents[2] / "functions" / "portal" / "openapi.json"

_PARAMETER: Final = re.compile(r"\{([a-z_]+)\+?\}")
_PROVIDERS: Final = ("stripe", "square", "shopify", "standard")
_SIGNATURES: Final = {
    "stripe": "Stripe-Signature",
    "square": "x-square-hmacsha256-signature",
    "shopify": "X-Shopify-Hmac-Sha256",
    "standard": "webhook-signature",
}
_READING: Final = "GET"
_SECURITY: Final[dict[str, list[Json]]] = {
    "public": [],
    "link": [],
    "session": [],
    "signature": [{each: []} for each in _PROVIDERS],
    "people": [{"person": []}],
    "people or till": [{"person": []}, {"till": []}],
}
_ABOUT: Final = (
    "Points of a loyalty program as an append-only ledger. Money is a decimal string, points are "
    "whole numbers, instants are ISO 8601 in UTC. Every refusal is a problem (RFC 9457) whose "
    "`code` is stable. In words: docs/api.md."
)


def openapi_document() -> Json:
    """The whole description."""
    components = Components()
    paths: dict[str, Json] = {}
    for route, operation in OPERATIONS.items():
        method, _, path = route.partition(" ")
        made = _operation(route, operation, components)
        paths.setdefault(path.replace("+}", "}"), {})[method.lower()] = made
    return {
        "openapi": "3.1.0",
        "info": {"title": "Points Ledger", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "."}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "securitySchemes": _schemes(),
            "schemas": dict(sorted(components.schemas.items())),
            "responses": dict(sorted(components.responses.items())),
        },
    }


def document_text() -> str:
    """The document as it stands in the file."""
    return json.dumps(openapi_document(), indent=1) + "\n"


def _schemes() -> Json:
    person = "A person's id token of the user pool, from signing in."
    till = "An access token of a client of its own: client credentials, scope ledger/till."
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "person": {**token, "description": person},
        "till": {**token, "description": till},
        **{
            provider: {
                "type": "apiKey",
                "in": "header",
                "name": header,
                "description": "The provider's signature over the raw bytes of the body.",
            }
            for provider, header in _SIGNATURES.items()
        },
    }


# --- One operation --------------------------------------------------------------------------


def _operation(route: str, operation: Operation, components: Components) -> Json:
    method, _, path = route.partition(" ")
    words = [each.strip("{}+") for each in path.split("/") if each]
    parameters = [*_path_parameters(path), *_query(operation, components), *_headers(operation)]
    return {
        "operationId": "_".join([method.lower(), *words]).replace("-", "_").replace(".", "_"),
        "tags": [operation.tag],
        "summary": operation.about,
        "security": _SECURITY[operation.who],
        **({"parameters": parameters} if parameters else {}),
        **_body(operation, components),
        "responses": _responses(method, operation, components),
    }


def _path_parameters(path: str) -> Iterator[Json]:
    for name in _PARAMETER.findall(path):
        schema: Json = {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS}
        about = {}
        if name == "provider":
            schema = {"type": "string", "enum": list(_PROVIDERS)}
        if name == "member_id":
            about = {"description": "The member's id, or `me` for the caller's own."}
        yield {"name": name, "in": "path", "required": True, **about, "schema": schema}


def _query(operation: Operation, components: Components) -> Iterator[Json]:
    if operation.who == "link":
        yield {"name": "token", "in": "query", "schema": {"type": "string"}}
    if operation.query is not None:
        for name, schema, is_required in components.members(operation.query):
            said = {"required": True} if is_required else {}
            yield {"name": name, "in": "query", **said, "schema": _present(schema)}


def _present(schema: Json) -> Json:
    """Without null: a parameter that says nothing is left out."""
    if not isinstance(schema.get("type"), list):
        return schema
    [present] = (each for each in schema["type"] if each != "null")
    enum = {"enum": [each for each in schema["enum"] if each]} if "enum" in schema else {}
    return {**schema, **enum, "type": present}


def _headers(operation: Operation) -> Iterator[Json]:
    if operation.key is not None:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": operation.key == "required",
            "description": "The same key and request again get the first answer.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_IDEMPOTENCY_KEY_CHARACTERS,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            },
        }


def _body(operation: Operation, components: Components) -> Json:
    if operation.body is None:
        return {}
    schema = {"type": "object"} if operation.body is object else components.of(operation.body)
    return {
        "requestBody": {
            "required": not operation.body_if_any,
            "content": {JSON_TYPE: {"schema": schema}},
        }
    }


# --- What is answered -----------------------------------------------------------------------


def _responses(method: str, operation: Operation, components: Components) -> Json:
    found = {
        str(status): _answer(status, hint, operation, components)
        for status, hint in operation.answers.items()
    }
    refusals: dict[int, list[Refusal]] = {}
    for refusal in _refusals(method, operation):
        status = status_of(refusal) or INTERNAL_STATUS
        refusals.setdefault(status, []).append(refusal)
    for status, classes in sorted(refusals.items()):
        found.setdefault(str(status), _problem(status, classes, components))
    return found


def _answer(status: int, hint: Any, operation: Operation, components: Components) -> Json:  # noqa: ANN401 - a type, or a media type
    content = (
        {hint: {"schema": {"type": "string"}}}
        if isinstance(hint, str)
        else {JSON_TYPE: {"schema": components.of(hint)}}
    )
    for media_type in operation.also:
        content[media_type] = {"schema": {"type": "string"}}
    headers: Json = {}
    if operation.key is not None:
        about = "`true` where the answer was given before."
        headers["Idempotency-Replayed"] = {"description": about, "schema": {"type": "string"}}
    if CSV in operation.also:
        about = "Where a page of CSV goes on."
        headers["X-Cursor"] = {"description": about, "schema": {"type": "string"}}
    return {
        "description": HTTPStatus(status).phrase,
        **({"headers": headers} if headers else {}),
        "content": content,
    }


def _refusals(method: str, operation: Operation) -> Iterator[Refusal]:
    """What an operation may say no with: what follows from what it takes, and its own."""
    takes = operation.body is not None or operation.query is not None or operation.names
    if takes or operation.key is not None:
        yield error.InvalidRequestError
    if operation.key == "required":
        yield error.IdempotencyKeyMissingError
    if operation.key is not None:
        yield error.IdempotencyKeyReusedError
    if operation.who not in ("public", "link"):
        yield error.UnauthenticatedError
    if operation.who.startswith("people"):
        yield error.ForbiddenError
    if operation.names:
        yield error.NotFoundError
    if method != _READING:
        yield error.ConflictError
        yield error.PayloadTooLargeError
    yield error.TooManyRequestsError
    yield from operation.refusals
    yield error.BrokenInvariantError


def _problem(status: int, classes: Iterable[Refusal], components: Components) -> Json:
    """The answer that refuses with any of these; what has one class is written once for all."""
    problems = [_problem_of(each, components) for each in dict.fromkeys(classes)]
    codes = ", ".join(dict.fromkeys(f"`{each.code}`" for each in classes))
    headers: Json = {}
    if status == HTTPStatus.CONFLICT:
        retry = {"description": "Seconds.", "schema": {"type": "integer"}}
        headers = {"headers": {"Retry-After": retry}}
    content: Json = {PROBLEM_TYPE: {"schema": problems[0]}}
    if len(problems) > 1:
        return {"description": codes, "content": {PROBLEM_TYPE: {"schema": {"anyOf": problems}}}}
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS):
        content[JSON_TYPE] = {"schema": _of_the_gateway(components)}
    name = problems[0]["$ref"].rpartition("/")[2].removesuffix("Problem")
    components.responses[name] = {"description": codes, **headers, "content": content}
    return {"$ref": f"#/components/responses/{name}"}


def _of_the_gateway(components: Components) -> Json:
    """What the gateway says by itself, before any function is asked."""
    components.schemas["GatewayMessage"] = {
        "description": "Said by the gateway itself.",
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }
    return {"$ref": "#/components/schemas/GatewayMessage"}


def _problem_of(refusal: Refusal, components: Components) -> Json:
    """The schema of a class of error: the members of every problem, and its own fields."""
    name = f"{refusal.__name__.removesuffix('Error')}Problem"
    if name not in components.schemas:
        status = status_of(refusal) or INTERNAL_STATUS
        codes = [refusal.code] if status < INTERNAL_STATUS else _internal_codes()
        own = dict(_fields(refusal, components))
        about = (refusal.__doc__ or "").partition("\n")[0]
        components.schemas[name] = {
            "description": about,
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": [f"{TYPE_PREFIX}{code}" for code in codes]},
                "title": {"type": "string"},
                "status": {"type": "integer", "const": status},
                "detail": {"type": "string", "maxLength": MAX_DETAIL_CHARACTERS},
                "code": {"type": "string", "enum": codes},
                **own,
            },
            "required": ["type", "title", "status", "detail", "code", *own],
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _internal_codes() -> list[str]:
    return [error.LedgerError.code, error.BrokenInvariantError.code]


def _fields(refusal: Refusal, components: Components) -> Iterator[tuple[str, Json]]:
    if issubclass(refusal, error.Rejection):
        hints = get_type_hints(refusal, include_extras=True)
        for each in fields(refusal):  # type: ignore[arg-type]  # every rejection is a dataclass
            yield each.name, components.of(hints[each.name])
