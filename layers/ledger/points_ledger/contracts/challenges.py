"""GET /members/{member_id}/challenges and GET /leaderboards/{leaderboard_id}."""

import json
import re
from typing import Annotated, Final

from points_ledger.contracts.cursors import opened, sealed, unknown_cursor
from points_ledger.contracts.reading import Schema
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.leaderboard import FROM_THE_TOP, Counted
from points_ledger.service.challenges import Progress
from points_ledger.service.leaderboards import Standings

_PERIOD: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2}|-W[0-9]{2})?")


def _period(value: str) -> str:
    if not _PERIOD.fullmatch(value):
        raise ValueError("must be a week, month or year such as 2026-W47, 2026-11 or 2026")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardQuery:
    """GET /leaderboards/{leaderboard_id}: the current period unless one is named."""

    period: Annotated[str, _period, Schema(pattern=f"^{_PERIOD.pattern}$")] | None = None
    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


def progress_document(progress: Progress) -> dict[str, object]:
    """How far a member has come: counts of the current periods, and what was won."""
    return {
        "challenges": [
            {
                "id": each.challenge.id,
                "period": each.period,
                "count": each.count,
                "of": each.challenge.count,
                "points": each.challenge.points,
                "running": each.is_running,
                "won": each.is_won,
            }
            for each in progress.challenges
        ],
        "streaks": [
            {
                "id": each.streak.id,
                "every": each.streak.every,
                "period": each.period,
                "count": each.count,
                "of": each.streak.length,
                "points": each.streak.points,
                "active": each.is_active,
                "last_won": each.last_won,
            }
            for each in progress.streaks
        ],
    }


def standings_document(
    standings: Standings, *, shows_members: bool, cursor: str | None
) -> dict[str, object]:
    """A page of a leaderboard; who the members are is for staff, a member sees the own place."""
    own = standings.own
    document: dict[str, object] = {
        "leaderboard_id": standings.board.id,
        "by": standings.board.by,
        "period": standings.period,
        "status": "final" if standings.is_final else "open",
        "freezes_at": format_instant(standings.freezes_at),
        "prizes": [{"rank": each.rank, "points": each.points} for each in standings.board.prizes],
        "places": [
            {
                "rank": place.rank,
                **({"member_id": place.member_id} if shows_members else {}),
                "score": place.score,
            }
            for place in standings.places
        ],
        "cursor": cursor,
    }
    if not shows_members:
        document["me"] = {"rank": own[1], "score": own[0]} if own else None
    return document


def opened_place(owner: str, cursor: str | None) -> tuple[Counted, str | None]:
    """How far a leaderboard was shown, and where its list goes on.

    Raises:
        InvalidRequestError: it is not a cursor of this leaderboard and period.
    """
    place = opened("leaderboards", owner, cursor)
    if place is None:
        return FROM_THE_TOP, None
    try:
        places, rank, score, following = json.loads(place)
        return Counted(places=int(places), rank=int(rank), score=int(score)), str(following)
    except (TypeError, ValueError) as error:
        raise unknown_cursor() from error


def sealed_place(owner: str, standings: Standings) -> str | None:
    """The cursor of the next page; None at the end."""
    if standings.cursor is None:
        return None
    counted = standings.counted
    place = [counted.places, counted.rank, counted.score, standings.cursor]
    return sealed("leaderboards", owner, json.dumps(place, separators=(",", ":")))
