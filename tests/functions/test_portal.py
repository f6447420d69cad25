"""The pages of portal and console, and sessions: cookies, headers, files of one release."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from points_ledger.adapters.cognito import NEW_PASSWORD
from points_ledger.contracts.outbound import EVENT_TYPES
from points_ledger.runtime import bootstrap
from tests.functions.deployed import Deploy, Deployed, functions_by_route
from tests.functions.gateway import NOBODY, request, text_of

Json = dict[str, Any]

ASSETS = Path(__file__).resolve().parents[2] / "functions" / "portal" / "assets"
PASSWORD, NEXT_PASSWORD = "aA1-the-first-password", "bB2-the-second-password"
UNAUTHENTICATED = (401, "unauthenticated")
MAX_PAGE_BYTES = 200_000
REFERENCE = re.compile(r'(?:src|href)="([^"]+)"')
IMPORT = re.compile(r'(?:from |import\(|import )"(\.[^"]+)"')


@pytest.fixture
def pool(deploy: Deploy) -> tuple[Deployed, str]:
    """The functions with a user pool in which Dana has a password for once, and the pool's id."""
    stack = deploy(None)
    pool_id = stack.open_pool()
    bootstrap.identities().admin_create_user(
        UserPoolId=pool_id, Username="dana", TemporaryPassword=PASSWORD
    )
    return stack, pool_id


def permanent(pool_id: str) -> None:
    bootstrap.identities().admin_set_user_password(
        UserPoolId=pool_id, Username="dana", Password=PASSWORD, Permanent=True
    )


def raw(stack: Deployed, route: str, *, cookie: str | None = None, **event: Any) -> Json:  # noqa: ANN401 - parts of the request
    """The function's own answer, with its cookies."""
    asked = request(route, NOBODY, **event)
    if cookie is not None:
        asked["cookies"] = [f"other=1; session={cookie}".split("; ")[1], "other=1"]
    return stack.invoke(functions_by_route()[route], asked)


def session_of(answer: Json) -> str:
    [line] = answer["cookies"]
    name, _, rest = line.partition("=")
    value, _, attributes = rest.partition("; ")
    assert name == "session"
    # One path for all: a browser takes a cookie away, or over, only under the path it came with.
    assert attributes.split("; ")[:4] == ["Path=/", "HttpOnly", "Secure", "SameSite=Strict"]
    return str(value)


# --- Sessions -------------------------------------------------------------------------------


def test_a_password_begins_a_session_that_the_cookie_goes_on_with(
    pool: tuple[Deployed, str],
) -> None:
    stack, pool_id = pool
    permanent(pool_id)
    body = text_of({"username": "dana", "password": PASSWORD})

    signed_in = raw(stack, "POST /session", body=body)
    cookie = session_of(signed_in)
    renewed = raw(stack, "POST /session/renewal", cookie=cookie)

    assert signed_in["statusCode"] == renewed["statusCode"] == 200
    assert "id_token" in renewed["body"]
    assert cookie not in signed_in["body"], "no script sees what keeps the session"


def test_no_password_and_no_token_is_logged(pool: tuple[Deployed, str]) -> None:
    stack, pool_id = pool
    permanent(pool_id)
    cookie = session_of(
        raw(stack, "POST /session", body=text_of({"username": "dana", "password": PASSWORD}))
    )
    first = stack.printed.text
    raw(stack, "POST /session/renewal", cookie=cookie)

    assert [word for word in (PASSWORD, cookie, "dana", "eyJ") if word in first] == []
    assert [word for word in (cookie, "eyJ") if word in stack.printed.text] == []


@pytest.mark.parametrize("username", ["dana", "nobody"])
def test_who_has_an_account_cannot_be_told_from_a_refusal(
    username: str, pool: tuple[Deployed, str]
) -> None:
    stack, pool_id = pool
    permanent(pool_id)
    answer = stack.ask("POST /session", NOBODY, body={"username": username, "password": "wrong"})
    assert answer.refusal == (401, "unauthenticated")


