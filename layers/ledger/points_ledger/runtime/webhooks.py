"""What the webhooks run on: the signing secrets, the work queues and the providers' APIs.

Apart from `services`, which imports the ledger's store: a message of a provider is answered without
it, and without the 20 ms that it adds to a cold start.
"""

from functools import cache

from points_ledger.adapters.provider_api import ProviderApi
from points_ledger.adapters.providers import Complete, Provider
from points_ledger.adapters.secrets import Secrets, WebhookSecrets
from points_ledger.adapters.sqs import FactQueues
from points_ledger.runtime import bootstrap
from points_ledger.runtime.settings import WebhooksSettings, load


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
