"""What a purchase earns by its rules: the table of semantics 3.1, row by row."""

from collections.abc import Iterable, Mapping

import pytest

from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.earning import MergeableFact, Pin
from points_ledger.domain.entry import Posting
from points_ledger.domain.fact import Line
from points_ledger.domain.program import PointsRounding, Program, Rule
from points_ledger.domain.purchase import spread_discounts
from points_ledger.domain.state import Standing
from tests.builders import (
    START,
    World,
    acme,
    after,
    campaign,
    earned_by,
    earned_of,
    line,
    match,
    paid,
    performed,
    pin,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    settled,
    target_of,
    voided,
)

THREE_PER_50 = rule(3, "50.00", rounding="step")
EXCLUSIVE_100 = rule(100, id="exclusive", exclusive=True)
ONE_PER_1 = rule(1, "1.00", id="one")
ONE_PER_2 = rule(1, "2.00", id="half")
ORIGINAL = rule(3, "50.00", id="original", rounding="step", match=match(categories=["original"]))
RETAIL = rule(1, "1.00", id="retail", match=match(categories=["retail"]))


@pytest.mark.parametrize(
    ("rules", "facts", "points"),
    [
        pytest.param([THREE_PER_50], [posted("1250.00")], 75, id="3 per 50.00 in steps"),
        pytest.param(
            [rule(2, "1.00", match=match(categories=["haircut"]))],
            [posted(line("100.00", category="haircut"))],
            200,
            id="2 per 1.00 on haircuts",
        ),
        pytest.param([rule(10, "2.00", rounding="step")], [posted("7.00")], 30, id="10 per 2.00"),
        pytest.param([ONE_PER_1], [posted("49.95")], 49, id="1 per 1.00 down"),
        pytest.param([ONE_PER_1], [posted("49.95"), refunded("49.95")], 0, id="full return"),
        pytest.param([ONE_PER_1, ONE_PER_2], [posted("19.99")], 28, id="rules add up"),
        pytest.param(
            [ONE_PER_1, ONE_PER_2, EXCLUSIVE_100], [posted("19.99")], 100, id="exclusive replaces"
        ),
        pytest.param(
            [ONE_PER_1],
            [posted(line("100.00", id="1", category="a"), line("-30.00", id="2", category="a"))],
            70,
            id="a negative line of the same category",
        ),
        pytest.param([rule(1, "10.00")], [posted("21.90"), refunded("1.00")], 2, id="refund 1"),
        pytest.param([rule(1, "10.00")], [posted("21.90"), refunded("5.00")], 1, id="refund 5"),
        pytest.param([rule(1, "10.00")], [posted("21.90"), refunded("10.00")], 1, id="refund 10"),
        pytest.param([rule(1, "10.00")], [posted("21.90"), refunded("20.00")], 0, id="refund 20"),
    ],
)
def test_points_by_amount(rules: list[Rule], facts: list[MergeableFact], points: int) -> None:
    assert earned_by(program(*rules), *facts) == points


@pytest.mark.parametrize(
    ("rounding", "amount", "points"),
    [
        ("step", "99.99", 3),
        ("step", "100.00", 6),
        ("down", "99.99", 5),
        ("nearest", "99.99", 6),
        ("nearest", "91.67", 6),
        ("nearest", "91.66", 5),
        # 2.5 points exactly: halves go up.
        ("nearest", "41.6666", 2),
        ("up", "83.34", 6),
        ("up", "0.01", 1),
        ("down", "0.01", 0),
    ],
)
def test_a_rule_rounds_as_it_says(rounding: PointsRounding, amount: str, points: int) -> None:
    assert earned_by(program(rule(3, "50.00", rounding=rounding)), posted(amount)) == points


def test_half_a_point_is_rounded_up_to_the_nearest() -> None:
    assert earned_by(program(rule(1, "2.00", rounding="nearest")), posted("5.00")) == 3


def test_a_rule_rounds_once_per_purchase_and_not_per_line() -> None:
    assert earned_by(program(rule(1, "1.00")), posted("0.50", "0.50")) == 1


def test_an_amount_rounds_exactly_where_a_float_would_not() -> None:
    # 0.1 + 0.2 is 0.3, and 1 per 0.10 of it is 3.
    assert earned_by(program(rule(1, "0.10")), posted("0.10", "0.20")) == 3


