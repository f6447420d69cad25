"""Values from outside read by a pydantic model of `contracts`, once, at the edge."""

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from points_ledger.domain.error import FieldError, InvalidRequestError

MAX_FIELD_ERRORS: Final = 50
MAX_FIELD_CHARACTERS: Final = 200
_RAISED: Final = "Value error, "

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], value: object) -> Model:
    """Read a JSON value, or the parameters of a query, as `model` says.

    Raises:
        InvalidRequestError: with the dotted path and a message for each field that is wrong.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequestError(errors=field_errors(error)) from error


def field_errors(error: ValidationError) -> tuple[FieldError, ...]:
    """What pydantic found, as dotted paths (`ticket.amount`, `lines.0.id`) and messages."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        FieldError(
            field=".".join(map(str, each["loc"]))[:MAX_FIELD_CHARACTERS] or "body",
            message=each["msg"].removeprefix(_RAISED),
        )
        for each in found[:MAX_FIELD_ERRORS]
    )
