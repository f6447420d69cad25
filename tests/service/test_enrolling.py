"""Enrolment: by hand, by a purchase, and both at once."""

import pytest

from points_ledger.domain.error import IdempotencyKeyReusedError, InvalidRequestError
from points_ledger.domain.fact import EarningReconsidered
from points_ledger.service.enrolling import Enrolled
from tests.builders import DAY, START, paid, posted, program, purchase_key
from tests.service.desk import ADA, BOB, Desk, by_hand, customer_id


def test_a_member_is_opened_once_for_a_request() -> None:
    desk = Desk(program())
    assert desk.enrol("ada") == Enrolled(member_id=ADA, created=True)
    assert desk.enrol("ada") == Enrolled(member_id=ADA, created=True, replayed=True)
    assert desk.memory.members() == [ADA]


def test_a_key_is_for_one_input() -> None:
    desk = Desk(program())
    desk.enrol("ada")
    with pytest.raises(IdempotencyKeyReusedError):
        desk.enrol("ada", name="Adele")


def test_a_known_customer_is_the_member_that_they_were() -> None:
    desk = Desk(program())
    desk.tell(posted("50.00"))
    assert desk.enrol("ada") == Enrolled(member_id=ADA, created=False)
    assert desk.memory.members() == [ADA]


def test_a_purchase_of_an_enrolled_customer_is_theirs() -> None:
    desk = Desk(program())
    desk.enrol("ada")
    desk.tell(posted("50.00"))
    assert desk.memory.members() == [ADA]
    assert desk.balances() == (50, 0, 0)


def test_customers_of_different_members_cannot_be_one() -> None:
    desk = Desk(program())
    desk.enrol("ada")
    desk.enrol("bob", key="key-2", name="Bob")
    with pytest.raises(InvalidRequestError):
        desk.enrol("ada", "bob", key="key-3", name="Both")


def test_a_known_member_gets_the_other_external_ids_of_the_request() -> None:
    desk = Desk(program())
    desk.enrol("ada")
    assert desk.enrol("ada", "eva", key="key-2") == Enrolled(member_id=ADA, created=False)
    again = desk.enrol("ada", "eva", key="key-2")
    assert again == Enrolled(member_id=ADA, created=False, replayed=True)
    assert desk.enrol("eva", key="key-3") == Enrolled(member_id=ADA, created=False)
    assert desk.memory.members() == [ADA]


def test_without_external_ids_the_request_alone_tells_members_apart() -> None:
    desk = Desk(program())
    assert [desk.enrol().member_id, desk.enrol(key="key-2").member_id] == [ADA, BOB]


# ---- By hand only


def test_purchases_wait_until_their_customer_is_enrolled() -> None:
    desk = Desk(by_hand(program()))
    assert desk.outcomes(posted("50.00"), paid("50.00")) == ["waiting", "waiting"]
    assert desk.memory.members() == []
    desk.enrol("ada")
    assert desk.memory.waiting(customer_id()) == [purchase_key()]
    assert desk.outcomes(EarningReconsidered(purchase=purchase_key())) == ["posted"]
    assert desk.balances() == (0, 50, 0)


def test_reconsidering_twice_posts_nothing_more() -> None:
    desk = Desk(by_hand(program()))
    desk.tell(posted("50.00"))
    desk.enrol("ada")
    again = EarningReconsidered(purchase=purchase_key())
    assert desk.outcomes(again, again) == ["posted", "duplicate"]
    assert desk.types() == ["enrolment", "accrual"]


@pytest.mark.parametrize(("days", "points"), [(30, 50), (31, 0)])
def test_only_purchases_within_the_lookback_earn(days: int, points: int) -> None:
    desk = Desk(by_hand(program(), lookback_days=30))
    desk.tell(posted("50.00"))
    desk.now = START + days * DAY
    desk.enrol("ada")
    desk.tell(EarningReconsidered(purchase=purchase_key()))
    assert desk.balances() == (points, 0, 0)


def test_a_fact_that_comes_after_the_enrolment_finds_the_member_by_itself() -> None:
    desk = Desk(by_hand(program()))
    desk.tell(posted("50.00"))
    desk.enrol("ada")
    assert desk.outcomes(paid("50.00")) == ["posted"]
    assert desk.balances() == (0, 50, 0)
