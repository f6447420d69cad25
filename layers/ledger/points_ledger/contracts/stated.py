"""Statements against an export: the lines that `verify` tells with `--statement`.

A statement (GET /members/{id}/statement) says less of each entry than an export, and has no hash of
its own. It is proven by being drawn up again from entries that are: whatever a proof says of these
it says of the statement. Standard library only, as all that the verifier needs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from points_ledger.contracts.export import Exported, UnreadableExportError, first_difference
from points_ledger.contracts.responses import entry_document
from points_ledger.contracts.statement import balances_document
from points_ledger.domain.calendar import start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import EMPTY
from points_ledger.service.statements import totals_of

MAX_STATEMENTS: Final = 1_200
"""Pages of a hundred years."""
DAYS_BEYOND_A_MONTH: Final = 32
_YEARS: Final = range(1900, 9999)
"""Of which there may be statements; a month of the last one has none after it."""
_FIELDS: Final = (
    "closing", "cursor", "entries", "member_id", "month", "opening", "time_zone", "totals",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A statement, or one page of it, as it was read; `begin` is the first day of its month."""

    member_id: MemberId
    begin: date
    zone: ZoneInfo
    document: Mapping[str, Any]


def read_statements(documents: Iterable[object]) -> tuple[Page, ...]:
    """The statements that were given.

    Raises:
        UnreadableExportError: one is none, or there are too many.
    """
    pages = tuple(map(_page, documents))
    if len(pages) > MAX_STATEMENTS:
        raise UnreadableExportError(f"more than {MAX_STATEMENTS} statements")
    return pages


def stated(
    exported: Exported, agreed: Mapping[MemberId, int], pages: Sequence[Page]
) -> tuple[bool, tuple[str, ...]]:
    """Draw each statement up again: whether all agree, and a line for each.

    `agreed` is how many entries of each chain verifying found to agree.
    """
    groups: dict[tuple[MemberId, date], list[Page]] = {}
    for page in pages:
        groups.setdefault((page.member_id, page.begin), []).append(page)
    told = [
        _told(exported, agreed.get(member_id, 0), sorted(group, key=_first_number))
        for (member_id, _), group in sorted(groups.items())
    ]
    return all(agrees for agrees, _ in told), tuple(line for _, line in told)


def _told(exported: Exported, agreed: int, pages: Sequence[Page]) -> tuple[bool, str]:
    """What is to be said of the pages of one month."""
    member_id, begin = pages[0].member_id, pages[0].begin
    name = f"{member_id}: the statement of {begin.isoformat()[:7]}"
    chain = exported.chains.get(member_id, ())[:agreed]
    if member_id not in exported.chains:
        return False, f"{name} is of somebody whose entries are not there"
    zone = _zone(exported, begin) or pages[0].zone
    following = (begin + timedelta(days=DAYS_BEYOND_A_MONTH)).replace(day=1)
    end = start_of_day(following, _zone(exported, following) or zone)
    month = [each for each in chain if start_of_day(begin, zone) <= each.recorded_at < end]
    before = [each for each in chain if each.recorded_at < start_of_day(begin, zone)]
    for place, right, stands in _differences(pages, zone, before, month):
        unlike = first_difference(right, stands)
        if unlike is not None:
            inner, expected, found = unlike
            field = f"{place}, {inner}" if inner else place
            return False, f"{name} differs in {field}: expected {expected}, found {found}"
    numbers = f"entries {month[0].number} to {month[-1].number}" if month else "no entry"
    return True, f"{name} is what {numbers} come to"


def _differences(
    pages: Sequence[Page], zone: ZoneInfo, before: Sequence[Entry], month: Sequence[Entry]
) -> Iterator[tuple[str, object, object]]:
    """Everything that the pages have to say, and what they do say."""
    rest, state = list(month), before[-1].state if before else EMPTY
    for page in pages:
        listed = page.document["entries"]
        mine, rest = rest[: len(listed)], rest[len(listed) :]
        yield "its fields", list(_FIELDS), sorted(page.document)
        yield "time_zone", zone.key, page.zone.key
        yield "opening", balances_document(state), page.document.get("opening")
        yield "entries", len(mine), len(listed)
        for entry, found in zip(mine, listed, strict=True):
            expected = json.loads(json.dumps(entry_document(entry)))
            yield f"entry {entry.number}", expected, found
        closing = mine[-1].state if mine else state
        yield "closing", balances_document(closing), page.document.get("closing")
        yield "totals", dict(totals_of(state, closing, mine)), page.document.get("totals")
        state = closing
    yield "entries that are left out", 0, len(rest)


def _zone(exported: Exported, month: date) -> ZoneInfo | None:
    """The zone of the version in force when a month began, as far as the export says."""
    begin = datetime.fromisoformat(f"{month.isoformat()}T00:00:00+00:00")
    in_force = [each for each in exported.periods if each.effective_from <= begin]
    known = [each for each in in_force if each.version in exported.programs]
    if not known or known[-1] != in_force[-1]:
        return None
    return exported.programs[known[-1].version].zone


def _page(document: object) -> Page:
    listed = document.get("entries") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(listed, list):
        raise UnreadableExportError("not a statement")
    if not all(isinstance(each, Mapping) for each in listed):
        raise UnreadableExportError("not a statement")
    try:
        page = Page(
            member_id=MemberId(str(document["member_id"])),
            begin=date.fromisoformat(f"{document['month']}-01"),
            zone=ZoneInfo(document["time_zone"]),
            document=document,
        )
    except (LookupError, TypeError, ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise UnreadableExportError("not a statement") from error
    if page.begin.year not in _YEARS:
        raise UnreadableExportError("not a statement")
    return page


def _first_number(page: Page) -> int:
    """Where a page belongs among those of its month; one without entries comes first."""
    listed = page.document["entries"]
    number = listed[0].get("entry") if listed else 0
    return number if isinstance(number, int) else 0
