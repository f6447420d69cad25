"""Telling actions that the purchase which they wait for has come true (domain/release.py).

A referral waits for the friend's first purchase, a booking for the ticket that it is linked to. The
purchase knows whom it has to tell: the referral by what was pinned of its earner, linked actions by
the list of its followers, which an action adds itself to, also before the purchase is there. Every
look at a purchase ends here. What there is to tell is written into the other earning in the same
transaction (follow_ups.py), and the purchase keeps whom it has told, so that nobody asks again.

A purchase without a referral and without followers costs nothing more.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Action, Earning
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import LimitReachedByFactError
from points_ledger.domain.fact import Earner
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, ExternalId, MemberId
from points_ledger.domain.limit import MAX_FOLLOWERS_PER_PURCHASE
from points_ledger.domain.program import Program
from points_ledger.domain.release import (
    REFERRAL,
    closed_at,
    firm_at,
    referral_key,
    referred_friend,
)
from points_ledger.service.follow_ups import NO_FOLLOW_UPS, FollowUps, all_of, followed_up
from points_ledger.service.ledger import Decision, View
from points_ledger.service.ports import Marker, Put, Save, Write
from points_ledger.service.programs import Programs
from points_ledger.service.recorded import Recorded

# --- What the ledger does by itself ---------------------------------------------------------


def performed(
    view: View, key: EarningKey, name: str, *, member_id: MemberId, at: datetime, now: datetime
) -> FollowUps:
    """An action that nobody reports because the ledger itself knows of it; once for each key."""
    earner = Earner(external_id=ExternalId(source=LEDGER_SOURCE, id=member_id), member_id=member_id)

    def change(earning: Earning) -> Earning:
        if earning.action is not None:
            return earning
        return replace(earning, action=Action(name=name, at=at, earner=earner), posted_at=at)

    return followed_up(view, key, change, now=now)


def knows(program: Program, action: str) -> bool:
    """Whether a rule of the program names an action."""
    return any(rule.on == "action" and rule.action == action for rule in program.rules)


def referred(
    view: View, friend: MemberId, referrer: MemberId, *, program: Program, now: datetime
) -> FollowUps:
    """The referral of a friend, where the program has a rule for it."""
    if not knows(program, REFERRAL):
        return NO_FOLLOW_UPS
    return performed(view, referral_key(friend), REFERRAL, member_id=referrer, at=now, now=now)


# --- Who waits ------------------------------------------------------------------------------


def released_already(view: View, action: Earning, programs: Programs) -> Earning:
    """An action with what is known already of the purchase that it is linked to."""
    linked = action.action.linked if action.action is not None else ()
    if not linked or action.released_at is not None:
        return action
    view.load(*linked)
    purchases = [found for key in linked if (found := view.earning(key)) is not None]
    closed = [
        at
        for each in purchases
        if each.snapshot is not None and (at := closed_at(each, _program(each, programs)))
    ]
    return replace(action, released_at=min(closed, default=None))


def is_of_oneself(view: View, earning: Earning) -> bool:
    """Whether a referral that is still open is by the friend's own account, after a merge."""
    friend = referred_friend(earning.key)
    named = earning.earner.member_id if earning.earner is not None else None
    if friend is None or named is None or earning.released_at or earning.voided_at:
        return False
    head = view.resolved_head(named)
    return head is not None and friend in (head.member_id, *head.state.standing.aliases)


def looks_after_merge(source: Entry, target: Entry, *, now: datetime) -> tuple[Write, ...]:
    """Have the referral of two members looked at who are one now: it earns nothing any more."""
    ids = {
        each.member_id: {each.member_id, *each.state.standing.aliases} for each in (source, target)
    }
    return tuple(
        Put(item=Marker(kind="hold_release", due_at=now, target=str(referral_key(friend))))
        for member, other in ((source, target), (target, source))
        if member.state.standing.referred_by in ids[other.member_id]
        and (friend := referral_of(member)) is not None
    )


def referral_of(head: Entry) -> MemberId | None:
    """The id under which somebody has brought a member; None where nobody has."""
    standing = head.state.standing
    if standing.referred_by is None:
        return None
    return standing.referred_as or head.member_id


# --- Telling --------------------------------------------------------------------------------


