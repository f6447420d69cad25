"""Referrals: made with the friend's enrolment, released by the friend's first firm purchase."""

import itertools

import pytest

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.error import InvalidRequestError, LimitExceededError
from points_ledger.domain.fact import EarningReconsidered
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_REFERRERS_WALKED
from points_ledger.domain.program import Program
from points_ledger.domain.release import referral_key
from tests.builders import (
    after,
    bounced,
    paid,
    posted,
    program,
    refunded,
    rule,
    voided,
)
from tests.service.desk import ADA, BOB, Desk, by_hand, customer_id
from tests.service.registry import Registry

CY = MemberId("member-3")
KEY = referral_key(BOB)


def rules(*, hold: str = "PT24H", window: str = "P0D", lapses: str | None = "P30D") -> Program:
    """50 for whoever brings a friend."""
    return program(
        rule(1, "1.00"),
        rule(50, id="referral", action="referral", release="referred_first_purchase"),
        hold=hold,
        return_window=window,
        cancel_unpaid_after=lapses,
    )


def brought(terms: Program | None = None) -> Desk:
    """Ada has brought Bob."""
    desk = Desk(terms or rules())
    desk.enrol("ada", key="ada")
    desk.enrol("bob", key="bob", name="Bob", referred_by=ADA)
    return desk


@pytest.fixture
def desk() -> Desk:
    return brought()


def test_a_referral_is_pending_with_the_enrolment(desk: Desk) -> None:
    assert desk.balances() == (50, 0, 0)
    (pending,), _ = desk.queries.pending(ADA, limit=10, cursor=None)
    assert [wait.waiting_for for wait in pending.target.waits] == ["referral", "hold"]
    assert str(pending.earning.key) == "points-ledger:action:referral:member-2"
    assert desk.queries.member(BOB).standing.referred_by == ADA


def test_without_a_rule_for_it_nothing_is_pending() -> None:
    desk = brought(program())
    assert desk.balances() == (0, 0, 0)
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    assert desk.balances(BOB) == (0, 20, 0)
    assert desk.queries.member(BOB).standing.referred_by == ADA


def test_the_first_purchase_releases_it_once_its_hold_has_passed(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(hours=23))
    desk.sweep("hold_release")
    assert desk.balances() == (50, 0, 0)
    desk.wait(after(hours=24))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)
    assert desk.types() == ["enrolment", "accrual", "maturation"]
    inputs = desk.memory.chain(ADA)[-1].posting.inputs
    assert (inputs["due"], inputs["released"]) == ("all", "2026-03-03T12:00:00Z")


def test_the_return_window_runs_from_the_payment() -> None:
    desk = brought(rules(window="P14D"))
    desk.tell(posted("20.00", customer="bob"), paid("20.00", at=after(days=0)))
    desk.wait(after(days=13))
    desk.sweep("hold_release")
    assert desk.balances() == (50, 0, 0)
    desk.wait(after(days=14))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


def test_a_purchase_that_earns_nothing_releases_too() -> None:
    terms = program(
        rule(50, id="referral", action="referral", release="referred_first_purchase"),
        hold="PT24H",
    )
    desk = brought(terms)
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(hours=24))
    desk.sweep("hold_release")
    assert (desk.balances(), desk.balances(BOB)) == ((0, 50, 0), (0, 0, 0))


def test_a_late_payment_releases_at_once(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="bob"))
    desk.wait(after(days=3))
    desk.sweep("hold_release")
    desk.tell(paid("20.00", at=after(days=3)))
    assert desk.balances() == (0, 50, 0)


@pytest.mark.parametrize(
    "fact",
    [refunded("20.00", at=after(hours=1)), voided(at=after(hours=1)), bounced(at=after(hours=1))],
    ids=lambda fact: fact.type,
)
def test_a_purchase_that_comes_to_nothing_releases_nothing(desk: Desk, fact: MergeableFact) -> None:
    desk.tell(posted("20.00", customer="bob"), paid("20.00"), fact)
    desk.wait(after(days=2))
    desk.sweep("hold_release")
    assert desk.balances() == (50, 0, 0)


