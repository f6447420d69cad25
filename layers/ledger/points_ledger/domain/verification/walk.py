"""Walking through chains, oldest entry first, until something differs."""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Final

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import GENESIS_HASH, Entry, Posting, apply, entry_hash
from points_ledger.domain.error import BrokenInvariantError, Rejection
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import EMPTY, State
from points_ledger.domain.verification.book import Book
from points_ledger.domain.verification.commands import (
    Occurrence,
    RedemptionSeen,
    note_redemption,
    posting_of_command,
)
from points_ledger.domain.verification.comparing import compare_postings, compare_states
from points_ledger.domain.verification.earnings import (
    EarningsSeen,
    is_of_an_earning,
    postings_of_earning,
)
from points_ledger.domain.verification.outcome import (
    Difference,
    DiffersError,
    NotRecomputed,
    OutOfReachError,
    Verified,
)

_UNREADABLE: Final = (ValueError, ArithmeticError, LookupError, TypeError, AssertionError)
"""What the functions that make postings raise when an entry says what none of theirs could."""


def verify(book: Book) -> tuple[Verified, ...]:
    """Check all chains; those that were merged into another come before it.

    What an earning posted for a member goes on in the chain that the member was merged into, so
    what is known of earnings and redemptions is carried from one chain to the next.
    """
    earnings, redemptions = EarningsSeen(), dict[str, RedemptionSeen]()
    return tuple(
        _Walk(book=book, earnings=earnings, redemptions=redemptions).through(id_, book.chains[id_])
        for id_ in _sources_first(book)
    )


def _sources_first(book: Book) -> list[MemberId]:
    ordered: list[MemberId] = []

    def visit(id_: MemberId, targets: frozenset[MemberId]) -> None:
        for other, entries in book.chains.items():
            into = (entry.posting.details.get("into") for entry in entries)
            if other not in targets and id_ in into:
                visit(other, targets | {other})
        if id_ not in ordered:
            ordered.append(id_)

    for id_ in book.chains:
        visit(id_, frozenset([id_]))
    return ordered


@dataclass(kw_only=True)
class _Walk:
    """Where the walk through one chain stands: what the entries so far come to."""

    book: Book
    earnings: EarningsSeen
    redemptions: dict[str, RedemptionSeen]
    state: State = EMPTY
    previous_hash: bytes = GENESIS_HASH
    number: int = 0
    recorded_at: datetime | None = None
    expected: list[Posting] = field(default_factory=list)
    """What the entries after the first one of an earning should post."""

    def through(self, member_id: MemberId, entries: Sequence[Entry]) -> Verified:
        """Check entries until one differs."""
        skipped: list[NotRecomputed] = []
        difference: Difference | None = None
        for place, entry in enumerate(entries):
            number = self.number + 1
            try:
                self._check(member_id, entries[place:])
            except OutOfReachError as beyond:
                skipped.append(
                    NotRecomputed(member_id=member_id, number=number, reason=beyond.reason)
                )
                differs = self._caught(entry)
            except DiffersError as found:
                differs = found
            else:
                differs = self._caught(entry)
            if differs is not None:
                difference = Difference(
                    member_id=member_id,
                    number=number,
                    field=differs.field,
                    expected=differs.expected,
                    found=differs.found,
                )
                break
        else:
            difference = self._missing(member_id)
        return Verified(
            member_id=member_id,
            entries=len(entries),
            difference=difference,
            not_recomputed=tuple(skipped),
        )

    def _check(self, member_id: MemberId, entries: Sequence[Entry]) -> None:
        """The entry's place in the chain, and what it posts."""
        entry = entries[0]
        for field_, right, found in (
            ("member_id", member_id, entry.member_id),
            ("entry", self.number + 1, entry.number),
            ("previous_hash", self.previous_hash.hex(), entry.previous_hash.hex()),
        ):
            if right != found:
                raise DiffersError(field_, right, found)
        if self.recorded_at is not None and entry.recorded_at < self.recorded_at:
            raise DiffersError(
                "recorded_at",
                f"not before {format_instant(self.recorded_at)}",
                format_instant(entry.recorded_at),
            )
        compare_postings(self._posting(entries), entry.posting)

    def _posting(self, entries: Sequence[Entry]) -> Posting:
        """What the first of the entries should post."""
        entry = entries[0]
        if self.expected:
            if entry.recorded_at != self.recorded_at:
                assert self.recorded_at is not None
                raise DiffersError(
                    "recorded_at",
                    f"{format_instant(self.recorded_at)}, as the one before",
                    format_instant(entry.recorded_at),
                )
            return self.expected.pop(0)
        try:
            return self._computed(entries)
        except Rejection as refused:
            expected = f"no entry ({refused.code})"
            raise DiffersError("type", expected, entry.posting.type) from refused
        except _UNREADABLE as error:
            raise DiffersError("inputs", f"what can be read ({error!r})", "another") from error

    def _computed(self, entries: Sequence[Entry]) -> Posting:
        entry = entries[0]
        if is_of_an_earning(entry.posting):
            postings = postings_of_earning(entries, self.state, book=self.book, seen=self.earnings)
            self.expected = postings[1:]
            return postings[0]
        found = Occurrence(
            entry=entry, state=self.state, book=self.book, redemptions=self.redemptions
        )
        posting = posting_of_command(found)
        note_redemption(found)
        return posting

    def _caught(self, entry: Entry) -> DiffersError | None:
        """The account after the entry, its invariants, and its hash."""
        try:
            compare_states(apply(self.state, entry.posting), entry.state)
            entry.state.check()
        except DiffersError as differs:
            return differs
        except BrokenInvariantError as broken:
            return DiffersError("state", str(broken), "an account where that is not so")
        right = entry_hash(
            entry.member_id,
            entry.number,
            entry.recorded_at,
            entry.posting,
            entry.state,
            self.previous_hash,
        )
        if right != entry.hash:
            return DiffersError("hash", right.hex(), entry.hash.hex())
        self.state, self.previous_hash = entry.state, entry.hash
        self.number, self.recorded_at = entry.number, entry.recorded_at
        return None

    def _missing(self, member_id: MemberId) -> Difference | None:
        """An earning's last entries are posted at once, so none of them can be to come."""
        if not self.expected:
            return None
        return Difference(
            member_id=member_id,
            number=self.number + 1,
            field="type",
            expected=self.expected[0].type,
            found="no entry",
        )
