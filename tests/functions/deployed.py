"""The functions with their table, queues and bus, invoked as Lambda invokes them.

The table is made from the definition in template.yaml, handlers and routes are found there too,
and the program is loaded by the program function itself. Every invocation is held to what all of
them owe: one log line per outcome, nobody's name, email or phone in any line, and no access to the
table that the function's role does not grant.
"""

import importlib
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import pytest
from moto import mock_aws

from points_ledger.adapters import dead_letters
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.fact import (
    Customer,
    Earner,
    Fact,
    Line,
    PurchasePosted,
    PurchaseSettled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.state import Standing
from points_ledger.runtime import bootstrap, deployment, observability, operations, services
from points_ledger.runtime import checkpoints as runtime_checkpoints
from points_ledger.runtime import stream as runtime_stream
from points_ledger.runtime import totals as runtime_totals
from points_ledger.service.ports import Append, ExternalLink, Write
from tests import quick_moto
from tests.functions import access, described, gateway, records
from tests.functions.gateway import STAFF, CallerKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.literals import StreamViewTypeType
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        CreateTableInputTypeDef,
        StreamSpecificationTypeDef,
    )

Json = dict[str, Any]

EVENTS: Final = Path(__file__).resolve().parents[2] / "events"
PROGRAM_SAMPLE: Final = EVENTS / "program.json"
TABLE: Final = "points-ledger"
BUS: Final = "points-ledger-events"
BUCKET: Final = "points-ledger-checkpoints"

NOW: Final = datetime.fromisoformat("2026-09-04T12:00:00+00:00")
"""What the clock says at first."""
MAIL_KEY: Final = "k" * 64
"""Signs the links in mails."""
SALE: Final = NOW - timedelta(days=2)
"""When things are sold unless a test says otherwise: a hold of 24 hours has passed."""

NAME: Final = "Dana Reyes"
EMAIL: Final = "dana@example.com"
PHONE: Final = "+1 312 555 0142"
PERSONAL: Final = ("Dana", "dana", "Reyes", "Osei", "Okafor", "@example", "555 0142")
"""Every name, email and phone that these tests use has one of these in it."""


def named_in(text: str, words: Iterable[str] = PERSONAL) -> list[str]:
    """The words that a text has, as words: by chance the letters may stand in a random id."""
    return [
        word
        for word in words
        if re.search(rf"(?<![A-Za-z0-9_-]){re.escape(word)}(?![A-Za-z0-9_])", text)
        or ("@" in word and word in text)
    ]


_TABLE_PROPERTIES: Final = (
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
)
_CLIENTS: Final = (
    bootstrap.dynamodb,
    bootstrap.sqs,
    bootstrap.events,
    bootstrap.secrets,
    bootstrap.identities,
    bootstrap.functions,
    bootstrap.emails,
    bootstrap.objects,
)
CACHES: Final = (
    *_CLIENTS,
    *(each for each in vars(services).values() if hasattr(each, "cache_clear")),
    *(each for each in vars(operations).values() if hasattr(each, "cache_clear")),
    *(each for each in vars(runtime_checkpoints).values() if hasattr(each, "cache_clear")),
    runtime_stream.event_bus,
    runtime_stream.queues,
    runtime_totals.totalling,
    observability.logger,
    observability.metrics,
)
"""Of the session in bootstrap only the parsed service models are kept: they take most of a test."""


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Context:
    """What Lambda tells about an invocation; the time left is taken from a list, then its last."""

    def __init__(self, *remaining_milliseconds: int) -> None:
        self._remaining = list(remaining_milliseconds or (120_000,))

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining.pop(0) if len(self._remaining) > 1 else self._remaining[0]


