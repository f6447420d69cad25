"""The rule engine: what a purchase or an action earns (semantics 3.1), pure and exact.

Rules add up unless an exclusive one matches; each rule rounds once. Campaigns add their part,
the tier multiplies the whole, and one rounding down at the end makes points.

It works in two steps: what of a purchase meets which rule is its `Content`, and `appraised` makes
points of that. The content stands in the entries, so whoever checks them repeats the second step.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction

from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import NOTHING_EARNED, Earned, Pin
from points_ledger.domain.entry import RulePoints
from points_ledger.domain.program import Campaign, LimitPeriod, Match, PointsRounding, Program, Rule
from points_ledger.domain.purchase import Remaining, RemainingLine
from points_ledger.domain.receipt import CampaignBasis, Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What caps and limits still allow, by counter name.

    `used` is what this earning took before; `taken` what all earnings of the member took.
    """

    used: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)

    def left(self, counter: str, cap: int) -> int:
        """How much this earning may use in all: what it has, and what is free now."""
        return self.used.get(counter, 0) + max(0, cap - self.taken.get(counter, 0))


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
    if not pin.earns or not any(line.amount > 0 or line.pieces > 0 for line in remaining.lines):
        return replace(NOTHING_EARNED, excess_refund=remaining.excess)
    content = _purchase_content(
        remaining, program=program, pin=pin, posted_at=posted_at, own_order=own_order, room=room
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
    running = [each for each in program.campaigns if each.id in content.campaigns]
    bonuses = [(each, _bonus(each, content.campaigns[each.id])) for each in running]
    truncated = tuple(each.id for each in running if content.campaigns[each.id].room is not None)
    if program.campaign_stacking == "highest" and bonuses:
        bonuses = [max(bonuses, key=lambda pair: pair[1])]
    used = {limit_counter(rule, day): 1 for rule, _ in applied if rule.limit}
    used |= {
        cap_counter(each): math.ceil(bonus)
        for each, bonus in bonuses
        if each.member_cap_points is not None
    }
    parts = [(rule.id, Fraction(points)) for rule, points in applied]
    parts += [(each.id, bonus) for each, bonus in bonuses]
    exact = sum((points for _, points in parts), Fraction(0))
    tier_part = exact * (Fraction(program.tier_multiplier(content.tier)) - 1)
    if tier_part:
        parts.append((f"tier:{content.tier}", tier_part))
    return Earned(
        points=math.floor(exact + tier_part),
        rules=_whole_parts(parts),
        used={name: n for name, n in used.items() if n},
        truncated=truncated,
        releases=tuple(sorted({rule.release for rule, _ in applied if rule.release})),
        inputs=content.encode(),
    )


def _purchase_content(
    remaining: Remaining,
    *,
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
    lines = [_categorised(line, program.item_categories) for line in remaining.lines]
    campaigns: dict[str, CampaignBasis] = {}
    for campaign in program.campaigns:
        if not _in_window(campaign, posted_at, program) or not member_matches(
            campaign.match, pin, own_order=own_order
        ):
            continue
        matched = matching_lines(campaign.match, lines)
        if any(line.amount > 0 or line.pieces > 0 for line in matched):
            alone = _applied(rules, matched, refunded=remaining.refunded)
            points = sum(rule_points(rule, quantity) for rule, quantity in alone)
            campaigns[campaign.id] = _within_cap(campaign, points, room)
    applied = _applied(rules, lines, refunded=remaining.refunded)
    return Content(
        rules={rule.id: quantity for rule, quantity in applied if quantity},
        campaigns=campaigns,
        tier=pin.tier if program.tier_multiplier(pin.tier) != 1 else None,
    )


def _within_cap(campaign: Campaign, alone: int, room: Room) -> CampaignBasis:
    """What a campaign's part comes from, with the room that is left where the cap cuts it."""
    basis = CampaignBasis(alone=alone)
    if campaign.member_cap_points is None:
        return basis
    left = room.left(cap_counter(campaign), campaign.member_cap_points)
    return replace(basis, room=left) if _bonus(campaign, basis) > left else basis


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
    matched = [
        line
        for line in lines
        if (not match.categories or line.category in match.categories)
        and (not match.items or line.item in match.items)
        and line.category not in match.exclude_categories
        and line.item not in match.exclude_items
    ]
    if match.minimum_amount is not None:
        amount = sum((line.amount for line in matched), Fraction(0))
        if amount < Fraction(match.minimum_amount):
            return []
    return matched


def rounded(points: Fraction, rounding: PointsRounding) -> int:
    """The one place where rule arithmetic becomes whole points; halves go up under `nearest`."""
    match rounding:
        case "up":
            return math.ceil(points)
        case "nearest":
            return math.floor(points + Fraction(1, 2))
        case "down" | "step":
            return math.floor(points)


def rule_points(rule: Rule, quantity: Fraction) -> int:
    """What one rule gives for a quantity: an amount, pieces, or a share of its fixed points."""
    per = rule.per_amount if rule.per_amount is not None else rule.per_quantity
    if per is None:
        return rounded(rule.points * quantity, rule.rounding)
    if rule.rounding == "step":
        return math.floor(quantity / Fraction(per)) * rule.points
    return rounded(quantity * rule.points / Fraction(per), rule.rounding)


def rule_quantity(rule: Rule, matched: Iterable[RemainingLine], *, refunded: bool) -> Fraction:
    """How much of the lines a rule counts; never negative.

    The amount or the pieces, or for a fixed bonus how much of it a refund leaves.
    """
    lines = list(matched)
    amount = max(Fraction(0), sum((line.amount for line in lines), Fraction(0)))
    if rule.per_amount is not None:
        return amount
    pieces = max(Fraction(0), sum((line.pieces for line in lines), Fraction(0)))
    if rule.per_quantity is not None:
        return pieces
    if amount <= 0 and pieces <= 0:
        return Fraction(0)
    match rule.on_partial_refund:
        case "keep":
            return Fraction(1)
        case "revoke":
            return Fraction(0 if refunded else 1)
        case "proportional":
            original = sum((line.original for line in lines), Fraction(0))
            return min(Fraction(1), amount / original) if original > 0 else Fraction(1)


def limit_counter(rule: Rule, day: date) -> str:
    """The name of the counter of a rule's limit for the period that `day` is in."""
    per: LimitPeriod = rule.limit.per if rule.limit else "lifetime"
    label = {
        "day": f"{day:%Y-%m-%d}",
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
        "lifetime": "",
    }[per]
    return f"used:rule:{rule.id}:{label}"


def cap_counter(campaign: Campaign) -> str:
    """The name of the counter of a campaign's cap per member."""
    return f"used:campaign:{campaign.id}"


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


def _applied(
    rules: Iterable[Rule], lines: list[RemainingLine], *, refunded: bool
) -> list[tuple[Rule, Fraction]]:
    """The rules that count for the lines, each with its quantity."""
    matching = [(rule, matched) for rule in rules if (matched := matching_lines(rule.match, lines))]
    exclusive = [pair for pair in matching if pair[0].exclusive]
    if exclusive:
        matching = [max(exclusive, key=lambda pair: pair[0].priority)]
    return [(rule, rule_quantity(rule, matched, refunded=refunded)) for rule, matched in matching]


def _within_limit(rule: Rule, day: date, room: Room) -> bool:
    return rule.limit is None or room.left(limit_counter(rule, day), rule.limit.times) > 0


def _in_window(campaign: Campaign, posted_at: datetime, program: Program) -> bool:
    """Windows are wall-clock times of the program's zone, so a change of clocks moves them."""
    begins = campaign.begins.replace(tzinfo=program.zone)
    ends = campaign.ends.replace(tzinfo=program.zone)
    return begins.timestamp() <= posted_at.timestamp() < ends.timestamp()


def _categorised(line: RemainingLine, categories: Mapping[str, str]) -> RemainingLine:
    """The line with the program's category where the source gave none: by item, then product."""
    if line.category is not None:
        return line
    category = categories.get(line.item or "") or categories.get(line.product or "")
    return replace(line, category=category) if category else line


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
