"""The routes: what each takes and answers, who may ask, and with what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from points_ledger.contracts import (
    mail_templates,
    members,
    outbound,
    people_reports,
    publishing,
    redemptions,
    reports,
    rewards,
    sessions,
)
from points_ledger.contracts.actions import ActionBody
from points_ledger.contracts.adjustments import AdjustmentBody, ApprovalsQuery, DecisionBody
from points_ledger.contracts.answers import members as members_answers
from points_ledger.contracts.answers import operation, points
from points_ledger.contracts.answers import program as program_answers
from points_ledger.contracts.answers import redemptions as redemptions_answers
from points_ledger.contracts.answers import reports as reports_answers
from points_ledger.contracts.answers.common import Accepted
from points_ledger.contracts.benefits import MembershipBody
from points_ledger.contracts.challenges import LeaderboardQuery
from points_ledger.contracts.checkpoint_requests import ProofQuery
from points_ledger.contracts.dead_letters import DeadLettersQuery, RedriveBody
from points_ledger.contracts.invitations import InvitationBody
from points_ledger.contracts.overview import RequestsQuery
from points_ledger.contracts.requests import EnrolMemberBody, EntriesQuery, PendingQuery
from points_ledger.contracts.statement import StatementQuery
from points_ledger.contracts.transfers import MergeBody, SharingBody, TransferBody
from points_ledger.domain import error

Who = Literal["public", "signature", "session", "link", "people", "people or till"]
"""What has to come with a request; which people may ask is for the ledger to say (403)."""
Key = Literal["required", "welcome"]
Refusal = type[error.LedgerError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route.

    Attributes:
        answers: types by status; a text is the media type of what is no JSON.
        also: further media types of the first answer.
        body_if_any: the body may be left out.
        names: whether it names something, in the path or not, that may not be there.
        refusals: what it says no with beyond what follows from the rest, all of status 422.
    """

    tag: str
    about: str
    who: Who
    answers: Mapping[int, Any]
    also: tuple[str, ...] = ()
    body: type | None = None
    body_if_any: bool = False
    query: type | None = None
    key: Key | None = None
    names: bool = False
    refusals: tuple[Refusal, ...] = ()


HTML: Final = "text/html; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8"
JSON_SCHEMA: Final = dict[str, Any]

_SPENDING: Final = (
    error.MemberInactiveError,
    error.RedemptionNotPermittedError,
    error.RedemptionPausedError,
    error.AmountNotWholePointsError,
    error.BelowMinimumError,
    error.CouponBelowMinimumError,
    error.TicketTooLowError,
    error.EarnedOnSameTicketError,
    error.YearlyCapExceededError,
    error.InsufficientPointsError,
    error.RewardNotAvailableError,
    error.OutOfStockError,
    error.LimitExceededError,
)
_STEPS: Final = (
    error.ReservationNotOpenError,
    error.AlreadyReversedError,
    error.InsufficientPointsError,
    error.MemberInactiveError,
    error.LimitExceededError,
)
_DECIDING: Final = (
    error.ApprovalClosedError,
    error.ReservationNotOpenError,
    error.InsufficientPointsError,
    error.MemberInactiveError,
    error.TransferNotPermittedError,
    error.LimitExceededError,
)
_FACTS: Final = (
    error.FutureFactError,
    error.ContradictionError,
    error.LimitReachedByFactError,
    error.MalformedFactError,
)

