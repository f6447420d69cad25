"""accounts: a member's whole story in one call, what was asked for, and rules in plain words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest

from points_ledger.runtime import bootstrap
from tests.functions.deployed import Answer, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import ADMIN, STAFF, TILL, member

Json = dict[str, Any]

OVERVIEW: Final = "GET /members/{member_id}/overview"
REQUESTS: Final = "GET /members/{member_id}/requests"
ENTRIES: Final = "GET /members/{member_id}/entries"
REDEEM: Final = "POST /redemptions"
TRANSFER: Final = "POST /transfers"

ASKING: Final = {"redemption": {"member_requests_need_approval": True}}


def overview(deployed: Deployed, member_id: str) -> Json:
    answer = deployed.ask(OVERVIEW, path={"member_id": member_id})
    assert answer.status == 200, answer.body
    return answer.body


def requests(deployed: Deployed, member_id: str, **query: str) -> Json:
    answer = deployed.ask(REQUESTS, path={"member_id": member_id}, query=query)
    assert answer.status == 200, answer.body
    return answer.body


def redeem(deployed: Deployed, member_id: str, points: int, **more: object) -> Json:
    body = {"member_id": member_id, "points": points, "kind": "cash", **more}
    answer = deployed.ask(REDEEM, member(member_id), body=body, key=f"redeem {points} {more}")
    assert answer.status == 201, answer.body
    return answer.body


def transfer(deployed: Deployed, member_id: str, to: str, points: int) -> Json:
    body = {"from_member_id": member_id, "to_member_id": to, "points": points}
    answer = deployed.ask(TRANSFER, member(member_id), body=body, key=f"transfer {points}")
    assert answer.status == 201, answer.body
    return answer.body


def decide(deployed: Deployed, approval_id: str, decision: str) -> Answer:
    route = f"POST /approvals/{{approval_id}}/{decision}"
    path = {"approval_id": approval_id}
    return deployed.ask(route, ADMIN, path=path, body={}, key=f"{decision} {approval_id}")


def statuses(deployed: Deployed, member_id: str) -> dict[int, str]:
    """What became of each request, by its points."""
    return {each["points"]: each["status"] for each in requests(deployed, member_id)["requests"]}


# --- The overview ---------------------------------------------------------------------------


def test_an_overview_has_what_each_part_answers_by_itself(deploy: Deploy) -> None:
    deployed = deploy(program(maturation={"hold": "P7D"}, sharing={"within": "anyone"}))
    member_id, friend = deployed.enrol("C-1"), deployed.enrol("C-2")
    deployed.give("C-1", 500)
    deployed.clock.move(days=8)
    deployed.accrue(sold("120.00", id_="T-9", at=deployed.clock.now))
    deployed.invoke("hold_release", {"scheduled_time": "now"})
    redeem(deployed, member_id, 100, reserve=True)
    shares = [{"member_id": each, "percent": 50} for each in (friend, member_id)]
    path = {"member_id": member_id}
    deployed.ask("PUT /members/{member_id}/sharing", path=path, body={"shares": shares}, key="plan")
    found = overview(deployed, member_id)
    for name, route in (
        ("member", "GET /members/{member_id}"),
        ("balance", "GET /members/{member_id}/balance"),
        ("benefits", "GET /members/{member_id}/benefits"),
        ("pending", "GET /members/{member_id}/pending"),
        ("requests", "GET /members/{member_id}/requests"),
        ("sharing", "GET /members/{member_id}/sharing"),
        ("progress", "GET /members/{member_id}/challenges"),
    ):
        assert found[name] == deployed.ask(route, path=path).body, name
    explained = deployed.ask(ENTRIES, path=path, query={"limit": "10", "sentences": "true"})
    assert found["entries"] == explained.body
    assert found["balance"]["reserved"] == 100
    assert [each["points"] for each in found["pending"]["earnings"]] == [120]
    listed = deployed.ask("GET /redemptions", query={"member_id": member_id}).body["redemptions"]
    assert found["redemptions"] == listed
    assert found["sharing"]["shares"][0] == {"member_id": friend, "percent": 50}


def test_the_history_says_why_points_were_adjusted_until_it_is_erased(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    for reason in ("goodwill", "The printer was broken"):
        body = {"member_id": member_id, "points": 5, "reason": reason}
        deployed.ask("POST /adjustments", body=body, key=reason)
    said = [
        (each["reason"], each["reason_text"])
        for each in overview(deployed, member_id)["entries"]["entries"]
    ]
    assert said == [("adjustment", "The printer was broken"), ("goodwill", None), (None, None)]

    deployed.ask("DELETE /members/{member_id}", ADMIN, path={"member_id": member_id}, key="erase")
    left = overview(deployed, member_id)["entries"]["entries"]
    assert {each["reason_text"] for each in left} == {None}


def test_a_new_member_has_an_overview(deployed: Deployed) -> None:
    found = overview(deployed, deployed.enrol())
    assert (found["redemptions"], found["requests"]["requests"]) == ([], [])
    assert [each["type"] for each in found["entries"]["entries"]] == ["enrolment"]


def test_closed_redemptions_are_in_the_history_and_not_among_the_open_ones(
    deployed: Deployed,
) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 500)
    redeem(deployed, member_id, 100)
    held = redeem(deployed, member_id, 50, reserve=True)
    assert [each["points"] for each in overview(deployed, member_id)["redemptions"]] == [50]
    deployed.clock.now += timedelta(hours=1)
    assert overview(deployed, member_id)["redemptions"] == [], held


def test_an_overview_of_an_alias_is_the_survivors(deployed: Deployed) -> None:
    source, target = deployed.enrol("C-1"), deployed.enrol("C-2")
    path = {"member_id": source}
    deployed.ask("POST /members/{member_id}/merge", path=path, body={"into": target}, key="m")
    assert overview(deployed, source)["member"]["member_id"] == target
    mine = deployed.ask(OVERVIEW, member(source), path={"member_id": "me"})
    assert (mine.status, mine.body["member"]["member_id"]) == (200, target)


@pytest.mark.parametrize("route", [OVERVIEW, REQUESTS])
@pytest.mark.parametrize("caller", [TILL, member("mbr_other")])
def test_nobody_else_sees_it(deployed: Deployed, route: str, caller: Any) -> None:  # noqa: ANN401 - callers
    answer = deployed.ask(route, caller, path={"member_id": deployed.enrol()})
    assert answer.refusal == (403, "forbidden")


@pytest.mark.parametrize("route", [OVERVIEW, REQUESTS])
def test_of_nobody_there_is_nothing(deployed: Deployed, route: str) -> None:
    answer = deployed.ask(route, STAFF, path={"member_id": "mbr_nobody"})
    assert answer.refusal == (404, "not_found")


def test_an_erased_member_has_an_overview_without_a_person(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 10)
    path = {"member_id": member_id}
    assert deployed.ask("DELETE /members/{member_id}", ADMIN, path=path, key="e").status == 200
    found = overview(deployed, member_id)
    assert (found["member"]["status"], found["member"]["name"]) == ("erased", None)


def test_the_number_of_reads_does_not_grow_with_the_history(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    for number in range(3):
        deployed.give("C-1", 10, ticket=f"A-{number}")
    few = _requests_of(deployed, member_id)
    for number in range(20):
        deployed.give("C-1", 10, ticket=f"B-{number}")
    assert _requests_of(deployed, member_id) == few <= 7


def _requests_of(deployed: Deployed, member_id: str) -> int:
    count = 0

    def counted(**_: object) -> None:
        nonlocal count
        count += 1

    overview(deployed, member_id)  # a warm process knows the program
    emitter = bootstrap.dynamodb().meta.events
    emitter.register("before-call.dynamodb.*", counted)
    overview(deployed, member_id)
    emitter.unregister("before-call.dynamodb.*", counted)
    return count


# --- Requests -------------------------------------------------------------------------------


def test_a_request_is_shown_until_it_is_decided_and_afterwards(deploy: Deploy) -> None:
    deployed = deploy(program(**ASKING))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 500)
    asked = redeem(deployed, member_id, 100)
    [request] = requests(deployed, member_id)["requests"]
    assert request == {
        "request_id": asked["approval_id"],
        "kind": "redemption",
        "status": "pending",
        "points": 100,
        "amount": "1.00",
        "currency": "USD",
        "redemption_id": asked["redemption_id"],
        "transfer_id": None,
        "to_member_id": None,
        "created_at": "2026-09-04T12:00:00Z",
        "expires_at": asked["expires_at"],
        "decided_at": None,
    }
    deployed.clock.move(hours=1)
    assert decide(deployed, asked["approval_id"], "approve").status == 200
    [request] = requests(deployed, member_id)["requests"]
    assert (request["status"], request["decided_at"]) == ("approved", "2026-09-04T13:00:00Z")


def test_each_request_says_how_it_ended(deploy: Deploy) -> None:
    deployed = deploy(program(**ASKING, transfers={"within": "anyone"}))
    member_id, friend = deployed.enrol("C-1"), deployed.enrol("C-2")
    deployed.give("C-1", 500)
    rejected, cancelled = (redeem(deployed, member_id, points) for points in (1, 2))
    sent = transfer(deployed, member_id, friend, 3)
    transfer(deployed, member_id, friend, 4)
    decide(deployed, rejected["approval_id"], "reject")
    path = {"redemption_id": cancelled["redemption_id"]}
    cancel = "POST /redemptions/{redemption_id}/cancel"
    assert deployed.ask(cancel, member(member_id), path=path, key="cancel").status == 200
    decide(deployed, sent["approval_id"], "approve")
    deployed.clock.move(days=31)
    redeem(deployed, member_id, 5)
    assert statuses(deployed, member_id) == {
        5: "pending",
        4: "expired",
        3: "approved",
        2: "cancelled",
        1: "rejected",
    }
    transfers = [e for e in requests(deployed, member_id)["requests"] if e["kind"] == "transfer"]
    assert {each["to_member_id"] for each in transfers} == {friend}
    assert {each["amount"] for each in transfers} == {None}
    assert sent["transfer_id"] in {each["transfer_id"] for each in transfers}


def test_what_staff_adjust_is_no_request_of_the_member(deployed: Deployed) -> None:
    member_id = deployed.enrol()
    body = {"member_id": member_id, "points": -5, "reason": "correction"}
    asked = deployed.ask("POST /adjustments", ADMIN, body=body, key="adjust")
    assert asked.body["status"] == "awaiting_approval"
    assert requests(deployed, member_id)["requests"] == []


def test_requests_go_on_by_cursor_and_with_those_of_merged_members(deploy: Deploy) -> None:
    deployed = deploy(program(**ASKING))
    source, target = deployed.enrol("C-1"), deployed.enrol("C-2")
    for customer, member_id, points in (("C-1", source, (1, 2)), ("C-2", target, (3, 4, 5))):
        deployed.give(customer, 100)
        for each in points:
            asked = redeem(deployed, member_id, each)
            decide(deployed, asked["approval_id"], "reject")
            deployed.clock.move(seconds=1)
    path = {"member_id": source}
    deployed.ask("POST /members/{member_id}/merge", path=path, body={"into": target}, key="m")
    seen, query = [], {"limit": "2"}
    for _ in range(5):
        page = requests(deployed, target, **query)
        seen += [each["points"] for each in page["requests"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"cursor": "x"}, {"colour": "red"}])
def test_requests_are_asked_for_as_they_are(deployed: Deployed, query: Mapping[str, str]) -> None:
    path = {"member_id": deployed.enrol()}
    answer = deployed.ask(REQUESTS, path=path, query=query)
    assert answer.refusal == (400, "invalid_request")
    assert answer.fields == list(query)


# --- Rules in plain words -------------------------------------------------------------------


def test_entries_say_their_rules_by_the_version_that_they_were_posted_by(
    deployed: Deployed,
) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("10.00", id_="T-1"))
    changed = program()
    changed["earning_rules"][1]["points"] = 7
    deployed.ask("POST /program/versions", ADMIN, body={"program": changed})
    deployed.clock.move(minutes=5)
    deployed.accrue(sold("10.00", id_="T-2", at=deployed.clock.now))
    deployed.mature(settled("T-2", at=deployed.clock.now))
    path = {"member_id": member_id}
    plain = deployed.ask(ENTRIES, path=path).body["entries"]
    spoken = deployed.ask(ENTRIES, path=path, query={"sentences": "true"}).body["entries"]
    said = [rule["sentence"] for each in spoken for rule in each["rules"]]
    assert ["7 points" in each for each in said] == [True, True, False]
    assert ["1 point" in each for each in said] == [False, False, True]
    for each in spoken:
        assert each.pop("reason_text") is None
        each["rules"] = [{"id": r["id"], "points": r["points"]} for r in each["rules"]]
    assert spoken == plain


def test_what_a_tier_multiplies_has_the_sentence_of_the_tier(deploy: Deploy) -> None:
    deployed = deploy(program(tiers=[{"id": "silver", "points": 100, "multiplier": "1.5"}]))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    deployed.accrue(sold("10.00", id_="T-9", at=deployed.clock.now))
    path, query = {"member_id": member_id}, {"sentences": "true", "limit": "1"}
    [entry] = deployed.ask(ENTRIES, path=path, query=query).body["entries"]
    [_, tier] = entry["rules"]
    assert (tier["id"], tier["points"]) == ("tier:silver", 5)
    assert "1.5 times the points" in tier["sentence"]


def test_sentences_are_asked_for_with_a_switch(deployed: Deployed) -> None:
    path = {"member_id": deployed.enrol()}
    answer = deployed.ask(ENTRIES, path=path, query={"sentences": "yes"})
    assert answer.fields == ["sentences"]
