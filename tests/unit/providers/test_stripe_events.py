"""Stripe's events, in Stripe's own object shapes of several API versions, become these facts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.adapters.providers import IncompletePayloadError
from points_ledger.adapters.providers.stripe import EVENTS
from points_ledger.contracts.messages import decode, encode
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.fact import (
    Customer,
    CustomerSeen,
    Earner,
    Fact,
    Line,
    LineRefund,
    Payment,
    PaymentReceived,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from tests.unit.providers.payloads import (
    EVENT_AT,
    FINALIZED_AT,
    Json,
    at,
    credit_note,
    credited,
    event,
    invoice,
    line,
    listed,
    money,
    read,
    read_stripe,
    refund,
    stripe_object,
)

PURCHASE = EarningKey(source="stripe", kind="invoice", id="in_1")
CUSTOMER = ExternalId(source="stripe", id="cus_1")
INTENT = PaymentKey(source="stripe", id="pi_1")
CREATED = 1_234_567_890
"""When Stripe's examples were created."""

POSTED = PurchasePosted(
    purchase=PURCHASE,
    snapshot=Snapshot(
        posted_at=at(FINALIZED_AT),
        updated_at=at(EVENT_AT),
        currency="USD",
        lines=(Line(id="il_1", amount=money("50.00")),),
        total=money("50.00"),
        earner=Earner(external_id=CUSTOMER),
    ),
    customer=Customer(external_id=CUSTOMER),
)
REFUNDED = PurchaseRefunded(
    payment=INTENT,
    refund=Refund(id="re_1", at=at(CREATED), amount=money("10.00"), currency="USD"),
)
REFUND_FAILED = RefundCancelled(payment=INTENT, refund_id="re_1", at=at(CREATED))


def _paid(**changes: object) -> Json:
    transitions = {"finalized_at": FINALIZED_AT, "paid_at": FINALIZED_AT + 30, "voided_at": None}
    return invoice(status="paid", status_transitions=transitions) | changes


def _invoice_payment(**changes: object) -> Json:
    made: Json = {
        "id": "inpay_1",
        "invoice": "in_1",
        "amount_paid": 5_000,
        "currency": "usd",
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
        "status_transitions": {"canceled_at": None, "paid_at": FINALIZED_AT + 30},
    }
    return stripe_object("invoice_payment", **(made | changes))


def _payment(references: tuple[PaymentKey, ...]) -> PaymentReceived:
    payment = Payment(id="inpay_1", amount=money("50.00"), at=at(FINALIZED_AT + 30), currency="USD")
    return PaymentReceived(purchase=PURCHASE, payment=payment, references=references)


def _snapshot(*facts: Fact) -> Snapshot:
    (posted,) = facts
    assert isinstance(posted, PurchasePosted)
    return posted.snapshot


def _line_of(sent: Json) -> Line:
    (read_line,) = _snapshot(*read_stripe("invoice.finalized", invoice(sent))).lines
    return read_line


def _refusal(type_: str, subject: Json) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        read_stripe(type_, subject)
    (error,) = caught.value.errors
    return error.field, error.message


