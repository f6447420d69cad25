"""What must hold of tiers after every schedule."""

from collections.abc import Iterable
from datetime import timedelta

from points_ledger.domain.calendar import local_day
from points_ledger.domain.state import summed
from points_ledger.domain.tier import is_qualifying, reviewed
from tests.builders import START
from tests.simulation.after import After
from tests.simulation.world import ENDED_AT


def tiers_are_reviewed(after: After) -> Iterable[str]:
    """When all time has passed nobody has a tier that a review would change."""
    rules = after.scenario.rules
    today = local_day(ENDED_AT, rules.zone)
    if not rules.tiers:
        return
    for member_id, state in after.states.items():
        if state.standing.status in ("merged", "erased"):
            continue
        right = reviewed(state, since=today, today=today, program=rules)
        if right != state.standing:
            yield f"{member_id} has {state.standing}, and should have {right}"


def qualifying_points_add_up(after: After) -> Iterable[str]:
    """What counts towards a tier is what the earnings say, for each who is left."""
    for member_id in {*after.survivors.values()} - after.gone:
        ids = [id_ for id_, now in after.survivors.items() if now == member_id]
        parts = [e.posted[id_].qualified for e in after.store.earnings() for id_ in ids
                 if id_ in e.posted]  # fmt: skip
        counters = after.states[member_id].counters
        found = {name: n for name, n in counters.items() if is_qualifying(name)}
        right = summed(*parts)
        # Months that no window needs any more go with the next posting.
        if any(right.get(name) != n for name, n in found.items()):
            yield f"{member_id} has {found}, expected {right}"
        recent = START - timedelta(days=60)
        month = f"qualifying:{recent:%Y-%m}"
        if after.chains[member_id][-1].recorded_at < START + timedelta(days=60) and any(
            name >= month and found.get(name) != n for name, n in right.items()
        ):
            yield f"{member_id} has {found}, expected all of {right}"
