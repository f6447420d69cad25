"""The program: the rules in force, for everyone; its versions, the first when deployed; backtests.

Trigger: HTTP API, partly without authorizer, the deployment's custom resource, or an invocation
with `{"load_program": true}`. Contract: docs/api.md, contracts/publishing.py and
contracts/simulations.py. Failures are answered as problems; a failed load fails the deployment.
"""

from typing import Any

from points_ledger import __version__
from points_ledger.contracts.cursors import opened_number, sealed_number
from points_ledger.runtime import bootstrap, services
from points_ledger.runtime.commands import answered, request_key_if_given
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import ProgramSettings

api = Api(ProgramSettings)


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


@api.route("GET /program/schema")
def schema(request: Request) -> Response:  # noqa: ARG001 - routes take the request
    """The JSON Schema of program documents."""
    from points_ledger.contracts.program import program_schema  # noqa: PLC0415 - needs pydantic

    return Response(body=program_schema())


@api.route("GET /program/versions")
def versions(request: Request) -> Response:
    """All versions, newest first."""
    from points_ledger.contracts import publishing as contract  # noqa: PLC0415 - only for admins
    from points_ledger.contracts.requests import read  # noqa: PLC0415 - only for admins

    request.caller().require_admin()
    query = read(contract.VersionsQuery, request.query)
    before = opened_number("program_versions", "", query.cursor)
    page = services.publishing().versions(limit=query.limit, before=before)
    cursor = sealed_number("program_versions", "", page.before)
    shown = [contract.version_document(each) for each in page.versions]
    return Response(body={"versions": shown, "cursor": cursor})


@api.route("POST /program/versions")
def publish(request: Request) -> Response:
    """Publish a program as the next version."""
    from points_ledger.contracts.publishing import read_publication  # noqa: PLC0415 - as above
    from points_ledger.service.publishing import (  # noqa: PLC0415 - as above
        PublishVersion,
        published_answer,
    )

    caller = request.caller().require_admin()
    publication = read_publication(request.json())
    command = PublishVersion(
        request=request_key_if_given(request, caller),
        fingerprint=request.fingerprint(),
        actor=caller.actor,
        program=publication.program,
        document=publication.document,
        effective_from=publication.effective_from,
    )
    done = services.publishing().publish(command)
    ids, body = {"program_version": done.version}, published_answer(done)
    return answered(done, "program_published", ids, body=body, status=201)


@api.route("POST /program/validations")
def validate(request: Request) -> Response:
    """Judge a draft, and say it in plain sentences; nothing is stored."""
    from points_ledger.contracts import publishing as contract  # noqa: PLC0415 - as above
    from points_ledger.domain.program import Program  # noqa: PLC0415 - as above

    request.caller().require_admin()
    draft = contract.read_draft(request.json())
    if not isinstance(draft, Program):
        return Response(body=contract.refused_document(draft))
    return Response(body=contract.draft_document(draft, services.publishing().misfits(draft)))


@api.route("POST /program/simulations")
def simulate(request: Request) -> Response:
    """Ask for a backtest of a draft; a worker does it (functions/simulations)."""
    from points_ledger.contracts import simulations as contract  # noqa: PLC0415 - only for admins
    from points_ledger.service.backtesting import StartBacktest  # noqa: PLC0415 - as above

    caller = request.caller().require_admin()
    key = request_key_if_given(request, caller)
    in_force = services.programs().at(bootstrap.utc_now())
    body = contract.read_simulation(request.json(), in_force=in_force)
    command = StartBacktest(
        document=body.document,
        begins=body.begins,
        ends=body.ends,
        requested_by=caller.id,
        request=key,
        fingerprint=request.fingerprint(),
        correlation_id=request.id,
    )
    started = services.backtesting().start(command)
    answer = {"simulation_id": started.simulation_id}
    return answered(started, "queued", answer, body=answer, status=202)


@api.route("GET /program/simulations/{simulation_id}")
def simulation(request: Request) -> Response:
    """How far a backtest has come, and its result."""
    from points_ledger.contracts import simulations as contract  # noqa: PLC0415 - only for admins
    from points_ledger.domain.identity import SimulationId  # noqa: PLC0415 - as above

    request.caller().require_admin()
    shown = services.backtesting().show(SimulationId(request.parameter("simulation_id")))
    return Response(body=contract.simulation_document(shown))
