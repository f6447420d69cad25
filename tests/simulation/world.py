"""A world in which every order of events can happen, chosen by a seed.

Each actor (a worker with a fact, a client with its key, a sweep, the stream) is a greenlet. Every
operation on the store is a place where another actor may go on, where a worker may be killed, and
where a commit may go wrong in the ways of a network. Nothing else makes a choice, so a seed is a
schedule. What happened is kept in `log`, in the order in which it took effect.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from greenlet import getcurrent, greenlet

from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import ConflictError, LedgerError, MergeRefusedError, Rejection
from points_ledger.domain.fact import EarningReconsidered, Fact
from points_ledger.domain.identity import CouponCode, EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.service.ledger import WritePath, guarded_key
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    ExternalLink,
    Item,
    ItemKey,
    Link,
    ListName,
    ListPage,
    Lost,
    Marker,
    MarkerKind,
    Note,
    NotePlace,
    Outcome,
    Put,
    Store,
    Write,
)
from points_ledger.service.programs import Programs
from tests.builders import START
from tests.memory_store import MemoryStore
from tests.simulation.services import Answer, Command, Reader, Services, name_of

MAX_DELIVERIES: Final = 60
"""Far more than the faults of one schedule; reaching it means that something never succeeds."""
MAX_KILLS: Final = 4
MAX_STEPS_BEFORE: Final = 16
"""Of others, before the clock moves or a client comes."""
ENDED_AT: Final = START + timedelta(days=800)
"""When every hold is over, everything unpaid has lapsed and every lot has passed."""
RESERVATIONS_ENDED_AT: Final = START + timedelta(days=100)
"""When every reservation has ended, and nothing has that lasts for months."""

Fault = Literal["conflict", "not_applied", "late", "reply_lost", "killed_after"]
FAULTS: Final[tuple[Fault, ...]] = (
    "conflict",
    "not_applied",
    "late",
    "reply_lost",
    "reply_lost",
    "killed_after",
)


def copied(store: MemoryStore) -> MemoryStore:
    """Another store with the same content; everything in it is immutable."""
    copy = MemoryStore(clock=lambda: START)
    copy._chains = {member_id: list(chain) for member_id, chain in store._chains.items()}
    copy._items = dict(store._items)
    copy._notes = dict(store._notes)
    copy._lists = dict(store._lists)
    copy._shares = dict(store._shares)
    copy._waiting = {key: dict(waiting) for key, waiting in store._waiting.items()}
    copy._parked = {key: dict(parked) for key, parked in store._parked.items()}
    copy._hours = dict(store._hours)
    copy._markers = {place: dict(markers) for place, markers in store._markers.items()}
    return copy


LOOKS: Final[frozenset[str]] = frozenset({"expiry", "reservation"})
"""Who puts markers first, each commit of its own; elsewhere they belong to what they mark."""


def marks_ahead(sent: "Sent") -> bool:
    """Whether a look only puts markers, on which nothing depends."""
    return sent.run.name in LOOKS and all(
        isinstance(write, Put) and isinstance(write.item, Marker) for write in sent.writes
    )


class WorkerKilledError(BaseException):
    """A process was stopped here; whoever called it never hears of it."""


Act = Callable[[Services], object]


def no_pause(attempt: int) -> None:
    """Time passes only where the world lets it."""


@dataclass(slots=True)
class Run:
    """One execution of a command by one process, from its call to its end."""

    number: int
    name: str
    command: Act
    at: datetime
    """The process's clock, as read in the attempt that is under way."""
    began: int
    """How many commits had taken effect when the run began."""
    seen: int
    """How many had when the attempt that is under way began."""
    tried: int
    """How many had when it last tried to commit, or began."""
    member_id: MemberId | None = None
    """The id made last for a new member."""
    code: CouponCode | None = None
    """The code made last for a new coupon."""
    ids_made: int = 0
    losses: int = 0
    """Attempts that came to nothing, by a lost commit or because what was read did not agree."""
    commits_lost: int = 0
    faults: int = 0
    applied: int = 0
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A commit on its way, with what it was decided by."""

    run: Run
    writes: tuple[Write, ...]
    at: datetime
    member_id: MemberId | None
    code: CouponCode | None
    seen: int
    """How many commits had taken effect when the attempt began to read."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rejection, and the span of commits in which it must have been true at some moment.

    It begins with the last commit that was tried: what was seen before is no reason any more.
    """

    run: Run
    at: datetime
    code: str
    first: int
    last: int


@dataclass(slots=True)
class History:
    """What happened in one schedule."""

    log: list[Sent] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    losers: list[tuple[Run, int]] = field(default_factory=list)
    """Runs that lost a race, and how many commits had taken effect when they ended."""
    conflicts: list[Run] = field(default_factory=list)
    errors: list[tuple[Run, BaseException]] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    alone_until: int | None = None
    """How many commits were made without any other between their reads and themselves."""


class World:
    """The store, the clock, the actors and the dice."""

    def __init__(
        self,
        store: MemoryStore,
        programs: Programs,
        *,
        seed: int,
        times: Sequence[datetime] = (),
        expires: bool = True,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.store = store
        self.alone = store
        """What was stored after the commits that had no competition."""
        self.programs = programs
        self.now = START
        self.history = History()
        self.random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self._times = times
        self._expires = expires
        self._trace = trace
        self._hub = getcurrent()
        self._runnable: list[greenlet] = []
        self._runs = 0
        self._kills_left = MAX_KILLS
        self._armed = [m for markers in store._markers.values() for m in markers.values()]
        rate = self.random.choice((0.0, 0.0, 0.05, 0.15, 0.3))
        self._fault_rate = rate
        self._kill_rate = rate / 4
        self._stays = self.random.choice((0.0, 0.3, 0.7))
        """How likely an actor goes on by itself: long steps find other races than short ones."""
        self._calm = False

    # --- Actors -----------------------------------------------------------------------------

    def deliver(self, fact: Fact) -> None:
        """A queue hands out a fact until it is recorded."""
        self._spawn(lambda: self._until_done(fact.type, lambda services: services.record(fact)))

    def ask(self, *commands: Command) -> None:
        """A client sends its commands, each until there is a definite answer, one by one."""
        self._spawn(lambda: self._ask_all(commands))

    def sweep(self, kind: MarkerKind) -> None:
        """A schedule visits what is due, by its own clock."""
        self._spawn(lambda: self._visit_due(kind, self._skewed()))

    def play(self) -> History:
        """Let everybody act until nobody has anything to do; then let all time pass."""
        if self._times:
            self._spawn(self._pass_time)
        runnable, dice = self._runnable, self.random.random
        last: greenlet | None = None
        while runnable:
            if last is None or dice() >= self._stays:
                last = runnable[int(dice() * len(runnable))]
            last.switch()
            if last.dead:
                runnable.remove(last)
                last = None
        self._calm_down()
        return self.history

    def _calm_down(self) -> None:
        """The last pass of every sweep, long after: each marker is visited once it was due."""
        self._calm, self.now = True, RESERVATIONS_ENDED_AT
        self._visit_due("reservation", timedelta())
        reviewed: set[Marker] = set()
        self._visit_due("tier_review", timedelta(), reviewed)
        self.now = ENDED_AT
        self._visit_due("hold_release", timedelta())
        if self._expires:
            self._visit_due("expiry", timedelta())
        # Each look has to have asked for the next one.
        self._visit_due("tier_review", timedelta(), reviewed)

    def _spawn(self, act: Callable[[], None]) -> None:
        if self._calm:
            act()
        else:
            self._runnable.append(greenlet(act, self._hub))

    def _until_done(self, name: str, command: Act) -> None:
        for _ in range(MAX_DELIVERIES):
            run = self._run(name, command)
            try:
                command(self._services(run))
            except MergeRefusedError as error:
                self._rejected(run, error)
                return
            except (WorkerKilledError, ConflictError) as error:
                self._failed(run, error)
            except (LedgerError, AssertionError, ValueError) as error:
                self._failed(run, error)
                return
            else:
                return
            finally:
                self._ended(run)
        self.history.undelivered.append(name)

    def _ask_all(self, commands: Sequence[Command]) -> None:
        if self._times:
            # Where the clock moves, some come after it has.
            for _ in range(int(self.random.random() * MAX_STEPS_BEFORE)):
                self._step()
        for command in commands:
            self._ask(name_of(command), command)

    def _ask(self, name: str, command: Command) -> None:
        for _ in range(MAX_DELIVERIES):
            run = self._run(name, lambda services: services.carry_out(command))
            try:
                answer = self._services(run).carry_out(command)
            except Rejection as error:
                self._rejected(run, error)
                return
            except (WorkerKilledError, ConflictError) as error:
                self._failed(run, error)
            except (LedgerError, AssertionError, ValueError) as error:
                self._failed(run, error)
                return
            else:
                self.history.answers.setdefault(name, []).append(answer)
                return
            finally:
                self._ended(run)
        self.history.undelivered.append(name)

    def _visit_due(
        self, kind: MarkerKind, skew: timedelta, visited: set[Marker] | None = None
    ) -> None:
        """Visit what is due and was not `visited`, which is noted there."""
        visited = set() if visited is None else visited
        while True:
            self._step()
            now = self.now + skew
            due = {m: None for m in self._armed if m.kind == kind and m.due_at <= now}
            new = [marker for marker in due if marker not in visited]
            if not new:
                return
            visited.update(new)
            for marker in new:
                self._until_done(kind, _visit(marker, now))

    def _follow(self, woken: Callable[[], Sequence[Fact]]) -> None:
        """The stream: reads what waited and queues it, once or twice."""
        self._step()
        facts = woken()
        for fact in facts:
            self.deliver(fact)
            if not self._calm and self.random.random() < 0.2:
                self.deliver(fact)

    def _pass_time(self) -> None:
        for instant in self._times:
            for _ in range(int(self.random.random() * MAX_STEPS_BEFORE)):
                self._step()
            self.now = instant
            self._say("time", str(instant))

    def _step(self) -> None:
        if not self._calm:
            self._hub.switch()

    # --- Runs -------------------------------------------------------------------------------

    def _run(self, name: str, command: Act) -> Run:
        self._runs += 1
        at, began = self.now + self._skewed(), len(self.history.log)
        return Run(self._runs, name, command, at=at, began=began, seen=began, tried=began)

    def _skewed(self) -> timedelta:
        return timedelta() if self._calm else timedelta(seconds=self.random.choice((-10, 0, 0, 10)))

    def _services(self, run: Run) -> Services:
        def lost() -> None:
            run.losses += 1
            run.seen = len(self.history.log)
            run.at = self.now + self._skewed()

        def new_member_id() -> MemberId:
            run.ids_made += 1
            run.member_id = MemberId(f"member-{run.number}-{run.ids_made}")
            return run.member_id

        def new_code() -> CouponCode:
            run.ids_made += 1
            run.code = code_of((run.number * 1_000 + run.ids_made).to_bytes(RANDOM_BYTES))
            return run.code

        store = SimulatedStore(self, run)
        path = WritePath(store=store, pause=no_pause, lost=lost)
        return Services(
            path=path,
            reader=store,
            programs=self.programs,
            clock=lambda: run.at,
            new_member_id=new_member_id,
            new_code=new_code,
            look=self._look,
        )

    def _look(self, key: EarningKey, now: datetime) -> int:
        """The same process looks at what it has made due, as a run of its own; once.

        If it is killed there, so is whatever made it due, which then comes again.
        """
        run = self._run("follow", lambda services: services.release(key, now))
        try:
            return self._services(run).release(key, now).entries
        finally:
            self._ended(run)

    def _ended(self, run: Run) -> None:
        if run.losses:
            self.history.losers.append((run, len(self.history.log)))

    def _failed(self, run: Run, error: BaseException) -> None:
        self._say(run.name, f"#{run.number} failed: {error!r}")
        if isinstance(error, WorkerKilledError):
            return
        if isinstance(error, ConflictError):
            self.history.conflicts.append(run)
        else:
            self.history.errors.append((run, error))

    def _rejected(self, run: Run, error: Rejection | MergeRefusedError) -> None:
        self._say(run.name, f"#{run.number} rejected: {error!r}")
        last = len(self.history.log)
        self.history.refusals.append(
            Refusal(run=run, at=run.at, code=error.code, first=run.tried, last=last)
        )

    # --- What the store tells ---------------------------------------------------------------

    def pass_by(self, run: Run, operation: str) -> None:
        """A place where others may go on and where a process may be killed."""
        if self._calm:
            return
        self._hub.switch()
        if self._kills_left and self.random.random() < self._kill_rate:
            self._kills_left -= 1
            self._say(run.name, f"#{run.number} killed before {operation}")
            raise WorkerKilledError
        if self._trace:
            self._say(run.name, f"#{run.number} {operation}")

    def fault(self) -> Fault | None:
        if self._calm or self.random.random() >= self._fault_rate:
            return None
        return self.random.choice(FAULTS)

    def send(self, run: Run, writes: Sequence[Write]) -> Outcome:
        """Commit, with whatever goes wrong on the way."""
        sent = Sent(run, tuple(writes), run.at, run.member_id, run.code, run.seen)
        fault = self.fault()
        if fault is None:
            return self._apply(sent)
        run.faults += 1
        self._say(run.name, f"#{run.number} fault: {fault}")
        match fault:
            case "conflict":
                keys = [key for write in writes if (key := guarded_key(write)) is not None]
                return Lost(returned=dict.fromkeys(keys)) if keys else Lost(unknown=True)
            case "not_applied":
                pass
            case "late":
                run.uncertain = True
                run.faults += 1  # it costs this attempt, and the next when it arrives after all
                self._spawn(lambda: self._arrive(sent))
            case "reply_lost":
                outcome = self._apply(sent)
                if isinstance(outcome, Lost):
                    return outcome
            case "killed_after":
                self._apply(sent)
                raise WorkerKilledError
        return Lost(unknown=True)

    def _arrive(self, sent: Sent) -> None:
        """A request whose sender gave up waiting takes effect all the same, if it still can."""
        self._step()
        self._apply(sent)

    def _apply(self, sent: Sent) -> Outcome:
        fresh = [
            write.item.payment
            for write in sent.writes
            if isinstance(write, Link) and not self.store.get([write.item.payment])
        ]
        if self.history.alone_until is None and sent.seen < len(self.history.log):
            self.history.alone_until = len(self.history.log)
            self.alone = copied(self.store)
        outcome = self.store.commit(sent.writes)
        if isinstance(outcome, Committed):
            sent.run.applied += 1
            if sent.seen == len(self.history.log) and marks_ahead(sent):
                sent.run.seen += 1  # what it commits next is still as if it were alone
            self.history.log.append(sent)
            if self._trace:
                self._say(sent.run.name, f"#{sent.run.number} committed: {_brief(sent.writes)}")
            self._tell_stream(sent.writes, fresh)
        elif self._trace:
            self._say(sent.run.name, f"#{sent.run.number} lost: {_brief(sent.writes)}")
        return outcome

    def _tell_stream(self, writes: Sequence[Write], fresh: Sequence[PaymentKey]) -> None:
        for write in writes:
            match write:
                case Put(item=Marker() as marker):
                    self._armed.append(marker)
                case Append(entry=entry) if entry.state.standing.status == "erased":
                    self._spawn(partial(self._erase_notes, entry))
                case Create(item=ExternalLink(external_id=external_id)):
                    self._spawn(partial(self._follow, partial(self._waiting, external_id)))
                case _:
                    pass
        for payment in fresh:
            self._spawn(partial(self._follow, partial(self.store.parked, payment)))

    def _erase_notes(self, entry: Entry) -> None:
        """The stream: takes free text away, in case the erasure was stopped before it had."""
        self._step()
        for member_id in (entry.member_id, *entry.state.standing.aliases):
            self.store.erase_notes(member_id)

    def _waiting(self, external_id: ExternalId) -> list[Fact]:
        return [EarningReconsidered(purchase=key) for key in self.store.waiting(external_id)]

    def _say(self, who: str, what: str) -> None:
        if self._trace:
            self._trace(f"{who:>22}  {what}")


class SimulatedStore(Store, Reader):
    """The store as one run sees it."""

    def __init__(self, world: World, run: Run) -> None:
        self._world = world
        self._run = run

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        self._world.pass_by(self._run, "get")
        return self._world.store.get(keys)

    def head(self, member_id: MemberId) -> Entry | None:
        self._world.pass_by(self._run, "head")
        return self._world.store.head(member_id)

    def commit(self, writes: Sequence[Write]) -> Outcome:
        self._world.pass_by(self._run, "commit")
        outcome = self._world.send(self._run, writes)
        self._run.commits_lost += isinstance(outcome, Lost)
        self._run.tried = len(self._world.history.log)
        return outcome

    def listed(
        self,
        name: ListName,
        partition: str,
        *,
        prefix: str = "",
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
    ) -> ListPage:
        self._world.pass_by(self._run, "listed")
        return self._world.store.listed(
            name,
            partition,
            prefix=prefix,
            limit=limit,
            cursor=cursor,
            newest_first=newest_first,
            consistent=consistent,
        )

    def notes(self, member_id: MemberId) -> Sequence[Note]:
        self._world.pass_by(self._run, "notes")
        return self._world.store.notes(member_id)

    def texts(self, places: Sequence[NotePlace]) -> Mapping[NotePlace, str]:
        self._world.pass_by(self._run, "texts")
        return self._world.store.texts(places)

    def erase_notes(self, member_id: MemberId) -> int:
        self._world.pass_by(self._run, "erase_notes")
        return self._world.store.erase_notes(member_id)


def _visit(marker: Marker, now: datetime) -> Act:
    match marker.kind:
        case "hold_release":
            key = EarningKey.parse(marker.target)
            return lambda services: services.release(key, now)
        case "reservation":
            return lambda services: services.end(marker.target, now)
        case "expiry":
            return lambda services: services.expire(marker.target, now)
        case "tier_review":
            return lambda services: services.review(marker.target, now)
        case _:
            raise AssertionError(f"no schedule of the simulation visits {marker.kind}")


def _brief(writes: Sequence[Write]) -> str:
    words = []
    for write in writes:
        if isinstance(write, Append):
            entry = write.entry
            words.append(f"{entry.posting.type} {entry.member_id}/{entry.number}")
        else:
            words.append(type(write).__name__)
    return ", ".join(words)
