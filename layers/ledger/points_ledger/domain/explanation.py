"""The program in plain English, generated from its rules.

A sentence says only what the ledger does: where a rule changes what is earned or when it can be
spent, the sentence changes too. Sentences have no final period, so that they can stand in lists.
Amounts carry the currency, and names that are more than one word stand in quotation marks.
"""

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Final, assert_never

import points_ledger.domain.wording as words
from points_ledger.domain.explanation_of_play import (
    explain_benefit,
    explain_challenge,
    explain_leaderboard,
    explain_membership,
    explain_streak,
    explain_tier_window,
)
from points_ledger.domain.prize import is_prize_rule
from points_ledger.domain.program import (
    TIER_PART,
    Benefit,
    Campaign,
    Challenge,
    Leaderboard,
    Match,
    Membership,
    PointsRounding,
    Program,
    Rule,
    Streak,
    Tier,
)

_ROUNDED: Final[dict[PointsRounding, str]] = {
    "step": "rounded down",
    "down": "rounded down",
    "nearest": "rounded to the nearest point",
    "up": "rounded up",
}


def describe(program: Program) -> dict[str, object]:
    """The rules in force as sentences and as data, ready for JSON.

    `sentences` is the whole program in reading order; `rules`, `campaigns`, `tiers` and the like
    pair each sentence with what it says as data; `program` is the document itself.
    """
    return {
        "version": program.version,
        "name": program.name,
        "mode": program.mode,
        "currency": program.currency,
        "time_zone": program.zone.key,
        "point_value": {
            "points": program.point_value.points,
            "amount": f"{program.point_value.amount:f}",
        },
        "sentences": list(explain(program)),
        "rules": [_rule_as_data(rule, program) for rule in _written_rules(program)],
        "campaigns": [_campaign_as_data(campaign, program) for campaign in program.campaigns],
        "tiers": [_tier_as_data(tier) for tier in program.tiers],
        "challenges": [_challenge_as_data(each, program) for each in program.challenges],
        "streaks": [_streak_as_data(each, program) for each in program.streaks],
        "leaderboards": [_leaderboard_as_data(each, program) for each in program.leaderboards],
        "memberships": [_membership_as_data(each) for each in program.memberships],
        "benefits": [_benefit_as_data(each) for each in program.benefits],
        "program": program.document,
    }


def sentences_by_id(program: Program) -> dict[str, str]:
    """The sentence of everything that an entry may name as its rule."""
    return {
        **{rule.id: explain_rule(rule, program) for rule in _written_rules(program)},
        **{each.id: explain_campaign(each, program) for each in program.campaigns},
        **{f"{TIER_PART}{each.id}": explain_tier(each) for each in program.tiers},
        **{each.id: explain_challenge(each, program) for each in program.challenges},
        **{each.id: explain_streak(each, program) for each in program.streaks},
        **{each.id: explain_leaderboard(each, program) for each in program.leaderboards},
    }


def explain(program: Program) -> tuple[str, ...]:
    """Every sentence about the program, in the order in which points live."""
    return (
        *explain_mode(program),
        *(explain_rule(rule, program) for rule in _written_rules(program)),
        *(explain_campaign(campaign, program) for campaign in program.campaigns),
        *explain_stacking(program),
        *(explain_tier(tier) for tier in program.tiers),
        *explain_multiplying(program),
        *explain_tier_window(program),
        *(explain_membership(each) for each in program.memberships),
        *(explain_benefit(each) for each in program.benefits),
        *(explain_challenge(each, program) for each in program.challenges),
        *(explain_streak(each, program) for each in program.streaks),
        *(explain_leaderboard(each, program) for each in program.leaderboards),
        *explain_maturation(program),
        explain_reversal(program),
        explain_expiry(program),
        *explain_warnings(program),
        explain_point_value(program),
        *explain_redemption(program),
        explain_enrolment(program),
    )


def explain_mode(program: Program) -> tuple[str, ...]:
    """What an analysis is; nothing for a program that rewards."""
    if program.mode == "rewards":
        return ()
    return ("This is an analysis: earnings are recorded, and nobody is given points",)


def explain_rule(rule: Rule, program: Program) -> str:
    """What one rule gives, for what, and to whom."""
    match rule.on:
        case "purchase":
            return words.joined(_purchase_gain(rule, program), _purchase_terms(rule, program))
        case "action":
            return words.joined(_action_gain(rule), _action_terms(rule))
        case _:
            assert_never(rule.on)


