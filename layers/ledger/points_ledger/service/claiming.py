"""What a redemption gets beside the points being spent: a reward of the catalogue, or a coupon.

Stock is drawn and a coupon made in the transaction that spends the points, never earlier: what
waits for an approval has neither, so nothing has to be given back when it is rejected or its time
runs out.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import date
from typing import Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.coupon import check_active, check_minimum, last_day, shown_status
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Posting
from points_ledger.domain.error import NotFoundError, RewardNotAvailableError
from points_ledger.domain.grant import Granting, ended, granted, reward_grant, reward_source
from points_ledger.domain.identity import CouponCode, RedemptionId, RewardId
from points_ledger.domain.redemption import Redeemer, check_may_redeem
from points_ledger.domain.reservation import Step
from points_ledger.domain.reward import Offer, check_claim
from points_ledger.domain.tier import current_tier
from points_ledger.service.ledger import View
from points_ledger.service.ports import (
    Coupon,
    Create,
    Draw,
    ItemKey,
    Redemption,
    Reward,
    RewardKey,
    Save,
    StockKey,
    Write,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is written beside the entry, and what the answer has in addition."""

    writes: tuple[Write, ...] = ()
    coupon: Coupon | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


NOTHING_CLAIMED: Final = Claim()


def claim_keys(reward_id: RewardId | None) -> tuple[ItemKey, ...]:
    """What has to be read for a claim, after the account."""
    if reward_id is None:
        return ()
    return (RewardKey(reward_id=reward_id), StockKey(reward_id=reward_id))


def may_have_coupon(redeemer: Redeemer, points: int) -> None:
    """Whether a coupon is made of so many points.

    Raises:
        Rejection: the member may not redeem, or the points are too few for a coupon.
    """
    check_may_redeem(redeemer)
    check_minimum(points, redeemer.program)


def claimed_reward(view: View, reward_id: RewardId, redeemer: Redeemer) -> Reward:
    """A reward that the redeemer can have now.

    Raises:
        NotFoundError: there is no such reward.
        Rejection: the member may not redeem; or the reward cannot be had now, or not by this
            member, or nothing is left.
    """
    check_may_redeem(redeemer)
    view.load(*claim_keys(reward_id))
    reward = view.reward(reward_id)
    if reward is None:
        raise NotFoundError("reward", reward_id)
    stock = view.stock(reward_id) if reward.is_limited else None
    offer = Offer(
        reward_id=reward_id,
        tiers=reward.tiers,
        valid_from=reward.valid_from,
        valid_until=reward.valid_until,
        is_active=reward.is_active,
        remaining=stock.remaining if stock is not None else (0 if reward.is_limited else None),
    )
    check_claim(
        offer,
        tier=current_tier(
            redeemer.state.standing,
            today=local_day(redeemer.now, redeemer.program.zone),
            program=redeemer.program,
        ),
        program=redeemer.program,
        now=redeemer.now,
    )
    return reward


def claim_reward(
    reward: Reward, redeemer: Redeemer, redemption: Redemption, new_code: Callable[[], CouponCode]
) -> Claim:
    """Draw one from the stock, and make the coupon where the reward is one."""
    drawn = (Draw(key=StockKey(reward_id=reward.reward_id), quantity=1),)
    coupon = None
    if reward.kind == "coupon":
        assert reward.amount is not None, "a reward that is a coupon says what it is worth"
        coupon = _coupon(redeemer, redemption, code=new_code(), amount=reward.amount)
    due = {"amount_due": reward.amount_due} if reward.amount_due is not None else {}
    return Claim(
        writes=(*(drawn if reward.is_limited else ()), *_created(coupon)),
        coupon=coupon,
        fields={"reward_id": reward.reward_id, **due, **_shown(coupon)},
    )


def with_grant_of(
    reward: Reward | None, posting: Posting, redemption_id: RedemptionId, redeemer: Redeemer
) -> Posting:
    """The entry that spends the points, with the tier that the reward gives for a time.

    Raises:
        RewardNotAvailableError: the program does not have this tier any more.
        LimitExceededError: the member has as many grants as one may have.
    """
    if reward is None or reward.grants is None:
        return posting
    program, given = redeemer.program, reward.grants
    if not program.tier_rank(given.tier):
        raise RewardNotAvailableError("grants")
    today = local_day(redeemer.now, program.zone)
    grant = reward_grant(redemption_id, given.tier, given.months, today)
    return granted(posting, grant, Granting(state=redeemer.state, today=today, program=program))


def without_grant_of(redemption: Redemption, posting: Posting, step: Step) -> Posting:
    """The entry of a step, which ends the grant where it gives the last point back."""
    if redemption.status != "reversed" or redemption.reward_id is None:
        return posting
    today = local_day(step.now, step.program.zone)
    granting = Granting(state=step.state, today=today, program=step.program)
    return ended(posting, reward_source(redemption.redemption_id), granting)


def claim_coupon(redeemer: Redeemer, redemption: Redemption, code: CouponCode) -> Claim:
    """Make a coupon of what the redeemed points are worth."""
    coupon = _coupon(redeemer, redemption, code=code, amount=redemption.amount)
    return Claim(writes=_created(coupon), coupon=coupon, fields=_shown(coupon))


def given_back_stock(view: View, reward_id: RewardId | None) -> tuple[Write, ...]:
    """Put the reward of a redemption that is undone back, where there is a stock of it."""
    if reward_id is None:
        return ()
    view.load(*claim_keys(reward_id))
    reward = view.reward(reward_id)
    if reward is None or not reward.is_limited:
        return ()
    return (Draw(key=StockKey(reward_id=reward_id), quantity=-1),)


def cancelled_coupon(view: View, redemption: Redemption, today: date) -> tuple[Write, ...]:
    """What becomes of the coupon of a redemption that is given back as a whole.

    Raises:
        CouponNotUsableError: it was used or cancelled before, or has expired.
    """
    coupon = view.coupon(redemption.coupon) if redemption.coupon is not None else None
    if coupon is None:
        return ()
    check_active(shown_status(coupon.status, coupon.last_day, today))
    return (Save(item=replace(coupon, status="cancelled"), expected=coupon.revision),)


def _coupon(redeemer: Redeemer, redemption: Redemption, *, code: CouponCode, amount: str) -> Coupon:
    return Coupon(
        code=code,
        member_id=redemption.member_id,
        redemption_id=redemption.redemption_id,
        reward_id=redemption.reward_id,
        points=redemption.points,
        amount=amount,
        currency=redemption.currency,
        last_day=last_day(redeemer.now, redeemer.program),
        created_at=redeemer.now,
    )


def _created(coupon: Coupon | None) -> tuple[Write, ...]:
    return () if coupon is None else (Create(item=coupon),)


def _shown(coupon: Coupon | None) -> Mapping[str, object]:
    """The coupon in an answer. No entry and no event has the code: whoever knows it can use it."""
    if coupon is None:
        return {}
    return {
        "coupon": {
            "code": coupon.code,
            "amount": coupon.amount,
            "currency": coupon.currency,
            "last_day": coupon.last_day.isoformat(),
            "status": coupon.status,
        }
    }
