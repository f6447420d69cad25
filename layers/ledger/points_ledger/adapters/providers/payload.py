"""Strict reading of a provider's JSON: what has another type is refused, never converted.

Written by hand rather than with a validation library: the webhook function reads a few dozen
fields out of payloads with hundreds, and its cold start is what a provider waits for.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

from points_ledger.contracts.strict_json import refuse_constant, unique_names
from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import clean_id, clean_text
from points_ledger.domain.limit import MAX_LINES_PER_PURCHASE, MAX_TEXT_CHARACTERS

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

EARLIEST_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No source dates a purchase before this; calendar arithmetic stays clear of year 1."""

_PATH_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Field:
    """A value and where it stands in the payload; absent and null are both `None`."""

    path: str
    value: object

    def __getitem__(self, name: str) -> "Field":
        """The member `name` of an object; absent when it or the object is absent."""
        path = f"{self.path}.{name}" if self.path else name
        if self.value is None:
            return Field(path, None)
        if not isinstance(self.value, dict):
            raise self.refusal("must be an object")
        return Field(path, self.value.get(name))

    @property
    def is_absent(self) -> bool:
        """Whether the payload says nothing here."""
        return self.value is None

    def refusal(self, message: str) -> InvalidRequestError:
        """The error that names this field; the caller raises it."""
        return InvalidRequestError(errors=(FieldError(self.path or "body", message),))

    def required(self) -> "Field":
        """The field itself; refused when absent."""
        if self.value is None:
            raise self.refusal("is required")
        return self

    def text(self) -> str:
        """A string."""
        value = self.required().value
        if not isinstance(value, str):
            raise self.refusal("must be a string")
        return value

    def optional_text(self) -> str | None:
        """A string, or None when absent."""
        return None if self.is_absent else self.text()

    def bounded_text(self) -> str | None:
        """A text of at most 1,000 characters, or None when absent or empty."""
        text = self.optional_text()
        if not text:
            return None
        return self.build(clean_text, text, maximum=MAX_TEXT_CHARACTERS, what="text")

    def profile_text(self) -> str | None:
        """A text for the profile; None where it is absent or no profile can keep it.

        Nobody should lose points because of a control character in a name.
        """
        text = self.optional_text()
        try:
            return text and clean_text(text, maximum=MAX_TEXT_CHARACTERS, what="text")
        except ValueError:
            return None

    def id(self) -> str:
        """An identifier: 1 to 255 characters, none of them control characters."""
        return self.build(clean_id, self.text())

    def optional_id(self) -> str | None:
        """An identifier, or None when absent or empty."""
        return None if self.is_absent or self.value == "" else self.id()

    def path_id(self) -> str:
        """An identifier that can stand in the path of a URL as it is."""
        id_ = self.id()
        if not _PATH_ID.fullmatch(id_):
            raise self.refusal("must have nothing but letters, digits, _ and - in it")
        return id_

    def integer(self) -> int:
        """A whole number; a float or a boolean is none."""
        value = self.required().value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal("must be a whole number")
        return value

    def flag(self, *, default: bool) -> bool:
        """True or false."""
        if self.is_absent:
            return default
        if not isinstance(self.value, bool):
            raise self.refusal("must be true or false")
        return self.value

    def choice(self, options: tuple[str, ...]) -> str:
        """One of `options`."""
        value = self.text()
        if value not in options:
            raise self.refusal(f"must be one of {', '.join(options)}")
        return value

    def items(self, *, maximum: int = MAX_LINES_PER_PURCHASE) -> tuple["Field", ...]:
        """The items of a list with at most `maximum`; none when absent."""
        if self.is_absent:
            return ()
        if not isinstance(self.value, list):
            raise self.refusal("must be a list")
        if len(self.value) > maximum:
            raise self.refusal(f"must have at most {maximum} items, has {len(self.value)}")
        return tuple(Field(f"{self.path}.{n}", value) for n, value in enumerate(self.value))

    def unix_instant(self) -> datetime:
        """Whole seconds since 1970, as an instant."""
        try:
            instant = datetime.fromtimestamp(self.integer(), UTC)
        except (ValueError, OverflowError, OSError):
            raise self.refusal("is not a time in seconds since 1970") from None
        return self._dated(instant)

    def instant(self) -> datetime:
        """An ISO 8601 instant with a zone."""
        return self._dated(self.build(parse_instant, self.text()))

    def build(
        self,
        make: Callable[_Parameters, _Result],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Call `make`; what it cannot accept is refused at this field.

        Raises:
            InvalidRequestError: `make` raised a ValueError.
        """
        try:
            return make(*args, **kwargs)
        except ValueError as error:
            raise self.refusal(str(error)) from error

    def _dated(self, instant: datetime) -> datetime:
        if instant < EARLIEST_INSTANT:
            raise self.refusal("is before 1970")
        return instant


def first(*candidates: Field) -> Field:
    """The first one that is there; where none is, the first one is what is missing."""
    return next((each for each in candidates if not each.is_absent), candidates[0])


def decode(body: bytes) -> Field:
    """Read a body that is one JSON object.

    Raises:
        InvalidRequestError: not UTF-8, not JSON (RFC 8259: no NaN, no Infinity), a name twice in
            one object, nested too deeply for the interpreter, or not an object.
    """
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=unique_names, parse_constant=refuse_constant
        )
    except UnicodeDecodeError as error:
        raise Field("", None).refusal("is not UTF-8") from error
    except RecursionError as error:
        raise Field("", None).refusal("is nested too deeply") from error
    except ValueError as error:
        raise Field("", None).refusal(f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Field("", None).refusal("must be a JSON object")
    return Field("", value)
