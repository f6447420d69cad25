"""Redemptions that wait for a second person: what sets them aside, and what the decision does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from points_ledger.domain.error import (
    ForbiddenError,
    LimitExceededError,
    Rejection,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import ApprovalId, RedemptionId
from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS
from points_ledger.domain.program import Program
from points_ledger.service.approving import Approving, DecideApproval, Decided
from points_ledger.service.ports import ApprovalKey, RequestKey
from points_ledger.service.redeeming import Redeemed
from points_ledger.service.redemption_steps import StepName
from tests.builders import DAY, START, paid, posted, program
from tests.service.desk import ADA, Desk


def asking(**terms: object) -> Program:
    """A program in which somebody approves redemptions of more than 50 points."""
    rules = program()
    merged = {"approval_above_points": 50, **terms}
    return replace(rules, redemption=replace(rules.redemption, **merged))  # type: ignore[arg-type]  # a table


def opened(rules: Program | None = None) -> Desk:
    """A desk at which Ada has 100 points, worth 1.00."""
    desk = Desk(rules or asking())
    desk.tell(posted("100.00"), paid("100.00"))
    return desk


@pytest.fixture
def desk() -> Desk:
    return opened()


def approving(desk: Desk) -> Approving:
    return Approving(
        path=desk.redeeming.path,
        store=desk.store,
        reader=desk.memory,
        clock=desk.clock,
        salt=lambda: "salt",
        decide={"redemption": desk.redeeming.decided},
    )


def decide(
    desk: Desk, redemption: Redeemed, *, approved: bool = True, caller: str = "manager"
) -> Decided:
    command = DecideApproval(
        request=RequestKey(caller=caller, key=f"decide {approved}"),
        fingerprint=f"decide {approved}",
        actor=caller,
        approval_id=ApprovalId(str(redemption.result["approval_id"])),
        approved=approved,
    )
    return approving(desk).run(command)


def waiting(desk: Desk) -> list[str]:
    """The ids of the list of what is open."""
    return list(desk.memory.listed("approvals", "open", limit=100).ids)


def holdings(desk: Desk) -> tuple[int, int, int]:
    """Available, reserved, redeemed."""
    state = desk.memory.chain(ADA)[-1].state
    return state.available, state.reserved, state.counter("redeemed")


# ---- What waits


@pytest.mark.parametrize(
    ("points", "own", "requests_wait", "status"),
    [
        (50, False, False, "completed"),
        (51, False, False, "awaiting_approval"),
        (51, True, False, "awaiting_approval"),
        (1, True, False, "completed"),
        (1, True, True, "awaiting_approval"),
        (50, False, True, "completed"),
    ],
)
def test_what_is_large_or_asked_by_the_member_waits(
    points: int, own: bool, requests_wait: bool, status: str
) -> None:
    desk = opened(asking(member_requests_need_approval=requests_wait))
    assert desk.redeem(points, own=own).result["status"] == status


def test_its_points_are_set_aside_for_days(desk: Desk) -> None:
    result = dict(desk.redeem(70).result)
    redemption_id, approval_id = result.pop("redemption_id"), result.pop("approval_id")
    assert result == {
        "status": "awaiting_approval",
        "member_id": ADA,
        "points": 70,
        "amount": "0.70",
        "currency": "USD",
        "expires_at": "2026-04-01T12:00:00Z",
        "balance": {"available": 30, "pending": 0, "reserved": 70, "debt": 0},
    }
    assert waiting(desk) == [approval_id]
    key = ApprovalKey(approval_id=ApprovalId(str(approval_id)))
    approval = desk.memory.get([key])[key]
    assert (approval.kind, approval.subject, approval.requested_by, approval.points) == (  # type: ignore[union-attr]  # it is one
        "redemption",
        redemption_id,
        "till",
        70,
    )


def test_the_same_request_again_asks_once(desk: Desk) -> None:
    first = desk.redeem(70)
    again = desk.redeem(70)
    assert (again.result, again.replayed) == (first.result, True)
    assert len(waiting(desk)) == 1


def test_what_waits_counts_as_an_open_reservation() -> None:
    desk = opened(asking(approval_above_points=1))
    for number in range(MAX_OPEN_RESERVATIONS):
        desk.redeem(2, key=f"key-{number}")
    with pytest.raises(LimitExceededError):
        desk.redeem(2, key="one more")


# ---- What is decided


def test_approved_it_is_spent(desk: Desk) -> None:
    redemption = desk.redeem(70)
    outcome = decide(desk, redemption).result["result"]
    assert outcome == {
        "redemption_id": redemption.result["redemption_id"],
        "status": "completed",
        "member_id": ADA,
        "points": 70,
        "amount": "0.70",
        "currency": "USD",
        "captured": 70,
        "captured_amount": "0.70",
        "reversed": 0,
        "balance": {"available": 30, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert holdings(desk) == (30, 0, 70)
    assert waiting(desk) == []
    assert desk.memory.chain(ADA)[-1].posting.actor == "manager"
    desk.go_on("reverse", redemption)
    assert holdings(desk) == (100, 0, 0)


def test_approved_it_is_reserved_where_that_was_asked(desk: Desk) -> None:
    redemption = desk.redeem(70, reserve=True)
    desk.now = START + DAY
    decide(desk, redemption)
    shown = desk.shown(redemption)
    until = desk.now + timedelta(minutes=15)
    assert (shown.status, shown.redemption.expires_at) == ("reserved", until)
    assert holdings(desk) == (30, 70, 0)
    assert until in [marker.due_at for marker in desk.markers("reservation")]
    assert [each.status for each in desk.redemptions.of_member(ADA, limit=9, before=None)[0]] == [
        "reserved"
    ]
    desk.go_on("capture", redemption, 60)
    assert holdings(desk) == (40, 0, 60)


def test_an_approved_reservation_times_out_after_its_minutes(desk: Desk) -> None:
    redemption = desk.redeem(70, reserve=True)
    decide(desk, redemption)
    desk.now = START + timedelta(minutes=15)
    assert desk.sweep("reservation").posted == 1
    assert desk.shown(redemption).status == "timed_out"


def test_rejected_it_is_released(desk: Desk) -> None:
    redemption = desk.redeem(70)
    outcome = decide(desk, redemption, approved=False).result["result"]
    assert outcome["status"] == "rejected"  # type: ignore[index]  # it is an object
    assert holdings(desk) == (100, 0, 0)
    assert desk.memory.chain(ADA)[-1].posting.reason == "rejected"
    assert desk.shown(redemption).status == "rejected"


def test_nobody_approves_what_they_asked_for(desk: Desk) -> None:
    redemption = desk.redeem(70)
    with pytest.raises(ForbiddenError):
        decide(desk, redemption, caller="till")


# ---- What is too late


@pytest.mark.parametrize("approved", [True, False])
def test_after_its_days_it_can_not_be_decided(approved: bool, desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.now = START + 30 * DAY
    with pytest.raises(ReservationNotOpenError):
        decide(desk, redemption, approved=approved)
    assert desk.shown(redemption).status == "timed_out"
    assert desk.sweep("reservation").posted == 1
    assert holdings(desk) == (100, 0, 0)


def test_a_moment_before_it_can(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.now = START + 30 * DAY - timedelta(microseconds=1)
    decide(desk, redemption)
    assert holdings(desk) == (30, 0, 70)


def test_while_it_waits_it_cannot_be_captured_or_reversed(desk: Desk) -> None:
    redemption = desk.redeem(70)
    steps: tuple[StepName, ...] = ("capture", "reverse")
    for step in steps:
        with pytest.raises(ReservationNotOpenError) as refused:
            desk.go_on(step, redemption)
        assert refused.value.reservation_status == "awaiting_approval"


def test_what_was_cancelled_waits_no_more_and_cannot_be_approved(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.go_on("cancel", redemption, asked_by=ADA)
    assert waiting(desk) == []
    with pytest.raises(Rejection) as refused:
        decide(desk, redemption)
    assert refused.value == ReservationNotOpenError("cancelled")
    assert holdings(desk) == (100, 0, 0)


def test_cancelled_and_approved_at_once_only_one_of_them_happens(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.store.meanwhile["commit"] = lambda: decide(desk, redemption)
    with pytest.raises(ReservationNotOpenError) as refused:
        desk.go_on("cancel", redemption)
    assert refused.value.reservation_status == "completed"
    assert holdings(desk) == (30, 0, 70)
    assert isinstance(redemption.result["redemption_id"], str)
    assert desk.redemptions.one(
        RedemptionId(redemption.result["redemption_id"]), asked_by=None
    ).status == ("completed")
