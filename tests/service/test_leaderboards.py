"""Leaderboards: kept from entries in any order, frozen once, prizes paid once."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import BrokenInvariantError, InvalidRequestError, NotFoundError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.prize import prize_rules
from points_ledger.domain.program import Leaderboard, Prize, Program, VersionPeriod
from points_ledger.domain.state import Standing
from points_ledger.service.leaderboards import (
    MAX_TRANSACTIONS_PER_VISIT,
    PLACES_PER_TRANSACTION,
    Leaderboards,
    Standings,
)
from points_ledger.service.ledger import WritePath
from points_ledger.service.merging import MergeMembers
from points_ledger.service.ports import (
    Board,
    BoardKey,
    Create,
    Marker,
    Outcome,
    ProgramVersion,
    RequestKey,
    Save,
    Score,
    ScoreKey,
    VersionList,
    VersionListKey,
    Write,
)
from points_ledger.service.sweep import Sweep
from tests.builders import after, paid, posted, program, refunded, voided
from tests.memory_store import MemoryStore
from tests.service.desk import Desk
from tests.service.office import Office

TOP: Final = Leaderboard(
    id="top", per="month", prizes=(Prize(rank=1, points=100), Prize(rank=3, points=30))
)
MARCH: Final = "top:2026-03"
END: Final = datetime(2026, 4, 1, tzinfo=UTC)
KEY: Final = BoardKey(board_id="top", period="2026-03")


def playing(*boards: Leaderboard, rules: Program | None = None) -> Program:
    base = rules or program()
    return replace(base, leaderboards=boards, rules=(*base.rules, *prize_rules((), (), boards)))


def publish(desk: Desk, changed: Program) -> None:
    """Another version is in force from now on."""
    known = desk.memory.get([VersionListKey()])[VersionListKey()]
    assert isinstance(known, VersionList)
    number = len(known.periods) + 1
    version = ProgramVersion(
        program=replace(changed, version=number), document="{}", published_at=desk.now
    )
    added = VersionPeriod(version=number, effective_from=desk.now)
    versions = VersionList(periods=(*known.periods, added))
    desk.memory.commit([Create(item=version), Save(item=versions, expected=number - 1)])
    desk.wait(desk.now + timedelta(minutes=2))


def boards_of(desk: Desk) -> Leaderboards:
    return Leaderboards(
        path=desk.recording.path,
        store=desk.store,
        lists=desk.memory,
        programs=desk.programs,
        clock=desk.clock,
    )


def entries(desk: Desk) -> list[Entry]:
    return [entry for id_ in desk.memory.members() for entry in desk.memory.chain(id_)]


def follow(desk: Desk) -> None:
    """What the stream's function does with all entries, each of them again and again."""
    for entry in entries(desk):
        boards_of(desk).keep(entry)


def sell(desk: Desk, **amounts: str) -> None:
    """A purchase of each of these customers."""
    for number, (customer, amount) in enumerate(amounts.items()):
        id_ = f"{customer}-{number}-{desk.now:%j}"
        desk.tell(posted(amount, id=id_, at=desk.now, customer=customer))


def places(desk: Desk, period: str | None = None) -> list[tuple[int, str, int]]:
    standings = boards_of(desk).show("top", period, limit=100)
    return [(place.rank, place.member_id, place.score) for place in standings.places]


def prizes(desk: Desk) -> dict[str, int]:
    """Points by the natural key of each prize that was paid."""
    found: dict[str, int] = {}
    for entry in entries(desk):
        source = entry.posting.source
        if source and source.source == "points-ledger" and entry.posting.type == "accrual":
            assert source.id not in found
            found[source.id] = entry.posting.counters["earned"]
    return found


def pay_out(desk: Desk) -> None:
    """What hold_release does next: the prizes that are due."""
    for marker in desk.memory.snapshot().markers:
        if marker.kind == "hold_release" and marker.due_at <= desk.now:
            desk.release(EarningKey.parse(marker.target))


# --- Keeping --------------------------------------------------------------------------------


def test_ties_share_a_rank_and_the_next_one_is_as_much_lower() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00", bob="10.00", cleo="7.00", dan="12.00")
    follow(desk)
    assert places(desk) == [
        (1, "member-4", 12),
        (2, "member-1", 10),
        (2, "member-2", 10),
        (4, "member-3", 7),
    ]


