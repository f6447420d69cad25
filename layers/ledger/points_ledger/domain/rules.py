"""The rule engine: what a purchase or an action earns (semantics 3.1), pure and exact.

Rules add up unless an exclusive one matches; each rule rounds once. Campaigns add their part,
the tier multiplies the whole, and one rounding down at the end makes points.

It works in two steps: what of a purchase meets which rule is its `Content`, and `appraised` makes
points of that. The content stands in the entries, so whoever checks them repeats the second step.
A purchase is added up once, by item and category (basket.py); every rule reads from those sums.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from points_ledger.domain.basket import Basket, Matched, basket, category_of, is_about
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import NOTHING_EARNED, Earned, Pin
from points_ledger.domain.entry import RulePoints
from points_ledger.domain.program import TIER_PART, Campaign, Match, PointsRounding, Program, Rule
from points_ledger.domain.purchase import Remaining, RemainingLine
from points_ledger.domain.receipt import CampaignBasis, Content
from points_ledger.domain.usage import cap_counter_of, is_forgotten, limit_counter_of

_NONE: Final = Fraction(0)
_ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What caps, limits and budgets still allow.

    `used` is what this earning took before, by counter name; `taken` what all earnings of the
    member took. `budgets` is what this earning may draw in all of a campaign's budget (budget.py),
    by campaign; the whole budget where nothing is said.
    """

    used: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)
    budgets: Mapping[str, int] = field(default_factory=dict)

    def left(self, counter: str, cap: int) -> int:
        """How much this earning may use in all: what it has, and what is free now."""
        return self.used.get(counter, 0) + max(0, cap - self.taken.get(counter, 0))

    def times_left(self, rule: Rule, day: date) -> int:
        """How many times this earning may count for a rule's limit in the period of `day`.

        In a period that is no longer counted nothing is free any more (usage.py).
        """
        assert rule.limit is not None
        counter = limit_counter(rule, day)
        if is_forgotten(counter, self.taken):
            return self.used.get(counter, 0)
        return self.left(counter, rule.limit.times)

    def campaign_left(self, campaign: Campaign) -> int | None:
        """How many points a campaign may still give this earning; None where nothing bounds it."""
        bounds = []
        if campaign.member_cap_points is not None:
            bounds.append(self.left(cap_counter(campaign), campaign.member_cap_points))
        if campaign.budget_points is not None:
            bounds.append(self.budgets.get(campaign.id, campaign.budget_points))
        return min(bounds, default=None)


def purchase_points(
    remaining: Remaining,
    *,
    program: Program,
    pin: Pin,
    posted_at: datetime,
    own_order: bool,
    room: Room,
) -> Earned:
    """What the rest of a purchase earns by the pinned program version and earner."""
    sold = basket(remaining.lines, program.item_categories)
    if not pin.earns or not sold.is_sold:
        return replace(NOTHING_EARNED, excess_refund=remaining.excess)
    content = _purchase_content(
        sold,
        refunded=remaining.refunded,
        program=program,
        pin=pin,
        posted_at=posted_at,
        own_order=own_order,
        room=room,
    )
    earned = appraised(content, program=program, posted_at=posted_at)
    return replace(earned, excess_refund=remaining.excess)


def action_points(action: str, *, program: Program, pin: Pin, at: datetime, room: Room) -> Earned:
    """What an action earns. Multipliers do not apply to actions."""
    if not pin.earns:
        return NOTHING_EARNED
    day = local_day(at, program.zone)
    content = Content(
        rules={
            rule.id: Fraction(1)
            for rule in program.rules
            if rule.on == "action"
            and rule.action == action
            and member_matches(rule.match, pin, own_order=True)
            and _within_limit(rule, day, room)
        }
    )
    return appraised(content, program=program, posted_at=at)


def appraised(content: Content, *, program: Program, posted_at: datetime) -> Earned:
    """The points for what met the rules, by rule: the one way in which points come about."""
    day = local_day(posted_at, program.zone)
    applied = [
        (rule, given)
        for rule in program.rules
        if rule.id in content.rules and (given := rule_points(rule, content.rules[rule.id]))
    ]
    truncated = tuple(
        each.id
        for each in program.campaigns
        if each.id in content.campaigns and content.campaigns[each.id].room is not None
    )
    bonuses = _bonuses(content, program)
    used = {limit_counter(rule, day): 1 for rule, _ in applied if rule.limit}
    used |= {
        cap_counter(each): math.ceil(bonus)
        for each, bonus in bonuses
        if each.member_cap_points is not None
    }
    parts = [(rule.id, Fraction(points)) for rule, points in applied]
    parts += [(each.id, bonus) for each, bonus in bonuses]
    exact = sum((points for _, points in parts), Fraction(0))
    tier_part = _NONE
    if content.tier is not None:
        tier_part = exact * (Fraction(program.tier_multiplier(content.tier)) - 1)
    if tier_part:
        parts.append((f"{TIER_PART}{content.tier}", tier_part))
    return Earned(
        points=math.floor(exact + tier_part),
        rules=_whole_parts(parts),
        used={name: n for name, n in used.items() if n},
        truncated=truncated,
        releases=tuple(sorted({rule.release for rule, _ in applied if rule.release})),
        inputs=content.encode(),
    )


