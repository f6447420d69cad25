"""Actions, referrals and birthdays over HTTP and by schedule, within what each role may do."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.functions.deployed import NOW, Answer, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import ADMIN, STAFF, TILL, CallerKind

Json = dict[str, Any]

ACT = "POST /actions"
HOLD = timedelta(hours=24)
BOOKING = {
    "id": "booking", "on": "action", "action": "booking", "points": 30,
    "release": "linked_purchase",
}  # fmt: skip
BIRTHDAY = {"id": "birthday", "on": "action", "action": "birthday", "points": 25}
ANNIVERSARY = {"id": "years", "on": "action", "action": "anniversary", "points": 40}


def rules() -> Json:
    sample: Json = program(maturation={"hold": "PT24H"})
    sample["earning_rules"] += [BOOKING, BIRTHDAY, ANNIVERSARY]
    return sample


class Till:
    """A member, and a till that reports what the member does."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.member_id = deployed.enrol("C-1")
        self.keys = 0

    def act(
        self,
        action: str = "signup",
        action_id: str = "1",
        *,
        key: str | None = None,
        caller: CallerKind = TILL,
        **more: object,
    ) -> Answer:
        self.keys += 1
        body = {"member_id": self.member_id, "action": action, "action_id": action_id, **more}
        return self.deployed.ask(ACT, caller, body=body, key=key or f"act-{self.keys}")

    def points(self, member_id: str | None = None) -> tuple[int, int]:
        """Pending and available."""
        balance = self.deployed.balance(member_id or self.member_id)
        return balance["pending"], balance["available"]

    def sweep(self, function: str, at: datetime) -> Json:
        self.deployed.clock.now = at
        return self.deployed.invoke(function, {"scheduled_time": at.isoformat()})


@pytest.fixture
def till(deploy: Deploy) -> Till:
    return Till(deploy(rules()))


def test_an_action_is_answered_in_its_shape(till: Till) -> None:
    answer = till.act()
    assert answer.status == 201
    assert answer.body.pop("matures_at")
    assert answer.body == {
        "earning_id": "api:action:signup:1",
        "member_id": till.member_id,
        "action": "signup",
        "action_id": "1",
        "points": 100,
        "pending": 100,
        "status": "pending",
        "waiting_for": ["hold"],
        "balance": {"available": 0, "pending": 100, "reserved": 0, "debt": 0},
    }
    [pending] = till.deployed.ask(
        "GET /members/{member_id}/pending", path={"member_id": till.member_id}
    ).body["earnings"]
    assert (pending["earning_id"], pending["waiting_for"]) == ("api:action:signup:1", ["hold"])
    till.sweep("hold_release", NOW + HOLD)
    assert till.points() == (0, 100)
    entry = till.deployed.entries(till.member_id)[-1]
    assert entry["source"] == {"system": "api", "kind": "action", "id": "signup:1"}
    assert entry["rules"] == [{"id": "signup", "points": 100}]


def test_a_repeat_is_harmless_under_any_key(till: Till) -> None:
    first = till.act(key="one")
    again = till.act(key="one")
    other = till.act(key="two")
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (
        201,
        first.body,
        "true",
    )
    assert (other.status, other.body) == (200, first.body)
    assert "idempotency-replayed" not in other.headers
    assert till.points() == (100, 0)


def test_a_key_is_for_one_request(till: Till) -> None:
    till.act(key="one")
    assert till.act("review", key="one").refusal == (422, "idempotency_key_reused")
    body = {"member_id": till.member_id, "action": "review", "action_id": "1"}
    answer = till.deployed.ask(ACT, STAFF, body=body)
    assert answer.refusal == (400, "idempotency_key_missing")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"action": "challenge:five"}, ["action"]),
        ({"action": ""}, ["action"]),
        ({"action_id": "x" * 256}, ["action_id"]),
        ({"action_id": "x" * 250}, ["body"]),
        ({"occurred_at": "yesterday"}, ["occurred_at"]),
        ({"occurred_at": "2026-09-02T15:05:00"}, ["occurred_at"]),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, ["occurred_at"]),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, ["occurred_at"]),
        ({"purchase_id": 7, "points": 5}, ["purchase_id", "points"]),
    ],
)
def test_what_is_wrong_is_named(till: Till, wrong: Json, fields: list[str]) -> None:
    body = {"member_id": till.member_id, "action": "signup", "action_id": "1", **wrong}
    assert till.deployed.ask(ACT, body=body, key="k").fields == fields
    assert till.deployed.types(till.member_id) == ["enrolment"]


