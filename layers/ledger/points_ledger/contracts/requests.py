"""What clients send: the bodies and queries of docs/api.md.

Unknown fields are refused, so that a misspelt one is not silently ignored. Money is a decimal
string; numbers are integers, never floats, never booleans.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from points_ledger.contracts.reading import By, Problem, Schema, UnreadableError, read_as
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import EntryType
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import ExternalId, clean_id, clean_text
from points_ledger.domain.limit import (
    MAX_EXTERNAL_IDS_PER_MEMBER,
    MAX_ID_CHARACTERS,
    MAX_PAGE_SIZE,
    MAX_POINTS,
    MAX_TAGS,
    MAX_TEXT_CHARACTERS,
)
from points_ledger.domain.money import parse_amount

DEFAULT_PAGE_SIZE: Final = 50
MAX_CURSOR_CHARACTERS: Final = 5_000
"""The longest source, id and member id take about 4,300 of them."""
MAX_FIELD_ERRORS: Final = 50
MAX_FIELD_CHARACTERS: Final = 200

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_LINES: Final = str.maketrans("\n\r\t", "   ")
_COUNT: Final = re.compile(r"[0-9]{1,9}")

_SHOWN: Final = r"[^\u0000-\u001f\u007f-\u009f]"
SHOWN_TEXT: Final = rf"^{_SHOWN}*[^\s\u0000-\u001f\u007f-\u009f]{_SHOWN}*$"
"""No control characters, and not only space; for people who read schemas, as the next two."""
LINES_OF_TEXT: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
WRITTEN_AMOUNT: Final = r"^[0-9]{1,9}(\.[0-9]{1,4})?$"

B = TypeVar("B")


def read(target: type[B], value: object) -> B:
    """Read a body, or the parameters of a query.

    Raises:
        InvalidRequestError: with the dotted path and a message for each field that is wrong.
    """
    try:
        return read_as(target, value)
    except UnreadableError as error:
        found = error.problems[:MAX_FIELD_ERRORS]
        raise InvalidRequestError(tuple(map(_field_error, found))) from error


def _field_error(problem: Problem) -> FieldError:
    field = problem.path[:MAX_FIELD_CHARACTERS] or "body"
    return FieldError(field, problem.detail or problem.message)


def _text(value: str) -> str:
    return clean_text(value, maximum=MAX_TEXT_CHARACTERS, what="text")


def _note(value: str) -> str | None:
    """What somebody wrote in a field of several lines; nothing but space is no note."""
    if not value.strip():
        return None
    _text(value.translate(_LINES))
    return value


def _email(value: str) -> str:
    text = _text(value)
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an email address")
    return text


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("a language is written as en or pt-BR")
    return value


def _amount(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('an amount is a decimal string such as "12.50"')  # noqa: TRY004 - one kind of refusal
    return parse_amount(value)


def _external_id(value: object) -> ExternalId:
    if not isinstance(value, str):
        raise ValueError("an external id is written source:id")  # noqa: TRY004 - as above
    return ExternalId.parse(value)


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


def size_up_to(maximum: int) -> Callable[[object], int]:
    """Reads the `limit` of a query: how long a page may be."""

    def size(value: object) -> int:
        if not isinstance(value, str) or not _COUNT.fullmatch(value):
            raise ValueError("is not a whole number")
        number = int(value)
        if not 1 <= number <= maximum:
            raise ValueError(f"must be 1 to {maximum}")
        return number

    return size


def _flag(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _cursor(value: str) -> str:
    if len(value) > MAX_CURSOR_CHARACTERS:
        raise ValueError(f"must have at most {MAX_CURSOR_CHARACTERS} characters")
    return value


def _above_zero(value: Any) -> Any:  # noqa: ANN401 - points or an amount
    if value <= 0:
        raise ValueError("must be above 0")
    return value


def _few_tags(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MAX_TAGS:
        raise ValueError(f"at most {MAX_TAGS} tags")
    return value


def _few_external_ids(value: tuple[ExternalId, ...]) -> tuple[ExternalId, ...]:
    if len(value) > MAX_EXTERNAL_IDS_PER_MEMBER:
        raise ValueError(f"at most {MAX_EXTERNAL_IDS_PER_MEMBER} external ids")
    return tuple(dict.fromkeys(value))


Text = Annotated[str, _text, Schema(minLength=1, maxLength=MAX_TEXT_CHARACTERS, pattern=SHOWN_TEXT)]
NoteText = Annotated[str, _note, Schema(maxLength=MAX_TEXT_CHARACTERS, pattern=LINES_OF_TEXT)]
"""Free text with line breaks, which goes into an erasable note and nowhere else."""
Email = Annotated[
    str,
    _email,
    Schema(
        maxLength=320,
        pattern=r"^[^@\s\u0000-\u001f\u007f-\u009f]{1,64}@[^@\s\u0000-\u001f\u007f-\u009f]{1,255}$",
    ),
]
Language = Annotated[str, _language, Schema(pattern=f"^{_LANGUAGE.pattern}$")]
"""A tag of BCP 47: language, and script and region where they matter."""
Id = Annotated[str, clean_id, Schema(minLength=1, maxLength=MAX_ID_CHARACTERS, pattern=SHOWN_TEXT)]
Amount = Annotated[Decimal, By(_amount), Schema(type="string", pattern=WRITTEN_AMOUNT)]
AmountAboveZero = Annotated[
    Decimal, By(_amount), _above_zero, Schema(type="string", pattern=WRITTEN_AMOUNT)
]
PointsAboveZero = Annotated[int, _above_zero, Schema(minimum=1, maximum=MAX_POINTS)]
Day = Annotated[date, By(_day), Schema(type="string", format="date")]
PageSize = Annotated[
    int, By(size_up_to(MAX_PAGE_SIZE)), Schema(type="integer", minimum=1, maximum=MAX_PAGE_SIZE)
]
Cursor = Annotated[str, _cursor, Schema(maxLength=MAX_CURSOR_CHARACTERS)]
Flag = Annotated[bool, By(_flag), Schema(type="boolean")]
"""A switch in a query."""
Tags = Annotated[tuple[Text, ...], _few_tags, Schema(maxItems=MAX_TAGS)]
ExternalIds = Annotated[
    tuple[ExternalId, ...], _few_external_ids, Schema(maxItems=MAX_EXTERNAL_IDS_PER_MEMBER)
]
WrittenExternalId = Annotated[
    ExternalId, By(_external_id), Schema(type="string", pattern=r"^[A-Za-z0-9._-]{1,64}:.{1,255}$")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolMemberBody:
    """POST /members; an external id that is named twice is one."""

    name: Text
    email: Email | None = None
    phone: Text | None = None
    organisation: Text | None = None
    jurisdiction: Text | None = None
    tags: Tags = ()
    birthday: Day | None = None
    referred_by: Id | None = None
    earns: bool = True
    external_ids: ExternalIds = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesQuery:
    """GET /members/{member_id}/entries; `sentences` asks for the rules in plain words too."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None
    type: EntryType | None = None
    sentences: Flag = False

    @property
    def types(self) -> frozenset[EntryType]:
        """The types asked for; none means all."""
        return frozenset({self.type}) if self.type else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingQuery:
    """GET /members/{member_id}/pending."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None
