"""Prizes: what was won becomes an action of the ledger's own, and earns as every action does.

The action is written in the transaction of the entry that won it (follow_ups.py), under a natural
key of challenge, member and period, so that no prize is paid twice whatever happens.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.challenge import Won, won_by
from points_ledger.domain.earning import Action, Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import Earner
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, ExternalId, MemberId
from points_ledger.domain.program import Program
from points_ledger.service.follow_ups import NO_FOLLOW_UPS, FollowUps, all_of, followed_up
from points_ledger.service.ledger import View


def won_prizes(
    view: View, entries: Iterable[Entry], program: Program, *, at: datetime, now: datetime
) -> FollowUps:
    """The prizes that new entries of one purchase or action have won.

    `at` is when that was posted: the prize happened then, so its hold and its lot's last day count
    from there, and the version in force then says how many points it is.
    """
    found = [
        (entry.member_id, won)
        for entry in entries
        for won in won_by(entry.posting.counters, entry.state, program)
    ]
    if not found:
        return NO_FOLLOW_UPS
    view.load(*(won.key(member_id) for member_id, won in found))
    return all_of(prize(view, member_id, won, at=at, now=now) for member_id, won in found)


def prize(view: View, member_id: MemberId, won: Won, *, at: datetime, now: datetime) -> FollowUps:
    """One prize of a challenge or streak."""
    return awarded(view, won.key(member_id), won.action, member_id, at=at, now=now)


def awarded(
    view: View, key: EarningKey, action: str, member_id: MemberId, *, at: datetime, now: datetime
) -> FollowUps:
    """An action that the ledger performs for a member, unless it did so before."""

    def performed(earning: Earning) -> Earning:
        if earning.action is not None:
            return earning
        earner = Earner(
            external_id=ExternalId(source=LEDGER_SOURCE, id=member_id), member_id=member_id
        )
        return replace(earning, action=Action(name=action, at=at, earner=earner), posted_at=at)

    return followed_up(view, key, performed, now=now)
