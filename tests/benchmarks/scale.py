"""``make bench-scale``: curves of a sweep, and what they make of twenty million.

Writes docs/scale.md.
"""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local import stack as local_stack
from local.home import ROOT
from points_ledger.adapters.dynamodb.item_size import READ_UNIT_BYTES
from points_ledger.service.sweep import HOURS_AT_ONCE, PAGE_SIZE
from points_ledger.service.sweep_ports import MARKERS_PER_SHARD, MAX_SHARDS, shards_for
from tests.benchmarks import machine, prices, sweeping
from tests.benchmarks.reference import ledger_on
from tests.benchmarks.sweeping import Drained
from tests.benchmarks.text import table

LIMIT_VARIABLE: Final = "SCALE_LIMIT"
"""In the environment: no more members than so many, where there is no time for all."""
IN_PROCESS: Final = (1_000, 10_000, 100_000)
ON_THE_STACK: Final = (1_000, 10_000)
PARALLEL: Final = (1, 2, 4, 8, 16)
PARALLEL_MEMBERS: Final = 1_000
CHART_COLUMNS: Final = 40

DUE_MEMBERS: Final = 20_000_000
REQUEST_SECONDS: Final = prices.REQUEST_SECONDS
VCPU: Final = 1_024 / 1_769
"""Lambda gives a whole processor with 1,769 MB; the functions have 1,024."""
WORKERS: Final = (10, 50, 200)
WORKER_PARALLEL: Final = 8
TABLE_WRITE_UNITS: Final = 4_000
"""What a new table on demand takes at once; it doubles with what it has seen."""
TABLE_READ_UNITS: Final = 12_000
PARTITION_WRITE_UNITS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one visit asks of the table; units of the reference shape (docs/benchmarks.md)."""

    name: str
    requests: int
    write_units: int
    read_units: int


LOOKS: Final = (
    Look(name="lots expire", requests=2, write_units=1, read_units=1),
    Look(name="a warning", requests=3, write_units=2, read_units=1),
    Look(name="lots expire, and a warning", requests=4, write_units=3, read_units=1),
    Look(name="a hold is released", requests=3, write_units=5, read_units=2),
)
AGAIN: Final = Look(name="looked at again, nothing due", requests=1, write_units=0, read_units=1)
"""The pass that closes the hour visits everybody once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Working off an hour with so many members due, by so many workers."""

    look: Look
    workers: int
    cpu_milliseconds: float
    """Of one visit in the handler, SDK included, on the machine that was measured."""

    @property
    def worker_per_second(self) -> float:
        """A worker waits for several requests at once, but has a part of a processor only."""
        waiting = self.look.requests * REQUEST_SECONDS / WORKER_PARALLEL
        return 1 / max(waiting, self.cpu_milliseconds / 1_000 / VCPU)

    @property
    def members_per_second(self) -> float:
        return self.workers * self.worker_per_second

    @property
    def minutes(self) -> float:
        return DUE_MEMBERS / self.members_per_second / 60

    @property
    def write_units_per_second(self) -> float:
        return self.members_per_second * self.look.write_units

    @property
    def read_units_per_second(self) -> float:
        return self.members_per_second * self.look.read_units

    @property
    def dollars(self) -> float:
        """Of the table and the workers, the closing pass included."""
        pages = 2 * DUE_MEMBERS / PAGE_SIZE
        writes = DUE_MEMBERS * self.look.write_units
        reads = DUE_MEMBERS * (self.look.read_units + AGAIN.read_units) + pages * page_units()
        seconds = DUE_MEMBERS / self.worker_per_second * (1 + AGAIN.requests / self.look.requests)
        invocations = math.ceil(seconds / 100)
        return (
            prices.WRITE.of(writes)
            + prices.READ.of(reads)
            + prices.COMPUTE.of(seconds * prices.MEMORY_GIGABYTES)
            + prices.INVOCATION.of(invocations)
            + prices.QUEUE_REQUEST.of(3 * invocations)
        )


def page_units() -> int:
    """Read units of one page of markers, read consistently."""
    return math.ceil(PAGE_SIZE * sweeping.marker_bytes() / READ_UNIT_BYTES)


# --- The report -----------------------------------------------------------------------------


def main() -> int:
    """Measure and write."""
    most = int(os.environ.get(LIMIT_VARIABLE, IN_PROCESS[-1]))
    memory = []
    for members in IN_PROCESS:
        if members <= most:
            _say(f"{members:,} members in process.")
            memory.append(_said(sweeping.in_process(members)))
    with local_stack.stack_for_tests() as stack:
        few = min(PARALLEL_MEMBERS, most)
        parallel = [_on_the_stack(stack, few, each) for each in PARALLEL]
        fastest = max(parallel, key=lambda drained: drained.per_second).parallel
        crowds = [each for each in ON_THE_STACK if few < each <= most]
        sizes = [max(parallel, key=lambda drained: drained.per_second)]
        sizes += [_on_the_stack(stack, members, fastest) for members in crowds]
    text = "\n".join([_introduction(), _curves(memory, parallel, sizes), _arithmetic(sizes)])
    (ROOT / "docs" / "scale.md").write_text(text, encoding="utf-8")
    return 0


def _on_the_stack(stack: Mapping[str, Any], members: int, parallel: int) -> Drained:
    _say(f"{members:,} members on the local stack, {parallel} in flight.")
    with ledger_on(stack["endpoint_url"], stack["region"]) as ledger:
        return _said(sweeping.on_the_table(ledger, members, parallel))


def _said(drained: Drained) -> Drained:
    _say(f"  {drained}")
    return drained


def _introduction() -> str:
    described = "\n".join(f"- {name}: {value}" for name, value in machine.description())
    return f"""# Scale

