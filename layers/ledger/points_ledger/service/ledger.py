"""The write path: load → decide → commit, at most a bounded number of times.

A command is a function of a `View` that reads what decides and returns a `Decision`. Whoever
loses a race adopts what the winner stored and decides again; there is no other retry anywhere.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar, cast

from points_ledger.domain.calendar import local_day, start_of_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    BrokenInvariantError,
    ConflictError,
    IdempotencyKeyReusedError,
    Rejection,
)
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RewardId,
    SimulationId,
)
from points_ledger.domain.limit import MAX_ALIAS_DEPTH, MAX_COMMIT_ATTEMPTS
from points_ledger.domain.program import Program
from points_ledger.domain.state import EMPTY, State
from points_ledger.domain.tier import ReviewTarget, next_review
from points_ledger.domain.warning import Look, LookTarget, opened_looks
from points_ledger.service.directory import FIRST_ENTRY, in_directory
from points_ledger.service.ports import (
    Append,
    Approval,
    ApprovalKey,
    Board,
    BoardKey,
    Budget,
    BudgetKey,
    Committed,
    Coupon,
    CouponKey,
    Create,
    Draw,
    ExternalLink,
    GuardAbsent,
    GuardHead,
    HeadKey,
    Item,
    ItemKey,
    Key,
    Lost,
    Marker,
    Outcome,
    PaymentLink,
    Profile,
    ProfileKey,
    ProgramVersion,
    Put,
    Redemption,
    RedemptionKey,
    Remove,
    Request,
    RequestKey,
    Reward,
    RewardKey,
    Save,
    Score,
    ScoreKey,
    Simulation,
    SimulationDraft,
    SimulationDraftKey,
    SimulationKey,
    Stock,
    StockKey,
    Store,
    Stored,
    VersionKey,
    VersionList,
    VersionListKey,
    Write,
)

T = TypeVar("T")

_CHANGEABLE = (
    Redemption
    | Approval
    | Reward
    | Stock
    | Budget
    | Coupon
    | Profile
    | ExternalLink
    | Simulation
    | Score
    | Board
)
"""Items that are stored again, or taken away, after they were created, beside accounts and
earnings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[T]):
    """What a command wants: writes to commit together, and the answer once they are.

    `before` are commits of their own that come first, in their order. Each must be harmless, and
    right by itself, if nothing comes after it: whoever loses or is killed between decides anew.
    """

    result: T
    writes: tuple[Write, ...] = ()
    before: tuple[tuple[Write, ...], ...] = ()


