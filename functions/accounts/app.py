"""Accounts: what members have, what they will have, and how it came about.

Also how far they have come with challenges and streaks, and where they stand on leaderboards.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/statement.py, contracts/challenges.py.
Failures are answered as problems.
"""

from points_ledger.contracts.benefits import benefits_document
from points_ledger.contracts.challenges import (
    LeaderboardQuery,
    opened_place,
    progress_document,
    sealed_place,
    standings_document,
)
from points_ledger.contracts.cursors import (
    going_on,
    opened,
    opened_number,
    sealed,
    sealed_number,
)
from points_ledger.contracts.requests import EntriesQuery, PendingQuery, read
from points_ledger.contracts.responses import balance_document, entry_document, pending_document
from points_ledger.contracts.spreadsheet import CSV_ANSWER_TYPE, wants_csv
from points_ledger.contracts.statement import StatementQuery, statement_csv, statement_document
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings

api = Api(LedgerSettings)
handler = api.handle


@api.route("GET /members/{member_id}/balance")
def balance(request: Request) -> Response:
    """What the member has now."""
    member_id = request.own_or_served_member()
    return Response(body=balance_document(services.queries().balance(member_id)))


@api.route("GET /members/{member_id}/benefits")
def benefits(request: Request) -> Response:
    """What the member's tier gives, and how far the next one is."""
    member_id = request.own_or_served_member()
    return Response(body=benefits_document(*services.queries().benefits(member_id)))


@api.route("GET /members/{member_id}/pending")
def pending(request: Request) -> Response:
    """What is pending, and what each earning waits for."""
    member_id = request.own_or_any_member()
    query = read(PendingQuery, request.query)
    place = opened("pending", member_id, query.cursor)
    with going_on(place):
        page, following = services.queries().pending(member_id, limit=query.limit, cursor=place)
    cursor = sealed("pending", member_id, following)
    return Response(body={"earnings": [pending_document(each) for each in page], "cursor": cursor})


@api.route("GET /members/{member_id}/entries")
def entries(request: Request) -> Response:
    """The member's ledger, newest first."""
    member_id = request.own_or_any_member()
    query = read(EntriesQuery, request.query)
    before = opened_number("entries", member_id, query.cursor)
    page, following = services.queries().entries(
        member_id, limit=query.limit, before=before, types=query.types
    )
    cursor = sealed_number("entries", member_id, following)
    if not query.sentences:
        return Response(body={"entries": [entry_document(each) for each in page], "cursor": cursor})
    from points_ledger.contracts.overview import explained_entry  # noqa: PLC0415 - for pages only

    reasons = services.reasons(page)
    explained = [explained_entry(each, services.rule_sentences, reasons) for each in page]
    return Response(body={"entries": explained, "cursor": cursor})


@api.route("GET /members/{member_id}/overview")
def overview(request: Request) -> Response:
    """All that one page shows of a member."""
    from points_ledger.contracts.overview import overview_document  # noqa: PLC0415 - for pages only

    member_id = request.own_or_any_member()
    found = services.overviews().overview(member_id)
    reasons = services.reasons(found.entries.entries)
    return Response(body=overview_document(found, services.rule_sentences, reasons))


@api.route("GET /members/{member_id}/requests")
def requests(request: Request) -> Response:
    """What was put before a second person about the member's points, and what became of it."""
    from points_ledger.contracts import overview as contract  # noqa: PLC0415 - for pages only

    member_id = request.own_or_any_member()
    query = read(contract.RequestsQuery, request.query)
    place = opened("requests", member_id, query.cursor)
    with going_on(place):
        page, following = services.requested().of(
            services.queries().head(member_id), limit=query.limit, cursor=place
        )
    cursor = sealed("requests", member_id, following)
    return Response(body=contract.requests_document(page, cursor))


@api.route("GET /members/{member_id}/statement")
def statement(request: Request) -> Response:
    """A month of the member's ledger, oldest first, as JSON or CSV."""
    member_id = request.own_or_any_member()
    query = read(StatementQuery, request.query)
    begin = opened_number("statement", member_id, query.cursor)
    with going_on(begin):
        found = services.statements().statement(
            member_id, query.month, begin=begin, limit=query.limit
        )
    cursor = sealed_number("statement", member_id, found.next_number)
    if not wants_csv(request.headers.get("accept", "")):
        return Response(body=statement_document(found, cursor))
    return Response(
        body=statement_csv(found),
        content_type=CSV_ANSWER_TYPE,
        headers={"x-cursor": cursor} if cursor is not None else {},
    )


@api.route("GET /members/{member_id}/challenges")
def challenges(request: Request) -> Response:
    """How far the member has come with the challenges and streaks in force."""
    member_id = request.own_or_any_member()
    return Response(body=progress_document(services.challenges().progress(member_id)))


@api.route("GET /leaderboards/{leaderboard_id}")
def leaderboard(request: Request) -> Response:
    """A page of a leaderboard; staff see who the members are, a member sees the own place.

    Only staff go on behind the first page: a cursor says after which member.
    """
    caller, board_id = request.caller(), request.parameter("leaderboard_id")
    query = read(LeaderboardQuery, request.query)
    if query.cursor is not None:
        caller.require_staff()
    owner = f"{board_id}:{query.period or ''}"
    after, cursor = opened_place(owner, query.cursor)
    with going_on(cursor):
        standings = services.leaderboards().show(
            board_id,
            query.period,
            limit=query.limit,
            after=after,
            cursor=cursor,
            member_id=None if caller.is_staff else caller.member_id,
        )
    following = sealed_place(owner, standings) if caller.is_staff else None
    body = standings_document(standings, shows_members=caller.is_staff, cursor=following)
    return Response(body=body)
