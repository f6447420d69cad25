"""The program: the rules of one version, as plain data (docs/program.md)."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import Period, Rounding
from points_ledger.domain.dataclass import dataclass

Clawback = Literal["only_pending", "within_balance", "unlimited"]
PointsRounding = Literal["step", "down", "nearest", "up"]
LimitPeriod = Literal["day", "month", "year", "lifetime"]
ChallengePeriod = Literal["day", "week", "month", "year", "lifetime", "window"]
StreakPeriod = Literal["day", "week", "month"]
BoardPeriod = Literal["week", "month", "year"]
Circle = Literal["organisation", "anyone"]
"""With whom members may share, and to whom they may transfer."""

TIER_PART: Final = "tier:"
"""Before the id of a tier, where what its multiplier gave stands beside the points of rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which lines, members and purchases a rule or campaign is about; empty means all."""

    categories: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()
    exclude_items: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()
    exclude_jurisdictions: frozenset[str] = frozenset()
    own_orders: bool | None = None
    minimum_amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many times a member may earn by a rule within a period of the program's zone."""

    times: int
    per: LimitPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One earning rule; neither `per_amount` nor `per_quantity` means fixed points."""

    id: str
    on: Literal["purchase", "action"]
    points: int
    match: Match = field(default_factory=Match)
    action: str | None = None
    per_amount: Decimal | None = None
    per_quantity: Decimal | None = None
    rounding: PointsRounding = "down"
    exclusive: bool = False
    priority: int = 0
    on_partial_refund: Literal["keep", "proportional", "revoke"] = "keep"
    qualifying: bool = True
    limit: Limit | None = None
    release: Literal["referred_first_purchase", "linked_purchase"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Extra points in a window `[begins, ends)` of the program's zone, by posted_at."""

    id: str
    begins: datetime
    ends: datetime
    match: Match = field(default_factory=Match)
    multiplier: Decimal = Decimal(1)
    points: int = 0
    member_cap_points: int | None = None
    budget_points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A level that members reach by qualifying points."""

    id: str
    points: int
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierWindow:
    """Over which months qualifying points count, and what happens when they no longer suffice.

    `rolling`: the current month and the `months` before it; `calendar`: the months of this year;
    `anniversary`: the months since the month of the last anniversary of the enrolment. A tier is
    kept for `grace_days` after the fall; then it is the one that the points give (`reassess`), or
    the next lower one (`one_step`).
    """

    kind: Literal["rolling", "calendar", "anniversary"] = "rolling"
    months: int = 12
    grace_days: int = 0
    downgrade: Literal["reassess", "one_step"] = "reassess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Points for `count` purchases (or actions) that match, within one period of the zone.

    The period is each day, week (from Monday), month or year, or the window `[begins, ends)`, or
    a member's whole life. The prize is paid once per member and period.
    """

    id: str
    count: int
    points: int
    on: Literal["purchase", "action"] = "purchase"
    action: str | None = None
    match: Match = field(default_factory=Match)
    per: ChallengePeriod = "lifetime"
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Points for at least one purchase (or action) in each of `length` consecutive periods.

    After a prize the count begins anew with the next period.
    """

    id: str
    every: StreakPeriod
    length: int
    points: int
    on: Literal["purchase", "action"] = "purchase"
    action: str | None = None
    match: Match = field(default_factory=Match)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """Points for everyone who shares a rank of a leaderboard."""

    rank: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Members ranked within each period, by points earned or by purchases made.

    Who scores the same shares a rank, and the next rank is as much lower. `freeze_after` the end
    of the period the ranks are final and the prizes are paid, once.
    """

    id: str
    per: BoardPeriod
    by: Literal["points", "purchases"] = "points"
    match: Match = field(default_factory=Match)
    freeze_after: Period = field(default_factory=Period)
    prizes: tuple[Prize, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A tier for a time, paid for by buying one of `items`, or granted by staff."""

    id: str
    tier: str
    lasts: Period
    items: frozenset[str] = frozenset()
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """What members of some tiers get at the till: a text, or a discount on some categories.

    No `tiers` means everybody. `discount_percent` is off the price of `categories` (none: all).
    """

    id: str
    description: str
    tiers: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    discount_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointValue:
    """What points are worth: `amount` for every `points`."""

    points: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MaturationTerms:
    """When pending points become available."""

    requires_payment: bool = True
    partial_payment: Literal["full_only", "proportional"] = "full_only"
    hold: Period = field(default_factory=Period)
    return_window: Period = field(default_factory=Period)
    cancel_unpaid_after: Period | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryTerms:
    """How long available points stay valid, and how members are warned before they expire."""

    kind: Literal["period", "inactivity", "never"] = "never"
    after: Period = field(default_factory=Period)
    round_to: Rounding = "day"
    warn_days_before: tuple[int, ...] = ()
    return_grace_days: int = 0
    requires_notice_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionTerms:
    """When and how points may be spent."""

    paused: bool = False
    minimum_amount: Decimal = Decimal(0)
    ticket_must_exceed: bool = False
    points_paid_part_earns: bool = False
    reservation_minutes: int = 15
    approval_above_points: int | None = None
    approval_days: int = 30
    member_requests_need_approval: bool = False
    yearly_amount_cap: Decimal | None = None
    excluded_jurisdictions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentTerms:
    """Which adjustments a second person has to approve."""

    approval_above_points: int | None = None
    approval_below_zero: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponTerms:
    """Coupons made from points: from how many on, and how long they are good."""

    minimum_points: int = 0
    valid_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTerms:
    """Whether members may transfer points, to whom, and from how many on somebody approves."""

    enabled: bool = False
    within: Circle = "organisation"
    minimum_points: int = 1
    approval_above_points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One immutable version of the program.

    `document` is what it was read from, for those who ask for the rules as data; nothing here
    decides by it.
    """

    version: int
    name: str
    mode: Literal["rewards", "analysis"]
    currency: str
    zone: ZoneInfo
    point_value: PointValue
    enrolment: Literal["automatic", "manual"]
    enrolment_lookback_days: int
    item_categories: Mapping[str, str]
    rules: tuple[Rule, ...]
    campaigns: tuple[Campaign, ...]
    campaign_stacking: Literal["add", "highest"]
    tiers: tuple[Tier, ...]
    maturation: MaturationTerms
    clawback: Clawback
    expiry: ExpiryTerms
    redemption: RedemptionTerms
    adjustments: AdjustmentTerms = field(default_factory=AdjustmentTerms)
    coupons: CouponTerms = field(default_factory=CouponTerms)
    sharing_within: Circle = "organisation"
    transfers: TransferTerms = field(default_factory=TransferTerms)
    tier_window: TierWindow = field(default_factory=TierWindow)
    challenges: tuple[Challenge, ...] = ()
    streaks: tuple[Streak, ...] = ()
    leaderboards: tuple[Leaderboard, ...] = ()
    memberships: tuple[Membership, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    def tier_multiplier(self, tier: str | None) -> Decimal:
        """The multiplier of a tier; 1 without one, or where this version does not know it."""
        return next((t.multiplier for t in self.tiers if t.id == tier), Decimal(1))

    def tier_rank(self, tier: str | None) -> int:
        """The place of a tier from below; 0 without one, or where this version does not know it."""
        return next((rank for rank, t in enumerate(self.tiers, start=1) if t.id == tier), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPeriod:
    """From when a version is in force, until the next one is."""

    version: int
    effective_from: datetime


def effective_until(periods: tuple[VersionPeriod, ...], version: int) -> datetime | None:
    """When another version takes over; None while none is to. A number has one period.

    A version that begins at the same instant as one published before it takes its place: that one
    is never in force.
    """
    begins = next(p.effective_from for p in periods if p.version == version)
    later = [p for p in periods if (p.effective_from, p.version) > (begins, version)]
    return min((p.effective_from for p in later), default=None)


def version_in_force(periods: tuple[VersionPeriod, ...], at: datetime) -> int:
    """The version in force at an instant; the first version serves anything earlier."""
    started = [period for period in periods if period.effective_from <= at]
    return max(started, key=lambda p: (p.effective_from, p.version)).version if started else 1
