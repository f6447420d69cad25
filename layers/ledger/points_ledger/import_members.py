"""Import members, their external ids and their opening lots from a CSV file (docs/import.md).

    python -m points_ledger.import_members FILE --check
    python -m points_ledger.import_members FILE

Tells what became of each line, and exits with 0 when all is well, 1 when a line is wrong or was
refused, and 2 when nothing could be done. Region, endpoint and credentials come from the
environment, as for every AWS client; the table from --table or TABLE_NAME.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from points_ledger.contracts.import_file import (
    Line,
    UnreadableFileError,
    file_id_of,
    read_lines,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    BrokenInvariantError,
    ConflictError,
    FieldError,
    InvalidRequestError,
    Rejection,
)
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.domain.lot import NEVER
from points_ledger.runtime import bootstrap, services, settings
from points_ledger.runtime.problem import problem_of
from points_ledger.service.importing import Imported, Importing, ImportRow

FINE, WRONG, UNUSABLE = 0, 1, 2
"""Exit statuses."""
LATEST_ZONE: Final = timedelta(hours=12)
"""Nowhere does a day end later than this after it has ended in UTC."""

Outcome = Literal["ok", "enrolled", "known", "repeated", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a line, and how it is told; `opened` counts points."""

    outcome: Outcome
    text: str
    opened: int = 0


@dataclass(kw_only=True)
class Households:
    """Whose the external ids of a file are, by the lines so far: no member's are another's."""

    owners: dict[ExternalId, str] = field(default_factory=dict)
    sizes: Counter[str] = field(default_factory=Counter)

    def join(self, row: ImportRow, member_id: str | None) -> None:
        """Note whose the ids of a row are; `member_id` is whose they are already.

        Raises:
            InvalidRequestError: they are several members', or too many of one.
        """
        found = {self.owners[each] for each in row.external_ids if each in self.owners}
        if member_id is not None:
            found.add(member_id)
        if len(found) > 1:
            raise _wrong("external_ids", "they belong to different members of this file")
        owner = next(iter(found), f"row {row.row_id}")
        new = [each for each in row.external_ids if each not in self.owners]
        if self.sizes[owner] + len(new) > MAX_EXTERNAL_IDS_PER_MEMBER:
            raise _wrong("external_ids", f"more than {MAX_EXTERNAL_IDS_PER_MEMBER} of one member")
        self.sizes[owner] += len(new)
        self.owners |= dict.fromkeys(new, owner)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or import a file; the exit status."""
    options = _options(arguments)
    try:
        content = Path(options.file).read_bytes()
        lines = list(read_lines(content, file_id=options.file_id or file_id_of(content)))
        importing = _importing(options.table) if options.table else None
        if importing is None and not options.check:
            return _unusable("name the table with --table or TABLE_NAME")
        judge = _checking(importing) if options.check or importing is None else _taking(importing)
        return _report(_told(lines, judge), checked_alone=importing is None)
    except OSError as error:
        return _unusable(f"{options.file}: {error.strerror}")
    except (UnreadableFileError, BrokenInvariantError) as error:
        return _unusable(f"{options.file}: {error}")
    except (BotoCoreError, ClientError) as error:
        return _unusable(f"the table cannot be reached: {error}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m points_ledger.import_members",
        description="Import members, their external ids and their opening lots from a CSV file.",
    )
    parser.add_argument("file", metavar="FILE", help="the CSV file; see docs/import.md")
    parser.add_argument("--check", action="store_true", help="judge every line and write nothing")
    parser.add_argument(
        "--file-id", help="what the file is called for good; without it, made of its content"
    )
    parser.add_argument(
        "--table", default=os.environ.get("TABLE_NAME"), help="the stack's table (TABLE_NAME)"
    )
    return parser.parse_args(arguments)


def _importing(table: str) -> Importing:
    """The service on a table, put together as in the functions, whose variables it takes."""
    names = settings.variables(settings.LedgerSettings)
    os.environ.update({name: os.environ.get(name) or "import_members" for name in names})
    os.environ["TABLE_NAME"] = table
    os.environ["POWERTOOLS_LOG_LEVEL"] = "ERROR"
    return services.importing()


# --- Judging lines --------------------------------------------------------------------------

Judge = Callable[[ImportRow], Told]


def _told(lines: Iterable[Line], judge: Judge) -> Iterator[tuple[Line, Told]]:
    for line in lines:
        yield line, _judged(line, judge)


def _judged(line: Line, judge: Judge) -> Told:
    if line.row is None:
        return _refused(InvalidRequestError(line.problems))
    try:
        return judge(line.row)
    except (Rejection, ConflictError) as error:
        return _refused(error)


def _refused(error: Rejection | ConflictError) -> Told:
    if isinstance(error, InvalidRequestError):
        wrong = "; ".join(f"{each.field}: {each.message}" for each in error.errors)
    else:
        wrong = str(problem_of(error)["detail"])
    return Told(outcome="refused", text=f"refused: {wrong}")


def _taking(importing: Importing) -> Judge:
    return lambda row: _done(importing.take(row), row)


def _done(done: Imported, row: ImportRow) -> Told:
    if done.replayed:
        return Told(outcome="repeated", text=f"repeated, {done.member_id}")
    outcome: Outcome = "enrolled" if done.created else "known"
    until = "that never expire" if row.last_day == NEVER else f"until {row.last_day}"
    opened = f", opened {done.opened} {until}" if done.opened else ""
    return Told(outcome=outcome, text=f"{outcome} {done.member_id}{opened}", opened=done.opened)


def _checking(importing: Importing | None) -> Judge:
    """Judges a row by the table, where there is one, and by the lines before."""
    households = Households()

    def judge(row: ImportRow) -> Told:
        member_id = None
        if importing is not None:
            found = importing.check(row)
            if found.replayed:
                return Told(outcome="repeated", text=f"ok, imported before as {found.member_id}")
            member_id = None if found.created else found.member_id
        elif row.last_day is not None and row.last_day < _earliest_today():
            raise _wrong("last_day", "is over")
        households.join(row, member_id)
        return Told(outcome="ok", text="ok", opened=row.points)

    return judge


def _earliest_today() -> date:
    """Today where it is earliest: without a table nobody knows the program's time zone."""
    return (bootstrap.utc_now() - LATEST_ZONE).date()


def _wrong(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError((FieldError(name, message),))


# --- Telling --------------------------------------------------------------------------------


def _report(told: Iterable[tuple[Line, Told]], *, checked_alone: bool) -> int:
    counts: Counter[str] = Counter()
    opened = 0
    for line, each in told:
        counts[each.outcome] += 1
        opened += each.opened
        _tell(f"line {line.number}, row {line.row_id or '?'}: {each.text}")
    summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    _tell(f"{counts.total()} rows: {summary or 'nothing to do'}; {opened} points")
    if checked_alone:
        _tell("checked by itself: without a table nobody knows who is a member already")
    return WRONG if counts["refused"] else FINE


def _tell(text: str) -> None:
    # At once: whoever waits for a long file sees how far it is.
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _unusable(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
