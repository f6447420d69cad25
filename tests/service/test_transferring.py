"""Transfers: what passes, what does not and why, and what waits for a second person."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
    ReservationNotOpenError,
    TransferNotPermittedError,
)
from points_ledger.domain.fact import Customer, CustomerSeen
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS, MAX_POINTS
from points_ledger.domain.program import RedemptionTerms
from points_ledger.domain.state import Status
from points_ledger.service.approving import Approving, DecideApproval, Decided
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import Approval, RequestKey
from tests.builders import DAY, HOUR, START, bounced, program, refunded
from tests.service.desk import Desk, customer_id
from tests.service.party import (
    ADA,
    BOB,
    EVE,
    ZOE,
    available,
    check,
    earn,
    put_standing,
    within_organisation,
)
from tests.service.party import party as make_party


@pytest.fixture
def desk() -> Desk:
    return make_party()


@pytest.fixture
def careful() -> Desk:
    """From more than 30 points on, somebody approves."""
    return make_party(within_organisation(approval_above_points=30))


def approval(desk: Desk) -> Approval:
    [found] = [i for i in desk.memory.snapshot().items.values() if isinstance(i, Approval)]
    return found


def decide(desk: Desk, *, approved: bool, caller: str = "boss") -> Decided:
    approving = Approving(
        path=WritePath(store=desk.store, pause=lambda _: None),
        store=desk.store,
        reader=desk.memory,
        clock=desk.clock,
        salt=lambda: "salt",
        decide={"transfer": desk.transferring.decided},
    )
    command = DecideApproval(
        request=RequestKey(caller=caller, key="decide-1"),
        fingerprint=str(approved),
        actor=caller,
        approval_id=approval(desk).approval_id,
        approved=approved,
    )
    return approving.run(command)


# ---- At once


def test_points_pass_and_the_answer_says_what_the_sender_has_left(desk: Desk) -> None:
    result = dict(desk.transfer(60).result)
    assert str(result.pop("transfer_id")).startswith("trf_")
    assert result == {
        "status": "completed",
        "points": 60,
        "from_member_id": ADA,
        "to_member_id": BOB,
        "balance": {"available": 40, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert (available(desk)[ADA], available(desk)[BOB]) == (40, 80)
    check(desk)


def test_both_sides_are_one_commit_and_name_each_other_by_id(desk: Desk) -> None:
    before = len(desk.store.commits)
    done = desk.transfer(60)
    assert len(desk.store.commits) == before + 1
    sent, received = (desk.memory.chain(id_)[-1].posting for id_ in (ADA, BOB))
    assert (sent.type, received.type) == ("transfer", "transfer")
    assert sent.details == {"transfer": done.result["transfer_id"], "member": BOB}
    assert received.details == {"transfer": done.result["transfer_id"], "member": ADA}
    assert (sent.counters, received.counters) == ({"transferred": -60}, {"transferred": 60})


def test_a_transfer_costs_four_requests(desk: Desk) -> None:
    desk.store.requests.clear()
    desk.transfer(60)
    assert desk.store.requests == ["head", "get", "head", "commit"]
    desk.store.requests.clear()
    assert desk.transfer(60).replayed
    assert desk.store.requests == ["head", "get"]


def test_the_receiver_gets_the_same_lots_with_the_same_last_days() -> None:
    desk = make_party(within_organisation(program(expires_after="P10D", round_to="day")))
    desk.wait(START + 3 * DAY)
    earn(desk, "ada", "50.00", id="later")
    desk.transfer(120, receiver=EVE)
    lots = desk.memory.chain(EVE)[-1].state.lots
    assert lots == {date(2026, 3, 12): 100, date(2026, 3, 15): 20}
    sent = desk.memory.chain(ADA)[-1].posting.lots
    assert {day: -points for day, points in sent.items()} == lots
    assert sorted(desk.memory.chain(ADA)[-1].state.lots) == [max(lots)]


def test_a_lot_that_is_new_to_the_receiver_gets_a_marker(desk: Desk) -> None:
    desk.transfer(60, receiver=EVE)
    assert any(marker.target.startswith(EVE) for marker in desk.markers("expiry"))


def test_what_the_receiver_owes_is_repaid_first(desk: Desk) -> None:
    desk.redeem(20, member_id=BOB)
    desk.tell(refunded("20.00", id="of-bob"))
    assert desk.balances(BOB) == (0, -20, 20)
    desk.transfer(60)
    assert desk.balances(BOB) == (0, 40, 0)
    check(desk)


def test_a_reversal_stays_with_the_member_who_earned(desk: Desk) -> None:
    desk.transfer(100)
    desk.tell(refunded("100.00", id="of-ada"))
    assert desk.balances(ADA) == (0, -100, 100)
    assert desk.balances(BOB) == (0, 120, 0)
    check(desk)


def test_what_has_passed_is_settled_first_and_cannot_be_transferred() -> None:
    desk = make_party(within_organisation(program(expires_after="P1D", round_to="day")))
    desk.wait(START + DAY)
    earn(desk, "ada", "30.00", id="later")
    desk.wait(START + 2 * DAY - 11 * HOUR)
    with pytest.raises(InsufficientPointsError) as refused:
        desk.transfer(31)
    assert refused.value == InsufficientPointsError(requested=31, available=30)
    desk.transfer(30)
    assert desk.types(ADA)[-2:] == ["expiry", "transfer"]
    assert desk.types(BOB)[-2:] == ["expiry", "transfer"]
    check(desk)


def test_the_same_request_again_gets_the_same_answer(desk: Desk) -> None:
    first = desk.transfer(60)
    again = desk.transfer(60)
    assert (again.result, again.replayed) == (first.result, True)
    assert available(desk)[ADA] == 40
    with pytest.raises(IdempotencyKeyReusedError):
        desk.transfer(61)


def test_a_lost_reply_is_no_second_transfer(desk: Desk) -> None:
    desk.store.lost_replies_ahead = 1
    assert desk.transfer(60).replayed
    assert available(desk)[ADA] == 40


def test_two_transfers_of_the_same_points_do_not_both_pass(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.transfer(60, key="other", receiver=EVE)
    with pytest.raises(InsufficientPointsError):
        desk.transfer(60)
    check(desk)


def test_the_note_is_kept_apart_and_the_entries_have_its_hash(desk: Desk) -> None:
    desk.transfer(60, note="for the printer")
    [note] = desk.memory.notes(ADA)
    assert note.text == "for the printer"
    for member_id in (ADA, BOB):
        details = desk.memory.chain(member_id)[-1].posting.details
        assert len(details["note"]) == 64
        assert "printer" not in str(details)


# ---- By email


def test_a_receiver_is_found_by_email_without_case(desk: Desk) -> None:
    assert desk.transfer(10, receiver="BOB@Example.com").result["to_member_id"] == BOB


@pytest.mark.parametrize("email", ["zoe@example.com", "nobody@example.com"])
def test_outside_the_circle_and_unknown_are_alike_by_email(desk: Desk, email: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        desk.transfer(10, receiver=email)
    assert refused.value == NotFoundError("member", "")


def test_of_several_with_one_address_only_the_one_in_the_circle_is_meant(desk: Desk) -> None:
    for member_id in (EVE, ZOE):
        _set_email(desk, member_id, "shop@example.com")
    assert desk.transfer(10, receiver="shop@example.com").result["to_member_id"] == EVE
    _set_email(desk, BOB, "shop@example.com")
    with pytest.raises(NotFoundError):
        desk.transfer(10, receiver="shop@example.com", key="key-2")


def test_an_own_address_that_somebody_else_has_too_means_the_other(desk: Desk) -> None:
    _set_email(desk, BOB, "ada@example.com")
    assert desk.transfer(10, receiver="ada@example.com").result["to_member_id"] == BOB


def _set_email(desk: Desk, member_id: MemberId, email: str) -> None:
    name = {ADA: "ada", BOB: "bob", EVE: "eve", ZOE: "zoe"}[member_id]
    customer = Customer(external_id=customer_id(name), email=email)
    desk.tell(CustomerSeen(customer=customer, at=START + HOUR))


# ---- Refused


def reason(desk: Desk, **changes: object) -> str:
    before = desk.memory.snapshot()
    with pytest.raises(TransferNotPermittedError) as refused:
        desk.transfer(10, **changes)  # type: ignore[arg-type]  # arguments of a transfer
    assert desk.memory.snapshot() == before
    return refused.value.reason


def test_a_program_without_transfers() -> None:
    assert reason(make_party(within_organisation(enabled=False))) == "disabled"


def test_analysis_mode() -> None:
    rules = replace(within_organisation(), mode="analysis")
    assert reason(make_party(rules)) == "analysis_mode"


def test_nobody_transfers_to_oneself(desk: Desk) -> None:
    assert reason(desk, receiver=ADA) == "same_member"
    assert reason(desk, receiver="ada@example.com") == "same_member"


def test_nor_to_an_id_that_was_merged_into_oneself(desk: Desk) -> None:
    desk.merge(EVE, ADA)
    assert reason(desk, receiver=EVE) == "same_member"


def test_outside_the_circle_by_id(desk: Desk) -> None:
    assert reason(desk, receiver=ZOE) == "outside_circle"


def test_without_organisation_there_is_no_circle(desk: Desk) -> None:
    put_standing(desk, ADA, organisation=None)
    put_standing(desk, BOB, organisation=None)
    assert reason(desk) == "outside_circle"


def test_a_circle_of_anyone() -> None:
    desk = make_party(within_organisation(within="anyone"))
    assert desk.transfer(10, receiver=ZOE).result["status"] == "completed"


@pytest.mark.parametrize("status", ["frozen", "closed", "erased"])
def test_a_receiver_who_is_not_active(desk: Desk, status: Status) -> None:
    put_standing(desk, BOB, status=status)
    assert reason(desk) == "receiver_inactive"
    with pytest.raises(NotFoundError):
        desk.transfer(10, receiver="bob@example.com")


@pytest.mark.parametrize("status", ["frozen", "closed", "erased"])
def test_a_sender_who_is_not_active(desk: Desk, status: Status) -> None:
    put_standing(desk, ADA, status=status)
    with pytest.raises(MemberInactiveError):
        desk.transfer(10)


def test_below_the_minimum() -> None:
    desk = make_party(within_organisation(minimum_points=11))
    assert reason(desk) == "below_minimum"


def test_more_than_there_is_and_what_is_owed(desk: Desk) -> None:
    with pytest.raises(InsufficientPointsError) as refused:
        desk.transfer(101)
    assert refused.value == InsufficientPointsError(requested=101, available=100)
    desk.redeem(100)
    desk.tell(bounced(id="of-ada"))
    with pytest.raises(InsufficientPointsError) as refused:
        desk.transfer(1)
    assert refused.value == InsufficientPointsError(requested=1, available=-100)


@pytest.mark.parametrize(
    ("points", "error"),
    [(0, InvalidRequestError), (-5, InvalidRequestError), (MAX_POINTS + 1, LimitExceededError)],
)
def test_numbers_that_are_none(desk: Desk, points: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        desk.transfer(points)


def test_unknown_members(desk: Desk) -> None:
    for sender, receiver in ((MemberId("nobody"), BOB), (ADA, MemberId("nobody"))):
        with pytest.raises(NotFoundError):
            desk.transfer(10, sender=sender, receiver=receiver)


# ---- With approval


def test_above_the_limit_the_points_are_set_aside(careful: Desk) -> None:
    result = careful.transfer(31).result
    assert result["status"] == "awaiting_approval"
    assert result["balance"] == {"available": 69, "pending": 0, "reserved": 31, "debt": 0}
    asked = approval(careful)
    assert (asked.kind, asked.member_id, asked.points) == ("transfer", ADA, 31)
    assert (asked.requested_by, asked.subject) == ("staff", result["transfer_id"])
    assert asked.expires_at == START + timedelta(days=30)
    assert careful.memory.listed("approvals", "open", limit=5).ids == (asked.approval_id,)
    assert available(careful)[BOB] == 20
    check(careful)


def test_up_to_the_limit_nobody_is_asked(careful: Desk) -> None:
    assert careful.transfer(30).result["status"] == "completed"


def test_a_member_who_asks_needs_approval_where_the_program_says_so() -> None:
    rules = within_organisation()
    terms = replace(rules.redemption, member_requests_need_approval=True)
    desk = make_party(replace(rules, redemption=terms))
    assert desk.transfer(10, member_asks=True).result["status"] == "awaiting_approval"
    assert desk.transfer(10, key="key-2").result["status"] == "completed"
    assert RedemptionTerms().member_requests_need_approval is False


def test_an_approved_transfer_passes_with_its_lots(careful: Desk) -> None:
    careful.transfer(50)
    careful.wait(START + DAY)
    done = careful_result(careful, approved=True)
    assert done["status"] == "completed"
    assert done["balance"] == {"available": 50, "pending": 0, "reserved": 0, "debt": 0}
    assert (available(careful)[ADA], available(careful)[BOB]) == (50, 70)
    assert careful.types(ADA)[-2:] == ["reservation", "transfer"]
    check(careful)


def test_a_rejected_transfer_gives_the_points_back(careful: Desk) -> None:
    careful.transfer(50)
    lots = careful.memory.chain(BOB)[-1].state.lots
    assert careful_result(careful, approved=False)["status"] == "rejected"
    assert careful.balances(ADA) == (0, 100, 0)
    assert careful.types(ADA)[-2:] == ["reservation", "release"]
    assert careful.memory.chain(BOB)[-1].state.lots == lots
    check(careful)


def test_an_approval_that_comes_too_late(careful: Desk) -> None:
    careful.transfer(50)
    careful.wait(START + timedelta(days=30))
    with pytest.raises(ReservationNotOpenError):
        decide(careful, approved=True)
    careful.transfer(100, key="key-2")
    assert careful.types(ADA)[-2:] == ["release", "reservation"]


def test_a_receiver_who_closed_meanwhile_gets_nothing(careful: Desk) -> None:
    careful.transfer(50)
    put_standing(careful, BOB, status="closed")
    with pytest.raises(TransferNotPermittedError):
        decide(careful, approved=True)
    assert careful_result(careful, approved=False)["status"] == "rejected"


def test_a_receiver_who_was_merged_meanwhile_gets_them_under_the_new_id(careful: Desk) -> None:
    careful.transfer(50)
    careful.merge(BOB, EVE)
    assert careful_result(careful, approved=True)["to_member_id"] == EVE
    assert available(careful)[EVE] == 70
    check(careful)


def test_points_whose_day_passed_while_they_were_set_aside_last_the_day() -> None:
    rules = within_organisation(
        program(expires_after="P1D", round_to="day"), approval_above_points=30
    )
    desk = make_party(rules)
    desk.transfer(50)
    desk.wait(START + 5 * DAY)
    decide(desk, approved=True)
    assert dict(desk.memory.chain(BOB)[-1].state.lots) == {desk.now.date(): 50}
    check(desk)


def test_open_reservations_are_bounded(careful: Desk) -> None:
    earn(careful, "ada", "1000.00", id="more")
    for number in range(MAX_OPEN_RESERVATIONS):
        careful.transfer(31, key=f"key-{number}")
    with pytest.raises(LimitExceededError):
        careful.transfer(31, key="one too many")


def careful_result(desk: Desk, *, approved: bool) -> dict[str, object]:
    result = decide(desk, approved=approved).result["result"]
    assert isinstance(result, dict)
    return result
