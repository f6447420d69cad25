"""What happens in a schedule, before anything decides in which order.

A scenario has one to three members, one to three purchases and a handful of facts about them, and
commands that compete for what they earn. Everything in it follows from its family and its number.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from points_ledger.domain.fact import Customer, CustomerSeen, Fact, PaymentReceived, PurchasePosted
from points_ledger.domain.identity import ExternalId, MemberId, PaymentKey
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import Ticket
from points_ledger.domain.state import Standing
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import ProgramVersion, RequestKey
from points_ledger.service.programs import Programs
from points_ledger.service.publishing import Publishing
from points_ledger.service.redeeming import RedeemPoints
from tests.builders import (
    HOUR,
    START,
    bounced,
    paid,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    settled,
    voided,
)
from tests.memory_store import MemoryStore
from tests.simulation.world import Services, World, copied, no_pause

SCHEDULES_PER_SCENARIO: Final = 24
MINUTE: Final = timedelta(minutes=1)
POSTED_AT: Final = START - HOUR
MIDNIGHT: Final = START + 12 * HOUR
"""When the lots that expire in the middle of a schedule have passed."""
AMOUNTS: Final = ("20.00", "50.00", "99.50", "120.00")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """What is there before, and what is to happen.

    Attributes:
        prepared: the store at the start; never written, only copied.
        facts: what the sources report.
        requests: commands of clients, each sent with its key, some by two clients at once.
        times: the instants to which the clock is moved while the others act.
        sweeps: how often each schedule comes meanwhile.
    """

    family: str
    rules: Program
    prepared: MemoryStore
    programs: Programs
    facts: tuple[Fact, ...]
    requests: tuple[tuple[str, RedeemPoints | EnrolMember], ...] = ()
    times: tuple[datetime, ...] = ()
    sweeps: int = 0

    @property
    def expires(self) -> bool:
        """Whether points expire in it; elsewhere they would last for years."""
        return self.family in ("expiring", "on_ticket")

    def world(self, seed: int, trace: Callable[[str], None] | None = None) -> World:
        """Everybody ready to act: the schedule is chosen by the seed."""
        world = World(
            copied(self.prepared),
            self.programs,
            seed=seed,
            times=self.times,
            expires=self.expires,
            trace=trace,
        )
        for fact in self.facts:
            world.deliver(fact)
            if world.random.random() < 0.2:
                world.deliver(fact)
        for key, command in self.requests:
            world.request(key, command)
            if world.random.random() < 0.3:
                world.request(key, command)
        for _ in range(self.sweeps):
            world.hold_sweep()
            world.expiry_sweep()
        return world


def sequential(store: MemoryStore, programs: Programs, at: datetime, name: str) -> Services:
    """One process alone with a store: nothing interferes, nothing fails."""
    numbers = iter(range(1, 100))
    path = WritePath(store=store, pause=no_pause)
    return Services(path, programs, lambda: at, lambda: MemberId(f"{name}-{next(numbers)}"))


# ---- Families


@dataclass(slots=True)
class _Draft:
    """What a family fills in."""

    dice: random.Random
    rules: Program = field(default_factory=program)
    before: list[Fact] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    requests: list[tuple[str, RedeemPoints | EnrolMember]] = field(default_factory=list)
    times: tuple[datetime, ...] = ()
    sweeps: int = 0


def _purchases(draft: _Draft) -> None:
    """Facts about one or two purchases of customers whom nobody knows yet."""
    dice = draft.dice
    draft.rules = program(
        hold=dice.choice(("P0D", "PT24H")),
        partial_payment=dice.choice(("full_only", "proportional")),
        cancel_unpaid_after=dice.choice((None, "P30D")),
        clawback=dice.choice(("unlimited", "unlimited", "within_balance", "only_pending")),
    )
    for number in range(dice.choice((1, 1, 2))):
        customer = dice.choice(("ada", "ada", "bob"))
        draft.facts += _facts(dice, f"purchase-{number}", customer, at_most=4 - 2 * number)
    _let_holds_pass(draft)


def _spending(draft: _Draft) -> None:
    """Redemptions that compete for one balance, while purchases are paid and taken back."""
    dice = draft.dice
    draft.rules = program(clawback=dice.choice(("unlimited", "unlimited", "within_balance")))
    _earned_before(draft, "100.00")
    for number, points in enumerate(dice.sample((30, 50, 60, 80, 100), dice.choice((2, 2, 3)))):
        draft.requests.append((f"redeem-{number}", redemption(f"redeem-{number}", points)))
    if dice.random() < 0.5:
        draft.facts.append(refunded(dice.choice(("40.00", "100.00")), id="before-1", at=START))
    draft.facts += _facts(dice, "purchase-1", "ada", at_most=2)


def _newcomers(draft: _Draft) -> None:
    """Several reports at once about customers who are enrolled by the first of them."""
    dice = draft.dice
    draft.rules = program(hold=dice.choice(("P0D", "PT24H")))
    for number in range(2):
        draft.facts += _facts(dice, f"purchase-{number}", "ada", at_most=2)
    if dice.random() < 0.5:
        seen = Customer(external_id=customer_id("ada"), name="Ada", email="ada@example.com")
        draft.facts.append(CustomerSeen(customer=seen, at=START - MINUTE))
    if dice.random() < 0.7:
        draft.requests.append(("enrol-1", enrolment("enrol-1", "ada")))
    if dice.random() < 0.7:
        draft.requests.append(("enrol-2", enrolment("enrol-2", *dice.choice(((), (), ("bob",))))))
    _let_holds_pass(draft)


def _waiting(draft: _Draft) -> None:
    """Purchases that wait for their customer to be enrolled by hand."""
    dice = draft.dice
    draft.rules = replace(
        program(hold=dice.choice(("P0D", "PT24H")), cancel_unpaid_after="P30D"),
        enrolment="manual",
        enrolment_lookback_days=365,
    )
    for number in range(dice.choice((1, 1, 2))):
        customer = dice.choice(("ada", "ada", "bob"))
        draft.facts += _facts(dice, f"purchase-{number}", customer, at_most=3 - number)
    draft.requests.append(("enrol-1", enrolment("enrol-1", "ada")))
    if dice.random() < 0.5:
        draft.requests.append(("enrol-2", enrolment("enrol-2", "bob")))
    elif dice.random() < 0.3:
        draft.requests.append(("enrol-2", enrolment("enrol-2", "ada")))
    _let_holds_pass(draft)


def _by_payment(draft: _Draft) -> None:
    """Refunds that name only a payment, which may not be known yet."""
    dice = draft.dice
    reference = PaymentKey(source="pos", id="charge-1")
    payment = replace(paid("50.00", at=POSTED_AT + MINUTE), references=(reference,))
    draft.facts += [posted("50.00", at=POSTED_AT), payment]
    refund = replace(refunded("20.00", at=POSTED_AT + 2 * MINUTE), purchase=None, payment=reference)
    draft.facts.append(refund)
    if dice.random() < 0.5:
        cancelled = refund_cancelled(at=POSTED_AT + 3 * MINUTE)
        draft.facts.append(replace(cancelled, purchase=None, payment=reference))
    if dice.random() < 0.5:
        refund = refunded("10.00", "refund-2", at=POSTED_AT + 2 * MINUTE)
        draft.facts.append(replace(refund, purchase=None, payment=reference))
    if dice.random() < 0.3:
        draft.facts.append(bounced(at=POSTED_AT + 4 * MINUTE))


def _expiring(draft: _Draft) -> None:
    """Points that expire while they are spent and taken back."""
    dice = draft.dice
    draft.rules = program(expires_after="P1D", round_to="day")
    _earned_before(draft, "60.00", paid_at=START - 30 * HOUR)
    _earned_before(draft, "50.00", purchase="before-2")
    for number, points in enumerate(dice.sample((20, 40, 60, 90), dice.choice((1, 2)))):
        draft.requests.append((f"redeem-{number}", redemption(f"redeem-{number}", points)))
    if dice.random() < 0.7:
        draft.facts.append(refunded(dice.choice(("30.00", "60.00")), id="before-1", at=START))
    if dice.random() < 0.4:
        draft.facts.append(bounced(id="before-2", at=START))
    if dice.random() < 0.5:
        draft.facts += _facts(dice, "purchase-1", "ada", at_most=2)
    draft.times = (MIDNIGHT + timedelta(seconds=3),)
    draft.sweeps = dice.choice((1, 2))


def _on_ticket(draft: _Draft) -> None:
    """Points spent on the very ticket that earns at the same moment."""
    dice = draft.dice
    draft.rules = program(ticket_must_exceed=dice.random() < 0.3)
    if dice.random() < 0.4:
        # Some points pass in the middle: then a redemption appends two entries.
        draft.rules = program(expires_after="P1D", round_to="day")
        _earned_before(draft, "20.00", purchase="before-2", paid_at=START - 30 * HOUR)
        draft.times = (MIDNIGHT + timedelta(seconds=3),)
    _earned_before(draft, "100.00")
    draft.facts += [posted("30.00", at=POSTED_AT), paid("30.00", at=POSTED_AT + MINUTE)]
    if dice.random() < 0.5:
        draft.facts.append(refunded("10.00", at=POSTED_AT + 2 * MINUTE))
    ticket = Ticket(key=purchase_key(), amount=Decimal("30.00"))
    for number, points in enumerate(dice.sample((40, 90, 100, 101, 120), dice.choice((1, 2)))):
        command = redemption(f"redeem-{number}", points)
        draft.requests.append((f"redeem-{number}", replace(command, ticket=ticket)))


FAMILIES: Final[tuple[Callable[[_Draft], None], ...]] = (
    _purchases,
    _spending,
    _newcomers,
    _waiting,
    _by_payment,
    _expiring,
    _on_ticket,
)
NAMES: Final = tuple(family.__name__.strip("_") for family in FAMILIES)


def scenario_of(seed: int) -> Scenario:
    """The scenario that a schedule's seed plays: the families take turns."""
    family = seed % len(FAMILIES)
    return _scenario(family, seed // (len(FAMILIES) * SCHEDULES_PER_SCENARIO))


@lru_cache(maxsize=2 * len(FAMILIES))
def _scenario(family: int, number: int) -> Scenario:
    draft = _Draft(dice=random.Random(number * 1_000 + family))  # noqa: S311 - not a secret
    FAMILIES[family](draft)
    store = MemoryStore(clock=lambda: START)
    version = ProgramVersion(program=draft.rules, document="{}", published_at=START)
    Publishing(path=WritePath(store=store, pause=no_pause)).load_first(version)
    programs = Programs(store, lambda: START)
    programs.at(START)
    services = sequential(store, programs, START, "member")
    for fact in draft.before:
        services.record(fact)
    return Scenario(
        family=NAMES[family],
        rules=draft.rules,
        prepared=store,
        programs=programs,
        facts=tuple(draft.facts),
        requests=tuple(draft.requests),
        times=draft.times,
        sweeps=draft.sweeps,
    )


# ---- Parts


def customer_id(name: str) -> ExternalId:
    """A customer of the source that tests use."""
    return ExternalId(source="pos", id=name)


def redemption(key: str, points: int) -> RedeemPoints:
    """A redemption by the only member who had points before."""
    return RedeemPoints(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"redeem {points}",
        actor="till",
        member_id=MemberId("member-1"),
        points=points,
        kind="cash",
    )


def enrolment(key: str, *customers: str) -> EnrolMember:
    """Somebody is enrolled by hand."""
    return EnrolMember(
        request=RequestKey(caller="till", key=key),
        fingerprint=f"enrol {customers}",
        actor="till",
        standing=Standing(),
        external_ids=tuple(customer_id(customer) for customer in customers),
    )


def _earned_before(
    draft: _Draft,
    amount: str,
    *,
    purchase: str = "before-1",
    paid_at: datetime = START - 2 * HOUR,
) -> None:
    draft.before += [
        posted(amount, id=purchase, at=paid_at),
        paid(amount, id=purchase, at=paid_at),
    ]


def _let_holds_pass(draft: _Draft) -> None:
    """Move the clock to about the end of the hold: some clocks are behind it, some are after."""
    if draft.rules.maturation.hold.minutes:
        draft.times = (POSTED_AT + 24 * HOUR + timedelta(seconds=3),)
        draft.sweeps = draft.dice.choice((1, 2))


def _facts(dice: random.Random, id_: str, customer: str, *, at_most: int) -> Sequence[Fact]:
    """A purchase and some of what may be reported about it."""
    amount = dice.choice(AMOUNTS)
    purchase: PurchasePosted = posted(amount, id=id_, at=POSTED_AT, customer=customer)
    more: list[Fact] = [
        _payment(amount, "payment-1", id_, 1),
        posted(
            dice.choice(AMOUNTS),
            id=id_,
            at=POSTED_AT,
            updated_at=POSTED_AT + MINUTE,
            customer=dice.choice((customer, customer, "cleo")),
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
