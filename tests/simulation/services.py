"""The service as one process of the simulation has it, and how each command goes.

One table says how a command is carried out and where its answer is remembered; nothing else here
knows one command from another.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import CouponCode, EarningKey, MemberId
from points_ledger.service.acting import Acting, PerformAction, Performed
from points_ledger.service.addressing import Addressing
from points_ledger.service.adjusting import Adjusted, Adjusting, AdjustPoints
from points_ledger.service.approving import Approving, DecideApproval, Decided
from points_ledger.service.couponing import CloseCoupon, Closed, Couponing
from points_ledger.service.enrolling import Enrolled, Enrolling, EnrolMember
from points_ledger.service.erasing import Erased, EraseMember, Erasing
from points_ledger.service.expiring import Expiring
from points_ledger.service.importing import Imported, Importing, ImportRow
from points_ledger.service.ledger import WritePath
from points_ledger.service.memberships import Given, GrantMembership, Memberships
from points_ledger.service.merging import Merged, MergeMembers, Merging
from points_ledger.service.planning import Planned, Planning, PlanSharing
from points_ledger.service.ports import (
    ListReader,
    PersonalData,
    Redemption,
    RedemptionKey,
    Request,
    RequestKey,
)
from points_ledger.service.programs import Programs
from points_ledger.service.recorded import Recorded
from points_ledger.service.recording import Recording
from points_ledger.service.redeeming import (
    ContinueRedemption,
    Redeemed,
    Redeeming,
    RedeemPoints,
    redemption_id,
)
from points_ledger.service.redemption_steps import answer_again, command_key
from points_ledger.service.reviewing import Reviewing
from points_ledger.service.rewarding import Created, CreateReward, Rewarding
from points_ledger.service.standing import Changed, ChangeMember, Changing
from points_ledger.service.transferring import TransferPoints, Transferred, Transferring
from tests.memory_store import MemoryStore

Command = (
    RedeemPoints
    | ContinueRedemption
    | TransferPoints
    | PlanSharing
    | MergeMembers
    | AdjustPoints
    | DecideApproval
    | CreateReward
    | CloseCoupon
    | EnrolMember
    | ChangeMember
    | EraseMember
    | ImportRow
    | GrantMembership
    | PerformAction
)
Answer = (
    Redeemed
    | Transferred
    | Planned
    | Merged
    | Adjusted
    | Decided
    | Created
    | Closed
    | Enrolled
    | Changed
    | Erased
    | Imported
    | Given
    | Performed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Recording):
    """A recording whose follow-ups are looked at by `look`, each as a command of its own."""

    look: Callable[[EarningKey, datetime], int]

    def follow(self, keys: Iterable[EarningKey], *, now: datetime, actor: str) -> int:  # noqa: ARG002 - the base's
        """Hand on what a decision has made due."""
        return sum(self.look(key, now) for key in keys)


class Reader(ListReader, PersonalData, Protocol):
    """What a process reads and takes away beside the transactions."""


@dataclass(frozen=True, slots=True)
class Services:
    """All services of one process."""

    path: WritePath
    reader: Reader
    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]
    new_code: Callable[[], CouponCode]
    look: "Callable[[EarningKey, datetime], int] | None" = None
    """Who looks at what a decision has made due; the process itself, where nobody else does."""

    def carry_out(self, command: Command) -> Answer:
        """Do what a client asks for."""
        return WAYS[type(command)].carry_out(self, command)

    def record(self, fact: Fact) -> Recorded:
        return self._recording().record(fact, actor="worker")

    def release(self, key: EarningKey, now: datetime) -> Recorded:
        return self._recording().release(key, now=now, actor="sweep")

    def expire(self, target: str, now: datetime) -> int:
        expiring = Expiring(path=self.path, programs=self.programs)
        return expiring.visit(target, now=now, actor="sweep")

    def review(self, target: str, now: datetime) -> int:
        reviewing = Reviewing(path=self.path, programs=self.programs)
        return reviewing.visit(target, now=now, actor="sweep")

    def end(self, target: str, now: datetime) -> int:
        expiring = Expiring(path=self.path, programs=self.programs)
        return expiring.expire(MemberId(target), now=now, actor="sweep")

    # --- Each service, made when it is asked for --------------------------------------------

    def _recording(self) -> Recording:
        recording = Recording(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self.new_member_id,
        )
        if self.look is None:
            return recording
        named = {each.name: getattr(recording, each.name) for each in fields(Recording)}
        return Followed(**named, look=self.look)

    def acting(self) -> Acting:
        return Acting(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            recording=self._recording(),
        )

    def redeeming(self) -> Redeeming:
        return Redeeming(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            salt=_salt,
            new_code=self.new_code,
        )

    def transferring(self) -> Transferring:
        return Transferring(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            salt=_salt,
            addressing=Addressing(lists=self.reader),
        )

    def planning(self) -> Planning:
        return Planning(
            path=self.path,
            store=self.path.store,
            programs=self.programs,
            clock=self.clock,
            addressing=Addressing(lists=self.reader),
        )

    def merging(self) -> Merging:
        return Merging(path=self.path, programs=self.programs, clock=self.clock)

    def adjusting(self) -> Adjusting:
        return Adjusting(path=self.path, programs=self.programs, clock=self.clock, salt=_salt)

    def approving(self) -> Approving:
        return Approving(
            path=self.path,
            store=self.path.store,
            reader=self.reader,
            clock=self.clock,
            salt=_salt,
            decide={
                "redemption": self.redeeming().decided,
                "transfer": self.transferring().decided,
                "adjustment": self.adjusting().decided,
            },
        )

    def rewarding(self) -> Rewarding:
        return Rewarding(
            path=self.path,
            store=self.path.store,
            reader=self.reader,
            programs=self.programs,
            clock=self.clock,
        )

    def couponing(self) -> Couponing:
        return Couponing(
            path=self.path,
            store=self.path.store,
            programs=self.programs,
            clock=self.clock,
            undo=self.redeeming().undone,
        )

    def enrolling(self) -> Enrolling:
        return Enrolling(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self.new_member_id,
            recording=self._recording(),
        )

    def changing(self) -> Changing:
        return Changing(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            recording=self._recording(),
        )

    def memberships(self) -> Memberships:
        return Memberships(path=self.path, programs=self.programs, clock=self.clock)

    def erasing(self) -> Erasing:
        return Erasing(
            path=self.path, programs=self.programs, clock=self.clock, personal_data=self.reader
        )

    def importing(self) -> Importing:
        return Importing(
            path=self.path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self.new_member_id,
        )


def _salt() -> str:
    return "salt"


# ---- How each command goes

Told = Mapping[str, object]
"""What a client was told, as JSON says it."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a command is carried out, and what a store remembers of its answer; None: nothing."""

    carry_out: Callable[[Services, Any], Answer]
    remembered: Callable[[MemoryStore, Any], Told | None]