_MEMBERS, _POINTS, _REDEMPTIONS = "Members", "Points", "Redemptions"
_REWARDS, _REPORTS, _OPERATION = "Rewards and coupons", "Reports", "Operation"
_WEBHOOKS, _PROGRAM, _PORTAL, _MAILS = "Outbound webhooks", "Program", "Portal", "Mails"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """POST /program/simulations: a draft, and the period; a bound is a day or an instant."""

    program: publishing.AnyDocument
    from_: str
    to_: str


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        # --- Members ------------------------------------------------------------------------
        "POST /members": Operation(
            tag=_MEMBERS,
            about="Open an account; 200 with the same member where an external id is known",
            who="people or till",
            body=EnrolMemberBody,
            key="required",
            answers={201: members_answers.MemberAnswer, 200: members_answers.MemberAnswer},
            refusals=(error.LimitExceededError, error.MemberInactiveError),
        ),
        "GET /members": Operation(
            tag=_MEMBERS,
            about="Members by external id, by email or by the beginning of their name",
            who="people or till",
            query=members.FindMembersQuery,
            answers={200: members_answers.MembersAnswer},
        ),
        "GET /members/{member_id}": Operation(
            tag=_MEMBERS,
            about="Standing and personal data",
            who="people",
            names=True,
            answers={200: members_answers.MemberAnswer},
        ),
        "PATCH /members/{member_id}": Operation(
            tag=_MEMBERS,
            about=(
                "Change personal data; staff also what decides, which needs an Idempotency-Key, "
                "and the external ids"
            ),
            who="people",
            names=True,
            body=members.ChangeMemberBody,
            key="welcome",
            answers={200: members_answers.MemberAnswer},
            refusals=(
                error.IdempotencyKeyMissingError,
                error.MemberInactiveError,
                error.LimitExceededError,
            ),
        ),
        "DELETE /members/{member_id}": Operation(
            tag=_MEMBERS,
            about="Erase a person and forfeit the balance",
            who="people",
            names=True,
            key="required",
            answers={200: members_answers.ErasedAnswer},
            refusals=(error.MemberInactiveError,),
        ),
        "GET /members/{member_id}/export": Operation(
            tag=_MEMBERS,
            about="Everything that is known of a person",
            who="people",
            names=True,
            query=members.ExportQuery,
            answers={200: members_answers.ExportAnswer},
        ),
        "POST /members/{member_id}/merge": Operation(
            tag=_MEMBERS,
            about="Let a member become part of another one, for ever",
            who="people",
            names=True,
            body=MergeBody,
            key="required",
            answers={200: members_answers.MergedAnswer},
            refusals=(
                error.MergeNotPermittedError,
                error.MemberInactiveError,
                error.LimitExceededError,
            ),
        ),
        "POST /members/{member_id}/invitation": Operation(
            tag=_MEMBERS,
            about="Make a sign-in for a member; 200 where there was one",
            who="people",
            names=True,
            body=InvitationBody,
            body_if_any=True,
            answers={201: members_answers.InvitationAnswer, 200: members_answers.InvitationAnswer},
            refusals=(error.MemberInactiveError, error.SignInTakenError, error.LimitExceededError),
        ),
        "POST /members/{member_id}/memberships": Operation(
            tag=_MEMBERS,
            about="Give the member a membership, from today",
            who="people",
            names=True,
            body=MembershipBody,
            key="required",
            answers={201: members_answers.MembershipGiven},
            refusals=(error.MemberInactiveError, error.LimitExceededError),
        ),
        # --- Points -------------------------------------------------------------------------
        "GET /members/{member_id}/balance": Operation(
            tag=_POINTS,
            about="What the member has now",
            who="people or till",
            names=True,
            answers={200: points.BalanceAnswer},
        ),
        "GET /members/{member_id}/benefits": Operation(
            tag=_POINTS,
            about="What the member's tier gives, and how far the next one is",
            who="people or till",
            names=True,
            answers={200: points.BenefitsAnswer},
        ),
        "GET /members/{member_id}/pending": Operation(
            tag=_POINTS,
            about="What is pending, and what each earning waits for",
            who="people",
            names=True,
            query=PendingQuery,
            answers={200: points.PendingAnswer},
        ),
        "GET /members/{member_id}/entries": Operation(
            tag=_POINTS,
            about="The member's ledger, newest first",
            who="people",
            names=True,
            query=EntriesQuery,
            answers={200: points.EntriesAnswer},
        ),
        "GET /members/{member_id}/statement": Operation(
            tag=_POINTS,
            about="A month of the member's ledger, oldest first",
            who="people",
            names=True,
            query=StatementQuery,
            answers={200: points.StatementAnswer},
            also=(CSV,),
        ),
        "GET /members/{member_id}/overview": Operation(
            tag=_POINTS,
            about="All that one page shows of a member",
            who="people",
            names=True,
            answers={200: members_answers.OverviewAnswer},
        ),
        "GET /members/{member_id}/requests": Operation(
            tag=_POINTS,
            about="What was put before a second person, and what became of it",
            who="people",
            names=True,
            query=RequestsQuery,
            answers={200: points.RequestsAnswer},
        ),
        "GET /members/{member_id}/challenges": Operation(
            tag=_POINTS,
            about="How far the member has come with challenges and streaks",
            who="people",
            names=True,
            answers={200: points.ChallengesAnswer},
        ),
        "GET /leaderboards/{leaderboard_id}": Operation(
            tag=_POINTS,
            about="A page of a leaderboard",
            who="people or till",
            names=True,
            query=LeaderboardQuery,
            answers={200: points.LeaderboardAnswer},
        ),
        "GET /members/{member_id}/sharing": Operation(
            tag=_POINTS,
            about="By which plan the member's purchases are split",
            who="people",
            names=True,
            answers={200: points.SharingAnswer},
        ),
        "PUT /members/{member_id}/sharing": Operation(
            tag=_POINTS,
            about="Replace the plan; no shares end it",
            who="people",
            names=True,
            body=SharingBody,
            key="required",
            answers={200: points.SharingAnswer},
            refusals=(
                error.TransferNotPermittedError,
                error.MemberInactiveError,
                error.LimitExceededError,
            ),
        ),
        "GET /members/{member_id}/proof": Operation(
            tag=_POINTS,
            about="What proves the member's entries by the checkpoint of a day",
            who="people",
            names=True,
            query=ProofQuery,
            answers={200: points.ProofsAnswer},
        ),
        "POST /transfers": Operation(
            tag=_POINTS,
            about="Give points to another member, or ask a second person for it",
            who="people",
            names=True,
            body=TransferBody,
            key="required",
            answers={201: redemptions_answers.TransferredAnswer},
            refusals=(
                error.TransferNotPermittedError,
                error.MemberInactiveError,
                error.InsufficientPointsError,
                error.LimitExceededError,
            ),
        ),
        "POST /actions": Operation(
            tag=_POINTS,
            about="Report an action; 200 where it was reported before",
            who="people or till",
            names=True,
            body=ActionBody,
            key="required",
            answers={201: points.ActionAnswer, 200: points.ActionAnswer},
            refusals=(error.MemberInactiveError, error.LimitExceededError, *_FACTS),
        ),
        "POST /adjustments": Operation(
            tag=_POINTS,
            about="Give or take points, or ask a second person to agree",
            who="people",
            names=True,
            body=AdjustmentBody,
            key="required",
            answers={201: redemptions_answers.AdjustedAnswer},
            refusals=(
                error.MemberInactiveError,
                error.InsufficientPointsError,
                error.LimitExceededError,
            ),
        ),
        # --- Redemptions --------------------------------------------------------------------
        "POST /redemptions/quote": Operation(
            tag=_REDEMPTIONS,
            about="The most that can be redeemed, and the codes of what forbids more",
            who="people or till",
            names=True,
            body=redemptions.QuoteBody,
            answers={200: redemptions_answers.QuoteAnswer},
        ),
        "POST /redemptions": Operation(
            tag=_REDEMPTIONS,
            about="Spend points, or reserve them",
            who="people or till",
            names=True,
            body=redemptions.RedemptionBody,
            key="required",
            answers={201: redemptions_answers.RedeemedAnswer},
            refusals=_SPENDING,
        ),
        "GET /redemptions": Operation(
            tag=_REDEMPTIONS,
            about="A member's redemptions, newest first",
            who="people or till",
            names=True,
            query=redemptions.RedemptionsQuery,
            answers={200: redemptions_answers.RedemptionsAnswer},
        ),
        "GET /redemptions/{redemption_id}": Operation(
            tag=_REDEMPTIONS,
            about="The redemption; to another member it does not exist",
            who="people or till",
            names=True,
            answers={200: redemptions_answers.RedemptionAnswer},
        ),
        "POST /redemptions/{redemption_id}/capture": Operation(
            tag=_REDEMPTIONS,
            about="Spend reserved points, in full or in part; the rest is released",
            who="people or till",
            names=True,
            body=redemptions.PartBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.StepAnswer},
            refusals=_STEPS,
        ),
        "POST /redemptions/{redemption_id}/cancel": Operation(
            tag=_REDEMPTIONS,
            about="Release reserved points",
            who="people or till",
            names=True,
            body=redemptions.CancelBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.StepAnswer},
            refusals=_STEPS,
        ),
        "POST /redemptions/{redemption_id}/reverse": Operation(
            tag=_REDEMPTIONS,
            about="Give points back into the lots that they came from",
            who="people or till",
            names=True,
            body=redemptions.PartBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.StepAnswer},
            refusals=_STEPS,
        ),
        "GET /approvals": Operation(
            tag=_REDEMPTIONS,
            about="What waits for a second person, or was decided",
            who="people",
            query=ApprovalsQuery,
            answers={200: redemptions_answers.ApprovalsAnswer},
        ),
        "POST /approvals/{approval_id}/approve": Operation(
            tag=_REDEMPTIONS,
            about="Agree to what somebody else asked for",
            who="people",
            names=True,
            body=DecisionBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.DecisionAnswer},
            refusals=_DECIDING,
        ),
        "POST /approvals/{approval_id}/reject": Operation(
            tag=_REDEMPTIONS,
            about="Refuse what somebody else asked for",
            who="people",
            names=True,
            body=DecisionBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.DecisionAnswer},
            refusals=_DECIDING,
        ),
        # --- Rewards and coupons ------------------------------------------------------------
        "GET /rewards": Operation(
            tag=_REWARDS,
            about="The catalogue; staff see what is not offered, too",
            who="people or till",
            query=rewards.RewardsQuery,
            answers={200: redemptions_answers.RewardsAnswer},
        ),
        "POST /rewards": Operation(
            tag=_REWARDS,
            about="Add a reward",
            who="people",
            body=rewards.RewardBody,
            key="required",
            answers={201: redemptions_answers.RewardAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "PATCH /rewards/{reward_id}": Operation(
            tag=_REWARDS,
            about="Change what is named",
            who="people",
            names=True,
            body=rewards.RewardChangesBody,
            answers={200: redemptions_answers.RewardAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "GET /members/{member_id}/coupons": Operation(
            tag=_REWARDS,
            about="The coupons that a member's points were made into, newest first",
            who="people",
            names=True,
            query=rewards.CouponsQuery,
            answers={200: redemptions_answers.CouponsAnswer},
        ),
        "GET /coupons/{code}": Operation(
            tag=_REWARDS,
            about="The coupon; to another member it does not exist",
            who="people or till",
            names=True,
            answers={200: redemptions_answers.CouponAnswer},
        ),
        "POST /coupons/{code}/use": Operation(
            tag=_REWARDS,
            about="Use a coupon, once",
            who="people or till",
            names=True,
            body=rewards.UseCouponBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.CouponAnswer},
            refusals=(error.CouponNotUsableError, error.MemberInactiveError),
        ),
        "POST /coupons/{code}/cancel": Operation(
            tag=_REWARDS,
            about="Cancel a coupon; its points go back",
            who="people or till",
            names=True,
            body=rewards.CancelCouponBody,
            body_if_any=True,
            key="required",
            answers={200: redemptions_answers.CouponCancelled},
            refusals=(
                error.CouponNotUsableError,
                error.MemberInactiveError,
                error.LimitExceededError,
            ),
        ),
        # --- Reports ------------------------------------------------------------------------
        "GET /reports/liability": Operation(
            tag=_REPORTS,
            about="What is owed in points and money, by month of expiry",
            who="people",
            query=reports.LiabilityQuery,
            answers={200: reports_answers.LiabilityAnswer},
            also=(CSV,),
        ),
        "GET /reports/activity": Operation(
            tag=_REPORTS,
            about="The roll-forward by month, and what came of rules and campaigns",
            who="people",
            query=reports.ActivityQuery,
            answers={200: reports_answers.ActivityAnswer},
            also=(CSV,),
        ),
        "GET /reports/sales": Operation(
            tag=_REPORTS,
            about="Revenue by the person who ordered, or by organisation",
            who="people",
            query=people_reports.SalesQuery,
            answers={200: reports_answers.SalesAnswer},
            also=(CSV,),
        ),
        "GET /reports/engagement": Operation(
            tag=_REPORTS,
            about="Participation, redemption rate, retention and segments by month",
            who="people",
            query=people_reports.EngagementQuery,
            answers={200: reports_answers.EngagementAnswer},
            also=(CSV,),
        ),
        "GET /reports/leaderboard": Operation(
            tag=_REPORTS,
            about="The top members by points earned, points redeemed or revenue",
            who="people",
            query=people_reports.TopMembersQuery,
            answers={200: reports_answers.TopMembersAnswer},
            also=(CSV,),
        ),
        # --- Operation ----------------------------------------------------------------------
        "GET /health": Operation(
            tag=_OPERATION,
            about="That the stack answers, and its version",
            who="public",
            answers={200: program_answers.HealthAnswer},
        ),
        "GET /openapi.json": Operation(
            tag=_OPERATION,
            about="This document",
            who="public",
            answers={200: dict[str, Any]},
        ),
        "POST /webhooks/{provider}": Operation(
            tag=_OPERATION,
            about="A provider's signed message; what it means is in docs/providers.md",
            who="signature",
            names=True,
            body=object,
            answers={202: Accepted},
        ),
        "GET /dead-letters": Operation(
            tag=_OPERATION,
            about="What failed for good, queue by queue, the oldest first",
            who="people",
            names=True,
            query=DeadLettersQuery,
            answers={200: operation.DeadLettersAnswer},
        ),
        "POST /dead-letters/redrive": Operation(
            tag=_OPERATION,
            about="Try messages of one queue again",
            who="people",
            names=True,
            body=RedriveBody,
            answers={200: operation.RedrivenAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "GET /integrity": Operation(
            tag=_OPERATION,
            about="What the reconciliation found, and how far it has come",
            who="people",
            answers={200: operation.IntegrityAnswer},
        ),
        # --- Mails --------------------------------------------------------------------------
        "GET /notifications/templates": Operation(
            tag=_MAILS,
            about="Every template in force, the settings, and which placeholders there are",
            who="people",
            answers={200: operation.TemplatesAnswer},
        ),
        "PUT /notifications/templates": Operation(
            tag=_MAILS,
            about="Replace templates, settings, or both",
            who="people",
            body=mail_templates.TemplatesBody,
            answers={200: operation.TemplatesAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "POST /notifications/previews": Operation(
            tag=_MAILS,
            about="A mail by a template as it was sent; nothing is stored",
            who="people",
            body=mail_templates.TemplateBody,
            answers={200: operation.MailAnswer},
        ),
        "GET /unsubscribe": Operation(
            tag=_MAILS,
            about="A page with a button, for the link (`?token=`) in a mail",
            who="link",
            answers={200: HTML, 400: HTML},
        ),
        "POST /unsubscribe": Operation(
            tag=_MAILS,
            about="End the mails of the link's member",
            who="link",
            answers={200: HTML, 400: HTML},
        ),
        # --- Outbound webhooks --------------------------------------------------------------
        "GET /outbound-webhooks": Operation(
            tag=_WEBHOOKS,
            about="All endpoints, without their secrets",
            who="people",
            answers={200: operation.EndpointsAnswer},
        ),
        "POST /outbound-webhooks": Operation(
            tag=_WEBHOOKS,
            about="Add an endpoint; the answer is the only one that shows its secret",
            who="people",
            body=outbound.OutboundWebhookBody,
            key="welcome",
            answers={201: operation.RegisteredAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "DELETE /outbound-webhooks/{webhook_id}": Operation(
            tag=_WEBHOOKS,
            about="Take an endpoint away",
            who="people",
            names=True,
            answers={200: operation.RemovedAnswer},
        ),
        "POST /outbound-webhooks/{webhook_id}/secret": Operation(
            tag=_WEBHOOKS,
            about="Replace the secret; the old one signs along for a day",
            who="people",
            names=True,
            body=outbound.NothingBody,
            body_if_any=True,
            key="welcome",
            answers={200: operation.SecretAnswer},
        ),
        "POST /outbound-webhooks/{webhook_id}/enable": Operation(
            tag=_WEBHOOKS,
            about="Tell an endpoint of events again",
            who="people",
            names=True,
            body=outbound.NothingBody,
            body_if_any=True,
            answers={200: operation.EndpointAnswer},
        ),
        "POST /outbound-webhooks/{webhook_id}/test": Operation(
            tag=_WEBHOOKS,
            about="Send an event that means nothing",
            who="people",
            names=True,
            body=outbound.NothingBody,
            body_if_any=True,
            key="welcome",
            answers={202: operation.SentAnswer},
            refusals=(error.WebhookDisabledError,),
        ),
        "GET /outbound-webhooks/{webhook_id}/deliveries": Operation(
            tag=_WEBHOOKS,
            about="What became of the events of the last 30 days, newest first",
            who="people",
            names=True,
            query=outbound.DeliveriesQuery,
            answers={200: operation.DeliveriesAnswer},
        ),
        "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry": Operation(
            tag=_WEBHOOKS,
            about="Try a delivery again now",
            who="people",
            names=True,
            body=outbound.NothingBody,
            body_if_any=True,
            answers={202: operation.SentAnswer},
            refusals=(error.WebhookDisabledError,),
        ),
        # --- Program ------------------------------------------------------------------------
        "GET /program": Operation(
            tag=_PROGRAM,
            about="The rules in force, in plain sentences and as data",
            who="public",
            answers={200: program_answers.ProgramAnswer},
        ),
        "GET /program/schema": Operation(
            tag=_PROGRAM,
            about="The JSON Schema of program documents",
            who="public",
            answers={200: JSON_SCHEMA},
        ),
        "GET /program/versions": Operation(
            tag=_PROGRAM,
            about="All versions, newest first",
            who="people",
            query=publishing.VersionsQuery,
            answers={200: program_answers.VersionsAnswer},
        ),
        "POST /program/versions": Operation(
            tag=_PROGRAM,
            about="Publish a program as the next version",
            who="people",
            body=publishing.PublicationBody,
            key="welcome",
            answers={201: program_answers.PublishedAnswer},
            refusals=(error.LimitExceededError,),
        ),
        "POST /program/validations": Operation(
            tag=_PROGRAM,
            about="Judge a draft, and say it in plain sentences; nothing is stored",
            who="people",
            body=publishing.ValidationBody,
            answers={200: program_answers.ValidDraft | program_answers.RefusedDraft},
        ),
        "POST /program/simulations": Operation(
            tag=_PROGRAM,
            about="Ask for a backtest of a draft",
            who="people",
            body=SimulationRequest,
            key="welcome",
            answers={202: program_answers.SimulationStarted},
            refusals=(error.LimitExceededError,),
        ),
        "GET /program/simulations/{simulation_id}": Operation(
            tag=_PROGRAM,
            about="How far a backtest has come, and its result",
            who="people",
            names=True,
            answers={200: program_answers.SimulationAnswer},
        ),
        # --- Portal -------------------------------------------------------------------------
        "POST /session": Operation(
            tag=_PORTAL,
            about="Begin a session with a password; the token to go on with is a cookie",
            who="session",
            body=sessions.SignInBody,
            answers={200: members_answers.SessionBegun | members_answers.NewPasswordAsked},
        ),
        "POST /session/new-password": Operation(
            tag=_PORTAL,
            about="Begin the first session, with a password instead of the one that was mailed",
            who="session",
            body=sessions.NewPasswordBody,
            answers={200: members_answers.SessionBegun | members_answers.NewPasswordAsked},
        ),
        "POST /session/forgotten-password": Operation(
            tag=_PORTAL,
            about="Mail a code, if there is such an account",
            who="session",
            body=sessions.ForgottenPasswordBody,
            answers={202: Accepted},
        ),
        "POST /session/reset-password": Operation(
            tag=_PORTAL,
            about="Set a new password with the code that was mailed",
            who="session",
            body=sessions.PasswordResetBody,
            answers={200: Accepted},
        ),
        "POST /session/renewal": Operation(
            tag=_PORTAL,
            about="Go on with the session of the cookie",
            who="session",
            answers={200: members_answers.SessionBegun | members_answers.NewPasswordAsked},
        ),
        "DELETE /session": Operation(
            tag=_PORTAL,
            about="End the session of the cookie",
            who="session",
            answers={200: members_answers.SignedOut},
        ),
        "GET /portal": Operation(
            tag=_PORTAL, about="The page of members", who="public", answers={200: HTML}
        ),
        "GET /console": Operation(
            tag=_PORTAL, about="The page of staff", who="public", answers={200: HTML}
        ),
        "GET /portal/{proxy+}": Operation(
            tag=_PORTAL,
            about="What the pages load",
            who="public",
            names=True,
            answers={200: "*/*"},
        ),
    }
)
"""Every route of template.yaml, by its key there."""
