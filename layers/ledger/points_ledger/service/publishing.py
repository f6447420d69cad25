"""Publishing program versions: the first one at deployment, further ones by admins.

A version never changes and is never taken back. It is in force from `effective_from` until another
one begins, whichever was published first; of two that begin at the same instant, the one that was
published later is in force and the other never is. So whatever has been decided stays decided:
a new version begins at least `MIN_LEAD` ahead, when every process has seen it (programs.py).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, cast

from points_ledger.domain.calendar import format_instant, parse_instant, whole_second
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    BrokenInvariantError,
    FieldError,
    InvalidRequestError,
    LimitExceededError,
)
from points_ledger.domain.limit import MAX_PROGRAM_VERSIONS, MAX_VERSIONS_PER_PAGE
from points_ledger.domain.program import Program, VersionPeriod, effective_until
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import (
    Create,
    ProgramVersion,
    Request,
    RequestKey,
    Save,
    VersionKey,
    VersionList,
    VersionListKey,
    Write,
)

FIRST_VERSION: Final = 1
MIN_LEAD: Final = timedelta(minutes=2)
TRAVEL_TIME: Final = timedelta(seconds=5)
"""What a request may take to arrive: two minutes ahead of when it was sent is early enough."""
MAX_LEAD: Final = timedelta(days=36_525)
MAX_PAGE_CHARACTERS: Final = 1024 * 1024
"""Of the documents on a page of versions; one alone may have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishVersion:
    """Publish a program.

    Attributes:
        request: the originator's key, where there is one, with `fingerprint`.
        program: the judged document as data, whatever its number; `document` is its text.
        effective_from: when it is to begin; None is as soon as possible.
    """

    request: RequestKey | None
    fingerprint: str
    actor: str
    program: Program
    document: str
    effective_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A new version; `effective_until` is when one that was published before takes over."""

    version: int
    effective_from: datetime
    effective_until: datetime | None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedVersion:
    """A version with its time; never in force where that ends when it begins."""

    version: ProgramVersion
    effective_from: datetime
    effective_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage:
    """Versions newest first; `before` continues below that number, None at the end."""

    versions: tuple[DatedVersion, ...]
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """Adds program versions, and shows them; a published version never changes."""

    path: WritePath
    clock: Callable[[], datetime]

    def load_first(self, version: ProgramVersion) -> bool:
        """Make `version` the first one of an empty stack; whether it was not there before.

        The first version serves every instant until the next takes effect.
        """
        return self.path.run(lambda view: self._load(view, version))

    def publish(self, command: PublishVersion) -> Published:
        """Add a version under the next number, once per request.

        Raises:
            InvalidRequestError: it begins too soon, or is in another currency than the ledger.
            LimitExceededError: there are as many versions as there may be.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        return self.path.run(lambda view: self._publish(view, command))

    def misfits(self, program: Program) -> tuple[FieldError, ...]:
        """What keeps a draft that is valid by itself from being published in this ledger."""
        first = View(self.path.store).version(FIRST_VERSION)
        if first is None:
            raise BrokenInvariantError("no program has been loaded into this stack")
        return tuple(_misfits(program, first.program))

    def versions(self, *, limit: int, before: int | None) -> VersionPage:
        """A page of versions, newest first, as they are at this moment.

        It has at most `MAX_VERSIONS_PER_PAGE`, and fewer where their documents are large.
        """
        store = self.path.store
        found = store.get([VersionListKey()])
        periods = cast("VersionList", found.get(VersionListKey(), VersionList())).periods
        numbers = [p.version for p in reversed(periods) if before is None or p.version < before]
        longest = min(limit, MAX_VERSIONS_PER_PAGE)
        keys = [VersionKey(version=number) for number in numbers[:longest]]
        stored = store.get(keys) if keys else {}
        begins = {period.version: period.effective_from for period in periods}
        shown: list[DatedVersion] = []
        size = 0
        for key in keys:
            version = cast("ProgramVersion", stored[key])
            size += len(version.document)
            if shown and size > MAX_PAGE_CHARACTERS:
                break
            until = effective_until(periods, key.version)
            shown.append(
                DatedVersion(
                    version=version, effective_from=begins[key.version], effective_until=until
                )
            )
        is_last = len(shown) == len(numbers)
        last = None if is_last else shown[-1].version.program.version
        return VersionPage(versions=tuple(shown), before=last)

    def _load(self, view: View, version: ProgramVersion) -> Decision[bool]:
        if view.versions() is not None:
            return Decision(result=False)
        period = VersionPeriod(version=FIRST_VERSION, effective_from=version.published_at)
        return Decision(
            result=True,
            writes=(Create(item=version), Save(item=VersionList(periods=(period,)), expected=0)),
        )

    def _publish(self, view: View, command: PublishVersion) -> Decision[Published]:
        view.load(
            VersionListKey(),
            VersionKey(version=FIRST_VERSION),
            *((command.request,) if command.request is not None else ()),
        )
        first_answer = _first_answer(view, command)
        if first_answer is not None:
            return Decision(result=first_answer)
        versions, first = view.versions(), view.version(FIRST_VERSION)
        if versions is None or first is None:
            raise BrokenInvariantError("no program has been loaded into this stack")
        now = self.clock()
        begins = command.effective_from or whole_second(now + MIN_LEAD)
        errors = tuple(_errors(command.program, first.program, begins=begins, now=now))
        if errors:
            raise InvalidRequestError(errors)
        number = len(versions.periods) + 1
        if number > MAX_PROGRAM_VERSIONS:
            raise LimitExceededError(limit="program versions", maximum=MAX_PROGRAM_VERSIONS)
        added = VersionList(
            periods=(*versions.periods, VersionPeriod(version=number, effective_from=begins))
        )
        published = Published(
            version=number,
            effective_from=begins,
            effective_until=effective_until(added.periods, number),
        )
        item = ProgramVersion(
            program=replace(command.program, version=number),
            document=command.document,
            published_at=now,
            published_by=command.actor,
        )
        return Decision(
            result=published,
            writes=(
                Create(item=item),
                Save(item=added, expected=len(versions.periods)),
                *_remembered(command, published),
            ),
        )