def _redemption(store: MemoryStore, command: RedeemPoints) -> Told | None:
    item = store._items.get(RedemptionKey(redemption_id=redemption_id(command.request)))
    return _read(item.result) if isinstance(item, Redemption) else None


def _step(store: MemoryStore, command: ContinueRedemption) -> Told | None:
    item = store._items.get(RedemptionKey(redemption_id=command.redemption_id))
    if not isinstance(item, Redemption):
        return None
    known = item.commands.get(command_key(command.request))
    return None if known is None else answer_again(item, known)


def _request(store: MemoryStore, command: Command) -> Told | None:
    item = store._items.get(request_of(command))
    return _read(item.result) if isinstance(item, Request) else None


def _action(store: MemoryStore, command: PerformAction) -> Told | None:
    known: Any = _request(store, command)
    return None if known is None else dict(known["answer"])


def _enrolment(store: MemoryStore, command: EnrolMember) -> Told | None:
    known = _request(store, command)
    return None if known is None else {"created": True, **known}


def _read(text: str) -> Told:
    told: Told = json.loads(text)
    return told


WAYS: Final[Mapping[type, Way]] = {
    RedeemPoints: Way(lambda services, c: services.redeeming().redeem(c), _redemption),
    ContinueRedemption: Way(lambda services, c: services.redeeming().go_on(c), _step),
    TransferPoints: Way(lambda services, c: services.transferring().transfer(c), _request),
    PlanSharing: Way(lambda services, c: services.planning().plan(c), _request),
    MergeMembers: Way(lambda services, c: services.merging().merge(c), _request),
    AdjustPoints: Way(lambda services, c: services.adjusting().adjust(c), _request),
    DecideApproval: Way(lambda services, c: services.approving().run(c), _request),
    CreateReward: Way(lambda services, c: services.rewarding().create(c), _request),
    CloseCoupon: Way(lambda services, c: services.couponing().close(c), _request),
    EnrolMember: Way(lambda services, c: services.enrolling().enrol(c), _enrolment),
    ChangeMember: Way(lambda services, c: services.changing().change(c), _request),
    EraseMember: Way(lambda services, c: services.erasing().erase(c), _request),
    ImportRow: Way(lambda services, c: services.importing().take(c), _request),
    GrantMembership: Way(lambda services, c: services.memberships().give(c), _request),
    PerformAction: Way(lambda services, c: services.acting().perform(c), _action),
}


def request_of(command: Command) -> RequestKey:
    """Under which key a client sends a command; here every one has a key."""
    assert command.request is not None
    return command.request


def name_of(command: Command) -> str:
    """What a schedule calls a request: its key, which no other of a scenario has."""
    return request_of(command).key


def remembered(store: MemoryStore, command: Command) -> Told | None:
    """What a store has to answer when the request comes again; None where it does not know it."""
    return WAYS[type(command)].remembered(store, command)


def told(answer: Answer) -> Told:
    """What a client was told."""
    if hasattr(answer, "result"):
        return dict(answer.result)
    named = {each.name: getattr(answer, each.name) for each in fields(answer)}
    return {name: value for name, value in named.items() if name != "replayed"}
