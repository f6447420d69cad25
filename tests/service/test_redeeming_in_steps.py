"""Redemption in two steps: once per request, and nothing that is closed is opened again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.error import (
    AlreadyReversedError,
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
    ReservationNotOpenError,
)
from points_ledger.domain.identity import MemberId, RedemptionId
from points_ledger.domain.limit import MAX_COMMANDS_PER_REDEMPTION
from points_ledger.domain.program import Program
from points_ledger.service.ports import Append
from points_ledger.service.redeeming import Redeemed
from points_ledger.service.redemption_steps import StepName
from tests.builders import DAY, START, paid, posted, program
from tests.service.desk import ADA, BOB, Desk

IN_15_MINUTES = START + timedelta(minutes=15)


def opened(rules: Program | None = None) -> Desk:
    """A desk at which Ada has 100 points, worth 1.00."""
    desk = Desk(rules or program())
    desk.tell(posted("100.00"), paid("100.00"))
    return desk


@pytest.fixture
def desk() -> Desk:
    return opened()


def reserved(desk: Desk, points: int = 70, *, key: str = "key-1") -> Redeemed:
    return desk.redeem(points, key=key, reserve=True)


def holdings(desk: Desk) -> tuple[int, int, int]:
    """Available, reserved, redeemed."""
    state = desk.memory.chain(ADA)[-1].state
    return state.available, state.reserved, state.counter("redeemed")


# ---- Reserving


def test_a_reservation_sets_points_aside_and_says_until_when(desk: Desk) -> None:
    result = dict(reserved(desk).result)
    assert result.pop("redemption_id")
    assert result == {
        "status": "reserved",
        "member_id": ADA,
        "points": 70,
        "amount": "0.70",
        "currency": "USD",
        "expires_at": "2026-03-02T12:15:00Z",
        "balance": {"available": 30, "pending": 0, "reserved": 70, "debt": 0},
    }
    assert desk.types()[-1] == "reservation"
    assert holdings(desk) == (30, 70, 0)


def test_a_reservation_ends_at_a_whole_second_and_never_sooner_than_meant(desk: Desk) -> None:
    desk.now = START + timedelta(microseconds=1)
    assert reserved(desk).result["expires_at"] == "2026-03-02T12:15:01Z"


def test_a_reservation_is_due_when_it_ends(desk: Desk) -> None:
    reserved(desk)
    assert [(m.due_at, m.target) for m in desk.markers("reservation")] == [(IN_15_MINUTES, ADA)]


def test_the_same_reservation_again_is_answered_as_first(desk: Desk) -> None:
    first = reserved(desk)
    desk.go_on("capture", first)
    again = reserved(desk)
    assert (again.result, again.replayed) == (first.result, True)
    assert holdings(desk) == (30, 0, 70)


# ---- Capturing


def test_a_capture_spends_what_was_reserved(desk: Desk) -> None:
    redemption = reserved(desk)
    result = dict(desk.go_on("capture", redemption).result)
    assert result == {
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
    assert desk.types()[-1] == "capture"
    assert holdings(desk) == (30, 0, 70)


def test_a_capture_in_part_releases_the_rest(desk: Desk) -> None:
    redemption = reserved(desk)
    result = desk.go_on("capture", redemption, 45).result
    assert (result["points"], result["captured"], result["captured_amount"]) == (70, 45, "0.45")
    assert holdings(desk) == (55, 0, 45)
    stored = desk.shown(redemption).redemption
    assert (sum(stored.lots.values()), stored.captured) == (45, 45)


def test_a_capture_asks_the_store_three_times(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.store.requests.clear()
    desk.go_on("capture", redemption)
    assert desk.store.requests == ["get", "head", "commit"]


def test_a_capture_above_the_reservation_writes_nothing(desk: Desk) -> None:
    redemption = reserved(desk)
    before = desk.memory.snapshot()
    with pytest.raises(LimitExceededError):
        desk.go_on("capture", redemption, 71)
    assert desk.memory.snapshot() == before


def test_what_has_passed_is_settled_before_a_capture() -> None:
    desk = opened(program(expires_after="P1D", round_to="day"))
    redemption = desk.redeem(70, reserve=True)
    desk.now = START + 2 * DAY
    with pytest.raises(ReservationNotOpenError):
        desk.go_on("capture", redemption)
    held = opened(
        replace(
            program(expires_after="P1D", round_to="day"),
            redemption=replace(program().redemption, reservation_minutes=5_000),
        )
    )
    redemption = held.redeem(70, reserve=True)
    held.now = START + 2 * DAY
    held.go_on("capture", redemption, 60)
    assert held.types()[-2:] == ["expiry", "capture"]
    state = held.memory.chain(ADA)[-1].state
    assert (state.counter("redeemed"), state.counter("expired")) == (60, 40)


# ---- Cancelling


def test_a_cancel_gives_everything_back(desk: Desk) -> None:
    redemption = reserved(desk)
    result = desk.go_on("cancel", redemption).result
    assert (result["status"], result["captured"]) == ("cancelled", 0)
    assert desk.types()[-1] == "release"
    assert holdings(desk) == (100, 0, 0)
    assert desk.shown(redemption).status == "cancelled"


# ---- The same again, and another


@pytest.mark.parametrize("step", ["capture", "cancel"])
def test_the_same_step_again_is_answered_as_first_however_late(step: StepName, desk: Desk) -> None:
    redemption = reserved(desk)
    first = desk.go_on(step, redemption, key="once")
    desk.redeem(10, key="other")
    desk.now = START + 400 * DAY
    before = desk.memory.snapshot()
    again = desk.go_on(step, redemption, key="once")
    assert (again.result, again.replayed, first.replayed) == (first.result, True, False)
    assert desk.memory.snapshot() == before


def test_the_same_reversal_again_is_answered_as_first(desk: Desk) -> None:
    redemption = desk.redeem(70)
    first = desk.go_on("reverse", redemption, 30, key="once")
    desk.go_on("reverse", redemption, 40, key="more")
    again = desk.go_on("reverse", redemption, 30, key="once")
    assert (again.result, again.replayed) == (first.result, True)
    assert holdings(desk) == (100, 0, 0)


def test_a_key_is_for_one_step(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.go_on("capture", redemption, 60, key="once")
    with pytest.raises(IdempotencyKeyReusedError):
        desk.go_on("capture", redemption, 61, key="once")
    with pytest.raises(IdempotencyKeyReusedError):
        desk.go_on("reverse", redemption, key="once")


def test_the_key_of_the_redemption_itself_is_used(desk: Desk) -> None:
    redemption = reserved(desk, key="once")
    with pytest.raises(IdempotencyKeyReusedError):
        desk.go_on("capture", redemption, key="once")


def test_the_key_of_one_caller_is_free_for_another(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.go_on("reverse", redemption, 10, key="once", caller="till")
    desk.go_on("reverse", redemption, 10, key="once", caller="staff")
    assert holdings(desk) == (50, 0, 50)


STEPS: tuple[StepName, ...] = ("capture", "cancel", "reverse")


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ([], "reverse", ReservationNotOpenError("reserved")),
        (["capture"], "capture", ReservationNotOpenError("completed")),
        (["capture"], "cancel", ReservationNotOpenError("completed")),
        (["cancel"], "capture", ReservationNotOpenError("cancelled")),
        (["cancel"], "cancel", ReservationNotOpenError("cancelled")),
        (["cancel"], "reverse", ReservationNotOpenError("cancelled")),
        (["capture", "reverse"], "capture", ReservationNotOpenError("reversed")),
        (["capture", "reverse"], "cancel", ReservationNotOpenError("reversed")),
        (["capture", "reverse"], "reverse", AlreadyReversedError(70)),
    ],
)
def test_another_step_on_what_is_closed_is_refused(
    first: list[StepName], then: StepName, expected: Exception, desk: Desk
) -> None:
    redemption = reserved(desk)
    for step in first:
        desk.go_on(step, redemption)
    before = desk.memory.snapshot()
    with pytest.raises(type(expected)) as refused:
        desk.go_on(then, redemption)
    assert refused.value == expected
    assert desk.memory.snapshot() == before


@pytest.mark.parametrize("step", ["capture", "cancel"])
def test_a_redemption_at_once_has_nothing_reserved(step: StepName, desk: Desk) -> None:
    redemption = desk.redeem(70)
    with pytest.raises(ReservationNotOpenError):
        desk.go_on(step, redemption)


def test_a_redemption_has_room_for_so_many_commands(desk: Desk) -> None:
    redemption = desk.redeem(70)
    for _ in range(MAX_COMMANDS_PER_REDEMPTION):
        desk.go_on("reverse", redemption, 1)
    with pytest.raises(LimitExceededError) as refused:
        desk.go_on("reverse", redemption, 1)
    assert refused.value.maximum == MAX_COMMANDS_PER_REDEMPTION
    assert holdings(desk) == (46, 0, 54)


@pytest.mark.parametrize("step", STEPS)
def test_a_redemption_that_does_not_exist_is_not_found(step: StepName, desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.go_on(step, RedemptionId("rdm_unheardof"))


# ---- Reversing


def test_a_reversal_gives_points_and_their_value_back() -> None:
    desk = opened(program(yearly_amount_cap="0.70"))
    redemption = desk.redeem(70)
    result = desk.go_on("reverse", redemption, 30).result
    assert (result["status"], result["captured"], result["reversed"]) == ("completed", 70, 30)
    assert desk.types()[-1] == "reversal"
    assert holdings(desk) == (60, 0, 40)
    desk.redeem(30, key="key-2")


def test_what_is_reversed_in_full_is_reversed(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.go_on("reverse", redemption, 30)
    assert desk.go_on("reverse", redemption).result["status"] == "reversed"
    assert holdings(desk) == (100, 0, 0)
    shown = desk.shown(redemption)
    assert (shown.status, shown.redemption.reversed) == ("reversed", 70)


def test_more_than_is_left_cannot_be_reversed(desk: Desk) -> None:
    redemption = desk.redeem(70)
    desk.go_on("reverse", redemption, 30)
    with pytest.raises(LimitExceededError) as refused:
        desk.go_on("reverse", redemption, 41)
    assert refused.value == LimitExceededError("captured_points", 40)


def test_a_captured_part_can_be_reversed(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.go_on("capture", redemption, 45)
    with pytest.raises(LimitExceededError):
        desk.go_on("reverse", redemption, 46)
    desk.go_on("reverse", redemption)
    assert holdings(desk) == (100, 0, 0)


def put_status(desk: Desk, status: Any) -> None:  # noqa: ANN401 - a Literal of the domain
    """Change what decides about Ada."""
    head = desk.memory.chain(ADA)[-1]
    standing = replace(head.state.standing, status=status)
    posting = Posting(type="change", at=desk.now, standing=standing, actor="staff")
    desk.memory.commit([Append(entry=chain(head, ADA, posting, desk.now))])


def test_nothing_is_given_back_to_an_erased_member(desk: Desk) -> None:
    redemption = desk.redeem(70)
    put_status(desk, "erased")
    with pytest.raises(MemberInactiveError):
        desk.go_on("reverse", redemption)


def test_a_frozen_member_gets_points_back_and_what_was_promised(desk: Desk) -> None:
    spent, promised = desk.redeem(30), reserved(desk, 50, key="key-2")
    put_status(desk, "frozen")
    desk.go_on("reverse", spent)
    desk.go_on("capture", promised)
    assert holdings(desk) == (50, 0, 50)


# ---- Time-out


@pytest.mark.parametrize("step", ["capture", "cancel"])
def test_after_its_time_nothing_can_be_captured_or_cancelled(step: StepName, desk: Desk) -> None:
    redemption = reserved(desk)
    desk.now = IN_15_MINUTES
    before = desk.memory.snapshot()
    with pytest.raises(ReservationNotOpenError) as refused:
        desk.go_on(step, redemption)
    assert refused.value.reservation_status == "timed_out"
    assert desk.memory.snapshot() == before


def test_the_next_command_that_needs_the_points_gets_them(desk: Desk) -> None:
    reserved(desk)
    with pytest.raises(InsufficientPointsError):
        desk.redeem(31, key="key-2")
    desk.now = IN_15_MINUTES
    desk.redeem(100, key="key-2")
    assert desk.types()[-2:] == ["release", "redemption"]
    assert holdings(desk) == (0, 0, 100)


def test_the_sweep_releases_what_has_timed_out(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.now = IN_15_MINUTES - timedelta(seconds=1)
    assert desk.sweep("reservation").posted == 0
    desk.now = IN_15_MINUTES
    assert desk.sweep("reservation").posted == 1
    assert desk.sweep("reservation").posted == 0
    assert holdings(desk) == (100, 0, 0)
    assert desk.shown(redemption).status == "timed_out"


def test_the_sweep_leaves_what_was_captured_alone(desk: Desk) -> None:
    desk.go_on("capture", reserved(desk))
    desk.now = IN_15_MINUTES
    assert desk.sweep("reservation").posted == 0


def test_what_has_timed_out_is_shown_so_before_anybody_wrote_it(desk: Desk) -> None:
    redemption = reserved(desk)
    assert desk.shown(redemption).status == "reserved"
    desk.now = IN_15_MINUTES
    assert desk.shown(redemption).status == "timed_out"
    assert desk.queries.balance(ADA).available == 100


def test_a_redemption_captured_while_it_is_read_has_not_timed_out(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.store.meanwhile["head"] = lambda: desk.go_on("capture", redemption)
    assert desk.shown(redemption).status == "completed"


# ---- Races


def test_two_captures_at_once_capture_once(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.store.meanwhile["commit"] = lambda: desk.go_on("capture", redemption, 40, key="other")
    with pytest.raises(ReservationNotOpenError):
        desk.go_on("capture", redemption, 70, key="mine")
    assert holdings(desk) == (60, 0, 40)


def test_a_capture_whose_answer_was_lost_is_answered_as_done(desk: Desk) -> None:
    redemption = reserved(desk)
    desk.store.lost_replies_ahead = 1
    assert desk.go_on("capture", redemption).replayed
    assert holdings(desk) == (30, 0, 70)


# ---- Whose it is


def test_a_member_cancels_only_its_own(desk: Desk) -> None:
    redemption = reserved(desk)
    with pytest.raises(NotFoundError):
        desk.go_on("cancel", redemption, asked_by=BOB)
    with pytest.raises(NotFoundError):
        desk.shown(redemption, asked_by=MemberId(""))
    assert desk.shown(redemption, asked_by=ADA).redemption.member_id == ADA
    desk.go_on("cancel", redemption, asked_by=ADA)


def test_a_redemption_stays_a_members_own_when_its_account_is_merged(desk: Desk) -> None:

    redemption = desk.redeem(70)
    desk.enrol("ben", key="enrol-ben", name="Ben")
    head, ben = desk.memory.chain(ADA)[-1], desk.memory.chain(BOB)[-1]
    moved = {name: -n for name, n in head.state.counters.items()}
    alias = replace(head.state.standing, status="merged", alias_of=BOB)
    closing = Posting(
        type="merge",
        at=START,
        lots={day: -n for day, n in head.state.lots.items()},
        counters=moved,
        standing=alias,
        actor="staff",
    )
    opening = Posting(
        type="merge",
        at=START,
        lots=head.state.lots,
        counters=head.state.counters,
        actor="staff",
    )
    desk.memory.commit(
        [
            Append(entry=chain(head, ADA, closing, START)),
            Append(entry=chain(ben, BOB, opening, START)),
        ]
    )
    for member_id in (ADA, BOB):
        assert desk.shown(redemption, asked_by=member_id).redemption.points == 70
    desk.go_on("reverse", redemption)
    assert desk.memory.chain(BOB)[-1].state.available == 100


# ---- A member's list


def test_the_newest_redemption_comes_first(desk: Desk) -> None:
    made = [
        desk.redeem(10, key="key-1"),
        desk.redeem(20, key="key-2", reserve=True),
        desk.redeem(30, key="key-3", reserve=True),
        desk.redeem(5, key="key-4"),
    ]
    desk.go_on("capture", made[1], 15)
    desk.now = IN_15_MINUTES
    page, number = desk.redemptions.of_member(ADA, limit=3, before=None)
    assert [(each.redemption.points, each.status) for each in page] == [
        (5, "completed"),
        (30, "timed_out"),
        (20, "completed"),
    ]
    assert page[2].captured_amount == "0.15"
    rest, end = desk.redemptions.of_member(ADA, limit=3, before=number)
    assert [each.redemption.points for each in rest] == [10]
    assert end is None


def test_who_redeemed_nothing_has_an_empty_list(desk: Desk) -> None:
    assert desk.redemptions.of_member(ADA, limit=3, before=None) == ((), None)
    with pytest.raises(NotFoundError):
        desk.redemptions.of_member(MemberId("nobody"), limit=3, before=None)


# ---- Where points live by activity


@pytest.mark.parametrize("reserve", [False, True])
def test_what_was_spent_comes_back_where_a_redemption_moves_the_lot(reserve: bool) -> None:
    rules = program(expires_after="P30D", round_to="day")
    desk = opened(replace(rules, expiry=replace(rules.expiry, kind="inactivity")))
    desk.now = START + 10 * DAY
    redemption = desk.redeem(70, reserve=reserve)
    if reserve:
        desk.go_on("capture", redemption, 60)
    assert sum(desk.shown(redemption).redemption.lots.values()) == (60 if reserve else 70)
    desk.go_on("reverse", redemption)
    state = desk.memory.chain(ADA)[-1].state
    assert dict(state.lots) == {(START + 40 * DAY).date(): 100}
