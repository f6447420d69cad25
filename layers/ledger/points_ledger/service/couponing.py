"""Coupons: showing them, and what a till does with them: use one, once, or cancel it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol, cast

from points_ledger.domain.calendar import format_instant, local_day
from points_ledger.domain.coupon import ShownStatus, check_active, shown_status
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import CouponCode, MemberId, RedemptionId
from points_ledger.service.command import Command
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.ports import (
    Coupon,
    CouponKey,
    Save,
    Store,
    Write,
)
from points_ledger.service.programs import Programs
from points_ledger.service.redemptions import Redemptions


class Undo(Protocol):
    """Gives all points of a redemption back: the writes, and the balances after them."""

    def __call__(
        self, view: View, redemption_id: RedemptionId, *, now: datetime, actor: str
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        """Raises a Rejection where nothing can be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCoupon:
    """A coupon and its status today."""

    coupon: Coupon
    status: ShownStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCoupon(Command):
    """Use a coupon, on `used_on` where the till says so, or cancel it."""

    code: CouponCode
    to: Literal["used", "cancelled"]
    used_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The answer, as it was first given."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Couponing:
    """Shows, uses and cancels coupons. `undo` gives the points of a cancelled one back."""

    path: WritePath
    store: Store
    programs: Programs
    clock: Callable[[], datetime]
    undo: Undo

    def coupon(self, code: CouponCode, *, asked_by: MemberId | None) -> ShownCoupon:
        """One coupon; `asked_by` is the member who asks, None for whoever serves members.

        Raises:
            NotFoundError: there is none with this code, or it is another member's.
        """
        view = View(self.store)
        coupon = _stored(view, code)
        if asked_by is not None and not _belongs_to(view, coupon, asked_by):
            raise NotFoundError("coupon", code)
        return ShownCoupon(coupon=coupon, status=self._status(coupon, self.clock()))

    def close(self, command: CloseCoupon) -> Closed:
        """Use or cancel, once.

        Raises:
            NotFoundError: there is no such coupon.
            CouponNotUsableError: it was used or cancelled before, or has expired.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other writers won too often; send it again with the same key.
        """
        return self.path.run(lambda view: self._decide(view, command))

    def _decide(self, view: View, command: CloseCoupon) -> Decision[Closed]:
        view.load(command.request, CouponKey(code=command.code))
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Closed(result=first, replayed=True))
        coupon = _stored(view, command.code)
        now = self.clock()
        if command.to == "cancelled":
            head = view.resolved_head(coupon.member_id)
            now = latest(now, [head] if head else [])
        check_active(self._status(coupon, now))
        writes, more = self._undone(view, command, coupon, now)
        closed = replace(coupon, status=command.to)
        if command.to == "used":
            closed = replace(closed, used_at=now, used_on=command.used_on)
        result = {**coupon_answer(ShownCoupon(coupon=closed, status=command.to)), **more}
        return Decision(
            result=Closed(result=result),
            writes=(*writes, Save(item=closed, expected=coupon.revision), command.kept(result)),
        )

    def _undone(
        self, view: View, command: CloseCoupon, coupon: Coupon, now: datetime
    ) -> tuple[tuple[Write, ...], Mapping[str, object]]:
        if command.to == "used":
            return (), {}
        return self.undo(view, coupon.redemption_id, now=now, actor=command.actor)

    def _status(self, coupon: Coupon, now: datetime) -> ShownStatus:
        today = local_day(now, self.programs.at(now).zone)
        return shown_status(coupon.status, coupon.last_day, today)


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponsOfMember:
    """Shows the coupons that a member's points were made into; writes nothing."""

    store: Store
    redemptions: Redemptions
    programs: Programs
    clock: Callable[[], datetime]

    def of_member(
        self, member_id: MemberId, *, limit: int, before: int | None
    ) -> tuple[tuple[ShownCoupon, ...], int | None]:
        """The coupons of a page of redemptions, newest first, and where the next page begins.

        A page may be shorter than `limit`, or empty, and still have a next one: most redemptions
        make no coupon.

        Raises:
            NotFoundError: there is no such member.
        """
        page, following = self.redemptions.of_member(member_id, limit=limit, before=before)
        codes = [shown.redemption.coupon for shown in page]
        keys = [CouponKey(code=code) for code in codes if code is not None]
        found = self.store.get(keys) if keys else {}
        coupons = (cast("Coupon", found[key]) for key in keys if key in found)
        now = self.clock()
        today = local_day(now, self.programs.at(now).zone)
        return tuple(
            ShownCoupon(coupon=each, status=shown_status(each.status, each.last_day, today))
            for each in coupons
        ), following


def coupon_answer(shown: ShownCoupon) -> dict[str, object]:
    """A coupon as it is shown and answered."""
    coupon = shown.coupon
    return {
        "code": coupon.code,
        "status": shown.status,
        "member_id": coupon.member_id,
        "redemption_id": coupon.redemption_id,
        "reward_id": coupon.reward_id,
        "points": coupon.points,
        "amount": coupon.amount,
        "currency": coupon.currency,
        "last_day": coupon.last_day.isoformat(),
        "created_at": format_instant(coupon.created_at),
        "used_at": format_instant(coupon.used_at) if coupon.used_at else None,
        "used_on": coupon.used_on,
    }


def _stored(view: View, code: CouponCode) -> Coupon:
    coupon = view.coupon(code)
    if coupon is None:
        raise NotFoundError("coupon", code)
    return coupon


def _belongs_to(view: View, coupon: Coupon, member_id: MemberId) -> bool:
    """Whether a coupon is a member's own, by any id that the two have had."""
    if coupon.member_id == member_id:
        return True
    mine, owner = view.resolved_head(member_id), view.resolved_head(coupon.member_id)
    return mine is not None and owner is not None and mine.member_id == owner.member_id
