"""Ways of getting tiers wrong, each of which the simulation must notice."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from unittest.mock import patch

from points_ledger.domain import posting_steps, tier
from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.tier import ReviewTarget, is_qualifying, review
from points_ledger.service.ledger import Decision, View, posting_writes
from points_ledger.service.ports import Append, Marker, Put, Write
from points_ledger.service.reviewing import Reviewing
from tests.simulation.patching import Patch, in_two, without


def _looks_once(stack: ExitStack) -> None:
    """A look that changes nothing does not ask for the next one."""

    def is_lost(write: Write, writes: Sequence[Write]) -> bool:
        return _marks(write) and not any(isinstance(each, Append) for each in writes)

    without(stack, is_lost)


def _arms_reviews_later(stack: ExitStack) -> None:
    """The marker of a review is written after the entry that makes it due."""
    in_two(stack, _marks)


def _forgets_reviews(stack: ExitStack) -> None:
    """An entry that raises a tier, or notes its fall, has nobody look again."""
    without(stack, lambda write, _: _marks(write))


def _lowers_what_it_saw_first(stack: ExitStack) -> None:
    """Posts the review that it decided first, whatever has come back since."""
    seen: dict[int, Posting | None] = {}
    views: list[View] = []  # kept, so that an id stands for one view

    def decide(
        self: Reviewing,
        view: View,
        due: ReviewTarget,
        now: datetime,
        actor: str,
    ) -> Decision[int]:
        head = view.head(due.member_id)
        assert head is not None
        program = self.programs.at(now)
        if id(view) not in seen:
            views.append(view)
            seen[id(view)] = review(
                head.state, since=due.day, now=now, program=program, actor=actor
            )
        posting = seen[id(view)]
        if posting is None:
            return Decision(result=0)
        entry = chain(head, head.member_id, posting, now)
        return Decision(result=1, writes=posting_writes([entry], [head], program))

    stack.enter_context(patch.object(Reviewing, "_decide", decide))


def _counts_what_is_earned(stack: ExitStack) -> None:
    """Takes nothing back of what counts towards a tier."""

    def with_tiers(postings: Sequence[Posting], *rest: Any, **more: Any) -> Any:  # noqa: ANN401
        kept = [
            replace(
                posting,
                counters={
                    name: n for name, n in posting.counters.items()
                    if not (is_qualifying(name) and n < 0)
                },
            )
            for posting in postings
        ]  # fmt: skip
        return tier.with_tiers(kept, *rest, **more)

    stack.enter_context(patch.object(posting_steps, "with_tiers", with_tiers))


def _marks(write: Write) -> bool:
    """Whether a write arms the marker of a review."""
    is_marker = isinstance(write, Put) and isinstance(write.item, Marker)
    return is_marker and write.item.kind == "tier_review"  # type: ignore[union-attr]  # seen above


FAMILIES: Final[Sequence[tuple[Patch, str]]] = (
    (_looks_once, "reviewing"),
    (_arms_reviews_later, "reviewing"),
    (_forgets_reviews, "reviewing"),
    (_lowers_what_it_saw_first, "reviewing"),
    (_counts_what_is_earned, "reviewing"),
)
