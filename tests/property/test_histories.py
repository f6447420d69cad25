"""Convergence at scale: 2,000 random histories of one purchase, each told in 10 orders
(semantics 3).

A history is all that a source ever says about one purchase: its shapes, payments, bounces,
refunds, credit notes. What it earns is split between members, and the program changes while it
happens. Each history is told in order, backwards, and shuffled with repeats, while time passes in
large steps or small ones; every account is then replayed from its first entry. A failure names
the seed and prints the fewest facts that still show it.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, Literal, NamedTuple, get_args

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.entry import EntryType
from points_ledger.domain.error import LedgerError
from points_ledger.domain.fact import (
    Line,
    PaymentReceived,
    PaymentReversed,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.maturation import target
from points_ledger.domain.program import Clawback, PointsRounding, Program, VersionPeriod
from points_ledger.domain.state import Standing
from points_ledger.service.ports import (
    Committed,
    Create,
    ExternalLink,
    ProgramVersion,
    Save,
    VersionList,
)
from points_ledger.service.recording import fact_instant
from tests.builders import (
    DAY,
    HOUR,
    ONE_PER_UNIT,
    START,
    Balances,
    World,
    after,
    bounced,
    campaign,
    earner,
    line,
    match,
    paid,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    rule,
    settled,
    voided,
)
from tests.service.desk import Desk, customer_id

POLICIES: Final[tuple[Clawback, ...]] = get_args(Clawback)
BLOCKS: Final = 7
"""Tests per policy, so that the workers of a run can share them."""
HISTORIES_PER_BLOCK: Final = 96
HISTORIES: Final = len(POLICIES) * BLOCKS * HISTORIES_PER_BLOCK
SHUFFLED_ORDERS: Final = 8
ORDERS: Final = 2 + SHUFFLED_ORDERS
FEWEST_FACTS: Final = 4
"""So that there are enough orders that differ."""

MEMBERS: Final = ("ada", "ben", "eve", "dan")
EARLY: Final = after(days=-3)
LATE: Final = after(days=90)
END: Final = after(days=100)
"""By then everything that time alone can do has happened; nothing expires before."""

Dice = random.Random


# ---- Histories


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One purchase: what its source says, the programs, who shares, and what was there before."""

    seed: int
    programs: tuple[Program, Program]
    changes_at: datetime
    plans: Mapping[str, Mapping[str, int]]
    tiers: Mapping[str, str | None]
    has_past: bool
    spends: bool
    facts: tuple[MergeableFact, ...]

    def program_at(self, posted_at: datetime) -> Program:
        """The version in force when the purchase was posted."""
        return self.programs[posted_at >= self.changes_at]


def drawn(seed: int, clawback: Clawback) -> History:
    """The history of a seed, the same in every run."""
    dice = Dice(seed)
    return History(
        seed=seed,
        programs=(_program(dice, clawback, 1), _program(dice, clawback, 2)),
        changes_at=START + dice.randint(-20, 20) * HOUR,
        plans={owner: _plan(dice) for owner in ("ada", "ben") if _odds(dice, 60)},
        tiers={member: dice.choice([None, "silver", "gold"]) for member in ("ada", "ben")},
        has_past=_odds(dice, 25),
        spends=_odds(dice, 40),
        facts=_facts(dice),
    )


def _odds(dice: Dice, percent: int) -> bool:
    return dice.randrange(100) < percent


def _money(dice: Dice, at_most: int = 120) -> Decimal:
    return Decimal(dice.randint(0, at_most * 100)).scaleb(-2)


def _instant(dice: Dice) -> datetime:
    return after(hours=dice.randint(-48, 20 * 24))


def _some(dice: Dice, ids: Sequence[str], at_most: int) -> list[str]:
    return dice.sample(ids, dice.randint(0, at_most))