def with_releases(
    view: View, decision: Decision[Recorded], *, programs: Programs, now: datetime
) -> Decision[Recorded]:
    """A decision about an earning, with what it releases, or asks to be released by.

    Raises:
        LimitReachedByFactError: too many actions are linked to one purchase.
    """
    key = decision.result.earning
    if key is None:
        return decision
    place = _place_of(decision.writes, key)
    earning = _saved(decision.writes[place]) if place is not None else view.earning(key)
    if earning is None:
        return decision
    told = _told(view, earning, programs, now)
    followed = all_of((_following(view, earning, now=now), told.follow_ups))
    writes = [*decision.writes]
    if told.earning != earning and place is not None:
        write = writes[place]
        assert isinstance(write, Save)
        writes[place] = replace(write, item=told.earning)
    elif told.earning != earning:
        item = replace(told.earning, revision=earning.revision + 1)
        writes.append(Save(item=item, expected=earning.revision))
    result = replace(decision.result, follow_ups=(*decision.result.follow_ups, *followed.keys))
    return Decision(result=result, writes=(*writes, *told.markers, *followed.writes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A purchase that has told whom it could, and the marker for whom it cannot tell yet."""

    earning: Earning
    follow_ups: FollowUps = NO_FOLLOW_UPS
    markers: tuple[Write, ...] = ()


def _told(view: View, purchase: Earning, programs: Programs, now: datetime) -> _Told:
    followers, referral = purchase.followers - purchase.told, _untold_referral(purchase)
    if purchase.snapshot is None or purchase.posted_at is None or not (followers or referral):
        return _Told(earning=purchase)
    program = _program(purchase, programs)
    closed = closed_at(purchase, program) if followers else None
    firm = firm_at(purchase, program) if referral else None
    told = followers if closed is not None and closed <= now else frozenset[EarningKey]()
    follow_ups = [_released(view, key, closed, now) for key in sorted(told) if closed]
    if referral is not None and firm is not None and firm <= now:
        if not is_of_oneself(view, view.earning(referral) or Earning(key=referral)):
            follow_ups.append(_released(view, referral, firm, now))
        told |= {referral}
    after = replace(purchase, told=purchase.told | told)
    due = [at for at in (closed, firm) if at is not None and at > now]
    return _armed(after, min(due, default=None), all_of(follow_ups), now)


def _armed(purchase: Earning, due_at: datetime | None, tells: FollowUps, now: datetime) -> _Told:
    """With a marker for the next telling, unless a look is to come before that anyway."""
    armed = purchase.due_at
    if due_at is None or (armed is not None and now < armed <= due_at):
        return _Told(earning=purchase, follow_ups=tells)
    marker = Marker(kind="hold_release", due_at=due_at, target=str(purchase.key))
    return _Told(
        earning=replace(purchase, due_at=due_at),
        follow_ups=tells,
        markers=(Put(item=marker),),
    )


def _released(view: View, key: EarningKey, at: datetime, now: datetime) -> FollowUps:
    def change(earning: Earning) -> Earning:
        # There is nothing to release where the program had no rule for it, and nothing twice.
        if earning.action is None or earning.released_at is not None:
            return earning
        return replace(earning, released_at=at)

    return followed_up(view, key, change, now=now)


def _untold_referral(purchase: Earning) -> EarningKey | None:
    """The referral of the earner of a purchase, until it has been told."""
    pin = purchase.pins.get(purchase.earner_id) if purchase.earner_id is not None else None
    if pin is None or pin.referral is None:
        return None
    key = referral_key(pin.referral)
    return None if key in purchase.told else key


def _following(view: View, earning: Earning, *, now: datetime) -> FollowUps:
    """See that the purchase that an action waits for knows of it, and has a look at once.

    A purchase that has released it already only notes that: so its facts, which have decided when
    that was, are written under their condition.
    """
    linked = earning.action.linked if earning.action is not None else ()
    if not linked or "linked_purchase" not in earning.earned.releases:
        return NO_FOLLOW_UPS
    told = frozenset[EarningKey]() if earning.released_at is None else frozenset({earning.key})

    def change(purchase: Earning) -> Earning:
        followers = purchase.followers | {earning.key}
        if len(followers) > MAX_FOLLOWERS_PER_PURCHASE:
            raise LimitReachedByFactError("linked_actions", MAX_FOLLOWERS_PER_PURCHASE)
        return replace(purchase, followers=followers, told=purchase.told | told)

    found = all_of(followed_up(view, key, change, now=now) for key in linked)
    if not told:
        return found
    return FollowUps(writes=tuple(write for write in found.writes if isinstance(write, Save)))


def _program(purchase: Earning, programs: Programs) -> Program:
    """The pinned version, or for a purchase of nobody the one that would be."""
    assert purchase.posted_at is not None
    pinned = purchase.program_version
    return programs.version(pinned or programs.number_at(purchase.posted_at))


def _place_of(writes: Iterable[Write], key: EarningKey) -> int | None:
    """Where the writes of a decision store the earning that it is about."""
    places = (
        place
        for place, write in enumerate(writes)
        if isinstance(write, Save) and isinstance(write.item, Earning) and write.item.key == key
    )
    return next(places, None)


def _saved(write: Write) -> Earning:
    assert isinstance(write, Save)
    assert isinstance(write.item, Earning)
    return write.item
