"""Engagement: what is kept of each member, and what that adds to the figures of months.

`Statistics` is all that is known of one member, a few hundred bytes. `figures_of` is a pure
function from it to the member's part in every figure; a change of the statistics adds the
difference between the parts after and before (`figures_changed`), so that a figure is always the
sum over all members, whatever the order in which entries and earnings were heard of. Months are
numbers (`place_of`). A month in which nothing happens needs no work: what it counts of the
two months before was counted with them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import LEDGER_SOURCE, MemberId
from points_ledger.domain.periods import month_name, month_number, place_of
from points_ledger.domain.sales import ZoneAt

SEGMENT_MONTHS: Final = 3
"""A segment looks at a month and the two before it."""
FREQUENT_PURCHASES: Final = 3
"""Purchases within SEGMENT_MONTHS that make a member frequent."""
MAX_COHORT_AGE_MONTHS: Final = 24
"""How many months after enrolment retention is kept for."""
MAX_MONTHS_OF_MEMBER: Final = 1_200
"""Months in which one member was active: a century."""
BUCKET_DAYS: Final = (0, 1, 3, 7, 14, 30, 60, 90, 180, 365, 730)
"""The last day of each bucket of the days from enrolment to the first redemption; one is later."""

_LEFT: Final = ("closed", "erased", "merged")


class Happened(NamedTuple):
    """How many purchases and actions of a member count in one month."""

    purchases: int = 0
    actions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What is known of one member.

    Attributes:
        number: of the newest entry that `left_on` and `alias_of` are as of.
        enrolled_on: the day of the first entry; None while only earnings are known.
        left_on: since when the member is closed, erased or merged; None while the member is there.
        alias_of: the member that this one was merged into.
        first_redeemed_on: the day of the first entry that redeems points.
        months: what happened, by month; months without anything are left out.
    """

    number: int = 0
    enrolled_on: date | None = None
    left_on: date | None = None
    alias_of: MemberId | None = None
    first_redeemed_on: date | None = None
    months: Mapping[int, Happened] = field(default_factory=dict)


class Activity(NamedTuple):
    """A purchase or an action of a member in a month."""

    member_id: MemberId
    month: int
    kind: Literal["purchase", "action"]


def activity_of(earning: Earning | None, zone_at: ZoneAt) -> Activity | None:
    """What an earning says its earner did; None where it says nothing of a member.

    What the ledger does by itself (prizes, birthdays) is no activity; a voided purchase neither.
    """
    if earning is None or earning.voided_at is not None or earning.key.source == LEDGER_SOURCE:
        return None
    if earning.earner_id is None or earning.posted_at is None:
        return None
    month = place_of(local_day(earning.posted_at, zone_at(earning.posted_at)), "month")
    kind: Literal["purchase", "action"] = "purchase" if earning.snapshot is not None else "action"
    return Activity(earning.earner_id, month, kind)


def with_activity(statistics: Statistics, activity: Activity, times: int) -> Statistics:
    """The statistics with an activity more (`times` 1) or less (−1)."""
    known = statistics.months.get(activity.month, Happened())
    purchases, actions = (times, 0) if activity.kind == "purchase" else (0, times)
    happened = Happened(known.purchases + purchases, known.actions + actions)
    months = {**statistics.months, activity.month: happened}
    return replace(statistics, months=_kept(months, statistics.enrolled_on))


def with_entry(statistics: Statistics, entry: Entry, day: date) -> Statistics:
    """The statistics with what an entry says of the member; `day` is that of its `recorded_at`."""
    if entry.number == 1:
        kept = _kept(statistics.months, day)
        statistics = replace(statistics, enrolled_on=day, months=kept)
    redeems = entry.posting.type != "merge" and entry.posting.counters.get("redeemed", 0) > 0
    first = statistics.first_redeemed_on
    if redeems and (first is None or day < first):
        statistics = replace(statistics, first_redeemed_on=day)
    changes = entry.posting.standing is not None or entry.number == 1
    if not changes or entry.number <= statistics.number:
        return statistics
    standing = entry.state.standing
    has_left = standing.status in _LEFT
    return replace(
        statistics,
        number=entry.number,
        left_on=(statistics.left_on or day) if has_left else None,
        alias_of=standing.alias_of,
    )


def is_about_engagement(entry: Entry) -> bool:
    """Whether an entry may change the statistics of its member."""
    redeemed = entry.posting.counters.get("redeemed", 0)
    return entry.number == 1 or entry.posting.standing is not None or redeemed > 0


def _kept(months: Mapping[int, Happened], enrolled_on: date | None) -> dict[int, Happened]:
    """Months in which something happened, none of before the enrolment: those never count."""
    first = place_of(enrolled_on, "month") if enrolled_on is not None else 0
    kept = {m: each for m, each in months.items() if any(each) and m >= first}
    return dict(sorted(kept.items())[-MAX_MONTHS_OF_MEMBER:])


# --- From one member to figures ---------------------------------------------------------------


