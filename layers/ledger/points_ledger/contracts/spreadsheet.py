"""Tables as CSV (RFC 4180) that a spreadsheet shows and does not compute, and months as text."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

JSON_TYPE: Final = "application/json"
CSV_TYPE: Final = "text/csv"
CSV_ANSWER_TYPE: Final = "text/csv; charset=utf-8"

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
WRITTEN_MONTH: Final = "^[0-9]{4}-(0[1-9]|1[0-2])$"
_YEARS: Final = (1900, 9998)
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What formulas begin with, also as wide characters, which some spreadsheets take for the same."""
_BREAKS: Final = ("\t", "\r", "\n")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


def month(value: object) -> date:
    """The first day of a month that is written `YYYY-MM`.

    Raises:
        ValueError: it is no such month.
    """
    matched = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a month is written YYYY-MM")
    year, number = map(int, matched.groups())
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError(f"the year must be {_YEARS[0]} to {_YEARS[1]}")
    try:
        return date(year, number, 1)
    except ValueError:
        raise ValueError("there is no such month") from None


def wants_csv(accept: str) -> bool:
    """Whether an Accept header prefers CSV to JSON; JSON where it does not say."""
    wanted = [_wanted(part) for part in accept.split(",")]
    csv_quality = max((quality for kind, quality in wanted if kind == CSV_TYPE), default=0.0)
    json_quality = max((quality for kind, quality in wanted if kind == JSON_TYPE), default=0.0)
    if csv_quality != json_quality:
        return csv_quality > json_quality
    named = [kind for kind, quality in wanted if kind in (CSV_TYPE, JSON_TYPE) and quality]
    return named[:1] == [CSV_TYPE]


def _wanted(part: str) -> tuple[str, float]:
    """A media type of an Accept header, and how much it is wanted."""
    kind, *parameters = (each.strip().lower() for each in part.split(";"))
    qualities = [matched[1] for each in parameters if (matched := _QUALITY.fullmatch(each))]
    return kind, min(1.0, float(qualities[0])) if qualities else 1.0


def table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A line of names, then a line for each row, ending in CR LF."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(columns)
    lines.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """A cell that a spreadsheet shows and does not compute: ids come from outside."""
    text = "" if value is None else str(value)
    begins = text.startswith(_BREAKS) or text.lstrip().startswith(_FORMULA)
    is_formula = begins and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text
