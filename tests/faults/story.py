"""The story of the samples (tests/functions/test_samples.py), each step of which may go wrong.

After a fault the same event comes again, to a new process, as the queue, the stream, the schedule
or the client sends it again, and the sweep comes as it always does. What the stack has then is
compared with what it has where nothing goes wrong: every item that the step has changed, and every
message, event, object and mail that it has sent.
"""

import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, assert_never

import pytest

from points_ledger.adapters.outbound_http import HttpCourier
from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.identity import MemberId
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime import stream as runtime_stream
from tests.faults.remembered import Moment
from tests.faults.wire import Done, Fault, Kind, Wire, WorkerKilledError
from tests.functions.deployed import CACHES, Deployed, new_stack
from tests.functions.test_samples import (
    STORY,
    Answered,
    Batch,
    Counted,
    Followed,
    Loaded,
    Outcome,
    Published,
    Reconciled,
    Swept,
    Teller,
    open_for_story,
    taken,
)

Json = dict[str, Any]

MAX_DELIVERIES: Final = 300
"""Far more than faults leave undone; reaching it means that something never succeeds."""

GIVES_UP: Final = frozenset({"simulations/backtest_ok", "simulations/backtest_duplicate"})
"""A backtest that was interrupted five times says so, and is asked for again by a person."""
GONE_ALREADY: Final = {"outbound_webhooks/remove_ok": 404}
"""What is taken away is not found the second time."""

_REMEMBERED: Final = [
    each for each in CACHES if each.__module__ not in (bootstrap.__name__, observability.__name__)
]
_TABLE_WRITES: Final = ("DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem")
_MEMBER_ID: Final = re.compile(r"mbr_[a-z0-9]{16}")
_COMPUTED: Final = re.compile(
    r"(?<=LIST#members#)\d\d|[0-9a-f]{64}|whsec_[\w+/=-]+|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}-[0-9A-Z]"
)
"""What follows from a member's id, or from chance: where somebody is listed, digests, secrets,
codes of coupons."""
_BY_CHANCE: Final = frozenset({"hash", "previous_hash", "salt", "token", "message_id"})
_OF_WHO_POSTED: Final = frozenset({"actor", "correlation_id"})
"""What a killed worker has left to do is done by the sweep, in its own name."""
_COUNTS_TRIES: Final = ("SIMULATION#", "SWEEP#")
"""Items whose revision says how often they were worked on, and not what happened."""


@dataclass(frozen=True, slots=True)
class World:
    """What a step has changed in the table, and what it has sent; ids by chance have no name.

    Attributes:
        items: as text, with how many of each.
        sent: messages, events and objects: at least once is what these promise.
        mails: at most once is what a mail promises.
    """

    items: Mapping[str, int]
    sent: frozenset[str]
    mails: Mapping[str, int]

    def differs_from(self, clean: "World") -> list[str]:
        """What is there too much (+) and what is missing (-)."""
        pairs = [(Counter(self.items), Counter(clean.items))]
        pairs.append((Counter(self.sent), Counter(clean.sent)))
        found = [f"+ {each}" for ours, theirs in pairs for each in ours - theirs]
        found += [f"- {each}" for ours, theirs in pairs for each in theirs - ours]
        return found + [f"+ {each}" for each in Counter(self.mails) - Counter(clean.mails)]


@dataclass(frozen=True, slots=True)
class Step:
    """One sample, with what was there before and what is when nothing goes wrong."""

    name: str
    expected: Outcome
    writes: int
    before: Moment
    after: Moment
    clean: World


