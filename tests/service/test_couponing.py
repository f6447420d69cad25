"""Coupons: made from points, used once, and cancelled for the points."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest

from points_ledger.domain.coupon import clean_code
from points_ledger.domain.error import (
    BelowMinimumError,
    CouponBelowMinimumError,
    CouponNotUsableError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import CouponCode, MemberId, RedemptionId
from points_ledger.domain.replay import replay
from points_ledger.service.ports import RedemptionKey
from points_ledger.service.redeeming import Redeemed
from tests.builders import DAY, START, paid, posted, program
from tests.service.desk import ADA, BOB
from tests.service.office import Office, with_terms

CLOSINGS: tuple[Literal["used"], Literal["cancelled"]] = ("used", "cancelled")


@pytest.fixture
def office() -> Office:
    """Ada has 100 points; coupons are made from 20 points on and are good for 30 days."""
    office = Office(with_terms(program(), minimum_points=20, valid_days=30))
    office.tell(posted("100.00"), paid("100.00"))
    return office


def made(office: Office, points: int = 60, key: str = "make") -> tuple[Redeemed, CouponCode]:
    done = office.redeem(points, key=key, kind="coupon")
    coupon = done.result["coupon"]
    assert isinstance(coupon, dict)
    return done, coupon["code"]


def status(office: Office, code: CouponCode) -> str:
    return office.couponing.coupon(code, asked_by=None).status


# --- Making ---------------------------------------------------------------------------------


def test_points_become_a_coupon_of_what_they_are_worth(office: Office) -> None:
    done, code = made(office)
    assert clean_code(code) == code
    assert done.result["coupon"] == {
        "code": code,
        "amount": "0.60",
        "currency": "USD",
        "last_day": (START.date() + timedelta(days=30)).isoformat(),
        "status": "active",
    }
    coupon = office.couponing.coupon(code, asked_by=ADA).coupon
    assert (coupon.points, coupon.member_id) == (60, ADA)
    assert coupon.redemption_id == done.result["redemption_id"]
    assert office.balances() == (0, 40, 0)


def test_an_amount_makes_a_coupon_of_it(office: Office) -> None:
    done = office.redeem(amount="0.70", kind="coupon")
    assert isinstance(done.result["coupon"], dict)
    assert (done.result["points"], done.result["coupon"]["amount"]) == (70, "0.70")


def test_the_code_is_in_no_entry(office: Office) -> None:
    _, code = made(office)
    assert code not in str(office.memory.chain(ADA))


def test_the_same_request_again_gets_the_same_coupon(office: Office) -> None:
    first, code = made(office)
    again, same = made(office)
    assert (again.replayed, same, again.result) == (True, code, first.result)
    assert made(office, 20, key="another")[1] != code


def test_coupons_are_made_from_a_number_of_points_on(office: Office) -> None:
    with pytest.raises(CouponBelowMinimumError) as refused:
        made(office, 19)
    assert refused.value == CouponBelowMinimumError(
        minimum_amount="0.20", amount="0.19", minimum_points=20, points=19
    )
    assert made(office, 20)


def test_the_minimum_of_every_redemption_holds_as_well() -> None:
    office = Office(program(minimum_amount="0.50"))
    office.tell(posted("100.00"), paid("100.00"))
    with pytest.raises(BelowMinimumError):
        made(office, 49)


def test_a_reward_may_be_a_coupon_of_its_own_worth(office: Office) -> None:
    id_ = office.add_reward(kind="coupon", points=10, amount=Decimal("5.00"), stock=1)
    done = office.redeem(kind="reward", reward_id=id_)
    coupon = done.result["coupon"]
    assert isinstance(coupon, dict)
    assert (coupon["amount"], done.result["amount"]) == ("5.00", "0.10")
    office.close(coupon["code"], "cancelled")
    assert (office.remaining(id_), office.balances()) == (1, (0, 100, 0))


# --- Showing --------------------------------------------------------------------------------


def test_a_coupon_is_its_owners_alone(office: Office) -> None:
    _, code = made(office)
    assert office.couponing.coupon(code, asked_by=None).status == "active"
    with pytest.raises(NotFoundError):
        office.couponing.coupon(code, asked_by=MemberId("somebody"))
    with pytest.raises(NotFoundError):
        office.couponing.coupon(CouponCode("7Q2M"), asked_by=None)


def test_it_is_good_through_the_end_of_its_last_day(office: Office) -> None:
    _, code = made(office)
    ends = START.replace(hour=0) + 31 * DAY
    office.wait(ends - timedelta(seconds=1))
    assert status(office, code) == "active"
    office.wait(ends)
    assert status(office, code) == "expired"
    for to in CLOSINGS:
        with pytest.raises(CouponNotUsableError) as refused:
            office.close(code, to)
        assert refused.value.coupon_status == "expired"


# --- Using ----------------------------------------------------------------------------------


def test_a_coupon_is_used_once(office: Office) -> None:
    _, code = made(office)
    done = office.close(code, used_on="T-7", key="use")
    assert (done.result["status"], done.result["used_on"]) == ("used", "T-7")
    again = office.close(code, used_on="T-7", key="use")
    assert (again.result, again.replayed) == (done.result, True)
    with pytest.raises(CouponNotUsableError) as refused:
        office.close(code, used_on="T-8")
    assert refused.value.coupon_status == "used"
    with pytest.raises(IdempotencyKeyReusedError):
        office.close(code, used_on="T-8", key="use")
    with pytest.raises(CouponNotUsableError):
        office.close(code, "cancelled")
    assert office.balances() == (0, 40, 0)


def test_of_two_tills_one_uses_it(office: Office) -> None:
    _, code = made(office)
    office.store.meanwhile["commit"] = lambda: office.close(code, used_on="first")
    with pytest.raises(CouponNotUsableError):
        office.close(code, used_on="second")
    assert office.couponing.coupon(code, asked_by=None).coupon.used_on == "first"


# --- Cancelling -----------------------------------------------------------------------------


def test_a_cancelled_coupon_gives_its_points_back_to_their_lot(office: Office) -> None:
    before = office.memory.chain(ADA)[-1].state
    done, code = made(office)
    closed = office.close(code, "cancelled", key="cancel")
    assert closed.result["status"] == "cancelled"
    assert closed.result["balance"] == {"available": 100, "pending": 0, "reserved": 0, "debt": 0}
    state = office.memory.chain(ADA)[-1].state
    assert (state.lots, state.counter("redeemed")) == (before.lots, 0)
    assert replay(office.memory.chain(ADA)) == state
    key = RedemptionKey(redemption_id=RedemptionId(str(done.result["redemption_id"])))
    redemption = office.memory.get([key])[key]
    assert getattr(redemption, "status", None) == "reversed"
    again = office.close(code, "cancelled", key="cancel")
    assert (again.result, again.replayed) == (closed.result, True)
    for to in CLOSINGS:
        with pytest.raises(CouponNotUsableError):
            office.close(code, to)


def test_used_and_cancelled_at_once_it_is_one_of_them(office: Office) -> None:
    _, code = made(office)
    office.store.meanwhile["commit"] = lambda: office.close(code)
    with pytest.raises(CouponNotUsableError):
        office.close(code, "cancelled")
    assert office.balances() == (0, 40, 0)


def test_an_entry_meanwhile_does_not_lose_the_points(office: Office) -> None:
    _, code = made(office)
    office.store.meanwhile["commit"] = lambda: office.redeem(40, key="meanwhile")
    assert office.close(code, "cancelled").result["status"] == "cancelled"
    assert office.balances() == (0, 60, 0)


def test_the_points_of_who_was_erased_do_not_come_back(office: Office) -> None:
    _, code = made(office)
    office.put_standing(ADA, "erased")
    with pytest.raises(MemberInactiveError):
        office.close(code, "cancelled")


def test_reversing_the_redemption_cancels_the_coupon(office: Office) -> None:
    done, code = made(office)
    with pytest.raises(InvalidRequestError):
        office.go_on("reverse", done, 10)
    office.go_on("reverse", done)
    assert (status(office, code), office.balances()) == ("cancelled", (0, 100, 0))


def test_a_used_coupon_cannot_be_reversed(office: Office) -> None:
    done, code = made(office)
    office.close(code)
    with pytest.raises(CouponNotUsableError):
        office.go_on("reverse", done)
    assert office.balances() == (0, 40, 0)


# --- With an approval -----------------------------------------------------------------------


def test_a_coupon_that_has_to_be_approved_is_made_then() -> None:
    rules = program()
    rules = replace(rules, redemption=replace(rules.redemption, approval_above_points=50))
    office = Office(rules)
    office.tell(posted("100.00"), paid("100.00"))
    asked = office.redeem(60, kind="coupon", caller="ada").result
    assert "coupon" not in asked
    result = office.decide(asked["approval_id"]).result["result"]
    assert isinstance(result, dict)
    code = result["coupon"]["code"]
    assert status(office, code) == "active"
    redemption_id = RedemptionId(str(asked["redemption_id"]))
    shown = office.redemptions.one(redemption_id, asked_by=ADA)
    assert shown.redemption.coupon == code
    office.close(code, "cancelled")
    assert office.balances() == (0, 100, 0)


def test_an_alias_owns_the_coupon_of_who_it_became(office: Office) -> None:
    _, code = made(office)
    office.tell(posted("1.00", id="p2", customer="bob"), paid("1.00", "p-2", id="p2"))
    standing = replace(office.memory.chain(ADA)[-1].state.standing, status="merged", alias_of=BOB)
    office.put_standing_of(ADA, standing)
    assert office.couponing.coupon(code, asked_by=BOB).status == "active"
