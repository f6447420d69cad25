"""The whole service on a store in memory: what a stack is, without AWS.

A `Desk` takes facts and commands one after the other. Its clock moves only when a test moves it,
its members are called member-1, member-2 and so on, and it counts what it asks of the store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import RedemptionKind, Ticket
from points_ledger.domain.state import Standing
from points_ledger.service.enrolling import Enrolled, Enrolling, EnrolMember
from points_ledger.service.expiring import Expiring
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import (
    Item,
    ItemKey,
    Lost,
    Marker,
    MarkerKind,
    Outcome,
    ProgramVersion,
    RequestKey,
    Store,
    Write,
)
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import Publishing
from points_ledger.service.queries import Queries
from points_ledger.service.recording import Recorded, Recording
from points_ledger.service.redeeming import Redeemed, Redeeming, RedeemPoints
from points_ledger.service.sweep import Sweep, SweepReport
from tests.builders import CUSTOMER, START, purchase_key
from tests.memory_store import MemoryStore

ADA: Final = MemberId("member-1")
BOB: Final = MemberId("member-2")


class MeteredStore(Store):
    """Counts requests, loses commits as a busy table does, and lets others in between."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.requests: list[str] = []
        self.commits: list[Sequence[Write]] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}
        """What another process does before the next request of a kind, or in the next pause."""
        self.losses_ahead = 0
        self.lost_replies_ahead = 0

    def get(self, keys: Sequence[ItemKey]) -> Mapping[ItemKey, Item]:
        self._request("get")
        return self._store.get(keys)

    def head(self, member_id: MemberId) -> Entry | None:
        self._request("head")
        return self._store.head(member_id)

    def commit(self, writes: Sequence[Write]) -> Outcome:
        self._request("commit")
        self.commits.append(writes)
        if self.losses_ahead:
            self.losses_ahead -= 1
            return Lost(unknown=True)
        outcome = self._store.commit(writes)
        if self.lost_replies_ahead:
            self.lost_replies_ahead -= 1
            return Lost(unknown=True)
        return outcome

    def _request(self, kind: str) -> None:
        self.let_others_in(kind)
        self.requests.append(kind)

    def let_others_in(self, kind: str) -> None:
        other = self.meanwhile.pop(kind, None)
        if other is not None:
            other()


class Desk:
    """A stack of one process."""

    def __init__(self, rules: Program, *, now: datetime = START) -> None:
        self.now = now
        self.memory = MemoryStore(clock=self.clock)
        self.store = MeteredStore(self.memory)
        self.pauses: list[int] = []
        self.members = 0
        path = WritePath(store=self.store, pause=self._pause)
        version = ProgramVersion(program=rules, document="{}", published_at=START)
        Publishing(path=path).load_first(version)
        self.programs = Programs(self.store, self.clock)
        self.programs.at(now)
        self.recording = Recording(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self._new_member_id,
        )
        self.redeeming = Redeeming(
            path=path, programs=self.programs, clock=self.clock, salt=lambda: "salt"
        )
        self.enrolling = Enrolling(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self._new_member_id,
        )
        self.expiring = Expiring(path=path, programs=self.programs)
        self.queries = Queries(
            store=self.store, reader=self.memory, programs=self.programs, clock=self.clock
        )

    def clock(self) -> datetime:
        return self.now

    def wait(self, until: datetime) -> None:
        """Let time pass; the process has looked at the list of program versions since."""
        self.now = until
        self.programs.at(until)

    def _pause(self, attempt: int) -> None:
        self.pauses.append(attempt)
        self.store.let_others_in("pause")

    def _new_member_id(self) -> MemberId:
        self.members += 1
        return MemberId(f"member-{self.members}")

    # ---- Commands

    def tell(self, *facts: Fact) -> tuple[Recorded, ...]:
        return tuple(self.recording.record(fact, actor="test") for fact in facts)

    def outcomes(self, *facts: Fact) -> list[str]:
        return [recorded.outcome for recorded in self.tell(*facts)]

    def release(self, purchase: EarningKey | None = None) -> Recorded:
        return self.recording.release(purchase or purchase_key(), now=self.now, actor="sweep")

    def expire(self, member_id: MemberId = ADA) -> int:
        return self.expiring.expire(member_id, now=self.now, actor="sweep")

    def redeem(
        self,
        points: int | None = None,
        *,
        key: str = "key-1",
        amount: str | None = None,
        ticket: Ticket | None = None,
        note: str | None = None,
        kind: RedemptionKind = "cash",
        member_id: MemberId = ADA,
    ) -> Redeemed:
        command = RedeemPoints(
            request=RequestKey(caller="till", key=key),
            fingerprint=f"{member_id} {points} {amount} {ticket} {note} {kind}",
            actor="till",
            member_id=member_id,
            points=points,
            amount=Decimal(amount) if amount is not None else None,
            kind=kind,
            ticket=ticket,
            note=note,
        )
        return self.redeeming.redeem(command)

    def enrol(self, *customers: str, key: str = "key-1", name: str = "Ada") -> Enrolled:
        command = EnrolMember(
            request=RequestKey(caller="staff", key=key),
            fingerprint=f"{name} {customers}",
            actor="staff",
            name=name,
            standing=Standing(),
            external_ids=tuple(customer_id(customer) for customer in customers),
        )
        return self.enrolling.enrol(command)

    def sweep(self, kind: MarkerKind, *, pages: int = 1_000) -> SweepReport:
        """Run a schedule at the desk's time; `pages` is for how many pages there is time."""
        left = iter(range(pages))

        def release(target: str, now: datetime) -> int:
            key = EarningKey.parse(target)
            return self.recording.release(key, now=now, actor="sweep").entries

        def expire(target: str, now: datetime) -> int:
            return self.expiring.expire(MemberId(target), now=now, actor="sweep")

        sweep = Sweep(
            kind=kind,
            store=self.memory,
            visit=release if kind == "hold_release" else expire,
            clock=self.clock,
            has_time=lambda: next(left, None) is not None,
        )
        return sweep.run(self.now)

    # ---- What there is

    def balances(self, member_id: MemberId = ADA) -> tuple[int, int, int]:
        """Pending, available and debt."""
        state = self.memory.chain(member_id)[-1].state
        return state.pending, state.available, state.debt

    def types(self, member_id: MemberId = ADA) -> list[str]:
        return [entry.posting.type for entry in self.memory.chain(member_id)]

    def earning(self) -> Earning:
        (earning,) = self.memory.earnings()
        return earning

    def markers(self, kind: MarkerKind) -> list[Marker]:
        found = [marker for marker in self.memory.snapshot().markers if marker.kind == kind]
        return sorted(found, key=lambda marker: (marker.due_at, marker.target))


def customer_id(customer: str = CUSTOMER) -> ExternalId:
    return ExternalId(source="pos", id=customer)


def by_hand(rules: Program, *, lookback_days: int = 30) -> Program:
    """The same program with members enrolled by hand only."""
    return replace(rules, enrolment="manual", enrolment_lookback_days=lookback_days)
