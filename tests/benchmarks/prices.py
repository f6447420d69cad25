"""Dollars: the public price list, and what it makes of measured requests and units.

All prices are in one table. They are list prices of us-east-1 without any free allowance, in US
dollars; `allowances` are those that AWS grants every account each month without an end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PRICES_AS_OF: Final = "July 2025 to June 2026"
"""The dates of the public pages that they were taken from."""
REGION: Final = "us-east-1"

MILLION: Final = 1_000_000
GIGABYTE: Final = 10**9
MONTH_HOURS: Final = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What `per` of a unit cost, and how many of them each account has free every month."""

    what: str
    dollars: float
    per: float = 1
    unit: str
    free: float = 0

    def of(self, number: float) -> float:
        return self.dollars * number / self.per

    def beyond_free(self, number: float) -> float:
        return self.of(max(0.0, number - self.free))


WRITE: Final = Price(
    what="DynamoDB, on demand", dollars=0.625, per=MILLION, unit="write request units"
)
READ: Final = Price(
    what="DynamoDB, on demand", dollars=0.125, per=MILLION, unit="read request units"
)
TABLE_STORAGE: Final = Price(what="DynamoDB table", dollars=0.25, unit="GB-month", free=25)
BACKUP_STORAGE: Final = Price(what="DynamoDB point-in-time recovery", dollars=0.20, unit="GB-month")
INVOCATION: Final = Price(
    what="Lambda", dollars=0.20, per=MILLION, unit="invocations", free=MILLION
)
COMPUTE: Final = Price(what="Lambda, arm64", dollars=0.0000133334, unit="GB-second", free=400_000)
HTTP_REQUEST: Final = Price(
    what="API Gateway, HTTP API", dollars=1.00, per=MILLION, unit="requests"
)
QUEUE_REQUEST: Final = Price(
    what="SQS, standard queue", dollars=0.40, per=MILLION, unit="requests", free=MILLION
)
BUS_EVENT: Final = Price(what="EventBridge bus", dollars=1.00, per=MILLION, unit="custom events")
SCHEDULE: Final = Price(
    what="EventBridge Scheduler", dollars=1.00, per=MILLION, unit="invocations", free=14 * MILLION
)
SECRET: Final = Price(what="Secrets Manager", dollars=0.40, unit="secret-month")
SECRET_READ: Final = Price(what="Secrets Manager", dollars=0.05, per=10_000, unit="reads")
LOG_INGESTION: Final = Price(
    what="CloudWatch Logs, taking in", dollars=0.50, per=GIGABYTE, unit="bytes", free=5 * GIGABYTE
)
LOG_STORAGE: Final = Price(what="CloudWatch Logs, keeping", dollars=0.03, unit="GB-month", free=5)
ALARM: Final = Price(what="CloudWatch alarm", dollars=0.10, unit="alarm-month", free=10)
DASHBOARD: Final = Price(what="CloudWatch dashboard", dollars=3.00, unit="dashboard-month")
"""Three are free for those that show at most 50 metrics each, which this one does not."""
METRIC: Final = Price(what="CloudWatch custom metric", dollars=0.30, unit="metric-month", free=10)
TRACE: Final = Price(what="X-Ray", dollars=5.00, per=MILLION, unit="traces", free=100_000)
KEY_REQUEST: Final = Price(what="KMS", dollars=0.03, per=10_000, unit="requests", free=20_000)
MACHINE_CLIENT: Final = Price(
    what="Cognito, client credentials", dollars=6.00, unit="app client-month"
)
MACHINE_TOKEN: Final = Price(
    what="Cognito, client credentials", dollars=2.25, per=1_000, unit="tokens"
)

ALL: Final = (
    WRITE, READ, TABLE_STORAGE, BACKUP_STORAGE, INVOCATION, COMPUTE, HTTP_REQUEST, QUEUE_REQUEST,
    BUS_EVENT, SCHEDULE, SECRET, SECRET_READ, LOG_INGESTION, LOG_STORAGE, ALARM, METRIC, TRACE,
    DASHBOARD, KEY_REQUEST, MACHINE_CLIENT, MACHINE_TOKEN,
)  # fmt: skip

# --- Assumptions ----------------------------------------------------------------------------

