"""Program versions as the commands see them: immutable, cached, chosen by instant."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, cast

from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.program import Program, VersionPeriod, version_in_force
from points_ledger.service.ports import (
    ProgramVersion,
    Store,
    VersionKey,
    VersionList,
    VersionListKey,
)

MAX_LIST_AGE: Final = timedelta(seconds=60)
"""A version takes effect at least 2 minutes after it is published, so this cannot be missed."""

MAX_VERSIONS_KEPT: Final = 32
"""Of the versions that a process has read: a few do, and their documents may be large."""


class Programs:
    """Finds the program version for an instant. One instance lives as long as its process."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        """Nothing is read before the first question."""
        self._store = store
        self._clock = clock
        self._versions: dict[int, ProgramVersion] = {}
        self._list = VersionList()
        self._list_read_at: datetime | None = None

    def at(self, instant: datetime) -> Program:
        """The version in force at an instant.

        Raises:
            BrokenInvariantError: no program has been loaded.
        """
        return self.version(self.number_at(instant))

    def number_at(self, instant: datetime) -> int:
        """The number of the version in force at an instant."""
        return version_in_force(self._periods(), instant)

    def effective_from(self, number: int) -> datetime:
        """From when a version is in force."""
        return next(p.effective_from for p in self._periods() if p.version == number)

    def _periods(self) -> tuple[VersionPeriod, ...]:
        now = self._clock()
        if self._list_read_at is None or not self._fresh(now):
            found = self._store.get([VersionListKey()])
            self._list = cast("VersionList", found.get(VersionListKey(), VersionList()))
            self._list_read_at = now if self._list.periods else None
        if not self._list.periods:
            raise BrokenInvariantError("no program has been loaded into this stack")
        return self._list.periods

    def version(self, number: int) -> Program:
        """One version, by number."""
        return self.stored(number).program

    def stored(self, number: int) -> ProgramVersion:
        """One version with its document."""
        if number not in self._versions:
            key = VersionKey(version=number)
            item = self._store.get([key]).get(key)
            if item is None:
                raise BrokenInvariantError(f"program version {number} is missing")
            if len(self._versions) >= MAX_VERSIONS_KEPT:
                del self._versions[next(iter(self._versions))]  # the one read longest ago
            self._versions[number] = cast("ProgramVersion", item)
        return self._versions[number]

    def _fresh(self, now: datetime) -> bool:
        assert self._list_read_at is not None
        return abs(now - self._list_read_at) < MAX_LIST_AGE
