"""What one decision makes due elsewhere: facts written into other earnings, posted right after.

A friend's purchase releases a referral, a closed ticket the booking that it is linked to, the
fifth purchase of a month pays a prize. Each is a fact of another earning, often on another member's
chain. The fact is stored in the transaction that makes it true, with a marker that is due at once;
the points are posted by whoever looks at that earning next: the same worker a moment later, or the
sweep if that worker was killed. So nothing is lost, and no transaction waits for a second chain.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import EarningKey
from points_ledger.service.ledger import View
from points_ledger.service.ports import Marker, Put, Save, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUps:
    """Earnings to look at after the commit, and the writes that make sure of it."""

    keys: tuple[EarningKey, ...] = ()
    writes: tuple[Write, ...] = ()


NO_FOLLOW_UPS = FollowUps()


def followed_up(
    view: View, key: EarningKey, change: Callable[[Earning], Earning], *, now: datetime
) -> FollowUps:
    """Change the facts of another earning, and see that it is looked at.

    `change` gets the stored earning, or an empty one; where it changes nothing, nothing follows.
    """
    stored = view.earning(key) or Earning(key=key)
    changed = change(stored)
    if changed == stored:
        return NO_FOLLOW_UPS
    item = replace(changed, revision=stored.revision + 1)
    marker = Marker(kind="hold_release", due_at=now, target=str(key))
    return FollowUps(
        keys=(key,), writes=(Save(item=item, expected=stored.revision), Put(item=marker))
    )


def all_of(follow_ups: Iterable[FollowUps]) -> FollowUps:
    """Several as one; they are about different earnings."""
    found = tuple(follow_ups)
    return FollowUps(
        keys=tuple(key for each in found for key in each.keys),
        writes=tuple(write for each in found for write in each.writes),
    )
