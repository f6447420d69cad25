"""The API of a provider, of which one thing is needed: what its webhook payloads leave out."""

import json
from collections.abc import Mapping
from dataclasses import field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from points_ledger.domain.dataclass import dataclass

TIMEOUT_SECONDS: Final = 2
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
"""A hundred lines with every optional object in them are half a megabyte."""

_OK: Final = 200


@dataclass(eq=False)
class ProviderApiError(Exception):
    """No usable answer; `status` is the provider's, or 0 without one. It delivers again."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderApi:
    """Reads pages of the API; `base_url` is http or https, redirects are not followed."""

    base_url: str
    api_key: str = field(repr=False)

    def get(self, path_and_query: str) -> Mapping[str, object]:
        """One page, for `Provider.read(complete=…)`.

        Raises:
            ProviderApiError: unreachable, refused, or not a JSON object of bounded size.
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
            raise ProviderApiError(0) from error
        finally:
            connection.close()


def _page(status: int, body: bytes) -> Mapping[str, object]:
    if status != _OK or len(body) > MAX_PAGE_BYTES:
        raise ProviderApiError(status)
    try:
        page = json.loads(body)
    except ValueError as error:
        raise ProviderApiError(status) from error
    if not isinstance(page, dict):
        raise ProviderApiError(status)
    return page
