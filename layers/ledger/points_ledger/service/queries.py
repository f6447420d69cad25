"""What members and staff see: balances, what is pending and why, and the entries.

Each answer begins with the member's newest entry. Who has read that already asks by it, so that
several answers cost one such read (overview.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from points_ledger.domain.benefit import MemberBenefits, benefits_of
from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import NOTHING_POSTED, Earning
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_ALIASES
from points_ledger.domain.lot import Lots
from points_ledger.domain.maturation import Target, target
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of
from points_ledger.domain.settling import settled
from points_ledger.domain.state import Standing
from points_ledger.domain.tier import current_tier
from points_ledger.service.alias_pages import following_place, opened_place
from points_ledger.service.ledger import View, latest
from points_ledger.service.ports import (
    LedgerReader,
    Profile,
    ProfileKey,
    Store,
)
from points_ledger.service.programs import Programs

MAX_PENDING_PAGES: Final = 2 * (1 + MAX_ALIASES)
"""Pages that are read for one answer, which may then be shorter and says where to go on."""
LIFETIME: Final = ("earned", "redeemed", "expired", "reversed")
"""The counters that a balance shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A member's account as it counts at `as_of`: what time has ended is settled in it."""

    member_id: MemberId
    available: int
    pending: int
    reserved: int
    debt: int
    value: Decimal
    currency: str
    lots: Lots
    tier: str | None
    lifetime: Mapping[str, int]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEarning:
    """Points that are earned and not yet available: what they wait for, and since when."""

    earning: Earning
    points: int
    target: Target
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDetails:
    """A member's standing and, where it was not erased, personal data."""

    member_id: MemberId
    standing: Standing
    profile: Profile | None


def balance_of(head: Entry, *, now: datetime, program: Program) -> Balance:
    """The balance by a member's newest entry, settled at `now` by the program in force."""
    state = settled(head.state, now=now, program=program)
    return Balance(
        member_id=head.member_id,
        available=state.available,
        pending=state.pending,
        reserved=state.reserved,
        debt=state.debt,
        value=value_of(state.available, program.point_value, program.currency),
        currency=program.currency,
        lots=state.lots,
        tier=current_tier(state.standing, today=local_day(now, program.zone), program=program),
        lifetime={name: state.counter(name) for name in LIFETIME},
        as_of=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Answers questions; writes nothing."""

    store: Store
    reader: LedgerReader
    programs: Programs
    clock: Callable[[], datetime]

    def balance(self, member_id: MemberId) -> Balance:
        """One consistent read, whatever the length of the history.

        Raises:
            NotFoundError: there is no such member.
        """
        return self.balance_after(self.head(member_id))

    def benefits(self, member_id: MemberId) -> tuple[MemberId, MemberBenefits, Program]:
        """What the member's tier gives today, by the program in force.

        Raises:
            NotFoundError: there is no such member.
        """
        return self.benefits_after(self.head(member_id))

    def benefits_after(self, head: Entry) -> tuple[MemberId, MemberBenefits, Program]:
        """The benefits by a member's newest entry."""
        now = latest(self.clock(), [head])
        program = self.programs.at(now)
        today = local_day(now, program.zone)
        return head.member_id, benefits_of(head.state, today=today, program=program), program

    def balance_after(self, head: Entry) -> Balance:
        """The balance by a member's newest entry, as it counts now."""
        now = latest(self.clock(), [head])
        return balance_of(head, now=now, program=self.programs.at(now))

    def member(self, member_id: MemberId) -> MemberDetails:
        """Standing and personal data.

        Raises:
            NotFoundError: there is no such member.
        """
        return self.member_after(self.head(member_id))

    def member_after(self, head: Entry) -> MemberDetails:
        """Standing and personal data of the member whose newest entry this is."""
        key = ProfileKey(member_id=head.member_id)
        profile = cast("Profile | None", self.store.get([key]).get(key))
        return MemberDetails(
            member_id=head.member_id,
            standing=self._as_of_now(head),
            profile=profile,
        )

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> tuple[tuple[Entry, ...], int | None]:
        """A page of a member's entries, newest first, and where the next page begins.

        Raises:
            NotFoundError: there is no such member.
        """
        head = self.head(member_id)
        page = self.reader.entries(head.member_id, limit=limit, before=before, types=types)
        return page.entries, page.next_number

    def pending(
        self, member_id: MemberId, *, limit: int, cursor: str | None
    ) -> tuple[tuple[PendingEarning, ...], str | None]:
        """A page of what is pending, oldest first for each id that stands for the member.

        An earning keeps the id under which it was earned, so what the members who were merged
        into this one had pending is found under theirs, one after the other. Nobody who was
        erased has anything pending, whatever earnings of old still say.

        Raises:
            NotFoundError: there is no such member.
            ValueError: the cursor does not belong to this list.
        """
        return self.pending_after(self.head(member_id), limit=limit, cursor=cursor)

    def pending_after(
        self, head: Entry, *, limit: int, cursor: str | None
    ) -> tuple[tuple[PendingEarning, ...], str | None]:
        """A page of what is pending of the member whose newest entry this is, see `pending`.

        Raises:
            ValueError: the cursor does not belong to this list.
        """
        if head.state.standing.status == "erased":
            return (), None
        ids = (head.member_id, *head.state.standing.aliases)
        now = latest(self.clock(), [head])
        place, inner = opened_place(cursor, ids)
        rows: list[PendingEarning] = []
        for _ in range(MAX_PENDING_PAGES):
            page = self.reader.pending_earnings(ids[place], limit=limit - len(rows), cursor=inner)
            rows += self._rows(page.keys, ids, place, now)
            inner = page.cursor
            if inner is None:
                place += 1
            if place == len(ids):
                break
            if len(rows) == limit:
                break
        return tuple(rows), following_place(place, inner, ids)

    def _rows(
        self, keys: Sequence[EarningKey], ids: tuple[MemberId, ...], place: int, now: datetime
    ) -> Iterator[PendingEarning]:
        """The earnings of a page; one that is pending under an earlier id has been shown there."""
        found = self.store.get(keys) if keys else {}
        for earning in (cast("Earning", found[key]) for key in keys if key in found):
            pending = [earning.posted.get(id_, NOTHING_POSTED).pending for id_ in ids]
            if pending[place] and not any(pending[:place]):
                yield self._pending(earning, sum(pending), now)

    def _pending(self, earning: Earning, points: int, now: datetime) -> PendingEarning:
        assert earning.program_version is not None
        program = self.programs.version(earning.program_version)
        return PendingEarning(
            earning=earning,
            points=points,
            target=target(earning, program=program, now=now),
            since=earning.posted_at,
        )

    def _as_of_now(self, head: Entry) -> Standing:
        """The standing without a grant that has ended, whether or not a review has come yet."""
        standing, now = head.state.standing, latest(self.clock(), [head])
        if not standing.grants:
            return standing
        program = self.programs.at(now)
        today = local_day(now, program.zone)
        return replace(standing, tier=current_tier(standing, today=today, program=program))

    def head(self, member_id: MemberId) -> Entry:
        """The newest entry of the member that an id stands for.

        Raises:
            NotFoundError: there is no such member.
        """
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        return head
