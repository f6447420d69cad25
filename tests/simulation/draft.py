"""What families of scenarios are made of: members, purchases, and commands about them."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.fact import Fact, PaymentReceived, PurchasePosted
from points_ledger.domain.identity import CouponCode, ExternalId, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import RedemptionKind
from points_ledger.domain.state import Standing, Status
from points_ledger.service.addressing import Addressee
from points_ledger.service.adjusting import AdjustPoints
from points_ledger.service.approving import DecideApproval, approval_id
from points_ledger.service.couponing import CloseCoupon
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.erasing import EraseMember
from points_ledger.service.importing import ImportRow
from points_ledger.service.merging import MergeMembers
from points_ledger.service.planning import PlanSharing, ShareAsked
from points_ledger.service.ports import ApprovalKind, MarkerKind, RequestKey
from points_ledger.service.redeeming import ContinueRedemption, RedeemPoints, redemption_id
from points_ledger.service.redemption_steps import StepName
from points_ledger.service.rewarding import CreateReward, Draft, reward_id
from points_ledger.service.standing import ChangeMember
from points_ledger.service.transferring import TransferPoints
from tests.builders import (
    HOUR,
    START,
    bounced,
    paid,
    posted,
    program,
    refund_cancelled,
    refunded,
    settled,
    voided,
)
from tests.simulation.services import Command, request_of

MINUTE: Final = timedelta(minutes=1)
POSTED_AT: Final = START - HOUR
MIDNIGHT: Final = START + 12 * HOUR
"""When the lots that expire in the middle of a schedule have passed."""
LONG_BEFORE: Final = START - 30 * HOUR
"""Points of a payment then are good until MIDNIGHT where they expire after a day."""
RESERVED_UNTIL: Final = START + 15 * MINUTE
"""When a reservation of START ends by itself."""
SECONDS: Final = timedelta(seconds=3)
"""How far an instant is passed: some clocks are behind it then, some are after."""
AMOUNTS: Final = ("20.00", "50.00", "99.50", "120.00")
_TEN: Final = Decimal("10.00")

ADA, BOB, CLEO = (MemberId(f"member-{number}") for number in (1, 2, 3))
"""The members who are there before, in the order in which they were enrolled."""
ORGANISATION: Final = "acme"

Compared = Literal["each", "together", "not"]
"""What is the same as when the facts happen in sequence: what every customer has of them, what all
have together, or neither because a command takes it away or leaves it with somebody."""


Client = Command | tuple[Command, ...]
"""What one client sends: one command, or several one after the other."""


@dataclass(slots=True)
class ScenarioDraft:
    """What a family fills in; see `Scenario`."""

    dice: random.Random
    rules: Program = field(default_factory=program)
    before: list[Fact | Command] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    clients: list[tuple[Command, ...]] = field(default_factory=list)
    times: tuple[datetime, ...] = ()
    sweeps: int = 0
    kinds: tuple[MarkerKind, ...] = ("hold_release", "expiry")
    expires: bool = False
    compared: Compared = "each"

    def ask(self, *commands: Command) -> None:
        """A client sends these, one after the other."""
        self.clients.append(commands)

    def ask_some(self, *clients: Client, least: int, most: int) -> None:
        """Some of these clients come."""
        count = self.dice.randint(least, min(most, len(clients)))
        for client in self.dice.sample(clients, count):
            self.ask(*(client if isinstance(client, tuple) else (client,)))

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability


# ---- What was there before


def expiring_rules(draft: ScenarioDraft) -> Program:
    """A program in which points last for a day, in one way or another."""
    rules = program(expires_after="P1D", round_to="day")
    terms = rules.expiry
    if draft.chance(0.4):
        # Members are warned, or have to be; what is given back late lasts; activity keeps points.
        terms = draft.dice.choice(
            (
                replace(terms, warn_days_before=(1,)),
                replace(terms, warn_days_before=(1,), requires_notice_days=1),
                replace(terms, return_grace_days=2),
                replace(terms, kind="inactivity"),
            )
        )
    return replace(rules, expiry=terms)


def earned_before(
    draft: ScenarioDraft,
    amount: str,
    *,
    purchase: str = "before-1",
    paid_at: datetime = START - 2 * HOUR,
    customer: str = "ada",
) -> None:
    """A purchase that has been paid."""
    draft.before += [
        posted(amount, id=purchase, at=paid_at, customer=customer),
        paid(amount, id=purchase, at=paid_at),
    ]


def enrolled_before(draft: ScenarioDraft, *names: str) -> None:
    """Members of one organisation, in this order."""
    draft.before += [
        EnrolMember(
            request=RequestKey(caller="staff", key=f"member {name}"),
            fingerprint=f"enrol {name}",
            actor="staff",
            name=name.title(),
            email=email_of(name),
            standing=Standing(organisation=ORGANISATION),
            external_ids=(customer_id(name),),
        )
        for name in names
    ]


def let_holds_pass(draft: ScenarioDraft) -> None:
    """Move the clock to about the end of the hold: some clocks are behind it, some are after."""
    if draft.rules.maturation.hold.minutes:
        draft.times = (POSTED_AT + 24 * HOUR + SECONDS,)
        draft.sweeps = draft.dice.choice((1, 2))


def let_reservations_end(draft: ScenarioDraft, *times: datetime) -> None:
    """Move the clock past the end of reservations while their sweep comes."""
    draft.times = times
    draft.kinds = ("reservation", "expiry") if draft.expires else ("reservation",)
    draft.sweeps = draft.dice.choice((1, 1, 2))


# ---- Facts


def customer_id(name: str) -> ExternalId:
    """A customer of the source that tests use."""
    return ExternalId(source="pos", id=name)


def email_of(name: str) -> str:
    return f"{name}@example.com"


def some_facts(
    dice: random.Random, id_: str, customer: str, *, at_most: int, other: str = "cleo"
) -> Sequence[Fact]:
    """A purchase and some of what may be reported about it; once in a while it is another's."""
    amount = dice.choice(AMOUNTS)
    purchase: PurchasePosted = posted(amount, id=id_, at=POSTED_AT, customer=customer)
    more: list[Fact] = [
        _payment(amount, "payment-1", id_, 1),
        posted(
            dice.choice(AMOUNTS),
            id=id_,
            at=POSTED_AT,
            updated_at=POSTED_AT + MINUTE,
            customer=dice.choice((customer, customer, other)),
        ),
        refunded(dice.choice(("5.00", "20.00", "500.00")), id=id_, at=POSTED_AT + 3 * MINUTE),
        bounced(id=id_, at=POSTED_AT + 4 * MINUTE),
        _payment("10.00", "payment-2", id_, 2),
        settled(id=id_, at=POSTED_AT + 5 * MINUTE),
        refunded(lines={"1": "10.00"}, refund="refund-2", id=id_, at=POSTED_AT + 6 * MINUTE),
        refund_cancelled(id=id_, at=POSTED_AT + 7 * MINUTE),
        voided(id=id_, at=POSTED_AT + 8 * MINUTE),
    ]
    count = dice.randint(1, at_most - 1)
    chosen = more[:1] if dice.random() < 0.7 else []
    chosen += dice.sample(more[1:], count - len(chosen)) if count > len(chosen) else []
    return [purchase, *chosen]


