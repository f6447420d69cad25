"""Adjustments: at once or after approval, and what they leave in the ledger."""

import json
from datetime import timedelta

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.replay import replay
from points_ledger.domain.state import Status
from points_ledger.service.ports import Approval
from tests.builders import DAY, START, paid, posted, program, refunded
from tests.service.desk import ADA, Desk
from tests.service.office import SAM, Office, with_terms

LONG_AGO = START.date() - timedelta(days=1)


@pytest.fixture
def office() -> Office:
    """Ada has 100 points; more than 500 at a time need a second person."""
    office = Office(with_terms(program(), above=500))
    office.tell(posted("100.00"), paid("100.00"))
    return office


def test_points_are_given_into_a_lot_of_todays_rule(office: Office) -> None:
    result = dict(office.adjust(40).result)
    assert str(result.pop("adjustment_id")).startswith("adj_")
    assert result == {
        "status": "completed",
        "member_id": ADA,
        "points": 40,
        "reason": "goodwill",
        "balance": {"available": 140, "pending": 0, "reserved": 0, "debt": 0},
    }
    entry = office.memory.chain(ADA)[-1]
    assert entry.posting.type == "adjustment"
    assert dict(entry.posting.lots) == {next(iter(entry.state.lots)): 40}
    assert entry.posting.counters == {"adjusted": 40}
    assert (entry.posting.reason, entry.posting.actor) == ("goodwill", f"person:{SAM}")
    assert replay(office.memory.chain(ADA)) == entry.state


def test_a_last_day_of_their_own_may_be_given(office: Office) -> None:
    day = START.date() + timedelta(days=7)
    office.adjust(40, last_day=day)
    assert office.memory.chain(ADA)[-1].state.lots[day] == 40
    today = START.date()
    office.adjust(3, last_day=today)
    assert office.memory.chain(ADA)[-1].state.lots[today] == 3


def test_a_new_lot_has_its_marker(office: Office) -> None:
    before = len(office.markers("expiry"))
    office.adjust(40, last_day=START.date() + timedelta(days=7))
    assert len(office.markers("expiry")) == before + 1


def test_points_are_taken_from_the_soonest_lot_first(office: Office) -> None:
    soon = START.date() + timedelta(days=7)
    office.adjust(40, last_day=soon)
    office.adjust(-50)
    state = office.memory.chain(ADA)[-1].state
    assert soon not in state.lots
    assert office.balances() == (0, 90, 0)
    assert state.counters["adjusted"] == -10


def test_points_given_repay_debt_first(office: Office) -> None:
    office.redeem(100)
    office.tell(refunded("100.00"))
    assert office.balances() == (0, -100, 100)
    office.adjust(30)
    assert office.balances() == (0, -70, 70)
    office.adjust(80)
    posting = office.memory.chain(ADA)[-1].posting
    assert (sum(posting.lots.values()), posting.debt, posting.available) == (10, -70, 80)


def test_the_same_request_again_gets_the_same_answer_and_gives_nothing(office: Office) -> None:
    first = office.adjust(40, key="k")
    office.adjust(1)
    again = office.adjust(40, key="k")
    assert (again.result, again.replayed) == (first.result, True)
    assert office.balances() == (0, 141, 0)
    with pytest.raises(IdempotencyKeyReusedError):
        office.adjust(41, key="k")


def test_what_time_has_ended_is_settled_first() -> None:
    office = Office(program(expires_after="P1D", round_to="day"))
    office.tell(posted("100.00", at=START), paid("100.00", at=START))
    office.wait(START + 3 * DAY)
    assert office.adjust(-1).result["status"] == "awaiting_approval"
    office.adjust(5)
    assert office.types()[-2:] == ["expiry", "adjustment"]
    assert office.balances() == (0, 5, 0)