CASES: list[tuple[str, str, Callable[[], Json], tuple[Fact, ...]]] = [
    ("posted", "invoice.finalized", invoice, (POSTED,)),
    ("posted again", "invoice.updated", invoice, (POSTED,)),
    ("a draft", "invoice.updated", lambda: invoice(status="draft"), ()),
    (
        "paid",
        "invoice.paid",
        _paid,
        (POSTED, PurchaseSettled(purchase=PURCHASE, at=at(FINALIZED_AT + 30))),
    ),
    (
        "paid, without saying when",
        "invoice.paid",
        lambda: invoice(status="paid"),
        (POSTED, PurchaseSettled(purchase=PURCHASE, at=at(EVENT_AT))),
    ),
    (
        "paid, billing nobody",
        "invoice.paid",
        lambda: _paid(customer=None),
        (),
    ),
    ("a payment intent", "invoice_payment.paid", _invoice_payment, (_payment((INTENT,)),)),
    (
        "a charge",
        "invoice_payment.paid",
        lambda: _invoice_payment(payment={"type": "charge", "charge": "ch_1"}),
        (_payment((PaymentKey(source="stripe", id="ch_1"),)),),
    ),
    (
        "expanded objects",
        "invoice_payment.paid",
        lambda: _invoice_payment(
            invoice=invoice(),
            payment={"type": "payment_intent", "payment_intent": {"id": "pi_1", "object": "x"}},
        ),
        (_payment((INTENT,)),),
    ),
    (
        "a payment recorded from elsewhere",
        "invoice_payment.paid",
        lambda: _invoice_payment(payment={"type": "payment_record", "payment_record": "pr_1"}),
        (_payment(()),),
    ),
    (
        "voided",
        "invoice.voided",
        lambda: invoice(status="void", status_transitions={"voided_at": FINALIZED_AT + 90}),
        (PurchaseVoided(purchase=PURCHASE, at=at(FINALIZED_AT + 90)),),
    ),
    (
        "voided, without saying when",
        "invoice.voided",
        lambda: invoice(status="void"),
        (PurchaseVoided(purchase=PURCHASE, at=at(EVENT_AT)),),
    ),
    (
        "may still be paid",
        "invoice.marked_uncollectible",
        lambda: invoice(status="uncollectible"),
        (),
    ),
    (
        "one line credited",
        "credit_note.created",
        lambda: credit_note(credited(1_190)),
        (
            PurchaseRefunded(
                purchase=PURCHASE,
                refund=Refund(
                    id="cn_1",
                    at=at(CREATED),
                    lines=(LineRefund(line_id="il_1", amount=money("11.90")),),
                    currency="USD",
                ),
            ),
        ),
    ),
    (
        "a custom line beside it, as in Stripe's example",
        "credit_note.updated",
        lambda: credit_note(total=1_690),
        (
            PurchaseRefunded(
                purchase=PURCHASE,
                refund=Refund(id="cn_1", at=at(CREATED), amount=money("16.90"), currency="USD"),
            ),
        ),
    ),
    (
        "voided, by the event",
        "credit_note.voided",
        lambda: credit_note(voided_at=CREATED + 5),
        (RefundCancelled(purchase=PURCHASE, refund_id="cn_1", at=at(CREATED + 5)),),
    ),
    (
        "voided, by the status",
        "credit_note.updated",
        lambda: credit_note(status="void", voided_at=CREATED + 5),
        (RefundCancelled(purchase=PURCHASE, refund_id="cn_1", at=at(CREATED + 5)),),
    ),
    (
        "voided, without saying when",
        "credit_note.voided",
        lambda: credit_note(status="void", voided_at=None),
        (RefundCancelled(purchase=PURCHASE, refund_id="cn_1", at=at(EVENT_AT)),),
    ),
    ("money back", "refund.created", refund, (REFUNDED,)),
    ("money on its way back", "refund.updated", lambda: refund(status="pending"), (REFUNDED,)),
    ("no status", "refund.created", lambda: refund(status=None), (REFUNDED,)),
    ("waits for the customer", "refund.created", lambda: refund(status="requires_action"), ()),
    ("failed", "refund.failed", lambda: refund(status="failed"), (REFUND_FAILED,)),
    ("failed later", "refund.updated", lambda: refund(status="failed"), (REFUND_FAILED,)),
    ("called off", "refund.updated", lambda: refund(status="canceled"), (REFUND_FAILED,)),
    (
        "failed, by the older event",
        "charge.refund.updated",
        lambda: refund(status="failed"),
        (REFUND_FAILED,),
    ),
    (
        "from the customer's balance, for no payment",
        "refund.created",
        lambda: refund(charge=None, payment_intent=None),
        (),
    ),
    (
        "a charge that carries its refunds",
        "charge.refunded",
        lambda: stripe_object("charge", payment_intent="pi_1", refunds=listed(refund())),
        (REFUNDED,),
    ),
    (
        "a charge that carries none, as in Stripe's example",
        "charge.refunded",
        lambda: stripe_object("charge"),
        (),
    ),
    (
        "someone new",
        "customer.created",
        lambda: stripe_object("customer", id="cus_1"),
        (CustomerSeen(customer=Customer(external_id=CUSTOMER), at=at(EVENT_AT)),),
    ),
    (
        "someone with a name",
        "customer.updated",
        lambda: stripe_object(
            "customer",
            id="cus_1",
            name="Dana",
            email="d@example.com",
            phone="+1312",
            metadata={"organisation": "Holt"},
        ),
        (
            CustomerSeen(
                customer=Customer(
                    external_id=CUSTOMER,
                    name="Dana",
                    email="d@example.com",
                    phone="+1312",
                    organisation="Holt",
                ),
                at=at(EVENT_AT),
            ),
        ),
    ),
    ("gone at Stripe", "customer.deleted", lambda: stripe_object("customer"), ()),
    ("a type that means nothing here", "plan.created", lambda: stripe_object("charge"), ()),
]


