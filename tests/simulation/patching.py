"""How the ledger is changed for a while, so that something about it is wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.service.ledger import Decision, View, WritePath, guarded_key
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    GuardAbsent,
    Item,
    ItemKey,
    Outcome,
    Store,
    Write,
)
from tests.memory_store import MemoryStore

Patch = Callable[[ExitStack], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect.

    Attributes:
        family: the scenarios that it shows in, so that the others need not be played.
    """

    name: str
    family: str
    patch: Patch

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The ledger with the defect."""
        with ExitStack() as stack:
            self.patch(stack)
            yield


class ChangedStore(Store):
    """A store whose commits go another way."""

    def __init__(
        self, store: Store, change: Callable[[Store, Sequence[Write], int], Outcome]
    ) -> None:
        self._store = store
        self._change = change
        self._attempts = 0

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        return self._store.get(keys)

    def head(self, member_id: MemberId) -> Entry | None:
        return self._store.head(member_id)

    def commit(self, writes: Sequence[Write]) -> Outcome:
        self._attempts += 1
        return self._change(self._store, writes, self._attempts)


def run_changed(
    stack: ExitStack,
    change: Callable[[Store, Sequence[Write], int], Outcome] = lambda store, w, _: store.commit(w),
    around: Callable[[Callable[[View], Decision[Any]]], Callable[[View], Decision[Any]]] = (
        lambda command: command
    ),
) -> None:
    """Every command goes through a changed store, and is itself changed."""
    original = WritePath.run

    def run(self: WritePath, command: Callable[[View], Decision[Any]]) -> object:
        path = replace(self, store=ChangedStore(self.store, change))
        return original(path, around(command))

    stack.enter_context(patch.object(WritePath, "run", run))


def in_two(stack: ExitStack, is_late: Callable[[Write], bool]) -> None:
    """Some writes are committed after the others."""

    def change(store: Store, writes: Sequence[Write], _attempt: int) -> Outcome:
        late = [write for write in writes if is_late(write)]
        early = [write for write in writes if not is_late(write)]
        outcome = store.commit(early) if early else Committed()
        return store.commit(late) if late and isinstance(outcome, Committed) else outcome

    run_changed(stack, change)


def unchecked(stack: ExitStack, is_free: Callable[[Write], bool]) -> None:
    """The store ignores the condition of some writes."""
    check, apply = MemoryStore._check, MemoryStore._apply

    def checked(self: MemoryStore, write: Write, *rest: Any) -> None:  # noqa: ANN401 - passed on
        if not is_free(write):
            check(self, write, *rest)

    def applied(self: MemoryStore, write: Write) -> None:
        if isinstance(write, Append):
            chain = self._chains.get(write.entry.member_id, [])
            del chain[write.entry.number - 1 :]
        apply(self, write)

    stack.enter_context(patch.object(MemoryStore, "_check", checked))
    stack.enter_context(patch.object(MemoryStore, "_apply", applied))


def creates(write: Write, class_: type) -> bool:
    return isinstance(write, Create) and isinstance(write.item, class_)


def guards_absent(write: Write, class_: type) -> bool:
    return isinstance(write, GuardAbsent) and isinstance(guarded_key(write), class_)


def without(stack: ExitStack, is_lost: Callable[[Write, Sequence[Write]], bool]) -> None:
    """Some writes of a transaction are never made."""

    def change(store: Store, writes: Sequence[Write], _attempt: int) -> Outcome:
        return store.commit([write for write in writes if not is_lost(write, writes)])

    run_changed(stack, change)
