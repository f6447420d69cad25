"""Ways of getting challenges and their prizes wrong, each of which the simulation must notice."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Final
from unittest.mock import patch

from points_ledger.domain import challenge, drafting
from points_ledger.domain.challenge import FAMILIES as COUNTERS
from points_ledger.domain.challenge import WON, Over, Won
from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.state import Counters, State
from points_ledger.service.ports import Marker, Put, Save, Write
from tests.simulation.patching import Patch, in_two, without


def _forgets_refunds(stack: ExitStack) -> None:
    """A refund does not lower what was counted."""
    tallied = challenge.tallied

    def kept(
        change: Counters, state: State, *, program: Program, in_force: Program, now: datetime
    ) -> Counters:
        rises = {n: v for n, v in change.items() if v > 0 or not n.startswith(COUNTERS)}
        return tallied(rises, state, program=program, in_force=in_force, now=now)

    stack.enter_context(patch.object(drafting, "tallied", kept))


def _pays_a_prize_twice(stack: ExitStack) -> None:
    """Wins a prize with every further purchase, each under a name of its own."""
    prizes, key = challenge.prizes, Won.key
    paid: list[EarningKey] = []

    def again(state: State, change: Counters, *, program: Program, over: Over) -> Counters:
        forgotten = {n: v for n, v in state.counters.items() if not n.startswith(WON)}
        return prizes(replace(state, counters=forgotten), change, program=program, over=over)

    def named(self: Won, member_id: MemberId) -> EarningKey:
        first = key(self, member_id)
        paid.append(first)
        return replace(first, id=f"{first.id}-{len(paid)}") if first in paid[:-1] else first

    stack.enter_context(patch.object(challenge, "prizes", again))
    stack.enter_context(patch.object(Won, "key", named))


def _is_prize(write: Write) -> bool:
    return (
        isinstance(write, Save)
        and isinstance(write.item, Earning)
        and write.item.key.source == LEDGER_SOURCE
        and write.expected == 0
    )


def _awards_later(stack: ExitStack) -> None:
    """The prize is written after the entry that has won it."""
    in_two(stack, _is_prize)


def _awards_without_a_marker(stack: ExitStack) -> None:
    """Nobody looks at a prize if the worker that has awarded it is killed."""

    def is_lost(write: Write, writes: Sequence[Write]) -> bool:
        marks = isinstance(write, Put) and isinstance(write.item, Marker)
        return marks and any(map(_is_prize, writes)) and _names_a_prize(write)

    without(stack, is_lost)


def _names_a_prize(write: Write) -> bool:
    return (
        isinstance(write, Put)
        and isinstance(write.item, Marker)
        and write.item.target.startswith(LEDGER_SOURCE)
    )


FAMILIES: Final[tuple[tuple[Patch, str], ...]] = (
    (_forgets_refunds, "challenging"),
    (_pays_a_prize_twice, "challenging"),
    (_awards_later, "challenging"),
    (_awards_without_a_marker, "challenging"),
)
"""Each with the family of scenarios that it shows in."""
