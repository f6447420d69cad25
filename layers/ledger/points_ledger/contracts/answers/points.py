"""What members have, and how it came about."""

from typing import Any, Literal, NotRequired, TypedDict

from points_ledger.contracts.answers.common import (
    Balances,
    Count,
    Currency,
    Cursor,
    Day,
    Hash,
    Instant,
    Month,
    Points,
    Share,
    Worth,
)
from points_ledger.domain.entry import EntryType
from points_ledger.domain.program import StreakPeriod


class LotAnswer(TypedDict):
    """Points that are usable through a day; null is for ever."""

    points: Points
    last_day: Day | None


class Lifetime(TypedDict):
    """What has happened to a member's points since the beginning."""

    earned: Points
    redeemed: Points
    expired: Points
    reversed: Points


class BalanceAnswer(Balances):
    """What a member has now; lots soonest first."""

    member_id: str
    value: Worth
    lots: list[LotAnswer]
    tier: str | None
    lifetime: Lifetime
    as_of: Instant


class Source(TypedDict):
    """What an entry came from."""

    system: str
    kind: str
    id: str


class RuleGave(TypedDict):
    """What a rule gave; `sentence` where sentences were asked for."""

    id: str
    points: Points
    sentence: NotRequired[str | None]


class EntryAnswer(TypedDict):
    """One entry: the changes, the balances after it, where it came from, and its link.

    `reason_text` comes with sentences: what somebody wrote as the reason, null once it is erased.
    """

    entry: Count
    type: EntryType
    at: Instant
    recorded_at: Instant
    pending: Points
    available: Points
    reserved: Points
    debt: Points
    lots: dict[str, Points]
    balance: Balances
    source: Source | None
    rules: list[RuleGave]
    program_version: int | None
    actor: str
    reason: str | None
    reason_text: NotRequired[str | None]
    details: dict[str, str]
    inputs: dict[str, str]
    previous_hash: Hash
    hash: Hash


class EntriesAnswer(TypedDict):
    """A page of a ledger, newest first."""

    entries: list[EntryAnswer]
    cursor: Cursor


class PendingEarningAnswer(TypedDict):
    """A pending earning, and what it waits for."""

    earning_id: str
    source: Source
    points: Points
    waiting_for: list[Literal["payment", "hold", "return_window", "referral", "linked_purchase"]]
    matures_at: Instant | None
    since: Instant | None


class PendingAnswer(TypedDict):
    """A page of what is pending."""

    earnings: list[PendingEarningAnswer]
    cursor: Cursor


class StatementAnswer(TypedDict):
    """One month of a ledger, oldest first; opening and entries come to closing."""

    member_id: str
    month: Month
    time_zone: str
    opening: Balances
    entries: list[EntryAnswer]
    closing: Balances
    totals: dict[str, Points]
    cursor: Cursor


class BenefitAnswer(TypedDict):
    """Something that a tier gives."""

    id: str
    description: str | None
    categories: list[str]
    discount_percent: Share | None


class MembershipAnswer(TypedDict):
    """A tier for a time; `membership_id` is null where a reward gave it."""

    membership_id: str | None
    tier: str
    last_day: Day
    source: str


TierWindow = TypedDict(
    "TierWindow",
    {
        "kind": Literal["rolling", "calendar", "anniversary"],
        "months": NotRequired[Count],
        "from": Day,
        "to": Day,
    },
)


class TierProgress(TypedDict):
    """How far the next tier is."""

    qualifying_points: Points
    next_tier: str | None
    points_needed: Points | None
    window: TierWindow


class BenefitsAnswer(TypedDict):
    """What a member's tier gives; `tier_until` where its end is known."""

    member_id: str
    tier: str | None
    tier_until: NotRequired[Day]
    multiplier: Share
    benefits: list[BenefitAnswer]
    memberships: list[MembershipAnswer]
    progress: TierProgress


class ChallengeProgress(TypedDict):
    """How far a member has come with a challenge."""

    id: str
    period: str
    count: Count
    of: Count
    points: Points
    running: bool
    won: bool


class StreakProgress(TypedDict):
    """How many periods in a row a member has."""

    id: str
    every: StreakPeriod
    period: str
    count: Count
    of: Count
    points: Points
    active: bool
    last_won: str | None


class ChallengesAnswer(TypedDict):
    """How far a member has come with challenges and streaks."""

    challenges: list[ChallengeProgress]
    streaks: list[StreakProgress]


class Prize(TypedDict):
    """What a rank wins."""

    rank: Count
    points: Points


class Place(TypedDict):
    """A place on a leaderboard; who has it is for staff."""

    rank: Count
    member_id: NotRequired[str]
    score: int


class OwnPlace(TypedDict):
    """The caller's own place; the rank is null beyond the first hundred."""

    rank: Count | None
    score: int


class LeaderboardAnswer(TypedDict):
    """A page of a leaderboard; `me` where the caller is not of the staff."""

    leaderboard_id: str
    by: Literal["points", "purchases"]
    period: str
    status: Literal["open", "final"]
    freezes_at: Instant
    prizes: list[Prize]
    places: list[Place]
    cursor: Cursor
    me: NotRequired[OwnPlace | None]


class RequestAnswer(TypedDict):
    """What was put before a second person, and what became of it."""

    request_id: str
    kind: Literal["redemption", "transfer"]
    status: Literal["pending", "approved", "rejected", "cancelled", "expired"]
    points: Points
    amount: str | None
    currency: Currency | None
    redemption_id: str | None
    transfer_id: str | None
    to_member_id: str | None
    created_at: Instant
    expires_at: Instant | None
    decided_at: Instant | None


class RequestsAnswer(TypedDict):
    """A page of requests, newest first."""

    requests: list[RequestAnswer]
    cursor: Cursor


class ShareAnswer(TypedDict):
    """A share of a plan."""

    member_id: str
    percent: Count


class SharingAnswer(TypedDict):
    """By which plan purchases are split; no shares where there is none."""

    shares: list[ShareAnswer]


class ActionAnswer(TypedDict):
    """What an action earns."""

    earning_id: str
    member_id: str
    action: str
    action_id: str
    points: Points
    pending: Points
    status: Literal["pending", "available", "none"]
    waiting_for: list[str]
    matures_at: Instant | None
    balance: Balances


class PartOfCheckpoint(TypedDict):
    """A run of members of one shard."""

    first: str
    last: str
    members: Count
    root: Hash


class PathAnswer(TypedDict):
    """A way up a Merkle tree."""

    index: Count
    size: Count
    path: list[Hash]


class ProofAnswer(TypedDict):
    """That an entry is what a checkpoint stands for."""

    member_id: str
    entry: Count
    hash: Hash
    shard: Count
    part: PartOfCheckpoint
    in_part: PathAnswer
    in_shard: PathAnswer


class ShardOfCheckpoint(TypedDict):
    """A shard of a checkpoint."""

    members: Count
    root: Hash


class CheckpointAnswer(TypedDict):
    """What is published of a day."""

    format: int
    day: Day
    root: Hash
    begun_at: Instant
    previous: Hash | None
    members: Count
    shards: list[ShardOfCheckpoint]


class ProofsAnswer(TypedDict):
    """What proves a member's entries by the checkpoint of a day."""

    member_id: str
    day: Day
    root: Hash
    checkpoint: CheckpointAnswer
    proofs: list[ProofAnswer]


class ExportedEntry(EntryAnswer):
    """An entry with everything that its hash covers."""

    member_id: str
    counters: dict[str, int]
    reservations: dict[str, Any]
    standing: dict[str, Any] | None
    state: dict[str, Any]