def _plan(dice: Dice) -> dict[str, int]:
    """Two or three members, in any order, with percentages that rarely divide a total."""
    cuts = sorted(dice.sample(range(1, 100), dice.randint(1, 2)))
    percents = [to - since for since, to in zip([0, *cuts], [*cuts, 100], strict=True)]
    return dict(zip(dice.sample(MEMBERS, len(percents)), percents, strict=True))


def _program(dice: Dice, clawback: Clawback, version: int) -> Program:
    """Every way in which purchases earn and mature."""
    on_refunds: list[Literal["keep", "proportional", "revoke"]] = ["keep", "proportional", "revoke"]
    rules = [
        rule(1, "1.00", id="one", rounding=dice.choice(["down", "up"])),
        rule(3, "50.00", id="steps", rounding="step"),
        rule(7, "3.00", id="nearest", rounding="nearest", match=match(categories=["a"])),
        rule(2, per_quantity="1", id="pieces", match=match(categories=["b"])),
        rule(25, id="fixed", on_partial_refund=dice.choice(on_refunds)),
        rule(11, "10.00", id="only b", exclusive=True, match=match(categories=["b"])),
        rule(
            50,
            id="once",
            limit=(1, "lifetime"),
            match=match(minimum_amount="30.00", own_orders=True),
        ),
    ]
    campaigns = [
        campaign("double", multiplier="2", match=match(categories=["a"]), member_cap_points=40),
        campaign("bonus", points=9),
    ]
    drawn_program = program(
        *dice.sample(rules, dice.randint(1, 4)),
        campaigns=dice.choice([[], campaigns[:1], campaigns]),
        stacking=dice.choice(["add", "highest"]),
        tiers=dice.choice([{}, {"silver": "1.25", "gold": "1.5"}]),
        requires_payment=_odds(dice, 80),
        partial_payment=dice.choice(["full_only", "proportional"]),
        hold=dice.choice(["P0D", "PT24H", "P10D"]),
        return_window=dice.choice(["P0D", "P14D"]),
        cancel_unpaid_after=dice.choice([None, "P15D"]),
        clawback=clawback,
        points_paid_part_earns=_odds(dice, 50),
    )
    return replace(drawn_program, version=version)


def _facts(dice: Dice) -> tuple[MergeableFact, ...]:
    """All that the purchase's source ever says, in no order."""
    shapes = [_shape(dice)]
    for _ in range(dice.randint(0, 2)):
        shapes.append(_adjusted(dice, shapes[0]) if _odds(dice, 40) else _shape(dice))
    total = max(shapes, key=lambda shape: shape.snapshot.updated_at).snapshot.total
    facts: list[MergeableFact] = [*shapes, *_payments(dice, total), *_refunds(dice, total)]
    facts += [bounced(id_, at=_instant(dice)) for id_ in _some(dice, ["p0", "p1", "p9"], 2)]
    facts += [
        refund_cancelled(id_, at=_instant(dice))
        for id_ in _some(dice, ["r0", "r1", "credit", "r9"], 2)
    ]
    facts += [settled(at=_instant(dice)) for _ in range(dice.choice([0, 0, 1, 2]))]
    if _odds(dice, 7):
        facts.append(voided(at=_instant(dice)))
    while len(facts) < FEWEST_FACTS:
        facts.append(settled(at=_instant(dice)))
    return tuple(facts)


def _shape(dice: Dice) -> PurchasePosted:
    """One shape of the purchase; several of them may carry the same timestamp."""
    sold = _lines(dice)
    net = max(Decimal(0), sum((part.amount for part in sold), Decimal(0)))
    total = (net * dice.choice([10, 10, 11, 0]) / 10).quantize(Decimal("0.01"))
    points_paid = total * dice.choice([0, 0, 0, 1, 2]) / 4
    return posted(
        *sold,
        total=str(total),
        at=after(hours=dice.randint(-24, 24)),
        updated_at=after(hours=dice.randint(0, 5)),
        customer=dice.choice(["ada", "ada", "ada", "ben"]),
        points_paid=str(points_paid),
        currency="EUR" if _odds(dice, 7) else "USD",
        own_order=_odds(dice, 80),
    )


