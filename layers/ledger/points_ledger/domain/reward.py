"""Rewards: what is in the catalogue, and who can have it now."""

from collections.abc import Sequence
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import OutOfStockError, RewardNotAvailableError
from points_ledger.domain.identity import RewardId
from points_ledger.domain.program import Program, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What about a reward decides who can have it; see `Reward` of the ports for the fields.

    `remaining` is None where there is no stock that runs out.
    """

    reward_id: RewardId
    tiers: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    is_active: bool
    remaining: int | None


def check_claim(offer: Offer, *, tier: str | None, program: Program, now: datetime) -> None:
    """A member of a tier can have the reward now.

    Raises:
        RewardNotAvailableError: it is not offered now, or not to this tier.
        OutOfStockError: nothing is left.
    """
    if not offer.is_active:
        raise RewardNotAvailableError("not_active")
    if offer.valid_from is not None and now < offer.valid_from:
        raise RewardNotAvailableError("not_yet")
    if has_ended(offer.valid_until, now):
        raise RewardNotAvailableError("ended")
    if not passes_gate(tier, offer.tiers, program.tiers):
        raise RewardNotAvailableError("tier")
    if offer.remaining is not None and offer.remaining < 1:
        raise OutOfStockError(offer.reward_id)


def has_ended(valid_until: datetime | None, now: datetime) -> bool:
    """Whether the window `[from, until)` is over."""
    return valid_until is not None and now >= valid_until


def passes_gate(tier: str | None, wanted: Sequence[str], tiers: Sequence[Tier]) -> bool:
    """Whether a tier is one of those wanted, or above one; no wanted tier is no gate.

    A tier that the program no longer has is only passed by those who still hold it.
    """
    if not wanted or tier in wanted:
        return True
    thresholds = {each.id: each.points for each in tiers}
    held = thresholds.get(tier) if tier is not None else None
    known = [thresholds[each] for each in wanted if each in thresholds]
    return held is not None and any(held > threshold for threshold in known)
