"""Builders for tests of the ledger: a program, facts, and a `World` that plays them.

Everything has a default that a test may leave out, so that a test names only what it is about.
Time is explicit: facts carry instants counted from `START`, and a world is told what time it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from points_ledger.domain.aim import aim, valued
from points_ledger.domain.calendar import Period, Rounding
from points_ledger.domain.convergence import converge
from points_ledger.domain.earning import Earned, Earning, MergeableFact, Pin, merge
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, EntryType, Posting, chain
from points_ledger.domain.fact import (
    ActionPerformed,
    Earner,
    EarningReconsidered,
    Line,
    LineRefund,
    Payment,
    PaymentFact,
    PaymentReceived,
    PaymentReversed,
    PurchaseKind,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, RedemptionId
from points_ledger.domain.maturation import Target, earned_points, target
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.program import (
    Campaign,
    Clawback,
    ExpiryTerms,
    Limit,
    LimitPeriod,
    Match,
    MaturationTerms,
    PointsRounding,
    PointValue,
    Program,
    RedemptionTerms,
    Rule,
    Tier,
)
from points_ledger.domain.redemption import Redeemer, Ticket, earned_on, redeem
from points_ledger.domain.replay import replay
from points_ledger.domain.rules import Room
from points_ledger.domain.settling import settled as as_settled
from points_ledger.domain.settling import settlement
from points_ledger.domain.sharing import Allocation, Share, whole
from points_ledger.domain.state import Standing, State

START: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""The instant at which purchases are posted unless a test says otherwise."""

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PURCHASE: Final = "purchase-1"
CUSTOMER: Final = "ada"


def after(*, days: float = 0, hours: float = 0) -> datetime:
    """An instant counted from START."""
    return START + timedelta(days=days, hours=hours)


# ---- The program


def match(
    *,
    categories: Iterable[str] = (),
    items: Iterable[str] = (),
    exclude_items: Iterable[str] = (),
    exclude_categories: Iterable[str] = (),
    minimum_amount: str | None = None,
    tags: Iterable[str] = (),
    exclude_tags: Iterable[str] = (),
    tiers: Iterable[str] = (),
    organisations: Iterable[str] = (),
    jurisdictions: Iterable[str] = (),
    exclude_jurisdictions: Iterable[str] = (),
    own_orders: bool | None = None,
) -> Match:
    """Which lines and members a rule is about; empty means all."""
    return Match(
        categories=frozenset(categories),
        items=frozenset(items),
        exclude_items=frozenset(exclude_items),
        exclude_categories=frozenset(exclude_categories),
        minimum_amount=Decimal(minimum_amount) if minimum_amount is not None else None,
        tags=frozenset(tags),
        exclude_tags=frozenset(exclude_tags),
        tiers=frozenset(tiers),
        organisations=frozenset(organisations),
        jurisdictions=frozenset(jurisdictions),
        exclude_jurisdictions=frozenset(exclude_jurisdictions),
        own_orders=own_orders,
    )


def rule(
    points: int = 1,
    per_amount: str | None = None,
    *,
    id: str = "base",  # noqa: A002 - the field's own name
    rounding: PointsRounding = "down",
    match: Match | None = None,
    per_quantity: str | None = None,
    exclusive: bool = False,
    priority: int = 0,
    on_partial_refund: Literal["keep", "proportional", "revoke"] = "keep",
    limit: tuple[int, LimitPeriod] | None = None,
    action: str | None = None,
    release: Literal["referred_first_purchase", "linked_purchase"] | None = None,
) -> Rule:
    """A rule on purchases, or on an action where one is named."""
    return Rule(
        id=id,
        on="action" if action else "purchase",
        action=action,
        points=points,
        match=match or Match(),
        per_amount=Decimal(per_amount) if per_amount is not None else None,
        per_quantity=Decimal(per_quantity) if per_quantity is not None else None,
        rounding=rounding,
        exclusive=exclusive,
        priority=priority,
        on_partial_refund=on_partial_refund,
        limit=Limit(times=limit[0], per=limit[1]) if limit else None,
        release=release,
    )