class View:
    """What one attempt of a command has read. Each key is read at most once per attempt."""

    def __init__(self, store: Store) -> None:
        """Start with nothing read."""
        self._store = store
        self._known: dict[Key, Stored | None] = {}
        self._has_adopted = False
        self._has_read_lists = False

    def load(self, *keys: ItemKey) -> None:
        """Read several keys in one request."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._known]
        if missing:
            found = self._store.get(missing)
            self._known |= {key: found.get(key) for key in missing}

    def _item(self, key: ItemKey) -> Item | None:
        self.load(key)
        return cast("Item | None", self._known[key])

    def earning(self, key: EarningKey) -> Earning | None:
        """A stored earning."""
        return cast("Earning | None", self._item(key))

    def link(self, external_id: ExternalId) -> ExternalLink | None:
        """The member behind a customer."""
        return cast("ExternalLink | None", self._item(external_id))

    def payment_link(self, payment: PaymentKey) -> PaymentLink | None:
        """The purchase behind a payment."""
        return cast("PaymentLink | None", self._item(payment))

    def redemption(self, key: RedemptionKey) -> Redemption | None:
        """A stored redemption."""
        return cast("Redemption | None", self._item(key))

    def approval(self, approval_id: ApprovalId) -> Approval | None:
        """Something that waits for a second person, or did."""
        return cast("Approval | None", self._item(ApprovalKey(approval_id=approval_id)))

    def reward(self, reward_id: RewardId) -> Reward | None:
        """A reward of the catalogue."""
        return cast("Reward | None", self._item(RewardKey(reward_id=reward_id)))

    def stock(self, reward_id: RewardId) -> Stock | None:
        """How many of a reward are left."""
        return cast("Stock | None", self._item(StockKey(reward_id=reward_id)))

    def budget(self, key: BudgetKey) -> Budget | None:
        """What a shard of a budget has given; None where that is nothing."""
        return cast("Budget | None", self._item(key))

    def has_read(self, key: Key) -> bool:
        """Whether it is known what is stored under a key, so that asking for it is free."""
        return key in self._known

    def coupon(self, code: CouponCode) -> Coupon | None:
        """A coupon."""
        return cast("Coupon | None", self._item(CouponKey(code=code)))

    def request(self, key: RequestKey) -> Request | None:
        """The stored result of a command."""
        return cast("Request | None", self._item(key))

    def board(self, key: BoardKey) -> Board | None:
        """A period of a leaderboard that is frozen."""
        return cast("Board | None", self._item(key))

    def score(self, key: ScoreKey) -> Score | None:
        """What a member has on a leaderboard."""
        return cast("Score | None", self._item(key))

    def first_answer(self, key: RequestKey, fingerprint: str) -> Any | None:  # noqa: ANN401 - JSON
        """What the same request was answered before; None where it is new.

        Raises:
            IdempotencyKeyReusedError: the key came with another input before.
        """
        known = self.request(key)
        if known is None:
            return None
        if known.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError
        return json.loads(known.result)

    def profile(self, member_id: MemberId) -> Profile | None:
        """A member's personal data."""
        return cast("Profile | None", self._item(ProfileKey(member_id=member_id)))

    def simulation(self, simulation_id: SimulationId) -> Simulation | None:
        """A backtest, as far as it has come."""
        return cast("Simulation | None", self._item(SimulationKey(simulation_id=simulation_id)))

    def simulation_draft(self, simulation_id: SimulationId) -> SimulationDraft | None:
        """What a backtest is about."""
        key = SimulationDraftKey(simulation_id=simulation_id)
        return cast("SimulationDraft | None", self._item(key))

    def versions(self) -> VersionList | None:
        """The list of program versions; None before the first was loaded."""
        return cast("VersionList | None", self._item(VersionListKey()))

    def version(self, number: int) -> ProgramVersion | None:
        """A program version."""
        return cast("ProgramVersion | None", self._item(VersionKey(version=number)))

    def head(self, member_id: MemberId) -> Entry | None:
        """The newest entry of a member; None where there is no such member."""
        key = HeadKey(member_id=member_id)
        if key not in self._known:
            self._known[key] = self._store.head(member_id)
        return cast("Entry | None", self._known[key])

    def resolved_head(self, member_id: MemberId) -> Entry | None:
        """The newest entry of the member that an id stands for, aliases followed."""
        head = self.head(member_id)
        for _ in range(MAX_ALIAS_DEPTH):
            alias_of = head.state.standing.alias_of if head else None
            if alias_of is None:
                return head
            head = self.head(alias_of)
        raise BrokenInvariantError(f"more than {MAX_ALIAS_DEPTH} aliases from {member_id}")

    def read_list(self) -> None:
        """Say that a list was read beside: it may be newer than what is known."""
        self._has_read_lists = True

    def is_current(self) -> bool:
        """Read again what was read at different moments; whether nothing had changed.

        An account and an earning are two requests, so together they may show what was true at
        no moment; so may an adopted entry, if its transaction posted another after it, and so may
        a list. Everything else is written once and cannot disagree. Accounts are read first, as
        the commands do that rely on it.
        """
        known = self._known
        changeable = sum(
            isinstance(key, HeadKey | EarningKey) or isinstance(item, _CHANGEABLE)
            for key, item in known.items()
        )
        if changeable <= 1 and not (self._has_adopted or self._has_read_lists):
            return True
        self.forget()
        for key in known:
            if isinstance(key, HeadKey):
                self.head(key.member_id)
        self.load(*(key for key in known if not isinstance(key, HeadKey)))
        return self._known == known

    def adopt(self, lost: Lost, writes: Sequence[Write]) -> None:
        """Keep what the winner stored and what was not contested, forget the rest.

        Reads that no write of the lost transaction was conditional on may be older than what is
        adopted, so they are read again.
        """
        if lost.unknown:
            self.forget()
            return
        self._has_adopted = True
        # That a draw was possible does not say how much has been drawn, so that is read again too.
        guarded = {guarded_key(write) for write in writes if not isinstance(write, Draw)}
        self._known = {
            key: item
            for key, item in self._known.items()
            if key in guarded and key not in lost.returned
        }
        self._known |= {key: item for key, item in lost.returned.items() if item is not None}

    def forget(self) -> None:
        """Read everything again.

        Not only accounts: an account that is newer than the rest may already have what the rest
        does not show, this very request for one.
        """
        self._known = {}
        self._has_adopted = self._has_read_lists = False