def drawn_points(content: Content, *, program: Program) -> dict[str, int]:
    """What an earning uses of the budgets of campaigns, by campaign: begun points count."""
    return {
        each.id: math.ceil(bonus)
        for each, bonus in _bonuses(content, program)
        if each.budget_points is not None and bonus > 0
    }


def _bonuses(content: Content, program: Program) -> list[tuple[Campaign, Fraction]]:
    """The campaigns that count, each with its part; only the largest where they do not add up."""
    bonuses = [
        (each, _bonus(each, content.campaigns[each.id]))
        for each in program.campaigns
        if each.id in content.campaigns
    ]
    if program.campaign_stacking == "highest" and bonuses:
        return [max(bonuses, key=lambda pair: pair[1])]
    return bonuses


def _purchase_content(
    sold: Basket,
    *,
    refunded: bool,
    program: Program,
    pin: Pin,
    posted_at: datetime,
    own_order: bool,
    room: Room,
) -> Content:
    """Which rules and campaigns the rest of a purchase meets, and with how much."""
    day = local_day(posted_at, program.zone)
    rules = [
        rule
        for rule in program.rules
        if rule.on == "purchase"
        and member_matches(rule.match, pin, own_order=own_order)
        and _within_limit(rule, day, room)
    ]
    campaigns: dict[str, CampaignBasis] = {}
    for campaign in program.campaigns:
        if not is_running(campaign, posted_at, program) or not member_matches(
            campaign.match, pin, own_order=own_order
        ):
            continue
        part = sold.part(campaign.match)
        if part.is_sold:
            alone = _applied(rules, part, refunded=refunded)
            points = sum(rule_points(rule, quantity) for rule, quantity in alone)
            campaigns[campaign.id] = _within_bounds(campaign, points, room)
    applied = _applied(rules, sold, refunded=refunded)
    return Content(
        rules={rule.id: quantity for rule, quantity in applied if quantity},
        campaigns=campaigns,
        tier=pin.tier if program.tier_multiplier(pin.tier) != 1 else None,
    )


def _within_bounds(campaign: Campaign, alone: int, room: Room) -> CampaignBasis:
    """What a campaign's part comes from, with the room left where its cap or budget cuts it."""
    basis, left = CampaignBasis(alone=alone), room.campaign_left(campaign)
    if left is None or _bonus(campaign, basis) <= left:
        return basis
    return replace(basis, room=left)


def _bonus(campaign: Campaign, basis: CampaignBasis) -> Fraction:
    """(multiplier − 1) × the points that its lines would earn alone, and its fixed points."""
    if basis.room is not None:
        return Fraction(basis.room)
    return (Fraction(campaign.multiplier) - 1) * basis.alone + campaign.points


def member_matches(match: Match, pin: Pin, *, own_order: bool) -> bool:
    """Whether the conditions about the member and the purchase as a whole hold."""
    tags = set(pin.tags)
    return (
        (not match.tags or bool(match.tags & tags))
        and not match.exclude_tags & tags
        and (not match.tiers or pin.tier in match.tiers)
        and (not match.organisations or pin.organisation in match.organisations)
        and (not match.jurisdictions or pin.jurisdiction in match.jurisdictions)
        and pin.jurisdiction not in match.exclude_jurisdictions
        and match.own_orders in (None, own_order)
    )


def matching_lines(match: Match, lines: Iterable[RemainingLine]) -> list[RemainingLine]:
    """The lines that a rule or campaign is about; none where they sum to less than its minimum."""
    matched = [line for line in lines if is_about(match, line.category, line.item)]
    if match.minimum_amount is not None:
        amount = sum((line.amount for line in matched), Fraction(0))
        if amount < Fraction(match.minimum_amount):
            return []
    return matched