def test_the_first_password_is_replaced_at_once(pool: tuple[Deployed, str]) -> None:
    stack, _ = pool
    asked = stack.ask("POST /session", NOBODY, body={"username": "dana", "password": PASSWORD})
    assert (asked.status, asked.body["new_password_required"]) == (200, True)

    body = {
        "username": "dana",
        "new_password": NEXT_PASSWORD,
        "challenge": asked.body["challenge"],
    }
    begun = raw(stack, "POST /session/new-password", body=text_of(body))

    assert begun["statusCode"] == 200
    assert session_of(begun)
    again = stack.ask("POST /session", NOBODY, body={"username": "dana", "password": NEXT_PASSWORD})
    assert "id_token" in again.body
    assert NEW_PASSWORD not in again.text


def test_who_signs_out_keeps_no_cookie(pool: tuple[Deployed, str]) -> None:
    stack, pool_id = pool
    permanent(pool_id)
    body = text_of({"username": "dana", "password": PASSWORD})
    cookie = session_of(raw(stack, "POST /session", body=body))
    stack.monkeypatch.setattr(bootstrap.identities(), "revoke_token", lambda **_: {})

    ended = raw(stack, "DELETE /session", cookie=cookie)

    assert session_of(ended) == ""
    assert ended["cookies"][0].endswith("; Max-Age=0")


@pytest.mark.parametrize(
    ("route", "method", "code", "refusal"),
    [
        ("POST /session", "initiate_auth", "TooManyRequestsException", (429, "too_many_requests")),
        (
            "POST /session/reset-password",
            "confirm_forgot_password",
            "TooManyFailedAttemptsException",
            (429, "too_many_requests"),
        ),
        ("DELETE /session", "revoke_token", "UnsupportedTokenTypeException", UNAUTHENTICATED),
        ("DELETE /session", "revoke_token", "UnauthorizedException", UNAUTHENTICATED),
    ],
)
def test_what_the_pool_refuses_is_no_failure_of_ours(
    route: str, method: str, code: str, refusal: tuple[int, str], pool: tuple[Deployed, str]
) -> None:
    stack, _ = pool
    stack.monkeypatch.setattr(bootstrap.identities(), method, refusing(code))
    bodies = {
        "POST /session": {"username": "dana", "password": PASSWORD},
        "POST /session/reset-password": {
            "username": "dana",
            "code": "1",
            "new_password": NEXT_PASSWORD,
        },
    }
    body = text_of(bodies[route]) if route in bodies else None
    answer = raw(stack, route, cookie="what was sent along", body=body)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == refusal


@pytest.mark.parametrize("code", ["CodeDeliveryFailureException", "LimitExceededException"])
def test_a_code_that_cannot_be_mailed_tells_nobody_who_has_an_account(
    code: str, pool: tuple[Deployed, str]
) -> None:
    stack, _ = pool
    stack.monkeypatch.setattr(bootstrap.identities(), "forgot_password", refusing(code))
    answer = stack.ask("POST /session/forgotten-password", NOBODY, body={"username": "dana"})
    assert (answer.status, answer.body) == (202, {"accepted": True})


def refusing(code: str) -> Callable[..., None]:
    def refuse(**_: object) -> None:
        answer: Any = {"Error": {"Code": code, "Message": "no"}}
        raise ClientError(answer, "Operation")

    return refuse


@pytest.mark.parametrize("route", ["POST /session/renewal", "DELETE /session"])
@pytest.mark.parametrize("cookie", [None, ""])
def test_without_a_cookie_there_is_no_session(
    route: str, cookie: str | None, pool: tuple[Deployed, str]
) -> None:
    answer = raw(pool[0], route, cookie=cookie)
    assert answer["statusCode"] == 401


@pytest.mark.parametrize(
    ("route", "body", "fields"),
    [
        ("POST /session", {"username": "dana"}, ["password"]),
        ("POST /session", {"username": "dana", "password": ""}, ["password"]),
        ("POST /session", {"username": "dana", "password": "x", "admin": True}, ["admin"]),
        ("POST /session/new-password", {"username": "dana"}, ["challenge", "new_password"]),
        (
            "POST /session/new-password",
            {"username": "dana", "new_password": "Another-9", "challenge": "too short"},
            ["challenge"],
        ),
        ("POST /session/forgotten-password", {}, ["username"]),
        ("POST /session/reset-password", {"username": "d", "code": "1"}, ["new_password"]),
    ],
)
def test_what_is_missing_is_named(
    route: str, body: Json, fields: list[str], cut_off: Deployed
) -> None:
    assert sorted(cut_off.ask(route, NOBODY, body=body).fields) == fields