def test_a_sentence_is_kept_apart_and_the_entry_has_its_hash(office: Office) -> None:
    result = office.adjust(40, reason="Zoe was rude to Ada", note="call her back").result
    posting = office.memory.chain(ADA)[-1].posting
    assert (posting.reason, result["reason"]) == ("adjustment", "adjustment")
    assert {name for name in posting.details if len(posting.details[name]) == 64} == {
        "reason",
        "note",
    }
    assert "Zoe" not in str(posting) + json.dumps(result)
    texts = {note.id.partition(".")[2]: note.text for note in office.memory.notes(ADA)}
    assert texts == {"reason": "Zoe was rude to Ada", "": "call her back"}


@pytest.mark.parametrize("status", ["closed", "erased"])
def test_who_has_gone_is_not_adjusted(status: Status, office: Office) -> None:
    office.put_standing(ADA, status)
    with pytest.raises(MemberInactiveError) as refused:
        office.adjust(1)
    assert refused.value.member_status == status


def test_a_frozen_member_can_be_put_right(office: Office) -> None:
    office.put_standing(ADA, "frozen")
    assert office.adjust(-100).result["status"] == "completed"


def test_a_rejection_writes_nothing(office: Office) -> None:
    before = office.memory.snapshot()
    for points, last_day, error in (
        (MAX_POINTS + 1, None, LimitExceededError),
        (-MAX_POINTS - 1, None, LimitExceededError),
        (5, LONG_AGO, InvalidRequestError),
        (-5, START.date() + DAY, InvalidRequestError),
    ):
        with pytest.raises(error):
            office.adjust(points, last_day=last_day)
    with pytest.raises(NotFoundError):
        office.adjust(5, member_id=MemberId("nobody"))
    assert office.memory.snapshot() == before


# --- A second person ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "waits"), [(500, False), (501, True), (-100, False), (-101, True), (-501, True)]
)
def test_who_has_to_be_asked(points: int, waits: bool, office: Office) -> None:
    entries = len(office.memory.chain(ADA))
    result = office.adjust(points).result
    assert result["status"] == ("awaiting_approval" if waits else "completed")
    assert ("approval_id" in result) is waits
    assert len(office.memory.chain(ADA)) == entries + (not waits)


def test_what_waits_changes_nothing_and_is_on_the_list(office: Office) -> None:
    result = office.adjust(-101, reason="counted twice", note="see the till").result
    assert result["balance"] == {"available": 100, "pending": 0, "reserved": 0, "debt": 0}
    [shown] = office.approvals()
    approval = shown.approval
    assert isinstance(approval, Approval)
    assert (approval.approval_id, approval.subject) == (
        result["approval_id"],
        result["adjustment_id"],
    )
    assert (approval.kind, approval.points, approval.requested_by) == ("adjustment", -101, SAM)
    assert (shown.reason, shown.note) == ("counted twice", "see the till")
    assert "counted" not in approval.command


def test_nobody_falls_below_zero_where_the_program_says_so() -> None:
    office = Office(with_terms(program(), above=10, below_zero=False))
    office.tell(posted("100.00"), paid("100.00"))
    with pytest.raises(InsufficientPointsError) as refused:
        office.adjust(-101)
    assert refused.value == InsufficientPointsError(requested=101, available=100)
    waits = office.adjust(-90).result
    office.redeem(50)
    with pytest.raises(InsufficientPointsError):
        office.decide(waits["approval_id"])
    assert office.decide(waits["approval_id"], approved=False).result["status"] == "rejected"


def test_an_answer_is_given_again_while_it_waits(office: Office) -> None:
    first = office.adjust(-101, key="k")
    again = office.adjust(-101, key="k")
    assert (again.result, again.replayed) == (first.result, True)
    assert len(office.approvals()) == 1


def test_an_entry_meanwhile_decides_anew_whether_to_ask(office: Office) -> None:
    office.store.meanwhile["commit"] = lambda: Desk.redeem(office, 60)
    assert office.adjust(-50).result["status"] == "awaiting_approval"
    office.store.meanwhile["commit"] = lambda: office.tell(
        posted("50.00", id="purchase-2"), paid("50.00", id="purchase-2")
    )
    assert office.adjust(-60).result["status"] == "completed"
