"""What must hold of challenges, streaks and scores, and of the prizes that they win."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import LEDGER_SOURCE, MemberId
from points_ledger.domain.purchase import remaining, standing_refunds
from tests.simulation.after import After

COUNTED: Final = ("challenge:two:lifetime", "challenge:three:2026-03", "board:often:2026-03")
"""Counters of the family in challenges.py, each of which every purchase counts in."""


def prizes_are_paid_once(after: After) -> Iterable[str]:
    """Whoever has won has one prize for it, under the natural key of it, and nobody has another."""
    paid: Counter[tuple[MemberId, str]] = Counter()
    for member_id, chain in after.chains.items():
        for entry in chain:
            source, posting = entry.posting.source, entry.posting
            if posting.type == "accrual" and source and source.source == LEDGER_SOURCE:
                kind, id_, *rest = source.id.split(":")
                if kind in ("challenge", "streak"):
                    paid[after.survivors[member_id], f"{kind}:{id_}:{rest[-1]}"] += 1
    for (member_id, what), times in paid.items():
        # Two members who have each won before they became one have two.
        if times > 1 + len(after.states[member_id].standing.aliases):
            yield f"{member_id}: {what} was paid {times} times"
        if not after.gone and not any(f":{what.split(':')[1]}" in n for n in won(after, member_id)):
            yield f"{member_id}: {what} was paid and not won"
    for member_id in after.states:
        for name in won(after, member_id):
            what = name.removeprefix("won:")
            if not any(who == member_id and f"{key}:".startswith(f"{what}:") for who, key in paid):
                yield f"{member_id}: {what} was won and not paid"


def won(after: After, member_id: MemberId) -> list[str]:
    """What a member's account says was won."""
    return [name for name in after.states[member_id].counters if name.startswith("won:")]


def counts_are_what_is_left(after: After) -> Iterable[str]:
    """Every counter is what a recount of the purchases gives, whatever was refunded and merged."""
    if not after.scenario.rules.challenges:
        return
    expected: Counter[tuple[MemberId, str]] = Counter()
    for earning in after.store.earnings():
        if earning.earner_id is not None and _is_left(earning):
            member_id = after.survivors[earning.earner_id]
            for name in (
                "challenge:two:lifetime",
                "challenge:three:2026-03",
                "board:often:2026-03",
            ):
                expected[member_id, name] += 1
    for member_id, state in after.states.items():
        for name, value in state.counters.items():
            if value < 0:
                yield f"{member_id}: {name} is {value}"
        for name in COUNTED:
            if state.counter(name) != expected[member_id, name]:
                right = expected[member_id, name]
                yield f"{member_id}: {name} is {state.counter(name)}, not {right}"


def _is_left(earning: Earning) -> bool:
    if earning.snapshot is None or earning.voided_at is not None:
        return False
    rest = remaining(earning.snapshot, standing_refunds(earning))
    return sum(line.amount for line in rest.lines) > 0
