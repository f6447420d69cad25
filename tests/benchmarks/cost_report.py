"""docs/cost.md: dollars per million events and per idle month, from what was measured."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from local.home import ROOT
from tests.benchmarks import prices
from tests.benchmarks.meter import Usage
from tests.benchmarks.prices import MILLION, Bill, Idle, Work
from tests.benchmarks.text import table

Usages = Mapping[str, Usage]

IDLE_TICK: Final = "a tick of a sweep, no marker due"
SWEEP_RUNS: Final[Mapping[str, float]] = {
    "hold_release": 12 * prices.MONTH_HOURS,
    "expiry": prices.MONTH_HOURS,
    "anniversary": prices.MONTH_HOURS,
    "tier_review": prices.MONTH_HOURS,
}
"""By the schedules of template.yaml: every five minutes, every hour."""


def text(usages: Usages) -> str:
    """The whole document."""
    million = [*_operations(usages), _invoice_life(usages)]
    idle = _idle(usages)
    tills = [each for each in idle if each.price is prices.MACHINE_CLIENT]
    listed = sum(each.listed for each in idle)
    paid = sum(each.beyond_free for each in idle)
    listed_without_tills = listed - sum(each.listed for each in tills)
    paid_without_tills = paid - sum(each.beyond_free for each in tills)
    return f"""# Cost

Written by `make bench` ({datetime.now(UTC):%Y-%m-%d}) from the requests and capacity units that
[benchmarks.md](benchmarks.md) measures. Not an offer: check the prices before you rely on them.

## Dollars per million events

{
        table(
            ["event", "database", "compute", "gateway, queues, bus", "logs, traces", "total"],
            ([bill.name, *map(_dollars, _parts(bill))] for bill in million),
        )
    }

Every event alone: one message in each batch, one commit in each batch of the stream, which is the
dearest case. With ten messages in a batch the worker's invocation, its two queue requests and its
platform log lines are shared by ten. Nothing free is taken off. A member's sign-in is not in it.

Where the money goes: API Gateway and the event bus cost a dollar per million each, as much as
1.6 write units. What this project can influence is the number of write units and of log bytes.

## An idle month

{
        table(
            ["what", "number", "list price", "after the monthly free allowances"],
            [
                *(
                    [
                        each.what,
                        f"{each.number:,.0f}",
                        _cents(each.listed),
                        _cents(each.beyond_free),
                    ]
                    for each in idle
                ),
                [
                    "**together**",
                    "",
                    f"**{_cents(listed)}**",
                    f"**{_cents(paid)}**",
                ],
            ],
        )
    }

- Cognito bills an app client that may use client credentials by the month, whether or not it does.
  A program without tills saves it by removing `TillClient`; every further till client costs the
  same. Without it the month comes to {_cents(listed_without_tills)}, or
  {_cents(paid_without_tills)} after the allowances.
- Lambda asks each queue that a function works off {prices.IDLE_POLLS_A_MINUTE} times a minute even
  when it is empty.
- Free allowances are those of one account; a second stack in it pays the list price of what the
  first has used up.
- In use, every kind of outcome that a function counts is a custom metric
  ({
        _cents(prices.METRIC.dollars)
    } a month in which it occurs in every hour), and detailed metrics of
  the HTTP API are custom metrics too, six for each route that is called.

## Storage

{
        table(
            ["what", "price a month"],
            [
                [
                    "a GB of the table, with point-in-time recovery",
                    _cents(prices.TABLE_STORAGE.dollars + prices.BACKUP_STORAGE.dollars),
                ],
                [
                    "a GB of logs, kept as long as LogRetentionDays says",
                    _cents(prices.LOG_STORAGE.dollars),
                ],
                [
                    "a million invoices: earning, accrual, maturation",
                    _cents(
                        _stored_gigabytes(usages)
                        * (prices.TABLE_STORAGE.dollars + prices.BACKUP_STORAGE.dollars)
                    ),
                ],
            ],
        )
    }

Entries are never deleted, so the table grows by {_stored_gigabytes(usages):.2f} GB with each
million invoices, overhead of {_ITEM_OVERHEAD_BYTES} bytes an item included.

## Prices

List prices of {prices.REGION} in US dollars, taken from public pages of {prices.PRICES_AS_OF}.
Those of SQS, KMS, point-in-time recovery and log storage are from memory: check them. The
services' own pages (aws.amazon.com/dynamodb/pricing/on-demand and the like) say what they are now.

{
        table(
            ["service", "unit", "price", "free every month"],
            (
                [
                    price.what,
                    price.unit,
                    f"{price.dollars:.10g}" + (f" per {price.per:,.0f}" if price.per != 1 else ""),
                    f"{price.free:,.0f}" if price.free else "–",
                ]
                for price in prices.ALL
            ),
        )
    }

## Assumptions

- {prices.MEMORY_GIGABYTES * 1024:,.0f} MB of memory, arm64; a function waits
  {prices.REQUEST_SECONDS * 1000:.0f} ms for each request to another service and works
  {prices.HANDLER_SECONDS * 1000:.0f} ms itself. Warm: cold starts are not in it.
- A log line with its metric has {prices.LINE_BYTES} bytes (benchmarks.md measures them), Lambda's
  own lines of an invocation {prices.PLATFORM_LOG_BYTES}, the gateway's {prices.ACCESS_LOG_BYTES}.
