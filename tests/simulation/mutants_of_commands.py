"""Mutants of what two-step redemptions, transfers, plans, merges, approvals, rewards, coupons and
erasures rely on.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final
from unittest.mock import patch

from points_ledger.domain import reservation
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import MergeNotPermittedError, ReservationNotOpenError
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.merge import Merging as Merge
from points_ledger.domain.merge import check_mergeable
from points_ledger.domain.state import Reservation
from points_ledger.service import ledger, merging, recording, redeeming
from points_ledger.service.earners import Earners
from points_ledger.service.ledger import View
from points_ledger.service.ports import (
    Append,
    Approval,
    Coupon,
    Draw,
    ExternalLink,
    GuardHead,
    Marker,
    ProfileKey,
    Put,
    Redemption,
    Remove,
    Request,
    Save,
    Write,
)
from tests.simulation.patching import Patch, creates, in_two, unchecked, without

# ---- Redemptions in steps


def _saves_redemptions_over(stack: ExitStack) -> None:
    """A step of a redemption is saved whatever its revision."""
    unchecked(stack, lambda write: _saves(write, Redemption))


def _believes_its_reservation(stack: ExitStack) -> None:
    """Captures and cancels what was reserved once, whether or not it still is."""
    seen: dict[str, Reservation] = {}

    def found(step: reservation.Step) -> Reservation:
        seen.update(step.state.reservations)
        if step.redemption_id not in seen:
            raise ReservationNotOpenError
        return seen[step.redemption_id]

    stack.enter_context(patch.object(reservation.Step, "reservation", property(found)))


def _settles_only_to_decide(stack: ExitStack) -> None:
    """Spends what time has freed without posting that it has."""
    stack.enter_context(patch.object(redeeming, "settlement", lambda *_, **__: None))


def _forgets_its_steps(stack: ExitStack) -> None:
    """Carries a step out and keeps nothing of its answer."""
    stack.enter_context(patch.object(redeeming, "remembered", lambda item, *_, **__: item))


def _arms_reservations_later(stack: ExitStack) -> None:
    """The marker of a reservation is written after the reservation."""
    in_two(stack, lambda write: _marks(write) == "reservation")


def _forgets_reservations(stack: ExitStack) -> None:
    """The marker of a reservation is not written at all: only who needs the points ends it."""
    without(stack, lambda write, _: _marks(write) == "reservation")


# ---- Two accounts


def _receives_later(stack: ExitStack) -> None:
    """The receiver's side of a transfer is a transaction of its own."""
    in_two(stack, lambda write: _posts(write, "transfer") and _gains(write))


def _receives_unchecked(stack: ExitStack) -> None:
    """The receiver's side of a transfer is put whatever is there."""
    unchecked(stack, lambda write: _posts(write, "transfer") and _gains(write))


def _remembers_transfers_later(stack: ExitStack) -> None:
    """The request of a command without an item of its own is written after what it did."""
    in_two(stack, lambda write: creates(write, Request))


def _plans_by_unguarded_plans(stack: ExitStack) -> None:
    """Sees that no plan leads back, without a condition that the others stay what they are."""
    without(
        stack,
        lambda write, writes: (
            isinstance(write, GuardHead)
            and any(isinstance(w, Append) and w.entry.posting.reason == "sharing" for w in writes)
        ),
    )


def _splits_by_unguarded_plans(stack: ExitStack) -> None:
    """Splits a purchase between members who may be somebody else by now."""
    stack.enter_context(patch.object(recording, "_unwritten", lambda _guards, _writes: ()))


# ---- Merges


def _merges_into_whatever(stack: ExitStack) -> None:
    """The target of a merge is written whatever is there."""
    unchecked(stack, lambda write: _posts(write, "merge", "from"))


def _opens_later(stack: ExitStack) -> None:
    """What the source had is given to the target in a transaction of its own."""
    in_two(stack, lambda write: _posts(write, "merge", "from"))


def _merges_despite_reservations(stack: ExitStack) -> None:
    """Does not look whether the source has reserved something meanwhile."""

    def checked(merge: Merge) -> None:
        try:
            check_mergeable(merge)
        except MergeNotPermittedError as error:
            if error.reason != "open_reservations":
                raise

    stack.enter_context(patch.object(merging, "check_mergeable", checked))


def _merges_what_it_has_become(stack: ExitStack) -> None:
    """Takes a target that has become part of the source for somebody else."""

    def checked(merge: Merge) -> None:
        try:
            check_mergeable(merge)
        except MergeNotPermittedError:
            if merge.target_id not in merge.source.standing.aliases:
                raise

    stack.enter_context(patch.object(merging, "check_mergeable", checked))


def _stays_with_the_alias(stack: ExitStack) -> None:
    """Posts to the id that was named, without asking whom it stands for now."""

    def resolved_head(view: View, member_id: object) -> Entry | None:
        return view.head(member_id)  # type: ignore[arg-type]

    stack.enter_context(patch.object(View, "resolved_head", resolved_head))


