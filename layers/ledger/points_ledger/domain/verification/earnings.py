"""Entries that an earning makes: computed again from their receipts (domain/receipt.py)."""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Final

from points_ledger.domain.activity import counts_activity
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import NOTHING_POSTED, Posted
from points_ledger.domain.entry import Entry, EntryType, Posting
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.lot import total
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.program import Program
from points_ledger.domain.receipt import Receipt, read_receipt
from points_ledger.domain.state import State
from points_ledger.domain.tier import is_qualifying
from points_ledger.domain.usage import OVER, USED
from points_ledger.domain.verification.book import Book
from points_ledger.domain.verification.outcome import DiffersError, OutOfReachError
from points_ledger.domain.verification.repetition import repeated

ORDER: Final[tuple[EntryType, ...]] = ("accrual", "reversal", "maturation", "lapse")
"""The order of what one earning posts at once."""

_DATED: Final[tuple[EntryType, ...]] = ("reversal", "accrual", "lapse", "maturation")
"""Whose `at` tells when the fact happened, the surest first."""

REDEMPTION: Final = "redemption"


@dataclass(kw_only=True)
class EarningsSeen:
    """What the entries so far say is posted of each earning, by the ids of members."""

    posted: dict[tuple[EarningKey, MemberId], Posted] = field(default_factory=dict)
    known_since: dict[EarningKey, datetime] = field(default_factory=dict)
    may_keep: set[EarningKey] = field(default_factory=set)
    """Earnings of which a policy may have left points with a member, without an entry."""


def is_of_an_earning(posting: Posting) -> bool:
    """Whether an earning made the entry; a reversal may also be that of a redemption."""
    return posting.type in ORDER and REDEMPTION not in posting.details


def postings_of_earning(
    entries: Sequence[Entry], state: State, *, book: Book, seen: EarningsSeen
) -> list[Posting]:
    """What the first of `entries`, and those that belong to it, should post.

    Raises:
        DiffersError: the receipt cannot be what the ledger wrote.
        OutOfReachError: it needs the entries of a member that are not given.
    """
    first = entries[0]
    key, program = first.posting.source, book.program(first.posting.program_version)
    if key is None:
        raise DiffersError("source", "a purchase or an action", "nothing")
    receipt = _receipt(first)
    _check_version(receipt, first, key, book, seen)
    if program.clawback != "unlimited":
        seen.may_keep.add(key)
    group = _together(entries)
    matured_at = next((e.posting.at for e in group if e.posting.type == "maturation"), None)
    after, postings = _repeated(
        receipt,
        group,
        key=key,
        posted=_posted_before(receipt, first, key, state, book, seen),
        state=state,
        program=program,
        in_force=book.in_force(first.recorded_at) or program,
        matured_at=matured_at,
    )
    if not postings:
        raise DiffersError("type", "no entry: everything is posted", first.posting.type)
    for id_, posted in after.items():
        if posted != NOTHING_POSTED or (key, id_) in seen.posted or counts_activity(program):
            seen.posted[key, id_] = posted
    return postings


def _receipt(entry: Entry) -> Receipt:
    try:
        return read_receipt(entry.posting.inputs)
    except (ValueError, ArithmeticError, LookupError) as error:
        raise DiffersError("inputs", f"a receipt ({error})", dict(entry.posting.inputs)) from error


def _check_version(
    receipt: Receipt, entry: Entry, key: EarningKey, book: Book, seen: EarningsSeen
) -> None:
    """The version is the one in force when the purchase was posted.

    A purchase from the future was valued by the versions known then.
    """
    known_since = seen.known_since.setdefault(key, entry.recorded_at)
    if receipt.posted_at <= known_since:
        book.check_in_force(entry.posting.program_version, receipt.posted_at)


def _together(entries: Sequence[Entry]) -> list[Entry]:
    """The first entry and those after it that the same look at the earning may have made."""
    first = entries[0]
    group = [first]
    for entry in entries[1 : len(ORDER)]:
        posting = entry.posting
        if not is_of_an_earning(posting) or posting.source != first.posting.source:
            break
        if posting.inputs != first.posting.inputs or entry.recorded_at != first.recorded_at:
            break
        if ORDER.index(posting.type) <= ORDER.index(group[-1].posting.type):
            break
        group.append(entry)
    return group


def _posted_before(
    receipt: Receipt,
    entry: Entry,
    key: EarningKey,
    state: State,
    book: Book,
    seen: EarningsSeen,
) -> dict[MemberId, Posted]:
    """What was posted for each id of the member, with what falls without an entry left there."""
    found: dict[MemberId, Posted] = {}
    for holder in receipt.holders:
        id_ = holder.member_id or entry.member_id
        if id_ != entry.member_id:
            if id_ not in state.standing.aliases:
                raise DiffersError("inputs.holder", f"{entry.member_id} or an alias of it", id_)
            if id_ not in book.chains:
                raise OutOfReachError(f"it continues an earning of {id_}, whose entries it needs")
        known = seen.posted.get((key, id_))
        posted = known or NOTHING_POSTED
        if holder.kept != posted.kept:
            if key not in seen.may_keep or holder.kept > posted.matured:
                raise DiffersError("inputs.holder", f"kept={posted.kept}", f"kept={holder.kept}")
            posted = replace(posted, written_off=holder.kept + total(posted.absorbed))
        # That nothing is known of an id yet is told by its absence, as in the earning itself.
        if known is not None or posted != NOTHING_POSTED:
            found[id_] = posted
    return found


def _counts_qualifying(group: Sequence[Entry], state: State) -> bool:
    """Whether these entries are as the ledger writes them since it counts qualifying points.

    Entries of before are only at the beginning of a chain: no counter of theirs, none before.
    """
    return any(map(is_qualifying, state.counters)) or any(
        is_qualifying(name) for entry in group for name in entry.posting.counters
    )


def _forgets(group: Sequence[Entry]) -> bool:
    """Whether these entries drop counters that are over; those of before the ledger did do not."""
    return any(
        (name.startswith(USED) and change < 0) or name.startswith(OVER)
        for entry in group
        for name, change in entry.posting.counters.items()
    )


def _repeated(
    receipt: Receipt,
    group: Sequence[Entry],
    *,
    key: EarningKey,
    posted: dict[MemberId, Posted],
    state: State,
    program: Program,
    in_force: Program,
    matured_at: datetime | None,
) -> tuple[dict[MemberId, Posted], list[Posting]]:
    first = group[0]
    by_type = {entry.posting.type: entry.posting for entry in reversed(group)}
    hold_ends = program.maturation.hold.after(receipt.posted_at, program.zone)
    # When the fact happened is told by the entry itself, like the reason and who brought it.
    dated = next(by_type[each] for each in _DATED if each in by_type)
    reasons = (by_type[each].reason for each in ("reversal", "lapse") if each in by_type)
    try:
        after, postings = repeated(
            receipt,
            key=key,
            member_id=first.member_id,
            posted=posted,
            state=state,
            program=program,
            occasion=Occasion(
                now=first.recorded_at,
                fact_at=dated.at,
                reason=next(reasons, None) or "",
                actor=first.posting.actor,
                in_force=in_force,
                forgets=_forgets(group),
            ),
            # No hold ends later than the points matured, whatever their entry says.
            matured_at=max(receipt.released_at or matured_at or hold_ends, hold_ends),
            has_excess_refund=any("refund" in e.posting.details for e in group),
            counts_qualifying=_counts_qualifying(group, state),
        )
    except ValueError as error:
        raise DiffersError("inputs", f"what the program knows ({error})", "another") from error
    return dict(after), postings