ONE_PER_UNIT: Final = rule(1, "1.00")


def campaign(
    id: str = "campaign",  # noqa: A002 - the field's own name
    *,
    multiplier: str = "1",
    points: int = 0,
    match: Match | None = None,
    begins: datetime = datetime(2026, 1, 1),  # noqa: DTZ001 - wall-clock time of the zone
    ends: datetime = datetime(2027, 1, 1),  # noqa: DTZ001 - wall-clock time of the zone
    member_cap_points: int | None = None,
    budget_points: int | None = None,
) -> Campaign:
    """A campaign that is running at START."""
    return Campaign(
        id=id,
        begins=begins,
        ends=ends,
        match=match or Match(),
        multiplier=Decimal(multiplier),
        points=points,
        member_cap_points=member_cap_points,
        budget_points=budget_points,
    )


def program(
    *rules: Rule,
    campaigns: Iterable[Campaign] = (),
    stacking: Literal["add", "highest"] = "add",
    tiers: Mapping[str, str] | None = None,
    zone: str = "UTC",
    currency: str = "USD",
    mode: Literal["rewards", "analysis"] = "rewards",
    point_value: tuple[int, str] = (100, "1.00"),
    item_categories: Mapping[str, str] | None = None,
    requires_payment: bool = True,
    partial_payment: Literal["full_only", "proportional"] = "full_only",
    hold: str = "P0D",
    return_window: str = "P0D",
    cancel_unpaid_after: str | None = None,
    clawback: Clawback = "unlimited",
    expires_after: str | None = "P24M",
    round_to: Rounding = "month",
    paused: bool = False,
    minimum_amount: str = "0.00",
    ticket_must_exceed: bool = False,
    points_paid_part_earns: bool = False,
    yearly_amount_cap: str | None = None,
    excluded_jurisdictions: Iterable[str] = (),
) -> Program:
    """A program of one rule (1 point per 1.00) without hold, unless the test says otherwise."""
    return Program(
        version=1,
        name="Test",
        mode=mode,
        currency=currency,
        zone=ZoneInfo(zone),
        point_value=PointValue(points=point_value[0], amount=Decimal(point_value[1])),
        enrolment="automatic",
        enrolment_lookback_days=0,
        item_categories=item_categories or {},
        rules=rules or (ONE_PER_UNIT,),
        campaigns=tuple(campaigns),
        campaign_stacking=stacking,
        tiers=tuple(
            Tier(id=id_, points=1_000 * (place + 1), multiplier=Decimal(multiplier))
            for place, (id_, multiplier) in enumerate((tiers or {}).items())
        ),
        maturation=MaturationTerms(
            requires_payment=requires_payment,
            partial_payment=partial_payment,
            hold=Period.parse(hold),
            return_window=Period.parse(return_window),
            cancel_unpaid_after=(
                Period.parse(cancel_unpaid_after) if cancel_unpaid_after is not None else None
            ),
        ),
        clawback=clawback,
        expiry=(
            ExpiryTerms(kind="period", after=Period.parse(expires_after), round_to=round_to)
            if expires_after is not None
            else ExpiryTerms(kind="never")
        ),
        redemption=RedemptionTerms(
            paused=paused,
            minimum_amount=Decimal(minimum_amount),
            ticket_must_exceed=ticket_must_exceed,
            points_paid_part_earns=points_paid_part_earns,
            yearly_amount_cap=Decimal(yearly_amount_cap) if yearly_amount_cap else None,
            excluded_jurisdictions=frozenset(excluded_jurisdictions),
        ),
    )


