"""Redemption in two steps over HTTP: capture, cancel, reverse, time-out, and who may do it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, in_parallel, problem, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

Json = dict[str, Any]

REQUESTS = 200
IN_FLIGHT = 12  # each is a process of the local cloud; more of them meet no more often
AFFORDABLE = 81
MAX_ATTEMPTS = 60


def reserve(
    ledger: StackClient, member_id: str, points: int = 600, *, token: str | None = None
) -> Json:
    """A reservation that is accepted."""
    answer = ledger.redeem(member_id, points=points, reserve=True, kind="cash", token=token)
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    assert body["status"] == "reserved"
    return body


def go_on(
    ledger: StackClient,
    step: str,
    redemption: Json,
    *,
    points: int | None = None,
    key: str | None = None,
    token: str | None = None,
) -> httpx.Response:
    """Capture, cancel or reverse."""
    return ledger.post(
        f"/redemptions/{redemption['redemption_id']}/{step}",
        {} if points is None else {"points": points},
        token=token or ledger.till_token,
        key=key or unique("key"),
    )


def done(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def shown(ledger: StackClient, redemption: Json, *, token: str | None = None) -> Json:
    path = f"/redemptions/{redemption['redemption_id']}"
    return done(ledger.get(path, token=token or ledger.staff_token))


def holdings(ledger: StackClient, member_id: str) -> tuple[int, int, int]:
    """Available, reserved, and redeemed in all."""
    balance = ledger.balance(member_id)
    return balance["available"], balance["reserved"], balance["lifetime"]["redeemed"]


def definite(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """409 says that nothing was decided, and a lost answer nothing at all: the same request may
    come again."""
    for _ in range(MAX_ATTEMPTS):
        try:
            answer = ask()
        except httpx.TimeoutException:
            continue
        if answer.status_code != 409:
            return answer
        assert problem(answer) == (409, "conflict")
    raise AssertionError(f"nothing definite in {MAX_ATTEMPTS} attempts")


# --- Two steps ------------------------------------------------------------------------------


def test_points_are_reserved_captured_in_part_and_reversed(ledger: StackClient) -> None:
    member_id = ledger.rich_member(1_500)
    lots = ledger.balance(member_id)["lots"]

    made = reserve(ledger, member_id, 900)
    assert made["amount"] == "9.00"
    assert datetime.fromisoformat(made["expires_at"]) > datetime.now(UTC)
    assert holdings(ledger, member_id) == (600, 900, 0)

    captured = done(go_on(ledger, "capture", made, points=700))
    assert (captured["status"], captured["captured"]) == ("completed", 700)
    assert (captured["captured_amount"], captured["balance"]["available"]) == ("7.00", 800)
    assert holdings(ledger, member_id) == (800, 0, 700)

    part = done(go_on(ledger, "reverse", made, points=300))
    assert (part["status"], part["reversed"]) == ("completed", 300)
    rest = done(go_on(ledger, "reverse", made))
    assert (rest["status"], rest["reversed"]) == ("reversed", 700)
    assert holdings(ledger, member_id) == (1_500, 0, 0)
    assert ledger.balance(member_id)["lots"] == lots
    types = ledger.entry_types(member_id)
    assert types[-4:] == ["reservation", "capture", "reversal", "reversal"]
    entries = ledger.entries(member_id)
    assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))


def test_a_cancelled_reservation_gives_everything_back(ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    made = reserve(ledger, member_id)

    assert problem(ledger.redeem(member_id, points=600)) == (422, "insufficient_points")
    assert done(go_on(ledger, "cancel", made))["status"] == "cancelled"

    assert holdings(ledger, member_id) == (600, 0, 0)
    assert shown(ledger, made)["status"] == "cancelled"
    assert problem(go_on(ledger, "capture", made)) == (422, "reservation_not_open")


@pytest.mark.parametrize("step", ["capture", "cancel"])
def test_the_same_step_again_is_answered_as_first_and_another_refused(
    step: str, ledger: StackClient
) -> None:
    member_id = ledger.rich_member(600)
    made, key = reserve(ledger, member_id), unique("key")

    first = go_on(ledger, step, made, key=key)
    again = go_on(ledger, step, made, key=key)
    reused = go_on(ledger, step, made, key=key, points=599)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert problem(go_on(ledger, "capture", made)) == (422, "reservation_not_open")
    if step == "capture":
        assert problem(reused) == (422, "idempotency_key_reused")


def test_no_more_is_captured_than_reserved_and_no_more_reversed_than_captured(
    ledger: StackClient,
) -> None:
    member_id = ledger.rich_member(900)
    made = reserve(ledger, member_id)

    assert problem(go_on(ledger, "capture", made, points=601)) == (422, "limit_exceeded")
    assert problem(go_on(ledger, "reverse", made)) == (422, "reservation_not_open")
    done(go_on(ledger, "capture", made, points=500))
    assert problem(go_on(ledger, "reverse", made, points=501)) == (422, "limit_exceeded")
    done(go_on(ledger, "reverse", made))
    assert problem(go_on(ledger, "reverse", made)) == (422, "already_reversed")
    assert holdings(ledger, member_id) == (900, 0, 0)


def test_a_member_has_at_most_eight_open_reservations(ledger: StackClient) -> None:
    member_id = ledger.rich_member(6_000)
    for _ in range(8):
        reserve(ledger, member_id, 500)

    answer = ledger.redeem(member_id, points=500, reserve=True, kind="cash")

    assert problem(answer) == (422, "limit_exceeded")
    assert holdings(ledger, member_id) == (2_000, 4_000, 0)


def test_a_return_of_reserved_points_is_a_debt_that_the_capture_leaves(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    purchase = Purchase(customer_id=customer_id, amount="10000.00", posted_at=at)
    ledger.settle(purchase.posted(), purchase.settled(at=at))
    ledger.wait_for_amounts(member_id, available=600)
    made = reserve(ledger, member_id)

    ledger.settle(purchase.voided(at=datetime.now(UTC).replace(microsecond=0)))
    balance = ledger.balance(member_id)
    assert (balance["available"], balance["reserved"], balance["debt"]) == (-600, 600, 600)

    done(go_on(ledger, "cancel", made))
    balance = ledger.balance(member_id)
    assert (balance["available"], balance["reserved"], balance["debt"]) == (0, 0, 0)


# --- Time-out -------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["hold_release", "expiry"])
def test_a_schedule_releases_what_has_timed_out(function: str, ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    made = reserve(ledger, member_id)
    ends_at = datetime.fromisoformat(made["expires_at"])

    ledger.sweep(function, ends_at - timedelta(seconds=1))
    assert holdings(ledger, member_id) == (0, 600, 0)
    counts = ledger.sweep(function, ends_at)

    assert counts["posted"] >= 1
    assert counts["failed"] == 0
    assert holdings(ledger, member_id) == (600, 0, 0)
    release = ledger.entries(member_id)[-1]
    assert (release["type"], release["available"], release["reserved"]) == ("release", 600, -600)
    assert datetime.fromisoformat(release["at"]) == ends_at
    assert shown(ledger, made)["status"] == "timed_out"
    assert problem(go_on(ledger, "capture", made)) == (422, "reservation_not_open")
    ledger.sweep(function, ends_at)
    assert ledger.entry_types(member_id).count("release") == 1


# --- Whose it is ----------------------------------------------------------------------------


def test_members_see_and_cancel_their_own_only(ledger: StackClient) -> None:
    member_id, other_id = ledger.rich_member(1_200), ledger.rich_member(3)
    own, other = ledger.sign_up(member_id), ledger.sign_up(other_id)
    made = reserve(ledger, "me", 600, token=own)

    path = f"/redemptions/{made['redemption_id']}"
    assert problem(ledger.get(path, token=other)) == (404, "not_found")
    assert problem(go_on(ledger, "cancel", made, token=other)) == (404, "not_found")
    for step in ("capture", "reverse"):
        assert problem(go_on(ledger, step, made, token=own)) == (403, "forbidden")
    listed = ledger.get("/redemptions", token=other, query={"member_id": member_id})
    assert problem(listed) == (403, "forbidden")

    assert shown(ledger, made, token=own)["status"] == "reserved"
    assert done(go_on(ledger, "cancel", made, token=own))["status"] == "cancelled"
    assert holdings(ledger, member_id) == (1_200, 0, 0)


def test_a_members_redemptions_are_listed_newest_first(ledger: StackClient) -> None:
    member_id = ledger.rich_member(3_000)
    made = [reserve(ledger, member_id, 600) for _ in range(2)]
    at_once = ledger.redeem(member_id, points=700, kind="gift_card").json()
    done(go_on(ledger, "capture", made[0], points=500))

    query = {"member_id": member_id, "limit": "2"}
    first = done(ledger.get("/redemptions", token=ledger.till_token, query=query))
    query["cursor"] = first["cursor"]
    rest = done(ledger.get("/redemptions", token=ledger.till_token, query=query))

    found = [*first["redemptions"], *rest["redemptions"]]
    ids = [each["redemption_id"] for each in found]
    assert ids == [each["redemption_id"] for each in (at_once, made[1], made[0])]
    assert [each["status"] for each in found] == ["completed", "reserved", "completed"]
    assert [each["captured"] for each in found] == [700, 0, 500]
    assert rest["cursor"] is None
    assert found[0] == shown(ledger, at_once)


# --- Many at once ---------------------------------------------------------------------------


def test_two_hundred_redemptions_at_one_balance_never_overspend(ledger: StackClient) -> None:
    """Every second is reserved and captured: it is as good as one at once."""
    member_id = ledger.rich_member(AFFORDABLE * 500 + 300)
    _ = ledger.staff_token, ledger.till_token  # fetched once, before the race

    def spend(number: int) -> httpx.Response:
        key, reserved = unique("key"), bool(number % 2)
        answer = definite(
            lambda: ledger.redeem(member_id, points=500, key=key, kind="cash", reserve=reserved)
        )
        if answer.status_code == 201 and reserved:
            made, key = answer.json(), unique("key")
            assert done(definite(lambda: go_on(ledger, "capture", made, key=key)))["captured"]
        return answer

    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        answers = list(threads.map(spend, range(REQUESTS)))
    # Eight open reservations are the most: who met more of them may come again.
    crowded = [n for n, each in enumerate(answers) if problem_code(each) == "limit_exceeded"]
    answers = [each for n, each in enumerate(answers) if n not in crowded]
    answers += [spend(n) for n in crowded]

    codes = Counter(problem_code(answer) for answer in answers)
    assert codes == {None: AFFORDABLE, "insufficient_points": REQUESTS - AFFORDABLE}
    assert len({each.json().get("redemption_id") for each in answers}) == AFFORDABLE + 1
    assert holdings(ledger, member_id) == (300, 0, AFFORDABLE * 500)
    entries = ledger.entries(member_id)
    assert [entry["entry"] for entry in entries] == list(range(1, len(entries) + 1))
    assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))
    assert all(entry["balance"]["available"] >= 0 for entry in entries)


def problem_code(answer: httpx.Response) -> str | None:
    """The code of a refusal; None where it was accepted."""
    return None if answer.status_code == 201 else problem(answer)[1]


def test_of_many_captures_and_cancels_at_once_one_happens(ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    made = reserve(ledger, member_id)
    _ = ledger.till_token

    steps = ["capture", "cancel"] * 5
    answers = in_parallel(
        [lambda step=step: definite(lambda: go_on(ledger, step, made)) for step in steps]  # type: ignore[misc]  # bound now
    )

    accepted = [answer.json() for answer in answers if answer.status_code == 200]
    refused = {problem(answer) for answer in answers if answer.status_code != 200}
    assert len(accepted) == 1
    assert refused == {(422, "reservation_not_open")}
    spent = 600 if accepted[0]["status"] == "completed" else 0
    assert holdings(ledger, member_id) == (600 - spent, 0, spent)


def test_one_reversal_sent_many_times_at_once_happens_once(ledger: StackClient) -> None:
    member_id, key = ledger.rich_member(900), unique("key")
    made = ledger.redeem(member_id, points=900, kind="cash").json()
    _ = ledger.till_token

    asked = [lambda: definite(lambda: go_on(ledger, "reverse", made, points=300, key=key))] * 8
    answers = in_parallel(asked)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) <= 1
    assert holdings(ledger, member_id) == (300, 0, 600)
