"""The stream of a store in memory: every change of an entry, an earning or a redemption."""

from datetime import datetime
from typing import Final

from points_ledger.domain.earning import Earning
from points_ledger.service.ports import Append, Create, Redemption, Save, Write
from points_ledger.service.totalling import Change
from tests.memory_store import MemoryStore

_FIRST_NUMBER: Final = 99
"""Numbers of different lengths follow each other."""


class Followed:
    """Follows a store from now on; `changes` are in the order in which they were stored."""

    def __init__(self, memory: MemoryStore) -> None:
        self.changes: list[Change] = []
        self._memory = memory
        apply = memory._apply

        def followed(write: Write) -> None:
            before = self._stored(write)
            apply(write)
            self._note(write, before)

        memory._apply = followed  # type: ignore[method-assign]

    def _stored(self, write: Write) -> Earning | Redemption | None:
        match write:
            case Save(item=Earning() | Redemption() as item):
                found = self._memory.get([item.key]).get(item.key)
                assert found is None or isinstance(found, Earning | Redemption)
                return found
            case _:
                return None

    def _note(self, write: Write, before: Earning | Redemption | None) -> None:
        match write:
            case Append(entry=entry):
                self._add(Change(sequence_number=0, at=entry.recorded_at, after=entry))
            case Save(item=Earning() | Redemption() as item) | Create(item=Redemption() as item):
                after = self._memory.get([item.key])[item.key]
                assert isinstance(after, Earning | Redemption)
                self._add(Change(sequence_number=0, at=self._at, before=before, after=after))
            case _:
                pass

    @property
    def _at(self) -> datetime:
        return self._memory._clock()

    def _add(self, change: Change) -> None:
        number = _FIRST_NUMBER + len(self.changes)
        self.changes.append(
            Change(sequence_number=number, at=change.at, before=change.before, after=change.after)
        )