def _adjusted(dice: Dice, shape: PurchasePosted) -> PurchasePosted:
    """The same purchase in all but one respect, often under the same timestamp."""
    before = shape.snapshot
    first, *others = before.lines
    adjusted = dice.choice(
        [
            replace(before, posted_at=before.posted_at - 10 * HOUR),
            replace(before, currency="EUR" if before.currency == "USD" else "USD"),
            replace(before, lines=(replace(first, amount=first.amount + 10), *others)),
            replace(before, lines=(replace(first, category="a"), *others)),
            replace(before, lines=(replace(first, quantity=first.quantity + 1), *others)),
            replace(before, total=before.total + 10),
            replace(before, points_paid_amount=before.total),
            replace(before, earner=earner("ben")),
            replace(before, own_order=not before.own_order),
        ]
    )
    later = HOUR * dice.choice([0, 0, 1])
    return replace(shape, snapshot=replace(adjusted, updated_at=before.updated_at + later))


def _lines(dice: Dice) -> list[Line]:
    """One to three lines, and often a discount on a category or on everything."""
    sold = [
        line(
            str(_money(dice)),
            id=str(place),
            category=dice.choice([None, "a", "b"]),
            quantity=str(dice.randint(1, 3)),
        )
        for place in range(dice.randint(1, 3))
    ]
    if _odds(dice, 40):
        discount = f"-{_money(dice, 40)}"
        sold.append(line(discount, id="discount", category=dice.choice([None, "a"])))
    return sold


def _payments(dice: Dice, total: Decimal) -> Iterator[MergeableFact]:
    """Parts of the price, all of it or more; one may be stated again with another amount."""
    left = total
    for number in range(dice.randint(0, 3)):
        at, amount = _instant(dice), left if _odds(dice, 50) else _part_of(dice, total)
        left = max(Decimal(0), left - amount)
        currency = "EUR" if _odds(dice, 5) else None
        yield paid(str(amount), f"p{number}", at=at, currency=currency)
        if _odds(dice, 10):
            yield paid(str(_part_of(dice, total)), f"p{number}", at=at + HOUR)


def _part_of(dice: Dice, total: Decimal) -> Decimal:
    part = dice.choice(["1", "1", "0.5", "0.4", "0.2", "1.3"])
    return _money(dice) if _odds(dice, 30) else (total * Decimal(part)).quantize(Decimal("0.01"))


def _refunds(dice: Dice, total: Decimal) -> Iterator[MergeableFact]:
    """Refunds by amount and by line, also stated again; a credit note that contains some."""
    for number in range(dice.choice([0, 0, 1, 2, 3])):
        at = _instant(dice)
        yield _refund(dice, total, f"r{number}", at)
        if _odds(dice, 10):
            yield _refund(dice, total, f"r{number}", at + HOUR)
    if _odds(dice, 25):
        contained = _some(dice, ["r0", "r1", "r9"], 2)
        yield _refund(dice, total, "credit", _instant(dice), settles=contained)


def _refund(
    dice: Dice, total: Decimal, id_: str, at: datetime, settles: Sequence[str] = ()
) -> MergeableFact:
    """A refund, now and then above the total, of an unknown line, or in another currency."""
    currency = "EUR" if _odds(dice, 5) else None
    if _odds(dice, 50):
        amount = str(_part_of(dice, total))
        return refunded(amount, id_, at=at, settles=settles, currency=currency)
    lines = {line_id: str(_money(dice)) for line_id in _some(dice, ["0", "1", "unknown"], 2)}
    return refunded(
        refund=id_, lines=lines or {"0": "10.00"}, at=at, settles=settles, currency=currency
    )


# ---- Orders


