"""Many at once at one balance: never overspent, and every answer is definite."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest

from tests.stack.client import StackClient, in_parallel, problem, unique

pytestmark = pytest.mark.stack

REQUESTS = 30
IN_FLIGHT = 12  # each is a process of the local cloud; more of them meet no more often
AFFORDABLE = 12
MAX_ATTEMPTS = 20


def redeem_until_definite(ledger: StackClient, member_id: str) -> httpx.Response:
    """409 says that nothing was decided, and a lost answer nothing at all: the same request may
    come again."""
    key = unique("key")
    for _ in range(MAX_ATTEMPTS):
        try:
            answer = ledger.redeem(member_id, points=500, key=key)
        except httpx.TimeoutException:
            continue
        if answer.status_code != 409:
            return answer
        assert problem(answer) == (409, "conflict")
        assert int(answer.headers["retry-after"]) >= 1
    raise AssertionError(f"nothing definite in {MAX_ATTEMPTS} attempts")


def test_parallel_redemptions_never_overspend(ledger: StackClient) -> None:
    member_id = ledger.rich_member(AFFORDABLE * 500 + 300)
    _ = ledger.staff_token  # fetched once, before the race

    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        answers = list(
            threads.map(lambda _: redeem_until_definite(ledger, member_id), range(REQUESTS))
        )

    accepted = [answer for answer in answers if answer.status_code == 201]
    refused = [problem(answer) for answer in answers if answer.status_code != 201]
    assert len(accepted) == AFFORDABLE
    assert refused == [(422, "insufficient_points")] * (REQUESTS - AFFORDABLE)
    assert len({answer.json()["redemption_id"] for answer in accepted}) == AFFORDABLE
    assert ledger.amounts(member_id) == (0, 300, 0)
    entries = ledger.entries(member_id)
    assert [entry["entry"] for entry in entries] == list(range(1, 4 + AFFORDABLE))
    assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))


def test_one_request_sent_many_times_at_once_is_redeemed_once(ledger: StackClient) -> None:
    member_id, key = ledger.rich_member(3_000), unique("key")
    _ = ledger.staff_token

    answers = in_parallel([lambda: ledger.redeem(member_id, points=500, key=key)] * 10)

    definite = [answer for answer in answers if answer.status_code != 409]
    assert {answer.status_code for answer in definite} == {201}
    assert len({answer.json()["redemption_id"] for answer in definite}) == 1
    replayed = [answer for answer in definite if "idempotency-replayed" in answer.headers]
    assert len(replayed) == len(definite) - 1
    assert ledger.amounts(member_id) == (0, 2_500, 0)
