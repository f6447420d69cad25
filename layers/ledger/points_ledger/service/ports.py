"""What the service needs from the outside, and the items that it stores.

Every stored thing is a frozen value with a key. Writes are values too: each names its own
condition, and all writes of one command are committed together or not at all. The DynamoDB
adapter and the in-memory store of the tests implement `Store` under the same contract tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from typing import Literal, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
    RewardId,
    SimulationId,
)
from points_ledger.domain.lot import Lots
from points_ledger.domain.program import Program, VersionPeriod

# --- Keys -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKey:
    """The newest entry of a member's chain."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionKey:
    """One redemption."""

    redemption_id: RedemptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalKey:
    """One question to a second person."""

    approval_id: ApprovalId


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardKey:
    """One reward of the catalogue."""

    reward_id: RewardId


@dataclass(frozen=True, slots=True, kw_only=True)
class StockKey:
    """How many of a reward are left, apart from what describes it."""

    reward_id: RewardId


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetKey:
    """One shard of a campaign's budget (budget.py)."""

    campaign_id: str
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponKey:
    """One coupon."""

    code: CouponCode


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """One command of one caller: the originator's key."""

    caller: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileKey:
    """A member's personal data."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationKey:
    """One backtest, as far as it has come."""

    simulation_id: SimulationId


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationDraftKey:
    """The draft that a backtest is about, apart from what changes with every page."""

    simulation_id: SimulationId


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionListKey:
    """The list of program versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionKey:
    """One program version."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardKey:
    """The final ranks of one period of a leaderboard."""

    board_id: str
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreKey:
    """What one member has on a leaderboard in one period."""

    board_id: str
    period: str
    member_id: MemberId


ItemKey = (
    EarningKey
    | ExternalId
    | PaymentKey
    | RedemptionKey
    | ApprovalKey
    | RewardKey
    | StockKey
    | BudgetKey
    | CouponKey
    | RequestKey
    | ProfileKey
    | SimulationKey
    | SimulationDraftKey
    | BoardKey
    | ScoreKey
    | VersionListKey
    | VersionKey
)
Key = HeadKey | ItemKey

# --- Items ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalLink:
    """A source's customer is this member."""

    external_id: ExternalId
    member_id: MemberId
    linked_at: datetime

    @property
    def key(self) -> ExternalId:
        """Where it is stored."""
        return self.external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLink:
    """A payment (or charge, or payment intent) belongs to this purchase."""

    payment: PaymentKey
    purchase: EarningKey

    @property
    def key(self) -> PaymentKey:
        """Where it is stored."""
        return self.payment


