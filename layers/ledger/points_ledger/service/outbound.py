"""Endpoints of outbound webhooks: registering and removing them, their secrets, and their log."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    ConflictError,
    IdempotencyKeyReusedError,
    NotFoundError,
    WebhookDisabledError,
)
from points_ledger.domain.outbound import (
    Delivery,
    DeliveryId,
    Endpoint,
    Occurrence,
    SigningSecrets,
    WebhookId,
    delivery_id,
)
from points_ledger.service.outbound_ports import (
    DeliveryPage,
    EndpointStore,
    Errand,
    Errands,
)
from points_ledger.service.ports import Committed, Create, Request, RequestKey, Store

MAX_ATTEMPTS: Final = 3
"""A change is decided again when another one came between, at most so often."""
TEST_EVENT: Final = "WebhookTest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command; without `request` it is done anew each time it is sent."""

    request: RequestKey | None
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Asked):
    """Tell an endpoint of events; no `events` means all."""

    url: str
    events: tuple[str, ...]
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate(Asked):
    """Give an endpoint a new secret; the old one signs along for a while."""

    webhook_id: WebhookId


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTest(Asked):
    """Send an endpoint an event that means nothing."""

    webhook_id: WebhookId


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command is answered; a secret only as long as it is the newest."""

    result: Mapping[str, object]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """Keeps endpoints."""

    endpoints: EndpointStore
    store: Store
    errands: Errands
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]

    def listed(self) -> tuple[Endpoint, ...]:
        """All endpoints, oldest first; at most `MAX_ENDPOINTS`."""
        return self.endpoints.endpoints()

    def register(self, command: Register) -> Done:
        """Add an endpoint; its secret is in the answer and in no later one.

        Raises:
            LimitExceededError: there are as many as there may be.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other changes came between too often.
        """
        for _ in range(MAX_ATTEMPTS):
            first = self._first(command)
            if first is not None:
                return self._replayed(first)
            endpoint = Endpoint(
                webhook_id=WebhookId(f"whk_{self.new_id()}"),
                url=command.url,
                events=command.events,
                description=command.description,
                created_at=self.clock(),
            )
            secrets = SigningSecrets(webhook_id=endpoint.webhook_id, current=self.new_secret())
            result = {**endpoint_document(endpoint), "generation": secrets.generation}
            if self.endpoints.register(endpoint, secrets, _kept(command, result)):
                return _shown(result, secrets)
        raise ConflictError

    def rotate(self, command: Rotate) -> Done:
        """Replace the secret of an endpoint.

        Raises:
            NotFoundError: there is no such endpoint.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other changes came between too often.
        """
        for _ in range(MAX_ATTEMPTS):
            first = self._first(command)
            if first is not None:
                return self._replayed(first)
            secrets = self.endpoints.known(command.webhook_id).secrets
            if secrets is None:
                _unknown(command.webhook_id)
            after = secrets.rotated(self.new_secret(), self.clock())
            until = after.previous_until
            result = {
                "webhook_id": command.webhook_id,
                "previous_secret_until": None if until is None else format_instant(until),
                "generation": after.generation,
            }
            if self.endpoints.rotate(after, _kept(command, result)):
                return _shown(result, after)
        raise ConflictError

    def remove(self, webhook_id: WebhookId) -> None:
        """Take an endpoint away; its log stays until it is too old.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        if not self.endpoints.remove(webhook_id):
            _unknown(webhook_id)

    def enable(self, webhook_id: WebhookId) -> Endpoint:
        """Tell an endpoint of events again.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        endpoint = self.endpoints.enable(webhook_id)
        if endpoint is None:
            _unknown(webhook_id)
        return endpoint

    def send_test(self, command: SendTest) -> Done:
        """Post an event that means nothing, now; the same request is the same event.

        Raises:
            NotFoundError: there is no such endpoint.
            WebhookDisabledError: it is told nothing.
            IdempotencyKeyReusedError: the same key came with another input before.
            ConflictError: other changes came between too often.
        """
        self._enabled(command.webhook_id)
        for _ in range(MAX_ATTEMPTS):
            first = self._first(command)
            event: dict[str, str] = first or {
                "event_id": f"test_{self.new_id()}",
                "at": format_instant(self.clock()),
            }
            if first is not None or self._is_kept(command, event):
                to = self._send_meaningless(command.webhook_id, event)
                result = {"delivery_id": to, "event_id": event["event_id"]}
                return Done(result=result, replayed=first is not None)
        raise ConflictError

    def _send_meaningless(self, webhook_id: WebhookId, event: Mapping[str, str]) -> DeliveryId:
        id_, at = event["event_id"], datetime.fromisoformat(event["at"])
        to = delivery_id(webhook_id, id_, at)
        occurrence = meaningless_occurrence(webhook_id, id_, at)
        self.errands.send([Errand(webhook_id=webhook_id, delivery_id=to, occurrence=occurrence)])
        return to

    def deliveries(
        self, webhook_id: WebhookId, *, limit: int, after: DeliveryId | None
    ) -> DeliveryPage:
        """A page of the log of an endpoint, newest event first.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        if self.endpoints.known(webhook_id).endpoint is None:
            _unknown(webhook_id)
        return self.endpoints.deliveries(webhook_id, limit=limit, after=after)

    def retry(self, webhook_id: WebhookId, to: DeliveryId) -> Delivery:
        """Try a delivery again now, whatever became of it; asked for twice it is one round.

        Raises:
            NotFoundError: there is no such endpoint or delivery.
            WebhookDisabledError: the endpoint is told nothing.
        """
        self._enabled(webhook_id)
        delivery = self.endpoints.known(webhook_id, to).delivery
        if delivery is None:
            raise NotFoundError("delivery", to)
        errand = Errand(
            webhook_id=webhook_id,
            delivery_id=to,
            occurrence=delivery.occurrence,
            round=delivery.tried,
        )
        self.errands.send([errand])
        return delivery

    def _enabled(self, webhook_id: WebhookId) -> None:
        endpoint = self.endpoints.known(webhook_id).endpoint
        if endpoint is None:
            _unknown(webhook_id)
        if endpoint.status == "disabled":
            raise WebhookDisabledError(webhook_id=webhook_id)

    def _first(self, command: Asked) -> Any | None:  # noqa: ANN401 - JSON
        """What the same request was answered before, without its secret."""
        if command.request is None:
            return None
        known = self.store.get([command.request]).get(command.request)
        if not isinstance(known, Request):
            return None
        if known.fingerprint != command.fingerprint:
            raise IdempotencyKeyReusedError
        return json.loads(known.result)

    def _replayed(self, first: dict[str, Any]) -> Done:
        """The first answer again, with its secret unless a newer one has taken its place."""
        secrets = self.endpoints.known(WebhookId(first["webhook_id"])).secrets
        return _shown(first, secrets, replayed=True)

    def _is_kept(self, command: Asked, result: Mapping[str, object]) -> bool:
        """Keep an answer; False where the same request was answered meanwhile."""
        kept = _kept(command, result)
        if kept is None:
            return True
        return isinstance(self.store.commit([Create(item=kept)]), Committed)


