"""A family of scenarios about referrals and linked purchases."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from points_ledger.domain.identity import MemberId
from points_ledger.service.acting import PerformAction
from points_ledger.service.ports import RequestKey
from tests.builders import HOUR, START, paid, posted, program, purchase_key, refunded, rule, settled
from tests.simulation.draft import (
    ADA,
    BOB,
    MINUTE,
    POSTED_AT,
    ScenarioDraft,
    enrolled_before,
    enrolment,
    let_holds_pass,
    merger,
)

_PURCHASES: Final = ("purchase-0", "purchase-1")


def releasing(draft: ScenarioDraft) -> None:
    """A friend's purchases, and a booking of one of them, in any order with the enrolment.

    Each purchase stays worth something: what was released stays, whatever is returned later.
    """
    dice = draft.dice
    draft.rules = replace(
        program(
            rule(1, "1.00"),
            rule(50, id="referral", action="referral", release="referred_first_purchase"),
            rule(30, id="booking", action="booking", release="linked_purchase"),
            rule(10, id="review", action="review", limit=(1, "lifetime")),
            hold=dice.choice(("P0D", "PT24H")),
            cancel_unpaid_after=dice.choice((None, "P30D")),
        ),
        enrolment="manual",
        enrolment_lookback_days=365,
    )
    enrolled_before(draft, "ada", "bob")
    draft.ask(replace(enrolment("enrol-cleo", "cleo"), referred_by=ADA))
    for id_ in _PURCHASES[: dice.choice((1, 1, 2))]:
        draft.facts.append(posted("50.00", id=id_, at=POSTED_AT, customer="cleo"))
        if draft.chance(0.8):
            payment = f"payment of {id_}"
            draft.facts.append(paid("50.00", payment, id=id_, at=POSTED_AT + MINUTE))
        if draft.chance(0.3):
            draft.facts.append(refunded("5.00", f"of {id_}", id=id_, at=POSTED_AT + 2 * MINUTE))
        if draft.chance(0.3):
            draft.facts.append(settled(id=id_, at=POSTED_AT + 3 * MINUTE))
    draft.ask_some(
        action("book-1", "booking", linked=_PURCHASES[0]),
        action("book-2", "booking", linked=_PURCHASES[1]),
        action("review-1", "review"),
        action("review-2", "review"),
        action("unknown", "review", member_id=MemberId("nobody")),
        least=1,
        most=3,
    )
    if draft.chance(0.3):
        draft.ask(merger("bob-into-ada", BOB, ADA))
        draft.compared = "together"
    draft.kinds = ("hold_release",)
    let_holds_pass(draft)


def action(
    key: str, name: str, *, linked: str | None = None, member_id: MemberId = BOB
) -> PerformAction:
    """Bob reviews, or has booked what a purchase is for."""
    return PerformAction(
        request=RequestKey(caller="till", key=key),
        fingerprint=key,
        actor="till",
        member_id=member_id,
        action=name,
        action_id=key,
        occurred_at=START - HOUR,
        linked_purchase=purchase_key(linked) if linked else None,
    )


FAMILIES: Final[tuple[Callable[[ScenarioDraft], None], ...]] = (releasing,)
