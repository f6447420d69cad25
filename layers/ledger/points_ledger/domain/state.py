"""A member's account after one entry: what the newest entry of the chain carries.

Balances, lots and counters change only by a `Posting` (entry.py). Counters are named integers:
the totals of the conservation rule, `active_until`, and others with a colon in their name
(`expired_lot:<day>`, `joined_lot:<day>`, `warned:<day>`, `notified:<day>`,
`used:<rule or campaign>:<period>`, `over:<campaign>`, `redeemed_value:<year>`,
`qualifying:<month>`).
"""

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Literal

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_LOTS, MAX_OPEN_RESERVATIONS
from points_ledger.domain.lot import NO_LOTS, Lots, add, joining, negative, take, total
from points_ledger.domain.sharing import Share

Status = Literal["active", "frozen", "closed", "erased", "merged"]
Counters = Mapping[str, int]
NO_COUNTERS: Final[Counters] = {}

EXPIRED: Final = "expired_lot:"
JOINED: Final = "joined_lot:"
ACTIVE_UNTIL: Final = "active_until"
"""The last day that a member's activity gives, as an ordinal (activity.py)."""

ENROLLED_AT: Final = "enrolled_at"
"""When the account was opened, in whole minutes since 1970 (tier.py); accounts of before the
counter do not have it."""
QUALIFYING: Final = "qualifying:"
"""Qualifying points by the month in which purchases were posted, as `2026-11` (tier.py)."""

ORIGIN_COUNTERS: Final = ("earned", "opened", "adjusted", "transferred", "merged")
"""Where points come from: the left side of the conservation rule (semantics 9)."""
USE_COUNTERS: Final = ("redeemed", "expired", "lapsed", "reversed", "forfeited")
"""Where points went: the right side, beside the balances."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """A tier for a time, through the end of `last_day`, whatever the points are (tier.py).

    `source` says what gave it: `reward:<redemption>`, `membership:<membership>:<purchase>`, or
    `membership:<membership>#<number>` for the one that staff gave with the entry of this number.
    """

    tier: str
    last_day: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What about a member decides, apart from numbers. Changing it is an entry.

    `sharing` is the plan by which future purchases are split, empty without one; `aliases` are
    the members that were merged into this one. `tier` is the higher of what points hold and what
    `grants` give; with grants, `points_tier` is the part of the points. `fell_on` is the day since
    when points do not suffice for the tier that they hold. `referred_by` is who brought the member,
    never changed once it is set, and `referred_as` the id under which, where that was another one.
    """

    status: Status = "active"
    alias_of: MemberId | None = None
    tier: str | None = None
    tags: tuple[str, ...] = ()
    organisation: str | None = None
    jurisdiction: str | None = None
    earns: bool = True
    sharing: tuple[Share, ...] = ()
    aliases: tuple[MemberId, ...] = ()
    referred_by: MemberId | None = None
    referred_as: MemberId | None = None
    points_tier: str | None = None
    fell_on: date | None = None
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Points set aside until `expires_at`, pinned to the lots that they came from.

    `value` (in the currency's smallest unit) counts against the yearly cap of `year`; both are 0
    where the reservation is for no redemption.
    """

    lots: Lots
    expires_at: datetime
    value: int = 0
    year: int = 0

    @property
    def points(self) -> int:
        """How many points are set aside."""
        return total(self.lots)


Reservations = Mapping[str, Reservation]
ReservationChanges = Mapping[str, Reservation | None]
"""By the id of what reserves: a new reservation, or None where one ends."""
NO_RESERVATIONS: Final[ReservationChanges] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The account. `available = Σ lots − debt`; lots and debt never exist at the same time."""

    pending: int = 0
    reserved: int = 0
    debt: int = 0
    lots: Lots = field(default_factory=dict)
    reservations: Reservations = field(default_factory=dict)
    counters: Counters = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)

    @property
    def available(self) -> int:
        """Spendable points by the book: lots that have passed still count until settled."""
        return total(self.lots) - self.debt

    def counter(self, name: str) -> int:
        """A counter's value; absent is zero."""
        return self.counters.get(name, 0)

    def check(self) -> None:
        """State the invariants of semantics 9 (2 and 3).

        Raises:
            BrokenInvariantError: names the first that does not hold.
        """
        counted = self.counters.get
        origins = sum([counted(name, 0) for name in ORIGIN_COUNTERS])
        uses = sum([counted(name, 0) for name in USE_COUNTERS])
        held = self.pending + self.available + self.reserved
        set_aside = sum(reservation.points for reservation in self.reservations.values())
        broken = next(
            (
                name
                for name, holds in (
                    ("pending is not negative", self.pending >= 0),
                    ("reserved is what the open reservations hold", self.reserved == set_aside),
                    ("reservations are few", len(self.reservations) <= MAX_OPEN_RESERVATIONS),
                    ("debt is not negative", self.debt >= 0),
                    ("lots are positive", all(points > 0 for points in self.lots.values())),
                    ("lots are few", len(self.lots) <= MAX_LOTS),
                    ("debt means no lots", not (self.debt and self.lots)),
                    ("points are conserved", origins == held + uses),
                )
                if not holds
            ),
            None,
        )
        if broken:
            raise BrokenInvariantError(broken)


