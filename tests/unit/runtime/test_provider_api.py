"""Reading a page of a provider's API; the connection is a fake, so no socket is opened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest

from points_ledger.adapters import provider_api
from points_ledger.adapters.provider_api import MAX_PAGE_BYTES, ProviderApi, ProviderApiError


@dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"data": [], "has_more": false}'

    def read(self, maximum: int) -> bytes:
        return self.body[:maximum]


class Connection:
    """What http.client would be; remembers how it was used."""

    answer: Answer | Exception = Answer()
    made: ClassVar["list[Connection]"] = []

    def __init__(self, address: str, *, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self.request_line: tuple[str, str] = ("", "")
        self.headers: dict[str, str] = {}
        self.is_closed = False
        Connection.made.append(self)

    def request(self, method: str, path: str, *, headers: dict[str, str]) -> None:
        self.request_line = (method, path)
        self.headers = headers

    def getresponse(self) -> Answer:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None:
        self.is_closed = True


class SecureConnection(Connection):
    """The same over TLS."""


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(provider_api, "HTTPConnection", Connection)
    monkeypatch.setattr(provider_api, "HTTPSConnection", SecureConnection)
    Connection.made = []
    yield
    assert all(each.is_closed for each in Connection.made)


def get(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception, url: str = "https://api.example"
) -> Mapping[str, object]:
    monkeypatch.setattr(Connection, "answer", answer)
    return ProviderApi(base_url=url, api_key="sk_1").get("/v1/invoices/in_1/lines?limit=100")


def test_a_page_is_read_with_the_key_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(monkeypatch, Answer()) == {"data": [], "has_more": False}
    [made] = Connection.made
    assert isinstance(made, SecureConnection)
    assert made.address == "api.example"
    assert made.request_line == ("GET", "/v1/invoices/in_1/lines?limit=100")
    assert made.headers["authorization"] == "Bearer sk_1"
    assert made.timeout <= 2


def test_a_local_server_may_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    get(monkeypatch, Answer(), "http://127.0.0.1:12111/stripe/")
    [made] = Connection.made
    assert not isinstance(made, SecureConnection)
    assert made.address == "127.0.0.1:12111"
    assert made.request_line[1] == "/stripe/v1/invoices/in_1/lines?limit=100"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(status=401), 401),
        (Answer(status=302), 302),
        (Answer(status=500, body=b"{}"), 500),
        (Answer(body=b"not json"), 200),
        (Answer(body=b"[]"), 200),
        (Answer(body=b" " * (MAX_PAGE_BYTES + 1)), 200),
        (TimeoutError(), 0),
        (ConnectionRefusedError(), 0),
    ],
    ids=str,
)
def test_without_a_usable_page_there_is_an_error(
    answer: Answer | Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProviderApiError) as failed:
        get(monkeypatch, answer)
    assert failed.value.status == status


def test_the_key_is_never_shown() -> None:
    assert "sk_1" not in repr(ProviderApi(base_url="https://api.example", api_key="sk_1"))
