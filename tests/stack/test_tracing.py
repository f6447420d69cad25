"""One webhook followed by its correlation id through the logs of everything that it sets off."""

import time
from collections.abc import Iterator

import pytest

from local.tail import Tail, Wanted, line_of
from tests.receiver import Receiver, listening
from tests.stack.client import StackClient, days_ago, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

WAY = (
    ("webhooks", "accepted"),
    ("accrual", "posted"),
    ("ledger_events", "published"),
    ("notifications", "mail_sent"),
    ("outbound_events", "queued"),
    ("outbound_deliveries", "delivered"),
)
"""Functions, in the order of what follows from what, and what each has to say."""
PAYMENT_WAY = (("webhooks", "accepted"), ("maturation", "posted"), ("ledger_events", "published"))
PATIENCE_SECONDS = 60


@pytest.fixture
def receiver(ledger: StackClient) -> Iterator[Receiver]:
    """What is told of points earned, for as long as the test runs."""
    headers = {"Authorization": f"Bearer {ledger.admin_token}"}
    with listening() as receiver:
        body = {"url": receiver.url("/traced"), "events": ["PointsAccrued"]}
        made = ledger.http.post("/outbound-webhooks", json=body, headers=headers)
        assert made.status_code == 201, made.text
        yield receiver
        ledger.http.delete(f"/outbound-webhooks/{made.json()['webhook_id']}", headers=headers)


def tail(ledger: StackClient, wanted: Wanted, since: float) -> Tail:
    return Tail(
        logs=ledger.session.client(
            "logs", endpoint_url=ledger.stack["endpoint_url"], config=ledger.config
        ),
        prefix=f"/{ledger.stack['stack_name']}/",
        wanted=wanted,
        since_milliseconds=int(since * 1_000),
    )


def lines(ledger: StackClient, wanted: Wanted, since: float) -> list[list[str]]:
    """What is logged under an id: function, outcome and the rest of each line."""
    return [line.split()[1:] for line in tail(ledger, wanted, since).look()]


def found_under(ledger: StackClient, correlation_id: str, since: float) -> set[tuple[str, str]]:
    said = lines(ledger, Wanted(correlation=correlation_id), since)
    return {(function, outcome) for function, _, outcome, *_ in said}


def correlation_of(ledger: StackClient, function: str, words: str, since: float) -> str:
    """The id under which a function has logged something."""

    def looked() -> list[str]:
        return [
            part.partition("=")[2]
            for line in lines(ledger, Wanted(function=function), since)
            if words in line
            for part in line
            if part.startswith("correlation_id=")
        ]

    return ledger.wait_for(f"{words} in the log of {function}", looked, bool)[0]


def test_a_webhook_is_found_in_every_log_that_it_comes_to(
    ledger: StackClient, receiver: Receiver
) -> None:
    since = time.time() - 1
    customer_id = unique("customer")
    member_id = ledger.enrol(
        "Somebody",
        email=f"{customer_id}@example.com",
        external_ids=[{"source": "pos", "id": customer_id}],
    )
    purchase = Purchase(customer_id=customer_id, amount="500.00", posted_at=days_ago(3))
    ledger.deliver(purchase.posted())
    ledger.wait_for_amounts(member_id, pending=30)
    posted = correlation_of(ledger, "accrual", f"earning=pos:ticket:{purchase.id}", since)
    ledger.wait_for(
        "a line of everything on the way",
        lambda: found_under(ledger, posted, since),
        lambda found: set(WAY) <= found,
        seconds=PATIENCE_SECONDS,
    )
    [told] = [each.document["data"] for each in receiver.wait_for("/traced", 1)]
    assert (told["member_id"], told["correlation_id"]) == (member_id, posted)

    ledger.deliver(purchase.paid("1", "500.00", at=days_ago(2)))
    ledger.wait_for_amounts(member_id, available=30)
    paid = correlation_of(ledger, "maturation", f"earning=pos:ticket:{purchase.id}", since)
    assert paid != posted
    ledger.wait_for(
        "a line of everything on the way",
        lambda: found_under(ledger, paid, since),
        lambda found: set(PAYMENT_WAY) <= found,
        seconds=PATIENCE_SECONDS,
    )
    # From an entry back to the request that wrote it.
    entry = f"event_id={member_id}#3"
    assert correlation_of(ledger, "ledger_events", entry, since) == paid


def test_no_line_of_any_function_is_more_than_one_line(ledger: StackClient) -> None:
    since = time.time() - 1
    ledger.enrol(unique("Somebody"))
    said = ledger.wait_for(
        "lines of several functions",
        lambda: list(tail(ledger, Wanted(), since).look()),
        lambda found: {"members", "ledger_events"} <= {line.split()[1] for line in found},
    )
    assert all(line.isprintable() for line in said)
    assert line_of(0, "members", "\n", Wanted()) is None