# ---- Second persons


def _closes_approvals_over(stack: ExitStack) -> None:
    """A decision is saved whatever its revision."""
    unchecked(stack, lambda write: _saves(write, Approval))


def _asks_by_unguarded_accounts(stack: ExitStack) -> None:
    """Asks a second person by what an account was, without a condition that it still is."""
    without(
        stack,
        lambda write, writes: (
            isinstance(write, GuardHead) and any(creates(each, Approval) for each in writes)
        ),
    )


def _leaves_what_was_given_up(stack: ExitStack) -> None:
    """What waited and was given up stays in the list of what waits."""
    stack.enter_context(patch.object(redeeming, "_given_up", lambda _view, _redemption: ()))


# ---- Rewards and coupons


def _draws_unchecked(stack: ExitStack) -> None:
    """Takes from a stock whatever is left."""
    unchecked(stack, lambda write: isinstance(write, Draw))


def _draws_later(stack: ExitStack) -> None:
    """Takes from the stock once the points are spent."""
    in_two(stack, lambda write: isinstance(write, Draw))


def _keeps_the_stock(stack: ExitStack) -> None:
    """Gives points back and leaves the reward out of its stock."""
    stack.enter_context(patch.object(redeeming, "given_back_stock", lambda _view, _id: ()))


def _closes_coupons_over(stack: ExitStack) -> None:
    """A coupon is used or cancelled whatever its revision."""
    unchecked(stack, lambda write: _saves(write, Coupon))


# ---- Erasures


def _leaves_the_link(stack: ExitStack) -> None:
    """Erases a person whose customers go on leading to the account."""
    without(stack, lambda write, _: isinstance(write, Remove) and _is(write.item, ExternalId))


def _unlinks_what_it_knew(stack: ExitStack) -> None:
    """Takes the profile away whatever has been added to it."""
    unchecked(stack, lambda write: isinstance(write, Remove) and _is(write.item, ProfileKey))


def _links_unguarded(stack: ExitStack) -> None:
    """Links a customer to a member who may be gone."""
    without(
        stack,
        lambda write, writes: (
            isinstance(write, GuardHead) and any(creates(each, ExternalLink) for each in writes)
        ),
    )


def _posts_to_the_erased(stack: ExitStack) -> None:
    """Follows a link to whoever it leads to, erased or not."""

    def linked_to(self: Earners, view: View, link: ExternalLink, **more: bool) -> object:
        return self.member(view, link.member_id, **more)

    stack.enter_context(patch.object(Earners, "linked_to", linked_to))


def _believes_links(stack: ExitStack) -> None:
    """Refuses by a link and an account of different moments."""
    lasting = Redemption | Approval | Coupon
    stack.enter_context(patch.object(ledger, "_CHANGEABLE", lasting))


FAMILIES: Final[Sequence[tuple[Patch, str]]] = (
    (_saves_redemptions_over, "reserving"),
    (_believes_its_reservation, "reserving"),
    (_settles_only_to_decide, "reserving"),
    (_forgets_its_steps, "reserving"),
    (_arms_reservations_later, "reserving"),
    (_forgets_reservations, "reserving"),
    (_receives_later, "moving"),
    (_receives_unchecked, "moving"),
    (_remembers_transfers_later, "moving"),
    (_plans_by_unguarded_plans, "moving"),
    (_splits_by_unguarded_plans, "merging"),
    (_merges_into_whatever, "merging"),
    (_opens_later, "merging"),
    (_merges_despite_reservations, "merging"),
    (_merges_what_it_has_become, "merging"),
    (_stays_with_the_alias, "merging"),
    (_closes_approvals_over, "approving"),
    (_asks_by_unguarded_accounts, "approving"),
    (_leaves_what_was_given_up, "approving"),
    (_draws_unchecked, "claiming"),
    (_draws_later, "claiming"),
    (_keeps_the_stock, "claiming"),
    (_closes_coupons_over, "claiming"),
    (_leaves_the_link, "erasing"),
    (_unlinks_what_it_knew, "erasing"),
    (_links_unguarded, "erasing"),
    (_posts_to_the_erased, "erasing"),
    (_believes_links, "erasing"),
)


# ---- What a write is


def _saves(write: Write, class_: type) -> bool:
    return isinstance(write, Save) and isinstance(write.item, class_)


def _posts(write: Write, type_: str, detail: str | None = None) -> bool:
    """Whether a write is an entry of a type, and names something in its details."""
    if not isinstance(write, Append):
        return False
    posting = write.entry.posting
    return posting.type == type_ and (detail is None or detail in posting.details)


def _gains(write: Write) -> bool:
    return isinstance(write, Append) and write.entry.posting.counters.get("transferred", 0) > 0


def _marks(write: Write) -> str | None:
    """The kind of marker that a write arms."""
    return write.item.kind if isinstance(write, Put) and isinstance(write.item, Marker) else None


def _is(item: object, class_: type) -> bool:
    return isinstance(item, class_)
