"""What happens in a schedule, before anything decides in which order.

A scenario has one to three members, some purchases with a handful of facts about them, and
commands that compete. Everything in it follows from its family and its number.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import MarkerKind, ProgramVersion
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import Publishing
from tests.builders import START
from tests.memory_store import MemoryStore
from tests.simulation import budgets, challenges, commands, facts, releases, tiers
from tests.simulation.draft import Compared, ScenarioDraft
from tests.simulation.services import Command, Services
from tests.simulation.world import World, copied, no_pause

SCHEDULES_PER_SCENARIO: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """What is there before, and what is to happen.

    Attributes:
        prepared: the store at the start; never written, only copied.
        facts: what the sources report.
        clients: the commands of each client, sent one by one; some clients come twice.
        times: the instants to which the clock is moved while the others act.
        sweeps: how often each schedule of `kinds` comes meanwhile.
        expires: whether points expire in it; elsewhere they would last for years.
        compared: what does not depend on the order of its facts.
    """

    family: str
    rules: Program
    prepared: MemoryStore
    programs: Programs
    facts: tuple[Fact, ...]
    clients: tuple[tuple[Command, ...], ...] = ()
    times: tuple[datetime, ...] = ()
    sweeps: int = 0
    kinds: tuple[MarkerKind, ...] = ()
    expires: bool = False
    compared: Compared = "each"

    @property
    def commands(self) -> tuple[Command, ...]:
        """What all clients ask for."""
        return tuple(command for client in self.clients for command in client)

    def world(self, seed: int, trace: Callable[[str], None] | None = None) -> World:
        """Everybody ready to act: the schedule is chosen by the seed."""
        world = World(
            copied(self.prepared),
            self.programs,
            seed=seed,
            times=self.times,
            expires=self.expires,
            trace=trace,
        )
        for fact in self.facts:
            world.deliver(fact)
            if world.random.random() < 0.2:
                world.deliver(fact)
        for client in self.clients:
            world.ask(*client)
            if world.random.random() < 0.3:
                world.ask(*client)
        for _ in range(self.sweeps):
            for kind in self.kinds:
                world.sweep(kind)
        return world


def sequential(store: MemoryStore, programs: Programs, at: datetime, name: str) -> Services:
    """One process alone with a store: nothing interferes, nothing fails."""
    members, codes = iter(range(1, 100)), iter(range(1, 100))
    return Services(
        path=WritePath(store=store, pause=no_pause),
        reader=store,
        programs=programs,
        clock=lambda: at,
        new_member_id=lambda: MemberId(f"{name}-{next(members)}"),
        new_code=lambda: code_of(next(codes).to_bytes(RANDOM_BYTES)),
    )


FAMILIES: Final = (
    *facts.FAMILIES,
    *commands.FAMILIES,
    *tiers.FAMILIES,
    *releases.FAMILIES,
    *challenges.FAMILIES,
    *budgets.FAMILIES,
)
NAMES: Final = tuple(family.__name__ for family in FAMILIES)


def scenario_of(seed: int) -> Scenario:
    """The scenario that a schedule's seed plays: the families take turns."""
    family = seed % len(FAMILIES)
    return prepared_scenario(family, seed // (len(FAMILIES) * SCHEDULES_PER_SCENARIO))


@lru_cache(maxsize=2 * len(FAMILIES))
def prepared_scenario(family: int, number: int) -> Scenario:
    """One of a family's scenarios, ready to be played."""
    draft = ScenarioDraft(dice=random.Random(number * 1_000 + family))  # noqa: S311 - not a secret
    FAMILIES[family](draft)
    return prepared(draft, NAMES[family])


def prepared(draft: ScenarioDraft, family: str) -> Scenario:
    """The scenario of a draft: what is there before has happened."""
    store = MemoryStore(clock=lambda: START)
    version = ProgramVersion(program=draft.rules, document="{}", published_at=START)
    path = WritePath(store=store, pause=no_pause)
    Publishing(path=path, clock=lambda: START).load_first(version)
    programs = Programs(store, lambda: START)
    programs.at(START)
    services = sequential(store, programs, START, "member")
    for happened in draft.before:
        if isinstance(happened, Fact):
            services.record(happened)
        else:
            services.carry_out(happened)
    return Scenario(
        family=family,
        rules=draft.rules,
        prepared=store,
        programs=programs,
        facts=tuple(draft.facts),
        clients=tuple(draft.clients),
        times=draft.times,
        sweeps=draft.sweeps,
        kinds=draft.kinds,
        expires=draft.expires,
        compared=draft.compared,
    )
