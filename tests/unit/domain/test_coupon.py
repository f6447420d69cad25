"""Codes of coupons: what is given out is read again, and what is mistyped is noticed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.coupon import (
    ALPHABET,
    RANDOM_BYTES,
    check_active,
    clean_code,
    code_of,
    shown_status,
)
from points_ledger.domain.error import CouponNotUsableError

random_bytes = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
codes = random_bytes.map(code_of)


def test_a_code_is_grouped_and_has_80_bits_and_a_check_character() -> None:
    assert code_of(bytes(RANDOM_BYTES)) == "0000-0000-0000-0000-0"
    assert code_of(bytes([255] * RANDOM_BYTES)).startswith("ZZZZ-ZZZZ-ZZZZ-ZZZZ-")
    assert RANDOM_BYTES * 8 == 80
    assert not set("ILOU") & set(ALPHABET)
    assert len(set(ALPHABET)) == 32


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_code_takes_exactly_its_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        code_of(bytes(size))


@given(random_bytes, random_bytes)
def test_other_bytes_are_another_code(one: bytes, other: bytes) -> None:
    assert (code_of(one) == code_of(other)) == (one == other)


@given(codes)
def test_a_code_is_read_as_it_was_given_out(code: str) -> None:
    assert clean_code(code) == code


@given(codes)
def test_case_spaces_dashes_and_letters_like_digits_do_not_matter(code: str) -> None:
    for typed in (
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " "),
        f"  {code} ",
        code.replace("0", "O"),
        code.replace("0", "o").replace("1", "I"),
        code.replace("1", "l"),
    ):
        assert clean_code(typed) == code


@given(codes, st.data())
def test_every_wrong_character_is_noticed(code: str, data: st.DataObject) -> None:
    characters = code.replace("-", "")
    place = data.draw(st.integers(0, len(characters) - 1))
    for wrong in ALPHABET:
        typed = characters[:place] + wrong + characters[place + 1 :]
        if typed != characters:
            with pytest.raises(ValueError):
                clean_code(typed)


@given(codes)
def test_any_two_characters_that_changed_places_are_noticed(code: str) -> None:
    characters = code.replace("-", "")
    for one in range(len(characters)):
        for other in range(one + 1, len(characters)):
            typed = list(characters)
            typed[one], typed[other] = typed[other], typed[one]
            if typed != list(characters):
                with pytest.raises(ValueError):
                    clean_code("".join(typed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0000-0000-0000-0000",
        "0000-0000-0000-0000-00",
        "0000-0000-0000-0000-U",
        "0000_0000_0000_0000_0",
        "\uff10000-0000-0000-0000-0",
        "\u0131" * 17,
        "0" * 10_000,
        "-" * 17,
    ],
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clean_code(text)


def test_only_an_active_coupon_expires() -> None:
    day, after = date(2027, 2, 28), date(2027, 3, 1)
    assert shown_status("active", day, day) == "active"
    assert shown_status("active", day, after) == "expired"
    assert shown_status("used", day, after) == "used"
    assert shown_status("cancelled", day, after) == "cancelled"
    check_active("active")
    for status in ("used", "cancelled", "expired"):
        with pytest.raises(CouponNotUsableError):
            check_active(status)
