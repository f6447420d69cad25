"""Who has brought whom: checked when a referrer is set, with enrolment or once later (semantics 8).

A referrer is never changed. Nobody brings themselves, and nobody is brought by somebody whom they
have brought, through however many others.
"""

from collections.abc import Iterator

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import FieldError, InvalidRequestError, LimitExceededError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_REFERRERS_WALKED
from points_ledger.service.ledger import View
from points_ledger.service.ports import GuardHead

FIELD = "referred_by"
_NO_REFERRER = ("closed", "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """The member that an id stands for, and guards for the accounts that have decided on it."""

    member_id: MemberId
    guards: tuple[GuardHead, ...]


def referrer_of_newcomer(view: View, referred_by: MemberId) -> Referrer:
    """Who has brought somebody who has no account yet, and so has brought nobody.

    Raises:
        InvalidRequestError: there is no such member, or the account is closed or erased.
    """
    head = _referrer(view, referred_by)
    return Referrer(member_id=head.member_id, guards=(_guard(head),))


def referrer_of_member(view: View, friend: Entry, referred_by: MemberId | None) -> Referrer | None:
    """Who is said to have brought a member who has an account already; None: it is known.

    Raises:
        InvalidRequestError: another one is set, there is no such member, the account is closed or
            erased, or the friend has brought this member.
        LimitExceededError: too many have brought each other to see whether that is so.
    """
    known = friend.state.standing.referred_by
    if referred_by == known:
        return None
    if known is not None:
        head = view.resolved_head(referred_by) if referred_by is not None else None
        if head is not None and known in _ids(head):
            return None
        raise _refusal("is set and stays as it is")
    assert referred_by is not None
    head = _referrer(view, referred_by)
    walked = [*_brought_by(view, head)]
    if any(friend.member_id == each.member_id for each in walked):
        raise _refusal("leads back to the member")
    return Referrer(member_id=head.member_id, guards=tuple(map(_guard, walked)))


def _referrer(view: View, referred_by: MemberId) -> Entry:
    head = view.resolved_head(referred_by)
    if head is None:
        raise _refusal("there is no such member")
    if head.state.standing.status in _NO_REFERRER:
        raise _refusal(f"the member is {head.state.standing.status}")
    return head


def _brought_by(view: View, head: Entry) -> Iterator[Entry]:
    """A member, who has brought this member, who has brought that one, and so on."""
    seen: set[MemberId] = set()
    found: Entry | None = head
    while found is not None and found.member_id not in seen:
        if len(seen) >= MAX_REFERRERS_WALKED:
            raise LimitExceededError("referrers", MAX_REFERRERS_WALKED)
        seen.add(found.member_id)
        yield found
        by = found.state.standing.referred_by
        found = view.resolved_head(by) if by is not None else None


def _ids(head: Entry) -> tuple[MemberId, ...]:
    return (head.member_id, *head.state.standing.aliases)


def _guard(head: Entry) -> GuardHead:
    return GuardHead(member_id=head.member_id, number=head.number)


def _refusal(message: str) -> InvalidRequestError:
    return InvalidRequestError((FieldError(FIELD, message),))
