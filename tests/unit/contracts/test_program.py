"""The program document: what is accepted, and what is refused with which path."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.contracts.program import (
    MAX_ERRORS,
    ProgramDocument,
    parse_program,
    program_schema,
)
from points_ledger.contracts.stored_program import program_from_stored
from points_ledger.domain.calendar import Period
from points_ledger.domain.error import BrokenInvariantError, InvalidRequestError
from points_ledger.domain.prize import is_prize_rule
from points_ledger.domain.program import (
    AdjustmentTerms,
    Benefit,
    Campaign,
    Challenge,
    CouponTerms,
    ExpiryTerms,
    Leaderboard,
    Limit,
    Match,
    MaturationTerms,
    Membership,
    PointValue,
    Prize,
    Program,
    RedemptionTerms,
    Rule,
    Streak,
    Tier,
    TierWindow,
    TransferTerms,
)
from tests.json_schema import faults

type_of_document = dict[str, Any]
SCHEMA = program_schema()
SAMPLE_TEXT = Path(__file__).parents[3].joinpath("events", "program.json").read_text()
SMALLEST: type_of_document = {
    "name": "Small",
    "currency": "USD",
    "time_zone": "UTC",
    "point_value": {"points": 1, "amount": "0.01"},
    "earning_rules": [],
}
PURCHASE: type_of_document = {"id": "extra", "on": "purchase", "points": 1, "per_amount": "1.00"}
ACTION: type_of_document = {"id": "extra", "on": "action", "action": "review", "points": 1}
CAMPAIGN: type_of_document = {
    "id": "extra",
    "from": "2027-01-01T00:00",
    "to": "2027-02-01T00:00",
    "multiplier": "2",
}


def sample() -> type_of_document:
    document: type_of_document = json.loads(SAMPLE_TEXT)
    return document


def put(document: type_of_document, path: str, value: object) -> None:
    """Put a value at a dotted path; a number one past the end of a list appends."""
    *holders, last = path.split(".")
    holder: Any = document
    for step in holders:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    if isinstance(holder, list):
        holder[int(last) :] = [value, *holder[int(last) + 1 :]]
    else:
        holder[last] = value


def with_value(path: str, value: object) -> type_of_document:
    """The sample with one value put at a dotted path."""
    document = sample()
    put(document, path, value)
    return document


def refusals(document: object) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as refused:
        parse_program(document, 1)
    return {error.field: error.message for error in refused.value.errors}


def test_the_sample_is_read_field_by_field() -> None:
    assert parse_program(sample(), 7) == Program(
        version=7,
        name="Acme Rewards",
        mode="rewards",
        currency="USD",
        zone=ZoneInfo("America/Chicago"),
        point_value=PointValue(points=100, amount=Decimal("1.00")),
        enrolment="automatic",
        enrolment_lookback_days=0,
        item_categories={},
        rules=(
            Rule(
                id="original-pages",
                on="purchase",
                match=Match(categories=frozenset({"original"})),
                points=3,
                per_amount=Decimal("50.00"),
                rounding="step",
            ),
            Rule(
                id="retail",
                on="purchase",
                match=Match(
                    categories=frozenset({"retail"}), exclude_items=frozenset({"GIFTCARD"})
                ),
                points=1,
                per_amount=Decimal("1.00"),
                rounding="down",
            ),
            Rule(
                id="signup",
                on="action",
                action="signup",
                points=100,
                limit=Limit(times=1, per="lifetime"),
            ),
            Rule(
                id="referral",
                on="action",
                action="referral",
                points=50,
                release="referred_first_purchase",
            ),
        ),
        campaigns=(
            Campaign(
                id="black-friday",
                begins=datetime(2026, 11, 27),  # noqa: DTZ001 - wall-clock time of the zone
                ends=datetime(2026, 12, 1),  # noqa: DTZ001
                match=Match(categories=frozenset({"retail"})),
                multiplier=Decimal(2),
                member_cap_points=500,
                budget_points=100_000,
            ),
        ),
        campaign_stacking="add",
        tiers=(
            Tier(id="silver", points=1000, multiplier=Decimal("1.25")),
            Tier(id="gold", points=5000, multiplier=Decimal("1.5")),
        ),
        maturation=MaturationTerms(
            requires_payment=True,
            partial_payment="full_only",
            hold=Period(minutes=1440),
            return_window=Period(),
            cancel_unpaid_after=Period(days=180),
        ),
        clawback="unlimited",
        expiry=ExpiryTerms(
            kind="period", after=Period(months=24), round_to="month", warn_days_before=(30, 7)
        ),
        redemption=RedemptionTerms(
            minimum_amount=Decimal("5.00"), ticket_must_exceed=True, points_paid_part_earns=False
        ),
        adjustments=AdjustmentTerms(approval_above_points=None, approval_below_zero=True),
        coupons=CouponTerms(minimum_points=0, valid_days=90),
        sharing_within="organisation",
        transfers=TransferTerms(enabled=True, within="organisation", minimum_points=1),
        tier_window=TierWindow(kind="rolling", months=12, grace_days=30, downgrade="reassess"),
    )


PLAYFUL: type_of_document = {
    "challenges": [
        {"id": "monthly", "count": 5, "points": 50, "per": "month", "match": {"items": ["A"]}},
        {
            "id": "spring",
            "count": 2,
            "points": 20,
            "on": "action",
            "action": "review",
            "from": "2027-03-01T00:00",
            "to": "2027-06-01T00:00",
        },
        {"id": "first", "count": 1, "points": 10},
    ],
    "streaks": [{"id": "weekly", "every": "week", "length": 4, "points": 30}],
    "leaderboards": [
        {
            "id": "top",
            "per": "month",
            "by": "purchases",
            "freeze_after": "P3D",
            "prizes": [{"rank": 2, "points": 50}, {"rank": 1, "points": 100}],
        }
    ],
    "memberships": [
        {"id": "club", "tier": "gold", "lasts": "P1Y", "items": ["CARD"], "name": "Gold Club"}
    ],
    "benefits": [
        {
            "id": "ten",
            "description": "A tenth off",
            "tiers": ["gold"],
            "categories": ["retail"],
            "discount_percent": "12.5",
        }
    ],
    "tier_window": {"kind": "anniversary", "downgrade": "one_step"},
}


def test_what_is_beside_the_rules_is_read_field_by_field() -> None:
    program = parse_program(sample() | PLAYFUL, 1)
    assert program.challenges == (
        Challenge(
            id="monthly", count=5, points=50, per="month", match=Match(items=frozenset({"A"}))
        ),
        Challenge(
            id="spring",
            count=2,
            points=20,
            on="action",
            action="review",
            per="window",
            begins=datetime(2027, 3, 1),  # noqa: DTZ001 - wall-clock time of the zone
            ends=datetime(2027, 6, 1),  # noqa: DTZ001
        ),
        Challenge(id="first", count=1, points=10, per="lifetime"),
    )
    assert program.streaks == (Streak(id="weekly", every="week", length=4, points=30),)
    assert program.leaderboards == (
        Leaderboard(
            id="top",
            per="month",
            by="purchases",
            freeze_after=Period(days=3),
            prizes=(Prize(rank=1, points=100), Prize(rank=2, points=50)),
        ),
    )
    assert program.memberships == (
        Membership(
            id="club",
            tier="gold",
            lasts=Period(months=12),
            items=frozenset({"CARD"}),
            name="Gold Club",
        ),
    )
    assert program.benefits == (
        Benefit(
            id="ten",
            description="A tenth off",
            tiers=frozenset({"gold"}),
            categories=frozenset({"retail"}),
            discount_percent=Decimal("12.5"),
        ),
    )
    assert program.tier_window == TierWindow(kind="anniversary", downgrade="one_step")


def test_prizes_are_rules_on_actions_that_no_document_can_name() -> None:
    program = parse_program(sample() | PLAYFUL, 1)
    prizes = [rule for rule in program.rules if is_prize_rule(rule)]
    assert [(rule.id, rule.on, rule.action, rule.points) for rule in prizes] == [
        ("monthly", "action", "challenge:monthly", 50),
        ("spring", "action", "challenge:spring", 20),
        ("first", "action", "challenge:first", 10),
        ("weekly", "action", "streak:weekly", 30),
        ("top#1", "action", "leaderboard:top:1", 100),
        ("top#2", "action", "leaderboard:top:2", 50),
    ]
    assert not any(rule.qualifying or rule.limit or rule.release for rule in prizes)
    assert [rule for rule in program.rules if rule not in prizes] == [
        *parse_program(sample(), 1).rules
    ]
    for rule in prizes:
        named = refusals(with_value("earning_rules.4", {**ACTION, "action": rule.action}))
        assert list(named) == ["earning_rules.4.action"]


def test_stored_documents_of_before_may_have_nothing_where_lists_are() -> None:
    names = ("challenges", "streaks", "leaderboards", "memberships", "benefits")
    earlier = sample() | dict.fromkeys(names)
    assert program_from_stored(json.dumps(earlier), 1) == parse_program(sample(), 1)


def test_the_document_is_kept_as_it_came() -> None:
    assert parse_program(sample(), 1).document == sample()
    assert program_from_stored(SAMPLE_TEXT, 1).document == sample()


def test_what_is_left_out_switches_nothing_on() -> None:
    program = parse_program(SMALLEST, 1)
    assert program.mode == "rewards"
    assert program.enrolment == "automatic"
    assert program.maturation == MaturationTerms()
    assert program.expiry == ExpiryTerms(kind="never")
    assert program.redemption == RedemptionTerms()
    assert (program.campaigns, program.tiers, program.item_categories) == ((), (), {})
    assert (program.campaign_stacking, program.clawback) == ("add", "unlimited")


MONEY_PATHS = (
    "point_value.amount",
    "earning_rules.0.per_amount",
    "earning_rules.0.match.minimum_amount",
    "campaigns.0.match.minimum_amount",
    "redemption.minimum_amount",
    "redemption.yearly_amount_cap",
)
NOT_MONEY = (
    1,
    1.5,
    True,
    "",
    "1e3",
    "1_000",
    " 1",
    "1,5",
    "NaN",
    "Infinity",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "0x1",
    "01",
)


@pytest.mark.parametrize("path", MONEY_PATHS)
@pytest.mark.parametrize("value", [*NOT_MONEY, "-1.00", "1000000000.00", [], {}])
def test_money_is_a_decimal_string_in_bounds(path: str, value: object) -> None:
    assert path in refusals(with_value(path, value))


@pytest.mark.parametrize("path", MONEY_PATHS)
@pytest.mark.parametrize(
    ("currency", "fits", "too_fine"),
    [("USD", "1.25", "1.250"), ("JPY", "125", "125.0"), ("KWD", "1.255", "1.2555")],
)
def test_amounts_have_at_most_the_currency_s_decimals(
    path: str, currency: str, fits: str, too_fine: str
) -> None:
    document = sample()
    # All amounts that the sample has, so that they fit any of the currencies.
    for other in (*MONEY_PATHS, "earning_rules.1.per_amount"):
        put(document, other, "1")
    document["currency"] = currency
    put(document, path, fits)
    assert parse_program(document, 1).currency == currency
    put(document, path, too_fine)
    assert list(refusals(document)) == [path]


POINTS_PATHS = (
    "point_value.points",
    "earning_rules.0.points",
    "earning_rules.2.limit.times",
    "campaigns.0.points",
    "campaigns.0.member_cap_points",
    "campaigns.0.budget_points",
    "tiers.0.points",
    "enrolment_lookback_days",
    "redemption.reservation_minutes",
    "redemption.approval_days",
    "coupons.minimum_points",
    "coupons.valid_days",
    "transfers.minimum_points",
    "expiry.return_grace_days",
    "expiry.warn_days_before.0",
    "tier_window.months",
)


@pytest.mark.parametrize("path", POINTS_PATHS)
@pytest.mark.parametrize("value", [-1, 1.0, "1", True, 10**12, [1]])
def test_whole_numbers_are_whole_numbers_in_bounds(path: str, value: object) -> None:
    assert path in refusals(with_value(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # fields that are not known, anywhere
        ("colour", "red"),
        ("earning_rules.0.point", 3),
        ("earning_rules.0.match.category", "retail"),
        ("redemption.minimum", "5.00"),
        ("version", 1),
        ("campaigns.0.begins", "2026-11-27T00:00"),
        # words
        ("name", ""),
        ("name", "   "),
        ("name", "bell\x07"),
        ("name", "x" * 1001),
        ("name", 5),
        ("mode", "simulation"),
        ("enrolment", "Automatic"),
        ("currency", "XXX"),
        ("currency", "usd"),
        ("currency", 840),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "America"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", "localtime"),
        ("time_zone", "x" * 5000),
        ("time_zone", None),
        # multipliers
        ("campaigns.0.multiplier", "0"),
        ("campaigns.0.multiplier", "0.5"),
        ("campaigns.0.multiplier", "-2"),
        ("campaigns.0.multiplier", "1000000000"),
        ("campaigns.0.multiplier", "1e9"),
        ("campaigns.0.multiplier", 1e9),
        ("campaigns.0.multiplier", 1.5),
        ("campaigns.0.multiplier", 0),
        ("campaigns.0.multiplier", True),
        ("campaigns.0.multiplier", None),
        ("tiers.1.multiplier", "0"),
        ("tiers.1.multiplier", "101"),
        # pieces
        ("earning_rules.4", {**PURCHASE, "per_quantity": "1"}),
        ("earning_rules.0.per_quantity", "0"),
        ("earning_rules.0.per_quantity", 0.5),
        # zero where nothing would come of it
        ("earning_rules.0.points", 0),
        ("earning_rules.0.per_amount", "0.00"),
        ("point_value.amount", "0.00"),
        ("point_value.points", 0),
        ("tiers.0.points", 0),
        ("earning_rules.2.limit.times", 0),
        ("maturation.cancel_unpaid_after", "P0D"),
        # ids
        ("earning_rules.0.id", ""),
        ("earning_rules.0.id", "tier:gold"),
        ("earning_rules.0.id", "a b"),
        ("earning_rules.0.id", "a\n"),
        ("earning_rules.0.id", "x" * 65),
        ("earning_rules.1.id", "original-pages"),
        ("campaigns.0.id", "retail"),
        ("tiers.1.id", "silver"),
        # names of sources
        ("earning_rules.0.match.items", [""]),
        ("earning_rules.0.match.categories", ["x" * 256]),
        ("earning_rules.0.match.categories", ["tab\t"]),
        ("earning_rules.0.match.categories", ["e\N{COMBINING ACUTE ACCENT}"]),
        ("earning_rules.0.match.categories", "retail"),
        ("earning_rules.0.match.categories", [str(number) for number in range(1001)]),
        ("earning_rules.0.match", None),
        ("earning_rules.0.match.tiers", ["platinum"]),
        ("campaigns.0.match.tiers", ["platinum"]),
        ("item_categories.price_1", ""),
        ("item_categories.bell\x07", "retail"),
        ("item_categories", []),
        # order
        ("tiers.1.points", 1000),
        ("tiers.1.points", 999),
        # windows
        ("campaigns.0.to", "2026-11-27T00:00"),
        ("campaigns.0.to", "2026-11-26T23:59:59"),
        ("campaigns.0.to", "2026-12-01"),
        ("campaigns.0.to", "2026-02-30T00:00"),
        ("campaigns.0.to", "2026-12-01T00:00Z"),
        ("campaigns.0.from", "2026-11-27T00:00-06:00"),
        ("campaigns.0.from", "1066-10-14T09:00"),
        ("campaigns.0.from", None),
        ("campaigns.1", {**CAMPAIGN, "multiplier": "1.0"}),
        # durations
        ("maturation.hold", "24h"),
        ("maturation.hold", "PT"),
        ("maturation.hold", "-P1D"),
        ("maturation.hold", 24),
        ("maturation.hold", "P\N{ARABIC-INDIC DIGIT ONE}D"),
        ("maturation.return_window", "P999Y"),
        ("maturation.return_window", "P99999D"),
        ("expiry.after", "PT36H"),
        ("expiry.after", None),
        ("expiry.round_to", "week"),
        # rules on purchases and rules on actions
        ("earning_rules.0.on", "refund"),
        ("earning_rules.0.action", "signup"),
        ("earning_rules.0.release", "referred_first_purchase"),
        ("earning_rules.0.per_quantity", "1"),
        ("earning_rules.0.on_partial_refund", "revoke"),
        ("earning_rules.2.action", None),
        ("earning_rules.2.action", "a:b"),
        # nobody else brings a friend, so the points would wait for ever
        ("earning_rules.2.release", "referred_first_purchase"),
        # the ledger performs these itself, so nobody links them to a purchase
        ("earning_rules.3.release", "linked_purchase"),
        ("earning_rules.4", {**ACTION, "action": "birthday", "release": "linked_purchase"}),
        ("earning_rules.4", {**ACTION, "action": "anniversary", "release": "linked_purchase"}),
        ("earning_rules.2.per_amount", "1.00"),
        ("earning_rules.2.rounding", "up"),
        ("earning_rules.2.exclusive", True),
        ("earning_rules.2.match.categories", ["retail"]),
        ("earning_rules.2.match.minimum_amount", "1.00"),
        ("earning_rules.2.limit.per", "week"),
        ("earning_rules.4", {**ACTION, "action": "referral"}),
        # flags are flags
        ("redemption.paused", 0),
        ("redemption.paused", "false"),
        ("maturation.requires_payment", 1),
        # too many
        ("earning_rules", [{**PURCHASE, "id": f"r{number}"} for number in range(201)]),
        ("tiers", [{"id": f"t{n}", "points": n + 1} for n in range(21)]),
    ],
)
def test_a_bad_value_is_refused_at_its_path(path: str, value: object) -> None:
    named = refusals(with_value(path, value))
    assert any(field == path or field.startswith(f"{path}.") for field in named), named
    assert len(named) == 1, named


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("expiry.kind", "never"),
        ("expiry.kind", "inactivity"),
        ("expiry.requires_notice_days", 30),
        ("expiry.requires_notice_days", None),
        ("redemption.approval_above_points", 1000),
        ("redemption.member_requests_need_approval", True),
        ("adjustments.approval_above_points", 0),
        ("transfers.approval_above_points", 500),
        ("transfers.within", "anyone"),
        ("expiry.return_grace_days", 14),
        ("expiry.warn_days_before", [60, 30, 7]),
        ("expiry.after", "P0D"),
        ("challenges", []),
        ("challenges", PLAYFUL["challenges"]),
        ("streaks", [{"id": "s", "every": "day", "length": 52, "points": 1}]),
        ("leaderboards", [{"id": "b", "per": "year"}]),
        ("memberships", PLAYFUL["memberships"]),
        ("benefits", [{"id": "b", "description": "A drink", "discount_percent": 100}]),
        ("tier_window", {"kind": "calendar"}),
        ("tier_window.downgrade", "one_step"),
        ("earning_rules.4", {**ACTION, "release": "linked_purchase"}),
        ("campaigns.0.budget_points", None),
        ("campaigns.0.multiplier", 3),
        ("campaigns.1", {**CAMPAIGN, "multiplier": "1", "points": 5}),
        ("earning_rules.4", {**PURCHASE, "per_amount": None, "per_quantity": 2}),
        ("earning_rules.4", {"id": "x", "on": "purchase", "points": 5}),
        ("earning_rules.4", ACTION),
        ("earning_rules.0.match", {}),
        ("earning_rules.0.match.tiers", ["gold"]),
        ("earning_rules.0.match.items", ["Ünïcode 1 kg"]),
        ("item_categories", {"price_1": "retail"}),
        ("mode", "analysis"),
        ("transfers.enabled", False),
        ("adjustments.approval_below_zero", False),
        ("redemption.reservation_minutes", 60),
        ("redemption.yearly_amount_cap", "600.00"),
        ("redemption.excluded_jurisdictions", ["US-NY"]),
        ("maturation.partial_payment", "proportional"),
        ("maturation.cancel_unpaid_after", None),
        ("reversal.clawback", "within_balance"),
        ("time_zone", "Etc/GMT+5"),
        ("campaigns.0.to", "9999-12-31T23:59"),
    ],
)
def test_what_the_contract_allows_is_accepted(path: str, value: object) -> None:
    document = with_value(path, value)
    assert parse_program(document, 1) == program_from_stored(json.dumps(document), 1)
    assert faults(SCHEMA, document) == []


@pytest.mark.parametrize("name", ["name", "currency", "time_zone", "point_value", "earning_rules"])
def test_what_has_no_sensible_default_is_required(name: str) -> None:
    document = sample()
    del document[name]
    assert list(refusals(document)) == [name]


@pytest.mark.parametrize("document", [None, [], "{}", 1, True, [sample()]])
def test_only_an_object_is_a_document(document: object) -> None:
    assert refusals(document) == {"program": "must be an object"}


def test_a_window_is_judged_by_the_clocks_of_its_zone() -> None:
    # At 02:00 the clocks jump to 03:00: 02:30 is taken as 03:30 there, which is after 03:15.
    window = {**CAMPAIGN, "from": "2027-03-14T02:30", "to": "2027-03-14T03:15"}
    assert list(refusals(with_value("campaigns.1", window))) == ["campaigns.1.to"]
    utc = {**with_value("campaigns.1", window), "time_zone": "UTC"}
    assert len(parse_program(utc, 1).campaigns) == 2


def test_every_error_is_reported_at_once() -> None:
    document = sample()
    document["colour"] = "red"
    document["currency"] = "JPY"
    document["earning_rules"][0]["per_amount"] = 50.0
    document["earning_rules"][1]["id"] = "signup"
    document["campaigns"][0]["to"] = "2026-01-01T00:00"
    document["tiers"][1]["points"] = 1
    document["expiry"]["kind"] = "sometimes"
    del document["point_value"]["points"]
    assert set(refusals(document)) == {
        "colour",
        "point_value.points",
        "point_value.amount",
        "earning_rules.0.per_amount",
        "earning_rules.1.per_amount",
        "earning_rules.2.id",
        "campaigns.0.to",
        "tiers.1.points",
        "expiry.kind",
        "redemption.minimum_amount",
    }


def test_of_very_many_errors_the_rest_is_counted() -> None:
    document = sample() | {f"unknown{number}": 1 for number in range(MAX_ERRORS + 50)}
    named = refusals(document)
    assert len(named) == MAX_ERRORS + 1
    assert named["program"] == "has 50 more errors"


def test_long_values_are_not_echoed_in_full() -> None:
    long = with_value("maturation.hold", "P" * 10_000)
    long["tiers"][0]["points"] = 10**4_000
    messages = refusals(long)
    assert messages.keys() == {"maturation.hold", "tiers.0.points"}
    assert all(len(message) <= 200 for message in messages.values())


def test_long_names_of_fields_are_not_echoed_in_full() -> None:
    (field,) = refusals(sample() | {"x" * 100_000: 1})
    assert len(field) < 100


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"', '{"currency": "USD"}', "null"])
def test_stored_text_that_is_no_document_is_a_broken_invariant(text: str) -> None:
    with pytest.raises(BrokenInvariantError):
        program_from_stored(text, 1)


def test_stored_documents_may_have_fields_of_later_versions_at_the_top() -> None:
    later = sample() | {"loyalty_cards": []}
    assert program_from_stored(json.dumps(later), 1) == parse_program(sample(), 1)


def test_the_schema_closes_every_object_and_names_what_is_required() -> None:
    schema = program_schema()
    assert schema["required"] == ["name", "currency", "time_zone", "point_value", "earning_rules"]
    objects = [schema, *schema["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)
    assert set(sample()) <= set(schema["properties"])
    assert "from" in schema["$defs"]["CampaignDocument"]["properties"]
    json.dumps(schema)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", " "),
        ("currency", "DOLLARS"),
        ("time_zone", "Mars Olympus"),
        ("point_value.amount", "0.00"),
        ("item_categories", {"": "retail"}),
        ("earning_rules.0.id", "a b"),
        ("earning_rules.0.points", 0),
        ("earning_rules.0.per_amount", "0"),
        ("earning_rules.0.per_amount", "-1.00"),
        ("earning_rules.0.per_amount", "01.00"),
        ("earning_rules.0.per_amount", "1000000000"),
        ("earning_rules.0.match.categories", [""]),
        ("earning_rules.0.match.categories", ["x" * 256]),
        ("earning_rules.0.match.colour", "red"),
        ("earning_rules.2.action", "challenge:x"),
        ("earning_rules.4", {**PURCHASE, "per_amount": None, "per_quantity": 0}),
        ("campaigns.0.from", "1969-12-31T00:00"),
        ("campaigns.0.to", "2027-01-01"),
        ("campaigns.0.multiplier", "0"),
        ("campaigns.0.multiplier", "0.5"),
        ("campaigns.0.multiplier", 1_000_000_000),
        ("campaigns.0.multiplier", "1000000000"),
        ("tiers.0.multiplier", "100.01"),
        ("benefits", [{"id": "b", "description": "A drink", "discount_percent": "0.0"}]),
        ("memberships", [{"id": "m", "tier": "gold", "lasts": "PT5H"}]),
        ("maturation.hold", "P1"),
        ("maturation.hold", "PT"),
        ("expiry.after", "PT36H"),
        ("redemption.minimum_amount", "-0"),
    ],
)
def test_what_one_field_gets_wrong_the_schema_knows_too(path: str, value: object) -> None:
    document = with_value(path, value)
    assert len(refusals(document)) == 1
    assert faults(SCHEMA, document)


# Random documents.

labels = st.text(st.sampled_from("abcÄ -_1"), min_size=1, max_size=5).filter(str.strip)
label_lists = st.lists(labels, max_size=3)
cents = st.integers(1, 10**9).map(lambda n: f"{n // 100}.{n % 100:02}")
multipliers = st.integers(100, 10_000).map(lambda n: f"{n // 100}.{n % 100:02}")
durations = st.one_of(
    st.integers(1, 48).map(lambda n: f"P{n}M"), st.integers(1, 400).map(lambda n: f"P{n}D")
)
holds = durations | st.integers(1, 10_000).map(lambda n: f"PT{n}M")
flags = st.booleans()


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[type_of_document]:
    return st.fixed_dictionaries({}, optional=fields)


def matches(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    member = {
        "tags": label_lists,
        "exclude_tags": label_lists,
        "organisations": label_lists,
        "jurisdictions": label_lists,
        "exclude_jurisdictions": label_lists,
    }
    if tiers:
        member["tiers"] = st.lists(st.sampled_from(tiers), max_size=2)
    return optional(
        categories=label_lists,
        items=label_lists,
        exclude_categories=label_lists,
        exclude_items=label_lists,
        own_orders=st.none() | flags,
        minimum_amount=st.none() | cents,
        **member,
    )


def rules(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    limit = st.none() | st.fixed_dictionaries(
        {
            "times": st.integers(1, 100),
            "per": st.sampled_from(["day", "month", "year", "lifetime"]),
        }
    )
    points = st.integers(1, 1000)
    shared = {"match": matches(tiers), "limit": limit, "qualifying": flags}
    ranked = {"exclusive": flags, "priority": st.integers(-5, 5)}
    rounding = st.sampled_from(["step", "down", "nearest", "up"])
    purchase = {"on": st.just("purchase"), "points": points}
    whole_or_text = st.integers(1, 9) | multipliers
    fixed = st.sampled_from(["keep", "proportional", "revoke"])
    action = {"on": st.just("action"), "points": points, "action": labels}
    return st.one_of(
        st.fixed_dictionaries(
            {**purchase, "per_amount": cents}, optional={**shared, **ranked, "rounding": rounding}
        ),
        st.fixed_dictionaries(
            {**purchase, "per_quantity": whole_or_text},
            optional={**shared, **ranked, "rounding": rounding},
        ),
        st.fixed_dictionaries(purchase, optional={**shared, **ranked, "on_partial_refund": fixed}),
        st.fixed_dictionaries(action, optional={"limit": limit, "qualifying": flags}),
    )


@st.composite
def documents(draw: st.DrawFn) -> type_of_document:
    steps = draw(st.lists(st.integers(1, 1000), max_size=3))
    tiers: list[type_of_document] = [
        {"id": f"tier{number}", "points": sum(steps[: number + 1])}
        | draw(optional(multiplier=multipliers))
        for number in range(len(steps))
    ]
    tier_ids = [tier["id"] for tier in tiers]
    days = st.integers(1, 300)
    campaigns = [
        {
            "id": f"campaign{number}",
            "from": f"{2026 + number}-01-01T00:00",
            "to": f"{2027 + number}-0{draw(st.integers(1, 9))}-01T12:30:15",
            "points": draw(st.integers(1, 100)),
        }
        | draw(
            optional(
                match=matches(tier_ids),
                multiplier=multipliers,
                member_cap_points=st.none() | days,
                budget_points=st.none() | days,
            )
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    drawn = draw(st.lists(rules(tier_ids), max_size=5))
    challenges = draw(st.lists(challenges_of(tier_ids), max_size=3))
    streaks = draw(st.lists(streaks_of(tier_ids), max_size=2))
    boards = draw(st.lists(boards_of(tier_ids), max_size=2))
    benefits = draw(st.lists(benefits_of(tier_ids), max_size=2))
    return {
        **SMALLEST,
        "point_value": {"points": draw(days), "amount": draw(cents)},
        "time_zone": draw(st.sampled_from(["UTC", "America/Chicago", "Asia/Kolkata"])),
        "earning_rules": [{"id": f"rule{n}"} | rule for n, rule in enumerate(drawn)],
        **draw(
            optional(
                mode=st.sampled_from(["rewards", "analysis"]),
                enrolment=st.sampled_from(["automatic", "manual"]),
                enrolment_lookback_days=days,
                item_categories=st.dictionaries(labels, labels, max_size=3),
                campaigns=st.just(campaigns),
                campaign_stacking=st.sampled_from(["add", "highest"]),
                maturation=optional(
                    requires_payment=flags,
                    partial_payment=st.sampled_from(["full_only", "proportional"]),
                    hold=holds,
                    return_window=holds,
                    cancel_unpaid_after=st.none() | holds,
                ),
                reversal=optional(
                    clawback=st.sampled_from(["only_pending", "within_balance", "unlimited"])
                ),
                expiry=st.fixed_dictionaries(
                    {"kind": st.just("period"), "after": durations},
                    optional={
                        "round_to": st.sampled_from(["day", "month", "quarter", "year"]),
                        "warn_days_before": st.lists(days, max_size=3),
                    },
                )
                | st.just({"kind": "never"}),
                redemption=optional(
                    paused=flags,
                    minimum_amount=cents,
                    ticket_must_exceed=flags,
                    points_paid_part_earns=flags,
                    yearly_amount_cap=st.none() | cents,
                    excluded_jurisdictions=label_lists,
                    reservation_minutes=days,
                    approval_above_points=st.none() | days,
                    approval_days=days,
                    member_requests_need_approval=flags,
                ),
                adjustments=optional(approval_above_points=st.none() | days),
                coupons=optional(minimum_points=days, valid_days=days),
                sharing=optional(within=st.sampled_from(["organisation", "anyone"])),
                transfers=st.fixed_dictionaries(
                    {"enabled": flags},
                    optional={"minimum_points": days, "approval_above_points": st.none() | days},
                ),
            )
        ),
        "tiers": tiers,
        "challenges": [{"id": f"challenge{n}"} | each for n, each in enumerate(challenges)],
        "streaks": [{"id": f"streak{n}"} | each for n, each in enumerate(streaks)],
        "leaderboards": [{"id": f"board{n}"} | each for n, each in enumerate(boards)],
        "memberships": [
            {"id": f"membership{n}", "tier": tier, "lasts": draw(durations), "items": [f"CARD {n}"]}
            for n, tier in enumerate(tier_ids)
        ],
        "benefits": [{"id": f"benefit{n}"} | each for n, each in enumerate(benefits)],
    }


def counted(tiers: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    return {"points": st.integers(1, 1000), "match": matches(tiers)}


def challenges_of(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    times = st.sampled_from(["day", "week", "month", "year", "lifetime"])
    whole = {"count": st.integers(1, 100), **counted(tiers)}
    window = {"from": st.just("2026-05-01T00:00"), "to": st.just("2026-05-01T00:00:01")}
    return st.one_of(
        st.fixed_dictionaries(whole, optional={"per": times}),
        st.fixed_dictionaries({**whole, **window}),
        st.fixed_dictionaries(
            {"count": st.just(2), "points": st.just(3), "on": st.just("action"), "action": labels}
        ),
    )


def streaks_of(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    every = st.sampled_from(["day", "week", "month"])
    return st.fixed_dictionaries({"every": every, "length": st.integers(2, 52), **counted(tiers)})


def boards_of(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    ranks = st.lists(st.integers(1, 100), unique=True, max_size=3)
    prizes = ranks.map(lambda found: [{"rank": rank, "points": 101 - rank} for rank in found])
    return st.fixed_dictionaries(
        {"per": st.sampled_from(["week", "month", "year"])},
        optional={
            "by": st.sampled_from(["points", "purchases"]),
            "match": matches(tiers),
            "freeze_after": st.integers(0, 366).map(lambda n: f"P{n}D"),
            "prizes": prizes,
        },
    )


def benefits_of(tiers: list[str]) -> st.SearchStrategy[type_of_document]:
    return st.fixed_dictionaries(
        {"description": labels},
        optional={
            "tiers": st.lists(st.sampled_from(tiers), max_size=2) if tiers else st.just([]),
            "categories": label_lists,
            "discount_percent": st.none() | st.integers(1, 100) | st.just("0.5"),
        },
    )


def as_document(program: Program) -> type_of_document:
    """What the program says, in the words of the document and with nothing left out."""
    return {
        "name": program.name,
        "mode": program.mode,
        "currency": program.currency,
        "time_zone": program.zone.key,
        "point_value": plain(program.point_value),
        "enrolment": program.enrolment,
        "enrolment_lookback_days": program.enrolment_lookback_days,
        "item_categories": dict(program.item_categories),
        "earning_rules": [plain(rule) for rule in program.rules if not is_prize_rule(rule)],
        "campaigns": [plain(campaign) for campaign in program.campaigns],
        "campaign_stacking": program.campaign_stacking,
        "tiers": [plain(tier) for tier in program.tiers],
        "maturation": plain(program.maturation),
        "reversal": {"clawback": program.clawback},
        "expiry": plain(program.expiry),
        "redemption": plain(program.redemption),
        "adjustments": plain(program.adjustments),
        "coupons": plain(program.coupons),
        "sharing": {"within": program.sharing_within},
        "transfers": plain(program.transfers),
        "tier_window": plain(program.tier_window),
        "challenges": [plain(challenge) for challenge in program.challenges],
        "streaks": [plain(streak) for streak in program.streaks],
        "leaderboards": [
            {**plain(board), "prizes": [plain(prize) for prize in board.prizes]}
            for board in program.leaderboards
        ],
        "memberships": [plain(membership) for membership in program.memberships],
        "benefits": [plain(benefit) for benefit in program.benefits],
    }


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case Decimal():
            return value
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case Period():
            return value
        case datetime():
            return value
        case _ if hasattr(value, "__dataclass_fields__"):
            return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
        case _:
            return value


READ: dict[str, Callable[[Any], object]] = {
    "amount": Decimal,
    "per_amount": Decimal,
    "per_quantity": Decimal,
    "minimum_amount": Decimal,
    "yearly_amount_cap": Decimal,
    "multiplier": Decimal,
    "hold": Period.parse,
    "return_window": Period.parse,
    "cancel_unpaid_after": Period.parse,
    "after": Period.parse,
    "begins": datetime.fromisoformat,
    "ends": datetime.fromisoformat,
    "freeze_after": Period.parse,
    "lasts": Period.parse,
    "discount_percent": Decimal,
}


def typed(value: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON
    """The model's own view of a document, with text read as what it stands for."""
    if isinstance(value, dict):
        return {key: typed(member, key) for key, member in value.items()}
    if isinstance(value, list):
        items = [typed(item) for item in value]
        return sorted(set(items)) if all(isinstance(item, str) for item in items) else items
    return READ[name](value) if name in READ and value is not None else value


