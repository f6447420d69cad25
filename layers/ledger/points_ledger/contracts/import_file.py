"""The file of an existing program: CSV with a line of names, then a row for each member and lot.

docs/import.md says what the columns mean. Everything that can be judged from a line alone is
judged here; whether the ledger takes it is another matter.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Final

from points_ledger.contracts.reading import By
from points_ledger.contracts.requests import Day, Email, Text, read
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import ExternalId, clean_source, clean_text
from points_ledger.domain.limit import (
    MAX_EXTERNAL_IDS_PER_MEMBER,
    MAX_IMPORT_BYTES,
    MAX_IMPORT_ROWS,
    MAX_POINTS,
    MAX_TAGS,
    MAX_TEXT_CHARACTERS,
)
from points_ledger.domain.lot import NEVER
from points_ledger.domain.state import Standing
from points_ledger.service.importing import ImportRow

COLUMNS: Final = (
    "row_id",
    "name",
    "email",
    "phone",
    "organisation",
    "jurisdiction",
    "tags",
    "birthday",
    "earns",
    "external_ids",
    "points",
    "last_day",
)
SEPARATOR: Final = ";"
"""Between the tags, and between the external ids, of one cell."""
NEVER_WRITTEN: Final = "never"

_POINTS: Final = re.compile(r"[0-9]{1,10}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARNS: Final[Mapping[str, bool]] = {"true": True, "false": False}


@dataclass(eq=False)
class UnreadableFileError(ValueError):
    """The file as a whole is none that can be imported; `problem` says why."""

    problem: str

    def __str__(self) -> str:
        """What is wrong with it."""
        return self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row where it stands: what it says, or what is wrong with it."""

    number: int
    row_id: str
    row: ImportRow | None
    problems: tuple[FieldError, ...] = ()


def _row_id(value: str) -> str:
    # As strict as the name of a source: it becomes part of an entry, and entries are for ever.
    return clean_source(value)


def _tags(value: object) -> tuple[str, ...]:
    tags = tuple(
        clean_text(each.strip(), maximum=MAX_TEXT_CHARACTERS, what="tag") for each in _parts(value)
    )
    if len(tags) > MAX_TAGS:
        raise ValueError(f"at most {MAX_TAGS} tags")
    return tags


def _external_ids(value: object) -> tuple[ExternalId, ...]:
    ids = tuple(dict.fromkeys(ExternalId.parse(each.strip()) for each in _parts(value)))
    if len(ids) > MAX_EXTERNAL_IDS_PER_MEMBER:
        raise ValueError(f"at most {MAX_EXTERNAL_IDS_PER_MEMBER} external ids")
    return ids


def _parts(value: object) -> list[str]:
    return [part for part in str(value).split(SEPARATOR) if part.strip()]


def _points(value: object) -> int:
    if not _POINTS.fullmatch(str(value)) or int(str(value)) > MAX_POINTS:
        raise ValueError(f"must be a whole number from 0 to {MAX_POINTS}")
    return int(str(value))


def _last_day(value: object) -> date:
    if value == NEVER_WRITTEN:
        return NEVER
    if not _DAY.fullmatch(str(value)):
        raise ValueError(f"a last day is written YYYY-MM-DD, or {NEVER_WRITTEN}")
    return date.fromisoformat(str(value))


