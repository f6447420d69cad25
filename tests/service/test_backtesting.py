"""Backtests of a draft: what it would have given, counted once whatever happens to the workers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from points_ledger.domain.backtest import UNATTRIBUTED
from points_ledger.domain.error import IdempotencyKeyReusedError, NotFoundError
from points_ledger.domain.identity import MemberId, SimulationId
from points_ledger.domain.program import Program, Tier
from points_ledger.domain.tally import MAX_LISTED_MEMBERS, Both, Change, Tally
from points_ledger.service import backtest_job
from points_ledger.service.backtest_job import INTERRUPTED, MAX_ATTEMPTS
from tests.builders import (
    after,
    campaign,
    line,
    match,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    voided,
)
from tests.service.backtests import Backtests
from tests.service.desk import ADA, BOB, Desk
from tests.service.registry import Registry

DOUBLED = program(rule(2, "1.00"))
OPEN = replace(program(), sharing_within="anyone")


def backtests(rules: Program | None = None) -> Backtests:
    return Backtests(Desk(rules or program()))


def numbers(tally: Tally) -> tuple[int, int]:
    return tally.issued.actual, tally.issued.draft


def test_the_program_in_force_gives_what_was_given() -> None:
    bench = backtests()
    bench.desk.tell(posted("50.00"), paid("50.00"), posted("20.00", id="other"))
    tally = bench.of(program())
    assert tally.issued == tally.owed == tally.rules["base"] == Both(actual=70, draft=70)
    assert (tally.members, tally.earnings, tally.gainers, tally.losers) == (1, 2, [], [])
    assert not tally.tiers


def test_a_draft_of_doubled_points_gives_twice_as_many() -> None:
    bench = backtests()
    bench.desk.tell(posted("50.00"), posted("7.50", id="other", customer="ben"))
    tally = bench.of(DOUBLED)
    assert tally.issued == tally.rules["base"] == Both(actual=57, draft=115)
    assert tally.gainers == [Change(ADA, 50, 100), Change(BOB, 7, 15)]


def test_rules_that_come_and_go_stand_side_by_side() -> None:
    bench = backtests()
    bench.desk.tell(posted("50.00"))
    tally = bench.of(program(rule(1, "10.00", id="tenth"), rule(3, id="thanks")))
    assert tally.rules == {"base": Both(actual=50), "tenth": Both(draft=5), "thanks": Both(draft=3)}
    assert tally.losers == [Change(ADA, 50, 8)]


def test_what_earned_nothing_may_earn_by_the_draft() -> None:
    bench = backtests(program(rule(1, "1.00", match=match(categories=["retail"]))))
    bench.desk.tell(posted(line("30.00", category="service")))
    tally = bench.of(program(rule(1, "1.00", id="all")))
    assert numbers(tally) == (0, 30)
    assert tally.gainers == [Change(ADA, 0, 30)]


def test_a_purchase_that_comes_to_earn_is_counted_once() -> None:
    bench = backtests(program(rule(1, "1.00", match=match(categories=["retail"]))))
    bench.desk.tell(
        posted(line("30.00", category="service")),
        posted(line("30.00", category="retail"), updated_at=after(hours=1)),
    )
    assert bench.desk.types() == ["enrolment", "accrual"]
    assert numbers(bench.of(DOUBLED)) == (30, 60)


def test_in_analysis_mode_what_is_reported_counts_and_nothing_is_owed() -> None:
    bench = backtests(program(mode="analysis"))
    bench.desk.tell(posted("30.00"))
    tally = bench.of(replace(DOUBLED, mode="analysis"))
    assert numbers(tally) == (30, 60)
    assert tally.owed == Both()
    assert bench.of(DOUBLED).owed == Both(actual=0, draft=60)


def test_the_period_is_that_of_the_purchases_not_of_their_recording() -> None:
    bench = backtests()
    bench.desk.tell(posted("10.00", id="before", at=after(days=-9)))
    bench.desk.tell(posted("20.00", id="begin", at=after(days=-8)))
    bench.desk.tell(posted("40.00", id="end", at=after(days=-7)))
    tally = bench.of(program(), begins=after(days=-8), ends=after(days=-7))
    assert numbers(tally) == (20, 20)


def test_refunds_and_voids_count_as_they_are_now() -> None:
    bench = backtests()
    bench.desk.tell(
        posted("50.00"), refunded("20.00"), posted("9.00", id="gone"), voided(id="gone")
    )
    assert numbers(bench.of(DOUBLED)) == (30, 60)


def test_actions_earn_by_the_draft() -> None:
    bench = backtests(program(rule(100, id="signup", action="signup", limit=(1, "lifetime"))))
    bench.desk.tell(performed("signup", id="1"), performed("signup", id="2"))
    more = program(rule(150, id="signup", action="signup", limit=(2, "lifetime")))
    assert numbers(bench.of(more)) == (100, 300)


def test_a_cap_of_the_draft_fills_up_in_the_order_of_the_purchases() -> None:
    rules = program(campaigns=[campaign(multiplier="2", member_cap_points=500)])
    bench = backtests(rules)
    bench.desk.tell(posted("500.00", id="a"), posted("200.00", id="b"))
    bench.desk.tell(refunded("500.00", id="a"), posted("200.00", id="c"))
    # A 500 and B nothing; then A was given back and C got its 200: B stays without.
    assert numbers(bench.of(rules)) == (600, 600)
    tighter = program(campaigns=[campaign(multiplier="2", member_cap_points=150)])
    assert bench.of(tighter).rules["campaign"] == Both(actual=200, draft=150)


def test_points_that_were_shared_are_issued_once_and_gained_by_each() -> None:
    bench = backtests(OPEN)
    bench.desk.tell(posted("1.00", id="first"), posted("1.00", id="second", customer="ben"))
    bench.desk.share({ADA: 60, BOB: 40})
    bench.desk.tell(posted("100.00"))
    tally = bench.of(DOUBLED)
    assert numbers(tally) == (102, 204)
    assert tally.gainers == [Change(ADA, 61, 122), Change(BOB, 41, 82)]


def test_an_earner_without_a_share_is_found_all_the_same() -> None:
    bench = backtests(OPEN)
    bench.desk.tell(posted("1.00", id="first"), posted("1.00", id="second", customer="ben"))
    bench.desk.share({BOB: 100})
    bench.desk.tell(posted("100.00"))
    tally = bench.of(DOUBLED)
    assert numbers(tally) == (102, 204)
    assert tally.gainers == [Change(BOB, 101, 202), Change(ADA, 1, 2)]


def test_a_member_who_was_merged_counts_as_one() -> None:
    bench = backtests()
    bench.desk.tell(posted("10.00", id="a"), posted("20.00", id="b", customer="ben"))
    bench.desk.merge(ADA, BOB)
    bench.desk.tell(posted("40.00", id="c"))
    tally = bench.of(DOUBLED)
    assert numbers(tally) == (70, 140)
    assert tally.gainers == [Change(BOB, 70, 140)]
    assert tally.members == 1


def test_what_an_erased_member_has_had_stays_what_it_is() -> None:
    registry = Registry()  # Ada has earned 100, Bob 20.
    registry.desk.tell(posted("50.00"))
    registry.erase()
    registry.desk.tell(refunded("50.00"))
    tally = Backtests(registry.desk).of(DOUBLED)
    # The refund is stored and took nothing back; no rule gives these points any more.
    assert tally.rules == {
        "base": Both(actual=120, draft=240), UNATTRIBUTED: Both(actual=50, draft=50)
    }  # fmt: skip


def test_unpaid_points_that_lapse_are_owed_to_nobody() -> None:
    lapsing = program(cancel_unpaid_after="P10D")
    bench = backtests(lapsing)
    bench.desk.tell(posted("50.00"), posted("30.00", id="paid"), paid("30.00", id="paid"))
    bench.desk.wait(after(days=11))
    assert bench.of(lapsing).owed == Both(actual=30, draft=30)
    patient = program(cancel_unpaid_after="P20D")
    assert bench.of(patient).owed == Both(actual=30, draft=80)


def tiered(silver: int) -> Program:
    rules = program(tiers={"silver": "2"})
    return replace(rules, tiers=(Tier(id="silver", points=silver, multiplier=Decimal(2)),))


def test_a_lower_threshold_moves_members_and_multiplies_what_they_earn_then() -> None:
    bench = backtests(tiered(100))
    bench.desk.tell(posted("60.00", id="a"), paid("60.00", id="a"))
    bench.desk.wait(after(days=1))
    bench.desk.tell(posted("30.00", id="b", at=after(days=1)))
    tally = bench.of(tiered(50))
    assert tally.rules == {
        "base": Both(actual=90, draft=90), "tier:silver": Both(actual=0, draft=30)
    }  # fmt: skip
    assert tally.tiers == {(None, "silver"): 1}


def test_more_points_reach_a_tier_sooner() -> None:
    bench = backtests(tiered(100))
    bench.desk.tell(posted("60.00", id="a"), paid("60.00", id="a"))
    bench.desk.wait(after(days=1))
    bench.desk.tell(posted("30.00", id="b", at=after(days=1)))
    doubled = replace(tiered(100), rules=DOUBLED.rules)
    tally = bench.of(doubled)
    assert numbers(tally) == (90, 120 + 2 * 60)
    assert tally.tiers == {(None, "silver"): 1}


def test_a_tier_that_the_draft_does_not_know_is_lost() -> None:
    bench = backtests(tiered(50))
    bench.desk.tell(posted("60.00"), paid("60.00"))
    tally = bench.of(program())
    assert tally.tiers == {("silver", None): 1}


def test_the_ten_who_change_most_are_named() -> None:
    bench = backtests()
    for number in range(1, 14):
        bench.desk.tell(posted(f"{number}.00", id=f"p{number}", customer=f"c{number}"))
    tally = bench.of(DOUBLED)
    assert (tally.gaining, len(tally.gainers)) == (13, MAX_LISTED_MEMBERS)
    assert [change.gain for change in tally.gainers] == list(range(13, 3, -1))


# --- Workers --------------------------------------------------------------------------------


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Backtests:
    """Thirty members in pages of a few."""
    monkeypatch.setattr(backtest_job, "PAGE_MEMBERS", 2)
    monkeypatch.setattr(backtest_job, "LISTED_MEMBERS", 2)
    bench = backtests()
    for number in range(30):
        bench.desk.tell(posted(f"{number + 1}.00", id=f"p{number}", customer=f"c{number}"))
    return bench


def test_a_backtest_goes_on_where_its_worker_was_stopped(crowd: Backtests) -> None:
    at_once = crowd.of(DOUBLED)
    simulation_id = crowd.start(DOUBLED)
    progress = [crowd.show(simulation_id).progress]
    while crowd.work(simulation_id, pages=1) == "out_of_time":
        progress.append(crowd.show(simulation_id).progress)
    assert crowd.show(simulation_id).tally == at_once
    assert numbers(at_once) == (465, 930)
    assert len(progress) > 10
    assert progress == sorted(progress)
    assert (progress[0], crowd.show(simulation_id).progress) == (0, 1)


def test_a_worker_that_is_killed_between_any_two_requests_loses_nothing(crowd: Backtests) -> None:
    at_once = crowd.of(DOUBLED)
    simulation_id = crowd.start(DOUBLED)
    requests = 0
    while crowd.show(simulation_id).simulation.status == "running":
        requests += 1
        allowed = iter(range(requests % 7 + 3))

        def die(kind: str, allowed: object = allowed) -> None:
            if next(allowed, None) is None:  # type: ignore[call-overload]  # an iterator
                raise KeyboardInterrupt(kind)

        crowd.desk.store.let_others_in, before = die, crowd.desk.store.let_others_in  # type: ignore[method-assign]  # killed
        try:
            crowd.work(simulation_id)
        except KeyboardInterrupt:
            pass
        finally:
            crowd.desk.store.let_others_in = before  # type: ignore[method-assign]  # as it was
    assert crowd.show(simulation_id).simulation.status == "done"
    assert crowd.show(simulation_id).tally == at_once


def test_two_workers_at_once_count_nothing_twice(crowd: Backtests) -> None:
    at_once = crowd.of(DOUBLED)
    simulation_id = crowd.start(DOUBLED)
    # Before each page is stored, the other worker stores one or more.
    for pages in (1, 2, 1, 3):
        crowd.desk.store.meanwhile["commit"] = partial(crowd.work, simulation_id, pages=pages)
        crowd.work(simulation_id, pages=2)
    crowd.work(simulation_id)
    assert crowd.show(simulation_id).tally == at_once


def test_a_message_too_many_changes_nothing(crowd: Backtests) -> None:
    simulation_id = crowd.start(DOUBLED)
    assert crowd.work(simulation_id) == "done"
    before = crowd.show(simulation_id)
    assert crowd.work(simulation_id) == "done"
    assert crowd.show(simulation_id) == before


def test_a_backtest_of_which_workers_die_without_a_page_is_given_up(crowd: Backtests) -> None:
    simulation_id = crowd.start(DOUBLED)
    for _ in range(MAX_ATTEMPTS):
        assert crowd.work(simulation_id, pages=0) == "out_of_time"
    assert crowd.work(simulation_id, pages=0) == "failed"
    simulation = crowd.show(simulation_id).simulation
    assert (simulation.status, simulation.reason) == ("failed", INTERRUPTED)


def test_an_unknown_backtest_is_nothing_to_work_on() -> None:
    assert backtests().work(SimulationId("never")) == "unknown"
    with pytest.raises(NotFoundError):
        backtests().show(SimulationId("never"))


def test_a_backtest_that_cannot_be_counted_says_why(
    crowd: Backtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("points_ledger.service.tracing.MAX_PAGES", 0)
    simulation_id = crowd.start(DOUBLED)
    assert crowd.work(simulation_id) == "failed"
    assert crowd.show(simulation_id).simulation.reason == "limit_exceeded"


# --- Asking ---------------------------------------------------------------------------------


def test_the_same_key_is_the_same_backtest_and_sends_again() -> None:
    bench = backtests()
    first = bench.start(DOUBLED, key="key-1")
    assert bench.start(DOUBLED, key="key-1") == first
    assert bench.sent == [first, first]
    with pytest.raises(IdempotencyKeyReusedError):
        bench.start(DOUBLED, key="key-1", ends=after(days=1))


def test_without_a_key_each_is_a_backtest_of_its_own() -> None:
    bench = backtests()
    assert bench.start(DOUBLED) != bench.start(DOUBLED)


def test_a_backtest_writes_nothing_but_itself() -> None:
    bench = backtests()
    bench.desk.tell(posted("50.00"), paid("50.00"))
    before = bench.desk.memory.snapshot()
    simulation_id = bench.start(DOUBLED)
    bench.work(simulation_id)
    now = bench.desk.memory.snapshot()
    assert (now.chains, now.markers, now.lists) == (before.chains, before.markers, before.lists)
    added = {key: item for key, item in now.items.items() if key not in before.items}
    assert {type(item).__name__ for item in added.values()} == {"Simulation", "SimulationDraft"}


def test_members_are_in_the_directory_from_their_first_entry_on() -> None:
    bench = backtests()
    bench.desk.enrol(name="Bob")
    bench.desk.tell(posted("50.00"))
    assert bench.of(program()).members == 2
    assert MemberId("member-1") == ADA
    assert bench.of(program(), ends=after(days=-1) + timedelta(hours=1)).earnings == 0
