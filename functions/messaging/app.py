"""Messaging: what mails say, for admins; and the link by which a reader ends them, for everybody.

Trigger: HTTP API, the routes of the link without authorizer: its token is signed. Contract:
docs/notifications.md, contracts/mail_templates.py and contracts/unsubscribe_page.py. Failures are
answered as problems, or as a page where people come with a browser.
"""

from collections.abc import Callable

from points_ledger.contracts import unsubscribe_page as page
from points_ledger.domain.error import NotFoundError
from points_ledger.runtime import services
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import MessagingSettings

UNKNOWN = Outcome(name="rejected", code="not_found")

api = Api(MessagingSettings)
handler = api.handle


@api.route("GET /notifications/templates")
def templates(request: Request) -> Response:
    """Every template in force, the settings, and which placeholders there are."""
    from points_ledger.contracts import mail_templates as contract  # noqa: PLC0415 - only for admins

    request.caller().require_admin()
    return Response(body=contract.templates_document(services.mail_templates().book()))


@api.route("PUT /notifications/templates")
def replace(request: Request) -> Response:
    """Replace templates, settings, or both."""
    from points_ledger.contracts import mail_templates as contract  # noqa: PLC0415 - only for admins
    from points_ledger.service.mail_templates import ReplaceTemplates  # noqa: PLC0415 - as above

    caller = request.caller().require_admin()
    change = contract.read_templates(request.json())
    command = ReplaceTemplates(
        actor=caller.actor,
        settings=change.settings,
        templates=change.templates,
        revision=change.revision,
    )
    book = services.mail_templates().replace(command)
    outcome = Outcome(name="templates_replaced", ids={"revision": book.revision})
    return Response(body=contract.templates_document(book), outcome=outcome)


@api.route("POST /notifications/previews")
def preview(request: Request) -> Response:
    """A mail by a template as it was sent, about somebody invented; nothing is stored."""
    from points_ledger.contracts import mail_templates as contract  # noqa: PLC0415 - only for admins

    request.caller().require_admin()
    template = contract.read_template(request.json())
    return Response(body=contract.mail_document(services.mail_templates().preview(template)))


@api.route("GET /unsubscribe")
def ask(request: Request) -> Response:
    """A page with a button; looking at it changes nothing."""
    try:
        services.unsubscribing().member(request.query.get("token", ""))
    except NotFoundError:
        return _page(request, 400, page.unknown_page, UNKNOWN)
    return _page(request, 200, page.question_page, Outcome(name="ok"))


@api.route("POST /unsubscribe")
def unsubscribe(request: Request) -> Response:
    """End the mails of the link's member; what the body says does not matter."""
    try:
        member_id = services.unsubscribing().unsubscribe(request.query.get("token", ""))
    except NotFoundError:
        return _page(request, 400, page.unknown_page, UNKNOWN)
    done = Outcome(name="unsubscribed", ids={"member_id": member_id})
    return _page(request, 200, page.done_page, done)


def _page(
    request: Request, status: int, written: Callable[[str], str], outcome: Outcome
) -> Response:
    language = page.language_of(request.headers.get("accept-language", ""))
    return Response(
        status=status,
        body=written(language),
        content_type=page.HTML_TYPE,
        headers=page.HEADERS,
        outcome=outcome,
    )
