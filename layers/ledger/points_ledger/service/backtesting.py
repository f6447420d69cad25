"""Backtests as they are asked for and shown. What they count is counted by backtest_job.py."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import SimulationId
from points_ledger.domain.program import Program
from points_ledger.domain.tally import Tally, read_tally
from points_ledger.service.directory import SHARDS
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import (
    Create,
    Request,
    RequestKey,
    Simulation,
    SimulationDraft,
    SimulationDraftKey,
    SimulationKey,
    Store,
)
from points_ledger.service.programs import Programs

DRAFT_VERSION: Final = 0
"""A draft is no version yet."""
_PROGRESS_DECIMALS: Final = 4

ReadDraft = Callable[[str], Program]
"""The draft of a stored document."""


class SimulationQueue(Protocol):
    """Where backtests wait for their worker."""

    def send(self, simulation_id: SimulationId, *, correlation_id: str) -> None:
        """Ask for a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBacktest:
    """Value what was recorded in `[begins, ends)` by a draft.

    `document` is the draft as text, judged before. `request` is there where the originator gave
    the command a key; then it is known when it comes again.
    """

    document: str
    begins: datetime
    ends: datetime
    requested_by: str
    request: RequestKey | None
    fingerprint: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The backtest's id."""

    simulation_id: SimulationId
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBacktest:
    """A backtest, what it has counted so far, and the programs by which points have a value.

    `progress` is a part of 1.
    """

    simulation: Simulation
    tally: Tally
    progress: float
    in_force: Program
    draft: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtesting:
    """Starts and shows backtests."""

    path: WritePath
    store: Store
    programs: Programs
    clock: Callable[[], datetime]
    new_id: Callable[[], SimulationId]
    queue: SimulationQueue
    read_draft: ReadDraft

    def start(self, command: StartBacktest) -> Started:
        """Store what is asked, and send for a worker.

        A request that is told again sends again: its first message may never have been sent, and
        one more changes nothing.

        Raises:
            IdempotencyKeyReusedError: the key came with another input before.
        """
        started = self.path.run(lambda view: self._decide(view, command))
        self.queue.send(started.simulation_id, correlation_id=command.correlation_id)
        return started

    def _decide(self, view: View, command: StartBacktest) -> Decision[Started]:
        if command.request is not None:
            known = view.first_answer(command.request, command.fingerprint)
            if known is not None:
                id_ = SimulationId(known["simulation_id"])
                return Decision(result=Started(simulation_id=id_, replayed=True))
        id_, now = self.new_id(), self.clock()
        simulation = Simulation(
            simulation_id=id_,
            begins=command.begins,
            ends=command.ends,
            compared_at=now,
            created_at=now,
            requested_by=command.requested_by,
        )
        writes = (
            Create(item=simulation),
            Create(item=SimulationDraft(simulation_id=id_, document=command.document)),
        )
        if command.request is None:
            return Decision(result=Started(simulation_id=id_), writes=writes)
        request = Request(
            key=command.request,
            fingerprint=command.fingerprint,
            result=json.dumps({"simulation_id": id_}),
        )
        return Decision(result=Started(simulation_id=id_), writes=(*writes, Create(item=request)))

    def show(self, simulation_id: SimulationId) -> ShownBacktest:
        """A backtest.

        Raises:
            NotFoundError: there is none with this id.
        """
        view = View(self.store)
        view.load(
            SimulationKey(simulation_id=simulation_id),
            SimulationDraftKey(simulation_id=simulation_id),
        )
        simulation = view.simulation(simulation_id)
        draft = view.simulation_draft(simulation_id)
        if simulation is None or draft is None:
            raise NotFoundError("simulation", simulation_id)
        return ShownBacktest(
            simulation=simulation,
            tally=read_tally(json.loads(simulation.tally)),
            progress=progress_of(simulation),
            in_force=self.programs.at(simulation.compared_at),
            draft=self.read_draft(draft.document),
        )


def progress_of(simulation: Simulation) -> float:
    """How much of the directory is done, as a part of 1."""
    if simulation.status == "done":
        return 1.0
    return round(simulation.shard / SHARDS, _PROGRESS_DECIMALS)
