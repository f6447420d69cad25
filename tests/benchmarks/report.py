"""Measure everything, and write docs/benchmarks.md and docs/cost.md.

The exit code is 0 when every operation costs no more than its bar. Times are reported only: they
depend on the machine.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import stack as local_stack
from local.home import ROOT
from points_ledger.adapters.dynamodb.item_size import WRITE_UNIT_BYTES
from tests.benchmarks import backtests, cost_report, cpu, imports, machine, pages, throughput
from tests.benchmarks.meter import Usage
from tests.benchmarks.operations import (
    HISTORIES,
    LONGEST_HISTORY,
    OPERATIONS,
    Operation,
    balance,
    measured,
)
from tests.benchmarks.reference import ledger_on
from tests.benchmarks.text import table


def main() -> int:
    """Measure, write, and say whether the counts hold."""
    with local_stack.stack_for_tests() as stack:
        _say("Counting requests and units.")
        usages = _usages(stack)
        _say(f"Reading a balance after {LONGEST_HISTORY:,} entries.")
        histories = {
            entries: _usage(stack, balance(entries)) for entries in (*HISTORIES, LONGEST_HISTORY)
        }
        build_folder = Path(stack["build_folder"])
        _say("Starting fresh interpreters.")
        starts = imports.measured(build_folder)
        alternatives = imports.alternatives()
        _say("Measuring CPU time.")
        efforts = cpu.efforts()
        rules = cpu.many_rules()
        _say("Sending events through the stack.")
        rates = throughput.rates(stack)
        _say("Visiting the pages.")
        visits = pages.visits(stack)
    _say("Running a backtest.")
    replayed = backtests.replayed()
    sections = [
        _introduction(),
        _costs(usages),
        _histories(histories),
        _sizes(usages),
        _cold_starts(starts, alternatives),
        _efforts(efforts, rules),
        _throughput(rates),
        _pages(visits),
        _backtest(replayed),
    ]
    _write("benchmarks.md", "\n".join(sections))
    _write("cost.md", cost_report.text(usages))
    counted = [(each, usages[each.name]) for each in OPERATIONS]
    counted += [(balance(entries), usage) for entries, usage in histories.items()]
    missed = [each.name for each, usage in counted if each.bar and not each.bar.holds(usage)]
    for name in missed:
        _say(f"Costs more than its bar: {name}")
    return 1 if missed else 0


# --- Measuring ------------------------------------------------------------------------------


def _usages(stack: Mapping[str, Any]) -> dict[str, Usage]:
    return {operation.name: _usage(stack, operation) for operation in OPERATIONS}


def _usage(stack: Mapping[str, Any], operation: Operation) -> Usage:
    with ledger_on(stack["endpoint_url"], stack["region"]) as ledger:
        return measured(operation, ledger)


# --- Writing --------------------------------------------------------------------------------


def _backtest(found: backtests.Replayed) -> str:
    return f"""## A backtest

In one process, of purchases of five lines that have matured. Every entry and earning is decoded as
a function does; what the table needs to answer is not in it.

{table(["backtest", ""], backtests.described(found))}
"""


def _pages(visits: Mapping[str, pages.Visit]) -> str:
    rows = [
        [
            name,
            f"{each.transfer_bytes / 1000:.1f} kB",
            str(each.files),
            str(each.calls),
            f"{each.first_paint:.0f} ms",
            f"{each.largest_paint:.0f} ms",
            f"{each.click_to_paint:.0f} ms",
        ]
        for name, each in visits.items()
    ]
    head = ["first visit", "transfer", "files", "calls", "first paint", "largest paint", "click"]
    return f"""## Pages

In Chromium with an empty cache, against the local stack, medians of {pages.ROUNDS} visits; the bar
for the transfer is {pages.MAX_TRANSFER_BYTES / 1000:.0f} kB, everything included. "Click" is
the time from a click on the second link of the navigation until the browser has painted again.

{table(head, rows)}
"""


def _introduction() -> str:
    return f"""# Benchmarks

Written by `make bench`; do not edit. Counts are exact, the same on every machine, and a gate of
`make test` (tests/benchmarks/test_cost.py). Times depend on the machine and on what else it does;
compare ratios and counts.

{table(["machine", ""], ([name, value] for name, value in machine.description()))}
"""


def _costs(usages: Mapping[str, Usage]) -> str:
    rows = []
    for operation in OPERATIONS:
        usage, bar = usages[operation.name], operation.bar
        rows.append(
            [
                operation.name,
                str(usage.requests),
                f"{usage.write_units:g}",
                f"{usage.read_units:g}",
                f"{bar.requests} / {bar.write_units} / {bar.read_units}" if bar else "–",
                ("holds" if bar.holds(usage) else "**missed**") if bar else "",
            ]
        )
    head = ["operation", "requests", "write units", "read units", "bar", ""]
    return f"""## What operations cost

For a member with 40 lots and Stripe invoices of five lines, in a warm process (the program and the
hours of the markers are known; the last two rows are what a cold one adds). Write units as DynamoDB
reports them, its index included; read units by its documented rules from the items read.

