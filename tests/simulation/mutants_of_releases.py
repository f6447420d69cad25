"""Ways of getting releases wrong, each of which the simulation must notice."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import EarningKey
from points_ledger.service import follow_ups
from points_ledger.service.ports import Marker, Put, Save, Write
from tests.simulation.patching import Patch, in_two, without


def _tells_without_releasing(stack: ExitStack) -> None:
    """The purchase notes that it has told, and the action never hears of it."""
    without(stack, lambda write, writes: _releases(write) and len(writes) > 1)


def _releases_later(stack: ExitStack) -> None:
    """The action hears of it after the purchase has noted that it was told."""
    in_two(stack, _releases)


def _has_nobody_look(stack: ExitStack) -> None:
    """The release is stored, and lost where the worker is killed before it looks at it."""

    def is_lost(write: Write, writes: Sequence[Write]) -> bool:
        return _looks_at(write, {earning.key for w in writes if (earning := _released(w))})

    without(stack, is_lost)


def _follows_late_purchases_only(stack: ExitStack) -> None:
    """An action does not look whether its purchase has been closed before."""
    unknown: Any = lambda _view, action, _programs: action  # noqa: E731 - one expression
    stack.enter_context(patch("points_ledger.service.recording.released_already", unknown))

    def armed(write: Write, writes: Sequence[Write]) -> bool:
        followed = {
            w.item.key
            for w in writes
            if isinstance(w, Save) and isinstance(w.item, Earning) and w.item.followers
        }
        return _looks_at(write, followed)

    without(stack, armed)
    changed = _without_keys(follow_ups.all_of)
    stack.enter_context(patch("points_ledger.service.releasing.all_of", changed))


def _without_keys(original: Any) -> Any:  # noqa: ANN401 - a function of the service
    def all_of(parts: Any) -> Any:  # noqa: ANN401 - as above
        found = original(parts)
        return type(found)(keys=(), writes=found.writes)

    return all_of


def _released(write: Write) -> Earning | None:
    """The action that a write tells that it is released; None where it says anything else."""
    if not isinstance(write, Save) or not isinstance(write.item, Earning):
        return None
    earning = write.item
    is_told = earning.released_at is not None and earning.due_at != earning.released_at
    matured = any(posted.matured for posted in earning.posted.values())
    return earning if is_told and not matured else None


def _releases(write: Write) -> bool:
    return _released(write) is not None


def _looks_at(write: Write, keys: set[EarningKey]) -> bool:
    return (
        isinstance(write, Put)
        and isinstance(write.item, Marker)
        and write.item.kind == "hold_release"
        and write.item.target in {str(key) for key in keys}
    )


FAMILIES: Final[tuple[tuple[Patch, str], ...]] = (
    (_tells_without_releasing, "releasing"),
    (_releases_later, "releasing"),
    (_has_nobody_look, "releasing"),
    (_follows_late_purchases_only, "releasing"),
)