def test_a_code_is_promised_to_everybody_alike(pool: tuple[Deployed, str]) -> None:
    answers = [
        pool[0].ask("POST /session/forgotten-password", NOBODY, body={"username": name})
        for name in ("dana", "nobody")
    ]
    assert [(each.status, each.body) for each in answers] == [(202, {"accepted": True})] * 2


# --- Pages ----------------------------------------------------------------------------------


def page(stack: Deployed, route: str) -> str:
    answer = stack.ask(route, NOBODY)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    return answer.text


def loaded_by(text: str) -> list[str]:
    return [each.removeprefix("portal/") for each in REFERENCE.findall(text)]


@pytest.mark.parametrize("route", ["GET /portal", "GET /console"])
def test_a_page_names_files_that_are_there_and_stay_as_they_are(
    route: str, cut_off: Deployed
) -> None:
    for path in loaded_by(page(cut_off, route)):
        answer = cut_off.ask("GET /portal/{proxy+}", NOBODY, path={"proxy+": path})
        assert answer.status == 200, path
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("route", ["GET /portal", "GET /console"])
def test_a_page_allows_nothing_that_is_not_its_own(route: str, cut_off: Deployed) -> None:
    text = page(cut_off, route)
    policy = cut_off.ask(route, NOBODY).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "//" not in text, "nothing comes from anywhere else"
    assert re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|<style", text) is None


def test_a_file_of_another_release_is_not_kept(cut_off: Deployed) -> None:
    path = {"proxy+": "0000000000000000/core/dom.js"}
    answer = cut_off.ask("GET /portal/{proxy+}", NOBODY, path=path)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path", ["app.py", "0/app.py", "0/../app.py", "0//etc/passwd", "0/member.html", "0/", "0"]
)
def test_nothing_else_is_served(path: str, cut_off: Deployed) -> None:
    answer = cut_off.ask("GET /portal/{proxy+}", NOBODY, path={"proxy+": path})
    assert answer.refusal == (404, "not_found")


def test_a_file_is_sent_compressed_to_whoever_takes_it(cut_off: Deployed) -> None:
    headers = {"accept-encoding": "gzip, deflate, br"}
    path = {"proxy+": "0/styles.css"}
    answer = raw(cut_off, "GET /portal/{proxy+}", path=path, headers=headers)
    assert answer["isBase64Encoded"] is True
    assert answer["headers"]["content-encoding"] == "gzip"
    unpacked = gzip.decompress(base64.b64decode(answer["body"]))
    assert unpacked == (ASSETS / "styles.css").read_bytes()


def test_the_description_of_the_api_is_served_as_it_stands(cut_off: Deployed) -> None:
    answer = cut_off.ask("GET /openapi.json", NOBODY)
    assert answer.text == (ASSETS.parent / "openapi.json").read_text(encoding="utf-8")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_every_module_imports_files_that_are_there() -> None:
    missing = [
        f"{module.relative_to(ASSETS)}: {name}"
        for module in ASSETS.rglob("*.js")
        for name in IMPORT.findall(module.read_text(encoding="utf-8"))
        if not (module.parent / name).resolve().is_file()
    ]
    assert missing == []


def test_the_console_offers_every_event_to_endpoints() -> None:
    text = (ASSETS / "console" / "webhooks.js").read_text(encoding="utf-8")
    listed = text.partition("const EVENTS = [")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', listed)) == EVENT_TYPES


def test_no_script_makes_markup_of_a_text() -> None:
    ways = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.srcdoc"
    )
    found = [path.name for path in ASSETS.rglob("*.js") if ways.search(path.read_text("utf-8"))]
    assert found == []


def test_all_of_it_together_is_small() -> None:
    sizes = [len(gzip.compress(path.read_bytes())) for path in ASSETS.rglob("*") if path.is_file()]
    assert sum(sizes) < MAX_PAGE_BYTES
