"""Redemptions as they are shown: each with the status that it has now, and a member's list."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId, RedemptionId
from points_ledger.service.ledger import View, latest
from points_ledger.service.ports import LedgerReader, Redemption, RedemptionKey, Store
from points_ledger.service.programs import Programs
from points_ledger.service.redemption_steps import OPEN_STATUSES, TIMED_OUT, worth

_BEGIN_WITH: Final[frozenset[EntryType]] = frozenset({"redemption", "reservation"})
_ENTRIES_OF_A_CHAIN: Final = 10**12
"""More than a chain can have: a place in several chains is one number."""
"""The types of the entry that a redemption begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRedemption:
    """A redemption, its status now, and what its captured points were worth."""

    redemption: Redemption
    status: str
    captured_amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemptions:
    """Shows redemptions; writes nothing."""

    store: Store
    reader: LedgerReader
    programs: Programs
    clock: Callable[[], datetime]

    def one(self, id_: RedemptionId, *, asked_by: MemberId | None) -> ShownRedemption:
        """One redemption; `asked_by` is the member who asks, None for who serves members.

        Raises:
            NotFoundError: there is none with this id, or it is another member's.
        """
        view = View(self.store)
        redemption = view.redemption(RedemptionKey(redemption_id=id_))
        if redemption is None:
            raise NotFoundError("redemption", id_)
        if asked_by is not None and not belongs_to(view, redemption, asked_by):
            raise NotFoundError("redemption", id_)
        if redemption.status not in OPEN_STATUSES:
            return self._shown(redemption, redemption.status)
        # What the account does not hold any more has timed out, unless it was closed since it was
        # read: closing changes both at once.
        head = view.resolved_head(redemption.member_id)
        if head is not None and id_ not in head.state.reservations:
            redemption = View(self.store).redemption(redemption.key) or redemption
        return self._shown(redemption, _status(redemption, head, self._now(head)))

    def of_member(
        self, member_id: MemberId, *, limit: int, before: int | None
    ) -> tuple[tuple[ShownRedemption, ...], int | None]:
        """A page of a member's redemptions, newest first, and where the next page begins.

        What was redeemed under the ids of members that were merged into this one comes after
        its own, one chain after the other.

        Args:
            member_id: whose they are.
            limit: how many at most.
            before: where a page before this one said that the next begins.

        Raises:
            NotFoundError: there is no such member.
        """
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        chains = (head.member_id, *head.state.standing.aliases)
        found: list[Entry] = []
        following = before or 0
        while len(found) < limit and (place := following // _ENTRIES_OF_A_CHAIN) < len(chains):
            page = self.reader.entries(
                chains[place],
                limit=limit - len(found),
                before=following % _ENTRIES_OF_A_CHAIN or None,
                types=_BEGIN_WITH,
            )
            found += page.entries
            has_more = page.next_number is not None
            following = (place if has_more else place + 1) * _ENTRIES_OF_A_CHAIN
            following += page.next_number or 0
        now = self._now(head)
        shown = (
            self._shown(redemption, _status(redemption, head, now))
            for redemption in self._stored(found)
        )
        is_last = following // _ENTRIES_OF_A_CHAIN >= len(chains)
        return tuple(shown), None if is_last else following

    def open_after(self, head: Entry) -> tuple[ShownRedemption, ...]:
        """What points are set aside for by a member's newest entry, newest first.

        Transfers that wait for approval are no redemptions: their points are not told here.
        """
        now = self._now(head)
        keys = [RedemptionKey(redemption_id=RedemptionId(id_)) for id_ in head.state.reservations]
        found = self.store.get(keys) if keys else {}
        held = [cast("Redemption", found[key]) for key in keys if key in found]
        shown = ((redemption, _status(redemption, head, now)) for redemption in held)
        return tuple(
            self._shown(redemption, status)
            for redemption, status in sorted(shown, key=lambda each: -each[0].entry)
            if status in OPEN_STATUSES
        )

    def _stored(self, entries: Iterable[Entry]) -> list[Redemption]:
        """The redemptions that entries began, in their order, read in one request."""
        ids = [entry.posting.details.get("redemption") for entry in entries]
        keys = [RedemptionKey(redemption_id=RedemptionId(id_)) for id_ in ids if id_ is not None]
        found = self.store.get(keys) if keys else {}
        return [cast("Redemption", found[key]) for key in keys if key in found]

    def _now(self, head: Entry | None) -> datetime:
        return latest(self.clock(), [head] if head else [])

    def _shown(self, redemption: Redemption, status: str) -> ShownRedemption:
        version = redemption.program_version
        return ShownRedemption(
            redemption=redemption,
            status=status,
            captured_amount=worth(redemption.captured, self.programs.version(version))
            if version is not None
            else redemption.amount,
        )


def belongs_to(view: View, redemption: Redemption, member_id: MemberId) -> bool:
    """Whether a redemption is a member's own, by any id that the two have had."""
    if redemption.member_id == member_id:
        return True
    mine, theirs = view.resolved_head(member_id), view.resolved_head(redemption.member_id)
    return mine is not None and theirs is not None and mine.member_id == theirs.member_id


def _status(redemption: Redemption, head: Entry | None, now: datetime) -> str:
    """The stored status, or that it has timed out.

    An account that was read before the redemption began says nothing about it.
    """
    if redemption.status not in OPEN_STATUSES:
        return redemption.status
    is_held = redemption.redemption_id in head.state.reservations if head else False
    is_newer = head is not None and redemption.entry > head.number
    ended = redemption.expires_at is not None and redemption.expires_at <= now
    return TIMED_OUT if ended or not (is_held or is_newer) else redemption.status
