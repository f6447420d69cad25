"""Two members become one: nothing is lost, and the old id is good for ever."""

import pytest

from tests.stack.circle import Circle, Person, share_of
from tests.stack.client import (
    DEAD_LETTER_SECONDS,
    StackClient,
    days_ago,
    in_parallel,
    now,
    problem,
    unique,
)
from tests.stack.standard import message

pytestmark = pytest.mark.stack

NOT_PERMITTED = (422, "merge_not_permitted")
DEAD_LETTERS = "earning_events_dead_letters"


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def merged_message(former: str, into: str) -> dict[str, object]:
    return message("customer.merged", {"source": "pos", "from": former, "into": into})


def test_a_merge_moves_everything_and_events_for_the_old_id_go_on(circle: Circle) -> None:
    source, target = circle.join(60), circle.join(30)
    open_purchase = circle.purchase(source, 15)
    circle.ledger.deliver(open_purchase.posted())
    circle.ledger.wait_for_amounts(source.member_id, pending=15)

    answer = circle.merge(source, target)
    assert answer.status_code == 200, answer.text
    assert answer.json()["member_id"] == target.member_id
    assert circle.ledger.amounts(target.member_id) == (15, 90, 0)
    shown = circle.ledger.balance(source.member_id)
    assert (shown["member_id"], shown["available"]) == (target.member_id, 90)
    assert circle.ledger.member_of(f"pos:{source.customer_id}") == target.member_id
    assert [each["points"] for each in circle.ledger.pending(target.member_id)] == [15]

    later = circle.earn(source, 9)
    circle.ledger.deliver(open_purchase.paid("1", open_purchase.amount, at=days_ago(2)))
    circle.ledger.wait_for_amounts(target.member_id, pending=0, available=90 + 15 + 9)
    circle.ledger.deliver(later.refunded("1", later.amount, at=now()))
    circle.ledger.wait_for_amounts(target.member_id, available=90 + 15)
    entry = next(e for e in circle.ledger.entries(target.member_id) if e["type"] == "merge")
    assert (entry["pending"], entry["available"]) == (15, 60)
    assert entry["details"] == {"from": source.member_id}


def test_debt_meets_lots(circle: Circle) -> None:
    source, target = circle.join(), circle.join(30)
    purchase = circle.earn(source, 60)
    circle.ledger.wait_for_amounts(source.member_id, available=60)
    assert circle.transfer(source, circle.join(), 60).status_code == 201
    circle.ledger.deliver(purchase.refunded("1", purchase.amount, at=now()))
    circle.ledger.wait_for_amounts(source.member_id, debt=60)
    assert circle.merge(source, target).status_code == 200
    assert circle.ledger.amounts(target.member_id) == (0, -30, 30)


def test_shares_and_older_aliases_follow(circle: Circle) -> None:
    owner, first, second, third = (circle.join() for _ in range(4))
    assert circle.share(owner, [share_of(first, 50), share_of(owner, 50)]).status_code == 200
    assert circle.merge(first, second).status_code == 200
    assert circle.merge(second, third).status_code == 200
    shown = circle.ledger.get(
        f"/members/{owner.member_id}/sharing", token=circle.ledger.staff_token
    )
    assert shown.json() == {"shares": [share_of(third, 50), share_of(owner, 50)]}
    circle.earn(owner, 30)
    circle.ledger.wait_for_amounts(third.member_id, available=15)
    assert circle.ledger.balance(first.member_id)["available"] == 15


def test_merges_that_are_refused(circle: Circle) -> None:
    first, second, third = (circle.join() for _ in range(3))

    def reason(source: Person, into: Person) -> str:
        answer = circle.merge(source, into)
        assert problem(answer) == NOT_PERMITTED
        return str(answer.json()["reason"])

    assert reason(first, first) == "same_member"
    assert circle.merge(first, second).status_code == 200
    assert reason(second, first) == "same_member"
    assert reason(first, third) == "already_merged"
    unknown = Person("mbr_unknown", "nobody", "nobody@example.com")
    assert problem(circle.merge(unknown, third)) == (404, "not_found")
    assert problem(circle.merge(third, unknown)) == (404, "not_found")
    token = circle.ledger.sign_up(third.member_id)
    assert problem(circle.merge(third, second, token=token)) == (403, "forbidden")


def test_an_open_reservation_is_in_the_way(circle: Circle) -> None:
    source, target = circle.join(600), circle.join()
    reserved = circle.ledger.redeem(source.member_id, points=501, kind="cash", reserve=True)
    assert reserved.status_code == 201, reserved.text
    answer = circle.merge(source, target)
    assert problem(answer) == NOT_PERMITTED
    assert answer.json()["reason"] == "open_reservations"


def test_one_request_sent_many_times_merges_once(circle: Circle) -> None:
    source, target, key = circle.join(30), circle.join(), unique("key")
    _ = circle.ledger.staff_token
    answers = in_parallel([lambda: circle.merge(source, target, key=key)] * 5)
    definite = [answer for answer in answers if answer.status_code != 409]
    assert {answer.status_code for answer in definite} == {200}
    assert circle.ledger.amounts(target.member_id) == (0, 30, 0)
    again = circle.merge(source, target, key=key)
    assert again.headers["idempotency-replayed"] == "true"


def test_a_source_says_that_two_customers_are_one(circle: Circle) -> None:
    source, target = circle.join(30), circle.join()
    twice = merged_message(source.customer_id, target.customer_id)
    circle.ledger.deliver(twice, twice)
    circle.ledger.wait_for_amounts(target.member_id, available=30)
    assert circle.ledger.balance(source.member_id)["member_id"] == target.member_id


def test_a_customer_whom_nobody_knows_yet_is_linked(circle: Circle) -> None:
    target, unknown = circle.join(), unique("customer")
    circle.ledger.settle(merged_message(unknown, target.customer_id))
    assert circle.ledger.member_of(f"pos:{unknown}") == target.member_id


def test_a_customer_merged_with_itself_is_a_dead_letter(circle: Circle) -> None:
    before = circle.ledger.messages_waiting(DEAD_LETTERS)
    customer_id = circle.join().customer_id
    circle.ledger.deliver(merged_message(customer_id, customer_id))
    circle.ledger.wait_for(
        "the message is set aside",
        lambda: circle.ledger.messages_waiting(DEAD_LETTERS),
        lambda waiting: waiting > before,
        seconds=DEAD_LETTER_SECONDS,
    )
