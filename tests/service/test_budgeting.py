"""Campaign budgets in the write path: drawn with the accrual, kept in the earning, given back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from points_ledger.domain.budget import SHARDS, own_shard, share_of
from points_ledger.domain.earning import Earning
from points_ledger.domain.program import Campaign, Program
from points_ledger.domain.state import Standing
from points_ledger.domain.verification import Book, verify
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.ports import (
    Budget,
    BudgetKey,
    Draw,
    ProgramVersion,
    RequestKey,
    Write,
)
from tests.builders import (
    START,
    campaign,
    earner,
    match,
    paid,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    voided,
)
from tests.service.desk import ADA, Desk

CAMPAIGN = "campaign"


def budgeted(points: int, *more: Campaign, id: str = CAMPAIGN) -> Program:  # noqa: A002
    """1 point per 1.00, and as many on top until the budget is given."""
    return program(campaigns=[campaign(id, multiplier="2", budget_points=points), *more])


def desk_with(points: int, *more: Campaign) -> Desk:
    return Desk(budgeted(points, *more))


def given(desk: Desk, id: str = CAMPAIGN) -> list[int]:  # noqa: A002 - the field's own name
    """What each shard of a budget has given."""
    keys = [BudgetKey(campaign_id=id, shard=shard) for shard in range(SHARDS)]
    found = desk.memory.get(keys)
    return [cast("Budget", found[key]).given if key in found else 0 for key in keys]


def earning(desk: Desk, purchase: str = "purchase-1") -> Earning:
    return cast("Earning", desk.memory.get([purchase_key(purchase)])[purchase_key(purchase)])


def points(desk: Desk, purchase: str = "purchase-1") -> int:
    return earning(desk, purchase).earned.points


def held(desk: Desk, purchase: str = "purchase-1", id: str = CAMPAIGN) -> int:  # noqa: A002
    return sum(earning(desk, purchase).grants.get(id, {}).values())


def named(shard: int, number: int = 0) -> str:
    """A purchase whose own shard it is; another one for each number."""
    names = (f"purchase-{n}" for n in range(1_000))
    return [name for name in names if own_shard(purchase_key(name)) == shard][number]


def test_the_shares_of_all_shards_are_the_budget() -> None:
    for budget in (1, 2, 3, 4, 5, 99, 100_000):
        shares = [share_of(budget, shard) for shard in range(SHARDS)]
        assert sum(shares) == budget
        assert max(shares) - min(shares) <= 1


def test_a_purchase_draws_from_its_own_shard_and_keeps_the_grant() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("30.00", id=named(2)))
    assert points(desk, named(2)) == 60
    assert earning(desk, named(2)).grants == {CAMPAIGN: {2: 30}}
    assert given(desk) == [0, 0, 30, 0]


def test_the_draw_is_in_the_accruals_transaction_and_says_how_much_the_shard_may_give() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("30.00", id=named(1)))
    assert draws(desk.store.commits[-1]) == [
        Draw(key=BudgetKey(campaign_id=CAMPAIGN, shard=1), quantity=30, share=250)
    ]
    assert len(desk.store.commits[-1]) > 2


def draws(writes: Sequence[Write]) -> list[Draw]:
    return [write for write in writes if isinstance(write, Draw)]


def test_its_own_shard_is_read_with_the_earning_and_no_other() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("1.00", id="first"))
    desk.store.requests.clear()
    desk.tell(posted("30.00"))
    assert desk.store.requests == ["get", "head", "commit"]


def test_where_the_own_shard_is_not_enough_others_give_until_all_is_given() -> None:
    desk = desk_with(100)
    desk.tell(posted("60.00", id=named(3)))
    assert earning(desk, named(3)).grants == {CAMPAIGN: {0: 25, 1: 10, 3: 25}}
    desk.tell(posted("60.00", id=named(1)))
    assert earning(desk, named(1)).grants == {CAMPAIGN: {1: 15, 2: 25}}
    assert given(desk) == [25, 25, 25, 25]
    assert points(desk, named(3)) + points(desk, named(1)) == 2 * 60 + 100


def test_an_entry_says_that_the_budget_cut_and_what_was_left() -> None:
    desk = desk_with(100)
    desk.tell(posted("70.00", id="first"), posted("60.00", id="second"), posted("5.00", id="third"))
    accruals = [e.posting for e in desk.memory.chain(ADA) if e.posting.type == "accrual"]
    assert [posting.pending for posting in accruals] == [140, 90, 5]
    assert [posting.details.get("truncated") for posting in accruals] == [None, CAMPAIGN, CAMPAIGN]
    assert [posting.inputs[f"campaign:{CAMPAIGN}"] for posting in accruals] == [
        "70",
        "60 room 30",
        "5 room 0",
    ]


def test_what_a_budget_cut_is_verified_from_the_entries() -> None:
    rules = budgeted(100)
    desk = Desk(rules)
    desk.tell(posted("70.00", id="first"), posted("60.00", id="second"))
    desk.tell(refunded("20.00", id="first"), voided(id="second"))
    book = Book(chains={ADA: desk.memory.chain(ADA)}, programs={1: rules})
    (found,) = verify(book)
    assert (found.difference, found.not_recomputed) == (None, ())


def test_a_fall_gives_room_to_later_purchases_and_raises_none_before() -> None:
    desk = desk_with(500)
    desk.tell(posted("500.00", id="a"), posted("200.00", id="b"))
    assert (held(desk, "a"), held(desk, "b")) == (500, 0)
    desk.tell(refunded("500.00", id="a"))
    assert (held(desk, "a"), given(desk)) == (0, [0, 0, 0, 0])
    desk.tell(paid("200.00", id="b"), posted("200.00", id="c"))
    assert [held(desk, each) for each in "abc"] == [0, 0, 200]
    assert [points(desk, each) for each in "abc"] == [0, 200, 400]


def test_a_refund_returns_a_part_and_reads_no_shard() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("100.00"))
    desk.store.requests.clear()
    desk.tell(refunded("40.00"))
    assert held(desk) == sum(given(desk)) == 60
    assert desk.store.requests == ["get", "head", "commit"]


def test_a_withdrawn_refund_draws_again() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("100.00"), refunded("40.00"), refund_cancelled())
    assert held(desk) == sum(given(desk)) == 100


def test_a_withdrawn_refund_gets_no_more_than_is_left() -> None:
    desk = desk_with(100)
    desk.tell(posted("100.00"), refunded("40.00"), posted("50.00", id="other"))
    desk.tell(refund_cancelled())
    assert (held(desk), held(desk, "other")) == (60, 40)
    assert sum(given(desk)) == 100


def test_a_void_returns_everything() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("100.00"), voided())
    assert (earning(desk).grants, given(desk)) == ({}, [0, 0, 0, 0])


def test_what_was_drawn_from_several_shards_goes_back_to_them() -> None:
    desk = desk_with(100)
    desk.tell(posted("60.00", id=named(3)), refunded("30.00", id=named(3)))
    assert earning(desk, named(3)).grants == {CAMPAIGN: {0: 5, 3: 25}}
    assert given(desk) == [5, 0, 0, 25]


def test_the_same_purchase_again_draws_nothing() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("100.00"), posted("100.00"))
    assert sum(given(desk)) == 100


def test_a_larger_purchase_draws_what_is_missing() -> None:
    desk = desk_with(1_000)
    desk.tell(posted("100.00"), posted("150.00", updated_at=START + timedelta(minutes=1)))
    assert held(desk) == sum(given(desk)) == 150


def test_a_purchase_of_another_earner_keeps_its_grant() -> None:
    desk = desk_with(1_000)
    later = START + timedelta(minutes=1)
    desk.tell(posted("100.00"), posted("100.00", customer="bob", updated_at=later))
    assert held(desk) == sum(given(desk)) == 100


def test_a_purchase_whose_customer_is_nobody_returns_its_grant() -> None:
    desk = Desk(replace(budgeted(1_000), enrolment="manual", enrolment_lookback_days=365))
    desk.enrol("ada")
    later = START + timedelta(minutes=1)
    desk.tell(posted("100.00"))
    assert sum(given(desk)) == 100
    desk.tell(posted("100.00", customer="nobody", updated_at=later))
    assert (earning(desk).grants, given(desk)) == ({}, [0, 0, 0, 0])


def test_begun_points_count_against_a_budget() -> None:
    desk = Desk(program(campaigns=[campaign(multiplier="1.5", budget_points=100)]))
    desk.tell(posted("5.00"))
    assert (points(desk), held(desk)) == (7, 3)


def test_the_tiers_part_does_not_count_against_a_budget() -> None:
    desk = Desk(program(campaigns=budgeted(100).campaigns, tiers={"gold": "2"}))
    desk.enrolling.enrol(
        EnrolMember(
            request=RequestKey(caller="staff", key="key-1"),
            fingerprint="ada",
            actor="staff",
            name="Ada",
            standing=Standing(tier="gold"),
            external_ids=(earner().external_id,),
        )
    )
    desk.tell(posted("40.00"))
    assert (points(desk), held(desk)) == (160, 40)


@pytest.mark.parametrize(("cap", "budget", "bonus"), [(30, 100, 30), (100, 30, 30), (50, 50, 50)])
def test_the_smaller_of_cap_and_budget_cuts(cap: int, budget: int, bonus: int) -> None:
    limited = campaign(multiplier="2", member_cap_points=cap, budget_points=budget)
    desk = Desk(program(campaigns=[limited]))
    desk.tell(posted("80.00"))
    assert (points(desk), held(desk)) == (80 + bonus, bonus)


def test_only_the_campaign_that_counts_draws() -> None:
    desk = Desk(
        program(
            campaigns=[
                campaign("double", multiplier="2", budget_points=1_000),
                campaign("triple", multiplier="3", budget_points=1_000),
            ],
            stacking="highest",
        )
    )
    desk.tell(posted("10.00"))
    assert earning(desk).grants.keys() == {"triple"}
    assert (sum(given(desk, "double")), sum(given(desk, "triple"))) == (0, 20)


def test_where_the_largest_campaign_has_given_all_the_next_one_counts() -> None:
    desk = Desk(
        program(
            campaigns=[
                campaign("double", multiplier="2", budget_points=1_000),
                campaign("triple", multiplier="3", budget_points=20),
            ],
            stacking="highest",
        )
    )
    desk.tell(posted("10.00", id="first"), posted("10.00", id="second"))
    assert [points(desk, each) for each in ("first", "second")] == [30, 20]
    assert earning(desk, "second").grants.keys() == {"double"}


def test_campaigns_out_of_their_window_are_not_read() -> None:
    over = replace(
        campaign("over", multiplier="2", budget_points=10), ends=START.replace(tzinfo=None)
    )
    desk = Desk(program(campaigns=[over]))
    desk.tell(posted("10.00"))
    assert points(desk) == 10
    assert given(desk, "over") == [0, 0, 0, 0]
    assert draws(desk.store.commits[-1]) == []


def test_lines_that_do_not_match_draw_nothing() -> None:
    only = campaign(multiplier="2", budget_points=10, match=match(categories=["retail"]))
    desk = Desk(program(campaigns=[only]))
    desk.tell(posted("10.00"))
    assert (earning(desk).grants, given(desk)) == ({}, [0, 0, 0, 0])


def test_in_analysis_mode_nothing_is_drawn() -> None:
    desk = Desk(replace(budgeted(5), mode="analysis"))
    desk.tell(posted("10.00"), posted("10.00", id="second"))
    assert (points(desk), points(desk, "second")) == (15, 15)
    assert given(desk) == [0, 0, 0, 0]


def test_a_race_for_the_last_points_is_decided_again() -> None:
    desk = desk_with(40)
    desk.tell(posted("1.00", id="warm", customer="bob"), voided(id="warm"))
    rival = lambda: desk.tell(posted("40.00", id="rival", customer="bob"))  # noqa: E731
    desk.store.meanwhile["commit"] = rival
    desk.tell(posted("25.00"))
    assert (held(desk, "rival"), held(desk)) == (40, 0)
    assert sum(given(desk)) == 40


@pytest.mark.parametrize(("points_of_version", "drawn"), [(200, 30), (60, 0), (88, 8)])
def test_a_shard_gives_what_is_left_of_its_share_by_the_pinned_version(
    points_of_version: int, drawn: int
) -> None:
    desk = desk_with(100)
    desk.tell(*(posted("20.00", id=named(shard)) for shard in range(SHARDS)))
    other = replace(budgeted(points_of_version), version=1)
    desk.programs._versions[1] = ProgramVersion(program=other, document="{}", published_at=START)
    desk.tell(posted("30.00", id=named(1, 1)))
    assert held(desk, named(1, 1)) == drawn
    assert sum(given(desk)) == 80 + drawn
