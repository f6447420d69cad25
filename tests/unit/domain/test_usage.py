"""Counters of limits and caps: what counts, what is given back, and what is dropped in time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from points_ledger.domain.identity import MemberId
from points_ledger.domain.merge import Merging, opening
from points_ledger.domain.program import LimitPeriod, Program
from points_ledger.domain.replay import replay
from points_ledger.domain.state import State, encode_state
from points_ledger.domain.usage import (
    KEPT_DAYS,
    KEPT_PERIODS,
    is_forgotten,
    limit_counter_of,
    within_bounds,
)
from points_ledger.domain.verification import Book, verify
from tests.builders import (
    DAY,
    START,
    World,
    after,
    campaign,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    voided,
)

TODAY = START.date()
DAILY = program(rule(5, action="review", limit=(1, "day")))


def used(world: World) -> dict[str, int]:
    """The counters of limits and caps on the account."""
    counters = world.state().counters.items()
    return {name: value for name, value in counters if name.startswith(("used:", "over:"))}


def reviews(world: World, *days: int) -> None:
    for day in days:
        world.tell(performed("review", id=f"day {day}", at=after(days=day)), now=after(days=day))


def counted(names: int, per: LimitPeriod = "day") -> dict[str, int]:
    apart = {"day": 1, "month": 31, "year": 366}[per]
    return {limit_counter_of("r", per, TODAY - n * apart * DAY): 1 for n in range(names)}


def bounded(
    counters: Mapping[str, int],
    change: Mapping[str, int],
    *,
    in_force: Program = DAILY,
    today: date = TODAY,
    forgets: bool = True,
) -> dict[str, int]:
    """What is left of counters after a change."""
    state = State(counters=counters)
    taken = within_bounds(change, state, in_force=in_force, today=today, forgets=forgets)
    after_change = {n: state.counter(n) + taken.get(n, 0) for n in {**counters, **taken}}
    return {name: value for name, value in after_change.items() if value}


# ---- Limits in their periods


@pytest.mark.parametrize(
    ("per", "first", "second", "earns_twice"),
    [
        # Midnight in Chicago is 06:00 UTC in winter and 05:00 UTC in summer.
        ("day", "2026-01-15T05:59:59Z", "2026-01-15T06:00:00Z", True),
        ("day", "2026-01-15T06:00:00Z", "2026-01-16T05:59:59Z", False),
        ("day", "2026-07-15T04:59:59Z", "2026-07-15T05:00:00Z", True),
        ("day", "2026-07-15T05:00:00Z", "2026-07-16T04:59:59Z", False),
        # 8 March has 23 hours, 1 November 25.
        ("day", "2026-03-08T06:00:00Z", "2026-03-09T04:59:59Z", False),
        ("day", "2026-03-08T06:00:00Z", "2026-03-09T05:00:00Z", True),
        ("day", "2026-11-01T05:00:00Z", "2026-11-02T05:59:59Z", False),
        ("day", "2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z", True),
        ("month", "2026-02-01T06:00:00Z", "2026-03-01T05:59:59Z", False),
        ("month", "2026-03-01T05:59:59Z", "2026-03-01T06:00:00Z", True),
        ("month", "2026-11-01T04:59:59Z", "2026-11-01T05:00:00Z", True),
        ("year", "2026-01-01T06:00:00Z", "2027-01-01T05:59:59Z", False),
        ("year", "2027-01-01T05:59:59Z", "2027-01-01T06:00:00Z", True),
        ("lifetime", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", False),
    ],
)
def test_a_limit_counts_by_periods_of_the_zone(
    per: LimitPeriod, first: str, second: str, earns_twice: bool
) -> None:
    world = World(
        program(rule(5, action="review", limit=(1, per)), zone="America/Chicago"),
        now=datetime(2031, 1, 1, tzinfo=UTC),
    )
    for number, at in enumerate((first, second)):
        world.tell(performed("review", id=str(number), at=datetime.fromisoformat(at)))
    assert world.state().counter("earned") == (10 if earns_twice else 5)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_rule_counts_as_often_as_its_limit_says(times: int) -> None:
    world = World(program(rule(5, action="review", limit=(times, "lifetime"))))
    for number in range(7):
        world.tell(performed("review", id=str(number)))
    assert world.state().counter("earned") == 5 * times


def first_sale_bonus() -> World:
    """1 per 1.00, and 50 on the first purchase of each day."""
    return World(program(rule(1, "1.00"), rule(50, id="first", limit=(1, "day"))))


def test_a_limit_on_purchases_counts_the_purchases_that_the_rule_gives_something() -> None:
    world = first_sale_bonus()
    world.tell(posted("10.00", id="1"), posted("10.00", id="2"))
    world.tell(posted("10.00", id="3", at=after(days=1)), now=after(days=1))
    assert world.balances().pending == 60 + 10 + 60


@pytest.mark.parametrize("taken_back", [voided(id="1"), refunded("10.00", id="1")])
def test_a_purchase_that_goes_gives_its_place_to_a_later_one(taken_back: object) -> None:
    world = first_sale_bonus()
    world.tell(posted("10.00", id="1"), posted("10.00", id="2"))
    world.tell(taken_back)  # type: ignore[arg-type]  # one of two facts
    assert used(world) == {}
    world.tell(posted("10.00", id="3"))
    assert world.balances().pending == 0 + 10 + 60


def test_a_partial_refund_keeps_the_place_and_the_bonus() -> None:
    world = first_sale_bonus()
    world.tell(posted("10.00", id="1"), refunded("4.00", id="1"), posted("10.00", id="2"))
    assert world.balances().pending == 56 + 10
    assert used(world) == {"used:rule:first:2026-03-02": 1}


def test_a_refund_below_the_step_of_a_limited_rule_gives_the_place_back() -> None:
    stepped = rule(10, "50.00", id="step", rounding="step", limit=(1, "month"))
    world = World(program(stepped))
    world.tell(posted("60.00", id="1"), refunded("20.00", id="1"), posted("60.00", id="2"))
    assert world.balances().pending == 0 + 10


def test_a_purchase_that_moves_to_another_day_counts_there() -> None:
    world = first_sale_bonus()
    world.tell(posted("10.00", at=after(days=2)), now=after(days=2))
    world.tell(posted("10.00", at=after(days=1), updated_at=after(days=2, hours=1)))
    assert used(world) == {"used:rule:first:2026-03-03": 1}


# ---- Bounds


def test_only_the_newest_periods_of_a_rule_stay() -> None:
    world = World(DAILY)
    reviews(world, *range(60))
    days = sorted(name[-10:] for name in used(world))
    newest = [(START + n * DAY).date().isoformat() for n in range(60 - KEPT_PERIODS["day"], 60)]
    assert days == newest
    assert world.state().counter("earned") == 60 * 5


def test_what_is_dropped_is_dropped_by_the_entry_that_adds() -> None:
    world = World(DAILY)
    reviews(world, *range(KEPT_PERIODS["day"] + 1))
    assert world.last("accrual").counters == {
        "earned": 5,
        "used:rule:base:2026-04-02": 1,
        "used:rule:base:2026-03-02": -1,
    }


@pytest.mark.parametrize("per", ["day", "month", "year"])
def test_each_kind_of_period_has_its_bound(per: LimitPeriod) -> None:
    newest = {limit_counter_of("r", per, TODAY): 1}
    rules = program(rule(1, id="r", limit=(1, per)))
    left = bounded(counted(90, per), newest, in_force=rules)
    assert sorted(left) == sorted(counted(90, per))[-KEPT_PERIODS[per] :]


def test_a_whole_life_is_never_dropped() -> None:
    limited = [rule(1, id=f"r{n}", action="review", limit=(1, "lifetime")) for n in range(9)]
    world = World(program(*limited))
    world.tell(performed("review"))
    world.tell(performed("review", id="later", at=after(days=900)), now=after(days=900))
    assert len(used(world)) == 9
    assert world.state().counter("earned") == 9


def test_the_account_stays_small_however_long_somebody_comes_every_day() -> None:
    rules = program(
        rule(5, id="check-in", action="review", limit=(1, "day")),
        rule(5, id="monthly", action="review", limit=(1, "month")),
        rule(5, id="yearly", action="review", limit=(1, "year")),
        expires_after=None,
    )
    world = World(rules)
    reviews(world, *range(800))
    assert len(used(world)) == 31 + 12 + 3
    assert len(encode_state(world.state())) < 2_500


def test_in_a_period_that_is_not_counted_any_more_a_limit_is_used_up() -> None:
    world = World(DAILY)
    reviews(world, *range(1, KEPT_PERIODS["day"] + 2))
    earned = world.state().counter("earned")
    world.tell(performed("review", id="late", at=after(days=1)))
    world.tell(performed("review", id="very late", at=START))
    assert world.state().counter("earned") == earned


def test_days_in_any_order_earn_the_same_while_they_are_counted() -> None:
    for order in (range(14), reversed(range(14)), (3, 9, 1, 13, 0, 5, 2, 12, 7, 4, 6, 8, 11, 10)):
        world = World(DAILY, now=after(days=14))
        for day in order:
            world.tell(performed("review", id=f"day {day}", at=after(days=day)))
            world.tell(performed("review", id=f"again {day}", at=after(days=day)))
        assert world.state().counter("earned") == 14 * 5


def test_a_late_return_of_a_dropped_period_takes_nothing_below_zero() -> None:
    world = World(program(rule(50, id="first", limit=(1, "day"))))
    count = KEPT_PERIODS["day"] + 3
    for day in range(count):
        world.tell(posted("10.00", id=f"p{day}", at=after(days=day)), now=after(days=day))
    world.tell(voided(id="p0"), voided(id=f"p{count - 1}"))
    assert all(value > 0 for value in used(world).values())
    assert len(used(world)) == KEPT_PERIODS["day"] - 1
    assert world.balances().pending == 50 * (count - 2)
    assert replay(world.entries[MemberId("ada")]) == world.state()


def test_is_forgotten_looks_at_the_same_rule_and_kind_of_period() -> None:
    old = limit_counter_of("r", "day", date(2020, 1, 1))
    others = {limit_counter_of("s", "day", TODAY - n * DAY): 1 for n in range(50)}
    others |= counted(12, "month")
    assert not is_forgotten(old, others)
    assert is_forgotten(old, {**others, **counted(KEPT_PERIODS["day"])})
    assert not is_forgotten(old, counted(KEPT_PERIODS["day"] - 1))
    assert not is_forgotten(old, {old: 1, **counted(90)})
    assert not is_forgotten("used:rule:r:", counted(90))


# ---- Rules and campaigns that are gone

KEPT_UNTIL = START + KEPT_DAYS * DAY


def test_periods_of_a_former_rule_go_some_time_after_they_ended() -> None:
    former = {"used:rule:gone:2026-03": 1, "used:rule:gone:": 1, "used:campaign:x": 1}
    add = {"used:rule:base:2026-03-02": 1}
    april = date(2026, 3, 31) + timedelta(days=KEPT_DAYS)
    assert "used:rule:gone:2026-03" in bounded(former, add, today=april)
    assert "used:rule:gone:2026-03" not in bounded(former, add, today=april + DAY)
    assert "used:rule:gone:" in bounded(former, add, today=april + DAY)


def test_the_last_period_of_a_rule_that_is_still_there_stays() -> None:
    old = {"used:rule:base:2020-01-01": 1}
    assert bounded(old, {"used:campaign:x": 1})["used:rule:base:2020-01-01"] == 1


def test_a_campaign_that_ended_long_ago_goes() -> None:
    spring = campaign("spring", member_cap_points=9, ends=datetime(2026, 4, 1))  # noqa: DTZ001
    rules = replace(DAILY, campaigns=(spring,))
    add = {"used:rule:base:2026-03-02": 1}
    last = date(2026, 4, 1) + timedelta(days=KEPT_DAYS)
    before = {"used:campaign:spring": 9}
    assert bounded(before, add, in_force=rules, today=last) == {**before, **add}
    assert bounded(before, add, in_force=rules, today=last + DAY) == add


def test_a_campaign_that_left_the_program_goes_some_time_after_that_was_seen() -> None:
    add = {"used:rule:base:2026-03-02": 1}
    seen = bounded({"used:campaign:spring": 9}, add)
    assert seen == {"used:campaign:spring": 9, "over:spring": TODAY.toordinal(), **add}
    last = TODAY + timedelta(days=KEPT_DAYS)
    assert bounded(seen, add, today=last)["used:campaign:spring"] == 9
    assert bounded(seen, {"used:rule:base:2027": 1}, today=last + DAY) == {
        **add,
        "used:rule:base:2027": 1,
    }


def test_a_campaign_that_comes_back_is_not_over() -> None:
    rules = replace(DAILY, campaigns=(campaign("spring", member_cap_points=9),))
    seen = {"used:campaign:spring": 9, "over:spring": TODAY.toordinal() - 300}
    add = {"used:rule:base:2026-03-02": 1}
    assert bounded(seen, add, in_force=rules) == {"used:campaign:spring": 9, **add}


def test_what_falls_drops_nothing() -> None:
    counters = {**counted(90), "used:campaign:gone": 3}
    assert bounded(counters, {"used:campaign:gone": -1}) == {**counted(90), "used:campaign:gone": 2}


def test_entries_of_before_drop_nothing() -> None:
    counters = counted(90)
    add = {"used:rule:base:2026-03-02": 1}
    assert bounded(counters, add, forgets=False) == {**counters, **add}


def test_a_merge_leaves_behind_since_when_campaigns_are_over() -> None:
    source = State(counters={"used:campaign:gone": 3, "over:gone": 700_000})
    target = State(counters={"used:campaign:gone": 4, "over:gone": 700_100})
    merged = opening(
        Merging(
            source_id=MemberId("source"),
            source=source,
            target_id=MemberId("target"),
            target=target,
            program=DAILY,
            now=START,
            actor="test",
        )
    )
    assert merged.counters == {"used:campaign:gone": 3}


# ---- Receipts


def test_entries_that_drop_counters_are_verified() -> None:
    extra = campaign("c", points=1, member_cap_points=3)
    world = World(program(rule(50, id="first", limit=(1, "day")), campaigns=[extra]))
    for day in range(KEPT_PERIODS["day"] + 3):
        world.tell(posted("10.00", id=f"p{day}", at=after(days=day)), now=after(days=day))
        world.tell(paid("10.00", id=f"p{day}", at=after(days=day)))
    world.tell(voided(id="p0"), refunded("10.00", id="p1"), voided(id="p30"))
    assert verified(world)


def test_entries_of_before_which_dropped_none_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(DAILY)
    with monkeypatch.context() as patched:
        patched.setitem(KEPT_PERIODS, "day", 1_000)
        reviews(world, *range(50))
    assert len(used(world)) == 50
    assert verified(world)
    reviews(world, 50)
    assert len(used(world)) == KEPT_PERIODS["day"]
    assert verified(world)


def verified(world: World) -> bool:
    book = Book(chains=world.entries, programs={1: world.program})
    return all(found.difference is None and not found.not_recomputed for found in verify(book))
