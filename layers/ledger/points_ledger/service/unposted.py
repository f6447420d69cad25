"""What was recorded for a member and stands in none of the member's entries.

A purchase that earns nothing posts nothing, and neither does one of whose points the earner keeps
no share, nor anything in analysis mode. So that a backtest finds them all the same, each is put
into a list of its earner when it is first valued for that earner, in the same transaction.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from os.path import commonprefix

from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.service.ports import Listed, ListName, Put, Save, Write

UNPOSTED: ListName = "unposted"


def listed_unposted(stored: Earning, writes: Iterable[Write]) -> tuple[Put, ...]:
    """The place of an earning that is stored by `writes`, where no entry of its earner names it.

    Args:
        stored: the earning before; where its earner and time are the same, it has its place.
        writes: what is committed.
    """
    saved = (write.item for write in writes if isinstance(write, Save))
    earning = next((e for e in saved if isinstance(e, Earning) and e.key == stored.key), None)
    if earning is None or earning.earner_id is None or earning.pinned_for is None:
        return ()
    is_known = (stored.earner_id, stored.pinned_for) == (earning.earner_id, earning.pinned_for)
    if is_known or earning.earner_id in earning.posted:
        return ()
    return (Put(item=unposted_place(earning.earner_id, earning, earning.pinned_for)),)


def unposted_place(member_id: MemberId, earning: Earning, posted_at: datetime) -> Listed:
    """Where an earning stands in the list of a member."""
    at = _sortable(posted_at)
    return Listed(list=UNPOSTED, partition=member_id, sort=at, id=f"{at} {earning.key}")


def unposted_at(id_: str) -> tuple[EarningKey, datetime]:
    """Which earning stands at a place, and when it was posted."""
    at, _, key = id_.partition(" ")
    return EarningKey.parse(key), datetime.fromisoformat(at)


def prefix_of(begins: datetime, ends: datetime) -> str:
    """What the places of all earnings posted in `[begins, ends)` begin with."""
    return commonprefix([_sortable(begins), _sortable(ends)])  # noqa: RUF071 - characters are meant


def _sortable(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