@pytest.mark.parametrize(
    ("type_", "subject", "expected"),
    [case[1:] for case in CASES],
    ids=[f"{type_}: {name}" for name, type_, _, _ in CASES],
)
def test_event_becomes_these_facts(
    type_: str, subject: Callable[[], Json], expected: tuple[Fact, ...]
) -> None:
    facts = read_stripe(type_, subject())
    assert facts == expected
    assert tuple(decode(encode(fact)) for fact in facts) == expected


def test_every_event_type_has_a_case() -> None:
    assert {type_ for _, type_, _, _ in CASES} == {*EVENTS, "plan.created"}


class TestInvoice:
    @pytest.mark.parametrize("status", ["open", "paid", "uncollectible"])
    def test_every_finalised_status_is_posted(self, status: str) -> None:
        assert read_stripe("invoice.updated", invoice(status=status)) == (POSTED,)

    @pytest.mark.parametrize("type_", ["invoice.updated", "invoice.finalized"])
    def test_that_is_void_says_so_in_every_event(self, type_: str) -> None:
        transitions = {"finalized_at": FINALIZED_AT, "voided_at": FINALIZED_AT + 90}
        void = invoice(status="void", status_transitions=transitions)
        told = read_stripe("invoice.voided", void)
        assert told == (PurchaseVoided(purchase=PURCHASE, at=at(FINALIZED_AT + 90)),)
        assert read_stripe(type_, void) == (POSTED, *told)

    @pytest.mark.parametrize(
        ("dates", "posted_at"),
        [
            ({"status_transitions": {"finalized_at": 30}, "effective_at": 20, "created": 10}, 30),
            ({"status_transitions": {"finalized_at": None}, "effective_at": 20, "created": 10}, 20),
            ({"status_transitions": None, "effective_at": None, "created": 10}, 10),
        ],
    )
    def test_is_posted_when_finalised_else_effective_else_created(
        self, dates: Json, posted_at: int
    ) -> None:
        snapshot = _snapshot(*read_stripe("invoice.finalized", invoice(**dates)))
        assert snapshot.posted_at == at(posted_at)

    def test_is_as_new_as_its_event(self) -> None:
        facts = read("stripe", event("invoice.updated", invoice(), created=EVENT_AT + 7))
        assert _snapshot(*facts).updated_at == at(EVENT_AT + 7)

    def test_of_an_older_version_names_its_payment(self) -> None:
        paid = _paid(payment_intent="pi_1", charge={"id": "ch_1"}, amount_paid=5_000)
        payment = Payment(
            id="pi_1", amount=money("50.00"), at=at(FINALIZED_AT + 30), currency="USD"
        )
        references = (INTENT, PaymentKey(source="stripe", id="ch_1"))
        assert read_stripe("invoice.paid", paid)[2:] == (
            PaymentReceived(purchase=PURCHASE, payment=payment, references=references),
        )

    def test_member_named_in_its_metadata_earns(self) -> None:
        sent = invoice(metadata={"points_member": "M-7"})
        earner = _snapshot(*read_stripe("invoice.finalized", sent)).earner
        assert earner == Earner(external_id=CUSTOMER, member_id=MemberId("M-7"))

    @pytest.mark.parametrize("metadata", [None, {}, {"points_member": ""}, {"other": "M-7"}])
    def test_customer_earns_where_the_metadata_names_nobody(self, metadata: object) -> None:
        earner = _snapshot(*read_stripe("invoice.finalized", invoice(metadata=metadata))).earner
        assert earner == Earner(external_id=CUSTOMER)

    @pytest.mark.parametrize("name", ["a\nb", "n" * 2_000], ids=["control", "long"])
    def test_leaves_out_a_name_that_no_profile_can_keep(self, name: str) -> None:
        sent = invoice(customer_name=name, customer_email="d@example.com")
        (posted,) = read_stripe("invoice.finalized", sent)
        assert isinstance(posted, PurchasePosted)
        assert posted.customer == Customer(external_id=CUSTOMER, email="d@example.com")

    def test_carries_what_it_knows_of_the_customer(self) -> None:
        sent = invoice(
            customer={"id": "cus_1", "object": "customer", "name": "not read"},
            customer_name="Dana",
            customer_email="d@example.com",
            customer_phone="+1312",
        )
        (posted,) = read_stripe("invoice.finalized", sent)
        assert isinstance(posted, PurchasePosted)
        assert posted.customer == Customer(
            external_id=CUSTOMER, name="Dana", email="d@example.com", phone="+1312"
        )

    def test_account_is_billed_where_there_is_no_customer(self) -> None:
        sent = invoice(customer=None, customer_account="acct_1")
        earner = _snapshot(*read_stripe("invoice.finalized", sent)).earner
        assert earner.external_id == ExternalId(source="stripe", id="acct_1")

    def test_that_bills_nobody_is_ignored(self) -> None:
        sent = invoice(customer=None, customer_account=None)
        assert read_stripe("invoice.finalized", sent) == ()

    def test_below_zero_owes_nothing_and_keeps_its_lines(self) -> None:
        sent = invoice(line("il_1", 2_000), line("il_2", -5_000), total=-3_000)
        snapshot = _snapshot(*read_stripe("invoice.finalized", sent))
        assert snapshot.total == 0
        assert [entry.amount for entry in snapshot.lines] == [money("20"), money("-50")]

    @pytest.mark.parametrize("name", ["id", "status", "currency", "lines", "total"])
    def test_needs_what_it_is_made_of(self, name: str) -> None:
        without = invoice()
        del without[name]
        for sent in (without, invoice() | {name: None}):
            assert _refusal("invoice.finalized", sent) == (f"data.object.{name}", "is required")

    def test_needs_nothing_else(self) -> None:
        used = {"id", "status", "currency", "lines", "total", "customer"}
        for name in set(invoice()) - used:
            without = invoice()
            del without[name]
            for sent in (without, invoice() | {name: None}):
                snapshot = _snapshot(*read_stripe("invoice.finalized", sent))
                assert snapshot.lines == POSTED.snapshot.lines, name
                assert snapshot.total == POSTED.snapshot.total, name


