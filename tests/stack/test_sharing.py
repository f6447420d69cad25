"""Sharing plans, and purchases that are split by them."""

import pytest

from tests.stack.circle import Circle, share_of
from tests.stack.client import StackClient, days_ago, now, problem, unique

pytestmark = pytest.mark.stack

INVALID = (400, "invalid_request")


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def test_a_purchase_is_split_and_taken_back_by_the_plan(circle: Circle) -> None:
    owner, second, third = (circle.join() for _ in range(3))
    people = (owner, second, third)
    answer = circle.share(
        owner,
        [share_of(owner, 50), {"email": second.email, "percent": 25}, share_of(third, 25)],
    )
    assert answer.status_code == 200, answer.text
    plan = {"shares": [share_of(owner, 50), share_of(second, 25), share_of(third, 25)]}
    assert answer.json() == plan
    shown = circle.ledger.get(
        f"/members/{owner.member_id}/sharing", token=circle.ledger.staff_token
    )
    assert (shown.status_code, shown.json()) == (200, plan)

    purchase = circle.purchase(owner, 75)
    circle.ledger.deliver(purchase.posted())
    for person, points in zip(people, (37, 19, 19), strict=True):
        circle.ledger.wait_for_amounts(person.member_id, pending=points)
        [pending] = circle.ledger.pending(person.member_id)
        assert (pending["points"], pending["waiting_for"]) == (points, ["payment"])
    circle.ledger.deliver(purchase.paid("1", purchase.amount, at=days_ago(2)))
    for person, points in zip(people, (37, 19, 19), strict=True):
        circle.ledger.wait_for_amounts(person.member_id, available=points, pending=0)
    assert circle.transfer(third, owner, 19).status_code == 201
    circle.ledger.deliver(purchase.refunded("1", purchase.amount, at=now()))
    circle.ledger.wait_for_amounts(third.member_id, debt=19)
    circle.ledger.wait_for_amounts(owner.member_id, available=19)
    circle.ledger.wait_for_amounts(second.member_id, available=0)


def test_the_plan_is_that_of_the_first_posting(circle: Circle) -> None:
    owner, friend = circle.join(), circle.join()
    assert circle.share(owner, [share_of(friend, 100)]).status_code == 200
    purchase = circle.purchase(owner, 30)
    circle.ledger.settle(purchase.posted())
    assert circle.share(owner, []).json() == {"shares": []}
    circle.ledger.deliver(purchase.paid("1", purchase.amount, at=days_ago(2)))
    circle.ledger.wait_for_amounts(friend.member_id, available=30)
    circle.earn(owner, 9)
    circle.ledger.wait_for_amounts(owner.member_id, available=9)
    assert circle.ledger.amounts(friend.member_id) == (0, 30, 0)


def test_what_is_no_plan(circle: Circle) -> None:
    owner, friend = circle.join(), circle.join()
    stranger = Circle(circle.ledger).join()
    for shares in (
        [share_of(owner, 50), share_of(friend, 49)],
        [share_of(friend, 50), share_of(friend, 50)],
        [share_of(friend, 50), {"email": friend.email, "percent": 50}],
        [share_of(friend, 0), share_of(owner, 100)],
        [share_of(friend, 101)],
        [{"percent": 100}],
        [{**share_of(friend, 100), "percent": 33.4}],
    ):
        answer = circle.share(owner, shares)
        assert problem(answer) == INVALID, shares
        assert answer.json()["errors"]
    assert problem(circle.share(owner, [share_of(friend, 9)] * 11)) == (422, "limit_exceeded")
    outside = circle.share(owner, [share_of(stranger, 100)])
    assert problem(outside) == (422, "transfer_not_permitted")
    by_email = circle.share(owner, [{"email": stranger.email, "percent": 100}])
    assert problem(by_email) == (404, "not_found")
    shown = circle.ledger.get(
        f"/members/{owner.member_id}/sharing", token=circle.ledger.staff_token
    )
    assert shown.json() == {"shares": []}


def test_plans_lead_nowhere_back(circle: Circle) -> None:
    first, second, third = (circle.join() for _ in range(3))
    assert circle.share(first, [share_of(second, 100)]).status_code == 200
    assert circle.share(second, [share_of(third, 50), share_of(second, 50)]).status_code == 200
    assert problem(circle.share(third, [share_of(first, 100)])) == INVALID
    assert problem(circle.share(second, [share_of(first, 100)])) == INVALID


def test_only_the_member_and_staff_see_and_change_a_plan(circle: Circle) -> None:
    owner, friend = circle.join(), circle.join()
    own, other = (circle.ledger.sign_up(person.member_id) for person in (owner, friend))
    key = unique("key")
    mine = circle.share(owner, [share_of(friend, 100)], token=own, key=key)
    assert mine.status_code == 200
    again = circle.share(owner, [share_of(friend, 100)], token=own, key=key)
    assert again.headers["idempotency-replayed"] == "true"
    foreign = circle.share(owner, [], token=other)
    assert problem(foreign) == (403, "forbidden")
    shown = circle.ledger.get("/members/me/sharing", token=own)
    assert shown.json() == {"shares": [share_of(friend, 100)]}
    hidden = circle.ledger.get(f"/members/{owner.member_id}/sharing", token=other)
    assert problem(hidden) == (403, "forbidden")
