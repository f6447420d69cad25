"""A receiver of outbound webhooks on this machine, which keeps what it gets."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Received:
    """One request: names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers each path with its statuses, one after the other, the last of them for good.

    A path that nothing is said about is answered 204. The path `/slow/<seconds>` waits before.
    """

    port: int = 0
    answers: dict[str, list[int]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> Sequence[Received]:
        """What came to a path, oldest first."""
        with self._lock:
            return [each for each in self.received if each.path == path]

    def wait_for(self, path: str, count: int) -> Sequence[Received]:
        """What came to a path, once it is so many."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while len(found := self.at(path)) < count:
            assert time.monotonic() < ends, f"{path} was asked {len(found)} times, not {count}"
            time.sleep(0.05)
        return found

    def take(self, got: Received) -> int:
        """Keep a request; the status to answer it with."""
        with self._lock:
            self.received.append(got)
            answers = self.answers.get(got.path, [204])
            return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a free port of this machine, for as long as the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Received(self.path, headers, body, time.monotonic())
            status = receiver.take(got)
            if self.path.startswith("/slow/"):
                time.sleep(float(self.path.removeprefix("/slow/")))
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("location", receiver.url("/elsewhere"))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
