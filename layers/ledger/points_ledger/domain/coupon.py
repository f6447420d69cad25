"""Coupons: codes that cannot be guessed, and how long they are good.

A code has 16 characters of 5 bits and a check character. The check is a linear
code over GF(32), the field of polynomials over two elements modulo x^5 + x^2 + 1: reading the
characters as the digits of a number in base x, a whole code comes to zero. A wrong character
changes that sum by (error × power of x), and two neighbours that changed places by
(their difference × (x + 1) × power of x): neither is ever zero, so both are always noticed.
The alphabet is Crockford's: no letter that looks like a digit or like another letter.
"""

from datetime import date, datetime, timedelta
from typing import Final, Literal

from points_ledger.domain.calendar import local_day
from points_ledger.domain.error import CouponBelowMinimumError, CouponNotUsableError
from points_ledger.domain.identity import CouponCode
from points_ledger.domain.money import format_amount
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BYTES: Final = 10
"""80 bits."""
RANDOM_CHARACTERS: Final = RANDOM_BYTES * 8 // 5
GROUP_CHARACTERS: Final = 4
MAX_TYPED_CHARACTERS: Final = 64

_READ_AS: Final = str.maketrans("OIL", "011", " -")
_FIELD_POLYNOMIAL: Final = 0b100101
_CARRY: Final = 0b100000

ShownStatus = Literal["active", "used", "cancelled", "expired"]


def code_of(random: bytes) -> CouponCode:
    """The code of `RANDOM_BYTES` bytes that nobody can guess, such as `7Q2M-0XKC-9D4T-HB3F-W`."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a code has {RANDOM_BYTES} random bytes, not {len(random)}")
    number = int.from_bytes(random)
    digits = ((number >> 5 * place) & 31 for place in reversed(range(RANDOM_CHARACTERS)))
    characters = "".join(ALPHABET[digit] for digit in digits)
    # Adding is its own inverse here: the sum times x is what brings the whole back to zero.
    return _written(characters + ALPHABET[_times_x(_sum(characters))])


def clean_code(text: str) -> CouponCode:
    """A code as it was given out: read without case, spaces and dashes, O as 0, I and L as 1.

    Raises:
        ValueError: this is no code, or a character of it is wrong.
    """
    typed = text if text.isascii() else ""
    characters = typed[:MAX_TYPED_CHARACTERS].upper().translate(_READ_AS)
    if len(characters) != RANDOM_CHARACTERS + 1 or not set(characters) <= set(ALPHABET):
        raise ValueError("is not a coupon code")
    if _sum(characters):
        raise ValueError("is mistyped")
    return _written(characters)


def last_day(now: datetime, program: Program) -> date:
    """The last day of a coupon that is made now."""
    return local_day(now, program.zone) + timedelta(days=program.coupons.valid_days)


def check_minimum(points: int, program: Program) -> None:
    """Coupons are made from a number of points on.

    Raises:
        CouponBelowMinimumError: there are fewer.
    """
    minimum = program.coupons.minimum_points
    if points < minimum:
        raise CouponBelowMinimumError(
            minimum_amount=_worth(minimum, program),
            amount=_worth(points, program),
            minimum_points=minimum,
            points=points,
        )


def shown_status(
    status: Literal["active", "used", "cancelled"], last_day: date, today: date
) -> ShownStatus:
    """The status as it is on a day: a coupon that nobody used in time has expired."""
    return "expired" if status == "active" and last_day < today else status


def check_active(status: ShownStatus) -> None:
    """Only an active coupon can be used or cancelled.

    Raises:
        CouponNotUsableError: it is not active any more.
    """
    if status != "active":
        raise CouponNotUsableError(status)


def _worth(points: int, program: Program) -> str:
    worth = value_of(points, program.point_value, program.currency)
    return format_amount(worth, program.currency)


def _written(characters: str) -> CouponCode:
    starts = range(0, len(characters), GROUP_CHARACTERS)
    return CouponCode("-".join(characters[at : at + GROUP_CHARACTERS] for at in starts))


def _sum(characters: str) -> int:
    total = 0
    for character in characters:
        total = _times_x(total) ^ ALPHABET.index(character)
    return total


def _times_x(element: int) -> int:
    shifted = element << 1
    return shifted ^ _FIELD_POLYNOMIAL if shifted & _CARRY else shifted
