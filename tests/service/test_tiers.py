"""Tiers through the service: raised at once, reviewed by schedule, bought, given and taken back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_GRANTS
from points_ledger.domain.program import Benefit, Membership, Program, TierWindow
from points_ledger.domain.verification import Book, verify
from points_ledger.service.ports import RewardGrant
from tests.builders import (
    ONE_PER_UNIT,
    bounced,
    line,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    voided,
)
from tests.service.desk import ADA, BOB
from tests.service.office import Office

NOVEMBER: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
CIRCLE: Final = Membership(
    id="circle", tier="gold", lasts=Period(months=1), items=frozenset({"CIRCLE"})
)
CLUB: Final = Membership(id="club", tier="silver", lasts=Period(months=12))


def rules(*, grace_days: int = 30, **changes: object) -> Program:
    """One point per 1.00; silver from 1,000 points and gold from 2,000, in the last 12 months."""
    made = program(
        ONE_PER_UNIT,
        rule(500, id="review", action="review"),
        tiers={"silver": "1.25", "gold": "1.5"},
    )
    return replace(
        made,
        tier_window=TierWindow(grace_days=grace_days),
        memberships=(CIRCLE, CLUB),
        **changes,  # type: ignore[arg-type]  # fields of a program
    )


def office(by: Program | None = None) -> Office:
    return Office(by or rules(), now=NOVEMBER)


def buy(
    office: Office, amount: str, number: int = 1, *, at: datetime | None = None, item: str = "MUG"
) -> None:
    """A purchase that is paid at once."""
    sold_at = at or office.now
    id_ = f"purchase-{number}"
    office.tell(
        posted(line(amount, item=item), id=id_, at=sold_at),
        paid(amount, f"payment-{number}", id=id_, at=sold_at),
    )


def tier(office: Office, member_id: MemberId = ADA) -> str | None:
    return office.queries.balance(member_id).tier


def months(office: Office, member_id: MemberId = ADA) -> Mapping[str, int]:
    state = office.memory.chain(member_id)[-1].state
    prefix = "qualifying:"
    return {
        name.removeprefix(prefix): points
        for name, points in state.counters.items()
        if name.startswith(prefix)
    }


def wait(office: Office, until: str) -> None:
    office.wait(datetime.fromisoformat(until).replace(tzinfo=UTC))


def review(office: Office) -> tuple[int, int]:
    report = office.sweep("tier_review")
    assert report.failed == 0
    return report.visited, report.posted


def due(office: Office) -> list[str]:
    return [marker.target for marker in office.markers("tier_review")]


def check(office: Office) -> None:
    chains = office.memory.snapshot().chains
    programs = {1: office.programs.version(1)}
    found = verify(Book(chains=chains, programs=programs))
    assert [each.difference for each in found] == [None] * len(found)


# ---- Points that count


def test_matured_points_of_purchases_count_in_the_month_of_the_purchase() -> None:
    shop = office(replace(rules(), zone=rules().zone))
    buy(shop, "300.00", 1)
    buy(shop, "200.00", 2, at=datetime(2026, 10, 31, 23, tzinfo=UTC))
    shop.tell(performed("review", at=NOVEMBER))
    shop.tell(posted("50.00", id="unpaid", at=NOVEMBER))
    assert months(shop) == {"2026-11": 300, "2026-10": 200}
    check(shop)


def test_refunds_bounces_and_voids_lower_the_month_of_the_purchase() -> None:
    shop = office()
    for number in (1, 2, 3):
        buy(shop, "400.00", number, at=datetime(2026, 10, 5, tzinfo=UTC))
    shop.tell(refunded("100.00", id="purchase-1", at=NOVEMBER))
    assert months(shop) == {"2026-10": 1_100}
    shop.tell(bounced("payment-2", id="purchase-2", at=NOVEMBER))
    assert months(shop) == {"2026-10": 700}
    shop.tell(voided(id="purchase-3", at=NOVEMBER))
    assert months(shop) == {"2026-10": 300}
    check(shop)


def test_rules_that_do_not_qualify_count_in_proportion_not() -> None:
    plain, extra = ONE_PER_UNIT, replace(rule(1, "2.00", id="extra"), qualifying=False)
    shop = office(replace(rules(), rules=(plain, extra)))
    buy(shop, "19.99")
    assert shop.balances()[1] == 28
    assert months(shop) == {"2026-11": 19}
    check(shop)


# ---- Rising and falling


def test_the_tier_rises_with_the_entry_and_counts_from_the_next_purchase() -> None:
    shop = office()
    buy(shop, "1000.00", 1)
    entry = shop.memory.chain(ADA)[-1]
    assert (entry.posting.type, entry.posting.details["tier"]) == ("maturation", "silver")
    assert (shop.balances()[1], tier(shop)) == (1_000, "silver")
    buy(shop, "100.00", 2)
    assert shop.balances()[1] == 1_125
    assert due(shop) == [f"{ADA} 2026-12-01"]
    check(shop)


def test_a_refund_lowers_nothing_before_the_grace_is_over() -> None:
    shop = office()
    buy(shop, "1000.00")
    shop.tell(refunded("1.00", at=NOVEMBER))
    assert tier(shop) == "silver"
    wait(shop, "2026-12-21T23:59:00")
    assert review(shop) == (1, 0)
    assert tier(shop) == "silver"
    wait(shop, "2026-12-22T00:00:00")
    assert review(shop)[1] == 1
    assert tier(shop) is None
    entry = shop.memory.chain(ADA)[-1].posting
    assert (entry.type, entry.reason, entry.details) == (
        "change",
        "tier_review",
        {"tier": "", "former_tier": "silver"},
    )
    assert review(shop)[1] == 0
    check(shop)


def test_points_that_come_back_in_time_keep_the_tier() -> None:
    shop = office()
    buy(shop, "1000.00")
    shop.tell(refunded("200.00", at=NOVEMBER))
    wait(shop, "2026-12-10T00:00:00")
    buy(shop, "160.00", 2)
    assert shop.memory.chain(ADA)[-1].state.standing.fell_on is None
    wait(shop, "2027-01-15T00:00:00")
    review(shop)
    assert tier(shop) == "silver"
    check(shop)


@pytest.mark.parametrize("sweeps", [("2027-12-02", "2027-12-31"), ("2028-03-01",), ("2031-01-01",)])
def test_the_window_moves_on_and_the_sweep_may_be_late(sweeps: tuple[str, ...]) -> None:
    shop = office()
    buy(shop, "1000.00")
    for day in ("2026-12-01", "2027-03-01", "2027-11-30"):
        wait(shop, f"{day}T06:00:00")
        review(shop)
        assert tier(shop) == "silver"
    for day in sweeps:
        wait(shop, f"{day}T06:00:00")
        review(shop)
    assert tier(shop) is None
    wait(shop, "2031-02-01T06:00:00")
    assert review(shop)[1] == 0
    check(shop)


def test_a_look_that_finds_nothing_reads_once() -> None:
    shop = office()
    buy(shop, "10.00")
    shop.store.requests.clear()
    assert shop.reviewing.visit(f"{ADA} 2026-12-01", now=NOVEMBER, actor="s") == 0
    assert shop.reviewing.visit("nobody 2026-12-01", now=NOVEMBER, actor="s") == 0
    assert shop.store.requests == ["head", "head"]


# ---- Memberships and grants


def test_a_membership_that_is_bought_begins_when_it_is_paid_and_ends_on_its_day() -> None:
    shop = office()
    shop.tell(posted(line("90.00", item="CIRCLE"), id="c", at=NOVEMBER))
    assert tier(shop) is None
    shop.tell(paid("90.00", "p", id="c", at=NOVEMBER))
    assert tier(shop) == "gold"
    wait(shop, "2026-12-22T23:00:00")
    assert tier(shop) == "gold"
    wait(shop, "2026-12-23T00:00:00")
    assert tier(shop) is None, "though no review has come yet"
    buy(shop, "100.00", 7)
    assert shop.balances()[1] == 190
    assert review(shop)[1] in (0, 1)
    assert shop.memory.chain(ADA)[-1].state.standing.grants == ()
    check(shop)


@pytest.mark.parametrize("undoing", ["refund", "void", "bounce"])
def test_a_membership_that_is_given_back_ends(undoing: str) -> None:
    shop = office()
    shop.tell(
        posted(line("90.00", item="CIRCLE"), line("10.00", id="2"), id="c", at=NOVEMBER),
        paid("100.00", "p", id="c", at=NOVEMBER),
    )
    assert tier(shop) == "gold"
    shop.tell(refunded(lines={"2": "10.00"}, refund="other", id="c", at=NOVEMBER))
    assert tier(shop) == "gold", "another line was given back"
    facts: dict[str, Fact] = {
        "refund": refunded(lines={"1": "90.00"}, id="c", at=NOVEMBER),
        "void": voided(id="c", at=NOVEMBER),
        "bounce": bounced("p", id="c", at=NOVEMBER),
    }
    shop.tell(facts[undoing])
    assert tier(shop) is None
    check(shop)


def test_staff_give_a_membership_once() -> None:
    shop = office()
    shop.enrol("ada")
    given = shop.give_membership("club", key="k")
    assert given.result == {
        "member_id": ADA,
        "membership_id": "club",
        "tier": "silver",
        "last_day": "2027-11-22",
        "entry": 2,
    }
    again = shop.give_membership("club", key="k")
    assert (again.result, again.replayed) == (given.result, True)
    with pytest.raises(IdempotencyKeyReusedError):
        shop.give_membership("circle", key="k")
    assert len(shop.memory.chain(ADA)) == 2
    check(shop)


def test_a_membership_needs_a_member_and_the_program() -> None:
    shop = office()
    shop.enrol("ada")
    with pytest.raises(NotFoundError):
        shop.give_membership("club", BOB)
    with pytest.raises(NotFoundError):
        shop.give_membership("guild")
    for _ in range(MAX_GRANTS):
        shop.give_membership("club")
    with pytest.raises(LimitExceededError):
        shop.give_membership("club")
    shop.put_standing(ADA, "frozen")
    with pytest.raises(MemberInactiveError):
        shop.give_membership("club")
    check(shop)


def test_a_reward_gives_a_tier_and_its_reversal_takes_it_back() -> None:
    shop = office()
    buy(shop, "500.00")
    reward = shop.add_reward(points=100, grants=RewardGrant(tier="gold", months=3))
    redeemed = shop.redeem(kind="reward", reward_id=reward)
    standing = shop.memory.chain(ADA)[-1].state.standing
    assert (standing.tier, [g.last_day for g in standing.grants]) == ("gold", [date(2027, 2, 22)])
    shop.go_on("reverse", redeemed, 40)
    assert tier(shop) == "gold"
    shop.go_on("reverse", redeemed, 60)
    assert (tier(shop), shop.memory.chain(ADA)[-1].state.standing.grants) == (None, ())
    check(shop)


def test_a_grant_ends_although_the_program_has_no_tiers_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = office()
    buy(shop, "500.00")
    reward = shop.add_reward(points=100, grants=RewardGrant(tier="gold", months=3))
    shop.redeem(kind="reward", reward_id=reward)
    without = replace(shop.programs.version(1), tiers=(), memberships=())
    monkeypatch.setattr(shop.programs, "version", lambda _number: without)
    wait(shop, "2027-02-24T06:15")
    assert review(shop) == (1, 1)
    assert (tier(shop), shop.memory.chain(ADA)[-1].state.standing.grants) == (None, ())
    assert due(shop) == [f"{ADA} 2027-02-23"], "nothing more is to come"


# ---- Merging


def test_a_merge_adds_the_points_and_keeps_the_higher_tier() -> None:
    shop = office()
    shop.enrol("ada", key="a")
    shop.enrol("bob", key="b", name="Bob")
    shop.tell(posted("600.00", id="a", at=NOVEMBER), paid("600.00", "pa", id="a", at=NOVEMBER))
    shop.tell(
        posted("700.00", id="b", at=NOVEMBER, customer="bob"),
        paid("700.00", "pb", id="b", at=NOVEMBER),
    )
    shop.give_membership("circle", ADA)
    shop.merge(ADA, BOB)
    entry = shop.memory.chain(BOB)[-1]
    assert months(shop, BOB) == {"2026-11": 1_300}
    assert (entry.state.standing.tier, entry.state.standing.points_tier) == ("gold", "silver")
    assert entry.posting.details["tier"] == "gold"
    assert shop.memory.chain(ADA)[-1].state.standing.grants == ()
    shop.tell(refunded("600.00", id="a", at=NOVEMBER))
    assert months(shop, BOB) == {"2026-11": 700}
    assert review(shop)[1] == 0
    check(shop)


# ---- Benefits


def test_benefits_say_what_the_tier_gives_and_how_far_the_next_is() -> None:
    perks = (
        Benefit(id="all", description="Birthday card"),
        Benefit(id="few", description="Lounge", tiers=frozenset({"gold"})),
    )
    shop = office(replace(rules(), benefits=perks))
    buy(shop, "1100.00")
    _, found, _ = shop.queries.benefits(ADA)
    assert ([each.id for each in found.benefits], found.tier_id) == (["all"], "silver")
    assert found.tier_until is None
    progress = found.progress
    assert (progress.qualifying_points, progress.next_tier, progress.points_needed) == (
        1_100,
        "gold",
        900,
    )
    assert (progress.begins, progress.ends) == (date(2025, 11, 1), date(2026, 11, 30))
    shop.give_membership("circle")
    _, found, _ = shop.queries.benefits(ADA)
    assert ([each.id for each in found.benefits], found.tier_id) == (["all", "few"], "gold")
    assert found.tier_until == date(2026, 12, 22)
    shop.tell(refunded("200.00", at=NOVEMBER))
    wait(shop, "2026-12-23T06:00:00")
    _, found, _ = shop.queries.benefits(ADA)
    assert (found.tier_id, found.tier_until) == ("silver", date(2026, 12, 23))


def test_a_reward_that_waits_for_approval_gives_its_tier_when_it_is_approved() -> None:
    by = rules()
    shop = office(replace(by, redemption=replace(by.redemption, approval_above_points=50)))
    buy(shop, "500.00")
    reward = shop.add_reward(points=100, grants=RewardGrant(tier="gold", months=3))
    asked = shop.redeem(kind="reward", reward_id=reward)
    assert (asked.result["status"], tier(shop)) == ("awaiting_approval", None)
    shop.decide(asked.result["approval_id"])
    assert tier(shop) == "gold"
    entry = shop.memory.chain(ADA)[-1].posting
    assert (entry.type, entry.details["tier"]) == ("capture", "gold")
    check(shop)