class Delivery(NamedTuple):
    """A fact arrives; then somebody may spend all that they have."""

    now: datetime
    fact: MergeableFact
    spender: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The facts as they arrive, some of them again, and how late the schedule is each time."""

    deliveries: tuple[Delivery, ...]
    schedule_is_late_by: timedelta


def orders(history: History) -> list[Order]:
    """As it happened, backwards, and shuffled with repeats."""
    dice = Dice(f"orders of {history.seed}")
    natural = sorted(history.facts, key=_happened_at)
    told_in = [_at_once(natural), _in_steps(dice, natural[::-1])]
    for _ in range(SHUFFLED_ORDERS):
        repeated = [*natural, *dice.choices(natural, k=dice.randint(1, 4))]
        shuffled = dice.sample(repeated, len(repeated))
        told_in.append(_clocked(dice, shuffled))
    return [
        Order(
            tuple(delivery._replace(spender=_spender(dice, history)) for delivery in deliveries),
            dice.choice([0, 5, 200]) * DAY,
        )
        for deliveries in told_in
    ]


def _happened_at(fact: MergeableFact) -> datetime:
    at = fact_instant(fact)
    assert at is not None
    return at


def _spender(dice: Dice, history: History) -> str | None:
    return dice.choice(MEMBERS) if history.spends and _odds(dice, 60) else None


def _clocked(dice: Dice, facts: Sequence[MergeableFact]) -> list[Delivery]:
    match dice.choice(["at once", "in steps", "late"]):
        case "at once":
            return _at_once(facts)
        case "in steps":
            return _in_steps(dice, facts)
        case _:
            return _late(dice, facts)


def _at_once(facts: Sequence[MergeableFact]) -> list[Delivery]:
    """Each fact as soon as it has happened, or behind the one that the order puts before it."""
    clock = itertools.accumulate(map(_happened_at, facts), max)
    return [Delivery(now, fact) for now, fact in zip(clock, facts, strict=True)]


def _in_steps(dice: Dice, facts: Sequence[MergeableFact]) -> list[Delivery]:
    """At any times, also before they happened by a source whose clock is wrong."""
    clock = sorted(after(hours=dice.randint(-72, 60 * 24)) for _ in facts)
    return [Delivery(now, fact) for now, fact in zip(clock, facts, strict=True)]


def _late(dice: Dice, facts: Sequence[MergeableFact]) -> list[Delivery]:
    """Some before anything can mature, the rest when all time has passed."""
    early = dice.randint(0, len(facts))
    return [Delivery(EARLY if n < early else LATE, fact) for n, fact in enumerate(facts)]


# ---- Telling


def opened(history: History) -> World:
    """A world in which all members exist, and some have points, and debt, from other purchases."""
    world = World(history.programs[0], now=after(days=-40))
    for member in MEMBERS:
        world.enrol(member, Standing(tier=history.tiers.get(member)))
    for owner, percents in history.plans.items():
        world.share(owner, percents)
    if history.has_past:
        _live_through_the_past(world)
    return world


def _live_through_the_past(world: World) -> None:
    """Ada has spent most of what she earned, Ben all of it, and then his purchase was voided."""
    plans, world.plans = world.plans, {}
    the_program = world.program
    world.program = replace(the_program, rules=(ONE_PER_UNIT,))
    for member, amount, most in (("ada", "30.00", 25), ("ben", "20.00", 999)):
        told = posted(line(amount, category="a"), id=f"past-{member}", at=world.now,
                      customer=member)  # fmt: skip
        world.tell(told, paid(amount, id=f"past-{member}", at=told.snapshot.posted_at))
        world.wait(world.now + 15 * DAY)
        spend(world, member, at_most=most)
    world.tell(voided(id="past-ben", at=world.now))
    world.program, world.plans = the_program, plans
    # Their markers are gone, so that the schedule does not look at them again.
    world.earnings = {k: replace(found, due_at=None) for k, found in world.earnings.items()}


def copy_of(world: World) -> World:
    """A world of its own; what it holds is immutable."""
    entries = {member_id: list(chained) for member_id, chained in world.entries.items()}
    earnings, heads = dict(world.earnings), dict(world.heads)
    return replace(world, entries=entries, earnings=earnings, heads=heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A history while it is told; `most` is the most that had matured of each member's part."""

    history: History
    world: World
    most: Counter[MemberId] = field(default_factory=Counter)

    def tell_all(self, order: Order) -> None:
        """Let all facts of an order arrive, and then all time pass."""
        posted_at, late_by = END, order.schedule_is_late_by
        for now, fact, spender in order.deliveries:
            self.pass_time(now, late_by)
            if isinstance(fact, PurchasePosted):
                posted_at = min(posted_at, fact.snapshot.posted_at)
                self.world.program = self.history.program_at(posted_at)
            self.world.tell(fact)
            self.look_at_parts()
            if spender:
                spend(self.world, spender)
        self.pass_time(END, late_by)
        self.world.wait(END)
        self.look_at_parts()

    def pass_time(self, until: datetime, late_by: timedelta) -> None:
        """Let the schedule release what falls due, so late each time."""
        world = self.world
        while visits := [
            visit
            for earning in world.earnings.values()
            if earning.due_at and world.now < (visit := earning.due_at + late_by) < until
        ]:
            world.wait(min(visits))
            self.look_at_parts()
        world.now = max(world.now, until)

    def look_at_parts(self) -> None:
        """Assert that a rise first makes good what falls left, before it gives more."""
        earning = self.world.earnings.get(purchase_key())
        for member_id, part in earning.posted.items() if earning else ():
            worth = part.matured - part.written_off
            self.most[member_id] = max(self.most[member_id], worth)
            assert part.matured <= self.most[member_id], f"{member_id} holds {part}"


