"""Finding the member whom another one names, by id or by email address.

Whoever is named by an address and is outside the permitted circle does not exist, so that nobody
can find out who is a member by asking.
"""

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import NotFoundError, TransferNotPermittedError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_MEMBERS_PER_EMAIL
from points_ledger.domain.program import Circle
from points_ledger.domain.transfer import is_within
from points_ledger.service.ledger import View
from points_ledger.service.ports import ListReader
from points_ledger.service.profiles import has_email, searched_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """A member as another one names it: exactly one of the two is given."""

    member_id: MemberId | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """Finds members. The list of addresses is only where to look; the profiles decide."""

    lists: ListReader

    def found(self, view: View, addressee: Addressee, *, near: Entry, circle: Circle) -> Entry:
        """The newest entry of who is named by the member of `near`, who may be that member.

        Raises:
            NotFoundError: there is no such member, or, by email, none that is active and within
                the circle, or several.
            TransferNotPermittedError: by id, the member is outside the circle or not active.
        """
        if addressee.member_id is not None:
            return _by_id(view, addressee.member_id, near=near, circle=circle)
        assert addressee.email is not None
        return self._by_email(view, addressee.email, near=near, circle=circle)

    def _by_email(self, view: View, email: str, *, near: Entry, circle: Circle) -> Entry:
        page = self.lists.listed("emails", searched_text(email), limit=MAX_MEMBERS_PER_EMAIL)
        view.read_list()
        permitted: dict[MemberId, Entry] = {}
        if page.cursor is None:
            for id_ in map(MemberId, page.ids):
                head = view.resolved_head(id_) if has_email(view.profile(id_), email) else None
                if head is not None and _refusal(head, near=near, circle=circle) is None:
                    permitted[head.member_id] = head
        if len(permitted) > 1:
            # Nobody means themselves by an address that they share with somebody else.
            permitted.pop(near.member_id, None)
        if len(permitted) != 1:
            raise NotFoundError("member", "")
        return next(iter(permitted.values()))


def _by_id(view: View, member_id: MemberId, *, near: Entry, circle: Circle) -> Entry:
    head = view.resolved_head(member_id)
    if head is None:
        raise NotFoundError("member", member_id)
    refusal = _refusal(head, near=near, circle=circle)
    if refusal is not None:
        raise refusal
    return head


def _refusal(head: Entry, *, near: Entry, circle: Circle) -> TransferNotPermittedError | None:
    if head.member_id == near.member_id:
        return None
    if not is_within(circle, near.state.standing, head.state.standing):
        return TransferNotPermittedError("outside_circle")
    if head.state.standing.status != "active":
        return TransferNotPermittedError("receiver_inactive")
    return None
