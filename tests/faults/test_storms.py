"""Hundreds of writers at one member at once: each is in once, or knows that it is not."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from points_ledger.domain.entry import Entry
from points_ledger.domain.error import ConflictError, InsufficientPointsError
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import MemberId
from points_ledger.domain.replay import replay
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import (
    Item,
    ItemKey,
    Outcome,
    ProgramVersion,
    RequestKey,
    Store,
    Write,
)
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import Publishing
from points_ledger.service.recording import Recording
from points_ledger.service.redeeming import Redeeming, RedeemPoints
from tests.builders import START, paid, posted, program
from tests.memory_store import MemoryStore
from tests.service.desk import ADA, numbered_codes

WRITERS: Final = 200
MAX_DELIVERIES: Final = 200
"""Of one message; the storm is over long before."""


class SlowStore(Store):
    """Answers take a moment, in which others write."""

    def __init__(self, memory: MemoryStore) -> None:
        self.memory = memory

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        found = self.memory.get(keys)
        time.sleep(0.0005)
        return found

    def head(self, member_id: MemberId) -> Entry | None:
        found = self.memory.head(member_id)
        time.sleep(0.0005)
        return found

    def commit(self, writes: Sequence[Write]) -> Outcome:
        return self.memory.commit(writes)


class CrowdedLedger:
    """A ledger with one member, at which everybody writes at once."""

    def __init__(self) -> None:
        self.memory = MemoryStore(clock=lambda: START)
        self.losses = 0
        path = WritePath(store=SlowStore(self.memory), pause=self._pause, lost=self._lose)
        version = ProgramVersion(program=program(), document="{}", published_at=START)
        Publishing(path=path, clock=lambda: START).load_first(version)
        programs = Programs(self.memory, lambda: START)
        programs.at(START)
        self.recording = Recording(
            path=path, programs=programs, clock=lambda: START, new_member_id=lambda: ADA
        )
        self.redeeming = Redeeming(
            path=path,
            programs=programs,
            clock=lambda: START,
            salt=lambda: "salt",
            new_code=numbered_codes().__next__,
        )

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            self.recording.record(fact, actor="test")

    def redeem(self, key: str) -> str:
        """Spend a point; what the client is told."""
        command = RedeemPoints(
            request=RequestKey(caller="till", key=key),
            fingerprint=key,
            actor="till",
            member_id=ADA,
            points=1,
            kind="cash",
        )
        try:
            self.redeeming.redeem(command)
        except ConflictError:
            return "conflict"
        except InsufficientPointsError:
            return "insufficient_points"
        return "redeemed"

    @property
    def chain(self) -> list[Entry]:
        return self.memory.chain(ADA)

    def _pause(self, attempt: int) -> None:
        time.sleep(0.0005 * attempt)

    def _lose(self) -> None:
        self.losses += 1


def at_once(calls: Sequence[Callable[[], str]]) -> Counter[str]:
    """Let everybody begin at the same moment; how the calls ended."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], str]) -> str:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return Counter(threads.map(run, calls))


def test_two_hundred_purchases_of_one_member_are_each_posted_once() -> None:
    ledger = CrowdedLedger()
    ledger.tell(posted("1.00", id="first"), paid("1.00", id="first"))
    ledger.tell(*(paid("3.00", id=f"purchase-{number}") for number in range(WRITERS)))
    dice = random.Random(1)  # noqa: S311 - pauses, no secret

    def record(number: int) -> str:
        """As a queue does: until it is recorded."""
        for delivery in range(1, MAX_DELIVERIES + 1):
            try:
                ledger.tell(posted("3.00", id=f"purchase-{number}"))
            except ConflictError:
                time.sleep(dice.uniform(0, 0.01 * min(delivery, 20)))
                continue
            return "recorded"
        return "given up"

    ended = at_once([lambda n=n: record(n) for n in range(WRITERS)])  # type: ignore[misc]

    assert ended == {"recorded": WRITERS}
    assert ledger.losses > WRITERS, "a storm it was not"
    types = Counter(entry.posting.type for entry in ledger.chain)
    assert types == {"enrolment": 1, "accrual": WRITERS + 1, "maturation": WRITERS + 1}
    assert ledger.chain[-1].state.available == 1 + 3 * WRITERS
    assert replay(ledger.chain) == ledger.chain[-1].state


def test_two_hundred_deliveries_of_one_purchase_are_one() -> None:
    ledger = CrowdedLedger()

    def record() -> str:
        try:
            ledger.tell(posted("3.00"), paid("3.00"))
        except ConflictError:
            return "conflict"
        return "recorded"

    ended = at_once([record] * WRITERS)

    assert ended["recorded"] > 0
    assert ended.keys() <= {"recorded", "conflict"}
    assert [entry.posting.type for entry in ledger.chain] == ["enrolment", "accrual", "maturation"]
    assert ledger.memory.members() == [ADA]


def test_two_hundred_redemptions_spend_what_is_there_and_every_one_knows() -> None:
    ledger = CrowdedLedger()
    ledger.tell(posted("50.00"), paid("50.00"))

    ended = at_once([lambda n=n: ledger.redeem(f"key-{n}") for n in range(WRITERS)])  # type: ignore[misc]

    redemptions = [entry for entry in ledger.chain if entry.posting.type == "redemption"]
    assert sum(ended.values()) == WRITERS
    assert ended["redeemed"] == len(redemptions)
    assert ledger.chain[-1].state.available == 50 - len(redemptions)
    assert ended["conflict"] > 0, "a storm it was not"
    # A conflict says that nothing was decided: the same request comes again.
    again = Counter(ledger.redeem(f"key-{n}") for n in range(WRITERS))
    assert again == {"redeemed": 50, "insufficient_points": WRITERS - 50}
    assert ledger.chain[-1].state.available == 0