def _kept(command: Asked, result: Mapping[str, object]) -> Request | None:
    if command.request is None:
        return None
    return Request(
        key=command.request, fingerprint=command.fingerprint, result=json.dumps(dict(result))
    )


def _shown(
    result: Mapping[str, object], secrets: SigningSecrets | None, *, replayed: bool = False
) -> Done:
    """The answer with its secret; a request that is kept for good has no secret in it."""
    current = secrets is not None and secrets.generation == result["generation"]
    shown = {name: value for name, value in result.items() if name != "generation"}
    secret = secrets.current if secrets is not None and current else None
    return Done(result={**shown, "secret": secret}, replayed=replayed)


def _unknown(webhook_id: WebhookId) -> NoReturn:
    raise NotFoundError("outbound webhook", webhook_id)


def meaningless_occurrence(webhook_id: WebhookId, event_id: str, at: datetime) -> Occurrence:
    """An event that nothing has caused."""
    document = {
        "type": TEST_EVENT,
        "timestamp": format_instant(at),
        "data": {"id": event_id, "webhook_id": webhook_id},
    }
    content = json.dumps(document, separators=(",", ":"))
    return Occurrence(id=event_id, type=TEST_EVENT, at=at, content=content)


def endpoint_document(endpoint: Endpoint) -> dict[str, object]:
    """An endpoint as it is shown; never with its secret."""

    def shown(instant: datetime | None) -> str | None:
        return None if instant is None else format_instant(instant)

    return {
        "webhook_id": endpoint.webhook_id,
        "url": endpoint.url,
        "events": list(endpoint.events) or None,
        "description": endpoint.description,
        "status": endpoint.status,
        "created_at": shown(endpoint.created_at),
        "failures": endpoint.failures,
        "failing_since": shown(endpoint.failing_since),
        "disabled_at": shown(endpoint.disabled_at),
        "disabled_because": endpoint.disabled_because,
    }
