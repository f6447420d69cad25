"""The service's ports in memory: every condition honoured, every commit atomic, one lock.

One object is `Store`, every reader and `SweepStore`; the contract tests hold it to what the store
on DynamoDB does.
"""

import bisect
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.service.ports import (
    Append,
    Approval,
    Board,
    Budget,
    BudgetKey,
    Committed,
    Coupon,
    Create,
    Draw,
    EntryPage,
    GuardAbsent,
    GuardHead,
    HeadKey,
    Item,
    ItemKey,
    Key,
    Link,
    Listed,
    ListName,
    ListPage,
    Lost,
    Marker,
    MarkerKind,
    Note,
    NotePlace,
    Outcome,
    Park,
    PendingPage,
    PendingShare,
    Profile,
    ProfileKey,
    Put,
    Redemption,
    Remove,
    Reward,
    Save,
    Score,
    Simulation,
    Stock,
    Stored,
    VersionList,
    Wait,
    Write,
)
from points_ledger.service.sweep_ports import (
    HourAndShard,
    MarkerPage,
    ShardProgress,
    SweepProgress,
    shards_for,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a store holds at one moment, to compare with another."""

    chains: Mapping[MemberId, tuple[Entry, ...]]
    items: Mapping[ItemKey, Item]
    notes: tuple[Note, ...]
    lists: tuple[Listed, ...]
    shares: tuple[PendingShare, ...]
    waiting: Mapping[ExternalId, tuple[EarningKey, ...]]
    parked: Mapping[PaymentKey, tuple[Fact, ...]]
    markers: tuple[Marker, ...]


class MemoryStore:
    """A store that forgets everything with the process. Safe to share between threads."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._chains: dict[MemberId, list[Entry]] = {}
        self._items: dict[ItemKey, Item] = {}
        self._notes: dict[tuple[MemberId, str], Note] = {}
        self._lists: dict[Listed, None] = {}
        self._shares: dict[tuple[EarningKey, MemberId], PendingShare] = {}
        self._waiting: dict[ExternalId, dict[EarningKey, None]] = {}
        self._parked: dict[PaymentKey, dict[Fact, None]] = {}
        self._hours: dict[tuple[MarkerKind, datetime], int] = {}
        self._markers: dict[tuple[MarkerKind, datetime, int], dict[str, Marker]] = {}
        self._places: dict[tuple[MarkerKind, datetime, int], list[str]] = {}
        self._put_into: dict[tuple[MarkerKind, datetime], int] = {}
        self._progress: dict[MarkerKind, SweepProgress] = {}
        self._shards: dict[MarkerKind, dict[HourAndShard, ShardProgress]] = {}

    # --- Store ------------------------------------------------------------------------------

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        with self._lock:
            return {key: self._items[key] for key in keys if key in self._items}

    def head(self, member_id: MemberId) -> Entry | None:
        with self._lock:
            chain = self._chains.get(member_id)
            return chain[-1] if chain else None

    def commit(self, writes: Sequence[Write]) -> Outcome:
        with self._lock:
            self._refuse_contradictions(writes)
            returned: dict[Key, Stored | None] = {}
            for write in writes:
                self._check(write, returned)
            if returned:
                return Lost(returned=returned)
            for write in writes:
                self._apply(write)
            return Committed()

    @staticmethod
    def _refuse_contradictions(writes: Sequence[Write]) -> None:
        """As DynamoDB does: one commit has one action for an item."""
        seen: set[object] = set()
        for write in writes:
            place = _conditional_place(write)
            if place in seen:
                raise ValueError(f"two writes of {place} in one commit")
            if place is not None:
                seen.add(place)

    def _check(self, write: Write, returned: dict[Key, Stored | None]) -> None:
        match write:
            case Append(entry=entry):
                self._check_absent(entry.member_id, entry.number, returned)
            case GuardHead(member_id=member_id, number=number):
                self._check_absent(member_id, number + 1, returned)
            case Save(item=item, expected=expected):
                if _revision(self._items.get(item.key)) != expected:
                    returned[item.key] = self._items.get(item.key)
            case Create(item=item):
                if item.key in self._items:
                    returned[item.key] = self._items[item.key]
            case GuardAbsent(key=key):
                if key in self._items:
                    returned[key] = self._items[key]
            case Draw(key=key):
                if not self._can_draw(write):
                    returned[key] = self._items.get(key)
            case Remove(item=ProfileKey() as key, expected=int(expected)):
                if _revision(self._items.get(key)) != expected:
                    returned[key] = self._items.get(key)
            case Put() | Remove() | Link() | Wait() | Park():
                pass
            case _:
                assert_never(write)

    def _can_draw(self, draw: Draw) -> bool:
        found = self._items.get(draw.key)
        if isinstance(draw.key, BudgetKey):
            given = found.given if isinstance(found, Budget) else 0
            return draw.share is None or given + draw.quantity <= draw.share
        return isinstance(found, Stock) and found.remaining >= draw.quantity

    def _draw(self, draw: Draw) -> None:
        found, key = self._items.get(draw.key), draw.key
        if isinstance(key, BudgetKey):
            given = draw.quantity + (found.given if isinstance(found, Budget) else 0)
            self._items[key] = Budget(campaign_id=key.campaign_id, shard=key.shard, given=given)
            return
        assert isinstance(found, Stock)
        self._items[key] = replace(found, remaining=found.remaining - draw.quantity)

    def _check_absent(
        self, member_id: MemberId, number: int, returned: dict[Key, Stored | None]
    ) -> None:
        chain = self._chains.get(member_id, [])
        if number <= len(chain):
            key, entry = HeadKey(member_id=member_id), chain[number - 1]
            known = returned.get(key)
            returned[key] = known if isinstance(known, Entry) and known.number > number else entry

    def _apply(self, write: Write) -> None:
        match write:
            case Append(entry=entry):
                chain = self._chains.setdefault(entry.member_id, [])
                assert entry.number == len(chain) + 1, "a chain has no gaps"
                chain.append(entry)
            case Save(item=VersionList() as versions):
                self._items[versions.key] = versions
            case Save(item=item, expected=expected):
                assert not isinstance(item, VersionList)
                self._items[item.key] = replace(item, revision=expected + 1)
            case Draw():
                self._draw(write)
            case Remove(item=Listed() as place):
                self._lists.pop(place, None)
            case Remove(item=Marker() as marker):
                self._places.clear()
                for markers in self._markers.values():
                    for name in [name for name, each in markers.items() if each == marker]:
                        del markers[name]
            case Remove(item=gone):
                assert not isinstance(gone, Listed | Marker)
                self._items.pop(gone, None)
            case Create(item=item) as create:
                self._items[create.item.key] = create.item
            case Link(item=link):
                self._items[link.key] = link
            case Put(item=put):
                self._put(put)
            case Wait(external_id=external_id, earning=earning_key):
                self._waiting.setdefault(external_id, {})[earning_key] = None
            case Park(payment=payment, fact=fact):
                self._parked.setdefault(payment, {})[fact] = None
            case GuardAbsent() | GuardHead():
                pass
            case _:
                assert_never(write)

    def _put(self, item: Marker | Note | Listed | PendingShare | Stock) -> None:
        match item:
            case Marker():
                self._put_marker(item)
            case Note():
                self._notes[item.member_id, item.id] = item
            case Listed():
                self._lists[item] = None
            case PendingShare():
                self._shares[item.earning, item.member_id] = item
            case Stock():
                self._items[item.key] = item
            case _:
                assert_never(item)

    def _put_marker(self, marker: Marker) -> None:
        hour = _hour(max(marker.due_at, self._clock()))
        counted = self._put_into.get((marker.kind, hour), 0) + 1
        self._put_into[marker.kind, hour] = counted
        shards = max(shards_for(counted), self._hours.get((marker.kind, hour), 1))
        self._hours[marker.kind, hour] = shards
        digest = hashlib.sha256(marker.target.encode()).hexdigest()
        place = (marker.kind, hour, int(digest, 16) % shards)
        self._places.pop(place, None)
        self._markers.setdefault(place, {})[f"{_sortable(marker.due_at)}#{digest}"] = marker

    # --- LedgerReader and WaitingReader -----------------------------------------------------

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> EntryPage:
        matching = [
            entry
            for entry in reversed(self.chain(member_id))
            if (before is None or entry.number < before)
            and (not types or entry.posting.type in types)
        ]
        page = tuple(matching[:limit])
        return EntryPage(
            entries=page, next_number=page[-1].number if len(matching) > limit else None
        )

    def pending_earnings(
        self, member_id: MemberId, *, limit: int, cursor: str | None
    ) -> PendingPage:
        with self._lock:
            at_home = (
                (item.key, item.posted_at)
                for item in self._items.values()
                if isinstance(item, Earning)
                and item.home == member_id
                and member_id in item.pending_members
            )
            shared = (
                (share.earning, share.since)
                for share in self._shares.values()
                if share.member_id == member_id
            )
            places = sorted(
                (f"{member_id} {_sortable(since)} {key}", key)
                for key, since in (*at_home, *shared)
                if since is not None
            )
        if cursor is not None and not cursor.startswith(f"{member_id} "):
            raise ValueError("not a cursor of this list")
        rest = [place for place in places if cursor is None or place[0] > cursor]
        page = rest[:limit]
        return PendingPage(
            keys=tuple(key for _, key in page), cursor=page[-1][0] if len(rest) > limit else None
        )

    def listed(
        self,
        name: ListName,
        partition: str,
        *,
        prefix: str = "",
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,  # noqa: ARG002 - there is nothing older to read
    ) -> ListPage:
        start = f"{name} {partition} "
        if cursor is not None and not cursor.startswith(f"{start}{prefix}"):
            raise ValueError("not a cursor of this list")
        with self._lock:
            found = sorted(
                (
                    (f"{start}{each.sort}#{each.id}", each.id)
                    for each in self._lists
                    if (each.list, each.partition) == (name, partition)
                    and each.sort.startswith(prefix)
                ),
                reverse=newest_first,
            )
        rest = [
            each
            for each in found
            if cursor is None or (each[0] < cursor if newest_first else each[0] > cursor)
        ]
        page = rest[:limit]
        return ListPage(
            ids=tuple(id_ for _, id_ in page), cursor=page[-1][0] if len(rest) > limit else None
        )

    def notes(self, member_id: MemberId) -> Sequence[Note]:
        with self._lock:
            return [note for (owner, _), note in self._notes.items() if owner == member_id]

    def texts(self, places: Sequence[NotePlace]) -> Mapping[NotePlace, str]:
        with self._lock:
            return {place: self._notes[place].text for place in places if place in self._notes}

    def erase_notes(self, member_id: MemberId) -> int:
        with self._lock:
            erased = [place for place in self._notes if place[0] == member_id]
            for place in erased:
                del self._notes[place]
            return len(erased)

    def waiting(self, external_id: ExternalId) -> Sequence[EarningKey]:
        with self._lock:
            return list(self._waiting.get(external_id, {}))

    def parked(self, payment: PaymentKey) -> Sequence[Fact]:
        with self._lock:
            return list(self._parked.get(payment, {}))

    # --- SweepStore -------------------------------------------------------------------------

    def due_hours(
        self, kind: MarkerKind, *, since: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[datetime, int]]:
        first = _hour(since) if since else None
        with self._lock:
            return sorted(
                (hour, shards)
                for (stored_kind, hour), shards in self._hours.items()
                if stored_kind == kind and hour <= until and (first is None or hour >= first)
            )[:limit]

    def markers(
        self,
        kind: MarkerKind,
        hour: datetime,
        shard: int,
        *,
        until: datetime,
        after: str | None,
        limit: int,
    ) -> MarkerPage:
        with self._lock:
            stored = self._markers.get((kind, hour, shard), {})
            places = self._sorted_places(kind, hour, shard)
            begin = bisect.bisect_right(places, after) if after is not None else 0
            due = [
                place for place in places[begin : begin + limit] if stored[place].due_at <= until
            ]
            return MarkerPage(
                markers=tuple(stored[place] for place in due),
                places=tuple(due),
                cursor=due[-1] if len(due) == limit else None,
            )

    def _sorted_places(self, kind: MarkerKind, hour: datetime, shard: int) -> list[str]:
        """The places of a shard's markers; sorted once as long as none comes or goes."""
        stored = self._markers.get((kind, hour, shard), {})
        known = self._places.get((kind, hour, shard))
        if known is None:
            known = self._places[kind, hour, shard] = sorted(stored)
        return known

    def progress(self, kind: MarkerKind) -> SweepProgress:
        with self._lock:
            return self._progress.get(kind, SweepProgress())

    def save_progress(self, kind: MarkerKind, progress: SweepProgress) -> None:
        with self._lock:
            stored = self._progress.get(kind, SweepProgress()).first_open_hour
            assert progress.first_open_hour is not None
            if stored is None or stored <= progress.first_open_hour:
                self._progress[kind] = progress

    def shards(
        self, kind: MarkerKind, *, first: datetime, last: datetime
    ) -> Mapping[HourAndShard, ShardProgress]:
        with self._lock:
            stored = self._shards.get(kind, {})
            return {place: each for place, each in stored.items() if first <= place[0] <= last}

    def shard(self, kind: MarkerKind, hour: datetime, shard: int) -> ShardProgress:
        with self._lock:
            nothing = ShardProgress(hour=hour, shard=shard)
            return self._shards.get(kind, {}).get((hour, shard), nothing)

    def save_shard(self, kind: MarkerKind, progress: ShardProgress) -> ShardProgress:
        with self._lock:
            stored = self.shard(kind, progress.hour, progress.shard)
            if stored.revision != progress.revision:
                return stored
            later = replace(progress, revision=progress.revision + 1)
            self._shards.setdefault(kind, {})[progress.hour, progress.shard] = later
            return later

    # --- For tests --------------------------------------------------------------------------

    def chain(self, member_id: MemberId) -> list[Entry]:
        """All entries of a member, oldest first."""
        with self._lock:
            return list(self._chains.get(member_id, []))

    def members(self) -> list[MemberId]:
        """Everybody who has a chain."""
        with self._lock:
            return list(self._chains)

    def earnings(self) -> list[Earning]:
        """All earnings."""
        with self._lock:
            return [item for item in self._items.values() if isinstance(item, Earning)]

    def snapshot(self) -> Snapshot:
        """All that is stored, but the sweeps' own progress."""
        with self._lock:
            return Snapshot(
                chains={member_id: tuple(chain) for member_id, chain in self._chains.items()},
                items=dict(self._items),
                notes=tuple(self._notes.values()),
                lists=tuple(self._lists),
                shares=tuple(self._shares.values()),
                waiting={key: tuple(earnings) for key, earnings in self._waiting.items()},
                parked={key: tuple(facts) for key, facts in self._parked.items()},
                markers=tuple(
                    marker for markers in self._markers.values() for marker in markers.values()
                ),
            )

    def grow_shards(self, kind: MarkerKind, hour: datetime, shards: int) -> None:
        """What an operator does to a crowded hour; markers that are there stay where they are."""
        with self._lock:
            self._hours[kind, hour] = max(shards, self._hours.get((kind, hour), 1))


def _conditional_place(write: Write) -> object:
    match write:
        case Append(entry=entry):
            return entry.member_id, entry.number
        case GuardHead(member_id=member_id, number=number):
            return member_id, number + 1
        case Save(item=item) | Create(item=item):
            return item.key
        case Remove(item=Listed() as place):
            return place
        case Remove(item=key):
            return key
        case Draw(key=key):
            return key
        case GuardAbsent(key=key):
            return key
        case _:
            return None


def _revision(item: Item | None) -> int:
    """Earnings count their changes; every change of the version list adds a version."""
    match item:
        case (
            Earning()
            | Redemption()
            | Approval()
            | Reward()
            | Coupon()
            | Profile()
            | Simulation()
            | Score()
            | Board()
        ):
            return item.revision
        case VersionList(periods=periods):
            return len(periods)
        case _:
            return 0


def _hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _sortable(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
