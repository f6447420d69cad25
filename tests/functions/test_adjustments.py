"""Adjustments and approvals over HTTP: shapes, refusals, and what may not be in any log."""

from typing import Any

import pytest

from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.state import Standing
from tests.functions import gateway
from tests.functions.deployed import NAME, Answer, Deploy, Deployed, program
from tests.functions.gateway import ADMIN, STAFF, CallerKind

Json = dict[str, Any]

ADJUST = "POST /adjustments"
LIST = "GET /approvals"
APPROVE = "POST /approvals/{approval_id}/approve"
REJECT = "POST /approvals/{approval_id}/reject"


class Counter:
    """A member with 500 points; more than 1,000 at a time need a second person."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.member_id = deployed.enrol("C-1")
        self.keys = 0
        deployed.give("C-1", 500)

    def adjust(self, points: int, *, key: str | None = None, **more: object) -> Answer:
        self.keys += 1
        body = {"member_id": self.member_id, "points": points, "reason": "goodwill", **more}
        return self.deployed.ask(ADJUST, body=body, key=key or f"adjust-{self.keys}")

    def decide(
        self, route: str, approval_id: str, caller: CallerKind = ADMIN, body: object = None
    ) -> Answer:
        self.keys += 1
        path = {"approval_id": approval_id}
        return self.deployed.ask(route, caller, path=path, body=body, key=f"decide-{self.keys}")

    def listed(self, caller: CallerKind = STAFF, **query: str) -> list[Json]:
        answer = self.deployed.ask(LIST, caller, query=query)
        assert answer.status == 200, answer.body
        return list(answer.body["approvals"])


@pytest.fixture
def counter(deploy: Deploy) -> Counter:
    return Counter(deploy(program(adjustments={"approval_above_points": 1_000})))


def test_an_adjustment_is_answered_in_its_shape(counter: Counter) -> None:
    answer = counter.adjust(20)
    assert answer.status == 201
    assert answer.body.pop("adjustment_id").startswith("adj_")
    assert answer.body == {
        "status": "completed",
        "member_id": counter.member_id,
        "points": 20,
        "reason": "goodwill",
        "balance": {"available": 520, "pending": 0, "reserved": 0, "debt": 0},
    }
    entry = counter.deployed.entries(counter.member_id)[-1]
    assert (entry["type"], entry["available"], entry["reason"]) == ("adjustment", 20, "goodwill")
    assert entry["actor"] == "person:sub-sam"


def test_a_day_may_be_named(counter: Counter) -> None:
    counter.adjust(20, last_day="2026-12-24")
    balance = counter.deployed.balance(counter.member_id)
    assert {"points": 20, "last_day": "2026-12-24"} in balance["lots"]


def test_the_same_request_again_is_replayed(counter: Counter) -> None:
    first, again = (counter.adjust(20, key="k") for _ in range(2))
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert counter.adjust(21, key="k").refusal == (422, "idempotency_key_reused")


def test_a_sentence_is_in_no_entry_and_no_log_line(counter: Counter) -> None:
    answer = counter.adjust(20, reason="Dana was rude to her", note="call back")
    assert "rude" not in answer.printed.text + str(answer.body)
    stored = counter.deployed.stored()
    named = [key for key, item in stored.items() if "rude" in str(item)]
    assert [key.partition("#")[0] for key in named] == ["PROFILE"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"points": 0}, ["points"]),
        ({"points": "5"}, ["points"]),
        ({"points": 1.5}, ["points"]),
        ({"reason": ""}, ["reason"]),
        ({"reason": None}, ["reason"]),
        ({"reason": "x" * 1_001}, ["reason"]),
        ({"last_day": "2026-02-30"}, ["last_day"]),
        ({"last_day": "2026-09-03"}, ["last_day"]),
        ({"points": -5, "last_day": "2026-12-24"}, ["last_day"]),
        ({"note": 7}, ["note"]),
        ({"member_id": ""}, ["member_id"]),
        ({"pionts": 5}, ["pionts"]),
    ],
)
def test_what_is_no_adjustment_is_refused(
    changes: Json, fields: list[str], counter: Counter
) -> None:
    before = counter.deployed.stored()
    assert counter.adjust(**{"points": 5, **changes}).fields == fields
    assert counter.deployed.stored() == before


def test_a_reason_is_needed_and_a_key_too(counter: Counter) -> None:
    body = {"member_id": counter.member_id, "points": 5}
    assert counter.deployed.ask(ADJUST, body=body, key="k").fields == ["reason"]
    answer = counter.deployed.ask(ADJUST, body={**body, "reason": "x"})
    assert answer.refusal == (400, "idempotency_key_missing")


def test_every_reason_to_refuse_has_its_code(counter: Counter) -> None:
    assert counter.adjust(MAX_POINTS + 1).refusal == (422, "limit_exceeded")
    assert counter.adjust(5, member_id="mbr_none").refusal == (404, "not_found")
    counter.deployed.put_standing(counter.member_id, Standing(status="erased"))
    answer = counter.adjust(5)
    assert (answer.refusal, answer.body["member_status"]) == ((422, "member_inactive"), "erased")


def test_without_approvals_nobody_falls_below_zero(deploy: Deploy) -> None:
    counter = Counter(deploy(program(adjustments={"approval_below_zero": False})))
    answer = counter.adjust(-501)
    assert answer.refusal == (422, "insufficient_points")
    assert (answer.body["requested"], answer.body["available"]) == (501, 500)


# --- Approvals ------------------------------------------------------------------------------


def test_what_waits_is_listed_in_its_shape(counter: Counter) -> None:
    asked = counter.adjust(-600, reason="counted twice", note="see T-7").body
    assert asked["status"] == "awaiting_approval"
    assert counter.listed() == [
        {
            "approval_id": asked["approval_id"],
            "kind": "adjustment",
            "member_id": counter.member_id,
            "member_name": NAME,
            "points": -600,
            "subject": asked["adjustment_id"],
            "status": "open",
            "reason": "counted twice",
            "note": "see T-7",
            "requested_by": "sub-sam",
            "created_at": "2026-09-04T12:00:00Z",
            "expires_at": None,
            "decided_by": None,
            "decided_at": None,
        }
    ]
    assert counter.listed(ADMIN, mine="true") == []
    assert len(counter.listed(STAFF, mine="true")) == 1
    assert counter.listed(status="approved") == []


def test_what_waits_says_for_whom(counter: Counter) -> None:
    enrolled = counter.deployed.ask("POST /members", body={"name": "Ada"}, key="enrol").body
    counter.adjust(-1, member_id=enrolled["member_id"])
    assert [each["member_name"] for each in counter.listed()] == ["Ada"]


def test_another_approves_and_it_is_done(counter: Counter) -> None:
    asked = counter.adjust(-600).body
    answer = counter.decide(APPROVE, asked["approval_id"], body={"note": "I saw it"})
    assert (answer.status, answer.body["status"]) == (200, "approved")
    assert answer.body["result"]["balance"]["available"] == -100
    assert counter.deployed.balance(counter.member_id)["debt"] == 100
    [shown] = counter.listed(status="approved")
    assert (shown["decided_by"], shown["decided_at"]) == ("sub-ada", "2026-09-04T12:00:00Z")
    again = counter.decide(REJECT, asked["approval_id"])
    assert (again.refusal, again.body["approval_status"]) == ((422, "approval_closed"), "approved")


def test_rejected_nothing_is_done(counter: Counter) -> None:
    asked = counter.adjust(1_001).body
    answer = counter.decide(REJECT, asked["approval_id"], body={})
    assert (answer.status, answer.body["status"]) == (200, "rejected")
    assert counter.deployed.balance(counter.member_id)["available"] == 500
    assert counter.listed() == []


def test_nobody_decides_alone(counter: Counter) -> None:
    asked = counter.adjust(1_001).body
    for route in (APPROVE, REJECT):
        assert counter.decide(route, asked["approval_id"], STAFF).refusal == (403, "forbidden")
    assert len(counter.listed()) == 1


def test_a_members_request_is_decided_by_staff(deploy: Deploy) -> None:
    counter = Counter(deploy(program(redemption={"member_requests_need_approval": True})))
    own = gateway.member(counter.member_id)
    asked = counter.deployed.ask(
        "POST /redemptions", own, body={"member_id": "me", "points": 200}, key="k"
    ).body
    assert asked["status"] == "awaiting_approval"
    assert counter.deployed.balance(counter.member_id)["reserved"] == 200
    [shown] = counter.listed()
    assert (shown["kind"], shown["points"]) == ("redemption", 200)
    assert counter.decide(APPROVE, shown["approval_id"]).body["result"]["status"] == "completed"
    balance = counter.deployed.balance(counter.member_id)
    assert (balance["available"], balance["reserved"]) == (300, 0)


def test_after_its_time_a_request_can_not_be_decided(deploy: Deploy) -> None:
    rules = program(redemption={"approval_above_points": 100, "approval_days": 1})
    counter = Counter(deploy(rules))
    body = {"member_id": counter.member_id, "points": 200}
    asked = counter.deployed.ask("POST /redemptions", body=body, key="k").body
    counter.deployed.clock.move(days=1)
    for route in (APPROVE, REJECT):
        answer = counter.decide(route, asked["approval_id"])
        assert answer.refusal == (422, "reservation_not_open")
    assert counter.listed() == []
    assert [each["status"] for each in counter.listed(status="expired")] == ["expired"]


def test_pages_go_on_with_their_cursor_alone(counter: Counter) -> None:
    ids = []
    for _ in range(3):
        counter.deployed.clock.move(seconds=1)
        ids.append(counter.adjust(1_001).body["approval_id"])
    first = counter.deployed.ask(LIST, query={"limit": "2"}).body
    assert [each["approval_id"] for each in first["approvals"]] == ids[:0:-1]
    query = {"limit": "2", "cursor": first["cursor"]}
    second = counter.deployed.ask(LIST, query=query).body
    assert [each["approval_id"] for each in second["approvals"]] == ids[:1]
    assert second["cursor"] is None
    other = counter.deployed.ask(LIST, query={**query, "status": "rejected"})
    assert other.fields == ["cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "closed"}, "status"),
        ({"mine": "yes"}, "mine"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"member": "x"}, "member"),
    ],
)
def test_a_query_is_checked(query: Json, field: str, counter: Counter) -> None:
    assert counter.deployed.ask(LIST, query=query).fields == [field]


def test_an_unknown_approval_is_not_found(counter: Counter) -> None:
    for id_ in ("apr_unheardof", "a#b", "x" * 2_000, "a\u0000"):
        assert counter.decide(APPROVE, id_).refusal == (404, "not_found")
    assert counter.decide(APPROVE, "apr_1", body={"reason": "x"}).fields == ["reason"]
