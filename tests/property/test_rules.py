"""Laws of the rule engine, over random programs and purchases."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import assume, given
from hypothesis import strategies as st

from points_ledger.domain.basket import basket
from points_ledger.domain.fact import Line
from points_ledger.domain.program import Campaign, Match, PointsRounding, Program, Rule
from points_ledger.domain.purchase import RemainingLine, remaining
from points_ledger.domain.rules import Room, cap_counter, matching_lines
from tests.builders import (
    campaign,
    earned_by,
    earned_of,
    line,
    match,
    merged,
    pin,
    posted,
    program,
    refunded,
    rule,
)

CATEGORIES = ("retail", "original", "service")
ITEMS = ("ring", "pen", "GIFTCARD")

amounts = st.decimals("0.01", "2000", places=2)
some_items = st.none() | st.sampled_from(ITEMS)
some_categories = st.none() | st.sampled_from(CATEGORIES)
matches = st.builds(
    lambda categories, items, without, without_items: match(
        categories=categories,
        items=items,
        exclude_categories=without,
        exclude_items=without_items,
    ),
    st.sets(st.sampled_from(CATEGORIES), max_size=2),
    st.sets(st.sampled_from(ITEMS), max_size=1),
    st.sets(st.sampled_from(CATEGORIES), max_size=1),
    st.sets(st.sampled_from(ITEMS), max_size=1),
)
roundings: st.SearchStrategy[PointsRounding] = st.sampled_from(("step", "down", "nearest", "up"))


@st.composite
def lines(draw: st.DrawFn, *, signed: bool = False) -> list[Line]:
    """One to eight lines; `signed` ones may also lower what they belong to."""
    sold = []
    for number in range(draw(st.integers(1, 8))):
        amount = draw(amounts) * (draw(st.sampled_from((1, 1, 1, -1))) if signed else 1)
        # A discount that names nothing is spread over the others; here each belongs somewhere.
        category = draw(some_categories if amount > 0 else st.sampled_from(CATEGORIES))
        item = draw(some_items)
        sold.append(line(str(amount), id=f"l{number}", item=item, category=category))
    return sold


@st.composite
def rules(draw: st.DrawFn, *, kinds: Sequence[str] = ("amount", "fixed")) -> list[Rule]:
    """One to four rules that add up."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(kinds))
        made.append(
            rule(
                draw(st.integers(1, 50)),
                str(draw(st.sampled_from(("0.50", "1.00", "3.00", "50.00"))))
                if kind == "amount"
                else None,
                id=f"rule-{number}",
                rounding=draw(roundings),
                match=draw(matches),
            )
        )
    return made


@st.composite
def campaigns(draw: st.DrawFn) -> list[Campaign]:
    return [
        campaign(
            f"campaign-{number}",
            multiplier=draw(st.sampled_from(("1", "1.5", "2", "3"))),
            points=draw(st.sampled_from((0, 0, 7))),
            match=draw(matches),
            member_cap_points=draw(st.none() | st.integers(1, 300)),
            budget_points=draw(st.none() | st.integers(1, 300)),
        )
        for number in range(draw(st.integers(0, 2)))
    ]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    return program(
        *draw(rules()),
        campaigns=draw(campaigns()),
        stacking=draw(st.sampled_from(("add", "highest"))),
        tiers={"gold": "1.25"},
    )


def points(given_program: Program, sold: Sequence[Line], tier: str | None = None) -> int:
    return earned_by(given_program, posted(*sold), earner_pin=pin(tier=tier))


tiers = st.sampled_from((None, "gold"))


@given(programs(), lines(), st.data(), tiers)
def test_points_are_monotone_in_the_amount_of_every_line(
    given_program: Program, sold: list[Line], data: st.DataObject, tier: str | None
) -> None:
    place = data.draw(st.integers(0, len(sold) - 1))
    more = replace(sold[place], amount=sold[place].amount + data.draw(amounts))
    grown = [*sold[:place], more, *sold[place + 1 :]]
    assert points(given_program, grown, tier) >= points(given_program, sold, tier)


@given(programs(), lines(), st.data(), tiers)
def test_a_further_line_never_lowers_the_points(
    given_program: Program, sold: list[Line], data: st.DataObject, tier: str | None
) -> None:
    more = replace(data.draw(lines())[0], id="more")
    assert points(given_program, [*sold, more], tier) >= points(given_program, sold, tier)


@given(programs(), lines(signed=True), st.data(), tiers)
def test_splitting_lines_never_changes_the_points(
    given_program: Program, sold: list[Line], data: st.DataObject, tier: str | None
) -> None:
    """A line is the same as several of its item and category that sum to it, in any order."""
    parts: list[Line] = []
    for each in sold:
        cents = int(each.amount * 100)
        first = Decimal(data.draw(st.integers(min(0, cents), max(0, cents)))) / 100
        # A discount has no pieces, and neither has a part of it.
        quantity = each.quantity / 2 if each.amount > 0 else Decimal(0)
        parts += (
            replace(each, id=f"{each.id}-{number}", amount=part, quantity=quantity)
            for number, part in enumerate((first, each.amount - first))
        )
    shuffled = data.draw(st.permutations(parts))
    assert earned_of(given_program, posted(*shuffled), earner_pin=pin(tier=tier)).inputs == (
        earned_of(given_program, posted(*sold), earner_pin=pin(tier=tier)).inputs
    )
    assert points(given_program, shuffled, tier) == points(given_program, sold, tier)


