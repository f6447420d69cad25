"""docs/peers.md: what was compared, how each peer came through the faults, and what it costs.

Everything that depends on a measurement is made of it, the sentences about who is ahead included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.peers.measuring import (
    DUE_MEMBERS,
    EVENTS,
    KINDS,
    LIFE,
    PGBENCH_SECONDS,
    SDK,
    START_ROUNDS,
    Cost,
    Start,
)
from tests.benchmarks.peers.playing import ROUNDS, Outcome
from tests.benchmarks.peers.rental import MEDIUM, SMALLEST, Instance
from tests.benchmarks.peers.script import MAX_DELIVERIES, VALID_DAYS, WORKERS
from tests.benchmarks.prices import MILLION, READ, WRITE
from tests.benchmarks.text import table

OURS: Final = "ledger"
TITLES: Final[Mapping[str, str]] = {
    OURS: "this ledger",
    "nostro": "hf-nostro",
    "postgres": "plain PostgreSQL",
    "powertools": "mutable item + Powertools",
}
MONTHS: Final = (10_000, 1_000_000, 10_000_000, 100_000_000)
"""Purchases a month."""
ABSENT: Final = "–"
FEWER: Final = 0.9
"""Only what is clearly less is called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that was found, by peer."""

    machine: Sequence[tuple[str, str]]
    versions: Mapping[str, str]
    outcomes: Mapping[str, Sequence[Outcome]]
    costs: Mapping[str, Mapping[str, Cost]]
    sweeps: Mapping[str, Cost | None]
    starts: Mapping[str, Start]
    pgbench: Mapping[int, float]


def text(found: Comparison) -> str:
    """The whole document."""
    return "\n".join(
        [
            _introduction(found),
            _peers(found),
            _faults(found),
            _ahead(found),
            _costs(found),
            _months(found),
            _sweeps(found),
            _starts(found),
            _throughput(found),
            _limits(),
        ]
    )


def score(outcomes: Sequence[Outcome]) -> str:
    """Such as 27 of 34."""
    return f"{sum(outcome.passed for outcome in outcomes)} of {len(outcomes)}"


def dollars(cost: Cost) -> float | None:
    """What a million of it cost at DynamoDB; None where nothing is paid by the request."""
    if cost.write_units is None or cost.read_units is None:
        return None
    return WRITE.of(cost.write_units * MILLION) + READ.of(cost.read_units * MILLION)


def _introduction(found: Comparison) -> str:
    return f"""# This ledger beside others

Written by `make bench-peers`; do not edit. Four ways to keep loyalty points get the same messages,
each in its own environment, on this machine: first whether the balances are right when things go
wrong, then what it costs. Counts and outcomes are what to look at; times depend on the machine.

{table(["machine", ""], [list(each) for each in found.machine])}
"""


def _peers(found: Comparison) -> str:
    rows = [[TITLES[name], found.versions[name]] for name in TITLES]
    return f"""## Who is compared

{table(["", "made of"], rows)}

- **This ledger**: the handlers of `accrual`, `maturation`, `redemption`, `accounts` and `expiry`
  on a table of the local stack, called as Lambda calls them.
- **hf-nostro**: an append-only ledger of credits with lots, debt and an expiry sweep, a library on
  PostgreSQL. It knows no purchases, pending points or reservations; they are the application's. Our
  handlers keep a row for each purchase and each message beside it and join its writes to their own
  transaction, the surest way that its manual shows.
- **Plain PostgreSQL**: an account row with the balance, a row for each movement under a unique
  reference, a row for each purchase; every message is one transaction. SQL of our own
  (tests/benchmarks/peers/sql.py), as most shops do it when they do it with care.
- **Mutable item + Powertools**: what most serverless samples do: `ADD` to a balance, one request
  after the other, inside `idempotent_function` with a record for each message and the defaults
  of the library (a record is good for an hour), the payload checked; on the local stack.

