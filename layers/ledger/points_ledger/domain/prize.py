"""Prizes of challenges, streaks and leaderboards: rules on actions that the ledger performs.

So a prize is earned, matures, is entered and is verified like any other action. The names of these
actions have colons, which a program document cannot write: nobody else can perform them or give
points for them.
"""

from collections.abc import Iterable, Iterator

from points_ledger.domain.program import Challenge, Leaderboard, Prize, Rule, Streak


def challenge_action(challenge_id: str) -> str:
    """The action that pays the prize of a challenge."""
    return f"challenge:{challenge_id}"


def streak_action(streak_id: str) -> str:
    """The action that pays the prize of a streak."""
    return f"streak:{streak_id}"


def leaderboard_action(board_id: str, rank: int) -> str:
    """The action that pays what a rank of a leaderboard wins."""
    return f"leaderboard:{board_id}:{rank}"


def prize_rule_id(board: Leaderboard, prize: Prize) -> str:
    """The id under which the entries show a prize of a leaderboard."""
    return f"{board.id}#{prize.rank}"


def is_prize_rule(rule: Rule) -> bool:
    """Whether a rule pays a prize, and so is not one that the document writes."""
    return rule.action is not None and ":" in rule.action


def prize_rules(
    challenges: Iterable[Challenge], streaks: Iterable[Streak], boards: Iterable[Leaderboard]
) -> Iterator[Rule]:
    """The rules by which prizes are earned; they do not count towards a tier."""
    for challenge in challenges:
        yield _rule(challenge.id, challenge_action(challenge.id), challenge.points)
    for streak in streaks:
        yield _rule(streak.id, streak_action(streak.id), streak.points)
    for board in boards:
        for prize in board.prizes:
            action = leaderboard_action(board.id, prize.rank)
            yield _rule(prize_rule_id(board, prize), action, prize.points)


def _rule(id_: str, action: str, points: int) -> Rule:
    return Rule(id=id_, on="action", action=action, points=points, qualifying=False)
