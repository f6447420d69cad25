"""Approvals: who may decide, what follows, and that it is decided once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from points_ledger.domain.error import (
    ApprovalClosedError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    MemberInactiveError,
    NotFoundError,
    ReservationNotOpenError,
)
from points_ledger.domain.program import TransferTerms
from tests.builders import DAY, START, paid, posted, program
from tests.service.desk import ADA, BOB
from tests.service.office import KIM, SAM, Office, with_terms


@pytest.fixture
def office() -> Office:
    """Ada has 100 points; more than 500 at a time, or more than she has, need a second person."""
    office = Office(with_terms(program(), above=500))
    office.tell(posted("100.00"), paid("100.00"))
    return office


def test_approved_it_is_done_by_who_approved(office: Office) -> None:
    asked = office.adjust(-130, reason="counted_twice").result
    done = office.decide(asked["approval_id"], note="I saw the till roll")
    assert done.result["status"] == "approved"
    assert done.result["result"] == {
        "adjustment_id": asked["adjustment_id"],
        "status": "completed",
        "member_id": ADA,
        "points": -130,
        "reason": "counted_twice",
        "balance": {"available": -30, "pending": 0, "reserved": 0, "debt": 30},
    }
    posting = office.memory.chain(ADA)[-1].posting
    assert (posting.actor, posting.reason) == (f"person:{KIM}", "counted_twice")
    assert posting.details["approval"] == asked["approval_id"]
    assert (posting.debt, posting.available) == (30, -130)
    assert "I saw the till roll" in [note.text for note in office.memory.notes(ADA)]


def test_rejected_nothing_happens(office: Office) -> None:
    asked = office.adjust(501).result
    entries = office.memory.chain(ADA)
    done = office.decide(asked["approval_id"], approved=False)
    assert (done.result["status"], done.result["result"]) == (
        "rejected",
        {"adjustment_id": asked["adjustment_id"], "status": "rejected"},
    )
    assert office.memory.chain(ADA) == entries


def test_it_moves_from_one_list_to_another(office: Office) -> None:
    ids = [office.adjust(501 + n).result["approval_id"] for n in range(3)]
    office.decide(ids[0])
    office.decide(ids[1], approved=False)
    found = {
        status: [each.approval.approval_id for each in office.approvals(status)]
        for status in ("open", "approved", "rejected", "expired")
    }
    assert found == {
        "open": [ids[2]],
        "approved": [ids[0]],
        "rejected": [ids[1]],
        "expired": [],
    }
    [approved] = office.approvals("approved")
    assert (approved.approval.decided_by, approved.approval.decided_at) == (KIM, START)


def test_the_newest_is_first_and_pages_go_on(office: Office) -> None:
    ids = []
    for n in range(5):
        office.wait(START + timedelta(microseconds=n * 500_000))
        ids.append(office.adjust(501 + n).result["approval_id"])
    shown: list[object] = []
    cursor = None
    for _ in range(5):
        page = office.approving.approvals("open", asked_by=None, limit=2, cursor=cursor)
        shown += [each.approval.approval_id for each in page.approvals]
        cursor = page.cursor
        if cursor is None:
            break
    assert shown == ids[::-1]


def test_ones_own_are_found(office: Office) -> None:
    mine = office.adjust(501).result["approval_id"]
    office.adjust(502, caller=KIM)
    assert [each.approval.approval_id for each in office.approvals(asked_by=SAM)] == [mine]
    assert office.approvals(asked_by="somebody") == ()


def test_nobody_decides_what_they_asked_for(office: Office) -> None:
    asked = office.adjust(501).result["approval_id"]
    before = office.memory.snapshot()
    for approved in (True, False):
        with pytest.raises(ForbiddenError):
            office.decide(asked, approved=approved, caller=SAM)
    assert office.memory.snapshot() == before


def test_what_was_decided_stays_decided(office: Office) -> None:
    asked = office.adjust(501).result["approval_id"]
    office.decide(asked)
    for approved in (True, False):
        with pytest.raises(ApprovalClosedError) as refused:
            office.decide(asked, approved=approved)
        assert refused.value.approval_status == "approved"
    assert office.balances() == (0, 601, 0)


def test_the_same_decision_again_gets_the_first_answer(office: Office) -> None:
    asked = office.adjust(501).result["approval_id"]
    first = office.decide(asked, key="k")
    again = office.decide(asked, key="k")
    assert (again.result, again.replayed) == (first.result, True)
    assert office.balances() == (0, 601, 0)
    with pytest.raises(IdempotencyKeyReusedError):
        office.decide(asked, approved=False, key="k")


def test_there_has_to_be_one(office: Office) -> None:
    with pytest.raises(NotFoundError):
        office.decide("apr_unheardof")


def test_of_two_who_decide_at_once_one_wins(office: Office) -> None:
    asked = office.adjust(501).result["approval_id"]
    office.store.meanwhile["commit"] = lambda: office.decide(asked, caller="lee")
    with pytest.raises(ApprovalClosedError):
        office.decide(asked)
    assert office.balances() == (0, 601, 0)
    assert office.types().count("adjustment") == 1


def test_an_entry_meanwhile_is_taken_into_account(office: Office) -> None:
    asked = office.adjust(-150).result["approval_id"]
    office.store.meanwhile["commit"] = lambda: office.redeem(80)
    office.decide(asked)
    assert office.balances() == (0, -130, 130)


def test_what_cannot_be_done_any_more_stays_open_and_can_be_rejected(office: Office) -> None:
    asked = office.adjust(501).result["approval_id"]
    office.put_standing(ADA, "closed")
    before = office.memory.snapshot()
    with pytest.raises(MemberInactiveError):
        office.decide(asked)
    assert office.memory.snapshot() == before
    assert office.decide(asked, approved=False).result["status"] == "rejected"


def test_a_last_day_that_passes_meanwhile_is_the_day_of_the_approval(office: Office) -> None:
    day = START.date() + timedelta(days=1)
    asked = office.adjust(501, last_day=day).result["approval_id"]
    office.wait(START + 3 * DAY)
    office.decide(asked)
    assert office.memory.chain(ADA)[-1].state.lots[START.date() + timedelta(days=3)] == 501


# --- What members and tills ask for ---------------------------------------------------------


def large(**terms: object) -> Office:
    """Ada has 100 points, and a redemption of more than 50 waits."""
    rules = program()
    rules = replace(rules, redemption=replace(rules.redemption, approval_above_points=50, **terms))  # type: ignore[arg-type]
    office = Office(rules)
    office.tell(posted("100.00"), paid("100.00"))
    return office


def test_a_redemption_waits_with_its_points_reserved_and_is_captured() -> None:
    office = large()
    asked = office.redeem(60, caller="till").result
    assert asked["status"] == "awaiting_approval"
    [shown] = office.approvals()
    assert (shown.approval.kind, shown.approval.points) == ("redemption", 60)
    with pytest.raises(ForbiddenError):
        office.decide(asked["approval_id"], caller="till")
    done = office.decide(asked["approval_id"]).result
    result = done["result"]
    assert isinstance(result, dict)
    assert (done["status"], result["status"]) == ("approved", "completed")
    assert office.balances() == (0, 40, 0)


def test_a_rejected_redemption_gives_its_points_back() -> None:
    office = large()
    asked = office.redeem(60).result
    office.decide(asked["approval_id"], approved=False)
    assert office.balances() == (0, 100, 0)


def test_after_its_time_it_can_be_neither_and_is_shown_as_expired() -> None:
    office = large(approval_days=2)
    asked = office.redeem(60).result
    office.wait(START + 2 * DAY)
    for approved in (True, False):
        with pytest.raises(ReservationNotOpenError):
            office.decide(asked["approval_id"], approved=approved)
    assert office.approvals() == ()
    [expired] = office.approvals("expired")
    assert expired.approval.approval_id == asked["approval_id"]


def test_a_transfer_waits_with_its_points_reserved_and_passes() -> None:
    rules = program()
    terms = TransferTerms(enabled=True, within="anyone", approval_above_points=50)
    office = Office(replace(rules, transfers=terms))
    office.tell(posted("100.00"), paid("100.00"))
    office.tell(posted("1.00", id="p2", customer="bob"), paid("1.00", "pay-2", id="p2"))
    asked = office.transfer(60).result
    assert asked["status"] == "awaiting_approval"
    office.decide(asked["approval_id"])
    assert (office.balances(ADA), office.balances(BOB)) == ((0, 40, 0), (0, 61, 0))
    again = office.transfer(40, key="key-2").result
    assert again["status"] == "completed"
