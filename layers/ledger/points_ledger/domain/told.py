"""What is told of an entry outside: how many points it is about."""

from points_ledger.domain.entry import Posting
from points_ledger.domain.lot import total
from points_ledger.domain.state import decode_lots


def points_told(posting: Posting) -> int:
    """The points that an entry is about, with the sign of their change.

    A capture is about what was spent of the reservation, not about the rest that came back. A
    notice is about the lots that it names, an extension about those that it keeps.
    """
    if posting.type == "capture":
        return posting.counters.get("redeemed", 0)
    if posting.type in ("notice", "extension"):
        about = "lots" if posting.type == "notice" else "extended"
        return total(decode_lots(posting.details.get(about, "")))
    return posting.available or posting.pending or posting.reserved
