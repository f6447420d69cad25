"""Openings: points that a member brings along from the program before this one."""

from datetime import date, datetime

from points_ledger.domain.entry import Posting
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.program import Program
from points_ledger.domain.state import State, credited, summed


def opening(
    state: State,
    *,
    points: int,
    last_day: date,
    source: EarningKey,
    now: datetime,
    program: Program,
    actor: str,
) -> Posting:
    """The posting of one imported lot; like every credit it repays debt first.

    `source` is the row that it comes from.
    """
    into = credited(state, {last_day: points})
    return Posting(
        type="opening",
        at=now,
        lots=into.lots,
        debt=-into.repaid,
        counters=summed({"opened": points}, into.counters),
        source=source,
        program_version=program.version,
        actor=actor,
        inputs={"points": str(points), "last_day": last_day.isoformat()},
    )
