"""Posting an event to an endpoint: signed, bounded in time, and to public addresses only.

Signed by the Standard Webhooks scheme (webhook-id, webhook-timestamp, webhook-signature v1). The
connection goes to the very address that was judged, so that a name cannot resolve to another one
between the two; redirects are not followed, proxies of the environment are not asked, and of the
answer no more than the status line is read.
"""

import base64
import hashlib
import hmac
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime
from functools import cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.outbound import Occurrence, Try, TryOutcome
from points_ledger.domain.outbound_address import Target, may_connect, parse_target

TIMEOUT_SECONDS: Final = 15.0
CONNECT_TIMEOUT_SECONDS: Final = 5.0
"""For finding the address and connecting to it, of the whole time above."""
MAX_ADDRESSES: Final = 4
"""Of one name, tried one after the other."""
MAX_HEAD_BYTES: Final = 16 * 1024
"""Of an answer, read to find its status; interim answers (1xx) count."""
MAX_INTERIM_ANSWERS: Final = 5
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the scheme's name for its secrets
USER_AGENT: Final = "points-ledger-webhooks/1"

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_PLAIN_ID: Final = re.compile(r"[!#-\-/-~]{1,255}")
"""Printable ASCII without the quote, and without the dot that parts what is signed."""

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name; raises OSError."""


class _FailedError(Exception):
    """The try ended without a status."""

    def __init__(self, outcome: TryOutcome) -> None:
        super().__init__(outcome)
        self.outcome: TryOutcome = outcome


def message_id(event_id: str) -> str:
    """The `webhook-id` of an event: its own id, or what stands for one that no header can hold."""
    if _PLAIN_ID.fullmatch(event_id):
        return event_id
    return f"evt_{hashlib.sha256(event_id.encode()).hexdigest()[:32]}"


def signature(secret: str, id_: str, timestamp: int, content: str) -> str:
    """One signature, version and all."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{id_}.{timestamp}.{content}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secrets: Sequence[str], occurrence: Occurrence, at: datetime) -> dict[str, str]:
    """The three headers of the scheme, signed by each secret."""
    id_, timestamp = message_id(occurrence.id), int(at.timestamp())
    signed = (signature(secret, id_, timestamp, occurrence.content) for secret in secrets)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed),
    }


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the machine resolves it.

    Raises:
        OSError: it has none, or there was no answer in time.
    """
    found: list[str] = []

    def look() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(str(answer[4][0]) for answer in answers)

    # The resolver of the machine has patience of its own, and no way to bound it.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(CONNECT_TIMEOUT_SECONDS)
    if not found:
        raise OSError("not resolved")
    return list(dict.fromkeys(found))


@cache
def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCourier:
    """`Courier` over HTTP/1.1.

    Attributes:
        allow_loopback: the machine itself may be posted to, also without TLS; local stack only.
        seconds: counts seconds, never back.
        trust: how certificates are judged.
    """

    allow_loopback: bool
    resolve: Resolve = resolved
    seconds: Callable[[], float] = time.monotonic
    trust: Callable[[], ssl.SSLContext] = field(default=_trust)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(
        self, url: str, *, secrets: Sequence[str], occurrence: Occurrence, at: datetime
    ) -> Try:
        """Post one event."""
        began = self.seconds()
        status: int | None = None
        try:
            status = self._status(url, headers(secrets, occurrence, at), occurrence.content)
            outcome = _outcome(status)
        except _FailedError as error:
            outcome = error.outcome
        milliseconds = int((self.seconds() - began) * 1000)
        return Try(at=at, outcome=outcome, status_code=status, duration_milliseconds=milliseconds)

    def _status(self, url: str, signed: dict[str, str], content: str) -> int:
        deadline = self.seconds() + self.timeout_seconds
        try:
            target = parse_target(url, allow_loopback=self.allow_loopback)
        except ValueError as error:
            raise _FailedError("address_not_allowed") from error
        connection = self._connected(target, deadline)
        try:
            if target.scheme == "https":
                connection = self._encrypted(connection, target, deadline)
            return self._asked(connection, request_bytes(target, signed, content), deadline)
        finally:
            connection.close()

    def _connected(self, target: Target, deadline: float) -> socket.socket:
        """A connection to one of the addresses, each of which may be connected to.

        One that may not spoils them all: a name that mixes both is no honest one.
        """
        until = min(deadline, self.seconds() + CONNECT_TIMEOUT_SECONDS)
        try:
            addresses = [ip_address(each) for each in self.resolve(target.host, target.port)]
        except (OSError, ValueError) as error:
            raise _FailedError("not_resolved") from error
        if not all(may_connect(each, allow_loopback=self.allow_loopback) for each in addresses):
            raise _FailedError("address_not_allowed")
        if target.scheme == "http" and not all(each.is_loopback for each in addresses):
            raise _FailedError("address_not_allowed")
        for address in addresses[:MAX_ADDRESSES]:
            connection = self._connect(address, target.port, until)
            if connection is not None:
                return connection
        raise _FailedError("timed_out" if self.seconds() >= until else "not_connected")

    def _connect(
        self, address: IPv4Address | IPv6Address, port: int, until: float
    ) -> socket.socket | None:
        left = until - self.seconds()
        if left <= 0:
            return None
        try:
            return socket.create_connection((str(address), port), timeout=left)
        except OSError:
            return None

    def _encrypted(
        self, connection: socket.socket, target: Target, deadline: float
    ) -> socket.socket:
        connection.settimeout(self._left(deadline))
        try:
            return self.trust().wrap_socket(connection, server_hostname=target.host)
        except TimeoutError as error:
            raise _FailedError("timed_out") from error
        except (ssl.CertificateError, ssl.SSLError) as error:
            raise _FailedError("not_trusted") from error
        except OSError as error:
            raise _FailedError("not_connected") from error

    def _asked(self, connection: socket.socket, request: bytes, deadline: float) -> int:
        try:
            connection.settimeout(self._left(deadline))
            connection.sendall(request)
            return self._answered(connection, deadline)
        except TimeoutError as error:
            raise _FailedError("timed_out") from error
        except OSError as error:
            raise _FailedError("no_answer") from error

    def _answered(self, connection: socket.socket, deadline: float) -> int:
        """The status of the answer, interim ones passed over."""
        read = b""
        for _ in range(MAX_INTERIM_ANSWERS):
            while b"\r\n" not in read:
                read += self._received(connection, deadline, len(read))
            line, _, _ = read.partition(b"\r\n")
            found = _STATUS_LINE.fullmatch(line)
            if found is None:
                raise _FailedError("no_answer")
            status = int(found[1])
            if status >= HTTPStatus.OK:
                return status
            while b"\r\n\r\n" not in read:
                read += self._received(connection, deadline, len(read))
            _, _, read = read.partition(b"\r\n\r\n")
        raise _FailedError("no_answer")

    def _received(self, connection: socket.socket, deadline: float, so_far: int) -> bytes:
        if so_far >= MAX_HEAD_BYTES:
            raise _FailedError("no_answer")
        connection.settimeout(self._left(deadline))
        received = connection.recv(MAX_HEAD_BYTES)
        if not received:
            raise _FailedError("no_answer")
        return received

    def _left(self, deadline: float) -> float:
        left = deadline - self.seconds()
        if left <= 0:
            raise _FailedError("timed_out")
        return left


def request_bytes(target: Target, signed: dict[str, str], content: str) -> bytes:
    """The request; every value of a header is printable ASCII by its making."""
    body = content.encode()
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"host: {target.authority}",
        f"user-agent: {USER_AGENT}",
        "accept: */*",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in signed.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _outcome(status: int) -> TryOutcome:
    if status == HTTPStatus.GONE:
        return "gone"
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return "delivered"
    return "redirected" if status < HTTPStatus.BAD_REQUEST else "refused"