@pytest.mark.parametrize(
    ("category", "item", "points"),
    [
        ("retail", None, 10),
        ("original", None, 0),
        (None, None, 0),
        ("retail", "GIFTCARD", 0),
        (None, "sku-1", 10),
    ],
)
def test_a_rule_earns_on_the_lines_it_matches(
    category: str | None, item: str | None, points: int
) -> None:
    retail = rule(1, "1.00", match=match(categories=["retail"], exclude_items=["GIFTCARD"]))
    rules = program(retail, item_categories={"sku-1": "retail"})
    assert earned_by(rules, posted(line("10.00", category=category, item=item))) == points


@pytest.mark.parametrize(
    ("item", "product", "category", "points"),
    [
        ("price-1", "product-1", None, 10),
        ("other", "product-1", None, 5),
        (None, "product-1", None, 5),
        ("price-1", "product-1", "c", 2),
        ("other", "other", None, 0),
    ],
)
def test_a_category_is_the_lines_own_then_by_item_then_by_product(
    item: str | None, product: str | None, category: str | None, points: int
) -> None:
    rules = [
        rule(10, id="a", match=match(categories=["a"])),
        rule(5, id="b", match=match(categories=["b"])),
        rule(2, id="c", match=match(categories=["c"])),
    ]
    given = program(*rules, item_categories={"price-1": "a", "product-1": "b"})
    sold = posted(line("10.00", item=item, product=product, category=category))
    assert earned_by(given, sold) == points


@pytest.mark.parametrize(("amount", "points"), [("49.99", 0), ("50.00", 50), ("50.01", 50)])
def test_a_minimum_is_of_the_matched_sum(amount: str, points: int) -> None:
    at_least_50 = rule(1, "1.00", match=match(categories=["a"], minimum_amount="50.00"))
    sold = posted(line(amount, id="1", category="a"), line("100.00", id="2", category="b"))
    assert earned_by(program(at_least_50), sold) == points


@pytest.mark.parametrize(
    ("earner_pin", "own_order", "points"),
    [
        (pin(tags=["vip"]), True, 1),
        (pin(tags=["vip", "other"]), True, 1),
        (pin(), True, 0),
        (pin(tags=["vip", "staff"]), True, 0),
    ],
)
def test_tags_decide_who_earns(earner_pin: Pin, own_order: bool, points: int) -> None:
    given = program(rule(1, match=match(tags=["vip"], exclude_tags=["staff"])))
    assert earned_by(given, posted("5.00", own_order=own_order), earner_pin=earner_pin) == points


@pytest.mark.parametrize(
    ("condition", "matching", "other"),
    [
        ({"tiers": ["gold"]}, pin(tier="gold"), pin(tier="silver")),
        ({"tiers": ["gold"]}, pin(tier="gold"), pin()),
        ({"organisations": ["org-1"]}, pin(organisation="org-1"), pin(organisation="org-2")),
        ({"jurisdictions": ["US"]}, pin(jurisdiction="US"), pin(jurisdiction="CA")),
        ({"exclude_jurisdictions": ["US"]}, pin(jurisdiction="CA"), pin(jurisdiction="US")),
        ({}, pin(), pin(earns=False)),
    ],
)
def test_who_the_earner_was_decides(
    condition: Mapping[str, Iterable[str]], matching: Pin, other: Pin
) -> None:
    given = program(rule(1, match=match(**condition)))  # type: ignore[arg-type]  # a table of keywords
    earned = [earned_by(given, posted("5.00"), earner_pin=who) for who in (matching, other)]
    assert earned == [1, 0]


@pytest.mark.parametrize(
    ("own_orders", "points"), [(True, [1, 0]), (False, [0, 1]), (None, [1, 1])]
)
def test_own_orders_and_copy_orders_can_be_told_apart(
    own_orders: bool | None, points: list[int]
) -> None:
    given = program(rule(1, match=match(own_orders=own_orders)))
    assert [earned_by(given, posted("5.00", own_order=own)) for own in (True, False)] == points


# ---- Exclusive rules