def rounded(numerator: int, denominator: int, rounding: PointsRounding) -> int:
    """The one place where rule arithmetic becomes whole points; halves go up under `nearest`."""
    match rounding:
        case "up":
            return -(-numerator // denominator)
        case "nearest":
            return (2 * numerator + denominator) // (2 * denominator)
        case "down" | "step":
            return numerator // denominator


def rule_points(rule: Rule, quantity: Fraction) -> int:
    """What one rule gives for a quantity: an amount, pieces, or a share of its fixed points."""
    per = rule.per_amount if rule.per_amount is not None else rule.per_quantity
    if per is None:
        return rounded(rule.points * quantity.numerator, quantity.denominator, rule.rounding)
    per_numerator, per_denominator = per.as_integer_ratio()
    numerator = quantity.numerator * per_denominator
    denominator = quantity.denominator * per_numerator
    if rule.rounding == "step":
        return numerator // denominator * rule.points
    return rounded(numerator * rule.points, denominator, rule.rounding)


def rule_quantity(rule: Rule, matched: Matched, *, refunded: bool) -> Fraction:
    """How much of the lines a rule counts; never negative.

    The amount or the pieces, or for a fixed bonus how much of it a refund leaves.
    """
    if rule.per_amount is not None:
        return max(_NONE, matched.amount)
    if rule.per_quantity is not None:
        return max(_NONE, matched.pieces)
    amount, pieces = matched.amount, matched.pieces
    if amount <= 0 and pieces <= 0:
        return _NONE
    match rule.on_partial_refund:
        case "keep":
            return _ONE
        case "revoke":
            return _NONE if refunded else _ONE
        case "proportional":
            original = matched.original
            return min(_ONE, max(_NONE, amount) / original) if original > 0 else _ONE


def limit_counter(rule: Rule, day: date) -> str:
    """The name of the counter of a rule's limit for the period that `day` is in."""
    return limit_counter_of(rule.id, rule.limit.per if rule.limit else "lifetime", day)


def cap_counter(campaign: Campaign) -> str:
    """The name of the counter of a campaign's cap per member."""
    return cap_counter_of(campaign.id)


def attributed(points: int, parts: RulePoints) -> RulePoints:
    """`points` spread over rules in proportion to `parts`, exactly, without losing one."""
    whole = sum(part for _, part in parts)
    if not whole:
        return ()
    shared: list[tuple[str, int]] = []
    seen = given = 0
    for id_, part in parts:
        seen += part
        share = points * seen // whole - given
        given += share
        if share:
            shared.append((id_, share))
    return tuple(shared)


def _applied(rules: Iterable[Rule], sold: Basket, *, refunded: bool) -> list[tuple[Rule, Fraction]]:
    """The rules that count for what is left of a purchase, each with its quantity.

    Lines that were given back as a whole meet no rule, so no exclusive rule counts for them.
    """
    matching = [
        (rule, matched)
        for rule in rules
        if (matched := sold.matched(rule.match)) is not None and matched.is_sold
    ]
    exclusive = [pair for pair in matching if pair[0].exclusive]
    if exclusive:
        matching = [max(exclusive, key=lambda pair: pair[0].priority)]
    return [(rule, rule_quantity(rule, matched, refunded=refunded)) for rule, matched in matching]


def _within_limit(rule: Rule, day: date, room: Room) -> bool:
    return rule.limit is None or room.times_left(rule, day) > 0


def is_running(campaign: Campaign, posted_at: datetime, program: Program) -> bool:
    """Whether a campaign is about what was posted at an instant.

    Windows are wall-clock times of the program's zone, so a change of clocks moves them: a time
    that there is twice means the first, one that there is not comes as much later as the gap is
    long.
    """
    begins = campaign.begins.replace(tzinfo=program.zone)
    ends = campaign.ends.replace(tzinfo=program.zone)
    return begins.timestamp() <= posted_at.timestamp() < ends.timestamp()


def categorised(line: RemainingLine, categories: Mapping[str, str]) -> RemainingLine:
    """The line with the program's category where the source gave none: by item, then product."""
    category = category_of(line, categories)
    return line if category == line.category else replace(line, category=category)


def _whole_parts(parts: list[tuple[str, Fraction]]) -> RulePoints:
    """Exact parts as whole points whose sum is the floor of the exact sum."""
    whole: list[tuple[str, int]] = []
    exact, given = Fraction(0), 0
    for id_, part in parts:
        exact += part
        share = math.floor(exact) - given
        given += share
        if share:
            whole.append((id_, share))
    return tuple(whole)
