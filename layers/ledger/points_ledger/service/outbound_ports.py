"""What outbound webhooks need of the outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.outbound import (
    Delivery,
    DeliveryId,
    DisabledBecause,
    Endpoint,
    Occurrence,
    SigningSecrets,
    Try,
    WebhookId,
)
from points_ledger.service.ports import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored about a delivery; None for what is not."""

    endpoint: Endpoint | None
    secrets: SigningSecrets | None
    delivery: Delivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries, newest event first, and after which one the next page begins."""

    deliveries: tuple[Delivery, ...]
    after: DeliveryId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A message: post an event to an endpoint, in a round (see `domain.outbound`)."""

    webhook_id: WebhookId
    delivery_id: DeliveryId
    occurrence: Occurrence
    round: int = 0


class EndpointStore(Protocol):
    """Endpoints and their secrets. Each write names its own condition."""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them, oldest first: one consistent request."""
        ...

    def known(self, webhook_id: WebhookId, delivery_id: DeliveryId | None = None) -> Known:
        """An endpoint, its secrets and one delivery: one consistent request."""
        ...

    def register(
        self, endpoint: Endpoint, secrets: SigningSecrets, request: Request | None
    ) -> bool:
        """Store a new endpoint with the request that made it; False where the request is known.

        Raises:
            LimitExceededError: there are `MAX_ENDPOINTS`.
            ConflictError: another change came between; try again.
        """
        ...

    def rotate(self, secrets: SigningSecrets, request: Request | None) -> bool:
        """Store the next generation of secrets.

        False where another one was stored meanwhile, or the request is known.

        Raises:
            ConflictError: another change came between; try again.
        """
        ...

    def remove(self, webhook_id: WebhookId) -> bool:
        """Take an endpoint and its secrets away; False where there is none.

        Raises:
            ConflictError: another change came between; try again.
        """
        ...

    def enable(self, webhook_id: WebhookId) -> Endpoint | None:
        """Tell an endpoint of events again, its failures forgotten; None where there is none."""
        ...

    def deliveries(
        self, webhook_id: WebhookId, *, limit: int, after: DeliveryId | None
    ) -> DeliveryPage:
        """A page of the log: one request."""
        ...


class DeliveryStore(Protocol):
    """What the worker of deliveries reads and writes."""

    def known(self, webhook_id: WebhookId, delivery_id: DeliveryId | None = None) -> Known:
        """See `EndpointStore.known`."""
        ...

    def save(self, delivery: Delivery) -> bool:
        """Store the next revision of a delivery; False where another one was stored meanwhile."""
        ...

    def failed(self, webhook_id: WebhookId, at: datetime) -> Endpoint | None:
        """Count a failure; the endpoint with it, None where there is none."""
        ...

    def slow(self, webhook_id: WebhookId) -> None:
        """Count an answer that came late, and forget since when it has failed."""
        ...

    def succeeded(self, webhook_id: WebhookId) -> None:
        """Forget the failures of an endpoint."""
        ...

    def disable(self, webhook_id: WebhookId, at: datetime, because: DisabledBecause) -> bool:
        """Tell an endpoint nothing more; False where that was so, or there is none."""
        ...


class Errands(Protocol):
    """The queue of deliveries."""

    def send(self, errands: Sequence[Errand]) -> None:
        """Ask for deliveries; an errand too many changes nothing."""
        ...


class Courier(Protocol):
    """Posts to endpoints."""

    def post(
        self, url: str, *, secrets: Sequence[str], occurrence: Occurrence, at: datetime
    ) -> Try:
        """Post one event, signed by each secret; whatever goes wrong is the outcome of the try."""
        ...
