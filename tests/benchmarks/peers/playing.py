"""Playing the fault script on a crew of workers, with the queue's redelivery in between."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from tests.benchmarks.peers.script import (
    MAX_DELIVERIES,
    REDELIVERY_DAYS,
    Fault,
    Killed,
    Message,
    Pass,
    Step,
    Tell,
    Together,
)

Reply = Mapping[str, Any]
ROUNDS: Final = 5
MAX_WRITES: Final = 12
"""No worker makes so many writes for one message."""


class Workers(Protocol):
    """A crew, or what stands in for one in a test."""

    def ask(self, message: Mapping[str, Any], worker: int = 0) -> Reply | None: ...

    def ask_together(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[Reply | None]: ...

    def pass_days(self, days: float) -> None: ...

    @property
    def days(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a fault with a peer.

    Attributes:
        got: points at the end; of several runs, those of the first that went wrong.
        accepted: redemptions that took points.
        is_offered: False if the peer has nothing for a step of the fault.
        kills: how many times a worker died.
        error: what the messages that were never taken in failed with, last.
    """

    fault: Fault
    got: int
    accepted: int
    is_offered: bool = True
    kills: int = 0
    error: str = ""

    @property
    def passed(self) -> bool:
        return (
            self.is_offered
            and self.got == self.fault.expected
            and self.fault.accepted in (None, self.accepted)
        )


@dataclass
class Run:
    """One fault played once, by one member."""

    workers: Workers
    member: str
    suffix: str
    die_after: int = 0
    waiting: list[tuple[Message, int]] = field(default_factory=list)
    sold_days: dict[str, float] = field(default_factory=dict)
    accepted: int = 0
    is_offered: bool = True
    kills: int = 0
    error: str = ""

    def play(self, fault: Fault) -> Outcome:
        """Every step, then what has to come again, then the balance."""
        for step in fault.steps:
            if _spends(step):
                self._come_again()  # whoever spends has seen the points arrive
            match step:
                case Tell(message=message, copies=copies):
                    for _ in range(copies):
                        self._deliver(message)
                case Killed(message=message):
                    self._deliver(message, die_after=self.die_after)
                case Together(messages=messages):
                    replies = self.workers.ask_together([self._wire(each) for each in messages])
                    for message, reply in zip(messages, replies, strict=True):
                        self._note(message, reply, deliveries=1)
                case Pass(days=days):
                    self._come_again()
                    self.workers.pass_days(days)
        self._come_again()
        balance = self.workers.ask({"do": "balance", "member": self.member})
        assert balance is not None
        assert "balance" in balance, balance
        return Outcome(
            fault=fault,
            got=balance["balance"],
            accepted=self.accepted,
            is_offered=self.is_offered,
            kills=self.kills,
            error=self.error,
        )

    def _deliver(self, message: Message, *, deliveries: int = 1, die_after: int = 0) -> None:
        reply = self.workers.ask({**self._wire(message), "die_after": die_after})
        self._note(message, reply, deliveries=deliveries)

    def _note(self, message: Message, reply: Reply | None, *, deliveries: int) -> None:
        if reply is None:
            self.kills += 1
        elif reply["outcome"] == "done" and message.do == "redeem":
            self.accepted += 1
        elif reply["outcome"] == "again":
            self.error = reply["error"]
        elif reply["outcome"] == "not_offered":
            self.is_offered = False
        if reply is None or reply["outcome"] == "again":
            self.waiting.append((message, deliveries))

    def _come_again(self) -> None:
        """As a queue delivers again: later, and not for ever."""
        for _ in range(MAX_DELIVERIES - 1):
            due = [each for each in self.waiting if each[1] < MAX_DELIVERIES]
            if not due:
                return
            self.waiting = []
            self.workers.pass_days(REDELIVERY_DAYS)
            for message, deliveries in due:
                self._deliver(message, deliveries=deliveries + 1)

    def _wire(self, message: Message) -> dict[str, Any]:
        """With names that no other run has."""
        return {
            "do": message.do,
            "id": f"{message.id}-{self.suffix}",
            "member": self.member,
            "purchase": f"{message.purchase}-{self.suffix}",
            "amount": message.amount,
            "sold_days": self.sold_days.setdefault(message.purchase, self.workers.days),
            "told_minutes": message.told_minutes,
            "points": message.points,
        }


def _spends(step: Step) -> bool:
    match step:
        case Tell(message=message) | Killed(message=message):
            return message.do == "redeem"
        case Together(messages=messages):
            return any(message.do == "redeem" for message in messages)
        case Pass():
            return False


def played(workers: Workers, fault: Fault, names: Iterator[str]) -> Outcome:
    """One fault, until a run goes wrong.

    Where workers die, it is played once for every write after which they can; where messages come
    at the same moment, ROUNDS times.
    """
    kinds = {type(step) for step in fault.steps}
    runs = MAX_WRITES if Killed in kinds else ROUNDS if Together in kinds else 1
    outcomes: list[Outcome] = []
    for number in range(1, runs + 1):
        outcomes.append(_run(workers, names, die_after=number).play(fault))
        if not outcomes[-1].passed or (Killed in kinds and not outcomes[-1].kills):
            break
    return replace(outcomes[-1], kills=sum(outcome.kills for outcome in outcomes))


def _run(workers: Workers, names: Iterator[str], *, die_after: int = 0) -> Run:
    suffix = next(names)
    reply = workers.ask({"do": "enrol", "member": f"member-{suffix}"})
    assert reply is not None
    assert reply["outcome"] == "done", reply
    return Run(workers=workers, member=reply["member"], suffix=suffix, die_after=die_after)


def names() -> Iterator[str]:
    """A name for each run."""
    return (f"{number:04d}" for number in itertools.count(1))
