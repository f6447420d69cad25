"""Splitting points between members (semantics 3.2)."""

import pytest

from points_ledger.domain.error import InvalidRequestError, LimitExceededError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.sharing import allocation_by, check_percents, split, united, whole
from tests.builders import Balances, World, paid, plan, posted, program, refunded, rule

ADA, BEN, EVE = MemberId("ada"), MemberId("ben"), MemberId("eve")


@pytest.mark.parametrize(
    ("points", "percents", "expected"),
    [
        (75, (50, 25, 25), (37, 19, 19)),
        (75, (70, 20, 10), (53, 15, 7)),
        (100, (34, 33, 33), (34, 33, 33)),
        (11, (43, 43, 14), (5, 5, 1)),
        (10, (43, 43, 14), (5, 4, 1)),
        (0, (50, 50), (0, 0)),
        (1, (50, 50), (1, 0)),
        (1, (1, 99), (0, 1)),
        (7, (100,), (7,)),
        (1_000_000_000, (50, 50), (500_000_000, 500_000_000)),
        (10, (10,) * 10, (1,) * 10),
    ],
)
def test_points_are_handed_out_one_by_one(
    points: int, percents: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert split(points, percents) == expected


def test_the_matured_total_is_split_like_the_earned_one() -> None:
    world = World(program(rule(75), partial_payment="proportional"))
    world.share("ada", {"ada": 50, "ben": 25, "eve": 25})
    world.tell(posted("100.00"), paid("40.00"))
    shares = [world.balances(member) for member in ("ada", "ben", "eve")]
    # 30 of 75 have matured: 15/8/7 of 37/19/19.
    assert [(b.pending, b.available) for b in shares] == [(22, 15), (11, 8), (12, 7)]


def test_the_owner_of_a_plan_may_be_absent() -> None:
    world = World(program())
    world.share("ada", {"ben": 60, "eve": 40})
    world.tell(posted("100.00"), paid("100.00"))
    available = [world.balances(member).available for member in ("ada", "ben", "eve")]
    assert available == [0, 60, 40]


def test_a_return_takes_from_each_member_what_it_gave() -> None:
    world = World(program())
    world.share("ada", {"ada": 50, "ben": 50})
    world.tell(posted("100.00"), paid("100.00"))
    world.redeem(50, "ben")
    world.tell(refunded("100.00"))
    assert (world.balances("ada"), world.balances("ben")) == (
        Balances(0, 0, 0, 0),
        Balances(0, -50, 0, 50),
    )


def test_the_plan_is_that_of_the_first_posting() -> None:
    world = World(program())
    world.share("ada", {"ada": 50, "ben": 50})
    world.tell(posted("100.00"))
    world.share("ada", {"ada": 100})
    world.tell(paid("100.00"))
    assert world.balances("ben").available == 50


def test_shares_of_one_member_are_added_together_in_order() -> None:
    twice = plan({"ben": 20, "ada": 50}) + plan({"ben": 30})
    assert united(twice) == plan({"ben": 50, "ada": 50})


def test_a_purchase_is_split_between_those_whom_the_plan_means_now() -> None:
    receivers = {ADA: ADA, BEN: EVE, EVE: EVE}
    assert allocation_by((), ADA, receivers) == whole(ADA)
    shared = plan({"ben": 30, "ada": 50, "eve": 20})
    assert allocation_by(shared, ADA, receivers) == plan({"eve": 50, "ada": 50})
    gone = {ADA: ADA, BEN: None, EVE: EVE}
    assert allocation_by(shared, ADA, gone) == plan({"ada": 80, "eve": 20})


@pytest.mark.parametrize("percents", [[], [100], [1, 99], [10] * 10])
def test_percentages_of_a_plan(percents: list[int]) -> None:
    check_percents(percents)


@pytest.mark.parametrize("percents", [[99], [101], [0, 100], [-1, 101], [50, 51]])
def test_percentages_of_none(percents: list[int]) -> None:
    with pytest.raises(InvalidRequestError):
        check_percents(percents)


def test_shares_are_few() -> None:
    with pytest.raises(LimitExceededError):
        check_percents([9] * 11)
