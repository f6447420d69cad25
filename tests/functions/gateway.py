"""Requests as API Gateway hands them to a function (HTTP API, payload 2.0), and who makes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

MAX_ID_CHARACTERS: Final = 255


@dataclass(frozen=True)
class CallerKind:
    """A verified token, as the claims that the gateway makes of it: text, every one."""

    claims: Mapping[str, str] | None

    @property
    def authorizer(self) -> Json:
        if self.claims is None:
            return {}
        return {"authorizer": {"jwt": {"claims": dict(self.claims), "scopes": None}}}


def person(name: str, *, groups: str | None = None, member_id: str | None = None) -> CallerKind:
    """A person with an id token; `groups` are written as the gateway writes a list."""
    claims = {
        "sub": f"sub-{name}",
        "aud": "people",
        "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example",
        "token_use": "id",
        "cognito:username": f"sub-{name}",
        "email": f"{name}@example.com",
        "auth_time": "1788447600",
        "iat": "1788447600",
        "exp": "1788451200",
    }
    if groups is not None:
        claims["cognito:groups"] = groups
    if member_id is not None:
        claims["custom:member_id"] = member_id
    return CallerKind(claims)


def member(member_id: str) -> CallerKind:
    return person(f"of-{member_id}", member_id=member_id)


ADMIN: Final = person("ada", groups="[admin]")
STAFF: Final = person("sam", groups="[staff]")
STRANGER: Final = person("stranger")
"""Signed in, in no group, and no member."""
OTHER_MEMBER: Final = member("mbr_somebodyelse")
TILL: Final = CallerKind(
    {
        "sub": "till-7",
        "token_use": "access",
        "scope": "ledger/till",
        "client_id": "till-7",
        "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example",
        "iat": "1788447600",
        "exp": "1788451200",
        "jti": "6b9e",
        "version": "2",
    }
)
TILL_WITHOUT_SCOPE: Final = CallerKind({**(TILL.claims or {}), "scope": "ledger/other"})
PERSONS_ACCESS_TOKEN: Final = CallerKind(
    {
        "sub": "sub-sam",
        "token_use": "access",
        "scope": "openid ledger/till",
        "client_id": "people",
        "username": "sub-sam",
        "cognito:groups": "[staff]",
    }
)
NOBODY: Final = CallerKind(None)


def request(
    route: str,
    caller: CallerKind,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Json:
    """The event of one request; `route` is its key, `path` the values of its parameters."""
    method, _, raw_path = route.partition(" ")
    for name, value in (path or {}).items():
        raw_path = raw_path.replace(f"{{{name}}}", value)
    event: Json = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": raw_path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            **(headers or {}),
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "198.51.100.7",
                "userAgent": "test",
            },
            "requestId": "request-1",
            "routeKey": route,
            "stage": "$default",
            "time": "04/Sep/2026:12:00:00 +0000",
            "timeEpoch": 1788523200000,
            **caller.authorizer,
        },
        "isBase64Encoded": False,
    }
    if path:
        # A greedy parameter is written with a plus in the route, and named without.
        event["pathParameters"] = {name.removesuffix("+"): value for name, value in path.items()}
    if query:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = body
    return event


def text_of(body: object) -> str:
    """A body as a client would send it; text is sent as it is."""
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