def test_entries_in_any_order_and_number_end_in_the_same_scores() -> None:
    expected: list[tuple[int, str, int]] | None = None
    for seed in range(25):
        desk = Desk(playing(TOP))
        sell(desk, ada="10.00", bob="7.00")
        desk.tell(refunded("9.00", id="ada-0-061"), posted("5.00", id="more", customer="bob"))
        desk.tell(voided(id="bob-1-061"))
        told = entries(desk) * 2
        random.Random(seed).shuffle(told)  # noqa: S311 - repeatable, guards nothing
        for entry in told:
            boards_of(desk).keep(entry)
        expected = expected or places(desk)
        assert places(desk) == expected
        listed = [each for each in desk.memory.snapshot().lists if each.list == "leaderboards"]
        assert len(listed) == len(expected), "no place of before is left"
    assert expected == [(1, "member-2", 5), (2, "member-1", 1)]


def test_a_score_of_nothing_is_not_listed() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00")
    follow(desk)
    desk.tell(voided(id="ada-0-061"))
    follow(desk)
    assert places(desk) == []
    desk.tell(posted("4.00", id="new", customer="ada"))
    follow(desk)
    assert places(desk) == [(1, "member-1", 4)]


def test_entries_without_a_score_cost_nothing() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00")
    desk.tell(paid("10.00", id="ada-0-061"))
    follow(desk)
    before = len(desk.store.requests)
    assert boards_of(desk).keep(desk.memory.chain(MemberId("member-1"))[-1]) == 0
    assert len(desk.store.requests) == before


def test_a_merge_makes_one_of_two() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00", bob="7.00")
    follow(desk)
    merge(desk)
    follow(desk)
    assert places(desk) == [(1, "member-1", 17)]
    [own] = [boards_of(desk).show("top", None, limit=1, member_id=MemberId("member-2")).own]
    assert own == (17, 1)


def test_a_merge_carries_scores_of_a_board_that_no_version_at_hand_has() -> None:
    desk = Desk(playing(replace(TOP, freeze_after=Period.parse("P3D"))))
    desk.enrol("ada", key="ada")
    sell(desk, bob="7.00")
    follow(desk)
    publish(desk, program())
    merge(desk)
    follow(desk)
    place = ScoreKey(board_id="top", period="2026-03", member_id=MemberId("member-1"))
    score = desk.memory.get([place])[place]
    assert isinstance(score, Score)
    assert score.score == 7
    targets = {marker.target for marker in desk.markers("leaderboard")}
    assert targets == {MARCH}
    assert frozen(desk, min(marker.due_at for marker in desk.markers("leaderboard"))) == 0


def merge(desk: Desk) -> None:
    request = RequestKey(caller="staff", key="merge")
    command = MergeMembers(
        request=request, fingerprint="f", actor="staff",
        member_id=MemberId("member-2"), into=MemberId("member-1"),
    )  # fmt: skip
    desk.merging.merge(command)


def test_the_period_is_marked_for_its_freeze_once_it_has_a_score() -> None:
    desk = Desk(playing(replace(TOP, freeze_after=Period.parse("P3D"))))
    sell(desk, ada="10.00", bob="10.00")
    follow(desk)
    found = {m for m in desk.memory.snapshot().markers if m.kind == "leaderboard"}
    due_at = datetime(2026, 4, 4, tzinfo=UTC)
    assert found == {Marker(kind="leaderboard", due_at=due_at, target=MARCH)}


# --- Showing --------------------------------------------------------------------------------


def test_pages_go_on_counting() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="9.00", bob="9.00", cleo="9.00", dan="5.00", eve="5.00")
    follow(desk)
    shown: list[int] = []
    page: Standings | None = None
    while page is None or page.cursor is not None:
        page = (
            boards_of(desk).show("top", None, limit=2)
            if page is None
            else boards_of(desk).show("top", None, limit=2, after=page.counted, cursor=page.cursor)
        )
        shown += [place.rank for place in page.places]
    assert shown == [1, 1, 1, 4, 4]


def test_the_top_costs_the_same_however_many_there_are() -> None:
    desk = Desk(playing(TOP))
    sell(desk, **{f"c{n}": f"{n + 1}.00" for n in range(40)})
    follow(desk)
    before = len(desk.store.requests)
    assert len(boards_of(desk).show("top", None, limit=3).places) == 3
    assert len(desk.store.requests) - before == 1, "and one page of the list"


