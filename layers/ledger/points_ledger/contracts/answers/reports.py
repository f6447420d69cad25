"""Reports of the ledger, of sales and of what members do."""

from typing import Literal, NotRequired, TypedDict

from points_ledger.contracts.answers.common import (
    Count,
    Currency,
    Cursor,
    Day,
    Instant,
    Money,
    Month,
    Points,
    Share,
)
from points_ledger.contracts.answers.program import PointValueAnswer


class WorthInReserve(TypedDict):
    """Points, their value, and what of it is expected to be spent."""

    points: Points
    value: Money
    reserve: Money


class Outstanding(WorthInReserve):
    """What is owed, free and set aside."""

    available: Points
    reserved: Points


class PointsAndValue(TypedDict):
    """Points, and what they are worth."""

    points: Points
    value: Money


class ExpiringInMonth(WorthInReserve):
    """What expires in a month, or `never`."""

    month: str


class LiabilityAnswer(TypedDict):
    """What is owed, in points and in money."""

    as_of: Instant
    at: Day | None
    closed: bool
    counted_through: Instant | None
    currency: Currency
    program_version: Count
    point_value: PointValueAnswer
    cost_per_point: Share
    breakage: Share
    expected_cost_per_point: Share
    outstanding: Outstanding
    pending: WorthInReserve
    debt: PointsAndValue
    passed: Points
    expiring: list[ExpiringInMonth]


class BalancesInAll(TypedDict):
    """The four balances of everybody, and their sum."""

    pending: Points
    available: Points
    reserved: Points
    debt: Points
    total: Points


class MonthOfActivity(TypedDict):
    """Opening, what moved, closing."""

    month: Month
    opening: BalancesInAll
    earned: BalancesInAll
    matured: BalancesInAll
    redeemed: BalancesInAll
    expired: BalancesInAll
    lapsed: BalancesInAll
    reversed: BalancesInAll
    adjusted: BalancesInAll
    transferred: BalancesInAll
    merged: BalancesInAll
    opened: BalancesInAll
    forfeited: BalancesInAll
    reserved: BalancesInAll
    closing: BalancesInAll


class RedemptionsOfMonth(TypedDict):
    """What redemptions of a kind cost."""

    month: Month
    kind: str
    points: Points
    amount: Money
    currency: Currency


class ResultOfMonth(TypedDict):
    """What came of a rule or campaign; `kind` is null for one of earlier versions only."""

    month: Month
    id: str
    kind: Literal["rule", "campaign"] | None
    points: Points


class BudgetAnswer(TypedDict):
    """How much of a campaign's budget is used."""

    campaign: str
    budget_points: Points
    used_points: Points


ActivityAnswer = TypedDict(
    "ActivityAnswer",
    {
        "as_of": Instant,
        "counted_through": Instant | None,
        "from": Month,
        "to": Month,
        "months": list[MonthOfActivity],
        "redemptions": list[RedemptionsOfMonth],
        "results": list[ResultOfMonth],
        "analysis": list[ResultOfMonth],
        "budgets": list[BudgetAnswer],
    },
)


class PartOfSales(TypedDict):
    """Revenue and how many purchases it came from."""

    revenue: Money
    purchases: Count


class SalesInAll(TypedDict):
    """Own orders apart from copies that somebody else ordered."""

    own: PartOfSales
    copy: PartOfSales
    revenue: Money
    purchases: Count


class SalesOfMember(SalesInAll):
    """Revenue by the person who ordered."""

    member_id: str
    merged_into: str | None
    name: str | None


class SalesOfOrganisation(SalesInAll):
    """Revenue by the organisation of the person who ordered."""

    organisation: str | None


class SalesAnswer(TypedDict):
    """A page of the report: `members` or `organisations`, most first."""

    period: str
    by: Literal["member", "organisation"]
    currency: Currency
    total: SalesInAll
    members: NotRequired[list[SalesOfMember]]
    organisations: NotRequired[list[SalesOfOrganisation]]
    cursor: Cursor
    as_of: Instant


class TopMemberAnswer(TypedDict):
    """A member by rank, with `points` or `revenue`."""

    rank: Count
    member_id: str
    merged_into: str | None
    name: str | None
    points: NotRequired[Points]
    revenue: NotRequired[Money]


class TopMembersAnswer(TypedDict):
    """A page of the top members."""

    by: Literal["earned", "redeemed", "revenue"]
    period: str
    currency: Currency
    members: list[TopMemberAnswer]
    cursor: Cursor
    as_of: Instant


class Segments(TypedDict):
    """Members by how often they were active."""

    frequent: Count
    occasional: Count
    inactive: Count


class MonthOfEngagement(TypedDict):
    """How many took part; shares are null where there is nothing to take a share of."""

    month: Month
    members: Count
    enrolled: Count
    left: Count
    active: Count
    participation: Share | None
    issued: Points
    redeemed: Points
    redemption_rate: Share | None
    segments: Segments


class Retained(TypedDict):
    """How many of a cohort were active so many months later."""

    month: Count
    active: Count
    share: Share | None


class CohortAnswer(TypedDict):
    """Who enrolled in a month."""

    month: Month
    members: Count
    retention: list[Retained]


class DaysAnswer(TypedDict):
    """A span of days; without end, `to_days` is null."""

    from_days: Count
    to_days: Count | None


class BucketAnswer(DaysAnswer):
    """How many took so long."""

    members: Count


class FirstRedemption(TypedDict):
    """How long it took until points were first spent."""

    members: Count
    mean_days: Share | None
    median_days: DaysAnswer | None
    buckets: list[BucketAnswer]


class EngagementAnswer(TypedDict):
    """Months with segments, cohorts with retention, and the time to the first redemption."""

    members: Count
    enrolled: Count
    issued: Points
    redeemed: Points
    redemption_rate: Share | None
    months: list[MonthOfEngagement]
    cohorts: list[CohortAnswer]
    first_redemption: FirstRedemption
    as_of: Instant
