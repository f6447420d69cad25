"""A statement as it is asked for, and as it is answered: as JSON or as lines of CSV (RFC 4180)."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final

from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import Cursor, size_up_to
from points_ledger.contracts.responses import Document, entry_document
from points_ledger.contracts.spreadsheet import WRITTEN_MONTH, month, table
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.limit import MAX_ENTRIES_PER_STATEMENT
from points_ledger.domain.lot import NEVER, Lots
from points_ledger.domain.state import State
from points_ledger.service.statements import Statement

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementQuery:
    """GET /members/{member_id}/statement; the month becomes its first day."""

    month: Annotated[date, By(month), Schema(type="string", pattern=WRITTEN_MONTH)]
    limit: Annotated[
        int,
        By(size_up_to(MAX_ENTRIES_PER_STATEMENT)),
        Schema(type="integer", minimum=1, maximum=MAX_ENTRIES_PER_STATEMENT),
    ] = MAX_ENTRIES_PER_STATEMENT
    cursor: Cursor | None = None


def statement_document(statement: Statement, cursor: str | None) -> Document:
    """A statement, its entries oldest first; opening and entries come to closing."""
    return {
        "member_id": statement.member_id,
        "month": statement.month.isoformat()[:7],
        "time_zone": statement.zone.key,
        "opening": balances_document(statement.opening),
        "entries": [entry_document(entry) for entry in statement.entries],
        "closing": balances_document(statement.closing),
        "totals": dict(statement.totals),
        "cursor": cursor,
    }


def statement_csv(statement: Statement) -> str:
    """The entries of a statement: a line of names, then a line for each, ending in CR LF."""
    return table(COLUMNS, map(_values, statement.entries))


def balances_document(state: State) -> Document:
    """Balances at the begin or the end of a statement."""
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
