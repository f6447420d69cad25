"""What the ledger tells on the event bus."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.client import StackClient, now, unique
from tests.stack.standard import Purchase

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

pytestmark = pytest.mark.stack

Json = dict[str, Any]


class Listener:
    """A queue that a rule on the bus fills."""

    def __init__(self, ledger: StackClient) -> None:
        self.ledger = ledger
        self.name = unique("listener")
        self.received: list[Json] = []
        self.bus: EventBridgeClient = ledger.session.client(
            "events", endpoint_url=ledger.stack["endpoint_url"], config=ledger.config
        )
        self.url = ledger.queues.create_queue(QueueName=self.name)["QueueUrl"]
        attributes = ledger.queues.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["QueueArn"]
        )
        arn = attributes["Attributes"]["QueueArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        ledger.queues.set_queue_attributes(
            QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)}
        )
        bus_name = ledger.stack["event_bus"]
        self.bus.put_rule(
            Name=self.name,
            EventBusName=bus_name,
            EventPattern=json.dumps({"source": ["points-ledger"]}),
        )
        self.bus.put_targets(
            Rule=self.name, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": arn}]
        )

    def about(self, member_id: str) -> list[Json]:
        """Every event about a member so far, in the order of its entries."""
        for _ in range(50):
            answer = self.ledger.queues.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                break
            for message in messages:
                self.received.append(json.loads(message["Body"]))
                self.ledger.queues.delete_message(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                )
        # At least once: the same id is the same event.
        found = {
            event["detail"]["id"]: event
            for event in self.received
            if event["detail"].get("member_id") == member_id
        }
        return sorted(found.values(), key=lambda event: int(event["detail"]["entry"]["entry"]))

    def close(self) -> None:
        bus_name = self.ledger.stack["event_bus"]
        self.bus.remove_targets(Rule=self.name, EventBusName=bus_name, Ids=["queue"])
        self.bus.delete_rule(Name=self.name, EventBusName=bus_name)
        self.bus.close()
        self.ledger.queues.delete_queue(QueueUrl=self.url)


@pytest.fixture
def listener(ledger: StackClient) -> Iterator[Listener]:
    listening = Listener(ledger)
    yield listening
    listening.close()


def test_every_entry_is_told_on_the_bus(ledger: StackClient, listener: Listener) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="12500.00", posted_at=now())
    ledger.settle(purchase.posted(), purchase.settled(at=now()))
    ledger.sweep("hold_release", purchase.posted_at + timedelta(hours=24))
    assert ledger.redeem(member_id, points=500).status_code == 201
    ledger.settle(purchase.refunded("r1", "2500.00", at=now()))
    (lot,) = ledger.balance(member_id)["lots"]
    ledger.sweep("expiry", f"{datetime.fromisoformat(lot['last_day']):%Y-%m-%d}T23:00:00-12:00")

    told = ledger.wait_for(
        "an event for each entry",
        lambda: listener.about(member_id),
        lambda events: len(events) >= 6,
    )

    entries = ledger.entries(member_id)
    assert [event["detail-type"] for event in told] == [
        "MemberEnrolled",
        "PointsAccrued",
        "PointsMatured",
        "PointsRedeemed",
        "PointsReversed",
        "PointsExpired",
    ]
    assert {event["source"] for event in told} == {"points-ledger"}
    assert [event["detail"]["points"] for event in told] == [0, 750, 750, 500, 150, 100]
    assert [event["detail"]["entry"] for event in told] == entries
    ids = [event["detail"]["id"] for event in told]
    assert len(set(ids)) == len(ids)
    assert all(str(entry["entry"]) in id_ for id_, entry in zip(ids, entries, strict=True))
