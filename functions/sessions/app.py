"""Sessions of those who use the pages: signing in, going on, signing out.

Trigger: HTTP API, without authorizer: the user pool judges passwords, mailed codes and the token in
the session's cookie. Contract: docs/portal.md, contracts/sessions.py. No script reads the cookie;
the page keeps the id token, in memory. Failures are answered as problems.
"""

from points_ledger.adapters.cognito import Accounts, NewPasswordNeeded, SignedIn
from points_ledger.contracts.requests import read
from points_ledger.contracts.sessions import (
    ForgottenPasswordBody,
    NewPasswordBody,
    PasswordResetBody,
    SignInBody,
    challenge_document,
    session_document,
)
from points_ledger.domain.error import UnauthenticatedError
from points_ledger.runtime import bootstrap
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import SessionsSettings, load

COOKIE = "session"
# No other site and no script can use it. A browser takes a cookie over, or away, only under the
# path that it came with, and without one that is the path of each route: so all say the same.
COOKIE_ATTRIBUTES = "Path=/; HttpOnly; Secure; SameSite=Strict"
SESSION_SECONDS = 30 * 24 * 60 * 60

api = Api(SessionsSettings)
handler = api.handle


@api.route("POST /session")
def sign_in(request: Request) -> Response:
    """Begin a session with a password."""
    body = read(SignInBody, request.json())
    return _begun(_accounts().sign_in(body.username, body.password))


@api.route("POST /session/new-password")
def sign_in_with_new_password(request: Request) -> Response:
    """Begin the first session, with a password that replaces the one that was mailed."""
    body = read(NewPasswordBody, request.json())
    outcome = _accounts().sign_in_with_new_password(
        body.username, body.new_password, body.challenge
    )
    return _begun(outcome)


@api.route("POST /session/forgotten-password")
def send_code(request: Request) -> Response:
    """Mail a code, if there is such an account."""
    _accounts().send_code(read(ForgottenPasswordBody, request.json()).username)
    return Response(status=202, body={"accepted": True})


@api.route("POST /session/reset-password")
def reset_password(request: Request) -> Response:
    """Set a new password with the code that was mailed."""
    body = read(PasswordResetBody, request.json())
    _accounts().reset_password(body.username, body.code, body.new_password)
    return Response(body={"accepted": True})


@api.route("POST /session/renewal")
def renew(request: Request) -> Response:
    """Go on with the session of the cookie."""
    return _begun(_accounts().renew(_refresh_token(request)))


@api.route("DELETE /session")
def sign_out(request: Request) -> Response:
    """End the session of the cookie."""
    _accounts().sign_out(_refresh_token(request))
    return Response(
        body={"signed_out": True}, cookies=(f"{COOKIE}=; {COOKIE_ATTRIBUTES}; Max-Age=0",)
    )


def _begun(outcome: SignedIn | NewPasswordNeeded) -> Response:
    if isinstance(outcome, NewPasswordNeeded):
        return Response(body=challenge_document(outcome.challenge))
    token, attributes = outcome.refresh_token, f"{COOKIE_ATTRIBUTES}; Max-Age={SESSION_SECONDS}"
    return Response(
        body=session_document(outcome.id_token, outcome.expires_in_seconds),
        cookies=(f"{COOKIE}={token}; {attributes}",) if token else (),
    )


def _refresh_token(request: Request) -> str:
    token = request.cookies.get(COOKIE)
    if not token:
        raise UnauthenticatedError
    return token


def _accounts() -> Accounts:
    settings = load(SessionsSettings)
    return Accounts(client=bootstrap.identities(), client_id=settings.people_client_id)
