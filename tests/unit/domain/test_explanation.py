"""The sentences about a program, each compared with what the rule engine does."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.contracts.program import parse_program
from points_ledger.domain.calendar import Period, Rounding
from points_ledger.domain.earning import Pin
from points_ledger.domain.expiry import last_day_of_lot
from points_ledger.domain.explanation import (
    describe,
    explain,
    explain_campaign,
    explain_enrolment,
    explain_expiry,
    explain_maturation,
    explain_mode,
    explain_multiplying,
    explain_point_value,
    explain_redemption,
    explain_reversal,
    explain_rule,
    explain_stacking,
    explain_tier,
    explain_warnings,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import (
    Campaign,
    Clawback,
    ExpiryTerms,
    Limit,
    Match,
    MaturationTerms,
    PointsRounding,
    PointValue,
    Program,
    RedemptionTerms,
    Rule,
    Tier,
)
from points_ledger.domain.purchase import Remaining, RemainingLine
from points_ledger.domain.redemption import value_of
from points_ledger.domain.rules import Room, action_points, limit_counter, purchase_points
from points_ledger.domain.sharing import whole

SAMPLE_TEXT = Path(__file__).parents[3].joinpath("events", "program.json").read_text()
SAMPLE = parse_program(json.loads(SAMPLE_TEXT), 1)
PLAIN = replace(SAMPLE, rules=(), campaigns=(), tiers=())
MEMBER = Pin(allocation=whole(MemberId("m1")))
POSTED = datetime(2026, 7, 6, 12, tzinfo=UTC)
ORIGINAL = Match(categories=frozenset({"original"}))


def line(
    amount: str,
    category: str | None = None,
    item: str | None = None,
    *,
    pieces: int = 1,
    of: str | None = None,
) -> RemainingLine:
    return RemainingLine(
        item=item,
        product=None,
        category=category,
        amount=Fraction(amount),
        original=Fraction(of or amount),
        pieces=Fraction(pieces),
    )


def earned(
    program: Program,
    *lines: RemainingLine,
    pin: Pin = MEMBER,
    own_order: bool = True,
    refunded: bool = False,
    posted_at: datetime = POSTED,
    room: Room | None = None,
) -> int:
    rest = Remaining(lines=lines, owed=Fraction(0), refunded=refunded, excess=False)
    return purchase_points(
        rest,
        program=program,
        pin=pin,
        posted_at=posted_at,
        own_order=own_order,
        room=room or Room(),
    ).points


def purchase_rule(
    points: int = 1,
    match: Match | None = None,
    *,
    per_amount: str | None = None,
    per_quantity: str | None = None,
    rounding: PointsRounding = "down",
) -> Rule:
    return Rule(
        id="r",
        on="purchase",
        points=points,
        match=match or Match(),
        per_amount=Decimal(per_amount) if per_amount else None,
        per_quantity=Decimal(per_quantity) if per_quantity else None,
        rounding=rounding,
    )


PER_DOLLAR = purchase_rule(per_amount="1.00")


@pytest.mark.parametrize(
    ("rule", "sentence", "lines", "points"),
    [
        (
            purchase_rule(3, ORIGINAL, per_amount="50.00", rounding="step"),
            "3 points for every full 50.00 USD of original",
            [line("1250.00", "original"), line("49.99", "retail")],
            75,
        ),
        (
            purchase_rule(
                match=Match(
                    categories=frozenset({"retail"}), exclude_items=frozenset({"GIFTCARD"})
                ),
                per_amount="1.00",
            ),
            "1 point per 1.00 USD of retail, rounded down; not for item GIFTCARD",
            [line("49.95", "retail"), line("20", "retail", "GIFTCARD"), line("5", "original")],
            49,
        ),
        (
            PER_DOLLAR,
            "1 point per 1.00 USD of the purchase, rounded down",
            [line("0.60"), line("0.60", "anything")],
            1,
        ),
        (
            purchase_rule(2, per_amount="1.00", rounding="up"),
            "2 points per 1.00 USD of the purchase, rounded up",
            [line("1.10")],
            3,
        ),
        (
            purchase_rule(1, per_amount="1000.00", rounding="nearest"),
            "1 point per 1,000.00 USD of the purchase, rounded to the nearest point",
            [line("1500")],
            2,
        ),
        (
            purchase_rule(
                match=Match(
                    items=frozenset({"B", "A"}), categories=frozenset({"retail", "hair care"})
                ),
                per_amount="1.00",
            ),
            '1 point per 1.00 USD of items A or B in "hair care" or retail, rounded down',
            [line("3", "retail", "A"), line("4", "hair care", "B"), line("9", "wine", "A")],
            7,
        ),
        (
            purchase_rule(
                match=Match(
                    exclude_categories=frozenset({"wine"}), exclude_items=frozenset({"A", "B"})
                ),
                per_amount="1.00",
            ),
            "1 point per 1.00 USD of the purchase, rounded down; not for wine or items A or B",
            [line("3", "wine"), line("4", None, "A"), line("9", "retail", "C")],
            9,
        ),
        (
            purchase_rule(match=replace(ORIGINAL, minimum_amount=Decimal(20)), per_amount="1.00"),
            (
                "1 point per 1.00 USD of original, rounded down; "
                "only when that comes to at least 20.00 USD after refunds"
            ),
            [line("19.99", "original", of="25.00"), line("50", "retail")],
            0,
        ),
        (
            purchase_rule(5, ORIGINAL, per_quantity="1"),
            "5 points per piece of original, rounded down",
            [line("1", "original", pieces=3), line("1", pieces=9)],
            15,
        ),
        (
            purchase_rule(5, per_quantity="3", rounding="step"),
            "5 points for every full 3 pieces",
            [line("1", pieces=2), line("1", pieces=6)],
            10,
        ),
        (
            purchase_rule(50, ORIGINAL),
            "50 points for each purchase with original; kept after a partial refund",
            [line("1", "original", of="9"), line("1", "original")],
            50,
        ),
        (
            replace(purchase_rule(50), on_partial_refund="proportional"),
            "50 points for each purchase; in proportion to what a refund leaves, rounded down",
            [line("2", of="3")],
            33,
        ),
        (
            replace(purchase_rule(50), on_partial_refund="revoke"),
            "50 points for each purchase; lost with any refund",
            [line("2", of="3")],
            0,
        ),
    ],
)
def test_a_rule_says_what_a_purchase_earns(
    rule: Rule, sentence: str, lines: list[RemainingLine], points: int
) -> None:
    program = replace(PLAIN, rules=(rule,))
    assert explain_rule(rule, program) == sentence
    refunded = any(entry.amount != entry.original for entry in lines)
    assert earned(program, *lines, refunded=refunded) == points


@pytest.mark.parametrize(
    ("match", "term", "those", "others"),
    [
        (
            Match(tags=frozenset({"vip", "press"})),
            "only for members tagged press or vip",
            {"tags": ("vip", "new")},
            {"tags": ("new",)},
        ),
        (
            Match(exclude_tags=frozenset({"staff"})),
            "not for members tagged staff",
            {},
            {"tags": ("staff",)},
        ),
        (
            Match(tiers=frozenset({"gold", "silver"})),
            "only for members of tiers gold or silver",
            {"tier": "gold"},
            {"tier": None},
        ),
        (
            Match(organisations=frozenset({"Smith & Sons"})),
            'only for members of organisation "Smith & Sons"',
            {"organisation": "Smith & Sons"},
            {"organisation": "Smith"},
        ),
        (
            Match(jurisdictions=frozenset({"US-TX"})),
            "only for members in US-TX",
            {"jurisdiction": "US-TX"},
            {},
        ),
        (
            Match(exclude_jurisdictions=frozenset({"US-NY", "US-MA", "US-TX"})),
            "not for members in US-MA, US-NY or US-TX",
            {},
            {"jurisdiction": "US-NY"},
        ),
    ],
)
def test_a_rule_says_which_members_earn(
    match: Match, term: str, those: dict[str, object], others: dict[str, object]
) -> None:
    for rule in (
        replace(PER_DOLLAR, match=match),
        Rule(id="r", on="action", action="review", points=7, match=match),
    ):
        program = replace(PLAIN, rules=(rule,))
        assert explain_rule(rule, program).endswith(f"; {term}")
        for pin, points in ((those, 7), (others, 0)):
            who = replace(MEMBER, **pin)  # type: ignore[arg-type]  # fields by name
            by_action = action_points("review", program=program, pin=who, at=POSTED, room=Room())
            found = (
                earned(program, line("7"), pin=who) if rule.on == "purchase" else by_action.points
            )
            assert found == points


@pytest.mark.parametrize(
    ("own_orders", "term"),
    [(True, "the member's own orders"), (False, "copies of another's order")],
)
def test_a_rule_says_whose_orders_earn(own_orders: bool, term: str) -> None:
    rule = replace(PER_DOLLAR, match=Match(own_orders=own_orders))
    program = replace(PLAIN, rules=(rule,))
    assert explain_rule(rule, program).endswith(f"; only for {term}")
    assert earned(program, line("7"), own_order=own_orders) == 7
    assert earned(program, line("7"), own_order=not own_orders) == 0


@pytest.mark.parametrize(
    ("limit", "of_action", "of_purchase"),
    [
        (
            Limit(times=1, per="lifetime"),
            "100 points once for signup",
            "once for each member",
        ),
        (
            Limit(times=1, per="day"),
            "100 points once a day for signup",
            "once a day for each member",
        ),
        (
            Limit(times=3, per="month"),
            "100 points for signup, at most 3 times a month",
            "at most 3 times a month for each member",
        ),
        (
            Limit(times=2, per="lifetime"),
            "100 points for signup, at most 2 times in all",
            "at most 2 times in all for each member",
        ),
    ],
)
def test_a_rule_says_how_often(limit: Limit, of_action: str, of_purchase: str) -> None:
    action = Rule(id="a", on="action", action="signup", points=100, limit=limit)
    purchase = replace(PER_DOLLAR, limit=limit)
    program = replace(PLAIN, rules=(action, purchase))
    assert explain_rule(action, program) == of_action
    assert explain_rule(purchase, program).endswith(f", rounded down; {of_purchase}")
    counters = [limit_counter(rule, POSTED.date()) for rule in (action, purchase)]
    for used, times in ((limit.times - 1, 1), (limit.times, 0)):
        room = Room(taken=dict.fromkeys(counters, used))
        by_action = action_points("signup", program=program, pin=MEMBER, at=POSTED, room=room)
        assert by_action.points == 100 * times
        assert earned(program, line("7"), room=room) == 7 * times


def test_an_action_without_a_limit_earns_every_time() -> None:
    rule = Rule(id="r", on="action", action="book review", points=1)
    assert explain_rule(rule, PLAIN) == '1 point for every "book review"'


@pytest.mark.parametrize(
    ("release", "term"),
    [
        ("referred_first_purchase", "the first purchase of the referred friend has matured"),
        ("linked_purchase", "the linked purchase is closed"),
    ],
)
def test_an_action_says_what_its_points_wait_for(release: str, term: str) -> None:
    rule = Rule(id="r", on="action", action="referral", points=50, release=release)  # type: ignore[arg-type]  # parametrised
    assert explain_rule(rule, PLAIN) == f"50 points for every referral; pending until {term}"


def test_an_exclusive_rule_says_that_it_replaces_the_others() -> None:
    high = replace(purchase_rule(100), id="high", exclusive=True, priority=2)
    low = replace(purchase_rule(10), id="low", exclusive=True, priority=1)
    alone = replace(PLAIN, rules=(PER_DOLLAR, low))
    both = replace(PLAIN, rules=(PER_DOLLAR, low, high))
    assert explain_rule(low, alone).endswith("; replaces all other rules")
    said = "; replaces all other rules (priority {}: the highest counts{})"
    assert explain_rule(low, both).endswith(said.format(1, ""))
    assert explain_rule(high, both).endswith(said.format(2, ""))
    assert earned(alone, line("7")) == 10
    assert earned(both, line("7")) == 100
    equal = replace(low, priority=2)
    equals = replace(PLAIN, rules=(PER_DOLLAR, equal, high))
    assert explain_rule(equal, equals).endswith(said.format(2, ", of equal ones the first"))
    assert earned(equals, line("7")) == 10


def test_a_rule_says_when_it_does_not_count_towards_a_tier() -> None:
    rule = replace(PER_DOLLAR, qualifying=False)
    assert explain_rule(rule, PLAIN).endswith("; does not count towards a tier")


SENTENCE = re.compile(
    r"(?P<points>[\d,]+) points? (?P<step>for every full|per) (?P<per>[\d.,]+) USD"
    r" of the purchase(?:, rounded (?P<rounded>down|up|to the nearest point))?"
)
cents = st.integers(1, 10_000_000).map(lambda number: Decimal(number).scaleb(-2))


@given(
    points=st.integers(1, 5000),
    per=cents,
    rounding=st.sampled_from(["step", "down", "nearest", "up"]),
    amount=cents,
)
def test_a_reader_of_the_sentence_computes_the_same_points(
    points: int, per: Decimal, rounding: PointsRounding, amount: Decimal
) -> None:
    rule = purchase_rule(points, per_amount=str(per), rounding=rounding)
    program = replace(PLAIN, rules=(rule,))
    said = SENTENCE.fullmatch(explain_rule(rule, program))
    assert said is not None
    each = int(said["points"].replace(",", ""))
    ratio = Fraction(amount) / Fraction(said["per"].replace(",", ""))
    if said["step"] == "for every full":
        expected = each * floor(ratio)
    else:
        expected = {
            "down": floor(each * ratio),
            "up": ceil(each * ratio),
            "to the nearest point": floor(each * ratio + Fraction(1, 2)),
        }[said["rounded"]]
    assert earned(program, line(str(amount))) == expected


def campaign(
    multiplier: str = "1",
    points: int = 0,
    match: Match | None = None,
    member_cap_points: int | None = None,
) -> Campaign:
    return Campaign(
        id="c",
        begins=datetime(2026, 7, 1),  # noqa: DTZ001 - wall-clock time of the zone
        ends=datetime(2026, 8, 1, 12, 30),  # noqa: DTZ001
        match=match or Match(),
        multiplier=Decimal(multiplier),
        points=points,
        member_cap_points=member_cap_points,
    )


WINDOW = "on purchases posted from 2026-07-01 00:00 until 2026-08-01 12:30 (America/Chicago)"


@pytest.mark.parametrize(
    ("extra", "sentence", "points"),
    [
        (campaign("2"), f"2 times the points, {WINDOW}", 40),
        (campaign("1.5", match=ORIGINAL), f"1.5 times the points for original, {WINDOW}", 25),
        (campaign(points=1), f"1 extra point for each purchase, {WINDOW}", 21),
        (
            campaign("2", 7, ORIGINAL),
            (
                "2 times the points for original and 7 extra points for each purchase with "
                f"original, {WINDOW}"
            ),
            37,
        ),
        (
            campaign("2", match=Match(minimum_amount=Decimal(50))),
            (
                f"2 times the points, {WINDOW}; "
                "only when that comes to at least 50.00 USD after refunds"
            ),
            20,
        ),
        (
            campaign("2", member_cap_points=5),
            f"2 times the points, {WINDOW}; at most 5 extra points for each member",
            25,
        ),
    ],
)
def test_a_campaign_says_what_it_adds(extra: Campaign, sentence: str, points: int) -> None:
    program = replace(PLAIN, rules=(PER_DOLLAR,), campaigns=(extra,))
    assert explain_campaign(extra, program) == sentence
    assert earned(program, line("10", "original"), line("10")) == points


@pytest.mark.parametrize(
    ("posted_at", "points"),
    [
        ("2026-07-01T04:59:59+00:00", 10),
        ("2026-07-01T05:00:00+00:00", 20),
        ("2026-08-01T17:29:59+00:00", 20),
        ("2026-08-01T17:30:00+00:00", 10),
    ],
)
def test_a_campaign_runs_from_the_first_time_until_before_the_second(
    posted_at: str, points: int
) -> None:
    program = replace(PLAIN, rules=(PER_DOLLAR,), campaigns=(campaign("2"),))
    at = datetime.fromisoformat(posted_at)
    assert earned(program, line("10"), posted_at=at) == points


@pytest.mark.parametrize(
    ("stacking", "sentence", "points"),
    [
        ("add", "Campaigns that apply to the same purchase add up", 40),
        (
            "highest",
            "Of the campaigns that apply to the same purchase, only the one worth most counts",
            30,
        ),
    ],
)
def test_several_campaigns_say_how_they_stack(stacking: str, sentence: str, points: int) -> None:
    both = (replace(campaign("2"), id="two"), replace(campaign("3"), id="three"))
    program = replace(PLAIN, rules=(PER_DOLLAR,), campaigns=both, campaign_stacking=stacking)  # type: ignore[arg-type]  # parametrised
    assert explain_stacking(program) == (sentence,)
    assert earned(program, line("10")) == points
    assert explain_stacking(replace(program, campaigns=both[:1])) == ()


@pytest.mark.parametrize(
    ("multiplier", "sentence", "points"),
    [
        (
            "1.5",
            "Tier gold from 5,000 qualifying points: 1.5 times the points of a purchase",
            28,
        ),
        ("1", "Tier gold from 5,000 qualifying points", 19),
    ],
)
def test_a_tier_says_what_it_gives(multiplier: str, sentence: str, points: int) -> None:
    tier = Tier(id="gold", points=5000, multiplier=Decimal(multiplier))
    program = replace(PLAIN, rules=(PER_DOLLAR,), tiers=(tier,))
    assert explain_tier(tier) == sentence
    assert earned(program, line("19"), pin=replace(MEMBER, tier="gold")) == points
    assert earned(program, line("19")) == 19


GOLD = Tier(id="gold", points=5000, multiplier=Decimal("1.5"))
MULTIPLIED = "A tier multiplies what a purchase earns with its campaigns"
COUNTED_BEFORE = "the most that a campaign gives is counted before that"
WHOLE = "What a purchase earns in all is rounded down to whole points"


@pytest.mark.parametrize(
    ("extra", "tiers", "sentences", "points"),
    [
        (None, (), (), 19),
        (None, (GOLD,), (WHOLE,), 28),
        (campaign("2"), (), (), 38),
        (campaign("1.5"), (), (WHOLE,), 28),
        (campaign("2"), (replace(GOLD, multiplier=Decimal(1)),), (), 38),
        (campaign("2"), (replace(GOLD, multiplier=Decimal(2)),), (MULTIPLIED,), 76),
        # Not rounded in between: 19 and 9.5 are 28.5, and those 1.5 times 42.75.
        (campaign("1.5"), (GOLD,), (MULTIPLIED, WHOLE), 42),
        # 5 of the cap are used up, and the member has 7.5 more.
        (
            campaign("2", member_cap_points=5),
            (GOLD,),
            (f"{MULTIPLIED}; {COUNTED_BEFORE}", WHOLE),
            36,
        ),
    ],
)
def test_multipliers_say_what_they_multiply_and_how_it_is_rounded(
    extra: Campaign | None, tiers: tuple[Tier, ...], sentences: tuple[str, ...], points: int
) -> None:
    campaigns = () if extra is None else (extra,)
    program = replace(PLAIN, rules=(PER_DOLLAR,), campaigns=campaigns, tiers=tiers)
    assert explain_multiplying(program) == sentences
    assert earned(program, line("19"), pin=replace(MEMBER, tier="gold")) == points


DAY = Period(minutes=1440)
FORTNIGHT = Period(days=14)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (
            MaturationTerms(hold=DAY),
            (
                "Points become available when the purchase is paid and 24 hours have passed "
                "since the sale"
            ),
        ),
        (MaturationTerms(), "Points become available when the purchase is paid"),
        (MaturationTerms(requires_payment=False), "Points become available at once"),
        (
            MaturationTerms(requires_payment=False, hold=Period(days=1)),
            "Points become available when 1 day has passed since the sale",
        ),
        (
            MaturationTerms(hold=Period(months=1, minutes=90), return_window=FORTNIGHT),
            (
                "Points become available when the purchase is paid, 1 month, 1 hour and 30 minutes "
                "have passed since the sale and 14 days have passed since the payment"
            ),
        ),
        (
            MaturationTerms(requires_payment=False, return_window=FORTNIGHT),
            "Points become available when 14 days have passed since the sale",
        ),
        (
            MaturationTerms(partial_payment="proportional"),
            "Points become available in proportion to what is paid",
        ),
        (
            MaturationTerms(partial_payment="proportional", hold=DAY, return_window=FORTNIGHT),
            (
                "Points become available in proportion to what is paid, when 24 hours have passed "
                "since the sale and 14 days have passed since each payment"
            ),
        ),
        (
            MaturationTerms(partial_payment="proportional", requires_payment=False),
            "Points become available at once",
        ),
    ],
)
def test_maturation_says_what_points_wait_for(terms: MaturationTerms, sentence: str) -> None:
    assert explain_maturation(replace(PLAIN, maturation=terms)) == (sentence,)


def test_maturation_speaks_of_actions_and_lapse_only_where_there_is_any() -> None:
    terms = MaturationTerms(cancel_unpaid_after=Period(days=180))
    assert explain_maturation(replace(SAMPLE, maturation=terms)) == (
        "Points become available when the purchase is paid",
        "Points for actions become available at once",
        "Points that still wait for payment after 180 days lapse; a later payment brings them back",
        "Points that still wait for a referred friend after 180 days lapse",
    )
    unpaid = replace(terms, requires_payment=False)
    assert explain_maturation(replace(PLAIN, maturation=unpaid)) == (
        "Points become available at once",
    )


@pytest.mark.parametrize(
    ("hold", "sentences"),
    [(DAY, ("Points for actions become available when 24 hours have passed",)), (Period(), ())],
)
def test_a_hold_is_named_where_all_actions_wait_for_a_purchase_too(
    hold: Period, sentences: tuple[str, ...]
) -> None:
    rule = Rule(id="r", on="action", action="booking", points=5, release="linked_purchase")
    program = replace(PLAIN, rules=(rule,), maturation=MaturationTerms(hold=hold))
    assert explain_maturation(program)[1:] == sentences


@pytest.mark.parametrize(
    ("terms", "sentence", "last_day"),
    [
        (ExpiryTerms(), "Points never expire", "9999-12-31"),
        (
            ExpiryTerms(kind="period", after=Period(months=24), round_to="month"),
            "Points stay valid for 24 months, to the end of the month",
            "2028-07-31",
        ),
        (
            ExpiryTerms(kind="period", after=Period(days=1)),
            "Points stay valid for 1 day",
            "2026-07-07",
        ),
        (
            ExpiryTerms(kind="period", after=Period(months=1, days=3), round_to="quarter"),
            "Points stay valid for 1 month and 3 days, to the end of the quarter",
            "2026-09-30",
        ),
        (
            ExpiryTerms(kind="period", round_to="year"),
            "Points stay valid to the end of the year in which they become available",
            "2026-12-31",
        ),
    ],
)
def test_expiry_says_how_long_points_are_valid(
    terms: ExpiryTerms, sentence: str, last_day: str
) -> None:
    program = replace(PLAIN, expiry=terms)
    assert explain_expiry(program) == sentence
    assert last_day_of_lot(POSTED, program, POSTED.date()).isoformat() == last_day


ACTIVITY = "the member's last purchase, action or redemption"
UNWARNED = "Points of which the member was not warned at least"


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (
            ExpiryTerms(kind="inactivity", after=Period(months=12), round_to="month"),
            f"Points stay valid for 12 months since {ACTIVITY}, to the end of the month",
        ),
        (
            ExpiryTerms(kind="inactivity", after=Period(days=90)),
            f"Points stay valid for 90 days since {ACTIVITY}",
        ),
        (
            ExpiryTerms(kind="inactivity", round_to="year"),
            f"Points stay valid to the end of the year of {ACTIVITY}",
        ),
    ],
)
def test_expiry_by_inactivity_says_what_keeps_points(terms: ExpiryTerms, sentence: str) -> None:
    assert explain_expiry(replace(PLAIN, expiry=terms)) == sentence


@pytest.mark.parametrize(
    ("terms", "sentences"),
    [
        (ExpiryTerms(kind="period", after=Period(days=1)), ()),
        (ExpiryTerms(warn_days_before=(30,), requires_notice_days=7, return_grace_days=3), ()),
        (
            ExpiryTerms(kind="period", warn_days_before=(7, 90, 30)),
            ("Members are warned 90, 30 and 7 days before points expire",),
        ),
        (
            ExpiryTerms(kind="inactivity", warn_days_before=(1,)),
            ("Members are warned 1 day before points expire",),
        ),
        (
            ExpiryTerms(kind="period", requires_notice_days=14, return_grace_days=1),
            (
                f"{UNWARNED} 14 days before their last day stay valid for 14 days from the warning",
                "Points of a redemption that is undone after their last day stay valid for 1 day",
            ),
        ),
    ],
)
def test_the_program_says_when_members_are_warned_and_what_they_keep(
    terms: ExpiryTerms, sentences: tuple[str, ...]
) -> None:
    assert explain_warnings(replace(PLAIN, expiry=terms)) == sentences


@pytest.mark.parametrize(
    ("currency", "points", "amount", "sentence"),
    [
        ("USD", 100, "1", "100 points are worth 1.00 USD"),
        ("USD", 1, "0.05", "1 point is worth 0.05 USD"),
        ("JPY", 1000, "2500", "1,000 points are worth 2,500 JPY"),
        ("KWD", 10, "0.125", "10 points are worth 0.125 KWD"),
    ],
)
def test_the_value_of_points(currency: str, points: int, amount: str, sentence: str) -> None:
    worth = PointValue(points=points, amount=Decimal(amount))
    program = replace(PLAIN, currency=currency, point_value=worth)
    assert explain_point_value(program) == sentence
    assert value_of(points, worth, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("clawback", "end"),
    [
        ("only_pending", " while they are pending, and stay once they are available"),
        ("within_balance", ", as far as the balance reaches"),
        ("unlimited", ", even when they are spent: the balance can fall below zero"),
    ],
)
def test_reversal_says_what_happens_to_spent_points(clawback: Clawback, end: str) -> None:
    program = replace(PLAIN, clawback=clawback)
    assert explain_reversal(program) == f"Points for what is refunded are taken back{end}"


def test_redemption_says_every_condition_that_is_set() -> None:
    terms = RedemptionTerms(
        paused=True,
        minimum_amount=Decimal(5),
        ticket_must_exceed=True,
        points_paid_part_earns=True,
        yearly_amount_cap=Decimal(600),
        excluded_jurisdictions=frozenset({"US-NY"}),
    )
    assert explain_redemption(replace(PLAIN, redemption=terms)) == (
        "Redemption is paused",
        "A redemption is worth at least 5.00 USD",
        "A ticket must be higher than the value redeemed on it",
        "Points earned on a ticket cannot be spent on the same ticket",
        "A member can redeem at most 600.00 USD in a calendar year",
        "Members in US-NY cannot redeem",
        "The part of a purchase that is paid with points earns points too",
    )
    assert explain_redemption(replace(PLAIN, redemption=RedemptionTerms())) == (
        "Points earned on a ticket cannot be spent on the same ticket",
        "The part of a purchase that is paid with points earns no points",
    )


def test_an_analysis_says_so() -> None:
    program = replace(SAMPLE, mode="analysis")
    assert explain_mode(SAMPLE) == ()
    (sentence,) = explain_mode(program)
    assert explain(program)[0] == sentence
    assert "Points cannot be redeemed" in explain_redemption(program)


@pytest.mark.parametrize(
    ("enrolment", "days", "end"),
    [
        ("automatic", 0, "with the first purchase or action"),
        ("manual", 0, "when enrolled; purchases before that earn nothing"),
        ("manual", 30, "when enrolled; purchases of the 30 days before that earn too"),
        ("manual", 1, "when enrolled; purchases of the 1 day before that earn too"),
    ],
)
def test_enrolment(enrolment: str, days: int, end: str) -> None:
    program = replace(PLAIN, enrolment=enrolment, enrolment_lookback_days=days)  # type: ignore[arg-type]  # parametrised
    assert explain_enrolment(program) == f"A customer becomes a member {end}"


def test_the_sample_in_sentences() -> None:
    assert explain(SAMPLE) == (
        "3 points for every full 50.00 USD of original",
        "1 point per 1.00 USD of retail, rounded down; not for item GIFTCARD",
        "100 points once for signup",
        (
            "50 points for every referral; "
            "pending until the first purchase of the referred friend has matured"
        ),
        (
            "2 times the points for retail, on purchases posted from 2026-11-27 00:00 until "
            "2026-12-01 00:00 (America/Chicago); at most 500 extra points for each member; "
            "at most 100,000 extra points for all members together"
        ),
        "Tier silver from 1,000 qualifying points: 1.25 times the points of a purchase",
        "Tier gold from 5,000 qualifying points: 1.5 times the points of a purchase",
        f"{MULTIPLIED}; {COUNTED_BEFORE}",
        WHOLE,
        (
            "Points of the current month and the 12 months before it count towards a tier, "
            "by the day of the purchase"
        ),
        (
            "A tier that is no longer reached is kept for 30 days, and then falls to the tier "
            "that the points reach"
        ),
        "Points become available when the purchase is paid and 24 hours have passed since the sale",
        "Points for actions become available when 24 hours have passed",
        "Points that still wait for payment after 180 days lapse; a later payment brings them back",
        "Points that still wait for a referred friend after 180 days lapse",
        (
            "Points for what is refunded are taken back, even when they are spent: "
            "the balance can fall below zero"
        ),
        "Points stay valid for 24 months, to the end of the month",
        "Members are warned 30 and 7 days before points expire",
        "100 points are worth 1.00 USD",
        "A redemption is worth at least 5.00 USD",
        "A ticket must be higher than the value redeemed on it",
        "Points earned on a ticket cannot be spent on the same ticket",
        "The part of a purchase that is paid with points earns no points",
        "A customer becomes a member with the first purchase or action",
    )


def test_the_description_is_json_with_the_document_in_it() -> None:
    description = json.loads(json.dumps(describe(SAMPLE)))
    assert description["program"] == json.loads(SAMPLE_TEXT)
    assert description["sentences"] == list(explain(SAMPLE))
    assert {
        name: description[name]
        for name in ("version", "name", "mode", "currency", "time_zone", "point_value")
    } == {
        "version": 1,
        "name": "Acme Rewards",
        "mode": "rewards",
        "currency": "USD",
        "time_zone": "America/Chicago",
        "point_value": {"points": 100, "amount": "1.00"},
    }


def test_the_description_pairs_each_sentence_with_its_data() -> None:
    description = json.loads(json.dumps(describe(SAMPLE)))
    assert description["rules"][1] == {
        "id": "retail",
        "sentence": "1 point per 1.00 USD of retail, rounded down; not for item GIFTCARD",
        "on": "purchase",
        "action": None,
        "points": 1,
        "per_amount": "1.00",
        "per_quantity": None,
        "rounding": "down",
        "match": {"categories": ["retail"], "exclude_items": ["GIFTCARD"]},
        "exclusive": False,
        "priority": 0,
        "on_partial_refund": "keep",
        "qualifying": True,
        "limit": None,
        "release": None,
    }
    assert description["rules"][2]["limit"] == {"times": 1, "per": "lifetime"}
    (found,) = description["campaigns"]
    assert (found["id"], found["from"], found["to"], found["multiplier"]) == (
        "black-friday",
        "2026-11-27T00:00",
        "2026-12-01T00:00",
        "2",
    )
    assert [(tier["id"], tier["multiplier"]) for tier in description["tiers"]] == [
        ("silver", "1.25"),
        ("gold", "1.5"),
    ]


def test_conditions_of_all_kinds_are_data() -> None:
    match = Match(tags=frozenset("fbdace"), own_orders=False, minimum_amount=Decimal("20.00"))
    rule = replace(PER_DOLLAR, match=match)
    description = json.loads(json.dumps(describe(replace(PLAIN, rules=(rule,)))))
    assert description["rules"][0]["match"] == {
        "tags": list("abcdef"),
        "own_orders": False,
        "minimum_amount": "20.00",
    }


@pytest.mark.parametrize("rounding", ["month", "quarter", "year"])
def test_every_rounding_of_expiry_has_its_word(rounding: Rounding) -> None:
    program = replace(PLAIN, expiry=ExpiryTerms(kind="period", after=DAY, round_to=rounding))
    assert explain_expiry(program).endswith(f", to the end of the {rounding}")