What a sweep gets through, measured where this machine reaches, and reckoned beyond. Written by
`make bench-scale`; how sweeps work is in [decisions/0022](decisions/0022-shards-of-an-hour.md),
what each visit costs in [benchmarks.md](benchmarks.md).

{described}
"""


def _curves(
    memory: Sequence[Drained], parallel: Sequence[Drained], sizes: Sequence[Drained]
) -> str:
    return f"""## Members whose points expire

One worker, members of the reference shape (40 lots), each with one lot that expires.

**In process**, on a store in memory: the time is that of our own code alone. The curve is flat: a
member costs the same however many are due.

{table(_HEAD, map(_row, memory))}

{_chart([(f"{each.members:,}", each.cpu_milliseconds) for each in memory], "ms CPU per member")}

**On the local stack**, {parallel[0].members:,} members by how many visits a worker has in flight.
The emulator works on the same cores as the worker, one request after the other, so what is gained
here is little; on AWS a worker waits for requests most of the time.

{table(_HEAD, map(_row, parallel))}

{_chart([(f"{each.parallel} in flight", each.per_second) for each in parallel], "members a second")}

**On the local stack**, by how many are due.

{table(_HEAD, map(_row, sizes))}

{_chart([(f"{each.members:,}", each.per_second) for each in sizes], "members a second")}
"""


_HEAD: Final = (
    "members due",
    "in flight",
    "seconds",
    "members a second",
    "ms CPU per member",
    "requests per member",
)


def _row(drained: Drained) -> tuple[str, ...]:
    return (
        f"{drained.members:,}",
        str(drained.parallel),
        f"{drained.seconds:,.1f}",
        f"{drained.per_second:,.0f}",
        f"{drained.cpu_milliseconds:.2f}",
        f"{drained.requests_per_member:.2f}",
    )


def _chart(bars: Sequence[tuple[str, float]], unit: str) -> str:
    """Bars of text."""
    longest, widest = max(value for _, value in bars), max(len(name) for name, _ in bars)
    lines = [
        f"{name:>{widest}} {'█' * max(1, round(value / longest * CHART_COLUMNS))} {value:,.2f}"
        for name, value in bars
    ]
    return "\n".join(["```", *lines, f"{'':>{widest}} {unit}", "```"])


def _arithmetic(sizes: Sequence[Drained]) -> str:
    cpu = sizes[-1].cpu_milliseconds
    shards = shards_for(DUE_MEMBERS)
    rows = []
    for look in LOOKS:
        for workers in WORKERS:
            drain = Drain(look=look, workers=workers, cpu_milliseconds=cpu * look.requests / 2)
            rows.append(
                (
                    look.name,
                    str(workers),
                    f"{drain.members_per_second:,.0f}",
                    f"{drain.write_units_per_second:,.0f}",
                    f"{drain.read_units_per_second:,.0f}",
                    f"{drain.minutes:,.0f}",
                    f"{drain.dollars:,.0f}",
                )
            )
    most = Drain(look=LOOKS[0], workers=WORKERS[1], cpu_milliseconds=cpu)
    units = [
        (
            look.name,
            f"{DUE_MEMBERS * look.requests / prices.MILLION:,.0f}",
            f"{DUE_MEMBERS * look.write_units / prices.MILLION:,.0f}",
            f"{DUE_MEMBERS * look.read_units / prices.MILLION:,.0f}",
            f"{DUE_MEMBERS * look.write_units / TABLE_WRITE_UNITS / 60:,.0f}",
        )
        for look in (*LOOKS, AGAIN)
    ]
    heads = ("what", "requests, millions", "WCU, millions", "RCU, millions", "minutes, cold table")
    return f"""## Twenty million in one hour