def spend(world: World, member: str, at_most: int = 1_000_000) -> None:
    """Redeem what there is, if there is anything."""
    points = min(at_most, world.balances(member).available)
    if points > 0:
        world.redeem(points, member)


# ---- What has to be equal


class Holding(NamedTuple):
    """What one member has when all is told, what they spent, and what falls left with them."""

    balances: Balances
    spent: int
    written_off: int

    def is_like(self, other: "Holding") -> bool:
        """Whether two orders ended alike.

        What could be spent depends on what had matured by then, so available is compared as if
        nothing had been. Where a policy leaves points with members, it converges without them;
        they also hide as much of pending, max(0, earned − held), which is therefore compared
        where both orders left the same.
        """
        if (self.spent, self.written_off) == (other.spent, other.written_off):
            return self == other
        same_pending = self.balances.pending == other.balances.pending
        return self._received == other._received and (
            same_pending or self.written_off != other.written_off
        )

    @property
    def _received(self) -> tuple[int, int]:
        found = self.balances
        return found.available + self.spent - self.written_off, found.reserved


Ending = tuple[Holding, ...]


class Verdict(NamedTuple):
    """How often a history was told, with how many entries of each type, and what was wrong."""

    orders: int
    entries: Counter[EntryType]
    fault: str | None = None


def judged(history: History) -> Verdict:
    """Tell a history in all its orders and compare how they end."""
    before = opened(history)
    made: Counter[EntryType] = Counter()
    first: Ending | None = None
    for number, order in enumerate(orders(history), start=1):
        try:
            Telling(history=history, world=(world := copy_of(before))).tell_all(order)
            check(history, world)
        except (AssertionError, LedgerError) as error:
            return Verdict(number, made, f"{error!r}\nin {_in_words(order, history)}")
        made.update(entry.posting.type for chained in world.entries.values() for entry in chained)
        found = ending(world)
        first = first or found
        alike = (one.is_like(other) for one, other in zip(first, found, strict=True))
        if not all(alike):
            return Verdict(number, made, f"{first}\nbut {found}\nin {_in_words(order, history)}")
    return Verdict(ORDERS, made)


def ending(world: World) -> Ending:
    """What has to be equal, by member."""
    return tuple(
        Holding(
            world.balances(member),
            world.state(member).counter("redeemed"),
            world.written_off(member),
        )
        for member in MEMBERS
    )


