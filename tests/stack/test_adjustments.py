"""Adjustments over HTTP: points by hand, with a reason, and never without a second person below."""

from datetime import timedelta

import pytest

from tests.stack.client import StackClient, in_parallel, now, problem, unique
from tests.stack.office import adjust, approvals, decide, made, member_with

pytestmark = pytest.mark.stack


def test_points_are_given_and_taken_with_a_reason(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    given = made(adjust(ledger, member_id, 700, reason="late_delivery"))
    assert (given["status"], given["balance"]["available"]) == ("completed", 700)
    taken = made(adjust(ledger, member_id, -200, reason="counted_twice"))
    assert taken["balance"]["available"] == 500
    entries = ledger.entries(member_id)
    assert [entry["type"] for entry in entries] == ["enrolment", "adjustment", "adjustment"]
    assert [entry["reason"] for entry in entries[1:]] == ["late_delivery", "counted_twice"]
    assert ledger.amounts(member_id) == (0, 500, 0)


def test_a_day_of_their_own_is_kept(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    day = (now() + timedelta(days=40)).date().isoformat()
    made(adjust(ledger, member_id, 30, last_day=day))
    assert ledger.balance(member_id)["lots"] == [{"points": 30, "last_day": day}]
    refused = adjust(ledger, member_id, 30, last_day="2020-01-31")
    assert problem(refused) == (400, "invalid_request")


def test_the_same_request_many_times_at_once_gives_once(ledger: StackClient) -> None:
    member_id, key = ledger.enrol("Somebody"), unique("key")
    _ = ledger.staff_token
    answers = in_parallel([lambda: adjust(ledger, member_id, 40, key=key)] * 8)
    definite = [answer for answer in answers if answer.status_code != 409]
    assert {answer.status_code for answer in definite} <= {201}
    assert len({answer.json()["adjustment_id"] for answer in definite}) <= 1
    assert made(adjust(ledger, member_id, 40, key=key))["points"] == 40
    assert ledger.amounts(member_id) == (0, 40, 0)


def test_free_text_is_for_staff_and_in_no_entry(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    text = f"Erika {unique('Mustermann')} complained"
    asked = made(adjust(ledger, member_id, -10, reason=text, note="call her back"))
    [waiting] = [each for each in approvals(ledger) if each["approval_id"] == asked["approval_id"]]
    assert (waiting["reason"], waiting["note"]) == (text, "call her back")
    made(decide(ledger, "approve", asked["approval_id"]), 200)
    assert "Erika" not in str(ledger.entries(member_id))


def test_debt_is_repaid_first(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    asked = made(adjust(ledger, member_id, -150))
    made(decide(ledger, "approve", asked["approval_id"]), 200)
    assert ledger.amounts(member_id) == (0, -50, 50)
    made(adjust(ledger, member_id, 120))
    entry = ledger.entries(member_id)[-1]
    assert (sum(entry["lots"].values()), entry["debt"], entry["available"]) == (70, -50, 120)
    assert ledger.amounts(member_id) == (0, 70, 0)


def test_what_cannot_be_is_refused(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    for body, expected in (
        ({"points": 0}, (400, "invalid_request")),
        ({"points": 1.5}, (400, "invalid_request")),
        ({"points": 2_000_000_000}, (422, "limit_exceeded")),
        ({"points": 5, "reason": ""}, (400, "invalid_request")),
        ({"points": 5, "unknown": 1}, (400, "invalid_request")),
        ({"points": 5, "member_id": unique("mbr")}, (404, "not_found")),
    ):
        sent = {"member_id": member_id, "reason": "goodwill", **body}
        answer = ledger.post("/adjustments", sent, token=ledger.staff_token, key=unique("key"))
        assert problem(answer) == expected, body
    assert len(ledger.entries(member_id)) == 1
