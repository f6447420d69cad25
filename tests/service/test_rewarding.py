"""The catalogue, and claiming a reward of it: who can have it, and never more than there are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from points_ledger.domain.error import (
    ConflictError,
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    InvalidRequestError,
    MemberInactiveError,
    NotFoundError,
    OutOfStockError,
    RedemptionPausedError,
    RewardNotAvailableError,
    YearlyCapExceededError,
)
from points_ledger.domain.identity import RewardId
from points_ledger.domain.program import Program
from points_ledger.domain.state import Standing
from points_ledger.service.ports import RequestKey
from points_ledger.service.redeeming import Redeemed
from points_ledger.service.rewarding import CreateReward, Draft
from tests.builders import DAY, START, paid, posted, program
from tests.service.desk import ADA
from tests.service.office import Office

TIERS = {"silver": "1", "gold": "1"}


def opened(rules: Program | None = None) -> Office:
    """Ada has 100 points."""
    office = Office(rules or program(tiers=TIERS))
    office.tell(posted("100.00"), paid("100.00"))
    return office


@pytest.fixture
def office() -> Office:
    return opened()


def claim(office: Office, reward_id: RewardId, key: str = "claim", **more: object) -> Redeemed:
    return office.redeem(key=key, kind="reward", reward_id=reward_id, **more)  # type: ignore[arg-type]


# --- The catalogue --------------------------------------------------------------------------


def test_a_reward_is_shown_as_it_was_written(office: Office) -> None:
    id_ = office.add_reward(
        name="Mug",
        description="Blue",
        points=50,
        amount=Decimal("12.5"),
        amount_due=Decimal(3),
        stock=7,
        tiers=("gold",),
        valid_from=START,
        valid_until=START + DAY,
    )
    [shown], cursor = office.rewarding.rewards(everything=True, limit=10, cursor=None)
    reward = shown.reward
    assert (reward.reward_id, reward.name, reward.description) == (id_, "Mug", "Blue")
    assert (reward.amount, reward.amount_due, shown.currency) == ("12.50", "3.00", "USD")
    assert (shown.remaining, reward.tiers, reward.is_active) == (7, ("gold",), True)
    assert cursor is None


def test_without_a_stock_there_is_no_end(office: Office) -> None:
    assert office.remaining(office.add_reward()) is None


def test_what_is_not_offered_is_for_staff_only(office: Office) -> None:
    ids = [
        office.add_reward(),
        office.add_reward(active=False),
        office.add_reward(valid_until=START),
        office.add_reward(valid_from=START + DAY),
    ]
    for everything, expected in ((True, ids), (False, [ids[0], ids[3]])):
        page, _ = office.rewarding.rewards(everything=everything, limit=10, cursor=None)
        assert {each.reward.reward_id for each in page} == set(expected)


def test_pages_of_the_catalogue_lose_nothing(office: Office) -> None:
    ids = []
    for n in range(5):
        office.wait(START + timedelta(seconds=n))
        ids.append(office.add_reward())
    shown: list[RewardId] = []
    cursor = None
    for _ in range(4):
        page, cursor = office.rewarding.rewards(everything=True, limit=2, cursor=cursor)
        shown += [each.reward.reward_id for each in page]
        if cursor is None:
            break
    assert shown == ids


def test_the_same_request_makes_one_reward(office: Office) -> None:
    assert office.add_reward(key="k") == office.add_reward(key="k")
    with pytest.raises(IdempotencyKeyReusedError):
        office.add_reward(key="k", points=51)
    command = CreateReward(
        request=RequestKey(caller="other", key="k"), fingerprint="", draft=Draft(name="A", points=1)
    )
    assert not office.rewarding.create(command).replayed


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "coupon"}, ["amount"]),
        ({"amount": Decimal("1.001")}, ["amount"]),
        ({"amount_due": Decimal("1.001")}, ["amount_due"]),
        ({"tiers": ("gold", "bronze", "tin")}, ["tiers.1", "tiers.2"]),
        ({"valid_from": START, "valid_until": START}, ["valid_until"]),
    ],
)
def test_a_reward_has_to_fit_the_program(
    fields: dict[str, Any], wrong: list[str], office: Office
) -> None:
    before = office.memory.snapshot()
    with pytest.raises(InvalidRequestError) as refused:
        office.add_reward(**fields)
    assert [error.field for error in refused.value.errors] == wrong
    assert office.memory.snapshot() == before
    known = office.add_reward()
    with pytest.raises(InvalidRequestError):
        office.change_reward(known, **fields)


def test_what_is_named_is_changed_and_the_rest_stays(office: Office) -> None:
    id_ = office.add_reward(points=50, stock=3, description="Blue", amount_due=Decimal(3))
    shown = office.change_reward(id_, points=60, description=None)
    assert (shown.reward.points, shown.reward.description) == (60, None)
    assert (shown.reward.name, shown.remaining, shown.reward.amount_due) == ("Mug", 3, "3.00")
    assert shown.reward.revision == 2
    with pytest.raises(NotFoundError):
        office.change_reward(RewardId("rwd_none"), points=1)


def test_the_stock_can_be_set_ended_and_begun(office: Office) -> None:
    id_ = office.add_reward()
    assert [office.change_reward(id_, stock=stock).remaining for stock in (5, 0, 9, None, 2)] == [
        5,
        0,
        9,
        None,
        2,
    ]
    assert claim(office, id_).result["status"] == "completed"
    assert office.remaining(id_) == 1


def test_a_claim_meanwhile_is_not_undone_by_another_change(office: Office) -> None:
    id_ = office.add_reward(stock=5)
    office.store.meanwhile["commit"] = lambda: claim(office, id_)
    assert office.change_reward(id_, name="Cup").remaining == 4


def test_of_two_changes_at_once_none_is_lost(office: Office) -> None:
    id_ = office.add_reward()
    office.store.meanwhile["commit"] = lambda: office.change_reward(id_, name="Cup")
    shown = office.change_reward(id_, points=70)
    assert (shown.reward.name, shown.reward.points) == ("Cup", 70)


# --- Claiming -------------------------------------------------------------------------------


def test_a_reward_costs_its_points(office: Office) -> None:
    id_ = office.add_reward(points=60, stock=2, amount_due=Decimal("4.50"))
    result = dict(claim(office, id_).result)
    assert result.pop("redemption_id")
    assert result == {
        "status": "completed",
        "member_id": ADA,
        "points": 60,
        "amount": "0.60",
        "currency": "USD",
        "reward_id": id_,
        "amount_due": "4.50",
        "balance": {"available": 40, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert office.remaining(id_) == 1
    assert office.types()[-1] == "redemption"


def test_the_price_may_be_named_but_no_other(office: Office) -> None:
    id_ = office.add_reward(points=60)
    with pytest.raises(InvalidRequestError) as refused:
        claim(office, id_, points=59)
    assert [error.field for error in refused.value.errors] == ["points"]
    assert claim(office, id_, points=60).result["points"] == 60


def test_a_claim_again_is_the_same_claim(office: Office) -> None:
    id_ = office.add_reward(points=60, stock=1)
    first = claim(office, id_)
    again = claim(office, id_)
    assert (again.result, again.replayed) == (first.result, True)
    assert office.remaining(id_) == 0


def test_neither_minimum_nor_ticket_rules_are_for_rewards() -> None:
    office = opened(program(minimum_amount="5.00", ticket_must_exceed=True))
    assert claim(office, office.add_reward(points=10)).result["status"] == "completed"


def test_the_yearly_cap_counts_what_the_points_are_worth() -> None:
    office = opened(program(yearly_amount_cap="0.60"))
    id_ = office.add_reward(points=40)
    claim(office, id_)
    with pytest.raises(YearlyCapExceededError):
        claim(office, id_, "another")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"active": False}, "not_active"),
        ({"valid_from": START + DAY}, "not_yet"),
        ({"valid_until": START}, "ended"),
        ({"tiers": ("silver",)}, "tier"),
        ({"active": False, "stock": 0, "tiers": ("gold",)}, "not_active"),
        ({"stock": 0, "tiers": ("gold",)}, "tier"),
    ],
)
def test_a_reward_that_cannot_be_had_now(
    fields: dict[str, Any], reason: str, office: Office
) -> None:
    id_ = office.add_reward(**fields)
    before = office.memory.snapshot()
    with pytest.raises(RewardNotAvailableError) as refused:
        claim(office, id_)
    assert refused.value.reason == reason
    assert office.memory.snapshot() == before


@pytest.mark.parametrize(
    ("tier", "wanted", "passes"),
    [
        (None, (), True),
        ("silver", (), True),
        (None, ("silver",), False),
        ("silver", ("silver",), True),
        ("silver", ("gold",), False),
        ("gold", ("silver",), True),
        ("gold", ("gold", "silver"), True),
    ],
)
def test_a_tier_opens_its_own_gates_and_those_below(
    tier: str | None, wanted: tuple[str, ...], passes: bool, office: Office
) -> None:
    office.put_standing_of(ADA, Standing(tier=tier))
    id_ = office.add_reward(tiers=wanted)
    if passes:
        assert claim(office, id_).result["status"] == "completed"
    else:
        with pytest.raises(RewardNotAvailableError):
            claim(office, id_)


def test_what_is_out_of_stock_is_not_had(office: Office) -> None:
    id_ = office.add_reward(stock=1, points=10)
    claim(office, id_)
    with pytest.raises(OutOfStockError) as refused:
        claim(office, id_, "another")
    assert refused.value.reward_id == id_
    assert office.balances() == (0, 90, 0)


def test_who_cannot_pay_draws_nothing(office: Office) -> None:
    id_ = office.add_reward(stock=1, points=101)
    with pytest.raises(InsufficientPointsError):
        claim(office, id_)
    assert office.remaining(id_) == 1


def test_an_unknown_reward_is_not_found(office: Office) -> None:
    with pytest.raises(NotFoundError):
        claim(office, RewardId("rwd_unheardof"))


def test_whether_the_member_may_redeem_at_all_comes_first(office: Office) -> None:
    id_ = office.add_reward(active=False)
    office.put_standing(ADA, "frozen")
    with pytest.raises(MemberInactiveError):
        claim(office, id_)
    paused = opened(program(paused=True))
    with pytest.raises(RedemptionPausedError):
        claim(paused, paused.add_reward(stock=0))


def test_the_last_one_is_had_by_one_of_two_at_the_same_moment(office: Office) -> None:
    id_ = office.add_reward(stock=1, points=10)
    office.store.meanwhile["commit"] = lambda: claim(office, id_, "other")
    with pytest.raises(OutOfStockError):
        claim(office, id_)
    assert office.remaining(id_) == 0
    assert office.balances() == (0, 90, 0)


def test_a_hundred_claims_of_the_last_ten_get_exactly_ten() -> None:
    office = Office(program())
    members = []
    for n in range(100):
        office.tell(
            posted("50.00", id=f"p{n}", customer=f"c{n}"), paid("50.00", f"pay{n}", id=f"p{n}")
        )
        members.append(office.memory.members()[-1])
    id_ = office.add_reward(stock=10, points=50)
    barrier = threading.Barrier(20)

    def run(n: int) -> str:
        if n < 20:
            barrier.wait(timeout=10)
        for _ in range(20):
            try:
                office.redeem(key=f"claim-{n}", kind="reward", reward_id=id_, member_id=members[n])
            except OutOfStockError:
                return "out_of_stock"
            except ConflictError:
                continue
            return "had"
        return "nothing definite"

    with ThreadPoolExecutor(20) as threads:
        told = list(threads.map(run, range(100)))
    assert (told.count("had"), told.count("out_of_stock")) == (10, 90)
    assert office.remaining(id_) == 0
    spent = [office.balances(member)[1] for member in members]
    assert (spent.count(0), spent.count(50)) == (10, 90)


# --- Given back, and approved ---------------------------------------------------------------


def test_a_claim_given_back_as_a_whole_is_in_stock_again(office: Office) -> None:
    id_ = office.add_reward(stock=1, points=60)
    made = claim(office, id_)
    office.go_on("reverse", made, 10)
    assert office.remaining(id_) == 0
    office.go_on("reverse", made)
    assert office.remaining(id_) == 1
    assert office.balances() == (0, 100, 0)


def test_without_a_stock_nothing_is_put_back(office: Office) -> None:
    id_ = office.add_reward(points=60)
    office.go_on("reverse", claim(office, id_))
    assert office.remaining(id_) is None
    assert office.balances() == (0, 100, 0)


def asking() -> Office:
    """Ada has 100 points, and what members ask for has to be approved."""
    rules = program(tiers=TIERS)
    terms = replace(rules.redemption, member_requests_need_approval=True)
    return opened(replace(rules, redemption=terms))


def test_what_waits_has_not_drawn_and_is_drawn_with_the_approval() -> None:
    office = asking()
    id_ = office.add_reward(stock=1, points=60)
    asked = claim(office, id_, own=True, caller="ada").result
    assert (asked["status"], office.remaining(id_)) == ("awaiting_approval", 1)
    assert office.memory.chain(ADA)[-1].state.reserved == 60
    office.decide(asked["approval_id"])
    assert office.remaining(id_) == 0
    assert office.memory.chain(ADA)[-1].state.reserved == 0


def test_rejected_or_timed_out_there_is_nothing_to_put_back() -> None:
    office = asking()
    id_ = office.add_reward(stock=2, points=40)
    rejected, late = (
        claim(office, id_, key, own=True, caller="ada").result for key in ("one", "two")
    )
    office.decide(rejected["approval_id"], approved=False)
    office.wait(START + 40 * DAY)
    assert late["status"] == "awaiting_approval"
    assert office.expire() == 1
    assert office.remaining(id_) == 2
    assert office.balances() == (0, 100, 0)


def test_what_is_gone_meanwhile_cannot_be_approved() -> None:
    office = asking()
    id_ = office.add_reward(stock=1, points=40)
    asked = claim(office, id_, "one", own=True, caller="ada").result
    claim(office, id_, "two")
    with pytest.raises(OutOfStockError):
        office.decide(asked["approval_id"])
    office.decide(asked["approval_id"], approved=False)
    assert office.balances() == (0, 60, 0)
