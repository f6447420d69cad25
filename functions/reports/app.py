"""Reports: what is owed in points, and what happened with them, from totals of the ledger.

Trigger: HTTP API with JWT. Contract: docs/reports.md, contracts/reports.py.
Failures are answered as problems.
"""

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