All keep the same program: one point for each whole 1.00 of what a purchase still costs, granted
when it is paid, good for {VALID_DAYS} days, spent soonest first. The three peers do what their kind
does: a fact about a purchase that is not known yet fails and comes again, and each refund takes
back the points of its own amount.
"""


def _faults(found: Comparison) -> str:
    names = list(TITLES)
    rows = []
    for number, outcome in enumerate(found.outcomes[OURS]):
        fault = outcome.fault
        cells = [_cell(found.outcomes[name][number]) for name in names]
        rows.append([f"{fault.group}: {fault.name}", _expected(outcome), *cells])
    rows.append(["**right**", "", *(f"**{score(found.outcomes[name])}**" for name in names)])
    head = ["fault", "expected", *(TITLES[name] for name in names)]
    return f"""## The fault script

The balance at the end. A message that fails or whose worker dies comes again a quarter of an hour
later, up to {MAX_DELIVERIES} deliveries in all. Killed: the process ends right after a write has
become durable and before it can answer, once for every write that it makes, and all of those runs
have to end right. At the same moment: {WORKERS} processes, {ROUNDS} runs; who is right there by
luck alone may be wrong in another run. "×1" says how many redemptions took points where that
matters; {ABSENT}: the peer has nothing for it.

{table(head, rows)}

The expected balances are checked against a computation from the rules alone
(tests/benchmarks/peers/test_script.py). Some of the faults are ones that this ledger was built
for; whoever keeps points otherwise may live well with some of these differences, such as with
rounding each refund by itself. What a peer gets wrong is our handlers' doing as much as its own:
they are in tests/benchmarks/peers, to be read and mended.
"""


def _expected(outcome: Outcome) -> str:
    accepted = outcome.fault.accepted
    return f"{outcome.fault.expected}" + (f" ×{accepted}" if accepted is not None else "")


def _cell(outcome: Outcome) -> str:
    if not outcome.is_offered:
        return ABSENT
    if outcome.passed:
        return "right"
    accepted = outcome.fault.accepted
    return f"**{outcome.got}**" + (f" ×{outcome.accepted}" if accepted is not None else "")


# --- Who is ahead ---------------------------------------------------------------------------


def _ahead(found: Comparison) -> str:
    lines = "\n".join(f"- {line}" for line in ahead(found)) or "- Nowhere in this run."
    return f"""## Where a peer is ahead

Of what was measured here:

{lines}

And by its nature:

- PostgreSQL answers any question in SQL; this ledger answers those that its reports were built for.
- A database by the month costs the same at a hundred times the load; see the months below.
- PostgreSQL and hf-nostro run on a laptop as they run in production, without an emulator.
- hf-nostro lets an application's own rows change in the same transaction as the balance, keeps
  fractions of a credit, has promotion codes, and its triggers refuse any change of an entry.
- The plain schema is a hundred lines, and the baseline not many more: whoever can live with its
  faults has less to read.
