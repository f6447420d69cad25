"""The description of the API: of today, whole, and of the routes and rights that there are."""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, Final

import pytest

from local.openapi.document import FILE, document_text, openapi_document
from local.openapi.operations import OPERATIONS
from local.openapi.schemas import Components, UndescribedError
from points_ledger.adapters.providers import IncompletePayloadError, PrivacyRequestError
from points_ledger.domain import error
from points_ledger.runtime.problem import INTERNAL_STATUS, status_of
from tests.authorization.table import EXPECTED, SESSIONS, SIGNED
from tests.functions import described
from tests.template.reading import read_template

Json = dict[str, Any]

DOCUMENT: Final = openapi_document()
ONLY_IN_QUEUES: Final = {
    error.FactRefusedError,
    error.MergeRefusedError,
    error.Rejection,
    IncompletePayloadError,
    PrivacyRequestError,
}
"""Never the answer to a request."""


def operations() -> Iterator[tuple[str, Json]]:
    for route in OPERATIONS:
        yield route, described.operation(route)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def classes(above: type[error.LedgerError]) -> Iterator[type[error.LedgerError]]:
    for each in above.__subclasses__():
        yield each
        yield from classes(each)


def test_the_file_is_what_the_contracts_say_today() -> None:
    assert FILE.read_text(encoding="utf-8") == document_text(), "run make openapi"


def test_every_route_of_the_template_is_described_and_no_other() -> None:
    routes = {
        f"{event['Method']} {event['Path']}"
        for function in read_template().functions
        for event in function.events_of("HttpApi")
    }
    assert set(OPERATIONS) == routes


def test_everything_that_is_referred_to_is_there() -> None:
    for reference in set(references(DOCUMENT)):
        _, kind, name = reference.removeprefix("#/").split("/")
        assert name in DOCUMENT["components"][kind], reference


def test_everything_that_is_named_is_referred_to() -> None:
    referred = set(references(DOCUMENT))
    named = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in DOCUMENT["components"][kind]
    }
    assert named == referred


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


def test_parameters_of_the_path_are_described() -> None:
    for route, operation in operations():
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\+?\}", route)), route


@pytest.mark.parametrize("route", sorted(EXPECTED))
def test_a_token_is_asked_for_where_the_table_of_rights_wants_one(route: str) -> None:
    schemes = {name for each in described.operation(route)["security"] for name in each}
    wants = EXPECTED[route]["no token"] == 401
    assert ("person" in schemes) == wants
    assert ("till" in schemes) == (wants and EXPECTED[route]["till"] != 403)


def test_what_is_open_at_the_gateway_is_described_as_such() -> None:
    signed = {name for each in described.operation(SIGNED)["security"] for name in each}
    assert signed == {"stripe", "square", "shopify", "standard"}
    assert all(described.operation(route)["security"] == [] for route in SESSIONS)


def test_what_the_table_of_rights_expects_is_described() -> None:
    for route, statuses in EXPECTED.items():
        for status in set(statuses.values()):
            assert described.response(route, status) is not None, (route, status)


def test_every_refusal_of_a_request_is_described_with_its_code_and_fields() -> None:
    ours = {each for each in classes(error.LedgerError) if "points_ledger" in each.__module__}
    for each in ours - ONLY_IN_QUEUES:
        if (status_of(each) or INTERNAL_STATUS) >= INTERNAL_STATUS:
            continue
        schema = DOCUMENT["components"]["schemas"][f"{each.__name__.removesuffix('Error')}Problem"]
        assert schema["properties"]["code"]["enum"] == [each.code]
        own = fields(each) if issubclass(each, error.Rejection) else ()  # type: ignore[arg-type]  # they are dataclasses
        assert {each.name for each in own} <= set(schema["required"])


def test_a_check_that_nothing_describes_is_no_part_of_a_description() -> None:
    with pytest.raises(UndescribedError):
        Components().of(Annotated[str, str.strip])


def test_an_answer_that_is_not_described_is_found() -> None:
    class Answer:
        status = 200
        headers = {"content-type": "application/json"}  # noqa: RUF012 - read only
        body = {"status": "ok", "version": "1", "mood": "good"}  # noqa: RUF012 - read only

    [fault] = described.faults("GET /health", Answer())
    assert "mood" in fault
    Answer.status = 418
    assert described.faults("GET /health", Answer()) != []
