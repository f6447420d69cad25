"""A person's data, all of it: what the person has a right to, page by page."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_PAGE_SIZE
from points_ledger.domain.sharing import Share
from points_ledger.service.history import span
from points_ledger.service.ledger import View
from points_ledger.service.ports import LedgerReader, Note, PersonalData, Store
from points_ledger.service.queries import Balance, MemberDetails, PendingEarning, Queries

FIRST_ENTRY: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Entries of one member, oldest first."""

    member_id: MemberId
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A page of a person's data.

    Attributes:
        pending: what is pending, on the first page; more of it is a list of its own.
        chains: the member's own entries, then those of the members who were merged into it.
        cursor: where the next page begins; None on the last.
    """

    member: MemberDetails
    balance: Balance
    sharing: tuple[Share, ...]
    notes: tuple[Note, ...]
    pending: tuple[PendingEarning, ...]
    chains: tuple[Chain, ...]
    cursor: str | None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries of the page."""
        return tuple(entry for chain in self.chains for entry in chain.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a page begins: in which chain, with which entry of it, and how many notes were shown.

    `chain` is the number of chains that were finished before.
    """

    chain: int = 0
    number: int = FIRST_ENTRY
    notes: int = 0

    @property
    def is_first(self) -> bool:
        return self == _Place()

    def __str__(self) -> str:
        return json.dumps([self.chain, self.number, self.notes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporting:
    """Gathers what is known of a person; writes nothing."""

    store: Store
    reader: LedgerReader
    personal_data: PersonalData
    queries: Queries

    def export(self, member_id: MemberId, *, limit: int, cursor: str | None) -> Exported:
        """A page with at most `limit` entries and at most as many notes.

        Raises:
            NotFoundError: there is no such member.
            ValueError: the cursor is not one of this list.
        """
        place = _read(cursor)
        view = View(self.store)
        head = view.resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        ids = (head.member_id, *head.state.standing.aliases)
        chains, following = self._chains(view, ids, place, limit)
        notes = self._notes(ids)
        shown = notes[place.notes : place.notes + limit]
        following = _Place(
            chain=following.chain, number=following.number, notes=place.notes + len(shown)
        )
        is_last = following.chain >= len(ids) and following.notes >= len(notes)
        pending: Sequence[PendingEarning] = ()
        if place.is_first:
            pending, _ = self.queries.pending(member_id, limit=MAX_PAGE_SIZE, cursor=None)
        return Exported(
            member=self.queries.member(member_id),
            balance=self.queries.balance_after(head),
            sharing=head.state.standing.sharing,
            notes=tuple(shown),
            pending=tuple(pending),
            chains=chains,
            cursor=None if is_last else str(following),
        )

    def _chains(
        self, view: View, ids: tuple[MemberId, ...], place: _Place, limit: int
    ) -> tuple[tuple[Chain, ...], _Place]:
        """Entries of one chain after the other, and where the next page goes on."""
        found: list[Chain] = []
        number, left = place.number, limit
        for index in range(place.chain, len(ids)):
            if not left:
                return tuple(found), _Place(chain=index, number=number)
            head = view.head(ids[index])
            newest = head.number if head else 0
            last = min(newest, number + left - 1)
            entries = span(self.reader, head, number, last) if head else ()
            found.append(Chain(member_id=ids[index], entries=entries))
            if last < newest:
                return tuple(found), _Place(chain=index, number=last + 1)
            number, left = FIRST_ENTRY, left - len(entries)
        return tuple(found), _Place(chain=len(ids))

    def _notes(self, ids: Iterable[MemberId]) -> list[Note]:
        """All free text, in an order that stays."""
        notes = [note for id_ in ids for note in self.personal_data.notes(id_)]
        return sorted(notes, key=lambda note: (note.member_id, note.id))


def _read(cursor: str | None) -> _Place:
    """Where a page begins.

    Raises:
        ValueError: this is no place of ours.
    """
    if cursor is None:
        return _Place()
    match json.loads(cursor):
        case [int(chain), int(number), int(notes)] if chain >= 0 and number >= 1 and notes >= 0:
            return _Place(chain=chain, number=number, notes=notes)
        case _:
            raise ValueError("not a cursor of this list")