{table(head, rows)}

- A payment that brings a name for its refunds also stores that name: two units more in the same
  transaction.
- A redemption on a ticket also reads what that ticket earned: one unit more.
- An hour's note is written by each process that puts a marker into it, at most once a minute.
"""


def _histories(histories: Mapping[int, Usage]) -> str:
    rows = [
        [f"{entries:,}", str(usage.requests), f"{usage.write_units:g}", f"{usage.read_units:g}"]
        for entries, usage in histories.items()
    ]
    return f"""## Balance and the length of the history

The partition really holds so many items. No times here: the emulator searches a whole partition,
DynamoDB goes to its end.

{table(["entries", "requests", "write units", "read units"], rows)}
"""


def _sizes(usages: Mapping[str, Usage]) -> str:
    kinds = [
        ("accrual", "accrual, one known member", "MEMBER#"),
        ("maturation", "maturation by hold release", "MEMBER#"),
        ("reversal", "refund of one line after maturation", "MEMBER#"),
        ("redemption", "redemption at once", "MEMBER#"),
        ("expiry", "expiry by sweep", "MEMBER#"),
        ("earning, posted", "accrual, one known member", "EARNING#"),
        ("earning, paid", "payment noted, and its name for refunds", "EARNING#"),
        ("earning, matured", "maturation by hold release", "EARNING#"),
        ("earning, refunded", "refund of one line after maturation", "EARNING#"),
        ("redemption, its own item", "redemption at once", "REDEMPTION#"),
    ]
    rows = [
        [what, *(str(size) for size in usages[name].sizes_of(prefix)[-1:])]
        for what, name, prefix in kinds
    ]
    return f"""## Sizes

Entries with 40 lots, earnings of five lines; {WRITE_UNIT_BYTES:,} bytes are one write unit. The
long text of an item that would be larger is stored deflated.

{table(["item", "bytes"], rows)}
"""


def _cold_starts(
    starts: Mapping[str, imports.Start], alternatives: Mapping[str, imports.Start]
) -> str:
    baseline = starts[imports.BASELINE_NAME]
    rows = [
        [
            name,
            f"{start.wall:.0f}",
            f"{start.cpu:.0f}",
            f"{start.least_cpu:.0f}",
            f"{start.wall / baseline.wall:.2f}",
            f"{start.least_cpu / baseline.least_cpu:.2f}",
        ]
        for name, start in starts.items()
    ]
    head = ["function", "ms", "CPU ms", "least CPU ms", "ratio", "ratio of least CPU"]
    without = [
        [name, f"{start.wall:.0f}", f"{start.cpu:.0f}", f"{start.least_cpu:.0f}"]
        for name, start in alternatives.items()
    ]
    return f"""## Cold start

Importing the function, making its first client and the services around it, in a fresh interpreter
that sees the built, byte-compiled layers and the standard library only; medians of
{imports.ROUNDS}, taken in turns. The baseline is the plain SDK: `import boto3` and
`boto3.client("dynamodb")`, byte-compiled too. Aim: a ratio of at most {imports.BAR}.

{table(head, rows)}

What some of the functions do without would add, on top of botocore and Powertools' Logger and
Metrics:

{table(["import", "ms", "CPU ms", "least CPU ms"], without)}
"""


def _efforts(efforts: Mapping[str, cpu.Effort], rules: Mapping[str, cpu.Effort]) -> str:
    rows = [
        [name, f"{effort.median:.2f}", f"{effort.least:.2f}", str(effort.log_bytes)]
        for name, effort in efforts.items()
    ]
    rule_rows = [
        [name, f"{effort.median:.1f}", f"{effort.least:.1f}"] for name, effort in rules.items()
    ]
    return f"""## CPU per event, outside the SDK

The whole handler with clients that answer from memory, logging included; milliseconds of CPU time,
median and least of {cpu.ROUNDS} rounds of {cpu.EVENTS_PER_ROUND}. Aim: at most
{cpu.BAR_MILLISECONDS:g} ms. See the plain loop above for how fast a core of this machine is.

{table(["event", "median", "least", "bytes logged"], rows)}

Valuing a purchase of {cpu.RULE_LINES} lines by {cpu.RULES} rules, in milliseconds of CPU time
(at most {cpu.RULES_BAR_MILLISECONDS:g} ms):

{table(["rules", "median", "least"], rule_rows)}
"""


def _throughput(rates: Mapping[str, throughput.Rate]) -> str:
    rows = [
        [name, str(rate.events), f"{rate.per_second:.0f}", f"{rate.median_milliseconds:.0f}"]
        for name, rate in rates.items()
    ]
    return f"""## Through the local stack

{throughput.CLIENTS} clients at once. The emulator plays six services on the cores of this machine
and is the ceiling: the figures say nothing about AWS.

{table(["way", "events", "events per second", "median ms of a request"], rows)}
"""


def _write(name: str, text: str) -> None:
    (ROOT / "docs" / name).write_text(text)
    _say(f"Written: docs/{name}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command line tells how far it is
