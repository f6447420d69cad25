"""One purchase as Square tells it: in any order and more than once, the same balance in the end."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import permutations

import pytest

from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import PaymentKey
from tests.builders import acme
from tests.service.desk import Desk
from tests.unit.providers.payloads import Json
from tests.unit.providers.square_payloads import (
    Api,
    completed,
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

NOW = datetime(2026, 10, 1, tzinfo=UTC)
Message = tuple[str, Json]

LINES = (
    line("pages", 125_000, metadata={"points_category": "original"}),
    line("mug", 1_080, total_tax_money=usd(80), metadata={"points_category": "retail"}),
    line("card", 2_500, item_type="GIFT_CARD"),
)
"""75 points for the pages, 10 for the mug, none for the gift card."""

TOTAL = 128_580
SOLD = completed(*LINES, total=TOTAL + 700, total_tip_money=usd(700))
MUG = returned_line(1_080, "mug", total_tax_money=usd(80))
RETURN = return_of(MUG)
NOT_PAID = [{"id": "payment-1_refund-1", "tender_id": "payment-1", "status": "REJECTED"}]
HALVES = [
    refund(id=f"half-{n}", order_id=f"none-{n}", amount_money=usd(TOTAL // 4)) for n in (1, 2)
]

CREATED: Message = ("order.created", {"order": order(*LINES, total=TOTAL)})
COMPLETED: Message = ("order.updated", {"order": SOLD})
PAID: Message = ("payment.updated", {"payment": payment(amount_money=usd(TOTAL))})
APPROVED: Message = ("payment.created", {"payment": payment(status="APPROVED")})
FAILED: Message = ("payment.updated", {"payment": payment(status="FAILED")})
RETURNED: Message = ("order.updated", {"order": RETURN})
PENDING: Message = ("refund.created", {"refund": refund(status="PENDING")})
REFUNDED: Message = ("refund.updated", {"refund": refund(amount_money=usd(1_080))})
REJECTED: Message = ("refund.updated", {"refund": refund(status="REJECTED")})
CANCELED: Message = ("order.updated", {"order_updated": told("CANCELED")})
BILL_PAID: Message = ("invoice.payment_made", {"invoice": invoice(status="PAID")})
BILL_CANCELED: Message = ("invoice.canceled", {"invoice": invoice(status="CANCELED")})

CHEAPER = order(
    line("pages", 50_000, metadata={"points_category": "original"}),
    total=50_000,
    updated_at="2026-09-02T12:10:00Z",
)

HISTORIES: dict[str, tuple[Sequence[Message], tuple[int, int, int]]] = {
    "unpaid": ([CREATED, APPROVED], (85, 0, 0)),
    "paid": ([CREATED, APPROVED, PAID, COMPLETED], (0, 85, 0)),
    "completed, its payment unheard of": ([CREATED, COMPLETED], (0, 85, 0)),
    "paid by invoice": ([CREATED, BILL_PAID], (0, 85, 0)),
    "the only payment failed": ([CREATED, APPROVED, FAILED], (85, 0, 0)),
    "changed before it was paid": (
        [CREATED, ("order.updated", {"order": CHEAPER}), PAID],
        (0, 30, 0),
    ),
    "a line returned": ([CREATED, PAID, PENDING, RETURNED, REFUNDED], (0, 75, 0)),
    "a line returned, its order unheard of": ([COMPLETED, PAID, REFUNDED], (0, 81, 0)),
    "a line returned, its money not": ([COMPLETED, PAID, PENDING, REJECTED], (0, 85, 0)),
    "a line returned, its money not, as the return itself says": (
        [COMPLETED, PAID, RETURNED, ("order.updated", {"order": return_of(MUG, refunds=NOT_PAID)})],
        (0, 85, 0),
    ),
    "half of it refunded in two parts": (
        [CREATED, PAID, *(("refund.updated", {"refund": half}) for half in HALVES)],
        (0, 41, 0),
    ),
    "refunded in full, more than once": (
        [
            COMPLETED,
            PAID,
            ("refund.updated", {"refund": refund(amount_money=usd(TOTAL))}),
            ("order.updated", {"order": return_of(MUG, returned_line(125_000, "pages"))}),
        ],
        (0, 0, 0),
    ),
    "cancelled": ([CREATED, CANCELED, PAID], (0, 0, 0)),
    "cancelled by invoice": ([CREATED, BILL_CANCELED], (0, 0, 0)),
}


def tell(desk: Desk, facts: Iterable[Fact]) -> None:
    """Record facts, and what waited for a payment as soon as that is known."""
    key = PaymentKey(source="square", id="payment-1")
    for fact in facts:
        desk.tell(fact)
        if fact.type == "payment_received":
            desk.tell(*desk.memory.parked(key))


def balances_after(messages: Iterable[Message], api: Api | None = None) -> tuple[int, int, int]:
    desk = Desk(acme(), now=NOW)
    for type_, subject in messages:
        tell(desk, read_square(type_, subject, None if api is None else api.get))
    return desk.balances()


@pytest.mark.parametrize("name", HISTORIES)
def test_in_every_order_and_everything_twice(name: str) -> None:
    messages, expected = HISTORIES[name]
    for straight in permutations(messages):
        assert balances_after([*straight, *messages]) == expected
        assert balances_after(each for each in straight for _ in range(2)) == expected


def test_in_every_order_as_square_really_tells_it() -> None:
    """Orders by their names only: each message brings what the order was when it was fetched."""
    api = Api(SOLD, RETURN)
    messages: list[Message] = [
        ("order.updated", {"order_updated": told("COMPLETED")}),
        PAID,
        ("order.updated", {"order_updated": told("COMPLETED", order_id="return-1")}),
        REFUNDED,
    ]
    for straight in permutations(messages):
        assert balances_after([*straight, *messages], api) == (0, 75, 0)
        assert balances_after((messages[0], *straight[:3], *messages[1:]), api) == (0, 75, 0)


def test_each_message_alone_is_enough_for_what_it_says() -> None:
    api = Api(SOLD, RETURN)
    assert balances_after([PAID], api) == (0, 85, 0)
    assert balances_after([PAID, REFUNDED], api) == (0, 75, 0)
    assert balances_after([REFUNDED, PAID], api) == (0, 75, 0)
    assert balances_after([BILL_PAID], api) == (0, 85, 0)


def test_a_token_that_is_configured_later_counts_nothing_twice() -> None:
    """What was told by amount is contained in what is then told by line."""
    api = Api(SOLD, RETURN)
    desk = Desk(acme(), now=NOW)
    for type_, subject in (COMPLETED, PAID, REFUNDED):
        tell(desk, read_square(type_, subject))
    assert desk.balances() == (0, 81, 0)
    tell(desk, read_square(*REFUNDED, api.get))
    assert desk.balances() == (0, 75, 0)


def test_a_refund_that_failed_after_all_gives_the_line_back() -> None:
    messages = [COMPLETED, PAID, RETURNED, REJECTED]
    for refunds in (None, RETURN["refunds"], NOT_PAID):
        api = Api(SOLD, return_of(MUG, refunds=refunds))
        for straight in permutations(messages):
            assert balances_after([*straight, *messages], api) == (0, 85, 0)


def test_an_exchange_takes_the_returned_line_back_without_any_refund() -> None:
    exchange = completed(
        line("other", 5_000, metadata={"points_category": "retail"}),
        id="order-2",
        returns=RETURN["returns"],
    )
    messages: list[Message] = [COMPLETED, PAID, ("order.updated", {"order": exchange})]
    for straight in permutations(messages):
        assert balances_after([*straight, *messages]) == (0, 75 + 50, 0)
