"""Publishing a program: what admins send, and what they are answered.

Where a document comes as a part of a request, the path of what is wrong in it begins with the part:
`program.earning_rules.0.points`.
"""

import json
from datetime import datetime
from typing import Annotated, Final

from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize, read
from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.explanation import explain
from points_ledger.domain.program import Program
from points_ledger.service.publishing import DatedVersion

_DRAFT: Final = 1
"""The number of a version that is not published yet."""


def _untouched(value: object) -> object:
    return value


AnyDocument = Annotated[
    object,
    By(_untouched),
    Schema(type="object", description="See GET /program/schema."),
]
"""A program document, which `judged` judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationBody:
    """POST /program/versions."""

    program: AnyDocument
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationBody:
    """POST /program/validations."""

    program: AnyDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsQuery:
    """GET /program/versions."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A judged document, as data and as the text that is kept, and when it is to begin."""

    program: Program
    document: str
    effective_from: datetime | None


def read_publication(value: object) -> Publication:
    """Read a body and judge its document.

    Raises:
        InvalidRequestError: with everything that is wrong in either.
    """
    errors: list[FieldError] = []
    body = program = None
    try:
        body = read(PublicationBody, value)
    except InvalidRequestError as error:
        errors += error.errors
    if isinstance(value, dict) and "program" in value:
        try:
            program = judged(value["program"])
        except InvalidRequestError as error:
            errors += error.errors
    if errors or body is None or program is None:
        raise InvalidRequestError(tuple(errors))
    return Publication(
        program=program,
        document=json.dumps(body.program, separators=(",", ":"), ensure_ascii=False),
        effective_from=body.effective_from,
    )


def read_draft(value: object) -> Program | tuple[FieldError, ...]:
    """The program of a draft, or everything that is wrong in its document.

    Raises:
        InvalidRequestError: the body is none that has a document.
    """
    body = read(ValidationBody, value)
    try:
        return judged(body.program)
    except InvalidRequestError as error:
        return error.errors


def draft_document(program: Program, errors: tuple[FieldError, ...]) -> Document:
    """What a draft would say in plain sentences, or what keeps it from being published."""
    if errors:
        return refused_document(errors)
    return {"valid": True, "sentences": list(explain(program))}


def refused_document(errors: tuple[FieldError, ...]) -> Document:
    """Why a draft cannot be published: each path as publishing it would answer."""
    shown = [{"field": error.field, "message": error.message} for error in errors]
    return {"valid": False, "errors": shown}


def judged(document: object, *, part: str = "program") -> Program:
    """The program of a document that came as a part of a request.

    Raises:
        InvalidRequestError: with everything that is wrong and where in the request.
    """
    # Only here: whoever reads or deploys the rules does without pydantic.
    from points_ledger.contracts.program import parse_program  # noqa: PLC0415 - as said above

    try:
        return parse_program(document, _DRAFT)
    except InvalidRequestError as error:
        raise InvalidRequestError(
            tuple(
                FieldError(
                    part if each.field == "program" else f"{part}.{each.field}", each.message
                )
                for each in error.errors
            )
        ) from error


def version_document(dated: DatedVersion) -> Document:
    """A version with its time and its document."""
    version, until = dated.version, dated.effective_until
    return {
        "version": version.program.version,
        "effective_from": format_instant(dated.effective_from),
        "effective_until": None if until is None else format_instant(until),
        "published_at": format_instant(version.published_at),
        "published_by": version.published_by,
        "program": json.loads(version.document),
    }
