"""Families of scenarios about facts, redemptions at once and enrolments."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from points_ledger.domain.fact import Customer, CustomerSeen
from points_ledger.domain.identity import PaymentKey
from points_ledger.domain.redemption import Ticket
from tests.builders import (
    START,
    bounced,
    paid,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    rule,
)
from tests.simulation.draft import (
    LONG_BEFORE,
    MIDNIGHT,
    MINUTE,
    POSTED_AT,
    SECONDS,
    ScenarioDraft,
    customer_id,
    earned_before,
    enrolment,
    expiring_rules,
    let_holds_pass,
    redemption,
    some_facts,
)


def purchases(draft: ScenarioDraft) -> None:
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
        draft.facts += some_facts(dice, f"purchase-{number}", customer, at_most=4 - 2 * number)
    let_holds_pass(draft)


def spending(draft: ScenarioDraft) -> None:
    """Redemptions that compete for one balance, while purchases are paid and taken back."""
    dice = draft.dice
    # What no tier counts leaves an account as it is where a fall takes nothing.
    is_exact = dice.choice((True, False))
    base = replace(rule(1, "1.00"), qualifying=is_exact)
    draft.rules = program(base, clawback="unlimited" if is_exact else "within_balance")
    earned_before(draft, "100.00")
    for number, points in enumerate(dice.sample((30, 50, 60, 80, 100), dice.choice((2, 2, 3)))):
        draft.ask(redemption(f"redeem-{number}", points))
    if draft.chance(0.5):
        draft.facts.append(refunded(dice.choice(("40.00", "100.00")), id="before-1", at=START))
    draft.facts += some_facts(dice, "purchase-1", "ada", at_most=2)


def newcomers(draft: ScenarioDraft) -> None:
    """Several reports at once about customers who are enrolled by the first of them."""
    dice = draft.dice
    draft.rules = program(hold=dice.choice(("P0D", "PT24H")))
    for number in range(2):
        draft.facts += some_facts(dice, f"purchase-{number}", "ada", at_most=2)
    if draft.chance(0.5):
        seen = Customer(external_id=customer_id("ada"), name="Ada", email="ada@example.com")
        draft.facts.append(CustomerSeen(customer=seen, at=START - MINUTE))
    if draft.chance(0.7):
        draft.ask(enrolment("enrol-1", "ada"))
    if draft.chance(0.7):
        draft.ask(enrolment("enrol-2", *dice.choice(((), (), ("bob",)))))
    let_holds_pass(draft)


def waiting(draft: ScenarioDraft) -> None:
    """Purchases that wait for their customer to be enrolled by hand."""
    dice = draft.dice
    draft.rules = replace(
        program(hold=dice.choice(("P0D", "PT24H")), cancel_unpaid_after="P30D"),
        enrolment="manual",
        enrolment_lookback_days=365,
    )
    for number in range(dice.choice((1, 1, 2))):
        customer = dice.choice(("ada", "ada", "bob"))
        draft.facts += some_facts(dice, f"purchase-{number}", customer, at_most=3 - number)
    if draft.chance(0.3):
        # It was another customer's, whom nobody enrols.
        later = POSTED_AT + 10 * MINUTE
        draft.facts.append(
            posted("50.00", id="purchase-0", at=POSTED_AT, updated_at=later, customer="cleo")
        )
    draft.ask(enrolment("enrol-1", "ada"))
    if draft.chance(0.5):
        draft.ask(enrolment("enrol-2", "bob"))
    elif draft.chance(0.3):
        draft.ask(enrolment("enrol-2", "ada"))
    let_holds_pass(draft)


def by_payment(draft: ScenarioDraft) -> None:
    """Refunds that name only a payment, which may not be known yet."""
    reference = PaymentKey(source="pos", id="charge-1")
    payment = replace(paid("50.00", at=POSTED_AT + MINUTE), references=(reference,))
    draft.facts += [posted("50.00", at=POSTED_AT), payment]
    refund = replace(refunded("20.00", at=POSTED_AT + 2 * MINUTE), purchase=None, payment=reference)
    draft.facts.append(refund)
    if draft.chance(0.5):
        cancelled = refund_cancelled(at=POSTED_AT + 3 * MINUTE)
        draft.facts.append(replace(cancelled, purchase=None, payment=reference))
    if draft.chance(0.5):
        refund = refunded("10.00", "refund-2", at=POSTED_AT + 2 * MINUTE)
        draft.facts.append(replace(refund, purchase=None, payment=reference))
    if draft.chance(0.3):
        draft.facts.append(bounced(at=POSTED_AT + 4 * MINUTE))


def expiring(draft: ScenarioDraft) -> None:
    """Points that expire while they are spent and taken back."""
    dice = draft.dice
    draft.expires = True
    draft.rules = expiring_rules(draft)
    earned_before(draft, "60.00", paid_at=LONG_BEFORE)
    earned_before(draft, "50.00", purchase="before-2")
    for number, points in enumerate(dice.sample((20, 40, 60, 90), dice.choice((1, 2)))):
        draft.ask(redemption(f"redeem-{number}", points))
    if draft.chance(0.7):
        draft.facts.append(refunded(dice.choice(("30.00", "60.00")), id="before-1", at=START))
    if draft.chance(0.4):
        draft.facts.append(bounced(id="before-2", at=START))
    if draft.chance(0.5):
        draft.facts += some_facts(dice, "purchase-1", "ada", at_most=2)
    draft.times = (MIDNIGHT + SECONDS,)
    draft.sweeps = dice.choice((1, 2))


def on_ticket(draft: ScenarioDraft) -> None:
    """Points spent on the very ticket that earns at the same moment."""
    dice = draft.dice
    draft.expires = True
    draft.rules = program(ticket_must_exceed=dice.random() < 0.3)
    if draft.chance(0.4):
        # Some points pass in the middle: then a redemption appends two entries.
        draft.rules = program(expires_after="P1D", round_to="day")
        earned_before(draft, "20.00", purchase="before-2", paid_at=LONG_BEFORE)
        draft.times = (MIDNIGHT + SECONDS,)
    earned_before(draft, "100.00")
    draft.facts += [posted("30.00", at=POSTED_AT), paid("30.00", at=POSTED_AT + MINUTE)]
    if draft.chance(0.5):
        draft.facts.append(refunded("10.00", at=POSTED_AT + 2 * MINUTE))
    ticket = Ticket(key=purchase_key(), amount=Decimal("30.00"))
    for number, points in enumerate(dice.sample((40, 90, 100, 101, 120), dice.choice((1, 2)))):
        draft.ask(replace(redemption(f"redeem-{number}", points), ticket=ticket))


Family = Callable[[ScenarioDraft], None]
FAMILIES: Final[tuple[Family, ...]] = (
    purchases,
    spending,
    newcomers,
    waiting,
    by_payment,
    expiring,
    on_ticket,
)