def test_it_is_not_taken_back(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    desk.tell(refunded("20.00", at=after(days=1)), voided(at=after(days=1)))
    assert (desk.balances(), desk.balances(BOB)) == ((0, 50, 0), (0, 0, 0))


def test_a_return_after_the_hold_does_not_depend_on_when_the_sweep_came(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(days=2))
    desk.tell(refunded("20.00", at=after(days=2)))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


def test_it_is_released_once_by_many_purchases(desk: Desk) -> None:
    for number in range(3):
        id_ = f"purchase-{number}"
        desk.tell(posted("20.00", id=id_, customer="bob"), paid("20.00", f"p-{number}", id=id_))
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


def test_without_a_purchase_it_lapses_and_a_late_one_matures_it_still(desk: Desk) -> None:
    desk.wait(after(days=30))
    desk.sweep("hold_release")
    assert desk.types()[-1] == "lapse"
    assert desk.balances() == (0, 0, 0)
    late = after(days=30)
    desk.tell(posted("20.00", customer="bob", at=late), paid("20.00", at=late))
    desk.wait(after(days=31))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


def test_somebody_who_was_brought_costs_nothing_more_once_it_was_told(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    desk.store.requests.clear()
    desk.tell(paid("20.00"))
    assert desk.store.requests == ["get"]


def test_a_killed_worker_leaves_the_referral_to_the_sweep() -> None:
    desk = brought(rules(hold="P0D"))
    desk.tell(posted("20.00", customer="bob"))
    fact = paid("20.00")
    desk.recording.path.run(lambda view: desk.recording.decide(view, fact, "killed"))
    assert (desk.balances(), desk.balances(BOB)) == ((50, 0, 0), (0, 20, 0))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


ORDERS = list(
    itertools.permutations(
        [
            posted("20.00", customer="bob"),
            paid("20.00"),
            refunded("5.00", at=after(hours=1)),
            "enrolment",
        ]
    )
)


@pytest.mark.parametrize("order", ORDERS, ids=range(len(ORDERS)))
def test_the_order_of_the_friend_s_facts_and_enrolment_does_not_matter(
    order: tuple[MergeableFact | str, ...],
) -> None:
    desk = Desk(by_hand(rules()))
    desk.enrol("ada", key="ada")
    for each in order:
        if isinstance(each, str):
            desk.enrol("bob", key="bob", referred_by=ADA)
            for key in desk.memory.waiting(customer_id("bob")):
                desk.tell(EarningReconsidered(purchase=key))
        else:
            desk.tell(each)
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    assert (desk.balances(), desk.balances(BOB)) == ((0, 50, 0), (0, 15, 0))


# ---- Who may have brought whom


@pytest.mark.parametrize("gone", ["unknown", "closed", "erased"])
def test_nobody_is_brought_by_somebody_who_is_not_there(gone: str) -> None:
    registry = Registry(rules())
    if gone == "closed":
        registry.change(status="closed")
    if gone == "erased":
        registry.erase()
    before = registry.desk.memory.snapshot()
    referrer = MemberId("nobody") if gone == "unknown" else ADA
    with pytest.raises(InvalidRequestError) as refused:
        registry.desk.enrol("new", key="new", referred_by=referrer)
    assert [error.field for error in refused.value.errors] == ["referred_by"]
    assert registry.desk.memory.snapshot() == before


def test_a_merged_referrer_is_the_surviving_member(desk: Desk) -> None:
    desk.enrol("cy", key="cy")
    desk.merge(ADA, CY)
    done = desk.enrol("dan", key="dan", referred_by=ADA)
    assert desk.queries.member(done.member_id).standing.referred_by == CY
    assert desk.balances(CY) == (100, 0, 0)


def test_a_customer_who_is_known_already_was_not_brought(desk: Desk) -> None:
    desk.tell(posted("20.00", customer="cy"))
    assert not desk.enrol("cy", key="cy", referred_by=ADA).created
    assert desk.queries.member(CY).standing.referred_by is None
    assert desk.balances() == (50, 0, 0)


def test_a_referrer_can_be_set_once_later_on() -> None:
    registry = Registry(rules())
    desk = registry.desk
    registry.change(BOB, referred_by=ADA)
    assert desk.queries.member(BOB).standing.referred_by == ADA
    assert desk.queries.pending(ADA, limit=10, cursor=None)[0][0].earning.key == KEY
    registry.change(BOB, key="again", referred_by=ADA)
    for other in (CY, None):
        with pytest.raises(InvalidRequestError):
            registry.change(BOB, key="other", referred_by=other)
    desk.tell(posted("20.00", id="later", customer="bob"), paid("20.00", "later", id="later"))
    pending = desk.balances()[0]
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    assert desk.balances()[0] < pending
    assert desk.memory.chain(ADA)[-1].posting.source == KEY


def test_nobody_brings_themselves_or_who_brought_them() -> None:
    registry = Registry(rules())
    registry.change(BOB, key="bob", referred_by=ADA)
    registry.change(CY, key="cy", referred_by=BOB)
    for circle in (ADA, BOB, CY):
        with pytest.raises(InvalidRequestError):
            registry.change(ADA, key=f"circle-{circle}", referred_by=circle)


def test_no_circle_is_too_long_to_be_seen() -> None:
    registry = Registry(rules())
    desk = registry.desk
    last = ADA
    for number in range(MAX_REFERRERS_WALKED):
        last = desk.enrol(f"c-{number}", key=f"c-{number}", referred_by=last).member_id
    with pytest.raises(LimitExceededError):
        registry.change(BOB, referred_by=last)


# ---- Merges


def test_who_is_one_with_the_friend_earns_nothing(desk: Desk) -> None:
    desk.merge(ADA, BOB)
    assert desk.balances(BOB) == (50, 0, 0)
    desk.sweep("hold_release")
    assert desk.balances(BOB) == (0, 0, 0)
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.wait(after(days=40))
    desk.sweep("hold_release")
    assert desk.balances(BOB) == (0, 20, 0)


def test_a_purchase_before_anybody_looked_after_the_merge_releases_nothing(desk: Desk) -> None:
    desk.merge(ADA, BOB)
    desk.wait(after(days=2))
    desk.tell(posted("20.00", customer="bob"), paid("20.00"))
    desk.sweep("hold_release")
    assert desk.balances(BOB) == (0, 20, 0)


def test_the_purchases_of_who_is_one_with_the_friend_are_the_friend_s(desk: Desk) -> None:
    desk.enrol("cy", key="cy")
    desk.merge(BOB, CY)
    standing = desk.queries.member(CY).standing
    assert (standing.referred_by, standing.referred_as) == (ADA, BOB)
    desk.tell(posted("20.00", customer="cy"), paid("20.00"))
    desk.wait(after(days=1))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 50, 0)


def test_a_merge_into_the_referrer_leaves_nobody_brought(desk: Desk) -> None:
    desk.merge(BOB, ADA)
    assert desk.queries.member(ADA).standing.referred_by is None
    desk.sweep("hold_release")
    assert desk.balances() == (0, 0, 0)


def test_an_erased_referrer_gets_nothing_and_harms_nobody() -> None:
    registry = Registry(rules())
    desk = registry.desk
    desk.enrol("new", key="new", referred_by=ADA)
    registry.erase()
    desk.tell(posted("20.00", id="n", customer="new"), paid("20.00", "n", id="n"))
    desk.wait(after(days=1))
    assert desk.sweep("hold_release").failed == 0
    assert desk.types(ADA)[-1] == "forfeit"
