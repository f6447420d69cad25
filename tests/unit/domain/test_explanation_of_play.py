"""Sentences about tiers, memberships, benefits and prizes: each read again, and compared.

A reader who knows only the sentence plays by its numbers; what the ledger does has to agree.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.calendar import Period
from points_ledger.domain.challenge import counted_in, freezes_at, won_by
from points_ledger.domain.entry import Entry
from points_ledger.domain.explanation import explain
from points_ledger.domain.explanation_of_play import (
    explain_benefit,
    explain_challenge,
    explain_leaderboard,
    explain_membership,
    explain_streak,
    explain_tier_window,
)
from points_ledger.domain.prize import leaderboard_action, prize_rules
from points_ledger.domain.program import (
    Benefit,
    Challenge,
    ChallengePeriod,
    Leaderboard,
    Match,
    Membership,
    Prize,
    Program,
    Streak,
    Tier,
    TierWindow,
)
from points_ledger.domain.rules import Room, action_points
from points_ledger.domain.state import State
from points_ledger.domain.tier import counter_of, month_of, qualifying_points, reviewed
from tests.builders import World, line, match, merged, performed, pin, posted, program

RULES: Final = program(zone="UTC")
MONDAY: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
STEP: Final = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}


def playing(
    challenge: Challenge | None = None,
    streak: Streak | None = None,
    board: Leaderboard | None = None,
) -> Program:
    challenges = () if challenge is None else (challenge,)
    streaks = () if streak is None else (streak,)
    boards = () if board is None else (board,)
    return replace(
        RULES,
        challenges=challenges,
        streaks=streaks,
        leaderboards=boards,
        rules=(*RULES.rules, *prize_rules(challenges, streaks, boards)),
    )


def prizes(entries: Iterable[Entry], rules: Program) -> int:
    """The points of all prizes that entries win."""
    return sum(
        action_points(won.action, program=rules, pin=pin(), at=MONDAY, room=Room()).points
        for entry in entries
        for won in won_by(entry.posting.counters, entry.state, rules)
    )


def number(text: str) -> int:
    return int(text.replace(",", ""))


# --- Challenges -----------------------------------------------------------------------------

CHALLENGE: Final = re.compile(
    r"(?P<points>[\d,]+) points? once(?: a (?P<per>\w+))? for "
    r"(?:(?P<count>[\d,]+) purchases|a purchase)(?: with \w+)?"
    r"(?: within a \w+(?:, Monday to Sunday)?)?(?:; .*)?"
)


@given(
    per=st.sampled_from(["day", "week", "month", "year", "lifetime"]),
    count=st.integers(1, 3),
    points=st.integers(1, 5_000),
)
def test_a_reader_of_a_challenge_wins_what_it_says(
    per: ChallengePeriod, count: int, points: int
) -> None:
    challenge = Challenge(id="c", count=count, points=points, per=per)
    rules = playing(challenge)
    said = CHALLENGE.fullmatch(explain_challenge(challenge, rules))
    assert said is not None
    needed = number(said["count"] or "1")
    world = World(rules)
    won = 0
    for place in range(needed + 2):
        assert won == (number(said["points"]) if place >= needed else 0)
        at = MONDAY + timedelta(minutes=place)
        won += prizes(world.tell(posted("10.00", id=f"p{place}", at=at), now=at), rules)
    if said["per"]:
        later = MONDAY + STEP[said["per"]]
        for place in range(needed):
            won += prizes(world.tell(posted("10.00", id=f"q{place}", at=later), now=later), rules)
        assert won == 2 * number(said["points"])


@pytest.mark.parametrize(
    ("challenge", "sentence"),
    [
        (
            Challenge(id="c", count=5, points=50, per="month"),
            "50 points once a month for 5 purchases within a month",
        ),
        (
            Challenge(id="c", count=5, points=50, per="week", match=match(categories=["drinks"])),
            "50 points once a week for 5 purchases with drinks within a week, Monday to Sunday",
        ),
        (Challenge(id="c", count=1, points=1), "1 point once for a purchase"),
        (
            Challenge(id="c", count=2, points=9, per="day", match=match(minimum_amount="10.00")),
            (
                "9 points once a day for 2 purchases within a day; "
                "only when a purchase comes to at least 10.00 USD after refunds"
            ),
        ),
        (
            Challenge(id="c", count=1_000, points=9, on="action", action="review", per="year"),
            "9 points once a year for review 1,000 times within a year",
        ),
        (
            Challenge(
                id="c",
                count=2,
                points=9,
                on="action",
                action="book review",
                per="window",
                begins=datetime(2026, 7, 1),  # noqa: DTZ001 - wall-clock time of the zone
                ends=datetime(2026, 8, 1),  # noqa: DTZ001
                match=Match(tiers=frozenset({"gold"})),
            ),
            (
                '9 points once for "book review" 2 times, from 2026-07-01 00:00 until '
                "2026-08-01 00:00 (UTC); only for members of tier gold"
            ),
        ),
    ],
)
def test_a_challenge_says_what_counts(challenge: Challenge, sentence: str) -> None:
    assert explain_challenge(challenge, playing(challenge)) == sentence


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-06-30T23:59:59", False),
        ("2026-07-01T00:00:00", True),
        ("2026-07-31T23:59:59", True),
        ("2026-08-01T00:00:00", False),
    ],
)
def test_a_challenge_counts_in_its_window(at: str, counts: bool) -> None:
    challenge = Challenge(
        id="c",
        count=1,
        points=1,
        per="window",
        begins=datetime(2026, 7, 1),  # noqa: DTZ001 - wall-clock time of the zone
        ends=datetime(2026, 8, 1),  # noqa: DTZ001
    )
    rules = playing(challenge)
    assert "from 2026-07-01 00:00 until 2026-08-01 00:00" in explain_challenge(challenge, rules)
    earning = merged(posted("10.00", at=datetime.fromisoformat(f"{at}+00:00")))
    assert bool(counted_in(earning, program=rules, pin=pin())) == counts


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (match(categories=["drinks"]), "with drinks"),
        (match(items=["TEA"]), "with item TEA"),
        (match(exclude_categories=["food"]), "not for food"),
        (match(minimum_amount="10.00"), "at least 10.00 USD"),
    ],
)
def test_what_a_challenge_and_a_streak_say_of_purchases_is_what_counts(
    conditions: Match, words: str
) -> None:
    challenge = Challenge(id="c", count=1, points=1, match=conditions)
    streak = Streak(id="s", every="week", length=2, points=1, match=conditions)
    rules = playing(challenge, streak)
    assert words in explain_challenge(challenge, rules)
    assert words in explain_streak(streak, rules)
    tea = merged(posted(line("10.00", item="TEA", category="drinks")))
    bread = merged(posted(line("9.00", item="BREAD", category="food")))
    assert counted_in(tea, program=rules, pin=pin()) == ("c", "s")
    assert counted_in(bread, program=rules, pin=pin()) == ()


# --- Streaks --------------------------------------------------------------------------------

STREAK: Final = re.compile(
    r"(?P<points>[\d,]+) points? for (?:a purchase|(?P<action>\w+)) in each of "
    r"(?P<length>\d+) consecutive (?P<every>\w+)s; after that the count begins anew"
)


@given(
    every=st.sampled_from(["day", "week", "month"]),
    length=st.integers(2, 3),
    points=st.integers(1, 900),
    by_action=st.booleans(),
)
def test_a_reader_of_a_streak_wins_what_it_says(
    every: str, length: int, points: int, by_action: bool
) -> None:
    done = {"on": "action", "action": "review"} if by_action else {}
    streak = Streak(id="s", every=every, length=length, points=points, **done)  # type: ignore[arg-type]  # drawn
    rules = playing(streak=streak)
    said = STREAK.fullmatch(explain_streak(streak, rules))
    assert said is not None
    assert said["action"] == ("review" if by_action else None)
    world, won = World(rules), 0
    for place in range(2 * number(said["length"])):
        at = MONDAY + place * STEP[said["every"]]
        told = performed("review", id=f"a{place}", at=at)
        fact = told if by_action else posted("10.00", id=f"p{place}", at=at)
        won += prizes(world.tell(fact, now=at), rules)
        assert won == (place + 1) // number(said["length"]) * number(said["points"])


# --- Leaderboards ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        (
            Leaderboard(id="b", per="month"),
            (
                "Members are ranked each month by the points of their purchases; "
                "final at the end of the month"
            ),
        ),
        (
            Leaderboard(
                id="b",
                per="week",
                by="purchases",
                match=match(categories=["drinks"]),
                freeze_after=Period(days=3),
                prizes=(Prize(rank=1, points=1_000), Prize(rank=2, points=1)),
            ),
            (
                "Members are ranked each week by the number of their purchases with drinks: "
                "1,000 points for rank 1 and 1 point for rank 2; equal scores share a rank; "
                "final 3 days after the end of the week"
            ),
        ),
    ],
)
def test_a_leaderboard_says_who_wins_what_and_when(board: Leaderboard, sentence: str) -> None:
    rules = playing(board=board)
    assert explain_leaderboard(board, rules) == sentence
    for points, rank in re.findall(r"([\d,]+) points? for rank (\d+)", sentence):
        action = leaderboard_action("b", int(rank))
        earned = action_points(action, program=rules, pin=pin(), at=MONDAY, room=Room())
        assert earned.points == number(points)
    wait = re.search(r"final (\d+) days after", sentence)
    ends = datetime(2026, 6, 8, tzinfo=UTC)
    days = timedelta(days=int(wait[1])) if wait else 0 * DAY
    assert freezes_at(board, date(2026, 6, 7), rules) == ends + days


# --- Tiers ----------------------------------------------------------------------------------

TIERS: Final = (Tier(id="silver", points=100), Tier(id="gold", points=200))


def windowed(window: TierWindow) -> Program:
    return replace(RULES, tiers=TIERS, tier_window=window)


def test_without_tiers_nothing_is_said_of_their_window() -> None:
    assert explain_tier_window(RULES) == ()


@pytest.mark.parametrize(
    ("window", "counted", "months"),
    [
        (TierWindow(months=1), "the current month and the 1 month before it", 2),
        (TierWindow(months=3), "the current month and the 3 months before it", 4),
        (TierWindow(kind="calendar"), "the current calendar year", 8),
    ],
)
def test_a_window_says_which_months_count(window: TierWindow, counted: str, months: int) -> None:
    rules, today = windowed(window), date(2026, 8, 15)
    [first, _] = explain_tier_window(rules)
    assert first == f"Points of {counted} count towards a tier, by the day of the purchase"
    points = {counter_of(month_of(today) - back): 1 for back in range(24)}
    assert qualifying_points(State(counters=points), today, program=rules) == months


@pytest.mark.parametrize("grace_days", [0, 1, 30])
@pytest.mark.parametrize(
    ("downgrade", "falls", "tier"),
    [
        ("reassess", "falls to the tier that the points reach", None),
        ("one_step", "falls one tier, and so on until the points reach it", "silver"),
    ],
)
def test_a_window_says_how_a_tier_is_lost(
    grace_days: int, downgrade: str, falls: str, tier: str | None
) -> None:
    rules = windowed(TierWindow(months=1, grace_days=grace_days, downgrade=downgrade))  # type: ignore[arg-type]  # parametrised
    sentence = explain_tier_window(rules)[1]
    assert sentence.endswith(falls)
    kept = re.search(r"is kept for (\d+) days?, and then", sentence)
    fell_on = date(2026, 8, 1)
    gold = State()
    gold = replace(gold, standing=replace(gold.standing, tier="gold", fell_on=fell_on))
    lost_on = fell_on + timedelta(days=int(kept[1]) if kept else 0)
    for day, expected in ((lost_on - DAY, "gold"), (lost_on, tier)):
        if day >= fell_on:
            after = reviewed(gold, since=day, today=day, program=rules)
            assert after.tier == expected, day


# --- Memberships and benefits ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("membership", "sentence"),
    [
        (
            Membership(id="club", tier="gold", lasts=Period(months=12)),
            "Membership club gives tier gold for 12 months; granted by staff",
        ),
        (
            Membership(
                id="club",
                name="Gold Club",
                tier="gold",
                lasts=Period(days=30),
                items=frozenset({"CARD", "CARD 2"}),
            ),
            (
                'Membership "Gold Club" gives tier gold for 30 days; '
                'bought as items CARD or "CARD 2", or granted by staff'
            ),
        ),
    ],
)
def test_a_membership_says_what_it_gives(membership: Membership, sentence: str) -> None:
    assert explain_membership(membership) == sentence


@pytest.mark.parametrize(
    ("benefit", "sentence"),
    [
        (Benefit(id="b", description="A drink"), "Every member: A drink"),
        (
            Benefit(id="b", description="A drink", tiers=frozenset({"gold", "silver"})),
            "Members of tiers gold or silver: A drink",
        ),
        (
            Benefit(id="b", description="Care", categories=frozenset({"retail"})),
            "Every member: Care (retail)",
        ),
        (
            Benefit(
                id="b",
                description="Care",
                categories=frozenset({"retail"}),
                discount_percent=Decimal("12.50"),
            ),
            "Every member: Care (12.5% off retail)",
        ),
        (
            Benefit(id="b", description="Care", discount_percent=Decimal(100)),
            "Every member: Care (100% off everything)",
        ),
    ],
)
def test_a_benefit_says_who_gets_what(benefit: Benefit, sentence: str) -> None:
    assert explain_benefit(benefit) == sentence


# --- All of it ------------------------------------------------------------------------------


def test_prizes_are_explained_with_what_they_are_prizes_of_and_not_as_rules() -> None:
    challenge = Challenge(id="c", count=5, points=50)
    rules = playing(
        challenge, board=Leaderboard(id="b", per="year", prizes=(Prize(rank=1, points=9),))
    )
    sentences = explain(rules)
    assert not any("challenge:" in each or "leaderboard:" in each for each in sentences)
    assert explain_challenge(challenge, rules) in sentences
    assert any(each.startswith("Points for prizes become available") for each in sentences)