class TestLine:
    def test_both_shapes_of_a_price_are_one_line(self) -> None:
        details = {"price": "price_1", "product": "prod_1"}
        newer = line(pricing={"type": "price_details", "price_details": details})
        expanded = line(pricing={"price_details": details | {"price": {"id": "price_1"}}})
        older = line(price={"id": "price_1", "object": "price", "product": "prod_1"})
        del older["pricing"]
        oldest = line(pricing=None, price={"id": "price_1", "product": {"id": "prod_1"}})
        expected = Line(id="il_1", amount=money("50.00"), item="price_1", product="prod_1")
        assert [_line_of(sent) for sent in (newer, expanded, older, oldest)] == [expected] * 4

    @pytest.mark.parametrize("price", [None, "price_1"])
    def test_product_may_be_unknown(self, price: str | None) -> None:
        read_line = _line_of(line(pricing=None, price=price))
        assert (read_line.item, read_line.product) == (price, None)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"discount_amounts": None}, "50.00"),
            ({"discount_amounts": [{"amount": 500}, {"amount": 25}]}, "44.75"),
            ({"amount": -5_000}, "-50.00"),
            ({"amount": 0}, "0.00"),
            ({"taxes": [{"amount": 800, "tax_behavior": "inclusive"}]}, "42.00"),
            ({"taxes": [{"amount": 800, "tax_behavior": "exclusive"}]}, "50.00"),
            (
                {
                    "taxes": [
                        {"amount": 800, "tax_behavior": "inclusive"},
                        {"amount": 100, "tax_behavior": "exclusive"},
                        {"amount": 7, "tax_behavior": "inclusive"},
                    ]
                },
                "41.93",
            ),
            ({"tax_amounts": [{"amount": 800, "inclusive": True}]}, "42.00"),
            ({"tax_amounts": [{"amount": 800, "inclusive": False}]}, "50.00"),
            (
                {
                    "taxes": [{"amount": 800, "tax_behavior": "inclusive"}],
                    "tax_amounts": [{"amount": 800, "inclusive": True}],
                },
                "42.00",
            ),
            (
                {"pretax_credit_amounts": [{"amount": 900, "type": "credit_balance_transaction"}]},
                "41.00",
            ),
            (
                {
                    "discount_amounts": [{"amount": 900}],
                    "pretax_credit_amounts": [{"amount": 900, "type": "discount"}],
                },
                "41.00",
            ),
            (
                {
                    "pretax_credit_amounts": [
                        {"amount": 5_001, "type": "credit_balance_transaction"}
                    ]
                },
                "50.00",
            ),
            (
                {
                    "discount_amounts": [{"amount": 1_000}],
                    "taxes": [{"amount": 640, "tax_behavior": "inclusive"}],
                },
                "33.60",
            ),
        ],
    )
    def test_amount_is_after_discounts_and_before_tax(self, changes: Json, expected: str) -> None:
        assert _line_of(line(**changes)).amount == money(expected)

    @pytest.mark.parametrize(
        ("metadata", "category"),
        [({"points_category": "retail"}, "retail"), ({"points_category": ""}, None), (None, None)],
    )
    def test_category_is_named_in_its_metadata(
        self, metadata: object, category: str | None
    ) -> None:
        assert _line_of(line(metadata=metadata)).category == category

    @pytest.mark.parametrize(("sent", "expected"), [(None, 1), (0, 0), (3, 3)])
    def test_quantity(self, sent: int | None, expected: int) -> None:
        assert _line_of(line(quantity=sent)).quantity == expected