def check(history: History, world: World) -> None:
    """Assert that every chain replays, and that no point appears or is lost between members."""
    world.check()
    if history.programs[0].clawback == "unlimited":
        assert not any(map(world.written_off, MEMBERS)), "nothing is left with anybody"
    else:
        assert not any(world.balances(member).debt for member in MEMBERS), "nobody owes"
    moved: Counter[str] = Counter()
    for entries in world.entries.values():
        for entry in entries:
            moved.update(entry.posting.counters)
    all_balances = [world.balances(name) for name in MEMBERS]
    held = sum(found.pending + found.available + found.reserved for found in all_balances)
    used = sum(moved[name] for name in ("redeemed", "expired", "lapsed", "reversed"))
    assert moved["earned"] == held + used, "what was earned is held or was used"
    earning = world.earnings[purchase_key()]
    assert earning.posted_at is not None
    aimed = target(earning, program=history.program_at(earning.posted_at), now=END)
    shares = earning.posted.values()
    assert sum(share.earned for share in shares) == aimed.earned, "all of it is somebody's"
    matured = sum(share.matured - share.written_off for share in shares)
    assert matured == aimed.matured, "what matured is somebody's"


def _in_words(order: Order, history: History) -> str:
    told = [
        f"{now:%d %b %H:%M} fact {history.facts.index(fact)}"
        + (f", {spender} spends" if spender else "")
        for now, fact, spender in order.deliveries
    ]
    return "\n   ".join([f"the order, schedules {order.schedule_is_late_by} late:", *told])


def _told_of(history: History) -> str:
    facts = [f"fact {number}: {fact}" for number, fact in enumerate(history.facts)]
    shared = f"shared by {history.plans}, second program from {history.changes_at}"
    return "\n".join([*facts, shared, judged(history).fault or "no fault any more"])


def fewest_facts(history: History) -> History:
    """The history without the facts that it does not need to go wrong."""
    for fact in history.facts:
        smaller = replace(history, facts=tuple(kept for kept in history.facts if kept is not fact))
        if (
            any(isinstance(kept, PurchasePosted) for kept in smaller.facts)
            and judged(smaller).fault
        ):
            return fewest_facts(smaller)
    return history


def seeds(clawback: Clawback, block: int) -> range:
    """No two tests share a seed, so that all histories differ."""
    place = POLICIES.index(clawback) * BLOCKS + block
    return range(place * HISTORIES_PER_BLOCK, (place + 1) * HISTORIES_PER_BLOCK)


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("clawback", POLICIES)
def test_histories_told_in_any_order_end_alike(clawback: Clawback, block: int) -> None:
    told_orders, entries = 0, Counter[EntryType]()
    for seed in seeds(clawback, block):
        verdict = judged(history := drawn(seed, clawback))
        if verdict.fault:
            small = fewest_facts(history)
            pytest.fail(f"drawn({seed}, {clawback!r}), with these facts alone:\n{_told_of(small)}")
        told_orders += verdict.orders
        entries += verdict.entries
    assert told_orders == HISTORIES_PER_BLOCK * ORDERS
    moves: tuple[EntryType, ...] = ("accrual", "maturation", "reversal", "lapse")
    assert min(entries[type_] for type_ in moves) >= HISTORIES_PER_BLOCK


# ---- The service, which chooses the version itself


def test_the_service_ends_like_the_domain_when_the_program_changes() -> None:
    for seed in seeds("unlimited", 0):
        alone = replace(drawn(seed, "unlimited"), plans={}, tiers={}, has_past=False, spends=False)
        Telling(history=alone, world=(world := opened(alone))).tell_all(orders(alone)[0])
        expected = {member: _without_reserved(world.balances(member)) for member in CUSTOMERS}
        natural = sorted(alone.facts, key=_happened_at)
        shuffled = Dice(seed).sample([*natural, *natural[:2]], len(natural) + 2)
        for facts in (natural, natural[::-1], shuffled):
            assert served(alone, _at_once(facts)) == expected, _told_of(alone)


