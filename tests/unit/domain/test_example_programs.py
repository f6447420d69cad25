"""The example programs of docs/program.md: read, explained, and reckoned by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from local.program_documents import EXAMPLES, SCHEMA, schema_text, with_examples
from points_ledger.contracts.program import parse_program
from points_ledger.domain.earning import Pin
from points_ledger.domain.explanation import describe, explain, explain_rule
from points_ledger.domain.explanation_of_play import explain_challenge
from points_ledger.domain.identity import MemberId
from points_ledger.domain.prize import is_prize_rule
from points_ledger.domain.program import Program
from points_ledger.domain.purchase import Remaining, RemainingLine
from points_ledger.domain.rules import Room, action_points, purchase_points
from points_ledger.domain.sharing import whole

ROOT: Final = Path(__file__).parents[3]
PROGRAMS: Final = ROOT / "events" / "programs"
PAGE: Final = (ROOT / "docs" / "program.md").read_text(encoding="utf-8")
NAMES: Final = ("salon", "law_support", "online_shop")

each_program = pytest.mark.parametrize("name", NAMES)


def text_of(name: str) -> str:
    return (PROGRAMS / f"{name}.json").read_text(encoding="utf-8")


def program_of(name: str) -> Program:
    return parse_program(json.loads(text_of(name)), 1)


def item(
    amount: str,
    category: str | None = None,
    id_: str | None = None,
    *,
    pieces: int = 1,
    of: str | None = None,
) -> RemainingLine:
    """A line; `of` is its amount before refunds."""
    return RemainingLine(
        item=id_,
        product=None,
        category=category,
        amount=Fraction(amount),
        original=Fraction(of or amount),
        pieces=Fraction(pieces),
    )


@dataclass(frozen=True, kw_only=True)
class Sale:
    """A purchase of an example program, and what it earns, by rule and in all."""

    at: str
    lines: tuple[RemainingLine, ...]
    points: int
    rules: Mapping[str, int]
    own_order: bool = True
    who: Mapping[str, Any] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)


SALON: Final = {
    "the first visit: colour, a product, and a gift card that earns nothing": Sale(
        at="2026-12-05T10:00:00-06:00",
        lines=(
            item("120.00", id_="COLOUR"),
            item("25.00", "retail"),
            item("50.00", "retail", "GIFTCARD"),
        ),
        points=183,
        rules={"services": 120, "products": 13, "first-visit": 50},
    ),
    "the same after a part of it was refunded": Sale(
        at="2026-12-05T10:00:00-06:00",
        lines=(item("100.00", id_="COLOUR", of="120.00"), item("25.00", "retail")),
        points=113,
        rules={"services": 100, "products": 13},
    ),
    "a later visit in the month of colour": Sale(
        at="2027-03-10T10:00:00-06:00",
        lines=(item("99.50", "colour"), item("40.00", "service")),
        points=139 + 99,
        rules={"services": 139, "spring-colour": 99},
        taken={"used:rule:first-visit:": 1},
    ),
    "the same by a gold member": Sale(
        at="2027-03-10T10:00:00-06:00",
        lines=(item("99.50", "colour"),),
        points=247,
        rules={"services": 99, "spring-colour": 99, "tier:gold": 49},
        who={"tier": "gold"},
        taken={"used:rule:first-visit:": 1},
    ),
    "colour by somebody who is near the cap": Sale(
        at="2027-03-31T23:59:59-05:00",
        lines=(item("99.50", "colour"),),
        points=149,
        rules={"services": 99, "spring-colour": 50},
        taken={"used:rule:first-visit:": 1, "used:campaign:spring-colour": 250},
    ),
    "colour when the month is over": Sale(
        at="2027-04-01T00:00:00-05:00",
        lines=(item("99.50", "colour"),),
        points=99,
        rules={"services": 99},
        taken={"used:rule:first-visit:": 1},
    ),
}

LAW_SUPPORT: Final = {
    "an original with copies and exhibits": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(
            item("1250.00", "original"),
            item("90.00", "copy", pieces=60),
            item("45.00", "exhibits"),
        ),
        points=82,
        rules={"originals": 75, "copy-pages": 2, "extras": 5},
    ),
    "the same, ordered as a copy of somebody else's job": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(item("1250.00", "original"), item("90.00", "copy", pieces=60)),
        points=2,
        rules={"copy-pages": 2},
        own_order=False,
    ),
    "a large job": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(item("2500.00", "original"),),
        points=250,
        rules={"originals": 150, "large-job": 100},
    ),
    "a large job of which a tenth was credited": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(item("2250.00", "original", of="2500.00"),),
        points=225,
        rules={"originals": 135, "large-job": 90},
    ),
    "a large job of which so much was credited that it is none": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(item("1200.00", "original", of="2400.00"),),
        points=72,
        rules={"originals": 72},
    ),
    "a large job at the end of the year, by a partner": Sale(
        at="2026-12-10T09:00:00-06:00",
        lines=(item("2400.00", "original"),),
        points=439,
        rules={"originals": 144, "large-job": 100, "year-end": 122, "tier:partner": 73},
        who={"tier": "partner"},
    ),
    "two campaigns, of which the one worth most counts": Sale(
        at="2026-12-10T09:00:00-06:00",
        lines=(item("2400.00", "original"), item("80.00", id_="SYNC-VIDEO")),
        points=374,
        rules={"originals": 144, "extras": 8, "large-job": 100, "year-end": 122},
    ),
    "video alone": Sale(
        at="2026-12-10T09:00:00-06:00",
        lines=(item("80.00", "video"),),
        points=48,
        rules={"extras": 8, "video-launch": 40},
    ),
    "realtime that the source has no category for": Sale(
        at="2026-11-01T09:00:00-05:00",
        lines=(item("125.00", id_="REALTIME"),),
        points=13,
        rules={"extras": 13},
    ),
    "a firm with terms of its own": Sale(
        at="2026-11-10T09:00:00-06:00",
        lines=(item("2450.00", "original"), item("90.00", "copy", pieces=60)),
        points=25,
        rules={"negotiated": 25},
        who={"organisation": "Osei & Partners LLP"},
    ),
    "a government office at the end of the year": Sale(
        at="2026-12-10T09:00:00-06:00",
        lines=(item("500.00", "original"),),
        points=30,
        rules={"originals": 30},
        who={"tags": ("government",)},
    ),
}

ONLINE_SHOP: Final = {
    "three bags, shipping and a voucher": Sale(
        at="2026-10-10T12:00:00-05:00",
        lines=(
            item("45.00", id_="BEANS-250", pieces=3),
            item("6.00", "shipping"),
            item("100.00", id_="GIFTCARD"),
        ),
        points=285,
        rules={"every-dollar": 225, "coffee-bags": 60},
    ),
    "a large basket on the black weekend, by a platinum member": Sale(
        at="2026-11-30T12:00:00-06:00",
        lines=(item("89.90", id_="KETTLE"), item("32.00", id_="BEANS-1000")),
        points=2337,
        rules={
            "every-dollar": 609,
            "coffee-bags": 20,
            "black-weekend": 629,
            "hardware-week": 300,
            "tier:platinum": 779,
        },
        who={"tier": "platinum"},
    ),
    "the last second of the black weekend": Sale(
        at="2026-12-01T05:59:59+00:00",
        lines=(item("10.00"),),
        points=100,
        rules={"every-dollar": 50, "black-weekend": 50},
    ),
    "and the first one after it": Sale(
        at="2026-12-01T06:00:00+00:00",
        lines=(item("10.00"),),
        points=50,
        rules={"every-dollar": 50},
    ),
    "a wholesale customer": Sale(
        at="2026-10-10T12:00:00-05:00",
        lines=(item("200.00", id_="KETTLE"),),
        points=250,
        rules={"large-basket": 250},
        who={"tags": ("wholesale",)},
    ),
    "the second large basket of a month": Sale(
        at="2026-10-20T12:00:00-05:00",
        lines=(item("200.00", "hardware"),),
        points=1000,
        rules={"every-dollar": 1000},
        taken={"used:rule:large-basket:2026-10": 1},
    ),
    "a weekend with more than the cap": Sale(
        at="2026-11-27T00:00:00-06:00",
        lines=(item("500.00", "hardware"),),
        points=2500 + 250 + 2000,
        rules={"every-dollar": 2500, "large-basket": 250, "black-weekend": 2000},
    ),
}

STORIES: Final = {
    (name, title): sale
    for name, sales in zip(NAMES, (SALON, LAW_SUPPORT, ONLINE_SHOP), strict=True)
    for title, sale in sales.items()
}


@pytest.mark.parametrize(("name", "title"), STORIES)
def test_a_purchase_earns_what_was_reckoned_by_hand(name: str, title: str) -> None:
    assert_earns(program_of(name), STORIES[name, title])


def assert_earns(program: Program, sale: Sale) -> None:
    refunded = any(line.amount != line.original for line in sale.lines)
    earned = purchase_points(
        Remaining(lines=sale.lines, owed=Fraction(0), refunded=refunded, excess=False),
        program=program,
        pin=replace(Pin(allocation=whole(MemberId("m1"))), **sale.who),
        posted_at=datetime.fromisoformat(sale.at),
        own_order=sale.own_order,
        room=Room(taken=sale.taken),
    )
    assert (earned.points, dict(earned.rules)) == (sale.points, dict(sale.rules))


@pytest.mark.parametrize(
    ("name", "action", "who", "points", "releases"),
    [
        ("salon", "booking", {}, 15, ("linked_purchase",)),
        ("salon", "review", {}, 30, ()),
        ("salon", "referral", {}, 200, ("referred_first_purchase",)),
        ("salon", "birthday", {}, 100, ()),
        ("salon", "survey", {}, 0, ()),
        ("law_support", "survey", {}, 20, ()),
        ("law_support", "survey", {"jurisdiction": "US-NY"}, 0, ()),
        ("law_support", "referral", {}, 300, ("referred_first_purchase",)),
        ("law_support", "anniversary", {"tier": "partner"}, 50, ()),
        ("online_shop", "signup", {}, 200, ()),
        ("online_shop", "social_share", {}, 10, ()),
        ("online_shop", "review", {}, 50, ("linked_purchase",)),
        ("online_shop", "birthday", {}, 250, ()),
        ("online_shop", "birthday", {"tier": "platinum"}, 500, ()),
        # what the ledger itself performs
        ("salon", "challenge:two-a-month", {}, 40, ()),
        ("salon", "streak:every-month", {}, 75, ()),
        ("salon", "leaderboard:regulars:2", {}, 50, ()),
        ("law_support", "challenge:ten-originals", {}, 250, ()),
        ("online_shop", "leaderboard:coffee-lovers:1", {"tier": "platinum"}, 1000, ()),
    ],
)
def test_an_action_earns_what_was_reckoned_by_hand(
    name: str, action: str, who: Mapping[str, Any], points: int, releases: tuple[str, ...]
) -> None:
    earned = action_points(
        action,
        program=program_of(name),
        pin=replace(Pin(allocation=whole(MemberId("m1"))), **who),
        at=datetime.fromisoformat("2026-11-10T12:00:00-06:00"),
        room=Room(),
    )
    assert (earned.points, earned.releases) == (points, releases)


@each_program
def test_every_part_of_a_program_is_shown_by_an_example(name: str) -> None:
    program = program_of(name)
    parts = (
        program.campaigns,
        program.tiers,
        program.challenges,
        program.streaks,
        program.leaderboards,
        program.memberships,
        program.benefits,
        program.item_categories,
        [rule for rule in program.rules if rule.on == "action"],
        [campaign for campaign in program.campaigns if campaign.budget_points],
    )
    assert all(parts)


@each_program
def test_the_description_has_a_sentence_for_every_part(name: str) -> None:
    program = program_of(name)
    description = json.loads(json.dumps(describe(program)))
    kinds = ("rules", "campaigns", "tiers", "challenges", "streaks", "leaderboards", "memberships")
    for kind in (*kinds, "benefits"):
        for part in description[kind]:
            assert part["sentence"] in description["sentences"], kind
    document = json.loads(text_of(name))
    assert [rule["id"] for rule in description["rules"]] == [
        rule["id"] for rule in document["earning_rules"]
    ]
    assert any(map(is_prize_rule, program.rules))
    assert ":" not in "".join(rule["action"] or "" for rule in description["rules"])


@pytest.mark.parametrize("path", ["program", *(f"programs/{name}" for name in NAMES)])
def test_the_page_shows_exactly_this_program_and_its_sentences(path: str) -> None:
    text = (ROOT / "events" / f"{path}.json").read_text(encoding="utf-8")
    assert f"](../events/{path}.json)" in PAGE
    assert f"```json\n{text}```" in PAGE
    program = parse_program(json.loads(text), 1)
    sentences = "\n".join(f"- {sentence}" for sentence in explain(program))
    assert f"\n\n{sentences}\n\n" in PAGE


def test_the_first_program_of_the_page_says_and_earns_what_the_page_says() -> None:
    _, _, section = PAGE.partition("## A first program\n")
    text = section.partition("```json\n")[2].partition("```")[0]
    program = parse_program(json.loads(text), 1)
    rules = [rule for rule in program.rules if not is_prize_rule(rule)]
    said = [explain_rule(rule, program) for rule in rules]
    said += [explain_challenge(challenge, program) for challenge in program.challenges]
    assert "\n\n" + "\n".join(f"- {each}" for each in said) + "\n\n" in section
    sale = Sale(
        at="2026-12-05T10:00:00-06:00",
        lines=(
            item("7.60", id_="CROISSANT"),
            item("6.00", id_="COFFEE", pieces=2),
            item("25.00", id_="GIFTCARD"),
        ),
        points=37,
        rules={"every-dollar": 27, "coffee": 10},
    )
    assert_earns(program, sale)


def test_the_files_in_the_documentation_are_written_from_the_model_and_the_examples() -> None:
    """`make schema` writes them."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()
    assert with_examples(PAGE) == PAGE
    assert {path for _, path, _ in EXAMPLES} == {
        "events/program.json",
        *(f"events/programs/{found.name}" for found in PROGRAMS.iterdir()),
    }


@each_program
def test_an_example_can_be_published_on_the_local_stack(name: str) -> None:
    sample = parse_program(json.loads((ROOT / "events" / "program.json").read_text()), 1)
    assert program_of(name).currency == sample.currency
