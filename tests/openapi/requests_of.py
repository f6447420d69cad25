"""Requests that Schemathesis makes of the description, some of them over a call that succeeds."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.authorization.calls import Call
from tests.functions import described

Json = dict[str, Any]
Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Operation]

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES: Final = {"right": GenerationMode.POSITIVE, "wrong": GenerationMode.NEGATIVE}

WRITE_FOR_GOOD: Final = ("DELETE /members/{member_id}", "POST /members/{member_id}/merge")
"""Not asked about the member that the others are about."""


def asked(*, thorough: bool, but: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """Each route, and how it is asked; what is wrong comes in bodies for the most part."""
    routes = sorted(operations().keys() - but)
    places = {"requestBody", "parameters"} if thorough else {"requestBody"}
    wrong = [each for each in routes if described.operation(each).keys() & places]
    return [(each, "right") for each in routes] + [(each, "wrong") for each in wrong]


@cache
def operations() -> Mapping[str, Operation]:
    """By route, as template.yaml writes it; pages are no part of what is generated."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(described.document())))
    return dict(_by_route(schema))


def _by_route(
    schema: schemathesis.BaseSchema,
) -> Iterator[tuple[str, Operation]]:
    for each in schema.get_all_operations():
        operation = cast("Operation", each.ok())  # type: ignore[union-attr]  # or the test has to fail
        if operation.path != "/portal/{proxy}":
            yield f"{operation.method.upper()} {operation.path}", operation


def cases(route: str, mode: str) -> st.SearchStrategy[AnyCase]:
    return operations()[route].as_strategy(generation_mode=MODES[mode])


def laid_over(case: AnyCase, call: Call) -> AnyCase:
    """The case with what it needs to get past the door: what the call names, where it says less."""
    case.path_parameters = {**(case.path_parameters or {}), **call.path}
    case.query = {**call.query, **(case.query or {})}
    body: Any = {} if case.body is NOT_SET else case.body
    if isinstance(call.body, dict) and isinstance(body, dict):
        case.body = {**body, **call.body}
        case.media_type = "application/json"
    return case