@pytest.mark.parametrize(
    ("low", "high", "points"),
    [
        (rule(7, id="low", exclusive=True, priority=1), rule(3, id="high", priority=2), 7),
        (
            rule(7, id="low", exclusive=True, priority=1),
            rule(3, id="high", exclusive=True, priority=2),
            3,
        ),
        (
            rule(7, id="low", exclusive=True, priority=1),
            rule(3, id="high", exclusive=True, priority=2, match=match(categories=["none"])),
            7,
        ),
    ],
)
def test_the_exclusive_rule_of_the_highest_priority_that_matches_counts(
    low: Rule, high: Rule, points: int
) -> None:
    assert earned_by(program(low, high, ONE_PER_1), posted("50.00")) == points


# ---- Pieces and fixed bonuses


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        ([posted(line("30.00", quantity="3"))], 6),
        ([posted(line("30.00", quantity="3"), line("5.00", id="2", quantity="2"))], 10),
        ([posted(line("30.00", quantity="3")), refunded(lines={"1": "10.00"})], 4),
        ([posted(line("30.00", quantity="3")), refunded("15.00")], 3),
        ([posted(line("30.00", quantity="3")), refunded("30.00")], 0),
        ([posted(line("0.00", quantity="3"))], 6),
        ([posted(line("30.00", quantity="3"), line("-30.00", id="2", category="x"))], 6),
    ],
)
def test_a_rule_may_count_pieces(facts: list[MergeableFact], points: int) -> None:
    assert earned_by(program(rule(2, per_quantity="1")), *facts) == points


@pytest.mark.parametrize(("back", "points"), [("0.01", 100), ("9.99", 100), ("10.00", 25)])
def test_an_exclusive_rule_does_not_count_for_lines_that_went_back(back: str, points: int) -> None:
    only = rule(100, id="special", exclusive=True, match=match(items=["special"]))
    sold = posted(line("10.00", item="special"), line("25.00", id="2"))
    facts = (sold, refunded(lines={"1": back}))
    assert earned_by(program(ONE_PER_1, only), *facts) == points


def test_pieces_count_in_whole_steps() -> None:
    buy_ten = rule(5, per_quantity="10", rounding="step")
    assert earned_by(program(buy_ten), posted(line("1.00", quantity="29"))) == 10


@pytest.mark.parametrize(
    ("on_partial_refund", "points"),
    [("keep", [100, 100, 0]), ("proportional", [100, 75, 0]), ("revoke", [100, 0, 0])],
)
def test_a_fixed_bonus_says_what_a_partial_refund_does(
    on_partial_refund: str, points: list[int]
) -> None:
    bonus = rule(100, on_partial_refund=on_partial_refund)  # type: ignore[arg-type]  # a table
    sold = posted("80.00")
    refunds = (refunded("0.00"), refunded("20.00"), refunded("80.00"))
    assert [earned_by(program(bonus), sold, refund) for refund in refunds] == points


def test_a_withdrawn_refund_gives_a_revoked_bonus_back() -> None:
    bonus = rule(100, on_partial_refund="revoke")
    facts = (posted("80.00"), refunded("20.00"), refund_cancelled())
    assert earned_by(program(bonus), *facts) == 100


def test_a_fixed_bonus_on_a_category_goes_when_its_lines_have_gone() -> None:
    bonus = rule(100, match=match(categories=["a"]))
    sold = posted(line("10.00", id="1", category="a"), line("90.00", id="2", category="b"))
    assert earned_by(program(bonus), sold, refunded(lines={"1": "10.00"})) == 0


def test_a_proportional_bonus_never_exceeds_the_bonus() -> None:
    # The line that is left is more than all lines together were.
    bonus = rule(100, on_partial_refund="proportional", match=match(categories=["a", "b"]))
    sold = posted(
        line("100.00", id="1", category="a"),
        line("50.00", id="2", category="a"),
        line("-60.00", id="3", category="b"),
    )
    assert earned_by(program(bonus), sold) == 100


# ---- Negative lines


