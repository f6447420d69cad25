"""redemption: quoting and spending points, and every reason not to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from points_ledger.domain.error import ConflictError
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.state import Standing
from points_ledger.runtime import services
from points_ledger.service.ports import Lost
from tests.functions.deployed import Answer, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import STAFF, TILL, CallerKind

Json = dict[str, Any]

REDEEM = "POST /redemptions"
QUOTE = "POST /redemptions/quote"
SHOW = "GET /redemptions/{redemption_id}"


class Counter:
    """A till with a member in front of it, who has 500 points worth 5.00."""

    def __init__(self, deployed: Deployed, **member: object) -> None:
        self.deployed = deployed
        if member:
            deployed.enrol("C-1", **member)
        deployed.give("C-1", 500)
        self.member_id = deployed.linked("C-1")

    def earn_on(self, ticket: str) -> None:
        """30 points more, from this very ticket."""
        self.deployed.give("C-1", 30, ticket=ticket)

    def redeem(self, *, key: str = "k", caller: CallerKind = TILL, **body: object) -> Answer:
        sent = {"member_id": self.member_id, **body}
        return self.deployed.ask(REDEEM, caller, body=sent, key=key)

    def quote(self, **body: object) -> Json:
        answer = self.deployed.ask(QUOTE, TILL, body={"member_id": self.member_id, **body})
        assert answer.status == 200, answer.body
        return answer.body

    def available(self) -> int:
        return int(self.deployed.balance(self.member_id)["available"])


At = Callable[..., Counter]


@pytest.fixture
def at(deploy: Deploy) -> At:
    """A counter of a program with other redemption rules."""
    return lambda **rules: Counter(deploy(program(redemption=rules)))


@pytest.fixture
def counter(deployed: Deployed) -> Counter:
    return Counter(deployed)


def ticket(amount: str, id_: str = "T-7") -> Json:
    return {"id": id_, "amount": amount}


# --- Redeeming ------------------------------------------------------------------------------


def test_a_redemption_is_answered_in_exactly_the_published_shape(counter: Counter) -> None:
    answer = counter.redeem(points=200, ticket=ticket("30.00"))
    assert (answer.status, answer.headers["content-type"]) == (201, "application/json")
    redemption_id = answer.body.pop("redemption_id")
    assert redemption_id.startswith("rdm_")
    assert answer.body == {
        "status": "completed",
        "member_id": counter.member_id,
        "points": 200,
        "amount": "2.00",
        "currency": "USD",
        "balance": {"available": 300, "pending": 0, "reserved": 0, "debt": 0},
    }


def test_a_redemption_is_an_entry_of_its_ticket(counter: Counter) -> None:
    answer = counter.redeem(points=200, ticket=ticket("30.00"))
    entry = counter.deployed.entries(counter.member_id)[-1]
    assert (entry["type"], entry["available"]) == ("redemption", -200)
    assert entry["source"] == {"system": "pos", "kind": "ticket", "id": "T-7"}
    assert entry["details"] == {"redemption": answer.body["redemption_id"]}


def test_an_amount_buys_as_many_points_as_it_is_worth(counter: Counter) -> None:
    answer = counter.redeem(amount="2.50")
    assert (answer.body["points"], answer.body["amount"]) == (250, "2.50")


@pytest.mark.parametrize("kind", ["ticket", "gift_card", "cash"])
def test_points_can_be_spent_on(kind: str, counter: Counter) -> None:
    answer = counter.redeem(points=100, kind=kind)
    shown = counter.deployed.ask(SHOW, path={"redemption_id": answer.body["redemption_id"]})
    assert shown.body["kind"] == kind


def test_all_points_can_be_spent_and_not_one_more(counter: Counter) -> None:
    assert counter.redeem(points=500).status == 201
    assert counter.redeem(points=1, key="other").body["available"] == 0


def test_a_redemption_is_shown_in_its_shape(counter: Counter) -> None:
    made = counter.redeem(points=200, ticket=ticket("30.00")).body
    answer = counter.deployed.ask(SHOW, path={"redemption_id": made["redemption_id"]})
    assert answer.body == {
        "redemption_id": made["redemption_id"],
        "status": "completed",
        "member_id": counter.member_id,
        "points": 200,
        "amount": "2.00",
        "currency": "USD",
        "kind": "ticket",
        "ticket": {"source": "pos", "kind": "ticket", "id": "T-7"},
        "captured": 200,
        "captured_amount": "2.00",
        "reversed": 0,
        "expires_at": None,
        "approval_id": None,
        "reward_id": None,
        "coupon": None,
        "created_at": "2026-09-04T12:00:00Z",
        "entry": 4,
    }


def test_no_id_finds_a_redemption_that_it_is_not(deployed: Deployed) -> None:
    for id_ in ("rdm_unheardof", "a#b", "x" * 2_000, "a\u0000"):
        answer = deployed.ask(SHOW, path={"redemption_id": id_})
        assert (answer.refusal, id_) == ((404, "not_found"), id_)


def test_a_note_is_in_no_entry_and_no_log_line(counter: Counter) -> None:
    answer = counter.redeem(points=100, note="for her anniversary")
    assert answer.status == 201
    assert "anniversary" not in answer.printed.text
    [entry] = (
        item
        for name, item in counter.deployed.stored().items()
        if name.startswith("MEMBER#") and item.get("type") == {"S": "redemption"}
    )
    assert "anniversary" not in str(entry)


def test_points_past_their_last_day_are_settled_before_others_are_spent(deploy: Deploy) -> None:
    deployed = deploy(program(expiry={"after": "P10D", "round_to": "day"}))
    counter = Counter(deployed)
    deployed.clock.move(days=9)
    answer = counter.redeem(points=1)
    assert (answer.refusal, answer.body["available"]) == ((422, "insufficient_points"), 0)


# --- Again ----------------------------------------------------------------------------------


def test_the_same_request_again_gets_the_first_answer_and_spends_nothing(counter: Counter) -> None:
    first = counter.redeem(points=200)
    again = counter.redeem(points=200)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert counter.available() == 300


def test_a_known_request_is_answered_before_any_rule_is_asked(counter: Counter) -> None:
    first = counter.redeem(points=500)
    counter.deployed.put_standing(counter.member_id, Standing(status="frozen"))
    assert counter.redeem(points=500).body == first.body


def test_a_key_spends_only_what_it_spent_first(counter: Counter) -> None:
    counter.redeem(points=200)
    assert counter.redeem(points=201).refusal == (422, "idempotency_key_reused")
    assert counter.available() == 300


def test_a_refused_request_leaves_its_key_free(counter: Counter) -> None:
    assert counter.redeem(points=501).code == "insufficient_points"
    assert counter.redeem(points=200).status == 201


def test_the_key_of_one_caller_is_free_for_another(counter: Counter) -> None:
    assert counter.redeem(points=200, caller=TILL).status == 201
    assert counter.redeem(points=200, caller=STAFF).status == 201
    assert counter.available() == 100


def test_without_a_key_nothing_is_spent(counter: Counter) -> None:
    body = {"member_id": counter.member_id, "points": 200}
    answer = counter.deployed.ask(REDEEM, body=body)
    assert answer.refusal == (400, "idempotency_key_missing")
    assert counter.available() == 500


# --- Every reason to refuse -----------------------------------------------------------------


def refused(answer: Answer, code: str, **fields: object) -> None:
    """A 422 with exactly these fields beside those of every problem."""
    assert answer.refusal == (422, code)
    problem = {"type", "title", "status", "detail", "code"}
    assert {k: v for k, v in answer.body.items() if k not in problem} == fields
    assert answer.body["type"] == f"urn:points-ledger:problem:{code}"
    assert answer.body["title"] in answer.body["detail"]


def test_more_than_there_is_is_insufficient(counter: Counter) -> None:
    refused(counter.redeem(points=501), "insufficient_points", requested=501, available=500)


def test_less_than_the_minimum_is_refused(at: At) -> None:
    answer = at(minimum_amount="5.00").redeem(points=499)
    refused(answer, "below_minimum", minimum_amount="5.00", amount="4.99")


def test_a_pause_stops_all(at: At) -> None:
    refused(at(paused=True).redeem(points=100), "redemption_paused")


def test_in_analysis_mode_nothing_can_be_redeemed(deploy: Deploy) -> None:
    counter = Counter(deploy(program(mode="analysis")))
    answer = counter.redeem(points=100)
    refused(answer, "redemption_not_permitted", reason="analysis_mode")


def test_an_excluded_jurisdiction_may_not_redeem(deploy: Deploy) -> None:
    deployed = deploy(program(redemption={"excluded_jurisdictions": ["US-NY"]}))
    answer = Counter(deployed, jurisdiction="US-NY").redeem(points=100)
    refused(answer, "redemption_not_permitted", reason="jurisdiction")


@pytest.mark.parametrize("amount", ["0.00", "1.99", "2.00"])
def test_a_ticket_must_exceed_what_is_redeemed_on_it(amount: str, counter: Counter) -> None:
    answer = counter.redeem(points=200, ticket=ticket(amount))
    refused(answer, "ticket_too_low", ticket_amount=amount, amount="2.00")


def test_a_cent_above_is_enough(counter: Counter) -> None:
    assert counter.redeem(points=200, ticket=ticket("2.01")).status == 201


@pytest.mark.parametrize("named", [{}, {"source": "standard"}])
def test_a_ticket_is_known_by_the_source_of_standard_webhooks_too(
    named: Json, counter: Counter
) -> None:
    key = EarningKey(source="standard", kind="ticket", id="T-1")
    sale = replace(sold("30.00", customer="C-1"), purchase=key)
    assert counter.deployed.accrue(sale) == []
    assert counter.deployed.mature(replace(settled(), purchase=key)) == []
    answer = counter.redeem(points=501, ticket={**ticket("30.00", "T-1"), **named})
    refused(answer, "earned_on_same_ticket", requested=501, spendable=500)


def test_what_a_ticket_earned_cannot_be_spent_on_it(counter: Counter) -> None:
    counter.earn_on("T-1")
    answer = counter.redeem(points=501, ticket=ticket("30.00", "T-1"))
    refused(answer, "earned_on_same_ticket", requested=501, spendable=500)


def test_the_rest_can_be_spent_on_the_ticket_that_earned(counter: Counter) -> None:
    counter.earn_on("T-1")
    assert counter.redeem(points=500, ticket=ticket("30.00", "T-1")).status == 201


def test_the_yearly_cap_counts_what_was_redeemed_this_year(at: At) -> None:
    counter = at(yearly_amount_cap="3.00")
    assert counter.redeem(points=200).status == 201
    answer = counter.redeem(points=101, key="other")
    refused(answer, "yearly_cap_exceeded", yearly_cap="3.00", remaining="1.00")


@pytest.mark.parametrize("amount", ["1.001", "0.0001"])
def test_an_amount_that_is_no_whole_number_of_points_is_refused(
    amount: str, counter: Counter
) -> None:
    refused(counter.redeem(amount=amount), "amount_not_whole_points", amount=amount)


@pytest.mark.parametrize("asked", [{"points": MAX_POINTS + 1}, {"amount": "999999999.99"}])
def test_there_is_a_most_that_one_command_may_name(asked: Json, counter: Counter) -> None:
    refused(counter.redeem(**asked), "limit_exceeded", limit="points", maximum=MAX_POINTS)


@pytest.mark.parametrize("status", ["frozen", "closed", "erased", "merged"])
def test_a_member_who_is_not_active_redeems_nothing(status: Any, counter: Counter) -> None:  # noqa: ANN401 - a Literal of the domain
    counter.deployed.put_standing(counter.member_id, Standing(status=status))
    refused(counter.redeem(points=100), "member_inactive", member_status=status)


def test_an_unknown_member_is_not_found(deployed: Deployed) -> None:
    body = {"member_id": "mbr_unheardof", "points": 1}
    answer = deployed.ask(REDEEM, body=body, key="k")
    assert answer.refusal == (404, "not_found")


@pytest.mark.parametrize(
    ("rules", "points", "code"),
    [
        ({"paused": True, "minimum_amount": "9.00"}, 1, "redemption_paused"),
        ({"minimum_amount": "9.00"}, 501, "below_minimum"),
        ({}, 3_000, "ticket_too_low"),
        ({"yearly_amount_cap": "1.00"}, 531, "earned_on_same_ticket"),
        ({"yearly_amount_cap": "1.00", "ticket_must_exceed": False}, 500, "yearly_cap_exceeded"),
    ],
)
def test_of_several_reasons_the_first_in_order_is_told(
    rules: Json, points: int, code: str, at: At
) -> None:
    counter = at(**rules)
    counter.earn_on("T-1")
    answer = counter.redeem(points=points, ticket=ticket("30.00", "T-1"))
    assert answer.code == code


def test_a_refused_redemption_writes_nothing(at: At) -> None:
    counter = at(yearly_amount_cap="2.00", minimum_amount="1.00")
    before = counter.deployed.stored()
    for points in (1, 201, 501, MAX_POINTS + 1):
        assert counter.redeem(points=points, ticket=ticket("3.00")).status == 422
    assert counter.deployed.stored() == before


def test_when_others_win_every_attempt_the_client_may_try_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.store(), "commit", lambda _writes: Lost(unknown=True))
    monkeypatch.setattr(services, "_LONGEST_PAUSE_SECONDS", 0)
    answer = counter.redeem(points=100)
    assert answer.refusal == (409, ConflictError.code)
    assert answer.headers["retry-after"] == "1"


# --- Quotes ---------------------------------------------------------------------------------


def test_a_quote_has_exactly_the_published_shape(at: At) -> None:
    assert at(minimum_amount="2.00").quote(ticket=ticket("30.00")) == {
        "max_points": 500,
        "max_amount": "5.00",
        "minimum_amount": "2.00",
        "currency": "USD",
        "allowed": True,
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("rules", "body", "most"),
    [
        ({}, {}, 500),
        ({}, {"ticket": ticket("4.00")}, 399),
        ({"yearly_amount_cap": "3.00"}, {}, 300),
        ({"ticket_must_exceed": False}, {"ticket": ticket("4.00")}, 500),
    ],
)
def test_what_a_quote_says_is_redeemed_and_a_point_more_is_not(
    rules: Json, body: Json, most: int, at: At
) -> None:
    counter = at(**rules)
    assert counter.quote(**body)["max_points"] == most
    assert counter.redeem(points=most + 1, **body).status == 422
    assert counter.redeem(points=most, **body).status == 201


def test_a_quote_leaves_out_what_the_ticket_itself_earned(counter: Counter) -> None:
    counter.earn_on("T-1")
    assert counter.quote(ticket=ticket("100.00", "T-1"))["max_points"] == 500
    assert counter.quote(ticket=ticket("100.00"))["max_points"] == 530


@pytest.mark.parametrize(
    ("rules", "body", "reason"),
    [
        ({"paused": True}, {}, "redemption_paused"),
        ({"minimum_amount": "6.00"}, {}, "below_minimum"),
        ({}, {"ticket": ticket("0.01")}, "ticket_too_low"),
        ({"yearly_amount_cap": "0.00"}, {}, "yearly_cap_exceeded"),
    ],
)
def test_a_quote_says_what_forbids_all(rules: Json, body: Json, reason: str, at: At) -> None:
    answer = at(**rules).quote(**body)
    assert (answer["allowed"], answer["max_points"], answer["max_amount"]) == (False, 0, "0.00")
    assert reason in answer["reasons"]


def test_a_quote_writes_nothing(counter: Counter) -> None:
    before = counter.deployed.stored()
    counter.quote(ticket=ticket("30.00"))
    assert counter.deployed.stored() == before
