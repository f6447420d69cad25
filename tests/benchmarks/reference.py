"""The shape that the bars are set for, and a ledger that is measured while it works on it.

A member of many years (40 lots, counters, a tier) and Stripe invoices of five lines, with ids as
long as Stripe's own. Nothing here is drawn by chance, so every count comes out the same each time.
"""

import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from local.home import ROOT
from points_ledger.adapters.dynamodb import (
    DynamoDbReader,
    DynamoDbStore,
    DynamoDbSweeps,
    codec,
    keys,
)
from points_ledger.contracts.program import parse_program
from points_ledger.contracts.stored_program import program_from_stored
from points_ledger.domain.calendar import Period, round_up
from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.expiry import last_day_of_lot
from points_ledger.domain.fact import (
    Customer,
    Earner,
    Line,
    LineRefund,
    Payment,
    PaymentReceived,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    Refund,
    Snapshot,
)
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
    SimulationId,
)
from points_ledger.domain.lot import Lots
from points_ledger.domain.program import Program, VersionPeriod
from points_ledger.domain.redemption import Ticket
from points_ledger.domain.sharing import WHOLE_PERCENT, Allocation, Share
from points_ledger.domain.state import ENROLLED_AT, QUALIFYING, Standing, State
from points_ledger.domain.warning import WARNED
from points_ledger.service.acting import Acting, PerformAction
from points_ledger.service.addressing import Addressee, Addressing
from points_ledger.service.adjusting import Adjusting, AdjustPoints
from points_ledger.service.approving import Approving, DecideApproval
from points_ledger.service.backtest_job import BacktestJob
from points_ledger.service.backtesting import DRAFT_VERSION, Backtesting, StartBacktest
from points_ledger.service.celebrating import Celebrating
from points_ledger.service.couponing import CloseCoupon, Couponing
from points_ledger.service.enrolling import Enrolling, EnrolMember
from points_ledger.service.expiring import Expiring
from points_ledger.service.ledger import View, WritePath
from points_ledger.service.memberships import Memberships
from points_ledger.service.merging import MergeMembers, Merging
from points_ledger.service.planning import Planning, PlanSharing, ShareAsked
from points_ledger.service.ports import (
    Committed,
    Create,
    ExternalLink,
    ProgramVersion,
    RequestKey,
    Save,
    VersionList,
)
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import FIRST_VERSION, Publishing, PublishVersion
from points_ledger.service.queries import Queries
from points_ledger.service.recording import Recording
from points_ledger.service.redeeming import ContinueRedemption, Redeeming, RedeemPoints
from points_ledger.service.redemption_steps import StepName
from points_ledger.service.reviewing import Reviewing
from points_ledger.service.rewarding import CreateReward, Draft, Rewarding
from points_ledger.service.tracing import Tracing
from points_ledger.service.transferring import TransferPoints, Transferring
from tests.benchmarks.meter import Meter
from tests.contract.backends import dynamodb_client, scratch_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

START: Final = datetime(2027, 1, 31, 6, 0, 0, 123456, tzinfo=UTC)
HOLD: Final = timedelta(hours=24)
ACTOR: Final = "webhook:stripe"
LOTS: Final = 40
LINES: Final = 5
BATCH_ITEMS: Final = 25
"""DynamoDB takes so many items in one BatchWriteItem."""

PROGRAM_DOCUMENT: Final = ROOT / "events" / "program.json"


