"""Challenges, streaks and leaderboards over HTTP, by the version that the session
publishes.
"""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, now, problem
from tests.stack.office import made
from tests.stack.published import FIRST, PRIZE, SECOND, STREAK_PRIZE, Played, Published
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]


@pytest.fixture(scope="module")
def played(ledger: StackClient, published: Published) -> Played:
    """A version with challenges is in force."""
    published.wait(ledger)
    return published.played


def buy(
    ledger: StackClient, played: Played, customer_id: str, at: datetime | None = None
) -> Purchase:
    """A purchase for which no rule gives points, of the item that counts."""
    bought = Purchase(customer_id=customer_id, amount="10.00", posted_at=at or now())
    line = {"id": "1", "item": played.item, "category": "uncounted", "amount": "10.00"}
    ledger.settle(bought.posted(lines=[line]))
    return bought


def progress(ledger: StackClient, played: Played, member_id: str, token: str = "") -> Json:
    answer = ledger.get(f"/members/{member_id}/challenges", token=token or ledger.staff_token)
    shown = made(answer, 200)
    ids = (played.challenge, played.streak)
    return {
        each["id"]: each for each in [*shown["challenges"], *shown["streaks"]] if each["id"] in ids
    }


def prizes(ledger: StackClient, member_id: str) -> list[tuple[str, int]]:
    """Kind and points of every prize of a member."""
    return sorted(
        (entry["source"]["id"].split(":")[0], entry["rules"][0]["points"])
        for entry in ledger.entries(member_id)
        if entry["type"] == "accrual" and entry["source"]["system"] == "points-ledger"
    )


def wait_for_prizes(ledger: StackClient, member_id: str, expected: list[tuple[str, int]]) -> None:
    ledger.wait_for(
        f"prizes of {member_id}",
        lambda: prizes(ledger, member_id),
        lambda found: found == expected,
    )


def board(
    ledger: StackClient, played: Played, *, token: str = "", **query: str | int
) -> httpx.Response:
    path = f"/leaderboards/{played.board}"
    return ledger.get(path, token=token or ledger.staff_token, query=query)


def test_the_third_purchase_of_a_month_pays_the_challenge_once(
    ledger: StackClient, played: Played
) -> None:
    member_id, customer_id = ledger.customer()
    bought = [buy(ledger, played, customer_id) for _ in range(2)]
    shown = progress(ledger, played, member_id)[played.challenge]
    assert (shown["count"], shown["of"], shown["won"]) == (2, 3, False)
    assert prizes(ledger, member_id) == []
    bought.append(buy(ledger, played, customer_id))
    wait_for_prizes(ledger, member_id, [("challenge", PRIZE)])
    assert ledger.balance(member_id)["pending"] == PRIZE

    # The count follows the refund; the prize stays, and is not paid again.
    ledger.settle(bought[0].refunded("r", "10.00", at=now()))
    assert progress(ledger, played, member_id)[played.challenge]["count"] == 2
    buy(ledger, played, customer_id)
    buy(ledger, played, customer_id)
    shown = progress(ledger, played, member_id)[played.challenge]
    assert (shown["count"], shown["won"]) == (4, True)
    assert prizes(ledger, member_id) == [("challenge", PRIZE)]


def test_a_delivery_that_comes_again_counts_once(ledger: StackClient, played: Played) -> None:
    member_id, customer_id = ledger.customer()
    bought = buy(ledger, played, customer_id)
    line = {"id": "1", "item": played.item, "category": "uncounted", "amount": "10.00"}
    ledger.settle(*(bought.posted(lines=[line]) for _ in range(3)))
    assert progress(ledger, played, member_id)[played.challenge]["count"] == 1


def test_two_days_in_a_row_pay_the_streak(ledger: StackClient, played: Played) -> None:
    member_id, customer_id = ledger.customer()
    buy(ledger, played, customer_id)
    shown = progress(ledger, played, member_id)[played.streak]
    assert (shown["count"], shown["active"], shown["last_won"]) == (1, True, None)
    # The till of another branch is a day ahead.
    buy(ledger, played, customer_id, now() + timedelta(hours=23, minutes=55))
    wait_for_prizes(ledger, member_id, [("streak", STREAK_PRIZE)])
    assert progress(ledger, played, member_id)[played.streak]["last_won"] is not None


def test_a_member_sees_the_own_progress_and_nobody_elses(
    ledger: StackClient, played: Played
) -> None:
    member_id, customer_id = ledger.customer()
    other_id, _ = ledger.customer()
    token = ledger.sign_up(member_id)
    buy(ledger, played, customer_id)
    assert progress(ledger, played, "me", token)[played.challenge]["count"] == 1
    refused = ledger.get(f"/members/{other_id}/challenges", token=token)
    assert problem(refused) == (403, "forbidden")


def test_a_board_ranks_by_purchases_is_frozen_and_pays_once(
    ledger: StackClient, played: Played
) -> None:
    # The others of this module have bought as well, so these have to buy more than they.
    people = [ledger.customer() for _ in range(3)]
    counts = (7, 7, 6)
    bought = [
        buy(ledger, played, customer_id)
        for (_, customer_id), count in zip(people, counts, strict=True)
        for _ in range(count)
    ]
    ids = [member_id for member_id, _ in people]
    expected = {(1, ids[0], 7), (1, ids[1], 7), (3, ids[2], 6)}

    def places() -> set[tuple[int, str, int]]:
        shown = made(board(ledger, played, limit=3), 200)["places"]
        return {(each["rank"], each["member_id"], each["score"]) for each in shown}

    ledger.wait_for("the board has all scores", places, lambda found: found == expected)
    shown = made(board(ledger, played), 200)
    assert shown["status"] == "open"
    own = made(board(ledger, played, token=ledger.sign_up(ids[2])), 200)
    assert own["me"] == {"rank": 3, "score": 6}
    assert all(place.keys() == {"rank", "score"} for place in own["places"])

    year, week = map(int, shown["period"].split("-W"))
    after = date.fromisocalendar(year, week, 7) + timedelta(days=3)
    then = f"{after.isoformat()}T12:00:00Z"
    ledger.sweep("hold_release", then)
    ledger.sweep("hold_release", then)
    final = made(board(ledger, played, period=shown["period"]), 200)
    assert final["status"] == "final"
    for member_id, points in zip(ids, (FIRST, FIRST, SECOND), strict=True):
        won = [prize for prize in prizes(ledger, member_id) if prize[0] == "leaderboard"]
        assert won == [("leaderboard", points)]

    ledger.settle(bought[0].refunded("r", "10.00", at=now()))
    ledger.sweep("hold_release", then)
    again = made(board(ledger, played, period=shown["period"]), 200)
    assert again["places"] == final["places"]


def test_what_is_not_there_is_said_so(ledger: StackClient, played: Played) -> None:
    answer = ledger.get("/leaderboards/none", token=ledger.staff_token)
    assert problem(answer) == (404, "not_found")
    assert problem(board(ledger, played, period="2026-11")) == (400, "invalid_request")
    assert problem(board(ledger, played, cursor="x")) == (400, "invalid_request")
