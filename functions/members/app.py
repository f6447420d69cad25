"""Members: enrolling and finding them, and what they have and why.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/requests.py. Failures are answered as
problems.
"""

from points_ledger.contracts.cursors import entry_cursor, read_entry_cursor, unknown_cursor
from points_ledger.contracts.requests import (
    EnrolMemberBody,
    EntriesQuery,
    FindMembersQuery,
    PendingQuery,
    read,
)
from points_ledger.contracts.responses import (
    balance_document,
    entry_document,
    member_document,
    pending_document,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import Standing
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.ports import RequestKey

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /members")
def enrol(request: Request) -> Response:
    """Open an account; 200 with the same member where an external id is known."""
    caller = request.caller()
    caller.require_staff_or_till()
    key = RequestKey(caller=caller.id, key=request.idempotency_key())
    body = read(EnrolMemberBody, request.json())
    command = EnrolMember(
        request=key,
        fingerprint=request.fingerprint(),
        actor=caller.actor,
        name=body.name,
        email=body.email,
        phone=body.phone,
        birthday=body.birthday.isoformat() if body.birthday else None,
        standing=Standing(
            organisation=body.organisation,
            jurisdiction=body.jurisdiction,
            tags=body.tags,
            earns=body.earns,
        ),
        external_ids=body.external_ids,
    )
    done = services.enrolling().enrol(command)
    details = member_document(services.queries().member(done.member_id))
    return Response(
        status=201 if done.created else 200,
        body=details,
        outcome=Outcome(
            name="enrolled" if done.created and not done.replayed else "known",
            ids={"member_id": done.member_id},
        ),
        is_replay=done.replayed,
    )


@api.route("GET /members")
def find(request: Request) -> Response:
    """The member behind a source's customer."""
    request.caller().require_staff_or_till()
    query = read(FindMembersQuery, request.query)
    found = services.queries().find(query.external_id)
    return Response(body={"members": [member_document(found)] if found else [], "cursor": None})


@api.route("GET /members/{member_id}")
def show(request: Request) -> Response:
    """Standing and personal data."""
    member_id = own_or_any(request)
    return Response(body=member_document(services.queries().member(member_id)))


@api.route("GET /members/{member_id}/balance")
def balance(request: Request) -> Response:
    """What the member has now."""
    caller = request.caller()
    member_id = caller.resolve_me(request.parameter("member_id"))
    caller.require_self_staff_or_till(member_id)
    return Response(body=balance_document(services.queries().balance(member_id)))


@api.route("GET /members/{member_id}/pending")
def pending(request: Request) -> Response:
    """What is pending, and what each earning waits for."""
    member_id = own_or_any(request)
    query = read(PendingQuery, request.query)
    try:
        page, cursor = services.queries().pending(member_id, limit=query.limit, cursor=query.cursor)
    except ValueError as error:
        if query.cursor is None:
            raise
        raise unknown_cursor() from error
    return Response(body={"earnings": [pending_document(each) for each in page], "cursor": cursor})


@api.route("GET /members/{member_id}/entries")
def entries(request: Request) -> Response:
    """The member's ledger, newest first."""
    member_id = own_or_any(request)
    query = read(EntriesQuery, request.query)
    page, following = services.queries().entries(
        member_id, limit=query.limit, before=read_entry_cursor(query.cursor), types=query.types
    )
    cursor = entry_cursor(following) if following is not None else None
    return Response(body={"entries": [entry_document(each) for each in page], "cursor": cursor})


def own_or_any(request: Request) -> MemberId:
    """The member that the path names, if it is the caller's own or the caller is staff."""
    caller = request.caller()
    member_id = caller.resolve_me(request.parameter("member_id"))
    caller.require_self_or_staff(member_id)
    return member_id
