"""The program in plain English, generated from its rules.

A sentence says only what the ledger does: where a rule changes what is earned or when it can be
spent, the sentence changes too. Sentences have no final period, so that they can stand in lists.
Amounts carry the currency, and names that are more than one word stand in quotation marks.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never

from points_ledger.domain.calendar import Period
from points_ledger.domain.money import unit
from points_ledger.domain.program import Campaign, Limit, Match, PointsRounding, Program, Rule, Tier

_ONE_WORD: Final = re.compile(r"[\w.+-]+")
_MINUTES_PER_HOUR: Final = 60
_ROUNDED: Final[dict[PointsRounding, str]] = {
    "step": "rounded down",
    "down": "rounded down",
    "nearest": "rounded to the nearest point",
    "up": "rounded up",
}


def describe(program: Program) -> dict[str, object]:
    """The rules in force as sentences and as data, ready for JSON.

    `sentences` is the whole program in reading order; `rules`, `campaigns` and `tiers` pair each
    sentence with what it says as data; `program` is the document itself.
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
        "rules": [_rule_as_data(rule, program) for rule in program.rules],
        "campaigns": [_campaign_as_data(campaign, program) for campaign in program.campaigns],
        "tiers": [
            {
                "id": tier.id,
                "sentence": explain_tier(tier),
                "points": tier.points,
                "multiplier": _number(tier.multiplier),
            }
            for tier in program.tiers
        ],
        "program": program.document,
    }


def explain(program: Program) -> tuple[str, ...]:
    """Every sentence about the program, in the order in which points live."""
    return (
        *explain_mode(program),
        *(explain_rule(rule, program) for rule in program.rules),
        *(explain_campaign(campaign, program) for campaign in program.campaigns),
        *explain_stacking(program),
        *(explain_tier(tier) for tier in program.tiers),
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
            return _joined(_purchase_gain(rule, program), _purchase_terms(rule, program))
        case "action":
            return _joined(_action_gain(rule), _action_terms(rule))
        case _:
            assert_never(rule.on)


def explain_campaign(campaign: Campaign, program: Program) -> str:
    """What a campaign adds, when, and to whom."""
    matched = _matched(campaign.match)
    gains = []
    if campaign.multiplier != 1:
        on_lines = f" for {matched}" if matched else ""
        gains.append(f"{_number(campaign.multiplier)} times the points{on_lines}")
    if campaign.points:
        with_lines = f" with {matched}" if matched else ""
        gains.append(f"{_points(campaign.points, 'extra ')} for each purchase{with_lines}")
    window = f"{_local_time(campaign.begins)} until {_local_time(campaign.ends)}"
    terms = list(_match_terms(campaign.match, program))
    if campaign.member_cap_points is not None:
        terms.append(f"at most {_points(campaign.member_cap_points, 'extra ')} for each member")
    return _joined(f"{_all(gains)}, on purchases posted from {window} ({program.zone.key})", terms)


def explain_stacking(program: Program) -> tuple[str, ...]:
    """What happens when several campaigns run at once; nothing where there are not several."""
    if len(program.campaigns) <= 1:
        return ()
    if program.campaign_stacking == "add":
        return ("Campaigns that apply to the same purchase add up",)
    return ("Of the campaigns that apply to the same purchase, only the one worth most counts",)


def explain_tier(tier: Tier) -> str:
    """What reaches a tier, and what it gives."""
    reached = f"Tier {_name(tier.id)} from {_points(tier.points, 'qualifying ')}"
    if tier.multiplier == 1:
        return reached
    return f"{reached}: {_number(tier.multiplier)} times the points of a purchase"


def explain_maturation(program: Program) -> tuple[str, ...]:
    """When pending points become available, and when they lapse instead."""
    terms = program.maturation
    held = _passed(terms.hold)
    sentences = [_purchase_maturation(program)]
    if any(rule.on == "action" and rule.release is None for rule in program.rules):
        when = f"when {held}" if held else "at once"
        sentences.append(f"Points for actions become available {when}")
    if terms.cancel_unpaid_after is not None:
        patience = _period(terms.cancel_unpaid_after)
        if terms.requires_payment:
            sentences.append(
                f"Points that still wait for payment after {patience} lapse; "
                "a later payment brings them back"
            )
        if any(rule.release == "referred_first_purchase" for rule in program.rules):
            sentences.append(f"Points that still wait for a referred friend after {patience} lapse")
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
    length = _period(terms.after)
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
        days = _all([f"{days:,}" for days in sorted(terms.warn_days_before, reverse=True)])
        noun = "day" if days == "1" else "days"
        sentences.append(f"Members are warned {days} {noun} before points expire")
    if terms.requires_notice_days is not None:
        notice = _count(terms.requires_notice_days, "day")
        sentences.append(
            f"Points of which the member was not warned at least {notice} before their last day "
            f"stay valid for {notice} from the warning"
        )
    if terms.return_grace_days:
        grace = _count(terms.return_grace_days, "day")
        sentences.append(
            f"Points of a redemption that is undone after their last day stay valid for {grace}"
        )
    return tuple(sentences)


def explain_point_value(program: Program) -> str:
    """What points are worth."""
    worth = program.point_value
    verb = "is" if worth.points == 1 else "are"
    return f"{_points(worth.points)} {verb} worth {_amount(worth.amount, program)}"


def explain_redemption(program: Program) -> tuple[str, ...]:
    """When and how points can be spent."""
    terms = program.redemption
    sentences = []
    if terms.paused:
        sentences.append("Redemption is paused")
    if program.mode == "analysis":
        sentences.append("Points cannot be redeemed")
    if terms.minimum_amount:
        sentences.append(f"A redemption is worth at least {_amount(terms.minimum_amount, program)}")
    if terms.ticket_must_exceed:
        sentences.append("A ticket must be higher than the value redeemed on it")
    sentences.append("Points earned on a ticket cannot be spent on the same ticket")
    if terms.yearly_amount_cap is not None:
        cap = _amount(terms.yearly_amount_cap, program)
        sentences.append(f"A member can redeem at most {cap} in a calendar year")
    if terms.excluded_jurisdictions:
        excluded = _any(terms.excluded_jurisdictions)
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
        f"purchases of the {_count(days, 'day')} before that earn too"
    )


