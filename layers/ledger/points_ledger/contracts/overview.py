"""What the pages for people ask of a member: the overview, requests, and why entries are there."""

from collections.abc import Callable, Mapping

from points_ledger.contracts.benefits import benefits_document
from points_ledger.contracts.challenges import progress_document
from points_ledger.contracts.cursors import sealed, sealed_number
from points_ledger.contracts.redemptions import redemption_document
from points_ledger.contracts.requests import DEFAULT_PAGE_SIZE, Cursor, PageSize
from points_ledger.contracts.responses import (
    Document,
    balance_document,
    entry_document,
    member_document,
    pending_document,
)
from points_ledger.contracts.transfers import sharing_document
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.service.overview import Overview
from points_ledger.service.requested import RequestOfMember

Sentences = Callable[[int], Mapping[str, str]]
"""The plain sentence of each rule, by its id, in a version of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsQuery:
    """GET /members/{member_id}/requests."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: Cursor | None = None


Reasons = Mapping[int, str]
"""What somebody wrote as the reason of an entry, by its number; not all entries have one."""


def overview_document(overview: Overview, sentences: Sentences, reasons: Reasons) -> Document:
    """A member at one moment; each list goes on with its cursor at its own address."""
    member_id = overview.member.member_id
    entries = overview.entries
    return {
        "member": member_document(overview.member),
        "balance": balance_document(overview.balance),
        "benefits": benefits_document(*overview.benefits),
        "pending": {
            "earnings": [pending_document(each) for each in overview.pending.earnings],
            "cursor": sealed("pending", member_id, overview.pending.cursor),
        },
        "entries": {
            "entries": [explained_entry(each, sentences, reasons) for each in entries.entries],
            "cursor": sealed_number("entries", member_id, entries.next_number),
        },
        "redemptions": [redemption_document(each) for each in overview.redemptions],
        "requests": requests_document(
            overview.requests.requests,
            sealed("requests", member_id, overview.requests.cursor),
        ),
        "sharing": sharing_document(overview.sharing),
        "progress": progress_document(overview.progress),
    }


def explained_entry(entry: Entry, sentences: Sentences, reasons: Reasons) -> Document:
    """An entry whose rules say in plain words what they gave for, by the entry's own version.

    `reason_text` is what somebody wrote as its reason, null without one or once it is erased.
    """
    document = {**entry_document(entry), "reason_text": reasons.get(entry.number)}
    posting = entry.posting
    if posting.program_version is None:
        return document
    known = sentences(posting.program_version) if posting.rules else {}
    rules = [
        {"id": id_, "points": points, "sentence": known.get(id_)} for id_, points in posting.rules
    ]
    return {**document, "rules": rules}


def requests_document(requests: tuple[RequestOfMember, ...], cursor: str | None) -> Document:
    """A page of requests, newest first."""
    return {"requests": [_request(each) for each in requests], "cursor": cursor}


def _request(request: RequestOfMember) -> Document:
    approval, redemption = request.approval, request.redemption
    return {
        "request_id": approval.approval_id,
        "kind": approval.kind,
        "status": request.status,
        "points": approval.points,
        "amount": redemption.amount if redemption else None,
        "currency": redemption.currency if redemption else None,
        "redemption_id": redemption.redemption_id if redemption else None,
        "transfer_id": None if redemption else approval.subject,
        "to_member_id": request.receiver,
        "created_at": format_instant(approval.created_at),
        "expires_at": format_instant(approval.expires_at) if approval.expires_at else None,
        "decided_at": format_instant(approval.decided_at) if approval.decided_at else None,
    }
