"""transfers: giving points, sharing them by a plan, and merging members, over HTTP."""

from typing import Any

import pytest

from points_ledger.domain.fact import CustomersMerged
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.limit import MAX_TEXT_CHARACTERS
from tests.functions.deployed import NOW, Answer, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import ADMIN, NOBODY, OTHER_MEMBER, STAFF, TILL, CallerKind, member

Json = dict[str, Any]

TRANSFER = "POST /transfers"
SHARING = "GET /members/{member_id}/sharing"
SHARE = "PUT /members/{member_id}/sharing"
MERGE = "POST /members/{member_id}/merge"


class Family:
    """Three members of one organisation, of whom the first has 500 points, and a stranger."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.ada, self.bob, self.eve = (
            deployed.enrol(f"C-{n}", organisation="acme", email=f"c{n}@example.com")
            for n in (1, 2, 3)
        )
        self.zoe = deployed.enrol("C-4", organisation="globex", email="c4@example.com")
        deployed.give("C-1", 500)

    def transfer(
        self, *, key: str | None = "k", caller: CallerKind = STAFF, **body: object
    ) -> Answer:
        usual = {"from_member_id": self.ada, "to_member_id": self.bob, "points": 200}
        sent: Json = {**usual, **body}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self.deployed.ask(TRANSFER, caller, body=sent, key=key)

    def share(
        self,
        shares: object,
        *,
        owner: str | None = None,
        key: str | None = "k",
        caller: CallerKind = STAFF,
    ) -> Answer:
        path = {"member_id": owner or self.ada}
        return self.deployed.ask(SHARE, caller, path=path, body={"shares": shares}, key=key)

    def merge(
        self, source: str, into: object, *, key: str | None = "k", caller: CallerKind = STAFF
    ) -> Answer:
        path = {"member_id": source}
        return self.deployed.ask(MERGE, caller, path=path, body={"into": into}, key=key)

    def available(self, member_id: str) -> int:
        return int(self.deployed.balance(member_id)["available"])


@pytest.fixture
def family(deployed: Deployed) -> Family:
    return Family(deployed)


# --- Transfers ------------------------------------------------------------------------------


def test_a_transfer_is_answered_in_exactly_the_published_shape(family: Family) -> None:
    answer = family.transfer()
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    assert answer.body.pop("transfer_id").startswith("trf_")
    assert answer.body == {
        "status": "completed",
        "points": 200,
        "from_member_id": family.ada,
        "to_member_id": family.bob,
        "balance": {"available": 300, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert (family.available(family.ada), family.available(family.bob)) == (300, 200)


def test_both_entries_tell_the_other_member_by_id(family: Family) -> None:
    transfer_id = family.transfer(note="thank you").body["transfer_id"]
    for own, other, points in ((family.ada, family.bob, -200), (family.bob, family.ada, 200)):
        entry = family.deployed.entries(own)[-1]
        assert (entry["type"], entry["available"]) == ("transfer", points)
        assert entry["details"].keys() == {"transfer", "member", "note"}
        assert (entry["details"]["transfer"], entry["details"]["member"]) == (transfer_id, other)
        assert "thank you" not in str(entry)


def test_a_transfer_again_is_a_replay(family: Family) -> None:
    first = family.transfer()
    again = family.transfer()
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.printed.messages == ["replayed"]
    assert family.transfer(points=201).refusal == (422, "idempotency_key_reused")
    assert family.available(family.bob) == 200


def test_a_member_transfers_its_own_points_and_nobody_elses(family: Family) -> None:
    own = member(family.ada)
    assert family.transfer(caller=own, from_member_id="me").status == 201
    assert family.transfer(caller=own, from_member_id=family.bob, key="2").status == 403
    assert family.transfer(caller=OTHER_MEMBER, key="3").status == 403
    assert family.transfer(caller=TILL, key="4").status == 403
    assert family.transfer(caller=NOBODY, key="5").status == 401


def test_by_email_outside_of_the_circle_and_unknown_are_the_same_answer(family: Family) -> None:
    found = family.transfer(to_member_id=None, to={"email": "C2@example.com"})
    assert (found.status, found.body["to_member_id"]) == (201, family.bob)
    unknown, outside = (
        family.transfer(to_member_id=None, to={"email": email}, key=email)
        for email in ("nobody@example.com", "c4@example.com")
    )
    assert unknown.refusal == (404, "not_found")
    assert unknown.body == outside.body


def test_what_is_not_permitted_says_why(family: Family) -> None:
    outside = family.transfer(to_member_id=family.zoe)
    assert outside.refusal == (422, "transfer_not_permitted")
    assert outside.body["reason"] == "outside_circle"
    assert family.transfer(to_member_id=family.ada).body["reason"] == "same_member"
    assert family.transfer(points=501).refusal == (422, "insufficient_points")
    assert family.transfer(to_member_id="mbr_unknown").refusal == (404, "not_found")


def test_a_program_may_not_have_transfers(deploy: Deploy) -> None:
    family = Family(deploy(program(transfers={"enabled": False})))
    assert family.transfer().body["reason"] == "disabled"


def test_above_the_limit_a_second_person_is_asked(deploy: Deploy) -> None:
    family = Family(deploy(program(transfers={"approval_above_points": 100})))
    answer = family.transfer(note="for the new office")
    assert answer.status == 201
    assert answer.body["status"] == "awaiting_approval"
    assert answer.body["approval_id"].startswith("apr_")
    assert answer.body["balance"]["reserved"] == 200
    assert answer.printed.messages == ["awaiting_approval"]
    assert family.deployed.types(family.ada)[-1] == "reservation"
    assert family.available(family.bob) == 0


@pytest.mark.parametrize(("decision", "available"), [("approve", (300, 200)), ("reject", (500, 0))])
def test_a_second_person_lets_it_pass_or_not(
    deploy: Deploy, decision: str, available: tuple[int, int]
) -> None:
    family = Family(deploy(program(transfers={"approval_above_points": 100})))
    path = {"approval_id": family.transfer().body["approval_id"]}
    route = f"POST /approvals/{{approval_id}}/{decision}"
    assert family.deployed.ask(route, STAFF, path=path, body={}, key="own").status == 403
    decided = family.deployed.ask(route, ADMIN, path=path, body={}, key="other")
    assert decided.status == 200, decided.body
    assert (family.available(family.ada), family.available(family.bob)) == available
    assert family.deployed.balance(family.ada)["reserved"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": -1}, "points"),
        ({"points": 1.5}, "points"),
        ({"points": "10"}, "points"),
        ({"points": True}, "points"),
        ({"points": None}, "points"),
        ({"from_member_id": None}, "from_member_id"),
        ({"to_member_id": None}, "body"),
        ({"to": {"email": "c2@example.com"}}, "body"),
        ({"to_member_id": None, "to": {"email": "nobody"}}, "to.email"),
        ({"to_member_id": None, "to": {}}, "to.email"),
        ({"to_member_id": 7}, "to_member_id"),
        ({"note": "x" * (MAX_TEXT_CHARACTERS + 1)}, "note"),
        ({"amount": "1.00"}, "amount"),
    ],
)
def test_a_transfer_that_cannot_be_read(cut_off: Deployed, body: Json, field: str) -> None:
    sent = {"from_member_id": "mbr_1", "to_member_id": "mbr_2", "points": 10, **body}
    sent = {name: value for name, value in sent.items() if value is not None}
    assert cut_off.ask(TRANSFER, body=sent, key="k").fields == [field]


def test_writes_need_a_key(family: Family) -> None:
    for answer in (
        family.transfer(key=None),
        family.share([{"member_id": family.bob, "percent": 100}], key=None),
        family.merge(family.ada, family.bob, key=None),
    ):
        assert answer.refusal == (400, "idempotency_key_missing")


# --- Sharing --------------------------------------------------------------------------------


def test_a_plan_is_answered_shown_and_counts(family: Family) -> None:
    shares = [
        {"member_id": family.ada, "percent": 50},
        {"email": "c2@example.com", "percent": 25},
        {"member_id": family.eve, "percent": 25},
    ]
    answer = family.share(shares)
    plan = {
        "shares": [
            {"member_id": family.ada, "percent": 50},
            {"member_id": family.bob, "percent": 25},
            {"member_id": family.eve, "percent": 25},
        ]
    }
    assert (answer.status, answer.body) == (200, plan)
    shown = family.deployed.ask(SHARING, member(family.ada), path={"member_id": "me"})
    assert (shown.status, shown.body) == (200, plan)
    family.deployed.give("C-1", 75)
    assert [family.available(id_) for id_ in (family.ada, family.bob, family.eve)] == [537, 19, 19]
    entry = family.deployed.entries(family.bob)[-1]
    assert family.ada not in str(entry)


def test_a_split_is_pending_with_each_member(family: Family) -> None:
    family.share(
        [{"member_id": family.bob, "percent": 60}, {"member_id": family.eve, "percent": 40}]
    )
    assert family.deployed.accrue(sold("100.00", id_="T-9")) == []
    for member_id, points in ((family.ada, []), (family.bob, [60]), (family.eve, [40])):
        answer = family.deployed.ask(
            "GET /members/{member_id}/pending", path={"member_id": member_id}
        )
        assert [each["points"] for each in answer.body["earnings"]] == points
    assert family.deployed.mature(settled("T-9")) == []
    assert family.available(family.eve) == 40


def test_no_shares_end_the_plan(family: Family) -> None:
    family.share([{"member_id": family.bob, "percent": 100}])
    assert family.share([], key="2").body == {"shares": []}
    shown = family.deployed.ask(SHARING, path={"member_id": family.ada})
    assert shown.body == {"shares": []}


def test_a_plan_again_is_a_replay(family: Family) -> None:
    shares = [{"member_id": family.bob, "percent": 100}]
    first = family.share(shares)
    again = family.share(shares)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    assert family.share([]).refusal == (422, "idempotency_key_reused")


def test_only_the_member_and_staff_see_and_change_a_plan(family: Family) -> None:
    shares = [{"member_id": family.bob, "percent": 100}]
    for caller, status in ((member(family.ada), 200), (OTHER_MEMBER, 403), (TILL, 403)):
        assert family.share(shares, caller=caller, key=str(status)).status == status
        shown = family.deployed.ask(SHARING, caller, path={"member_id": family.ada})
        assert shown.status == status


def test_plans_that_are_none(family: Family) -> None:
    bob, eve = ({"member_id": id_} for id_ in (family.bob, family.eve))
    for shares, field in (
        ([{**bob, "percent": 60}, {**eve, "percent": 30}], "shares"),
        ([{**bob, "percent": 50}, {**bob, "percent": 50}], "shares.1.member_id"),
        ([{**bob, "percent": 101}], "shares.0.percent"),
        ([{**bob, "percent": 0}], "shares.0.percent"),
        ([{**bob, "percent": 33.5}], "shares.0.percent"),
        ([{"percent": 100}], "shares.0"),
        ([{**bob, "email": "c2@example.com", "percent": 100}], "shares.0"),
        ("bob", "shares"),
    ):
        assert family.share(shares).fields == [field], shares
    eleven = [{**bob, "percent": 9}] * 11
    assert family.share(eleven).refusal == (422, "limit_exceeded")
    assert family.share([{"member_id": family.zoe, "percent": 100}]).refusal == (
        422,
        "transfer_not_permitted",
    )
    assert family.share([{"email": "c4@example.com", "percent": 100}]).status == 404


def test_plans_lead_nowhere_back(family: Family) -> None:
    assert family.share([{"member_id": family.bob, "percent": 100}]).status == 200
    back = family.share([{"member_id": family.ada, "percent": 100}], owner=family.bob, key="2")
    assert back.fields == ["shares"]


# --- Merges ---------------------------------------------------------------------------------


def test_a_merge_is_answered_and_the_old_id_shows_the_target(family: Family) -> None:
    answer = family.merge(family.ada, family.bob)
    assert (answer.status, answer.body) == (
        200,
        {
            "member_id": family.bob,
            "merged_member_id": family.ada,
            "balance": {"available": 500, "pending": 0, "reserved": 0, "debt": 0},
        },
    )
    assert family.deployed.balance(family.ada)["member_id"] == family.bob
    assert family.deployed.types(family.bob)[-1] == "merge"
    assert family.deployed.member_of("C-1") == family.bob
    ids = family.deployed.ask("GET /members/{member_id}", path={"member_id": family.bob}).body
    assert {each["id"] for each in ids["external_ids"]} == {"C-1", "C-2"}


def test_events_for_the_old_id_are_the_targets(family: Family) -> None:
    family.merge(family.ada, family.bob)
    family.deployed.give("C-1", 25)
    assert family.available(family.bob) == 525


def test_a_merge_again_is_a_replay_and_only_staff_merge(family: Family) -> None:
    for caller in (member(family.ada), OTHER_MEMBER, TILL):
        assert family.merge(family.ada, family.bob, caller=caller).status == 403
    first = family.merge(family.ada, family.bob)
    again = family.merge(family.ada, family.bob)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")


def test_merges_that_are_refused_say_why(family: Family) -> None:
    assert family.merge(family.ada, family.ada).refusal == (422, "merge_not_permitted")
    assert family.merge(family.ada, "mbr_unknown").refusal == (404, "not_found")
    assert family.merge("mbr_unknown", family.ada).refusal == (404, "not_found")
    assert family.merge(family.ada, 7).fields == ["into"]
    family.merge(family.ada, family.bob)
    circle = family.merge(family.bob, family.ada, key="2")
    assert (circle.status, circle.body["reason"]) == (422, "same_member")
    twice = family.merge(family.ada, family.eve, key="3")
    assert twice.body["reason"] == "already_merged"


def merged(former: str, into: str) -> CustomersMerged:
    ids = (ExternalId(source="pos", id=id_) for id_ in (former, into))
    return CustomersMerged(former=next(ids), into=next(ids), at=NOW)


def test_a_source_merges_its_customers(family: Family) -> None:
    assert family.deployed.accrue(merged("C-1", "C-2")) == []
    assert family.deployed.printed.messages == ["merged"]
    assert family.available(family.bob) == 500
    assert family.deployed.accrue(merged("C-1", "C-2")) == []
    assert family.deployed.printed.messages == ["duplicate"]
    assert family.deployed.accrue(merged("C-9", "C-2")) == []
    assert family.deployed.printed.messages == ["linked"]
    assert family.deployed.member_of("C-9") == family.bob


def test_a_merge_that_is_refused_comes_again_with_its_reason(deploy: Deploy) -> None:
    family = Family(deploy(program(transfers={"approval_above_points": 100})))
    family.transfer()
    again = family.deployed.accrue(merged("C-1", "C-2"))
    line = family.deployed.printed.line()
    assert len(again) == 1
    assert (line["message"], line["code"], line["ids"]["reason"]) == (
        "refused",
        "merge_refused",
        "open_reservations",
    )
