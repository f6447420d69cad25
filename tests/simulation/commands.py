"""Families of scenarios about commands: two-step redemptions, transfers, plans, merges, approvals,
rewards, coupons, adjustments, opening lots and erasures, each against facts and each other.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from points_ledger.domain.fact import Customer, CustomerSeen, CustomersMerged
from points_ledger.domain.program import Program, TransferTerms
from points_ledger.service.redeeming import RedeemPoints
from tests.builders import DAY, START, bounced, paid, posted, program, refunded
from tests.simulation.draft import (
    ADA,
    BOB,
    CLEO,
    LONG_BEFORE,
    MIDNIGHT,
    MINUTE,
    POSTED_AT,
    RESERVED_UNTIL,
    SECONDS,
    Client,
    ScenarioDraft,
    adjustment,
    change,
    closing,
    customer_id,
    decision,
    earned_before,
    email_of,
    enrolled_before,
    enrolment,
    erasure,
    expiring_rules,
    imported,
    let_reservations_end,
    merger,
    plan,
    redemption,
    reward,
    some_facts,
    step,
    transfer,
)

ASKED_UNTIL: Final = START + timedelta(days=30)
"""When what was asked for at START can no longer be approved."""
_CAP: Final = Decimal("0.90")
OPENED_UNTIL: Final = (START + 400 * DAY).date()


def reserving(draft: ScenarioDraft) -> None:
    """Redemptions in two steps, whose every step may come twice, too late, or beside another."""
    dice = draft.dice
    rules = _rules(draft, expires=0.3)
    terms = replace(rules.redemption, yearly_amount_cap=dice.choice((None, None, _CAP)))
    draft.rules = replace(rules, redemption=terms)
    if draft.expires:
        earned_before(draft, "40.00", purchase="before-2", paid_at=LONG_BEFORE)
    earned_before(draft, "100.00")
    held, spent = redemption("held", 40, reserve=True), redemption("spent", 30)
    later = redemption("later", dice.choice((20, 30, 60)), reserve=True)
    draft.before += [held, spent]
    draft.ask_some(
        step("capture-held", "capture", held),
        step("capture-part", "capture", held, 15),
        step("cancel-held", "cancel", held),
        least=1,
        most=2,
    )
    draft.ask_some(
        (later, step("go-on", dice.choice(("capture", "cancel")), later)),
        (step("reverse-20", "reverse", spent, 20), step("reverse-rest", "reverse", spent)),
        step("reverse-15", "reverse", spent, 15),
        redemption("at-once", dice.choice((30, 50, 70))),
        step("reverse-held", "reverse", held),
        least=1,
        most=3,
    )
    if draft.chance(0.5):
        draft.facts.append(refunded(dice.choice(("40.00", "100.00")), id="before-1", at=START))
    if draft.chance(0.3):
        draft.facts += some_facts(dice, "purchase-1", "ada", at_most=2)
    times = [RESERVED_UNTIL + SECONDS] if draft.chance(0.6) else []
    let_reservations_end(draft, *times, *([MIDNIGHT + SECONDS] if draft.expires else []))


def moving(draft: ScenarioDraft) -> None:
    """Points that pass in both directions at once, and plans that change beside purchases."""
    dice = draft.dice
    draft.compared = "together"
    draft.rules = _rules(draft, expires=0.3)
    three = draft.chance(0.5)
    enrolled_before(draft, *(("ada", "bob", "cleo") if three else ("ada", "bob")))
    if draft.expires:
        earned_before(draft, "40.00", purchase="before-3", paid_at=LONG_BEFORE, customer="bob")
    earned_before(draft, "100.00")
    earned_before(draft, "60.00", purchase="before-2", customer="bob")
    if draft.chance(0.3):
        draft.before.append(plan("plan-before", ADA, {ADA: 50, BOB: 50}))
    other = CLEO if three else BOB
    draft.ask_some(
        transfer("ada-bob", ADA, BOB, dice.choice((40, 70, 100))),
        transfer("bob-ada", BOB, ADA, dice.choice((30, 60, 90))),
        transfer("bob-ada-again", BOB, email_of("ada"), 40),
        transfer("ada-other", ADA, other, 50, note="for the fair"),
        redemption("redeem-1", dice.choice((50, 80))),
        redemption("redeem-2", dice.choice((60, 90)), member_id=BOB),
        least=2,
        most=3,
    )
    draft.ask_some(
        plan("plan-ada", ADA, {ADA: 40, other: 60}),
        plan("plan-bob", BOB, {BOB: 70, ADA: 30}),
        plan("plan-other", other, {ADA: 100}),
        plan("no-plan", ADA, {}),
        least=0,
        most=2,
    )
    if draft.chance(0.7):
        draft.facts += some_facts(dice, "purchase-1", "ada", at_most=3, other="bob")
    if draft.chance(0.4):
        draft.facts.append(refunded("60.00", id="before-1", at=START))
    if draft.chance(0.3):
        draft.facts.append(bounced(id="before-2", at=START))
    if draft.expires:
        draft.times, draft.sweeps = (MIDNIGHT + SECONDS,), dice.choice((0, 1))
        # What bob gets arrives with the entry of what he has just lost.
        draft.ask(transfer("in-time", ADA, BOB, 50))
        draft.ask(redemption("just-enough", 90, member_id=BOB))


def merging(draft: ScenarioDraft) -> None:
    """Members who become one while everything that they had goes on."""
    dice = draft.dice
    draft.compared = "together"
    draft.rules = _rules(draft, expires=0.15)
    enrolled_before(draft, "ada", "bob", "cleo")
    earned_before(draft, "100.00")
    earned_before(draft, "60.00", purchase="before-2", customer="bob")
    draft.before.append(posted("80.00", id="before-3", at=POSTED_AT))
    held, spent = redemption("held", 30, reserve=True), redemption("spent", 20)
    draft.before.append(spent)
    if draft.chance(0.25):
        draft.before.append(held)
    if draft.chance(0.3):
        draft.before.append(plan("plan-before", CLEO, {CLEO: 50, ADA: 50}))
    draft.ask(merger("ada-into-bob", ADA, BOB))
    draft.ask_some(
        merger("bob-into-ada", BOB, ADA),
        merger("cleo-into-ada", CLEO, ADA),
        merger("bob-into-cleo", BOB, CLEO),
        least=0,
        most=2,
    )
    draft.ask_some(
        redemption("redeem-1", dice.choice((50, 80, 120))),
        transfer("ada-bob", ADA, BOB, 40),
        transfer("cleo-ada", BOB, email_of("ada"), 30),
        step("reverse", "reverse", spent),
        step("cancel", "cancel", held),
        (later := redemption("later", 40, reserve=True), step("capture", "capture", later)),
        enrolment("further-1", "ada", "dora"),
        change("further-2", member_id=BOB, customers=("dora",)),
        enrolment("both", "ada", "bob", "dora"),
        adjustment("adjust", 25),
        plan("plan", BOB, {BOB: 60, CLEO: 40}),
        least=1,
        most=2,
    )
    if draft.chance(0.5):
        draft.facts.append(paid("80.00", id="before-3", at=POSTED_AT + MINUTE))
    if draft.chance(0.5):
        draft.facts.append(refunded(dice.choice(("40.00", "100.00")), id="before-1", at=START))
    if draft.chance(0.5):
        customer = dice.choice(("ada", "cleo", "dora"))
        draft.facts += some_facts(dice, "purchase-1", customer, at_most=2, other="bob")
    if draft.chance(0.3):
        former, into = dice.choice((("ada", "bob"), ("bob", "ada"), ("dora", "ada")))
        draft.facts.append(
            CustomersMerged(former=customer_id(former), into=customer_id(into), at=START)
        )
    let_reservations_end(draft, *((MIDNIGHT + SECONDS,) if draft.expires else ()))


def approving(draft: ScenarioDraft) -> None:
    """Redemptions, transfers and adjustments that wait for somebody, and two who decide at once."""
    dice = draft.dice
    rules = _rules(draft, expires=0.0)
    draft.rules = replace(
        rules,
        redemption=replace(rules.redemption, approval_above_points=30),
        transfers=replace(rules.transfers, approval_above_points=30),
        adjustments=replace(rules.adjustments, approval_above_points=50),
    )
    enrolled_before(draft, "ada", "bob")
    earned_before(draft, "100.00")
    earned_before(draft, "60.00", purchase="before-2", customer="bob")
    waiting = dice.choice(
        (
            redemption("asked", 60, reserve=dice.random() < 0.4, note="for the fair"),
            transfer("asked", ADA, BOB, 60, note="for the fair"),
            adjustment("asked", dice.choice((80, -150)), reason="a long story"),
        )
    )
    draft.before.append(waiting)
    draft.ask_some(
        decision("approve", waiting, approved=True, by="boss-1"),
        decision("reject", waiting, approved=False, by="boss-2", note="not this time"),
        decision("approve-too", waiting, approved=True, by="boss-3"),
        least=1,
        most=2,
    )
    asked = redemption("asked-later", 40)
    given = transfer("given-later", BOB, ADA, 40)
    put_right = adjustment("put-right", -dice.choice((40, 90, 130)))
    more: list[Client] = [
        (asked, decision("decide-1", asked, approved=dice.random() < 0.7, by="boss-1")),
        (given, decision("decide-2", given, approved=dice.random() < 0.7, by="boss-2")),
        (put_right, decision("decide-3", put_right, approved=dice.random() < 0.7, by="boss-1")),
        redemption("at-once", dice.choice((20, 30))),
        adjustment("at-once-too", dice.choice((-30, 30))),
        change("freeze", member_id=dice.choice((ADA, BOB)), status="frozen"),
    ]
    if isinstance(waiting, RedeemPoints):
        more += [step("cancel", "cancel", waiting)]
    draft.ask_some(*more, least=1, most=2)
    if draft.chance(0.5):
        draft.facts.append(refunded(dice.choice(("60.00", "100.00")), id="before-1", at=START))
    times = (ASKED_UNTIL + SECONDS,) if draft.chance(0.35) else ()
    let_reservations_end(draft, *times)


def claiming(draft: ScenarioDraft) -> None:
    """Several members who want the last of a reward, and coupons that are used and given back."""
    dice = draft.dice
    rules = _rules(draft, expires=0.0)
    waits = draft.chance(0.35)
    terms = replace(rules.redemption, approval_above_points=25 if waits else None)
    draft.rules = replace(rules, redemption=terms)
    members = (ADA, BOB, CLEO)
    enrolled_before(draft, "ada", "bob", "cleo")
    for number, name in enumerate(("ada", "bob", "cleo")):
        earned_before(draft, "70.00", purchase=f"before-{number + 1}", customer=name)
    mug = reward("mug", points=30, stock=dice.choice((1, 2, 2)))
    voucher = reward("voucher", points=20, stock=2, kind="coupon")
    first = redemption("first", 20, kind="coupon")
    second = redemption("second", None, of=voucher)
    draft.before += [mug, voucher, first, second]
    claims = [redemption(f"claim-{id_}", None, of=mug, member_id=id_) for id_ in members]
    if waits:
        # Stock is drawn when somebody has agreed.
        draft.before += claims
        draft.ask_some(
            *(decision(f"agree-{n}", c, approved=True, by="boss") for n, c in enumerate(claims)),
            decision("refuse", claims[0], approved=False, by="boss-2"),
            step("give-up", "cancel", claims[1]),
            least=2,
            most=3,
        )
    else:
        had = redemption("had", None, of=mug)
        draft.before += [had] if draft.chance(0.4) else []
        draft.ask_some(*claims, step("undo", "reverse", had), least=2, most=3)
    cap = reward("cap", points=10, stock=None)
    number, made = dice.choice(((1, first), (2, second)))
    draft.ask_some(
        closing("use", number, "used"),
        closing("use-too", number, "used"),
        closing("cancel", number, "cancelled"),
        step("give-back", "reverse", made),
        redemption("another", 20, kind="coupon", member_id=BOB),
        redemption("voucher-1", None, of=voucher, member_id=CLEO),
        redemption("voucher-2", None, of=voucher, member_id=BOB),
        (cap, redemption("claim-cap", None, of=cap, member_id=CLEO)),
        least=1,
        most=3,
    )
    if draft.chance(0.3):
        draft.facts.append(refunded("70.00", id="before-1", at=START))


def erasing(draft: ScenarioDraft) -> None:
    """A person who is erased, frozen or closed, or gets opening lots, while the rest goes on."""
    dice = draft.dice
    draft.compared = "not"
    draft.rules = _rules(draft, expires=0.15)
    enrolled_before(draft, "ada", "bob")
    if draft.expires:
        earned_before(draft, "20.00", purchase="before-3", paid_at=LONG_BEFORE)
    earned_before(draft, "100.00")
    draft.before.append(posted("80.00", id="before-2", at=POSTED_AT))
    held = redemption("held", 30, reserve=True, note="for the fair")
    spent = redemption("spent", 20, note="for the fair")
    draft.before += [spent, *((held,) if draft.chance(0.4) else ())]
    if draft.chance(0.5):
        shared = plan("plan-before", BOB, {BOB: 50, ADA: 50})
        draft.before.append(dice.choice((merger("bob-before", BOB, ADA), shared)))
    if draft.chance(0.7):
        draft.ask(erasure("erase"))
    draft.ask_some(
        change("freeze", status="frozen"),
        change("close", status="closed"),
        change("link", customers=("dora",)),
        enrolment("enrol-ada", "ada", "eve"),
        imported("row-1", "ada", points=50, last_day=OPENED_UNTIL),
        imported("row-2", "ada", dice.choice(("bob", "dora")), points=20, last_day=OPENED_UNTIL),
        redemption("redeem-1", dice.choice((40, 80)), note="something nice"),
        step("capture", "capture", held),
        step("reverse", "reverse", spent),
        transfer("to-ada", BOB, email_of("ada"), 10),
        plan("plan", BOB, {BOB: 50, ADA: 50}),
        merger("merge", ADA, BOB),
        adjustment("adjust", 25),
        erasure("erase-too"),
        least=1,
        most=3,
    )
    if draft.chance(0.4):
        draft.facts.append(paid("80.00", id="before-2", at=POSTED_AT + MINUTE))
    if draft.chance(0.4):
        draft.facts.append(refunded("40.00", id="before-1", at=START))
    if draft.chance(0.5):
        customer = dice.choice(("ada", "ada", "bob", "dora"))
        draft.facts += some_facts(dice, "purchase-1", customer, at_most=2)
    if draft.chance(0.3):
        seen = Customer(external_id=customer_id("ada"), name="Ada King", email="ada@example.com")
        draft.facts.append(CustomerSeen(customer=seen, at=START + MINUTE))
    if draft.chance(0.2):
        former = customer_id(dice.choice(("dora", "bob")))
        draft.facts.append(CustomersMerged(former=former, into=customer_id("ada"), at=START))
    let_reservations_end(draft, *((MIDNIGHT + SECONDS,) if draft.expires else ()))


def _rules(draft: ScenarioDraft, *, expires: float) -> Program:
    """A program in which members share and transfer; in some, lots pass at midnight."""
    draft.expires = draft.chance(expires)
    rules = expiring_rules(draft) if draft.expires else program()
    return replace(
        rules,
        clawback=draft.dice.choice(("unlimited", "unlimited", "within_balance")),
        transfers=TransferTerms(enabled=True, within="organisation"),
        sharing_within="organisation",
    )


Family = Callable[[ScenarioDraft], None]
FAMILIES: Final[tuple[Family, ...]] = (
    reserving,
    moving,
    merging,
    approving,
    claiming,
    erasing,
)