@pytest.mark.parametrize(
    ("lines", "a", "b"),
    [
        # A discount that names nothing is spread: 10 % off everything.
        ([line("60.00", id="1", category="a"), line("40.00", id="2", category="b"),
          line("-10.00", id="3")], 54, 36),
        # One with a category stays in it.
        ([line("60.00", id="1", category="a"), line("40.00", id="2", category="b"),
          line("-10.00", id="3", category="a")], 50, 40),
        # One with an item is a line of its own.
        ([line("60.00", id="1", category="a"), line("40.00", id="2", category="b"),
          line("-10.00", id="3", item="x")], 60, 40),
        # More discount than there is leaves nothing, never less.
        ([line("60.00", id="1", category="a"), line("-90.00", id="2")], 0, 0),
        # A negative category earns nothing and takes nothing from another.
        ([line("60.00", id="1", category="a"), line("-90.00", id="2", category="b")], 60, 0),
        # Two discounts.
        ([line("100.00", id="1", category="a"), line("-10.00", id="2"),
          line("-15.00", id="3")], 75, 0),
    ],
)  # fmt: skip
def test_negative_lines_lower_what_they_belong_to(lines: list[Line], a: int, b: int) -> None:
    given = program(
        rule(1, "1.00", id="a", match=match(categories=["a"])),
        rule(1, "1.00", id="b", match=match(categories=["b"])),
    )
    by_rule = dict(earned_of(given, posted(*lines)).rules)
    assert (by_rule.get("a", 0), by_rule.get("b", 0)) == (a, b)


def test_a_spread_discount_keeps_the_sum_exactly() -> None:
    lines = (line("10.00", id="1"), line("20.00", id="2"), line("-1.00", id="3"))
    assert sum(amount for _, amount in spread_discounts(lines)) == 29


def test_line_refunds_are_of_the_line_after_its_part_of_the_discount() -> None:
    # 100 less 10 % is 90: a refund of the whole line counts 90 and leaves nothing.
    sold = posted(line("100.00", id="1", category="a"), line("-10.00", id="2"))
    assert earned_by(program(), sold, refunded(lines={"1": "100.00"})) == 0


# ---- Paid with points


@pytest.mark.parametrize(
    ("points_paid_part_earns", "points_paid", "points"),
    [(False, "20.00", 80), (True, "20.00", 100), (False, "100.00", 0), (True, "100.00", 100)],
)
def test_the_part_paid_with_points_earns_only_where_the_program_says_so(
    points_paid_part_earns: bool, points_paid: str, points: int
) -> None:
    given = program(points_paid_part_earns=points_paid_part_earns)
    assert earned_by(given, posted("100.00", points_paid=points_paid)) == points


def test_the_part_paid_with_points_lowers_all_lines_in_proportion() -> None:
    given = program(
        rule(1, "1.00", id="a", match=match(categories=["a"])),
        rule(1, "1.00", id="b", match=match(categories=["b"])),
    )
    sold = posted(
        line("60.00", id="1", category="a"),
        line("40.00", id="2", category="b"),
        total="110.00",
        points_paid="55.00",
    )
    assert dict(earned_of(given, sold).rules) == {"a": 30, "b": 20}


# ---- Campaigns


@pytest.mark.parametrize(
    ("campaigns", "stacking", "points"),
    [
        pytest.param([campaign("x", multiplier="2"), campaign("y", multiplier="3")], "add", 40,
                     id="x 2 and x 3 on 10"),
        pytest.param([campaign("x", multiplier="2"), campaign("y", multiplier="3")], "highest", 30,
                     id="only the larger"),
        pytest.param([campaign("x", multiplier="2"), campaign("y", points=15)], "highest", 25,
                     id="the larger by points"),
        pytest.param([campaign("x", points=7)], "add", 17, id="fixed points"),
        pytest.param([campaign("x", multiplier="2", points=7)], "add", 27, id="both"),
        pytest.param([campaign("x", multiplier="1.55")], "add", 15, id="one rounding down"),
        pytest.param([campaign("x", multiplier="1.25"), campaign("y", multiplier="1.25")], "add",
                     15, id="fractions add up before they are rounded"),
        pytest.param([campaign("x", multiplier="2", match=match(categories=["z"]))], "add", 10,
                     id="a campaign without matching lines"),
        pytest.param([campaign("x", points=7, match=match(tiers=["gold"]))], "add", 10,
                     id="a campaign for others"),
    ],
)  # fmt: skip
def test_campaigns_add_to_what_the_rules_give(
    campaigns: list[object], stacking: str, points: int
) -> None:
    given = program(campaigns=campaigns, stacking=stacking)  # type: ignore[arg-type]  # a table
    assert earned_by(given, posted("10.00")) == points


