"""The work queues: which fact goes where, in what portions, and what happens when one fails."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.adapters.sqs import (
    MAX_BATCH_BYTES,
    MAX_FACTS,
    FactQueues,
    MessageTooLargeError,
    SendFailedError,
)
from points_ledger.contracts.messages import decode
from points_ledger.domain.error import MalformedFactError
from points_ledger.domain.fact import (
    Earner,
    Fact,
    Line,
    PurchasePosted,
    PurchaseSettled,
    PurchaseVoided,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId
from points_ledger.domain.limit import MAX_LINES_PER_PURCHASE

AT = datetime(2026, 9, 1, tzinfo=UTC)
EARNINGS = "https://queues.example/earnings"
PAYMENTS = "https://queues.example/payments"


@dataclass
class Queue:
    """Takes what it is sent, except the positions in `refuses` of the request numbered `at`."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    refuses: tuple[str, ...] = ()
    at: int = 0

    def send_message_batch(self, **request: object) -> dict[str, Any]:
        self.requests.append(request)
        if len(self.requests) - 1 != self.at or not self.refuses:
            return {"Successful": []}
        failed = [{"Id": each, "Code": "InternalError"} for each in self.refuses]
        return {"Successful": [], "Failed": failed}

    def bodies(self, url: str) -> list[str]:
        return [
            entry["MessageBody"]
            for request in self.requests
            if request["QueueUrl"] == url
            for entry in request["Entries"]
        ]


def queues(client: Queue, payments: str | None = PAYMENTS) -> FactQueues:
    return FactQueues(
        client=client,  # type: ignore[arg-type]  # the one method that is called
        earning_queue_url=EARNINGS,
        payment_queue_url=payments,
    )


def send(client: Queue, *facts: Fact) -> None:
    queues(client).send(facts, actor="webhook:stripe", correlation_id="request-1")


def key(purchase_id: str) -> EarningKey:
    return EarningKey(source="stripe", kind="invoice", id=purchase_id)


def voided(purchase_id: str) -> Fact:
    return PurchaseVoided(purchase=key(purchase_id), at=AT)


def settled(purchase_id: str) -> Fact:
    return PurchaseSettled(purchase=key(purchase_id), at=AT)


def posted(lines: int, id_characters: int, character: str = "x") -> Fact:
    long = character * (id_characters - 4)
    return PurchasePosted(
        purchase=key("in_1"),
        snapshot=Snapshot(
            posted_at=AT,
            updated_at=AT,
            currency="USD",
            lines=tuple(
                Line(
                    id=f"{n:04}{long}",
                    item=f"{n:04}{long}",
                    product=f"{n:04}{long}",
                    category="original",
                    amount=Decimal("123456.78"),
                )
                for n in range(lines)
            ),
            total=Decimal("1.00"),
            earner=Earner(external_id=ExternalId(source="stripe", id="cus_1")),
        ),
    )


def test_each_fact_goes_to_the_queue_of_its_kind_in_order() -> None:
    client = Queue()
    facts = [voided("in_1"), settled("in_1"), voided("in_2"), settled("in_2")]
    send(client, *facts)
    assert [decode(body) for body in client.bodies(EARNINGS)] == [facts[0], facts[2]]
    assert [decode(body) for body in client.bodies(PAYMENTS)] == [facts[1], facts[3]]


def test_messages_carry_actor_and_correlation_id() -> None:
    client = Queue()
    send(client, voided("in_1"))
    assert client.requests[0]["Entries"][0]["MessageAttributes"] == {
        "actor": {"DataType": "String", "StringValue": "webhook:stripe"},
        "correlation_id": {"DataType": "String", "StringValue": "request-1"},
    }


def test_ten_at_a_time_with_ids_of_their_own() -> None:
    client = Queue()
    facts = [voided(f"in_{n}") for n in range(23)]
    send(client, *facts)
    assert [len(request["Entries"]) for request in client.requests] == [10, 10, 3]
    for request in client.requests:
        assert len({entry["Id"] for entry in request["Entries"]}) == len(request["Entries"])
    assert [decode(body) for body in client.bodies(EARNINGS)] == facts


def test_nothing_to_send_is_no_request() -> None:
    client = Queue()
    send(client)
    assert client.requests == []


def test_an_invoice_of_five_hundred_usual_lines_fits() -> None:
    client = Queue()
    send(client, posted(MAX_LINES_PER_PURCHASE, 30))
    [body] = client.bodies(EARNINGS)
    assert len(body) < MAX_BATCH_BYTES / 2


def test_requests_stay_below_the_limit_in_bytes() -> None:
    client = Queue()
    send(client, *[posted(300, 60)] * 7)
    sizes = [
        sum(len(entry["MessageBody"].encode()) for entry in request["Entries"])
        for request in client.requests
    ]
    assert len(sizes) > 1
    assert max(sizes) <= MAX_BATCH_BYTES
    assert sum(len(request["Entries"]) for request in client.requests) == 7


def test_a_fact_above_the_limit_is_refused_before_anything_is_sent() -> None:
    client = Queue()
    with pytest.raises(MessageTooLargeError) as refused:
        send(client, voided("in_0"), posted(MAX_LINES_PER_PURCHASE, 255, "😀"))
    assert refused.value.bytes > refused.value.maximum_bytes == MAX_BATCH_BYTES
    assert client.requests == []


def test_the_limit_counts_bytes_and_not_characters() -> None:
    with pytest.raises(MessageTooLargeError):
        send(Queue(), posted(200, 200, "😀"))
    send(Queue(), posted(200, 200))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_message_that_was_not_taken_fails_the_sending(at: int) -> None:
    client = Queue(refuses=("0",), at=at)
    with pytest.raises(SendFailedError) as failed:
        send(client, *[voided(f"in_{n}") for n in range(11)], settled("in_1"))
    assert failed.value.codes == ("InternalError",)
    assert len(client.requests) == at + 1


def test_the_number_of_facts_is_bounded() -> None:
    client = Queue()
    with pytest.raises(ValueError, match="at most"):
        send(client, *[voided("in_1")] * (MAX_FACTS + 1))
    assert client.requests == []


def test_a_payment_needs_a_queue_for_payments() -> None:
    client = Queue()
    with pytest.raises(ValueError, match="payments"):
        queues(client, None).send([voided("in_1"), settled("in_1")], actor="a", correlation_id="c")
    assert client.requests == []


def test_what_can_never_become_facts_is_set_aside_with_its_reason() -> None:
    client = Queue()
    queues(client).dead_letter(
        reason="payload_incomplete", provider="stripe", event_id="evt_1", correlation_id="r"
    )
    [body] = client.bodies(EARNINGS)
    assert json.loads(body) == {
        "type": "refused",
        "reason": "payload_incomplete",
        "provider": "stripe",
        "event_id": "evt_1",
    }
    with pytest.raises(MalformedFactError):  # so that it ends in the dead letters
        decode(body)


def test_setting_aside_fails_when_it_was_not_taken() -> None:
    with pytest.raises(SendFailedError):
        queues(Queue(refuses=("0",))).dead_letter(
            reason="payload_incomplete", provider="stripe", event_id=None, correlation_id="r"
        )