def _payment(amount: str, payment: str, id_: str, minutes: int) -> PaymentReceived:
    return paid(amount, payment, id=id_, at=POSTED_AT + minutes * MINUTE)


# ---- Commands: the key is the name of the request, which no other of a scenario has


def redemption(
    key: str,
    points: int | None,
    *,
    member_id: MemberId = ADA,
    kind: RedemptionKind = "cash",
    reserve: bool = False,
    of: CreateReward | None = None,
    note: str | None = None,
) -> RedeemPoints:
    """Points are spent, or reserved; `of` is the reward that they are for."""
    return RedeemPoints(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"redeem {member_id} {points} {reserve}",
        actor="till",
        member_id=member_id,
        points=points,
        kind="reward" if of else kind,
        reward_id=reward_id(of.request) if of else None,
        reserve=reserve,
        note=note,
    )


def step(
    key: str, name: StepName, of: RedeemPoints, points: int | None = None
) -> ContinueRedemption:
    """A redemption goes on."""
    return ContinueRedemption(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"{name} {of.request.key} {points}",
        actor="till",
        redemption_id=redemption_id(of.request),
        step=name,
        points=points,
    )


def transfer(
    key: str, sender: MemberId, receiver: MemberId | str, points: int, *, note: str | None = None
) -> TransferPoints:
    """Points for another member, who is addressed by email where there is an @."""
    return TransferPoints(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"transfer {sender} {receiver} {points}",
        actor="staff",
        member_asks=False,
        from_member_id=sender,
        to=_addressee(receiver),
        points=points,
        note=note,
    )


