"""Money at the edges and inside: decimals with an ISO 4217 currency, never floats.

Exponents are those of ISO 4217 (list one); funds codes and metals are left out.
"""

import re
from decimal import ROUND_DOWN, Decimal
from typing import Final

from points_ledger.domain.limit import MAX_AMOUNT

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}

_PLAIN: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FINEST: Final = Decimal("0.0001")

_PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")


def clean_currency(code: str) -> str:
    """Return the upper-case ISO 4217 code.

    Raises:
        ValueError: not a currency in use.
    """
    currency = code.upper()
    if currency not in EXPONENTS:
        raise ValueError(f"{code!r} is not an ISO 4217 currency")
    return currency


def unit(currency: str) -> Decimal:
    """The smallest amount of the currency: 0.01 for USD, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-EXPONENTS[currency])


def parse_amount(text: str, *, minimum: Decimal = Decimal(0)) -> Decimal:
    """Read a decimal string such as "123.45".

    Raises:
        ValueError: not a plain decimal number, below `minimum`, or above the largest amount.
    """
    if _PLAIN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a decimal amount")
    amount = Decimal(text)
    check_amount(amount, minimum=minimum)
    return amount


def check_amount(amount: Decimal, *, minimum: Decimal = Decimal(0)) -> None:
    """Refuse what is not finite, below `minimum`, too large or finer than any currency.

    Raises:
        ValueError: says which bound was broken.
    """
    if not amount.is_finite():
        raise ValueError("an amount must be a finite number")
    if amount < minimum:
        raise ValueError(f"an amount must be at least {minimum}, is {amount}")
    if abs(amount) > MAX_AMOUNT:
        raise ValueError(f"an amount must be at most {MAX_AMOUNT}, is {amount}")
    if amount != amount.quantize(_FINEST):
        raise ValueError("an amount has at most 4 decimals")


def from_minor_units(amount: int, currency: str) -> Decimal:
    """Convert a source's minor units: 12345 is 123.45 USD, 12345 JPY, 12.345 KWD."""
    return Decimal(amount).scaleb(-EXPONENTS[currency])


def round_down(amount: Decimal, currency: str) -> Decimal:
    """Cut an amount to the currency's exponent."""
    return amount.quantize(unit(currency), rounding=ROUND_DOWN)


def format_amount(amount: Decimal, currency: str) -> str:
    """Write an amount with exactly the currency's decimals, in plain notation."""
    return f"{round_down(amount, currency):f}"
