"""Lists that are kept by member id, read for a member and for everybody merged into it.

The ids are read one after the other, the member's own first; a cursor names the id in whose list
the next page begins, and where there.
"""

import json

from points_ledger.domain.identity import MemberId


def opened_place(cursor: str | None, ids: tuple[MemberId, ...]) -> tuple[int, str | None]:
    """Under which of the ids a page begins, and where there.

    Raises:
        ValueError: the cursor is no text of ours, or names an id of somebody else.
    """
    if cursor is None:
        return 0, None
    match json.loads(cursor):
        case [str(id_), str() | None as inner] if id_ in ids:
            return ids.index(MemberId(id_)), inner
        case _:
            raise ValueError("not a cursor of this list")


def following_place(place: int, inner: str | None, ids: tuple[MemberId, ...]) -> str | None:
    """The cursor of the page that begins at `inner` under an id; None behind the last id."""
    return None if place == len(ids) else json.dumps([ids[place], inner])