def acme() -> Program:
    """The program document of interface.md 4, which the local stack starts with."""
    return program(
        rule(
            3,
            "50.00",
            id="original-pages",
            rounding="step",
            match=match(categories=["original"]),
        ),
        rule(
            1,
            "1.00",
            id="retail",
            match=match(categories=["retail"], exclude_items=["GIFTCARD"]),
        ),
        rule(100, id="signup", action="signup", limit=(1, "lifetime")),
        rule(50, id="referral", action="referral", release="referred_first_purchase"),
        campaigns=[
            campaign(
                "black-friday",
                multiplier="2",
                match=match(categories=["retail"]),
                begins=datetime(2026, 11, 27),  # noqa: DTZ001 - wall-clock time of the zone
                ends=datetime(2026, 12, 1),  # noqa: DTZ001 - wall-clock time of the zone
                member_cap_points=500,
            )
        ],
        tiers={"silver": "1.25", "gold": "1.5"},
        zone="America/Chicago",
        hold="PT24H",
        cancel_unpaid_after="P180D",
        minimum_amount="5.00",
        ticket_must_exceed=True,
    )


# ---- Facts


def purchase_key(id: str = PURCHASE, kind: PurchaseKind = "invoice") -> EarningKey:  # noqa: A002
    """The natural key of a purchase of the source that tests use."""
    return EarningKey(source="pos", kind=kind, id=id)


def earner(customer: str = CUSTOMER) -> Earner:
    """A customer of the source; a world enrols them under the same name."""
    return Earner(external_id=ExternalId(source="pos", id=customer))


def line(
    amount: str,
    *,
    id: str = "1",  # noqa: A002 - the field's own name
    item: str | None = None,
    product: str | None = None,
    category: str | None = None,
    quantity: str = "1",
) -> Line:
    """One line of a purchase, net."""
    return Line(
        id=id,
        amount=Decimal(amount),
        item=item,
        product=product,
        category=category,
        quantity=Decimal(quantity),
    )


def snapshot(
    *lines: str | Line,
    total: str | None = None,
    at: datetime = START,
    updated_at: datetime | None = None,
    customer: str = CUSTOMER,
    currency: str = "USD",
    points_paid: str = "0",
    own_order: bool = True,
) -> Snapshot:
    """A purchase as its source sees it; without `total` there is no tax."""
    given = tuple(
        line(part, id=str(place + 1)) if isinstance(part, str) else part
        for place, part in enumerate(lines)
    )
    return Snapshot(
        posted_at=at,
        updated_at=updated_at or at,
        currency=currency,
        lines=given,
        total=(
            Decimal(total)
            if total is not None
            else max(Decimal(0), sum((part.amount for part in given), Decimal(0)))
        ),
        earner=earner(customer),
        points_paid_amount=Decimal(points_paid),
        own_order=own_order,
    )


def posted(
    *lines: str | Line,
    id: str = PURCHASE,  # noqa: A002 - the field's own name
    total: str | None = None,
    at: datetime = START,
    updated_at: datetime | None = None,
    customer: str = CUSTOMER,
    currency: str = "USD",
    points_paid: str = "0",
    own_order: bool = True,
) -> PurchasePosted:
    """A purchase was posted or changed."""
    return PurchasePosted(
        purchase=purchase_key(id),
        snapshot=snapshot(
            *lines,
            total=total,
            at=at,
            updated_at=updated_at,
            customer=customer,
            currency=currency,
            points_paid=points_paid,
            own_order=own_order,
        ),
    )


def paid(
    amount: str,
    payment: str = "payment-1",
    *,
    id: str = PURCHASE,  # noqa: A002 - the field's own name
    at: datetime = START,
    currency: str | None = None,
) -> PaymentReceived:
    """A payment for a purchase."""
    return PaymentReceived(
        purchase=purchase_key(id),
        payment=Payment(id=payment, amount=Decimal(amount), at=at, currency=currency),
    )


def bounced(
    payment: str = "payment-1",
    *,
    id: str = PURCHASE,  # noqa: A002 - the field's own name
    at: datetime = START,
) -> PaymentReversed:
    """A payment bounced."""
    return PaymentReversed(purchase=purchase_key(id), payment_id=payment, at=at)


def settled(*, id: str = PURCHASE, at: datetime = START) -> PurchaseSettled:  # noqa: A002
    """The source says that a purchase is paid."""
    return PurchaseSettled(purchase=purchase_key(id), at=at)


