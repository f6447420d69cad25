"""Leaderboards: kept from the stream, frozen by schedule, shown in pages.

Scores are copied from the members' newest entries (`keep`), each with its place in a list of which
the top costs the same however many members there are. When a period is frozen, that is stored once
and every change of a score from then on is refused by a condition; so the list itself is what was
final, and its prizes are awarded page by page: winners and the place where the next page begins
are one transaction, so whoever is killed between two of them goes on where the last one ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, cast

from points_ledger.domain.calendar import local_day
from points_ledger.domain.challenge import freezes_at
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    BrokenInvariantError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId
from points_ledger.domain.leaderboard import (
    FROM_THE_TOP,
    Counted,
    Place,
    board_of,
    last_moment,
    listed_as,
    ranked,
    read_listed,
    read_target,
    scores_changed,
    sort_of,
    target_of,
)
from points_ledger.domain.limit import MAX_PAGE_SIZE
from points_ledger.domain.periods import is_period, last_day_of, period_of
from points_ledger.domain.prize import leaderboard_action
from points_ledger.domain.program import Leaderboard, Program
from points_ledger.service.follow_ups import FollowUps, all_of
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import (
    Board,
    BoardKey,
    GuardAbsent,
    GuardHead,
    Listed,
    ListPage,
    ListReader,
    Marker,
    Put,
    Remove,
    Save,
    Score,
    ScoreKey,
    Store,
    Write,
)
from points_ledger.service.prizes import awarded
from points_ledger.service.programs import Programs

PLACES_PER_TRANSACTION: Final = 20
"""A winner is three writes: the prize, its marker, and the guard of the member's account."""
MAX_TRANSACTIONS_PER_VISIT: Final = 50
"""Awarding goes on at the next tick, so that one visit stays short."""
NEXT_VISIT: Final = timedelta(minutes=5)
_LAST_YEAR: Final = 9_000
"""No later period is shown: its freeze may lie beyond the calendar."""
_WITHOUT_PRIZE: Final = ("closed", "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """A page of one period of a leaderboard.

    Attributes:
        freezes_at: when the ranks become final.
        is_final: whether they are.
        places: a page, the first rank first.
        counted: how far they were counted; None where nobody follows.
        cursor: where in the list the next page begins.
        prizes: points by rank.
        own: the score of the member who asks, and the rank while that is on the first page.
    """

    board: Leaderboard
    period: str
    freezes_at: datetime
    is_final: bool
    places: tuple[Place, ...]
    counted: Counted
    cursor: str | None
    own: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboards:
    """Keeps, freezes and shows leaderboards."""

    path: WritePath
    store: Store
    lists: ListReader
    programs: Programs
    clock: Callable[[], datetime]

    # --- Keeping ----------------------------------------------------------------------------

    def keep(self, entry: Entry) -> int:
        """Take over the scores that a new entry changes; how many there are.

        Safe to call again with the same entry, and with an older one.
        """
        version = entry.posting.program_version
        if version is None or not entry.posting.counters:
            return 0
        in_force = self.programs.at(entry.recorded_at)
        changed = list(scores_changed(entry, self.programs.version(version), in_force))
        for board_id, period, score in changed:
            new = Score(
                board_id=board_id,
                period=period,
                member_id=entry.member_id,
                score=score,
                number=entry.number,
            )
            self.path.run(lambda view, new=new: self._kept(view, new, version))  # type: ignore[misc]  # the default binds the loop's value
        return len(changed)

    def _kept(self, view: View, new: Score, version: int) -> Decision[None]:
        frozen = BoardKey(board_id=new.board_id, period=new.period)
        view.load(frozen, new.key)
        known = view.score(new.key)
        if view.board(frozen) is not None or (known and known.number >= new.number):
            return Decision(result=None)
        writes: list[Write] = [
            Save(item=new, expected=known.revision if known else 0),
            GuardAbsent(key=frozen),
        ]
        if known is None:
            writes.append(Put(item=self._marker(new, version)))
        if known is None or known.score != new.score:
            writes += [Put(item=_listed(new))] if new.score else []
            writes += [Remove(item=_listed(known))] if known and known.score else []
        return Decision(result=None, writes=tuple(writes))

    def _marker(self, score: Score, version: int) -> Marker:
        """When the period is to be frozen, by the version in force now.

        A merge carries scores of boards that no version at hand has any more: these are looked at
        once their period is over, by the version that was in force then (`freeze`).
        """
        last_day = last_day_of(score.period)
        if last_day is None:
            raise BrokenInvariantError(f"{score.board_id} has a score of {score.period}")
        in_force = self.programs.at(self.clock())
        due_at = last_moment(last_day, in_force)
        for program in (in_force, self.programs.version(version)):
            board = board_of(program, score.board_id)
            if board is not None:
                due_at = freezes_at(board, last_day, program)
                break
        target = target_of(score.board_id, score.period)
        return Marker(kind="leaderboard", due_at=due_at, target=target)

    # --- Freezing ---------------------------------------------------------------------------

    def freeze(self, target: str, *, now: datetime) -> int:
        """Freeze a period whose time has come, and award its prizes; how many were awarded.

        Raises:
            BrokenInvariantError: the target names no period.
        """
        try:
            board_id, period, last_day = read_target(target)
        except ValueError as error:
            raise BrokenInvariantError(str(error)) from error
        program = self.programs.at(last_moment(last_day, self.programs.at(now)))
        board = board_of(program, board_id)
        due_at = freezes_at(board, last_day, program) if board else now
        if due_at > now:
            later = Marker(kind="leaderboard", due_at=due_at, target=target)
            return self.path.run(lambda _view: Decision(result=0, writes=(Put(item=later),)))
        key = BoardKey(board_id=board_id, period=period)
        number = self.path.run(lambda view: _frozen(view, key, program, now))
        program = self.programs.version(number)
        board, ends_at = board_of(program, board_id), last_moment(last_day, program)
        count = 0
        for _ in range(MAX_TRANSACTIONS_PER_VISIT):
            awarded_now, is_done = self.path.run(
                lambda view: self._awarded(view, key, board, ends_at, now)
            )
            count += awarded_now
            if is_done:
                return count
        later = Marker(kind="leaderboard", due_at=now + NEXT_VISIT, target=target)
        return self.path.run(lambda _view: Decision(result=count, writes=(Put(item=later),)))

    def _awarded(
        self, view: View, key: BoardKey, board: Leaderboard | None, at: datetime, now: datetime
    ) -> Decision[tuple[int, bool]]:
        """The prizes of the next page of places, and how far that comes."""
        frozen = view.board(key)
        assert frozen is not None, "prizes are awarded once the period is frozen"
        if frozen.is_awarded:
            return Decision(result=(0, True))
        points = {prize.rank: prize.points for prize in board.prizes} if board else {}
        page = self._page(key, frozen.cursor, PLACES_PER_TRANSACTION, consistent=True)
        before = Counted(places=frozen.places, rank=frozen.rank, score=frozen.score)
        places = _places(page, before)
        last = _counted(places, before)
        is_done = page.cursor is None or last.rank > max(points, default=0)
        won = [place for place in places if place.rank in points]
        prizes, guards = self._prizes(view, key, won, at=at, now=now)
        after = replace(
            frozen,
            revision=frozen.revision + 1,
            is_awarded=is_done,
            cursor=None if is_done else page.cursor,
            places=last.places,
            rank=last.rank,
            score=last.score,
        )
        saved = Save(item=after, expected=frozen.revision)
        writes = (saved, *prizes.writes, *guards)
        return Decision(result=(len(prizes.keys), is_done), writes=writes)

    def _prizes(
        self, view: View, key: BoardKey, won: Sequence[Place], *, at: datetime, now: datetime
    ) -> tuple[FollowUps, tuple[GuardHead, ...]]:
        """One prize for each member, under whichever ids the member is listed: the best one."""
        ranks: dict[MemberId, int] = {}
        guards: dict[MemberId, GuardHead] = {}
        for place in won:
            head = view.resolved_head(place.member_id)
            if head is None:
                raise BrokenInvariantError(f"member {place.member_id} has a score and no entry")
            guards[head.member_id] = GuardHead(member_id=head.member_id, number=head.number)
            if head.state.standing.status not in _WITHOUT_PRIZE:
                ranks.setdefault(head.member_id, place.rank)
        keys = {member_id: _prize_key(key, member_id) for member_id in ranks}
        view.load(*keys.values())
        prizes = all_of(
            awarded(
                view,
                keys[member_id],
                leaderboard_action(key.board_id, rank),
                member_id,
                at=at,
                now=now,
            )
            for member_id, rank in ranks.items()
        )
        return prizes, tuple(guards.values())

    # --- Showing ----------------------------------------------------------------------------

    def show(
        self,
        board_id: str,
        period: str | None,
        *,
        limit: int,
        after: Counted = FROM_THE_TOP,
        cursor: str | None = None,
        member_id: MemberId | None = None,
    ) -> Standings:
        """A page of a period, the current one unless another is named.

        `member_id` is the member who asks, whose own score is told.

        Raises:
            NotFoundError: the program in force has no such leaderboard.
            InvalidRequestError: the period is none of it.
            ValueError: the cursor is not one of this list.
        """
        now = self.clock()
        program = self.programs.at(now)
        board = board_of(program, board_id)
        if board is None:
            raise NotFoundError("leaderboard", board_id)
        period = period or period_of(local_day(now, program.zone), board.per)
        last_day = last_day_of(period)
        if last_day is None or last_day.year > _LAST_YEAR or not is_period(period, board.per):
            example = period_of(local_day(now, program.zone), board.per)
            raise InvalidRequestError(
                (FieldError("period", f"must be a {board.per} such as {example}"),)
            )
        key = BoardKey(board_id=board_id, period=period)
        own_key = ScoreKey(board_id=board_id, period=period, member_id=member_id or MemberId(""))
        found = self.store.get([key, own_key] if member_id else [key])
        frozen = cast("Board | None", found.get(key))
        if frozen is not None:
            board = board_of(self.programs.version(frozen.program_version), board_id) or board
        page = self._page(key, cursor, limit)
        places = _places(page, after)
        own = cast("Score | None", found.get(own_key)) if member_id else None
        if member_id and (own is None or not own.score):
            own = self._score_of(key, member_id)
        return Standings(
            board=board,
            period=period,
            freezes_at=frozen.frozen_at if frozen else freezes_at(board, last_day, program),
            is_final=frozen is not None,
            places=places,
            counted=_counted(places, after),
            cursor=page.cursor,
            own=(own.score, self._own_rank(key, own)) if own and own.score else None,
        )

    def _score_of(self, key: BoardKey, member_id: MemberId) -> Score | None:
        """The score of whoever an id of before a merge stands for."""
        head = View(self.store).resolved_head(member_id)
        if head is None or head.member_id == member_id:
            return None
        place = ScoreKey(board_id=key.board_id, period=key.period, member_id=head.member_id)
        return cast("Score | None", self.store.get([place]).get(place))

    def _own_rank(self, key: BoardKey, own: Score) -> int | None:
        """The rank of a score while it is on the first page; counting further has no bound."""
        top = _places(self._page(key, None, MAX_PAGE_SIZE), FROM_THE_TOP)
        return next((place.rank for place in top if place.member_id == own.member_id), None)

    def _page(
        self, key: BoardKey, cursor: str | None, limit: int, *, consistent: bool = False
    ) -> ListPage:
        return self.lists.listed(
            "leaderboards",
            target_of(key.board_id, key.period),
            limit=limit,
            cursor=cursor,
            consistent=consistent,
        )


def _frozen(view: View, key: BoardKey, program: Program, now: datetime) -> Decision[int]:
    """By which version the period is frozen: from then on that one decides about its prizes."""
    known = view.board(key)
    if known is not None:
        return Decision(result=known.program_version)
    frozen = Board(
        board_id=key.board_id,
        period=key.period,
        program_version=program.version,
        frozen_at=now,
    )
    return Decision(result=program.version, writes=(Save(item=frozen, expected=0),))


def _listed(score: Score) -> Listed:
    return Listed(
        list="leaderboards",
        partition=target_of(score.board_id, score.period),
        sort=sort_of(score.score),
        id=listed_as(score.score, score.member_id),
    )


def _places(page: ListPage, after: Counted) -> tuple[Place, ...]:
    return tuple(ranked(map(read_listed, page.ids), after))


def _counted(places: Sequence[Place], before: Counted) -> Counted:
    if not places:
        return before
    last = places[-1]
    return Counted(places=before.places + len(places), rank=last.rank, score=last.score)


def _prize_key(key: BoardKey, member_id: MemberId) -> EarningKey:
    id_ = f"leaderboard:{key.board_id}:{key.period}:{member_id}"
    return EarningKey(source=LEDGER_SOURCE, kind="action", id=id_)
