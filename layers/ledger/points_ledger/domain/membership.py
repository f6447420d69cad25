"""Memberships that are bought: what a purchase gives by its facts alone (product.md C14).

Whoever buys one of the items of a membership has its tier from the day on which the whole price is
complete, for as long as the membership lasts. As long as something of the item is left after
refunds and the price stays complete, that is so; a refund of all of it, a bounced payment or a void
ends it. It follows from the facts and the pinned version, so their order does not matter.
"""

from datetime import date

from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import BoughtMembership, Earning
from points_ledger.domain.maturation import completed_since
from points_ledger.domain.program import Membership, Program
from points_ledger.domain.purchase import remaining, standing_refunds
from points_ledger.domain.state import Grant


def bought_membership(earning: Earning, program: Program) -> BoughtMembership | None:
    """The membership that a purchase gives its earner; of several the one of the highest tier."""
    begins_on = _begins_on(earning, program) if program.memberships else None
    if begins_on is None or earning.earner_id is None:
        return None
    offered = list(_offered(earning, program))
    if not offered:
        return None
    best = max(
        offered, key=lambda each: (program.tier_rank(each.tier), each.lasts.after_day(begins_on))
    )
    grant = Grant(
        tier=best.tier,
        last_day=best.lasts.after_day(begins_on),
        source=f"membership:{best.id}:{earning.key}",
    )
    return BoughtMembership(member_id=earning.earner_id, grant=grant)


def _begins_on(earning: Earning, program: Program) -> date | None:
    """The day on which the price was complete; None while it is not."""
    if earning.snapshot is None or earning.posted_at is None or earning.voided_at is not None:
        return None
    needs_payment = program.maturation.requires_payment
    paid_at = completed_since(earning) if needs_payment else earning.posted_at
    return None if paid_at is None else local_day(paid_at, program.zone)


def _offered(earning: Earning, program: Program) -> list[Membership]:
    """The memberships of which an item is among what is left of the purchase."""
    assert earning.snapshot is not None
    if earning.snapshot.currency != program.currency:
        return []
    rest = remaining(
        earning.snapshot,
        standing_refunds(earning),
        # What is paid with points is bought all the same.
        points_paid_part_earns=True,
    )
    left = [line for line in rest.lines if line.amount > 0]
    items = {name for line in left for name in (line.item, line.product) if name is not None}
    return [each for each in program.memberships if each.items & items]
