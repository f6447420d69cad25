"""Shards of budgets: what every store promises about drawing from them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from points_ledger.service.ports import (
    Budget,
    BudgetKey,
    Committed,
    Create,
    Draw,
    Lost,
    Request,
    RequestKey,
    Write,
)
from tests.contract.backends import Backend

SHARD = BudgetKey(campaign_id="black-friday#1", shard=2)
OTHER = BudgetKey(campaign_id="black-friday#1", shard=3)


def given(backend: Backend, key: BudgetKey = SHARD) -> int | None:
    found = backend.store.get([key]).get(key)
    assert found is None or isinstance(found, Budget)
    return found.given if found is not None else None


def draw(backend: Backend, points: int, share: int | None, key: BudgetKey = SHARD) -> object:
    return backend.store.commit([Draw(key=key, quantity=points, share=share)])


class TestDrawing:
    def test_what_nobody_drew_from_is_absent(self, backend: Backend) -> None:
        assert given(backend) is None

    def test_the_first_draw_begins_at_nothing(self, backend: Backend) -> None:
        assert draw(backend, 40, 100) == Committed()
        assert given(backend) == 40

    def test_the_whole_share_can_be_drawn_at_once(self, backend: Backend) -> None:
        assert draw(backend, 100, 100) == Committed()
        assert given(backend) == 100

    def test_draws_add_up_to_the_share(self, backend: Backend) -> None:
        draw(backend, 40, 100)
        assert draw(backend, 60, 100) == Committed()
        assert given(backend) == 100

    def test_more_than_is_left_is_refused_and_shows_what_was_given(self, backend: Backend) -> None:
        draw(backend, 40, 100)
        found = Budget(campaign_id=SHARD.campaign_id, shard=SHARD.shard, given=40)
        assert draw(backend, 61, 100) == Lost(returned={SHARD: found})
        assert given(backend) == 40

    def test_what_is_given_back_can_be_drawn_again(self, backend: Backend) -> None:
        draw(backend, 100, 100)
        assert draw(backend, -30, None) == Committed()
        assert given(backend) == 70
        assert draw(backend, 30, 100) == Committed()

    def test_a_smaller_share_gives_nothing_where_more_was_given(self, backend: Backend) -> None:
        draw(backend, 40, 100)
        assert isinstance(draw(backend, 1, 40), Lost)
        assert draw(backend, 1, 200) == Committed()

    def test_shards_are_apart(self, backend: Backend) -> None:
        draws = [Draw(key=SHARD, quantity=10, share=10), Draw(key=OTHER, quantity=7, share=9)]
        assert backend.store.commit(draws) == Committed()
        assert (given(backend), given(backend, OTHER)) == (10, 7)

    def test_a_draw_that_fails_takes_everything_with_it(self, backend: Backend) -> None:
        request = Request(key=RequestKey(caller="c", key="k"), fingerprint="f", result="{}")
        draw(backend, 10, 10)
        writes: list[Write] = [
            Create(item=request),
            Draw(key=SHARD, quantity=1, share=10),
            Draw(key=OTHER, quantity=1, share=10),
        ]
        outcome = backend.store.commit(writes)
        assert isinstance(outcome, Lost)
        assert outcome.returned.keys() == {SHARD}
        assert backend.store.get([request.key]) == {}
        assert given(backend, OTHER) is None

    def test_two_draws_of_one_shard_in_one_commit_contradict(self, backend: Backend) -> None:
        draws = [Draw(key=SHARD, quantity=1, share=10), Draw(key=SHARD, quantity=-1)]
        with pytest.raises(ValueError, match="two writes"):
            backend.store.commit(draws)

    def test_several_shards_are_read_at_once(self, backend: Backend) -> None:
        draw(backend, 3, 10)
        found = backend.store.get([SHARD, OTHER])
        assert found == {SHARD: Budget(campaign_id=SHARD.campaign_id, shard=2, given=3)}


class TestManyAtOnce:
    def test_no_more_than_the_share_is_ever_drawn(self, concurrent: Backend) -> None:
        def claim(_: int) -> bool:
            for _ in range(200):
                if draw(concurrent, 3, 40) == Committed():
                    return True
                found = given(concurrent)
                if found is not None and found > 40 - 3:
                    return False
            raise AssertionError("neither drawn nor empty")

        with ThreadPoolExecutor(16) as threads:
            drawn = sum(threads.map(claim, range(30)))
        assert drawn == 13
        assert given(concurrent) == 39


@pytest.mark.parametrize(
    ("quantity", "share"), [(1, None), (-1, 10), (11, 10)], ids=["no share", "back", "above it"]
)
def test_a_draw_says_its_share_exactly_where_it_takes(quantity: int, share: int | None) -> None:
    with pytest.raises(AssertionError):
        Draw(key=SHARD, quantity=quantity, share=share)
