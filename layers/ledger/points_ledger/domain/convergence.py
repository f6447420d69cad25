"""Posting the difference between what an earning should be and what was posted of it.

Where it should be is the aim (aim.py). This module moves each member's account there: the way of
one member is in posting_steps.py, what a fall takes back in clawback.py, the wording of the
postings in drafting.py. Every posting carries what it was computed from (receipt.py).
"""

from collections.abc import Mapping, Sequence

from points_ledger.domain.activity import counts_activity
from points_ledger.domain.aim import Aim, Goal, Goals
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.drafting import Origin
from points_ledger.domain.earning import NOTHING_POSTED, Earning, Posted
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.grant import MEMBERSHIP_REASON, Granting, membership_posting
from points_ledger.domain.identity import MemberId
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.posting_steps import Steps
from points_ledger.domain.program import Program
from points_ledger.domain.receipt import Holder, Receipt, read_content, read_counts
from points_ledger.domain.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """The earning as it now stands, and the entries that bring the members' accounts there."""

    earning: Earning
    entries: tuple[Entry, ...]


def converge(
    aimed: Aim,
    *,
    before: Earning,
    heads: Mapping[MemberId, Entry],
    resolved: Mapping[MemberId, MemberId],
    program: Program,
    occasion: Occasion,
) -> Convergence:
    """Bring every member's account to its goal.

    Args:
        aimed: the goals, with the earning's newest facts.
        before: the earning as it was stored, whose rules the last entries named.
        heads: the newest entry of every member concerned, by resolved id.
        resolved: the surviving member of every id that the earning names.
        program: the pinned version.
        occasion: the time and the reason.
    """
    posted = dict(aimed.earning.posted)
    entries: list[Entry] = []
    origin = Origin(aimed=aimed, before=before, program=program, occasion=occasion)
    steps = Steps(origin=origin)
    for resolved_id, goals in _by_member(aimed.goals, resolved).items():
        head = heads[resolved_id]
        if head.state.standing.status == "erased":
            continue
        after, postings = steps.together(posted, goals, head.state)
        for posting in _with_receipt(postings, origin, posted, goals, head.member_id):
            head = chain(head, head.member_id, posting, occasion.now)
            entries.append(head)
        membership = _membership_posting(aimed, goals, head.state, occasion)
        if membership is not None:
            head = chain(head, head.member_id, membership, occasion.now)
            entries.append(head)
        for member_id, part in after.items():
            if part != NOTHING_POSTED or member_id in posted or counts_activity(program):
                posted[member_id] = part
    return Convergence(
        earning=replace(aimed.earning, posted=posted, membership=aimed.membership),
        entries=tuple(entries),
    )


def _by_member(goals: Goals, resolved: Mapping[MemberId, MemberId]) -> dict[MemberId, Goals]:
    """The goals of each member by the ids under which the earning knows the member."""
    found: dict[MemberId, dict[MemberId, Goal]] = {}
    for member_id, goal in goals.items():
        found.setdefault(resolved[member_id], {})[member_id] = goal
    return dict(found)


def _with_receipt(
    postings: Sequence[Posting],
    origin: Origin,
    posted: Mapping[MemberId, Posted],
    goals: Goals,
    member_id: MemberId,
) -> list[Posting]:
    """The postings of the earning with what they were computed from."""
    if not postings:
        return []
    earning, found = origin.aimed.earning, origin.aimed.target
    assert earning.earner_id is not None
    assert earning.posted_at is not None
    plan = earning.pins[earning.earner_id].allocation
    places = {share.member_id: place for place, share in enumerate(plan)}
    was = origin.before.earned.rules
    receipt = Receipt(
        content=read_content(earning.earned.inputs),
        posted_at=earning.posted_at,
        percents=tuple(share.percent for share in plan),
        holders=tuple(
            Holder(
                place=places.get(id_),
                is_earner=id_ == earning.earner_id,
                member_id=None if id_ == member_id else id_,
                kept=posted.get(id_, NOTHING_POSTED).kept,
            )
            for id_ in goals
        ),
        due=found.due,
        released_at=earning.released_at if earning.earned.releases and found.due else None,
        paid=found.covered if found.lapses else None,
        was=was if was != earning.earned.rules else (),
        counts=read_counts(earning.earned.inputs) if earning.earner_id in goals else (),
    )
    inputs = receipt.encode()
    return [
        replace(posting, inputs=inputs) if posting.source == earning.key else posting
        for posting in postings
    ]


def _membership_posting(
    aimed: Aim, goals: Goals, state: State, occasion: Occasion
) -> Posting | None:
    """What the purchase's membership changes for the member with these ids."""
    before, after = aimed.earning.membership, aimed.membership
    if before == after:
        return None
    return membership_posting(
        aimed.earning,
        Granting(state=state, today=occasion.today, program=occasion.in_force),
        lost=before if before is not None and before.member_id in goals else None,
        gained=after if after is not None and after.member_id in goals else None,
        posting=Posting(
            type="change",
            at=occasion.now,
            program_version=occasion.in_force.version,
            actor=occasion.actor,
            reason=MEMBERSHIP_REASON,
        ),
    )
