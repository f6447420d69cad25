"""A desk with an office behind it: adjustments, approvals, the catalogue and its coupons."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, Literal

from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.identity import ApprovalId, CouponCode, MemberId, RewardId
from points_ledger.domain.program import AdjustmentTerms, CouponTerms, Program
from points_ledger.domain.state import Standing, Status
from points_ledger.service.adjusting import Adjusted, Adjusting, AdjustPoints
from points_ledger.service.approving import (
    Approving,
    DecideApproval,
    Decided,
    ShownApproval,
    ShownStatus,
)
from points_ledger.service.couponing import CloseCoupon, Closed, Couponing
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import Append, RequestKey
from points_ledger.service.rewarding import ChangeReward, CreateReward, Draft, Rewarding, Shown
from tests.builders import START
from tests.service.desk import ADA, Desk

SAM: Final = "sam"
KIM: Final = "kim"
"""Two members of staff: one asks, the other decides."""


class Office(Desk):
    """A stack of one process with all that staff do."""

    def __init__(self, rules: Program, *, now: datetime = START) -> None:
        super().__init__(rules, now=now)
        path = WritePath(store=self.store, pause=self._pause)
        self.keys: Iterator[int] = itertools.count()
        self.adjusting = Adjusting(
            path=path, programs=self.programs, clock=self.clock, salt=lambda: "salt"
        )
        self.approving = Approving(
            path=path,
            store=self.store,
            reader=self.memory,
            clock=self.clock,
            salt=lambda: "salt",
            decide={
                "redemption": self.redeeming.decided,
                "transfer": self.transferring.decided,
                "adjustment": self.adjusting.decided,
            },
        )
        self.rewarding = Rewarding(
            path=path,
            store=self.store,
            reader=self.memory,
            programs=self.programs,
            clock=self.clock,
        )
        self.couponing = Couponing(
            path=path,
            store=self.store,
            programs=self.programs,
            clock=self.clock,
            undo=self.redeeming.undone,
        )

    def put_standing(self, member_id: MemberId, status: Status) -> None:
        """Change the status of a member, as the command for it does."""
        known = self.memory.chain(member_id)[-1].state.standing
        self.put_standing_of(member_id, replace(known, status=status))

    def put_standing_of(self, member_id: MemberId, standing: Standing) -> None:
        """Change what a member is, as the command for it does."""
        head = self.memory.chain(member_id)[-1]
        posting = Posting(type="change", at=self.now, standing=standing, actor="test")
        self.memory.commit([Append(entry=chain(head, member_id, posting, self.now))])

    # ---- Adjustments and approvals

    def adjust(
        self,
        points: int,
        *,
        key: str | None = None,
        reason: str = "goodwill",
        last_day: date | None = None,
        note: str | None = None,
        member_id: MemberId = ADA,
        caller: str = SAM,
    ) -> Adjusted:
        command = AdjustPoints(
            request=RequestKey(caller=caller, key=key or f"adjust-{next(self.keys)}"),
            fingerprint=f"{member_id} {points} {reason} {last_day} {note}",
            actor=f"person:{caller}",
            member_id=member_id,
            points=points,
            reason=reason,
            last_day=last_day,
            note=note,
        )
        return self.adjusting.adjust(command)

    def decide(
        self,
        approval_id: object,
        *,
        approved: bool = True,
        caller: str = KIM,
        key: str | None = None,
        note: str | None = None,
    ) -> Decided:
        command = DecideApproval(
            request=RequestKey(caller=caller, key=key or f"decide-{next(self.keys)}"),
            fingerprint=f"{approval_id} {approved} {note}",
            actor=f"person:{caller}",
            approval_id=ApprovalId(str(approval_id)),
            approved=approved,
            note=note,
        )
        return self.approving.run(command)

    def approvals(
        self, status: ShownStatus = "open", *, asked_by: str | None = None
    ) -> tuple[ShownApproval, ...]:
        page = self.approving.approvals(status, asked_by=asked_by, limit=100, cursor=None)
        assert page.cursor is None
        return page.approvals

    # ---- Rewards and coupons

    def add_reward(self, *, key: str | None = None, **fields: Any) -> RewardId:  # noqa: ANN401 - of a draft
        draft = Draft(**{"name": "Mug", "points": 50, **fields})
        command = CreateReward(
            request=RequestKey(caller="ada-the-admin", key=key or f"reward-{next(self.keys)}"),
            fingerprint=str(draft),
            draft=draft,
        )
        return self.rewarding.create(command).reward_id

    def change_reward(self, reward_id: RewardId, **changes: object) -> Shown:
        self.rewarding.change(ChangeReward(reward_id=reward_id, changes=changes))
        return self.rewarding.reward(reward_id)

    def remaining(self, reward_id: RewardId) -> int | None:
        return self.rewarding.reward(reward_id).remaining

    def close(
        self,
        code: object,
        to: Literal["used", "cancelled"] = "used",
        *,
        key: str | None = None,
        used_on: str | None = None,
    ) -> Closed:
        command = CloseCoupon(
            request=RequestKey(caller="till", key=key or f"close-{next(self.keys)}"),
            fingerprint=f"{code} {to} {used_on}",
            actor="till",
            code=CouponCode(str(code)),
            to=to,
            used_on=used_on,
        )
        return self.couponing.close(command)


def with_terms(
    rules: Program,
    *,
    above: int | None = None,
    below_zero: bool = True,
    minimum_points: int = 0,
    valid_days: int = 90,
) -> Program:
    """The program with terms of adjustments and coupons."""
    return replace(
        rules,
        adjustments=AdjustmentTerms(approval_above_points=above, approval_below_zero=below_zero),
        coupons=CouponTerms(minimum_points=minimum_points, valid_days=valid_days),
    )
