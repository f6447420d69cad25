"""Endpoints of outbound webhooks: who is told of events, with which secret, and how that went.

Trigger: HTTP API with JWT, admins only. Contract: docs/outbound-webhooks.md, contracts/outbound.py.
Failures are answered as problems; a lost answer is safe to ask for again with the same
Idempotency-Key.
"""

from points_ledger.contracts.cursors import opened, sealed
from points_ledger.contracts.outbound import (
    DeliveriesQuery,
    NothingBody,
    OutboundWebhookBody,
    checked_url,
    delivery_document,
)
from points_ledger.contracts.requests import read
from points_ledger.domain.outbound import DeliveryId, WebhookId
from points_ledger.runtime import services
from points_ledger.runtime.commands import answered, request_key_if_given
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import OutboundWebhooksSettings, load
from points_ledger.service.outbound import Register, Rotate, SendTest, endpoint_document

api = Api(OutboundWebhooksSettings)
handler = api.handle


@api.route("GET /outbound-webhooks")
def endpoints(request: Request) -> Response:
    """All endpoints, without their secrets."""
    request.caller().require_admin()
    shown = [endpoint_document(each) for each in services.outbound().listed()]
    return Response(body={"outbound_webhooks": shown})


@api.route("POST /outbound-webhooks")
def register(request: Request) -> Response:
    """Add an endpoint; the answer is the only one that shows its secret."""
    caller = request.caller().require_admin()
    body = read(OutboundWebhookBody, request.json())
    allow_loopback = load(OutboundWebhooksSettings).outbound_allow_loopback
    command = Register(
        request=request_key_if_given(request, caller),
        fingerprint=request.fingerprint(),
        url=checked_url(body.url, allow_loopback=allow_loopback),
        events=body.events or (),
        description=body.description,
    )
    done = services.outbound().register(command)
    ids = {"webhook_id": str(done.result["webhook_id"])}
    return answered(done, "created", ids, body=done.result, status=201)


@api.route("DELETE /outbound-webhooks/{webhook_id}")
def remove(request: Request) -> Response:
    """Take an endpoint away."""
    request.caller().require_admin()
    webhook_id = webhook_id_of(request)
    services.outbound().remove(webhook_id)
    outcome = Outcome(name="removed", ids={"webhook_id": webhook_id})
    return Response(body={"webhook_id": webhook_id, "status": "removed"}, outcome=outcome)


@api.route("POST /outbound-webhooks/{webhook_id}/secret")
def rotate(request: Request) -> Response:
    """Replace the secret; the old one signs along for a day."""
    caller = request.caller().require_admin()
    read(NothingBody, request.json_if_given())
    command = Rotate(
        request=request_key_if_given(request, caller),
        fingerprint=request.fingerprint(),
        webhook_id=webhook_id_of(request),
    )
    done = services.outbound().rotate(command)
    return answered(done, "rotated", {"webhook_id": command.webhook_id}, body=done.result)


@api.route("POST /outbound-webhooks/{webhook_id}/enable")
def enable(request: Request) -> Response:
    """Tell an endpoint of events again."""
    request.caller().require_admin()
    read(NothingBody, request.json_if_given())
    endpoint = services.outbound().enable(webhook_id_of(request))
    outcome = Outcome(name="enabled", ids={"webhook_id": endpoint.webhook_id})
    return Response(body=endpoint_document(endpoint), outcome=outcome)


@api.route("POST /outbound-webhooks/{webhook_id}/test")
def send_test(request: Request) -> Response:
    """Send an event that means nothing."""
    caller = request.caller().require_admin()
    read(NothingBody, request.json_if_given())
    command = SendTest(
        request=request_key_if_given(request, caller),
        fingerprint=request.fingerprint(),
        webhook_id=webhook_id_of(request),
    )
    done = services.outbound().send_test(command)
    ids = {"webhook_id": command.webhook_id}
    return answered(done, "queued", ids, body=done.result, status=202)


@api.route("GET /outbound-webhooks/{webhook_id}/deliveries")
def deliveries(request: Request) -> Response:
    """What became of the events of the last 30 days, newest first."""
    request.caller().require_admin()
    webhook_id = webhook_id_of(request)
    query = read(DeliveriesQuery, request.query)
    place = opened("outbound_deliveries", webhook_id, query.cursor)
    after = None if place is None else DeliveryId(place)
    page = services.outbound().deliveries(webhook_id, limit=query.limit, after=after)
    shown = [delivery_document(each) for each in page.deliveries]
    cursor = sealed("outbound_deliveries", webhook_id, page.after)
    return Response(body={"deliveries": shown, "cursor": cursor})


@api.route("POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry")
def retry(request: Request) -> Response:
    """Try a delivery again now."""
    request.caller().require_admin()
    read(NothingBody, request.json_if_given())
    delivery_id = DeliveryId(request.parameter("delivery_id"))
    delivery = services.outbound().retry(webhook_id_of(request), delivery_id)
    body = {"delivery_id": delivery_id, "event_id": delivery.occurrence.id}
    return Response(status=202, body=body, outcome=Outcome(name="queued"))


def webhook_id_of(request: Request) -> WebhookId:
    """The endpoint that the path names."""
    return WebhookId(request.parameter("webhook_id"))