def refunded(
    amount: str | None = None,
    refund: str = "refund-1",
    *,
    lines: Mapping[str, str] | None = None,
    id: str = PURCHASE,  # noqa: A002 - the field's own name
    at: datetime = START,
    currency: str | None = None,
    settles: Iterable[str] = (),
) -> PurchaseRefunded:
    """A refund by amount (tax included) or by lines (net)."""
    return PurchaseRefunded(
        purchase=purchase_key(id),
        refund=Refund(
            id=refund,
            at=at,
            amount=Decimal(amount) if amount is not None else None,
            lines=tuple(
                LineRefund(line_id=line_id, amount=Decimal(part))
                for line_id, part in (lines or {}).items()
            ),
            currency=currency,
            settles=tuple(settles),
        ),
    )


def refund_cancelled(
    refund: str = "refund-1",
    *,
    id: str = PURCHASE,  # noqa: A002 - the field's own name
    at: datetime = START,
) -> RefundCancelled:
    """A refund was withdrawn."""
    return RefundCancelled(purchase=purchase_key(id), refund_id=refund, at=at)


def voided(*, id: str = PURCHASE, at: datetime = START) -> PurchaseVoided:  # noqa: A002
    """A purchase never was."""
    return PurchaseVoided(purchase=purchase_key(id), at=at)


def performed(
    action: str = "signup",
    *,
    id: str = "action-1",  # noqa: A002 - the field's own name
    at: datetime = START,
    customer: str = CUSTOMER,
) -> ActionPerformed:
    """Something other than a purchase happened."""
    return ActionPerformed(
        key=EarningKey(source="pos", kind="action", id=id),
        action=action,
        earner=earner(customer),
        at=at,
    )


def key_of(fact: MergeableFact) -> EarningKey:
    """The earning that a fact is about."""
    key = fact.key if isinstance(fact, ActionPerformed) else fact.purchase
    assert key is not None, "tests name the purchase itself, not one of its payments"
    return key


def merged(*facts: MergeableFact, earning: Earning | None = None) -> Earning:
    """An earning that has heard these facts."""
    known = earning or Earning(key=key_of(facts[0]))
    for fact in facts:
        known = merge(known, fact)
    return known


# ---- Members


def pin(
    member: str = CUSTOMER,
    *,
    tier: str | None = None,
    tags: Iterable[str] = (),
    organisation: str | None = None,
    jurisdiction: str | None = None,
    earns: bool = True,
) -> Pin:
    """What an earner was when the earning was first computed."""
    return Pin(
        allocation=whole(MemberId(member)),
        tier=tier,
        tags=tuple(tags),
        organisation=organisation,
        jurisdiction=jurisdiction,
        earns=earns,
    )


def plan(percents: Mapping[str, int]) -> Allocation:
    """A sharing plan in the order given."""
    return tuple(
        Share(member_id=MemberId(member), percent=percent) for member, percent in percents.items()
    )


def earned_of(
    rules: Program, *facts: MergeableFact, earner_pin: Pin | None = None, room: Room | None = None
) -> Earned:
    """What the content of a purchase is worth, by rule."""
    return earned_points(
        merged(*facts), program=rules, pin=earner_pin or pin(), room=room or Room()
    )


def earned_by(
    rules: Program, *facts: MergeableFact, earner_pin: Pin | None = None, room: Room | None = None
) -> int:
    """The points that a purchase's facts earn."""
    return earned_of(rules, *facts, earner_pin=earner_pin, room=room).points


def target_of(rules: Program, *facts: MergeableFact, now: datetime = START) -> Target:
    """The target that a purchase's facts come to, whatever was posted before."""
    return target(replace(merged(*facts), earned=earned_of(rules, *facts)), program=rules, now=now)


class Balances(NamedTuple):
    """The four balances of a member."""

    pending: int
    available: int
    reserved: int
    debt: int