def guarded_key(write: Write) -> Key | None:
    """The key that a write is conditional on."""
    match write:
        case Append(entry=entry):
            return HeadKey(member_id=entry.member_id)
        case GuardHead(member_id=member_id):
            return HeadKey(member_id=member_id)
        case GuardAbsent(key=key):
            return key
        case Save(item=item) | Create(item=item):
            return item.key
        case Remove(item=ProfileKey() as key, expected=int()):
            return key
        case Draw(key=key):
            return key
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePath:
    """Runs commands against a store.

    Attributes:
        pause: waits, with jitter, after attempt number n was lost.
        lost: told of each attempt that another writer won.
    """

    store: Store
    pause: Callable[[int], None]
    lost: Callable[[], None] = lambda: None

    def run(self, command: Callable[[View], Decision[T]]) -> T:
        """Decide and commit until a decision holds.

        Raises:
            Rejection: the command's own, with nothing written.
            ConflictError: other writers won every attempt; nothing was written.
        """
        view = View(self.store)
        for attempt in range(1, MAX_COMMIT_ATTEMPTS + 1):
            try:
                decision = command(view)
            except (Rejection, BrokenInvariantError):
                # Only what was true at one moment is worth a refusal or an alarm.
                if view.is_current():
                    raise
                # All of it has just been read, accounts first: keep that order, forget nothing.
                self.lost()
                continue
            if not decision.writes:
                return decision.result
            outcome, writes = self._commit(decision)
            if isinstance(outcome, Committed):
                return decision.result
            self.lost()
            view.adopt(outcome, writes)
            # What the first loss brought is fresh: decide at once. Whoever loses again is in a
            # crowd, where an adopted entry is no longer the newest one after the pause.
            if 1 < attempt < MAX_COMMIT_ATTEMPTS:
                self.pause(attempt)
                view.forget()
        raise ConflictError

    def _commit(self, decision: Decision[T]) -> tuple[Outcome, Sequence[Write]]:
        """Commit one after the other, up to the first that is lost."""
        for writes in decision.before:
            outcome = self.store.commit(writes)
            if isinstance(outcome, Lost):
                return outcome, writes
        return self.store.commit(decision.writes), decision.writes


def one_by_one(writes: Sequence[Write]) -> tuple[tuple[Write, ...], ...]:
    """What only appends entries and puts markers, as commits of one write each: half the units.

    The markers come first. One without its entry is harmless: whoever visits it finds nothing to
    do. An entry without its markers never is there, so no lot is ever without one. A marker that is
    due at once may be visited before its entry is there; the pass that closes its hour visits it
    again, an hour later than any worker lives.
    """
    assert all(isinstance(write, Append | Put) for write in writes)
    markers: list[Write] = [write for write in writes if isinstance(write, Put)]
    entries: list[Write] = [write for write in writes if isinstance(write, Append)]
    return tuple((write,) for write in (*markers, *entries))


def posting_writes(
    entries: Sequence[Entry], heads: Iterable[Entry], program: Program
) -> tuple[Write, ...]:
    """The writes for new entries: the entries, and a marker for each lot and reservation.

    `heads` are the newest entries before, so that a lot that was there already, and so has its
    marker, does not get another; `program` is the version in force, which says when lots are
    looked at.
    """
    writes: list[Write] = [Append(entry=entry) for entry in entries]
    before = {head.member_id: head.state for head in heads}
    newest = {entry.member_id: entry for entry in entries}
    for member_id, entry in newest.items():
        looks = opened_looks(
            before.get(member_id, EMPTY), entry.state, now=entry.recorded_at, program=program
        )
        writes += (Put(item=look_marker(member_id, look)) for look in looks)
        writes += (Put(item=each) for each in _reviews(before.get(member_id), entry, program))
    for entry in entries:
        for reservation in entry.posting.reservations.values():
            if reservation is not None:
                ends_at = reservation.expires_at
                marker = Marker(kind="reservation", due_at=ends_at, target=entry.member_id)
                writes.append(Put(item=marker))
    writes += (
        Put(item=in_directory(entry.member_id)) for entry in entries if entry.number == FIRST_ENTRY
    )
    return tuple(writes)


def _reviews(before: State | None, entry: Entry, program: Program) -> Iterator[Marker]:
    """The marker of the next review of the tier, where that is sooner than it was before."""
    today = local_day(entry.recorded_at, program.zone)
    due_on = next_review(entry.state, today=today, program=program)
    armed_for = next_review(before or EMPTY, today=today, program=program)
    if due_on is not None and (armed_for is None or due_on < armed_for):
        yield review_marker(entry.member_id, due_on, program)


def review_marker(member_id: MemberId, day: date, program: Program) -> Marker:
    """The marker of a review, at the beginning of a day of the program's zone."""
    target = ReviewTarget(member_id=member_id, day=day)
    due_at = start_of_day(day, program.zone)
    return Marker(kind="tier_review", due_at=due_at, target=str(target))


def look_marker(member_id: MemberId, look: Look) -> Marker:
    """The marker of a look at a lot."""
    target = LookTarget(member_id=member_id, day=look.day, days_before=look.days_before)
    return Marker(kind="expiry", due_at=look.due_at, target=str(target))


def latest(now: datetime, heads: Iterable[Entry]) -> datetime:
    """Now is never before the newest entry's recorded_at (semantics 1)."""
    return max([now, *(head.recorded_at for head in heads)])
