"""The HTTP edge: bodies, routes, problems, headers and log lines."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from points_ledger.domain.error import (
    ConflictError,
    IdempotencyKeyMissingError,
    InsufficientPointsError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    UnauthenticatedError,
)
from points_ledger.domain.limit import MAX_BODY_BYTES
from points_ledger.runtime.http import Api, Request, Response, idempotency_key
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings
from tests.unit.runtime.conftest import Printed

ROUTE = "POST /members/{member_id}"


def event(body: str | bytes | None = None, **changed: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": ROUTE,
        "rawPath": "/members/m-1",
        "headers": {"Content-Type": "application/json"},
        "pathParameters": {"member_id": "m-1"},
        "requestContext": {"requestId": "request-1", "http": {"method": "POST"}},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        made["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return made | changed


def request(body: str | bytes | None = None, **changed: object) -> Request:
    return Request.from_event(event(body, **changed))


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("{scheme}://{host}{path}", "https://api.example/prod/webhooks/square?shop=1"),
        ("https://points.example/hooks", "https://points.example/hooks"),
        (
            "http://{host}/{api_id}/{stage}{path}",
            "http://api.example/a1/$default/prod/webhooks/square?shop=1",
        ),
        ("{unknown}{{host}}{Host}", "{unknown}{api.example}{Host}"),
    ],
)
def test_a_request_knows_the_url_that_was_called(pattern: str, url: str) -> None:
    called = request(
        rawPath="/prod/webhooks/square",
        rawQueryString="shop=1",
        headers={"Host": "api.example"},
        requestContext={
            "requestId": "request-1",
            "apiId": "a1",
            "stage": "$default",
            "domainName": "a1.execute-api.us-east-1.amazonaws.com",
            "http": {"method": "POST"},
        },
    )
    assert called.url(pattern) == url


def test_a_url_is_made_of_what_there_is() -> None:
    forwarded = request(headers={"X-Forwarded-Proto": "http", "Host": "h:4566"})
    assert forwarded.url("{scheme}://{host}{path}") == "http://h:4566/members/m-1"
    named = {"requestId": "1", "domainName": "api.example", "http": {"method": "POST"}}
    assert request(requestContext=named).url("{scheme}://{host}") == "https://api.example"
    assert request(headers={"Host": "{path}"}).url("{host}") == "{path}"


def api_that(handler: Callable[[Request], Response]) -> Api:
    api = Api(LedgerSettings)
    api.route(ROUTE)(handler)
    return api


def answer(
    handler: Callable[[Request], Response], body: str | None = None, **changed: object
) -> dict[str, Any]:
    answered = api_that(handler).handle(event(body, **changed), None)
    return {**answered, "json": json.loads(str(answered["body"]))}


def raising(error: Exception) -> Callable[[Request], Response]:
    def handler(_: Request) -> Response:
        raise error

    return handler


# --- requests -------------------------------------------------------------------------------


def test_a_text_body_is_its_utf8_bytes() -> None:
    assert request('{"name":"Zoë 🐢"}').body == '{"name":"Zoë 🐢"}'.encode()


def test_a_base64_body_is_the_bytes_that_were_sent() -> None:
    assert request(b"\xff\x00raw").body == b"\xff\x00raw"


def test_no_body_is_an_empty_one() -> None:
    assert request(None).body == b""


def test_what_is_not_base64_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        request("not base64!", isBase64Encoded=True)


@pytest.mark.parametrize(
    "body",
    ["x" * MAX_BODY_BYTES, "ä" * (MAX_BODY_BYTES // 2), b"x" * MAX_BODY_BYTES],
    ids=["text", "unicode", "base64"],
)
def test_a_body_at_the_limit_is_taken(body: str | bytes) -> None:
    assert len(request(body).body) == MAX_BODY_BYTES


@pytest.mark.parametrize(
    "body",
    [
        "x" * (MAX_BODY_BYTES + 1),
        "ä" * (MAX_BODY_BYTES // 2) + "x",
        b"x" * (MAX_BODY_BYTES + 1),
        b"x" * (MAX_BODY_BYTES + 4),
    ],
    ids=["text", "unicode", "base64", "more base64"],
)
def test_a_byte_more_is_too_large(body: str | bytes) -> None:
    with pytest.raises(PayloadTooLargeError) as refused:
        request(body)
    assert refused.value.maximum_bytes == MAX_BODY_BYTES


def test_names_of_headers_are_lower_case() -> None:
    assert request().headers == {"content-type": "application/json"}


def test_a_lone_surrogate_in_the_event_fails_as_json_and_not_before() -> None:
    with pytest.raises(InvalidRequestError):
        request('"\ud800"').json()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "{'a': 1}",
        '{"a": 1} trailing',
        '{"a": 1, "a": 2}',
        '{"x": {"a": 1, "a": 2}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5_000 + "}",
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        "[" * 40 + "]" * 40,
        "[" * 100_000,
        "\ufeff{}",
    ],
    ids=lambda body: str(body)[:24],
)
def test_what_is_not_strict_json_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        request(body).json()
    assert refused.value.errors[0].field == "body"


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        request(b'{"a": "\xff"}').json()


def test_strict_json_is_read_as_it_is() -> None:
    body = '{"a": [1, -2, 1.5, "é\\ud83d\\ude00", null, true], "b": {"c": {}}}'
    expected = {"a": [1, -2, 1.5, "é😀", None, True], "b": {"c": {}}}
    assert request(body).json() == expected


def test_a_parameter_is_in_nfc() -> None:
    assert request(pathParameters={"member_id": "e\u0301"}).parameter("member_id") == "\u00e9"


@pytest.mark.parametrize("value", ["", " ", "a\x00b", "\n", "x" * 2_000, "\ud800"])
def test_a_parameter_that_is_no_id_is_not_found(value: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        request(pathParameters={"member_id": value}).parameter("member_id")
    assert refused.value.id == ""


def test_the_caller_comes_from_the_claims() -> None:
    context = {
        "requestId": "r",
        "http": {"method": "GET"},
        "authorizer": {"jwt": {"claims": {"token_use": "id", "sub": "sub-1"}, "scopes": []}},
    }
    assert request(requestContext=context).caller().id == "sub-1"


def test_a_public_route_has_no_caller() -> None:
    with pytest.raises(UnauthenticatedError):
        request().caller()


@pytest.mark.parametrize("key", ["k", "x" * 255, "a b~!", " padded "])
def test_a_printable_idempotency_key_is_taken(key: str) -> None:
    assert idempotency_key({"idempotency-key": key}) == key.strip()


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": ""}, {"idempotency-key": "  "}])
def test_without_an_idempotency_key_there_is_an_error_of_its_own(headers: dict[str, str]) -> None:
    with pytest.raises(IdempotencyKeyMissingError):
        idempotency_key(headers)


@pytest.mark.parametrize("key", ["x" * 256, "ä", "a\tb", "a\nb", "\x7f", "\u2028"])
def test_an_idempotency_key_is_short_printable_ascii(key: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        idempotency_key({"idempotency-key": key})
    assert refused.value.errors[0].field == "Idempotency-Key"


def test_a_fingerprint_is_of_method_path_and_body() -> None:
    first = request("{}").fingerprint()
    assert request("{}", headers={"idempotency-key": "other"}).fingerprint() == first
    context = {"requestId": "r", "http": {"method": "PUT"}}
    others = [
        request("{} "),
        request("{}", rawPath="/members/m-2"),
        request("{}", requestContext=context),
        request("x {}", rawPath="/members/m-"),
    ]
    assert len({first, *(other.fingerprint() for other in others)}) == 5


# --- responses ------------------------------------------------------------------------------


def test_an_answer_is_json_that_nobody_stores(printed: Callable[[], Printed]) -> None:
    def handler(_: Request) -> Response:
        outcome = Outcome(name="enrolled", ids={"entry": 1})
        return Response(status=201, body={"name": "Zoë"}, outcome=outcome)

    answered = answer(handler)
    assert answered["statusCode"] == 201
    assert answered["json"] == {"name": "Zoë"}
    assert answered["headers"] == {"content-type": "application/json", "cache-control": "no-store"}
    found = printed()
    assert found.line()["message"] == "enrolled"
    assert found.line()["correlation_id"] == "request-1"
    assert found.line()["ids"] == {"route": ROUTE, "member_id": "m-1", "status": 201, "entry": 1}
    assert found.counted("enrolled") == 1
    assert "Zoë" not in found.text


def test_a_replay_says_so() -> None:
    answered = answer(lambda _: Response(body={}, is_replay=True))
    assert answered["headers"]["idempotency-replayed"] == "true"


def test_a_first_answer_does_not_say_so() -> None:
    assert "idempotency-replayed" not in answer(lambda _: Response(body={}))["headers"]


def test_a_rejection_is_a_problem_and_one_line(printed: Callable[[], Printed]) -> None:
    answered = answer(raising(InsufficientPointsError(requested=5, available=1)))
    assert answered["statusCode"] == answered["json"]["status"] == 422
    assert answered["headers"]["content-type"] == "application/problem+json"
    assert answered["headers"]["cache-control"] == "no-store"
    assert answered["json"]["code"] == "insufficient_points"
    assert answered["json"]["available"] == 1
    line = printed().line()
    assert (line["message"], line["code"]) == ("rejected", "insufficient_points")


def test_a_conflict_may_be_tried_again(printed: Callable[[], Printed]) -> None:
    answered = answer(raising(ConflictError()))
    assert answered["statusCode"] == 409
    assert answered["json"]["code"] == "conflict"
    assert answered["headers"]["retry-after"] == "1"
    assert printed().line()["message"] == "conflict"


def test_the_unexpected_is_logged_and_tells_the_client_nothing(
    printed: Callable[[], Printed],
) -> None:
    answered = answer(raising(RuntimeError("dana@example.com")))
    assert answered["statusCode"] == 500
    assert answered["json"]["code"] == "internal_error"
    assert answered["headers"]["content-type"] == "application/problem+json"
    found = printed()
    assert found.line()["level"] == "ERROR"
    assert found.line()["ids"]["route"] == ROUTE
    assert "dana" not in str(answered) + found.text


def test_an_unknown_route_is_not_found() -> None:
    answered = answer(lambda _: Response(body={}), routeKey="GET /elsewhere")
    assert answered["statusCode"] == 404
    assert answered["json"]["code"] == "not_found"


def test_a_large_body_never_reaches_the_handler() -> None:
    answered = answer(raising(AssertionError()), body="x" * (MAX_BODY_BYTES + 1))
    assert answered["statusCode"] == 413
    assert answered["json"]["code"] == "payload_too_large"
    assert answered["json"]["maximum_bytes"] == MAX_BODY_BYTES


def test_missing_settings_stop_the_function_before_its_handler(
    monkeypatch: pytest.MonkeyPatch, printed: Callable[[], Printed]
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    answered = answer(lambda _: Response(body={}))
    assert answered["statusCode"] == 500
    assert printed().line()["failure"]["fields"] == {"variables": "('TABLE_NAME',)"}


def test_personal_parameters_of_a_path_are_not_logged(printed: Callable[[], Printed]) -> None:
    answer(lambda _: Response(body={}), pathParameters={"code": "SECRET", "member_id": "m-1"})
    assert "SECRET" not in printed().text


def test_what_a_client_sent_comes_back_whatever_it_was() -> None:
    answered = answer(raising(NotFoundError(what="member", id="\ud800\u2028")))
    assert answered["json"]["id"] == "\ud800\u2028"
    assert answered["body"].isascii()


def test_the_routes_of_a_function_can_be_listed() -> None:
    assert api_that(lambda _: Response(body={})).routes == {ROUTE}
