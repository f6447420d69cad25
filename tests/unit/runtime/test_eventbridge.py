"""The event bus: everything is published, or the caller learns that it was not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from points_ledger.adapters.eventbridge import (
    MAX_BATCH_BYTES,
    EventBus,
    EventTooLargeError,
    OutgoingEvent,
    PublishFailedError,
)

AT = datetime(2026, 9, 1, tzinfo=UTC)


class Bus:
    def __init__(self, fails_at: int | None = None) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.fails_at = fails_at

    def put_events(self, **request: list[dict[str, Any]]) -> dict[str, Any]:
        entries = request["Entries"]
        self.batches.append(entries)
        if len(self.batches) - 1 != self.fails_at:
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * len(entries)}
        return {
            "FailedEntryCount": 1,
            "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException"}],
        }

    def publish(self, *events: OutgoingEvent) -> None:
        client: Any = self
        EventBus(client=client, bus_name="bus").publish(events)


def event(number: int, **detail: object) -> OutgoingEvent:
    return OutgoingEvent(name="PointsAccrued", id=f"m-1/{number}", at=AT, detail=detail)


def test_an_event_names_its_source_type_and_id() -> None:
    bus = Bus()
    bus.publish(event(1, points=75))
    [[entry]] = bus.batches
    assert json.loads(entry.pop("Detail")) == {"id": "m-1/1", "points": 75}
    assert entry == {
        "EventBusName": "bus",
        "Source": "points-ledger",
        "DetailType": "PointsAccrued",
        "Time": AT,
    }


def test_ten_at_a_time_in_order() -> None:
    bus = Bus()
    bus.publish(*[event(n) for n in range(23)])
    assert [len(batch) for batch in bus.batches] == [10, 10, 3]
    ids = [json.loads(entry["Detail"])["id"] for batch in bus.batches for entry in batch]
    assert ids == [f"m-1/{n}" for n in range(23)]


def test_requests_stay_below_the_limit_in_bytes() -> None:
    bus = Bus()
    bus.publish(*[event(n, text="x" * 100_000) for n in range(5)])
    assert [len(batch) for batch in bus.batches] == [2, 2, 1]


def test_an_event_above_the_limit_is_an_error_before_anything_is_published() -> None:
    bus = Bus()
    with pytest.raises(EventTooLargeError):
        bus.publish(event(1), event(2, text="x" * MAX_BATCH_BYTES))
    assert bus.batches == []


@pytest.mark.parametrize("at", [0, 1])
def test_an_event_that_was_not_taken_fails_the_publishing(at: int) -> None:
    bus = Bus(fails_at=at)
    with pytest.raises(PublishFailedError) as failed:
        bus.publish(*[event(n) for n in range(20)])
    assert failed.value.codes == ("ThrottlingException",)
    assert len(bus.batches) == at + 1


def test_nothing_to_publish_is_no_request() -> None:
    bus = Bus()
    bus.publish()
    assert bus.batches == []
