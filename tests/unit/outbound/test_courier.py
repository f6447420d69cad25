"""Posting to an endpoint: what is sent, where to, and how each answer is understood."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from points_ledger.adapters.outbound_http import HttpCourier, message_id
from points_ledger.domain.outbound import Occurrence, Try
from tests.receiver import Receiver, listening

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
CONTENT = '{"type":"PointsAccrued","timestamp":"2026-09-04T12:00:00Z","data":{"id":"mbr_a#3"}}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as listener:
        yield listener


def posted(
    url: str,
    *,
    courier: HttpCourier | None = None,
    secrets: Sequence[str] = (SECRET,),
    event_id: str = "mbr_a#3",
) -> Try:
    now = datetime.now(UTC)
    occurrence = Occurrence(id=event_id, type="PointsAccrued", at=now, content=CONTENT)
    posting = courier or HttpCourier(allow_loopback=True)
    return posting.post(url, secrets=secrets, occurrence=occurrence, at=now)


def resolving(*addresses: str) -> HttpCourier:
    return HttpCourier(allow_loopback=False, resolve=lambda _host, _port: addresses)


@contextmanager
def speaking(*said: bytes, pause_seconds: float = 0.0) -> Iterator[str]:
    """A server that reads a request and says something, piece by piece; its address."""
    server = socket.create_server(("127.0.0.1", 0))
    ends = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            for piece in said:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                if ends.wait(pause_seconds):
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        ends.set()
        server.close()
        thread.join(5)


def test_a_receiver_with_the_reference_library_accepts_what_is_posted(receiver: Receiver) -> None:
    made = posted(receiver.url("/hook?tenant=7"))

    assert (made.outcome, made.status_code) == ("delivered", 204)
    [got] = receiver.received
    assert got.path == "/hook?tenant=7"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.body.decode() == CONTENT
    assert got.id == "mbr_a#3"
    assert Webhook(SECRET).verify(got.body, dict(got.headers)) == json.loads(CONTENT)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(got.body, dict(got.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(got.body.replace(b"#3", b"#4"), dict(got.headers))


def test_while_a_secret_is_replaced_both_sign(receiver: Receiver) -> None:
    posted(receiver.url("/"), secrets=(SECRET, OLD_SECRET))

    [got] = receiver.received
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(got.body, dict(got.headers))


@pytest.mark.parametrize("id_", ["a.b", 'a"b', "a b", "a\r\nx: y", "ä", "", "a" * 256])
def test_an_id_that_no_header_can_hold_has_a_stand_in(id_: str) -> None:
    assert message_id(id_) == message_id(id_)
    assert message_id(id_) != message_id(f"{id_}x")
    assert message_id(id_).startswith("evt_")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((200, "delivered"), (202, "delivered"), (301, "redirected"), (307, "redirected")),
        *((400, "refused"), (404, "refused"), (410, "gone"), (429, "refused"), (500, "refused")),
    ],
)
def test_the_status_is_the_outcome_and_no_redirect_is_followed(
    receiver: Receiver, status: int, outcome: str
) -> None:
    receiver.answers["/hook"] = [status]

    made = posted(receiver.url("/hook"))

    assert (made.outcome, made.status_code) == (outcome, status)
    assert [each.path for each in receiver.received] == ["/hook"]


def test_a_slow_answer_is_given_up_in_time(receiver: Receiver) -> None:
    courier = HttpCourier(allow_loopback=True, timeout_seconds=0.4)

    began = time.monotonic()
    made = posted(receiver.url("/slow/3"), courier=courier)

    assert (made.outcome, made.status_code) == ("timed_out", None)
    assert time.monotonic() - began < 2
    assert 400 <= made.duration_milliseconds < 2_000


def test_an_answer_that_drips_is_given_up_in_time() -> None:
    courier = HttpCourier(allow_loopback=True, timeout_seconds=0.5)
    with speaking(*[b"H"] * 100, pause_seconds=0.1) as url:
        began = time.monotonic()
        assert posted(url, courier=courier).outcome == "timed_out"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n"], "delivered"),
        ([b"HTTP/1.1 ", b"204\r\n"], "delivered"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 9, "no_answer"),
        ([b""], "no_answer"),
        ([b"SSH-2.0-OpenSSH\r\n"], "no_answer"),
        ([b"HTTP/1.1 2000 OK\r\n"], "no_answer"),
        ([b"x" * 20_000], "no_answer"),
    ],
)
def test_no_more_than_the_status_is_read(said: list[bytes], outcome: str) -> None:
    with speaking(*said) as url:
        assert posted(url).outcome == outcome


def test_nobody_listening_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert posted(f"http://127.0.0.1:{port}/").outcome == "not_connected"


@pytest.mark.parametrize(
    "addresses",
    [
        *(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"]),
        *(["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"]),
    ],
)
def test_a_name_that_leads_inside_is_not_connected_to(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object, **__: object) -> None:
        pytest.fail("connected")

    monkeypatch.setattr(socket, "create_connection", connect)

    made = posted("https://hooks.example.org/", courier=resolving(*addresses))

    assert made.outcome == "address_not_allowed"


def test_the_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def connect(address: tuple[str, int], **_: float) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    courier = HttpCourier(allow_loopback=False, resolve=lambda _host, _port: next(answers))

    assert posted("https://hooks.example.org:444/", courier=courier).outcome == "not_connected"
    assert asked == [("93.184.216.34", 444)]


def test_a_name_without_an_address_is_not_resolved() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    courier = HttpCourier(allow_loopback=False, resolve=unknown)

    assert posted("https://hooks.example.org/", courier=courier).outcome == "not_resolved"


def test_what_was_stored_when_more_was_allowed_is_judged_again(receiver: Receiver) -> None:
    made = posted(receiver.url("/"), courier=HttpCourier(allow_loopback=False))

    assert made.outcome == "address_not_allowed"
    assert receiver.received == []


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert posted(receiver.url("/")).outcome == "delivered"


def test_a_server_without_a_certificate_that_counts_is_not_trusted(receiver: Receiver) -> None:
    url = receiver.url("/").replace("http://", "https://")

    assert posted(url).outcome == "not_trusted"
    assert receiver.received == []


def test_certificates_and_names_are_checked() -> None:
    context = HttpCourier(allow_loopback=False).trust()

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
