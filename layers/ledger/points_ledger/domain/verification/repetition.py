"""The same again from a receipt: what was posted of an earning, without the facts behind it.

The receipt (domain/receipt.py) stands for what the facts came to; from there on these are the steps
of `converge` itself (domain/posting_steps.py), so that they cannot differ.
"""

from collections.abc import Mapping
from datetime import datetime

from points_ledger.domain.aim import Aim, Goal, counting, goal_at, qualifying
from points_ledger.domain.dataclass import replace
from points_ledger.domain.drafting import Origin
from points_ledger.domain.earning import Earned, Earning, Posted
from points_ledger.domain.entry import Posting
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.maturation import Target, pays_in_full
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.posting_steps import Steps
from points_ledger.domain.program import Program
from points_ledger.domain.receipt import Receipt
from points_ledger.domain.rules import appraised
from points_ledger.domain.state import State


def repeated(
    receipt: Receipt,
    *,
    key: EarningKey,
    member_id: MemberId,
    posted: Mapping[MemberId, Posted],
    state: State,
    program: Program,
    occasion: Occasion,
    matured_at: datetime,
    has_excess_refund: bool,
    counts_qualifying: bool = True,
) -> tuple[Mapping[MemberId, Posted], list[Posting]]:
    """What `converge` posted for one member, made again from the receipt in its entries.

    Args:
        receipt: what the entries say they were computed from.
        key: the purchase or action.
        member_id: whose chain it is.
        posted: what the ledger held of it before, by the ids of the member.
        state: the account before.
        program: the pinned version.
        occasion: the time and the reason.
        matured_at: when the last condition was met; the facts for it are not in the receipt.
        has_excess_refund: whether refunds named more than there was.
        counts_qualifying: whether the ledger counted qualifying points by then.

    Raises:
        ValueError: the program does not have what the receipt names.
    """
    known = {rule.id for rule in program.rules} | {each.id for each in program.campaigns}
    named = {*receipt.content.rules, *receipt.content.campaigns}
    if not named <= known:
        raise ValueError(f"version {program.version} has no {', '.join(sorted(named - known))}")
    earned = appraised(receipt.content, program=program, posted_at=receipt.posted_at)
    earned = replace(earned, excess_refund=has_excess_refund)
    if receipt.counts and not any(holder.is_earner for holder in receipt.holders):
        raise ValueError("it counts for the earner alone")
    earned = counting(earned, receipt.counts, program=program, posted_at=receipt.posted_at)
    _check_released(receipt, earned)
    in_full = pays_in_full(program)
    lapses_at = None
    if receipt.paid is not None:
        patience = program.maturation.cancel_unpaid_after
        if patience is None:
            raise ValueError(f"nothing lapses by version {program.version}")
        lapses_at = patience.after(receipt.posted_at, program.zone)
    found = Target(
        earned=earned.points,
        matured=receipt.due.points(earned.points, in_full=in_full) if receipt.due else 0,
        matured_at=matured_at,
        paid=receipt.paid.points(earned.points, in_full=in_full) if receipt.paid else 0,
        lapses=lapses_at is not None,
        lapses_at=lapses_at,
    )
    goals: dict[MemberId, Goal] = {}
    for holder in receipt.holders:
        used = earned.used if holder.is_earner else {}
        goals[holder.member_id or member_id] = (
            Goal(used=used)
            if holder.place is None
            else goal_at(holder.place, receipt.percents, found, used)
        )
    if counts_qualifying:
        goals = qualifying(goals, earned, program=program, posted_at=receipt.posted_at)
    earner_id = next((h.member_id or member_id for h in receipt.holders if h.is_earner), None)
    earning = Earning(key=key, posted_at=receipt.posted_at, earned=earned, earner_id=earner_id)
    origin = Origin(
        aimed=Aim(earning=earning, target=found, goals=goals, arm_at=None),
        before=replace(earning, earned=replace(earned, rules=receipt.was)),
        program=program,
        occasion=occasion,
    )
    after, postings = Steps(origin=origin).together(posted, goals, state)
    inputs = receipt.encode()
    return after, [replace(posting, inputs=inputs) for posting in postings]


def _check_released(receipt: Receipt, earned: Earned) -> None:
    """What waits for something else than time and money is due once that is there."""
    needs = bool(earned.releases) and receipt.due is not None
    if needs != (receipt.released_at is not None):
        raise ValueError("released is missing" if needs else "nothing had to be released")
