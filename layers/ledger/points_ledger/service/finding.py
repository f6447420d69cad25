"""Finding members by what staff know of them: an external id, an address, the beginning of a name.

The lists only say whom to look at; what was asked for is compared with each profile again.
"""

from collections.abc import Callable
from typing import assert_never

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.service.ledger import View
from points_ledger.service.ports import ListPage, ListReader, Profile, ProfileKey, Store
from points_ledger.service.profiles import has_email, has_name, name_partition, searched_text
from points_ledger.service.queries import MemberDetails


@dataclass(frozen=True, slots=True)
class ByExternalId:
    """The member behind a source's customer."""

    external_id: ExternalId


@dataclass(frozen=True, slots=True)
class ByEmail:
    """Everybody with an address; case does not matter."""

    email: str


@dataclass(frozen=True, slots=True)
class ByName:
    """Everybody whose name begins so; neither case nor extra spaces matter."""

    beginning: str


Search = ByExternalId | ByEmail | ByName


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Searches; writes nothing."""

    store: Store
    lists: ListReader

    def find(
        self, search: Search, *, limit: int, cursor: str | None
    ) -> tuple[tuple[MemberDetails, ...], str | None]:
        """A page of members, each once, and where the next page begins.

        A page may be shorter than `limit`, or empty, and still have a next one: who was merged is
        shown as the member who survived, and who was erased is not found.

        Raises:
            ValueError: the cursor is not one of this list.
        """
        view = View(self.store)
        match search:
            case ByExternalId(external_id=external_id):
                if cursor is not None:
                    raise ValueError("not a cursor of this list")
                link = view.link(external_id)
                return _details(view, [link.member_id] if link else []), None
            case ByEmail(email=email):
                page = self.lists.listed("emails", searched_text(email), limit=limit, cursor=cursor)
                return _matching(view, page, lambda profile: has_email(profile, email)), page.cursor
            case ByName(beginning=beginning):
                prefix = searched_text(beginning)
                page = self.lists.listed(
                    "names", name_partition(prefix), prefix=prefix, limit=limit, cursor=cursor
                )
                return _matching(
                    view, page, lambda profile: has_name(profile, beginning)
                ), page.cursor
            case _:
                assert_never(search)


def _matching(
    view: View, page: ListPage, matches: Callable[[Profile | None], bool]
) -> tuple[MemberDetails, ...]:
    ids = [MemberId(id_) for id_ in page.ids]
    view.load(*(ProfileKey(member_id=id_) for id_ in ids))
    return _details(view, [id_ for id_ in ids if matches(view.profile(id_))])


def _details(view: View, ids: list[MemberId]) -> tuple[MemberDetails, ...]:
    """The members that ids stand for now, each once and in the order of the ids."""
    heads = [head for id_ in ids if (head := view.resolved_head(id_)) is not None]
    standings = {
        head.member_id: head.state.standing
        for head in heads
        if head.state.standing.status != "erased"
    }
    view.load(*(ProfileKey(member_id=id_) for id_ in standings))
    return tuple(
        MemberDetails(member_id=id_, standing=standing, profile=view.profile(id_))
        for id_, standing in standings.items()
    )
