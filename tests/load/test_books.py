"""The arithmetic that a load is held to, by the examples of semantics 3."""

from random import Random

import pytest

from tests.load.books import MAX_EARNED, Books, Story, story
from tests.stack.client import days_ago
from tests.stack.standard import Purchase


def told(steps: int = 4, **more: object) -> Story:
    purchase = Purchase(customer_id="C-1", amount=f"{steps * 50}.00", posted_at=days_ago(3))
    return Story(purchase=purchase, steps=steps, **more)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("happened", "earned", "matured"),
    [
        (told(), 12, 0),
        (told(is_paid=True), 12, 12),
        (told(is_paid=True, is_bounced=True), 12, 0),
        (told(is_paid=True, refunded_steps=(1,)), 9, 9),
        (told(is_paid=True, refunded_steps=(1, 1)), 6, 6),
        (told(is_paid=True, refunded_steps=(4,)), 0, 0),
        (told(is_paid=True, is_voided=True), 0, 0),
        (told(refunded_steps=(3,)), 3, 0),
    ],
)
def test_what_a_purchase_comes_to(happened: Story, earned: int, matured: int) -> None:
    assert (happened.earned, happened.matured) == (earned, matured)


def test_every_fact_of_a_story_is_told_once() -> None:
    happened = told(is_paid=True, is_bounced=True, refunded_steps=(1, 2), is_voided=True)
    assert [each["type"] for each in happened.messages()] == [
        "purchase.posted",
        "purchase.paid",
        "purchase.payment_reversed",
        "purchase.refunded",
        "purchase.refunded",
        "purchase.voided",
    ]


def test_no_story_refunds_more_than_was_sold() -> None:
    random = Random(1)  # noqa: S311 - no secret
    for _ in range(200):
        happened = story("C-1", random)
        assert sum(happened.refunded_steps) <= happened.steps


def test_nobody_is_lifted_into_a_tier() -> None:
    books, happened = Books(), told(steps=6, is_paid=True)
    books.open("mbr_1", available=10)
    bought = sum(books.buy("mbr_1", happened) for _ in range(100))
    assert bought == MAX_EARNED // happened.earned
    assert books.accounts["mbr_1"].available == 10 + bought * happened.earned


def test_what_is_given_and_taken_adds_up() -> None:
    books = Books()
    books.open("mbr_1", available=10)
    books.buy("mbr_1", told())
    books.move("mbr_1", -7)
    account = books.accounts["mbr_1"]
    assert (account.available, account.pending) == (3, 12)
