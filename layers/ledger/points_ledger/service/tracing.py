"""What a member's entries say about the earnings of a period.

The entries are read newest first and only as far back as an earning of the period can have been
recorded, whatever the length of the history before.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from points_ledger.domain.backtest import Trace
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.error import LimitExceededError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_PAGE_SIZE
from points_ledger.domain.state import State
from points_ledger.service.ports import LedgerReader, ListReader
from points_ledger.service.recording import MAX_FACT_LEAD
from points_ledger.service.unposted import UNPOSTED, prefix_of, unposted_at

MAX_PAGES: Final = 1_000
"""Of entries, or of what has none, of one member: a hundred thousand."""

_OF_EARNINGS: Final[frozenset[EntryType]] = frozenset(
    {"accrual", "maturation", "reversal", "lapse"}
)
_OF_CONTENT: Final[frozenset[EntryType]] = frozenset({"accrual", "reversal"})
_USED: Final = "used:"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One member, with all that was merged into it.

    Attributes:
        ids: all ids that stand for the member.
        traces: the earnings that may be of the period.
        state_at_end: the account at the end of the period; None before the enrolment.
    """

    member_id: MemberId
    ids: frozenset[MemberId]
    traces: Mapping[EarningKey, Trace]
    state_at_end: State | None


@dataclass(slots=True)
class _Found:
    """An earning so far; the entries come newest first."""

    first: Entry
    valued: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Reads histories; writes nothing."""

    reader: LedgerReader
    lists: ListReader

    def history(self, member_id: MemberId, *, begins: datetime, ends: datetime) -> History | None:
        """What is known of a member's earnings that were posted in `[begins, ends)`.

        None for an id that was merged into another one: its earnings are found with that one's.

        Raises:
            LimitExceededError: the member has more entries since then than are read.
        """
        # A fact may be dated so far ahead of the clock, and is recorded so much before.
        since = begins - MAX_FACT_LEAD
        found: dict[EarningKey, _Found] = {}
        newest, at_end = self._read(member_id, since, ends, found)
        if newest is None or newest.state.standing.alias_of is not None:
            return None
        aliases = newest.state.standing.aliases
        for alias in aliases:
            self._read(alias, since, ends, found)
        ids = frozenset({member_id, *aliases})
        traces = {key: _trace(each) for key, each in found.items()}
        for key, posted_at in self._unposted(ids, begins, ends):
            traces.setdefault(key, Trace(order=(posted_at, 0)))
        return History(
            member_id=member_id,
            ids=ids,
            traces=traces,
            state_at_end=at_end.state if at_end is not None else None,
        )

    def _read(
        self,
        member_id: MemberId,
        since: datetime,
        ends: datetime,
        found: dict[EarningKey, _Found],
    ) -> tuple[Entry | None, Entry | None]:
        """Add what one chain says; the newest entry, and the newest of before the end."""
        newest: Entry | None = None
        at_end: Entry | None = None
        before: int | None = None
        for _ in range(MAX_PAGES):
            page = self.reader.entries(
                member_id, limit=MAX_PAGE_SIZE, before=before, types=frozenset()
            )
            for entry in page.entries:
                newest = newest or entry
                if at_end is None and entry.recorded_at < ends:
                    at_end = entry
                if entry.recorded_at < since:
                    return newest, at_end
                _add(found, entry)
            before = page.next_number
            if before is None:
                return newest, at_end
        raise LimitExceededError("entries_of_member", MAX_PAGES * MAX_PAGE_SIZE)

    def _unposted(
        self, ids: Collection[MemberId], begins: datetime, ends: datetime
    ) -> list[tuple[EarningKey, datetime]]:
        """Earnings without entries, and when each was posted."""
        keys: list[tuple[EarningKey, datetime]] = []
        for member_id in sorted(ids):
            cursor: str | None = None
            for _ in range(MAX_PAGES):
                page = self.lists.listed(
                    UNPOSTED,
                    member_id,
                    prefix=prefix_of(begins, ends),
                    limit=MAX_PAGE_SIZE,
                    cursor=cursor,
                )
                keys += map(unposted_at, page.ids)
                cursor = page.cursor
                if cursor is None:
                    break
            else:
                raise LimitExceededError("unposted_of_member", MAX_PAGES * MAX_PAGE_SIZE)
        return keys


def _add(found: dict[EarningKey, _Found], entry: Entry) -> None:
    key = entry.posting.source
    if key is None or entry.posting.type not in _OF_EARNINGS:
        return
    known = found.setdefault(key, _Found(first=entry))
    known.first = min(known.first, entry, key=lambda e: (e.recorded_at, e.number))
    if entry.posting.type in _OF_CONTENT and known.valued is None:
        known.valued = entry


def _trace(found: _Found) -> Trace:
    first, valued = found.first, found.valued
    counters = valued.state.counters if valued is not None else {}
    return Trace(
        order=(first.recorded_at, first.number),
        counters={name: value for name, value in counters.items() if name.startswith(_USED)},
        state=first.state,
    )