def test_what_is_asked_has_to_be_there() -> None:
    desk = Desk(playing(TOP))
    with pytest.raises(NotFoundError):
        boards_of(desk).show("other", None, limit=1)
    for period in ("2026", "2026-W10", "2026-13", "9999-12", "lifetime"):
        with pytest.raises(InvalidRequestError):
            boards_of(desk).show("top", period, limit=1)
    assert boards_of(desk).show("top", "2020-01", limit=1).places == ()


# --- Freezing -------------------------------------------------------------------------------


def frozen(desk: Desk, now: datetime = END) -> int:
    desk.wait(max(desk.now, now))
    return boards_of(desk).freeze(MARCH, now=now)


def test_a_freeze_pays_each_prize_once_and_later_refunds_change_nothing() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00", bob="10.00", cleo="7.00", dan="5.00")
    follow(desk)
    assert (frozen(desk), frozen(desk), frozen(desk)) == (3, 0, 0)
    pay_out(desk)
    pay_out(desk)
    assert prizes(desk) == {
        "leaderboard:top:2026-03:member-1": 100,
        "leaderboard:top:2026-03:member-2": 100,
        "leaderboard:top:2026-03:member-3": 30,
    }
    final = places(desk, "2026-03")
    desk.tell(voided(id="ada-0-061"), posted("90.00", id="late", at=after(), customer="dan"))
    follow(desk)
    assert places(desk, "2026-03") == final
    assert frozen(desk) == 0
    pay_out(desk)
    assert len(prizes(desk)) == 3
    assert boards_of(desk).show("top", "2026-03", limit=1).is_final


def test_nothing_is_frozen_before_its_time() -> None:
    desk = Desk(playing(replace(TOP, freeze_after=Period.parse("P3D"))))
    sell(desk, ada="10.00")
    follow(desk)
    assert frozen(desk) == 0
    assert not boards_of(desk).show("top", "2026-03", limit=1).is_final
    due_at = datetime(2026, 4, 4, tzinfo=UTC)
    assert any(m.due_at == due_at for m in desk.memory.snapshot().markers)
    assert frozen(desk, due_at) == 1


def test_what_comes_before_the_freeze_counts() -> None:
    desk = Desk(playing(replace(TOP, freeze_after=Period.parse("P3D"))))
    sell(desk, ada="10.00", bob="12.00")
    desk.wait(datetime(2026, 4, 2, tzinfo=UTC))
    desk.tell(refunded("11.00", id="bob-1-061"))
    follow(desk)
    frozen(desk, datetime(2026, 4, 4, tzinfo=UTC))
    assert places(desk, "2026-03") == [(1, "member-1", 10), (2, "member-2", 1)]


def test_scores_that_members_no_longer_carry_stay_on_the_board() -> None:
    """The sweep was down for a month; meanwhile the counters were dropped."""
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00")
    follow(desk)
    desk.wait(datetime(2026, 5, 1, tzinfo=UTC))
    sell(desk, ada="3.00")
    follow(desk)
    assert "board:top:2026-03" not in desk.memory.chain(MemberId("member-1"))[-1].state.counters
    assert places(desk, "2026-03") == [(1, "member-1", 10)]
    assert frozen(desk) == 1


def test_who_is_closed_or_erased_wins_nothing_and_nobody_moves_up() -> None:
    office = Office(playing(TOP))
    sell(office, ada="10.00", bob="9.00", cleo="7.00")
    follow(office)
    office.put_standing_of(MemberId("member-1"), Standing(status="closed"))
    office.put_standing_of(MemberId("member-3"), Standing(status="erased"))
    assert frozen(office) == 0
    pay_out(office)
    assert prizes(office) == {}


def test_who_was_merged_wins_the_better_prize_once() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="7.00", bob="10.00", cleo="8.00")
    follow(desk)
    merge(desk)  # the stream has not told of it yet when the board is frozen
    assert frozen(desk) == 1
    follow(desk)
    pay_out(desk)
    assert prizes(desk) == {"leaderboard:top:2026-03:member-1": 100}


