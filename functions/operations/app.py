"""What staff see of the machinery: what failed for good, and whether the ledger is whole.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/dead_letters.py and integrity.py.
Failures are answered as problems; trying dead letters again twice is harmless.
"""

from points_ledger.contracts.cursors import going_on, opened, sealed
from points_ledger.contracts.dead_letters import (
    DeadLettersQuery,
    RedriveBody,
    dead_letters_document,
    redriven_document,
)
from points_ledger.contracts.integrity import integrity_document
from points_ledger.contracts.requests import read
from points_ledger.runtime import operations
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import OperationsSettings

api = Api(OperationsSettings)
handler = api.handle


@api.route("GET /dead-letters")
def dead_letters(request: Request) -> Response:
    """What failed for good, queue by queue, the oldest first."""
    request.caller().require_admin()
    query = read(DeadLettersQuery, request.query)
    owner = query.queue or ""
    after = opened("dead_letters", owner, query.cursor)
    with going_on(after):
        page = operations.dead_letters().page(queue=query.queue, limit=query.limit, after=after)
    cursor = sealed("dead_letters", owner, page.place)
    return Response(body=dead_letters_document(page, cursor=cursor))


@api.route("POST /dead-letters/redrive")
def redrive(request: Request) -> Response:
    """Try messages of one queue again."""
    caller = request.caller().require_admin()
    body = read(RedriveBody, request.json())
    done = operations.dead_letters().redrive(body.queue, body.message_ids)
    ids: dict[str, Identifier] = {
        "actor": caller.actor,
        "queue": body.queue,
        "redriven": len(done.message_ids),
        "not_redriven": len(done.not_redriven),
    }
    document = redriven_document(body.queue, done)
    return Response(body=document, outcome=Outcome(name="redriven", ids=ids))


@api.route("GET /integrity")
def integrity(request: Request) -> Response:
    """What the reconciliation found last, and how far it has come."""
    request.caller().require_staff()
    found = operations.integrity_store().integrity()
    return Response(body=integrity_document(found, operations.recounts().recount()))
