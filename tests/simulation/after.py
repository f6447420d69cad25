"""A scenario, and what one schedule made of it: what every check looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.limit import MAX_ALIAS_DEPTH
from points_ledger.domain.state import State
from points_ledger.service.ports import ExternalLink
from tests.memory_store import MemoryStore
from tests.simulation.scenario import Scenario
from tests.simulation.world import History, World

T = TypeVar("T")


@dataclass(frozen=True)
class After:
    """The end of a schedule."""

    scenario: Scenario
    world: World
    history: History

    @property
    def store(self) -> MemoryStore:
        return self.world.store

    @cached_property
    def chains(self) -> dict[MemberId, list[Entry]]:
        """All entries of every member, oldest first."""
        return {member_id: self.store.chain(member_id) for member_id in self.store.members()}

    @cached_property
    def states(self) -> dict[MemberId, State]:
        """Every member's account."""
        return {member_id: chain[-1].state for member_id, chain in self.chains.items()}

    @cached_property
    def survivors(self) -> dict[MemberId, MemberId]:
        """Who every member has become part of, or is still."""
        return {member_id: survivor(self.store, member_id) for member_id in self.states}

    @cached_property
    def gone(self) -> frozenset[MemberId]:
        """Whoever is erased or was closed, by all their ids: nothing is posted to them meanwhile.

        Whoever is opened again gets what was missed with the next fact about it.
        """
        closed = {
            member_id
            for member_id, chain in self.chains.items()
            if any(entry.state.standing.status in ("closed", "erased") for entry in chain)
        }
        return frozenset(id_ for id_, now in self.survivors.items() if now in closed)

    def entries(self) -> Iterator[Entry]:
        """All entries of everybody."""
        for chain in self.chains.values():
            yield from chain

    def items(self, class_: type[T]) -> list[T]:
        """All stored items of a kind."""
        return items(self.store, class_)


def items(store: MemoryStore, class_: type[T]) -> list[T]:
    """All items of a kind in a store."""
    return [item for item in store._items.values() if isinstance(item, class_)]


def survivor(store: MemoryStore, member_id: MemberId) -> MemberId:
    """Who an id stands for."""
    for _ in range(MAX_ALIAS_DEPTH):
        head = store.head(member_id)
        if head is None or head.state.standing.alias_of is None:
            return member_id
        member_id = head.state.standing.alias_of
    raise AssertionError(f"aliases from {member_id} go in a circle")


def links(store: MemoryStore) -> dict[ExternalId, MemberId]:
    """The member behind every customer, as linked."""
    return {item.external_id: item.member_id for item in items(store, ExternalLink)}