CUSTOMERS: Final = ("ada", "ben")


def _without_reserved(found: Balances) -> tuple[int, int, int]:
    return found.pending, found.available, found.debt


def served(history: History, deliveries: Sequence[Delivery]) -> dict[str, tuple[int, int, int]]:
    """Pending, available and debt when the service has heard it all and all time has passed."""
    desk = Desk(history.programs[0], now=EARLY - DAY)
    publish_both(desk, history)
    for now, fact, _ in deliveries:
        sweep_until(desk, now)
        desk.tell(fact)
    sweep_until(desk, END)
    links = desk.memory.get([customer_id(customer) for customer in CUSTOMERS])
    return {
        customer: desk.balances(link.member_id) if isinstance(link, ExternalLink) else (0, 0, 0)
        for customer in CUSTOMERS
        for link in [links.get(customer_id(customer))]
    }


def publish_both(desk: Desk, history: History) -> None:
    first, second = history.programs
    periods = (
        VersionPeriod(version=first.version, effective_from=EARLY - DAY),
        VersionPeriod(version=second.version, effective_from=history.changes_at),
    )
    version = ProgramVersion(program=second, document="{}", published_at=EARLY - DAY)
    published = desk.memory.commit(
        [Create(item=version), Save(item=VersionList(periods=periods), expected=1)]
    )
    assert isinstance(published, Committed)


def sweep_until(desk: Desk, until: datetime) -> None:
    """Let each marker be visited when it falls due, as the schedule does."""
    while due := [
        marker.due_at
        for marker in desk.markers("hold_release")
        if desk.now < marker.due_at <= until
    ]:
        desk.wait(min(due))
        desk.sweep("hold_release")
    desk.wait(max(desk.now, until))


# ---- Whether the histories are what they are meant to be


@cache
def everything_drawn() -> Sequence[History]:
    return [
        drawn(seed, clawback)
        for clawback in POLICIES
        for block in range(BLOCKS)
        for seed in seeds(clawback, block)
    ]


def test_a_run_tells_2000_different_histories_each_in_10_different_orders() -> None:
    histories = everything_drawn()
    fewest = min(len(set(orders(history))) for history in histories)
    assert (len({history.facts for history in histories}), fewest) == (HISTORIES, ORDERS)
    assert (HISTORIES >= 2_000, ORDERS >= 10) == (True, True)


def test_a_run_has_every_ingredient_many_times() -> None:
    found = Counter(name for history in everything_drawn() for name in set(ingredients(history)))
    assert {name: found[name] for name in INGREDIENTS if found[name] < OFTEN} == {}


OFTEN: Final = 60
INGREDIENTS: Final = frozenset(
    f"{what}: {which}"
    for what, whichever in {
        "shared by": (2, 3),
        "owner shares": (False, True),
        "has a past": (False, True),
        "spends": (False, True),
        "shapes": (1, 2, 3),
        "shapes of one time": (True,),
        "versions in force": (1, 2),
        "earners": (1, 2),
        "currency": ("USD", "EUR"),
        "paid with points": (True,),
        "discount": (True,),
        "rounding": get_args(PointsRounding),
        "rule": ("one", "steps", "nearest", "pieces", "fixed", "only b", "once"),
        "on partial refund": ("keep", "proportional", "revoke"),
        "campaign": ("double", "bonus"),
        "tiers": (False, True),
        "requires payment": (False, True),
        "partial payment": ("full_only", "proportional"),
        "hold": (False, True),
        "return window": (False, True),
        "cancel unpaid": (False, True),
        "paid": ("nothing", "partly", "in full", "too much"),
        "payment restated": (True,),
        "bounced": ("known", "unknown"),
        "settled": (True,),
        "voided": (True,),
        "refunded": ("amount", "lines", "too much", "unknown line", "other currency"),
        "refund restated": (True,),
        "refund cancelled": ("known", "unknown"),
        "credit note contains": ("known", "unknown"),
    }.items()
    for which in whichever
)


