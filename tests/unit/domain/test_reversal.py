"""What happens when the target falls: the table and the prose of semantics 3.4."""

from dataclasses import replace
from datetime import date

import pytest

from points_ledger.domain.aim import aim
from points_ledger.domain.convergence import converge
from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.program import Clawback
from points_ledger.domain.state import Standing
from tests.builders import (
    START,
    Balances,
    World,
    after,
    bounced,
    paid,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    voided,
)


def sold(amount: str, id: str = "purchase-1", days: float = 0) -> tuple[MergeableFact, ...]:  # noqa: A002
    """A purchase that is posted and paid at once."""
    at = after(days=days)
    return posted(amount, id=id, at=at), paid(amount, id=id, at=at)


def spent(earned: str, points: int, clawback: Clawback) -> World:
    """A member who earned and then spent."""
    world = World(program(clawback=clawback))
    world.tell(*sold(earned))
    world.redeem(points)
    return world


# ---- By policy


@pytest.mark.parametrize(
    ("earned", "points", "clawback", "balances", "written_off"),
    [
        ("50.00", 50, "unlimited", Balances(0, -50, 0, 50), 0),
        ("50.00", 50, "within_balance", Balances(0, 0, 0, 0), 50),
        ("50.00", 50, "only_pending", Balances(0, 0, 0, 0), 50),
        ("150.00", 100, "unlimited", Balances(0, -100, 0, 100), 0),
        ("150.00", 100, "within_balance", Balances(0, 0, 0, 0), 100),
        ("150.00", 100, "only_pending", Balances(0, 50, 0, 0), 150),
        ("150.00", 0, "unlimited", Balances(0, 0, 0, 0), 0),
        ("150.00", 0, "within_balance", Balances(0, 0, 0, 0), 0),
        ("150.00", 0, "only_pending", Balances(0, 150, 0, 0), 150),
    ],
)
def test_a_full_return_after_spending(
    earned: str, points: int, clawback: Clawback, balances: Balances, written_off: int
) -> None:
    world = World(program(clawback=clawback))
    world.tell(*sold(earned))
    if points:
        world.redeem(points)
    world.tell(refunded(earned))
    world.check()
    assert (world.balances(), world.written_off()) == (balances, written_off)


@pytest.mark.parametrize("clawback", ["unlimited", "within_balance", "only_pending"])
def test_pending_points_are_taken_under_every_policy(clawback: Clawback) -> None:
    world = World(program(clawback=clawback))
    world.tell(posted("50.00"), refunded("20.00"))
    assert (world.balances(), world.state().counter("reversed")) == (Balances(30, 0, 0, 0), 20)


def test_within_balance_keeps_what_was_left_until_it_is_earned_again() -> None:
    world = spent("150.00", 100, "within_balance")
    world.tell(bounced(at=after(hours=1)), now=after(hours=1))
    bounced_balances = (world.balances(), world.written_off())
    world.tell(paid("150.00", "p2", at=after(hours=2)), now=after(hours=2))
    world.check()
    assert (bounced_balances, (world.balances(), world.written_off())) == (
        (Balances(50, 0, 0, 0), 100),
        (Balances(0, 50, 0, 0), 0),
    )


@pytest.mark.parametrize(
    ("clawback", "balances"),
    [
        ("unlimited", Balances(0, 50, 0, 0)),
        ("within_balance", Balances(0, 50, 0, 0)),
        ("only_pending", Balances(0, 50, 0, 0)),
    ],
)
def test_a_return_that_is_withdrawn_restores_the_balance(
    clawback: Clawback, balances: Balances
) -> None:
    world = spent("150.00", 100, clawback)
    world.tell(refunded("150.00", at=after(hours=1)))
    world.tell(refund_cancelled(at=after(hours=2)), now=after(hours=2))
    world.check()
    assert (world.balances(), world.written_off()) == (balances, 0)


def test_the_entry_says_what_is_written_off() -> None:
    world = spent("150.00", 100, "within_balance")
    world.tell(refunded("150.00"))
    assert world.last("reversal").details["written_off"] == "100"


def test_reversed_counts_only_what_was_taken() -> None:
    world = spent("150.00", 100, "within_balance")
    world.tell(refunded("150.00"))
    assert world.state().counter("reversed") == 50


# ---- Debt


