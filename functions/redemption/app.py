"""Redemptions: what a member could redeem, and redeeming it.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/requests.py. Failures are answered as
problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from points_ledger.contracts.requests import QuoteBody, RedemptionBody, read
from points_ledger.contracts.responses import quote_document, redemption_document
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import RedemptionId
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.ports import RequestKey
from points_ledger.service.redeeming import RedeemPoints

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /redemptions/quote")
def quote(request: Request) -> Response:
    """The most that the member can redeem now."""
    caller, body = request.caller(), read(QuoteBody, request.json())
    member_id = caller.resolve_me(body.member_id)
    caller.require_self_staff_or_till(member_id)
    ticket = body.ticket.ticket if body.ticket else None
    return Response(body=quote_document(*services.redeeming().quote(member_id, ticket)))


@api.route("POST /redemptions")
def redeem(request: Request) -> Response:
    """Spend points."""
    caller = request.caller()
    body = read(RedemptionBody, request.json())
    member_id = caller.resolve_me(body.member_id)
    caller.require_self_staff_or_till(member_id)
    command = RedeemPoints(
        request=RequestKey(caller=caller.id, key=request.idempotency_key()),
        fingerprint=request.fingerprint(),
        actor=caller.actor,
        member_id=member_id,
        points=body.points,
        amount=body.amount,
        kind=body.kind,
        ticket=body.ticket.ticket if body.ticket else None,
        note=body.note,
    )
    done = services.redeeming().redeem(command)
    ids = {"member_id": member_id, "redemption_id": str(done.result["redemption_id"])}
    outcome = Outcome(name="replayed" if done.replayed else "redeemed", ids=ids)
    return Response(status=201, body=done.result, outcome=outcome, is_replay=done.replayed)


@api.route("GET /redemptions/{redemption_id}")
def show(request: Request) -> Response:
    """One redemption; to another member it does not exist."""
    caller = request.caller()
    redemption = services.queries().redemption(RedemptionId(request.parameter("redemption_id")))
    if not caller.may_see(redemption.member_id):
        raise NotFoundError(what="redemption", id=redemption.redemption_id)
    return Response(body=redemption_document(redemption))
