"""docs/load.md: a load and what came of it, as tables."""

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from local import stack as local_stack
from local.home import ROOT
from tests.benchmarks.machine import description
from tests.load.judging import Loaded, loaded
from tests.load.traffic import CLIENTS
from tests.stack.client import StackClient

PAGE: Final = ROOT / "docs" / "load.md"
SECONDS: Final = 30.0
MEMBERS: Final = 24

_INTRODUCTION: Final = """# Under load

Written by `make load`: {clients} clients at once put mixed traffic on the local stack for
{seconds:.0f} seconds, {members} members at first, some of them far more often than others. Webhooks
bring purchases, payments, bounces, refunds and voids in any order, and 15 % of everything that is
written comes twice. Every request is sent again with its key until the answer is definite, as
clients have to.

Afterwards the queues drain, the reconciliation checks everybody who was written, every balance is
compared with what the clients wrote down, and every chain is computed again offline by `verify`.
The emulator does the work of six services on the same cores, so rates and times say that the pieces
hold together, and next to nothing about AWS (see [cost.md](cost.md) for what is asked of it
there)."""


def main() -> int:
    """Put the load on a stack, write the page, and say what is wrong."""
    with local_stack.stack_for_tests() as stack, StackClient(stack) as ledger:
        found = loaded(ledger, seconds=SECONDS, members=MEMBERS, seed=int(time.time()))
    text = page(found)
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    sys.stderr.writelines(f"{each}\n" for each in found.wrong)
    return 1 if found.wrong else 0


def page(found: Loaded) -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(
        clients=CLIENTS, seconds=found.lasted_seconds, members=MEMBERS
    )
    parts = [introduction, "## What was asked", _waits(found), "## What came of it", _end(found)]
    machine = _table(("of the machine", ""), description())
    return "\n\n".join([*parts, "## Where", machine]) + "\n"


def _waits(found: Loaded) -> str:
    rows = [(kind, *_row(found.seconds[kind])) for kind in sorted(found.seconds)]
    everything = [each for kind in found.seconds.values() for each in kind]
    rows.append(("**all**", *_row(everything)))
    return _table(("request", "number", "p50 ms", "p95 ms", "p99 ms", "longest ms"), rows)


def _row(seconds: Sequence[float]) -> tuple[str, ...]:
    waits = sorted(each * 1_000 for each in seconds)
    shown = (*(_part(waits, part) for part in (0.5, 0.95, 0.99)), waits[-1])
    return (f"{len(waits):,}", *(f"{each:,.0f}" for each in shown))


def _part(waits: Sequence[float], part: float) -> float:
    """The wait that so many are not above."""
    if len(waits) < 2:
        return waits[0]
    return statistics.quantiles(waits, n=100, method="inclusive")[round(part * 100) - 1]


def _end(found: Loaded) -> str:
    run = found.run
    return _table(
        ("of the run", ""),
        [
            ("requests per second", f"{found.requests / found.lasted_seconds:,.0f}"),
            ("attempts that had to be sent again", _counted(found.again)),
            ("definite refusals", _counted(found.refused)),
            ("queues empty after the last request", f"{found.drained_seconds:.1f} s"),
            ("members · entries", f"{found.members:,} · {found.entries:,}"),
            (
                "reconciliation: members checked · differences",
                f"{run['checked']:,} · {run['difference_count']:,}",
            ),
            (
                "balances, chains and members that are wrong",
                f"{len(found.wrong)} of {found.members:,}",
            ),
        ],
    )


def _counted(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{name} × {number:,}" for name, number in sorted(counter.items())) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
