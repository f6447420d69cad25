"""Challenges, streaks and leaderboards: what counts, what wins, and what is forgotten.

Played through the whole domain: facts come in, entries come out. Prizes themselves are paid by the
service; here the entry that wins one says so.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.challenge import Won, counted_in, counters_of, is_over, tallied, won_by
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.program import (
    Challenge,
    ChallengePeriod,
    Leaderboard,
    Program,
    Streak,
)
from points_ledger.domain.state import Counters, Standing, State
from tests.builders import (
    CUSTOMER,
    World,
    after,
    bounced,
    line,
    match,
    merged,
    paid,
    performed,
    pin,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    voided,
)

FIVE: Final = Challenge(id="five", count=5, points=50, per="month")
WEEKLY: Final = Streak(id="weekly", every="week", length=3, points=30)
DAILY: Final = Streak(id="daily", every="day", length=3, points=10)
TOP: Final = Leaderboard(id="top", per="month")


def playing(
    *challenges: Challenge,
    streaks: Iterable[Streak] = (),
    leaderboards: Iterable[Leaderboard] = (),
    zone: str = "UTC",
    rules: Program | None = None,
) -> Program:
    return replace(
        rules or program(zone=zone),
        challenges=challenges,
        streaks=tuple(streaks),
        leaderboards=tuple(leaderboards),
    )


def counters(world: World, member: str = CUSTOMER) -> dict[str, int]:
    """The counters of challenges, streaks and leaderboards."""
    families = ("challenge:", "streak:", "board:", "won:")
    return {n: v for n, v in world.state(member).counters.items() if n.startswith(families)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def buy(world: World, id_: str, when: datetime, amount: str = "10.00") -> tuple[Entry, ...]:
    return world.tell(posted(amount, id=id_, at=when), now=when)


def prizes(entries: Iterable[Entry], program: Program) -> list[str]:
    """What entries win, as the service reads it from them."""
    return [
        f"{won.kind} {won.id} {won.period}"
        for entry in entries
        for won in won_by(entry.posting.counters, entry.state, program)
    ]


# --- What counts ----------------------------------------------------------------------------


def counted(earning: Earning, rules: Program, **standing: object) -> tuple[str, ...]:
    return counted_in(earning, program=rules, pin=pin(**standing))  # type: ignore[arg-type]  # as pin takes them


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        (FIVE, True),
        (replace(FIVE, match=match(categories=["drinks"])), True),
        (replace(FIVE, match=match(categories=["food"])), False),
        (replace(FIVE, match=match(exclude_items=["TEA"])), False),
        (replace(FIVE, match=match(minimum_amount="10.00")), True),
        (replace(FIVE, match=match(minimum_amount="10.01")), False),
        (replace(FIVE, match=match(tags=["vip"])), True),
        (replace(FIVE, match=match(exclude_tags=["vip"])), False),
        (replace(FIVE, match=match(tiers=["gold"])), False),
        (replace(FIVE, match=match(own_orders=False)), False),
        (replace(FIVE, on="action", action="review"), False),
    ],
)
def test_a_purchase_counts_where_its_lines_and_earner_match(
    challenge: Challenge, expected: bool
) -> None:
    earning = merged(posted(line("10.00", item="TEA", category="drinks")))
    assert bool(counted(earning, playing(challenge), tags=("vip",))) is expected


def test_categories_that_the_program_gives_to_items_count() -> None:
    rules = playing(
        replace(FIVE, match=match(categories=["drinks"])),
        rules=program(item_categories={"TEA": "drinks"}),
    )
    assert counted(merged(posted(line("10.00", item="TEA"))), rules) == ("five",)


@pytest.mark.parametrize(
    "facts",
    [
        [posted("10.00"), voided()],
        [posted("10.00"), refunded("10.00")],
        [posted("10.00", currency="EUR")],
        [posted("0.00")],
        [posted(line("10.00", item="A"), line("-10.00", id="2", item="A"))],
        [posted("10.00", total="10.00", points_paid="10.00")],
    ],
)
def test_what_nothing_was_sold_of_does_not_count(facts: list[object]) -> None:
    earning = merged(*facts)  # type: ignore[arg-type]  # facts all of them
    assert counted(earning, playing(FIVE, streaks=[DAILY], leaderboards=[TOP])) == ()


def test_a_purchase_counts_although_no_rule_gives_points_for_it() -> None:
    world = World(playing(FIVE, rules=program(rule(1, "1.00", match=match(items=["none"])))))
    [entry] = buy(world, "p", after())
    assert entry.posting.type == "accrual"
    assert entry.posting.counters == {"challenge:five:2026-03": 1}
    assert world.balances() == (0, 0, 0, 0)
    [entry] = world.tell(voided(id="p"))
    assert (entry.posting.type, counters(world)) == ("reversal", {})
    world.check()


def test_a_member_who_does_not_earn_counts_nowhere() -> None:
    world = World(playing(FIVE, leaderboards=[TOP]))
    world.enrol(standing=Standing(earns=False))
    buy(world, "p", after())
    assert counters(world) == {}


def test_it_counts_for_the_earner_alone() -> None:
    world = World(playing(FIVE, leaderboards=[TOP]))
    world.share(CUSTOMER, {CUSTOMER: 50, "bob": 50})
    buy(world, "p", after())
    assert counters(world) == {"challenge:five:2026-03": 1, "board:top:2026-03": 10}
    assert counters(world, "bob") == {}


def test_another_earner_takes_the_count_along() -> None:
    world = World(playing(FIVE))
    buy(world, "p", after())
    world.tell(posted("10.00", id="p", updated_at=after(hours=1), customer="bob"))
    assert counters(world) == {}
    assert counters(world, "bob") == {"challenge:five:2026-03": 1}


def test_actions_count_where_they_are_named_and_those_of_the_ledger_never() -> None:
    rules = playing(Challenge(id="critic", on="action", action="review", count=2, points=5))
    world = World(rules)
    world.tell(performed("review"))
    world.tell(performed("survey", id="action-2"))
    assert counters(world) == {"challenge:critic:lifetime": 1}
    own = merged(performed("review"))
    own = replace(own, key=replace(own.key, source="points-ledger"))
    assert counted(own, rules) == ()


def test_a_window_counts_from_its_beginning_until_before_its_end() -> None:
    rules = playing(
        Challenge(
            id="race",
            count=2,
            points=9,
            per="window",
            begins=datetime(2026, 11, 1),  # noqa: DTZ001 - wall-clock time of the zone
            ends=datetime(2026, 11, 2),  # noqa: DTZ001 - wall-clock time of the zone
        ),
        zone="America/Chicago",
    )

    def counts(when: str) -> bool:
        return bool(counted(merged(posted("10.00", at=at(when))), rules))

    # The clocks go back on 1 November: this day has 25 hours.
    assert [counts(f"2026-11-01T{hour}Z") for hour in ("04:59", "05:00")] == [False, True]
    assert [counts(f"2026-11-02T{hour}Z") for hour in ("05:59", "06:00")] == [True, False]


def test_counting_in_what_the_program_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="has no six"):
        counters_of(("five", "six"), points=1, program=playing(FIVE), posted_at=after())


# --- In which period ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "zone", "periods"),
    [
        # Midnight in Chicago, in summer and in winter.
        ("2026-09-01T04:59:59Z", "America/Chicago", ("2026-08-31", "2026-W36", "2026-08", "2026")),
        ("2026-09-01T05:00:00Z", "America/Chicago", ("2026-09-01", "2026-W36", "2026-09", "2026")),
        ("2026-12-01T05:59:59Z", "America/Chicago", ("2026-11-30", "2026-W49", "2026-11", "2026")),
        ("2026-12-01T06:00:00Z", "America/Chicago", ("2026-12-01", "2026-W49", "2026-12", "2026")),
        # The day on which the clocks go forward begins and ends as any other.
        ("2026-03-08T05:59:59Z", "America/Chicago", ("2026-03-07", "2026-W10", "2026-03", "2026")),
        ("2026-03-09T04:59:59Z", "America/Chicago", ("2026-03-08", "2026-W10", "2026-03", "2026")),
        ("2026-03-09T05:00:00Z", "America/Chicago", ("2026-03-09", "2026-W11", "2026-03", "2026")),
        # New year: the ISO week goes on, month and year do not.
        ("2026-12-31T15:00:00Z", "Asia/Tokyo", ("2027-01-01", "2026-W53", "2027-01", "2027")),
        ("2026-12-31T14:59:59Z", "Asia/Tokyo", ("2026-12-31", "2026-W53", "2026-12", "2026")),
    ],
)
def test_it_counts_in_the_period_of_the_programs_zone(
    when: str, zone: str, periods: tuple[str, ...]
) -> None:
    kinds: tuple[ChallengePeriod, ...] = ("day", "week", "month", "year")
    rules = playing(*(replace(FIVE, id=kind, per=kind) for kind in kinds), zone=zone)
    world = World(rules, now=at(when))
    buy(world, "p", at(when))
    expected = {
        f"challenge:{kind}:{period}": 1 for kind, period in zip(kinds, periods, strict=True)
    }
    assert counters(world) == expected


# --- Winning a challenge --------------------------------------------------------------------


def test_the_purchase_that_completes_a_challenge_wins_it_once() -> None:
    rules = playing(FIVE)
    world = World(rules)
    won = [prizes(buy(world, f"p{n}", after(days=n)), rules) for n in range(7)]
    assert won == [[], [], [], [], ["challenge five 2026-03"], [], []]
    assert counters(world) == {"challenge:five:2026-03": 7, "won:challenge:five:2026-03": 1}
    world.check()


def test_a_refund_lowers_the_count_and_takes_no_prize_back() -> None:
    rules = playing(replace(FIVE, count=2))
    world = World(rules)
    won = [
        *buy(world, "p1", after()),
        *buy(world, "p2", after()),
        *world.tell(refunded("10.00", id="p2")),
    ]
    assert prizes(won, rules) == ["challenge five 2026-03"]
    assert counters(world) == {"challenge:five:2026-03": 1, "won:challenge:five:2026-03": 1}
    again = [*world.tell(refund_cancelled(id="p2")), *buy(world, "p3", after())]
    assert prizes(again, rules) == []
    assert counters(world)["challenge:five:2026-03"] == 3


def test_a_count_that_falls_before_it_is_complete_wins_later() -> None:
    rules = playing(replace(FIVE, count=2))
    world = World(rules)
    buy(world, "p1", after())
    world.tell(voided(id="p1"))
    assert prizes(buy(world, "p2", after()), rules) == []
    assert prizes(buy(world, "p3", after()), rules) == ["challenge five 2026-03"]


def test_a_part_refund_leaves_the_count_and_payments_do_not_change_it() -> None:
    world = World(playing(FIVE))
    buy(world, "p", after())
    world.tell(refunded("9.99", id="p"), paid("0.01", id="p"), bounced(id="p"))
    assert counters(world) == {"challenge:five:2026-03": 1}


def test_each_period_has_its_own_prize() -> None:
    rules = playing(replace(FIVE, count=1))
    world = World(rules)
    months = [buy(world, f"p{n}", after(days=31 * n)) for n in range(3)]
    assert [prizes(entries, rules) for entries in months] == [
        [f"challenge five 2026-0{month}"] for month in (3, 4, 5)
    ]


def test_an_edit_that_lowers_the_points_may_still_complete_a_challenge() -> None:
    rules = playing(replace(FIVE, count=1, match=match(categories=["drinks"])))
    world = World(rules)
    buy(world, "p", after())
    edited = posted(line("5.00", category="drinks"), id="p", updated_at=after(hours=1))
    [entry] = world.tell(edited)
    assert (entry.posting.type, prizes([entry], rules)) == ("reversal", ["challenge five 2026-03"])
    world.check()


# --- Streaks --------------------------------------------------------------------------------


def test_a_streak_of_days_pays_each_full_run() -> None:
    rules = playing(streaks=[DAILY])
    world = World(rules)
    won = [prizes(buy(world, f"p{n}", after(days=n)), rules) for n in range(7)]
    assert [len(each) for each in won] == [0, 0, 1, 0, 0, 1, 0]
    assert won[2] == ["streak daily 2026-03-04"]
    assert won[5] == ["streak daily 2026-03-07"]


def test_a_gap_ends_a_run() -> None:
    rules = playing(streaks=[DAILY])
    world = World(rules)
    won = [prizes(buy(world, f"p{n}", after(days=n)), rules) for n in (0, 1, 3, 4)]
    assert not any(won)
    assert prizes(buy(world, "p5", after(days=5)), rules) == ["streak daily 2026-03-07"]


def test_weeks_run_from_monday_over_the_end_of_the_year() -> None:
    rules = playing(streaks=[WEEKLY])
    world = World(rules, now=at("2026-12-27T12:00:00Z"))
    days = ("2026-12-27", "2026-12-28", "2027-01-04")
    won = [prizes(buy(world, day, at(f"{day}T12:00:00Z")), rules) for day in days]
    assert won == [[], [], ["streak weekly 2027-W01"]]


def test_months_are_consecutive_whatever_their_length() -> None:
    rules = playing(streaks=[Streak(id="monthly", every="month", length=3, points=1)])
    world = World(rules, now=at("2026-12-31T12:00:00Z"))
    days = ("2026-12-31", "2027-01-31", "2027-02-01")
    won = [prizes(buy(world, day, at(f"{day}T12:00:00Z")), rules) for day in days]
    assert won == [[], [], ["streak monthly 2027-02"]]


def test_a_late_purchase_closes_a_gap() -> None:
    rules = playing(streaks=[DAILY])
    world = World(rules)
    buy(world, "p0", after())
    buy(world, "p2", after(days=2))
    late = world.tell(posted("10.00", id="p1", at=after(days=1)), now=after(days=5))
    assert prizes(late, rules) == ["streak daily 2026-03-04"]


def test_a_day_that_lost_its_only_purchase_no_longer_counts() -> None:
    rules = playing(streaks=[DAILY])
    world = World(rules)
    buy(world, "p0", after())
    buy(world, "p1", after(days=1))
    world.tell(voided(id="p1"))
    assert prizes(buy(world, "p2", after(days=2)), rules) == []
    assert prizes(buy(world, "again", after(days=2)), rules) == []


def test_what_a_prize_used_up_pays_no_second_one() -> None:
    rules = playing(streaks=[DAILY])
    world = World(rules)
    for n in range(3):
        buy(world, f"p{n}", after(days=n))
    world.tell(voided(id="p2"))
    more = [buy(world, f"q{n}", after(days=2)) for n in range(3)]
    assert not any(prizes(each, rules) for each in more)
    assert not [name for name in counters(world) if name.startswith("streak:")]
    assert prizes(buy(world, "p3", after(days=3)), rules) == []


# --- Leaderboards ---------------------------------------------------------------------------


def test_a_score_is_the_points_of_the_purchases_and_follows_refunds() -> None:
    world = World(playing(leaderboards=[TOP, replace(TOP, id="often", by="purchases")]))
    buy(world, "p1", after(), "10.50")
    buy(world, "p2", after(days=1), "7.00")
    assert counters(world) == {"board:often:2026-03": 2, "board:top:2026-03": 17}
    world.tell(refunded("5.00", id="p2"))
    assert counters(world)["board:top:2026-03"] == 12
    world.tell(voided(id="p1"))
    assert counters(world) == {"board:often:2026-03": 1, "board:top:2026-03": 2}
    world.check()


def test_a_score_is_of_matching_purchases_only() -> None:
    world = World(playing(leaderboards=[replace(TOP, match=match(categories=["drinks"]))]))
    buy(world, "p1", after())
    world.tell(posted(line("4.00", category="drinks"), line("6.00", id="2"), id="p2"))
    assert counters(world) == {"board:top:2026-03": 10}


# --- What is over ---------------------------------------------------------------------------


def test_counters_of_ended_periods_go_with_the_next_purchase() -> None:
    rules = playing(replace(FIVE, count=1))
    world = World(rules)
    buy(world, "p1", at("2026-03-31T12:00:00Z"))
    buy(world, "p2", at("2026-04-07T12:00:00Z"))
    assert len(counters(world)) == 4, "a week after its end a month still counts"
    [entry] = buy(world, "p3", at("2026-04-08T12:00:00Z"))
    assert entry.posting.counters["challenge:five:2026-03"] == -1
    assert entry.posting.counters["won:challenge:five:2026-03"] == -1
    assert counters(world) == {"challenge:five:2026-04": 2, "won:challenge:five:2026-04": 1}


def test_what_comes_too_late_counts_nowhere_and_its_refund_takes_nothing() -> None:
    rules = playing(FIVE, streaks=[DAILY])
    world = World(rules)
    late = world.tell(posted("10.00", id="p1"), now=after(days=60))
    assert [entry.posting.counters for entry in late] == [{"earned": 10}]
    buy(world, "p2", after(days=60))
    before = counters(world)
    world.tell(voided(id="p1"))
    assert counters(world) == before
    world.check()


def test_a_refund_after_the_end_takes_nothing_from_anybody() -> None:
    world = World(playing(FIVE))
    buy(world, "p1", after())
    buy(world, "p2", after(days=60))
    assert counters(world) == {"challenge:five:2026-05": 1}
    world.tell(voided(id="p1"))
    assert counters(world) == {"challenge:five:2026-05": 1}


def test_a_lifetime_and_a_running_window_are_never_over() -> None:
    begins, ends = datetime(2026, 3, 1), datetime(2028, 3, 1)  # noqa: DTZ001 - of the zone
    window = Challenge(id="w", count=9, points=1, per="window", begins=begins, ends=ends)
    world = World(playing(replace(FIVE, id="life", per="lifetime"), window))
    buy(world, "p1", after())
    buy(world, "p2", after(days=700))
    assert counters(world) == {"challenge:life:lifetime": 2, "challenge:w:2026-03-01T0000": 2}


@pytest.mark.parametrize(
    ("name", "today", "over"),
    [
        ("challenge:gone:2026-03", "2026-04-07", False),
        ("challenge:gone:2026-03", "2026-04-08", True),
        ("challenge:gone:2026-03-01T0000", "2027-04-05", False),
        ("challenge:gone:2026-03-01T0000", "2027-04-06", True),
        ("challenge:gone:lifetime", "2099-01-01", False),
        ("streak:gone:2026-W10", "2027-04-12", False),
        ("streak:gone:2026-W10", "2027-04-13", True),
        ("streak:weekly:2026-W10", "2026-03-29", False),
        ("streak:weekly:2026-W10", "2026-03-30", True),
        ("streak:daily:2026-03-02", "2026-03-11", False),
        ("streak:daily:2026-03-02", "2026-03-12", True),
        ("streak:daily:2026-03", "2026-05-01", False),
        ("board:gone:2026-03", "2027-05-05", False),
        ("board:gone:2026-03", "2027-05-06", True),
        ("board:top:2026-03", "2026-04-18", False),
        ("board:top:2026-03", "2026-04-19", True),
        ("used:campaign:five", "2099-01-01", False),
    ],
)
def test_when_a_counter_is_over(name: str, today: str, over: bool) -> None:
    frozen_late = replace(TOP, freeze_after=Period.parse("P10D"))
    rules = playing(FIVE, streaks=[DAILY, WEEKLY], leaderboards=[frozen_late])
    day = at(f"{today}T00:00:00Z").date()
    assert is_over(name, State(), program=rules, today=day) is over


def test_the_counters_of_a_member_stay_few_over_years() -> None:
    rules = playing(
        FIVE, replace(FIVE, id="d", per="day", count=1), streaks=[DAILY, WEEKLY],
        leaderboards=[TOP, replace(TOP, id="w", per="week")],
    )  # fmt: skip
    world = World(rules)
    most = 0
    for n in range(0, 400, 1):
        buy(world, f"p{n}", after(days=n))
        most = max(most, len(counters(world)))
    assert most < 40


def test_a_fall_takes_no_more_than_there_is_and_still_is_an_entry() -> None:
    rules = playing(replace(FIVE, per="lifetime"))

    def taken(asked: dict[str, int]) -> Counters:
        return tallied(asked, State(), program=rules, in_force=rules, now=after())

    assert taken({"challenge:five:lifetime": -1}) == {"challenge:five:lifetime": 0}
    assert taken({"used:rule:x:": -1}) == {"used:rule:x:": -1}


# --- Versions -------------------------------------------------------------------------------


def window(ends: datetime) -> Challenge:
    begins = datetime(2026, 3, 1)  # noqa: DTZ001 - of the zone
    return replace(FIVE, id="w", count=2, per="window", begins=begins, ends=ends)


def test_a_refund_of_an_earlier_version_drops_nothing_of_a_window_that_was_prolonged() -> None:
    first = playing(window(datetime(2026, 3, 10)))  # noqa: DTZ001 - of the zone
    second = replace(playing(window(datetime(2026, 4, 10))), version=2)  # noqa: DTZ001 - of the zone
    name = "challenge:w:2026-03-01T0000"
    state = State(counters={name: 3, f"won:{name}": 1})
    change = tallied(
        {name: -1}, state, program=first, in_force=second, now=at("2026-03-25T00:00:00Z")
    )
    assert change == {name: -1}


def test_a_run_that_is_over_wins_nothing_by_a_version_that_asks_for_less() -> None:
    rules = replace(playing(streaks=[replace(DAILY, length=2)]), version=2)
    days = [f"streak:daily:2026-03-0{day}" for day in (2, 3)]
    state = State(counters=dict.fromkeys(days, 1))
    change = tallied(
        {"streak:daily:2026-05-01": 1}, state, program=rules, in_force=rules,
        now=at("2026-05-01T12:00:00Z"),
    )  # fmt: skip
    assert change == {"streak:daily:2026-05-01": 1, **dict.fromkeys(days, -1)}


# --- What a prize is ------------------------------------------------------------------------


def test_a_prize_has_one_key_per_member_and_period() -> None:
    won = Won(kind="challenge", id="five", period="2026-03")
    assert str(won.key(World(playing()).enrol("ada"))) == (
        "points-ledger:action:challenge:five:ada:2026-03"
    )
    assert won.action == "challenge:five"


def test_nobody_but_the_ledger_is_paid_for_a_prize() -> None:
    prize = rule(50, id="five", action="challenge:five")
    world = World(playing(FIVE, rules=program(prize)))
    world.tell(performed("challenge:five"))
    assert world.balances() == (0, 0, 0, 0)