def _flag(value: object) -> bool:
    if str(value) not in _EARNS:
        raise ValueError("must be true or false")
    return _EARNS[str(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The cells of a row that are not blank."""

    row_id: Annotated[str, _row_id]
    name: Text | None = None
    email: Email | None = None
    phone: Text | None = None
    organisation: Text | None = None
    jurisdiction: Text | None = None
    tags: Annotated[tuple[str, ...], By(_tags)] = ()
    birthday: Day | None = None
    earns: Annotated[bool, By(_flag)] = True
    external_ids: Annotated[tuple[ExternalId, ...], By(_external_ids)] = ()
    points: Annotated[int, By(_points)] = 0
    last_day: Annotated[date, By(_last_day)] | None = None


def file_id_of(content: bytes) -> str:
    """The id of a file that has no other: of the same content, the same."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_lines(content: bytes, *, file_id: str) -> Iterator[Line]:
    """The rows of a file in order, good and bad.

    Raises:
        UnreadableFileError: too large, not UTF-8, no CSV, or with other columns.
    """
    try:
        clean_source(file_id)
    except ValueError:
        raise UnreadableFileError("a file id is 1 to 64 letters, digits, '.', '_' or '-'") from None
    if len(content) > MAX_IMPORT_BYTES:
        raise UnreadableFileError(f"more than {MAX_IMPORT_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFileError("not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = _columns(next(rows, []))
        yield from _lines(rows, names, file_id)
    except csv.Error as error:
        raise UnreadableFileError(f"line {rows.line_num}: not CSV: {error}") from error


def _columns(names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    unknown = sorted(set(names) - set(COLUMNS))
    if "row_id" not in names:
        raise UnreadableFileError("the first line has to name the columns, row_id among them")
    if unknown or len(set(names)) != len(names):
        wrong = ", ".join(unknown) or "one twice"
        raise UnreadableFileError(f"columns are {', '.join(COLUMNS)}; not {wrong}")
    return names


def _lines(rows: Iterator[list[str]], names: list[str], file_id: str) -> Iterator[Line]:
    seen: set[str] = set()
    for number, cells in _numbered(rows):
        line = _line(number, cells, names, file_id)
        if line.row_id in seen:
            again = FieldError("row_id", "is the id of an earlier row too")
            line = replace(line, row=None, problems=(*line.problems, again))
        seen |= {line.row_id} - {""}
        yield line


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty with the number of the line on which each begins."""
    number, count = 2, 0
    for cells in rows:
        if cells:
            count += 1
            if count > MAX_IMPORT_ROWS:
                raise UnreadableFileError(f"more than {MAX_IMPORT_ROWS} rows: import it in parts")
            yield number, cells
        number += 1 + sum(cell.count("\n") for cell in cells)


def _line(number: int, cells: list[str], names: list[str], file_id: str) -> Line:
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
    row_id = values.get("row_id", "")
    if len(cells) > len(names):
        problem = FieldError("row", f"has {len(cells)} cells for {len(names)} columns")
        return Line(number=number, row_id=row_id, row=None, problems=(problem,))
    try:
        read_cells = read(_Cells, values)
    except InvalidRequestError as error:
        return Line(number=number, row_id=row_id, row=None, problems=error.errors)
    problems = tuple(_together(read_cells))
    row = None if problems else _row(read_cells, values, file_id)
    return Line(number=number, row_id=row_id, row=row, problems=problems)


def _together(cells: _Cells) -> Iterator[FieldError]:
    """What is wrong with cells that are fine each by itself."""
    if cells.name is None and not cells.external_ids:
        yield FieldError("name", "is required where there is no external id")
    if cells.points and cells.last_day is None:
        yield FieldError("last_day", f"is required for points: a day, or {NEVER_WRITTEN}")
    if not cells.points and cells.last_day is not None:
        yield FieldError("points", "are required for a last day")


def _row(cells: _Cells, values: Mapping[str, str], file_id: str) -> ImportRow:
    said = json.dumps(values, sort_keys=True, ensure_ascii=False).encode()
    return ImportRow(
        file_id=file_id,
        row_id=cells.row_id,
        fingerprint=hashlib.sha256(said).hexdigest(),
        name=cells.name,
        email=cells.email,
        phone=cells.phone,
        birthday=cells.birthday.isoformat() if cells.birthday else None,
        standing=Standing(
            organisation=cells.organisation,
            jurisdiction=cells.jurisdiction,
            tags=cells.tags,
            earns=cells.earns,
        ),
        external_ids=cells.external_ids,
        points=cells.points,
        last_day=cells.last_day,
    )
