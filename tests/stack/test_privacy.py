"""Nothing about a person gets into the logs or onto the ledger."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local.demo.stripe_events import Customer, Invoice, Line, event
from tests.stack.client import StackClient, days_ago, now, unique
from tests.stack.standard import Purchase, message

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

pytestmark = pytest.mark.stack

Json = dict[str, Any]


@pytest.fixture
def logs(ledger: StackClient) -> "Iterator[CloudWatchLogsClient]":
    client: CloudWatchLogsClient = ledger.session.client(
        "logs", endpoint_url=ledger.stack["endpoint_url"], config=ledger.config
    )
    yield client
    client.close()


def everything_logged(ledger: StackClient, logs: "CloudWatchLogsClient") -> str:
    lines = []
    for function in ledger.stack["functions"]:
        group = f"/{ledger.stack['stack_name']}/{function}"
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            lines += [found["message"] for found in page["events"]]
    return "\n".join(lines)


def test_logs_and_entries_hold_no_personal_data(
    ledger: StackClient, logs: "CloudWatchLogsClient"
) -> None:
    name, phone = f"Wilhelmina {unique('Querfurth')}", "+1 555 867 5309 42"
    email, note = f"{unique('wilhelmina')}@example.com", f"for {unique('grandmother')}"
    person = {"name": name, "email": email, "phone": phone}
    customer = Customer(**person)
    invoice = Invoice(
        customer=customer,
        finalized_at=days_ago(3),
        lines=(Line(description=f"Letters of {name}", amount=1_250_000, category="original"),),
    )
    posted = event("invoice.finalized", invoice.document(), created=days_ago(3))
    paid = event(
        "invoice.paid", invoice.document(status="paid", paid_at=days_ago(1)), created=days_ago(1)
    )
    purchase = Purchase(
        customer_id=unique("customer"), amount="50.00", posted_at=days_ago(3), person=person
    )
    wrong_person = {"id": email, **person, "organisation": 7}

    ledger.deliver(posted, paid, purchase.posted())
    ledger.deliver(message("customer.updated", {"customer": {"id": unique("c"), **person}}))
    ledger.post_standard(
        json.dumps(message("customer.updated", {"customer": wrong_person})).encode()
    )
    ledger.post_stripe(json.dumps(posted).replace(": ", ":: ").encode())
    ledger.post_stripe(json.dumps(posted).encode(), secret="whsec_other")
    ledger.post_standard(
        json.dumps(
            message("purchase.posted", {"purchase": {**purchase.document(), "total": name}})
        ).encode()
    )
    ledger.enrol(name, email=email, phone=phone)
    key = {"token": ledger.staff_token, "key": unique("key")}
    ledger.post("/members", {**person, "birthday": name}, **key)
    ledger.post("/members", {**person, "email": f"no address of {name}"}, **key)
    member_id = ledger.wait_for_member(customer.external_id)
    ledger.wait_for_amounts(member_id, available=750)
    redeemed = ledger.redeem(member_id, points=500, note=note)
    ledger.redeem(member_id, points=500_000, note=note)
    ledger.settle(
        event("refund.created", invoice.refund(1, at=now()), created=now()), purchase.posted()
    )

    assert redeemed.status_code == 201
    logged = everything_logged(ledger, logs)
    assert member_id in logged, "these are the logs of this run"
    written = logged + json.dumps(ledger.entries(member_id), ensure_ascii=False)
    for text in (name, name.split()[1], email, email.partition("@")[0], phone, note):
        assert text not in written
