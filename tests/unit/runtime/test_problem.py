"""Every error of the tree has a status, and a problem that says what was wrong."""

import importlib
import pkgutil

import points_ledger
from points_ledger.domain.error import (
    BrokenInvariantError,
    FieldError,
    InsufficientPointsError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    Rejection,
)
from points_ledger.runtime.problem import MEMBERS, problem_of, status_of

STATUS_OF_CODE = {
    "invalid_request": 400,
    "idempotency_key_missing": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "payload_too_large": 413,
    "too_many_requests": 429,
    "ledger_inconsistent": 500,
}
"""As in the interface; every other code is 422."""

ABSTRACT = {LedgerError, Rejection}


def error_classes() -> set[type[LedgerError]]:
    for module in pkgutil.walk_packages(points_ledger.__path__, "points_ledger."):
        importlib.import_module(module.name)
    found: set[type[LedgerError]] = set()
    waiting: list[type[LedgerError]] = [LedgerError]
    while waiting:
        error_class = waiting.pop()
        found.add(error_class)
        waiting.extend(error_class.__subclasses__())
    return {each for each in found if each.__module__.startswith("points_ledger.")}


def test_every_error_has_the_status_of_its_code() -> None:
    statuses = {each: status_of(each) for each in error_classes() - ABSTRACT}
    assert statuses == {each: STATUS_OF_CODE.get(each.code, 422) for each in statuses}
    assert len(statuses) > 20


def test_an_error_that_the_table_forgot_is_noticed() -> None:
    class ForgottenError(Rejection):
        pass

    assert status_of(ForgottenError) is None
    assert problem_of(ForgottenError())["status"] == 500


def test_codes_are_unique() -> None:
    leaves = [each for each in error_classes() - ABSTRACT if not each.__subclasses__()]
    assert len({each.code for each in leaves}) == len(leaves)


def test_a_problem_has_its_members_the_fields_and_the_values() -> None:
    problem = problem_of(InsufficientPointsError(requested=500, available=120))
    assert problem == {
        "type": "urn:points-ledger:problem:insufficient_points",
        "title": "Not enough points",
        "status": 422,
        "detail": "Not enough points: requested 500; available 120",
        "code": "insufficient_points",
        "requested": 500,
        "available": 120,
    }


def test_an_errors_own_field_never_replaces_a_member() -> None:
    named = {
        field
        for each in error_classes()
        for field, described in getattr(each, "__dataclass_fields__", {}).items()
        if "ClassVar" not in str(described.type)
    }
    assert "errors" in named
    assert not named & set(MEMBERS)


def test_an_invalid_request_names_each_field() -> None:
    errors = (FieldError("points", "must be above 0"), FieldError("ticket.id", "is required"))
    problem = problem_of(InvalidRequestError(errors=errors))
    assert problem["errors"] == [
        {"field": "points", "message": "must be above 0"},
        {"field": "ticket.id", "message": "is required"},
    ]
    assert problem["detail"] == (
        "The request is not valid: points: must be above 0; ticket.id: is required"
    )


def test_not_found_says_what() -> None:
    problem = problem_of(NotFoundError(what="member_id", id="m-1"))
    assert problem["detail"] == "Not found: no member id m-1"


def test_detail_is_bounded() -> None:
    errors = tuple(FieldError(f"lines.{n}.amount", "must be a string") for n in range(500))
    assert len(str(problem_of(InvalidRequestError(errors=errors))["detail"])) == 1_000


def test_a_mistake_of_ours_tells_nothing_about_itself() -> None:
    problem = problem_of(BrokenInvariantError("balance of m-1 is -3"))
    assert problem["code"] == "ledger_inconsistent"
    assert "m-1" not in str(problem)
