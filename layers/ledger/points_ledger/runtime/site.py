"""The pages and what they load, as answers to events of API Gateway (HTTP API, payload 2.0).

A page names its files under a version, the hash of all of them, so that a browser keeps a file for
good and never mixes two releases. Pages themselves are asked for again each time.

Standard library only, and none of our own modules: see functions/portal.
"""

import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from points_ledger.domain.dataclass import dataclass

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".json": "application/json",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
VERSION_PLACEHOLDER: Final = b"{version}"
VERSION_CHARACTERS: Final = 16
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
A_WHILE: Final = "public, max-age=300"
NOT_FOUND: Final[Mapping[str, object]] = MappingProxyType(
    {
        "type": "urn:points-ledger:problem:not_found",
        "title": "Not found",
        "status": HTTPStatus.NOT_FOUND.value,
        "detail": "Not found: no page",
        "code": "not_found",
        "what": "page",
        "id": "",
    }
)

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Scripts and styles of the site's own files only, calls to the site's own API only.
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "referrer-policy": "no-referrer",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        "x-content-type-options": "nosniff",
    }
)


@dataclass(frozen=True)
class File:
    """One file, as it is and compressed."""

    content_type: str
    plain: bytes
    compressed: bytes


class Site:
    """The files of one folder: `pages` by route, and everything else under the route `files`.

    `documents` are single files by route, which say nothing of the pages and are kept a while.
    """

    def __init__(
        self, folder: Path, *, pages: Mapping[str, str], files: str, documents: Mapping[str, Path]
    ) -> None:
        self._folder = folder
        self._pages = pages
        self._files = files
        self._documents = documents

    def answer(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answer one request; what is not there is a problem of RFC 9457. One log line each."""
        route = event.get("routeKey")
        found, cache_control = self._found(route, event.get("pathParameters") or {})
        answer = _missing() if found is None else _sent(event, found, cache_control)
        line = {
            "level": "INFO",
            "message": "rejected" if found is None else "ok",
            "service": "portal",
            "route": route,
            "status": answer["statusCode"],
            "correlation_id": event.get("requestContext", {}).get("requestId"),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        return answer

    def _found(self, route: object, parameters: Mapping[str, str]) -> tuple[File | None, str]:
        if isinstance(route, str) and route in self._pages:
            return self._page(f"{self._pages[route]}.html"), ASK_AGAIN
        if isinstance(route, str) and route in self._documents:
            path = self._documents[route]
            return _file(path.suffix, path.read_bytes()), A_WHILE
        version, _, name = parameters.get("proxy", "").partition("/")
        found = self._paths.get(name)
        if route != self._files or found is None or found.suffix == ".html":
            return None, ASK_AGAIN
        # A page of an earlier release gets what there is now, and asks again.
        return _file(found.suffix, found.read_bytes()), (
            FOR_GOOD if version == self.version else ASK_AGAIN
        )

    def _page(self, name: str) -> File:
        """A page, with the version of the files that it loads filled in."""
        path = self._paths[name]
        text = path.read_bytes().replace(VERSION_PLACEHOLDER, self.version.encode())
        return _file(path.suffix, text)

    @cached_property
    def version(self) -> str:
        """A hash over all files and their names."""
        digest = hashlib.sha256()
        for name, path in self._paths.items():
            content = path.read_bytes()
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest()[:VERSION_CHARACTERS]

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        """What is served, by name; nothing outside the folder ever is."""
        found = (path for path in sorted(self._folder.rglob("*")) if path.suffix in CONTENT_TYPES)
        return {path.relative_to(self._folder).as_posix(): path for path in found}


def _file(suffix: str, content: bytes) -> File:
    # No time of making in what is compressed: the same file is the same bytes.
    return File(CONTENT_TYPES[suffix], content, gzip.compress(content, mtime=0))


def _sent(event: Mapping[str, Any], file: File, cache_control: str) -> dict[str, object]:
    sent = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    is_compressed = "gzip" in sent.get("accept-encoding", "")
    encoding = {"content-encoding": "gzip"} if is_compressed else {}
    body = base64.b64encode(file.compressed) if is_compressed else file.plain
    return {
        "statusCode": HTTPStatus.OK.value,
        "headers": {
            **SECURITY_HEADERS,
            **encoding,
            "content-type": file.content_type,
            "cache-control": cache_control,
            "vary": "accept-encoding",
        },
        "body": body.decode(),
        "isBase64Encoded": is_compressed,
    }


def _missing() -> dict[str, object]:
    return {
        "statusCode": HTTPStatus.NOT_FOUND.value,
        "headers": {
            **SECURITY_HEADERS,
            "content-type": "application/problem+json",
            "cache-control": "no-store",
        },
        "body": json.dumps(dict(NOT_FOUND)),
        "isBase64Encoded": False,
    }
