"""Approvals over HTTP: a second person decides, once, and never who asked."""

import pytest

from tests.stack.client import StackClient, in_parallel, problem, unique
from tests.stack.office import adjust, approvals, decide, made, member_with

pytestmark = pytest.mark.stack


def asked_for(ledger: StackClient, member_id: str, points: int = -150) -> str:
    """An adjustment that takes more than there is waits; the id of its approval."""
    answer = made(adjust(ledger, member_id, points))
    assert answer["status"] == "awaiting_approval"
    return str(answer["approval_id"])


def test_what_waits_changes_nothing_until_it_is_approved(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    approval_id = asked_for(ledger, member_id)
    assert ledger.amounts(member_id) == (0, 100, 0)
    [waiting] = [each for each in approvals(ledger) if each["approval_id"] == approval_id]
    assert (waiting["kind"], waiting["points"], waiting["status"]) == ("adjustment", -150, "open")
    answer = made(decide(ledger, "approve", approval_id), 200)
    assert (answer["status"], answer["result"]["status"]) == ("approved", "completed")
    assert ledger.amounts(member_id) == (0, -50, 50)
    assert approval_id not in {each["approval_id"] for each in approvals(ledger)}
    assert approval_id in {each["approval_id"] for each in approvals(ledger, "approved")}


def test_rejected_it_is_as_if_it_had_not_been_asked(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    approval_id = asked_for(ledger, member_id)
    assert made(decide(ledger, "reject", approval_id), 200)["status"] == "rejected"
    assert ledger.amounts(member_id) == (0, 100, 0)
    assert problem(decide(ledger, "approve", approval_id)) == (422, "approval_closed")


def test_nobody_approves_what_they_asked_for(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    approval_id = asked_for(ledger, member_id)
    for decision in ("approve", "reject"):
        refused = decide(ledger, decision, approval_id, token=ledger.staff_token)
        assert problem(refused) == (403, "forbidden")
    mine = approvals(ledger, mine=True, token=ledger.staff_token)
    assert approval_id in {each["approval_id"] for each in mine}
    theirs = approvals(ledger, mine=True, token=ledger.admin_token)
    assert approval_id not in {each["approval_id"] for each in theirs}


def test_the_same_decision_again_is_the_same(ledger: StackClient) -> None:
    member_id, key = member_with(ledger, 100), unique("key")
    approval_id = asked_for(ledger, member_id)
    first = decide(ledger, "approve", approval_id, key=key)
    again = decide(ledger, "approve", approval_id, key=key)
    assert made(again, 200) == made(first, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert ledger.amounts(member_id) == (0, -50, 50)


def test_many_who_decide_at_once_decide_once(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    approval_id = asked_for(ledger, member_id)
    _ = ledger.admin_token
    answers = in_parallel([lambda: decide(ledger, "approve", approval_id)] * 6)
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    refused = {problem(answer) for answer in answers if answer.status_code != 200}
    assert refused <= {(422, "approval_closed"), (409, "conflict")}
    assert ledger.amounts(member_id) == (0, -50, 50)
    assert ledger.entry_types(member_id).count("adjustment") == 2


def test_members_and_tills_decide_nothing(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    approval_id, own = asked_for(ledger, member_id), ledger.sign_up(member_id)
    for token in (own, ledger.till_token):
        assert problem(ledger.get("/approvals", token=token)) == (403, "forbidden")
        assert problem(decide(ledger, "approve", approval_id, token=token)) == (403, "forbidden")
    assert problem(decide(ledger, "approve", "apr_unheardof")) == (404, "not_found")
