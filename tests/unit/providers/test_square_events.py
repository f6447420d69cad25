"""Square's events, in the shapes of its published examples, become these facts."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from points_ledger.adapters.providers import IncompletePayloadError
from points_ledger.adapters.providers.square import EVENTS
from points_ledger.contracts.messages import decode, encode
from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.fact import (
    Customer,
    CustomerSeen,
    CustomersMerged,
    Earner,
    Fact,
    Line,
    LineRefund,
    Payment,
    PaymentReceived,
    PaymentReversed,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from tests.unit.providers.payloads import Json, money
from tests.unit.providers.square_payloads import (
    CLOSED_AT,
    CREATED_AT,
    EVENT_AT,
    PAID_AT,
    REFUNDED_AT,
    RETURNED_AT,
    UPDATED_AT,
    Api,
    completed,
    customer,
    invoice,
    line,
    order,
    payment,
    read_square,
    refund,
    return_of,
    returned_line,
    told,
    usd,
)

PURCHASE = EarningKey(source="square", kind="order", id="order-1")
CUSTOMER = ExternalId(source="square", id="customer-1")
PAYMENT = PaymentKey(source="square", id="payment-1")
DANA = Customer(external_id=CUSTOMER, name="Dana Reyes", email="d@example.com", phone="+1312")


def when(text: str) -> datetime:
    return parse_instant(text)


def posted(updated_at: str = UPDATED_AT, who: Customer | None = None) -> PurchasePosted:
    return PurchasePosted(
        purchase=PURCHASE,
        snapshot=Snapshot(
            posted_at=when(CREATED_AT),
            updated_at=when(updated_at),
            currency="USD",
            lines=(Line(id="line-1", amount=money("50.00")),),
            total=money("50.00"),
            earner=Earner(external_id=CUSTOMER),
        ),
        customer=who or Customer(external_id=CUSTOMER),
    )


SETTLED = PurchaseSettled(purchase=PURCHASE, at=when(CLOSED_AT))
RECEIVED = PaymentReceived(
    purchase=PURCHASE,
    payment=Payment(id="payment-1", amount=money("50.00"), at=when(PAID_AT), currency="USD"),
    references=(PAYMENT,),
)
REFUNDED = PurchaseRefunded(
    payment=PAYMENT,
    refund=Refund(
        id="payment-1_refund-1", at=when(REFUNDED_AT), amount=money("10.00"), currency="USD"
    ),
)
RETURN_CANCELLED = RefundCancelled(purchase=PURCHASE, refund_id="return-1", at=when(RETURNED_AT))
REFUND_FAILED = RefundCancelled(
    payment=PAYMENT, refund_id="payment-1_refund-1", at=when("2026-09-04T09:05:00.000Z")
)
RETURNED = PurchaseRefunded(
    purchase=PURCHASE,
    refund=Refund(
        id="return-1",
        at=when(RETURNED_AT),
        lines=(LineRefund(line_id="line-1", amount=money("10.00")),),
        currency="USD",
        settles=("payment-1_refund-1",),
    ),
)
MERGE = {
    "merge": {"from_customer_ids": ["customer-8", "customer-9"], "to_customer_id": "customer-1"}
}
MERGED = tuple(
    CustomersMerged(former=ExternalId(source="square", id=former), into=CUSTOMER, at=when(EVENT_AT))
    for former in ("customer-8", "customer-9")
)

CASES: list[tuple[str, str, Callable[[], Json], tuple[Fact, ...]]] = [
    ("whole, open", "order.created", lambda: {"order": order()}, (posted(),)),
    ("whole, updated", "order.updated", lambda: {"order_updated": order()}, (posted(),)),
    (
        "whole, completed",
        "order.updated",
        lambda: {"order": completed()},
        (posted(EVENT_AT), SETTLED),
    ),
    ("a draft", "order.created", lambda: {"order_created": told("DRAFT")}, ()),
    (
        "cancelled, without its lines",
        "order.updated",
        lambda: {"order_updated": told("CANCELED")},
        (PurchaseVoided(purchase=PURCHASE, at=when(UPDATED_AT)),),
    ),
    (
        "cancelled, with its lines",
        "order.updated",
        lambda: {"order": order(state="CANCELED", closed_at=CLOSED_AT)},
        (PurchaseVoided(purchase=PURCHASE, at=when(CLOSED_AT)),),
    ),
    (
        "the last fulfilment",
        "order.fulfillment.updated",
        lambda: {"order_fulfillment_updated": told("COMPLETED"), "order": completed()},
        (posted(EVENT_AT), SETTLED),
    ),
    ("a return", "order.updated", lambda: {"order": return_of()}, (RETURNED,)),
    (
        "a return that is still open",
        "order.updated",
        lambda: {"order": return_of(state="OPEN")},
        (),
    ),
    (
        "a return whose money did not go back",
        "order.updated",
        lambda: {"order": return_of(refunds=[{"id": "refund-1", "status": "REJECTED"}])},
        (RETURN_CANCELLED,),
    ),
    (
        "a return of an amount, as the refunds API makes it",
        "order.updated",
        lambda: {"order": return_of(returned_line(uid=None, item_type="CUSTOM_AMOUNT"))},
        (),
    ),
    ("a return of no sale", "order.updated", lambda: {"order": return_of(source=None)}, ()),
    ("a payment", "payment.updated", lambda: {"payment": payment()}, (RECEIVED,)),
    ("a payment at once", "payment.created", lambda: {"payment": payment()}, (RECEIVED,)),
    ("approved", "payment.created", lambda: {"payment": payment(status="APPROVED")}, ()),
    ("on its way", "payment.created", lambda: {"payment": payment(status="PENDING")}, ()),
    ("for no order", "payment.updated", lambda: {"payment": payment(order_id=None)}, ()),
    *(
        (
            f"{status.lower()} payment",
            "payment.updated",
            lambda status=status: {"payment": payment(status=status)},
            (
                PaymentReversed(
                    purchase=PURCHASE,
                    payment_id="payment-1",
                    at=when("2026-09-02T12:30:00.900Z"),
                ),
            ),
        )
        for status in ("CANCELED", "FAILED")
    ),
    ("money back", "refund.updated", lambda: {"refund": refund()}, (REFUNDED,)),
    ("money back at once", "refund.created", lambda: {"refund": refund()}, (REFUNDED,)),
    ("money on its way", "refund.created", lambda: {"refund": refund(status="PENDING")}, ()),
    (
        "failed refund",
        "refund.updated",
        lambda: {"refund": refund(status="FAILED")},
        (REFUND_FAILED,),
    ),
    (
        "rejected refund",
        "refund.updated",
        lambda: {"refund": refund(status="REJECTED")},
        (REFUND_FAILED,),
    ),
    (
        "of no payment, but an order",
        "refund.updated",
        lambda: {"refund": refund(payment_id=None, order_id="order-1")},
        (PurchaseRefunded(purchase=PURCHASE, refund=REFUNDED.refund),),
    ),
    (
        "of nothing sold",
        "refund.updated",
        lambda: {"refund": refund(payment_id=None, order_id=None)},
        (),
    ),
    ("unlinked", "refund.updated", lambda: {"refund": refund(unlinked=True)}, ()),
    (
        "not sent yet",
        "invoice.updated",
        lambda: {"invoice": invoice(status="SCHEDULED")},
        (),
    ),
    ("a draft invoice", "invoice.updated", lambda: {"invoice": invoice(status="DRAFT")}, ()),
    (
        "an invoice that was cancelled",
        "invoice.updated",
        lambda: {"invoice": invoice(status="CANCELED")},
        (PurchaseVoided(purchase=PURCHASE, at=when(UPDATED_AT)),),
    ),
    (
        "cancelled, by the event",
        "invoice.canceled",
        lambda: {"invoice": invoice(status="CANCELED")},
        (PurchaseVoided(purchase=PURCHASE, at=when(UPDATED_AT)),),
    ),
    (
        "paid invoice",
        "invoice.payment_made",
        lambda: {"invoice": invoice(status="PAID")},
        (PurchaseSettled(purchase=PURCHASE, at=when(UPDATED_AT)),),
    ),
    (
        "an instalment",
        "invoice.payment_made",
        lambda: {"invoice": invoice(status="PARTIALLY_PAID")},
        (),
    ),
    ("a refund says it", "invoice.refunded", lambda: {"invoice": invoice()}, ()),
    (
        "someone new",
        "customer.created",
        lambda: {"customer": customer()},
        (CustomerSeen(customer=DANA, at=when(EVENT_AT)),),
    ),
    (
        "someone made of two",
        "customer.created",
        lambda: {"customer": customer(), "event_context": MERGE},
        (CustomerSeen(customer=DANA, at=when(EVENT_AT)), *MERGED),
    ),
    (
        "someone without a name",
        "customer.updated",
        lambda: {
            "customer": customer(
                given_name=None, family_name="", email_address=None, phone_number=None
            )
        },
        (CustomerSeen(customer=Customer(external_id=CUSTOMER), at=when(EVENT_AT)),),
    ),
    ("gone at Square", "customer.deleted", lambda: {"customer": customer()}, ()),
    (
        "gone into another",
        "customer.deleted",
        lambda: {"customer": customer(id="customer-8"), "event_context": MERGE},
        MERGED,
    ),
    ("a type that means nothing here", "payout.sent", lambda: {"payout": {}}, ()),
]


@pytest.mark.parametrize(
    ("type_", "subject", "expected"),
    [case[1:] for case in CASES],
    ids=[f"{type_}: {name}" for name, type_, _, _ in CASES],
)
def test_event_becomes_these_facts(
    type_: str, subject: Callable[[], Json], expected: tuple[Fact, ...]
) -> None:
    facts = read_square(type_, subject())
    assert facts == expected
    assert tuple(decode(encode(fact)) for fact in facts) == expected


def test_every_event_type_has_a_case() -> None:
    tested = {type_ for _, type_, _, _ in CASES} | {type_ for type_, _ in BY_NAME}
    assert tested == {*EVENTS, "payout.sent"}


BY_NAME: list[tuple[str, Json]] = [
    ("order.created", {"order_created": told()}),
    ("order.updated", {"order_updated": told("COMPLETED")}),
    ("order.fulfillment.updated", {"order_fulfillment_updated": told()}),
    ("invoice.published", {"invoice": invoice()}),
    ("invoice.updated", {"invoice": invoice(status="PARTIALLY_PAID")}),
]
"""Messages that name an order without saying what is in it, as Square sends them."""


class TestCompletion:
    @pytest.mark.parametrize(("type_", "subject"), BY_NAME)
    def test_an_order_without_lines_is_incomplete(self, type_: str, subject: Json) -> None:
        with pytest.raises(IncompletePayloadError) as caught:
            read_square(type_, subject)
        assert caught.value.code == "payload_incomplete"
        assert "order-1" in caught.value.missing

    @pytest.mark.parametrize(("type_", "subject"), BY_NAME)
    def test_an_order_is_fetched_as_it_stands_now(self, type_: str, subject: Json) -> None:
        api = Api(completed())
        facts = read_square(type_, subject, api.get)
        named = DANA if type_.startswith("invoice") else None
        assert facts == (posted(EVENT_AT, named), SETTLED)
        assert api.asked == ["/v2/orders/order-1"]

    def test_what_is_there_is_not_fetched(self) -> None:
        api = Api()
        assert read_square("order.updated", {"order": order()}, api.get) == (posted(),)
        assert read_square("order.updated", {"order": return_of()}, api.get) == (RETURNED,)
        assert read_square("order.updated", {"order_updated": told("DRAFT")}, api.get) == ()
        assert api.asked == []

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("DRAFT", ()),
            ("CANCELED", (PurchaseVoided(purchase=PURCHASE, at=when(UPDATED_AT)),)),
        ],
    )
    def test_the_state_of_what_was_fetched_counts(
        self, state: str, expected: tuple[Fact, ...]
    ) -> None:
        api = Api(order(state=state))
        assert read_square("order.updated", {"order_updated": told()}, api.get) == expected

    def test_a_payment_brings_its_order(self) -> None:
        api = Api(completed())
        facts = read_square("payment.updated", {"payment": payment()}, api.get)
        assert facts == (posted(EVENT_AT), SETTLED, RECEIVED)

    def test_a_payment_that_is_none_fetches_nothing(self) -> None:
        api = Api()
        for status in ("APPROVED", "CANCELED"):
            read_square("payment.updated", {"payment": payment(status=status)}, api.get)
        assert api.asked == []

    def test_whoever_paid_earns_where_the_order_names_nobody(self) -> None:
        api = Api(completed(customer_id=None))
        facts = read_square("payment.updated", {"payment": payment()}, api.get)
        assert facts == (RECEIVED,)
        facts = read_square(
            "payment.updated", {"payment": payment(customer_id="customer-1")}, api.get
        )
        assert facts == (posted(EVENT_AT), SETTLED, RECEIVED)

    def test_the_last_instalment_brings_the_order_too(self) -> None:
        api = Api(completed())
        paid = {"invoice": invoice(status="PAID")}
        settled = PurchaseSettled(purchase=PURCHASE, at=when(UPDATED_AT))
        facts = read_square("invoice.payment_made", paid, api.get)
        assert facts == (posted(EVENT_AT, DANA), SETTLED, settled)

    def test_a_refund_is_read_by_line_and_counts_once(self) -> None:
        api = Api(return_of(refunds=None))
        facts = read_square("refund.updated", {"refund": refund()}, api.get)
        assert facts == (RETURNED, REFUNDED)
        assert api.asked == ["/v2/orders/return-1"]

    def test_a_refund_of_an_amount_is_no_refund_of_lines(self) -> None:
        for other in (
            return_of(returned_line(uid=None)),
            return_of(returned_line(), returned_line(uid=None)),
            return_of(source=None),
            completed(id="return-1"),
        ):
            api = Api(other)
            assert read_square("refund.updated", {"refund": refund()}, api.get) == (REFUNDED,)

    def test_a_refund_that_failed_gives_the_lines_back(self) -> None:
        failed = [{"id": "payment-1_refund-1", "status": "FAILED"}]
        for made in (return_of(), return_of(refunds=failed), return_of(refunds=None)):
            told = {"refund": refund(status="FAILED")}
            facts = read_square("refund.updated", told, Api(made).get)
            assert facts == (RETURN_CANCELLED, REFUND_FAILED)

    @pytest.mark.parametrize("id_", ["../customers", "a/b", "a?b", "a b", "%2e", "ü"])
    def test_an_id_that_no_path_can_hold_is_refused(self, id_: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            read_square("order.updated", {"order_updated": told(order_id=id_)}, Api().get)
        assert caught.value.errors[0].field == "data.object.order_updated.order_id"

    def test_an_answer_that_is_no_order_is_refused(self) -> None:
        with pytest.raises(InvalidRequestError):
            read_square("order.updated", {"order_updated": told()}, lambda _: {"errors": []})


def _snapshot(sent: Json) -> Snapshot:
    fact, *_ = read_square("order.updated", {"order": sent})
    assert isinstance(fact, PurchasePosted)
    return fact.snapshot


def _line_of(sent: Json) -> Line:
    (read_line,) = _snapshot(order(sent)).lines
    return read_line


def _refusal(type_: str, subject: Json) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        read_square(type_, subject)
    (error,) = caught.value.errors
    return error.field, error.message


class TestOrder:
    def test_member_named_in_its_metadata_earns(self) -> None:
        earner = _snapshot(order(metadata={"points_member": "M-7"})).earner
        assert earner == Earner(external_id=CUSTOMER, member_id=MemberId("M-7"))

    @pytest.mark.parametrize("metadata", [None, {}, {"points_member": ""}, {"other": "M-7"}])
    def test_customer_earns_where_the_metadata_names_nobody(self, metadata: object) -> None:
        assert _snapshot(order(metadata=metadata)).earner == Earner(external_id=CUSTOMER)

    @pytest.mark.parametrize("named", [None, ""])
    def test_customer_may_be_named_with_a_tender(self, named: str | None) -> None:
        tenders = [{"id": "a"}, {"id": "b", "customer_id": "customer-1"}]
        sent = order(customer_id=named, tenders=tenders)
        assert _snapshot(sent).earner == Earner(external_id=CUSTOMER)

    def test_of_nobody_is_ignored(self) -> None:
        sent = {"order": completed(customer_id=None, metadata={"points_member": "M-7"})}
        assert read_square("order.updated", sent) == ()

    def test_of_nobody_still_takes_back_what_was_sold_before(self) -> None:
        exchanged = return_of() | {"line_items": [line()], "total_money": usd(5_000)}
        assert read_square("order.updated", {"order": exchanged}) == (RETURNED,)

    def test_may_sell_and_take_back_at_once(self) -> None:
        exchanged = completed(id="order-2", returns=return_of()["returns"], closed_at=RETURNED_AT)
        sold, settled, back = read_square("order.updated", {"order": exchanged})
        assert isinstance(sold, PurchasePosted)
        assert isinstance(settled, PurchaseSettled)
        assert (
            sold.purchase
            == settled.purchase
            == EarningKey(source="square", kind="order", id="order-2")
        )
        assert isinstance(back, PurchaseRefunded)
        assert (back.purchase, back.refund.settles) == (PURCHASE, ())

    def test_owes_everything_but_the_tip(self) -> None:
        sent = order(total=6_234, total_tip_money=usd(1_000))
        assert _snapshot(sent).total == money("52.34")

    def test_that_was_emptied_has_no_lines(self) -> None:
        snapshot = _snapshot(order(total=0, line_items=[]))
        assert not snapshot.lines
        assert snapshot.total == 0

    def test_in_another_currency_is_in_its_units(self) -> None:
        for currency, amount in (("JPY", "5000"), ("KWD", "5.000")):
            sold = {"amount": 5_000, "currency": currency}
            nothing = {"amount": 0, "currency": currency}
            sent = line(
                total_money=sold, total_tax_money=nothing, total_service_charge_money=nothing
            )
            snapshot = _snapshot(order(sent, total_money=sold, total_tip_money=nothing))
            assert (snapshot.currency, snapshot.total) == (currency, money(amount))
            assert snapshot.lines[0].amount == money(amount)

    def test_is_as_new_as_it_says_itself_else_as_its_event(self) -> None:
        assert _snapshot(order(updated_at="2026-09-02T13:00:00Z")).updated_at == when(
            "2026-09-02T13:00:00Z"
        )
        assert _snapshot(order(updated_at=None)).updated_at == when(EVENT_AT)
        assert _snapshot(order(created_at=None)).posted_at == when(EVENT_AT)

    @pytest.mark.parametrize("name", ["id", "total_money"])
    def test_needs_what_it_is_made_of(self, name: str) -> None:
        field, _ = _refusal("order.updated", {"order": order() | {name: None}})
        assert field in {f"data.object.order.{name}", "data.object.order.order_id"}

    def test_needs_nothing_else(self) -> None:
        used = {"id", "total_money", "line_items", "customer_id", "created_at", "updated_at"}
        for name in set(order()) - used:
            without = order()
            del without[name]
            for sent in (without, order() | {name: None}):
                assert read_square("order.updated", {"order": sent}) == (posted(),), name

    def test_needs_an_order(self) -> None:
        assert _refusal("order.updated", {}) == ("data.object.order", "is required")


class TestLine:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, "50.00"),
            ({"total_tax_money": None, "total_service_charge_money": None}, "50.00"),
            ({"total_tax_money": usd(400)}, "46.00"),
            ({"total_discount_money": usd(1_000), "gross_sales_money": usd(6_000)}, "50.00"),
            ({"total_service_charge_money": usd(250)}, "47.50"),
            ({"total_tax_money": usd(5_000)}, "0.00"),
        ],
    )
    def test_is_net_of_discounts_tax_and_service_charges(
        self, changes: Json, expected: str
    ) -> None:
        assert _line_of(line(**changes)).amount == money(expected)

    def test_below_zero_is_refused(self) -> None:
        field, message = _refusal("order.updated", {"order": order(line(total=-1))})
        assert field == "data.object.order.line_items.0.total_money"
        assert "at least 0" in message

    def test_names_its_variation_and_category(self) -> None:
        sent = line(catalog_object_id="V1", metadata={"points_category": "retail"})
        read_line = _line_of(sent)
        assert (read_line.item, read_line.product, read_line.category) == ("V1", None, "retail")

    @pytest.mark.parametrize(
        ("quantity", "expected"),
        [("3", "3"), ("2.25", "2.25"), ("1.70000", "1.7"), ("0.12345", "0.1234"), (None, "1")],
    )
    def test_counts_pieces_and_weighs(self, quantity: str | None, expected: str) -> None:
        assert _line_of(line(quantity=quantity)).quantity == Decimal(expected)

    @pytest.mark.parametrize("quantity", ["-1", "a", "", "1e3", "NaN", "1,5", 2])
    def test_needs_a_quantity_that_is_one(self, quantity: object) -> None:
        field, _ = _refusal("order.updated", {"order": order(line(quantity=quantity))})
        assert field == "data.object.order.line_items.0.quantity"

    def test_a_gift_card_is_not_sold_yet(self) -> None:
        card = line("card", 2_500, item_type="GIFT_CARD")
        snapshot = _snapshot(order(line(), card, total=7_500))
        assert [each.id for each in snapshot.lines] == ["line-1"]
        assert snapshot.total == money("75.00")


class TestPayment:
    def test_counts_without_its_tip(self) -> None:
        (received,) = read_square("payment.updated", {"payment": payment()})
        assert isinstance(received, PaymentReceived)
        assert received.payment.amount == money("50.00")

    @pytest.mark.parametrize("details", [None, {}, {"card_payment_timeline": {}}])
    def test_counts_when_it_was_made_where_it_was_not_captured(self, details: object) -> None:
        sent = payment(card_details=details)
        (received,) = read_square("payment.updated", {"payment": sent})
        assert isinstance(received, PaymentReceived)
        assert received.payment.at == when("2026-09-02T12:29:30.250Z")

    def test_is_the_same_fact_in_every_later_event(self) -> None:
        later = payment(updated_at="2026-09-09T00:00:00Z", refunded_money=usd(1_000))
        assert read_square("payment.updated", {"payment": later}) == (RECEIVED,)


class TestReturn:
    def test_is_net_like_the_line(self) -> None:
        back = returned_line(
            total=1_100, total_tax_money=usd(80), total_service_charge_money=usd(20)
        )
        (fact,) = read_square("order.updated", {"order": return_of(back)})
        assert fact == RETURNED

    def test_adds_up_what_belongs_to_one_line(self) -> None:
        lines = [returned_line(300), returned_line(700), returned_line(200, "line-2")]
        (fact,) = read_square("order.updated", {"order": return_of(*lines)})
        assert isinstance(fact, PurchaseRefunded)
        assert fact.refund.lines == (
            LineRefund(line_id="line-1", amount=money("10.00")),
            LineRefund(line_id="line-2", amount=money("2.00")),
        )

    def test_of_several_sales_is_one_refund_for_each(self) -> None:
        entries = [*return_of()["returns"], *return_of(source="order-2")["returns"]]
        facts = read_square("order.updated", {"order": return_of(returns=entries)})
        assert [fact.purchase for fact in facts if isinstance(fact, PurchaseRefunded)] == [
            PURCHASE,
            EarningKey(source="square", kind="order", id="order-2"),
        ]