MEMORY_GIGABYTES: Final = 1.0
"""As template.yaml gives to each function: 1,024 MB."""
REQUEST_SECONDS: Final = 0.005
"""A function waits so long for one request to another service."""
HANDLER_SECONDS: Final = 0.003
"""And works so long itself, the SDK included."""
TRACED_SHARE: Final = 0.05
"""X-Ray's default rule, under load: one request a second and 5 % of the rest."""
LINE_BYTES: Final = 500
"""One log line and its metric, where the benchmark does not measure it."""
PLATFORM_LOG_BYTES: Final = 330
"""Lambda's own START, END and REPORT lines of an invocation."""
ACCESS_LOG_BYTES: Final = 250
"""The gateway's line about a request."""
IDLE_POLLS_A_MINUTE: Final = 15
"""Lambda asks an empty queue with five connections, each for 20 seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One run of a function, or (without an invocation of its own) its part in one."""

    requests: float
    invocations: float = 1
    log_bytes: float = LINE_BYTES

    @property
    def dollars(self) -> float:
        seconds = HANDLER_SECONDS + REQUEST_SECONDS * self.requests
        return INVOCATION.of(self.invocations) + COMPUTE.of(seconds * MEMORY_GIGABYTES)

    @property
    def logged(self) -> float:
        return self.invocations * (self.log_bytes + PLATFORM_LOG_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one operation uses from the first service to the last."""

    name: str
    write_units: float
    read_units: float
    work: Sequence[Work]
    http_requests: float = 0
    queue_requests: float = 0
    bus_events: float = 0

    @property
    def database(self) -> float:
        return WRITE.of(self.write_units) + READ.of(self.read_units)

    @property
    def compute(self) -> float:
        return sum(each.dollars for each in self.work)

    @property
    def transport(self) -> float:
        return (
            HTTP_REQUEST.of(self.http_requests)
            + QUEUE_REQUEST.of(self.queue_requests)
            + BUS_EVENT.of(self.bus_events)
        )

    @property
    def observation(self) -> float:
        logged = sum(each.logged for each in self.work)
        logged += ACCESS_LOG_BYTES * self.http_requests
        traces = TRACED_SHARE * sum(each.invocations for each in self.work)
        return LOG_INGESTION.of(logged) + TRACE.of(traces)

    @property
    def total(self) -> float:
        return self.database + self.compute + self.transport + self.observation

    @classmethod
    def sum_of(cls, name: str, bills: Sequence["Bill"]) -> "Bill":
        return cls(
            name=name,
            write_units=sum(bill.write_units for bill in bills),
            read_units=sum(bill.read_units for bill in bills),
            work=[each for bill in bills for each in bill.work],
            http_requests=sum(bill.http_requests for bill in bills),
            queue_requests=sum(bill.queue_requests for bill in bills),
            bus_events=sum(bill.bus_events for bill in bills),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """One line of what a stack costs in a month in which nobody uses it."""

    what: str
    price: Price
    number: float

    @property
    def listed(self) -> float:
        return self.price.of(self.number)

    @property
    def beyond_free(self) -> float:
        return self.price.beyond_free(self.number)


def idle_month(
    *,
    alarms: int,
    dashboards: int,
    secrets: int,
    queues_polled: int,
    ticks: Mapping[str, float],
    tick_requests: int,
    tick_write_units: float,
    tick_read_units: float,
    machine_clients: int,
) -> list[Idle]:
    """An idle stack's month; `ticks` are runs of scheduled functions by name."""
    runs = sum(ticks.values())
    seconds = HANDLER_SECONDS + REQUEST_SECONDS * tick_requests
    polls = queues_polled * IDLE_POLLS_A_MINUTE * 60 * MONTH_HOURS
    return [
        Idle(what="secret of the webhooks", price=SECRET, number=secrets),
        Idle(what="alarms", price=ALARM, number=alarms),
        Idle(what="dashboard", price=DASHBOARD, number=dashboards),
        Idle(what="asking empty work queues", price=QUEUE_REQUEST, number=polls),
        Idle(what="app client of the tills", price=MACHINE_CLIENT, number=machine_clients),
        Idle(what="count of each sweep's runs", price=METRIC, number=len(ticks)),
        Idle(what="traces of sweeps", price=TRACE, number=runs),
        Idle(what="schedules", price=SCHEDULE, number=runs),
        Idle(what="sweeps: invocations", price=INVOCATION, number=runs),
        Idle(what="sweeps: compute", price=COMPUTE, number=runs * seconds * MEMORY_GIGABYTES),
        Idle(what="sweeps: writes", price=WRITE, number=runs * tick_write_units),
        Idle(what="sweeps: reads", price=READ, number=runs * tick_read_units),
        Idle(
            what="sweeps: logs",
            price=LOG_INGESTION,
            number=runs * (LINE_BYTES + PLATFORM_LOG_BYTES),
        ),
        Idle(what="the table's key", price=KEY_REQUEST, number=runs),
    ]
