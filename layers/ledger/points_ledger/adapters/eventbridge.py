"""The event bus: what happened in the ledger, told to whoever listens, at least once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from points_ledger.domain.dataclass import dataclass

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "points-ledger"
MAX_BATCH_EVENTS: Final = 10
MAX_BATCH_BYTES: Final = 256 * 1024
"""Of one request, as EventBridge counts: source, detail type, detail, and 14 for a time."""

_TIME_BYTES: Final = 14


@dataclass(eq=False)
class PublishFailedError(Exception):
    """The bus did not take every event; `codes` are its reasons."""

    codes: tuple[str, ...]


@dataclass(eq=False)
class EventTooLargeError(Exception):
    """An event does not fit into a request."""

    name: str
    bytes: int
    maximum_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """An event in the past tense (`PointsAccrued`); `id` is the same whenever it is told again.

    `correlation_id` is of the request, message or run that made it happen, where that is known.
    """

    name: str
    id: str
    at: datetime
    detail: Mapping[str, object]
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """Publishes events; `detail.id` is the event's id."""

    client: "EventBridgeClient"
    bus_name: str

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        """Put all events, in order, ten at a time.

        Raises:
            EventTooLargeError: an event does not fit; nothing was published.
            PublishFailedError: some were not taken; all may be published again.
        """
        entries = [self._entry(event) for event in events]
        for batch in list(_batches(entries)):
            answer = self.client.put_events(Entries=batch)
            if answer["FailedEntryCount"]:
                codes = {entry.get("ErrorCode", "") for entry in answer["Entries"]}
                raise PublishFailedError(tuple(sorted(codes - {""})))

    def _entry(self, event: OutgoingEvent) -> "PutEventsRequestEntryTypeDef":
        detail: dict[str, object] = {"id": event.id, **event.detail}
        if event.correlation_id is not None:
            detail["correlation_id"] = event.correlation_id
        return {
            "EventBusName": self.bus_name,
            "Source": SOURCE,
            "DetailType": event.name,
            "Time": event.at,
            "Detail": json.dumps(detail, separators=(",", ":")),
        }


def _batches(
    entries: "Sequence[PutEventsRequestEntryTypeDef]",
) -> "Iterator[list[PutEventsRequestEntryTypeDef]]":
    batch: list[PutEventsRequestEntryTypeDef] = []
    total_bytes = 0
    for entry in entries:
        name, detail = entry.get("DetailType", ""), entry.get("Detail", "")
        entry_bytes = len(SOURCE) + len(name) + len(detail.encode()) + _TIME_BYTES
        if entry_bytes > MAX_BATCH_BYTES:
            raise EventTooLargeError(name, entry_bytes, MAX_BATCH_BYTES)
        if len(batch) == MAX_BATCH_EVENTS or total_bytes + entry_bytes > MAX_BATCH_BYTES:
            yield batch
            batch, total_bytes = [], 0
        batch.append(entry)
        total_bytes += entry_bytes
    if batch:
        yield batch
