"""The pages of the portal and what they load, as answers to HTTP requests.

A page names its files under a version, the hash of all of them, so that a browser keeps a file for
good and never mixes two releases. Pages themselves are asked for again each time.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from points_ledger.domain.error import NotFoundError
from points_ledger.runtime.http import Request, Response

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
VERSION_PLACEHOLDER: Final = b"{version}"
VERSION_CHARACTERS: Final = 16
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, as it is and compressed."""

    content_type: str
    plain: bytes
    compressed: bytes


class Site:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page(self, request: Request, name: str) -> Response:
        """A page by its name, with the version of the files that it loads filled in."""
        return _answer(request, self._pages[name], ASK_AGAIN)

    def asset(self, request: Request, path: str) -> Response:
        """A file that a page has named: `<version>/<folder>/<name>`.

        Raises:
            NotFoundError: there is no such file.
        """
        version, _, name = path.partition("/")
        found = self._files.get(name)
        if found is None:
            raise NotFoundError(what="page", id="")
        # A page of an earlier release gets what there is now, and asks again.
        return _answer(request, found, FOR_GOOD if version == self.version else ASK_AGAIN)

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

    @cached_property
    def _files(self) -> Mapping[str, File]:
        return {
            name: _file(path.suffix, path.read_bytes())
            for name, path in self._paths.items()
            if path.suffix != ".html"
        }

    @cached_property
    def _pages(self) -> Mapping[str, File]:
        return {
            path.stem: _file(
                path.suffix,
                path.read_bytes().replace(VERSION_PLACEHOLDER, self.version.encode()),
            )
            for path in self._paths.values()
            if path.suffix == ".html"
        }


def _file(suffix: str, content: bytes) -> File:
    return File(
        content_type=CONTENT_TYPES[suffix],
        plain=content,
        # No time of making in it: the same file is the same bytes.
        compressed=gzip.compress(content, mtime=0),
    )


def _answer(request: Request, file: File, cache_control: str) -> Response:
    is_compressed = "gzip" in request.headers.get("accept-encoding", "")
    encoding = {"content-encoding": "gzip"} if is_compressed else {}
    return Response(
        body=file.compressed if is_compressed else file.plain,
        content_type=file.content_type,
        headers={
            **SECURITY_HEADERS,
            **encoding,
            "cache-control": cache_control,
            "vary": "accept-encoding",
        },
    )