@given(documents())
def test_a_valid_document_says_the_same_as_its_program(document: type_of_document) -> None:
    program = parse_program(document, 3)
    said = as_document(program)
    meant = typed(ProgramDocument.model_validate(document).model_dump())
    if meant["expiry"]["after"] is None:
        meant["expiry"]["after"] = Period()
    warned = meant["expiry"]["warn_days_before"]
    meant["expiry"]["warn_days_before"] = sorted(set(warned), reverse=True)
    for challenge in meant["challenges"]:
        challenge["per"] = "window" if challenge["begins"] else challenge["per"] or "lifetime"
    for board in meant["leaderboards"]:
        board["prizes"].sort(key=lambda prize: prize["rank"])
    for name, part in said.items():
        assert part == meant[name], name
    assert program_from_stored(json.dumps(document), 3) == program
    assert faults(SCHEMA, document) == []


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    members = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, member in members:
        found += places(member, (*path, key))
    return found


rubbish = st.recursive(
    st.none() | flags | st.integers() | st.floats() | st.text(max_size=5) | labels,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@given(st.sampled_from(places(sample() | PLAYFUL)), rubbish)
def test_rubbish_anywhere_is_accepted_or_refused_and_never_breaks_anything(
    place: tuple[str | int, ...], value: object
) -> None:
    document = copy.deepcopy(sample() | PLAYFUL)
    holder: Any = document
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    try:
        program = parse_program(document, 1)
    except InvalidRequestError as refused:
        unnamed = [error for error in refused.errors if not (error.field and error.message)]
        assert not unnamed
    else:
        assert faults(SCHEMA, document) == []
        assert replace(program, version=2) == program_from_stored(json.dumps(document), 2)
