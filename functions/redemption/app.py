"""Redemptions: what a member could redeem, redeeming it at once or in two steps, giving it back.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/redemptions.py. Failures are answered
as problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from points_ledger.contracts.cursors import opened_number, sealed_number
from points_ledger.contracts.redemptions import (
    CancelBody,
    PartBody,
    QuoteBody,
    RedemptionBody,
    RedemptionsQuery,
    quote_document,
    redemption_document,
)
from points_ledger.contracts.requests import read
from points_ledger.domain.identity import RedemptionId, RewardId
from points_ledger.runtime import services
from points_ledger.runtime.commands import answered, asked
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.redeeming import ContinueRedemption, RedeemPoints
from points_ledger.service.redemption_steps import StepName

PAST = {"capture": "captured", "cancel": "cancelled", "reverse": "reversed"}

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /redemptions/quote")
def quote(request: Request) -> Response:
    """The most that the member can redeem now."""
    caller, body = request.caller(), read(QuoteBody, request.json())
    member_id = caller.own_or_served(body.member_id)
    ticket = body.ticket.ticket if body.ticket else None
    return Response(body=quote_document(*services.redeeming().quote(member_id, ticket)))


@api.route("POST /redemptions")
def redeem(request: Request) -> Response:
    """Spend points, or reserve them."""
    caller, body = request.caller(), read(RedemptionBody, request.json())
    member_id = caller.own_or_served(body.member_id)
    command = RedeemPoints(
        **asked(request, caller),
        member_id=member_id,
        points=body.points,
        amount=body.amount,
        kind=body.kind,
        reward_id=RewardId(body.reward_id) if body.reward_id is not None else None,
        ticket=body.ticket.ticket if body.ticket else None,
        reserve=body.reserve,
        note=body.note,
        is_own_request=not caller.serves,
    )
    done = services.redeeming().redeem(command)
    ids = {"member_id": member_id, "redemption_id": str(done.result["redemption_id"])}
    return answered(done, "redeemed", ids, body=done.result, status=201)


@api.route("GET /redemptions")
def of_member(request: Request) -> Response:
    """A member's redemptions, newest first."""
    caller, query = request.caller(), read(RedemptionsQuery, request.query)
    member_id = caller.own_or_served(query.member_id)
    before = opened_number("redemptions", member_id, query.cursor)
    page, number = services.redemptions().of_member(member_id, limit=query.limit, before=before)
    cursor = sealed_number("redemptions", member_id, number)
    shown = [redemption_document(each) for each in page]
    return Response(body={"redemptions": shown, "cursor": cursor})


@api.route("GET /redemptions/{redemption_id}")
def show(request: Request) -> Response:
    """One redemption; to another member it does not exist."""
    caller, id_ = request.caller(), RedemptionId(request.parameter("redemption_id"))
    found = services.redemptions().one(id_, asked_by=caller.asker)
    return Response(body=redemption_document(found))


@api.route("POST /redemptions/{redemption_id}/capture")
def capture(request: Request) -> Response:
    """Spend points that are reserved, and release the rest."""
    request.caller().require_staff_or_till()
    return taken(request, "capture", read(PartBody, request.json_if_given()).points)


@api.route("POST /redemptions/{redemption_id}/cancel")
def cancel(request: Request) -> Response:
    """Release points that are reserved; to another member the redemption does not exist."""
    request.caller()
    read(CancelBody, request.json_if_given())
    return taken(request, "cancel", None)


@api.route("POST /redemptions/{redemption_id}/reverse")
def reverse(request: Request) -> Response:
    """Give back points that were spent."""
    request.caller().require_staff_or_till()
    return taken(request, "reverse", read(PartBody, request.json_if_given()).points)


def taken(request: Request, step: StepName, points: int | None) -> Response:
    """One step of a redemption, once per Idempotency-Key."""
    caller = request.caller()
    command = ContinueRedemption(
        **asked(request, caller),
        redemption_id=RedemptionId(request.parameter("redemption_id")),
        step=step,
        points=points,
        asked_by=caller.asker,
    )
    done = services.redeeming().go_on(command)
    ids = {"member_id": str(done.result["member_id"])}
    return answered(done, PAST[step], ids, body=done.result)
