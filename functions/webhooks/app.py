"""POST /webhooks/{provider}: a provider's signed message becomes facts on the work queues.

Trigger: HTTP API, without authorizer: the signature over the raw bytes is checked before anything
is parsed. Contract: 202 `{"accepted": true}` once every fact is queued, also for types that mean
nothing here; 400, 401, 404 and 413 as problems; on anything else 500, and the provider delivers
again. Failure destination: the dead letters of earning_events, with the reason, for a message that
delivering again cannot mend.
"""

from collections.abc import Sequence
from functools import cache

from points_ledger.adapters.provider_api import ProviderApi
from points_ledger.adapters.providers import (
    PROVIDERS,
    Complete,
    IncompletePayloadError,
    PrivacyRequestError,
    Provider,
)
from points_ledger.adapters.providers.payload import decode
from points_ledger.adapters.providers.signature import Sent
from points_ledger.adapters.secrets import Secrets, WebhookSecrets
from points_ledger.adapters.sqs import FactQueues, MessageTooLargeError
from points_ledger.domain.error import NotFoundError
from points_ledger.runtime import bootstrap
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import WebhooksSettings, load

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


def completion(provider: Provider, secrets: Secrets) -> Complete | None:
    """How to fetch what a payload cuts off: through the provider's API, where there is a key."""
    settings = load(WebhooksSettings)
    match provider.name:
        case "stripe":
            base_url, api_key = settings.stripe_api_url, secrets.stripe_api_key
        case "square":
            base_url, api_key = settings.square_api_url, secrets.square_access_token
        case _:
            return None
    return None if api_key is None else ProviderApi(base_url=base_url, api_key=api_key).get


@cache
def webhook_secrets() -> WebhookSecrets:
    """The signing secrets, cached by this process."""
    return WebhookSecrets(bootstrap.secrets(), load(WebhooksSettings).webhook_secret_arn)


@cache
def queues() -> FactQueues:
    """The work queues."""
    urls = load(WebhooksSettings)
    return FactQueues(
        client=bootstrap.sqs(),
        earning_queue_url=urls.earning_queue_url,
        payment_queue_url=urls.payment_queue_url,
    )