def explain_campaign(campaign: Campaign, program: Program) -> str:
    """What a campaign adds, when, and to whom."""
    matched = words.matched(campaign.match)
    gains = []
    if campaign.multiplier != 1:
        on_lines = f" for {matched}" if matched else ""
        gains.append(f"{words.number(campaign.multiplier)} times the points{on_lines}")
    if campaign.points:
        with_lines = f" with {matched}" if matched else ""
        gains.append(f"{words.points(campaign.points, 'extra ')} for each purchase{with_lines}")
    window = f"{words.local_time(campaign.begins)} until {words.local_time(campaign.ends)}"
    terms = list(words.match_terms(campaign.match, program))
    if campaign.member_cap_points is not None:
        extra = words.points(campaign.member_cap_points, "extra ")
        terms.append(f"at most {extra} for each member")
    if campaign.budget_points is not None:
        extra = words.points(campaign.budget_points, "extra ")
        terms.append(f"at most {extra} for all members together")
    return words.joined(
        f"{words.all_of(gains)}, on purchases posted from {window} ({program.zone.key})", terms
    )


def explain_stacking(program: Program) -> tuple[str, ...]:
    """What happens when several campaigns run at once; nothing where there are not several."""
    if len(program.campaigns) <= 1:
        return ()
    if program.campaign_stacking == "add":
        return ("Campaigns that apply to the same purchase add up",)
    return ("Of the campaigns that apply to the same purchase, only the one worth most counts",)


def explain_tier(tier: Tier) -> str:
    """What reaches a tier, and what it gives."""
    reached = f"Tier {words.name(tier.id)} from {words.points(tier.points, 'qualifying ')}"
    if tier.multiplier == 1:
        return reached
    return f"{reached}: {words.number(tier.multiplier)} times the points of a purchase"


def explain_multiplying(program: Program) -> tuple[str, ...]:
    """What the multiplier of a tier is about, and where broken points go."""
    tiers = [tier.multiplier for tier in program.tiers if tier.multiplier != 1]
    sentences = []
    if tiers and program.campaigns:
        bounded = any(each.member_cap_points or each.budget_points for each in program.campaigns)
        bounds = "; the most that a campaign gives is counted before that" if bounded else ""
        sentences.append(f"A tier multiplies what a purchase earns with its campaigns{bounds}")
    if any(each % 1 for each in (*tiers, *(each.multiplier for each in program.campaigns))):
        sentences.append("What a purchase earns in all is rounded down to whole points")
    return tuple(sentences)


def explain_maturation(program: Program) -> tuple[str, ...]:
    """When pending points become available, and when they lapse instead."""
    terms = program.maturation
    held = words.passed(terms.hold)
    sentences = [_purchase_maturation(program)]
    # A hold delays what waits for a purchase too.
    on_actions = [r for r in program.rules if r.on == "action" and (held or not r.release)]
    if on_actions:
        when = f"when {held}" if held else "at once"
        kinds = sorted({"prizes" if is_prize_rule(rule) else "actions" for rule in on_actions})
        sentences.append(f"Points for {words.all_of(kinds)} become available {when}")
    if terms.cancel_unpaid_after is not None:
        patience = words.period(terms.cancel_unpaid_after)
        if terms.requires_payment:
            sentences.append(
                f"Points that still wait for payment after {patience} lapse; "
                "a later payment brings them back"
            )
        if any(rule.release == "referred_first_purchase" for rule in program.rules):
            sentences.append(f"Points that still wait for a referred friend after {patience} lapse")
        if any(rule.release == "linked_purchase" for rule in program.rules):
            sentences.append(f"Points that still wait for a linked purchase after {patience} lapse")
    return tuple(sentences)


def explain_reversal(program: Program) -> str:
    """What happens to points when the purchase shrinks."""
    taken = "Points for what is refunded are taken back"
    match program.clawback:
        case "only_pending":
            return f"{taken} while they are pending, and stay once they are available"
        case "within_balance":
            return f"{taken}, as far as the balance reaches"
        case "unlimited":
            return f"{taken}, even when they are spent: the balance can fall below zero"
        case _:
            assert_never(program.clawback)


def explain_expiry(program: Program) -> str:
    """How long available points can be spent."""
    terms = program.expiry
    if terms.kind == "never":
        return "Points never expire"
    length = words.period(terms.after)
    end = f"to the end of the {terms.round_to}"
    if terms.kind == "inactivity":
        activity = "the member's last purchase, action or redemption"
        if not length:
            return f"Points stay valid {end} of {activity}"
        rounded = "" if terms.round_to == "day" else f", {end}"
        return f"Points stay valid for {length} since {activity}{rounded}"
    if not length:
        return f"Points stay valid {end} in which they become available"
    return f"Points stay valid for {length}" + ("" if terms.round_to == "day" else f", {end}")