def test_somebody_unknown_is_not_found(till: Till) -> None:
    assert till.act(member_id="mbr_nobody").refusal == (404, "not_found")


@pytest.mark.parametrize("named", ["T-9", "pos:ticket:T-9"])
def test_a_booking_is_released_when_its_ticket_is_closed(till: Till, named: str) -> None:
    early = (NOW - 2 * HOLD).isoformat()
    answer = till.act("booking", "b-1", purchase_id=named, occurred_at=early)
    assert (answer.status, answer.body["waiting_for"]) == (201, ["linked_purchase"])
    till.deployed.accrue(sold("20.00", id_="T-9", customer="C-2", at=NOW))
    assert till.points() == (30, 0)
    till.deployed.mature(settled("T-9", at=NOW))
    assert till.points() == (0, 30)


def test_a_friend_s_first_purchase_releases_the_referral(till: Till) -> None:
    answer = till.deployed.ask(
        "POST /members",
        body={
            "name": "Friend",
            "external_ids": [{"source": "pos", "id": "C-2"}],
            "referred_by": till.member_id,
        },
        key="friend",
    )
    assert (answer.status, answer.body["referred_by"]) == (201, till.member_id)
    assert till.points() == (50, 0)
    till.deployed.accrue(sold("20.00", customer="C-2", at=NOW))
    till.deployed.mature(settled("T-1", at=NOW))
    assert till.sweep("hold_release", NOW + HOLD - timedelta(seconds=1))["posted"] == 0
    assert till.sweep("hold_release", NOW + HOLD)["posted"] > 0
    assert till.points() == (0, 50)


def test_a_referrer_is_somebody(till: Till) -> None:
    body = {"name": "Friend", "referred_by": "mbr_nobody"}
    assert till.deployed.ask("POST /members", body=body, key="f").fields == ["referred_by"]
    friend = till.deployed.enrol("C-2", referred_by=till.member_id)
    for member_id, referrer in ((friend, friend), (till.member_id, friend), (friend, None)):
        changed = till.deployed.ask(
            "PATCH /members/{member_id}",
            path={"member_id": member_id},
            body={"referred_by": referrer},
            key=f"{member_id}-{referrer}",
        )
        assert changed.fields == ["referred_by"]


def test_birthdays_and_anniversaries_are_performed_by_schedule(till: Till) -> None:
    born = (NOW + timedelta(days=40)).date().replace(year=1990)
    member_id = till.deployed.enrol("C-2", birthday=born.isoformat())
    day = datetime.fromisoformat(f"{born.replace(year=2026)}T05:00:00Z")
    done = till.sweep("anniversary", day)
    assert (done["posted"], done["failed"]) == (1, 0)
    assert till.points(member_id) == (25, 0)
    assert till.sweep("anniversary", day)["posted"] == 0
    late = till.sweep("anniversary", NOW + timedelta(days=366))
    # Both members' accruals, and as their hold has passed, both maturations.
    assert (late["posted"], late["failed"]) == (4, 0)
    sources = dict.fromkeys(e["source"]["id"] for e in till.deployed.entries(member_id)[1:])
    assert [*sources] == [f"birthday:{member_id}:2026", f"anniversary:{member_id}:2027"]


def test_an_erased_person_leaves_no_birthday(till: Till) -> None:
    member_id = till.deployed.enrol("C-2", birthday="1990-12-24")

    def marked() -> list[str]:
        return [key for key in till.deployed.stored() if key.startswith("DUE#birthday#")]

    assert len(marked()) == 1
    path = {"member_id": member_id}
    erased = till.deployed.ask("DELETE /members/{member_id}", ADMIN, path=path, key="erase")
    assert erased.status == 200
    assert marked() == []
