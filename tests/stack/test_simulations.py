"""Backtests over HTTP: the program that was in force gives what was given, a draft says the rest.

Every test sells within seconds of its own, weeks ago, so that nobody else's purchases are in its
period; version 1 was in force then, whatever other tests have published since.
"""

import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, days_ago, now, problem, unique
from tests.stack.standard import Purchase, written

pytestmark = pytest.mark.stack

Json = dict[str, Any]

PROGRAM = Path(__file__).parents[2] / "events" / "program.json"
DONE_SECONDS = 120.0


def in_force() -> Json:
    document: Json = json.loads(PROGRAM.read_text(encoding="utf-8"))
    return document


def doubled() -> Json:
    document = in_force()
    for rule in document["earning_rules"]:
        rule["points"] *= 2
    return document


def a_moment() -> datetime:
    """An instant weeks ago that is nobody else's."""
    return days_ago(50) + timedelta(seconds=secrets.randbelow(2_000_000))


def started(ledger: StackClient, program: Json, at: datetime, **more: object) -> str:
    body = {
        "program": program,
        "from": written(at),
        "to": written(at + timedelta(seconds=10)),
        **more,
    }
    answer = ledger.post("/program/simulations", body, token=ledger.admin_token)
    assert answer.status_code == 202, answer.text
    simulation_id: str = answer.json()["simulation_id"]
    return simulation_id


def shown(ledger: StackClient, simulation_id: str) -> Json:
    answer = ledger.get(f"/program/simulations/{simulation_id}", token=ledger.admin_token)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    assert 0 <= document["progress"] <= 1
    return document


def result(ledger: StackClient, simulation_id: str) -> Json:
    done = ledger.wait_for(
        f"{simulation_id} is done",
        lambda: shown(ledger, simulation_id),
        lambda found: found["status"] != "running",
        seconds=DONE_SECONDS,
    )
    assert (done["status"], done["progress"], done["reason"]) == ("done", 1, None)
    found: Json = done["result"]
    return found


def bought(ledger: StackClient, at: datetime) -> tuple[str, str]:
    """Two members who buy for 75 and 33 points; the second gives a part back."""
    (first, ada), (second, ben) = ledger.customer(), ledger.customer()
    large = Purchase(customer_id=ada, amount="1250.00", posted_at=at)
    small = Purchase(customer_id=ben, amount="600.00", posted_at=at + timedelta(seconds=1))
    other = Purchase(
        customer_id=ben, amount="99.00", posted_at=at + timedelta(seconds=2), category="services"
    )
    ledger.settle(
        large.posted(),
        large.paid("1", "1250.00", at=at + timedelta(hours=30)),
        small.posted(),
        small.refunded("1", "50.00", at=at + timedelta(hours=1)),
        other.posted(),
    )
    ledger.wait_for_amounts(first, available=75)
    ledger.wait_for_amounts(second, pending=33)
    return first, second


def test_the_program_that_was_in_force_gives_what_was_given(ledger: StackClient) -> None:
    at = a_moment()
    bought(ledger, at)
    found = result(ledger, started(ledger, in_force(), at))
    assert found["earnings"] == 3
    assert found["points_issued"] == {"actual": 108, "draft": 108}
    assert found["liability"]["actual"] == found["liability"]["draft"] == 108
    assert found["cost"] == {"actual": "1.08", "draft": "1.08", "currency": "USD"}
    assert found["by_rule"] == [{"id": "original-pages", "actual": 108, "draft": 108}]
    assert (found["gainers"], found["losers"], found["tier_moves"]) == ([], [], [])


def test_a_draft_of_doubled_points_gives_twice_as_many(ledger: StackClient) -> None:
    at = a_moment()
    first, second = bought(ledger, at)
    found = result(ledger, started(ledger, doubled(), at))
    assert found["points_issued"] == {"actual": 108, "draft": 216}
    assert found["gainers"] == [
        {"member_id": first, "actual": 75, "draft": 150, "points": 75},
        {"member_id": second, "actual": 33, "draft": 66, "points": 33},
    ]
    assert found["cost"]["draft"] == "2.16"
    # Nothing has happened to the ledger.
    assert ledger.balance(first)["available"] == 75


def test_what_earned_nothing_may_earn_by_the_draft(ledger: StackClient) -> None:
    at = a_moment()
    _, second = bought(ledger, at)
    draft = in_force()
    draft["earning_rules"] = [
        {"id": "services", "on": "purchase", "match": {"categories": ["services"]},
         "points": 1, "per_amount": "1.00", "rounding": "down"}
    ]  # fmt: skip
    found = result(ledger, started(ledger, draft, at))
    assert found["points_issued"] == {"actual": 108, "draft": 99}
    assert {"id": "services", "actual": 0, "draft": 99} in found["by_rule"]
    assert found["gainers"] == [{"member_id": second, "actual": 33, "draft": 99, "points": 66}]


def test_a_lower_threshold_moves_members(ledger: StackClient) -> None:
    at = a_moment()
    first, _ = bought(ledger, at)
    draft = in_force()
    draft["tiers"] = [{"id": "bronze", "points": 75}, *draft["tiers"]]
    # The tier is the one at the end of the period, and both were enrolled only now.
    moves = result(ledger, started(ledger, draft, at, to=written(now())))["tier_moves"]
    assert first
    assert any(move["to"] == "bronze" and move["members"] >= 1 for move in moves)


def refused(ledger: StackClient, body: Json) -> list[str]:
    answer = ledger.post("/program/simulations", body, token=ledger.admin_token)
    assert problem(answer) == (400, "invalid_request"), answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_what_is_wrong_is_named_with_its_path(ledger: StackClient) -> None:
    draft = in_force()
    draft["earning_rules"][1]["points"] = -1
    body = {"program": draft, "from": "2026-10-01", "to": "2026-09-01", "until": 1}
    assert refused(ledger, body) == ["until", "to", "earning_rules.1.points"]
    assert refused(ledger, {}) == ["program", "from", "to"]
    other = {**in_force(), "currency": "EUR"}
    assert refused(ledger, {"program": other, "from": "2026-09-01", "to": "2026-10-01"}) == [
        "currency"
    ]


def test_the_same_key_is_the_same_backtest(ledger: StackClient) -> None:
    key, at = unique("key"), a_moment()
    body = {"program": in_force(), "from": written(at), "to": written(at + timedelta(seconds=1))}

    def ask() -> httpx.Response:
        return ledger.post("/program/simulations", body, token=ledger.admin_token, key=key)

    first, again = ask(), ask()
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert result(ledger, first.json()["simulation_id"])["earnings"] == 0


def test_an_unknown_backtest_is_not_found(ledger: StackClient) -> None:
    answer = ledger.get("/program/simulations/sim_never", token=ledger.admin_token)
    assert problem(answer) == (404, "not_found")
