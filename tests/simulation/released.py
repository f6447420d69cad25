"""What must hold of what purchases release, after every schedule."""

from collections.abc import Iterable

from tests.simulation.after import After


def told_are_released(after: After) -> Iterable[str]:
    """Whatever a purchase says that it has told knows of it."""
    earnings = {earning.key: earning for earning in after.store.earnings()}
    for purchase in earnings.values():
        for key in purchase.told:
            known = earnings.get(key)
            if known is None or known.action is None:
                yield f"{purchase.key} has told {key}, which is not there"
            elif known.released_at is None:
                yield f"{purchase.key} has told {key}, which does not know"
