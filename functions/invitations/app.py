"""Invitations: letting members sign in to the portal.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/invitations.py. Failures are answered
as problems; sending the same invitation again makes nobody a second time.
"""

from points_ledger.contracts.invitations import InvitationBody, invitation_document
from points_ledger.contracts.requests import read
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import InvitationsSettings
from points_ledger.service.inviting import InviteMember

api = Api(InvitationsSettings)
handler = api.handle


@api.route("POST /members/{member_id}/invitation")
def invite(request: Request) -> Response:
    """Make a sign-in for a member; the user pool mails the first password."""
    caller = request.caller().require_staff()
    member_id = caller.resolve_me(request.parameter("member_id"))
    body = read(InvitationBody, request.json_if_given())
    command = InviteMember(member_id=member_id, email=body.email, send_again=body.send_again)
    invited = services.inviting().invite(command)
    name = "invited" if invited.is_new else "invited_before"
    return Response(
        status=201 if invited.is_new else 200,
        body=invitation_document(invited),
        outcome=Outcome(name=name, ids={"member_id": invited.member_id}),
    )