EMPTY: Final = State()


def changed(
    state: State,
    *,
    pending: int = 0,
    reserved: int = 0,
    debt: int = 0,
    lots: Lots = NO_LOTS,
    reservations: ReservationChanges = NO_RESERVATIONS,
    counters: Counters = NO_COUNTERS,
    standing: Standing | None = None,
) -> State:
    """The state after adding each change; `standing` replaces the one before."""
    open_ones = {**state.reservations, **reservations} if reservations else state.reservations
    return State(
        pending=state.pending + pending,
        reserved=state.reserved + reserved,
        debt=state.debt + debt,
        lots=add(state.lots, lots),
        reservations={id_: each for id_, each in open_ones.items() if each is not None},
        counters=_counted(state.counters, counters),
        standing=standing or state.standing,
    )


def _counted(counters: Counters, change: Counters) -> Counters:
    """Counters after a change, by name, those of zero dropped."""
    after = dict(counters)
    for name, value in change.items():
        after[name] = after.get(name, 0) + value
    return {name: after[name] for name in sorted(after) if after[name]}


def summed(*changes: Counters) -> Counters:
    """Several changes of counters as one; what comes to nothing is left out."""
    names = dict.fromkeys(name for change in changes for name in change)
    sums = {name: sum(change.get(name, 0) for change in changes) for name in names}
    return {name: value for name, value in sums.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a credit changes: lots, the debt that it repays, and which days were joined."""

    lots: Lots
    repaid: int
    counters: Counters


def credited(state: State, lots: Lots) -> Credit:
    """A credit of lots; it repays debt first, from its soonest lot (semantics 2)."""
    repaid = take(lots, state.debt)
    opened = add(lots, negative(repaid))
    change = joining(add(state.lots, opened))
    return Credit(lots=add(opened, change), repaid=total(repaid), counters=_joined(state, change))


def lot_of(state: State, day: date) -> date:
    """The day of the lot that now holds what was put into the lot of `day`."""
    while day not in state.lots and not state.counter(record_of(day)):
        gap_days = state.counter(f"{JOINED}{day.isoformat()}")
        if not gap_days:
            break
        day += timedelta(days=gap_days)
    return _moved_by_activity(state, day)


def _moved_by_activity(state: State, day: date) -> date:
    """Where activity moves lots, all points of a day are in the next later lot, or expired there.

    There is one lot at a time and it only moves forward, so nothing has to remember each move.
    """
    if day in state.lots or ACTIVE_UNTIL not in state.counters or state.counter(record_of(day)):
        return day
    records = (name.removeprefix(EXPIRED) for name in state.counters if name.startswith(EXPIRED))
    days = {*state.lots, *map(date.fromisoformat, records)}
    return min((later for later in days if day < later < date.max), default=day)


def where_now(lots: Lots, state: State) -> Lots:
    """Lots by the days under which the state holds them now, after lots were joined."""
    moved: Lots = NO_LOTS
    for day, points in lots.items():
        moved = add(moved, {lot_of(state, day): points})
    return moved


def record_of(day: date) -> str:
    """The counter that remembers what expired from the lot of a day (semantics 3.4)."""
    return f"{EXPIRED}{day.isoformat()}"


def _joined(state: State, change: Lots) -> Counters:
    """Remember which day each joined lot went to, in days ahead."""
    moved: dict[str, int] = {}
    for day in (day for day, points in change.items() if points < 0):
        later = min(other for other, points in change.items() if points > 0 and other > day)
        moved[f"{JOINED}{day.isoformat()}"] = (later - day).days
    return joins_within_bounds(state.counters, moved)


def joins_within_bounds(counters: Counters, moved: Counters) -> Counters:
    """The change that remembers where joined lots went; at most MAX_LOTS, the newest."""
    if not moved:
        return NO_COUNTERS
    known = {n: v for n, v in counters.items() if n.startswith(JOINED)}
    kept = dict(sorted({**known, **moved}.items())[-MAX_LOTS:])
    return {n: kept.get(n, 0) - known.get(n, 0) for n in {**known, **moved}}


def encode_lots(lots: Lots) -> str:
    """Lots as `20281130:500 20281231:20`, soonest first: 13 bytes a lot and more."""
    pairs = sorted(lots.items())
    return " ".join([f"{day.isoformat().replace('-', '')}:{points}" for day, points in pairs])


def decode_lots(text: str) -> Lots:
    """The inverse of `encode_lots`."""
    pairs = (part.split(":") for part in text.split())
    return {date.fromisoformat(day): int(points) for day, points in pairs}


def encode_months(counters: Counters) -> str:
    """The qualifying points among counters as `202611:120 0 30`, without which it is empty.

    It is the first month, and a number for it and for each month after it, so that thirteen months
    take little more than their numbers.
    """
    months = {
        int(name[-7:-3]) * 12 + int(name[-2:]) - 1: points
        for name, points in counters.items()
        if name.startswith(QUALIFYING)
    }
    if not months:
        return ""
    first, last = min(months), max(months)
    numbers = " ".join(str(months.get(month, 0)) for month in range(first, last + 1))
    return f"{first // 12:04}{first % 12 + 1:02}:{numbers}"


def decode_months(text: str) -> dict[str, int]:
    """The inverse of `encode_months`."""
    begin, _, numbers = text.partition(":")
    first = int(begin[:4]) * 12 + int(begin[4:]) - 1 if numbers else 0
    return {
        f"{QUALIFYING}{month // 12:04}-{month % 12 + 1:02}": int(points)
        for month, points in enumerate(numbers.split(), start=first)
        if points != "0"
    }


_NAMES: Final = tuple(Standing.__dataclass_fields__)
_standing_values: Final = attrgetter(*_NAMES)
_DEFAULTS: Final = _standing_values(EMPTY.standing)


def encode_standing(standing: Standing) -> dict[str, object]:
    """A standing without its defaults."""
    values = _standing_values(standing)
    if values == _DEFAULTS:
        return {}
    kept = {
        name: value
        for name, value, default in zip(_NAMES, values, _DEFAULTS, strict=True)
        if value != default
    }
    if standing.sharing:
        kept["sharing"] = [[share.member_id, share.percent] for share in standing.sharing]
    if standing.fell_on is not None:
        kept["fell_on"] = standing.fell_on.isoformat()
    if standing.grants:
        kept["grants"] = [[g.tier, g.last_day.isoformat(), g.source] for g in standing.grants]
    return kept


def decode_standing(values: Mapping[str, object]) -> Standing:
    """The inverse of `encode_standing`."""
    standing: dict[str, Any] = dict(values)
    for name in ("tags", "aliases"):
        if name in standing:
            standing[name] = tuple(standing[name])
    if "sharing" in standing:
        shares = ((MemberId(id_), percent) for id_, percent in standing["sharing"])
        standing["sharing"] = tuple(Share(member_id=id_, percent=part) for id_, part in shares)
    if "fell_on" in standing:
        standing["fell_on"] = date.fromisoformat(standing["fell_on"])
    if "grants" in standing:
        standing["grants"] = tuple(
            Grant(tier=tier, last_day=date.fromisoformat(day), source=source)
            for tier, day, source in standing["grants"]
        )
    return Standing(**standing)


def encode_reservations(reservations: ReservationChanges) -> dict[str, list[object] | None]:
    """Reservations, or changes of them, as lists of lots, end, value and year."""
    return {
        id_: None
        if each is None
        else [encode_lots(each.lots), format_instant(each.expires_at), each.value, each.year]
        for id_, each in reservations.items()
    }


def decode_reservations(content: Mapping[str, Any]) -> dict[str, Reservation | None]:
    """The inverse of `encode_reservations`."""
    return {
        id_: None
        if each is None
        else Reservation(
            lots=decode_lots(each[0]),
            expires_at=datetime.fromisoformat(each[1]),
            value=each[2],
            year=each[3],
        )
        for id_, each in content.items()
    }


def encode_state(state: State) -> str:
    """The one canonical text of a state: what is stored and what is hashed."""
    content: dict[str, object] = {
        "pending": state.pending,
        "reserved": state.reserved,
        "debt": state.debt,
        "lots": encode_lots(state.lots),
        "reservations": encode_reservations(state.reservations),
        "counters": {n: v for n, v in state.counters.items() if not n.startswith(QUALIFYING)},
        "qualifying": encode_months(state.counters),
        "standing": encode_standing(state.standing),
    }
    kept = {name: value for name, value in content.items() if value}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decode_state(text: str) -> State:
    """The inverse of `encode_state`."""
    content = json.loads(text)
    reservations = decode_reservations(content.get("reservations", {}))
    return State(
        pending=content.get("pending", 0),
        reserved=content.get("reserved", 0),
        debt=content.get("debt", 0),
        lots=decode_lots(content.get("lots", "")),
        reservations={id_: each for id_, each in reservations.items() if each is not None},
        counters=content.get("counters", {}) | decode_months(content.get("qualifying", "")),
        standing=decode_standing(content.get("standing", {})),
    )
