"""Invitations: what staff send, and what they are answered."""

from points_ledger.contracts.requests import Email
from points_ledger.contracts.responses import Document
from points_ledger.domain.dataclass import dataclass
from points_ledger.service.inviting import Invited


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationBody:
    """POST /members/{member_id}/invitation; without an address that of the profile is used."""

    email: Email | None = None
    send_again: bool = False


def invitation_document(invited: Invited) -> Document:
    """Under which address the member signs in, and whether that has happened yet."""
    return {
        "member_id": invited.member_id,
        "email": invited.email,
        "status": "invited" if invited.is_waiting else "confirmed",
    }