def test_a_credit_repays_debt_first() -> None:
    world = spent("30.00", 30, "unlimited")
    world.tell(refunded("30.00"))
    world.tell(*sold("100.00", "sale-2"))
    assert world.balances() == Balances(0, 70, 0, 0)


def test_the_entry_shows_the_lot_and_the_debt() -> None:
    world = spent("50.00", 50, "unlimited")
    world.tell(refunded("50.00"))
    world.tell(*sold("120.00", "sale-2"))
    maturation = world.last("maturation")
    assert (dict(maturation.lots), maturation.debt, maturation.available) == (
        {date(2028, 3, 31): 70},
        -50,
        120,
    )


def test_a_credit_smaller_than_the_debt_opens_no_lot() -> None:
    world = spent("50.00", 50, "unlimited")
    world.tell(refunded("50.00"))
    world.tell(*sold("20.00", "sale-2"))
    assert (world.balances(), world.lots()) == (Balances(0, -30, 0, 30), {})


def test_debt_never_expires() -> None:
    world = spent("50.00", 50, "unlimited")
    world.tell(refunded("50.00"))
    world.expire(after(days=4_000))
    assert world.balances() == Balances(0, -50, 0, 50)


# ---- From which lot


def three_lots() -> World:
    """Lots of 31 March, 30 April and 31 May 2028 from three purchases."""
    world = World(program())
    for number, days in ((1, 0), (2, 31), (3, 61)):
        world.tell(*sold("100.00", f"sale-{number}", days), now=after(days=days))
    return world


def test_the_earnings_own_lot_is_taken_first() -> None:
    world = three_lots()
    world.tell(refunded("100.00", id="sale-2"))
    assert world.lots() == {date(2028, 3, 31): 100, date(2028, 5, 31): 100}


def test_then_other_lots_soonest_first() -> None:
    world = three_lots()
    world.redeem(150)  # leaves 50 of 30 April and 100 of 31 May
    world.tell(refunded("100.00", id="sale-3"), refunded("20.00", id="sale-1"))
    assert world.lots() == {date(2028, 4, 30): 30}


def test_pending_of_the_earning_goes_before_its_lot() -> None:
    world = World(program(partial_payment="proportional"))
    world.tell(posted("100.00"), paid("40.00"), refunded("30.00"))
    # 40 of 70 are paid: all of the 30 come off the 60 that were pending.
    assert (world.balances(), world.last("reversal").available) == (Balances(30, 40, 0, 0), 0)


def test_a_purchase_that_shares_a_lot_takes_from_that_lot() -> None:
    world = World(program())
    world.tell(*sold("100.00", "sale-1"), *sold("100.00", "sale-2"))
    world.tell(refunded("100.00", id="sale-2"))
    assert world.lots() == {date(2028, 3, 31): 100}


# ---- The own lot has expired


def expired_lot(clawback: Clawback = "unlimited") -> World:
    """A 100 and B 100 in one lot, 120 spent, 80 expired."""
    world = World(program(clawback=clawback))
    world.tell(*sold("100.00", "a"), *sold("100.00", "b"))
    world.redeem(120)
    world.expire(after(days=800))
    return world


def test_what_expired_from_the_lot_counts_first_and_only_once() -> None:
    world = expired_lot()
    debts = []
    for id_ in ("a", "b"):
        world.tell(refunded("100.00", id=id_, at=after(days=801)), now=after(days=801))
        debts.append(world.balances().debt)
    world.check()
    assert debts == [20, 120]


def test_what_had_expired_joins_what_is_written_off() -> None:
    world = expired_lot()
    world.tell(refunded("100.00", id="a", at=after(days=801)), now=after(days=801))
    assert world.written_off() == 80


def test_a_return_that_is_withdrawn_gives_the_record_of_the_expiry_back() -> None:
    world = expired_lot()
    world.tell(refunded("100.00", id="a", at=after(days=801)), now=after(days=801))
    world.tell(refund_cancelled(id="a", at=after(days=802)), now=after(days=802))
    world.tell(refunded("100.00", id="b", at=after(days=803)), now=after(days=803))
    world.check()
    assert world.balances().debt == 20


def test_a_return_settles_lots_that_have_passed_before_it_takes() -> None:
    world = World(program())
    world.tell(*sold("100.00"))
    world.tell(refunded("100.00", at=after(days=800)), now=after(days=800))
    assert (world.types()[-2:], world.balances()) == (
        ["expiry", "reversal"],
        Balances(0, 0, 0, 0),
    )


