"""A family of scenarios about challenges, streaks and scores."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from points_ledger.domain.prize import prize_rules
from points_ledger.domain.program import Challenge, Leaderboard, Streak
from tests.builders import posted, program, refund_cancelled, refunded, voided
from tests.simulation.draft import (
    ADA,
    BOB,
    MINUTE,
    POSTED_AT,
    ScenarioDraft,
    enrolled_before,
    let_holds_pass,
    merger,
)

CHALLENGES: Final = (
    Challenge(id="two", count=2, points=40),
    Challenge(id="three", count=3, points=70, per="month"),
)
STREAKS: Final = (Streak(id="daily", every="day", length=2, points=15),)
BOARDS: Final = (Leaderboard(id="often", per="month", by="purchases"),)


def challenging(draft: ScenarioDraft) -> None:
    """Purchases that complete challenges, refunds that undo them, and members who become one.

    A prize depends on the order, so what is compared is the count, and that each is paid once.
    """
    dice = draft.dice
    base = program(hold=dice.choice(("P0D", "PT24H")))
    draft.rules = replace(
        base,
        challenges=CHALLENGES,
        streaks=STREAKS,
        leaderboards=BOARDS,
        rules=(*base.rules, *prize_rules(CHALLENGES, STREAKS, BOARDS)),
    )
    draft.compared = "not"
    enrolled_before(draft, "ada", "bob")
    for number in range(dice.choice((2, 3, 3, 4))):
        id_, customer = f"purchase-{number}", dice.choice(("ada", "ada", "bob"))
        at = POSTED_AT - timedelta(days=dice.choice((0, 0, 1)))
        draft.facts.append(posted("20.00", id=id_, at=at, customer=customer))
        if draft.chance(0.3):
            later = at + MINUTE
            draft.facts.append(refunded("20.00", id=id_, at=later))
            if draft.chance(0.5):
                draft.facts.append(refund_cancelled(id=id_, at=later + MINUTE))
        elif draft.chance(0.2):
            draft.facts.append(voided(id=id_, at=at + MINUTE))
    if draft.chance(0.4):
        draft.ask(merger("ada-into-bob", ADA, BOB))
    let_holds_pass(draft)


Family = Callable[[ScenarioDraft], None]
FAMILIES: Final[tuple[Family, ...]] = (challenging,)
