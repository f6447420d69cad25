"""Money at the edges: decimal strings, currencies and their exponents (semantics 1)."""

from decimal import Decimal

import pytest

from points_ledger.domain.money import (
    check_amount,
    clean_currency,
    format_amount,
    from_minor_units,
    parse_amount,
    round_down,
    unit,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("0.00", "0"),
        ("123.45", "123.45"),
        ("12.345", "12.345"),
        ("0.0001", "0.0001"),
        ("7.50000", "7.5"),
        ("999999999.99", "999999999.99"),
    ],
)
def test_a_decimal_string_is_read_exactly(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ten",
        "1,000.00",
        "12.34.56",
        "$5",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "-0.01",
        "1000000000.00",
        "1E+30",
        "0.00001",
        "1.00000000000000000000000000000000000001",
        "0x10",
    ],
)
def test_what_is_not_an_amount_in_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_amount(text)


@pytest.mark.parametrize("text", ["1e3", "1_000", " 5 ", "١٢", "\uff11\uff12"])
def test_only_plain_decimal_notation_is_read(text: str) -> None:
    with pytest.raises(ValueError):
        parse_amount(text)


def test_a_line_may_be_negative_down_to_its_minimum() -> None:
    assert parse_amount("-30.00", minimum=Decimal(-30)) == Decimal(-30)


def test_a_rejection_names_the_bound() -> None:
    with pytest.raises(ValueError, match=r"at most 999999999\.99, is 1000000000"):
        check_amount(Decimal(1_000_000_000))


@pytest.mark.parametrize(
    ("minor_units", "currency", "amount"),
    [
        (12345, "USD", "123.45"),
        (12345, "JPY", "12345"),
        (12345, "KWD", "12.345"),
        (5, "USD", "0.05"),
        (-250, "EUR", "-2.50"),
        (0, "KWD", "0"),
    ],
)
def test_minor_units_are_converted_by_the_currencys_exponent(
    minor_units: int, currency: str, amount: str
) -> None:
    assert from_minor_units(minor_units, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("5", "USD", "5.00"),
        ("5.009", "USD", "5.00"),
        ("5", "JPY", "5"),
        ("5.9", "JPY", "5"),
        ("5", "KWD", "5.000"),
        ("0.0019", "KWD", "0.001"),
        ("1E+3", "USD", "1000.00"),
        ("999999999.99", "USD", "999999999.99"),
    ],
)
def test_an_amount_is_written_plainly_with_the_currencys_decimals(
    amount: str, currency: str, text: str
) -> None:
    assert format_amount(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("currency", "smallest"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001")]
)
def test_each_currency_has_its_smallest_amount(currency: str, smallest: str) -> None:
    assert unit(currency) == Decimal(smallest)


def test_rounding_down_cuts_what_is_finer_than_the_currency() -> None:
    assert round_down(Decimal("0.999"), "USD") == Decimal("0.99")


@pytest.mark.parametrize(("code", "currency"), [("USD", "USD"), ("usd", "USD"), ("kwd", "KWD")])
def test_a_currency_code_is_accepted_in_either_case(code: str, currency: str) -> None:
    assert clean_currency(code) == currency


@pytest.mark.parametrize(
    "code", ["", "US", "USDT", "XXX", "XAU", "ZZZ", "US$", "\uff35\uff33\uff24"]
)
def test_what_is_not_a_currency_in_use_is_refused(code: str) -> None:
    with pytest.raises(ValueError):
        clean_currency(code)
