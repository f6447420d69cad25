"""The program: the rules in force, for everyone; and its first version, loaded at deployment.

Trigger: HTTP API without authorizer, the deployment's custom resource, or an invocation with
`{"load_program": true}`. Contract: docs/api.md. Failures are answered as problems; a failed
load fails the deployment.
"""

from typing import Any

from points_ledger import __version__
from points_ledger.runtime import bootstrap, services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings

api = Api(LedgerSettings)


def handler(event: dict[str, Any], context: object) -> dict[str, object]:
    """Answer a request, or load the program when the deployment asks for it."""
    if "routeKey" in event:
        return api.handle(event, context)
    from points_ledger.runtime import deployment  # noqa: PLC0415 - judges documents, once in years

    return deployment.load_program(event)


@api.route("GET /health")
def health(request: Request) -> Response:  # noqa: ARG001 - routes take the request
    """That the stack answers, and its version."""
    return Response(body={"status": "ok", "version": __version__})


@api.route("GET /program")
def show(request: Request) -> Response:  # noqa: ARG001 - routes take the request
    """The rules in force, in plain sentences and as data."""
    return Response(body=services.described_program(bootstrap.utc_now()))