"""


def ahead(found: Comparison) -> Iterator[str]:
    """Where a peer is clearly better than this ledger, one sentence each."""
    for name in (each for each in TITLES if each != OURS):
        title = TITLES[name]
        better = [
            theirs.fault.name
            for theirs, ours in zip(found.outcomes[name], found.outcomes[OURS], strict=True)
            if theirs.passed and not ours.passed
        ]
        if better:
            yield f"{title} comes through where we do not: {'; '.join(better)}."
        yield from _cheaper(title, found.costs[name], found.costs[OURS])
        yield from _lighter_sweep(title, found.sweeps[name], found.sweeps[OURS])
        theirs, ours = found.starts[name].least_cpu, found.starts[OURS].least_cpu
        if theirs < FEWER * ours:
            yield f"{title} starts with {theirs:.0f} ms of CPU time, we with {ours:.0f}."


def _cheaper(title: str, theirs: Mapping[str, Cost], ours: Mapping[str, Cost]) -> Iterator[str]:
    fewer = [
        f"{kind} ({theirs[kind].requests:.3g} to {ours[kind].requests:.3g})"
        for kind in KINDS
        if theirs[kind].requests < FEWER * ours[kind].requests
    ]
    if fewer:
        yield f"{title} sends fewer requests: {', '.join(fewer)}."
    units = [
        f"{kind} ({their_dollars:.2f} to {our_dollars:.2f} dollars a million)"
        for kind in KINDS
        if (their_dollars := dollars(theirs[kind])) is not None
        and (our_dollars := dollars(ours[kind])) is not None
        and their_dollars < FEWER * our_dollars
    ]
    if units:
        yield f"{title} uses fewer capacity units: {', '.join(units)}."
    lighter = [
        f"{kind} ({_cpu(theirs[kind]):.1f} to {_cpu(ours[kind]):.1f} ms)"
        for kind in KINDS
        if _cpu(theirs[kind]) < FEWER * _cpu(ours[kind])
    ]
    if lighter:
        yield f"{title} takes less CPU time, the database's own included: {', '.join(lighter)}."


def _cpu(cost: Cost) -> float:
    return cost.cpu + (cost.server_cpu or 0)


def _lighter_sweep(title: str, theirs: Cost | None, ours: Cost | None) -> Iterator[str]:
    if theirs is None or ours is None:
        return
    if theirs.requests < FEWER * ours.requests:
        yield (
            f"{title} expires a member's points with {theirs.requests:.2g} requests, "
            f"we with {ours.requests:.2g}."
        )
    if _cpu(theirs) < FEWER * _cpu(ours):
        yield (
            f"{title} expires a member's points in {_cpu(theirs):.2g} ms of CPU time, the "
            f"database's own included, we in {_cpu(ours):.2g}."
        )


# --- Costs ----------------------------------------------------------------------------------


def _costs(found: Comparison) -> str:
    head = ["message", *(TITLES[name] for name in TITLES)]
    requests = [[kind, *(_shown(found.costs[n][kind].requests) for n in TITLES)] for kind in KINDS]
    units = [
        [
            kind,
            *(
                f"{_shown(cost.write_units)} / {_shown(cost.read_units)}"
                for cost in (found.costs[name][kind] for name in _metered(found))
            ),
            *(_money(dollars(found.costs[name][kind])) for name in _metered(found)),
        ]
        for kind in KINDS
    ]
    efforts = [[kind, *(_effort(found.costs[name][kind]) for name in TITLES)] for kind in KINDS]
    titles = [TITLES[name] for name in _metered(found)]
    unit_head = ["message", *titles, *(f"{title}, dollars a million" for title in titles)]
    return f"""## What a message costs

The mean of {EVENTS} messages of a kind in a warm process. Purchases of 100.00, which this ledger
keeps with five lines; members with a few lots. [benchmarks.md](benchmarks.md) has this ledger's
members of many years.

Requests to the database (for PostgreSQL statements, `BEGIN` and `COMMIT` included, each of which
is a way there and back):

{table(head, requests)}

DynamoDB's write / read units, and dollars for a million messages by the prices of
[cost.md](cost.md). What Lambda and the queues cost is the same for both:

{table(unit_head, units)}

Milliseconds of CPU time: the worker's, driver or SDK included, + the PostgreSQL server's own. The
SDK, which signs, serialises and speaks HTTP, takes most of what is spent on DynamoDB:

{table(head, efforts)}

What the entries of this ledger hold in addition, and its units pay for: hash, rule, version and
source of each; lots and counters; the facts of every purchase.
"""


def _metered(found: Comparison) -> list[str]:
    return [name for name in TITLES if found.costs[name][KINDS[0]].write_units is not None]


def _shown(number: float | None) -> str:
    return ABSENT if number is None else f"{number:.1f}".removesuffix(".0")


def _money(amount: float | None) -> str:
    return ABSENT if amount is None else f"{amount:,.2f}"


def _effort(cost: Cost) -> str:
    server = f" + {cost.server_cpu:.1f}" if cost.server_cpu is not None else ""
    return f"{cost.cpu:.1f}{server}"


def _months(found: Comparison) -> str:
    metered = _metered(found)
    rows = [
        [
            f"{purchases:,}",
            *(_money(_month(found.costs[name], purchases)) for name in metered),
            *(_money(instance.month) for instance in (SMALLEST, MEDIUM)),
        ]
        for purchases in MONTHS
    ]
    head = [
        "purchases a month",
        *(TITLES[name] for name in metered),
        *(f"PostgreSQL, {instance.name}" for instance in (SMALLEST, MEDIUM)),
    ]
    return f"""## What the database costs in a month

