"""How many requests each command makes of the store: the first column of architecture 3."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from points_ledger.domain.error import EarnedOnSameTicketError, InsufficientPointsError
from points_ledger.domain.redemption import Ticket
from tests.builders import HOUR, START, after, paid, posted, program, purchase_key, refunded
from tests.service.desk import ADA, Desk

HELD = program(hold="PT24H", expires_after="P1D", round_to="day")


@contextmanager
def requests(desk: Desk, *expected: str) -> Iterator[None]:
    desk.store.requests.clear()
    yield
    assert desk.store.requests == list(expected)


@pytest.fixture
def desk() -> Desk:
    """Ada is known; a purchase of hers waits for its hold."""
    desk = Desk(HELD)
    desk.enrol("ada")
    desk.tell(posted("100.00"))
    return desk


def test_an_accrual_of_a_known_member(desk: Desk) -> None:
    with requests(desk, "get", "head", "commit"):
        desk.tell(posted("50.00", id="purchase-2"))


def test_an_accrual_that_enrols_its_customer(desk: Desk) -> None:
    with requests(desk, "get", "commit"):
        desk.tell(posted("50.00", id="purchase-2", customer="bob"))


def test_a_payment_noted_while_the_hold_runs(desk: Desk) -> None:
    with requests(desk, "get", "commit"):
        desk.tell(paid("100.00"))


def test_a_maturation_by_payment(desk: Desk) -> None:
    desk.wait(after(hours=24))
    with requests(desk, "get", "head", "commit"):
        desk.tell(paid("100.00", at=after(hours=24)))


def test_a_maturation_by_the_sweep(desk: Desk) -> None:
    desk.tell(paid("100.00"))
    desk.wait(after(hours=24))
    with requests(desk, "get", "head", "commit"):
        desk.release()


def test_a_refund(desk: Desk) -> None:
    with requests(desk, "get", "head", "commit"):
        desk.tell(refunded("10.00"))


@pytest.mark.parametrize("fact", [posted("100.00"), paid("5.00")], ids=lambda fact: fact.type)
def test_a_duplicate_fact(desk: Desk, fact: object) -> None:
    desk.tell(paid("5.00"))
    with requests(desk, "get"):
        desk.tell(fact)  # type: ignore[arg-type]  # one of the facts above


@pytest.fixture
def rich(desk: Desk) -> Desk:
    """The purchase has matured."""
    desk.tell(paid("100.00"))
    desk.wait(after(hours=24))
    desk.release()
    return desk


def test_a_redemption(rich: Desk) -> None:
    with requests(rich, "head", "get", "commit"):
        rich.redeem(10)


def test_a_redemption_on_a_ticket(rich: Desk) -> None:
    ticket = Ticket(key=purchase_key("ticket-1", "ticket"), amount=Decimal("60.00"))
    with requests(rich, "head", "get", "commit"):
        rich.redeem(10, ticket=ticket)


def test_a_repeated_redemption(rich: Desk) -> None:
    rich.redeem(10)
    with requests(rich, "head", "get"):
        rich.redeem(10)


def test_a_rejected_redemption(rich: Desk) -> None:
    with requests(rich, "head", "get"), pytest.raises(InsufficientPointsError):
        rich.redeem(1_000)


def test_a_rejection_by_two_items_is_confirmed(rich: Desk) -> None:
    ticket = Ticket(key=purchase_key(), amount=Decimal("60.00"))
    with (
        requests(rich, "head", "get", "head", "get"),
        pytest.raises(EarnedOnSameTicketError),
    ):
        rich.redeem(10, ticket=ticket)


def test_an_expiry_and_a_visit_in_vain(rich: Desk) -> None:
    with requests(rich, "head"):
        rich.expire()
    rich.wait(START + 72 * HOUR)
    with requests(rich, "head", "commit"):
        rich.expire()


def test_an_enrolment(desk: Desk) -> None:
    with requests(desk, "get", "commit"):
        desk.enrol("bob", key="key-2", name="Bob")
    with requests(desk, "get"):
        desk.enrol("bob", key="key-2", name="Bob")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda desk: desk.queries.balance(ADA), ["head"]),
        (lambda desk: desk.queries.member(ADA), ["head", "get"]),
        (lambda desk: desk.redeeming.quote(ADA, None), ["head"]),
        (lambda desk: desk.queries.pending(ADA, limit=10, cursor=None), ["head", "get"]),
    ],
    ids=["balance", "member", "quote", "pending"],
)
def test_a_question(desk: Desk, ask: Callable[[Desk], object], expected: list[str]) -> None:
    with requests(desk, *expected):
        ask(desk)
