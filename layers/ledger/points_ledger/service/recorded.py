"""What became of a fact."""

from typing import Literal

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import EarningKey

RecordedAs = Literal[
    "posted", "stored", "waiting", "parked", "duplicate", "enrolled", "ignored", "merged", "linked"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a fact: how it ended, and how many entries were posted because of it.

    `follow_ups` are further earnings that it has made due (follow_ups.py).
    """

    outcome: RecordedAs
    earning: EarningKey | None = None
    entries: int = 0
    follow_ups: tuple[EarningKey, ...] = ()
