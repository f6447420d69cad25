"""One correlation id on the whole way: from a message to its entries, and to all that follows."""

import json
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.adapters.dynamodb.tracing import CORRELATION, MAX_CHARACTERS
from points_ledger.adapters.outbound_http import HttpCourier
from points_ledger.domain.fact import Fact, Payment, PaymentReceived, PurchaseRefunded, Refund
from points_ledger.domain.identity import PaymentKey
from points_ledger.domain.outbound import Try
from tests.functions import records
from tests.functions.deployed import SALE, Deploy, Deployed, program, settled, sold, ticket
from tests.functions.gateway import ADMIN

Json = dict[str, Any]
SALE_REQUEST = "JKJaXmPLvHcESHA="
PAYMENT_REQUEST = "JKJbYnQMwIdFTIB="


class Post:
    """Stands for SES, which takes every mail."""

    def send_email(self, **_: object) -> Json:
        return {"MessageId": "mail-1"}


@pytest.fixture
def listening(deploy: Deploy) -> Deployed:
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program())
    return deployed


def take(
    deployed: Deployed, function: str, *bodies: Fact | str, correlation_id: str | None
) -> None:
    """Hand a batch to a worker, which takes all of it."""
    given = [
        records.message(body, f"m-{n}", correlation_id=correlation_id)
        for n, body in enumerate(bodies)
    ]
    assert deployed.invoke(function, records.batch(*given)) == {"batchItemFailures": []}


def follow(deployed: Deployed) -> list[Json]:
    """Hand all that was written to the stream's function; what it published."""
    deployed.invoke("ledger_events", {"Records": deployed.streamed()})
    return deployed.published()


def under(deployed: Deployed, correlation_id: str) -> list[str]:
    """What the last invocation logged under an id."""
    return [
        line["message"]
        for line in deployed.printed.lines
        if line.get("correlation_id") == correlation_id
    ]


def sell(deployed: Deployed) -> None:
    take(deployed, "accrual", sold(), correlation_id=SALE_REQUEST)
    assert under(deployed, SALE_REQUEST) == ["posted"]
    take(deployed, "maturation", settled(), correlation_id=PAYMENT_REQUEST)
    assert under(deployed, PAYMENT_REQUEST) == ["posted"]


def test_events_are_told_and_logged_under_what_made_them_happen(listening: Deployed) -> None:
    sell(listening)
    told = [(each["detail-type"], each["detail"]["correlation_id"]) for each in follow(listening)]
    assert told == [
        ("MemberEnrolled", SALE_REQUEST),
        ("PointsAccrued", SALE_REQUEST),
        ("PointsMatured", PAYMENT_REQUEST),
    ]
    assert under(listening, SALE_REQUEST) == ["published", "published"]
    assert under(listening, PAYMENT_REQUEST) == ["published"]
    [batch] = [line for line in listening.printed.lines if line["message"] == "followed"]
    assert "correlation_id" not in batch


def test_mails_and_outbound_webhooks_are_logged_under_it_too(listening: Deployed) -> None:
    urls = listening.queue_outbound()
    listening.open_post(Post())
    listening.monkeypatch.setattr(
        HttpCourier,
        "post",
        lambda _, _url, **said: Try(
            at=said["at"], outcome="delivered", status_code=204, duration_milliseconds=1
        ),
    )
    hook = {"url": "https://hooks.example.org/", "events": ["PointsMatured"]}
    assert listening.ask("POST /outbound-webhooks", ADMIN, body=hook).status == 201
    sell(listening)
    matured = json.dumps(follow(listening)[-1])

    take(listening, "notifications", matured, correlation_id=None)
    assert len(under(listening, PAYMENT_REQUEST)) == 1
    take(listening, "outbound_events", matured, correlation_id=None)
    assert under(listening, PAYMENT_REQUEST) == ["queued"]
    [errand] = [each["Body"] for each in listening.queued(urls["deliveries"])]
    take(listening, "outbound_deliveries", errand, correlation_id=None)
    assert under(listening, PAYMENT_REQUEST) == ["delivered"]


def test_what_a_payment_wakes_goes_on_under_the_payment(listening: Deployed) -> None:
    charge = PaymentKey(source="pos", id="charge-1")
    refund = Refund(id="R-1", at=SALE, amount=Decimal("30.00"))
    parked = PurchaseRefunded(payment=charge, refund=refund)
    take(listening, "accrual", sold(), parked, correlation_id=SALE_REQUEST)
    paid = Payment(id="P-1", at=SALE, amount=Decimal("100.00"))
    fact = PaymentReceived(purchase=ticket("T-1"), payment=paid, references=(charge,))
    take(listening, "maturation", fact, correlation_id=PAYMENT_REQUEST)
    follow(listening)
    [woken] = listening.queued(listening.earning_queue_url)
    assert woken["MessageAttributes"]["correlation_id"]["StringValue"] == PAYMENT_REQUEST


def test_a_scheduled_run_has_the_same_id_whenever_it_is_repeated(listening: Deployed) -> None:
    sell(listening)
    late = {"scheduled_time": "2026-09-04T12:00:00Z"}
    ids = set()
    for _ in range(2):
        listening.invoke("hold_release", late)
        ids |= {line["correlation_id"] for line in listening.printed.lines}
    [id_] = ids
    assert id_.endswith(":2026-09-04T12:00:00Z")


def test_an_entry_keeps_who_wrote_it_apart_from_what_it_says(listening: Deployed) -> None:
    sell(listening)
    member_id = listening.linked("C-1")
    stored = {
        place: item.get(CORRELATION, {}).get("S")
        for place, item in listening.stored().items()
        if place.startswith(f"MEMBER#{member_id} ")
    }
    assert list(stored.values()) == [SALE_REQUEST, SALE_REQUEST, PAYMENT_REQUEST]
    assert not any("correlation_id" in entry for entry in listening.entries(member_id))


@pytest.mark.parametrize("id_", ["x" * (MAX_CHARACTERS + 1), "Zoë", "two\nlines", None])
def test_what_is_no_id_of_ours_is_not_stored(id_: str | None, listening: Deployed) -> None:
    take(listening, "accrual", sold(), correlation_id=id_)
    assert not any(CORRELATION in item for item in listening.stored().values())