@dataclass
class World:
    """Plays facts and commands against the pure domain, as the service would, without storage.

    Every member that a fact names is enrolled under the customer's name. `now` is the wall clock;
    it moves only when a test moves it.
    """

    program: Program
    now: datetime = START
    plans: dict[MemberId, Allocation] = field(default_factory=dict)
    heads: dict[MemberId, Entry] = field(default_factory=dict)
    entries: dict[MemberId, list[Entry]] = field(default_factory=dict)
    earnings: dict[EarningKey, Earning] = field(default_factory=dict)
    redemptions: int = 0

    # ---- Commands

    def enrol(self, member: str = CUSTOMER, standing: Standing | None = None) -> MemberId:
        """Open an account, once."""
        member_id = MemberId(member)
        if member_id not in self.heads:
            posting = enrolment(at=self.now, standing=standing or Standing(), actor="test")
            self._record(chain(None, member_id, posting, self.now))
        return member_id

    def share(self, owner: str, percents: Mapping[str, int]) -> None:
        """From now on split what `owner` earns; members are enrolled in the plan's order."""
        for member in (owner, *percents):
            self.enrol(member)
        self.plans[MemberId(owner)] = plan(percents)

    def tell(self, *facts: MergeableFact, now: datetime | None = None) -> tuple[Entry, ...]:
        """Let the ledger hear facts, one after the other; the entries that follow."""
        self.now = max(self.now, now or self.now)
        made: tuple[Entry, ...] = ()
        for fact in facts:
            key = key_of(fact)
            before = self.earnings.get(key, Earning(key=key))
            earning = merge(before, fact)
            if earning is before and not isinstance(fact, EarningReconsidered):
                continue
            made += self._look_at(before, earning, values=self._values(earning, fact))
        return made

    def look(self, id: str = PURCHASE, now: datetime | None = None) -> tuple[Entry, ...]:  # noqa: A002
        """Look at a purchase again although nothing new was said."""
        return self.tell(EarningReconsidered(purchase=purchase_key(id)), now=now)

    def wait(self, until: datetime) -> tuple[Entry, ...]:
        """Let time pass and release what has fallen due, as the schedule does."""
        self.now = max(self.now, until)
        made: tuple[Entry, ...] = ()
        for earning in list(self.earnings.values()):
            if earning.due_at is not None and earning.due_at <= self.now:
                made += self._look_at(earning, earning, values=False)
        return made

    def expire(self, now: datetime | None = None) -> tuple[Entry, ...]:
        """Run the expiry sweep over all members."""
        self.now = max(self.now, now or self.now)
        made: list[Entry] = []
        for member_id, head in list(self.heads.items()):
            posting = settlement(head.state, now=self.now, program=self.program, actor="test")
            if posting is not None:
                made.append(self.post(member_id, posting))
        return tuple(made)

    def redeem(self, points: int, member: str = CUSTOMER, *, ticket: Ticket | None = None) -> Entry:
        """Spend points, after an entry for what has passed; a rejection writes nothing."""
        member_id = self.enrol(member)
        spending = redeem(
            self.redeemer(member, ticket=ticket),
            points=points,
            redemption_id=RedemptionId(f"redemption-{self.redemptions}"),
            actor="test",
        )
        self.redemptions += 1
        settling = settlement(self.state(member), now=self.now, program=self.program, actor="test")
        if settling is not None:
            self.post(member_id, settling)
        return self.post(member_id, spending)

    def redeemer(self, member: str = CUSTOMER, *, ticket: Ticket | None = None) -> Redeemer:
        """What is known when a redemption is decided."""
        earning = self.earnings.get(ticket.key) if ticket else None
        return Redeemer(
            state=as_settled(self.state(member), now=self.now, program=self.program),
            program=self.program,
            now=self.now,
            ticket=ticket,
            earned_on_ticket=earned_on(earning, frozenset([member])),
        )

    def post(self, member_id: MemberId, posting: Posting) -> Entry:
        """Chain one posting."""
        entry = chain(self.heads.get(member_id), member_id, posting, self.now)
        self._record(entry)
        return entry

    # ---- What there is

    def state(self, member: str = CUSTOMER) -> State:
        """A member's account."""
        return self.heads[self.enrol(member)].state

    def balances(self, member: str = CUSTOMER) -> Balances:
        """A member's four balances."""
        state = self.state(member)
        return Balances(state.pending, state.available, state.reserved, state.debt)

    def lots(self, member: str = CUSTOMER) -> dict[date, int]:
        """A member's lots, soonest first."""
        return dict(self.state(member).lots)

    def types(self, member: str = CUSTOMER) -> list[EntryType]:
        """The types of a member's entries after enrolment, oldest first."""
        return [entry.posting.type for entry in self.entries[MemberId(member)][1:]]

    def last(self, type_: EntryType, member: str = CUSTOMER) -> Posting:
        """The newest posting of a type."""
        for entry in reversed(self.entries[MemberId(member)]):
            if entry.posting.type == type_:
                return entry.posting
        raise AssertionError(f"{member} has no entry of type {type_}")

    def written_off(self, member: str = CUSTOMER) -> int:
        """What falls left with a member, over all earnings."""
        member_id = MemberId(member)
        return sum(
            earning.posted[member_id].written_off
            for earning in self.earnings.values()
            if member_id in earning.posted
        )

    def check(self) -> None:
        """Assert the invariants of semantics 9 over all that happened."""
        for member_id, entries in self.entries.items():
            state = replay(entries)
            assert state == self.heads[member_id].state
            unmatured = sum(
                earning.posted[member_id].pending
                for earning in self.earnings.values()
                if member_id in earning.posted
            )
            assert state.pending == unmatured, "pending is the unmatured part of the earnings"
            for entry in entries:
                _check_rules(entry.posting)

    # ---- Inside

    def _values(self, earning: Earning, fact: MergeableFact) -> bool:
        """Whether a fact may change what an earning is worth, or is the first to meet an earner."""
        return earning.earner_id is None or not isinstance(fact, PaymentFact)

    def _look_at(self, before: Earning, heard: Earning, *, values: bool) -> tuple[Entry, ...]:
        earning = self._pinned(heard)
        self.earnings[earning.key] = earning
        if earning.earner_id is None:
            return ()
        if values:
            earner_state = self.heads[earning.earner_id].state
            earning = valued(earning, program=self.program, earner=earner_state)
        aimed = aim(earning, program=self.program, now=self.now)
        found = converge(
            aimed,
            before=before,
            heads=self.heads,
            resolved={member_id: member_id for member_id in self.heads},
            program=self.program,
            occasion=Occasion(
                now=self.now,
                fact_at=self.now,
                reason="test",
                actor="test",
                in_force=self.program,
            ),
        )
        assert not (aimed.is_met and found.entries), "an aim that is met posts nothing"
        self.earnings[earning.key] = found.earning
        for entry in found.entries:
            self._record(entry)
        return found.entries

    def _pinned(self, earning: Earning) -> Earning:
        if earning.earner is None:
            return earning
        earner_id = self.enrol(earning.earner.external_id.id)
        pins = dict(earning.pins)
        if earner_id not in pins:
            standing = self.heads[earner_id].state.standing
            pins[earner_id] = Pin(
                allocation=self.plans.get(earner_id, whole(earner_id)),
                tier=standing.tier,
                tags=standing.tags,
                organisation=standing.organisation,
                jurisdiction=standing.jurisdiction,
                earns=standing.earns,
            )
        return replace(
            earning, earner_id=earner_id, pins=pins, program_version=self.program.version
        )

    def _record(self, entry: Entry) -> None:
        self.heads[entry.member_id] = entry
        self.entries.setdefault(entry.member_id, []).append(entry)


def _check_rules(posting: Posting) -> None:
    """Points by rule sum to the points of the entry, where there are any."""
    if not posting.rules:
        return
    points = sum(part for _, part in posting.rules)
    moved = {
        "accrual": posting.counters.get("earned", 0),
        "maturation": posting.available,
        "lapse": posting.counters.get("lapsed", 0),
    }.get(posting.type, points)
    assert points == moved, f"rules of a {posting.type} sum to {points}, moved were {moved}"