class TestMinorUnits:
    @pytest.mark.parametrize(
        ("currency", "sent", "expected"),
        [
            ("usd", 12_345, "123.45"),
            ("jpy", 12_345, "12345"),
            ("krw", 12_345, "12345"),
            ("kwd", 12_340, "12.340"),
            ("bhd", 12_340, "12.340"),
            ("tnd", 5_120, "5.120"),
            ("huf", 12_300, "123.00"),
            ("isk", 50_000, "500"),
            ("ugx", 50_000, "500"),
            ("mga", 500, "500"),
        ],
    )
    def test_are_read_as_stripe_writes_them(self, currency: str, sent: int, expected: str) -> None:
        billed = invoice(line(amount=sent), total=sent, currency=currency)
        snapshot = _snapshot(*read_stripe("invoice.finalized", billed))
        assert (snapshot.currency, snapshot.total, snapshot.lines[0].amount) == (
            currency.upper(),
            Decimal(expected),
            Decimal(expected),
        )
        (refunded,) = read_stripe("refund.created", refund(currency=currency, amount=sent))
        assert isinstance(refunded, PurchaseRefunded)
        assert refunded.refund.amount == Decimal(expected)


class TestCutOffLines:
    """A payload holds ten lines; the rest comes from the API, in pages of a hundred."""

    FIRST = 10

    def _cut(self) -> Json:
        lines = [line(f"il_{n}", n) for n in range(self.FIRST)]
        return invoice(lines=listed(*lines, has_more=True))

    def test_without_an_api_key_are_refused_as_incomplete(self) -> None:
        for type_ in ("invoice.finalized", "invoice.updated", "invoice.paid"):
            with pytest.raises(IncompletePayloadError) as caught:
                read_stripe(type_, self._cut())
            assert caught.value.code == "payload_incomplete"
            assert caught.value.missing == "data.object.lines"

    def test_of_a_draft_are_not_missed(self) -> None:
        assert read_stripe("invoice.updated", self._cut() | {"status": "draft"}) == ()

    def test_are_fetched_page_by_page(self) -> None:
        api = _LinesApi(count=215)
        snapshot = _snapshot(*read_stripe("invoice.finalized", self._cut(), api))
        assert [entry.id for entry in snapshot.lines] == [f"il_{n}" for n in range(215)]
        assert [entry.amount for entry in snapshot.lines[-2:]] == [money("2.13"), money("2.14")]
        assert api.paths == [
            "/v1/invoices/in_1/lines?limit=100&starting_after=il_9",
            "/v1/invoices/in_1/lines?limit=100&starting_after=il_109",
            "/v1/invoices/in_1/lines?limit=100&starting_after=il_209",
        ]

    def test_that_come_twice_are_one_line(self) -> None:
        def everything(_path: str) -> Json:
            return listed(*(line(f"il_{n}", n) for n in range(12)))

        snapshot = _snapshot(*read_stripe("invoice.finalized", self._cut(), everything))
        assert [entry.id for entry in snapshot.lines] == [f"il_{n}" for n in range(12)]

    @pytest.mark.parametrize("count", [501, 510, 511, 10_000])
    def test_beyond_the_limit_are_refused(self, count: int) -> None:
        api = _LinesApi(count=count)
        with pytest.raises(InvalidRequestError) as caught:
            read_stripe("invoice.finalized", self._cut(), api)
        assert caught.value.errors[0].message.endswith(" 500 lines")
        assert len(api.paths) <= 5

    def test_up_to_the_limit_are_read(self) -> None:
        facts = read_stripe("invoice.finalized", self._cut(), _LinesApi(count=500))
        assert len(_snapshot(*facts).lines) == 500

    def test_pages_that_never_end_are_given_up(self) -> None:
        paths: list[str] = []

        def stuck(path: str) -> Json:
            paths.append(path)
            return listed(line("il_9"), has_more=True)

        with pytest.raises(InvalidRequestError):
            read_stripe("invoice.finalized", self._cut(), stuck)
        assert len(paths) == 5

    @pytest.mark.parametrize("id_", ["in_1/../../charges", "in_1?x=1", "in 1", "in_1#"])
    def test_an_id_that_is_no_path_is_refused(self, id_: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            read_stripe("invoice.finalized", self._cut() | {"id": id_}, _LinesApi(count=20))
        assert caught.value.errors[0].field == "data.object.id"

    def test_of_a_credit_note_are_fetched_too(self) -> None:
        pages: list[str] = []

        def rest(path: str) -> Json:
            pages.append(path)
            return listed(credited(300, "il_2", id="cnli_2"))

        note = credit_note(lines=listed(credited(200, "il_1", id="cnli_1"), has_more=True))
        (fact,) = read_stripe("credit_note.created", note, rest)
        assert isinstance(fact, PurchaseRefunded)
        assert [part.line_id for part in fact.refund.lines] == ["il_1", "il_2"]
        assert pages == ["/v1/credit_notes/cn_1/lines?limit=100&starting_after=cnli_1"]
        with pytest.raises(IncompletePayloadError):
            read_stripe("credit_note.created", note)


class _LinesApi:
    """Stripe's list of an invoice's lines, as the API pages it."""

    def __init__(self, *, count: int) -> None:
        self._ids = [f"il_{n}" for n in range(count)]
        self.paths: list[str] = []

    def __call__(self, path: str) -> Json:
        self.paths.append(path)
        start = self._ids.index(path.partition("starting_after=")[2]) + 1
        page = self._ids[start : start + 100]
        lines = (line(id_, start + n) for n, id_ in enumerate(page))
        return listed(*lines, has_more=start + 100 < len(self._ids))


class TestCreditNote:
    def _refund(self, note: Json) -> Refund:
        (fact,) = read_stripe("credit_note.created", note)
        assert isinstance(fact, PurchaseRefunded)
        assert fact.purchase == PURCHASE
        return fact.refund

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"discount_amounts": [{"amount": 100}]}, "9.00"),
            ({"taxes": [{"amount": 160, "tax_behavior": "inclusive"}]}, "8.40"),
            ({"taxes": [{"amount": 160, "tax_behavior": "exclusive"}]}, "10.00"),
            ({"tax_amounts": [{"amount": 160, "inclusive": True}]}, "8.40"),
            (
                {"pretax_credit_amounts": [{"amount": 400, "type": "credit_balance_transaction"}]},
                "6.00",
            ),
        ],
    )
    def test_credits_lines_net(self, changes: Json, expected: str) -> None:
        given = self._refund(credit_note(credited(1_000, **changes)))
        assert given.lines == (LineRefund(line_id="il_1", amount=money(expected)),)
        assert given.amount is None

    def test_that_names_a_line_twice_credits_it_once_for_both(self) -> None:
        given = self._refund(
            credit_note(credited(200), credited(50, "il_2"), credited(300, id="cnli_9"))
        )
        assert given.lines == (
            LineRefund(line_id="il_1", amount=money("5.00")),
            LineRefund(line_id="il_2", amount=money("0.50")),
        )

    @pytest.mark.parametrize(
        "lines",
        [
            lambda: [credited(200), credited(50, None)],
            lambda: [credited(900), credited(-50, "il_2")],
        ],
        ids=["a custom line", "a line below zero"],
    )
    def test_counts_by_its_total_where_lines_do_not_say_all(
        self, lines: Callable[[], list[Json]]
    ) -> None:
        given = self._refund(credit_note(*lines(), total=777))
        assert (given.amount, given.lines) == (money("7.77"), ())

    def test_without_lines_counts_by_its_total(self) -> None:
        given = self._refund(credit_note(lines=listed(), total=777))
        assert (given.amount, given.lines) == (money("7.77"), ())

    @pytest.mark.parametrize(
        ("named", "settles"),
        [
            ({}, ()),
            ({"refund": "re_1"}, ("re_1",)),
            ({"refund": {"id": "re_1", "object": "refund"}}, ("re_1",)),
            ({"refunds": [{"refund": "re_1"}, {"refund": {"id": "re_2"}}]}, ("re_1", "re_2")),
            ({"refund": "re_1", "refunds": [{"refund": "re_1"}]}, ("re_1",)),
            ({"refund": None, "refunds": None}, ()),
            (
                {"refunds": [{"refund": None, "type": "payment_record_refund"}]},
                (),
            ),
        ],
    )
    def test_settles_the_refunds_that_it_names(self, named: Json, settles: tuple[str, ...]) -> None:
        assert self._refund(credit_note(credited(100), **named)).settles == settles


