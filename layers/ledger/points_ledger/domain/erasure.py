"""Erasing a person: the account is closed at nothing, and what decided about the person is gone."""

from datetime import datetime

from points_ledger.domain.entry import Posting
from points_ledger.domain.lot import negative
from points_ledger.domain.program import Program
from points_ledger.domain.settling import unreserved_value
from points_ledger.domain.state import Standing, State, summed


def forfeit(state: State, *, now: datetime, program: Program, actor: str) -> Posting:
    """The last posting of a person: pending, lots, reservations and debt all come to nothing.

    What is forfeited is everything that the account held; less than nothing where it was in debt.
    Open reservations end with it. Of the standing only the aliases stay: old ids keep their way.
    """
    return Posting(
        type="forfeit",
        at=now,
        pending=-state.pending,
        reserved=-state.reserved,
        debt=-state.debt,
        lots=negative(state.lots),
        reservations=dict.fromkeys(state.reservations),
        counters=summed(
            {"forfeited": state.pending + state.available + state.reserved},
            *map(unreserved_value, state.reservations.values()),
        ),
        standing=Standing(status="erased", aliases=state.standing.aliases),
        program_version=program.version,
        actor=actor,
        reason="erased",
    )
