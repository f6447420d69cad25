"""Cursors of lists: opaque to clients, checked when they come back.

A cursor says where a list goes on, and is bound to that list and to whose it is: another list,
another member or a changed character is refused. Whose list is read comes from the path and the
caller's rights alone, so that even a cursor made by somebody who has read this code reaches
nothing that its bearer may not read anyway.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from points_ledger.domain.error import FieldError, InvalidRequestError

ListKind = Literal[
    "entries",
    "pending",
    "members",
    "statement",
    "export",
    "redemptions",
    "approvals",
    "rewards",
    "program_versions",
    "leaderboards",
    "requests",
    "coupons",
    "sales",
    "top_members",
    "dead_letters",
    "outbound_deliveries",
]

_CHECK_BYTES: Final = 12
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}")


def sealed(kind: ListKind, owner: str, place: str | None) -> str | None:
    """A cursor that goes on at `place` in the list of `owner`; None where the list is at its end.

    `owner` is the member whose list it is, or what was searched for.
    """
    if place is None:
        return None
    return base64.urlsafe_b64encode(_check(kind, owner, place) + place.encode()).decode()


def opened(kind: ListKind, owner: str, cursor: str | None) -> str | None:
    """The place in a cursor; None without one.

    Raises:
        InvalidRequestError: it is not a cursor of this list.
    """
    if cursor is None:
        return None
    try:
        content = base64.b64decode(cursor, altchars=b"-_", validate=True)
        place = content[_CHECK_BYTES:].decode()
    except (binascii.Error, ValueError) as error:
        raise unknown_cursor() from error
    # Several texts decode to the same bytes (padding, unused bits); only the one given out counts.
    if cursor != sealed(kind, owner, place):
        raise unknown_cursor()
    return place


def sealed_number(kind: ListKind, owner: str, number: int | None) -> str | None:
    """A cursor of a list whose places are the numbers of entries."""
    return sealed(kind, owner, None if number is None else str(number))


def opened_number(kind: ListKind, owner: str, cursor: str | None) -> int | None:
    """The number of an entry in a cursor; None without one.

    Raises:
        InvalidRequestError: it is not a cursor of this list.
    """
    place = opened(kind, owner, cursor)
    if place is None:
        return None
    if not _NUMBER.fullmatch(place):
        raise unknown_cursor()
    return int(place)


@contextmanager
def going_on(place: str | int | None) -> Iterator[None]:
    """Read a list on from `place`: a ValueError says that a cursor of ours does not lead there.

    Raises:
        InvalidRequestError: there was one; without a place it is no matter of the cursor, and
            stays what it is.
    """
    try:
        yield
    except ValueError as error:
        if place is None:
            raise
        raise unknown_cursor() from error


def unknown_cursor() -> InvalidRequestError:
    """The answer to a cursor that is not of this list."""
    return InvalidRequestError((FieldError("cursor", "is not a cursor of this list"),))


def _check(kind: ListKind, owner: str, place: str) -> bytes:
    content = json.dumps([kind, owner, place]).encode()
    return hashlib.sha256(content).digest()[:_CHECK_BYTES]
