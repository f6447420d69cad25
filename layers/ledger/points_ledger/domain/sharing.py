"""Splitting points between members by whole percentages (semantics 3.2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError, LimitExceededError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_SHARES_PER_PLAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One member's whole percentage of a plan; the percentages of a plan sum to 100."""

    member_id: MemberId
    percent: int


Allocation = tuple[Share, ...]

WHOLE_PERCENT: Final = 100


def whole(member_id: MemberId) -> Allocation:
    """The allocation without a plan: everything to one member."""
    return (Share(member_id=member_id, percent=WHOLE_PERCENT),)


def united(shares: Iterable[Share]) -> Allocation:
    """Shares of the same member added together, in the order in which each member comes first."""
    percents: dict[MemberId, int] = {}
    for share in shares:
        percents[share.member_id] = percents.get(share.member_id, 0) + share.percent
    return tuple(Share(member_id=id_, percent=percent) for id_, percent in percents.items())


def allocation_by(
    plan: Allocation, owner: MemberId, receivers: Mapping[MemberId, MemberId | None]
) -> Allocation:
    """Between whom a purchase of `owner` is split by a plan; everything to `owner` without one.

    `receivers` says which member each id of the plan stands for now. The share of a member who
    can receive nothing (None) is the owner's.
    """
    return united(
        Share(member_id=receivers[share.member_id] or owner, percent=share.percent)
        for share in plan or whole(owner)
    )


def check_percents(percents: Sequence[int]) -> None:
    """See that percentages make a plan; none at all end it.

    Raises:
        LimitExceededError: there are more than MAX_SHARES_PER_PLAN.
        InvalidRequestError: one is not within 1 to 100, or they do not sum to 100.
    """
    if len(percents) > MAX_SHARES_PER_PLAN:
        raise LimitExceededError("shares", MAX_SHARES_PER_PLAN)
    errors = [
        FieldError(f"shares.{place}.percent", "must be a whole number from 1 to 100")
        for place, percent in enumerate(percents)
        if not 1 <= percent <= WHOLE_PERCENT
    ]
    if percents and not errors and sum(percents) != WHOLE_PERCENT:
        errors.append(FieldError("shares", f"must sum to 100 percent, not {sum(percents)}"))
    if errors:
        raise InvalidRequestError(tuple(errors))


def new_plan(shares: Sequence[Share], owner: MemberId) -> Allocation:
    """A plan of shares whose members have been found; all to the owner is the same as no plan.

    Raises:
        InvalidRequestError: a member is named twice.
    """
    members = [share.member_id for share in shares]
    again = [place for place, id_ in enumerate(members) if id_ in members[:place]]
    if again:
        message = "is a member that has a share already"
        raise InvalidRequestError(
            tuple(FieldError(f"shares.{place}.member_id", message) for place in again)
        )
    return () if members == [owner] else tuple(shares)


def check_no_circle(owner: MemberId, reached: Collection[MemberId]) -> None:
    """See that no plan of those who get a share gives to `owner`, by however many steps.

    Raises:
        InvalidRequestError: one of them does.
    """
    if owner in reached:
        message = "a member who is given a share shares with this member, directly or not"
        raise InvalidRequestError((FieldError("shares", message),))


def split(points: int, percents: Sequence[int]) -> tuple[int, ...]:
    """Hand out `points` by the Sainte-Laguë method.

    One by one to the highest percent / (2 × points so far + 1), ties to the earlier share.

    Each share starts at max(0, floor(quota) − number of shares), which the method is proven to
    reach, so the loop is short. A larger total never takes a point from anyone.
    """
    shares = len(percents)
    if shares == 1 and percents[0] == WHOLE_PERCENT:
        return (points,)
    given = [max(0, points * percent // 100 - shares) for percent in percents]
    for _ in range(points - sum(given)):
        # Highest percent / (2 × given + 1), compared by cross-multiplication to stay exact.
        best = 0
        for index in range(1, shares):
            if percents[index] * (2 * given[best] + 1) > percents[best] * (2 * given[index] + 1):
                best = index
        given[best] += 1
    return tuple(given)