def test_within_balance_an_expired_lot_leaves_nothing_to_take() -> None:
    world = expired_lot("within_balance")
    world.tell(refunded("100.00", id="a", at=after(days=801)), now=after(days=801))
    assert (world.balances(), world.written_off()) == (Balances(0, 0, 0, 0), 100)


def test_the_record_of_an_expiry_is_kept_400_days() -> None:
    world = expired_lot()
    world.now = after(days=800)
    # Another lot expires 401 days after the first one's last day and sweeps the record away.
    world.tell(*sold("10.00", "c", 800))
    world.expire(after(days=800 + 800))
    world.tell(refunded("100.00", id="a", at=after(days=1601)), now=after(days=1601))
    assert world.balances().debt == 100


def test_what_expired_from_a_joined_lot_counts_too() -> None:
    world = World(program(expires_after="P12M", round_to="day"))
    for number in range(MAX_LOTS + 1):
        world.tell(*sold("10.00", f"sale-{number}", 5 * number), now=after(days=5 * number))
    world.expire(after(days=600))
    world.tell(refunded("10.00", id="sale-0", at=after(days=600)))
    assert world.balances().debt == 0


# ---- Others


def test_a_reversal_stays_within_the_currency_of_other_earnings() -> None:
    world = World(program())
    world.tell(*sold("50.00", "sale-1"), *sold("30.00", "sale-2"))
    world.tell(voided(id="sale-1"))
    assert world.balances() == Balances(0, 30, 0, 0)


def test_facts_for_a_member_who_was_erased_are_stored_and_post_nothing() -> None:
    world = World(program())
    world.enrol("ada", Standing(status="erased"))
    assert world.tell(*sold("50.00")) == ()


def test_a_frozen_member_still_earns() -> None:
    world = World(program())
    world.enrol("ada", Standing(status="frozen"))
    world.tell(*sold("50.00"))
    assert world.balances() == Balances(0, 50, 0, 0)


def test_a_bounce_takes_what_is_unspent_back_to_pending_and_the_rest_as_debt() -> None:
    world = World(program(clawback="unlimited"))
    world.tell(*sold("150.00"))
    world.redeem(100)
    world.tell(bounced(at=after(hours=1)), now=after(hours=1))
    assert world.balances() == Balances(150, -100, 0, 100)


def test_a_fixed_bonus_that_is_revoked_is_taken_back_whole() -> None:
    world = World(program(rule(100, on_partial_refund="revoke")))
    world.tell(*sold("80.00"))
    world.redeem(40)
    world.tell(refunded("1.00"))
    assert world.balances() == Balances(0, -40, 0, 40)


def test_repeating_a_return_takes_nothing_twice() -> None:
    world = spent("50.00", 50, "unlimited")
    world.tell(refunded("50.00"))
    again = world.tell(refunded("50.00"), voided(at=after(hours=1)), now=after(hours=1))
    assert (again, world.balances()) == ((), Balances(0, -50, 0, 50))


def test_a_purchase_raised_after_a_return_is_earned_again() -> None:
    world = World(program())
    world.tell(*sold("50.00"), refunded("50.00", at=after(hours=1)))
    world.tell(refund_cancelled(at=after(hours=2)), now=after(hours=2))
    assert world.balances() == Balances(0, 50, 0, 0)


def test_two_members_of_one_person_move_one_account() -> None:
    # The pinned plan names an id that later became an alias: both resolve to one chain.
    world = World(program())
    world.share("ada", {"ada": 50, "ben": 50})
    world.tell(posted("100.00"))
    (earning,) = world.earnings.values()
    ada, ben = (share.member_id for share in earning.pins[world.enrol("ada")].allocation)
    raised = replace(earning, earned=replace(earning.earned, points=120, rules=()))
    found = converge(
        aim(raised, program=world.program, now=START),
        before=earning,
        heads={ada: world.heads[ada]},
        resolved={ada: ada, ben: ada},
        program=world.program,
        occasion=Occasion(
            now=START, fact_at=START, reason="test", actor="test", in_force=world.program
        ),
    )
    (entry,) = found.entries
    assert (entry.member_id, entry.number, entry.posting.pending) == (ada, 3, 20)
    assert {id_: part.earned for id_, part in found.earning.posted.items()} == {ada: 60, ben: 60}
