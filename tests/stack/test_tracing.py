"""One webhook followed by its correlation id through the logs of everything that it sets off."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from select import select
from threading import Timer

import pytest
from botocore.config import Config

from local.tail import Tail, Wanted, line_of
from tests.receiver import Receiver, listening
from tests.stack.client import StackClient, days_ago, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
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
PATIENCE_SECONDS = 120


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
    # The emulator fails a list of log groups while a function adds one.
    config = ledger.config.merge(Config(retries={"total_max_attempts": 5}))
    return Tail(
        logs=ledger.session.client(
            "logs", endpoint_url=ledger.stack["endpoint_url"], config=config
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


FOLLOW = """
import signal, sys
from local import __main__, emulator, stack
from local.home import home_of_checkout, home_of_tests
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs the tests may ignore it
port = int(sys.argv[1])
homes = [home for home in (home_of_tests(port), home_of_checkout(port))
         if emulator.recorded_port(home) == port]
stack.checkout = lambda: homes[0]
sys.exit(__main__.main(["tail"]))
"""
"""`make tail` of the stack that the tests use, whichever it is."""


def test_the_command_shows_lines_as_they_come_until_control_c(ledger: StackClient) -> None:
    port = ledger.stack["endpoint_url"].rpartition(":")[2]
    command = [sys.executable, "-c", FOLLOW, port]
    with subprocess.Popen(  # noqa: S603 - a command of our own
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        stop = Timer(PATIENCE_SECONDS, process.kill)
        stop.start()
        assert process.stdout is not None
        # What was logged before is not shown, so it goes on until something is.
        while process.poll() is None and not select([process.stdout], [], [], 2)[0]:
            ledger.enrol(unique("Somebody"))
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        stop.cancel()
    assert (process.returncode, errors) == (0, "")
    assert line.split()[1] in ledger.stack["functions"]
