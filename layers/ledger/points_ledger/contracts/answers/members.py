"""Members: who they are, and what is known of them."""

from typing import Any, Literal, TypedDict

from points_ledger.contracts.answers.common import Balances, Count, Cursor, Day, Instant, Points
from points_ledger.contracts.answers.points import (
    BalanceAnswer,
    BenefitsAnswer,
    ChallengesAnswer,
    EntriesAnswer,
    ExportedEntry,
    PendingAnswer,
    PendingEarningAnswer,
    RequestsAnswer,
    ShareAnswer,
    SharingAnswer,
)
from points_ledger.contracts.answers.redemptions import RedemptionAnswer


class ExternalIdAnswer(TypedDict):
    """A customer as one source names it."""

    source: str
    id: str


class MemberAnswer(TypedDict):
    """A member; personal data is null where there is none."""

    member_id: str
    status: Literal["active", "frozen", "closed", "erased", "merged"]
    name: str | None
    email: str | None
    phone: str | None
    birthday: Day | None
    language: str | None
    notifications: bool | None
    organisation: str | None
    jurisdiction: str | None
    tags: list[str]
    tier: str | None
    earns: bool
    referred_by: str | None
    external_ids: list[ExternalIdAnswer]
    aliases: list[str]


class MembersAnswer(TypedDict):
    """A page of members that were searched for."""

    members: list[MemberAnswer]
    cursor: Cursor


class ErasedAnswer(TypedDict):
    """What is left of a person, and what they lost."""

    member_id: str
    status: Literal["erased"]
    forfeited: Points


class MergedAnswer(TypedDict):
    """The member that two have become."""

    member_id: str
    merged_member_id: str
    balance: Balances


class InvitationAnswer(TypedDict):
    """Under which address the member signs in, and whether that has happened yet."""

    member_id: str
    email: str
    status: Literal["invited", "confirmed"]


class MembershipGiven(TypedDict):
    """A membership that begins today."""

    member_id: str
    membership_id: str
    tier: str
    last_day: Day
    entry: Count


class NoteAnswer(TypedDict):
    """Free text that came with a command."""

    id: str
    text: str


class MergedChain(TypedDict):
    """The entries of a member who was merged into this one."""

    member_id: str
    entries: list[ExportedEntry]


class ExportedProgram(TypedDict):
    """A program version as it was published."""

    version: Count
    effective_from: Instant
    program: dict[str, Any]


class ExportAnswer(TypedDict):
    """A page of everything that is known of a person."""

    member: MemberAnswer
    balance: BalanceAnswer
    sharing: list[ShareAnswer]
    notes: list[NoteAnswer]
    earnings_pending: list[PendingEarningAnswer]
    entries: list[ExportedEntry]
    merged: list[MergedChain]
    program_versions: list[ExportedProgram]
    cursor: Cursor


class OverviewAnswer(TypedDict):
    """A member at one moment; each list goes on with its cursor at its own address."""

    member: MemberAnswer
    balance: BalanceAnswer
    benefits: BenefitsAnswer
    pending: PendingAnswer
    entries: EntriesAnswer
    redemptions: list[RedemptionAnswer]
    requests: RequestsAnswer
    sharing: SharingAnswer
    progress: ChallengesAnswer


class SessionBegun(TypedDict):
    """A session that has begun, or goes on."""

    id_token: str
    expires_in_seconds: Count


class NewPasswordAsked(TypedDict):
    """A first sign-in: a new password has to come back with the challenge."""

    new_password_required: Literal[True]
    challenge: str


class SignedOut(TypedDict):
    """The session is over."""

    signed_out: bool
