"""A family of scenarios about tiers that time may change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from points_ledger.domain.calendar import Period
from points_ledger.domain.fact import Fact
from points_ledger.domain.program import Membership, Tier, TierWindow
from points_ledger.service.memberships import GrantMembership
from points_ledger.service.ports import RequestKey
from tests.builders import START, line, paid, posted, program, refund_cancelled, refunded
from tests.simulation.draft import (
    ADA,
    BOB,
    MIDNIGHT,
    POSTED_AT,
    SECONDS,
    ScenarioDraft,
    earned_before,
    enrolled_before,
    merger,
    redemption,
    some_facts,
)

CLUB: Final = Membership(id="club", tier="gold", lasts=Period(days=20), items=frozenset({"CLUB"}))
NEXT_MONTH: Final = START + timedelta(days=31)
"""When the window has moved on once."""


def reviewing(draft: ScenarioDraft) -> None:
    """Tiers that purchases raise and refunds lose, while the schedule reviews them."""
    dice = draft.dice
    # Tiers multiply nothing, so that what is earned does not depend on who came first.
    draft.rules = replace(
        program(),
        tiers=tuple(
            Tier(id=id_, points=points, multiplier=Decimal(1))
            for id_, points in (("silver", 80), ("gold", 150))
        ),
        tier_window=TierWindow(
            months=dice.choice((1, 12)),
            grace_days=dice.choice((0, 1, 30)),
            downgrade=dice.choice(("reassess", "one_step")),
        ),
        memberships=(CLUB,),
    )
    enrolled_before(draft, "ada", "bob")
    earned_before(draft, dice.choice(("100.00", "160.00")))
    refund = refunded(dice.choice(("15.00", "40.00", "100.00")), id="before-1", at=START)
    if draft.chance(0.8):
        draft.facts.append(refund)
    if draft.chance(0.3):
        draft.facts.append(refund_cancelled(id="before-1", at=START))
    if draft.chance(0.6):
        draft.facts += some_facts(dice, "purchase-1", "ada", at_most=2, other="bob")
    if draft.chance(0.4):
        bought: list[Fact] = [
            posted(line("30.00", item="CLUB"), id="club", at=POSTED_AT),
            paid("30.00", "club-paid", id="club", at=POSTED_AT),
            refunded("30.00", "club-back", id="club", at=START),
        ]
        draft.facts += bought[: dice.choice((2, 3))]
    draft.ask_some(
        membership("give-ada"),
        membership("give-what-there-is-not", "unheard-of"),
        redemption("redeem-1", 30),
        merger("ada-into-bob", ADA, BOB),
        least=0,
        most=2,
    )
    draft.compared = "together"
    draft.times = (MIDNIGHT + SECONDS, NEXT_MONTH + SECONDS)[: dice.choice((1, 2, 2))]
    draft.kinds, draft.sweeps = ("tier_review",), dice.choice((1, 2, 3))


def membership(key: str, membership_id: str = CLUB.id) -> GrantMembership:
    """Staff give ada a membership."""
    return GrantMembership(
        request=RequestKey(caller="staff", key=key),
        fingerprint=key,
        actor="staff",
        member_id=ADA,
        membership_id=membership_id,
    )


FAMILIES: Final[tuple[Callable[[ScenarioDraft], None], ...]] = (reviewing,)
