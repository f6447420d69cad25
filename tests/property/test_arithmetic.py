"""Properties of the small pure parts: splitting, rules, lots, and the texts of a state."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.calendar import Period, Rounding, round_up
from points_ledger.domain.entry import Posting, entry_hash
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_LOTS
from points_ledger.domain.lot import (
    NEVER,
    Lots,
    add,
    joining,
    negative,
    passed,
    take,
    total,
    usable,
)
from points_ledger.domain.money import format_amount, from_minor_units, parse_amount
from points_ledger.domain.program import PointsRounding
from points_ledger.domain.sharing import split
from points_ledger.domain.state import (
    Standing,
    State,
    decode_lots,
    decode_standing,
    decode_state,
    encode_lots,
    encode_standing,
    encode_state,
)
from tests.builders import earned_by, line, posted, program, rule

DAYS = st.one_of(st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 1, 1)), st.just(NEVER))
LOTS = st.dictionaries(DAYS, st.integers(1, 10_000), max_size=60)
CHANGES = st.dictionaries(DAYS, st.integers(-10_000, 10_000).filter(bool), max_size=20)
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
AMOUNTS = st.integers(0, 1_000_000).map(lambda cents: from_minor_units(cents, "USD"))
PERIODS = st.builds(Period, months=st.integers(0, 60), days=st.integers(0, 400))


@st.composite
def percents(draw: st.DrawFn) -> tuple[int, ...]:
    """Whole percentages of 1 to 10 members that sum to 100."""
    cuts = draw(st.lists(st.integers(1, 99), max_size=9, unique=True))
    bounds = [0, *sorted(cuts), 100]
    parts = [after - before for before, after in pairwise(bounds)]
    return tuple(draw(st.permutations(parts)))


def one_by_one(points: int, shares: tuple[int, ...]) -> tuple[int, ...]:
    """The method as it is told: each point to the highest percent / (2 x points so far + 1)."""
    given = [0] * len(shares)
    for _ in range(points):
        claims = [Fraction(share, 2 * had + 1) for share, had in zip(shares, given, strict=True)]
        given[claims.index(max(claims))] += 1
    return tuple(given)


# ---- Splitting


@given(st.integers(0, 10**9), percents())
def test_a_split_hands_out_every_point(points: int, shares: tuple[int, ...]) -> None:
    assert sum(split(points, shares)) == points


@given(st.integers(0, 10**9), percents())
def test_a_larger_total_never_takes_a_point_from_anyone(
    points: int, shares: tuple[int, ...]
) -> None:
    fewer, more = split(points, shares), split(points + 1, shares)
    assert all(after >= before for before, after in zip(fewer, more, strict=True))


@given(st.integers(0, 400), percents())
def test_starting_near_the_quota_is_the_same_as_one_by_one(
    points: int, shares: tuple[int, ...]
) -> None:
    assert split(points, shares) == one_by_one(points, shares)


@given(st.integers(0, 10**9), percents())
def test_nobody_is_further_from_the_quota_than_there_are_shares(
    points: int, shares: tuple[int, ...]
) -> None:
    parts = split(points, shares)
    distances = [
        abs(part - Fraction(points * share, 100)) for part, share in zip(parts, shares, strict=True)
    ]
    assert max(distances) <= len(shares)


# ---- Rules

ROUNDINGS = st.sampled_from(["step", "down", "nearest", "up"])


@given(
    st.integers(1, 100),
    st.integers(1, 10_000).map(lambda cents: str(from_minor_units(cents, "USD"))),
    ROUNDINGS,
    AMOUNTS,
    AMOUNTS,
)
def test_a_larger_amount_never_earns_fewer_points(
    points: int, per_amount: str, rounding: PointsRounding, one: Decimal, other: Decimal
) -> None:
    rules = program(rule(points, per_amount, rounding=rounding))
    less, more = sorted([one, other])
    assert earned_by(rules, posted(str(less))) <= earned_by(rules, posted(str(more)))


@given(
    st.lists(AMOUNTS, min_size=1, max_size=6),
    st.integers(1, 100),
    st.integers(1, 10_000).map(lambda cents: str(from_minor_units(cents, "USD"))),
    ROUNDINGS,
)
def test_splitting_the_lines_of_a_purchase_never_changes_its_points(
    parts: list[Decimal], points: int, per_amount: str, rounding: PointsRounding
) -> None:
    rules = program(rule(points, per_amount, rounding=rounding))
    lines = [line(str(part), id=str(place)) for place, part in enumerate(parts)]
    assert earned_by(rules, posted(*lines)) == earned_by(rules, posted(str(sum(parts))))


@given(st.lists(AMOUNTS, min_size=1, max_size=6), st.integers(0, 100_000))
def test_a_discount_that_names_nothing_lowers_the_sum_whatever_the_lines(
    parts: list[Decimal], discount_cents: int
) -> None:
    discount = min(from_minor_units(discount_cents, "USD"), sum(parts, Decimal(0)))
    lines = [line(str(part), id=str(place)) for place, part in enumerate(parts)]
    lines.append(line(str(-discount), id="discount"))
    net = sum(parts, Decimal(0)) - discount
    assert earned_by(program(), posted(*lines)) == earned_by(program(), posted(str(net)))


# ---- Lots


@given(LOTS, st.integers(0, 100_000))
def test_taking_takes_what_was_asked_or_all_there_is(lots: Lots, points: int) -> None:
    assert total(take(lots, points)) == min(points, total(lots))


@given(LOTS, st.integers(0, 100_000))
def test_taking_never_leaves_a_sooner_lot_for_a_later_one(lots: Lots, points: int) -> None:
    left = add(lots, negative(take(lots, points)))
    touched = [day for day, part in take(lots, points).items() if part]
    assert all(day >= max(touched) for day in left) if touched else left == add(lots, {})


@given(LOTS, CHANGES)
def test_a_change_and_its_opposite_leave_the_lots(lots: Lots, change: Lots) -> None:
    assert add(add(lots, change), negative(change)) == lots


@given(LOTS, DAYS)
def test_lots_have_passed_or_are_usable(lots: Lots, today: date) -> None:
    assert add(passed(lots, today), usable(lots, today)) == lots


@given(LOTS)
def test_joining_keeps_every_point_and_few_lots(lots: Lots) -> None:
    joined = add(lots, joining(lots))
    assert (total(joined), len(joined)) == (total(lots), min(len(lots), MAX_LOTS))


@given(LOTS)
def test_joining_never_makes_a_point_expire_sooner(lots: Lots) -> None:
    joined = add(lots, joining(lots))
    # At every day, at least as many points are still good as before.
    assert all(total(usable(joined, day)) >= total(usable(lots, day)) for day in lots)


# ---- Calendar


@given(st.dates(max_value=date(2100, 1, 1)), st.dates(max_value=date(2100, 1, 1)), PERIODS)
def test_a_later_day_never_ends_sooner(one: date, other: date, period: Period) -> None:
    sooner, later = sorted([one, other])
    assert period.after_day(sooner) <= period.after_day(later)


@given(st.dates(max_value=date(9998, 1, 1)), st.sampled_from(["day", "month", "quarter", "year"]))
def test_rounding_up_never_goes_back_and_stays(day: date, rounding: Rounding) -> None:
    rounded = round_up(day, rounding)
    assert (rounded >= day, round_up(rounded, rounding)) == (True, rounded)


# ---- Money


@given(st.integers(-(10**11), 10**11), st.sampled_from(["USD", "JPY", "KWD"]))
def test_minor_units_are_written_and_read_back(minor_units: int, currency: str) -> None:
    amount = from_minor_units(minor_units, currency)
    if abs(amount) <= Decimal("999999999.99"):
        text = format_amount(amount, currency)
        assert parse_amount(text, minimum=-Decimal("999999999.99")) == amount


# ---- Texts of a state

STANDINGS = st.builds(
    Standing,
    status=st.sampled_from(["active", "frozen", "closed", "erased", "merged"]),
    alias_of=st.none() | TEXT.map(MemberId),
    tier=st.none() | TEXT,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    organisation=st.none() | TEXT,
    jurisdiction=st.none() | TEXT,
    earns=st.booleans(),
)
STATES = st.builds(
    State,
    pending=st.integers(0, 10**9),
    reserved=st.integers(0, 10**9),
    debt=st.integers(0, 10**9),
    lots=LOTS.map(lambda lots: add(lots, {})),
    counters=st.dictionaries(TEXT, st.integers().filter(bool), max_size=5),
    standing=STANDINGS,
)


@given(LOTS)
def test_lots_are_read_as_they_were_written(lots: Lots) -> None:
    assert decode_lots(encode_lots(lots)) == lots


@given(STANDINGS)
def test_a_standing_is_read_as_it_was_written(standing: Standing) -> None:
    assert decode_standing(encode_standing(standing)) == standing


@given(STATES)
def test_a_state_is_read_as_it_was_written(state: State) -> None:
    assert decode_state(encode_state(state)) == state


@given(STATES)
def test_a_state_has_one_text(state: State) -> None:
    shuffled = replace(
        state,
        lots=dict(reversed(list(state.lots.items()))),
        counters=dict(reversed(list(state.counters.items()))),
    )
    assert encode_state(shuffled) == encode_state(state)


# ---- Hashes

INSTANTS = st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a bound
POSTINGS = st.builds(
    Posting,
    type=st.sampled_from(["accrual", "maturation", "reversal"]),
    at=INSTANTS,
    pending=st.integers(-9, 9),
    reserved=st.integers(-9, 9),
    debt=st.integers(-9, 9),
    lots=CHANGES.map(lambda lots: add(lots, {})),
    counters=st.dictionaries(TEXT, st.integers(1, 9), max_size=3),
    standing=st.none() | STANDINGS,
    source=st.none()
    | st.builds(EarningKey, source=st.just("pos"), kind=st.just("a"), id=TEXT.filter(str.strip)),
    rules=st.lists(st.tuples(TEXT, st.integers(1, 9)), max_size=2).map(tuple),
    program_version=st.none() | st.integers(1, 9),
    actor=TEXT,
    reason=st.none() | TEXT,
    details=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(POSTINGS, POSTINGS)
def test_a_hash_changes_with_every_field_that_changes(one: Posting, other: Posting) -> None:
    def hash_of(posting: Posting) -> bytes:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1)
        return entry_hash(MemberId("ada"), 1, at, posting, State(), bytes(32))

    for field in fields(Posting):
        changed = replace(one, **{field.name: getattr(other, field.name)})
        assert (hash_of(changed) == hash_of(one)) is (changed == one)