def test_a_campaign_multiplies_only_what_its_lines_would_earn_alone() -> None:
    given = program(
        ORIGINAL, RETAIL, campaigns=[campaign(multiplier="2", match=match(categories=["retail"]))]
    )
    sold = posted(
        line("1250.00", id="1", category="original"), line("10.00", id="2", category="retail")
    )
    assert earned_by(given, sold) == 95


@pytest.mark.parametrize(
    ("at", "points"),
    [
        ("2026-11-27T05:59:59.999999Z", 10),
        ("2026-11-27T06:00:00Z", 20),
        ("2026-12-01T05:59:59.999999Z", 20),
        ("2026-12-01T06:00:00Z", 10),
    ],
)
def test_a_campaigns_window_is_wall_clock_time_of_the_zone_without_its_end(
    at: str, points: int
) -> None:
    sold = posted(line("10.00", category="retail"), at=parse_instant(at))
    assert earned_by(acme(), sold) == points


@pytest.mark.parametrize(
    ("tier", "amount", "multiplier", "points"),
    [
        ("gold", "19.00", "1", 28),
        ("silver", "19.00", "1", 23),
        (None, "19.00", "1", 19),
        ("platinum", "19.00", "1", 19),
        # The tier applies to the whole, campaigns included: 10 x 2 x 1.5.
        ("gold", "10.00", "2", 30),
        # 10 x 1.55 x 1.5 = 23.25 is rounded once, at the end; rounded twice it would be 22.
        ("gold", "10.00", "1.55", 23),
    ],
)
def test_the_tier_multiplies_the_whole_and_one_rounding_down_ends_it(
    tier: str | None, amount: str, multiplier: str, points: int
) -> None:
    given = program(
        tiers={"silver": "1.25", "gold": "1.5"}, campaigns=[campaign(multiplier=multiplier)]
    )
    assert earned_by(given, posted(amount), earner_pin=pin(tier=tier)) == points


def test_a_base_of_19_times_one_and_a_half_is_28() -> None:
    given = program(campaigns=[campaign(multiplier="1.5")])
    assert earned_by(given, posted("19.00")) == 28


def test_multipliers_do_not_apply_to_actions() -> None:
    given = program(
        rule(10, action="review"), tiers={"gold": "1.5"}, campaigns=[campaign(multiplier="2")]
    )
    earned = earned_of(given, performed("review"), earner_pin=pin(tier="gold"))
    assert earned.points == 10


@pytest.mark.parametrize(
    "given",
    [
        program(ONE_PER_1, ONE_PER_2, campaigns=[campaign(multiplier="1.33"), campaign("c2")]),
        program(ONE_PER_1, tiers={"gold": "1.17"}, campaigns=[campaign(points=3)]),
        program(EXCLUSIVE_100, ONE_PER_1, campaigns=[campaign(multiplier="1.5")]),
    ],
)
@pytest.mark.parametrize("amount", ["0.99", "19.99", "123.45"])
def test_points_by_rule_sum_to_the_points(given: Program, amount: str) -> None:
    earned = earned_of(given, posted(amount), earner_pin=pin(tier="gold"))
    assert sum(points for _, points in earned.rules) == earned.points


# ---- Pinned, caps and limits


def test_rules_are_those_of_the_sale_also_for_a_later_return() -> None:
    world = World(program(rule(1, "1.00")))
    world.tell(posted("50.00"), paid("50.00"))
    later = program(rule(2, "1.00"))
    # The pinned version is handed in by whoever loads it; a later one never is.
    assert (earned_by(world.program, posted("50.00")), earned_by(later, posted("50.00"))) == (
        50,
        100,
    )
    world.tell(refunded("50.00"))
    assert world.last("reversal").counters["reversed"] == 50


def bonus_sale(number: int, amount: str) -> MergeableFact:
    return posted(amount, id=f"sale-{number}", at=after(hours=number))


