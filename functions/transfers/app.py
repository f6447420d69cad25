"""Transfers: points that pass to another member, plans that share them, members that become one.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/transfers.py. Failures are answered as
problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from points_ledger.contracts.requests import read
from points_ledger.contracts.transfers import (
    MergeBody,
    ShareBody,
    SharingBody,
    TransferBody,
    sharing_document,
)
from points_ledger.domain.identity import MemberId
from points_ledger.runtime import services
from points_ledger.runtime.caller import Caller
from points_ledger.runtime.commands import answered, asked
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.addressing import Addressee
from points_ledger.service.merging import MergeMembers
from points_ledger.service.planning import PlanSharing, ShareAsked
from points_ledger.service.transferring import TransferPoints

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /transfers")
def transfer(request: Request) -> Response:
    """Give points to another member, or ask a second person for it."""
    caller, body = request.caller(), read(TransferBody, request.json())
    member_id = caller.own_or_any(body.from_member_id)
    command = TransferPoints(
        **asked(request, caller),
        member_asks=not caller.is_staff,
        from_member_id=member_id,
        to=addressee(caller, body.to_member_id, body.to.email if body.to else None),
        points=body.points,
        note=body.note,
    )
    done = services.transferring().transfer(command)
    ids = {"member_id": member_id, "transfer_id": str(done.result["transfer_id"])}
    return answered(done, str(done.result["status"]), ids, body=done.result, status=201)


@api.route("GET /members/{member_id}/sharing")
def sharing(request: Request) -> Response:
    """By which plan the member's purchases are split."""
    member_id = request.own_or_any_member()
    return Response(body=sharing_document(services.planning().sharing(member_id)))


@api.route("PUT /members/{member_id}/sharing")
def share(request: Request) -> Response:
    """Replace the plan, or end it."""
    caller, member_id = request.caller(), request.own_or_any_member()
    body = read(SharingBody, request.json())
    command = PlanSharing(
        **asked(request, caller),
        member_id=member_id,
        shares=tuple(share_asked(caller, each) for each in body.shares),
    )
    done = services.planning().plan(command)
    return answered(done, "planned", {"member_id": member_id}, body=done.result)


@api.route("POST /members/{member_id}/merge")
def merge(request: Request) -> Response:
    """Let a member become part of another one, for ever."""
    caller = request.caller().require_staff()
    body = read(MergeBody, request.json())
    member_id = caller.resolve_me(request.parameter("member_id"))
    command = MergeMembers(
        **asked(request, caller),
        member_id=member_id,
        into=caller.resolve_me(body.into),
    )
    done = services.merging().merge(command)
    ids = {"member_id": member_id, "into": str(done.result["member_id"])}
    return answered(done, "merged", ids, body=done.result)


def addressee(caller: Caller, member_id: str | None, email: str | None) -> Addressee:
    """Who is named; `me` is the caller's own member."""
    if member_id is None:
        return Addressee(email=email)
    return Addressee(member_id=MemberId(caller.resolve_me(member_id)))


def share_asked(caller: Caller, body: ShareBody) -> ShareAsked:
    """A share as the service takes it."""
    return ShareAsked(addressee=addressee(caller, body.member_id, body.email), percent=body.percent)
