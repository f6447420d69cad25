"""Adjustments by staff, and approvals: what waits for a second person, and the decision.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/adjustments.py. Failures are answered
as problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from points_ledger.contracts.adjustments import (
    AdjustmentBody,
    ApprovalsQuery,
    DecisionBody,
    approval_document,
)
from points_ledger.contracts.cursors import opened, sealed
from points_ledger.contracts.requests import read
from points_ledger.domain.identity import ApprovalId
from points_ledger.runtime import bootstrap, services
from points_ledger.runtime.commands import answered, asked
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.adjusting import AdjustPoints
from points_ledger.service.approving import DecideApproval

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /adjustments")
def adjust(request: Request) -> Response:
    """Give or take points, or ask a second person to agree."""
    caller = request.caller().require_staff()
    body = read(AdjustmentBody, request.json())
    member_id = caller.resolve_me(body.member_id)
    command = AdjustPoints(
        **asked(request, caller),
        member_id=member_id,
        points=body.points,
        reason=body.reason,
        last_day=body.last_day,
        note=body.note,
    )
    done = services.adjusting().adjust(command)
    ids = {"member_id": member_id, "adjustment_id": str(done.result["adjustment_id"])}
    return answered(done, str(done.result["status"]), ids, body=done.result, status=201)


@api.route("GET /approvals")
def approvals(request: Request) -> Response:
    """What waits, or was decided, newest first."""
    caller = request.caller().require_staff()
    query = read(ApprovalsQuery, request.query)
    page = services.approving().approvals(
        query.status,
        asked_by=caller.id if query.mine else None,
        limit=query.limit,
        cursor=opened("approvals", query.status, query.cursor),
    )
    now = bootstrap.utc_now()
    shown = [approval_document(each, now) for each in page.approvals]
    cursor = sealed("approvals", query.status, page.cursor)
    return Response(body={"approvals": shown, "cursor": cursor})


@api.route("POST /approvals/{approval_id}/approve")
def approve(request: Request) -> Response:
    """Agree to what somebody else asked for."""
    return decided(request, approved=True)


@api.route("POST /approvals/{approval_id}/reject")
def reject(request: Request) -> Response:
    """Refuse what somebody else asked for."""
    return decided(request, approved=False)


def decided(request: Request, *, approved: bool) -> Response:
    """Decide, once; never what the caller asked for."""
    caller = request.caller().require_staff()
    body = read(DecisionBody, request.json_if_given())
    command = DecideApproval(
        **asked(request, caller),
        approval_id=ApprovalId(request.parameter("approval_id")),
        approved=approved,
        note=body.note,
    )
    done = services.approving().run(command)
    ids = {"member_id": str(done.result["member_id"]), "approval_id": command.approval_id}
    return answered(done, str(done.result["status"]), ids, body=done.result)