def explain_warnings(program: Program) -> tuple[str, ...]:
    """What members are told before points expire, and what happens where they were not."""
    terms, sentences = program.expiry, list[str]()
    if terms.kind == "never":
        return ()
    if terms.warn_days_before:
        days = words.all_of([f"{days:,}" for days in sorted(terms.warn_days_before, reverse=True)])
        noun = "day" if days == "1" else "days"
        sentences.append(f"Members are warned {days} {noun} before points expire")
    if terms.requires_notice_days is not None:
        notice = words.count(terms.requires_notice_days, "day")
        sentences.append(
            f"Points of which the member was not warned at least {notice} before their last day "
            f"stay valid for {notice} from the warning"
        )
    if terms.return_grace_days:
        grace = words.count(terms.return_grace_days, "day")
        sentences.append(
            f"Points of a redemption that is undone after their last day stay valid for {grace}"
        )
    return tuple(sentences)


def explain_point_value(program: Program) -> str:
    """What points are worth."""
    worth = program.point_value
    verb = "is" if worth.points == 1 else "are"
    return f"{words.points(worth.points)} {verb} worth {words.amount(worth.amount, program)}"


def explain_redemption(program: Program) -> tuple[str, ...]:
    """When and how points can be spent."""
    terms = program.redemption
    sentences = []
    if terms.paused:
        sentences.append("Redemption is paused")
    if program.mode == "analysis":
        sentences.append("Points cannot be redeemed")
    if terms.minimum_amount:
        sentences.append(
            f"A redemption is worth at least {words.amount(terms.minimum_amount, program)}"
        )
    if terms.ticket_must_exceed:
        sentences.append("A ticket must be higher than the value redeemed on it")
    sentences.append("Points earned on a ticket cannot be spent on the same ticket")
    if terms.yearly_amount_cap is not None:
        cap = words.amount(terms.yearly_amount_cap, program)
        sentences.append(f"A member can redeem at most {cap} in a calendar year")
    if terms.excluded_jurisdictions:
        excluded = words.any_of(terms.excluded_jurisdictions)
        sentences.append(f"Members in {excluded} cannot redeem")
    earns = "earns points too" if terms.points_paid_part_earns else "earns no points"
    sentences.append(f"The part of a purchase that is paid with points {earns}")
    return tuple(sentences)


def explain_enrolment(program: Program) -> str:
    """How a customer becomes a member."""
    if program.enrolment == "automatic":
        return "A customer becomes a member with the first purchase or action"
    days = program.enrolment_lookback_days
    if not days:
        return "A customer becomes a member when enrolled; purchases before that earn nothing"
    return (
        "A customer becomes a member when enrolled; "
        f"purchases of the {words.count(days, 'day')} before that earn too"
    )


def _purchase_gain(rule: Rule, program: Program) -> str:
    points, matched = words.points(rule.points), words.matched(rule.match)
    if rule.per_amount is not None:
        per, of = words.amount(rule.per_amount, program), f" of {matched or 'the purchase'}"
    elif rule.per_quantity is not None:
        per, of = words.pieces(rule.per_quantity), f" of {matched}" if matched else ""
    else:
        return f"{points} for each purchase" + (f" with {matched}" if matched else "")
    if rule.rounding == "step":
        return f"{points} for every full {per}{of}"
    return f"{points} per {per}{of}, {_ROUNDED[rule.rounding]}"


def _purchase_terms(rule: Rule, program: Program) -> Iterable[str]:
    yield from words.match_terms(rule.match, program)
    if rule.limit is not None:
        yield f"{words.times(rule.limit)} for each member"
    if rule.per_amount is None and rule.per_quantity is None:
        match rule.on_partial_refund:
            case "keep":
                yield "kept after a partial refund"
            case "proportional":
                yield f"in proportion to what a refund leaves, {_ROUNDED[rule.rounding]}"
            case "revoke":
                yield "lost with any refund"
    if rule.exclusive:
        yield f"replaces all other rules{_among_rivals(rule, program)}"
    if not rule.qualifying:
        yield "does not count towards a tier"


def _among_rivals(rule: Rule, program: Program) -> str:
    """Which of several exclusive rules counts; nothing where there is one."""
    rivals = [other for other in program.rules if other.exclusive and other is not rule]
    if not rivals:
        return ""
    first = ", of equal ones the first" if rule.priority in {r.priority for r in rivals} else ""
    return f" (priority {rule.priority}: the highest counts{first})"


def _action_gain(rule: Rule) -> str:
    assert rule.action is not None
    points, action = words.points(rule.points), words.name(rule.action)
    if rule.limit is None:
        return f"{points} for every {action}"
    if rule.limit.times == 1:
        return f"{points} {words.times(rule.limit)} for {action}"
    return f"{points} for {action}, {words.times(rule.limit)}"


def _action_terms(rule: Rule) -> Iterable[str]:
    yield from words.member_terms(rule.match)
    match rule.release:
        case "referred_first_purchase":
            yield "pending until the first purchase of the referred friend has matured"
        case "linked_purchase":
            yield "pending until the linked purchase is closed"
        case None:
            pass
        case _:
            assert_never(rule.release)


