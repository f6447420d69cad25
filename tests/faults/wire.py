"""The requests of a function to AWS, one after the other, and what goes wrong with one of them.

Whatever a handler does to the world is a request, so the states in which it can be killed are the
moments between two requests; and where the earlier one only reads, the moment is the same as the
one before it. Killed at any line is therefore killed after each write, and before the first.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from points_ledger.runtime import bootstrap
from tests.functions.deployed import Deployed

Json = dict[str, Any]

READS: Final = ("AdminGet", "BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan")
"""How the names of operations begin that change nothing."""

Kind = Literal["killed", "reply_lost", "refused", "overtaken"]
"""`killed`: the write is done and the process is gone. `reply_lost`: the write is done, and nobody
knows. `refused`: throttled, or cancelled by a transaction of somebody else. `overtaken`: before the
write, another process gets the same event and does all of it."""

KINDS: Final[tuple[Kind, ...]] = ("killed", "reply_lost", "refused", "overtaken")


class WorkerKilledError(BaseException):
    """The process is gone; what it would have done next is not done."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, at the write of this number."""

    kind: Kind
    write: int


@dataclass(frozen=True, slots=True)
class Done:
    """A write that took effect."""

    operation: str
    asked: Json


def refusal(operation: str, asked: Json, dice: random.Random | None = None) -> ClientError:
    """What AWS answers when it does nothing now and may do it later."""
    answer: Any = {
        "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    if operation == "TransactWriteItems":
        causes = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
        cause = dice.choice(causes) if dice else causes[0]
        others = [{"Code": "None"}] * (len(asked["TransactItems"]) - 1)
        answer["Error"]["Code"] = "TransactionCanceledException"
        answer["CancellationReasons"] = [{"Code": cause, "Message": "busy"}, *others]
    return ClientError(answer, operation)


def lost_reply() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://aws")


@dataclass
class Wire:
    """What a stack's functions send while they run."""

    stack: Deployed
    fault: Fault | None = None
    rate: float = 0.0
    """How often any request, also one that reads, is refused or loses its reply."""
    overtake: Callable[[], object] = lambda: None
    dice: random.Random = field(default_factory=random.Random)
    done: list[Done] = field(default_factory=list)
    writes: int = 0
    faults: int = 0
    _is_dead: bool = False

    def connect(self, patched: pytest.MonkeyPatch) -> None:
        """Watch every client that is made from now on."""
        make = bootstrap._client

        def watched(service: Any, **more: Any) -> Any:  # noqa: ANN401 - as it was called
            client = make(service, **more)
            events = client.meta.events
            events.register("provide-client-params", _remember)
            events.register("before-call", self._before)
            events.register("after-call", self._after)
            if service == "dynamodb":
                events.register("provide-client-params.dynamodb.*", self.stack._watch)
            return client

        patched.setattr(bootstrap, "_client", watched)

    def connect_mails(self, patched: pytest.MonkeyPatch) -> None:
        """Watch what stands for the mail service."""
        post: Any = bootstrap.emails()

        class Emails:
            @staticmethod
            def send_email(**asked: object) -> object:
                return self.send("SendEmail", asked, lambda: post.send_email(**asked))

        patched.setattr(bootstrap, "emails", Emails)

    def send(self, operation: str, asked: Json, effect: Callable[[], Any]) -> Any:  # noqa: ANN401
        """A request that does not go through a client of botocore's own."""
        self._begin(operation, asked)
        answer = effect()
        self._end(operation, asked)
        return answer

    @contextmanager
    def process(self, fault: Fault | None = None) -> Iterator[None]:
        """One invocation, in which a fault may happen."""
        self.fault, self.writes, self._is_dead = fault, 0, False
        try:
            yield
        finally:
            self.fault, self._is_dead = None, False

    def _before(self, model: Any, context: Json, **_: object) -> None:  # noqa: ANN401 - botocore's
        self._begin(model.name, context["asked"])

    def _after(
        self,
        http_response: Any,  # noqa: ANN401 - botocore's
        model: Any,  # noqa: ANN401 - botocore's
        context: Json,
        **_: object,
    ) -> None:
        if http_response.status_code < 300:
            self._end(model.name, context["asked"])

    def _begin(self, operation: str, asked: Json) -> None:
        if self.stack._running is None:
            return
        if self._is_dead:
            raise WorkerKilledError
        if self.rate and self.dice.random() < self.rate / 2:
            self.faults += 1
            raise refusal(operation, asked, self.dice)
        if operation.startswith(READS):
            return
        self.writes += 1
        fault = self.fault
        if fault is None or fault.write != self.writes:
            return
        if fault.kind == "refused":
            self.fault = None
            raise refusal(operation, asked)
        if fault.kind == "overtaken":
            self.fault = None
            self._let_other_pass()

    def _end(self, operation: str, asked: Json) -> None:
        if self.stack._running is None:
            return
        is_read = operation.startswith(READS)
        if not is_read:
            self.done.append(Done(operation, asked))
        if self.rate and self.dice.random() < self.rate / 2:
            self.faults += 1
            raise lost_reply()
        fault = self.fault
        if is_read or fault is None or fault.write != self.writes:
            return
        self.fault = None
        if fault.kind == "killed":
            self._is_dead = True
            raise WorkerKilledError
        if fault.kind == "reply_lost":
            raise lost_reply()

    def _let_other_pass(self) -> None:
        running, writes = self.stack._running, self.writes
        self.overtake()
        self.stack._running, self.writes = running, writes


def _remember(params: Json, context: Json, **_: object) -> None:
    context["asked"] = params
