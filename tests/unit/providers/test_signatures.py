"""Signatures agree with the schemes' own libraries, and nothing else passes."""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
import stripe
from hypothesis import example, given
from hypothesis import strategies as st
from shopify_app.verify import verify_webhook_req
from square.utils.webhooks_helper import verify_signature

from points_ledger.adapters.providers import PROVIDERS
from points_ledger.adapters.providers.signature import (
    MAX_SIGNATURES,
    REPLAY_WINDOW_SECONDS,
    Sent,
)
from points_ledger.domain.error import UnauthenticatedError
from tests.unit.providers.payloads import PATIENTLY, sample

BODY = sample("stripe_invoice_finalized_ok")
SECRET = "whsec_dGhlIHNlY3JldCBvZiBhIHRlc3QgcnVu"
OTHER = "whsec_YW5vdGhlciBzZWNyZXQgb2YgYSB0ZXN0"
NOW = datetime(2026, 9, 2, 9, 30, tzinfo=UTC)
URL = "https://ledger.example/prod/webhooks/square?shop=1"

Sign = Callable[[bytes, str, datetime], dict[str, str]]


def _sign_stripe(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(at.timestamp())
    )
    return {"stripe-signature": header}


def _sign_standard(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    signature = standardwebhooks.Webhook(secret).sign("msg_1", at, body.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def _sign_square(body: bytes, secret: str, at: datetime, *, url: str = URL) -> dict[str, str]:  # noqa: ARG001 - the scheme has no time
    """The library only verifies, so what we compute has to pass there."""
    digest = hmac.digest(secret.encode(), url.encode() + body, "sha256")
    signature = base64.b64encode(digest).decode()
    assert verify_signature(
        request_body=body.decode(),
        signature_header=signature,
        signature_key=secret,
        notification_url=url,
    )
    return {SQUARE_HEADER: signature}


def _shopify_accepts(body: str, header: str, secret: str, former: str | None = None) -> bool:
    """What Shopify's own library says."""
    found = verify_webhook_req(
        {"method": "POST", "headers": {SHOPIFY_HEADER: header}, "url": URL, "body": body},
        {"client_id": "app", "client_secret": secret, "old_client_secret": former},
    )
    return found.ok


def _sign_shopify(body: bytes, secret: str, at: datetime) -> dict[str, str]:  # noqa: ARG001 - the scheme has no time
    """The library only verifies, so what we compute has to pass there."""
    digest = hmac.digest(secret.encode(), body, "sha256")
    signature = base64.b64encode(digest).decode()
    assert _shopify_accepts(body.decode(), signature, secret)
    assert _shopify_accepts(body.decode(), signature, OTHER, former=secret)
    return {SHOPIFY_HEADER: signature}


SQUARE_HEADER = "x-square-hmacsha256-signature"
SHOPIFY_HEADER = "x-shopify-hmac-sha256"
SIGN: Mapping[str, Sign] = {
    "stripe": _sign_stripe,
    "square": _sign_square,
    "shopify": _sign_shopify,
    "standard": _sign_standard,
}
SIGNATURE_HEADER = {"stripe": "stripe-signature", "standard": "webhook-signature"}
BETWEEN = {"stripe": ",", "standard": " "}
each_scheme = pytest.mark.parametrize("scheme", sorted(SIGN))
each_versioned_scheme = pytest.mark.parametrize("scheme", sorted(SIGNATURE_HEADER))
"""Those with a time and a version, whose header may hold several signatures."""


def _accepts(
    scheme: str,
    headers: Mapping[str, str],
    *,
    body: bytes = BODY,
    secrets: Sequence[str] = (SECRET,),
    now: datetime = NOW,
    url: str = URL,
) -> bool:
    try:
        PROVIDERS[scheme].verify(Sent(headers=headers, body=body, url=url), secrets, now)
    except UnauthenticatedError:
        return False
    return True


def test_each_scheme_of_a_provider_is_tested() -> None:
    assert set(SIGN) == set(PROVIDERS)


@each_scheme
class TestOneMessage:
    def test_signed_by_the_library_is_accepted(self, scheme: str) -> None:
        assert _accepts(scheme, SIGN[scheme](BODY, SECRET, NOW))

    def test_changed_in_any_byte_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        for n in range(0, len(BODY), 97):
            changed = BODY[:n] + bytes([BODY[n] ^ 1]) + BODY[n + 1 :]
            assert not _accepts(scheme, headers, body=changed)
        assert not _accepts(scheme, headers, body=BODY + b" ")
        assert not _accepts(scheme, headers, body=b"")

    def test_that_is_not_utf8_is_still_only_bytes(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        assert not _accepts(scheme, headers, body=b"\xff\xfe")

    def test_signed_with_another_secret_is_refused(self, scheme: str) -> None:
        assert not _accepts(scheme, SIGN[scheme](BODY, OTHER, NOW))

    @pytest.mark.parametrize("secrets", [(OTHER, SECRET), (SECRET, OTHER)])
    def test_is_accepted_with_either_secret_during_rotation(
        self, scheme: str, secrets: Sequence[str]
    ) -> None:
        for secret in (SECRET, OTHER):
            assert _accepts(scheme, SIGN[scheme](BODY, secret, NOW), secrets=secrets)

    @pytest.mark.parametrize("secrets", [(), ("",), ("whsec_",), ("whsec_%%%",), ("\u00e9",)])
    def test_is_refused_where_no_secret_is_usable(
        self, scheme: str, secrets: Sequence[str]
    ) -> None:
        assert not _accepts(scheme, SIGN[scheme](BODY, SECRET, NOW), secrets=secrets)

    def test_without_one_of_its_headers_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        for name in headers:
            without = {key: value for key, value in headers.items() if key != name}
            assert not _accepts(scheme, without)
            assert not _accepts(scheme, headers | {name: ""})

    def test_with_a_header_that_is_no_unicode_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        for name in headers:
            assert not _accepts(scheme, headers | {name: headers[name] + "\ud800"})


@each_versioned_scheme
class TestOneMessageOfAVersionedScheme:
    def test_signed_with_an_empty_key_is_refused(self, scheme: str) -> None:
        seconds = str(int(NOW.timestamp()))
        prefix = f"{seconds}." if scheme == "stripe" else f"msg_1.{seconds}."
        digest = hmac.digest(b"", prefix.encode() + BODY, "sha256")
        headers = {
            "stripe-signature": f"t={seconds},v1={digest.hex()}",
            "webhook-id": "msg_1",
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
        unusable = ("",) if scheme == "stripe" else ("", "whsec_", "whsec_%%%")
        assert not _accepts(scheme, headers, secrets=unusable)

    def test_with_several_signatures_needs_one_that_fits(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        name, between = SIGNATURE_HEADER[scheme], BETWEEN[scheme]
        wrong = SIGN[scheme](BODY, OTHER, NOW)[name].split(",", 1)[1]
        wrong = wrong if scheme == "stripe" else f"v1,{wrong}"
        assert _accepts(scheme, headers | {name: f"{headers[name]}{between}{wrong}"})
        assert not _accepts(scheme, headers | {name: between.join([wrong, wrong])})

    def test_with_too_many_signatures_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        name, between = SIGNATURE_HEADER[scheme], BETWEEN[scheme]
        filler = "v1=00" if scheme == "stripe" else "v1,AA=="
        for count, accepted in ((MAX_SIGNATURES - 1, True), (MAX_SIGNATURES, False)):
            many = between.join([headers[name], *[filler] * count])
            assert _accepts(scheme, headers | {name: many}) is accepted

    def test_in_another_version_of_the_scheme_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        name = SIGNATURE_HEADER[scheme]
        for version in ("v0", "v2", "V1", "v1a"):
            assert not _accepts(scheme, headers | {name: headers[name].replace("v1", version)})

    @pytest.mark.parametrize(
        ("seconds", "accepted"),
        [
            (0, True),
            (REPLAY_WINDOW_SECONDS, True),
            (-REPLAY_WINDOW_SECONDS, True),
            (REPLAY_WINDOW_SECONDS + 1, False),
            (-REPLAY_WINDOW_SECONDS - 1, False),
            (86_400, False),
        ],
    )
    def test_is_accepted_within_five_minutes_on_both_sides(
        self, scheme: str, seconds: int, *, accepted: bool
    ) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW - timedelta(seconds=seconds))
        assert _accepts(scheme, headers) is accepted


@pytest.mark.parametrize(
    "timestamp", ["", "soon", "1e9", "-1", "1.5", " 1", "\u0661", "9" * 5_000, "NaN", "inf"]
)
def test_timestamps_are_plain_seconds(timestamp: str) -> None:
    standard = _sign_standard(BODY, SECRET, NOW) | {"webhook-timestamp": timestamp}
    assert not _accepts("standard", standard)
    signature = _sign_stripe(BODY, SECRET, NOW)["stripe-signature"].split("v1=")[1]
    assert not _accepts("stripe", {"stripe-signature": f"t={timestamp},v1={signature}"})


def test_timestamps_in_other_digits_are_refused_even_when_signed() -> None:
    seconds = str(int(NOW.timestamp())).translate({ord("0") + n: 0x0660 + n for n in range(10)})
    assert int(seconds) == int(NOW.timestamp())
    digest = hmac.digest(SECRET.encode(), f"{seconds}.".encode() + BODY, "sha256")
    assert not _accepts("stripe", {"stripe-signature": f"t={seconds},v1={digest.hex()}"})


def test_a_standard_message_without_an_id_is_refused_even_when_signed() -> None:
    signature = standardwebhooks.Webhook(SECRET).sign("", NOW, BODY.decode())
    headers = _sign_standard(BODY, SECRET, NOW)
    assert not _accepts("standard", headers | {"webhook-id": "", "webhook-signature": signature})


def test_headers_that_are_no_unicode_are_refused() -> None:
    standard = _sign_standard(BODY, SECRET, NOW)
    assert not _accepts("standard", standard | {"webhook-id": "\ud800"})
    assert not _accepts("standard", standard | {"webhook-signature": "v1,\ud800"})
    seconds = int(NOW.timestamp())
    assert not _accepts("stripe", {"stripe-signature": f"t={seconds},v1=\ud800"})


def test_standard_id_and_time_are_part_of_what_is_signed() -> None:
    headers = _sign_standard(BODY, SECRET, NOW)
    assert not _accepts("standard", headers | {"webhook-id": "msg_2"})
    later = str(int(NOW.timestamp()) + 1)
    assert not _accepts("standard", headers | {"webhook-timestamp": later})


def test_stripe_time_is_part_of_what_is_signed() -> None:
    header = _sign_stripe(BODY, SECRET, NOW)["stripe-signature"]
    later = header.replace(str(int(NOW.timestamp())), str(int(NOW.timestamp()) + 1))
    assert not _accepts("stripe", {"stripe-signature": later})


def test_standard_secrets_work_with_and_without_prefix_and_padding() -> None:
    key = b"a key whose base64 is padded"
    written = base64.b64encode(key).decode()
    headers = _sign_standard(BODY, written, NOW)
    for secret in (
        written,
        written.rstrip("="),
        f"whsec_{written}",
        f"whsec_{written.rstrip('=')}",
    ):
        assert _accepts("standard", headers, secrets=(secret,))


class TestSquare:
    """With the vectors of Square's own library (its tests of the helper, 2022-07-13)."""

    BODY = (
        b'{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification",'
        b'"event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f",'
        b'"created_at":"2022-07-13T20:30:59.037339943Z",'
        b'"data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
    )
    KEY = "Ibxx_5AKakO-3qeNVR61Dw"
    SIGNATURE = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="
    ADDRESS = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9"

    def _accepts(
        self, *, body: bytes = BODY, key: str = KEY, header: str = SIGNATURE, url: str = ADDRESS
    ) -> bool:
        return _accepts("square", {SQUARE_HEADER: header}, body=body, secrets=(key,), url=url)

    def test_documented_vectors_are_accepted(self) -> None:
        assert self._accepts()
        assert self._accepts(
            body=b'{"data":{"type":"webhooks","id":">id<"}}',
            key="signature-key",
            header="Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
            url="https://webhook.site/webhooks",
        )

    def test_documented_counter_examples_are_refused(self) -> None:
        assert not self._accepts(url=self.ADDRESS.replace("/6", "/"))
        assert not self._accepts(key="MCmhFRxGX82xMwg5FsaoQA")
        assert not self._accepts(header="1z2n3DEJJiUPKcPzQo1ftvbxGdw=")
        assert not self._accepts(body=self.BODY.replace(b"2022-07", b"2022-06"))
        assert not self._accepts(body=self.BODY.replace(b",", b", "))

    def test_an_empty_key_proves_nothing(self) -> None:
        digest = hmac.digest(b"", self.ADDRESS.encode() + self.BODY, "sha256")
        header = base64.b64encode(digest).decode()
        assert not self._accepts(key="", header=header)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            URL.replace("https", "http"),
            URL.replace("/prod", ""),
            URL.replace("?shop=1", ""),
            URL + "/",
            URL.upper(),
        ],
    )
    def test_the_url_is_part_of_what_is_signed(self, url: str) -> None:
        headers = _sign_square(BODY, SECRET, NOW)
        assert _accepts("square", headers)
        assert not _accepts("square", headers, url=url)

    def test_is_never_too_old(self) -> None:
        headers = _sign_square(BODY, SECRET, NOW)
        assert _accepts("square", headers, now=NOW + timedelta(days=400))

    @PATIENTLY
    @given(st.text(), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
    def test_we_never_accept_what_the_library_refuses(
        self, header: str, key: str, url: str, body: str
    ) -> None:
        sent = body.encode(errors="replace")
        if _accepts("square", {SQUARE_HEADER: header}, body=sent, secrets=(key,), url=url):
            assert verify_signature(
                request_body=sent.decode(),
                signature_header=header,
                signature_key=key,
                notification_url=url,
            )


class TestShopify:
    BODY = b'{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}'

    @pytest.mark.parametrize(
        ("key", "body", "header"),
        [
            ("test-webhook-secret", BODY, "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw="),
            # RFC 4231, test case 2, in base64 instead of hexadecimal digits.
            (
                "Jefe",
                b"what do ya want for nothing?",
                "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=",
            ),
        ],
    )
    def test_published_vectors_are_accepted(self, key: str, body: bytes, header: str) -> None:
        assert _accepts("shopify", {SHOPIFY_HEADER: header}, body=body, secrets=(key,))
        assert not _accepts("shopify", {SHOPIFY_HEADER: header}, body=body, secrets=(key + " ",))
        assert not _accepts("shopify", {SHOPIFY_HEADER: header}, body=body + b"\n", secrets=(key,))

    def test_in_hexadecimal_digits_is_refused(self) -> None:
        digest = hmac.digest(SECRET.encode(), BODY, "sha256")
        assert not _accepts("shopify", {SHOPIFY_HEADER: digest.hex()})

    def test_an_empty_key_proves_nothing(self) -> None:
        header = base64.b64encode(hmac.digest(b"", BODY, "sha256")).decode()
        assert not _accepts("shopify", {SHOPIFY_HEADER: header}, secrets=("",))

    def test_is_never_too_old(self) -> None:
        headers = _sign_shopify(BODY, SECRET, NOW)
        assert _accepts("shopify", headers, now=NOW + timedelta(days=400))

    def test_several_signatures_in_one_header_are_none(self) -> None:
        header = _sign_shopify(BODY, SECRET, NOW)[SHOPIFY_HEADER]
        for between in (",", ", ", " "):
            assert not _accepts("shopify", {SHOPIFY_HEADER: f"{header}{between}{header}"})

    @PATIENTLY
    @given(st.text(), st.text(min_size=1), st.text())
    def test_we_never_accept_what_the_library_refuses(
        self, header: str, key: str, body: str
    ) -> None:
        sent = body.encode(errors="replace")
        digest = hmac.digest(key.encode(), sent, "sha256")
        for given_header in (header, base64.b64encode(digest).decode()):
            headers = {SHOPIFY_HEADER: given_header}
            if _accepts("shopify", headers, body=sent, secrets=(key,)):
                assert _shopify_accepts(sent.decode(), given_header, key)


class TestTheLibrariesAcceptWhatWeDo:
    def test_stripe(self) -> None:
        now = datetime.now(UTC)  # the library has no clock to set
        seconds = int(now.timestamp())
        digest = hmac.digest(SECRET.encode(), f"{seconds}.".encode() + BODY, "sha256").hex()
        header = f"t={seconds},v1={digest}"
        assert _accepts("stripe", {"stripe-signature": header}, now=now)
        event = stripe.Webhook.construct_event(BODY, header, SECRET)
        assert event.type == "invoice.finalized"

    def test_standard(self) -> None:
        now = datetime.now(UTC)
        seconds = str(int(now.timestamp()))
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.digest(key, f"m.{seconds}.".encode() + BODY, "sha256")
        headers = {
            "webhook-id": "m",
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
        assert _accepts("standard", headers, now=now)
        standardwebhooks.Webhook(SECRET).verify(BODY, headers)


_GOOD = _sign_stripe(BODY, SECRET, NOW)["stripe-signature"]
_pieces = st.sampled_from([*_GOOD.split(","), "v1=00", "t=1", "v0=1", "", "=", "v1", "t=", " "])


@PATIENTLY
@example([*_GOOD.split(","), "v1"], ",")
@example(_GOOD.split(","), ", ")
@given(st.lists(_pieces, max_size=5), st.sampled_from([",", ", ", ";", ""]))
def test_we_never_accept_a_stripe_header_that_the_library_refuses(
    pieces: list[str], between: str
) -> None:
    header = between.join(pieces)
    if _accepts("stripe", {"stripe-signature": header}):
        stripe.WebhookSignature.verify_header(BODY, header, SECRET)


@PATIENTLY
@given(st.text(), st.text(), st.text())
def test_arbitrary_headers_are_refused_and_nothing_else(
    first: str, second: str, third: str
) -> None:
    assert not _accepts("stripe", {"stripe-signature": first})
    headers = {"webhook-id": first, "webhook-timestamp": second, "webhook-signature": third}
    assert not _accepts("standard", headers)
    fresh = headers | {"webhook-timestamp": str(int(NOW.timestamp()))}
    assert not _accepts("standard", fresh | {"webhook-signature": f"v1,{third}"})
    seconds = int(NOW.timestamp())
    assert not _accepts("stripe", {"stripe-signature": f"t={seconds},v1={first}"})