RedemptionStatus = Literal[
    "completed", "reserved", "awaiting_approval", "cancelled", "rejected", "reversed"
]
"""As stored. A redemption that says reserved or awaiting approval and is missing from the member's
reservations has timed out: time alone writes nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a further command on an item was, and what it was answered, as JSON."""

    fingerprint: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A redemption; it is its own request item (caller and key make its id).

    Attributes:
        revision: counts stored changes.
        points: what was asked for; `captured` of them were spent in the end, of which `reversed`
            were given back.
        amount: the value of `points`, as text in `currency`, by `program_version`.
        lots: what was taken, or set aside, by lot; after a capture only what was captured.
        year: the year of the program's zone whose cap it counts against.
        entry: the number of the entry that it began with.
        expires_at: when a reservation ends by itself.
        holds: whether an approval makes it a reservation instead of finishing it.
        requested_by: the caller who asked, who may not approve it.
        changed_at: when points of it were last captured or given back, after it was made.
        result: the JSON that was answered, for the same request again.
        commands: captures, cancels and reversals by caller and key, see `command_key`.
    """

    redemption_id: RedemptionId
    revision: int = 1
    member_id: MemberId
    fingerprint: str
    points: int
    amount: str
    currency: str
    kind: str
    status: RedemptionStatus
    created_at: datetime
    entry: int
    ticket: EarningKey | None = None
    result: str
    program_version: int | None = None
    year: int = 0
    lots: Lots = field(default_factory=dict)
    captured: int = 0
    reversed: int = 0
    expires_at: datetime | None = None
    holds: bool = False
    requested_by: str | None = None
    approval_id: ApprovalId | None = None
    reward_id: RewardId | None = None
    coupon: CouponCode | None = None
    changed_at: datetime | None = None
    commands: Mapping[str, Answered] = field(default_factory=dict)

    @property
    def key(self) -> RedemptionKey:
        """Where it is stored."""
        return RedemptionKey(redemption_id=self.redemption_id)


ApprovalKind = Literal["redemption", "transfer", "adjustment"]
ApprovalStatus = Literal["open", "approved", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Something that waits for a second person.

    Attributes:
        member_id: whose points it is about.
        requested_by: the caller who asked, who may not decide.
        subject: the id of the redemption, transfer or adjustment that waits; where points are
            reserved for it, also the id of the reservation.
        command: what is done once it is approved, as JSON of ids, numbers and codes.
        expires_at: when it can no longer be approved; None where nothing is set aside for it.
    """

    approval_id: ApprovalId
    revision: int = 1
    kind: ApprovalKind
    member_id: MemberId
    points: int
    requested_by: str
    subject: str
    command: str = "{}"
    status: ApprovalStatus = "open"
    created_at: datetime
    expires_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def key(self) -> ApprovalKey:
        """Where it is stored."""
        return ApprovalKey(approval_id=self.approval_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardGrant:
    """A tier that a reward gives for so many months."""

    tier: str
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """Something in the catalogue that points buy.

    Attributes:
        kind: `item` is handed out; `coupon` becomes a coupon of `amount`.
        points: the price; with `amount_due` on top where it is sold for points and money.
        tiers: who may have it; empty means everybody.
        valid_from, valid_until: the window `[from, until)`, open where None.
        is_limited: whether there is a stock that runs out (`Stock`).
        grants: the tier that comes with it.
    """

    reward_id: RewardId
    revision: int = 1
    name: str
    description: str | None = None
    kind: Literal["item", "coupon"] = "item"
    points: int
    amount: str | None = None
    amount_due: str | None = None
    tiers: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_active: bool = True
    is_limited: bool = False
    grants: RewardGrant | None = None
    created_at: datetime

    @property
    def key(self) -> RewardKey:
        """Where it is stored."""
        return RewardKey(reward_id=self.reward_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How many of a limited reward are left."""

    reward_id: RewardId
    remaining: int

    @property
    def key(self) -> StockKey:
        """Where it is stored."""
        return StockKey(reward_id=self.reward_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many points one shard of a campaign's budget has given; where it is absent, none."""

    campaign_id: str
    shard: int
    given: int

    @property
    def key(self) -> BudgetKey:
        """Where it is stored."""
        return BudgetKey(campaign_id=self.campaign_id, shard=self.shard)


CouponStatus = Literal["active", "used", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A code worth `amount`, made from points, good once through the end of `last_day`.

    `used_on` is what the till said it was used on.
    """

    code: CouponCode
    revision: int = 1
    member_id: MemberId
    redemption_id: RedemptionId
    reward_id: RewardId | None = None
    points: int
    amount: str
    currency: str
    status: CouponStatus = "active"
    last_day: date
    created_at: datetime
    used_at: datetime | None = None
    used_on: str | None = None

    @property
    def key(self) -> CouponKey:
        """Where it is stored."""
        return CouponKey(code=self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The result of another command, kept for good under the originator's key."""

    key: RequestKey
    fingerprint: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A member's personal data. It never decides anything and can be erased.

    `revision` counts stored changes; `language` is the one that mails are written in, None for the
    program's; `notifications` is whether there are mails at all.
    """

    member_id: MemberId
    revision: int = 1
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    language: str | None = None
    notifications: bool = True
    external_ids: tuple[ExternalId, ...] = ()
    updated_at: datetime
    created_at: datetime

    @property
    def key(self) -> ProfileKey:
        """Where it is stored."""
        return ProfileKey(member_id=self.member_id)


SimulationStatus = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A backtest: what was asked, and how far it has come (backtesting.py).

    Attributes:
        revision: counts stored changes: one worker's page is not counted twice.
        begins, ends: purchases posted, and actions that happened, in `[begins, ends)`.
        compared_at: the instant at which both sides are compared.
        shard: the first part of the directory of members that is not done.
        cursor: where its next page begins; None at its beginning.
        attempts: workers that began without finishing a page since the last one that was.
        tally: what was counted so far, as JSON (tally.py).
        reason: the code of why it failed.
    """

    simulation_id: SimulationId
    revision: int = 1
    status: SimulationStatus = "running"
    begins: datetime
    ends: datetime
    compared_at: datetime
    created_at: datetime
    requested_by: str
    shard: int = 0
    cursor: str | None = None
    attempts: int = 0
    tally: str = "{}"
    reason: str | None = None

    @property
    def key(self) -> SimulationKey:
        """Where it is stored."""
        return SimulationKey(simulation_id=self.simulation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationDraft:
    """The draft of a backtest: a document that was judged when it came."""

    simulation_id: SimulationId
    document: str

    @property
    def key(self) -> SimulationDraftKey:
        """Where it is stored."""
        return SimulationDraftKey(simulation_id=self.simulation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a member has on a leaderboard in one period, as of entry `number` of the member.

    `revision` counts stored changes.
    """

    board_id: str
    period: str
    member_id: MemberId
    revision: int = 1
    score: int
    number: int

    @property
    def key(self) -> ScoreKey:
        """Where it is stored."""
        return ScoreKey(board_id=self.board_id, period=self.period, member_id=self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """That one period of a leaderboard is frozen, and how far its prizes are awarded.

    Attributes:
        revision: counts stored changes.
        program_version: the version whose prizes are awarded.
        frozen_at: since when no score of the period changes any more.
        is_awarded: whether all prizes are.
        cursor: where in the list of scores the next page begins.
        places: how many members stand before it.
        rank, score: of the last of them.
    """

    board_id: str
    period: str
    revision: int = 1
    program_version: int
    frozen_at: datetime
    is_awarded: bool = False
    cursor: str | None = None
    places: int = 0
    rank: int = 0
    score: int | None = None

    @property
    def key(self) -> BoardKey:
        """Where it is stored."""
        return BoardKey(board_id=self.board_id, period=self.period)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramVersion:
    """One immutable version of the program, as the document and as data.

    `published_by` is the caller who published it; None for the first one, which the deployment
    loads.
    """

    program: Program
    document: str
    published_at: datetime
    published_by: str | None = None

    @property
    def key(self) -> VersionKey:
        """Where it is stored."""
        return VersionKey(version=self.program.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionList:
    """Which version is in force from when; changes only by adding a version."""

    periods: tuple[VersionPeriod, ...] = ()

    @property
    def key(self) -> VersionListKey:
        """Where it is stored."""
        return VersionListKey()


Item = (
    Earning
    | ExternalLink
    | PaymentLink
    | Redemption
    | Approval
    | Reward
    | Stock
    | Budget
    | Coupon
    | Request
    | Profile
    | Simulation
    | SimulationDraft
    | Score
    | Board
    | ProgramVersion
    | VersionList
)
Stored = Entry | Item

MarkerKind = Literal[
    "hold_release", "reservation", "expiry", "tier_review", "leaderboard", "birthday", "anniversary"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A note that something falls due: an earning (its key as text) or a member's account."""

    kind: MarkerKind
    due_at: datetime
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Free text of a command, erasable; the entry holds its salted hash."""

    member_id: MemberId
    id: str
    text: str
    salt: str


NotePlace = tuple[MemberId, str]
"""Whose free text, and its id."""

ListName = Literal[
    "approvals",
    "rewards",
    "names",
    "emails",
    "members",
    "unposted",
    "leaderboards",
    "requests",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A place in a list that is read in order: what has `id` stands at `sort` in one partition.

    approvals: by status, sorted by when they were made; rewards: one partition; names and emails:
    members by the beginning of their name and by their address, both in `search_text`; members:
    everybody, by shard (directory.py); unposted: by member, what was recorded for the member and
    has no entry of the member's chain, by when it was posted; leaderboards: by board and period,
    the highest score first (leaderboards.py); requests: by member, what was put before a second
    person about the member's points, by when (requested.py).
    """

    list: ListName
    partition: str
    sort: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingShare:
    """That a further member has points pending of an earning; since when, None when no more."""

    earning: EarningKey
    member_id: MemberId
    since: datetime | None


# --- Writes: each names its own condition ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Add the next entry of a chain, if nobody has added one with its number."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Store an item whose stored revision is `expected` (0: it is absent)."""

    item: (
        Earning
        | VersionList
        | Redemption
        | Approval
        | Reward
        | Coupon
        | Profile
        | Simulation
        | Score
        | Board
    )
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Store an item that must not exist yet."""

    item: (
        ExternalLink
        | Redemption
        | Approval
        | Reward
        | Coupon
        | Request
        | ProgramVersion
        | Profile
        | Simulation
        | SimulationDraft
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Store something whose being there twice changes nothing."""

    item: Marker | Note | Listed | PendingShare | Stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Take away what may be taken away; that it is gone already changes nothing.

    With `expected` it has to be there, and its revision has to be that one.
    """

    item: ProfileKey | ExternalId | Listed | Marker
    expected: int | None = None

    def __post_init__(self) -> None:
        """Places and links have no revision."""
        assert self.expected is None or isinstance(self.item, ProfileKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Take `quantity` from a stock that has at least as much; below zero: put some back.

    From a shard of a budget, which counts up from nothing: as long as it has then given at most
    `share`. What is put back was taken before, so that depends on nothing more.
    """

    key: StockKey | BudgetKey
    quantity: int
    share: int | None = None

    def __post_init__(self) -> None:
        """Only what is taken from a budget has a share to stay within."""
        takes_budget = isinstance(self.key, BudgetKey) and self.quantity > 0
        assert (self.share is not None) == takes_budget
        assert self.share is None or self.quantity <= self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Store the purchase behind a payment; saying it twice changes nothing."""

    item: PaymentLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Note that an earning waits for a customer to be enrolled."""

    external_id: ExternalId
    earning: EarningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Keep a fact until the payment that it names is known."""

    payment: PaymentKey
    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAbsent:
    """Nothing may be stored under this key."""

    key: ExternalId | PaymentKey | BoardKey


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHead:
    """The member's chain may not have grown beyond `number`."""

    member_id: MemberId
    number: int


Write = Append | Save | Create | Put | Remove | Draw | Link | Wait | Park | GuardAbsent | GuardHead


@dataclass(frozen=True, slots=True)
class Committed:
    """All writes are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Nothing is stored, or nobody knows.

    Attributes:
        returned: what was found under the keys whose condition failed; None where the item is
            absent or did not come back, so that it has to be read again.
        unknown: the outcome is not known (a lost reply) or the reason names no key: everything
            has to be read again.
    """

    returned: Mapping[Key, Stored | None] = field(default_factory=dict)
    unknown: bool = False


Outcome = Committed | Lost


class Store(Protocol):
    """Consistent reads by key and one atomic conditional write."""

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        """The items that exist under the keys, read consistently in one request."""

    def head(self, member_id: MemberId) -> Entry | None:
        """The newest entry of a member, read consistently in one request."""

    def commit(self, writes: Sequence[Write]) -> Outcome:
        """Store all writes, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """Entries newest first; `next_number` continues before that number, None at the end."""

    entries: tuple[Entry, ...]
    next_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPage:
    """Keys of earnings with pending points of a member, oldest first; candidates only."""

    keys: tuple[EarningKey, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """Ids in the order of a list; `cursor` continues after the last, None at the end."""

    ids: tuple[str, ...]
    cursor: str | None


class ListReader(Protocol):
    """Lists that are shown."""

    def listed(
        self,
        name: ListName,
        partition: str,
        *,
        prefix: str = "",
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
    ) -> ListPage:
        """A page of a partition, of what is sorted under a prefix.

        What is shown may be a moment old; what decides is read `consistent`.

        Raises:
            ValueError: the cursor is not one of this list.
        """


class PersonalData(Protocol):
    """The free texts about a member, which are read and erased as a whole."""

    def notes(self, member_id: MemberId) -> Sequence[Note]:
        """All free text about a member."""

    def texts(self, places: Sequence[NotePlace]) -> Mapping[NotePlace, str]:
        """Some free texts, to be shown; what is not there, or was erased, is left out."""

    def erase_notes(self, member_id: MemberId) -> int:
        """Take all free text about a member away; how many there were."""


class LedgerReader(Protocol):
    """Reads that show and do not decide."""

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> EntryPage:
        """A page of entries, newest first, of the given types (none: all)."""

    def pending_earnings(
        self, member_id: MemberId, *, limit: int, cursor: str | None
    ) -> PendingPage:
        """Earnings of which the member has pending points.

        Raises:
            ValueError: the cursor is not one of this list.
        """


class WaitingReader(Protocol):
    """What waits for an enrolment or a payment, for the function that follows the stream."""

    def waiting(self, external_id: ExternalId) -> Sequence[EarningKey]:
        """Earnings that wait for this customer."""

    def parked(self, payment: PaymentKey) -> Sequence[Fact]:
        """Facts that wait for this payment."""
