"""The program: the rules in force, its versions, and backtests of drafts."""

from typing import Any, Literal, TypedDict

from points_ledger.contracts.answers.common import (
    Count,
    Currency,
    Cursor,
    Instant,
    Money,
    Points,
)


class HealthAnswer(TypedDict):
    """That the stack answers."""

    status: Literal["ok"]
    version: str


class PointValueAnswer(TypedDict):
    """What points are worth."""

    points: Points
    amount: Money


class ProgramAnswer(TypedDict):
    """The rules in force, in plain sentences and as data; `program` is the document itself."""

    version: Count
    name: str
    mode: Literal["rewards", "analysis"]
    currency: Currency
    time_zone: str
    point_value: PointValueAnswer
    sentences: list[str]
    rules: list[dict[str, Any]]
    campaigns: list[dict[str, Any]]
    tiers: list[dict[str, Any]]
    challenges: list[dict[str, Any]]
    streaks: list[dict[str, Any]]
    leaderboards: list[dict[str, Any]]
    memberships: list[dict[str, Any]]
    benefits: list[dict[str, Any]]
    program: dict[str, Any]
    effective_from: Instant


class VersionAnswer(TypedDict):
    """A version of the program; the one in force has no end, unless a later one is published."""

    version: Count
    effective_from: Instant
    effective_until: Instant | None
    published_at: Instant
    published_by: str | None
    program: dict[str, Any]


class VersionsAnswer(TypedDict):
    """A page of versions, newest first."""

    versions: list[VersionAnswer]
    cursor: Cursor


class PublishedAnswer(TypedDict):
    """The version that was published."""

    version: Count
    effective_from: Instant
    effective_until: Instant | None


class FieldWrong(TypedDict):
    """One thing that is wrong, and where."""

    field: str
    message: str


class ValidDraft(TypedDict):
    """What a draft would say."""

    valid: Literal[True]
    sentences: list[str]


class RefusedDraft(TypedDict):
    """What keeps a draft from being published."""

    valid: Literal[False]
    errors: list[FieldWrong]


class SimulationStarted(TypedDict):
    """A backtest that was queued."""

    simulation_id: str


class BothPoints(TypedDict):
    """What really was, and what would have been."""

    actual: Points
    draft: Points


class BothAmounts(TypedDict):
    """The same in money."""

    actual: Money
    draft: Money
    currency: Currency


class LiabilityOfDraft(BothPoints):
    """What is owed."""

    amount: BothAmounts


class RuleOfDraft(BothPoints):
    """What a rule, campaign or tier gave."""

    id: str


TierMoves = TypedDict("TierMoves", {"from": str | None, "to": str | None, "members": Count})


class MemberChange(BothPoints):
    """Whom the draft changes most."""

    member_id: str
    points: Points


class SimulationResult(TypedDict):
    """What was really issued, and what the draft would have issued instead."""

    members: Count
    earnings: Count
    points_issued: BothPoints
    cost: BothAmounts
    liability: LiabilityOfDraft
    by_rule: list[RuleOfDraft]
    tier_moves: list[TierMoves]
    members_gaining: Count
    members_losing: Count
    gainers: list[MemberChange]
    losers: list[MemberChange]


SimulationAnswer = TypedDict(
    "SimulationAnswer",
    {
        "simulation_id": str,
        "status": Literal["running", "done", "failed"],
        "progress": float,
        "reason": str | None,
        "from": Instant,
        "to": Instant,
        "created_at": Instant,
        "result": SimulationResult | None,
    },
)
