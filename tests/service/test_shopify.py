"""One purchase as Shopify tells it: in any order and more than once, the same balance in the end.

A refund comes twice by itself, as a message of its own and in every later payload of the order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, permutations
from random import Random
from typing import Any

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.fact import Fact
from tests.builders import acme, match, program, rule
from tests.service.desk import ADA, Desk
from tests.unit.providers.payloads import Json
from tests.unit.providers.shopify_payloads import (
    CANCELLED_AT,
    LOUNGER,
    SHIRT,
    adjustment,
    allocated,
    line,
    order,
    read_shopify,
    refund,
    refunded_line,
    shipping_line,
    taxed,
    transaction,
)

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SEED = 20_261_122
Message = tuple[str, Json]
Amounts = tuple[int, int, int]

PAGES = line(
    SHIRT, "250.00", quantity=5, properties=[{"name": "points_category", "value": "original"}]
)
MUG = line(
    LOUNGER,
    "12.50",
    properties=[{"name": "_points_category", "value": "retail"}],
    discount_allocations=[allocated("2.50")],
    tax_lines=[taxed("0.80")],
)
TOTAL = "1265.80"
"""75 points for the pages, 10 for the mug; 5.00 for shipping and 0.80 of tax earn nothing."""


def placed(*refunds: Json, at: str = "19:00:07", **changes: Any) -> Json:  # noqa: ANN401 - of any type
    return order(
        PAGES, MUG, total=TOTAL, refunds=list(refunds), updated_at=f"2026-08-31T{at}-05:00"
    ) | changes  # fmt: skip


def a_refund(id_: int, *lines: Json, day: int, **changes: Any) -> Json:  # noqa: ANN401 - of any type
    at = f"2026-09-{day:02}T19:00:00-05:00"
    return refund(*lines, id=id_, created_at=at, processed_at=at, **changes)


ONE_MUG = a_refund(
    1, refunded_line(LOUNGER, "10.00", "0.80", line_item=MUG), day=2, paid_back="10.80"
)
TWO_PAGES = a_refund(
    2, refunded_line(SHIRT, "500.00", quantity=2, line_item=PAGES), day=3, paid_back="500.00"
)
EDITED = a_refund(3, refunded_line(SHIRT, "250.00", quantity=1, line_item=PAGES), day=1)
SHIPPING = a_refund(4, day=4, paid_back="5.00", refund_shipping_lines=[shipping_line()])
HALF = a_refund(5, day=5, paid_back="632.90", order_adjustments=[adjustment("-632.90")])
FAILED = a_refund(
    6, day=6, transactions=[transaction("refund", "100.00", "failure", currency=None)]
)
PENDING = FAILED | {"transactions": [transaction("refund", "100.00", "pending", currency=None)]}

CREATED: Message = ("orders/create", placed())
PAID: Message = ("orders/paid", placed(at="19:00:08", financial_status="paid"))
SALE: Message = ("order_transactions/create", transaction(amount=TOTAL))
PART: Message = ("order_transactions/create", transaction(amount="600.00"))
REST: Message = ("order_transactions/create", transaction(amount="665.80", id=2))


def made(refund_: Json) -> Message:
    return "refunds/create", refund_


def updated(*refunds: Json, at: str = "20:00:00", **changes: Any) -> Message:  # noqa: ANN401 - of any type
    """The order after these refunds; what is left of it is told beside what was ordered."""
    status = "partially_refunded"
    left = {"financial_status": status, "current_total_price": "1.00", "closed_at": None}
    return "orders/updated", placed(*refunds, at=at, **(left | changes))


CANCELLED: Message = (
    "orders/cancelled",
    placed(ONE_MUG, at="21:00:00", cancelled_at=CANCELLED_AT, financial_status="voided"),
)

MORE_PAGES = PAGES | {"id": 7, "quantity": 2}
LARGER = placed(at="22:00:00", line_items=[PAGES, MUG, MORE_PAGES], total_price="1765.80")
ENLARGED: Message = (
    "orders/updated",
    LARGER | {"financial_status": "partially_paid", "updated_at": "2026-08-31T21:30:00-05:00"},
)

HISTORIES: dict[str, tuple[Sequence[Message], Amounts]] = {
    "unpaid": ([CREATED, updated()], (85, 0, 0)),
    "paid": ([CREATED, SALE, PAID, updated()], (0, 85, 0)),
    "paid at the checkout": (
        [("orders/create", placed(financial_status="paid")), updated()],
        (0, 85, 0),
    ),
    "paid in two parts": ([CREATED, PART, REST], (0, 85, 0)),
    "paid in part": ([CREATED, PART, updated(financial_status="partially_paid")], (85, 0, 0)),
    "an article added to what was paid": ([CREATED, SALE, PAID, ENLARGED], (115, 0, 0)),
    "an article added, and paid later": (
        [CREATED, PAID, ENLARGED, ("orders/paid", LARGER | {"financial_status": "paid"})],
        (0, 115, 0),
    ),
    "a line refunded": ([CREATED, PAID, made(ONE_MUG), updated(ONE_MUG)], (0, 75, 0)),
    "a line refunded, only its order heard of": ([CREATED, PAID, updated(ONE_MUG)], (0, 75, 0)),
    "a line refunded, and a further one": (
        [PAID, made(ONE_MUG), made(TWO_PAGES), updated(ONE_MUG, TWO_PAGES)],
        (0, 45, 0),
    ),
    "an article taken out before it was paid": (
        [CREATED, made(EDITED), updated(EDITED, financial_status="pending"), SALE],
        (0, 70, 0),
    ),
    "shipping refunded": ([CREATED, PAID, made(SHIPPING), updated(SHIPPING)], (0, 85, 0)),
    "half of the money refunded": ([CREATED, PAID, made(HALF), updated(HALF)], (0, 41, 0)),
    "a refund that failed": ([CREATED, PAID, made(PENDING), updated(FAILED)], (0, 85, 0)),
    "refunded in full, more than once": (
        [
            PAID,
            made(a_refund(7, day=7, paid_back=TOTAL)),
            made(TWO_PAGES),
            updated(TWO_PAGES, a_refund(7, day=7, paid_back=TOTAL)),
        ],
        (0, 0, 0),
    ),
    "cancelled": ([CREATED, CANCELLED, SALE], (0, 0, 0)),
    "refunded and cancelled": ([CREATED, PAID, made(ONE_MUG), CANCELLED], (0, 0, 0)),
    "deleted": ([CREATED, PAID, ("orders/delete", {"id": CREATED[1]["id"]})], (0, 0, 0)),
}


def facts_of(messages: Iterable[Message]) -> list[Fact]:
    return [fact for topic, body in messages for fact in read_shopify(topic, body)]


def balances_after(facts: Iterable[Fact], desk: Desk | None = None) -> Amounts:
    desk = desk or Desk(acme(), now=NOW)
    desk.tell(*facts)
    return desk.balances()


@pytest.mark.parametrize("name", HISTORIES)
def test_in_every_order_and_everything_twice(name: str) -> None:
    messages, expected = HISTORIES[name]
    for straight in permutations(messages):
        assert balances_after(facts_of([*straight, *messages])) == expected
        doubled = chain.from_iterable((each, each) for each in straight)
        assert balances_after(facts_of(doubled)) == expected


def test_facts_of_one_long_history_overtake_each_other() -> None:
    """Two queues and many workers: not even the facts of one message keep their order."""
    history = [
        CREATED, PART, REST, PAID, made(EDITED), updated(EDITED, at="19:30:00"), made(ONE_MUG),
        updated(EDITED, ONE_MUG), made(SHIPPING), made(PENDING),
        updated(EDITED, ONE_MUG, SHIPPING, FAILED, at="20:30:00"),
    ]  # fmt: skip
    facts = facts_of([*history, *history])
    random = Random(SEED)  # noqa: S311 - the same orders in every run
    for _ in range(60):
        random.shuffle(facts)
        assert balances_after(facts) == (0, 60, 0)
        assert balances_after(
            chain(facts, facts_of([CANCELLED])), Desk(acme(), now=NOW)
        ) == (0, 0, 0)  # fmt: skip


@pytest.mark.parametrize("first", [0, 1])
def test_a_refund_whose_tax_is_only_known_to_its_order_ends_as_that_says(first: int) -> None:
    sold = line(quantity=1, price="108.00", tax_lines=[taxed("8.00", rate=0.5)])
    given_back = refund(refunded_line(subtotal="54.00", tax="4.00", line_item=sold))
    before = order(sold, total="108.00", taxes_included=True, financial_status="paid")
    after = before | {"refunds": [given_back], "updated_at": "2026-09-02T00:00:00Z"}
    told = [("refunds/create", given_back), ("orders/updated", after)]
    desk = Desk(program(rule(1, "1.00")), now=NOW)
    desk.tell(*facts_of([("orders/create", before), told[first], told[1 - first]]))
    assert desk.balances() == (0, 50, 0)


@pytest.mark.parametrize("first", [0, 1])
def test_a_refund_whose_tax_looks_other_in_its_order_ends_as_that_says(first: int) -> None:
    """What was paid back is not there any more, which by itself said that tax is inside."""
    sold = line(quantity=1, price="108.00", tax_lines=[taxed("8.00")])
    entry = refunded_line(subtotal="54.00", tax="4.00", line_item=sold)
    given_back = refund(entry, paid_back="54.00")
    there = refund(entry | {"line_item": {}})
    paid = order(sold, total="116.00", refunds=[there], financial_status="paid")
    told = [("refunds/create", given_back), ("orders/create", paid)]
    desk = Desk(program(rule(1, "1.00")), now=NOW)
    desk.tell(*facts_of([told[first], told[1 - first]]))
    assert desk.balances() == (0, 54, 0)


def test_what_is_told_of_a_paid_order_later_does_not_begin_its_return_window_anew() -> None:
    rules = acme()
    terms = replace(rules.maturation, return_window=Period.parse("P14D"))
    desk = Desk(replace(rules, maturation=terms), now=datetime(2026, 9, 20, tzinfo=UTC))
    desk.tell(*facts_of([CREATED, PAID]))
    assert desk.balances() == (0, 85, 0)
    paid = placed(at="19:00:08", financial_status="paid")
    desk.tell(*facts_of([("orders/updated", paid | {"updated_at": "2026-09-19T12:00:00Z"})]))
    assert desk.balances() == (0, 85, 0)


def test_a_category_comes_from_the_program_where_the_line_names_none() -> None:
    sold = [line(1, "10.00", sku="MUG"), line(2, "20.00", sku="PEN"), line(3, "40.00", sku=None)]
    rules = program(
        rule(1, "1.00", match=match(categories=["retail"])),
        item_categories={"MUG": "retail", "49148385": "retail"},
    )
    desk = Desk(rules, now=NOW)
    desk.tell(*facts_of([("orders/create", order(*sold, total="70.00", financial_status="paid"))]))
    assert desk.balances() == (0, 50, 0)


def test_who_is_merged_at_shopify_is_one_member() -> None:
    desk = Desk(acme(), now=NOW)
    other = placed(id=2, customer={"id": 2}, financial_status="paid")
    desk.tell(*facts_of([("orders/create", placed(financial_status="paid", customer={"id": 1}))]))
    desk.tell(*facts_of([("orders/create", other)]))
    merged = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
        "status": "completed",
    }
    desk.tell(*facts_of([("customers/merge", merged)]))
    head = desk.memory.head(ADA)
    assert head is not None
    assert head.state.available == 170
