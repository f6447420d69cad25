"""The whole story of a member at one moment, for one page.

One read of the newest entry, then a bounded number of further ones, however long the history is.
"""

from typing import Final

from points_ledger.domain.benefit import MemberBenefits
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.sharing import Allocation
from points_ledger.service.challenges import Progress, progress_of
from points_ledger.service.ledger import View
from points_ledger.service.planning import plan_of
from points_ledger.service.ports import EntryPage, LedgerReader, Store
from points_ledger.service.queries import Balance, MemberDetails, PendingEarning, Queries
from points_ledger.service.redemptions import Redemptions, ShownRedemption
from points_ledger.service.requested import Requested, RequestOfMember

SHOWN: Final = 10
"""Of each list; each goes on at its own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPending:
    """The first page of what is pending."""

    earnings: tuple[PendingEarning, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRequests:
    """The first page of what waits, or waited, for a second person."""

    requests: tuple[RequestOfMember, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A member: who it is, what it has, what it waits for, and what happened last."""

    member: MemberDetails
    balance: Balance
    benefits: tuple[MemberId, MemberBenefits, Program]
    pending: FirstPending
    entries: EntryPage
    redemptions: tuple[ShownRedemption, ...]
    requests: FirstRequests
    sharing: Allocation
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Overviews:
    """Draws overviews up; writes nothing."""

    store: Store
    reader: LedgerReader
    queries: Queries
    redemptions: Redemptions
    requested: Requested

    def overview(self, member_id: MemberId) -> Overview:
        """What one page shows of a member.

        Raises:
            NotFoundError: there is no such member.
        """
        head = self.queries.head(member_id)
        pending, pending_cursor = self.queries.pending_after(head, limit=SHOWN, cursor=None)
        requests, requests_cursor = self.requested.of(head, limit=SHOWN, cursor=None)
        balance, benefits = self.queries.balance_after(head), self.queries.benefits_after(head)
        _, _, program = benefits
        return Overview(
            member=self.queries.member_after(head),
            balance=balance,
            benefits=benefits,
            pending=FirstPending(earnings=pending, cursor=pending_cursor),
            entries=self._entries(head),
            redemptions=self.redemptions.open_after(head),
            requests=FirstRequests(requests=requests, cursor=requests_cursor),
            sharing=plan_of(View(self.store), head),
            progress=progress_of(head.state, program=program, now=balance.as_of),
        )

    def _entries(self, head: Entry) -> EntryPage:
        return self.reader.entries(head.member_id, limit=SHOWN, before=None, types=frozenset())
