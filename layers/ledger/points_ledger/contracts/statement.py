"""A statement as it is asked for, and as it is answered: as JSON or as lines of CSV (RFC 4180)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from points_ledger.contracts.csv_text import csv_lines
from points_ledger.contracts.reading import By
from points_ledger.contracts.requests import Cursor, size_up_to
from points_ledger.contracts.responses import Document, entry_document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.entry import Entry
from points_ledger.domain.limit import MAX_ENTRIES_PER_STATEMENT
from points_ledger.domain.lot import NEVER, Lots
from points_ledger.domain.state import State
from points_ledger.service.statements import Statement

JSON_TYPE: Final = "application/json"
CSV_TYPE: Final = "text/csv"
COLUMNS: Final = (
    "entry",
    "type",
    "at",
    "recorded_at",
    "pending",
    "available",
    "reserved",
    "debt",
    "balance_available",
    "balance_pending",
    "balance_reserved",
    "balance_debt",
    "lots",
    "source",
    "rules",
    "program_version",
    "actor",
    "reason",
)

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEARS: Final = (1900, 9998)
_QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


def _month(value: object) -> date:
    matched = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a month is written YYYY-MM")
    year, month = map(int, matched.groups())
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError(f"the year must be {_YEARS[0]} to {_YEARS[1]}")
    try:
        return date(year, month, 1)
    except ValueError:
        raise ValueError("there is no such month") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """GET /members/{member_id}/statement; the month becomes its first day."""

    month: Annotated[date, By(_month)]
    limit: Annotated[int, By(size_up_to(MAX_ENTRIES_PER_STATEMENT))] = MAX_ENTRIES_PER_STATEMENT
    cursor: Cursor | None = None


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


def statement_document(statement: Statement, cursor: str | None) -> Document:
    """A statement, its entries oldest first; opening and entries come to closing."""
    return {
        "member_id": statement.member_id,
        "month": statement.month.isoformat()[:7],
        "time_zone": statement.zone.key,
        "opening": _balances(statement.opening),
        "entries": [entry_document(entry) for entry in statement.entries],
        "closing": _balances(statement.closing),
        "totals": dict(statement.totals),
        "cursor": cursor,
    }


def statement_csv(statement: Statement) -> str:
    """The entries of a statement: a line of names, then a line for each, ending in CR LF."""
    return csv_lines(COLUMNS, map(_values, statement.entries))


def _balances(state: State) -> Document:
    return {
        "available": state.available,
        "pending": state.pending,
        "reserved": state.reserved,
        "debt": state.debt,
    }


def _values(entry: Entry) -> Iterable[object]:
    """The cells of an entry, in the order of COLUMNS."""
    posting, state = entry.posting, entry.state
    return (
        entry.number,
        posting.type,
        format_instant(posting.at),
        format_instant(entry.recorded_at),
        posting.pending,
        posting.available,
        posting.reserved,
        posting.debt,
        state.available,
        state.pending,
        state.reserved,
        state.debt,
        _lots(posting.lots),
        posting.source,
        " ".join(f"{id_}:{points}" for id_, points in posting.rules),
        posting.program_version,
        posting.actor,
        posting.reason,
    )


def _lots(lots: Lots) -> str:
    days = (("never" if day == NEVER else day.isoformat(), n) for day, n in sorted(lots.items()))
    return " ".join(f"{day}:{points}" for day, points in days)