A month end at which {DUE_MEMBERS:,} members have something due at the same instant.

**What it asks of the table.** The last column is how long the writes alone take a table on demand
that is new, at its {TABLE_WRITE_UNITS:,} write units a second.

{table(heads, units)}

- **Markers** are of {sweeping.marker_bytes()} bytes, {PAGE_SIZE} to a page of {page_units()} read
  units: {2 * DUE_MEMBERS // PAGE_SIZE:,} queries for both passes.
- **Shards.** The hour counts its markers while they are written, over months, and has grown to
  {shards} shards long before it is due ({MARKERS_PER_SHARD:,} markers each until there are
  {MAX_SHARDS}; here {DUE_MEMBERS // shards:,}). No partition of markers is written faster than its
  {PARTITION_WRITE_UNITS:,} units a second unless {shards * PARTITION_WRITE_UNITS // 2:,} purchases
  a second open lots of one day. Members' own entries are spread over as many partitions as there
  are members. A sweep of warnings writes the next look of everybody, and those all into one hour
  that has one shard at first: it is throttled there for the first minutes, until the hour has grown
  and the processes have seen it, which they look at once a minute.
- **The tick** asks each of the {shards} shards for its first page, sends {math.ceil(shards / 10)}
  requests of ten messages, and is done within seconds.
- **A visit** waits {REQUEST_SECONDS * 1_000:.0f} ms for each request (an assumption, as in
  [cost.md](cost.md)) and takes {cpu:.1f} ms of a processor for two requests, SDK included, as
  measured above; Lambda gives {VCPU:.0%} of one with 1,024 MB. With {WORKER_PARALLEL} in flight a
  worker is bound by its processor.

**How long it takes, and what it costs**, with the pass that closes the hour in the price. `workers`
is `SweepMaximumConcurrency`.

{table(_DRAIN_HEAD, rows)}

## What has to be pre-warmed

- **The table's warm throughput.** On demand a table begins at {TABLE_WRITE_UNITS:,} write and
  {TABLE_READ_UNITS:,} read units a second and doubles what it has seen within half an hour. What
  the table above asks for with {WORKERS[1]} workers, {most.write_units_per_second:,.0f} write units
  a second, comes on top of what customers need at that moment: set warm throughput to the sum
  before the first month end of that size. It is paid once for what is added, and never falls.
  Without it nothing is lost: workers halve what they have in flight whenever the table throttles
  (service/pacing.py) and the hour takes as long as the cold table needs.
- **The account's concurrency.** {WORKERS[1]} workers of one sweep, or three times as many where
  holds and tiers are due at that hour, out of 1,000 that an account has at first and customers
  share. A cap on the mapping rather than reserved concurrency: what is not used is not taken from
  anybody.
- **Shards.** Nothing to do: hours that are written to long before are grown by then. A migration
  that imports everybody within minutes of the due hour writes them faster than the hour can grow;
  import a day ahead.
- **What follows the entries.** Each entry is a record of the stream: events, totals and mails of
  twenty million expiries come after it at their own pace, with one reader for each shard of the
  stream, and at a cost of their own ([cost.md](cost.md)). Balances do not wait for them.

## Off for sixty days

A sweep that was off catches up hour by hour, oldest first: it asks for the hours that have markers,
{HOURS_AT_ONCE} at a time for as long as it has time, and keeps the first hour that is not
closed. Nothing limits how far back that is; markers stay for 400 days. Every hour is visited once
instead of twice, because its time to be closed has come.
"""


_DRAIN_HEAD: Final = (
    "what is due",
    "workers",
    "members a second",
    "WCU a second",
    "RCU a second",
    "minutes",
    "dollars",
)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
