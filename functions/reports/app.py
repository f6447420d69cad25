"""Reports: what is owed in points, what happened with them, and what members do, from totals.

Trigger: HTTP API with JWT. Contract: docs/reports.md, contracts/reports.py,
contracts/people_reports.py.
Failures are answered as problems.
"""

from points_ledger.contracts.cursors import going_on, opened, sealed
from points_ledger.contracts.people_reports import (
    SalesQuery,
    TopMembersQuery,
    engagement_csv,
    engagement_document,
    opened_rank,
    read_engagement,
    sales_csv,
    sales_document,
    sealed_rank,
    top_members_csv,
    top_members_document,
)
from points_ledger.contracts.reports import (
    LiabilityQuery,
    activity_csv,
    activity_document,
    liability_csv,
    liability_document,
    read_activity,
)
from points_ledger.contracts.requests import read
from points_ledger.contracts.spreadsheet import CSV_ANSWER_TYPE, wants_csv
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings

api = Api(LedgerSettings)
handler = api.handle


@api.route("GET /reports/liability")
def liability(request: Request) -> Response:
    """What is owed in points now, or at the end of a day, by month of expiry."""
    request.caller().require_staff()
    query = read(LiabilityQuery, request.query)
    found = services.reporting().liability(query.at, query.breakage)
    if wants_csv(request.headers.get("accept", "")):
        return Response(body=liability_csv(found), content_type=CSV_ANSWER_TYPE)
    return Response(body=liability_document(found))


@api.route("GET /reports/activity")
def activity(request: Request) -> Response:
    """The roll-forward by month, the cost of redemptions, and what came of rules and campaigns."""
    request.caller().require_staff()
    query = read_activity(request.query)
    found = services.reporting().activity(query.from_, query.to)
    if wants_csv(request.headers.get("accept", "")):
        return Response(body=activity_csv(found, query.table), content_type=CSV_ANSWER_TYPE)
    return Response(body=activity_document(found))


@api.route("GET /reports/sales")
def sales(request: Request) -> Response:
    """Revenue by the person who ordered, or by organisation, most first."""
    request.caller().require_staff()
    query = read(SalesQuery, request.query)
    place = opened("sales", query.owner, query.cursor)
    with going_on(place):
        found = services.ranking_reports().sales(
            period=query.period,
            by=query.by,
            currency=query.currency,
            limit=query.limit,
            cursor=place,
        )
    cursor = sealed("sales", query.owner, found.cursor)
    if wants_csv(request.headers.get("accept", "")):
        return page_of_csv(sales_csv(found), cursor)
    return Response(body=sales_document(found, cursor))


@api.route("GET /reports/engagement")
def engagement(request: Request) -> Response:
    """Participation, redemption rate, retention and segments by month."""
    request.caller().require_staff()
    query = read_engagement(request.query)
    found = services.engagement_reports().engagement(first=query.from_, last=query.to_)
    if wants_csv(request.headers.get("accept", "")):
        return page_of_csv(engagement_csv(found, query.table_), None)
    return Response(body=engagement_document(found))


@api.route("GET /reports/leaderboard")
def leaderboard(request: Request) -> Response:
    """The top members by points earned, points redeemed or revenue."""
    request.caller().require_staff()
    query = read(TopMembersQuery, request.query)
    after, place = opened_rank(query)
    with going_on(place):
        found = services.ranking_reports().top_members(
            period=query.period, by=query.by, limit=query.limit, after=after, cursor=place
        )
    cursor = sealed_rank(query, found)
    if wants_csv(request.headers.get("accept", "")):
        return page_of_csv(top_members_csv(found), cursor)
    return Response(body=top_members_document(found, cursor))


def page_of_csv(text: str, cursor: str | None) -> Response:
    """A page as CSV; where the next one begins is a header."""
    headers = {"x-cursor": cursor} if cursor is not None else {}
    return Response(body=text, content_type=CSV_ANSWER_TYPE, headers=headers)