class TestRefund:
    @pytest.mark.parametrize(
        ("changes", "purchase", "payment"),
        [
            ({}, None, "pi_1"),
            ({"payment_intent": {"id": "pi_1"}}, None, "pi_1"),
            ({"payment_intent": None}, None, "ch_1"),
            ({"payment_intent": None, "charge": {"id": "ch_1"}}, None, "ch_1"),
            ({"charge": {"id": "ch_1", "invoice": "in_1"}}, "in_1", None),
            ({"invoice": {"id": "in_1"}}, "in_1", None),
        ],
    )
    def test_is_for_the_invoice_where_named_else_for_the_payment(
        self, changes: Json, purchase: str | None, payment: str | None
    ) -> None:
        (fact,) = read_stripe("refund.created", refund(**changes))
        assert isinstance(fact, PurchaseRefunded)
        assert (fact.purchase and fact.purchase.id) == purchase
        assert (fact.payment and fact.payment.id) == payment

    @pytest.mark.parametrize("status", ["succeeded", "pending", "failed", "canceled"])
    @pytest.mark.parametrize("intent", ["pi_1", None])
    def test_is_the_same_fact_whichever_event_brings_it(
        self, status: str, intent: str | None
    ) -> None:
        given = refund(status=status, payment_intent=intent)
        charge = stripe_object("charge", id="ch_1", payment_intent=intent, refunds=listed(given))
        brought = {
            read_stripe("charge.refunded", charge),
            *(
                read_stripe(type_, given)
                for type_ in ("refund.created", "refund.updated", "charge.refund.updated")
            ),
        }
        assert len(brought) == 1

    @pytest.mark.parametrize(("intent", "named"), [("pi_1", "pi_1"), (None, "ch_1")])
    def test_that_names_no_payment_is_for_the_one_of_its_charge(
        self, intent: str | None, named: str
    ) -> None:
        given = refund(payment_intent=None, charge=None)
        charge = stripe_object("charge", id="ch_1", payment_intent=intent, refunds=listed(given))
        (fact,) = read_stripe("charge.refunded", charge)
        assert isinstance(fact, PurchaseRefunded)
        assert fact.payment == PaymentKey(source="stripe", id=named)

    def test_of_a_charge_that_names_its_invoice_is_for_that_invoice(self) -> None:
        older = stripe_object(
            "charge", invoice="in_1", refunds=listed(refund(), refund(id="re_2", status="failed"))
        )
        assert read_stripe("charge.refunded", older) == (
            PurchaseRefunded(purchase=PURCHASE, refund=REFUNDED.refund),
            RefundCancelled(purchase=PURCHASE, refund_id="re_2", at=at(CREATED)),
        )


