"""Lines of CSV (RFC 4180) whose cells no spreadsheet computes."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_text(columns: Sequence[str], lines: Iterable[Mapping[str, object]]) -> str:
    """A line of names, then a line for each mapping, ending in CR LF; what is absent is empty."""
    return csv_lines(columns, ([line.get(name) for name in columns] for line in lines))


def csv_lines(columns: Sequence[str], lines: Iterable[Iterable[object]]) -> str:
    """The same for cells in the order of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in line] for line in lines)
    return text.getvalue()


def cell(value: object) -> str:
    """A cell that a spreadsheet shows and does not compute: names and ids come from outside.

    Numbers stay numbers, also below zero.
    """
    text = "" if value is None else str(value)
    is_formula = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text
