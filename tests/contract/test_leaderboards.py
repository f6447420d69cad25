"""Scores, their places in order, and what refuses them once a period is frozen."""

from dataclasses import replace

import pytest

from points_ledger.domain.identity import MemberId
from points_ledger.domain.leaderboard import listed_as, read_listed, sort_of, target_of
from points_ledger.service.ports import (
    Board,
    Committed,
    GuardAbsent,
    Listed,
    Lost,
    Outcome,
    Put,
    Remove,
    Save,
    Score,
    Write,
)
from tests.contract.backends import Backend
from tests.contract.shapes import RECORDED_AT

TARGET = target_of("top", "2027-01")
FROZEN = Board(board_id="top", period="2027-01", program_version=1, frozen_at=RECORDED_AT)


def score(member: str, points: int, number: int = 1) -> Score:
    return Score(
        board_id="top",
        period="2027-01",
        member_id=MemberId(member),
        score=points,
        number=number,
    )


def place(of: Score) -> Listed:
    return Listed(
        list="leaderboards",
        partition=TARGET,
        sort=sort_of(of.score),
        id=listed_as(of.score, of.member_id),
    )


def keep(backend: Backend, new: Score, expected: int = 0) -> Outcome:
    writes: list[Write] = [
        Save(item=new, expected=expected),
        GuardAbsent(key=FROZEN.key),
        Put(item=place(new)),
    ]
    return backend.store.commit(writes)


def top(backend: Backend, limit: int = 100) -> list[tuple[int, str]]:
    page = backend.reader.listed("leaderboards", TARGET, limit=limit, consistent=True)
    return [read_listed(each) for each in page.ids]


def test_a_score_comes_back_and_counts_its_revisions(backend: Backend) -> None:
    first = score("mbr_#%1", 10)
    assert keep(backend, first) == Committed()
    second = replace(first, score=12, number=2)
    assert keep(backend, second, expected=1) == Committed()
    found = backend.store.get([first.key, FROZEN.key])
    assert found == {first.key: replace(second, revision=2)}


def test_a_score_of_another_revision_is_returned(backend: Backend) -> None:
    first = score("mbr_1", 10)
    keep(backend, first)
    lost = keep(backend, score("mbr_1", 20, number=2))
    assert lost == Lost(returned={first.key: first})
    assert top(backend) == [(10, "mbr_1")]


def test_a_frozen_period_takes_no_score(backend: Backend) -> None:
    first = score("mbr_1", 10)
    keep(backend, first)
    assert backend.store.commit([Save(item=FROZEN, expected=0)]) == Committed()
    lost = keep(backend, score("mbr_2", 99))
    assert lost == Lost(returned={FROZEN.key: FROZEN})
    assert top(backend) == [(10, "mbr_1")]


def test_the_highest_score_comes_first_and_members_of_one_by_their_ids(backend: Backend) -> None:
    for member, points in (("b", 9), ("d", 10), ("a", 10), ("c", 123456789), ("e", 1)):
        keep(backend, score(member, points))
    expected = [(123456789, "c"), (10, "a"), (10, "d"), (9, "b"), (1, "e")]
    assert top(backend) == expected
    assert top(backend, limit=2) == expected[:2]


def test_a_place_that_was_left_is_gone(backend: Backend) -> None:
    first = score("mbr_1", 10)
    keep(backend, first)
    new = score("mbr_1", 4, number=2)
    writes: list[Write] = [
        Save(item=new, expected=1),
        GuardAbsent(key=FROZEN.key),
        Put(item=place(new)),
        Remove(item=place(first)),
    ]
    assert backend.store.commit(writes) == Committed()
    assert top(backend) == [(4, "mbr_1")]


@pytest.mark.parametrize("changed", [{"cursor": "c#1", "places": 20, "rank": 3, "score": 7}])
def test_how_far_the_prizes_are_comes_back(backend: Backend, changed: dict[str, object]) -> None:
    backend.store.commit([Save(item=FROZEN, expected=0)])
    later = replace(FROZEN, **changed)  # type: ignore[arg-type]  # fields of the class
    assert backend.store.commit([Save(item=later, expected=1)]) == Committed()
    assert backend.store.get([FROZEN.key]) == {FROZEN.key: replace(later, revision=2)}
    assert isinstance(backend.store.commit([Save(item=later, expected=1)]), Lost)
