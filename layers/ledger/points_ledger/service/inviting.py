"""Inviting members to sign in, and taking their sign-ins away when they are erased.

A sign-in is a user of the pool whose name is an address and who carries the id of a member. The
pool mails the first password. The names are remembered beside the member's personal data *before*
the user is made, so that whoever is erased leaves none behind, whatever address was used.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    MemberInactiveError,
    NotFoundError,
    SignInTakenError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.service.ledger import View
from points_ledger.service.ports import Profile, ProfileKey, Store

MAX_USERNAME_CHARACTERS: Final = 128
"""What the pool takes as the name of a user."""

_INVITED: Final = ("active", "frozen")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A user of the pool; `member_id` is None for one who is no member.

    `is_waiting` as long as nobody has signed in with the password that was mailed.
    """

    member_id: MemberId | None
    is_waiting: bool


class SignIns(Protocol):
    """The users of the pool, by name."""

    def find(self, username: str) -> SignIn | None:
        """A user; None where there is none."""

    def create(self, username: str, member_id: MemberId) -> bool:
        """Make a user and have the pool mail a password; False where the name is taken."""

    def send_again(self, username: str) -> None:
        """Have the pool mail a new first password."""

    def remove(self, username: str) -> None:
        """Take a user away; that there is none changes nothing."""


class SignInNames(Protocol):
    """The names under which members were invited."""

    def remember(self, member_id: MemberId, username: str) -> None:
        """Keep a name; again changes nothing."""

    def names(self, member_id: MemberId) -> Sequence[str]:
        """All names of a member, read consistently."""

    def forget(self, member_id: MemberId, username: str) -> None:
        """Take a name away; that it is gone already changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteMember:
    """Let a member sign in by `email`, or by the address of the profile.

    `send_again` has the mail with the first password sent once more, if it was not used yet.
    """

    member_id: MemberId
    email: str | None = None
    send_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Who was invited under which address; `is_waiting` until the first sign-in."""

    member_id: MemberId
    email: str
    is_new: bool
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inviting:
    """Invites members, and takes the sign-ins of the erased away."""

    store: Store
    names: SignInNames
    sign_ins: SignIns

    def invite(self, command: InviteMember) -> Invited:
        """Make a sign-in; whoever has one already under this address keeps it.

        Raises:
            NotFoundError: there is no such member.
            MemberInactiveError: the account is closed or erased.
            InvalidRequestError: there is no address, or it is too long for a sign-in.
            SignInTakenError: somebody else signs in with this address.
        """
        head = self._head(command.member_id)
        username = self._username(head.member_id, command.email)
        known = self.sign_ins.find(username)
        if known is not None:
            return self._kept(head, username, known, send_again=command.send_again)
        self.names.remember(head.member_id, username)
        if not self.sign_ins.create(username, head.member_id):
            # Somebody was faster; if that was for another member, the name is not this one's.
            return self._taken_meanwhile(head, username)
        self._check_still_there(head.member_id, username)
        return Invited(member_id=head.member_id, email=username, is_new=True, is_waiting=True)

    def forget(self, member_ids: Collection[MemberId]) -> int:
        """Take away the sign-ins of somebody who was erased, under all ids; how many there were.

        Again, or after it ended halfway, takes away what is left. A name that was given to
        somebody else meanwhile is left alone.
        """
        count = 0
        for member_id in member_ids:
            for username in self.names.names(member_id):
                found = self.sign_ins.find(username)
                if found is not None and found.member_id in member_ids:
                    self.sign_ins.remove(username)
                    count += 1
                self.names.forget(member_id, username)
        return count

    def _head(self, member_id: MemberId) -> Entry:
        head = View(self.store).resolved_head(member_id)
        if head is None:
            raise NotFoundError("member", member_id)
        if head.state.standing.status not in _INVITED:
            raise MemberInactiveError(head.state.standing.status)
        return head

    def _username(self, member_id: MemberId, email: str | None) -> str:
        if email is None:
            key = ProfileKey(member_id=member_id)
            profile = cast("Profile | None", self.store.get([key]).get(key))
            email = profile.email if profile else None
        if email is None:
            raise InvalidRequestError((FieldError("email", "is needed: the profile has none"),))
        username = email.lower()
        if len(username) > MAX_USERNAME_CHARACTERS:
            message = f"must have at most {MAX_USERNAME_CHARACTERS} characters"
            raise InvalidRequestError((FieldError("email", message),))
        return username

    def _kept(self, head: Entry, username: str, known: SignIn, *, send_again: bool) -> Invited:
        """The sign-in that there is, if it is the member's own by any id."""
        if not self._is_of(known, head):
            raise SignInTakenError
        self.names.remember(head.member_id, username)
        if send_again and known.is_waiting:
            self.sign_ins.send_again(username)
        return Invited(
            member_id=head.member_id,
            email=username,
            is_new=False,
            is_waiting=known.is_waiting,
        )

    def _taken_meanwhile(self, head: Entry, username: str) -> Invited:
        known = self.sign_ins.find(username)
        if known is None or not self._is_of(known, head):
            self.names.forget(head.member_id, username)
            raise SignInTakenError
        return self._kept(head, username, known, send_again=False)

    def _is_of(self, sign_in: SignIn, head: Entry) -> bool:
        if sign_in.member_id is None:
            return False
        owner = View(self.store).resolved_head(sign_in.member_id)
        return owner is not None and owner.member_id == head.member_id

    def _check_still_there(self, member_id: MemberId, username: str) -> None:
        """Whoever was erased while the user was made leaves no user behind."""
        head = View(self.store).head(member_id)
        if head is not None and head.state.standing.status == "erased":
            self.sign_ins.remove(username)
            self.names.forget(member_id, username)
            raise MemberInactiveError("erased")
