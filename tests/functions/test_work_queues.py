"""accrual and maturation: batches of facts from the queues, good ones and poisoned ones."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.contracts.messages import encode
from points_ledger.domain.fact import (
    ActionPerformed,
    Customer,
    CustomerSeen,
    Earner,
    Fact,
    Payment,
    PaymentReceived,
    PaymentReversed,
    PurchaseRefunded,
    PurchaseVoided,
    Refund,
)
from points_ledger.domain.identity import EarningKey, ExternalId
from points_ledger.runtime.settings import SettingsError
from points_ledger.service.recording import MAX_FACT_LEAD
from tests.functions import records
from tests.functions.deployed import (
    EMAIL,
    NAME,
    NOW,
    PHONE,
    SALE,
    Context,
    Deploy,
    Deployed,
    failures,
    program,
    settled,
    sold,
    ticket,
)

Json = dict[str, Any]

EITHER = pytest.mark.parametrize("function", ["accrual", "maturation"])


def paid(amount: str, payment: str = "P-1", id_: str = "T-1") -> PaymentReceived:
    given = Payment(id=payment, amount=Decimal(amount), at=SALE, currency="USD")
    return PaymentReceived(purchase=ticket(id_), payment=given)


def refunded(amount: str, id_: str = "T-1") -> PurchaseRefunded:
    return PurchaseRefunded(
        purchase=ticket(id_), refund=Refund(id="R-1", at=SALE, amount=Decimal(amount))
    )


def changed(fact: Fact, *path: str, to: object) -> str:
    """The message of a fact with one value replaced."""
    document = json.loads(encode(fact))
    *way, last = path
    place = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = to
    return json.dumps(document)


# --- Good facts -----------------------------------------------------------------------------


def test_an_unknown_customer_is_enrolled_by_the_first_purchase(deployed: Deployed) -> None:
    assert deployed.accrue(sold("100.00")) == []
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    assert deployed.types(member_id) == ["enrolment", "accrual"]


def test_an_enrolled_customer_has_the_profile_that_the_purchase_told(deployed: Deployed) -> None:
    deployed.accrue(sold())
    answer = deployed.ask("GET /members", query={"external_id": "pos:C-1"})
    [member] = answer.body["members"]
    told = {name: member[name] for name in ("name", "email", "phone")}
    assert told == {"name": NAME, "email": EMAIL, "phone": PHONE}


def test_an_entry_names_the_webhook_that_told_the_fact(deployed: Deployed) -> None:
    deployed.accrue(sold())
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    assert {entry["actor"] for entry in deployed.entries(member_id)} == {"webhook:standard"}


def test_a_known_customer_earns_on_the_account_that_staff_opened(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("100.00"))
    assert deployed.balance(member_id)["pending"] == 100


@pytest.mark.parametrize("order", [["sold", "paid"], ["paid", "sold"]])
def test_points_mature_when_sold_and_paid_in_any_order(
    order: list[str], deployed: Deployed
) -> None:
    member_id = deployed.enrol("C-1")
    steps: dict[str, Callable[[], list[str]]] = {
        "sold": lambda: deployed.accrue(sold("100.00")),
        "paid": lambda: deployed.mature(paid("100.00")),
    }
    assert [steps[step]() for step in order] == [[], []]
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["pending"]) == (100, 0)


def test_a_payment_that_bounces_takes_the_points_back_to_pending(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("100.00"))
    bounced = PaymentReversed(purchase=ticket("T-1"), payment_id="P-1", at=SALE)
    assert deployed.mature(paid("100.00"), bounced) == []
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["pending"]) == (0, 100)


@pytest.mark.parametrize(
    ("fact", "left"),
    [
        (refunded("40.00"), 60),
        (refunded("100.00"), 0),
        (PurchaseVoided(purchase=ticket("T-1"), at=SALE), 0),
    ],
)
def test_what_is_given_back_earns_no_points(fact: Fact, left: int, deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    assert deployed.accrue(sold("100.00"), fact) == []
    assert deployed.balance(member_id)["pending"] == left


def test_an_action_earns_by_its_rule(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    key = EarningKey(source="pos", kind="action", id="A-1")
    earner = Earner(external_id=ExternalId(source="pos", id="C-1"))
    action = ActionPerformed(key=key, action="signup", earner=earner, at=SALE)
    assert deployed.accrue(action) == []
    assert deployed.balance(member_id)["available"] == 100


def test_a_customer_seen_is_enrolled_without_points(deployed: Deployed) -> None:
    customer = Customer(external_id=ExternalId(source="pos", id="C-1"), name=NAME)
    assert deployed.accrue(CustomerSeen(customer=customer, at=SALE)) == []
    assert deployed.printed.line()["message"] == "enrolled"
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    assert deployed.types(member_id) == ["enrolment"]


def test_a_manual_program_stores_the_purchase_of_an_unknown_customer(deploy: Deploy) -> None:
    deployed = deploy(program(enrolment="manual"))
    assert deployed.accrue(sold()) == []
    assert deployed.printed.line()["message"] == "waiting"
    assert deployed.member_of("C-1") is None


def test_in_analysis_mode_nothing_is_posted(deploy: Deploy) -> None:
    deployed = deploy(program(mode="analysis"))
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 100)
    assert deployed.types(member_id) == ["enrolment"]


# --- Again ----------------------------------------------------------------------------------


@EITHER
def test_the_same_batch_again_changes_nothing_at_all(function: str, deployed: Deployed) -> None:
    batch = (sold("100.00"), refunded("10.00")) if function == "accrual" else (paid("100.00"),)
    deployed.accrue(sold("100.00"))
    assert deployed.take(function, *batch) == []
    before = deployed.stored()
    assert deployed.take(function, *batch) == []
    assert deployed.printed.messages == ["duplicate"] * len(batch)
    assert deployed.stored() == before


def test_a_fact_twice_in_one_batch_is_posted_once(deployed: Deployed) -> None:
    assert deployed.accrue(sold("100.00"), sold("100.00")) == []
    assert deployed.printed.messages == ["posted", "duplicate"]


# --- Poisoned messages ----------------------------------------------------------------------

MALFORMED = {
    "empty": "",
    "not JSON": "purchase",
    "a list": "[]",
    "no type": "{}",
    "an unknown type": '{"type": "purchase_admired"}',
    "set aside by the webhooks": json.dumps(
        {"type": "refused", "reason": "payload_incomplete", "provider": "stripe", "event_id": "e"}
    ),
    "nested beyond reason": "[" * 100_000,
    "a float as total": changed(sold(), "snapshot", "total", to=100.0),
    "a number as amount": changed(sold(), "snapshot", "lines", "0", "amount", to=100),
    "a negative total": changed(sold(), "snapshot", "total", to="-1.00"),
    "a total that is no number": changed(sold(), "snapshot", "total", to="NaN"),
    "an endless total": changed(sold(), "snapshot", "total", to="Infinity"),
    "too large a total": changed(sold(), "snapshot", "total", to="1000000000.00"),
    "too fine a total": changed(sold(), "snapshot", "total", to="1.00001"),
    "an unknown currency": changed(sold(), "snapshot", "currency", to="DOLLARS"),
    "a time without a zone": changed(sold(), "snapshot", "posted_at", to="2026-09-02T12:00:00"),
    "a control character in an id": changed(sold(), "purchase", "id", to="T\u0000"),
    "an id of 2,000 characters": changed(sold(), "purchase", "id", to="T" * 2_000),
    "a lone surrogate in an id": changed(sold(), "purchase", "id", to="\ud800"),
    "no id": changed(sold(), "purchase", "id", to=""),
    "a customer without an id": changed(
        sold(), "snapshot", "earner", "external_id", to={"source": "pos", "id": ""}
    ),
    "a source with a number sign": changed(sold(), "purchase", "source", to="pos#ticket"),
    "an unknown field": changed(sold(), "extra", to=1),
    "a negative payment": changed(paid("1.00"), "payment", "amount", to="-1.00"),
    "a negative refund": changed(refunded("1.00"), "refund", "amount", to="-1.00"),
}


@pytest.mark.parametrize("poison", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_is_refused(poison: str, cut_off: Deployed) -> None:
    assert cut_off.accrue(poison) == ["message-1"]
    line = cut_off.printed.line()
    assert (line["message"], line["code"]) == ("refused", "fact_malformed")


@EITHER
def test_poisoned_messages_come_again_and_the_rest_is_recorded(
    function: str, deployed: Deployed
) -> None:
    batch = (sold(), "[]", sold(id_="T-2"), MALFORMED["nested beyond reason"], sold(id_="T-3"))
    assert deployed.take(function, *batch) == ["message-2", "message-4"]
    assert deployed.printed.messages == ["posted", "refused", "posted", "refused", "posted"]


def test_refused_messages_leave_nothing_behind(deployed: Deployed) -> None:
    before = deployed.stored()
    deployed.accrue(*MALFORMED.values())
    assert deployed.stored() == before


@EITHER
def test_a_fact_dated_beyond_a_day_ahead_is_refused(function: str, deployed: Deployed) -> None:
    ahead = NOW + MAX_FACT_LEAD + timedelta(seconds=1)
    fact: Fact = sold(at=ahead) if function == "accrual" else settled(at=ahead)
    assert deployed.take(function, fact) == ["message-1"]
    assert deployed.printed.line()["code"] == "fact_in_the_future"


def test_a_fact_dated_up_to_a_day_ahead_is_recorded(deployed: Deployed) -> None:
    assert deployed.accrue(sold(at=NOW + MAX_FACT_LEAD)) == []


@pytest.mark.parametrize(
    ("function", "first", "second"),
    [
        ("maturation", paid("100.00"), paid("90.00")),
        ("accrual", refunded("10.00"), refunded("20.00")),
    ],
)
def test_a_fact_that_contradicts_a_stored_one_is_refused(
    function: str, first: Fact, second: Fact, deployed: Deployed
) -> None:
    deployed.accrue(sold("100.00"))
    assert deployed.take(function, first, second) == ["message-2"]
    [_, refused] = deployed.printed.lines
    assert (refused["message"], refused["code"]) == ("refused", "fact_contradicts_stored")


def test_an_error_of_the_table_fails_its_message_and_no_other(deployed: Deployed) -> None:
    deployed.accrue(sold("1.00", id_="T-0", customer="C-0"))
    link = deployed.stored()["EXTERNAL#pos#C-0 EXTERNAL"]
    deployed.overwrite({**link, "format": {"N": "99"}})
    batch = (
        sold(id_="T-1", customer="C-1"),
        sold(id_="T-2", customer="C-0"),
        sold(id_="T-3", customer="C-3"),
    )
    assert deployed.accrue(*batch) == ["message-2"]
    assert deployed.printed.messages == ["posted", "failed", "posted"]


# --- Ids --------------------------------------------------------------------------------------


def test_an_id_is_taken_whatever_is_in_it_and_none_can_pass_for_another(
    deployed: Deployed,
) -> None:
    ids = ["a#b", "a%23b", "a%2523b", "a%b", "a:b", "ab", "é", "日本", "🐢", "T" * 255, " x "]
    assert deployed.accrue(*(sold(id_=each, customer=each) for each in ids)) == []
    members = {deployed.member_of(each) for each in ids}
    assert (len(members), None in members) == (len(ids), False)


def test_ids_are_equal_after_normalisation(deployed: Deployed) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    first = sold("100.00", id_=composed, customer=composed)
    again = changed(first, "purchase", "id", to=decomposed)
    assert deployed.accrue(first, again) == []
    assert deployed.printed.messages == ["posted", "duplicate"]


# --- Invocations ------------------------------------------------------------------------------


@EITHER
def test_when_time_runs_out_what_was_not_begun_comes_again(
    function: str, deployed: Deployed
) -> None:
    batch = [sold(id_=f"T-{n}", customer=f"C-{n}") for n in range(4)]
    context = Context(60_000, 60_000, 14_999)
    answer = deployed.invoke(function, records.facts(*batch), context)
    assert failures(answer) == ["message-3", "message-4"]
    assert deployed.printed.messages == ["posted", "posted", "postponed", "postponed"]


@EITHER
def test_without_a_program_every_message_comes_again(function: str, deploy: Deploy) -> None:
    deployed = deploy(None)
    assert deployed.take(function, sold()) == ["message-1"]
    assert deployed.printed.line()["code"] == "ledger_inconsistent"


@EITHER
def test_without_its_settings_a_function_takes_no_message(
    function: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(SettingsError):
        deployed.take(function, sold())


def test_a_line_says_which_fact_of_which_purchase_ended_how(deployed: Deployed) -> None:
    deployed.accrue(sold())
    line = deployed.printed.line()
    assert (line["message"], line["correlation_id"]) == ("posted", "request-1")
    assert line["ids"] == {
        "message_id": "message-1",
        "fact": "purchase_posted",
        "earning": "pos:ticket:T-1",
        "entries": 1,
    }


def test_a_refused_message_says_how_often_it_came(deployed: Deployed) -> None:
    poison = records.message('{"type": "refused"}', "m", actor=None, received=5)
    assert failures(deployed.invoke("accrual", records.batch(poison))) == ["m"]
    assert deployed.printed.line()["ids"]["received"] == "5"


def test_a_customer_who_is_renamed_is_found_by_the_new_name_alone(deployed: Deployed) -> None:
    external_id = ExternalId(source="pos", id="C-1")
    for name, at in (("Dana Reyes", SALE), ("Dana Osei", deployed.clock())):
        customer = Customer(external_id=external_id, name=name)
        assert deployed.accrue(CustomerSeen(customer=customer, at=at + timedelta(minutes=1))) == []
    found = {
        name: len(deployed.ask("GET /members", query={"name": name}).body["members"])
        for name in ("dana reyes", "dana osei")
    }
    assert found == {"dana reyes": 0, "dana osei": 1}
