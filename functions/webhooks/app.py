"""POST /webhooks/{provider}: a provider's signed message becomes facts on the work queues.

Trigger: HTTP API, without authorizer: the signature over the raw bytes is checked before anything
is parsed. Contract: 202 `{"accepted": true}` once every fact is queued, also for types that mean
nothing here; 400, 401, 404 and 413 as problems; on anything else 500, and the provider delivers
again. Failure destination: the dead letters of earning_events, with the reason, for a message that
delivering again cannot mend.
"""

from collections.abc import Sequence

from points_ledger.adapters.providers import (
    PROVIDERS,
    IncompletePayloadError,
    PrivacyRequestError,
)
from points_ledger.adapters.providers.payload import decode
from points_ledger.adapters.providers.signature import Sent
from points_ledger.adapters.sqs import MessageTooLargeError
from points_ledger.domain.error import NotFoundError
from points_ledger.runtime import bootstrap
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import WebhooksSettings, load
from points_ledger.runtime.webhooks import completion, queues, webhook_secrets

ACCEPTED = {"accepted": True}
TOO_LARGE = "message_too_large"
ID_HEADERS = ("webhook-id", "x-shopify-webhook-id")
ID_MEMBERS = ("id", "event_id")

api = Api(WebhooksSettings)
handler = api.handle


@api.route("POST /webhooks/{provider}")
def deliver(request: Request) -> Response:
    """Queue the facts of one message, or set it aside when it can never become facts."""
    name = request.parameter("provider")
    provider = PROVIDERS.get(name)
    if provider is None:
        raise NotFoundError(what="provider", id=name)
    now = bootstrap.utc_now()
    url = request.url(load(WebhooksSettings).square_notification_url)
    sent = Sent(headers=request.headers, body=request.body, url=url)

    def verify(signing: Sequence[str]) -> None:
        provider.verify(sent, signing, now)

    secrets = webhook_secrets().prove(name, verify)
    try:
        facts = provider.read(sent, now=now, complete=completion(provider, secrets))
        queues().send(facts, actor=f"webhook:{name}", correlation_id=request.id)
    except IncompletePayloadError as error:
        return set_aside(request, name, error.code, event_id(request))
    except PrivacyRequestError as error:
        return set_aside(request, name, error.code, error.subject)
    except MessageTooLargeError:
        return set_aside(request, name, TOO_LARGE, event_id(request))
    ids = {"facts": " ".join(fact.type for fact in facts)}
    outcome = Outcome(name="accepted" if facts else "ignored", ids=ids)
    return Response(status=202, body=ACCEPTED, outcome=outcome)


def event_id(request: Request) -> str | None:
    """What the provider calls this message, by which it can be found and delivered again."""
    message = decode(request.body)
    named = (
        *(request.headers.get(name) for name in ID_HEADERS),
        *(message[name].value for name in ID_MEMBERS),
    )
    return next((id_ for id_ in named if isinstance(id_, str) and id_), None)


def set_aside(request: Request, provider: str, reason: str, event_id: str | None) -> Response:
    """Send a message to the dead letters with its reason; delivering it again would not help."""
    queues().dead_letter(
        reason=reason, provider=provider, event_id=event_id, correlation_id=request.id
    )
    outcome = Outcome(name="set_aside", code=reason, ids={"event_id": event_id})
    return Response(status=202, body=ACCEPTED, outcome=outcome)