_MONEY_REFUSED: list[tuple[Any, str]] = [
    (10.0, "must be a whole number"),
    (10.5, "must be a whole number"),
    (True, "must be a whole number"),
    ("1000", "must be a whole number"),
    ([1], "must be a whole number"),
    (None, "is required"),
    (10**14, "an amount must be at most 999999999.99, is 1000000000000.00"),
]


class TestRefusals:
    @pytest.mark.parametrize(("value", "message"), _MONEY_REFUSED)
    def test_money_is_whole_minor_units(self, value: object, message: str) -> None:
        assert _refusal("invoice.finalized", invoice(line(amount=value))) == (  # type: ignore[arg-type]  # the point
            "data.object.lines.data.0.amount",
            message,
        )
        assert _refusal("invoice.finalized", invoice(total=value)) == (  # type: ignore[arg-type]  # the point
            "data.object.total",
            message,
        )
        assert _refusal("refund.created", refund(amount=value)) == ("data.object.amount", message)
        assert _refusal("invoice_payment.paid", _invoice_payment(amount_paid=value)) == (
            "data.object.amount_paid",
            message,
        )

    @pytest.mark.parametrize(
        ("type_", "subject", "field"),
        [
            ("refund.created", lambda: refund(amount=-1), "amount"),
            ("refund.created", lambda: refund(currency="xxx"), "currency"),
            ("refund.created", lambda: refund(created=10**20), "created"),
            ("refund.created", lambda: refund(created=-1), "created"),
            ("refund.created", lambda: refund(id="re\u0000"), "id"),
            ("refund.created", lambda: refund(id="r" * 256), "id"),
            ("refund.created", lambda: refund(status=7), "status"),
            ("invoice_payment.paid", lambda: _invoice_payment(amount_paid=-1), "amount_paid"),
            ("invoice_payment.paid", lambda: _invoice_payment(invoice=None), "invoice"),
            ("invoice_payment.paid", lambda: _invoice_payment(invoice=""), "invoice"),
            ("invoice_payment.paid", lambda: _invoice_payment(payment="pi_1"), "payment"),
            ("invoice.voided", lambda: invoice(id=""), "id"),
            ("invoice.voided", lambda: invoice(status_transitions=[]), "status_transitions"),
            ("invoice.finalized", lambda: invoice(currency="doubloon"), "currency"),
            ("invoice.finalized", lambda: invoice(customer=7), "customer"),
            ("invoice.finalized", lambda: invoice(customer="c" * 2_000), "customer"),
            ("invoice.finalized", lambda: invoice(metadata=[]), "metadata"),
            ("invoice.finalized", lambda: invoice(customer_name=7), "customer_name"),
            ("invoice.finalized", lambda: invoice(lines=[]), "lines"),
            ("invoice.finalized", lambda: invoice(lines={"data": {}}), "lines.data"),
            (
                "invoice.finalized",
                lambda: invoice(lines={"data": [], "has_more": 1}),
                "lines.has_more",
            ),
            ("invoice.finalized", lambda: invoice(line(), line()), ""),
            (
                "invoice.finalized",
                lambda: invoice(*[line(f"il_{n}") for n in range(501)]),
                "lines.data",
            ),
            ("invoice.finalized", lambda: invoice(line(id_="")), "lines.data.0.id"),
            ("invoice.finalized", lambda: invoice(line(quantity=1.5)), "lines.data.0.quantity"),
            ("invoice.finalized", lambda: invoice(line(quantity=-1)), "lines.data.0"),
            (
                "invoice.finalized",
                lambda: invoice(line(discount_amounts=[{"amount": 1.5}])),
                "lines.data.0.discount_amounts.0.amount",
            ),
            (
                "invoice.finalized",
                lambda: invoice(line(metadata={"points_category": 7})),
                "lines.data.0.metadata.points_category",
            ),
            ("credit_note.created", lambda: credit_note(lines=listed(), total=-1), "total"),
            ("credit_note.created", lambda: credit_note(invoice=None), "invoice"),
            (
                "charge.refunded",
                lambda: stripe_object("charge", refunds={"data": [7]}),
                "refunds.data.0",
            ),
            ("customer.created", lambda: stripe_object("customer", email=["x"]), "email"),
        ],
    )
    def test_name_the_field(self, type_: str, subject: Callable[[], Json], field: str) -> None:
        named, message = _refusal(type_, subject())
        assert named == f"data.object.{field}".rstrip(".")
        assert message

    @pytest.mark.parametrize(
        "type_", sorted(set(EVENTS) - {"invoice.marked_uncollectible", "customer.deleted"})
    )
    @pytest.mark.parametrize("subject", [None, [], "in_1", 7])
    def test_an_event_has_an_object(self, type_: str, subject: object) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            read("stripe", {"type": type_, "created": EVENT_AT, "data": {"object": subject}})
        assert caught.value.errors[0].field == "data.object"

    def test_an_event_says_when(self) -> None:
        sent = event("invoice.finalized", invoice()) | {"created": None}
        with pytest.raises(InvalidRequestError) as caught:
            read("stripe", sent)
        assert caught.value.errors[0].field == "created"
