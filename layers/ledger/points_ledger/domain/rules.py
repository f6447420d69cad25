"""The rule engine: what a purchase or an action earns (semantics 3.1), pure and exact.

Rules add up unless an exclusive one matches; each rule rounds once. Campaigns add their part,
the tier multiplies the whole, and one rounding down at the end makes points.
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
    day = local_day(posted_at, program.zone)
    rules = [
        rule
        for rule in program.rules
        if rule.on == "purchase"
        and member_matches(rule.match, pin, own_order=own_order)
        and _within_limit(rule, day, room)
    ]
    lines = [_categorised(line, program.item_categories) for line in remaining.lines]
    applied = _applied(rules, lines, refunded=remaining.refunded)
    parts: list[tuple[str, Fraction]] = [(rule.id, Fraction(points)) for rule, points in applied]
    used = {limit_counter(rule, day): 1 for rule, points in applied if rule.limit and points}

    bonuses: list[tuple[str, Fraction]] = []
    truncated: list[str] = []
    for campaign in program.campaigns:
        if not _in_window(campaign, posted_at, program) or not member_matches(
            campaign.match, pin, own_order=own_order
        ):
            continue
        matched = matching_lines(campaign.match, lines)
        if not any(line.amount > 0 or line.pieces > 0 for line in matched):
            continue
        alone = sum(points for _, points in _applied(rules, matched, refunded=remaining.refunded))
        bonus = (Fraction(campaign.multiplier) - 1) * alone + campaign.points
        if campaign.member_cap_points is not None:
            left = room.left(cap_counter(campaign), campaign.member_cap_points)
            if bonus > left:
                truncated.append(campaign.id)
                bonus = Fraction(left)
            used[cap_counter(campaign)] = math.ceil(bonus)
        bonuses.append((campaign.id, bonus))
    if program.campaign_stacking == "highest" and bonuses:
        best = max(bonuses, key=lambda item: item[1])
        bonuses = [best]
        used = {
            name: n
            for name, n in used.items()
            if not name.startswith("used:campaign:") or name == f"used:campaign:{best[0]}"
        }
    parts += bonuses

    exact = sum((points for _, points in parts), Fraction(0))
    tier_part = exact * (Fraction(program.tier_multiplier(pin.tier)) - 1)
    if tier_part:
        parts.append((f"tier:{pin.tier}", tier_part))
    return Earned(
        points=math.floor(exact + tier_part),
        rules=_whole_parts(parts),
        used={name: n for name, n in used.items() if n},
        truncated=tuple(truncated),
        excess_refund=remaining.excess,
    )


def action_points(action: str, *, program: Program, pin: Pin, at: datetime, room: Room) -> Earned:
    """What an action earns. Multipliers do not apply to actions."""
    if not pin.earns:
        return NOTHING_EARNED
    day = local_day(at, program.zone)
    rules = tuple(
        rule
        for rule in program.rules
        if rule.on == "action"
        and rule.action == action
        and member_matches(rule.match, pin, own_order=True)
        and _within_limit(rule, day, room)
    )
    return Earned(
        points=sum(rule.points for rule in rules),
        rules=tuple((rule.id, rule.points) for rule in rules if rule.points),
        used={limit_counter(rule, day): 1 for rule in rules if rule.limit},
        releases=tuple(sorted({rule.release for rule in rules if rule.release})),
    )


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


def rule_points(rule: Rule, matched: Iterable[RemainingLine], *, refunded: bool) -> int:
    """What one rule gives for the lines it matches; never negative."""
    lines = list(matched)
    amount = max(Fraction(0), sum((line.amount for line in lines), Fraction(0)))
    if rule.per_amount is not None:
        return _per(amount, Fraction(rule.per_amount), rule)
    pieces = max(Fraction(0), sum((line.pieces for line in lines), Fraction(0)))
    if rule.per_quantity is not None:
        return _per(pieces, Fraction(rule.per_quantity), rule)
    if amount <= 0 and pieces <= 0:
        return 0
    match rule.on_partial_refund:
        case "keep":
            return rule.points
        case "revoke":
            return 0 if refunded else rule.points
        case "proportional":
            original = sum((line.original for line in lines), Fraction(0))
            left = amount / original if original > 0 else Fraction(1)
            return rounded(rule.points * min(Fraction(1), left), rule.rounding)


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


def _per(quantity: Fraction, per: Fraction, rule: Rule) -> int:
    if rule.rounding == "step":
        return math.floor(quantity / per) * rule.points
    return rounded(quantity * rule.points / per, rule.rounding)


def _applied(
    rules: Iterable[Rule], lines: list[RemainingLine], *, refunded: bool
) -> list[tuple[Rule, int]]:
    matching = [(rule, matched) for rule in rules if (matched := matching_lines(rule.match, lines))]
    exclusive = [pair for pair in matching if pair[0].exclusive]
    if exclusive:
        matching = [max(exclusive, key=lambda pair: pair[0].priority)]
    points = ((rule, rule_points(rule, matched, refunded=refunded)) for rule, matched in matching)
    return [(rule, given) for rule, given in points if given]


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
