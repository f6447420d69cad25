"""How fast a sweep works off members whose points expire: alone, and on the emulator.

Every member has the shape that the bars are set for, and one lot whose last day is over. In process
nothing but our own code works, so the CPU time is that of the ledger; on the emulator botocore
works too, and the emulator itself on the same cores: its rates say how requests overlap, not what
AWS does."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from points_ledger.adapters.dynamodb import codec
from points_ledger.adapters.dynamodb.item_size import size_bytes
from points_ledger.contracts.program import parse_program
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.service.pacing import Pace
from points_ledger.service.ports import Append, Committed, Marker, Put
from points_ledger.service.publishing import FIRST_VERSION
from points_ledger.service.sweep import Sweep, SweepReport
from points_ledger.service.sweep_ports import SweepStore
from tests.benchmarks.reference import PROGRAM_DOCUMENT, Ledger, head_of, lots
from tests.service.desk import Desk

DUE: Final = datetime(2027, 3, 1, 6, tzinfo=UTC)
"""The first of March begins in Chicago: what was good through February expires."""
HELD: Final = lots(without=date(2027, 3, 31))
"""Nobody has to be warned on that day."""
ACTOR: Final = "schedule:expiry"
MEMBERS_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What it took to work an hour off.

    Attributes:
        cpu_seconds: of this process, all its threads.
        parallel: visits in flight at most.
    """

    members: int
    parallel: int
    seconds: float
    cpu_seconds: float
    requests: int

    @property
    def per_second(self) -> float:
        return self.members / self.seconds

    @property
    def cpu_milliseconds(self) -> float:
        return self.cpu_seconds * 1_000 / self.members

    @property
    def requests_per_member(self) -> float:
        return self.requests / self.members


def in_process(members: int) -> Drained:
    """The sweep on a store in memory, which costs next to nothing."""
    desk = Desk(program(), now=DUE)
    for entry in heads(members):
        assert desk.memory.commit([Append(entry=entry)]) == Committed()
        desk.memory.commit([Put(item=marker_of(entry.member_id))])
    desk.store.requests.clear()

    def visit(target: str, now: datetime) -> int:
        return desk.expiring.visit(target, now=now, actor=ACTOR)

    return drained(desk.memory, visit, members, 1, lambda: len(desk.store.requests))


def on_the_table(ledger: Ledger, members: int, parallel: int) -> Drained:
    """One worker against a real client, on a table on which nothing else is due."""
    ledger.clock.now = DUE
    for chunk in chunks(heads(members)):
        ledger.put(
            *(codec.encode_entry(entry) for entry in chunk),
            *(codec.encode_marker(marker_of(entry.member_id), DUE, 1) for entry in chunk),
        )
    ledger.store.commit([Put(item=marker_of(MemberId("mbr_nobody")))])  # makes the hour known
    ledger.programs.at(DUE)
    count = itertools.count()
    calls = 0
    lock = threading.Lock()

    def called(**_: object) -> None:
        nonlocal calls
        with lock:
            calls = next(count) + 1

    ledger.client.meta.events.register("before-call.dynamodb", called)

    def visit(target: str, now: datetime) -> int:
        return ledger.expiring.visit(target, now=now, actor=ACTOR)

    try:
        return drained(ledger.sweeps, visit, members, parallel, lambda: calls)
    finally:
        ledger.client.meta.events.unregister("before-call.dynamodb", called)


def drained(
    store: SweepStore,
    visit: Callable[[str, datetime], int],
    members: int,
    parallel: int,
    requests: Callable[[], int],
) -> Drained:
    pace = Pace(parallel, clock=time.monotonic, pause=time.sleep)
    sweep = Sweep(kind="expiry", store=store, visit=visit, clock=lambda: DUE, pace=pace)
    began, cpu, asked = time.perf_counter(), time.process_time(), requests()
    report: SweepReport = sweep.run(DUE)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    assert (report.posted, report.failed) == (members, 0), report
    return Drained(
        members=members,
        parallel=parallel,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        requests=requests() - asked,
    )


def program() -> Program:
    return parse_program(json.loads(PROGRAM_DOCUMENT.read_text()), FIRST_VERSION)


def heads(members: int) -> Iterator[Entry]:
    """The newest entries of so many members, who share one state."""
    one = head_of(MemberId("mbr_shape"), HELD, number=1)
    for number in range(members):
        yield replace(one, member_id=MemberId(f"mbr_k7d2{number:012d}"))


def marker_of(member_id: MemberId) -> Marker:
    return Marker(kind="expiry", due_at=DUE, target=f"{member_id} 2027-02-28 -1")


def marker_bytes() -> int:
    """What a marker takes, with a member's id as they are made."""
    return size_bytes(codec.encode_marker(marker_of(MemberId("mbr_k7d2q4x5n3r6t2bz")), DUE, 256))


def chunks(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    while chunk := list(itertools.islice(entries, MEMBERS_AT_ONCE)):
        yield chunk
