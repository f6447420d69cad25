"""Events as Lambda hands them to a function, for measuring it alone."""

from typing import Any

from points_ledger.contracts.messages import encode
from points_ledger.domain.fact import Fact
from tests.benchmarks.reference import ACTOR

Json = dict[str, Any]


def queue_event(fact: Fact, messages: int) -> Json:
    """A batch that holds the same fact so many times."""
    attributes = {
        "actor": {"stringValue": ACTOR, "dataType": "String"},
        "correlation_id": {"stringValue": "JKJaXmPLvHcESHA=", "dataType": "String"},
    }
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "body": encode(fact),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": attributes,
    }
    return {"Records": [record] * messages}