def _purchase_maturation(program: Program) -> str:
    terms = program.maturation
    held, returned = words.passed(terms.hold), words.passed(terms.return_window)
    proportional = terms.requires_payment and terms.partial_payment == "proportional"
    conditions = []
    if terms.requires_payment and not proportional:
        conditions.append("the purchase is paid")
    if held:
        conditions.append(f"{held} since the sale")
    if returned:
        since = "each payment" if proportional else "the payment"
        conditions.append(f"{returned} since {since if terms.requires_payment else 'the sale'}")
    share = " in proportion to what is paid" if proportional else ""
    if not conditions:
        return f"Points become available{share or ' at once'}"
    comma = "," if proportional else ""
    return f"Points become available{share}{comma} when {words.all_of(conditions)}"


def _written_rules(program: Program) -> list[Rule]:
    """The rules of the document; those of prizes are explained with what they are prizes of."""
    return [rule for rule in program.rules if not is_prize_rule(rule)]


def _rule_as_data(rule: Rule, program: Program) -> dict[str, object]:
    limit = {"times": rule.limit.times, "per": rule.limit.per} if rule.limit else None
    return {
        "id": rule.id,
        "sentence": explain_rule(rule, program),
        "on": rule.on,
        "action": rule.action,
        "points": rule.points,
        "per_amount": _written(rule.per_amount),
        "per_quantity": _written(rule.per_quantity),
        "rounding": rule.rounding,
        "match": _match_as_data(rule.match),
        "exclusive": rule.exclusive,
        "priority": rule.priority,
        "on_partial_refund": rule.on_partial_refund,
        "qualifying": rule.qualifying,
        "limit": limit,
        "release": rule.release,
    }


def _campaign_as_data(campaign: Campaign, program: Program) -> dict[str, object]:
    return {
        "id": campaign.id,
        "sentence": explain_campaign(campaign, program),
        "from": words.local_time(campaign.begins, "T"),
        "to": words.local_time(campaign.ends, "T"),
        "match": _match_as_data(campaign.match),
        "multiplier": words.number(campaign.multiplier),
        "points": campaign.points,
        "member_cap_points": campaign.member_cap_points,
        "budget_points": campaign.budget_points,
    }


def _tier_as_data(tier: Tier) -> dict[str, object]:
    return {
        "id": tier.id,
        "sentence": explain_tier(tier),
        "points": tier.points,
        "multiplier": words.number(tier.multiplier),
    }


def _challenge_as_data(challenge: Challenge, program: Program) -> dict[str, object]:
    begins, ends = challenge.begins, challenge.ends
    return {
        "id": challenge.id,
        "sentence": explain_challenge(challenge, program),
        "count": challenge.count,
        "points": challenge.points,
        "on": challenge.on,
        "action": challenge.action,
        "match": _match_as_data(challenge.match),
        "per": None if challenge.per == "window" else challenge.per,
        "from": None if begins is None else words.local_time(begins, "T"),
        "to": None if ends is None else words.local_time(ends, "T"),
    }


def _streak_as_data(streak: Streak, program: Program) -> dict[str, object]:
    return {
        "id": streak.id,
        "sentence": explain_streak(streak, program),
        "every": streak.every,
        "length": streak.length,
        "points": streak.points,
        "on": streak.on,
        "action": streak.action,
        "match": _match_as_data(streak.match),
    }


def _leaderboard_as_data(board: Leaderboard, program: Program) -> dict[str, object]:
    return {
        "id": board.id,
        "sentence": explain_leaderboard(board, program),
        "per": board.per,
        "by": board.by,
        "match": _match_as_data(board.match),
        "prizes": [{"rank": prize.rank, "points": prize.points} for prize in board.prizes],
    }


def _membership_as_data(membership: Membership) -> dict[str, object]:
    return {
        "id": membership.id,
        "sentence": explain_membership(membership),
        "name": membership.name,
        "tier": membership.tier,
        "items": sorted(membership.items),
    }


def _benefit_as_data(benefit: Benefit) -> dict[str, object]:
    percent = benefit.discount_percent
    return {
        "id": benefit.id,
        "sentence": explain_benefit(benefit),
        "description": benefit.description,
        "tiers": sorted(benefit.tiers),
        "categories": sorted(benefit.categories),
        "discount_percent": None if percent is None else words.number(percent),
    }


def _match_as_data(match: Match) -> dict[str, object]:
    """The conditions that are set."""
    found: dict[str, object] = {
        name: sorted(getattr(match, name))
        for name in (field.name for field in fields(match))
        if isinstance(getattr(match, name), frozenset) and getattr(match, name)
    }
    if match.own_orders is not None:
        found["own_orders"] = match.own_orders
    if match.minimum_amount is not None:
        found["minimum_amount"] = _written(match.minimum_amount)
    return found


def _written(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
