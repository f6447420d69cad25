"""Tiers: windows, rising at once, falling with grace, and late reviews (semantics 8)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

import pytest

from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.program import Program, Tier, TierWindow
from points_ledger.domain.state import (
    ENROLLED_AT,
    Grant,
    Standing,
    State,
    decode_state,
    encode_state,
)
from points_ledger.domain.tier import (
    ReviewTarget,
    counter_of,
    current_tier,
    month_of,
    next_review,
    qualifying_points,
    reassessed,
    review,
    reviewed,
    span_at,
    tier_reached,
    with_tiers,
)
from tests.builders import program

TIERS = (
    Tier(id="silver", points=1_000, multiplier=Decimal("1.25")),
    Tier(id="gold", points=5_000, multiplier=Decimal("1.5")),
    Tier(id="platinum", points=9_000, multiplier=Decimal(2)),
)
Kind = Literal["rolling", "calendar", "anniversary"]


def rules(
    kind: Kind = "rolling",
    *,
    months: int = 12,
    grace_days: int = 30,
    downgrade: Literal["reassess", "one_step"] = "reassess",
    zone: str = "UTC",
) -> Program:
    window = TierWindow(kind=kind, months=months, grace_days=grace_days, downgrade=downgrade)
    return replace(program(zone=zone), tiers=TIERS, tier_window=window)


def day(text: str) -> date:
    return date.fromisoformat(text)


def account(
    months: Mapping[str, int],
    tier: str | None = None,
    *,
    enrolled: str | None = None,
    fell_on: str | None = None,
    grants: tuple[Grant, ...] = (),
    points_tier: str | None = None,
) -> State:
    counters = {f"qualifying:{month}": points for month, points in months.items()}
    if enrolled is not None:
        at = datetime.fromisoformat(enrolled).replace(tzinfo=UTC)
        counters[ENROLLED_AT] = int(at.timestamp()) // 60
    standing = Standing(
        tier=tier,
        points_tier=points_tier,
        fell_on=day(fell_on) if fell_on else None,
        grants=grants,
    )
    return State(counters=counters, standing=standing)


def grant(tier: str, last_day: str, source: str = "reward:r") -> Grant:
    return Grant(tier=tier, last_day=day(last_day), source=source)


# ---- Windows


@pytest.mark.parametrize(
    ("kind", "months", "enrolled", "today", "begins", "ends", "first"),
    [
        ("rolling", 12, None, "2026-11-22", "2026-11-01", "2026-12-01", "2025-11"),
        ("rolling", 1, None, "2027-01-31", "2027-01-01", "2027-02-01", "2026-12"),
        ("rolling", 12, None, "2028-02-29", "2028-02-01", "2028-03-01", "2027-02"),
        ("rolling", 12, None, "2026-12-31", "2026-12-01", "2027-01-01", "2025-12"),
        ("calendar", 12, None, "2026-01-01", "2026-01-01", "2027-01-01", "2026-01"),
        ("calendar", 12, None, "2026-12-31", "2026-01-01", "2027-01-01", "2026-01"),
        (
            "anniversary",
            12,
            "2024-02-29T12:00",
            "2025-02-27",
            "2024-02-29",
            "2025-02-28",
            "2024-02",
        ),
        (
            "anniversary",
            12,
            "2024-02-29T12:00",
            "2025-02-28",
            "2025-02-28",
            "2026-02-28",
            "2025-02",
        ),
        (
            "anniversary",
            12,
            "2024-02-29T12:00",
            "2028-02-28",
            "2027-02-28",
            "2028-02-29",
            "2027-02",
        ),
        (
            "anniversary",
            12,
            "2024-02-29T12:00",
            "2028-02-29",
            "2028-02-29",
            "2029-02-28",
            "2028-02",
        ),
        (
            "anniversary",
            12,
            "2026-11-22T12:00",
            "2026-11-22",
            "2026-11-22",
            "2027-11-22",
            "2026-11",
        ),
        ("anniversary", 12, None, "2026-11-22", "2026-11-01", "2026-12-01", "2025-11"),
    ],
)
def test_a_window_counts_these_months_until_it_moves_on(
    kind: Kind, months: int, enrolled: str | None, today: str, begins: str, ends: str, first: str
) -> None:
    on = day(enrolled[:10]) if enrolled else None
    span = span_at(day(today), program=rules(kind, months=months), enrolled=on)
    assert (span.begins, span.ends) == (day(begins), day(ends))
    assert counter_of(span.first) == f"qualifying:{first}"


def test_months_are_numbered_without_gaps() -> None:
    assert month_of(date(2027, 1, 1)) == month_of(date(2026, 12, 31)) + 1
    assert counter_of(month_of(date(2026, 12, 31))) == "qualifying:2026-12"


@pytest.mark.parametrize(
    ("kind", "today", "points"),
    [
        ("rolling", "2026-11-01", 1 + 10 + 100),
        ("rolling", "2026-12-01", 10 + 100),
        ("rolling", "2026-10-31", 1 + 10),
        ("calendar", "2026-11-30", 10 + 100),
        ("calendar", "2027-01-01", 0),
        ("anniversary", "2026-11-09", 1 + 10 + 100),
        ("anniversary", "2026-11-10", 100),
    ],
)
def test_points_of_the_window_count(kind: Kind, today: str, points: int) -> None:
    state = account({"2025-11": 1, "2026-03": 10, "2026-11": 100}, enrolled="2025-11-10T00:00")
    assert qualifying_points(state, day(today), program=rules(kind)) == points


@pytest.mark.parametrize(
    ("points", "tier"),
    [(0, None), (999, None), (1_000, "silver"), (8_999, "gold"), (9_000, "platinum")],
)
def test_a_tier_is_reached_with_its_points(points: int, tier: str | None) -> None:
    assert tier_reached(points, rules()) == tier


def test_a_day_of_enrolment_is_one_of_the_program_s_zone() -> None:
    # 04:00 UTC is the evening before in Chicago, also on the day on which clocks change there.
    state = account({"2026-03": 5}, enrolled="2025-03-09T04:00")
    there = rules("anniversary", zone="America/Chicago")
    assert next_review(
        replace(state, standing=Standing(tier="silver")), today=day("2026-03-01"), program=there
    ) == day("2026-03-08")


# ---- Rising


def rise(points: int, month: str = "2026-11") -> Posting:
    return Posting(
        type="maturation",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        counters={f"qualifying:{month}": points},
        actor="test",
    )


def played(state: State, posting: Posting, today: str = "2026-11-22") -> tuple[Posting, State]:
    [found] = with_tiers([posting], state, today=day(today), program=rules())
    return found, apply(state, found)


def test_the_entry_that_reaches_the_points_raises_the_tier() -> None:
    short, state = played(account({}), rise(999))
    assert (short.standing, state.standing.tier) == (None, None)
    reaching, state = played(state, rise(1))
    assert state.standing.tier == "silver"
    assert reaching.details == {"tier": "silver", "former_tier": ""}
    further, state = played(state, rise(8_000))
    assert further.details == {"tier": "platinum", "former_tier": "silver"}


def test_a_fall_is_noted_and_lowers_nothing_and_points_that_come_back_clear_it() -> None:
    state = account({"2026-11": 1_200}, "silver")
    fall, state = played(state, rise(-300))
    assert (state.standing.tier, state.standing.fell_on) == ("silver", day("2026-11-22"))
    assert fall.details == {}
    _, state = played(state, rise(50), today="2026-11-25")
    assert state.standing.fell_on == day("2026-11-22"), "950 are not enough"
    _, state = played(state, rise(-1), today="2026-11-26")
    assert state.standing.fell_on == day("2026-11-22"), "the first fall counts"
    _, state = played(state, rise(100), today="2026-11-27")
    assert (state.standing.tier, state.standing.fell_on) == ("silver", None)


def test_a_rise_that_is_not_enough_is_no_fall() -> None:
    _, state = played(account({}, "gold"), rise(10))
    assert state.standing == Standing(tier="gold")


def test_old_months_go_with_the_next_posting_and_are_never_taken_below_nothing() -> None:
    state = account({"2025-07": 5, "2025-08": 7, "2026-11": 1})
    _, after = played(state, rise(1))
    assert dict(after.counters) == {"qualifying:2025-08": 7, "qualifying:2026-11": 2}
    assert with_tiers([rise(-5, "2025-07")], after, today=day("2026-11-22"), program=rules()) == ()
    _, after = played(after, rise(-9, "2025-08"))
    assert dict(after.counters) == {"qualifying:2026-11": 2}


def test_months_are_written_as_one_text() -> None:
    state = account({"2026-11": 3, "2027-02": 120})
    text = encode_state(state)
    assert '"qualifying":"202611:3 0 0 120"' in text
    assert decode_state(text) == state
    assert "qualifying" not in encode_state(account({}))


# ---- Reviews


def reviewed_on(state: State, today: str, since: str, by: Program) -> Standing:
    return reviewed(state, since=day(since), today=day(today), program=by)


def test_the_window_moves_on_the_fall_is_noted_and_the_grace_ends_it() -> None:
    state = account({"2025-11": 1_000}, "silver")
    kept = reviewed_on(state, "2026-11-30", "2026-11-01", rules())
    assert kept == state.standing
    fallen = reviewed_on(state, "2026-12-01", "2026-12-01", rules())
    assert (fallen.tier, fallen.fell_on) == ("silver", day("2026-12-01"))
    state = replace(state, standing=fallen)
    assert next_review(state, today=day("2026-12-01"), program=rules()) == day("2026-12-31")
    assert reviewed_on(state, "2026-12-30", "2026-12-30", rules()).tier == "silver"
    lowered = reviewed_on(state, "2026-12-31", "2026-12-31", rules())
    assert (lowered.tier, lowered.fell_on) == (None, None)


@pytest.mark.parametrize("today", ["2026-12-31", "2027-01-15", "2027-06-01", "2031-01-01"])
def test_a_late_review_finds_when_the_fall_was(today: str) -> None:
    state = account({"2025-11": 1_000}, "silver")
    assert reviewed_on(state, today, "2026-12-01", rules()).tier is None
    assert reviewed_on(state, "2026-12-20", "2026-12-01", rules()).fell_on == day("2026-12-01")


def test_a_late_review_looks_no_further_back_than_the_last_one() -> None:
    """What has not sufficed for long, by a new version, has its grace from when it is found."""
    state = account({"2026-05": 100}, "silver")
    found = reviewed_on(state, "2026-12-03", "2026-12-03", rules())
    assert (found.tier, found.fell_on) == ("silver", day("2026-12-03"))


def test_points_of_a_month_in_between_end_the_fall_before() -> None:
    state = account({"2025-11": 1_000, "2026-12": 1_000}, "silver")
    assert reviewed_on(state, "2028-01-02", "2026-12-01", rules()).fell_on == day("2028-01-01")


@pytest.mark.parametrize(
    ("downgrade", "months", "tier", "fell_on"),
    [
        ("reassess", {}, None, None),
        ("reassess", {"2026-11": 1_000}, "silver", None),
        ("one_step", {}, "gold", "2026-12-31"),
        ("one_step", {"2026-11": 5_000}, "gold", None),
        ("one_step", {"2026-11": 1_000}, "gold", "2026-12-31"),
    ],
)
def test_a_tier_falls_to_what_the_points_give_or_by_one_step(
    downgrade: Literal["reassess", "one_step"],
    months: Mapping[str, int],
    tier: str | None,
    fell_on: str | None,
) -> None:
    state = account(months, "platinum", fell_on="2026-12-01")
    found = reviewed_on(state, "2026-12-31", "2026-12-31", rules(downgrade=downgrade))
    assert (found.tier, found.fell_on) == (tier, day(fell_on) if fell_on else None)


@pytest.mark.parametrize("grace_days", [0, 1, 30])
def test_one_review_takes_one_step_however_late_it_is(grace_days: int) -> None:
    by = rules(downgrade="one_step", grace_days=grace_days)
    state, tiers = account({}, "platinum", fell_on="2026-12-01"), []
    for _ in range(2):
        state = replace(state, standing=reviewed_on(state, "2029-06-01", "2026-12-01", by))
        tiers.append(state.standing.tier)
    assert tiers == ["gold", "gold"], "the same look again changes nothing"
    later = reviewed_on(state, "2029-06-02", "2029-06-02", by)
    assert later.tier == "silver"


def test_a_review_raises_too() -> None:
    """Where a new version asks for less."""
    state = account({"2026-11": 5_000}, "silver", fell_on="2026-11-02")
    found = reviewed_on(state, "2026-11-22", "2026-11-22", rules())
    assert (found.tier, found.fell_on) == ("gold", None)


def test_a_tier_that_the_program_does_not_have_any_more_falls_after_the_grace() -> None:
    state = account({"2026-11": 1_000}, "diamond")
    noted = reviewed_on(state, "2026-11-22", "2026-11-22", rules(grace_days=5))
    assert noted.tier == "silver", "what the points reach is known, and so is higher"
    state = account({}, "diamond")
    noted = reviewed_on(state, "2026-11-22", "2026-11-22", rules(grace_days=5))
    assert (noted.tier, noted.fell_on) == ("diamond", day("2026-11-22"))
    state = replace(state, standing=noted)
    assert reviewed_on(state, "2026-11-27", "2026-11-27", rules(grace_days=5)).tier is None


def test_without_tiers_a_posting_says_nothing_of_them() -> None:
    by = replace(rules(), tiers=())
    state = account({}, "gold")
    assert reassessed(state, today=day("2026-11-22"), program=by, falls=True) == state.standing


def test_the_entry_of_a_review_says_what_changed_and_why() -> None:
    state = account({}, "silver", fell_on="2026-10-01")
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    entry = review(state, since=day("2026-10-31"), now=now, program=rules(), actor="s")
    assert entry is not None
    assert (entry.type, entry.reason, entry.at) == ("change", "tier_review", now)
    assert entry.details == {"tier": "", "former_tier": "silver"}
    assert entry.inputs == {"since": "2026-10-31"}
    after = apply(state, entry)
    assert review(after, since=day("2026-10-31"), now=now, program=rules(), actor="s") is None


# ---- Grants


def test_a_grant_lifts_the_tier_until_its_last_day() -> None:
    given = account({}, "gold", grants=(grant("gold", "2026-11-30"),), points_tier="silver")
    tiers = [
        current_tier(given.standing, today=day(today), program=rules())
        for today in ("2026-11-30", "2026-12-01")
    ]
    assert tiers == ["gold", "silver"]
    assert next_review(given, today=day("2026-11-22"), program=rules()) == day("2026-12-01")


def test_a_review_takes_the_grant_that_has_ended_away() -> None:
    state = account(
        {"2026-11": 1_000},
        "gold",
        grants=(grant("gold", "2026-11-30"), grant("silver", "2027-11-30", "reward:s")),
        points_tier="silver",
    )
    found = reviewed_on(state, "2026-12-01", "2026-12-01", rules())
    assert (found.tier, found.points_tier) == ("silver", "silver")
    assert [each.source for each in found.grants] == ["reward:s"]


def test_points_are_held_beneath_a_grant() -> None:
    state = account({"2026-11": 900}, "gold", grants=(grant("gold", "2027-11-30"),))
    reaching, after = played(state, rise(100))
    assert (after.standing.tier, after.standing.points_tier) == ("gold", "silver")
    assert reaching.details == {}


# ---- Looks


@pytest.mark.parametrize(
    ("state", "due_on"),
    [
        (account({}), None),
        (account({"2026-11": 1_000}, "silver"), "2026-12-01"),
        (account({}, "silver", fell_on="2026-11-20"), "2026-12-20"),
        (account({}, "gold", grants=(grant("gold", "2027-01-31"),)), "2027-02-01"),
        (
            account({}, "gold", grants=(grant("gold", "2027-01-31"),), points_tier="silver"),
            "2026-12-01",
        ),
    ],
)
def test_the_next_look_is_when_time_may_change_the_tier(state: State, due_on: str | None) -> None:
    found = next_review(state, today=day("2026-11-22"), program=rules())
    assert found == (day(due_on) if due_on else None)


@pytest.mark.parametrize(
    ("kind", "due_on"), [("calendar", "2027-01-01"), ("anniversary", "2027-02-28")]
)
def test_the_next_look_follows_the_window(kind: Kind, due_on: str) -> None:
    state = account({"2026-11": 1_000}, "silver", enrolled="2024-02-29T12:00")
    assert next_review(state, today=day("2026-11-22"), program=rules(kind)) == day(due_on)


def test_a_target_is_read_as_it_was_written() -> None:
    target = ReviewTarget.parse("mbr_1 2026-12-01")
    assert str(target) == "mbr_1 2026-12-01"
    with pytest.raises(ValueError, match="isoformat"):
        ReviewTarget.parse("mbr_1")
