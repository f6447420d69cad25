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

from points_ledger.adapters.providers import PROVIDERS
from points_ledger.adapters.providers.signature import MAX_SIGNATURES, REPLAY_WINDOW_SECONDS
from points_ledger.domain.error import UnauthenticatedError
from tests.unit.providers.payloads import PATIENTLY, sample

BODY = sample("stripe_invoice_finalized_ok")
SECRET = "whsec_dGhlIHNlY3JldCBvZiBhIHRlc3QgcnVu"
OTHER = "whsec_YW5vdGhlciBzZWNyZXQgb2YgYSB0ZXN0"
NOW = datetime(2026, 9, 2, 9, 30, tzinfo=UTC)

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


SIGN: Mapping[str, Sign] = {"stripe": _sign_stripe, "standard": _sign_standard}
SIGNATURE_HEADER = {"stripe": "stripe-signature", "standard": "webhook-signature"}
BETWEEN = {"stripe": ",", "standard": " "}
each_scheme = pytest.mark.parametrize("scheme", sorted(SIGN))


def _accepts(
    scheme: str,
    headers: Mapping[str, str],
    *,
    body: bytes = BODY,
    secrets: Sequence[str] = (SECRET,),
    now: datetime = NOW,
) -> bool:
    try:
        PROVIDERS[scheme].verify(headers, body, secrets, now)
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

    def test_without_one_of_its_headers_is_refused(self, scheme: str) -> None:
        headers = SIGN[scheme](BODY, SECRET, NOW)
        for name in headers:
            without = {key: value for key, value in headers.items() if key != name}
            assert not _accepts(scheme, without)
            assert not _accepts(scheme, headers | {name: ""})

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
