"""Stripe's API, of which one thing is needed: the lines that a webhook payload cuts off."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 2
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
"""A hundred lines with every optional object in them are half a megabyte."""

_OK: Final = 200


@dataclass(eq=False)
class StripeApiError(Exception):
    """No usable answer; `status` is Stripe's, or 0 without one. The provider delivers again."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeApi:
    """Reads pages of Stripe's API; `base_url` is http or https, redirects are not followed."""

    base_url: str
    api_key: str = field(repr=False)

    def get(self, path_and_query: str) -> Mapping[str, object]:
        """One page, for `Provider.read(complete=…)`.

        Raises:
            StripeApiError: unreachable, refused, or not a JSON object of bounded size.
        """
        base = urlsplit(self.base_url)
        connect = HTTPConnection if base.scheme == "http" else HTTPSConnection
        connection = connect(base.netloc, timeout=TIMEOUT_SECONDS)
        try:
            headers = {"authorization": f"Bearer {self.api_key}", "accept": "application/json"}
            connection.request("GET", base.path.rstrip("/") + path_and_query, headers=headers)
            response = connection.getresponse()
            return _page(response.status, response.read(MAX_PAGE_BYTES + 1))
        except (HTTPException, OSError) as error:
            raise StripeApiError(0) from error
        finally:
            connection.close()


def _page(status: int, body: bytes) -> Mapping[str, object]:
    if status != _OK or len(body) > MAX_PAGE_BYTES:
        raise StripeApiError(status)
    try:
        page = json.loads(body)
    except ValueError as error:
        raise StripeApiError(status) from error
    if not isinstance(page, dict):
        raise StripeApiError(status)
    return page