def test_the_version_that_froze_a_board_awards_all_of_it() -> None:
    """A later version is in another zone, where the period seems to end in the version before."""
    count = PLACES_PER_TRANSACTION * MAX_TRANSACTIONS_PER_VISIT + 1
    desk = Desk(playing(replace(TOP, prizes=())))
    sell(desk, **{f"c{n}": "5.00" for n in range(count)})
    follow(desk)
    desk.wait(END - timedelta(hours=1))
    publish(desk, playing(TOP))
    frozen(desk)
    publish(desk, playing(TOP, rules=program(zone="Asia/Tokyo")))
    frozen(desk, END + timedelta(hours=1))
    pay_out(desk)
    assert Counter(prizes(desk).values()) == {100: count}


def test_a_board_that_the_program_has_dropped_pays_nothing() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="7.00")
    follow(desk)
    assert boards_of(desk).freeze("gone:2026-03", now=END) == 0
    with pytest.raises(BrokenInvariantError):
        boards_of(desk).freeze("top:whenever", now=END)


def test_thousands_of_ties_are_paid_page_by_page_and_visit_by_visit() -> None:
    count = PLACES_PER_TRANSACTION * MAX_TRANSACTIONS_PER_VISIT + 7
    desk = Desk(playing(TOP))
    sell(desk, **{f"c{n}": "5.00" for n in range(count)})
    follow(desk)
    first = frozen(desk)
    assert first == PLACES_PER_TRANSACTION * MAX_TRANSACTIONS_PER_VISIT
    later = [m for m in desk.memory.snapshot().markers if m.kind == "leaderboard"]
    assert max(marker.due_at for marker in later) > END
    assert frozen(desk) == 7
    assert frozen(desk) == 0


class _KilledError(BaseException):
    """The worker stops where it stands."""


class Mortal(MemoryStore):
    """Kills its worker after a number of commits, before or after the last of them is stored."""

    lives: int | None = None
    is_stored: bool = False

    def commit(self, writes: Sequence[Write]) -> Outcome:
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                if self.is_stored:
                    super().commit(writes)
                raise _KilledError
        return super().commit(writes)


def visit_of(boards: Leaderboards) -> Callable[[str, datetime], int]:
    return lambda target, now: boards.freeze(target, now=now)


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_freeze_that_is_killed_at_any_write_ends_as_if_it_had_not_been(is_stored: bool) -> None:
    wanted: dict[str, int] | None = None
    for lives in itertools.chain([None], range(1, 9)):
        desk = Desk(playing(TOP))
        mortal = Mortal(clock=desk.clock)
        mortal.__dict__.update(desk.memory.__dict__)
        customers = {f"c{n}": "5.00" for n in range(2 * PLACES_PER_TRANSACTION + 3)}
        sell(desk, **customers)
        follow(desk)
        desk.wait(END)
        boards = replace(boards_of(desk), path=WritePath(store=mortal, pause=lambda _: None))
        mortal.lives, mortal.is_stored = lives, is_stored
        sweep = Sweep(kind="leaderboard", store=mortal, visit=visit_of(boards), clock=desk.clock)
        for _ in range(3):
            try:
                sweep.run(END)
            except _KilledError:
                mortal.lives = None
        pay_out(desk)
        pay_out(desk)
        wanted = wanted or prizes(desk)
        assert prizes(desk) == wanted, lives
        board = desk.memory.get([KEY])[KEY]
        assert isinstance(board, Board)
        assert board.is_awarded
    assert wanted is not None
    assert len(wanted) == 2 * PLACES_PER_TRANSACTION + 3


def test_a_score_that_comes_while_the_board_is_being_frozen_is_refused_by_the_store() -> None:
    desk = Desk(playing(TOP))
    sell(desk, ada="10.00", bob="9.00")
    follow(desk)
    desk.tell(posted("50.00", id="more", customer="bob"))
    last = desk.memory.chain(MemberId("member-2"))[-1]
    desk.store.meanwhile["commit"] = lambda: frozen(desk)
    boards_of(desk).keep(last)
    assert places(desk, "2026-03")[0] == (1, "member-1", 10)
    key = Score(board_id="top", period="2026-03", member_id=last.member_id, score=0, number=0).key
    score = desk.memory.get([key])[key]
    assert isinstance(score, Score)
    assert score.score == 9
