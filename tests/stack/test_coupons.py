"""Coupons over HTTP: made from points, used once, cancelled for the points."""

from functools import partial
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, in_parallel, problem, unique
from tests.stack.office import create_reward, made, member_with, rewards

pytestmark = pytest.mark.stack

Json = dict[str, Any]
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def coupon_of(ledger: StackClient, member_id: str, points: int = 600) -> Json:
    coupon: Json = made(ledger.redeem(member_id, kind="coupon", points=points))["coupon"]
    return coupon


def close(
    ledger: StackClient, code: str, how: str, *, key: str | None = None, **body: object
) -> httpx.Response:
    path = f"/coupons/{code}/{how}"
    return ledger.post(path, body, token=ledger.till_token, key=key or unique("key"))


def show(ledger: StackClient, code: str, token: str) -> httpx.Response:
    return ledger.get(f"/coupons/{code}", token=token)


def test_points_become_a_coupon_that_its_owner_and_tills_see(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_000)
    coupon = coupon_of(ledger, member_id)
    assert (coupon["amount"], coupon["status"]) == ("6.00", "active")
    assert ledger.amounts(member_id) == (0, 400, 0)
    own, other = ledger.sign_up(member_id), ledger.sign_up(ledger.enrol("Another"))
    for token in (own, ledger.till_token, ledger.staff_token):
        shown = made(show(ledger, coupon["code"], token), 200)
        assert (shown["member_id"], shown["points"]) == (member_id, 600)
    assert problem(show(ledger, coupon["code"], other)) == (404, "not_found")
    assert coupon["code"] not in str(ledger.entries(member_id))


def test_codes_differ_and_a_wrong_character_is_noticed(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_200)
    one, two = (coupon_of(ledger, member_id)["code"] for _ in range(2))
    assert one != two
    characters = one.replace("-", "")
    assert len(characters) == 17
    assert made(show(ledger, characters.lower(), ledger.till_token), 200)["code"] == one
    for place in range(0, 17, 4):
        wrong = ALPHABET[(ALPHABET.index(characters[place]) + 7) % 32]
        typed = characters[:place] + wrong + characters[place + 1 :]
        assert problem(show(ledger, typed, ledger.till_token)) == (404, "not_found")


def test_it_is_used_once_however_many_tills_try(ledger: StackClient) -> None:
    code = coupon_of(ledger, member_with(ledger, 600))["code"]
    _ = ledger.till_token
    keys = [unique("key") for _ in range(6)]
    answers = in_parallel(
        [partial(close, ledger, code, "use", key=key, used_on=key) for key in keys]
    )
    used = [answer for answer in answers if answer.status_code == 200]
    assert len(used) == 1
    refused = {problem(answer) for answer in answers if answer.status_code != 200}
    assert refused <= {(422, "coupon_not_usable"), (409, "conflict")}
    winner = used[0].json()["used_on"]
    again = close(ledger, code, "use", key=winner, used_on=winner)
    assert again.json() == used[0].json()
    assert again.headers["idempotency-replayed"] == "true"
    late = close(ledger, code, "cancel")
    assert problem(late) == (422, "coupon_not_usable")
    assert late.json()["coupon_status"] == "used"


def test_cancelled_it_returns_its_points(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_000)
    before = ledger.balance(member_id)
    code, key = coupon_of(ledger, member_id)["code"], unique("key")
    first = close(ledger, code, "cancel", key=key)
    assert made(first, 200)["status"] == "cancelled"
    assert close(ledger, code, "cancel", key=key).json() == first.json()
    assert problem(close(ledger, code, "use")) == (422, "coupon_not_usable")
    after = ledger.balance(member_id)
    assert (after["available"], after["lots"]) == (before["available"], before["lots"])
    assert after["lifetime"]["redeemed"] == 0


def test_a_reward_may_be_a_coupon(ledger: StackClient) -> None:
    member_id = member_with(ledger, 100)
    reward_id = create_reward(ledger, kind="coupon", points=100, amount="15.00", stock=1)
    claimed = made(ledger.redeem(member_id, kind="reward", reward_id=reward_id))
    assert claimed["coupon"]["amount"] == "15.00"
    made(close(ledger, claimed["coupon"]["code"], "cancel"), 200)
    assert ledger.amounts(member_id) == (0, 100, 0)
    assert rewards(ledger, ledger.staff_token)[reward_id]["stock"] == 1


def test_points_and_money_on_one_ticket(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_000)
    ticket = {"id": unique("T"), "amount": "30.00"}
    answer = made(ledger.redeem(member_id, kind="ticket", points=1_000, ticket=ticket))
    assert (answer["amount"], answer["status"]) == ("10.00", "completed")
    assert ledger.amounts(member_id) == (0, 0, 0)
