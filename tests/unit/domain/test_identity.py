"""Identifiers from outside: NFC, control characters, lengths (architecture 5)."""

import pytest

from points_ledger.domain.identity import (
    EarningKey,
    ExternalId,
    PaymentKey,
    clean_id,
    clean_source,
    clean_text,
)

COMPOSED = "caf\u00e9"
COMBINING = "cafe\u0301"


def test_a_combining_spelling_becomes_the_composed_one() -> None:
    assert clean_id(COMBINING) == COMPOSED


@pytest.mark.parametrize("id_", ["a", "in_1Nz#7", "a:b:c", " padded ", "日本", "😀", "x" * 255])
def test_an_id_is_kept_as_it_is(id_: str) -> None:
    assert clean_id(id_) == id_


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "   ",
        "a\nb",
        "a\x00",
        "\x7f",
        "a\u0085b",
        "\ud800",
        "x" * 256,
        "x" * 2_000,
    ],
)
def test_what_cannot_be_an_id_is_refused(id_: str) -> None:
    with pytest.raises(ValueError):
        clean_id(id_)


def test_the_length_counts_after_composition() -> None:
    assert len(clean_id("e\u0301" * 255)) == 255


def test_a_rejection_names_the_field_and_the_length() -> None:
    with pytest.raises(ValueError, match="reason must have at most 10 characters, has 11"):
        clean_text("x" * 11, maximum=10, what="reason")


@pytest.mark.parametrize("source", ["pos", "stripe", "my.shop_2-eu", "A", "x" * 64])
def test_a_source_is_kept_as_it_is(source: str) -> None:
    assert clean_source(source) == source


@pytest.mark.parametrize("source", ["", "x" * 65, "a b", "a:b", "a#b", "é", "a\n"])
def test_what_cannot_be_a_source_is_refused(source: str) -> None:
    with pytest.raises(ValueError):
        clean_source(source)


def test_an_external_id_may_contain_colons() -> None:
    assert ExternalId.parse("pos:a:b") == ExternalId(source="pos", id="a:b")


@pytest.mark.parametrize("text", ["pos", "", ":a", "pos:", "po s:a"])
def test_what_is_not_written_source_colon_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ExternalId.parse(text)


def test_an_external_id_is_written_as_it_is_read() -> None:
    assert str(ExternalId.parse("pos:a:b")) == "pos:a:b"


def test_an_earning_key_is_written_as_the_public_earning_id() -> None:
    assert str(EarningKey(source="pos", kind="invoice", id="17")) == "pos:invoice:17"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ExternalId(source="pos", id=COMPOSED), ExternalId(source="pos", id=COMBINING)),
        (
            EarningKey(source="pos", kind="ticket", id=COMPOSED),
            EarningKey(source="pos", kind="ticket", id=COMBINING),
        ),
        (PaymentKey(source="pos", id=COMPOSED), PaymentKey(source="pos", id=COMBINING)),
    ],
)
def test_two_spellings_of_one_id_are_one_key(one: object, other: object) -> None:
    assert one == other