Dollars for purchases that are posted, paid and have points redeemed once; the DynamoDB columns
without storage ([cost.md](cost.md) has it), the PostgreSQL columns two zones with 20 GB each, at
list prices of us-east-1 (public pages of 2026; check them). How many purchases an instance carries
was not measured on it.

{table(head, rows)}

{_break_even(found)}
"""


def _month(costs: Mapping[str, Cost], purchases: int) -> float:
    return sum(dollars(costs[kind]) or 0 for kind in LIFE) * purchases / MILLION


def _break_even(found: Comparison) -> str:
    def purchases(instance: Instance) -> str:
        return f"{instance.month / _month(found.costs[OURS], MILLION) * MILLION:,.0f}"

    return (
        f"From {purchases(SMALLEST)} purchases a month on, a {SMALLEST.name} costs less than this "
        f"ledger's units, from {purchases(MEDIUM)} on a {MEDIUM.name}; below that, and whenever "
        "nobody shops, DynamoDB costs less."
    )


def _sweeps(found: Comparison) -> str:
    rows = [[TITLES[name], *_sweep_cells(found.sweeps[name])] for name in TITLES]
    return f"""## Sweep work per member

{DUE_MEMBERS} members with one lot that has passed, one worker; by member:

{table(["", "requests", "write units", "read units", "CPU ms"], rows)}

PostgreSQL's sweeps are set-based: one statement for all members, or for a thousand lots. That is
less work and fewer requests than this ledger can ever do, which writes each member's entry by
itself; in return no sweep holds a lock that a customer waits for.
"""


def _sweep_cells(cost: Cost | None) -> list[str]:
    if cost is None:
        return ["no sweep", ABSENT, ABSENT, ABSENT]
    units = [_shown(cost.write_units), _shown(cost.read_units)]
    return [f"{cost.requests:.2g}", *units, _effort(cost)]


def _starts(found: Comparison) -> str:
    rows = [
        [
            TITLES.get(name, name),
            f"{start.wall:.0f}",
            f"{start.cpu:.0f}",
            f"{start.least_cpu:.0f}",
            f"{start.least_cpu / found.starts[SDK].least_cpu:.2f}",
        ]
        for name, start in found.starts.items()
    ]
    return f"""## Starting

Importing what a worker needs and making its first client, in fresh interpreters in turns; medians
of {START_ROUNDS}. No connection is made; PostgreSQL's takes a few round trips more, and from Lambda
usually a proxy. This ledger's row is `accrual` from the built layers.

{table(["", "ms", "CPU ms", "least CPU ms", "least, to the SDK alone"], rows)}
"""


def _throughput(found: Comparison) -> str:
    rows = [[str(clients), f"{rate:,.0f}"] for clients, rate in found.pgbench.items()]
    return f"""## pgbench on the plain schema

Purchases posted and paid, messages a second on this machine for {PGBENCH_SECONDS} seconds, every
commit on the disk before it is answered. There is no such figure for DynamoDB here: an emulator
says nothing about it. The service takes 1,000 write units a second for each partition and grows by
itself; one PostgreSQL server ends where its machine does.

{table(["clients", "messages a second"], rows)}
"""


def _limits() -> str:
    return """## What this does not show

- Latency over a network. PostgreSQL's statements are short but many; each waits for the network.
- Connections: many Lambda workers at once need a pool in front of PostgreSQL, which costs extra.
- What a peer's own application would add: signatures, reports, erasure, tiers.
- Any other version of a peer than the one named above.
"""
