"""Webhook providers: each verifies its own signature and turns its payloads into facts.

Importing this package stays light (no boto3, no provider library): it is the import that a
provider waits for when the webhook function starts cold.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.adapters.providers.provider import (
    Complete,
    IncompletePayloadError,
    PrivacyRequestError,
    Provider,
)
from points_ledger.adapters.providers.shopify import SHOPIFY
from points_ledger.adapters.providers.square import SQUARE
from points_ledger.adapters.providers.standard import STANDARD
from points_ledger.adapters.providers.stripe import STRIPE

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {provider.name: provider for provider in (STRIPE, SQUARE, SHOPIFY, STANDARD)}
)
"""By the name in the path, POST /webhooks/{name}."""

__all__ = [
    "PROVIDERS",
    "Complete",
    "IncompletePayloadError",
    "PrivacyRequestError",
    "Provider",
]
