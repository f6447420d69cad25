"""Load, decide, commit: what happens when another process is quicker."""

from decimal import Decimal

import pytest

from points_ledger.domain.error import BrokenInvariantError, EarnedOnSameTicketError
from points_ledger.domain.redemption import Ticket
from points_ledger.service.ledger import Decision, View
from tests.builders import DAY, HOUR, START, paid, posted, program, purchase_key
from tests.service.desk import ADA, BOB, Desk

TICKET = Ticket(key=purchase_key(), amount=Decimal("30.00"))


@pytest.fixture
def desk() -> Desk:
    """Ada has 100 points."""
    desk = Desk(program())
    desk.tell(posted("100.00", id="before"), paid("100.00", id="before"))
    return desk


def test_the_winner_s_account_is_adopted_without_reading_it_again(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.redeem(40, key="other")
    desk.redeem(60)
    assert desk.balances() == (0, 0, 0)
    assert desk.store.requests[-2:] == ["commit", "commit"]
    assert desk.pauses == []


def test_whoever_loses_again_reads_everything_again(desk: Desk) -> None:
    def redeem_twice() -> None:
        desk.redeem(10, key="other-1")
        desk.store.meanwhile["commit"] = lambda: desk.redeem(10, key="other-2")

    desk.store.meanwhile["commit"] = redeem_twice
    desk.redeem(60)
    assert desk.store.requests[-3:] == ["head", "get", "commit"]
    assert desk.pauses == [2]
    assert desk.balances() == (0, 20, 0)


def test_a_balance_is_not_spent_twice(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.redeem(60, key="other")
    with pytest.raises(Exception, match="60, 40"):
        desk.redeem(60)
    assert desk.balances() == (0, 40, 0)


def test_the_same_request_at_the_same_moment_gets_one_answer(desk: Desk) -> None:
    others = []
    desk.store.meanwhile["commit"] = lambda: others.append(desk.redeem(60))
    again = desk.redeem(60)
    assert (again.replayed, again.result) == (True, others[0].result)
    assert desk.balances() == (0, 40, 0)


def test_two_first_purchases_at_once_enrol_one_member() -> None:
    desk = Desk(program())
    other = posted("20.00", id="purchase-2")
    desk.store.meanwhile["commit"] = lambda: desk.tell(other)
    desk.tell(posted("50.00"))
    (member_id,) = desk.memory.members()
    assert member_id == BOB
    assert desk.balances(BOB) == (70, 0, 0)


def test_an_account_newer_than_the_earning_is_no_broken_invariant(desk: Desk) -> None:
    desk.tell(posted("50.00"))
    desk.store.meanwhile["head"] = lambda: desk.tell(paid("50.00"))
    assert desk.outcomes(paid("50.00")) == ["duplicate"]
    assert desk.balances() == (0, 150, 0)


def test_a_ticket_newer_than_the_account_is_no_reason_to_refuse(desk: Desk) -> None:
    """100 points before, 130 after the ticket matured: 100 can be spent at either moment."""
    desk.tell(posted("30.00"))
    desk.store.meanwhile["get"] = lambda: desk.tell(paid("30.00"))
    desk.redeem(100, ticket=TICKET)
    assert desk.balances() == (0, 30, 0)


def test_a_refusal_that_holds_is_given(desk: Desk) -> None:
    desk.tell(posted("30.00"))
    desk.store.meanwhile["get"] = lambda: desk.tell(paid("30.00"))
    with pytest.raises(EarnedOnSameTicketError):
        desk.redeem(101, ticket=TICKET)


def test_a_request_that_was_carried_out_in_the_pause_is_no_reason_to_refuse(desk: Desk) -> None:
    desk.store.losses_ahead = 2
    desk.store.meanwhile["pause"] = lambda: desk.redeem(60)
    assert desk.redeem(60).replayed
    assert desk.balances() == (0, 40, 0)


def test_a_request_that_was_carried_out_after_a_loss_is_no_reason_to_refuse(desk: Desk) -> None:
    def redeem_twice() -> None:
        desk.redeem(10, key="other-1")
        desk.store.meanwhile["commit"] = lambda: desk.redeem(10, key="other-2")

    desk.store.meanwhile["commit"] = redeem_twice
    desk.store.meanwhile["pause"] = lambda: desk.redeem(60)
    assert desk.redeem(60).replayed
    assert desk.balances() == (0, 20, 0)


def test_an_entry_in_the_middle_of_a_transaction_is_no_reason_to_refuse() -> None:
    """At midnight 60 of 110 points pass, while a purchase accrues and matures 40 others."""
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("60.00", id="old", at=START - DAY), paid("60.00", id="old", at=START - DAY))
    desk.tell(posted("50.00", id="new"), paid("50.00", id="new"), paid("40.00"))

    def earn_past_midnight() -> None:
        desk.tell(posted("40.00"))
        desk.wait(START + 12 * HOUR)

    desk.store.meanwhile["commit"] = earn_past_midnight
    desk.redeem(90)
    assert desk.balances() == (0, 0, 0)


def test_what_is_really_broken_is_told(desk: Desk) -> None:
    def decide(view: View) -> Decision[None]:
        view.head(ADA)
        view.earning(purchase_key("before"))
        raise BrokenInvariantError("as a test has it")

    with pytest.raises(BrokenInvariantError):
        desk.recording.path.run(decide)
    assert desk.pauses == []
