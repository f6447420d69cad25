"""The work of a backtest: walks the directory of members page by page and compares their earnings.

A page is counted in one conditional write of the backtest itself, with where the next page begins.
So a worker that is killed loses one page, and two workers on one backtest count nothing twice:
whoever comes second finds the page counted, and goes on from there.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, cast

from points_ledger.domain.backtest import DraftBudgets, MemberReplay, in_order, names_any
from points_ledger.domain.budget import SHARDS as BUDGET_SHARDS
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.error import BrokenInvariantError, ConflictError, LedgerError
from points_ledger.domain.identity import MemberId, SimulationId
from points_ledger.domain.program import Program
from points_ledger.domain.state import State
from points_ledger.domain.tally import Change, Tally, read_tally
from points_ledger.domain.tier import current_tier
from points_ledger.service.backtesting import ReadDraft
from points_ledger.service.directory import SHARDS, partition_of
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import Budget, BudgetKey, ListReader, Save, Simulation, Store
from points_ledger.service.programs import Programs
from points_ledger.service.tracing import History, Tracing

PAGE_MEMBERS: Final = 50
"""Members whose earnings are compared between two writes of the progress."""
PAGE_EARNINGS: Final = 2_000
"""A page ends after as many earnings, however few members they are of."""
LISTED_MEMBERS: Final = 10
"""Members read from the directory at once: so many may go over the end of a page."""
MAX_ATTEMPTS: Final = 5
"""Workers that may begin a page without finishing it, before the backtest is given up."""
KEYS_PER_READ: Final = 100

INTERRUPTED: Final = "interrupted"
"""The reason of a backtest whose workers ended again and again, without a word."""

JobOutcome = Literal["done", "failed", "out_of_time", "unknown"]

Gather = Callable[
    [Callable[[MemberId], History | None], Iterable[MemberId]], Iterable[History | None]
]
"""Reads of several members: one after the other, or side by side; the answers in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestJob:
    """Works backtests off.

    Attributes:
        gather: how the histories of several members are read.
    """

    path: WritePath
    store: Store
    lists: ListReader
    tracing: Tracing
    programs: Programs
    read_draft: ReadDraft
    gather: Gather = map

    def run(self, simulation_id: SimulationId, *, has_time: Callable[[], bool]) -> JobOutcome:
        """Go on with a backtest until it is done, or there is no time for another page.

        Raises:
            ConflictError: the store is too busy; the same backtest may be worked on again.
        """
        simulation = self.path.run(lambda view: _begun(view, simulation_id))
        if simulation is None:
            return "unknown"
        draft = self._draft(simulation_id)
        given = self._given(draft)
        while simulation.status == "running":
            if not has_time():
                return "out_of_time"
            base, page = simulation, self._page(simulation, draft, given)
            simulation = self.path.run(lambda view, a=base, b=page: _counted(view, a, b))  # type: ignore[misc]  # bound now
        return "done" if simulation.status == "done" else "failed"

    def _draft(self, simulation_id: SimulationId) -> Program:
        stored = View(self.store).simulation_draft(simulation_id)
        if stored is None:
            raise BrokenInvariantError(f"simulation {simulation_id} has no draft")
        return self.read_draft(stored.document)

    def _given(self, draft: Program) -> Mapping[str, int]:
        """What the draft's campaigns have really given of their budgets by now."""
        keys = [
            BudgetKey(campaign_id=campaign.id, shard=shard)
            for campaign in draft.campaigns
            if campaign.budget_points is not None
            for shard in range(BUDGET_SHARDS)
        ]
        given: dict[str, int] = {}
        for first in range(0, len(keys), KEYS_PER_READ):
            for item in self.store.get(keys[first : first + KEYS_PER_READ]).values():
                budget = cast("Budget", item)
                given[budget.campaign_id] = given.get(budget.campaign_id, 0) + budget.given
        return given

    def _page(self, simulation: Simulation, draft: Program, given: Mapping[str, int]) -> Simulation:
        """The backtest after one more page, or failed with the reason."""
        tally = read_tally(json.loads(simulation.tally))
        counting = _Counting(
            job=self,
            simulation=simulation,
            draft=draft,
            tally=tally,
            budgets=DraftBudgets(draft=draft, given=given, drawn=tally.drawn),
        )
        try:
            shard, cursor = self._walk(simulation, counting.count)
        except ConflictError:
            raise
        except LedgerError as error:
            return replace(simulation, status="failed", reason=error.code)
        return replace(
            simulation,
            status="done" if shard == SHARDS else "running",
            shard=shard,
            cursor=cursor,
            attempts=0,
            tally=json.dumps(counting.tally.encode(), separators=(",", ":")),
        )

    def _walk(
        self, simulation: Simulation, count: Callable[[Iterable[MemberId]], tuple[int, int]]
    ) -> tuple[int, str | None]:
        """Count members until a page is full; where the next one begins."""
        shard, cursor, members, earnings = simulation.shard, simulation.cursor, 0, 0
        while shard < SHARDS and members < PAGE_MEMBERS and earnings < PAGE_EARNINGS:
            page = self.lists.listed(
                "members", partition_of(shard), limit=LISTED_MEMBERS, cursor=cursor
            )
            more_members, more_earnings = count(map(MemberId, page.ids))
            members, earnings = members + more_members, earnings + more_earnings
            shard, cursor = (shard, page.cursor) if page.cursor else (shard + 1, None)
        return shard, cursor