def ingredients(history: History) -> Iterator[str]:
    """What of `INGREDIENTS` a history has."""
    for owner, percents in history.plans.items():
        yield f"shared by: {len(percents)}"
        yield f"owner shares: {owner in percents}"
    yield f"has a past: {history.has_past}"
    yield f"spends: {history.spends}"
    for version in history.programs:
        yield from _terms(version)
    shapes = [fact.snapshot for fact in history.facts if isinstance(fact, PurchasePosted)]
    latest = max(shapes, key=lambda shape: shape.updated_at)
    yield f"shapes: {len(shapes)}"
    yield f"shapes of one time: {len({shape.updated_at for shape in shapes}) < len(shapes)}"
    in_force = {history.program_at(shape.posted_at).version for shape in shapes}
    yield f"versions in force: {len(in_force)}"
    yield f"earners: {len({shape.earner for shape in shapes})}"
    yield f"currency: {latest.currency}"
    yield f"paid with points: {latest.points_paid_amount > 0}"
    yield f"discount: {any(part.amount < 0 for part in latest.lines)}"
    yield from _money_in(history.facts, latest)
    yield from _money_back(history.facts, latest)


def _terms(version: Program) -> Iterator[str]:
    for earning_rule in version.rules:
        yield f"rule: {earning_rule.id}"
        yield f"rounding: {earning_rule.rounding}"
        if earning_rule.id == "fixed":
            yield f"on partial refund: {earning_rule.on_partial_refund}"
    yield from (f"campaign: {running.id}" for running in version.campaigns)
    terms = version.maturation
    yield f"tiers: {bool(version.tiers)}"
    yield f"requires payment: {terms.requires_payment}"
    yield f"partial payment: {terms.partial_payment}"
    yield f"hold: {terms.hold != Period()}"
    yield f"return window: {terms.return_window != Period()}"
    yield f"cancel unpaid: {terms.cancel_unpaid_after is not None}"


def _money_in(facts: Sequence[MergeableFact], latest: Snapshot) -> Iterator[str]:
    payments = {
        fact.payment.id: fact.payment for fact in facts if isinstance(fact, PaymentReceived)
    }
    money = sum(payment.amount for payment in payments.values())
    yield f"paid: {_how_much_of(latest.total, Decimal(money))}"
    for fact in facts:
        match fact:
            case PaymentReceived(payment=payment) if payment != payments[payment.id]:
                yield "payment restated: True"
            case PaymentReversed(payment_id=id_):
                yield f"bounced: {'known' if id_ in payments else 'unknown'}"
            case PurchaseSettled():
                yield "settled: True"
            case PurchaseVoided():
                yield "voided: True"
            case _:
                pass


def _how_much_of(price: Decimal, money: Decimal) -> str:
    if not money:
        return "nothing"
    return "partly" if money < price else "in full" if money == price else "too much"


def _money_back(facts: Sequence[MergeableFact], latest: Snapshot) -> Iterator[str]:
    refunds = {fact.refund.id: fact.refund for fact in facts if isinstance(fact, PurchaseRefunded)}
    line_ids = {part.id for part in latest.lines}
    for refund in refunds.values():
        yield "refunded: amount" if refund.amount is not None else "refunded: lines"
        if refund.amount is not None and refund.amount > latest.total:
            yield "refunded: too much"
        if any(part.line_id not in line_ids for part in refund.lines):
            yield "refunded: unknown line"
        if refund.currency not in (None, latest.currency):
            yield "refunded: other currency"
        for id_ in refund.settles:
            yield f"credit note contains: {'known' if id_ in refunds else 'unknown'}"
    for fact in facts:
        if isinstance(fact, PurchaseRefunded) and fact.refund != refunds[fact.refund.id]:
            yield "refund restated: True"
        if isinstance(fact, RefundCancelled):
            yield f"refund cancelled: {'known' if fact.refund_id in refunds else 'unknown'}"
