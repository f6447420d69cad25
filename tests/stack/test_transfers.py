"""Points pass from one member to another: with their last days, once, and never from debt."""

import pytest

from tests.stack.circle import Circle
from tests.stack.client import StackClient, in_parallel, now, problem, unique

pytestmark = pytest.mark.stack

NOT_PERMITTED = (422, "transfer_not_permitted")
PARALLEL = 10


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def test_a_transfer_moves_lots_with_their_last_days(circle: Circle) -> None:
    sender, receiver = circle.join(60), circle.join()
    before = circle.lots(sender)
    answer = circle.transfer(sender, receiver, 24)
    assert answer.status_code == 201
    body = answer.json()
    assert body["transfer_id"]
    assert {
        name: body[name] for name in ("status", "points", "from_member_id", "to_member_id")
    } == {
        "status": "completed",
        "points": 24,
        "from_member_id": sender.member_id,
        "to_member_id": receiver.member_id,
    }
    assert body["balance"]["available"] == 36
    assert circle.ledger.amounts(sender.member_id) == (0, 36, 0)
    assert circle.ledger.amounts(receiver.member_id) == (0, 24, 0)
    [day] = before
    assert circle.lots(receiver) == {day: 24}
    sent, received = (circle.ledger.entries(person.member_id)[-1] for person in (sender, receiver))
    assert (sent["type"], sent["available"]) == ("transfer", -24)
    assert (received["type"], received["available"]) == ("transfer", 24)
    assert sent["details"]["member"] == receiver.member_id
    assert received["details"]["member"] == sender.member_id


def test_the_same_request_transfers_once(circle: Circle) -> None:
    sender, receiver, key = circle.join(60), circle.join(), unique("key")
    first = circle.transfer(sender, receiver, 24, key=key)
    again = circle.transfer(sender, receiver, 24, key=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = circle.transfer(sender, receiver, 27, key=key)
    assert problem(other) == (422, "idempotency_key_reused")
    assert circle.ledger.amounts(receiver.member_id) == (0, 24, 0)


def test_a_member_transfers_its_own_points_only(circle: Circle) -> None:
    sender, receiver = circle.join(60), circle.join()
    token = circle.ledger.sign_up(sender.member_id)
    assert circle.transfer(sender, receiver, 3, token=token).status_code == 201
    assert problem(circle.transfer(receiver, sender, 3, token=token)) == (403, "forbidden")
    till = circle.transfer(sender, receiver, 3, token=circle.ledger.till_token)
    assert problem(till) == (403, "forbidden")


def test_by_email_unknown_and_outside_of_the_circle_are_alike(circle: Circle) -> None:
    sender, receiver = circle.join(60), circle.join()
    stranger = Circle(circle.ledger).join()
    body = {"from_member_id": sender.member_id, "points": 6}

    def by_email(email: str) -> tuple[int, object]:
        answer = circle.ledger.post(
            "/transfers",
            {**body, "to": {"email": email}},
            token=circle.ledger.staff_token,
            key=unique("key"),
        )
        return answer.status_code, answer.json()

    status, found = by_email(receiver.email.upper())
    assert status == 201, found
    unknown = by_email(f"{unique('nobody')}@example.com")
    assert unknown == by_email(stranger.email)
    assert unknown[0] == 404
    by_id = circle.transfer(sender, stranger, 6)
    assert problem(by_id) == NOT_PERMITTED
    assert by_id.json()["reason"] == "outside_circle"


def test_what_cannot_be_transferred(circle: Circle) -> None:
    sender, receiver = circle.join(30), circle.join()
    assert problem(circle.transfer(sender, sender, 3)) == NOT_PERMITTED
    too_many = circle.transfer(sender, receiver, 31)
    assert problem(too_many) == (422, "insufficient_points")
    assert (too_many.json()["requested"], too_many.json()["available"]) == (31, 30)
    for points in (0, -3, 1.5, "3", None):
        assert problem(circle.transfer(sender, receiver, points)) == (400, "invalid_request")  # type: ignore[arg-type]  # what clients send
    unknown = circle.transfer(sender, receiver, 3, to_member_id="mbr_unknown")
    assert problem(unknown) == (404, "not_found")
    without_key = circle.ledger.post(
        "/transfers",
        {
            "from_member_id": sender.member_id,
            "to_member_id": receiver.member_id,
            "points": 3,
        },
        token=circle.ledger.staff_token,
    )
    assert problem(without_key) == (400, "idempotency_key_missing")


def test_a_return_stays_with_the_member_who_earned(circle: Circle) -> None:
    sender, receiver = circle.join(), circle.join()
    purchase = circle.earn(sender, 60)
    circle.ledger.wait_for_amounts(sender.member_id, available=60)
    assert circle.transfer(sender, receiver, 60).status_code == 201
    circle.ledger.deliver(purchase.refunded("1", purchase.amount, at=now()))
    circle.ledger.wait_for_amounts(sender.member_id, available=-60, debt=60)
    assert circle.ledger.amounts(receiver.member_id) == (0, 60, 0)
    assert problem(circle.transfer(sender, receiver, 3)) == (422, "insufficient_points")


def test_what_the_receiver_owes_is_repaid_first(circle: Circle) -> None:
    sender, receiver = circle.join(60), circle.join()
    purchase = circle.earn(receiver, 30)
    circle.ledger.wait_for_amounts(receiver.member_id, available=30)
    assert circle.transfer(receiver, sender, 30).status_code == 201
    circle.ledger.deliver(purchase.refunded("1", purchase.amount, at=now()))
    circle.ledger.wait_for_amounts(receiver.member_id, debt=30)
    assert circle.transfer(sender, receiver, 45).status_code == 201
    assert circle.ledger.amounts(receiver.member_id) == (0, 15, 0)


def test_parallel_transfers_never_overspend_nor_lose_a_point(circle: Circle) -> None:
    one, other = circle.join(30), circle.join(30)
    _ = circle.ledger.staff_token

    def there_and_back(number: int) -> int:
        pair = (one, other) if number % 2 else (other, one)
        key = unique("key")
        for _ in range(20):
            status = circle.transfer(*pair, 9, key=key).status_code
            if status != 409:
                return status
        raise AssertionError("nothing definite")

    calls = [lambda number=number: there_and_back(number) for number in range(PARALLEL)]
    statuses = in_parallel(calls)
    assert set(statuses) <= {201, 422}
    balances = [circle.ledger.amounts(person.member_id) for person in (one, other)]
    assert sum(available for _, available, _ in balances) == 60
    assert all(available >= 0 for _, available, _ in balances)