def _begun(view: View, simulation_id: SimulationId) -> Decision[Simulation | None]:
    """Note that a worker begins; one that fails without a word is not sent for for ever."""
    stored = view.simulation(simulation_id)
    if stored is None or stored.status != "running":
        return Decision(result=stored)
    begun = replace(stored, attempts=stored.attempts + 1)
    if begun.attempts > MAX_ATTEMPTS:
        begun = replace(stored, status="failed", reason=INTERRUPTED)
    newer, write = _next(stored, begun)
    return Decision(result=newer, writes=(write,))


def _counted(view: View, base: Simulation, page: Simulation) -> Decision[Simulation]:
    """Keep a page that begins where `base` ends.

    Where another worker has counted it meanwhile, or the backtest is over, that stands.
    """
    stored = view.simulation(base.simulation_id)
    if stored is None:
        raise BrokenInvariantError(f"simulation {base.simulation_id} is gone")
    if stored.status != "running" or _place(stored) != _place(base):
        return Decision(result=stored)
    newer, write = _next(stored, page)
    return Decision(result=newer, writes=(write,))


def _place(simulation: Simulation) -> tuple[int, str | None]:
    return simulation.shard, simulation.cursor


def _next(stored: Simulation, newer: Simulation) -> tuple[Simulation, Save]:
    """The next revision of a backtest, and its write."""
    newer = replace(newer, revision=stored.revision + 1)
    return newer, Save(item=newer, expected=stored.revision)


@dataclass(slots=True, kw_only=True)
class _Counting:
    """One page: what is counted, and how."""

    job: BacktestJob
    simulation: Simulation
    draft: Program
    tally: Tally
    budgets: DraftBudgets

    def count(self, members: Iterable[MemberId]) -> tuple[int, int]:
        """Compare the earnings of some members; how many members and earnings these were."""
        simulation, earnings, found = self.simulation, 0, 0

        def read(member_id: MemberId) -> History | None:
            return self.job.tracing.history(
                member_id, begins=simulation.begins, ends=simulation.ends
            )

        for history in self.job.gather(read, members):
            found += 1
            if history is not None:
                earnings += self._member(history)
        return found, earnings

    def _member(self, history: History) -> int:
        """Compare one member's earnings; how many there were."""
        simulation, programs = self.simulation, self.job.programs
        replay = MemberReplay(
            ids=history.ids,
            draft=self.draft,
            now=simulation.compared_at,
            budgets=self.budgets,
        )
        earnings = 0
        for earning in self._earnings(history):
            assert earning.program_version is not None
            program = programs.version(earning.program_version)
            compared = replay.compared(earning, history.traces[earning.key], program=program)
            earnings += 1
            if compared.is_own:
                self.tally.add_earning(compared)
        change = Change(history.member_id, replay.actual, replay.draft_points)
        tier, tier_by_draft = self._tiers(replay, history.state_at_end)
        self.tally.add_member(change, tier=tier, tier_by_draft=tier_by_draft)
        return earnings

    def _earnings(self, history: History) -> Iterator[Earning]:
        """The earnings of the period, in order; what was never valued is not there."""
        keys, simulation = in_order(history.traces), self.simulation
        for first in range(0, len(keys), KEYS_PER_READ):
            asked = keys[first : first + KEYS_PER_READ]
            stored = self.job.store.get(asked)
            for key in asked:
                earning = cast("Earning | None", stored.get(key))
                if (
                    earning is not None
                    and earning.posted_at is not None
                    and earning.program_version is not None
                    and simulation.begins <= earning.posted_at < simulation.ends
                    and names_any(earning, history.ids)
                ):
                    yield earning

    def _tiers(self, replay: MemberReplay, state: State | None) -> tuple[str | None, str | None]:
        """The tier at the end of the period, really and by the draft."""
        if state is None:
            return None, None
        # The last moment of the period: a version that begins with its end was not in force.
        at = min(self.simulation.ends, self.simulation.compared_at) - datetime.resolution
        program = self.job.programs.at(at)
        today = local_day(at, program.zone)
        tier = current_tier(state.standing, today=today, program=program)
        return tier, replay.tier(state, at, really=tier, program=program)
