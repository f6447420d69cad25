"""What members and staff see: balances, what is pending and why, and the entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from points_ledger.domain.earning import NOTHING_POSTED, Earning
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import ExternalId, MemberId, RedemptionId
from points_ledger.domain.lot import Lots
from points_ledger.domain.maturation import Target, target
from points_ledger.domain.redemption import value_of
from points_ledger.domain.settling import settled
from points_ledger.domain.state import Standing
from points_ledger.service.ledger import View, latest
from points_ledger.service.ports import (
    LedgerReader,
    Profile,
    ProfileKey,
    Redemption,
    RedemptionKey,
    Store,
)
from points_ledger.service.programs import Programs

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
        head = self._head(member_id)
        now = latest(self.clock(), [head])
        program = self.programs.at(now)
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
            tier=state.standing.tier,
            lifetime={name: state.counter(name) for name in LIFETIME},
            as_of=now,
        )

    def member(self, member_id: MemberId) -> MemberDetails:
        """Standing and personal data.

        Raises:
            NotFoundError: there is no such member.
        """
        head = self._head(member_id)
        key = ProfileKey(member_id=head.member_id)
        profile = cast("Profile | None", self.store.get([key]).get(key))
        return MemberDetails(
            member_id=head.member_id,
            standing=head.state.standing,
            profile=profile,
        )

    def find(self, external_id: ExternalId) -> MemberDetails | None:
        """The member behind a source's customer."""
        link = View(self.store).link(external_id)
        return self.member(link.member_id) if link else None

    def redemption(self, redemption_id: RedemptionId) -> Redemption:
        """One redemption.

        Raises:
            NotFoundError: there is none with this id.
        """
        found = View(self.store).redemption(RedemptionKey(redemption_id=redemption_id))
        if found is None:
            raise NotFoundError("redemption", redemption_id)
        return found

    def entries(
        self, member_id: MemberId, *, limit: int, before: int | None, types: frozenset[EntryType]
    ) -> tuple[tuple[Entry, ...], int | None]:
        """A page of a member's entries, newest first, and where the next page begins.

        Raises:
            NotFoundError: there is no such member.
        """
        head = self._head(member_id)
        page = self.reader.entries(head.member_id, limit=limit, before=before, types=types)
        return page.entries, page.next_number

    def pending(
        self, member_id: MemberId, *, limit: int, cursor: str | None
    ) -> tuple[tuple[PendingEarning, ...], str | None]:
        """A page of what is pending, oldest first.

        Raises:
            NotFoundError: there is no such member.
            ValueError: the cursor does not belong to this list.
        """
        head = self._head(member_id)
        now = latest(self.clock(), [head])
        page = self.reader.pending_earnings(head.member_id, limit=limit, cursor=cursor)
        found = self.store.get(page.keys) if page.keys else {}
        earnings = [cast("Earning", found[key]) for key in page.keys if key in found]
        pending = (self._pending(earning, head.member_id, now) for earning in earnings)
        return tuple(p for p in pending if p.points), page.cursor

    def _pending(self, earning: Earning, member_id: MemberId, now: datetime) -> PendingEarning:
        assert earning.program_version is not None
        program = self.programs.version(earning.program_version)
        return PendingEarning(
            earning=earning,
            points=earning.posted.get(member_id, NOTHING_POSTED).pending,
            target=target(earning, program=program, now=now),
            since=earning.posted_at,
        )

    def _head(self, member_id: MemberId) -> Entry:
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        return head