@given(lines(signed=True), rules(kinds=("amount", "fixed")), campaigns())
def test_a_program_without_a_matching_rule_earns_nothing(
    sold: list[Line], given_rules: list[Rule], extra: list[Campaign]
) -> None:
    """A multiplier of nothing is nothing; only fixed points of a campaign need no rule."""
    nowhere = match(categories=["nothing is in here"])
    away = [replace(each, match=nowhere) for each in given_rules]
    multiplied = [replace(each, points=0) for each in extra]
    assert points(program(*away, campaigns=multiplied, tiers={"gold": "3"}), sold, "gold") == 0


@given(lines(), rules(kinds=("amount",)), rules(kinds=("amount",)))
def test_rules_add_up(sold: list[Line], one: list[Rule], other: list[Rule]) -> None:
    renamed = [replace(each, id=f"other-{each.id}") for each in other]
    together = points(program(*one, *renamed), sold)
    assert together == points(program(*one), sold) + points(program(*renamed), sold)


@given(lines(), rules(), matches, st.integers(-3, 3), st.integers(-3, 3))
def test_the_exclusive_rule_of_the_highest_priority_that_matches_replaces_the_sum(
    sold: list[Line], given_rules: list[Rule], about: Match, one: int, other: int
) -> None:
    assume(one != other)
    first = replace(rule(11, "1.00", id="one"), exclusive=True, priority=one, match=about)
    second = replace(rule(3, "1.00", id="other"), exclusive=True, priority=other)
    found = points(program(*given_rules, first, second), sold)
    is_first = one > other and bool(matching_lines(about, left_of(sold)))
    alone = replace(first if is_first else second, exclusive=False)
    assert found == points(program(alone), sold)


def left_of(sold: Sequence[Line]) -> tuple[RemainingLine, ...]:
    snapshot = merged(posted(*sold)).snapshot
    assert snapshot is not None
    return remaining(snapshot, ()).lines


@given(lines(signed=True), matches)
def test_sums_by_item_and_category_are_those_of_the_lines_one_by_one(
    sold: list[Line], about: Match
) -> None:
    left = left_of(sold)
    one_by_one = matching_lines(about, left)
    matched = basket(left, {}).matched(about)
    assert (matched is None) == (not one_by_one)
    if matched is not None:
        assert matched.amount == sum((each.amount for each in one_by_one), Fraction(0))
        assert matched.pieces == sum((each.pieces for each in one_by_one), Fraction(0))
        assert matched.is_sold == any(e.amount > 0 or e.pieces > 0 for e in one_by_one)


@given(lines(signed=True), matches, matches)
def test_what_two_matches_have_in_common_is_a_part_of_a_part(
    sold: list[Line], one: Match, other: Match
) -> None:
    left = left_of(sold)
    both = basket(left, {}).part(one).matched(other)
    expected = matching_lines(other, matching_lines(one, left))
    amount = None if both is None else both.amount
    assert amount == (sum((e.amount for e in expected), Fraction(0)) if expected else None)


@given(amounts, amounts, st.integers(1, 50), roundings, st.data())
def test_rounding_is_named_and_exact(
    amount: Decimal, per: Decimal, given_points: int, rounding: PointsRounding, data: st.DataObject
) -> None:
    refund = data.draw(st.decimals("0", amount, places=2))
    facts = [posted(str(amount))] + ([refunded(str(refund))] if refund else [])
    one = rule(given_points, str(per), rounding=rounding)
    exact = Fraction(amount - refund) * given_points / Fraction(per)
    expected = {
        "step": floor(Fraction(amount - refund) / Fraction(per)) * given_points,
        "down": floor(exact),
        "nearest": floor(exact + Fraction(1, 2)),
        "up": -floor(-exact),
    }[rounding]
    assert earned_by(program(one), *facts) == expected


@given(
    lines(),
    rules(),
    st.integers(1, 300),
    st.integers(0, 400),
    st.integers(0, 300),
    st.sampled_from(("2", "2.5", "3")),
)
def test_a_cap_leaves_what_is_there_and_never_more(
    sold: list[Line], given_rules: list[Rule], cap: int, taken: int, used: int, multiplier: str
) -> None:
    capped = campaign(multiplier=multiplier, member_cap_points=cap)
    used = min(used, taken, cap)
    counter = cap_counter(capped)
    room = Room(used={counter: used}, taken={counter: taken})
    base = points(program(*given_rules), sold)
    uncapped = replace(capped, member_cap_points=None)
    free = earned_of(program(*given_rules, campaigns=[uncapped]), posted(*sold))
    found = earned_of(program(*given_rules, campaigns=[capped]), posted(*sold), room=room)
    left = used + max(0, cap - taken)
    bonus = free.points - base
    assert found.points == base + min(bonus, left)
    assert found.used.get(counter, 0) <= max(left, 0)
    assert bool(found.truncated) == ((Fraction(multiplier) - 1) * base > left)


@given(
    programs(),
    lines(),
    st.dictionaries(st.sampled_from(("campaign-0", "campaign-1")), st.integers(0, 100)),
)
def test_a_budget_gives_no_more_than_is_left(
    given_program: Program, sold: list[Line], left: dict[str, int]
) -> None:
    earned = earned_of(given_program, posted(*sold), room=Room(budgets=left))
    parts = dict(earned.rules)
    for each in given_program.campaigns:
        if each.budget_points is not None:
            # Whole parts of a sum of fractions may be one more than the part itself.
            room = left.get(each.id, each.budget_points)
            assert parts.get(each.id, 0) <= room + 1
