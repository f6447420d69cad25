"""Signing secrets of the webhooks: random ones for the local stack."""

import base64
import json
import secrets

from local.cloud import Cloud

SECRET_BYTES = 24


def random_secrets() -> dict[str, str]:
    """Return a new signing secret for each provider, in the form that the provider uses."""
    return {
        "stripe": f"whsec_{secrets.token_hex(SECRET_BYTES)}",
        "square": secrets.token_urlsafe(SECRET_BYTES),
        "shopify": secrets.token_hex(SECRET_BYTES),
        # Standard Webhooks: the key itself is what follows the prefix, base64-encoded.
        "standard": f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}",
    }


def activate(cloud: Cloud, secret_arn: str, active: dict[str, str]) -> None:
    """Make these the only active signing secrets."""
    document: dict[str, list[str] | None] = {name: [value] for name, value in active.items()}
    document |= {"stripe_api_key": None, "square_access_token": None}
    cloud.secrets.put_secret_value(SecretId=secret_arn, SecretString=json.dumps(document))
