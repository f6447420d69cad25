"""The markers of days that come once a year: written, moved and taken away (domain/anniversary.py).

They follow what is known of a person: a birthday that is told arms one, another birthday another,
and with the person the marker goes.
"""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from points_ledger.domain.anniversary import (
    ANNIVERSARY,
    BIRTHDAY,
    AnniversaryKind,
    AnniversaryTarget,
    begun,
    upcoming,
)
from points_ledger.domain.calendar import local_day
from points_ledger.service.ports import Marker, Profile, Put, Remove, Write


def anniversary_writes(
    before: Profile | None, after: Profile | None, *, now: datetime, zone: ZoneInfo
) -> tuple[Write, ...]:
    """The writes by which markers follow a person's data; None is a person without, or erased.

    Of somebody who is erased only the birthday goes: when the account was opened stays in entries.
    """
    kinds = (BIRTHDAY, ANNIVERSARY) if after is not None else (BIRTHDAY,)
    return tuple(write for kind in kinds for write in _followed(kind, before, after, now, zone))


def _followed(
    kind: AnniversaryKind,
    before: Profile | None,
    after: Profile | None,
    now: datetime,
    zone: ZoneInfo,
) -> Iterable[Write]:
    was, is_now = origin_of(kind, before, zone), origin_of(kind, after, zone)
    if was == is_now:
        return
    new = upcoming(after.member_id, is_now, now=now, zone=zone) if after and is_now else None
    if before is not None and was is not None:
        old = {find(before.member_id, was, now=now, zone=zone) for find in (begun, upcoming)}
        yield from (Remove(item=marker_of(kind, each)) for each in old - {new, None} if each)
    if new is not None:
        yield Put(item=marker_of(kind, new))


def moved(
    kind: AnniversaryKind, old: AnniversaryTarget, new: AnniversaryTarget | None
) -> tuple[Write, ...]:
    """The writes that put one marker in the place of another."""
    if new == old:
        return ()
    put = () if new is None else (Put(item=marker_of(kind, new)),)
    return (Remove(item=marker_of(kind, old)), *put)


def origin_of(kind: AnniversaryKind, profile: Profile | None, zone: ZoneInfo) -> date | None:
    """The day on which it began, if anything is known of it."""
    if profile is None:
        return None
    if kind == ANNIVERSARY:
        return local_day(profile.created_at, zone)
    return None if profile.birthday is None else date.fromisoformat(profile.birthday)


def marker_of(kind: AnniversaryKind, target: AnniversaryTarget) -> Marker:
    """The marker of a day."""
    return Marker(kind=kind, due_at=target.due_at, target=str(target))
