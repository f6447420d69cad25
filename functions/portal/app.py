"""The pages of the member portal and the staff console, and the description of the API.

Trigger: HTTP API, without authorizer. Contract: docs/portal.md; openapi.json is what `make openapi`
wrote. A browser that comes for the first time asks for two dozen files at once, and as many
processes may start: this function imports the standard library only, and has no layer but our own.
"""

from collections.abc import Mapping
from pathlib import Path

from points_ledger.runtime.site import Site

site = Site(
    Path(__file__).parent / "assets",
    pages={"GET /portal": "member", "GET /console": "console"},
    files="GET /portal/{proxy+}",
    documents={"GET /openapi.json": Path(__file__).parent / "openapi.json"},
)


def handler(event: Mapping[str, object], context: object) -> Mapping[str, object]:  # noqa: ARG001 - Lambda passes both
    """Answer one request."""
    return site.answer(event)
