"""Sentences about what members reach beside the rules: tiers kept, memberships, benefits, prizes.

As in explanation.py, a sentence says only what the ledger does, and all that changes it.
"""

from typing import assert_never

import points_ledger.domain.wording as words
from points_ledger.domain.program import (
    Benefit,
    Challenge,
    Leaderboard,
    Membership,
    Program,
    Streak,
)


def explain_tier_window(program: Program) -> tuple[str, ...]:
    """Which qualifying points count, and what becomes of a tier that they no longer reach."""
    if not program.tiers:
        return ()
    window = program.tier_window
    match window.kind:
        case "rolling":
            months = words.count(window.months, "month")
            counted = f"the current month and the {months} before it"
        case "calendar":
            counted = "the current calendar year"
        case "anniversary":
            counted = "the months since the last anniversary of the enrolment"
        case _:
            assert_never(window.kind)
    lost = "A tier that is no longer reached"
    if window.grace_days:
        lost = f"{lost} is kept for {words.count(window.grace_days, 'day')}, and then"
    match window.downgrade:
        case "reassess":
            falls = "falls to the tier that the points reach"
        case "one_step":
            falls = "falls one tier, and so on until the points reach it"
        case _:
            assert_never(window.downgrade)
    return (
        f"Points of {counted} count towards a tier, by the day of the purchase",
        f"{lost} {falls}",
    )


def explain_membership(membership: Membership) -> str:
    """Which tier a membership gives, for how long, and what begins it."""
    shown = words.name(membership.name or membership.id)
    lasts = words.period(membership.lasts)
    gives = f"Membership {shown} gives tier {words.name(membership.tier)} for {lasts}"
    if not membership.items:
        return f"{gives}; granted by staff"
    return f"{gives}; bought as {words.named('item', membership.items)}, or granted by staff"


def explain_benefit(benefit: Benefit) -> str:
    """What members of some tiers get at the till."""
    who = "Every member"
    if benefit.tiers:
        who = f"Members of {words.named('tier', benefit.tiers)}"
    what = words.any_of(benefit.categories)
    if benefit.discount_percent is None:
        return f"{who}: {benefit.description}" + (f" ({what})" if what else "")
    percent = words.number(benefit.discount_percent)
    return f"{who}: {benefit.description} ({percent}% off {what or 'everything'})"


def explain_challenge(challenge: Challenge, program: Program) -> str:
    """What has to be done how often, within which time, and what it gives."""
    points = words.points(challenge.points)
    done = _counted(challenge, challenge.count)
    match challenge.per:
        case "lifetime":
            gain = f"{points} once for {done}"
        case "window":
            assert challenge.begins is not None
            assert challenge.ends is not None
            begins, ends = words.local_time(challenge.begins), words.local_time(challenge.ends)
            gain = f"{points} once for {done}, from {begins} until {ends} ({program.zone.key})"
        case "week":
            gain = f"{points} once a week for {done} within a week, Monday to Sunday"
        case "day" | "month" | "year":
            gain = f"{points} once a {challenge.per} for {done} within a {challenge.per}"
        case _:
            assert_never(challenge.per)
    return words.joined(gain, _terms(challenge, program))


def explain_streak(streak: Streak, program: Program) -> str:
    """What has to be done in each of how many periods in a row, and what it gives."""
    points = words.points(streak.points)
    done = _counted(streak, 1)
    gain = f"{points} for {done} in each of {streak.length} consecutive {streak.every}s"
    again = "after that the count begins anew"
    return words.joined(gain, [again, *_terms(streak, program)])


def explain_leaderboard(board: Leaderboard, program: Program) -> str:
    """By what members are ranked, in which periods, and what the first of them win."""
    lines = words.matched(board.match)
    on = f" with {lines}" if lines else ""
    by = f"the points of their purchases{on}"
    if board.by == "purchases":
        by = f"the number of their purchases{on}"
    ranked = f"Members are ranked each {board.per} by {by}"
    prizes = [f"{words.points(prize.points)} for rank {prize.rank}" for prize in board.prizes]
    won = f"{ranked}: {words.all_of(prizes)}" if prizes else ranked
    wait = words.period(board.freeze_after)
    final = f"final {wait} after the end of the {board.per}"
    if not wait:
        final = f"final at the end of the {board.per}"
    equal = ["equal scores share a rank"] if prizes else []
    terms = [*equal, final, *words.match_terms(board.match, program, what="a purchase")]
    return words.joined(won, terms)


def _counted(part: Challenge | Streak, number: int) -> str:
    """So many purchases or actions."""
    if part.on == "action":
        assert part.action is not None
        action = words.name(part.action)
        return action if number == 1 else f"{action} {number:,} times"
    lines = words.matched(part.match)
    purchases = "a purchase" if number == 1 else f"{number:,} purchases"
    return f"{purchases} with {lines}" if lines else purchases


def _terms(part: Challenge | Streak, program: Program) -> list[str]:
    if part.on == "action":
        return [*words.member_terms(part.match)]
    return [*words.match_terms(part.match, program, what="a purchase")]
