"""What must hold of what is stored: accounts, and the items that tell what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator

from points_ledger.domain.aim import aim
from points_ledger.domain.calendar import local_day
from points_ledger.domain.earning import NOTHING_POSTED
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.lot import passed
from points_ledger.domain.sharing import WHOLE_PERCENT
from points_ledger.service.enrolling import Enrolled
from points_ledger.service.importing import Imported
from points_ledger.service.ports import (
    Append,
    Approval,
    Coupon,
    Profile,
    Redemption,
    Reward,
    Stock,
    StockKey,
)
from tests.memory_store import MemoryStore
from tests.simulation.after import After, items, links
from tests.simulation.world import ENDED_AT

SPENDING = ("redemption", "reservation", "transfer")
"""Entries that never take more than there is."""


# ---- Facts


def pending_is_unmatured(after: After) -> Iterable[str]:
    """Of everybody by all their ids; who was erased has nothing left, whatever was earned."""
    unmatured: Counter[MemberId] = Counter()
    for earning in after.store.earnings():
        for member_id, part in earning.posted.items():
            unmatured[after.survivors[member_id]] += part.pending
    for member_id, state in after.states.items():
        erased = state.standing.status == "erased"
        if state.pending != (0 if erased else unmatured[member_id]):
            yield f"{member_id}: pending {state.pending}, unmatured {unmatured[member_id]}"


def nothing_is_due(after: After) -> Iterable[str]:
    """After the last sweep every earning is where its facts want it, and all that time ends has.

    No reservation is open, and where sweeps look at lots none has passed.
    """
    for earning in after.store.earnings():
        if earning.earner_id is None:
            continue
        aimed = aim(earning, program=after.scenario.rules, now=ENDED_AT)
        for member_id, goal in aimed.goals.items():
            posted = earning.posted.get(member_id, NOTHING_POSTED)
            if member_id not in after.gone and not goal.is_met(posted):
                yield f"{earning.key}: {member_id} should hold {goal}, posted is {posted}"
    for member_id, state in after.states.items():
        if state.reservations:
            yield f"{member_id}: {state.reservations} have ended"
        over = passed(state.lots, local_day(ENDED_AT, after.scenario.rules.zone))
        if over and after.scenario.expires:
            yield f"{member_id}: {over} have passed"


def splits_add_up(after: After) -> Iterable[str]:
    """Between those who share a purchase there is all of what it earns, and no more."""
    for earning in after.store.earnings():
        for pin in earning.pins.values():
            if sum(share.percent for share in pin.allocation) != WHOLE_PERCENT:
                yield f"{earning.key}: {pin.allocation} is not the whole"
        if earning.earner_id is None:
            continue
        sharers = {share.member_id for share in earning.pins[earning.earner_id].allocation}
        if not after.gone & {*sharers, *earning.posted}:
            earned = sum(part.earned for part in earning.posted.values())
            if earned != earning.earned.points:
                yield f"{earning.key}: earned {earning.earned.points}, split into {earned}"


# ---- Members


def one_member_each(after: After) -> Iterable[str]:
    """Every account has been opened by a link or a request, and each of those opened one."""
    members = set(after.states)
    linked_ids = links(after.store)
    linked = set(linked_ids.values())
    requested = {
        answer.member_id
        for answers in after.history.answers.values()
        for answer in answers
        if isinstance(answer, Enrolled | Imported)
    }
    known = linked | requested | set(after.scenario.prepared.members()) | after.gone
    for member_id in sorted(members - known):
        yield f"{member_id} belongs to nobody"
    for member_id in sorted((linked | requested) - members):
        yield f"{member_id} has no account"
    profiles = {profile.member_id: profile for profile in after.items(Profile)}
    for external_id, member_id in linked_ids.items():
        owner = after.survivors[member_id]
        profile = profiles.get(owner)
        if after.states[owner].standing.status == "erased":
            yield f"{external_id} is linked to {owner}, who is erased"
        elif profile is None or external_id not in profile.external_ids:
            yield f"{external_id} is linked to {owner}, whose profile does not name it"
    for profile in profiles.values():
        for external_id in profile.external_ids:
            if external_id not in linked_ids:
                yield f"{profile.member_id} names {external_id}, which is not linked"


def aliases_lead_to_one(after: After) -> Iterable[str]:
    """No circle; the survivor knows its aliases; nothing is posted to whoever has gone.

    Afterwards only where an alias leads may change.
    """
    for member_id, chain in after.chains.items():
        standing = chain[-1].state.standing
        if standing.alias_of is not None:
            target = after.states[standing.alias_of].standing
            if target.status == "merged" or member_id not in target.aliases:
                yield f"{member_id} leads to {standing.alias_of}, who is {target}"
        statuses = [entry.state.standing.status for entry in chain]
        for status in ("merged", "erased"):
            if status not in statuses:
                continue
            for entry in chain[statuses.index(status) + 1 :]:
                if (entry.posting.type, entry.posting.reason) != ("change", "alias"):
                    yield f"{member_id} is {status} and has entry {entry.number} after it"


def erased_are_forgotten(after: After) -> Iterable[str]:
    """No profile, no place in a list of people, no link; an account of nothing."""
    for member_id, state in after.states.items():
        if state.standing.status != "erased":
            continue
        if state.available or state.pending or state.reserved or state.debt:
            yield f"{member_id} is erased and has {state}"
        ids = {member_id, *state.standing.aliases}
        if any(profile.member_id in ids for profile in after.items(Profile)):
            yield f"{member_id} is erased and has a profile"
        for place in after.store._lists:
            if place.list in ("names", "emails") and place.id in ids:
                yield f"{member_id} is erased and is found under {place}"


# ---- Points


def points_are_conserved(after: After) -> Iterable[str]:
    """What one member gives another gets, in one transaction, over all members and for good."""
    given = sum(state.counter("transferred") for state in after.states.values())
    if given:
        yield f"{given} points came of transfers"
    for sent in after.history.log:
        posted = [write.entry.posting for write in sent.writes if isinstance(write, Append)]
        for type_ in ("transfer", "merge"):
            sides = [posting for posting in posted if posting.type == type_]
            moved = sum(side.pending + side.available + side.reserved for side in sides)
            if moved or len(sides) not in (0, 2):
                yield f"{sent.run.name}: {len(sides)} sides of a {type_}, of {moved} points"


def spent_as_answered(after: After) -> Iterable[str]:
    """What redemptions took is what they say, and never more than there was."""
    redemptions = after.items(Redemption)
    spent: Counter[MemberId] = Counter()
    for redemption in redemptions:
        spent[after.survivors[redemption.member_id]] += redemption.captured - redemption.reversed
    for member_id, chain in after.chains.items():
        redeemed = chain[-1].state.counter("redeemed")
        if redeemed != spent[member_id]:
            yield f"{member_id}: redemptions of {spent[member_id]}, {redeemed} gone"
        for entry in chain:
            takes = entry.posting.type in SPENDING and entry.posting.available < 0
            if takes and entry.state.available < 0:
                yield f"{member_id}: entry {entry.number} spends more than there is"
    for redemption in redemptions:
        yield from _as_entered(after, redemption)


def _as_entered(after: After, redemption: Redemption) -> Iterator[str]:
    """A redemption says what its entries say; what it reserved was ended once."""
    id_ = redemption.redemption_id
    named = [e for e in after.entries() if e.posting.details.get("redemption") == id_]
    spent = sum(entry.posting.counters.get("redeemed", 0) for entry in named)
    if spent != redemption.captured - redemption.reversed:
        yield f"{id_}: {redemption}, its entries spent {spent}"
    status = redemption.status
    if (status == "reversed") != (0 < redemption.captured == redemption.reversed):
        yield f"{id_} is {status}: {redemption}"
    begun, ends = _reserved(after, id_)
    is_reserved = any(entry.posting.type == "reservation" for entry in named)
    if (len(ends), begun) != ((1, True) if is_reserved else (0, False)):
        yield f"{id_} is {status}, its reservation was ended by {[e.posting.type for e in ends]}"
    if not ends:
        return
    how = ends[0].posting
    expected = {
        "cancelled": ("release", "cancelled"),
        "rejected": ("release", "rejected"),
        "completed": ("capture", None),
        "reversed": ("capture", None),
    }.get(status)
    by_itself = how.reason == "reservation_ended" or how.type == "forfeit"
    if not (by_itself if expected is None else (how.type, how.reason) == expected):
        yield f"{id_} is {status}, its reservation was ended by {how.type} ({how.reason})"


def _reserved(after: After, id_: str) -> tuple[bool, list[Entry]]:
    """Whether something was reserved under an id, and what ended it."""
    about = [entry for entry in after.entries() if id_ in entry.posting.reservations]
    begun = any(entry.posting.reservations[id_] is not None for entry in about)
    return begun, [entry for entry in about if entry.posting.reservations[id_] is None]


# ---- Second persons, rewards and coupons


def decided_once(after: After) -> Iterable[str]:
    """What waits is decided at most once, and what was decided was done."""
    approvals = after.items(Approval)
    for approval in approvals:
        if approval.kind == "redemption":
            continue  # its entries are compared with the redemption itself
        done = [
            entry.posting
            for entry in after.entries()
            if approval.subject
            in (entry.posting.details.get("adjustment"), entry.posting.details.get("transfer"))
        ]
        moved = [posting for posting in done if posting.type in ("adjustment", "transfer")]
        expected = {"transfer": 2, "adjustment": 1}[approval.kind]
        if len(moved) != (expected if approval.status == "approved" else 0):
            yield f"{approval} has {len(moved)} entries"
        begun, ends = _reserved(after, approval.subject)
        if len(ends) != begun:
            yield f"{approval}: its reservation was ended by {[e.posting.type for e in ends]}"
    listed = (place for place in after.store._lists if place.list == "approvals")
    places = {(place.id, place.partition) for place in listed}
    known = {str(approval.approval_id): approval for approval in approvals}
    given_up_as = {str(each.redemption_id): each.status for each in after.items(Redemption)}
    for id_, partition in places:
        if id_ not in known or known[id_].status != partition:
            yield f"{id_} stands under {partition}: {known.get(id_)}"
    for approval in approvals:
        is_listed = (approval.approval_id, approval.status) in places
        # A redemption that was given up waits no more, though nobody has decided.
        given_up = approval.status == "open" and given_up_as.get(approval.subject) == "cancelled"
        if is_listed == given_up:
            yield f"{approval} is in a list: {is_listed}, was given up: {given_up}"


def stock_is_conserved(after: After) -> Iterable[str]:
    """What is left of a reward and what was given out is what there was."""
    for reward in after.items(Reward):
        if not reward.is_limited:
            continue
        before = _left(after.scenario.prepared, reward) + _out(after.scenario.prepared, reward)
        left, out = _left(after.store, reward), _out(after.store, reward)
        if left < 0 or left + out != before:
            yield f"{reward.name}: {left} left, {out} given out, there were {before}"


def _left(store: MemoryStore, reward: Reward) -> int:
    stock = store._items[StockKey(reward_id=reward.reward_id)]
    assert isinstance(stock, Stock)
    return stock.remaining


def _out(store: MemoryStore, reward: Reward) -> int:
    return sum(
        each.reward_id == reward.reward_id and each.status == "completed"
        for each in items(store, Redemption)
    )


def coupons_are_used_once(after: After) -> Iterable[str]:
    """A coupon was used or given back, once; it is given back exactly with its points."""
    redemptions = {each.redemption_id: each for each in after.items(Redemption)}
    for coupon in after.items(Coupon):
        redemption = redemptions[coupon.redemption_id]
        if (coupon.status == "cancelled") != (redemption.status == "reversed"):
            yield f"{coupon} was made by {redemption}"
        if redemption.coupon != coupon.code:
            yield f"{redemption} does not name {coupon.code}"
        if coupon.revision > 2:
            yield f"{coupon} was closed more than once"