@dataclass(frozen=True)
class Printed:
    """What an invocation wrote to its log."""

    lines: list[Json]
    metrics: list[Json]
    text: str

    def line(self) -> Json:
        [line] = self.lines
        return line

    @property
    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; its body is read as JSON, and is empty where it is another kind of text."""

    status: int
    headers: Mapping[str, str]
    body: Json
    text: str
    printed: Printed

    @property
    def code(self) -> str:
        """The code of a problem; what is no problem document fails."""
        assert self.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= self.body.keys()
        assert self.body["status"] == self.status
        return str(self.body["code"])

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.code

    @property
    def fields(self) -> list[str]:
        """The fields that an invalid request is invalid in."""
        assert self.refusal == (400, "invalid_request")
        assert all(error.keys() == {"field", "message"} for error in self.body["errors"])
        return [error["field"] for error in self.body["errors"]]


@dataclass(frozen=True)
class Layer:
    """The folder of the layer with the program document; None is the sample itself."""

    text: str | None

    def joinpath(self, name: str) -> "Layer":
        assert name == PROGRAM_SAMPLE.name
        return self

    def read_text(self, encoding: str) -> str:
        return PROGRAM_SAMPLE.read_text(encoding) if self.text is None else self.text


@dataclass
class Deployed:
    """All functions of one stack."""

    monkeypatch: pytest.MonkeyPatch
    clock: Clock = field(default_factory=Clock)
    printed: Printed = field(default_factory=lambda: Printed([], [], ""))
    earning_queue_url: str = ""
    published_url: str = ""
    _log: io.StringIO = field(default_factory=io.StringIO)
    _running: str | None = None
    _violations: list[str] = field(default_factory=list)
    _keys: Iterator[int] = field(default_factory=itertools.count)

    # --- Deploying --------------------------------------------------------------------------

    def set_up(self, program: Json | None) -> None:
        """Make the table, the queue and the bus, and load the program."""
        self.monkeypatch.setattr(bootstrap, "utc_now", self.clock)
        client = bootstrap.dynamodb()
        client.create_table(**table_definition())
        client.meta.events.register("provide-client-params.dynamodb.*", self._watch)
        if program is not None:
            self.load(program)

    def load(self, program: Json | str | None) -> Answer | Json:
        """Load a document as the deployment does, from a folder that stands for the layer."""
        self.ship(program)
        return self.invoke("program", {"load_program": True})

    def ship(self, program: Json | str | None) -> None:
        """Put a document where the layer has it; None is the sample itself."""
        text = program if isinstance(program, str) else json.dumps(program)
        folder = Layer(None if program is None else text)
        files = SimpleNamespace(files=lambda _package: folder)
        self.monkeypatch.setattr(deployment, "resources", files)

    def listen(self) -> None:
        """Switch the stream on, and make the queue that is woken and the bus with a listener."""
        bootstrap.dynamodb().update_table(TableName=TABLE, StreamSpecification=stream_definition())
        self.hear()

    def hear(self) -> None:
        """Make the bus with a listener, and the queue that is woken, without the stream."""
        sqs, events = bootstrap.sqs(), bootstrap.events()
        self.earning_queue_url = sqs.create_queue(QueueName="earnings")["QueueUrl"]
        self.monkeypatch.setenv("EARNING_QUEUE_URL", self.earning_queue_url)
        self.published_url = sqs.create_queue(QueueName="published")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.published_url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        events.create_event_bus(Name=BUS)
        pattern = json.dumps({"source": ["points-ledger"]})
        events.put_rule(Name="all", EventBusName=BUS, EventPattern=pattern)
        events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "all", "Arn": arn}])

    def queue_simulations(self) -> str:
        """Make the queue on which backtests wait; its address."""
        url = bootstrap.sqs().create_queue(QueueName="simulations")["QueueUrl"]
        self.monkeypatch.setenv("SIMULATION_QUEUE_URL", url)
        return url

    def queue_shards(self) -> str:
        """Make the queue on which shards of crowded hours wait for a worker; its address."""
        url = bootstrap.sqs().create_queue(QueueName="shards")["QueueUrl"]
        self.monkeypatch.setenv("SWEEP_QUEUE_URL", url)
        return url

    def make_last_resorts(self) -> None:
        """Make every queue of last resort, and the queues that theirs are tried again on."""
        for queue, kind, target in json.loads(last_resorts()).values():
            for name in [queue, target] if kind == "queue" else [queue]:
                bootstrap.sqs().create_queue(QueueName=name)

    def make_bucket(self) -> None:
        """Make the bucket of checkpoints as the template has it: versioned, and locked."""
        client: Any = bootstrap.objects()
        client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)

    def queue_outbound(self) -> dict[str, str]:
        """Make the queues of outbound webhooks; their addresses."""
        names = ("deliveries", "retries", "retries_dead_letters")
        urls = {
            name: bootstrap.sqs().create_queue(QueueName=f"outbound-{name}")["QueueUrl"]
            for name in names
        }
        for name, url in urls.items():
            self.monkeypatch.setenv(f"OUTBOUND_{name.upper()}_QUEUE_URL", url)
        return urls

    def open_pool(self) -> str:
        """Make the user pool of the template with the people's client; its id."""
        [properties] = access.template().of_type("AWS::Cognito::UserPool").values()
        [attribute] = properties["Schema"]
        schema: Any = [{"Name": attribute["Name"], "AttributeDataType": "String", "Mutable": True}]
        made = bootstrap.identities().create_user_pool(PoolName="people", Schema=schema)
        pool_id = made["UserPool"]["Id"]
        client = bootstrap.identities().create_user_pool_client(
            UserPoolId=pool_id, ClientName="people", ExplicitAuthFlows=["USER_PASSWORD_AUTH"]
        )
        self.monkeypatch.setenv("USER_POOL_ID", pool_id)
        self.monkeypatch.setenv("PEOPLE_CLIENT_ID", client["UserPoolClient"]["ClientId"])
        return pool_id

    def open_post(self, post: object, *, sender: str = "points@ledger.test") -> str:
        """Let mails be sent to what stands for the mail service; the address of their queue."""
        made = bootstrap.secrets().create_secret(Name="mail-key", SecretString=MAIL_KEY)
        url = bootstrap.sqs().create_queue(QueueName="notifications")["QueueUrl"]
        for name, value in {
            "MAIL_KEY_ARN": made["ARN"],
            "NOTIFICATION_QUEUE_URL": url,
            "EMAIL_SENDER": sender,
            "EMAIL_REPLY_TO": "none",
            "API_ID": "a1b2",
            "PUBLIC_API_URL": "https://{api_id}.api.test/",
            "PORTAL_URL": "https://portal.test",
        }.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(bootstrap, "emails", lambda: post)
        return url

    def check(self) -> None:
        """What no single assertion of a test is about."""
        assert self._violations == []

    def _watch(self, params: Json, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if self._running is not None:
            self._violations += access.violations(self._running, model.name, params)

    # --- Invoking ---------------------------------------------------------------------------

    def invoke(self, function: str, event: object, context: Context | None = None) -> Json:
        """Call a handler; what it prints is in `printed` afterwards, also when it raises."""
        self._running = function
        try:
            # A logger keeps the stream that it was made with: it is the same one every time.
            with redirect_stdout(self._log):
                return cast("Json", handler(function)(event, context or Context()))
        finally:
            self._running = None
            self.printed = _printed(self._log.getvalue())
            self._log.seek(0)
            self._log.truncate()

    def ask(
        self,
        route: str,
        caller: CallerKind = STAFF,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: object = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `key` is its Idempotency-Key."""
        sent = {**(headers or {}), **({"idempotency-key": key} if key is not None else {})}
        text = None if body is None else gateway.text_of(body)
        event = gateway.request(route, caller, path=path, query=query, headers=sent, body=text)
        return self.answer(event)

    def answer(self, event: Json) -> Answer:
        """Hand a gateway's event to the function of its route."""
        answered = self.invoke(functions_by_route()[event["routeKey"]], event)
        assert answered.keys() - {"cookies"} == {
            "statusCode",
            "headers",
            "body",
            "isBase64Encoded",
        }
        assert len(self.printed.lines) == 1, "one line per request"
        headers = answered["headers"]
        answer = Answer(
            status=answered["statusCode"],
            headers=headers,
            body=json.loads(answered["body"]) if _is_readable_json(answered) else {},
            text=answered["body"],
            printed=self.printed,
        )
        # Whatever is answered, the description says so.
        assert described.faults(event["routeKey"], answer) == []
        return answer

    def take(self, function: str, *given: Fact | str) -> list[str]:
        """Hand a batch to a queue's function; the ids of the messages that have to come again."""
        return failures(self.invoke(function, records.facts(*given)))

    def accrue(self, *given: Fact | str) -> list[str]:
        return self.take("accrual", *given)

    def mature(self, *given: Fact | str) -> list[str]:
        return self.take("maturation", *given)

    # --- Members and their points -----------------------------------------------------------

    def enrol(self, customer: str | None = None, **more: object) -> str:
        """Enrol a member, under a customer of the source `pos` if one is named."""
        ids = [{"source": "pos", "id": customer}] if customer is not None else []
        body = {"name": NAME, "email": EMAIL, "phone": PHONE, "external_ids": ids, **more}
        answer = self.ask("POST /members", body=body, key=f"enrol-{next(self._keys)}")
        assert answer.status == 201, answer.body
        return str(answer.body["member_id"])

    def give(self, customer: str, points: int, *, ticket: str | None = None) -> None:
        """Sell a customer that much of what earns a point per dollar, and let it be paid."""
        id_ = ticket or f"sale-{next(self._keys)}"
        assert self.accrue(sold(str(points), id_=id_, customer=customer)) == []
        assert self.mature(settled(id_)) == []

    def put_standing(self, member_id: str, standing: Standing) -> None:
        """Change what decides about a member, as the command for it will: by an entry."""
        head = self.head(member_id)
        now = self.clock()
        posting = Posting(type="enrolment", at=now, standing=standing, actor="test")
        self.commit(Append(entry=chain(head, head.member_id, posting, now)))

    def commit(self, *writes: Write) -> None:
        services.store().commit(writes)

    def head(self, member_id: str) -> Entry:
        found = services.store().head(MemberId(member_id))
        assert found is not None
        return found

    def balance(self, member_id: str) -> Json:
        answer = self.ask("GET /members/{member_id}/balance", path={"member_id": member_id})
        assert answer.status == 200, answer.body
        return answer.body

    def entries(self, member_id: str) -> list[Json]:
        """All entries, oldest first."""
        answer = self.ask(
            "GET /members/{member_id}/entries",
            path={"member_id": member_id},
            query={"limit": "100"},
        )
        assert answer.status == 200, answer.body
        return list(reversed(answer.body["entries"]))

    def types(self, member_id: str) -> list[str]:
        return [entry["type"] for entry in self.entries(member_id)]

    def linked(self, customer: str) -> str:
        """The member that a customer of the source `pos` has become."""
        external_id = ExternalId(source="pos", id=customer)
        link = cast("ExternalLink", services.store().get([external_id])[external_id])
        return link.member_id

    def member_of(self, customer: str) -> str | None:
        """The member behind a customer of the source `pos`."""
        answer = self.ask("GET /members", query={"external_id": f"pos:{customer}"})
        return next((each["member_id"] for each in answer.body["members"]), None)

    # --- Looking behind ---------------------------------------------------------------------

    def stored(self) -> "dict[str, Mapping[str, AttributeValueTypeDef]]":
        """Every item of the table by its key."""
        items = bootstrap.dynamodb().scan(TableName=TABLE)["Items"]
        return {f"{item['PK']['S']} {item['SK']['S']}": item for item in items}

    def overwrite(self, item: "Mapping[str, AttributeValueTypeDef]") -> None:
        """Store what no function would: an item as another version may have left it."""
        bootstrap.dynamodb().put_item(TableName=TABLE, Item=item)

    def queued(self, url: str) -> list[Json]:
        """The messages of a queue, taken off it."""
        found: list[Json] = []
        while True:
            answer: Any = bootstrap.sqs().receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for each in messages:
                bootstrap.sqs().delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            found += messages

    def published(self) -> list[Json]:
        """The events that the bus got since the last look, in order."""
        return [json.loads(each["Body"]) for each in self.queued(self.published_url)]

    def woken(self) -> list[str]:
        """The bodies of the facts that were queued again since the last look."""
        return [each["Body"] for each in self.queued(self.earning_queue_url)]

    def streamed(self) -> list[Json]:
        """All that the table's stream holds, as its event source hands it on."""
        client = cast("Any", bootstrap._client)("dynamodbstreams")
        [arn] = (each["StreamArn"] for each in client.list_streams(TableName=TABLE)["Streams"])
        shards = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        found: list[Json] = []
        for shard in shards:
            iterator = client.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            found += client.get_records(ShardIterator=iterator)["Records"]
        return list(records.stream(found)["Records"])


Deploy = Callable[[Json | None], Deployed]
"""Deploys a program document; None deploys all but a program."""


@contextmanager
def new_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A stack with nothing set up, on an AWS of its own; checked when it is done with."""
    set_environment(monkeypatch)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    forget()
    quick_moto.connect(monkeypatch)
    # Moto looks everywhere at once, so there is nothing to wait for.
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    stack = Deployed(monkeypatch)
    with mock_aws():
        yield stack
    forget()
    stack.check()


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Streams are else asked for at an address of the account, which moto does not answer.
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    # Loggers of one name share their handlers for good: each test has one of its own.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"functions-{uuid4()}")


def forget() -> None:
    """What a process keeps between invocations, gone as with a new process."""
    for cached in CACHES:
        cached.cache_clear()


# --- The template ---------------------------------------------------------------------------


@cache
def table_definition() -> "CreateTableInputTypeDef":
    """The table of template.yaml as CreateTable takes it."""
    [properties] = access.template().of_type("AWS::DynamoDB::Table").values()
    taken = {name: properties[name] for name in _TABLE_PROPERTIES}
    return cast("CreateTableInputTypeDef", {"TableName": TABLE, **taken})


@cache
def stream_definition() -> "StreamSpecificationTypeDef":
    """Its stream, which is switched on where it is read: moto copies it for each transaction."""
    [properties] = access.template().of_type("AWS::DynamoDB::Table").values()
    view: StreamViewTypeType = properties["StreamSpecification"]["StreamViewType"]
    return {"StreamEnabled": True, "StreamViewType": view}


@cache
def environment() -> Mapping[str, str]:
    """Every variable that template.yaml gives to a function, with a value of these tests."""
    names = {name for each in access.template().functions for name in each.environment}
    values = {
        "TABLE_NAME": TABLE,
        "EVENT_BUS_NAME": BUS,
        "CHECKPOINT_BUCKET": BUCKET,
        "ALLOW_FUTURE_SCHEDULES": "false",
        "SWEEP_PARALLELISM": "1",  # moto loses writes of several threads
        "OUTBOUND_ALLOW_LOOPBACK": "false",
        "OUTBOUND_RETRY_DELAYS_SECONDS": "5,300,1800",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "LAST_RESORTS": last_resorts(),
        "SIBLING_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/any",
    }
    return {name: values.get(name, "set-by-the-test") for name in names}


@cache
def last_resorts() -> str:
    """What template.yaml says of queues of last resort: logical ids stand for physical names."""
    [operations] = (each for each in access.template().functions if each.folder == "operations")
    written = operations.environment["LAST_RESORTS"]["Fn::Sub"]
    return re.sub(r"\$\{(\w+)(\.QueueName)?\}", r"\1", written)


@cache
def functions_by_route() -> Mapping[str, str]:
    """Which function answers a route."""
    return {
        f"{event['Method']} {event['Path']}": function.folder
        for function in access.template().functions
        for event in function.events_of("HttpApi")
    }


def handler(function: str) -> Callable[[object, object], object]:
    """The handler that template.yaml names, out of the folder of its function."""
    [found] = (each for each in access.template().functions if each.folder == function)
    module, _, name = found.properties["Handler"].partition(".")
    return cast(
        "Callable[[object, object], object]",
        getattr(importlib.import_module(f"functions.{function}.{module}"), name),
    )


def _printed(text: str) -> Printed:
    """Read a log, and see that nobody is named in it."""
    assert named_in(text) == []
    documents = [json.loads(line) for line in text.splitlines()]
    return Printed(
        lines=[document for document in documents if "level" in document],
        metrics=[document for document in documents if "_aws" in document],
        text=text,
    )


def _is_readable_json(answered: Json) -> bool:
    return "json" in answered["headers"]["content-type"] and not answered["isBase64Encoded"]


def failures(answer: Json) -> list[str]:
    """The ids in an answer to a batch."""
    assert answer.keys() == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


# --- What is sold ---------------------------------------------------------------------------


def program(**changes: object) -> Json:
    """The sample program without hold and minimum, so that points can be spent at once.

    A change that is an object is laid over the one in the document.
    """
    document: Json = json.loads(PROGRAM_SAMPLE.read_text(encoding="utf-8"))
    document["maturation"]["hold"] = "P0D"
    document["redemption"]["minimum_amount"] = "0.00"
    for name, change in changes.items():
        laid_over = isinstance(change, dict) and isinstance(document.get(name), dict)
        document[name] = {**document[name], **cast("Json", change)} if laid_over else change
    return document


def ticket(id_: str) -> EarningKey:
    return EarningKey(source="pos", kind="ticket", id=id_)


def sold(
    amount: str = "100.00",
    *,
    id_: str = "T-1",
    customer: str = "C-1",
    at: datetime = SALE,
    category: str = "retail",
    named: bool = True,
    lines: Iterable[Line] | None = None,
) -> PurchasePosted:
    """A ticket of one line that earns a point per dollar; its customer has a name."""
    external_id = ExternalId(source="pos", id=customer)
    total = Decimal(amount)
    line = Line(id="1", item="MUG", category=category, amount=total)
    return PurchasePosted(
        purchase=ticket(id_),
        snapshot=Snapshot(
            posted_at=at,
            updated_at=at,
            currency="USD",
            lines=tuple(lines) if lines is not None else (line,),
            total=total,
            earner=Earner(external_id=external_id),
        ),
        customer=Customer(external_id=external_id, name=NAME, email=EMAIL, phone=PHONE)
        if named
        else None,
    )


def settled(id_: str = "T-1", at: datetime = SALE) -> PurchaseSettled:
    return PurchaseSettled(purchase=ticket(id_), at=at)