@dataclass
class Story:
    """A stack in which the samples are played one after the other."""

    stack: Deployed
    wire: Wire
    teller: Teller
    lots: Iterator[int] = field(default_factory=lambda: itertools.count(500_000))
    is_faulty: bool = False
    _known: frozenset[str] = frozenset()

    # --- Playing ----------------------------------------------------------------------------

    def steps(self) -> Iterator[Step]:
        """Each step that writes, played without a fault; whatever is done meanwhile is undone."""
        for instant, name, expected in STORY:
            self.stack.clock.now = datetime.fromisoformat(instant)
            before = Moment.now()
            self._known = frozenset(_MEMBER_ID.findall(" ".join(before.partitions())))
            self._begin()
            outcome = self.play(name)
            assert is_settled(name, outcome, expected), f"{name} ended as {outcome}"
            writes, after = self.wire.writes, Moment.now()
            if not writes:
                continue
            clean = self._world(before)
            self.is_faulty = True
            yield Step(name, expected, writes, before, after, clean)
            self.is_faulty = False
            after.restore()

    def hurt(self, step: Step, kind: Kind, write: int) -> list[str]:
        """Play a step with a fault, until it is done; how that differs from the clean step."""
        step.before.restore()
        self._begin()
        self.wire.overtake = lambda: self._overtake(step.name)
        self.play(step.name, Fault(kind, write))
        return self._settled(step)

    def shake(self, step: Step, rate: float) -> list[str]:
        """Play a step while any request may fail, until it is done."""
        step.before.restore()
        self._begin()
        self.wire.rate = rate
        try:
            found = self._settled(step, forgetting=False)
        finally:
            self.wire.rate = 0.0
        has_order = not isinstance(step.expected, (Batch, Swept))
        return [] if not has_order and _in_another_order(found) else found

    def play(self, name: str, fault: Fault | None = None) -> Outcome | None:
        """Play a sample; None where the process was killed, or its handler raised."""
        with self.wire.process(fault):
            try:
                return self.teller.play(name)
            except (AssertionError, KeyError, TypeError):
                raise
            except (Exception, WorkerKilledError):  # noqa: BLE001 - Lambda asks no more either
                return None
            finally:
                self.stack._running = None

    def _overtake(self, name: str) -> None:
        """What another process does, while this one is about to write."""
        _new_process()
        self.teller.play(name)

    def _begin(self) -> None:
        self.wire.done.clear()
        _new_process()

    def _settled(self, step: Step, *, forgetting: bool = True) -> list[str]:
        for _ in range(MAX_DELIVERIES):
            if forgetting:
                _new_process()
            if is_settled(step.name, self.play(step.name), step.expected):
                break
        else:
            return ["never succeeds"]
        self.wire.rate = 0.0
        if isinstance(step.expected, (Reconciled, Swept)):
            # Visits that failed are made again by the next tick; what was left is gone on with.
            self.play(step.name)
        found = self._world(step.before).differs_from(step.clean)
        return self._after_sweep(step) if found else found

    def _after_sweep(self, step: Step) -> list[str]:
        """The difference that is left when the sweep has come, with the fault and without."""
        self._sweep()
        faulty = self._world(step.before)
        step.after.restore()
        sent = self.wire.done
        self.wire.done = []
        self._sweep()
        clean = self._world(step.before)
        self.wire.done = sent
        whole = World(clean.items, clean.sent | step.clean.sent, step.clean.mails)
        return faulty.differs_from(whole)

    def _sweep(self) -> None:
        _new_process()
        self.play("hold_release/schedule_malformed")

    # --- Comparing --------------------------------------------------------------------------

    def _world(self, before: Moment) -> World:
        """What has changed since, and what was sent.

        A member who was not there before may have any id: another process draws another.
        """
        items = Counter(self._text(_plain(item)) for item in before.changes())
        sent = frozenset(self._text(each) for each in _sent(self.wire.done))
        mails = Counter(
            self._text(each.asked) for each in self.wire.done if each.operation == "SendEmail"
        )
        return World(items, sent, mails)

    def _text(self, value: object) -> str:
        text = json.dumps(value, default=repr, sort_keys=True)
        text = _MEMBER_ID.sub(lambda found: found[0] if found[0] in self._known else "?", text)
        return _COMPUTED.sub("#", text)


@contextmanager
def opened() -> Iterator[Story]:
    """A new stack with nothing in it, in which nobody sleeps."""
    with pytest.MonkeyPatch.context() as patched, new_stack(patched) as stack:
        wire = Wire(stack)
        wire.connect(patched)
        story = Story(stack, wire, open_for_story(stack, patched))
        wire.connect_mails(patched)

        def post(courier: HttpCourier, url: str, **said: Any) -> object:  # noqa: ANN401 - passed on
            asked = {"url": url, "content": said["occurrence"].content}
            return wire.send("Post", asked, lambda: taken(courier, url, **said))

        patched.setattr(HttpCourier, "post", post)
        _draw_apart(story, patched)
        patched.setattr(time, "sleep", lambda _: None)
        yield story


