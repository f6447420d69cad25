"""Outbound webhooks: endpoints that are told of events, and what became of each delivery.

A delivery is one event on its way to one endpoint. It is tried in rounds: the first try, then one
after each of the given delays, until an endpoint takes it or the delays are used up. Whoever asks
for it again (an admin, or a redrive of dead letters) begins a round, named by the number of tries
before it, so that the same wish twice is one round.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NewType

from points_ledger.domain.dataclass import dataclass, replace

WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)

MAX_ENDPOINTS: Final = 20
MAX_KEPT_TRIES: Final = 20
"""Of one delivery, in its log; the newest."""
FAILING_AFTER: Final = 5
"""Failures or slow answers in a row, after which an endpoint is served apart from the others."""
SLOW_MILLISECONDS: Final = 5_000
"""An answer that takes this long holds a worker up as a failure does."""
DISABLED_AFTER: Final = timedelta(days=5)
"""Nothing but failures for so long, and an endpoint is told nothing more."""
SIGNS_ALONG_FOR: Final = timedelta(hours=24)
"""How long a secret that was replaced still signs beside the new one."""
LOG_KEPT_FOR: Final = timedelta(days=30)
EARLY_FOR: Final = timedelta(seconds=1)
"""A message that comes this much before its time is not put off again."""

DisabledBecause = Literal["gone", "failing"]
Status = Literal["active", "slow", "failing", "disabled"]
DeliveryStatus = Literal["waiting", "delivered", "failed", "cancelled"]
TryOutcome = Literal[
    "delivered",
    "gone",
    "redirected",
    "refused",
    "timed_out",
    "not_resolved",
    "address_not_allowed",
    "not_connected",
    "not_trusted",
    "no_answer",
]
"""410, 3xx and every other status that is no 2xx; then what happened without any status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events are posted to.

    Attributes:
        events: the types it wants; none means all.
        failures: tries in a row that failed, or were answered slowly.
        failing_since: since when all of them failed; None where the last one did not.
    """

    webhook_id: WebhookId
    url: str
    events: tuple[str, ...] = ()
    description: str | None = None
    created_at: datetime
    failures: int = 0
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: DisabledBecause | None = None

    @property
    def status(self) -> Status:
        """Whether it is told anything, and how that goes."""
        if self.disabled_at is not None:
            return "disabled"
        if not self.stands_apart:
            return "active"
        return "slow" if self.failing_since is None else "failing"

    @property
    def stands_apart(self) -> bool:
        """Whether it holds workers up, so that others are not to wait behind it."""
        return self.failures >= FAILING_AFTER

    def wants(self, event_type: str) -> bool:
        """Whether it is to be told of events of a type."""
        return self.disabled_at is None and (not self.events or event_type in self.events)

    def has_failed_long(self, now: datetime) -> bool:
        """Whether nothing but failures came back for `DISABLED_AFTER`."""
        return self.failing_since is not None and now - self.failing_since >= DISABLED_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecrets:
    """The secret of an endpoint, and the one before for as long as it signs along.

    `generation` counts them: the first is 1.
    """

    webhook_id: WebhookId
    current: str
    generation: int = 1
    previous: str | None = None
    previous_until: datetime | None = None

    def at(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign now, newest first."""
        if self.previous is None or self.previous_until is None or now >= self.previous_until:
            return (self.current,)
        return (self.current, self.previous)

    def rotated(self, secret: str, now: datetime) -> "SigningSecrets":
        """With a new secret; the one that it replaces signs along."""
        return replace(
            self,
            current=secret,
            generation=self.generation + 1,
            previous=self.current,
            previous_until=now + SIGNS_ALONG_FOR,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One event as it is told: `content` is the body, the same at every try."""

    id: str
    type: str
    at: datetime
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One request to an endpoint."""

    at: datetime
    outcome: TryOutcome
    status_code: int | None
    duration_milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint, as the log shows it.

    Attributes:
        tried: how often it was tried in all; `tries` are the newest of these, oldest first.
        round: how often it was tried before the round that it is in.
        next_try_at: None unless it is waiting.
        revision: counts stored changes; 0 is not stored yet.
    """

    webhook_id: WebhookId
    delivery_id: DeliveryId
    occurrence: Occurrence
    status: DeliveryStatus = "waiting"
    tried: int = 0
    round: int = 0
    tries: tuple[Try, ...] = ()
    next_try_at: datetime | None = None
    revision: int = 0


Step = Literal["attempt", "wait", "give_up", "done"]
"""What a message about a delivery asks for: a try; patience; to be set aside; nothing more."""


def step(delivery: Delivery, wanted_round: int, now: datetime) -> Step:
    """What is to be done about a delivery when a message about it arrives."""
    if delivery.revision == 0 or wanted_round > delivery.round:
        return "attempt"
    if wanted_round < delivery.round:
        return "done"
    match delivery.status:
        case "delivered":
            return "done"
        case "cancelled":
            # A round that nothing was tried in is begun by whoever asks for it again.
            return "done" if delivery.tried > delivery.round else "attempt"
        case "failed":
            return "give_up"
        case "waiting":
            early = delivery.next_try_at is not None and delivery.next_try_at - now > EARLY_FOR
            return "wait" if early else "attempt"


def tried(
    delivery: Delivery, made: Try, wanted_round: int, delays: Sequence[timedelta], now: datetime
) -> Delivery:
    """The delivery after one more try, which ended at `now`; `delays` are those of a round."""
    round_ = max(delivery.round, wanted_round)
    number = delivery.tried + 1
    in_round = number - round_
    status: DeliveryStatus = "waiting"
    if made.outcome == "delivered":
        status = "delivered"
    elif made.outcome == "gone":
        status = "cancelled"
    elif in_round > len(delays):
        status = "failed"
    return replace(
        delivery,
        status=status,
        tried=number,
        round=round_,
        tries=(*delivery.tries, made)[-MAX_KEPT_TRIES:],
        next_try_at=now + delays[in_round - 1] if status == "waiting" else None,
    )


def cancelled(delivery: Delivery, wanted_round: int) -> Delivery:
    """The delivery to an endpoint that was disabled before it could be tried."""
    round_ = max(delivery.round, wanted_round)
    return replace(delivery, status="cancelled", round=round_, next_try_at=None)


def delivery_id(webhook_id: WebhookId, event_id: str, at: datetime) -> DeliveryId:
    """The same for the same event and endpoint; sorts as the time of the event."""
    content = f"{webhook_id}\n{event_id}".encode()
    milliseconds = int(at.timestamp() * 1000)
    return DeliveryId(f"dlv_{milliseconds:012x}{hashlib.sha256(content).hexdigest()[:20]}")
