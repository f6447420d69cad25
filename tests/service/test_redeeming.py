"""Redemptions: once per request, never more than there is, and what they leave behind."""

from decimal import Decimal

import pytest

from points_ledger.domain.error import (
    EarnedOnSameTicketError,
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId, RedemptionId
from points_ledger.domain.redemption import Ticket
from points_ledger.service.ports import Note
from tests.builders import DAY, HOUR, START, paid, posted, program, purchase_key
from tests.service.desk import ADA, Desk

TICKET = Ticket(key=purchase_key("ticket-1", "ticket"), amount=Decimal("60.00"))


@pytest.fixture
def desk() -> Desk:
    """Ada has 100 points, worth 1.00."""
    desk = Desk(program())
    desk.tell(posted("100.00"), paid("100.00"))
    return desk


def test_points_are_spent_and_the_answer_says_what_is_left(desk: Desk) -> None:
    result = dict(desk.redeem(60).result)
    assert result.pop("redemption_id")
    assert result == {
        "status": "completed",
        "member_id": ADA,
        "points": 60,
        "amount": "0.60",
        "currency": "USD",
        "balance": {"available": 40, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert desk.balances() == (0, 40, 0)


def test_the_same_request_again_gets_the_same_answer_and_spends_nothing(desk: Desk) -> None:
    first = desk.redeem(60)
    desk.redeem(40, key="key-2")
    again = desk.redeem(60)
    assert (again.result, again.replayed) == (first.result, True)
    assert desk.balances() == (0, 0, 0)


def test_a_key_is_for_one_input(desk: Desk) -> None:
    desk.redeem(60)
    with pytest.raises(IdempotencyKeyReusedError):
        desk.redeem(30)


def test_a_rejection_writes_nothing_and_is_not_remembered(desk: Desk) -> None:
    before = desk.memory.snapshot()
    with pytest.raises(InsufficientPointsError) as refused:
        desk.redeem(150)
    assert refused.value == InsufficientPointsError(requested=150, available=100)
    assert desk.memory.snapshot() == before
    desk.tell(posted("50.00", id="purchase-2"), paid("50.00", id="purchase-2"))
    assert not desk.redeem(150).replayed


def test_an_amount_is_turned_into_points(desk: Desk) -> None:
    assert desk.redeem(amount="0.70").result["points"] == 70


def test_a_known_request_is_answered_before_any_rule(desk: Desk) -> None:
    desk.redeem(100)
    assert desk.redeem(100).replayed


def test_an_unknown_member_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.redeem(1, member_id=MemberId("nobody"))


def test_a_redemption_can_be_read_again(desk: Desk) -> None:
    redemption = desk.shown(desk.redeem(60)).redemption
    assert (redemption.points, redemption.entry) == (60, 4)
    with pytest.raises(NotFoundError):
        desk.redemptions.one(RedemptionId("rdm_unknown"), asked_by=None)


def test_the_note_is_kept_apart_and_the_entry_has_its_hash(desk: Desk) -> None:
    desk.redeem(60, note="for her birthday")
    (note,) = desk.memory.snapshot().notes
    assert isinstance(note, Note)
    assert note.text == "for her birthday"
    details = desk.memory.chain(ADA)[-1].posting.details
    assert len(details["note"]) == 64
    assert "birthday" not in str(details)


def test_points_earned_on_a_ticket_cannot_be_spent_on_it(desk: Desk) -> None:
    ticket = Ticket(key=purchase_key(), amount=Decimal("100.00"))
    with pytest.raises(EarnedOnSameTicketError) as refused:
        desk.redeem(10, ticket=ticket)
    assert refused.value == EarnedOnSameTicketError(requested=10, spendable=0)
    assert not desk.redeem(10, ticket=TICKET).replayed


def test_lots_that_have_passed_are_settled_in_the_same_command() -> None:
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("100.00", at=START - DAY), paid("100.00", at=START - DAY))
    desk.tell(posted("50.00", id="purchase-2"), paid("50.00", id="purchase-2"))
    desk.now = START + 12 * HOUR
    desk.redeem(50)
    assert desk.types()[-2:] == ["expiry", "redemption"]
    assert desk.balances() == (0, 0, 0)


def test_what_has_passed_cannot_be_spent_although_no_sweep_has_run() -> None:
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("100.00", at=START - DAY), paid("100.00", at=START - DAY))
    desk.now = START + 12 * HOUR
    with pytest.raises(InsufficientPointsError):
        desk.redeem(1)


def test_a_quote_says_the_most_and_why_not_more(desk: Desk) -> None:
    quote, rules = desk.redeeming.quote(ADA, None)
    assert (quote.max_points, quote.max_amount, quote.allowed) == (100, Decimal("1.00"), True)
    assert rules.currency == "USD"
    on_ticket = Ticket(key=purchase_key(), amount=Decimal("100.00"))
    assert desk.redeeming.quote(ADA, on_ticket)[0].reasons == ("earned_on_same_ticket",)
    with pytest.raises(NotFoundError):
        desk.redeeming.quote(MemberId("nobody"), None)
