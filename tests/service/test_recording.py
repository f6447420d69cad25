"""What becomes of each fact, and that payments and refunds find their purchase."""

from dataclasses import replace
from datetime import timedelta

import pytest

from points_ledger.domain.error import ConflictError, ContradictionError, FutureFactError
from points_ledger.domain.fact import (
    Customer,
    CustomerSeen,
    EarningReconsidered,
    PurchasePosted,
)
from points_ledger.domain.identity import MemberId, PaymentKey
from points_ledger.domain.limit import MAX_COMMIT_ATTEMPTS
from points_ledger.service.ports import GuardHead, Save
from points_ledger.service.recorded import Recorded
from tests.builders import (
    HOUR,
    ONE_PER_UNIT,
    START,
    after,
    bounced,
    paid,
    performed,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    rule,
    voided,
)
from tests.service.desk import ADA, BOB, Desk, by_hand, customer_id

CHARGE = PaymentKey(source="pos", id="charge-1")


@pytest.fixture
def desk() -> Desk:
    return Desk(program())


def test_a_posted_purchase_enrols_its_customer_and_is_pending(desk: Desk) -> None:
    (recorded,) = desk.tell(posted("50.00"))
    assert recorded == Recorded(outcome="posted", earning=purchase_key(), entries=1)
    assert desk.types() == ["enrolment", "accrual"]
    assert desk.balances() == (50, 0, 0)


def test_a_paid_purchase_matures(desk: Desk) -> None:
    assert desk.outcomes(posted("50.00"), paid("50.00")) == ["posted", "posted"]
    assert desk.balances() == (0, 50, 0)


def test_a_payment_before_its_purchase_is_stored_and_counts_later(desk: Desk) -> None:
    assert desk.outcomes(paid("50.00"), posted("50.00")) == ["stored", "posted"]
    assert desk.types() == ["enrolment", "accrual", "maturation"]
    assert desk.balances() == (0, 50, 0)


def test_a_part_payment_is_stored_and_posts_nothing(desk: Desk) -> None:
    desk.tell(posted("50.00"))
    assert desk.tell(paid("20.00")) == (Recorded(outcome="stored", earning=purchase_key()),)
    assert desk.balances() == (50, 0, 0)


@pytest.mark.parametrize(
    "fact",
    [posted("50.00"), paid("50.00"), refunded("5.00"), bounced("other"), refund_cancelled("other")],
    ids=lambda fact: fact.type,
)
def test_the_same_fact_again_is_a_duplicate(desk: Desk, fact: PurchasePosted) -> None:
    desk.tell(posted("50.00"), paid("50.00"), fact)
    before = desk.memory.snapshot()
    assert desk.outcomes(fact) == ["duplicate"]
    assert desk.memory.snapshot() == before


def test_a_purchase_that_earns_nothing_is_stored_for_its_new_member(desk: Desk) -> None:
    assert desk.outcomes(posted("50.00", currency="EUR")) == ["stored"]
    assert desk.types() == ["enrolment"]


def test_an_action_earns_by_its_rule() -> None:
    desk = Desk(program(rule(100, id="signup", action="signup")))
    assert desk.outcomes(performed()) == ["posted"]
    assert desk.balances() == (0, 100, 0)


def test_a_void_takes_everything_back(desk: Desk) -> None:
    desk.tell(posted("50.00"), paid("50.00"), voided())
    assert desk.balances() == (0, 0, 0)
    assert desk.types()[-1] == "reversal"


def test_a_fact_from_the_future_is_refused(desk: Desk) -> None:
    with pytest.raises(FutureFactError):
        desk.tell(posted("50.00", at=START + 24 * HOUR + timedelta(seconds=1)))
    desk.tell(posted("50.00", at=START + 24 * HOUR))


def test_a_payment_that_contradicts_a_stored_one_is_refused_and_writes_nothing(desk: Desk) -> None:
    desk.tell(posted("50.00"), paid("20.00"))
    before = desk.memory.snapshot()
    with pytest.raises(ContradictionError):
        desk.tell(paid("30.00"))
    assert desk.memory.snapshot() == before


# ---- The earner


def test_a_later_snapshot_moves_the_points_to_its_customer(desk: Desk) -> None:
    desk.tell(posted("50.00"), paid("50.00"))
    desk.tell(posted("50.00", customer="bob", updated_at=after(hours=1)))
    assert desk.balances(ADA) == (0, 0, 0)
    assert desk.balances(BOB) == (0, 50, 0)


def test_a_purchase_whose_new_customer_is_unknown_leaves_its_former_earner() -> None:
    desk = Desk(by_hand(program()))
    desk.enrol("ada")
    desk.tell(posted("50.00"), paid("50.00"))
    assert desk.balances(ADA) == (0, 50, 0)
    desk.wait(after(hours=1))
    later = posted("50.00", customer="bob", updated_at=after(hours=1))
    assert desk.outcomes(later) == ["waiting"]
    assert desk.balances(ADA) == (0, 0, 0)
    desk.enrol("bob", key="key-2", name="Bob")
    assert desk.outcomes(EarningReconsidered(purchase=purchase_key())) == ["posted"]
    assert desk.balances(BOB) == (0, 50, 0)