def test_a_cap_cuts_what_is_left_of_it_and_a_fall_gives_room_to_later_purchases() -> None:
    # Each sale of n.00 earns n by the rule and n as bonus.
    world = World(program(campaigns=[campaign(multiplier="2", member_cap_points=500)]))
    bonuses = []
    for number, amount in ((1, "500.00"), (2, "200.00")):
        world.tell(bonus_sale(number, amount))
        bonuses.append(world.last("accrual").counters["earned"] - int(float(amount)))
    world.tell(refunded("500.00", id="sale-1"))
    world.tell(bonus_sale(3, "200.00"))
    bonuses.append(world.last("accrual").counters["earned"] - 200)
    assert bonuses == [500, 0, 200]


def test_a_purchase_that_a_cap_truncated_is_not_raised_when_it_is_paid_after_a_fall() -> None:
    world = World(program(campaigns=[campaign(multiplier="2", member_cap_points=500)]))
    world.tell(bonus_sale(1, "500.00"), bonus_sale(2, "200.00"))
    world.tell(refunded("500.00", id="sale-1"))
    world.tell(paid("200.00", id="sale-2"), now=after(days=1))
    assert world.balances().available == 200


def test_a_purchase_keeps_what_it_used_of_a_cap_when_it_is_valued_again() -> None:
    world = World(program(campaigns=[campaign("c", multiplier="2", member_cap_points=10)]))
    world.tell(posted("10.00"), posted("9.00", updated_at=after(hours=1)))
    world.tell(posted("12.00", updated_at=after(hours=2)))
    assert world.balances().pending == 12 + 10


def test_an_entry_says_which_campaign_a_cap_cut() -> None:
    world = World(program(campaigns=[campaign("c", multiplier="2", member_cap_points=5)]))
    world.tell(posted("10.00"))
    assert world.last("accrual").details == {"truncated": "c"}


def test_a_cap_gives_room_back_when_the_earner_changes() -> None:
    world = World(program(campaigns=[campaign("c", multiplier="2", member_cap_points=10)]))
    world.tell(posted("10.00"), posted("10.00", customer="ben", updated_at=after(hours=1)))
    world.tell(posted("10.00", id="sale-2"))
    assert world.balances().pending == 20


def test_a_cap_counts_for_an_earner_who_gives_all_points_away() -> None:
    world = World(program(campaigns=[campaign("c", multiplier="2", member_cap_points=10)]))
    world.share("ada", {"ben": 100})
    world.tell(bonus_sale(1, "10.00"), bonus_sale(2, "10.00"))
    assert world.balances("ben").pending == 30


def test_a_limit_counts_the_earnings_of_its_period() -> None:
    world = World(program(rule(5, action="review", limit=(2, "month"))))
    for number in range(3):
        world.tell(performed("review", id=f"a{number}", at=after(days=number)))
    world.tell(performed("review", id="next month", at=after(days=31)), now=after(days=31))
    assert world.state().counter("earned") == 15


def test_a_limit_is_not_used_up_by_hearing_the_same_action_twice() -> None:
    world = World(program(rule(5, action="signup", limit=(1, "lifetime"))))
    world.tell(performed(), performed())
    assert world.balances().available == 5


# ---- Currency, voids


def test_a_purchase_in_another_currency_earns_nothing() -> None:
    assert earned_by(program(currency="USD"), posted("10.00", currency="EUR")) == 0


def test_a_purchase_whose_currency_is_put_right_earns() -> None:
    facts = (posted("10.00", currency="EUR"), posted("10.00", updated_at=after(hours=1)))
    assert earned_by(program(), *facts) == 10


def test_a_void_takes_everything_whatever_else_is_known() -> None:
    facts = (voided(), posted("10.00"), settled(), posted("20.00", updated_at=after(days=1)))
    assert target_of(program(), *facts, now=after(days=2)).earned == 0


def test_analysis_mode_values_a_purchase_and_posts_nothing() -> None:
    world = World(program(mode="analysis"))
    world.tell(posted("10.00"), paid("10.00"))
    (earning,) = world.earnings.values()
    assert (earning.earned.points, world.types()) == (10, [])


def test_the_purchase_earns_at_the_tier_held_when_it_was_first_posted() -> None:
    world = World(program(tiers={"gold": "1.5"}))
    world.tell(posted("10.00", at=START))
    lifted = Posting(type="enrolment", at=START, standing=Standing(tier="gold"), actor="test")
    world.post(world.enrol(), lifted)
    world.tell(posted("20.00", updated_at=after(hours=1)))
    assert world.balances().pending == 20
