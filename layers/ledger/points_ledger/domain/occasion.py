"""Why and when the ledger looks at an earning."""

from datetime import date, datetime

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The reason and the time of a look: part of every entry that comes of it.

    `in_force` is the program in force now: it decides which lots have passed. `forgets` says
    whether counters that are over are dropped, as entries of before do not (usage.py).
    """

    now: datetime
    fact_at: datetime
    reason: str
    actor: str
    in_force: Program
    forgets: bool = True

    @property
    def today(self) -> date:
        """The recording day."""
        return local_day(self.now, self.in_force.zone)
