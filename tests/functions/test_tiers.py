"""Tiers through the functions: the schedule, memberships, benefits, rewards, and what is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.functions.deployed import NOW, Deploy, Deployed, program
from tests.functions.gateway import ADMIN, TILL

Json = dict[str, Any]

MEMBERSHIPS = [
    {"id": "club", "tier": "gold", "lasts": "P3M"},
    {"id": "circle", "tier": "silver", "lasts": "P1M", "items": ["CIRCLE"]},
]
BENEFITS = [
    {"id": "card", "description": "A card on your birthday"},
    {
        "id": "mugs",
        "description": "Mugs for less",
        "tiers": ["silver", "gold"],
        "categories": ["retail"],
        "discount_percent": "12.5",
    },
]


@pytest.fixture
def shop(deploy: Deploy) -> Deployed:
    return deploy(program(memberships=MEMBERSHIPS, benefits=BENEFITS))


def swept(shop: Deployed, at: datetime) -> Json:
    shop.clock.now = at
    return shop.invoke("tier_review", {"scheduled_time": at.isoformat()})


def benefits(shop: Deployed, member_id: str) -> Json:
    answer = shop.ask("GET /members/{member_id}/benefits", TILL, path={"member_id": member_id})
    assert answer.status == 200, answer.body
    return answer.body


def test_a_tier_rises_at_once_and_falls_by_the_schedule_after_the_grace(shop: Deployed) -> None:
    shop.give("C-1", 1_000)
    member_id = shop.linked("C-1")
    assert shop.balance(member_id)["tier"] == "silver"
    assert swept(shop, NOW + timedelta(days=30)) == {
        "due": 0, "posted": 0, "failed": 0, "visited": 1,
    }  # fmt: skip
    # 12 months after September 2026 its points count for the last time.
    assert swept(shop, datetime.fromisoformat("2027-09-30T12:00:00+00:00"))["posted"] == 0
    late = datetime.fromisoformat("2027-11-15T12:00:00+00:00")
    assert swept(shop, late)["posted"] == 1
    assert shop.balance(member_id)["tier"] is None
    assert swept(shop, late)["posted"] == 0
    [*_, entry] = shop.entries(member_id)
    assert (entry["type"], entry["reason"], entry["actor"]) == (
        "change",
        "tier_review",
        "schedule:tier_review",
    )


def test_nothing_due_is_one_look_at_the_hours(shop: Deployed) -> None:
    shop.give("C-1", 10)
    counts = swept(shop, NOW + timedelta(days=400))
    assert counts == {"due": 0, "posted": 0, "failed": 0, "visited": 0}


def test_benefits_are_data_for_tills(shop: Deployed) -> None:
    shop.give("C-1", 1_100)
    found = benefits(shop, shop.linked("C-1"))
    assert found == {
        "member_id": shop.linked("C-1"),
        "tier": "silver",
        "multiplier": "1.25",
        "benefits": [
            {
                "id": "card",
                "description": "A card on your birthday",
                "categories": [],
                "discount_percent": None,
            },
            {
                "id": "mugs",
                "description": "Mugs for less",
                "categories": ["retail"],
                "discount_percent": "12.5",
            },
        ],
        "memberships": [],
        "progress": {
            "qualifying_points": 1_100,
            "next_tier": "gold",
            "points_needed": 3_900,
            "window": {
                "kind": "rolling",
                "months": 12,
                "from": "2025-09-01",
                "to": "2026-09-30",
            },
        },
    }


def test_staff_give_a_membership_with_an_end(shop: Deployed) -> None:
    member_id = shop.enrol("C-1")

    def ask(key: str | None = "k", **body: object) -> Any:  # noqa: ANN401 - an answer
        return shop.ask(
            "POST /members/{member_id}/memberships",
            path={"member_id": member_id},
            body=body,
            key=key,
        )

    given = ask(membership_id="club")
    assert (given.status, given.body) == (
        201,
        {
            "member_id": member_id,
            "membership_id": "club",
            "tier": "gold",
            "last_day": "2026-12-04",
            "entry": 2,
        },
    )
    again = ask(membership_id="club")
    assert (again.body, again.headers["idempotency-replayed"]) == (given.body, "true")
    assert ask(membership_id="circle").refusal == (422, "idempotency_key_reused")
    assert ask("other", membership_id="guild").refusal == (404, "not_found")
    assert ask("other", membership="club").fields == ["membership_id", "membership"]
    assert ask(None, membership_id="club").refusal == (400, "idempotency_key_missing")
    found = benefits(shop, member_id)
    assert (found["tier"], found["tier_until"]) == ("gold", "2026-12-04")
    [membership] = found["memberships"]
    assert (membership["membership_id"], membership["last_day"]) == ("club", "2026-12-04")
    shop.clock.now = datetime.fromisoformat("2026-12-05T06:00:00+00:00")
    assert benefits(shop, member_id)["tier"] is None, "before any review"
    assert swept(shop, shop.clock.now)["posted"] == 1


def test_a_reward_may_grant_a_tier(shop: Deployed) -> None:
    shop.give("C-1", 500)
    member_id = shop.linked("C-1")
    created = shop.ask(
        "POST /rewards",
        ADMIN,
        body={"name": "Gold", "points": 400, "grants": {"tier": "gold", "months": 2}},
        key="r",
    )
    assert created.body["grants"] == {"tier": "gold", "months": 2}
    body = {"member_id": member_id, "kind": "reward", "reward_id": created.body["reward_id"]}
    redeemed = shop.ask("POST /redemptions", body=body, key="redeem")
    assert redeemed.status == 201, redeemed.body
    assert shop.balance(member_id)["tier"] == "gold"
    path = {"redemption_id": redeemed.body["redemption_id"]}
    shop.ask("POST /redemptions/{redemption_id}/reverse", path=path, body={}, key="back")
    assert shop.balance(member_id)["tier"] is None


def test_a_change_of_tier_is_told_beside_its_entry(deploy: Deploy) -> None:
    shop = deploy(None)
    shop.listen()
    shop.load(program())
    shop.give("C-1", 1_000)
    member_id = shop.linked("C-1")
    records = [
        record
        for record in shop.streamed()
        if record["dynamodb"]["Keys"]["PK"]["S"].startswith("MEMBER#")
    ]
    for _ in range(2):
        shop.invoke("ledger_events", {"Records": records})
        told = [each for each in shop.published() if each["detail-type"] == "TierChanged"]
        [event] = told
        detail = event["detail"]
        assert detail.pop("entry")["entry"] == 3
        assert detail == {
            "id": f"{member_id}#3#tier",
            "member_id": member_id,
            "old_tier": None,
            "new_tier": "silver",
            "correlation_id": "request-1",
        }
