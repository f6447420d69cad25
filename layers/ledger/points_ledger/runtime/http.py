"""The HTTP edge: an event of API Gateway (HTTP API, payload 2.0) in, a response out.

The gateway has matched the route before a function runs, so a route is a dictionary look-up by its
key (`GET /members/{member_id}`), written as in template.yaml. Powertools' resolver would do the
same by regular expressions for 40 ms of every cold start (docs/benchmarks.md).
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final

from points_ledger.contracts.strict_json import refuse_constant, unique_names
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    ConflictError,
    FieldError,
    IdempotencyKeyMissingError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    PayloadTooLargeError,
    UnauthenticatedError,
)
from points_ledger.domain.identity import MemberId, clean_id
from points_ledger.domain.limit import MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_CHARACTERS
from points_ledger.runtime import observability, settings
from points_ledger.runtime.caller import Caller
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.problem import INTERNAL_STATUS, internal_problem, problem_of

MAX_JSON_DEPTH: Final = 32
RETRY_AFTER_SECONDS: Final = 1

OK: Final = Outcome(name="ok")
JSON_TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"

_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_SHOWN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BASE64_BYTES: Final = 4 * -(-MAX_BODY_BYTES // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: names of headers in lower case, the body as the bytes that were sent.

    `id` is the gateway's request id, which is the correlation id of all that follows from it;
    `address` is what `url` is made of.
    """

    id: str
    method: str
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    claims: Mapping[str, object] | None
    address: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    cookies: Mapping[str, str] = field(default_factory=lambda: _EMPTY)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Request":
        """Read the gateway's event.

        Raises:
            PayloadTooLargeError: the body has more than `MAX_BODY_BYTES`.
            InvalidRequestError: the body is marked as base64 and is none.
        """
        context = event["requestContext"]
        headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        authorizer = context.get("authorizer") or {}
        return cls(
            id=context["requestId"],
            method=context["http"]["method"],
            path=event["rawPath"],
            parameters=event.get("pathParameters") or _EMPTY,
            query=_present(event.get("queryStringParameters") or _EMPTY),
            headers=headers,
            body=_body(event.get("body") or "", is_base64=bool(event.get("isBase64Encoded"))),
            claims=(authorizer.get("jwt") or {}).get("claims"),
            address=_address(event, headers),
            cookies=_cookies(event, headers),
        )

    def url(self, pattern: str) -> str:
        """The URL that was called, as a client wrote it: `pattern` with its placeholders filled in.

        They are `{scheme}`, `{host}`, `{path}` (with the stage, where the gateway shows it, and
        with the query), `{api_id}` and `{stage}`; any of them may be missing in the pattern.
        """
        return _PLACEHOLDER.sub(lambda found: self.address.get(found[1], found[0]), pattern)

    def caller(self) -> Caller:
        """Who is calling.

        Raises:
            UnauthenticatedError: the route has no authorizer, or the token is of no use here.
        """
        if self.claims is None:
            raise UnauthenticatedError
        return Caller.from_claims(self.claims)

    def parameter(self, name: str) -> str:
        """A path parameter in NFC.

        Raises:
            NotFoundError: it is no identifier, so nothing can have it.
        """
        try:
            return clean_id(self.parameters[name], what=name)
        except ValueError as error:
            raise NotFoundError(what=name, id="") from error

    def own_or_any_member(self) -> MemberId:
        """The member that the path names, if it is the caller's own or the caller is staff.

        Raises:
            UnauthenticatedError: see `caller`.
            NotFoundError: see `parameter`.
            ForbiddenError: it is another member, and the caller is not staff.
        """
        return self.caller().own_or_any(self.parameter("member_id"))

    def own_or_served_member(self) -> MemberId:
        """The member that the path names, if it is the caller's own or the caller serves members.

        Raises:
            UnauthenticatedError: see `caller`.
            NotFoundError: see `parameter`.
            ForbiddenError: it is another member, and the caller is neither staff nor a till.
        """
        return self.caller().own_or_served(self.parameter("member_id"))

    def json(self) -> object:
        """The body as strict JSON (RFC 8259).

        Raises:
            InvalidRequestError: not UTF-8, not JSON, a number that is none, a name twice in one
                object, an unpaired surrogate, or nested deeper than `MAX_JSON_DEPTH`.
        """
        return _strict_json(self.body)

    def json_if_given(self) -> object:
        """The body of a request that may come without: none says nothing, as an empty object does.

        Raises:
            InvalidRequestError: see `json`.
        """
        return self.json() if self.body else {}

    def idempotency_key(self) -> str:
        """The Idempotency-Key header, see `idempotency_key`."""
        return idempotency_key(self.headers)

    def key_if_given(self) -> str | None:
        """The Idempotency-Key of a write that does without one; None where there is none.

        Raises:
            InvalidRequestError: see `idempotency_key`.
        """
        given = self.headers.get("idempotency-key", "").strip(" ")
        return self.idempotency_key() if given else None

    def fingerprint(self) -> str:
        """What an Idempotency-Key stands for: a hash over method, path and body (semantics 7)."""
        # With its length before it, no path can pass for the beginning of a body.
        head = f"{self.method} {len(self.path)} {self.path} "
        return hashlib.sha256(_utf8(head) + self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer: an object as JSON, or a text of another `content_type` as it stands.

    `outcome` is the log line, `is_replay` says that it was given before; `cookies` are lines of
    Set-Cookie.
    """

    status: int = 200
    body: Mapping[str, object] | str
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = OK
    is_replay: bool = False
    cookies: tuple[str, ...] = ()


Handler = Callable[[Request], Response]


class Api:
    """The routes of one function, and the handler that Lambda calls."""

    def __init__(self, settings_class: type[settings.Settings]) -> None:
        self._settings_class = settings_class
        self._handlers: dict[str, Handler] = {}

    @property
    def routes(self) -> frozenset[str]:
        """The keys of all routes, as in template.yaml: `METHOD /path/{parameter}`."""
        return frozenset(self._handlers)

    def route(self, key: str) -> Callable[[Handler], Handler]:
        """Register a function for a route key."""

        def register(handler: Handler) -> Handler:
            self._handlers[key] = handler
            return handler

        return register

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, object]:  # noqa: ARG002 - Lambda passes both
        """Answer one request: every error becomes a problem, every outcome one log line."""
        route = str(event.get("routeKey"))
        with observability.invocation(event.get("requestContext", {}).get("requestId")):
            try:
                settings.load(self._settings_class)
                response = self._handler(route)(Request.from_event(event))
            except LedgerError as error:
                return _refuse(error, _ids(route, event))
            except Exception as error:  # noqa: BLE001 - the edge: the caller gets a problem
                observability.log_failure(error, ids=_ids(route, event))
                return _answer(INTERNAL_STATUS, internal_problem(), content_type=PROBLEM_TYPE)
            outcome = response.outcome
            ids = {**_ids(route, event), "status": response.status, **(outcome.ids or {})}
            observability.log(Outcome(name=outcome.name, code=outcome.code, ids=ids))
            replayed = {"idempotency-replayed": "true"} if response.is_replay else {}
            return _answer(
                response.status,
                response.body,
                headers={**response.headers, **replayed},
                content_type=response.content_type,
                cookies=response.cookies,
            )

    def _handler(self, route: str) -> Handler:
        handler = self._handlers.get(route)
        if handler is None:
            raise NotFoundError(what="route", id="")
        return handler


def _cookies(event: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, str]:
    """Cookies by name; the gateway takes them out of the headers, and not every gateway does."""
    sent = event.get("cookies") or headers.get("cookie", "").split(";")
    return dict(each.strip().partition("=")[::2] for each in sent)


def _address(event: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, str]:
    context, query = event["requestContext"], event.get("rawQueryString")
    return {
        "scheme": headers.get("x-forwarded-proto", "https"),
        "host": headers.get("host") or context.get("domainName", ""),
        "path": event["rawPath"] + (f"?{query}" if query else ""),
        "api_id": context.get("apiId", ""),
        "stage": context.get("stage", ""),
    }


def _present(query: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters that say something: `cursor=` is what many clients send for none."""
    return {name: value for name, value in query.items() if value}


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The originator's key of a write: 1 to 255 printable ASCII characters.

    Raises:
        IdempotencyKeyMissingError: no such header, or an empty one.
        InvalidRequestError: too long, or with another character.
    """
    key = headers.get("idempotency-key", "").strip(" ")
    if not key:
        raise IdempotencyKeyMissingError
    if len(key) > MAX_IDEMPOTENCY_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        message = f"must be 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} printable ASCII characters"
        raise InvalidRequestError(errors=(FieldError("Idempotency-Key", message),))
    return key


def _ids(route: str, event: Mapping[str, Any]) -> dict[str, Identifier]:
    """What finds the line of a request: its route and the ids in its path.

    Only what looks like an id of ours: a client may put anything there, an email for example.
    """
    parameters = event.get("pathParameters") or {}
    shown = {
        name: value
        for name, value in parameters.items()
        if name.endswith(("_id", "provider")) and _SHOWN_ID.fullmatch(value)
    }
    return {"route": route, **shown}


def _refuse(error: LedgerError, ids: Mapping[str, Identifier]) -> dict[str, object]:
    problem = problem_of(error)
    status = int(str(problem["status"]))
    if status >= INTERNAL_STATUS or isinstance(error, ConflictError):
        observability.log_failure(error, ids=ids)
    else:
        known = {**ids, "status": status}
        observability.log(Outcome(name="rejected", code=error.code, ids=known))
    retry = {"retry-after": str(RETRY_AFTER_SECONDS)} if isinstance(error, ConflictError) else {}
    return _answer(status, problem, headers=retry, content_type=PROBLEM_TYPE)


def _answer(
    status: int,
    body: Mapping[str, object] | str,
    *,
    content_type: str,
    headers: Mapping[str, str] = _EMPTY,
    cookies: tuple[str, ...] = (),
) -> dict[str, object]:
    return {
        "statusCode": status,
        "headers": {"content-type": content_type, "cache-control": "no-store", **headers},
        **({"cookies": list(cookies)} if cookies else {}),
        # ASCII: what a client sent comes back readable whatever it was, lone surrogates included.
        "body": body if isinstance(body, str) else json.dumps(body, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def _body(text: str, *, is_base64: bool) -> bytes:
    if len(text) > (_BASE64_BYTES if is_base64 else MAX_BODY_BYTES):
        raise PayloadTooLargeError(maximum_bytes=MAX_BODY_BYTES)
    try:
        # What is no UTF-8 text still has bytes: they fail as a signature or as JSON.
        body = base64.b64decode(text, validate=True) if is_base64 else _utf8(text)
    except (binascii.Error, ValueError) as error:
        raise _unreadable("is not base64") from error
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(maximum_bytes=MAX_BODY_BYTES)
    return body


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _unreadable(message: str) -> InvalidRequestError:
    return InvalidRequestError(errors=(FieldError("body", message),))


def _strict_json(body: bytes) -> object:
    try:
        value: object = json.loads(
            body.decode(),
            object_pairs_hook=unique_names,
            parse_constant=refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise _unreadable("is not UTF-8") from error
    except RecursionError as error:
        raise _unreadable("is nested too deeply") from error
    except ValueError as error:
        raise _unreadable(f"is not JSON: {error}") from error
    _check(value)
    return value


def _check(value: object) -> None:
    """Refuse what JSON allows and nothing here can store; level by level, so without recursion."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        if any(isinstance(each, str) and not _is_text(each) for each in level):
            raise _unreadable("has an unpaired surrogate")
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise _unreadable(f"is nested deeper than {MAX_JSON_DEPTH}")


def _inside(value: object) -> list[object]:
    match value:
        case dict():
            return [*value.keys(), *value.values()]
        case list():
            return value
        case _:
            return []


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return number
