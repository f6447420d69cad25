"""Reading JSON by the annotations of dataclasses: nothing is converted, every problem is named."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pytest

from points_ledger.contracts.reading import By, Problem, UnreadableError, read_as
from points_ledger.contracts.requests import MAX_FIELD_CHARACTERS, MAX_FIELD_ERRORS, read
from points_ledger.domain.error import FieldError, InvalidRequestError


def above_zero(value: int) -> int:
    if value <= 0:
        raise ValueError(f"{value} is not above 0")
    return value


def doubled(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004 - how a check refuses
    return 2 * int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    points: Annotated[int, above_zero]
    lines: tuple[Line, ...] = ()
    at: datetime | None = None
    kind: Literal["ticket", "order"] = "ticket"
    never: Literal[False] = False
    flag: bool = False
    twice: Annotated[int, By(doubled), above_zero] = 1

    def __post_init__(self) -> None:
        if self.points == 13:
            raise ValueError("13 is unlucky")


def problems_of(value: object) -> tuple[Problem, ...]:
    with pytest.raises(UnreadableError) as refused:
        read_as(Purchase, value)
    return refused.value.problems


def paths_of(value: object) -> list[str]:
    return [problem.path for problem in problems_of(value)]


def test_a_right_value_becomes_the_dataclass() -> None:
    sent = {
        "points": 5,
        "lines": [{"id": "a", "amount": "1.50"}],
        "at": "2026-11-21T21:00:00Z",
        "kind": "order",
        "twice": "4",
    }
    assert read_as(Purchase, sent) == Purchase(
        points=5,
        lines=(Line(id="a", amount=Decimal("1.50")),),
        at=datetime(2026, 11, 21, 21, tzinfo=UTC),
        kind="order",
        twice=8,
    )


def test_what_is_optional_may_be_null() -> None:
    assert read_as(Purchase, {"points": 5, "at": None}) == Purchase(points=5)


def test_every_problem_is_named_with_its_path() -> None:
    sent = {"lines": [{"id": "a"}, {"id": 7}, {"amount": 1.5}], "colour": "red", "flag": 1}
    wrong = ["points", "lines.1.id", "lines.2.id", "lines.2.amount", "flag", "colour"]
    assert paths_of(sent) == wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", "5"),
        ("points", 5.0),
        ("points", True),
        ("points", None),
        ("lines", {}),
        ("lines", [[]]),
        ("at", "yesterday"),
        ("at", "2026-11-21"),
        ("kind", "invoice"),
        ("kind", 1),
        ("never", 0),
        ("never", True),
        ("flag", "true"),
        ("twice", 4),
        ("twice", "-1"),
    ],
)
def test_another_type_or_value_is_refused(name: str, value: object) -> None:
    [path] = paths_of({"points": 5, name: value})
    assert path.split(".")[0] == name


def test_a_check_is_quoted_apart_from_what_may_be_logged() -> None:
    [problem] = problems_of({"points": -3})
    assert "-3" not in problem.message
    assert problem.detail == "-3 is not above 0"


def test_what_the_dataclass_refuses_is_wrong_with_the_whole() -> None:
    [problem] = problems_of({"points": 13})
    assert (problem.path, problem.detail) == ("", "13 is unlucky")


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_a_request_that_is_no_object_is_named_body(value: object) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(Purchase, value)
    assert refused.value.errors == (FieldError("body", "must be an object"),)


def test_number_and_length_of_field_errors_are_bounded() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(Purchase, {"points": 1, "lines": [{} for _ in range(500)]})
    assert len(refused.value.errors) == MAX_FIELD_ERRORS
    with pytest.raises(InvalidRequestError) as refused:
        read(Purchase, {"points": 1, "x" * 5_000: 1})
    assert len(refused.value.errors[0].field) == MAX_FIELD_CHARACTERS
