"""What clients send about members, and what they are answered (docs/api.md).

A member changes personal data of their own; what decides about points is changed by staff.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Final, Literal

from points_ledger.contracts.export import exported_entry
from points_ledger.contracts.reading import By, Schema
from points_ledger.contracts.requests import (
    Cursor,
    Day,
    Email,
    ExternalIds,
    Id,
    Language,
    Tags,
    Text,
    WrittenExternalId,
    read,
    size_up_to,
)
from points_ledger.contracts.responses import (
    Document,
    balance_document,
    member_document,
    pending_document,
)
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.limit import MAX_ITEMS_PER_EXPORT, MAX_MEMBERS_PER_SEARCH
from points_ledger.service.erasing import Erased
from points_ledger.service.exporting import Exported
from points_ledger.service.finding import ByEmail, ByExternalId, ByName, Search
from points_ledger.service.profiles import search_text

PERSONAL_FIELDS: Final = frozenset(
    {"name", "email", "phone", "birthday", "language", "notifications"}
)
STANDING_FIELDS: Final = frozenset(
    {"organisation", "jurisdiction", "tags", "earns", "status", "referred_by"}
)
STAFF_FIELDS: Final = STANDING_FIELDS | {"external_ids"}
SEARCHES: Final = ("external_id", "email", "name")


def _name_to_search(value: str) -> str:
    if not search_text(value):
        raise ValueError("must have at least one character")
    return value


# --- Searching ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMembersQuery:
    """GET /members: one of the three says what is searched for."""

    external_id: WrittenExternalId | None = None
    email: Email | None = None
    name: Annotated[Text, _name_to_search] | None = None
    limit: Annotated[
        int,
        By(size_up_to(MAX_MEMBERS_PER_SEARCH)),
        Schema(type="integer", minimum=1, maximum=MAX_MEMBERS_PER_SEARCH),
    ] = MAX_MEMBERS_PER_SEARCH
    cursor: Cursor | None = None

    @property
    def search(self) -> Search:
        """What is searched for.

        Raises:
            InvalidRequestError: neither, or more than one of the three.
        """
        given = [name for name in SEARCHES if getattr(self, name) is not None]
        if len(given) != 1:
            field = given[1] if given else SEARCHES[0]
            message = f"give exactly one of {', '.join(SEARCHES)}"
            raise InvalidRequestError((FieldError(field, message),))
        if self.external_id is not None:
            return ByExternalId(self.external_id)
        return ByEmail(self.email) if self.email is not None else ByName(str(self.name))

    @property
    def text(self) -> str:
        """The search as text, which a cursor of its list is bound to."""
        return f"{self.external_id} {self.email} {self.name}"


# --- Changing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMemberBody:
    """PATCH /members/{member_id}: what is left out stays, and null clears what may be empty."""

    name: Text = ""
    email: Email | None = None
    phone: Text | None = None
    birthday: Day | None = None
    language: Language | None = None
    notifications: bool = True
    organisation: Text | None = None
    jurisdiction: Text | None = None
    tags: Tags | None = None
    earns: bool = True
    status: Literal["active", "frozen", "closed"] = "active"
    referred_by: Id | None = None
    external_ids: ExternalIds = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanges:
    """The fields that were sent, by what they belong to."""

    personal: Mapping[str, object]
    standing: Mapping[str, object]
    external_ids: tuple[ExternalId, ...]


def names_staff_fields(body: object) -> bool:
    """Whether a body, right or wrong otherwise, says something that only staff may say."""
    return isinstance(body, Mapping) and not STAFF_FIELDS.isdisjoint(body)


def read_changes(body: object) -> MemberChanges:
    """The changes that a body asks for.

    Raises:
        InvalidRequestError: with every field that is wrong.
    """
    changes = read(ChangeMemberBody, body)
    sent = body.keys() if isinstance(body, Mapping) else frozenset[str]()
    return MemberChanges(
        personal={name: _personal(getattr(changes, name)) for name in PERSONAL_FIELDS & sent},
        standing={name: _deciding(changes, name) for name in STANDING_FIELDS & sent},
        external_ids=changes.external_ids,
    )


def _personal(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _deciding(changes: ChangeMemberBody, name: str) -> object:
    value: object = getattr(changes, name)
    return () if name == "tags" and value is None else value


# --- Erasing and exporting ------------------------------------------------------------------


def erased_document(erased: Erased) -> Document:
    """What is left of a person, and what they lost."""
    return {"member_id": erased.member_id, "status": "erased", "forfeited": erased.forfeited}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportQuery:
    """GET /members/{member_id}/export."""

    limit: Annotated[
        int,
        By(size_up_to(MAX_ITEMS_PER_EXPORT)),
        Schema(type="integer", minimum=1, maximum=MAX_ITEMS_PER_EXPORT),
    ] = MAX_ITEMS_PER_EXPORT
    cursor: Cursor | None = None


def export_document(
    exported: Exported, versions: Iterable[Document], cursor: str | None
) -> Document:
    """A page of a person's data; `merged` has the entries of those who were merged into them.

    With the program versions that its entries name, a receipt can be recomputed from a page.
    """
    own = [chain for chain in exported.chains if chain.member_id == exported.member.member_id]
    merged = [chain for chain in exported.chains if chain not in own]
    return {
        "member": member_document(exported.member),
        "balance": balance_document(exported.balance),
        "sharing": [
            {"member_id": share.member_id, "percent": share.percent} for share in exported.sharing
        ],
        "notes": [{"id": note.id, "text": note.text} for note in exported.notes],
        "earnings_pending": [pending_document(each) for each in exported.pending],
        "entries": _entries(entry for chain in own for entry in chain.entries),
        "merged": [
            {"member_id": chain.member_id, "entries": _entries(chain.entries)} for chain in merged
        ],
        "program_versions": list(versions),
        "cursor": cursor,
    }


def _entries(entries: Iterable[Entry]) -> list[Document]:
    return [exported_entry(entry) for entry in entries]
