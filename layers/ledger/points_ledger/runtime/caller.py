"""Who is calling: read from the claims that the gateway has already verified, never from a body.

People come with an id token (`token_use` is `id`), tills and partners with an access token of
their own client (client credentials, scope `ledger/till`). A person's access token is refused: it
carries neither member id nor the consent that an id token stands for.
"""

from collections.abc import Mapping
from typing import Final, Self

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import ForbiddenError, UnauthenticatedError
from points_ledger.domain.identity import MemberId

ADMIN_GROUP: Final = "admin"
STAFF_GROUP: Final = "staff"
TILL_SCOPE: Final = "ledger/till"
SELF: Final = "me"
"""Stands for the caller's own member id in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller: a person (`id` is the token's sub) or a till (its client id)."""

    id: str
    groups: frozenset[str] = frozenset()
    member_id: MemberId | None = None
    is_till: bool = False

    @classmethod
    def from_claims(cls, claims: Mapping[str, object]) -> "Caller":
        """Read the claims of a verified token.

        Raises:
            UnauthenticatedError: neither a person's id token nor a till's access token.
        """
        match _text(claims, "token_use"):
            case "id":
                return cls._person(claims)
            case "access":
                return cls._till(claims)
            case _:
                raise UnauthenticatedError

    @classmethod
    def _person(cls, claims: Mapping[str, object]) -> "Caller":
        member_id = _text(claims, "custom:member_id")
        return cls(
            id=_required(claims, "sub"),
            groups=_groups(claims.get("cognito:groups")),
            member_id=MemberId(member_id) if member_id else None,
        )

    @classmethod
    def _till(cls, claims: Mapping[str, object]) -> "Caller":
        # Cognito names the person in `username`; a client's own token has none.
        if TILL_SCOPE not in _text(claims, "scope").split(" ") or "username" in claims:
            raise UnauthenticatedError
        return cls(id=_required(claims, "client_id"), is_till=True)

    @property
    def is_admin(self) -> bool:
        """Whether the caller may configure the program."""
        return ADMIN_GROUP in self.groups

    @property
    def is_staff(self) -> bool:
        """Whether the caller serves members; every admin does."""
        return self.is_admin or STAFF_GROUP in self.groups

    @property
    def serves(self) -> bool:
        """Whether the caller serves members: staff, or a till."""
        return self.is_staff or self.is_till

    @property
    def asker(self) -> MemberId | None:
        """The member who asks, None for who serves members; who is neither reaches nobody."""
        return None if self.serves else self.member_id or MemberId("")

    @property
    def actor(self) -> str:
        """How entries name the caller: `person:<sub>` or `till:<client id>`."""
        return f"{'till' if self.is_till else 'person'}:{self.id}"

    def require_admin(self) -> Self:
        """The caller; raise ForbiddenError unless it is an admin."""
        _require(self.is_admin)
        return self

    def require_staff(self) -> Self:
        """The caller; raise ForbiddenError unless it is staff."""
        _require(self.is_staff)
        return self

    def require_staff_or_till(self) -> Self:
        """The caller; raise ForbiddenError unless it is staff or a till."""
        _require(self.serves)
        return self

    def may_see(self, member_id: MemberId) -> bool:
        """Whether the caller is that member, staff or a till."""
        return self.serves or self.member_id == member_id

    def resolve_me(self, path_id: str) -> MemberId:
        """The member that a path names; `me` is the caller's own.

        Raises:
            ForbiddenError: `me` from a caller who is no member.
        """
        if path_id != SELF:
            return MemberId(path_id)
        if self.member_id is None:
            raise ForbiddenError
        return self.member_id

    def own_or_any(self, path_id: str) -> MemberId:
        """The member that a path or body names, if it is the caller's own or the caller is staff.

        Raises:
            ForbiddenError: it is another member and the caller is not staff; see `resolve_me`.
        """
        member_id = self.resolve_me(path_id)
        _require(self.is_staff or self.member_id == member_id)
        return member_id

    def own_or_served(self, path_id: str) -> MemberId:
        """The member that a path or body names, if it is the caller's own or the caller serves.

        Raises:
            ForbiddenError: it is another member, and the caller is neither staff nor a till; see
                `resolve_me`.
        """
        member_id = self.resolve_me(path_id)
        _require(self.may_see(member_id))
        return member_id


def _require(allowed: bool) -> None:  # noqa: FBT001 - the only argument there is
    if not allowed:
        raise ForbiddenError


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _required(claims: Mapping[str, object], name: str) -> str:
    value = _text(claims, name)
    if not value:
        raise UnauthenticatedError
    return value


def _groups(claim: object) -> frozenset[str]:
    """API Gateway writes the list as the text `[a b]`; other gateways hand on the list itself."""
    match claim:
        case str():
            return frozenset(claim.removeprefix("[").removesuffix("]").replace(",", " ").split())
        case list():
            return frozenset(group for group in claim if isinstance(group, str))
        case _:
            return frozenset()
