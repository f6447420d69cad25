"""What a fall takes back of one member, and what a later rise forgives (semantics 3.4).

Both go by the program's clawback policy. What it leaves with the member is remembered as written
off, and a rise lowers that before it credits anything.
"""

from dataclasses import field

from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import Posted
from points_ledger.domain.expiry import expired_from
from points_ledger.domain.lot import Lots, add, negative, take, total
from points_ledger.domain.program import Clawback
from points_ledger.domain.state import State, where_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """What a fall takes: from lots, as debt, and what expiry already took."""

    taken: Lots = field(default_factory=dict)
    debt: int = 0
    absorbed: Lots = field(default_factory=dict)


def taken_back(
    points: int, posted: Posted, state: State, clawback: Clawback
) -> tuple[Posted, Fall]:
    """Take `points` back, as far as the policy allows, and write the rest off.

    Expired points of the earning's own lots count first; then its own lots are taken from, then
    other lots soonest first, then debt is made.
    """
    if clawback == "only_pending":
        return replace(posted, written_off=posted.written_off + points), Fall()
    posted = replace(
        posted, lots=where_now(posted.lots, state), absorbed=where_now(posted.absorbed, state)
    )
    still_out = add(posted.lots, negative(posted.absorbed))
    absorbable = {
        day: min(expired, max(0, still_out.get(day, 0)))
        for day, expired in expired_from(state, posted.lots).items()
    }
    absorbed = take(absorbable, points)
    need = points - total(absorbed)
    own = {day: min(held, state.lots.get(day, 0)) for day, held in still_out.items()}
    from_own = take(own, need)
    others = take(add(state.lots, negative(from_own)), need - total(from_own))
    taken = add(from_own, others)
    debt = need - total(taken) if clawback == "unlimited" else 0
    gone = total(taken) + debt
    # The earning's own lots shrink by what was taken, first where it really came from.
    shrunk = add(from_own, take(add(still_out, negative(from_own)), gone - total(from_own)))
    after = replace(
        posted,
        matured=posted.matured - gone,
        written_off=posted.written_off + points - gone,
        lots=add(posted.lots, negative(shrunk)),
        absorbed=add(posted.absorbed, absorbed),
    )
    return after, Fall(taken=taken, debt=debt, absorbed=absorbed)


def forgiven(before: Posted, rise: int) -> tuple[Posted, Lots]:
    """Let a rise lower `written_off` first.

    The part left by policy goes first, then the expired part, which returns to the state's record.
    """
    forgiven = min(before.written_off, rise)
    restored = take(before.absorbed, max(0, forgiven - before.kept))
    after = replace(
        before,
        written_off=before.written_off - forgiven,
        absorbed=add(before.absorbed, negative(restored)),
    )
    return after, restored
