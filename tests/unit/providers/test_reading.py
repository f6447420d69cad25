"""Whatever the bytes, reading gives facts or a typed refusal; JSON is read to the letter."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from points_ledger.adapters.providers import PROVIDERS, IncompletePayloadError, PrivacyRequestError
from points_ledger.contracts.messages import decode, encode
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.fact import Fact
from tests.unit.providers.payloads import PATIENTLY, SAMPLES, Json, read, topic_of

PROVIDER_NAMES = sorted(PROVIDERS)
SENT = [
    (path.stem, json.loads(path.read_text()))
    for path in sorted(SAMPLES.glob("*.json"))
    if not path.name.endswith("_malformed.json")
]

each_provider = pytest.mark.parametrize("provider", PROVIDER_NAMES)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**8, max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300)
    | st.sampled_from(["", "1.00", "-1", "usd", "ticket", "void", "2026-09-02T00:00:00Z", "\ud800"])
)
_json = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def _message_of(provider: str, body: bytes) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read(provider, body, topic="orders/create")
    (error,) = caught.value.errors
    assert error.field == "body"
    return error.message


@each_provider
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b'{"type": "x"} {}', "is not JSON"),
        (b'{"type": "x", "n": NaN}', "NaN is not a number"),
        (b'{"type": "x", "n": Infinity}', "Infinity is not a number"),
        (b'{"type": "x", "n": -Infinity}', "-Infinity is not a number"),
        (b'{"type": "x", "type": "y"}', "the same name twice"),
        (b'{"type": "x", "data": {"a": {"b": 1, "b": 1}}}', "the same name twice"),
        (b'{"type": "x", "n": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b'{"type": "caf\xe9"}', "is not UTF-8"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
    ],
)
def test_a_body_is_one_json_object(provider: str, body: bytes, message: str) -> None:
    assert message in _message_of(provider, body)


@each_provider
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_body_is_not_nested_too_deeply(provider: str, opening: bytes, closing: bytes) -> None:
    depth = 100_000
    body = b'{"type": "x", "data": ' + opening * depth + b"1" + closing * depth + b"}"
    assert _message_of(provider, body) == "is nested too deeply"


@each_provider
@pytest.mark.parametrize("type_", [None, "", 7, ["x"], "t" * 256, "a\u0000b"])
def test_a_message_has_a_type(provider: str, type_: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(provider, {"type": type_, "data": {}}, topic=type_)
    named = "X-Shopify-Topic" if provider == "shopify" else "type"
    assert caught.value.errors[0].field == named


@each_provider
def test_a_type_that_means_nothing_here_is_no_fact(provider: str) -> None:
    assert read(provider, {"type": "weather.changed"}, topic="weather/changed") == ()


def _read_or_refuse(
    provider: str, body: object, topic: str | None = "orders/create"
) -> tuple[Fact, ...]:
    try:
        facts = read(provider, body, topic=topic)
    except (InvalidRequestError, IncompletePayloadError, PrivacyRequestError):
        return ()
    assert tuple(decode(encode(fact)) for fact in facts) == facts
    return facts


@each_provider
@PATIENTLY
@given(body=st.binary())
@example(body=b"\x00")
def test_arbitrary_bytes_are_read_or_refused(provider: str, body: bytes) -> None:
    _read_or_refuse(provider, body)


@each_provider
@PATIENTLY
@given(content=_json, data=st.data())
def test_arbitrary_content_of_each_type_is_read_or_refused(
    provider: str, content: object, data: st.DataObject
) -> None:
    type_ = data.draw(st.sampled_from(sorted(PROVIDERS[provider].events)))
    for value in (content, {"object": content}):
        message = {"type": type_, "created": 1, "timestamp": "", "data": value}
        _read_or_refuse(provider, message)
        _read_or_refuse(provider, {"id": 1, "customer": value, "refunds": value}, type_)


@PATIENTLY
@given(sent=st.sampled_from(SENT), data=st.data())
def test_a_delivery_with_any_part_replaced_is_read_or_refused(
    sent: tuple[str, Any], data: st.DataObject
) -> None:
    name, message = sent
    path = data.draw(st.sampled_from(list(_paths(message))))
    changed = json.loads(json.dumps(message))
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = data.draw(_json)
    _read_or_refuse(name.partition("_")[0], changed, topic_of(name))


def _paths(value: Json | list[Any], path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for step, part in steps:
        found.append((*path, step))
        if isinstance(part, dict | list):
            found += _paths(part, (*path, step))
    return found
