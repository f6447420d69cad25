"""Rewards over HTTP: the catalogue, who can have what, and a stock that never oversells."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.stack.client import StackClient, problem, unique
from tests.stack.office import (
    change_reward,
    create_reward,
    made,
    member_with,
    rewards,
    until_definite,
)

pytestmark = pytest.mark.stack

CLAIMS = 100
LEFT = 10
MEMBERS = 20
IN_FLIGHT = 12  # each is a process of the local cloud; more of them meet no more often


def instant(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_catalogue_is_kept_by_admins_and_read_by_all(ledger: StackClient) -> None:
    offered = create_reward(ledger, stock=3, amount_due="2.50", description="Blue")
    hidden = create_reward(ledger, active=False)
    own = ledger.sign_up(ledger.enrol("Somebody"))
    for token in (own, ledger.till_token):
        seen = rewards(ledger, token)
        assert offered in seen
        assert hidden not in seen
    assert {offered, hidden} <= rewards(ledger, ledger.staff_token).keys()
    shown = rewards(ledger, own)[offered]
    assert (shown["stock"], shown["amount_due"], shown["points"]) == (3, "2.50", 500)
    changed = made(change_reward(ledger, offered, stock=9, points=700), 200)
    assert (changed["stock"], changed["points"], changed["description"]) == (9, 700, "Blue")
    refused = ledger.post(
        "/rewards",
        {"name": "Mug", "kind": "item", "points": 5},
        token=ledger.staff_token,
        key=unique("key"),
    )
    assert problem(refused) == (403, "forbidden")


def test_a_reward_costs_points_and_one_of_the_stock(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_200)
    reward_id = create_reward(ledger, stock=1, amount_due="4.00")
    answer = ledger.redeem(member_id, kind="reward", reward_id=reward_id)
    claimed = made(answer)
    assert (claimed["status"], claimed["points"], claimed["amount_due"]) == (
        "completed",
        500,
        "4.00",
    )
    assert ledger.amounts(member_id) == (0, 700, 0)
    assert rewards(ledger, ledger.staff_token)[reward_id]["stock"] == 0
    refused = ledger.redeem(member_id, kind="reward", reward_id=reward_id)
    assert problem(refused) == (422, "out_of_stock")
    back = ledger.post(
        f"/redemptions/{claimed['redemption_id']}/reverse",
        {},
        token=ledger.till_token,
        key=unique("key"),
    )
    assert back.status_code == 200, back.text
    assert ledger.amounts(member_id) == (0, 1_200, 0)
    assert rewards(ledger, ledger.staff_token)[reward_id]["stock"] == 1


def test_gates_and_windows(ledger: StackClient) -> None:
    member_id = member_with(ledger, 1_000)
    for fields, reason in (
        ({"active": False}, "not_active"),
        ({"valid_from": instant(1)}, "not_yet"),
        ({"valid_until": instant(-1)}, "ended"),
        ({"tiers": ["gold"]}, "tier"),
    ):
        reward_id = create_reward(ledger, stock=1, **fields)
        answer = ledger.redeem(member_id, kind="reward", reward_id=reward_id)
        assert problem(answer) == (422, "reward_not_available")
        assert answer.json()["reason"] == reason
    within = create_reward(ledger, valid_from=instant(-1), valid_until=instant(1))
    made(ledger.redeem(member_id, kind="reward", reward_id=within))
    assert ledger.amounts(member_id) == (0, 500, 0)


def test_without_enough_points_nothing_is_drawn(ledger: StackClient) -> None:
    member_id = member_with(ledger, 499)
    reward_id = create_reward(ledger, stock=1)
    answer = ledger.redeem(member_id, kind="reward", reward_id=reward_id)
    assert problem(answer) == (422, "insufficient_points")
    assert rewards(ledger, ledger.staff_token)[reward_id]["stock"] == 1


def test_a_hundred_parallel_claims_of_the_last_ten(ledger: StackClient) -> None:
    token = ledger.till_token
    per_member = CLAIMS // MEMBERS
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        members = list(threads.map(lambda _: member_with(ledger, 500 * per_member), range(MEMBERS)))
        reward_id = create_reward(ledger, stock=LEFT)
        answers = list(
            threads.map(
                lambda n: until_definite(
                    ledger, members[n % MEMBERS], token=token, kind="reward", reward_id=reward_id
                ),
                range(CLAIMS),
            )
        )
    told = Counter("had" if answer.status_code == 201 else problem(answer)[1] for answer in answers)
    assert told == {"had": LEFT, "out_of_stock": CLAIMS - LEFT}
    had = {answer.json()["redemption_id"] for answer in answers if answer.status_code == 201}
    assert len(had) == LEFT
    left = sum(ledger.amounts(member_id)[1] for member_id in members)
    assert left == 500 * (CLAIMS - LEFT)
    assert rewards(ledger, ledger.staff_token)[reward_id]["stock"] == 0
