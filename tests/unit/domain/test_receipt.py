"""Receipts: what an earning's entries were computed from, as text that comes back exactly."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.identity import MemberId
from points_ledger.domain.receipt import (
    ALL,
    NOTHING,
    SETTLED,
    CampaignBasis,
    Content,
    Cover,
    Holder,
    Receipt,
    exact_text,
    read_receipt,
)
from tests.builders import (
    START,
    World,
    after,
    bounced,
    campaign,
    line,
    match,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    settled,
)

POSTED = {"posted": "2026-03-02T12:00:00Z"}


def inputs(world: World, member: str = "ada") -> dict[str, str]:
    """What the newest entry was computed from."""
    return dict(world.entries[MemberId(member)][-1].posting.inputs)


# ---- What an entry says


def test_a_rule_says_what_it_was_applied_to() -> None:
    world = World(program(rule(1, "10.00"), requires_payment=False))
    world.tell(posted("21.90"))
    assert inputs(world) == {"rule:base": "21.9", "due": "all", **POSTED}


def test_a_refund_leaves_the_exact_rest() -> None:
    world = World(program(rule(1, "10.00"), requires_payment=False))
    world.tell(posted(line("20.00"), line("10.00", id="2"), total="31.00"), refunded("1.00"))
    assert inputs(world) == {"rule:base": "900/31", "due": "all", "was": "base=3", **POSTED}


def test_pieces_and_fixed_points_have_their_own_quantities() -> None:
    world = World(
        program(
            rule(2, id="piece", per_quantity="1"),
            rule(10, id="bonus", on_partial_refund="proportional"),
            rule(5, id="kept"),
        )
    )
    world.tell(posted(line("30.00", quantity="3")), refunded("7.50"))
    found = inputs(world)
    assert {name: found[f"rule:{name}"] for name in ("piece", "bonus", "kept")} == {
        "piece": "2.25",
        "bonus": "0.75",
        "kept": "1",
    }


def test_a_campaign_says_what_its_lines_earn_alone_and_where_it_was_cut() -> None:
    extra = campaign(multiplier="3", match=match(categories=["a"]), member_cap_points=15)
    world = World(program(campaigns=[extra]))
    world.tell(posted(line("10.00", category="a"), line("5.00", id="2")))
    assert inputs(world)["campaign:campaign"] == "10 room 15"


def test_what_was_paid_is_said_in_money() -> None:
    world = World(program(partial_payment="proportional"))
    world.tell(posted("100.00"), paid("40.00"))
    assert inputs(world)["due"] == "40 of 100"
    world.tell(refunded("20.00"))
    assert inputs(world)["due"] == "40 of 80"
    world.tell(settled())
    assert inputs(world)["due"] == "140 of 80"


def test_settled_is_no_money() -> None:
    world = World(program())
    world.tell(posted("100.00"), settled())
    assert inputs(world)["due"] == "settled"
    world.tell(bounced(at=after(hours=1)))
    assert inputs(world)["due"] == "0 of 100"


def test_what_lapsed_says_what_was_paid() -> None:
    world = World(program(partial_payment="proportional", cancel_unpaid_after="P30D"))
    world.tell(posted("100.00"), paid("40.00"))
    world.wait(after(days=30))
    assert {name: inputs(world)[name] for name in ("due", "paid")} == {
        "due": "40 of 100",
        "paid": "40 of 100",
    }


def test_a_plan_says_whose_place_it_is() -> None:
    world = World(program())
    world.share("ada", {"bob": 70, "cleo": 30})
    world.tell(posted("100.00"))
    assert inputs(world, "bob")["plan"] == "70 30"
    assert inputs(world, "bob")["holder"] == "place=0 earner=no"
    assert inputs(world, "cleo")["holder"] == "place=1 earner=no"


def test_a_former_earner_stands_outside() -> None:
    world = World(program())
    world.tell(posted("10.00"), posted("10.00", customer="bob", updated_at=after(hours=1)))
    assert inputs(world, "ada") == {
        "rule:base": "10",
        "due": "0 of 10",
        "holder": "place=none earner=no",
        **POSTED,
    }


def test_what_a_policy_left_is_said() -> None:
    world = World(program(clawback="only_pending"))
    world.tell(posted("10.00"), paid("10.00"), bounced(at=after(hours=1)))
    assert world.written_off() == 10, "no entry says so"
    world.tell(posted("30.00", updated_at=after(hours=2)))
    assert inputs(world)["holder"] == "place=0 kept=10"


def test_an_action_is_one() -> None:
    world = World(program(rule(50, action="signup")))
    world.tell(performed())
    assert inputs(world) == {"rule:base": "1", "due": "all", **POSTED}


# ---- The text

numbers = st.fractions(min_value=0, max_value=10**9)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
covers = st.one_of(
    st.sampled_from([ALL, SETTLED, NOTHING]), st.builds(Cover, paid=numbers, owed=numbers)
)
contents = st.builds(
    Content,
    rules=st.dictionaries(names, numbers, max_size=3),
    campaigns=st.dictionaries(
        names,
        st.builds(
            CampaignBasis,
            alone=st.integers(0, 10**6),
            room=st.none() | st.integers(0, 10**6),
        ),
        max_size=2,
    ),
    tier=st.none() | names,
)
holders = st.builds(
    Holder,
    place=st.none() | st.integers(0, 1),
    is_earner=st.booleans(),
    member_id=st.none() | names.map(MemberId),
    kept=st.integers(0, 1000),
)
receipts = st.builds(
    Receipt,
    content=contents,
    posted_at=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the zone comes beside it
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    percents=st.just((60, 40)),
    holders=st.lists(holders, min_size=1, max_size=3).map(tuple),
    due=st.none() | covers,
    paid=st.none() | covers,
    was=st.lists(st.tuples(names, st.integers(-9, 99)), max_size=3).map(tuple),
)


@given(receipts)
def test_a_receipt_comes_back_as_it_was(receipt: Receipt) -> None:
    assert read_receipt(receipt.encode()) == receipt


@given(st.fractions())
def test_a_number_is_written_exactly(number: Fraction) -> None:
    assert Fraction(exact_text(number)) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1250), "1250"),
        (Fraction("49.95"), "49.95"),
        (Fraction("0.05"), "0.05"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(100, 3), "100/3"),
    ],
)
def test_a_number_is_a_decimal_where_it_can_be(number: Fraction, text: str) -> None:
    assert exact_text(number) == text


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"posted": "yesterday"},
        {**POSTED, "rule:base": "ten"},
        {**POSTED, "rule:base": "1/0"},
        {**POSTED, "rule:base": "10.0"},
        {**POSTED, "campaign:x": "10 room"},
        {**POSTED, "due": "40 out of 100"},
        {**POSTED, "paid": "half"},
        {**POSTED, "plan": "50 49", "holder": "place=0"},
        {**POSTED, "holder": "place=1"},
        {**POSTED, "holder": "earner=no"},
        {**POSTED, "was": "base"},
        {**POSTED, "colour": "red"},
    ],
)
def test_what_the_ledger_never_wrote_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        read_receipt(wrong)


@pytest.mark.parametrize(
    ("cover", "in_full", "in_parts"),
    [
        (Cover(paid=Fraction(400), owed=Fraction(1000)), 0, 24),
        (Cover(paid=Fraction(1000), owed=Fraction(1000)), 60, 60),
        (Cover(paid=Fraction(2000), owed=Fraction(1000)), 60, 60),
        (Cover(paid=Fraction(0), owed=Fraction(0)), 60, 60),
        (ALL, 60, 60),
        (SETTLED, 60, 60),
        (NOTHING, 0, 0),
    ],
)
def test_what_part_of_the_price_is_good_for(cover: Cover, in_full: int, in_parts: int) -> None:
    assert cover.points(60, in_full=True) == in_full
    assert cover.points(60, in_full=False) == in_parts


def test_a_receipt_starts_with_when_it_happened() -> None:
    assert read_receipt(POSTED).posted_at == START
