"""Members: enrolling, finding, changing and erasing them, and what is known of a person.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/members.py. Failures are answered as
problems.
"""

from points_ledger.contracts.benefits import MembershipBody
from points_ledger.contracts.cursors import opened, sealed, unknown_cursor
from points_ledger.contracts.members import (
    ExportQuery,
    FindMembersQuery,
    erased_document,
    export_document,
    names_staff_fields,
    read_changes,
)
from points_ledger.contracts.requests import EnrolMemberBody, read
from points_ledger.contracts.responses import member_document
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import Standing
from points_ledger.runtime import services
from points_ledger.runtime.commands import asked, request_key, request_key_if_given
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.erasing import EraseMember
from points_ledger.service.memberships import GrantMembership
from points_ledger.service.standing import ChangeMember

api = Api(LedgerSettings)
handler = api.handle


@api.route("POST /members")
def enrol(request: Request) -> Response:
    """Open an account; 200 with the same member where an external id is known."""
    caller = request.caller().require_staff_or_till()
    said = asked(request, caller)
    body = read(EnrolMemberBody, request.json())
    command = EnrolMember(
        **said,
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
        referred_by=MemberId(body.referred_by) if body.referred_by is not None else None,
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
    """Members by external id, by email or by the beginning of their name."""
    request.caller().require_staff_or_till()
    query = read(FindMembersQuery, request.query)
    search, cursor = query.search, opened("members", query.text, query.cursor)
    try:
        found, following = services.finding().find(search, limit=query.limit, cursor=cursor)
    except ValueError as error:
        raise unknown_cursor() from error
    return Response(
        body={
            "members": [member_document(each) for each in found],
            "cursor": sealed("members", query.text, following),
        }
    )


@api.route("GET /members/{member_id}")
def show(request: Request) -> Response:
    """Standing and personal data."""
    member_id = request.own_or_any_member()
    return Response(body=member_document(services.queries().member(member_id)))


@api.route("PATCH /members/{member_id}")
def change(request: Request) -> Response:
    """Change personal data; staff also what decides, and the external ids."""
    caller, member_id = request.caller(), request.own_or_any_member()
    body = request.json()
    if names_staff_fields(body):
        caller.require_staff()
    changes = read_changes(body)
    key = request_key if changes.standing else request_key_if_given
    command = ChangeMember(
        request=key(request, caller),
        fingerprint=request.fingerprint(),
        actor=caller.actor,
        member_id=member_id,
        personal=changes.personal,
        standing=changes.standing,
        external_ids=changes.external_ids,
    )
    done = services.changing().change(command)
    return Response(
        body=member_document(services.queries().member(done.member_id)),
        outcome=Outcome(name="changed", ids={"member_id": done.member_id, "entry": done.entry}),
        is_replay=done.replayed,
    )


@api.route("POST /members/{member_id}/memberships")
def give_membership(request: Request) -> Response:
    """Give the member a membership: a tier for as long as it lasts."""
    caller = request.caller().require_staff()
    member_id = caller.resolve_me(request.parameter("member_id"))
    said = asked(request, caller)
    body = read(MembershipBody, request.json())
    command = GrantMembership(
        **said,
        member_id=member_id,
        membership_id=body.membership_id,
    )
    done = services.memberships().give(command)
    return Response(
        status=201,
        body=dict(done.result),
        outcome=Outcome(name="membership_given", ids={"member_id": member_id}),
        is_replay=done.replayed,
    )


@api.route("DELETE /members/{member_id}")
def erase(request: Request) -> Response:
    """Erase a person: the points are forfeited, and all that says who it was goes."""
    caller = request.caller().require_admin()
    member_id = caller.resolve_me(request.parameter("member_id"))
    command = EraseMember(**asked(request, caller), member_id=member_id)
    done = services.erasing().erase(command)
    return Response(
        body=erased_document(done),
        outcome=Outcome(name="erased", ids={"member_id": done.member_id}),
        is_replay=done.replayed,
    )


@api.route("GET /members/{member_id}/export")
def export(request: Request) -> Response:
    """A page of everything that is known of a person."""
    member_id = request.own_or_any_member()
    query = read(ExportQuery, request.query)
    cursor = opened("export", member_id, query.cursor)
    try:
        page = services.exporting().export(member_id, limit=query.limit, cursor=cursor)
    except ValueError as error:
        raise unknown_cursor() from error
    versions = services.exported_programs(page.entries, as_of=page.balance.as_of)
    return Response(body=export_document(page, versions, sealed("export", member_id, page.cursor)))
