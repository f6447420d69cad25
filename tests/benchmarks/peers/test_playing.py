"""Playing the script: peers that do it right pass, and each way of doing it wrong is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.benchmarks.peers.oracle import Account
from tests.benchmarks.peers.playing import MAX_WRITES, ROUNDS, Outcome, names, played
from tests.benchmarks.peers.script import (
    FAULTS,
    MAX_DELIVERIES,
    SWEEP,
    Fault,
    Killed,
    Message,
    Pass,
    Together,
    bought,
    pay,
    post,
    redeem,
    told,
)


@dataclass
class Oracles:
    """Workers that answer as the rules say, each message once; a fact fails so often before."""

    failures: int = 0
    writes: int = 2
    days: float = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    taken: dict[tuple[str, str], int] = field(default_factory=dict)

    def ask(self, message: Mapping[str, Any], worker: int = 0) -> Mapping[str, Any] | None:
        del worker
        if message["do"] == "enrol":
            self.accounts[message["member"]] = Account(today=self.days)
            return {"outcome": "done", "member": message["member"]}
        account = self.accounts[message["member"]]
        account.today = self.days
        if message["do"] == "balance":
            return {"outcome": "done", "balance": account.available}
        return self.deliver(account, message)

    def deliver(self, account: Account, wire: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.deliveries[wire["id"]] = self.deliveries.get(wire["id"], 0) + 1
        if wire["do"] != "redeem" and self.deliveries[wire["id"]] <= self.failures:
            return {"outcome": "again", "error": "TimeoutError: "}
        said = Message(**{name: wire[name] for name in Message.__slots__})
        known = self.taken.setdefault((wire["member"], wire["id"]), said.points)
        if known != said.points:
            return {"outcome": "refused"}
        before = len(account.accepted)
        account.take(said)
        if 0 < wire.get("die_after", 0) <= self.writes:
            return None
        if said.do == "redeem" and said.id not in account.accepted:
            assert len(account.accepted) == before
            return {"outcome": "refused"}
        return {"outcome": "done"}

    def ask_together(self, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
        return [self.ask(message) for message in messages]

    def pass_days(self, days: float) -> None:
        self.days += days


class Forgetful(Oracles):
    """Takes every delivery for a new message."""

    def deliver(self, account: Account, wire: Mapping[str, Any]) -> Mapping[str, Any] | None:
        count = len(self.deliveries)
        return super().deliver(account, {**wire, "id": f"{wire['id']}-{count}"})


class WithoutSweep(Oracles):
    """Has nothing that expires points."""

    def deliver(self, account: Account, wire: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if wire["do"] == "sweep":
            return {"outcome": "not_offered"}
        return super().deliver(account, wire)


def outcome_of(workers: Oracles, fault: Fault) -> Outcome:
    return played(workers, fault, names())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("failures", [0, 1, MAX_DELIVERIES - 1])
def test_who_follows_the_rules_passes_whatever_has_to_come_again(
    fault: Fault, failures: int
) -> None:
    assert outcome_of(Oracles(failures=failures), fault).passed


def test_a_message_does_not_come_again_for_ever() -> None:
    outcome = outcome_of(Oracles(failures=MAX_DELIVERIES), fault(*bought("a"), expected=100))

    assert (outcome.got, outcome.passed, outcome.error) == (0, False, "TimeoutError: ")


def test_taking_a_duplicate_twice_is_seen() -> None:
    steps = [*bought("a"), *told(redeem(40), redeem(40))]

    assert outcome_of(Forgetful(), fault(*steps, expected=60)).got == 20


def test_a_redemption_too_many_is_seen_where_the_balance_is_right() -> None:
    right = fault(*told(post(), pay(), redeem(100), redeem(100, "k2")), expected=0, accepted=1)
    strict = fault(*right.steps, expected=0, accepted=0)

    assert outcome_of(Oracles(), right).passed
    assert not outcome_of(Oracles(), strict).passed


def test_what_is_not_offered_is_not_passed() -> None:
    outcome = outcome_of(WithoutSweep(), fault(*told(SWEEP), expected=0))

    assert (outcome.is_offered, outcome.passed) == (False, False)


@pytest.mark.parametrize("writes", [0, 1, 3])
def test_workers_die_once_after_each_of_their_writes(writes: int) -> None:
    outcome = outcome_of(Oracles(writes=writes), fault(Killed(message=post()), expected=0))

    assert outcome.kills == writes < MAX_WRITES


def test_what_happens_at_the_same_moment_is_played_a_few_times() -> None:
    workers = Oracles()
    outcome_of(workers, fault(Together(messages=(pay(), pay())), Pass(days=1), expected=0))

    assert len(workers.accounts) == workers.days == ROUNDS


def fault(*steps: Any, expected: int, accepted: int | None = None) -> Fault:  # noqa: ANN401 - steps
    return Fault(group="test", name="test", steps=steps, expected=expected, accepted=accepted)
