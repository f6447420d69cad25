"""What the service needs from the outside, and the items that it stores.

Every stored thing is a frozen value with a key. Writes are values too: each names its own
condition, and all writes of one command are committed together or not at all. The DynamoDB
adapter and the in-memory store of the tests implement `Store` under the same contract tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import (
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
)
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
class RequestKey:
    """One command of one caller: the originator's key."""

    caller: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileKey:
    """A member's personal data."""

    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionListKey:
    """The list of program versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionKey:
    """One program version."""

    version: int


ItemKey = (
    EarningKey
    | ExternalId
    | PaymentKey
    | RedemptionKey
    | RequestKey
    | ProfileKey
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A finished redemption; it is its own request item (caller and key make its id).

    `result` is the JSON that was answered, for the same request again.
    """

    redemption_id: RedemptionId
    member_id: MemberId
    fingerprint: str
    points: int
    amount: str
    currency: str
    kind: str
    status: Literal["completed"]
    created_at: datetime
    entry: int
    ticket: EarningKey | None = None
    result: str

    @property
    def key(self) -> RedemptionKey:
        """Where it is stored."""
        return RedemptionKey(redemption_id=self.redemption_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The result of another command, kept for good under the originator's key."""

    key: RequestKey
    fingerprint: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A member's personal data. It never decides anything and can be erased."""

    member_id: MemberId
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    external_ids: tuple[ExternalId, ...] = ()
    updated_at: datetime
    created_at: datetime

    @property
    def key(self) -> ProfileKey:
        """Where it is stored."""
        return ProfileKey(member_id=self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramVersion:
    """One immutable version of the program, as the document and as data."""

    program: Program
    document: str
    published_at: datetime

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
    | Request
    | Profile
    | ProgramVersion
    | VersionList
)
Stored = Entry | Item

MarkerKind = Literal["hold_release", "expiry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A note that something falls due: an earning (its key as text) or a member's lots."""

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


# --- Writes: each names its own condition ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Add the next entry of a chain, if nobody has added one with its number."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Store an earning or version list whose stored revision is `expected` (0: it is absent)."""

    item: Earning | VersionList
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Store an item that must not exist yet."""

    item: ExternalLink | Redemption | Request | ProgramVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Store something whose being there twice changes nothing."""

    item: Marker | Profile | Note


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

    key: ExternalId | PaymentKey


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHead:
    """The member's chain may not have grown beyond `number`."""

    member_id: MemberId
    number: int


Write = Append | Save | Create | Put | Link | Wait | Park | GuardAbsent | GuardHead


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPage:
    """Markers in order of their due time; `cursor` continues after the last, None at the end."""

    markers: tuple[Marker, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """How far the sweep of a kind has come.

    `first_open_hour` is the first hour that was not closed; `cursors` how far each open hour and
    shard (`<hour>#<shard>`) was worked off.
    """

    first_open_hour: datetime | None = None
    cursors: Mapping[str, str] = field(default_factory=dict)


class SweepStore(Protocol):
    """Markers by hour and shard, and the sweep's own progress."""

    def due_hours(
        self, kind: MarkerKind, *, since: datetime | None, until: datetime
    ) -> Sequence[tuple[datetime, int]]:
        """Hours that have markers, oldest first, with their number of shards."""

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
        """Markers of an hour due at or before `until`, after a cursor."""

    def progress(self, kind: MarkerKind) -> SweepProgress:
        """The stored progress; empty at first."""

    def save_progress(self, kind: MarkerKind, progress: SweepProgress) -> None:
        """Keep the progress; the last writer wins, since progress only saves work."""