def _purchase_gain(rule: Rule, program: Program) -> str:
    points, matched = _points(rule.points), _matched(rule.match)
    if rule.per_amount is not None:
        per, of = _amount(rule.per_amount, program), f" of {matched or 'the purchase'}"
    elif rule.per_quantity is not None:
        per, of = _pieces(rule.per_quantity), f" of {matched}" if matched else ""
    else:
        return f"{points} for each purchase" + (f" with {matched}" if matched else "")
    if rule.rounding == "step":
        return f"{points} for every full {per}{of}"
    return f"{points} per {per}{of}, {_ROUNDED[rule.rounding]}"


def _purchase_terms(rule: Rule, program: Program) -> Iterable[str]:
    yield from _match_terms(rule.match, program)
    if rule.limit is not None:
        yield f"{_times(rule.limit)} for each member"
    if rule.per_amount is None and rule.per_quantity is None:
        match rule.on_partial_refund:
            case "keep":
                yield "kept after a partial refund"
            case "proportional":
                yield f"in proportion to what a refund leaves, {_ROUNDED[rule.rounding]}"
            case "revoke":
                yield "lost with any refund"
    if rule.exclusive:
        rivals = sum(other.exclusive for other in program.rules) > 1
        yield "replaces all other rules" + (f" (priority {rule.priority})" if rivals else "")
    if not rule.qualifying:
        yield "does not count towards a tier"


def _action_gain(rule: Rule) -> str:
    assert rule.action is not None
    points, action = _points(rule.points), _name(rule.action)
    if rule.limit is None:
        return f"{points} for every {action}"
    if rule.limit.times == 1:
        return f"{points} {_times(rule.limit)} for {action}"
    return f"{points} for {action}, {_times(rule.limit)}"


def _action_terms(rule: Rule) -> Iterable[str]:
    yield from _member_terms(rule.match)
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
    held, returned = _passed(terms.hold), _passed(terms.return_window)
    proportional = terms.requires_payment and terms.partial_payment == "proportional"
    conditions = []
    if terms.requires_payment and not proportional:
        conditions.append("the purchase is paid")
    if held:
        conditions.append(held)
    if returned:
        since = "each payment" if proportional else "the payment"
        conditions.append(f"{returned} since {since if terms.requires_payment else 'the sale'}")
    share = " in proportion to what is paid" if proportional else ""
    if not conditions:
        return f"Points become available{share or ' at once'}"
    comma = "," if proportional else ""
    return f"Points become available{share}{comma} when {_all(conditions)}"


