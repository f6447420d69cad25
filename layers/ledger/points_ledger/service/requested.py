"""Requests of a member: redemptions and transfers that wait, or waited, for a second person.

Each stands for good in a list of the member's own, written with the approval itself, so that the
member sees what became of it. The list only says where to look: the state comes from the approval
and, where a redemption was given up meanwhile, from the redemption.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import ApprovalId, MemberId, RedemptionId
from points_ledger.service.alias_pages import following_place, opened_place
from points_ledger.service.ledger import latest
from points_ledger.service.ports import (
    Approval,
    ApprovalKey,
    Item,
    ItemKey,
    Listed,
    ListPage,
    ListReader,
    Put,
    Redemption,
    RedemptionKey,
    Store,
    Write,
)

RequestStatus = Literal["pending", "approved", "rejected", "cancelled", "expired"]
"""`cancelled`: the redemption was given up; `expired`: nobody has decided in time."""

MAX_REQUESTS_PER_PAGE: Final = 50
"""Each is read with what it is about: one read has at most 100 items."""

_REQUESTS: Final = "requests"
_SEPARATOR: Final = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOfMember:
    """Something that was asked for, and what became of it; `redemption` where it is one."""

    approval: Approval
    redemption: Redemption | None
    status: RequestStatus

    @property
    def receiver(self) -> MemberId | None:
        """Who gets the points of a transfer; None of a redemption."""
        to = json.loads(self.approval.command).get("to")
        return None if to is None else MemberId(to)


def listed_as_request(approval: Approval) -> tuple[Write, ...]:
    """The write by which a member finds a request again; nothing for what only staff ask for."""
    if approval.kind == "adjustment":
        return ()
    made_at = approval.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    place = Listed(
        list=_REQUESTS,
        partition=approval.member_id,
        sort=made_at,
        id=f"{approval.approval_id}{_SEPARATOR}{approval.subject}",
    )
    return (Put(item=place),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Shows a member's requests; writes nothing."""

    store: Store
    lists: ListReader
    clock: Callable[[], datetime]

    def of(
        self, head: Entry, *, limit: int, cursor: str | None
    ) -> tuple[tuple[RequestOfMember, ...], str | None]:
        """A page of requests, newest first, and where the next page begins.

        What was asked under the ids of members that were merged into this one comes after its
        own. A page may be shorter than `limit`, or empty, and still have a next one.

        Args:
            head: the newest entry of the member whose requests they are.
            limit: how many at most; a page has no more than MAX_REQUESTS_PER_PAGE.
            cursor: where a page before this one said that the next begins.

        Raises:
            ValueError: the cursor does not belong to this list.
        """
        ids = (head.member_id, *head.state.standing.aliases)
        place, inner = opened_place(cursor, ids)
        page = self.lists.listed(
            _REQUESTS,
            ids[place],
            limit=min(limit, MAX_REQUESTS_PER_PAGE),
            cursor=inner,
            newest_first=True,
        )
        found = tuple(self._shown(page, head))
        if page.cursor is None:
            place += 1
        return found, following_place(place, page.cursor, ids)

    def _shown(self, page: ListPage, head: Entry) -> Iterator[RequestOfMember]:
        now = latest(self.clock(), [head])
        names = [id_.partition(_SEPARATOR) for id_ in page.ids]
        approvals = [ApprovalKey(approval_id=ApprovalId(id_)) for id_, _, _ in names]
        subjects = [RedemptionKey(redemption_id=RedemptionId(subject)) for _, _, subject in names]
        keys: list[ItemKey] = [*approvals, *subjects]
        stored: Mapping[ItemKey, Item] = self.store.get(keys) if keys else {}
        for key, subject in zip(approvals, subjects, strict=True):
            approval = cast("Approval | None", stored.get(key))
            if approval is None:
                continue
            redemption = cast("Redemption | None", stored.get(subject))
            yield RequestOfMember(
                approval=approval, redemption=redemption, status=_status(approval, redemption, now)
            )


def _status(approval: Approval, redemption: Redemption | None, now: datetime) -> RequestStatus:
    if approval.status != "open":
        return approval.status
    if redemption is not None and redemption.status == "cancelled":
        return "cancelled"
    ended = approval.expires_at is not None and approval.expires_at <= now
    return "expired" if ended else "pending"