def plan(key: str, owner: MemberId, percents: Mapping[MemberId, int]) -> PlanSharing:
    """A member's purchases are shared from now on."""
    return PlanSharing(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"plan {owner} {percents}",
        actor="staff",
        member_id=owner,
        shares=tuple(
            ShareAsked(addressee=_addressee(id_), percent=part) for id_, part in percents.items()
        ),
    )


def _addressee(named: str) -> Addressee:
    if "@" in named:
        return Addressee(email=named)
    return Addressee(member_id=MemberId(named))


def merger(key: str, source: MemberId, into: MemberId) -> MergeMembers:
    """Two members become one."""
    return MergeMembers(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"merge {source} {into}",
        actor="staff",
        member_id=source,
        into=into,
    )


def adjustment(
    key: str, points: int, *, member_id: MemberId = ADA, reason: str = "goodwill"
) -> AdjustPoints:
    """Points are given or taken by hand."""
    return AdjustPoints(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"adjust {member_id} {points}",
        actor="staff",
        member_id=member_id,
        points=points,
        reason=reason,
        note=None,
    )


_KINDS: Final[Mapping[type, ApprovalKind]] = {
    RedeemPoints: "redemption",
    TransferPoints: "transfer",
    AdjustPoints: "adjustment",
}


def decision(
    key: str, about: Command, *, approved: bool, by: str, note: str | None = None
) -> DecideApproval:
    """A second person decides about what waits."""
    return DecideApproval(
        request=RequestKey(caller=by, key=key),
        fingerprint=f"{approved} {request_of(about)}",
        actor=by,
        approval_id=approval_id(_KINDS[type(about)], request_of(about)),
        approved=approved,
        note=note,
    )


def reward(
    key: str, *, points: int, stock: int | None, kind: Literal["item", "coupon"] = "item"
) -> CreateReward:
    """Something that points buy."""
    return CreateReward(
        request=RequestKey(caller="admin", key=key),
        fingerprint=f"reward {points} {stock} {kind}",
        draft=Draft(
            name=key,
            kind=kind,
            points=points,
            amount=None if kind == "item" else _TEN,
            stock=stock,
        ),
    )


def coupon_code(number: int) -> CouponCode:
    """The code of the coupon that was made so many-th before."""
    return code_of(number.to_bytes(RANDOM_BYTES))


def closing(key: str, number: int, to: Literal["used", "cancelled"]) -> CloseCoupon:
    """A coupon from before is used or cancelled."""
    return CloseCoupon(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"{to} coupon {number}",
        actor="till",
        code=coupon_code(number),
        to=to,
    )


def enrolment(key: str, *customers: str, organisation: str | None = None) -> EnrolMember:
    """Somebody is enrolled by hand, or gets further customers."""
    return EnrolMember(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"enrol {customers}",
        actor="till",
        standing=Standing(organisation=organisation),
        external_ids=tuple(customer_id(customer) for customer in customers),
    )


def change(
    key: str,
    *,
    member_id: MemberId = ADA,
    status: Status | None = None,
    customers: Iterable[str] = (),
) -> ChangeMember:
    """A member is frozen, closed or activated, or gets further customers."""
    return ChangeMember(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"change {member_id} {status} {customers}",
        actor="staff",
        member_id=member_id,
        standing={"status": status} if status else {},
        external_ids=tuple(customer_id(customer) for customer in customers),
    )


def erasure(key: str, *, member_id: MemberId = ADA) -> EraseMember:
    """A person is erased."""
    return EraseMember(
        request=RequestKey(caller="staff", key=key),
        fingerprint=f"erase {member_id}",
        actor="staff",
        member_id=member_id,
    )


def imported(key: str, *customers: str, points: int, last_day: date) -> ImportRow:
    """A row of another program's file."""
    return ImportRow(
        file_id="file-1",
        row_id=key,
        fingerprint=f"import {customers} {points}",
        standing=Standing(organisation=ORGANISATION),
        external_ids=tuple(customer_id(customer) for customer in customers),
        points=points,
        last_day=last_day,
    )
