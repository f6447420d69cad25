"""Cursors of lists: opaque to clients, checked when they come back.

A cursor only says where to go on; whose list it is comes from the path and the caller's rights,
so a foreign or forged cursor reaches nothing that its bearer may not read anyway.
"""

import base64
import binascii
from typing import Final

from points_ledger.domain.error import FieldError, InvalidRequestError

_ENTRY_PREFIX: Final = "entry:"


def entry_cursor(number: int) -> str:
    """A cursor that goes on before the entry with this number."""
    return base64.urlsafe_b64encode(f"{_ENTRY_PREFIX}{number}".encode()).decode()


def read_entry_cursor(cursor: str | None) -> int | None:
    """The number in a cursor; None without one.

    Raises:
        InvalidRequestError: it is not one of our cursors.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
        number = int(text.removeprefix(_ENTRY_PREFIX))
    except (binascii.Error, ValueError) as error:
        raise unknown_cursor() from error
    if not text.startswith(_ENTRY_PREFIX) or not 1 <= number < 10**12:
        raise unknown_cursor()
    return number


def unknown_cursor() -> InvalidRequestError:
    """The answer to a cursor that is not of this list."""
    return InvalidRequestError((FieldError("cursor", "is not a cursor of this list"),))
