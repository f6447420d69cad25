"""Events as the bus hands them to a queue: which entry of which member is told (docs/api.md).

The message only says where to look: what a mail says is read from the ledger.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from points_ledger.domain.identity import MemberId
from points_ledger.domain.mail import MAILED_EVENTS
from points_ledger.service.mailing import Told

SOURCE: Final = "points-ledger"


class EventMalformedError(ValueError):
    """A message is none of our events."""


def read_told(body: str) -> Told | None:
    """What an event tells; None for one that nobody is mailed about.

    Raises:
        EventMalformedError: it is no event of this ledger, or has another form.
    """
    event = _object(_json(body))
    detail = _object(event.get("detail"))
    name = _text(event.get("detail-type"))
    if event.get("source") != SOURCE:
        raise EventMalformedError("another source")
    mailed = next((each for each in MAILED_EVENTS if each == name), None)
    if mailed is None:
        return None
    number = _object(detail.get("entry")).get("entry")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise EventMalformedError("no number of an entry")
    return Told(event=mailed, member_id=MemberId(_text(detail.get("member_id"))), number=number)


def correlation_of(body: str) -> str | None:
    """The request, message or run that made an event happen, where it says so."""
    try:
        value = _object(_object(_json(body)).get("detail")).get("correlation_id")
    except EventMalformedError:
        return None
    return value if isinstance(value, str) else None


def _json(body: str) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise EventMalformedError("no JSON") from None  # the error quotes the message
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EventMalformedError("no object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise EventMalformedError("no text")
    return value