- X-Ray records {prices.TRACED_SHARE:.0%} of the invocations, its default under load; in an idle
  month all of them.
- The table is encrypted with the key that AWS manages, which is free; DynamoDB asks KMS for it at
  most once in five minutes for each role that is at work.
"""


_ITEM_OVERHEAD_BYTES: Final = 100
"""DynamoDB's own, for each item stored (developer guide, "Item sizes and formats")."""


def _parts(bill: Bill) -> list[float]:
    return [bill.database, bill.compute, bill.transport, bill.observation, bill.total]


def _dollars(each: float) -> str:
    return f"{each * MILLION:,.2f}"


def _cents(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 or not amount else "< 0.01"


# --- Events ---------------------------------------------------------------------------------


def _operations(usages: Usages) -> list[Bill]:
    return [
        _request("balance", usages["balance, 1,000 entries"]),
        _delivered("purchase posted, known member", usages["accrual, one known member"]),
        _delivered("purchase posted, new customer", usages["accrual, customer enrolled by it"]),
        _delivered("payment while the hold runs", usages["payment noted while the hold runs"]),
        _delivered("payment that lets points mature", usages["maturation by payment"]),
        _visited("points mature when the hold ends", usages["maturation by hold release"]),
        _delivered("webhook delivered twice", usages["duplicate purchase"]),
        _request("redemption at once", usages["redemption at once"]),
        _request("redemption asked for twice", usages["duplicate redemption"]),
        _visited("expiry by sweep", usages["expiry by sweep"]),
        _visited("member visited, nothing to expire", usages["expiry by sweep, nothing due"]),
        _request("enrolment by hand", usages["enrolment by hand"]),
    ]


def _invoice_life(usages: Usages) -> Bill:
    """`invoice.finalized`, `invoice.paid` (two facts), `invoice_payment.paid`, the hold's end."""
    paid = _delivered("", usages["purchase told again, nothing but its time new"])
    settled = _worked("", usages["payment noted while the hold runs"], sends=1)
    return Bill.sum_of(
        "**whole life of a Stripe invoice, redemption of its points included**",
        [
            _delivered("", usages["accrual, one known member"]),
            paid,
            settled,
            _delivered("", usages["payment noted, and its name for refunds"]),
            _visited("", usages["maturation by hold release"]),
            _request("", usages["redemption at once"]),
        ],
    )


def _request(name: str, usage: Usage) -> Bill:
    """Through the gateway, answered at once."""
    return _bill(name, usage, [Work(requests=usage.requests)], http_requests=1)


def _delivered(name: str, usage: Usage) -> Bill:
    """Through the gateway and the webhook function to a queue and its worker."""
    webhook = Bill(name=name, write_units=0, read_units=0, work=[Work(requests=1)], http_requests=1)
    return Bill.sum_of(name, [webhook, _worked(name, usage, sends=1)])


def _worked(name: str, usage: Usage, *, sends: int) -> Bill:
    """Sent to a queue, received, worked on, deleted."""
    return _bill(name, usage, [Work(requests=usage.requests)], queue_requests=sends + 2)


def _visited(name: str, usage: Usage) -> Bill:
    """By a sweep, within one of its invocations."""
    return _bill(name, usage, [Work(requests=usage.requests, invocations=0)])


def _bill(
    name: str,
    usage: Usage,
    work: list[Work],
    *,
    http_requests: float = 0,
    queue_requests: float = 0,
) -> Bill:
    """With the stream's function, which follows every commit and publishes every entry."""
    entries = len(usage.sizes_of("MEMBER#"))
    follows = [Work(requests=1 if entries else 0)] if usage.written else []
    return Bill(
        name=name,
        write_units=usage.write_units,
        read_units=usage.read_units,
        work=[*work, *follows],
        http_requests=http_requests,
        queue_requests=queue_requests,
        bus_events=entries,
    )


# --- Idle -----------------------------------------------------------------------------------


def _idle(usages: Usages) -> list[Idle]:
    tick = usages[IDLE_TICK]
    return prices.idle_month(
        alarms=_count("AWS::CloudWatch::Alarm"),
        dashboards=_count("AWS::CloudWatch::Dashboard"),
        secrets=_count("AWS::SecretsManager::Secret"),
        queues_polled=_count_of(r"^ +Type: SQS\n +Properties:\n +Queue:"),
        ticks=SWEEP_RUNS,
        tick_requests=tick.requests,
        tick_write_units=tick.write_units,
        tick_read_units=tick.read_units,
        machine_clients=_count_of(r"AllowedOAuthFlows: \[client_credentials\]"),
    )


def _count(resource: str) -> int:
    return _count_of(rf"^    Type: {re.escape(resource)}$")


def _count_of(pattern: str) -> int:
    return len(re.findall(pattern, (ROOT / "template.yaml").read_text(), re.MULTILINE))


def _stored_gigabytes(usages: Usages) -> float:
    """What a million invoices leave in the table for good: their earnings and two entries each."""
    sizes: Iterable[int] = [
        *usages["maturation by hold release"].sizes_of("EARNING#"),
        *usages["accrual, one known member"].sizes_of("MEMBER#"),
        *usages["maturation by hold release"].sizes_of("MEMBER#"),
    ]
    return sum(size + _ITEM_OVERHEAD_BYTES for size in sizes) * MILLION / prices.GIGABYTE
