"""What pydantic found, told in our own words."""

from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.runtime.contract import MAX_FIELD_CHARACTERS, MAX_FIELD_ERRORS, read


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: str
    amount: Annotated[Decimal, Field(ge=0)] = Decimal(0)


class Purchase(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    points: int
    lines: list[Line] = []

    @field_validator("points")
    @classmethod
    def positive(cls, value: int) -> int:
        if value <= 0:
            raise ValueError("must be above 0")
        return value


def errors_of(value: object) -> tuple[FieldError, ...]:
    with pytest.raises(InvalidRequestError) as refused:
        read(Purchase, value)
    return refused.value.errors


def test_a_right_value_becomes_the_model() -> None:
    assert read(Purchase, {"points": 5}).points == 5


def test_paths_are_dotted_with_positions() -> None:
    errors = errors_of({"points": "5", "lines": [{"id": "a"}, {"id": 7}]})
    assert [error.field for error in errors] == ["points", "lines.1.id"]


def test_our_own_messages_come_without_a_prefix() -> None:
    assert errors_of({"points": 0}) == (FieldError("points", "must be above 0"),)


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_a_body_that_is_no_object_is_named_body(value: object) -> None:
    assert [error.field for error in errors_of(value)] == ["body"]


def test_number_and_length_of_errors_are_bounded() -> None:
    errors = errors_of({"points": 1, "x" * 5_000: 1, "lines": [{} for _ in range(500)]})
    assert len(errors) == MAX_FIELD_ERRORS
    errors = errors_of({"points": 1, "x" * 5_000: 1})
    assert len(errors[0].field) == MAX_FIELD_CHARACTERS
