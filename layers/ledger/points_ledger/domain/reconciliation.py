"""What has to hold of a member's stored ledger, whatever has happened to the items since.

The invariants of semantics 9, looked at from what is stored: the chain by itself, and the chain
beside the earnings and redemptions that it was posted for. Nothing here reads or repairs.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from points_ledger.domain.aim import aim
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import NOTHING_POSTED, Earning
from points_ledger.domain.entry import GENESIS_HASH, Entry, apply, entry_hash
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.state import EMPTY

Invariant = Literal[
    "readable",
    "entries_gap_free",
    "entries_linked",
    "entry_hash",
    "recorded_in_order",
    "balances_are_sums",
    "account_consistent",
    "points_conserved",
    "entry_recomputed",
    "pending_allocations",
    "matured_allocations",
    "pending_indexed",
    "reservations_open",
    "redemptions_agree",
]
"""The invariants of semantics 9, by what would be broken."""

REPORTED_ONLY: Final[frozenset[Invariant]] = frozenset({"entry_recomputed", "pending_indexed"})
"""What freezes nobody. The code that computes entries may itself have changed, and then every
member would be frozen in one night; and the index only finds candidates, and decides nothing."""

MAX_BROKEN: Final = 10
"""Differences told of one member: a change of an early entry may show in all later ones."""
_CONSERVED: Final = "points are conserved"
_SPENT: Final = "rdm_"
"""What the ids of redemptions begin with; other reservations wait for an approval."""
_OPEN: Final = ("reserved", "awaiting_approval")
_REDEMPTION: Final = "redemption"
"""The detail that names the redemption of an entry."""
_ALLOCATIONS: Final[Mapping[str, Invariant]] = {
    "pending": "pending_allocations",
    "matured": "matured_allocations",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One thing that is not as it has to be; `entry` is the number of the entry that shows it.

    `detail` has numbers, ids of purchases and names of fields, nothing else.
    """

    invariant: Invariant
    entry: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEarning:
    """An earning, and the members under whom the index has it."""

    earning: Earning
    indexed: frozenset[MemberId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRedemption:
    """What a redemption says of itself: its status, and the points that it took in the end."""

    status: str
    spent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """A member's chain with all that it was posted for.

    Attributes:
        chains: of the member, and of everybody who was merged into it, oldest entry first.
        earnings: what the entries name and is stored.
        redemptions: by id, what is stored of those that the account says are open, and of the
            latest that entries name.
    """

    member_id: MemberId
    chains: Mapping[MemberId, Sequence[Entry]]
    earnings: Mapping[EarningKey, StoredEarning] = field(default_factory=dict)
    redemptions: Mapping[str, StoredRedemption] = field(default_factory=dict)

    @property
    def head(self) -> Entry:
        """The member's newest entry."""
        return self.chains[self.member_id][-1]


def broken_in_chain(member_id: MemberId, entries: Iterable[Entry]) -> Iterator[Broken]:
    """What is broken in one chain, entry by entry; after a break it goes on from what is stored."""
    state, previous_hash, expected = EMPTY, GENESIS_HASH, 1
    recorded_at: datetime | None = None
    for entry in entries:
        number = entry.number
        if (entry.member_id, number) != (member_id, expected):
            yield Broken(
                invariant="entries_gap_free", entry=number, detail=f"expected entry {expected}"
            )
        if entry.previous_hash != previous_hash:
            yield Broken(invariant="entries_linked", entry=number)
        if recorded_at is not None and entry.recorded_at < recorded_at:
            yield Broken(invariant="recorded_in_order", entry=number)
        if apply(state, entry.posting) != entry.state:
            yield Broken(invariant="balances_are_sums", entry=number)
        try:
            entry.state.check()
        except BrokenInvariantError as error:
            reason = str(error)
            named: Invariant = "points_conserved" if reason == _CONSERVED else "account_consistent"
            yield Broken(invariant=named, entry=number, detail=reason)
        right = entry_hash(
            entry.member_id,
            number,
            entry.recorded_at,
            entry.posting,
            entry.state,
            entry.previous_hash,
        )
        if entry.hash != right:
            yield Broken(invariant="entry_hash", entry=number)
        state, previous_hash, expected = entry.state, entry.hash, number + 1
        recorded_at = entry.recorded_at


def sources_of(chains: Mapping[MemberId, Sequence[Entry]]) -> tuple[EarningKey, ...]:
    """The earnings that entries were posted for: those with something pending, then the latest."""
    held = _held_by_source(chains)
    pending = (source for source, points in held.items() if points.pending)
    named = (
        entry.posting.source
        for chain in chains.values()
        for entry in reversed(chain)
        if _is_of_an_earning(entry)
    )
    latest = (source for source in named if source is not None)
    return tuple(dict.fromkeys((*pending, *latest)))


def redemptions_of(chains: Mapping[MemberId, Sequence[Entry]]) -> tuple[str, ...]:
    """The redemptions that entries were posted for, the latest named first."""
    named = (
        entry.posting.details.get(_REDEMPTION)
        for chain in chains.values()
        for entry in reversed(chain)
    )
    return tuple(dict.fromkeys(id_ for id_ in named if id_ is not None))


def broken_beside(holdings: Holdings, asked: Collection[EarningKey]) -> Iterator[Broken]:
    """What the chain and the items beside it do not agree on; `asked` are the earnings read."""
    if holdings.head.state.standing.status in ("merged", "erased"):
        return  # what was pending has gone on, or was forfeited
    yield from _broken_allocations(holdings, asked)
    yield from _broken_redemptions(holdings)


def _broken_redemptions(holdings: Holdings) -> Iterator[Broken]:
    """What is set aside belongs to an open redemption; what was taken is what each says it took."""
    open_ones = holdings.head.state.reservations
    for id_ in open_ones:
        if not id_.startswith(_SPENT):
            continue
        stored = holdings.redemptions.get(id_)
        if stored is None or stored.status not in _OPEN:
            detail = f"{id_} is {'not there' if stored is None else stored.status}"
            yield Broken(invariant="reservations_open", entry=holdings.head.number, detail=detail)
    taken: Counter[str] = Counter()
    for entry in (entry for chain in holdings.chains.values() for entry in chain):
        id_ = entry.posting.details.get(_REDEMPTION, "")
        taken[id_] += entry.posting.counters.get("redeemed", 0)
    for id_, stored in holdings.redemptions.items():
        if stored.spent != taken[id_]:
            detail = f"{id_}: {stored.spent} by the redemption, {taken[id_]} by the entries"
            yield Broken(invariant="redemptions_agree", detail=detail)


class _Held(NamedTuple):
    """Points of one earning by the entries: pending, and matured."""

    pending: int = 0
    matured: int = 0


def _broken_allocations(holdings: Holdings, asked: Collection[EarningKey]) -> Iterator[Broken]:
    """What entries say of an earning is what it says itself, and the index has what is pending."""
    ids = (holdings.member_id, *holdings.head.state.standing.aliases)
    by_entries = _held_by_source(holdings.chains)
    for key in asked:
        stored = holdings.earnings.get(key)
        posted = {} if stored is None else stored.earning.posted
        pending = {id_: posted.get(id_, NOTHING_POSTED).pending for id_ in ids}
        matured = sum(posted.get(id_, NOTHING_POSTED).matured for id_ in ids)
        expected = by_entries.get(key, _Held())
        found = _Held(sum(pending.values()), matured)
        for name, invariant in _ALLOCATIONS.items():
            one, other = getattr(found, name), getattr(expected, name)
            if one != other:
                detail = f"{key}: {one} by the earning, {other} by the entries"
                yield Broken(invariant=invariant, detail=detail)
        missing = [
            id_
            for id_, points in pending.items()
            if points and stored is not None and id_ not in stored.indexed
        ]
        if missing:
            yield Broken(invariant="pending_indexed", detail=str(key))
    in_all = sum(each.pending for each in by_entries.values())
    held = holdings.head.state.pending
    if in_all != held:
        detail = f"{held} in the account, {in_all} of all earnings"
        yield Broken(invariant="pending_allocations", entry=holdings.head.number, detail=detail)


def _held_by_source(chains: Mapping[MemberId, Sequence[Entry]]) -> Mapping[EarningKey, _Held]:
    by_source: dict[EarningKey, _Held] = {}
    for chain in chains.values():
        for entry in chain:
            posting = entry.posting
            if posting.source is not None and _is_of_an_earning(entry):
                before = by_source.get(posting.source, _Held())
                by_source[posting.source] = _Held(
                    before.pending + posting.pending, before.matured + posting.available
                )
    return by_source


def _is_of_an_earning(entry: Entry) -> bool:
    """Whether an earning made the entry; redemptions name their ticket as their source."""
    posting = entry.posting
    return (
        posting.type in ("accrual", "reversal", "maturation", "lapse")
        and posting.source is not None
        and _REDEMPTION not in posting.details
    )


def is_late(
    earning: Earning, members: Collection[MemberId], program: Program, at: datetime
) -> bool:
    """Whether something of the earning should have been posted for these members by `at`."""
    if earning.earner_id is None or earning.posted_at is None:
        return False
    goals = aim(earning, program=program, now=at).goals
    return any(
        not goal.is_met(earning.posted.get(id_, NOTHING_POSTED))
        for id_, goal in goals.items()
        if id_ in members
    )
