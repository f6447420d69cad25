"""The whole service on a store in memory: what a stack is, without AWS.

A `Desk` takes facts and commands one after the other. Its clock moves only when a test moves it,
its members are called member-1, member-2 and so on, and it counts what it asks of the store.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from points_ledger.domain.coupon import code_of
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import (
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    RedemptionId,
    RewardId,
)
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import RedemptionKind, Ticket
from points_ledger.domain.state import Standing
from points_ledger.service.acting import Acting, PerformAction, Performed
from points_ledger.service.addressing import Addressee, Addressing
from points_ledger.service.celebrating import Celebrating
from points_ledger.service.enrolling import Enrolled, Enrolling, EnrolMember
from points_ledger.service.expiring import Expiring
from points_ledger.service.ledger import WritePath
from points_ledger.service.memberships import Given, GrantMembership, Memberships
from points_ledger.service.merging import Merged, MergeMembers, Merging
from points_ledger.service.planning import Planned, Planning, PlanSharing, ShareAsked
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
from points_ledger.service.recorded import Recorded
from points_ledger.service.recording import Recording
from points_ledger.service.redeeming import ContinueRedemption, Redeemed, Redeeming, RedeemPoints
from points_ledger.service.redemption_steps import StepName
from points_ledger.service.redemptions import Redemptions, ShownRedemption
from points_ledger.service.reviewing import Reviewing
from points_ledger.service.sweep import Sweep, SweepReport
from points_ledger.service.transferring import TransferPoints, Transferred, Transferring
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
        self.steps = 0
        path = WritePath(store=self.store, pause=self._pause)
        version = ProgramVersion(program=rules, document="{}", published_at=START)
        Publishing(path=path, clock=lambda: START).load_first(version)
        self.programs = Programs(self.store, self.clock)
        self.programs.at(now)
        self.recording = Recording(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self._new_member_id,
        )
        self.redeeming = Redeeming(
            path=path,
            programs=self.programs,
            clock=self.clock,
            salt=lambda: "salt",
            new_code=numbered_codes().__next__,
        )
        self.enrolling = Enrolling(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self._new_member_id,
            recording=self.recording,
        )
        self.acting = Acting(
            path=path, programs=self.programs, clock=self.clock, recording=self.recording
        )
        self.redemptions = Redemptions(
            store=self.store, reader=self.memory, programs=self.programs, clock=self.clock
        )
        self.expiring = Expiring(path=path, programs=self.programs)
        self.celebrating = Celebrating(
            path=path, programs=self.programs, clock=self.clock, recording=self.recording
        )
        self.reviewing = Reviewing(path=path, programs=self.programs)
        self.memberships = Memberships(path=path, programs=self.programs, clock=self.clock)
        addressing = Addressing(lists=self.memory)
        self.transferring = Transferring(
            path=path,
            programs=self.programs,
            clock=self.clock,
            salt=lambda: "salt",
            addressing=addressing,
        )
        self.planning = Planning(
            path=path,
            store=self.store,
            programs=self.programs,
            clock=self.clock,
            addressing=addressing,
        )
        self.merging = Merging(path=path, programs=self.programs, clock=self.clock)
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
        reserve: bool = False,
        own: bool = False,
        reward_id: RewardId | None = None,
        caller: str = "till",
    ) -> Redeemed:
        told = (member_id, points, amount, ticket, note, kind, reserve, reward_id)
        command = RedeemPoints(
            request=RequestKey(caller=caller, key=key),
            fingerprint=str(told),
            actor="till",
            member_id=member_id,
            points=points,
            amount=Decimal(amount) if amount is not None else None,
            kind=kind,
            reward_id=reward_id,
            ticket=ticket,
            note=note,
            reserve=reserve,
            is_own_request=own,
        )
        return self.redeeming.redeem(command)

    def go_on(
        self,
        step: StepName,
        redemption: Redeemed | RedemptionId,
        points: int | None = None,
        *,
        key: str | None = None,
        asked_by: MemberId | None = None,
        caller: str = "till",
    ) -> Redeemed:
        """Capture, cancel or reverse; each step has a key of its own unless one is given."""
        id_ = redemption.result["redemption_id"] if isinstance(redemption, Redeemed) else redemption
        self.steps += 1
        command = ContinueRedemption(
            request=RequestKey(caller=caller, key=key or f"step-{self.steps}"),
            fingerprint=f"{step} {id_} {points}",
            actor="till",
            redemption_id=RedemptionId(str(id_)),
            step=step,
            points=points,
            asked_by=asked_by,
        )
        return self.redeeming.go_on(command)

    def shown(self, redemption: Redeemed, *, asked_by: MemberId | None = None) -> ShownRedemption:
        """A redemption as it is now."""
        id_ = RedemptionId(str(redemption.result["redemption_id"]))
        return self.redemptions.one(id_, asked_by=asked_by)

    def enrol(
        self,
        *customers: str,
        key: str = "key-1",
        name: str = "Ada",
        referred_by: MemberId | None = None,
        birthday: str | None = None,
    ) -> Enrolled:
        command = EnrolMember(
            request=RequestKey(caller="staff", key=key),
            fingerprint=f"{name} {customers} {referred_by}",
            actor="staff",
            name=name,
            birthday=birthday,
            standing=Standing(),
            external_ids=tuple(customer_id(customer) for customer in customers),
            referred_by=referred_by,
        )
        return self.enrolling.enrol(command)

    def act(
        self,
        action: str = "review",
        action_id: str = "1",
        *,
        member_id: MemberId = ADA,
        key: str | None = None,
        at: datetime | None = None,
        linked: EarningKey | None = None,
        also: EarningKey | None = None,
    ) -> Performed:
        """Report an action; each request has a key of its own unless one is given."""
        self.steps += 1
        command = PerformAction(
            request=RequestKey(caller="till", key=key or f"act-{self.steps}"),
            fingerprint=f"{member_id} {action} {action_id} {at} {linked}",
            actor="till",
            member_id=member_id,
            action=action,
            action_id=action_id,
            occurred_at=at,
            linked_purchase=linked,
            linked_also=also,
        )
        return self.acting.perform(command)

    def transfer(
        self,
        points: int,
        *,
        sender: MemberId = ADA,
        receiver: MemberId | str = BOB,
        key: str = "key-1",
        note: str | None = None,
        member_asks: bool = False,
    ) -> Transferred:
        """Give points; a receiver with an @ is addressed by email."""
        command = TransferPoints(
            request=RequestKey(caller="staff", key=key),
            fingerprint=f"{sender} {receiver} {points} {note}",
            actor="staff",
            member_asks=member_asks,
            from_member_id=sender,
            to=addressee(receiver),
            points=points,
            note=note,
        )
        return self.transferring.transfer(command)

    def give_membership(
        self, membership_id: str, member_id: MemberId = ADA, *, key: str | None = None
    ) -> Given:
        """Staff give a membership; each request has a key of its own unless one is given."""
        self.steps += 1
        command = GrantMembership(
            request=RequestKey(caller="staff", key=key or f"membership-{self.steps}"),
            fingerprint=f"{member_id} {membership_id}",
            actor="staff",
            member_id=member_id,
            membership_id=membership_id,
        )
        return self.memberships.give(command)

    def share(
        self,
        percents: Mapping[str, int] | Mapping[MemberId, int],
        *,
        owner: MemberId = ADA,
        key: str | None = None,
    ) -> Planned:
        """Replace a plan; each request has a key of its own unless one is given."""
        self.steps += 1
        command = PlanSharing(
            request=RequestKey(caller="staff", key=key or f"plan-{self.steps}"),
            fingerprint=f"{owner} {percents}",
            actor="staff",
            member_id=owner,
            shares=tuple(
                ShareAsked(addressee=addressee(id_), percent=percent)
                for id_, percent in percents.items()
            ),
        )
        return self.planning.plan(command)

    def merge(
        self, source: MemberId = ADA, into: MemberId = BOB, *, key: str | None = None
    ) -> Merged:
        """Merge two members; each request has a key of its own unless one is given."""
        self.steps += 1
        command = MergeMembers(
            request=RequestKey(caller="staff", key=key or f"merge-{self.steps}"),
            fingerprint=f"{source} {into}",
            actor="staff",
            member_id=source,
            into=into,
        )
        return self.merging.merge(command)

    def sweep(self, kind: MarkerKind) -> SweepReport:
        """Run a schedule at the desk's time."""

        def release(target: str, now: datetime) -> int:
            key = EarningKey.parse(target)
            return self.recording.release(key, now=now, actor="sweep").entries

        def expire(target: str, now: datetime) -> int:
            return self.expiring.visit(target, now=now, actor="sweep")

        def review(target: str, now: datetime) -> int:
            return self.reviewing.visit(target, now=now, actor="sweep")

        def celebrate(target: str, now: datetime) -> int:
            assert kind in ("birthday", "anniversary")
            return self.celebrating.visit(kind, target, now=now, actor="sweep")

        visits = {
            "hold_release": release,
            "tier_review": review,
            "birthday": celebrate,
            "anniversary": celebrate,
        }

        sweep = Sweep(
            kind=kind,
            store=self.memory,
            visit=visits.get(kind, expire),
            clock=self.clock,
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


def addressee(named: str) -> Addressee:
    """Who is named by an id or, with an @, by an email address."""
    if "@" in named:
        return Addressee(email=named)
    return Addressee(member_id=MemberId(named))


def customer_id(customer: str = CUSTOMER) -> ExternalId:
    return ExternalId(source="pos", id=customer)


def numbered_codes() -> Iterator[CouponCode]:
    """Codes of coupons in a row, for those that need not be secret."""
    return (code_of(number.to_bytes(10)) for number in itertools.count(1))


def by_hand(rules: Program, *, lookback_days: int = 30) -> Program:
    """The same program with members enrolled by hand only."""
    return replace(rules, enrolment="manual", enrolment_lookback_days=lookback_days)
