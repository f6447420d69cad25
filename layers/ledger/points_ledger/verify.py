"""Check exported entries: `python -m points_ledger.verify FILE... [--programs FILE]`.

With `--proof FILE` (what GET /members/{member_id}/proof answers; several days may be given) and
`--root FILE` (published checkpoints) also whether the entries are those that were published, and
what was done to them where they are not. With `--statement FILE` (what GET
/members/{member_id}/statement answers, all pages of a month) whether it is what they come to.

FILE is an export of a member (GET /members/{member_id}/export), or several of its pages in order,
or a list of exported entries. The program versions are those in the export and those of
--programs: a list of `{"version", "effective_from", "program"}`.

Ends with 0 where every entry agrees, with 1 after naming the first that differs, and with 2 where
a file cannot be read. Formats and limits: docs/receipts.md, docs/tamper-evidence.md.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

from points_ledger.contracts.checkpoint import UnreadableCheckpointError
from points_ledger.contracts.evidence import compared, read_evidence
from points_ledger.contracts.export import (
    Exported,
    UnreadableExportError,
    balance_difference,
    read_exports,
)
from points_ledger.contracts.stated import read_statements, stated
from points_ledger.contracts.strict_json import unique_names
from points_ledger.domain.verification import Book, Difference, Verified, verify

AGREES: Final = 0
DIFFERS: Final = 1
UNREADABLE: Final = 2


def main(arguments: Sequence[str] | None = None, *, out: TextIO | None = None) -> int:
    """Verify the files named on the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m points_ledger.verify",
        description="Compute the entries of an export again and name the first that differs.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export, or a page")
    parser.add_argument(
        "--programs", type=Path, metavar="FILE", help="program versions that the export lacks"
    )
    parser.add_argument(
        "--proof",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="proofs of the members, each of one day",
    )
    parser.add_argument(
        "--root",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="checkpoints as they were published, of the days of the proofs",
    )
    parser.add_argument(
        "--statement",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="statements of months, with all their pages, to be drawn up again",
    )
    chosen = parser.parse_args(arguments)
    try:
        pages = [_document(path) for path in chosen.files]
        exported = read_exports(pages, _document(chosen.programs) if chosen.programs else None)
        evidence = read_evidence(map(_document, chosen.proof), map(_document, chosen.root))
        statements = read_statements(map(_document, chosen.statement))
    except (UnreadableExportError, UnreadableCheckpointError) as unreadable:
        print(f"cannot be read: {unreadable}", file=sys.stderr)  # noqa: T201 - a command line
        return UNREADABLE
    found = verified(exported)
    for line in _lines(found):
        print(line, file=out or sys.stdout)
    agrees = not any(each.difference for each in found)
    if evidence is not None:
        told = compared(exported, found, evidence)
        agrees = agrees and told.agrees
        for line in told.lines:
            print(line, file=out or sys.stdout)
    agreed = {each.member_id: each.entries for each in found}
    agree, lines = stated(exported, agreed, statements)
    for line in lines:
        print(line, file=out or sys.stdout)
    return AGREES if agrees and agree else DIFFERS


def verified(exported: Exported) -> tuple[Verified, ...]:
    """What verifying an export comes to, member by member."""
    book = Book(chains=exported.chains, programs=exported.programs, periods=exported.periods)
    found = (_with_misread(each, exported) for each in verify(book))
    return tuple(_with_balance(each, exported) for each in found)


def _with_misread(found: Verified, exported: Exported) -> Verified:
    """An entry that could not be read comes after all that could."""
    misread = exported.misread.get(found.member_id)
    if found.difference is not None or misread is None:
        return found
    difference = Difference(
        member_id=found.member_id,
        number=found.entries + 1,
        field=misread.field,
        expected=misread.expected,
        found=misread.found,
    )
    return replace(found, difference=difference)


def _with_balance(found: Verified, exported: Exported) -> Verified:
    """The balance that was exported with the entries is the one after the last of them."""
    if found.difference is not None or found.member_id != exported.member_id:
        return found
    unlike = balance_difference(exported)
    if unlike is None:
        return found
    difference = Difference(
        member_id=found.member_id,
        number=found.entries,
        field=f"balance.{unlike.field}",
        expected=unlike.expected,
        found=unlike.found,
    )
    return replace(found, difference=difference)


def _lines(found: Sequence[Verified]) -> Iterator[str]:
    for member in found:
        different = member.difference
        if different is not None:
            yield (
                f"{member.member_id}: entry {different.number} differs in {different.field}: "
                f"expected {different.expected}, found {different.found}"
            )
        else:
            again = member.entries - len(member.not_recomputed)
            yield f"{member.member_id}: {member.entries} entries agree, {again} recomputed"
        for skipped in member.not_recomputed:
            yield f"{member.member_id}: entry {skipped.number} not recomputed: {skipped.reason}"


def _document(path: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique_names)
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableExportError(f"{path}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