def figures_of(statistics: Statistics) -> dict[int | None, dict[str, int]]:
    """The part of one member in the figures: nothing before the member is enrolled.

    Counters of a month: `enrolled`, `left`; `active` at least once; by what happened in it and the
    two months before, `frequent` or `occasional`; as a cohort, `active_after_<k>` for those who
    enrolled in this month and were active in the k-th month after it. A month counts members
    who are enrolled at its end. Of all time: `enrolled`, `left`, `redeemers`, `redeemer_days`
    and `redeemed_within_<bucket>`.
    """
    if statistics.enrolled_on is None:
        return {}
    figures: dict[int | None, dict[str, int]] = {}

    def count(month: int | None, name: str, number: int = 1) -> None:
        counters = figures.setdefault(month, {})
        counters[name] = counters.get(name, 0) + number

    enrolled = place_of(statistics.enrolled_on, "month")
    left = place_of(statistics.left_on, "month") if statistics.left_on is not None else None
    for name, month in (("enrolled", enrolled), ("left", left)):
        if month is not None:
            count(month, name)
            count(None, name)
    for month in statistics.months:
        if enrolled <= month and (left is None or month < left):
            count(month, "active")
            if month - enrolled <= MAX_COHORT_AGE_MONTHS:
                count(enrolled, f"active_after_{month - enrolled}")
    for month in _looked_at(statistics.months):
        if enrolled <= month and (left is None or month < left):
            count(month, _segment(statistics.months, month))
    if statistics.first_redeemed_on is not None:
        days = max(0, (statistics.first_redeemed_on - statistics.enrolled_on).days)
        count(None, "redeemers")
        count(None, "redeemer_days", days)
        count(None, f"redeemed_within_{bucket_of(days)}")
    return figures


def figures_changed(before: Statistics, after: Statistics) -> dict[int | None, dict[str, int]]:
    """What a change of one member adds to the figures; only what is not zero."""
    old, new = figures_of(before), figures_of(after)
    changed: dict[int | None, dict[str, int]] = {}
    for month in sorted(old.keys() | new.keys(), key=lambda each: -1 if each is None else each):
        was, now = old.get(month, {}), new.get(month, {})
        difference = {n: now.get(n, 0) - was.get(n, 0) for n in sorted(was.keys() | now.keys())}
        kept = {name: number for name, number in difference.items() if number}
        if kept:
            changed[month] = kept
    return changed


def bucket_of(days: int) -> int:
    """The number of the bucket that a number of days falls into."""
    return next((n for n, last in enumerate(BUCKET_DAYS) if days <= last), len(BUCKET_DAYS))


def _looked_at(months: Mapping[int, Happened]) -> Iterator[int]:
    """The months whose segment something that happened is part of."""
    yield from sorted({month + later for month in months for later in range(SEGMENT_MONTHS)})


def _segment(months: Mapping[int, Happened], month: int) -> Literal["frequent", "occasional"]:
    window = range(month - SEGMENT_MONTHS + 1, month + 1)
    purchases = sum(months[each].purchases for each in window if each in months)
    return "frequent" if purchases >= FREQUENT_PURCHASES else "occasional"


# --- As text ----------------------------------------------------------------------------------


def encode_statistics(statistics: Statistics) -> str:
    """The statistics as JSON without what is absent; months as `2026-01:2 0/1 1`.

    That is the first month and what happened in it and in each month after it: purchases, with
    the actions behind a stroke.
    """
    content: dict[str, object] = {
        "number": statistics.number,
        "enrolled_on": _day(statistics.enrolled_on),
        "left_on": _day(statistics.left_on),
        "alias_of": statistics.alias_of,
        "first_redeemed_on": _day(statistics.first_redeemed_on),
        "months": _encode_months(statistics.months),
    }
    kept = {name: value for name, value in content.items() if value}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def decode_statistics(text: str) -> Statistics:
    """The inverse of `encode_statistics`."""
    content: dict[str, Any] = json.loads(text)
    days = {
        name: date.fromisoformat(content[name])
        for name in ("enrolled_on", "left_on", "first_redeemed_on")
        if name in content
    }
    return Statistics(
        number=content.get("number", 0),
        alias_of=content.get("alias_of"),
        months=_decode_months(content.get("months", "")),
        **days,
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _encode_months(months: Mapping[int, Happened]) -> str:
    if not months:
        return ""
    numbers = (
        f"{each.purchases}/{each.actions}" if each.actions else str(each.purchases)
        for month in range(min(months), max(months) + 1)
        for each in (months.get(month, Happened()),)
    )
    return f"{month_name(min(months))}:{' '.join(numbers)}"


def _decode_months(text: str) -> dict[int, Happened]:
    begin, _, numbers = text.partition(":")
    if not numbers:
        return {}
    first = month_number(begin)
    months: dict[int, Happened] = {}
    for month, number in enumerate(numbers.split(), start=first):
        purchases, _, actions = number.partition("/")
        happened = Happened(int(purchases), int(actions or 0))
        if any(happened):
            months[month] = happened
    return months
