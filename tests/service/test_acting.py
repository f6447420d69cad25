"""Actions that clients report: recorded once under their natural key, and what is answered."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InvalidRequestError,
    LimitReachedByFactError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_FOLLOWERS_PER_PURCHASE
from tests.builders import (
    DAY,
    HOUR,
    START,
    after,
    paid,
    posted,
    program,
    purchase_key,
    refunded,
    rule,
    voided,
)
from tests.service.desk import ADA, BOB, Desk
from tests.service.registry import Registry

TICKET = purchase_key("t-1")
BOOKING = EarningKey(source="api", kind="action", id="booking:1")


@pytest.fixture
def desk() -> Desk:
    """Ada and Bob, who get 10 for a review, once a day, and 30 for a booking once it is paid."""
    desk = Desk(
        program(
            rule(1, "1.00"),
            rule(10, id="review", action="review", limit=(1, "day")),
            rule(30, id="booking", action="booking", release="linked_purchase"),
            hold="PT24H",
            cancel_unpaid_after="P30D",
        )
    )
    desk.enrol("ada", key="ada")
    desk.enrol("bob", key="bob", name="Bob")
    return desk


def test_an_action_is_pending_while_its_hold_runs(desk: Desk) -> None:
    done = desk.act()
    assert done.created
    assert done.result == {
        "earning_id": "api:action:review:1",
        "member_id": ADA,
        "action": "review",
        "action_id": "1",
        "points": 10,
        "pending": 10,
        "status": "pending",
        "waiting_for": ["hold"],
        "matures_at": "2026-03-03T12:00:00Z",
        "balance": {"available": 0, "pending": 10, "reserved": 0, "debt": 0},
    }


def test_the_hold_runs_since_the_action_happened(desk: Desk) -> None:
    done = desk.act(at=START - DAY)
    assert (done.result["status"], done.result["pending"]) == ("available", 0)
    assert desk.balances() == (0, 10, 0)


def test_the_sweep_releases_an_action_at_the_end_of_its_hold(desk: Desk) -> None:
    desk.act()
    desk.wait(after(hours=24))
    assert desk.sweep("hold_release").posted == 1
    assert desk.balances() == (0, 10, 0)


def test_the_same_request_again_is_answered_as_at_first(desk: Desk) -> None:
    first = desk.act(key="one")
    desk.wait(after(days=3))
    desk.sweep("hold_release")
    again = desk.act(key="one")
    assert (again.result, again.created, again.replayed) == (first.result, True, True)


def test_the_same_request_with_another_input_is_refused(desk: Desk) -> None:
    desk.act(key="one")
    with pytest.raises(IdempotencyKeyReusedError):
        desk.act("survey", key="one")


def test_the_same_action_under_another_key_finds_the_earning(desk: Desk) -> None:
    first = desk.act()
    before = desk.memory.snapshot()
    desk.wait(after(hours=1))
    again = desk.act()
    assert (again.created, again.replayed) == (False, False)
    assert again.result == first.result
    assert desk.memory.snapshot() == before


def test_an_action_that_somebody_else_is_said_to_have_performed_stays_with_the_first(
    desk: Desk,
) -> None:
    desk.act()
    desk.wait(after(hours=1))
    again = desk.act(member_id=BOB)
    assert (again.created, again.result["member_id"]) == (False, ADA)
    assert (desk.balances(), desk.balances(BOB)) == ((10, 0, 0), (0, 0, 0))


def test_an_earlier_report_of_the_same_action_counts(desk: Desk) -> None:
    desk.act()
    again = desk.act(member_id=BOB, at=START - HOUR)
    assert again.result["member_id"] == BOB
    assert (desk.balances(), desk.balances(BOB)) == ((0, 0, 0), (10, 0, 0))


def test_a_limit_holds_for_actions(desk: Desk) -> None:
    desk.act(action_id="1")
    second = desk.act(action_id="2")
    assert (second.created, second.result["points"], second.result["status"]) == (True, 0, "none")
    assert desk.act(action_id="3", at=START - DAY).result["points"] == 10
    assert desk.balances() == (10, 10, 0)


def test_a_limit_holds_for_parallel_requests(desk: Desk) -> None:
    threads = [
        threading.Thread(target=desk.act, kwargs={"action_id": str(n), "key": str(n)})
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.balances() == (10, 0, 0)
    assert len(desk.memory.earnings()) == 6


def test_an_action_that_no_rule_names_is_recorded_and_earns_nothing(desk: Desk) -> None:
    done = desk.act("knitting")
    assert (done.created, done.result["points"], done.result["status"]) == (True, 0, "none")
    assert desk.types() == ["enrolment"]
    assert not desk.act("knitting").created


def test_a_future_action_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        desk.act(at=START + DAY + timedelta(seconds=1))
    assert [error.field for error in refused.value.errors] == ["occurred_at"]
    assert desk.memory.earnings() == []
    assert desk.act(at=START + DAY).created


def test_an_action_before_all_time_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        desk.act(at=START.replace(year=1))


def test_somebody_unknown_performs_nothing(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.act(member_id=MemberId("nobody"))


@pytest.mark.parametrize("gone", ["closed", "erased"])
def test_whose_account_is_closed_performs_nothing(gone: str) -> None:
    registry = Registry(program(rule(10, id="review", action="review")))
    if gone == "closed":
        registry.change(status="closed")
    else:
        registry.erase()
    with pytest.raises(MemberInactiveError):
        registry.desk.act(member_id=ADA)


def test_a_merged_member_s_action_is_the_surviving_member_s(desk: Desk) -> None:
    desk.merge(ADA, BOB)
    assert desk.act(member_id=ADA).result["member_id"] == BOB
    assert desk.balances(BOB) == (10, 0, 0)


# ---- Linked purchases


def test_a_booking_waits_for_its_purchase(desk: Desk) -> None:
    done = desk.act("booking", at=START - 2 * DAY, linked=TICKET)
    assert done.result["waiting_for"] == ["linked_purchase"]
    desk.wait(after(days=5))
    desk.sweep("hold_release")
    assert desk.balances() == (30, 0, 0)


@pytest.mark.parametrize("first", ["booking", "purchase", "payment"])
def test_a_booking_is_released_by_its_purchase_in_any_order(desk: Desk, first: str) -> None:
    facts: dict[str, Callable[[], object]] = {
        "booking": lambda: desk.act("booking", at=START - 2 * DAY, linked=TICKET),
        "purchase": lambda: desk.tell(posted("20.00", id="t-1", customer="cash")),
        "payment": lambda: desk.tell(paid("20.00", id="t-1")),
    }
    for name in sorted(facts, key=lambda name: (name != first, name)):
        facts[name]()
    assert desk.balances() == (0, 30, 0)
    assert desk.memory.chain(ADA)[-1].posting.inputs["released"] == "2026-03-02T12:00:00Z"


def test_a_closed_purchase_releases_at_once(desk: Desk) -> None:
    desk.tell(posted("20.00", id="t-1"), paid("20.00", id="t-1"))
    done = desk.act("booking", linked=TICKET)
    assert done.result["waiting_for"] == ["hold"]


def test_a_purchase_may_have_either_key(desk: Desk) -> None:
    other = EarningKey(source="standard", kind="invoice", id="t-1")
    desk.act("booking", at=START - 2 * DAY, linked=other, also=TICKET)
    desk.tell(posted("20.00", id="t-1"), paid("20.00", id="t-1"))
    assert desk.balances() == (20, 30, 0)


def test_a_voided_or_returned_purchase_releases_nothing(desk: Desk) -> None:
    desk.act("booking", linked=TICKET)
    desk.tell(
        refunded("20.00", id="t-1"),
        posted("20.00", id="t-1"),
        paid("20.00", id="t-1", at=after(hours=1)),
    )
    assert desk.balances()[0] == 30
    desk.wait(after(days=30))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 0, 0)
    assert desk.types()[-1] == "lapse"


def test_what_was_released_stays(desk: Desk) -> None:
    desk.act("booking", at=START - 2 * DAY, linked=TICKET)
    desk.tell(
        posted("20.00", id="t-1", customer="cash"),
        paid("20.00", id="t-1"),
    )
    desk.wait(after(days=1))
    desk.tell(voided(id="t-1", at=after(days=1)))
    assert desk.balances() == (0, 30, 0)


def test_a_killed_worker_leaves_the_release_to_the_sweep(desk: Desk) -> None:
    desk.act("booking", at=START - 2 * DAY, linked=TICKET)
    desk.tell(posted("20.00", id="t-1", customer="cash"))
    fact = paid("20.00", id="t-1")
    # The commit of the payment is the last thing that this process does.
    desk.recording.path.run(lambda view: desk.recording.decide(view, fact, "killed"))
    assert desk.balances() == (30, 0, 0)
    desk.sweep("hold_release")
    assert desk.balances() == (0, 30, 0)


def test_few_actions_are_linked_to_one_purchase(desk: Desk) -> None:
    for number in range(MAX_FOLLOWERS_PER_PURCHASE):
        desk.act("booking", str(number), linked=TICKET)
    with pytest.raises(LimitReachedByFactError):
        desk.act("booking", "one more", linked=TICKET)
