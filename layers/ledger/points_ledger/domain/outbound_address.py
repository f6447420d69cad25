"""Where an outbound webhook may go: public addresses over https, and nowhere else.

Whoever registers an endpoint chooses what our network connects to. So what a host name resolves
to is judged when it is connected to, by the address itself; a name proves nothing. On the local
stack alone, plain http to the machine itself is allowed too.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from points_ledger.domain.dataclass import dataclass

MAX_URL_CHARACTERS: Final = 1_000
DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_URL: Final = re.compile(r"[!#-;=?-\[\]_a-z~%]+")
"""Printable ASCII but for quotes, angles, backslash, braces, bar, caret and backtick."""
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# Ranges that `is_global` of some Python version lets pass, and none of which is a host of its own:
# relays, translations of IPv4 addresses, documentation.
_REFUSED_4: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("224.0.0.0/3"),
)
_REFUSED_6: Final = (
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart; `path` has the query, `host` has no brackets."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allow_loopback: bool) -> Target:
    """Read the URL of an endpoint.

    Raises:
        ValueError: it is no URL that events may be posted to; the message says why.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise ValueError(f"must have at most {MAX_URL_CHARACTERS} characters")
    if not _URL.fullmatch(url):
        raise ValueError("is not a URL: percent-encode what is no plain character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if "@" in parts.netloc:
        raise ValueError("must not name a user or a password")
    if parts.fragment or url.endswith("#"):
        raise ValueError("must not have a fragment")
    host = _host(parts)
    scheme = _scheme(parts, host, allow_loopback=allow_loopback)
    if port == 0:
        raise ValueError("has no port that can be connected to")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=scheme, host=host, port=port or DEFAULT_PORTS[scheme], path=path)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if _literal(host) is None and (not _NAME.fullmatch(host) or parts.netloc.startswith("[")):
        raise ValueError("names no host")
    return host


def _scheme(parts: SplitResult, host: str, *, allow_loopback: bool) -> Literal["https", "http"]:
    literal = _literal(host)
    is_loopback = host == "localhost" or (literal is not None and literal.is_loopback)
    if parts.scheme == "http" and allow_loopback and is_loopback:
        return "http"
    if parts.scheme != "https":
        raise ValueError("must begin with https://")
    if literal is not None and not may_connect(literal, allow_loopback=allow_loopback):
        raise ValueError("is not a public address")
    return "https"


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def may_connect(address: IPv4Address | IPv6Address, *, allow_loopback: bool) -> bool:
    """Whether events may be posted to an address: a public one, of a single host."""
    if allow_loopback and address.is_loopback:
        return True
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _REFUSED_4)
    # A scoped address is one of a link; what maps or embeds an IPv4 address is none of these.
    return (
        address.scope_id is None
        and address in _GLOBAL_UNICAST
        and address.is_global
        and not any(address in network for network in _REFUSED_6)
    )