def _errors(
    program: Program, first: Program, *, begins: datetime, now: datetime
) -> Iterator[FieldError]:
    """What is wrong with a version in this ledger at this moment, by its path in the request."""
    yield from _misfits(program, first)
    if begins < now + MIN_LEAD - TRAVEL_TIME:
        soonest = format_instant(whole_second(now + MIN_LEAD))
        message = f"must be at least 2 minutes ahead: {soonest} or later"
        yield FieldError("effective_from", message)
    elif begins > now + MAX_LEAD:
        yield FieldError("effective_from", f"must be at most {MAX_LEAD.days} days ahead")


def _misfits(program: Program, first: Program) -> Iterator[FieldError]:
    """What no version of this ledger may change."""
    if program.currency != first.currency:
        message = f"must be {first.currency}, the currency of this ledger, is {program.currency}"
        yield FieldError("program.currency", message)


def _first_answer(view: View, command: PublishVersion) -> Published | None:
    if command.request is None:
        return None
    known = view.first_answer(command.request, command.fingerprint)
    if known is None:
        return None
    until = known["effective_until"]
    return Published(
        version=known["version"],
        effective_from=parse_instant(known["effective_from"]),
        effective_until=None if until is None else parse_instant(until),
        replayed=True,
    )


def _remembered(command: PublishVersion, published: Published) -> tuple[Write, ...]:
    if command.request is None:
        return ()
    result = json.dumps(published_answer(published))
    request = Request(key=command.request, fingerprint=command.fingerprint, result=result)
    return (Create(item=request),)


def published_answer(published: Published) -> dict[str, object]:
    """What the one who publishes is answered."""
    until = published.effective_until
    return {
        "version": published.version,
        "effective_from": format_instant(published.effective_from),
        "effective_until": None if until is None else format_instant(until),
    }