def _matched(match: Match) -> str:
    """The lines that a match is about; nothing where it is about every line."""
    items = _named("item", match.items)
    categories = _any(match.categories)
    if items and categories:
        return f"{items} in {categories}"
    return items or categories


def _match_terms(match: Match, program: Program) -> Iterable[str]:
    excluded = [*_sorted_names(match.exclude_categories)]
    if match.exclude_items:
        excluded.append(_named("item", match.exclude_items))
    if excluded:
        yield f"not for {_listed(excluded, 'or')}"
    if match.minimum_amount is not None:
        yield f"only when that comes to at least {_amount(match.minimum_amount, program)}"
    if match.own_orders is not None:
        whose = "the member's own orders" if match.own_orders else "copies of another's order"
        yield f"only for {whose}"
    yield from _member_terms(match)


def _member_terms(match: Match) -> Iterable[str]:
    if match.tags:
        yield f"only for members tagged {_any(match.tags)}"
    if match.exclude_tags:
        yield f"not for members tagged {_any(match.exclude_tags)}"
    if match.tiers:
        yield f"only for members of {_named('tier', match.tiers)}"
    if match.organisations:
        yield f"only for members of {_named('organisation', match.organisations)}"
    if match.jurisdictions:
        yield f"only for members in {_any(match.jurisdictions)}"
    if match.exclude_jurisdictions:
        yield f"not for members in {_any(match.exclude_jurisdictions)}"


def _times(limit: Limit) -> str:
    times = "once" if limit.times == 1 else f"at most {limit.times:,} times"
    if limit.per == "lifetime":
        return times if limit.times == 1 else f"{times} in all"
    return f"{times} a {limit.per}"


def _points(points: int, kind: str = "") -> str:
    return f"{points:,} {kind}{'point' if points == 1 else 'points'}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _pieces(quantity: Decimal) -> str:
    return "piece" if quantity == 1 else f"{_number(quantity)} pieces"


def _amount(amount: Decimal, program: Program) -> str:
    """The amount with the currency's decimals."""
    return f"{amount.quantize(unit(program.currency)):,f} {program.currency}"


def _number(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _period(period: Period) -> str:
    """A period in words; nothing for an empty one."""
    hours, minutes = divmod(period.minutes, _MINUTES_PER_HOUR)
    parts = [(period.months, "month"), (period.days, "day"), (hours, "hour"), (minutes, "minute")]
    return _all([_count(number, noun) for number, noun in parts if number])


def _passed(period: Period) -> str:
    text = _period(period)
    if not text:
        return ""
    return f"{text} {'has' if text.startswith('1 ') and ' and ' not in text else 'have'} passed"


def _local_time(time: datetime, separator: str = " ") -> str:
    return time.isoformat(sep=separator, timespec="seconds" if time.second else "minutes")


def _name(name: str) -> str:
    return name if _ONE_WORD.fullmatch(name) else f'"{name}"'


def _named(noun: str, names: Iterable[str]) -> str:
    listed = _sorted_names(names)
    return f"{noun if len(listed) == 1 else noun + 's'} {_listed(listed, 'or')}" if listed else ""


def _sorted_names(names: Iterable[str]) -> list[str]:
    return [_name(name) for name in sorted(names)]


def _any(names: Iterable[str]) -> str:
    return _listed(_sorted_names(names), "or")


def _all(parts: Sequence[str]) -> str:
    return _listed(parts, "and")


def _listed(parts: Sequence[str], last: str) -> str:
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _joined(gain: str, terms: Iterable[str]) -> str:
    return "; ".join([gain, *terms])


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
        "from": _local_time(campaign.begins, "T"),
        "to": _local_time(campaign.ends, "T"),
        "match": _match_as_data(campaign.match),
        "multiplier": _number(campaign.multiplier),
        "points": campaign.points,
        "member_cap_points": campaign.member_cap_points,
        "budget_points": campaign.budget_points,
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
