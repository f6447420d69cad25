"""Shopify's topics, in the shapes of its published examples, become these facts."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from points_ledger.adapters.providers import PROVIDERS, PrivacyRequestError
from points_ledger.adapters.providers.shopify import EVENTS
from points_ledger.adapters.providers.signature import Sent
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
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from tests.unit.providers.payloads import NOW, Json, money
from tests.unit.providers.shopify_payloads import (
    CANCELLED_AT,
    CREATED_AT,
    CUSTOMER,
    LOUNGER,
    ORDER,
    PAID_AT,
    PROCESSED_AT,
    REFUND,
    REFUNDED_AT,
    SHIRT,
    UPDATED_AT,
    adjustment,
    allocated,
    bag,
    customer,
    line,
    merge,
    order,
    read_shopify,
    refund,
    refunded_line,
    shipping_line,
    taxed,
    transaction,
)

PURCHASE = EarningKey(source="shopify", kind="order", id=str(ORDER))
JOHN = ExternalId(source="shopify", id=str(CUSTOMER))
A_MOMENT = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return parse_instant(text)


POSTED = PurchasePosted(
    purchase=PURCHASE,
    snapshot=Snapshot(
        posted_at=at(PROCESSED_AT),
        updated_at=at(UPDATED_AT),
        currency="USD",
        lines=(
            Line(
                id=str(SHIRT),
                amount=money("80.00"),
                item="SKU2006-001",
                product="788032119674292922",
            ),
        ),
        total=money("80.00"),
        earner=Earner(external_id=JOHN),
    ),
    customer=Customer(external_id=JOHN, name="John Smith", email="john@example.com"),
)
SETTLED_AT_CHECKOUT = PurchaseSettled(purchase=PURCHASE, at=at(PROCESSED_AT))
SETTLED = PurchaseSettled(purchase=PURCHASE, at=at(UPDATED_AT))
VOIDED = PurchaseVoided(purchase=PURCHASE, at=at(CANCELLED_AT))
PAID = PaymentReceived(
    purchase=PURCHASE,
    payment=Payment(id="120560818172775265", amount=money("80.00"), at=at(PAID_AT), currency="USD"),
)
LINE_REFUNDED = PurchaseRefunded(
    purchase=PURCHASE,
    refund=Refund(
        id=str(REFUND),
        at=at(REFUNDED_AT),
        lines=(LineRefund(line_id=str(SHIRT), amount=money("80.00")),),
        currency="USD",
    ),
)
REFUND_CANCELLED = RefundCancelled(purchase=PURCHASE, refund_id=str(REFUND), at=at(REFUNDED_AT))


def money_refunded(amount: str, currency: str | None = None) -> PurchaseRefunded:
    given_back = Refund(id=str(REFUND), at=at(REFUNDED_AT), amount=money(amount), currency=currency)
    return PurchaseRefunded(purchase=PURCHASE, refund=given_back)


def failed(amount: str) -> Json:
    return transaction("refund", amount, "failure", currency=None)


def cancelled_order() -> Json:
    refunds = [refund(refunded_line(), paid_back="80.00")]
    return order(cancelled_at=CANCELLED_AT, financial_status="refunded", refunds=refunds)


CASES: list[tuple[str, str, Callable[[], object], tuple[Fact, ...]]] = [
    ("posted", "orders/create", order, (POSTED,)),
    (
        "paid at the checkout",
        "orders/create",
        lambda: order(financial_status="paid"),
        (POSTED, SETTLED_AT_CHECKOUT),
    ),
    ("authorized", "orders/create", lambda: order(financial_status="authorized"), (POSTED,)),
    ("posted again", "orders/updated", order, (POSTED,)),
    (
        "was paid at some time",
        "orders/updated",
        lambda: order(financial_status="paid"),
        (POSTED,),
    ),
    (
        "with a refund",
        "orders/updated",
        lambda: order(
            line(current_quantity=0),
            financial_status="refunded",
            current_total_price="0.00",
            refunds=[refund(refunded_line(), paid_back="80.00")],
        ),
        (POSTED, LINE_REFUNDED),
    ),
    (
        "with a refund that failed",
        "orders/updated",
        lambda: order(refunds=[refund(transactions=[failed("10.00")])]),
        (POSTED, REFUND_CANCELLED),
    ),
    (
        "was cancelled",
        "orders/updated",
        lambda: order(cancelled_at=CANCELLED_AT, financial_status="voided"),
        (POSTED, VOIDED),
    ),
    (
        "a voided authorization may be followed by another payment",
        "orders/updated",
        lambda: order(financial_status="voided"),
        (POSTED,),
    ),
    ("of nobody", "orders/updated", lambda: order(customer=None), ()),
    ("of somebody without a name", "orders/updated", lambda: order(customer={}), ()),
    ("paid", "orders/paid", lambda: order(financial_status="paid"), (POSTED, SETTLED)),
    ("paid by nobody", "orders/paid", lambda: order(customer=None), ()),
    (
        "paid by somebody whom the shop may still name",
        "orders/paid",
        lambda: order(customer=None, financial_status="paid"),
        (SETTLED,),
    ),
    ("edited", "orders/edited", lambda: {"order_edit": {"order_id": ORDER}}, ()),
    ("on its way", "orders/partially_fulfilled", order, ()),
    ("arrived", "orders/fulfilled", order, ()),
    ("cancelled", "orders/cancelled", cancelled_order, (POSTED, LINE_REFUNDED, VOIDED)),
    (
        "struck from the books",
        "orders/delete",
        lambda: {"id": ORDER},
        (PurchaseVoided(purchase=PURCHASE, at=NOW),),
    ),
    (
        "a line given back",
        "refunds/create",
        lambda: refund(refunded_line(), paid_back="80.00"),
        (LINE_REFUNDED,),
    ),
    (
        "a line taken out by an edit, before it was paid",
        "refunds/create",
        lambda: refund(refunded_line()),
        (LINE_REFUNDED,),
    ),
    (
        "a line given back for less",
        "refunds/create",
        lambda: refund(refunded_line(), paid_back="60.00", order_adjustments=[adjustment("20.00")]),
        (LINE_REFUNDED,),
    ),
    (
        "money alone",
        "refunds/create",
        lambda: refund(paid_back="10.00", order_adjustments=[adjustment("-10.00")]),
        (money_refunded("10.00"),),
    ),
    (
        "money and shipping",
        "refunds/create",
        lambda: refund(
            paid_back="15.00",
            order_adjustments=[adjustment("-10.00"), adjustment("-5.00", "shipping_refund")],
        ),
        (money_refunded("15.00"),),
    ),
    (
        "money that has not arrived",
        "refunds/create",
        lambda: refund(transactions=[transaction("refund", "10.00", "pending")]),
        (money_refunded("10.00", "USD"),),
    ),
    (
        "money that never arrives",
        "refunds/create",
        lambda: refund(transactions=[failed("10.00"), failed("5.00")]),
        (REFUND_CANCELLED,),
    ),
    (
        "money of which a part failed",
        "refunds/create",
        lambda: refund(
            transactions=[failed("10.00"), transaction("refund", "5.00", currency=None)]
        ),
        (money_refunded("15.00"),),
    ),
    (
        "shipping alone, as it was told before 2024-10",
        "refunds/create",
        lambda: refund(
            paid_back="5.00", order_adjustments=[adjustment("-5.00", "shipping_refund")]
        ),
        (),
    ),
    (
        "shipping alone, as it is told since 2024-10",
        "refunds/create",
        lambda: refund(paid_back="5.00", refund_shipping_lines=[shipping_line()]),
        (),
    ),
    ("nothing at all", "refunds/create", refund, ()),
    ("no money", "refunds/create", lambda: refund(paid_back="0.00"), ()),
    ("sold", "order_transactions/create", transaction, (PAID,)),
    ("captured", "order_transactions/create", lambda: transaction("capture"), (PAID,)),
    ("authorized", "order_transactions/create", lambda: transaction("authorization"), ()),
    ("voided", "order_transactions/create", lambda: transaction("void"), ()),
    ("refunded", "order_transactions/create", lambda: transaction("refund"), ()),
    ("change of cash", "order_transactions/create", lambda: transaction("change"), ()),
    ("declined", "order_transactions/create", lambda: transaction(status="failure"), ()),
    ("of no order", "order_transactions/create", lambda: transaction(order_id=None), ()),
    (
        "somebody new",
        "customers/create",
        customer,
        (CustomerSeen(customer=POSTED.customer or Customer(external_id=JOHN), at=at(UPDATED_AT)),),
    ),
    (
        "somebody without anything",
        "customers/update",
        lambda: customer(first_name=None, last_name=None, email=None, updated_at=None),
        (CustomerSeen(customer=Customer(external_id=JOHN), at=at("2026-08-01T09:00:00-05:00")),),
    ),
    ("gone at Shopify", "customers/delete", lambda: {"id": CUSTOMER}, ()),
    (
        "two are one",
        "customers/merge",
        merge,
        (
            CustomersMerged(
                former=ExternalId(source="shopify", id="2"),
                into=ExternalId(source="shopify", id="1"),
                at=NOW,
            ),
        ),
    ),
    ("two are not one", "customers/merge", lambda: merge("failed"), ()),
    ("two are not yet one", "customers/merge", lambda: merge("in_progress"), ()),
    ("a topic that means nothing here", "products/update", lambda: {"id": 1}, ()),
]


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [case[1:] for case in CASES],
    ids=[f"{topic}: {name}" for name, topic, _, _ in CASES],
)
def test_topic_becomes_these_facts(
    topic: str, body: Callable[[], object], expected: tuple[Fact, ...]
) -> None:
    facts = read_shopify(topic, body())
    assert facts == expected
    assert tuple(decode(encode(fact)) for fact in facts) == expected


def test_every_topic_has_a_case() -> None:
    for_a_person = {"customers/data_request", "customers/redact", "shop/redact"}
    assert {topic for _, topic, _, _ in CASES} == {*EVENTS, "products/update"} - for_a_person


def _snapshot(sent: Json) -> Snapshot:
    (posted,) = read_shopify("orders/create", sent)
    assert isinstance(posted, PurchasePosted)
    return posted.snapshot


def _line(sent: Json, **changes: object) -> Line:
    (read_line,) = _snapshot(order(sent) | changes).lines
    return read_line


def _refund(sent: Json) -> Refund:
    (fact,) = read_shopify("refunds/create", sent)
    assert isinstance(fact, PurchaseRefunded)
    return fact.refund


def _refusal(topic: str, body: object) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        read_shopify(topic, body)
    (error,) = caught.value.errors
    return error.field, error.message


class TestTopic:
    @pytest.mark.parametrize("topic", [None, "", "t" * 256, "orders/\u0000"])
    def test_is_needed(self, topic: str | None) -> None:
        headers = {} if topic is None else {"x-shopify-topic": topic}
        with pytest.raises(InvalidRequestError) as caught:
            PROVIDERS["shopify"].read(Sent(headers=headers, body=b'{"id": 1}'), now=NOW)
        assert caught.value.errors[0].field == "X-Shopify-Topic"

    @pytest.mark.parametrize("status", ["pending", "authorized", "voided", "expired"])
    def test_is_not_believed_where_the_signed_body_says_otherwise(self, status: str) -> None:
        assert read_shopify("orders/paid", order(financial_status=status)) == (POSTED,)

    def test_of_a_deleted_order_is_not_believed_of_a_whole_one(self) -> None:
        assert read_shopify("orders/delete", order()) == (POSTED,)

    def test_comes_with_the_time_that_some_bodies_leave_out(self) -> None:
        headers = {
            "x-shopify-topic": "orders/delete",
            "x-shopify-triggered-at": "2026-09-02T10:00:00.123456789Z",
        }
        sent = Sent(headers=headers, body=b'{"id": 7}')
        (voided,) = PROVIDERS["shopify"].read(sent, now=NOW)
        assert isinstance(voided, PurchaseVoided)
        assert voided.at == at("2026-09-02T10:00:00.123456Z")

    @pytest.mark.parametrize(
        ("topic", "body", "subject"),
        [
            ("customers/redact", {"customer": {"id": 7}, "shop_id": 1}, "customers/redact:7"),
            ("customers/redact", {"customer": {}, "shop_id": 1}, "customers/redact:1"),
            (
                "customers/data_request",
                {"customer": {"id": 7, "email": "john@example.com"}},
                "customers/data_request:7",
            ),
            ("shop/redact", {"shop_id": 1}, "shop/redact:1"),
        ],
    )
    def test_of_a_privacy_request_is_for_a_person(
        self, topic: str, body: Json, subject: str
    ) -> None:
        with pytest.raises(PrivacyRequestError) as caught:
            read_shopify(topic, body)
        assert caught.value.subject == subject


class TestOrder:
    @pytest.mark.parametrize("name", ["points_member", "_points_member"])
    def test_member_named_in_its_note_attributes_earns(self, name: str) -> None:
        attributes = [{"name": "gift", "value": "yes"}, {"name": name, "value": "M-7"}]
        earner = _snapshot(order(note_attributes=attributes)).earner
        assert earner == Earner(external_id=JOHN, member_id=MemberId("M-7"))

    @pytest.mark.parametrize("value", ["", None, 7, "m" * 256, "a\nb", ["M-7"]])
    def test_what_no_member_can_be_called_is_passed_over(self, value: object) -> None:
        attributes = [{"name": "points_member", "value": value}]
        assert _snapshot(order(note_attributes=attributes)).earner == Earner(external_id=JOHN)

    @pytest.mark.parametrize("odd", [[], {}, "M-7", [None, 7, "M-7", ["M-7"], {}]])
    def test_no_cart_makes_it_unreadable(self, odd: object) -> None:
        assert read_shopify("orders/create", order(note_attributes=odd)) == (POSTED,)
        many = [{"name": str(n), "value": "x"} for n in range(501)]
        named = [*many, {"name": "points_member", "value": "M-7"}]
        assert _snapshot(order(note_attributes=many)).earner.member_id is None
        assert _snapshot(order(note_attributes=named)).earner.member_id == "M-7"

    def test_is_as_old_as_the_shops_reports_say(self) -> None:
        snapshot = _snapshot(order(processed_at=None))
        assert (snapshot.posted_at, snapshot.updated_at) == (at(CREATED_AT), at(UPDATED_AT))

    def test_knows_an_address_that_its_customer_does_not_have(self) -> None:
        sent = order(customer=customer(email=None), phone="+1312")
        (posted,) = read_shopify("orders/create", sent)
        assert isinstance(posted, PurchasePosted)
        assert posted.customer == Customer(
            external_id=JOHN, name="John Smith", email="jon@example.com", phone="+1312"
        )

    @pytest.mark.parametrize("name", ["a\nb", "n" * 2_000], ids=["control", "long"])
    def test_leaves_out_a_name_that_no_profile_can_keep(self, name: str) -> None:
        (posted,) = read_shopify("orders/create", order(customer=customer(last_name=name)))
        assert isinstance(posted, PurchasePosted)
        assert posted.customer == Customer(external_id=JOHN, email="john@example.com")

    def test_is_in_the_shops_currency_whatever_was_paid_in(self) -> None:
        price = bag("80.00", presentment=("73.10", "EUR"))
        sent = order(line(price_set=price), presentment_currency="EUR", total_price_set=price)
        snapshot = _snapshot(sent)
        assert (snapshot.currency, snapshot.total) == ("USD", money("80.00"))
        assert snapshot.lines == POSTED.snapshot.lines

    def test_keeps_what_was_ordered_when_less_is_left(self) -> None:
        sold = line(quantity=3, current_quantity=1, fulfillable_quantity=0)
        sent = order(sold, total="240.00", current_total_price="80.00")
        snapshot = _snapshot(sent)
        assert (snapshot.total, snapshot.lines[0].amount) == (money("240.00"), money("240.00"))

    def test_of_gift_cards_has_no_lines_that_earn(self) -> None:
        snapshot = _snapshot(order(line(gift_card=True), line(LOUNGER, "20.00"), total="100.00"))
        assert [each.id for each in snapshot.lines] == [str(LOUNGER)]
        assert snapshot.total == money("100.00")

    @pytest.mark.parametrize(
        "marks",
        [
            {"tip": {"payment_method": None, "payment_gateway": None}},
            {"tip_payment_gateway": "shopify_payments"},
        ],
    )
    def test_of_a_tip_has_no_line_that_earns(self, marks: Json) -> None:
        tip = line(LOUNGER, "20.00", name="Tip", sku=None, variant_id=None, product_id=None)
        snapshot = _snapshot(order(line(), tip | marks, total="100.00"))
        assert [each.id for each in snapshot.lines] == [str(SHIRT)]
        assert snapshot.total == money("100.00")

    def test_that_was_enlarged_is_no_longer_paid(self) -> None:
        ended = PaymentReversed(
            purchase=PURCHASE, payment_id="outstanding:2026-09-01T00:00:07Z", at=at(UPDATED_AT)
        )
        for topic in ("orders/create", "orders/updated", "orders/paid"):
            facts = read_shopify(topic, order(financial_status="partially_paid"))
            assert facts == (POSTED, ended)

    @pytest.mark.parametrize("name", ["id", "currency", "line_items", "total_price"])
    def test_needs_what_it_is_made_of(self, name: str) -> None:
        without = order()
        del without[name]
        without.pop(f"{name}_set", None)
        for sent in (without, without | {name: None}):
            assert _refusal("orders/create", sent) == (name, "is required")

    def test_needs_nothing_else(self) -> None:
        used = {"id", "currency", "line_items", "total_price", "customer", "email"}
        times = {"created_at", "processed_at", "updated_at"}
        for name in set(order()) - used - times:
            without = order()
            del without[name]
            for sent in (without, without | {name: None}):
                assert read_shopify("orders/create", sent) == (POSTED,), name

    def test_may_have_texts_as_ids(self) -> None:
        facts = read_shopify("orders/create", order(line(str(SHIRT)), id=str(ORDER)))  # type: ignore[arg-type] # as a text
        assert facts == (POSTED,)


class TestLine:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, "80.00"),
            ({"quantity": 3}, "240.00"),
            ({"quantity": 0}, "0.00"),
            ({"discount_allocations": [allocated("5.00"), allocated("2.50")]}, "72.50"),
            ({"quantity": 2, "discount_allocations": [allocated("5.00")]}, "155.00"),
            ({"total_discount": "5.00", "discount_allocations": [allocated("5.00")]}, "75.00"),
            ({"total_discount": "5.00", "discount_allocations": []}, "80.00"),
            ({"total_discount": "5.00", "discount_allocations": None}, "75.00"),
            ({"total_discount": None, "discount_allocations": None}, "80.00"),
            ({"tax_lines": [taxed("6.40")]}, "80.00"),
            ({"price": 80, "price_set": None}, "80"),
            ({"price": 19.99, "price_set": None}, "19.99"),
            ({"price": None, "price_set": bag("80.00")}, "80.00"),
            ({"discount_allocations": [allocated("80.00")]}, "0.00"),
        ],
    )
    def test_amount_is_after_discounts(self, changes: Json, expected: str) -> None:
        assert _line(line(**changes)).amount == money(expected)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"tax_lines": [taxed("5.93")]}, "74.07"),
            ({"tax_lines": [taxed("5.00"), taxed("0.93")]}, "74.07"),
            (
                {"tax_lines": [taxed("5.56")], "discount_allocations": [allocated("5.00")]},
                "69.44",
            ),
            ({"tax_lines": []}, "80.00"),
        ],
    )
    def test_amount_is_before_tax_where_prices_include_it(
        self, changes: Json, expected: str
    ) -> None:
        assert _line(line(**changes), taxes_included=True).amount == money(expected)

    @pytest.mark.parametrize(
        ("changes", "item", "product"),
        [
            ({}, "SKU2006-001", "788032119674292922"),
            ({"sku": ""}, "49148385", "788032119674292922"),
            ({"sku": None}, "49148385", "788032119674292922"),
            ({"sku": " "}, "49148385", "788032119674292922"),
            ({"sku": "SKU\t1"}, "49148385", "788032119674292922"),
            ({"sku": "s" * 256}, "49148385", "788032119674292922"),
            ({"sku": None, "variant_id": None, "product_id": None}, None, None),
        ],
    )
    def test_item_is_the_sku_else_the_variant(
        self, changes: Json, item: str | None, product: str | None
    ) -> None:
        read_line = _line(line(**changes))
        assert (read_line.item, read_line.product) == (item, product)

    @pytest.mark.parametrize(
        ("properties", "category"),
        [
            ([{"name": "points_category", "value": "retail"}], "retail"),
            ([{"name": "_points_category", "value": "retail"}], "retail"),
            (
                [{"name": "Engraving", "value": 7}, {"name": "points_category", "value": "x"}],
                "x",
            ),
            ([{"name": "points_category", "value": ""}], None),
            ([{"name": "points_category", "value": "c" * 256}], None),
            ([{"name": "points_category", "value": {"a": 1}}], None),
            ([], None),
            (None, None),
        ],
    )
    def test_category_is_named_in_its_properties(
        self, properties: object, category: str | None
    ) -> None:
        assert _line(line(properties=properties)).category == category

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"price": "80,00"}, "price"),
            ({"price": "-1.00"}, "price"),
            ({"price": True}, "price"),
            ({"price": True, "price_set": bag("80.00")}, "price"),
            ({"price": [], "price_set": None}, "price"),
            ({"price": "999999999.99", "quantity": 2}, "price"),
            ({"quantity": "1"}, "quantity"),
            ({"quantity": 1.0}, "quantity"),
            ({"id": None}, "id"),
            ({"id": True}, "id"),
            ({"id": 10**300}, "id"),
            ({"gift_card": "no"}, "gift_card"),
        ],
    )
    def test_of_another_type_is_refused(self, changes: Json, field: str) -> None:
        refused, _ = _refusal("orders/create", order(line(**changes)))
        assert refused == f"line_items.0.{field}"

    def test_twice_is_refused(self) -> None:
        assert _refusal("orders/create", order(line(), line()))[1] == "line ids must differ"


class TestPayment:
    def test_in_another_currency_says_so(self) -> None:
        (fact,) = read_shopify("order_transactions/create", transaction(currency="eur"))
        assert isinstance(fact, PaymentReceived)
        assert fact.payment.currency == "EUR"

    def test_without_currency_is_in_the_shops(self) -> None:
        (fact,) = read_shopify("order_transactions/create", transaction(currency=None))
        assert isinstance(fact, PaymentReceived)
        assert fact.payment.currency is None

    def test_counts_when_it_was_processed(self) -> None:
        sent = transaction(processed_at="2026-09-01T09:00:00-05:00")
        (fact,) = read_shopify("order_transactions/create", sent)
        assert isinstance(fact, PaymentReceived)
        assert fact.payment.at == at("2026-09-01T09:00:00-05:00")


class TestRefund:
    def test_of_several_lines_and_parts_of_one_counts_each_line_once(self) -> None:
        sent = refund(
            refunded_line(SHIRT, "20.00"),
            refunded_line(LOUNGER, "30.00"),
            refunded_line(SHIRT, "10.00"),
        )
        assert _refund(sent).lines == (
            LineRefund(line_id=str(SHIRT), amount=money("30.00")),
            LineRefund(line_id=str(LOUNGER), amount=money("30.00")),
        )

    def test_of_plain_numbers_alone_is_read_too(self) -> None:
        entry = refunded_line(subtotal="19.99", subtotal_set=None, total_tax_set=None)
        given_back = _refund(refund(entry, paid_back="19.99"))
        assert given_back.lines == (LineRefund(line_id=str(SHIRT), amount=money("19.99")),)
        assert given_back.currency is None

    def test_names_its_line_itself_or_with_it(self) -> None:
        given_back = _refund(refund(refunded_line(line_item_id=None)))
        assert [each.line_id for each in given_back.lines] == [str(SHIRT)]

    @pytest.mark.parametrize(
        ("entry", "changes", "net"),
        [
            # What was paid back says it, to the cent.
            (("80.00", "6.40"), {"paid_back": "86.40"}, "80.00"),
            (("80.00", "5.93"), {"paid_back": "80.00"}, "74.07"),
            (
                ("80.00", "5.93"),
                {
                    "paid_back": "85.00",
                    "order_adjustments": [adjustment("-5.00", "shipping_refund")],
                    "refund_shipping_lines": [shipping_line("5.00")],
                },
                "74.07",
            ),
            (
                ("80.00", "5.93"),
                {"paid_back": "85.00", "refund_shipping_lines": [shipping_line("5.00")]},
                "74.07",
            ),
            (
                ("80.00", "6.40"),
                {"paid_back": "66.40", "order_adjustments": [adjustment("20.00")]},
                "80.00",
            ),
            # Nothing was paid back, or what was makes no sense: the rate says it.
            (("80.00", "6.40"), {}, "80.00"),
            (("80.00", "5.93"), {}, "74.07"),
            (("80.00", "5.93"), {"paid_back": "33.00"}, "74.07"),
            # Neither says anything, as in Shopify's own example: tax comes on top.
            (("80.00", "1.60"), {"paid_back": "33.00"}, "80.00"),
        ],
    )
    def test_that_comes_without_its_order_tells_where_its_tax_is(
        self, entry: tuple[str, str], changes: Json, net: str
    ) -> None:
        sold = line(tax_lines=[taxed(entry[1])])
        given_back = _refund(refund(refunded_line(SHIRT, *entry, line_item=sold), **changes))
        assert given_back.lines == (LineRefund(line_id=str(SHIRT), amount=money(net)),)

    @pytest.mark.parametrize(
        ("taxes_included", "tax", "net", "later"),
        [
            (False, "0.00", "80.00", timedelta(0)),
            (True, "0.00", "80.00", timedelta(0)),
            (False, "6.40", "80.00", A_MOMENT),
            (True, "5.93", "74.07", A_MOMENT),
            (False, "5.93", "80.00", A_MOMENT),
            (True, "90.00", "0.00", A_MOMENT),
        ],
    )
    def test_in_its_order_is_the_same_fact_unless_there_is_tax(
        self, *, taxes_included: bool, tax: str, net: str, later: timedelta
    ) -> None:
        sold = line(tax_lines=[taxed(tax)])
        sent = refund(refunded_line(SHIRT, "80.00", tax, line_item=sold))
        facts = read_shopify("orders/updated", order(taxes_included=taxes_included, refunds=[sent]))
        told = facts[1]
        assert isinstance(told, PurchaseRefunded)
        assert told.refund.lines == (LineRefund(line_id=str(SHIRT), amount=money(net)),)
        assert told.refund.at == at(REFUNDED_AT) + later
        assert (told == read_shopify("refunds/create", sent)[0]) is (not later)

    def test_paid_in_another_currency_counts_in_the_shops(self) -> None:
        sent = refund(
            transactions=[transaction("refund", "9.14", currency="EUR")],
            order_adjustments=[adjustment("-9.00", tax="-1.00")],
        )
        assert _refund(sent) == money_refunded("10.00", "USD").refund

    def test_paid_in_another_currency_that_is_told_nowhere_else_stays_in_it(self) -> None:
        sent = refund(
            transactions=[transaction("refund", "9.14", currency="EUR")], total_duties_set=None
        )
        assert _refund(sent) == money_refunded("9.14", "EUR").refund

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"id": None}, "id"),
            ({"order_id": None}, "order_id"),
            ({"processed_at": None, "created_at": None}, "processed_at"),
            ({"processed_at": "2026-09-01"}, "processed_at"),
            ({"refund_line_items": {}}, "refund_line_items"),
            ({"refund_line_items": [{}]}, "refund_line_items.0.total_tax"),
        ],
    )
    def test_of_another_type_is_refused(self, changes: Json, field: str) -> None:
        sent = refund(refunded_line()) | changes
        refused, _ = _refusal("refunds/create", sent)
        assert refused.startswith(field.rpartition(".")[0] or field)