@dataclass
class Clock:
    """Stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


# --- The shape ------------------------------------------------------------------------------


def stripe_id(prefix: str, number: int, length: int = 24) -> str:
    """Such as in_1MtHbELkdIwHu7ixl400042."""
    return f"{prefix}_{'1MtHbELkdIwHu7ixl4OzzPMvXq'[: length - 5]}{number:05d}"


def month_ends(count: int) -> list[date]:
    first = date(2027, 2, 1)
    return [round_up(Period(months=n).after_day(first), "month") for n in range(count)]


def lots(count: int = LOTS, *, without: date | None = None) -> Lots:
    points = (120, 1250, 75, 980, 12500)
    days = [day for day in month_ends(count) if day != without]
    return {day: points[n % len(points)] for n, day in enumerate(days)}


GOLD: Final = Standing(tier="gold", organisation="Doe & Partners Reporting")
"""Of an organisation, so that members may share and transfer."""


def state(held: Lots, standing: Standing = GOLD) -> State:
    counters = {
        "expired": 1200,
        "expired_lot:2026-12-31": 1200,
        "redeemed": 40210,
        "redeemed_value:2027": 4020,
        "reversed": 350,
        "used:campaign:black-friday": 480,
        "used:rule:signup:lifetime": 1,
        **warned(held),
        **qualifying(),
    }
    earned = sum(held.values()) + 1200 + 40210 + 350
    return State(lots=held, counters={"earned": earned, **counters}, standing=standing)


def qualifying() -> dict[str, int]:
    """What counts towards the tier, month by month: more than enough for it."""
    points = (420, 1095, 75, 880)
    months = (date(2026 + n // 12, n % 12 + 1, 1) for n in range(12))
    counted = {f"{QUALIFYING}{day:%Y-%m}": points[n % 4] for n, day in enumerate(months)}
    return counted | {ENROLLED_AT: 26_823_245}


def warned(held: Lots) -> dict[str, int]:
    """What the state keeps of the warnings 30 days before, as far as they have been given."""
    told = {day: day - timedelta(days=30) for day in held}
    return {
        f"{WARNED}{day:%Y%m%d}": on.toordinal() for day, on in told.items() if on <= START.date()
    }


def head_of(
    member_id: MemberId, held: Lots, number: int = 4711, standing: Standing = GOLD
) -> Entry:
    """The newest entry of a chain; what is before it decides nothing."""
    before = START - timedelta(days=40)
    posting = Posting(type="accrual", at=before, pending=0, actor=ACTOR, source=invoice_key(0))
    first = chain(None, member_id, Posting(type="enrolment", at=before, actor=ACTOR), before)
    return replace(first, number=number, posting=posting, state=state(held, standing))


def invoice_key(number: int) -> EarningKey:
    return EarningKey(source="stripe", kind="invoice", id=stripe_id("in", number))


def invoice(number: int, customer: ExternalId, *, posted_at: datetime) -> PurchasePosted:
    """Five lines; what they earn is pages of originals and retail."""
    lines = tuple(
        Line(
            id=stripe_id("il", number * 10 + n),
            amount=Decimal(f"{1_250 + n}.50"),
            item=stripe_id("price", number * 10 + n),
            product=stripe_id("prod", number * 10 + n, length=14),
            category="retail" if n % 2 else "original",
        )
        for n in range(LINES)
    )
    snapshot = Snapshot(
        posted_at=posted_at,
        updated_at=posted_at + timedelta(seconds=2),
        currency="USD",
        lines=lines,
        total=sum((line.amount for line in lines), Decimal(0)),
        earner=Earner(external_id=customer),
    )
    known = Customer(external_id=customer, name="Jane Doe", email="jane.doe@example.com")
    return PurchasePosted(purchase=invoice_key(number), snapshot=snapshot, customer=known)


def customer(number: int) -> ExternalId:
    return ExternalId(source="stripe", id=stripe_id("cus", number, length=14))


def lot_day(matured_at: datetime) -> date:
    """The last day of the lot that points go into which mature then (24 months, month ends)."""
    program = parse_program(json.loads(PROGRAM_DOCUMENT.read_text()), FIRST_VERSION)
    return last_day_of_lot(matured_at, program, START.date())


def backtest() -> StartBacktest:
    """Of everything around START."""
    return StartBacktest(
        document=PROGRAM_DOCUMENT.read_text(encoding="utf-8"),
        begins=START - timedelta(days=30),
        ends=START + timedelta(days=30),
        requested_by="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        request=None,
        fingerprint="0" * 64,
        correlation_id="JKJaXmPLvHcESHA=",
    )


class _Unread:
    """A queue whose worker is the measurement."""

    def send(self, simulation_id: SimulationId, *, correlation_id: str) -> None:
        """Nobody waits for it."""


def backtests(ledger: "Ledger") -> tuple[Backtesting, BacktestJob]:
    """What starts backtests on a ledger, and works them off."""
    path = WritePath(store=ledger.store, pause=lambda _: None)
    reader = DynamoDbReader(ledger.client, ledger.table_name)

    def read_draft(document: str) -> Program:
        return program_from_stored(document, DRAFT_VERSION)

    starting = Backtesting(
        path=path,
        store=ledger.store,
        programs=ledger.programs,
        clock=ledger.clock,
        new_id=lambda: SimulationId("sim_7h2k9x4qv1w80001"),
        queue=_Unread(),
        read_draft=read_draft,
    )
    job = BacktestJob(
        path=path,
        store=ledger.store,
        lists=reader,
        tracing=Tracing(reader=reader, lists=reader),
        programs=ledger.programs,
        read_draft=read_draft,
    )
    return starting, job


def retold(posted: PurchasePosted, updated_at: datetime) -> PurchasePosted:
    """As `invoice.paid` repeats the invoice."""
    return replace(posted, snapshot=replace(posted.snapshot, updated_at=updated_at))


def line_refund(posted: PurchasePosted, *, at: datetime) -> PurchaseRefunded:
    """A credit note over the first line."""
    line = posted.snapshot.lines[0]
    refund = Refund(
        id=stripe_id("cn", 1),
        at=at,
        lines=(LineRefund(line_id=line.id, amount=line.amount),),
        currency="USD",
    )
    return PurchaseRefunded(purchase=posted.purchase, refund=refund)


def payment(posted: PurchasePosted, number: int, *, at: datetime) -> PaymentReceived:
    """As `invoice_payment.paid` names it: with the payment intent, for refunds to come."""
    return PaymentReceived(
        purchase=posted.purchase,
        payment=Payment(
            id=stripe_id("inpay", number), amount=posted.snapshot.total, at=at, currency="USD"
        ),
        references=(PaymentKey(source="stripe", id=stripe_id("pi", number)),),
    )


def full_refund(posted: PurchasePosted, *, at: datetime) -> PurchaseRefunded:
    """A credit note over everything."""
    refund = Refund(
        id=stripe_id("cn", 1), at=at, amount=posted.snapshot.total, lines=(), currency="USD"
    )
    return PurchaseRefunded(purchase=posted.purchase, refund=refund)


def settlement(posted: PurchasePosted, *, at: datetime) -> PurchaseSettled:
    """As `invoice.paid` says it."""
    return PurchaseSettled(purchase=posted.purchase, at=at)


def redemption(
    member_id: MemberId, number: int, *, points: int = 1_000, ticket: Ticket | None = None
) -> RedeemPoints:
    return RedeemPoints(
        request=RequestKey(
            caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"{uuid.UUID(int=number)}"
        ),
        fingerprint=f"{number:064x}",
        actor="till:7d9c1f4e3a524c0b9f610d9b3b",
        member_id=member_id,
        points=points,
        kind="ticket",
        ticket=ticket,
    )


def step(
    redemption_id: RedemptionId, name: StepName, number: int, *, points: int | None = None
) -> ContinueRedemption:
    """What comes after a redemption, by the same till."""
    return ContinueRedemption(
        request=RequestKey(
            caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"{uuid.UUID(int=number)}-{name}"
        ),
        fingerprint=f"{number:064x}",
        actor="till:7d9c1f4e3a524c0b9f610d9b3b",
        redemption_id=redemption_id,
        step=name,
        points=points,
    )


def enrolment(number: int) -> EnrolMember:
    return EnrolMember(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"enrol-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        name="Jane Doe",
        email="jane.doe@example.com",
        standing=Standing(organisation="acme"),
        external_ids=(customer(number),),
    )


def action(member_id: MemberId, number: int) -> PerformAction:
    """A till reports the same signup each time."""
    return PerformAction(
        request=action_request(number),
        fingerprint=f"{number:064x}",
        actor="till:7d9c1f4e3a524c0b9f610d9b3b",
        member_id=member_id,
        action="signup",
        action_id="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
    )


def action_request(number: int) -> RequestKey:
    return RequestKey(caller="7d9c1f4e3a524c0b9f610d9b3b", key=f"action-{number}")


def plan(owner: MemberId, others: tuple[MemberId, ...]) -> Allocation:
    """Half to the owner, the rest to the others in equal parts."""
    if not others:
        return ()
    rest = 50 // len(others)
    shares = [Share(member_id=member_id, percent=rest) for member_id in others]
    own = Share(member_id=owner, percent=WHOLE_PERCENT - rest * len(others))
    return (own, *shares)


def transfer(
    sender: MemberId, receiver: MemberId, number: int, *, points: int = 100
) -> TransferPoints:
    return TransferPoints(
        request=RequestKey(
            caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"{uuid.UUID(int=number)}"
        ),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        member_asks=True,
        from_member_id=sender,
        to=Addressee(member_id=receiver),
        points=points,
    )


def sharing(owner: MemberId, others: tuple[MemberId, ...], number: int) -> PlanSharing:
    return PlanSharing(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"plan-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        member_id=owner,
        shares=tuple(
            ShareAsked(addressee=Addressee(member_id=share.member_id), percent=share.percent)
            for share in plan(owner, others)
        ),
    )


def merge(source: MemberId, into: MemberId, number: int) -> MergeMembers:
    return MergeMembers(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"merge-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        member_id=source,
        into=into,
    )


def adjustment(member_id: MemberId, number: int, *, points: int) -> AdjustPoints:
    return AdjustPoints(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"adjust-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        member_id=member_id,
        points=points,
        reason="counted_twice",
    )


def approval(approval_id: str, number: int) -> DecideApproval:
    """By somebody else than who asked."""
    return DecideApproval(
        request=RequestKey(caller="0e4b6c7a-8d21-4f55-b0a3-6f1c2d3e4f50", key=f"decide-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:0e4b6c7a-8d21-4f55-b0a3-6f1c2d3e4f50",
        approval_id=ApprovalId(approval_id),
        approved=True,
    )


def reward(number: int) -> CreateReward:
    return CreateReward(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"reward-{number}"),
        fingerprint=f"{number:064x}",
        draft=Draft(name="A mug with the firm's name", points=1_000, stock=10),
    )


def publication(version: ProgramVersion, number: int) -> PublishVersion:
    """The same program again, long after everything that is measured."""
    return PublishVersion(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"publish-{number}"),
        fingerprint=f"{number:064x}",
        actor="person:7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11",
        program=version.program,
        document=version.document,
        effective_from=START + timedelta(days=10_000),
    )


def closing(code: CouponCode, to: Literal["used", "cancelled"], number: int) -> CloseCoupon:
    return CloseCoupon(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key=f"close-{number}"),
        fingerprint=f"{number:064x}",
        actor="till:7d9c1f4e3a524c0b9f610d9b3b",
        code=code,
        to=to,
    )


def numbered(entry: codec.Attributes, number: int) -> codec.Attributes:
    """The item of an entry at another place of its chain."""
    item = dict(entry)
    item["SK"] = {"S": keys.entry_sk(number)}
    return item


# --- The ledger -----------------------------------------------------------------------------


@dataclass
class Ledger:
    """The services of one process on one table, with a meter on their client."""

    client: "DynamoDBClient"
    table_name: str
    meter: Meter
    clock: Clock = field(default_factory=Clock)
    members: int = 0

    def __post_init__(self) -> None:
        self.store = DynamoDbStore(self.client, self.table_name, self.clock)
        self.sweeps = DynamoDbSweeps(self.client, self.table_name)
        self.programs = Programs(self.store, self.clock)
        path = WritePath(store=self.store, pause=lambda _: None)
        self.publishing = Publishing(path=path, clock=self.clock)
        self.recording = Recording(
            path=path, programs=self.programs, clock=self.clock, new_member_id=self.new_member_id
        )
        self.enrolling = Enrolling(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self.new_member_id,
            recording=self.recording,
        )
        self.acting = Acting(
            path=path, programs=self.programs, clock=self.clock, recording=self.recording
        )
        self.celebrating = Celebrating(
            path=path, programs=self.programs, clock=self.clock, recording=self.recording
        )
        self.redeeming = Redeeming(
            path=path,
            programs=self.programs,
            clock=self.clock,
            salt=lambda: "0" * 32,
            new_code=(code_of(n.to_bytes(RANDOM_BYTES)) for n in itertools.count()).__next__,
        )
        addressing = Addressing(lists=DynamoDbReader(self.client, self.table_name))
        self.transferring = Transferring(
            path=path,
            programs=self.programs,
            clock=self.clock,
            salt=lambda: "0" * 32,
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
        self.adjusting = Adjusting(
            path=path, programs=self.programs, clock=self.clock, salt=lambda: "0" * 32
        )
        catalogue = DynamoDbReader(self.client, self.table_name)
        self.approving = Approving(
            path=path,
            store=self.store,
            reader=catalogue,
            clock=self.clock,
            salt=lambda: "0" * 32,
            decide={"adjustment": self.adjusting.decided},
        )
        self.rewarding = Rewarding(
            path=path,
            store=self.store,
            reader=catalogue,
            programs=self.programs,
            clock=self.clock,
        )
        self.couponing = Couponing(
            path=path,
            store=self.store,
            programs=self.programs,
            clock=self.clock,
            undo=self.redeeming.undone,
        )
        self.expiring = Expiring(path=path, programs=self.programs)
        self.reviewing = Reviewing(path=path, programs=self.programs)
        self.memberships = Memberships(path=path, programs=self.programs, clock=self.clock)
        self.queries = Queries(
            store=self.store,
            reader=DynamoDbReader(self.client, self.table_name),
            programs=self.programs,
            clock=self.clock,
        )

    def another_process(self) -> "Ledger":
        """The same table seen by a process that has cached nothing yet."""
        return replace(self, clock=Clock(now=self.clock.now))

    def new_member_id(self) -> MemberId:
        self.members += 1
        return MemberId(f"mbr_7h2k9x4qv1w8{self.members:04d}")

    def put(self, *items: codec.Attributes) -> None:
        """Store items as they are, 25 in a request."""
        for begin in range(0, len(items), BATCH_ITEMS):
            batch: list[WriteRequestTypeDef] = [
                {"PutRequest": {"Item": item}} for item in items[begin : begin + BATCH_ITEMS]
            ]
            answer = self.client.batch_write_item(RequestItems={self.table_name: batch})
            assert not answer["UnprocessedItems"]

    def member(
        self,
        held: Lots | None = None,
        *,
        shares_with: tuple[MemberId, ...] = (),
        standing: Standing = GOLD,
    ) -> tuple[MemberId, ExternalId]:
        """A member with a long past, and the customer who is linked to it.

        With a plan the member keeps half of what it earns and shares the rest.
        """
        member_id = self.new_member_id()
        billed = customer(10_000 + self.members)
        link = ExternalLink(external_id=billed, member_id=member_id, linked_at=START)
        self.put(
            codec.encode_entry(
                head_of(
                    member_id,
                    lots() if held is None else held,
                    standing=replace(standing, sharing=plan(member_id, shares_with)),
                )
            ),
            codec.encode_create(link),
        )
        return member_id, billed

    def member_with_history(self, entries: int) -> MemberId:
        """A member whose chain really has so many items; only the newest is worth reading."""
        member_id = self.new_member_id()
        newest = codec.encode_entry(head_of(member_id, lots(), number=entries))
        for begin in range(1, entries + 1, BATCH_ITEMS):
            numbers = range(begin, min(begin + BATCH_ITEMS, entries + 1))
            self.put(*(numbered(newest, number) for number in numbers))
        return member_id

    def play(
        self,
        challenges: Sequence[Mapping[str, object]] = (),
        streaks: Sequence[Mapping[str, object]] = (),
        leaderboards: Sequence[Mapping[str, object]] = (),
        *,
        budget_points: int | None = None,
    ) -> None:
        """Have had a program with these for long, as a second version."""
        document = json.loads(PROGRAM_DOCUMENT.read_text())
        document |= {
            "challenges": list(challenges),
            "streaks": list(streaks),
            "leaderboards": list(leaderboards),
        }
        if budget_points is not None:
            document["campaigns"] = [{**RUNNING_CAMPAIGN, "budget_points": budget_points}]
        began = START - timedelta(days=300)
        version = ProgramVersion(
            program=parse_program(document, FIRST_VERSION + 1),
            document=json.dumps(document),
            published_at=began,
        )
        periods = (
            VersionPeriod(version=FIRST_VERSION, effective_from=began - timedelta(days=100)),
            VersionPeriod(version=FIRST_VERSION + 1, effective_from=began),
        )
        writes = (Create(item=version), Save(item=VersionList(periods=periods), expected=1))
        assert self.store.commit(writes) == Committed()

    def load_program(self) -> None:
        document = json.loads(PROGRAM_DOCUMENT.read_text())
        version = ProgramVersion(
            program=parse_program(document, FIRST_VERSION),
            document=json.dumps(document, separators=(",", ":"), ensure_ascii=False),
            published_at=START - timedelta(days=400),
        )
        assert self.publishing.load_first(version)

    def warm(self) -> None:
        """Cache what a process caches: the program, and the hours of the markers to come.

        Those are the hour in which a hold ends that begins now, and the end of every lot.
        """
        _, billed = self.member(held={})
        posted = invoice(9_000, billed, posted_at=self.clock.now)
        self.recording.record(posted, actor=ACTOR)
        early = invoice(9_001, billed, posted_at=self.clock.now - HOLD)
        self.recording.record(early, actor=ACTOR)
        self.recording.record(settlement(early, at=self.clock.now), actor=ACTOR)


CHALLENGES: Final = (
    "five-purchases", "coffee-lover", "weekend-shopper", "big-spender", "new-in-spring",
    "early-bird", "ten-originals", "retail-champion", "birthday-month", "summer-race",
)  # fmt: skip
STREAKS: Final = (("day", 7), ("day", 3), ("week", 4), ("week", 8), ("month", 3))
RUNNING_CAMPAIGN: Final = {
    "id": "black-friday",
    "from": "2027-01-29T00:00",
    "to": "2027-02-02T00:00",
    "match": {"categories": ["retail"]},
    "multiplier": "2",
}
LEADERBOARD: Final = {
    "id": "top-customers",
    "per": "month",
    "prizes": [{"rank": 1, "points": 500}],
}


def challenges(number: int, *, count: int) -> list[dict[str, object]]:
    """Challenges of the month, in which every purchase counts."""
    return [
        {"id": name, "count": count, "points": 50, "per": "month"} for name in CHALLENGES[:number]
    ]


def streaks(number: int) -> list[dict[str, object]]:
    return [
        {"id": f"streak-{every}-{length}", "every": every, "length": length, "points": 5}
        for every, length in STREAKS[:number]
    ]


def earner_of(ledger: Ledger, posted: PurchasePosted) -> MemberId:
    """Who is linked to the customer of a purchase."""
    link = View(ledger.store).link(posted.snapshot.earner.external_id)
    assert link is not None
    return link.member_id


@contextmanager
def ledger_on(endpoint_url: str, region: str) -> Iterator[Ledger]:
    """A ledger with a program on a table of its own, which it leaves nothing behind."""
    client = dynamodb_client(endpoint_url, region)
    with scratch_table(client, f"benchmark-{uuid.uuid4()}") as table_name:
        ledger = Ledger(client, table_name, Meter(client))
        ledger.load_program()
        yield ledger
