"""Backtests at a desk: asked for, worked off as often as there is time, and what they counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final

from points_ledger.domain.identity import SimulationId
from points_ledger.domain.program import Program
from points_ledger.domain.tally import Tally
from points_ledger.service.backtest_job import BacktestJob, JobOutcome
from points_ledger.service.backtesting import Backtesting, ShownBacktest, StartBacktest
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import RequestKey
from points_ledger.service.tracing import Tracing
from tests.builders import after
from tests.service.desk import Desk

BEGINNING: Final = after(days=-30)
END: Final = after(days=400)
PLENTY: Final = 10_000
"""Pages of time."""


@dataclass
class Backtests:
    """Backtests of a desk's ledger; a draft is a program, kept under a made-up document."""

    desk: Desk
    sent: list[SimulationId] = field(default_factory=list)
    drafts: dict[str, Program] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def backtesting(self) -> Backtesting:
        return Backtesting(
            path=self.path(),
            store=self.desk.store,
            programs=self.desk.programs,
            clock=self.desk.clock,
            new_id=lambda: SimulationId(f"simulation-{next(self.numbers)}"),
            queue=self,
            read_draft=self.drafts.__getitem__,
        )

    @property
    def job(self) -> BacktestJob:
        """A worker with nothing in its memory."""
        return BacktestJob(
            path=self.path(),
            store=self.desk.store,
            lists=self.desk.memory,
            tracing=Tracing(reader=self.desk.memory, lists=self.desk.memory),
            programs=self.desk.programs,
            read_draft=self.drafts.__getitem__,
        )

    def path(self) -> WritePath:
        return WritePath(store=self.desk.store, pause=lambda _: None)

    def send(self, simulation_id: SimulationId, *, correlation_id: str) -> None:
        assert correlation_id
        self.sent.append(simulation_id)

    def start(
        self,
        draft: Program,
        *,
        begins: datetime = BEGINNING,
        ends: datetime = END,
        key: str | None = None,
    ) -> SimulationId:
        document = f"draft {len(self.drafts)}"
        self.drafts[document] = draft
        command = StartBacktest(
            document=document,
            begins=begins,
            ends=ends,
            requested_by="admin",
            request=RequestKey(caller="admin", key=key) if key else None,
            fingerprint=f"{begins} {ends}",
            correlation_id="request-1",
        )
        return self.backtesting.start(command).simulation_id

    def work(self, simulation_id: SimulationId, *, pages: int = PLENTY) -> JobOutcome:
        return self.job.run(simulation_id, has_time=has_time_for(pages))

    def show(self, simulation_id: SimulationId) -> ShownBacktest:
        return self.backtesting.show(simulation_id)

    def of(self, draft: Program, *, begins: datetime = BEGINNING, ends: datetime = END) -> Tally:
        """A whole backtest."""
        simulation_id = self.start(draft, begins=begins, ends=ends)
        assert self.work(simulation_id) == "done"
        return self.show(simulation_id).tally


def has_time_for(pages: int) -> Callable[[], bool]:
    left = iter(range(pages))
    return lambda: next(left, None) is not None
