"""A member's month: what there was, what happened, and what there is after it.

A statement goes by the instant at which entries were recorded, so the one of a past month never
changes (semantics 9). Its months are those of the time zone that the program had when they began.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import EMPTY, ORIGIN_COUNTERS, USE_COUNTERS, State
from points_ledger.service.history import first_from, span
from points_ledger.service.ledger import View
from points_ledger.service.ports import LedgerReader, Store
from points_ledger.service.programs import Programs

SUMMED: Final = (*ORIGIN_COUNTERS, *USE_COUNTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A month, or the part of it that fits on a page, which then carries its balances forward.

    Attributes:
        month: its first day.
        opening: the account before the first of the entries.
        closing: the account after the last of them.
        totals: what the entries come to, by what happened.
        next_number: the entry with which the next page begins; None on the last.
    """

    member_id: MemberId
    month: date
    zone: ZoneInfo
    opening: State
    closing: State
    entries: tuple[Entry, ...]
    totals: Mapping[str, int]
    next_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Draws statements up; writes nothing."""

    store: Store
    reader: LedgerReader
    programs: Programs

    def statement(
        self, member_id: MemberId, month: date, *, begin: int | None, limit: int
    ) -> Statement:
        """The statement of the month that begins with the day `month`.

        It takes as many reads as the logarithm of the length of the history, and the entries.

        Args:
            member_id: whose it is. What a member had before a merge stays under its own id, so
                that the answer for a past month never changes.
            month: the first day of a month.
            begin: the number of the entry with which the page begins.
            limit: how many entries the page may have.

        Raises:
            NotFoundError: there is no such member.
            ValueError: `begin` is not in this month.
        """
        head = View(self.store).head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        zone = self._zone(month)
        following = _following(month)
        first = first_from(self.reader, head, start_of_day(month, zone))
        after = first_from(self.reader, head, start_of_day(following, self._zone(following)))
        start = first if begin is None else begin
        if not first <= start <= max(first, after - 1):
            raise ValueError("not an entry of this month")
        last = min(after, start + limit) - 1
        before, *entries = self._with_the_one_before(head, start, last)
        opening = before.state if before is not None else EMPTY
        listed = tuple(entry for entry in entries if entry is not None)
        closing = listed[-1].state if listed else opening
        return Statement(
            member_id=head.member_id,
            month=month,
            zone=zone,
            opening=opening,
            closing=closing,
            entries=listed,
            totals=totals_of(opening, closing, listed),
            next_number=last + 1 if last + 1 < after else None,
        )

    def _with_the_one_before(self, head: Entry, first: int, last: int) -> Iterable[Entry | None]:
        if first == 1:
            return [None, *span(self.reader, head, first, last)]
        return span(self.reader, head, first - 1, last)

    def _zone(self, month: date) -> ZoneInfo:
        """The time zone of the version in force when a month began: later ones change no month."""
        return self.programs.at(datetime(month.year, month.month, 1, tzinfo=UTC)).zone


def _following(month: date) -> date:
    years, months = divmod(month.month, 12)
    return date(month.year + years, months + 1, 1)


def totals_of(opening: State, closing: State, entries: Iterable[Entry]) -> Mapping[str, int]:
    """By what happened; what matured is the one thing that no counter of the account counts."""
    matured = sum(
        entry.posting.available for entry in entries if entry.posting.type == "maturation"
    )
    changes = {name: closing.counter(name) - opening.counter(name) for name in SUMMED}
    return {"matured": matured, **changes}
