"""Actions that clients report: a signup, a review, a booking and whatever else the program names.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/actions.py. Failures are answered as
problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from points_ledger.contracts.actions import ActionBody
from points_ledger.contracts.requests import read
from points_ledger.runtime import services
from points_ledger.runtime.commands import answered, asked
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.acting import PerformAction

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /actions")
def perform(request: Request) -> Response:
    """Record an action; 200 with what is known where it was reported before."""
    caller = request.caller().require_staff_or_till()
    said = asked(request, caller)
    body = read(ActionBody, request.json())
    purchase, also = (*body.purchases, None, None)[:2]
    command = PerformAction(
        **said,
        member_id=caller.resolve_me(body.member_id),
        action=body.action,
        action_id=body.action_id,
        occurred_at=body.occurred_at,
        linked_purchase=purchase,
        linked_also=also,
    )
    done = services.acting().perform(command)
    ids = {name: str(done.result[name]) for name in ("member_id", "earning_id")}
    name, status = ("performed", 201) if done.created else ("known", 200)
    return answered(done, name, ids, body=done.result, status=status)
