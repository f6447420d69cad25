"""Proofs: that a member's entries are those that a published checkpoint stands for.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/checkpoint.py. Failures are answered as
problems; nothing is written.
"""

from points_ledger.contracts.checkpoint import proof_document
from points_ledger.contracts.checkpoint_requests import ProofQuery
from points_ledger.contracts.requests import read
from points_ledger.runtime import checkpoints
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import ProofsSettings

api = Api(ProofsSettings)
handler = api.handle


@api.route("GET /members/{member_id}/proof")
def proof(request: Request) -> Response:
    """What proves the member's entries by the checkpoint of a day, or by the last one."""
    member_id = request.own_or_any_member()
    query = read(ProofQuery, request.query)
    found = checkpoints.proving().prove(member_id, query.day)
    return Response(body=proof_document(found.member_id, found.checkpoint, found.proofs))