def is_settled(name: str, outcome: Outcome | None, expected: Outcome) -> bool:
    """Whether nobody would send the event again."""
    match expected, outcome:
        case Batch(again=again), Batch():
            return outcome.again == again
        case Answered(), Answered(status=status):
            # Who is known by now is shown, and not enrolled.
            return status == expected.status or status == (
                200 if expected.status == 201 else GONE_ALREADY.get(name)
            )
        case Swept(posted=entries), Swept():
            return (outcome.posted is None) == (entries is None)
        case Counted(changes=changes), Counted():
            return (outcome.changes is None) == (changes is None)
        case Followed(events=events), Followed():
            return (outcome.events is None) == (events is None)
        case Reconciled(differences=differences), Reconciled():
            return (outcome.differences is None) == (differences is None)
        case Published(checkpoints=checkpoints), Published():
            return (outcome.checkpoints is None) == (checkpoints is None)
        case Loaded(), Loaded():
            return True
        case _, None:
            return False
        case _:
            assert_never(expected)  # type: ignore[arg-type]  # each is met by its like only


def _in_another_order(found: list[str]) -> bool:
    """Whether only entries differ, and come to the same: what failed is done after the rest."""
    sums: Counter[str] = Counter()
    for each in found:
        sign, item = (1 if each[0] == "+" else -1), json.loads(each[2:])
        if not str(item.get("PK", {}).get("S", "")).startswith("MEMBER#"):
            return False
        sums["entries"] += sign
        for name in ("pending", "available", "reserved", "debt"):
            sums[name] += sign * int(item.get(name, {}).get("N", 0))
    return not any(sums.values())


def _draw_apart(story: Story, patched: pytest.MonkeyPatch) -> None:
    """Steps that are undone draw other ids and codes, so that the samples name the right ones."""
    member_id, code = services._new_member_id, services._new_code

    def new_member_id() -> MemberId:
        return MemberId(f"mbr_{next(story.lots):016d}") if story.is_faulty else member_id()

    def new_code() -> Any:  # noqa: ANN401 - as it was
        return code_of(next(story.lots).to_bytes(RANDOM_BYTES)) if story.is_faulty else code()

    patched.setattr(services, "_new_member_id", new_member_id)
    patched.setattr(services, "_new_code", new_code)


def _new_process() -> None:
    """Forget what a process remembers, but for clients and loggers, which only take time."""
    for cached in _REMEMBERED:
        cached.cache_clear()
    runtime_stream._noted.clear()


def _sent(done: list[Done]) -> Iterator[object]:
    """What left the stack, one by one, but for mails."""
    for each in done:
        match each.operation:
            case "SendMessageBatch":
                yield from (
                    (each.asked["QueueUrl"], entry["MessageBody"])
                    for entry in each.asked["Entries"]
                )
            case "PutEvents":
                yield from (
                    (entry["DetailType"], entry["Detail"]) for entry in each.asked["Entries"]
                )
            case "PutObject":
                yield each.asked["Key"]
            case name if name not in (*_TABLE_WRITES, "SendEmail"):
                yield name, each.asked


def _plain(item: Json) -> Json:
    """An item without what is by chance, and what counts tries."""
    place = str(item.get("PK", {}).get("S", ""))
    dropped = {*_BY_CHANCE, *_OF_WHO_POSTED}
    if place.startswith(_COUNTS_TRIES):
        dropped.add("revision")
    if place.startswith("DUE#"):
        # How often a marker was written in an hour, also the same one.
        dropped.add("markers")
    if place == "INTEGRITY":
        # A run that nobody knows to be done is made again, and finds the same.
        dropped |= {"revision", "previous"}
    if place.startswith("MAIL#"):
        # Whoever was killed while sending leaves it claimed: nobody knows whether it went out.
        dropped.add("status")
    return {name: value for name, value in item.items() if name not in dropped}
