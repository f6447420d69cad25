"""A backtest of a hundred thousand earnings in one process: what each costs, reading included.

Members are recorded by the services themselves and kept as the table keeps them, so that every
entry and earning is decoded as it is in a function; what is left out is the network. The directory
names each of them many times over: a ledger of that size that fits into memory.
`python -m tests.benchmarks.backtests` measures this alone.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from points_ledger.adapters.dynamodb import codec
from points_ledger.adapters.dynamodb.codec import Attributes
from points_ledger.contracts.program import parse_program
from points_ledger.domain.entry import EntryType
from points_ledger.domain.identity import EarningKey, MemberId, SimulationId
from points_ledger.domain.program import Program
from points_ledger.service.backtest_job import BacktestJob
from points_ledger.service.backtesting import Backtesting, StartBacktest
from points_ledger.service.directory import SHARDS
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import (
    EntryPage,
    Item,
    ItemKey,
    LedgerReader,
    ListName,
    ListPage,
    ListReader,
    Outcome,
    PendingPage,
    Store,
    Write,
)
from points_ledger.service.publishing import FIRST_VERSION
from points_ledger.service.tracing import Tracing
from tests.benchmarks import reference
from tests.benchmarks.reference import HOLD, PROGRAM_DOCUMENT, START
from tests.service.desk import Desk

MEMBERS: Final = 2_000
EARNINGS: Final = 50
"""Of each member: purchases of five lines, paid and matured."""
RECORDED_MEMBERS: Final = 40
"""Different ones; each stands in the directory so often that there are MEMBERS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a backtest took."""

    earnings: int
    pages: int
    seconds: float
    cpu_seconds: float

    @property
    def microseconds_per_earning(self) -> float:
        return self.cpu_seconds * 1_000_000 / self.earnings


def replayed(members: int = MEMBERS, earnings: int = EARNINGS) -> Replayed:
    """Record a ledger, and run a backtest of a program with every purchase rule changed."""
    desk = _recorded(earnings)
    stored = _Stored(desk, members)
    draft = _draft(desk.programs.at(START))
    path = WritePath(store=stored, pause=lambda _: None)
    starting = Backtesting(
        path=path,
        store=stored,
        programs=desk.programs,
        clock=desk.clock,
        new_id=lambda: SimulationId("sim_benchmark"),
        queue=_NoQueue(),
        read_draft=lambda _: draft,
    )
    job = BacktestJob(
        path=path,
        store=stored,
        lists=stored,
        tracing=Tracing(reader=stored, lists=stored),
        programs=desk.programs,
        read_draft=lambda _: draft,
    )
    simulation_id = starting.start(
        StartBacktest(
            document="{}",
            begins=START - timedelta(days=400),
            ends=START + timedelta(days=400),
            requested_by="benchmark",
            request=None,
            fingerprint="",
            correlation_id="benchmark",
        )
    ).simulation_id
    began, cpu_began = time.perf_counter(), time.process_time()
    outcome = job.run(simulation_id, has_time=lambda: True)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    tally = starting.show(simulation_id).tally
    assert (outcome, tally.earnings) == ("done", members * earnings)
    assert tally.issued.draft > tally.issued.actual > 0
    return Replayed(
        earnings=tally.earnings, pages=stored.commits - 2, seconds=seconds, cpu_seconds=cpu_seconds
    )


def _recorded(earnings: int) -> Desk:
    """Members who buy once a day."""
    desk = Desk(_program())
    desk.now = START - timedelta(days=earnings + 1)
    for number in range(earnings):
        for member in range(RECORDED_MEMBERS):
            customer = reference.customer(member)
            sale = number * RECORDED_MEMBERS + member
            posted = reference.invoice(sale, customer, posted_at=desk.now)
            desk.tell(posted, reference.settlement(posted, at=desk.now))
        desk.now += HOLD
    for earning in desk.memory.earnings():
        desk.release(earning.key)
    return desk


def _program() -> Program:
    """The one that the local stack starts with."""
    return parse_program(json.loads(PROGRAM_DOCUMENT.read_text()), FIRST_VERSION)


def _draft(rules: Program) -> Program:
    return replace(
        rules, version=0, rules=tuple(replace(r, points=r.points * 2) for r in rules.rules)
    )


class _NoQueue:
    def send(self, simulation_id: SimulationId, *, correlation_id: str) -> None:
        """Nobody waits for it: the job is run here."""


@dataclass
class _Stored(Store, LedgerReader, ListReader):
    """A recorded ledger as items of the table, decoded with every read."""

    desk: Desk
    members: int
    commits: int = 0
    _chains: dict[MemberId, list[Attributes]] = field(default_factory=dict)
    _earnings: dict[EarningKey, Attributes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for member_id in self.desk.memory.members():
            chain = self.desk.memory.chain(member_id)
            self._chains[member_id] = [codec.encode_entry(entry) for entry in reversed(chain)]
        for earning in self.desk.memory.earnings():
            self._earnings[earning.key] = codec.encode_save(earning, earning.revision - 1)

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        found: dict[ItemKey, Item] = {
            key: codec.decode_item(self._earnings[key])
            for key in keys
            if isinstance(key, EarningKey) and key in self._earnings
        }
        others = [key for key in keys if not isinstance(key, EarningKey)]
        return {**found, **self.desk.memory.get(others)}

    def head(self, member_id: MemberId) -> None:  # noqa: ARG002 - the port's
        raise AssertionError("a backtest reads no heads")

    def commit(self, writes: Sequence[Write]) -> Outcome:
        self.commits += 1
        return self.desk.memory.commit(writes)

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> EntryPage:
        assert not types
        items = self._chains[member_id]
        first = 0 if before is None else len(items) - before + 1
        page = items[first : first + limit]
        entries = tuple(codec.decode_entry(item) for item in page)
        more = first + limit < len(items)
        return EntryPage(entries=entries, next_number=entries[-1].number if more else None)

    def pending_earnings(
        self,
        member_id: MemberId,  # noqa: ARG002 - the port's, as all of these
        *,
        limit: int,  # noqa: ARG002
        cursor: str | None,  # noqa: ARG002
    ) -> PendingPage:
        raise AssertionError("a backtest reads no pending earnings")

    def listed(
        self,
        name: ListName,
        partition: str,
        *,
        prefix: str = "",  # noqa: ARG002 - the port's, as all of these
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,  # noqa: ARG002
        consistent: bool = False,  # noqa: ARG002
    ) -> ListPage:
        if name != "members":
            return ListPage(ids=(), cursor=None)
        shard, first = int(partition), int(cursor or 0)
        mine = range(shard, self.members, SHARDS)[first : first + limit]
        recorded = list(self._chains)
        ids = tuple(recorded[number % len(recorded)] for number in mine)
        more = first + limit < len(range(shard, self.members, SHARDS))
        return ListPage(ids=ids, cursor=str(first + limit) if more else None)


def described(found: Replayed) -> Iterable[list[str]]:
    """The rows of the report."""
    yield ["earnings", f"{found.earnings:,}"]
    yield ["pages", f"{found.pages:,}"]
    yield ["seconds", f"{found.seconds:.1f}"]
    yield ["CPU per earning", f"{found.microseconds_per_earning:.0f} µs"]


if __name__ == "__main__":
    for name, value in described(replayed()):
        print(f"{name}: {value}")  # noqa: T201 - a command