def test_a_source_may_name_the_member(desk: Desk) -> None:
    desk.enrol()
    fact = posted("50.00")
    earner = replace(fact.snapshot.earner, member_id=ADA)
    desk.tell(replace(fact, snapshot=replace(fact.snapshot, earner=earner)))
    assert desk.balances(ADA) == (50, 0, 0)
    assert desk.memory.members() == [ADA]


def test_a_member_that_does_not_exist_gives_way_to_the_customer(desk: Desk) -> None:
    fact = posted("50.00")
    earner = replace(fact.snapshot.earner, member_id=MemberId("nobody"))
    assert desk.outcomes(replace(fact, snapshot=replace(fact.snapshot, earner=earner))) == [
        "posted"
    ]
    assert desk.memory.members() == [ADA]


# ---- Payments that are known by another name


def test_a_refund_by_payment_finds_its_purchase(desk: Desk) -> None:
    desk.tell(posted("50.00"), replace(paid("50.00"), references=(CHARGE,)))
    refund = replace(refunded("20.00"), purchase=None, payment=CHARGE)
    assert desk.outcomes(refund) == ["posted"]
    assert desk.balances() == (0, 30, 0)


def test_a_refund_of_an_unknown_payment_is_parked_and_counts_when_it_is_known(desk: Desk) -> None:
    refund = replace(refunded("20.00"), purchase=None, payment=CHARGE)
    assert desk.outcomes(refund) == ["parked"]
    desk.tell(posted("50.00"), replace(paid("50.00"), references=(CHARGE,)))
    assert desk.outcomes(*desk.memory.parked(CHARGE)) == ["posted"]
    assert desk.balances() == (0, 30, 0)


def test_a_payment_may_learn_its_other_names_later(desk: Desk) -> None:
    desk.tell(posted("50.00"), paid("50.00"))
    assert desk.outcomes(replace(paid("50.00"), references=(CHARGE,))) == ["duplicate"]
    refund = replace(refunded("20.00"), purchase=None, payment=CHARGE)
    assert desk.outcomes(refund) == ["posted"]


# ---- Customers


def test_a_customer_who_is_seen_is_enrolled_once(desk: Desk) -> None:
    seen = CustomerSeen(customer=Customer(external_id=customer_id(), name="Ada"), at=START)
    assert desk.outcomes(seen, seen) == ["enrolled", "duplicate"]
    assert desk.memory.members() == [ADA]


def test_a_customer_who_is_seen_is_ignored_where_members_are_enrolled_by_hand() -> None:
    desk = Desk(by_hand(program()))
    seen = CustomerSeen(customer=Customer(external_id=customer_id()), at=START)
    assert desk.outcomes(seen) == ["ignored"]
    assert desk.memory.members() == []


def test_newer_personal_data_replaces_older(desk: Desk) -> None:
    customer = Customer(external_id=customer_id(), name="Ada", email="old@example.com")
    newer = replace(customer, email="new@example.com")
    seen = CustomerSeen(customer=customer, at=START)
    assert desk.outcomes(seen, replace(seen, customer=newer, at=after(hours=1))) == [
        "enrolled",
        "stored",
    ]
    assert desk.outcomes(seen) == ["duplicate"]
    profile = desk.queries.member(ADA).profile
    assert profile is not None
    assert (profile.name, profile.email) == ("Ada", "new@example.com")


# ---- Races


def test_a_lost_reply_is_found_out_and_nothing_is_posted_twice(desk: Desk) -> None:
    desk.store.lost_replies_ahead = 1
    assert desk.outcomes(posted("50.00")) == ["duplicate"]
    assert desk.types() == ["enrolment", "accrual"]


def test_a_lost_commit_is_decided_again_at_once_and_then_with_pauses(desk: Desk) -> None:
    desk.store.losses_ahead = 3
    assert desk.outcomes(posted("50.00")) == ["posted"]
    assert desk.pauses == [2, 3]
    (member_id,) = desk.memory.members()
    assert desk.balances(member_id) == (50, 0, 0)


def test_attempts_are_bounded_and_the_fact_may_come_again(desk: Desk) -> None:
    desk.store.losses_ahead = MAX_COMMIT_ATTEMPTS
    with pytest.raises(ConflictError):
        desk.tell(posted("50.00"))
    assert desk.pauses == list(range(2, MAX_COMMIT_ATTEMPTS))
    assert desk.memory.members() == []
    assert desk.outcomes(posted("50.00")) == ["posted"]


def test_releasing_what_is_unknown_or_belongs_to_nobody_does_nothing() -> None:
    desk = Desk(by_hand(program()))
    assert desk.release().outcome == "ignored"
    desk.tell(posted("50.00"))
    assert desk.release().outcome == "ignored"


def test_an_account_that_decided_and_gets_no_entry_is_guarded() -> None:
    # What counts towards a tier would be an entry of its own.
    desk = Desk(program(replace(ONE_PER_UNIT, qualifying=False), clawback="within_balance"))
    desk.tell(posted("50.00"), paid("50.00"))
    desk.redeem(50)
    desk.store.commits.clear()
    desk.tell(refunded("50.00"))
    (writes,) = desk.store.commits
    assert [type(write) for write in writes] == [GuardHead, Save]
