"""Delivering events to endpoints: one message, one look, at most one try.

What is stored before and after a try decides, never how often a queue handed a message out. A
worker that is killed after its try, and before it has noted it, tries again: the receiver sees the
same `webhook-id`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import ConflictError
from points_ledger.domain.outbound import (
    SLOW_MILLISECONDS,
    Delivery,
    DisabledBecause,
    Endpoint,
    Try,
    cancelled,
    step,
    tried,
)
from points_ledger.service.outbound_ports import Courier, DeliveryStore, Errand

Name = Literal["delivered", "postponed", "given_up", "cancelled", "duplicate", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a message.

    Attributes:
        name: `postponed` comes again at `again_at`; `given_up` is for the dead letters, as an
            errand of a round of its own, so that sending it again begins one.
        made: the try, where there was one.
        disabled: why the endpoint is told nothing from now on.
    """

    name: Name
    made: Try | None = None
    again_at: datetime | None = None
    set_aside: Errand | None = None
    disabled: DisabledBecause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """Posts events. `delays` are those between the tries of a round."""

    store: DeliveryStore
    courier: Courier
    clock: Callable[[], datetime]
    delays: tuple[timedelta, ...]

    def deliver(self, errand: Errand) -> Told:
        """Do what a message asks for.

        Raises:
            ConflictError: another message about the same delivery came between; look again later.
        """
        known = self.store.known(errand.webhook_id, errand.delivery_id)
        endpoint, secrets = known.endpoint, known.secrets
        if endpoint is None or secrets is None:
            return Told(name="removed")
        delivery = known.delivery or Delivery(
            webhook_id=errand.webhook_id,
            delivery_id=errand.delivery_id,
            occurrence=errand.occurrence,
        )
        now = self.clock()
        match step(delivery, errand.round, now):
            case "done":
                return Told(name="duplicate")
            case "give_up":
                return _given_up(delivery)
            case "wait":
                return Told(name="postponed", again_at=delivery.next_try_at)
            case "attempt":
                pass
        if endpoint.status == "disabled":
            self._save(cancelled(delivery, errand.round))
            return Told(name="cancelled")
        made = self.courier.post(
            endpoint.url, secrets=secrets.at(now), occurrence=delivery.occurrence, at=now
        )
        after = tried(delivery, made, errand.round, self.delays, self.clock())
        self._save(after)
        disabled = self._noted(endpoint, made)
        if after.status == "failed":
            return _given_up(after, made, disabled)
        name: Name = "postponed" if after.status == "waiting" else "delivered"
        name = "cancelled" if after.status == "cancelled" else name
        return Told(name=name, made=made, again_at=after.next_try_at, disabled=disabled)

    def _save(self, delivery: Delivery) -> None:
        if not self.store.save(delivery):
            raise ConflictError

    def _noted(self, endpoint: Endpoint, made: Try) -> DisabledBecause | None:
        """Note how the endpoint does; why it is disabled now, if it is."""
        id_ = endpoint.webhook_id
        if made.outcome == "delivered":
            if made.duration_milliseconds >= SLOW_MILLISECONDS:
                self.store.slow(id_)
            elif endpoint.failures:
                self.store.succeeded(id_)
            return None
        if made.outcome == "gone":
            return "gone" if self.store.disable(id_, made.at, "gone") else None
        noted = self.store.failed(id_, made.at)
        if noted is not None and noted.has_failed_long(made.at):
            return "failing" if self.store.disable(id_, made.at, "failing") else None
        return None


def _given_up(
    delivery: Delivery, made: Try | None = None, disabled: DisabledBecause | None = None
) -> Told:
    errand = Errand(
        webhook_id=delivery.webhook_id,
        delivery_id=delivery.delivery_id,
        occurrence=delivery.occurrence,
        round=delivery.tried,
    )
    return Told(name="given_up", made=made, set_aside=errand, disabled=disabled)
