"""Totals of engagement from the stream: each member's statistics, and the figures of months."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import Earning
from points_ledger.domain.engagement import (
    Statistics,
    activity_of,
    decode_statistics,
    encode_statistics,
    figures_changed,
    is_about_engagement,
    with_activity,
    with_entry,
)
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.periods import LIFETIME, month_name
from points_ledger.domain.sales import ZoneAt, month_at
from points_ledger.service.totalling import (
    Change,
    Counted,
    Increment,
    ProgramAt,
    TotalsKey,
)

FIGURES: Final = ("engagement",)
"""The partition of the figures: a place for each month, and LIFETIME after them all."""


def figures_key(month: str) -> TotalsKey:
    """Where the figures of a month stand, or those of all time."""
    return TotalsKey(partition=FIGURES, place=month)


def statistics_key(member_id: MemberId) -> TotalsKey:
    """Where a member's statistics stand."""
    return TotalsKey(partition=("member", member_id), place="statistics")


def count_issued(change: Change, program_at: ProgramAt) -> Iterator[Increment]:
    """Points issued and redeemed by a new entry; a merge issues nothing."""
    entry = _entry_of(change)
    if entry is None or entry.posting.type == "merge":
        return
    counters = entry.posting.counters
    named = {"issued": counters.get("earned", 0), "redeemed": counters.get("redeemed", 0)}
    kept = {name: points for name, points in named.items() if points}
    if kept:
        month = month_at(entry.recorded_at, _zone_at(program_at))
        for place in (month, LIFETIME):
            yield Increment(key=figures_key(place), counters=kept)


class MemberStatistics:
    """Remembers the statistics of each member whom a change is about."""

    def names(self, change: Change) -> Iterable[TotalsKey]:
        """The members whose statistics the change may change: at most two."""
        entry = _entry_of(change)
        if entry is not None:
            return [statistics_key(entry.member_id)] if is_about_engagement(entry) else []
        before, after = (
            each if isinstance(each, Earning) else None for each in (change.before, change.after)
        )
        if _says_the_same(before, after):
            return []
        earners = (each.earner_id for each in (before, after) if each and each.earner_id)
        return [statistics_key(member_id) for member_id in dict.fromkeys(earners)]

    def count(
        self, change: Change, texts: Mapping[TotalsKey, str], program_at: ProgramAt
    ) -> Counted:
        """The statistics after a change, and what that adds to the figures."""
        zone_at = _zone_at(program_at)
        increments: list[Increment] = []
        stored: dict[TotalsKey, str | None] = {}
        for key in self.names(change):
            before = decode_statistics(texts[key]) if key in texts else Statistics()
            after = _after(before, change, key, zone_at)
            if after != before:
                stored[key] = encode_statistics(after)
                increments += _figures(before, after)
        return Counted(increments=tuple(increments), texts=stored)


def _after(statistics: Statistics, change: Change, key: TotalsKey, zone_at: ZoneAt) -> Statistics:
    entry = _entry_of(change)
    if entry is not None:
        return with_entry(statistics, entry, _day_of(entry, zone_at))
    before, after = (
        activity_of(each, zone_at) if isinstance(each, Earning) else None
        for each in (change.before, change.after)
    )
    if before == after:
        return statistics
    for activity, times in ((before, -1), (after, 1)):
        if activity is not None and statistics_key(activity.member_id) == key:
            statistics = with_activity(statistics, activity, times)
    return statistics


def _figures(before: Statistics, after: Statistics) -> Iterator[Increment]:
    for month, counters in figures_changed(before, after).items():
        place = LIFETIME if month is None else month_name(month)
        yield Increment(key=figures_key(place), counters=counters)


def _says_the_same(before: Earning | None, after: Earning | None) -> bool:
    """Whether both say the same of what somebody did: then nothing has to be read."""
    said = [
        (each.earner_id, each.posted_at, each.voided_at is None, each.snapshot is None)
        for each in (before, after)
        if each is not None
    ]
    return len(said) == 2 and said[0] == said[1]  # noqa: PLR2004 - both are there


def _entry_of(change: Change) -> Entry | None:
    """The entry that is new."""
    return change.after if change.before is None and isinstance(change.after, Entry) else None


def _day_of(entry: Entry, zone_at: ZoneAt) -> date:
    return local_day(entry.recorded_at, zone_at(entry.recorded_at))


def _zone_at(program_at: ProgramAt) -> ZoneAt:
    return lambda at: program_at(at).zone
