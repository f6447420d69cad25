"""The sample events in events/: each is played, in one story, and ends as its name says.

`ok` is done, `duplicate` changes nothing more, `ignored` means nothing here, `rejected` is refused
by a rule, `malformed` cannot be understood.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from points_ledger.adapters.outbound_http import HttpCourier
from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.identity import MemberId, SimulationId
from points_ledger.domain.outbound import Try
from points_ledger.runtime import deployment, services
from tests.functions import test_webhooks
from tests.functions.deployed import (
    EVENTS,
    PROGRAM_SAMPLE,
    Deployed,
    failures,
    new_stack,
)
from tests.functions.test_notifications import Post

Json = dict[str, Any]

MEMBER = "mbr_k7d2q4x5n3r6t2bz"
"""Who the samples are about: the customer C-88, enrolled by the first purchase."""

FIRST, SECOND = "059f36b4-87a3-44ab-83d2-661975830a7d", "2e1424d4-f796-459a-8184-9c92662be6da"
"""Ids of the messages in a batch."""

IMPORT_SAMPLE = EVENTS / "members_import.csv"
"""Imported by test_import.py."""
EXAMPLE_PROGRAMS = EVENTS / "programs"
"""Reckoned by tests/unit/domain/test_example_programs.py."""

SOLD_AT = "2026-09-02T15:05:00Z"
HOLD_OVER = "2026-09-03T15:06:00Z"
BOUNCED = "2026-09-10T08:00:00Z"
EXPIRED = "2028-10-01T05:00:00Z"


@dataclass(frozen=True)
class Batch:
    """What became of the messages of a batch, and which have to come again."""

    messages: tuple[str, ...]
    again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counted:
    """How many changes were counted; None where the batch has to come again."""

    changes: int | None


@dataclass(frozen=True)
class Answered:
    """Status and code of an answer, and whether it had been given before."""

    status: int
    code: str | None = None
    replayed: bool = False


@dataclass(frozen=True)
class Swept:
    """Entries posted by a schedule; None where it was refused."""

    posted: int | None


@dataclass(frozen=True)
class Reconciled:
    """Members with differences; None where the run was refused."""

    differences: int | None


@dataclass(frozen=True)
class Published:
    """Checkpoints that were published; None where the run was refused."""

    checkpoints: int | None


@dataclass(frozen=True)
class Followed:
    """Events published and facts queued again; None where the batch has to come again."""

    events: tuple[str, ...] | None
    woken: int = 0


@dataclass(frozen=True)
class Loaded:
    """Whether version 1 was made, and what CloudFormation was told."""

    loaded: bool
    told: str | None = None


Outcome = Batch | Answered | Swept | Counted | Followed | Loaded | Reconciled | Published

WEBHOOK = "whk_3f9a1c77e2b04d5586aa91cd"

STORY: tuple[tuple[str, str, Outcome], ...] = (
    (SOLD_AT, "program/health_ok", Answered(200)),
    (SOLD_AT, "portal/portal_ok", Answered(200)),
    (SOLD_AT, "portal/console_ok", Answered(200)),
    (SOLD_AT, "portal/file_ok", Answered(200)),
    (SOLD_AT, "portal/file_rejected", Answered(404, "not_found")),
    (SOLD_AT, "sessions/send_code_ok", Answered(202)),
    (SOLD_AT, "sessions/sign_in_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "sessions/renew_rejected", Answered(401, "unauthenticated")),
    (SOLD_AT, "sessions/sign_out_rejected", Answered(401, "unauthenticated")),
    (SOLD_AT, "program/load_ok", Loaded(loaded=True)),
    (SOLD_AT, "program/load_duplicate", Loaded(loaded=False)),
    (SOLD_AT, "program/create_duplicate", Loaded(loaded=False, told="SUCCESS")),
    (SOLD_AT, "program/update_ok", Loaded(loaded=False, told="SUCCESS")),
    (SOLD_AT, "program/delete_ok", Loaded(loaded=False, told="SUCCESS")),
    (SOLD_AT, "program/program_ok", Answered(200)),
    (SOLD_AT, "program/unknown_route_rejected", Answered(404, "not_found")),
    (SOLD_AT, "program/schema_ok", Answered(200)),
    (SOLD_AT, "program/publish_ok", Answered(201)),
    (SOLD_AT, "program/publish_duplicate", Answered(201, replayed=True)),
    (SOLD_AT, "program/publish_rejected", Answered(400, "invalid_request")),
    (SOLD_AT, "program/publish_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "program/versions_ok", Answered(200)),
    (SOLD_AT, "program/versions_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "program/versions_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "program/validate_ok", Answered(200)),
    (SOLD_AT, "program/validate_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "program/validate_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "program/simulate_ok", Answered(202)),
    (SOLD_AT, "program/simulate_duplicate", Answered(202, replayed=True)),
    (SOLD_AT, "program/simulate_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "program/simulate_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "program/simulation_ok", Answered(200)),
    (SOLD_AT, "program/simulation_rejected", Answered(404, "not_found")),
    (SOLD_AT, "accrual/purchase_posted_ok", Batch(("posted", "posted"))),
    (SOLD_AT, "accrual/purchase_posted_duplicate", Batch(("duplicate",))),
    (SOLD_AT, "accrual/purchase_posted_rejected", Batch(("fact_in_the_future",), (FIRST,))),
    (
        SOLD_AT,
        "accrual/purchase_posted_malformed",
        Batch(("duplicate", "fact_malformed"), (SECOND,)),
    ),
    (SOLD_AT, "accrual/set_aside_rejected", Batch(("fact_malformed",), (FIRST,))),
    (SOLD_AT, "accrual/action_performed_ok", Batch(("posted",))),
    (SOLD_AT, "accrual/customer_seen_ok", Batch(("enrolled",))),
    (SOLD_AT, "accrual/earning_reconsidered_duplicate", Batch(("duplicate",))),
    (SOLD_AT, "maturation/payment_received_ok", Batch(("stored",))),
    (SOLD_AT, "maturation/payment_received_duplicate", Batch(("duplicate",))),
    (
        SOLD_AT,
        "maturation/payment_received_rejected",
        Batch(("fact_contradicts_stored",), (FIRST,)),
    ),
    (SOLD_AT, "maturation/payment_received_malformed", Batch(("fact_malformed",), (FIRST,))),
    (SOLD_AT, "maturation/purchase_settled_ok", Batch(("stored",))),
    (SOLD_AT, "members/enrol_ok", Answered(201)),
    (SOLD_AT, "members/enrol_duplicate", Answered(201, replayed=True)),
    (SOLD_AT, "members/enrol_known_duplicate", Answered(200)),
    (SOLD_AT, "members/enrol_rejected", Answered(400, "invalid_request")),
    (SOLD_AT, "members/enrol_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "members/find_ok", Answered(200)),
    (SOLD_AT, "members/find_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "members/find_by_email_ok", Answered(200)),
    (SOLD_AT, "members/find_by_name_ok", Answered(200)),
    (SOLD_AT, "members/show_ok", Answered(200)),
    (SOLD_AT, "members/change_ok", Answered(200)),
    (SOLD_AT, "members/change_duplicate", Answered(200, replayed=True)),
    (SOLD_AT, "members/change_own_ok", Answered(200)),
    (SOLD_AT, "members/change_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "members/change_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "accounts/balance_ok", Answered(200)),
    (SOLD_AT, "accounts/balance_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "accounts/benefits_ok", Answered(200)),
    (SOLD_AT, "accounts/benefits_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "members/membership_rejected", Answered(404, "not_found")),
    (SOLD_AT, "members/membership_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "accounts/pending_ok", Answered(200)),
    (SOLD_AT, "accounts/entries_ok", Answered(200)),
    (SOLD_AT, "accounts/entries_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "accounts/overview_ok", Answered(200)),
    (SOLD_AT, "accounts/overview_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "accounts/requests_ok", Answered(200)),
    (SOLD_AT, "accounts/requests_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "accounts/challenges_ok", Answered(200)),
    (SOLD_AT, "accounts/challenges_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "accounts/leaderboard_rejected", Answered(404, "not_found")),
    (SOLD_AT, "accounts/leaderboard_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "accounts/statement_ok", Answered(200)),
    (SOLD_AT, "accounts/statement_csv_ok", Answered(200)),
    (SOLD_AT, "accounts/statement_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "accounts/statement_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "invitations/invite_ok", Answered(201)),
    (SOLD_AT, "invitations/invite_duplicate", Answered(200)),
    (SOLD_AT, "invitations/invite_rejected", Answered(404, "not_found")),
    (SOLD_AT, "invitations/invite_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "members/export_ok", Answered(200)),
    (SOLD_AT, "members/export_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "ledger_events/entry_inserted_ok", Followed(("PointsAccrued",))),
    (SOLD_AT, "ledger_events/entry_inserted_duplicate", Followed(("PointsAccrued",))),
    (SOLD_AT, "ledger_events/entry_inserted_malformed", Followed(None)),
    (SOLD_AT, "ledger_events/entry_modified_rejected", Followed(("LedgerInconsistent",))),
    (SOLD_AT, "ledger_events/entry_removed_rejected", Followed(("LedgerInconsistent",))),
    (SOLD_AT, "ledger_events/customer_linked_ok", Followed(())),
    (SOLD_AT, "ledger_events/payment_linked_ok", Followed(())),
    (SOLD_AT, "ledger_events/marker_inserted_ignored", Followed(())),
    (SOLD_AT, "ledger_events/marker_expired_ignored", Followed(())),
    (SOLD_AT, "report_totals/changes_ok", Counted(1)),
    (SOLD_AT, "report_totals/changes_duplicate", Counted(0)),
    (SOLD_AT, "report_totals/changes_rejected", Counted(None)),
    (SOLD_AT, "report_totals/changes_malformed", Counted(None)),
    (SOLD_AT, "report_totals/window_ended_ok", Counted(0)),
    (SOLD_AT, "reports/liability_ok", Answered(200)),
    (SOLD_AT, "reports/liability_at_ok", Answered(200)),
    (SOLD_AT, "reports/liability_csv_ok", Answered(200)),
    (SOLD_AT, "reports/liability_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "reports/liability_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "reports/activity_ok", Answered(200)),
    (SOLD_AT, "reports/activity_csv_ok", Answered(200)),
    (SOLD_AT, "reports/activity_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "reports/activity_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "reports/sales_ok", Answered(200)),
    (SOLD_AT, "reports/sales_csv_ok", Answered(200)),
    (SOLD_AT, "reports/sales_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "reports/sales_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "reports/engagement_ok", Answered(200)),
    (SOLD_AT, "reports/engagement_csv_ok", Answered(200)),
    (SOLD_AT, "reports/engagement_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "reports/engagement_malformed", Answered(400, "invalid_request")),
    (SOLD_AT, "reports/leaderboard_ok", Answered(200)),
    (SOLD_AT, "reports/leaderboard_csv_ok", Answered(200)),
    (SOLD_AT, "reports/leaderboard_rejected", Answered(403, "forbidden")),
    (SOLD_AT, "reports/leaderboard_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "hold_release/schedule_ok", Swept(3)),
    (HOLD_OVER, "hold_release/schedule_duplicate", Swept(0)),
    (HOLD_OVER, "hold_release/schedule_malformed", Swept(0)),
    (HOLD_OVER, "hold_release/schedule_rejected", Swept(None)),
    (HOLD_OVER, "hold_release/shard_ok", Batch(("shard_swept",))),
    (HOLD_OVER, "hold_release/shard_duplicate", Batch(("shard_swept",))),
    (HOLD_OVER, "hold_release/shard_rejected", Batch(("malformed",))),
    (HOLD_OVER, "hold_release/shard_malformed", Batch(("malformed",))),
    (HOLD_OVER, "redemption/quote_ok", Answered(200)),
    (HOLD_OVER, "redemption/redeem_ok", Answered(201)),
    (HOLD_OVER, "redemption/redeem_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "redemption/redeem_rejected", Answered(422, "insufficient_points")),
    (HOLD_OVER, "redemption/redeem_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "redemption/show_ok", Answered(200)),
    (HOLD_OVER, "redemption/show_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "redemption/reverse_ok", Answered(200)),
    (HOLD_OVER, "redemption/reverse_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "redemption/reverse_rejected", Answered(422, "already_reversed")),
    (HOLD_OVER, "redemption/reverse_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "redemption/reserve_ok", Answered(201)),
    (HOLD_OVER, "redemption/reserve_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "redemption/cancel_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "redemption/cancel_ok", Answered(200)),
    (HOLD_OVER, "redemption/cancel_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "redemption/cancel_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "redemption/reserve_again_ok", Answered(201)),
    (HOLD_OVER, "redemption/capture_ok", Answered(200)),
    (HOLD_OVER, "redemption/capture_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "redemption/capture_rejected", Answered(422, "reservation_not_open")),
    (HOLD_OVER, "redemption/capture_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "adjustments/adjust_ok", Answered(201)),
    (HOLD_OVER, "adjustments/adjust_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "adjustments/adjust_rejected", Answered(422, "limit_exceeded")),
    (HOLD_OVER, "adjustments/adjust_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "adjustments/adjust_waiting_ok", Answered(201)),
    (HOLD_OVER, "adjustments/approvals_ok", Answered(200)),
    (HOLD_OVER, "adjustments/approvals_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "adjustments/approve_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "adjustments/approve_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "adjustments/reject_ok", Answered(200)),
    (HOLD_OVER, "adjustments/reject_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "adjustments/reject_rejected", Answered(422, "approval_closed")),
    (HOLD_OVER, "notifications/event_ok", Batch(("mail_sent",))),
    (HOLD_OVER, "notifications/event_duplicate", Batch(("duplicate",))),
    (HOLD_OVER, "notifications/event_rejected", Batch(("mail_member_inactive",))),
    (HOLD_OVER, "notifications/event_malformed", Batch(("malformed",), (FIRST,))),
    (HOLD_OVER, "messaging/templates_ok", Answered(200)),
    (HOLD_OVER, "messaging/templates_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "messaging/replace_ok", Answered(200)),
    (HOLD_OVER, "messaging/replace_duplicate", Answered(200)),
    (HOLD_OVER, "messaging/replace_rejected", Answered(409, "conflict")),
    (HOLD_OVER, "messaging/replace_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "messaging/preview_ok", Answered(200)),
    (HOLD_OVER, "messaging/preview_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "messaging/ask_ok", Answered(200)),
    (HOLD_OVER, "messaging/ask_rejected", Answered(400)),
    (HOLD_OVER, "messaging/unsubscribe_ok", Answered(200)),
    (HOLD_OVER, "messaging/unsubscribe_duplicate", Answered(200)),
    (HOLD_OVER, "messaging/unsubscribe_malformed", Answered(400)),
    (HOLD_OVER, "operations/dead_letters_ok", Answered(200)),
    (HOLD_OVER, "operations/dead_letters_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "operations/dead_letters_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "operations/redrive_ok", Answered(200)),
    (HOLD_OVER, "operations/redrive_duplicate", Answered(200)),
    (HOLD_OVER, "operations/redrive_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "operations/redrive_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "operations/integrity_ok", Answered(200)),
    (HOLD_OVER, "operations/integrity_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "actions/perform_ok", Answered(201)),
    (HOLD_OVER, "actions/perform_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "actions/perform_again_duplicate", Answered(200)),
    (HOLD_OVER, "actions/perform_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "actions/perform_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "members/enrol_referred_ok", Answered(201)),
    (HOLD_OVER, "simulations/backtest_ok", Batch(("done",))),
    (HOLD_OVER, "simulations/backtest_duplicate", Batch(("done",))),
    (HOLD_OVER, "simulations/backtest_rejected", Batch(("unknown",))),
    (HOLD_OVER, "simulations/backtest_malformed", Batch(("malformed",))),
    (HOLD_OVER, "rewards/create_ok", Answered(201)),
    (HOLD_OVER, "rewards/create_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "rewards/create_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "rewards/create_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "rewards/change_ok", Answered(200)),
    (HOLD_OVER, "rewards/change_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "rewards/change_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "rewards/list_ok", Answered(200)),
    (HOLD_OVER, "rewards/list_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "redemption/claim_ok", Answered(201)),
    (HOLD_OVER, "redemption/claim_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "redemption/claim_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "redemption/coupon_ok", Answered(201)),
    (HOLD_OVER, "redemption/coupon_again_ok", Answered(201)),
    (HOLD_OVER, "rewards/coupon_ok", Answered(200)),
    (HOLD_OVER, "rewards/coupons_ok", Answered(200)),
    (HOLD_OVER, "rewards/coupons_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "rewards/coupon_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "rewards/use_ok", Answered(200)),
    (HOLD_OVER, "rewards/use_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "rewards/use_rejected", Answered(422, "coupon_not_usable")),
    (HOLD_OVER, "rewards/use_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "rewards/cancel_ok", Answered(200)),
    (HOLD_OVER, "rewards/cancel_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "rewards/cancel_rejected", Answered(422, "coupon_not_usable")),
    (HOLD_OVER, "redemption/list_ok", Answered(200)),
    (HOLD_OVER, "redemption/list_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "redemption/list_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "outbound_webhooks/register_ok", Answered(201)),
    (HOLD_OVER, "outbound_webhooks/register_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "outbound_webhooks/register_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "outbound_webhooks/register_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "outbound_webhooks/list_ok", Answered(200)),
    (HOLD_OVER, "outbound_webhooks/rotate_ok", Answered(200)),
    (HOLD_OVER, "outbound_webhooks/rotate_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "outbound_webhooks/rotate_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "outbound_webhooks/test_ok", Answered(202)),
    (HOLD_OVER, "outbound_webhooks/test_duplicate", Answered(202, replayed=True)),
    (HOLD_OVER, "outbound_events/entry_ok", Batch(("queued",))),
    (HOLD_OVER, "outbound_events/entry_duplicate", Batch(("queued",))),
    (HOLD_OVER, "outbound_events/entry_ignored", Batch(("ignored",))),
    (HOLD_OVER, "outbound_events/entry_malformed", Batch(("malformed",), (FIRST,))),
    (HOLD_OVER, "outbound_deliveries/delivery_ok", Batch(("delivered",))),
    (HOLD_OVER, "outbound_deliveries/delivery_duplicate", Batch(("duplicate",))),
    (HOLD_OVER, "outbound_deliveries/delivery_rejected", Batch(("removed",))),
    (HOLD_OVER, "outbound_deliveries/delivery_malformed", Batch(("malformed",), (FIRST,))),
    (HOLD_OVER, "outbound_retries/delivery_ok", Batch(("delivered",))),
    (HOLD_OVER, "outbound_retries/delivery_duplicate", Batch(("duplicate",))),
    (HOLD_OVER, "outbound_retries/delivery_rejected", Batch(("removed",))),
    (HOLD_OVER, "outbound_retries/delivery_malformed", Batch(("malformed",), (FIRST,))),
    (HOLD_OVER, "outbound_webhooks/deliveries_ok", Answered(200)),
    (HOLD_OVER, "outbound_webhooks/retry_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "outbound_webhooks/enable_ok", Answered(200)),
    (HOLD_OVER, "outbound_webhooks/remove_ok", Answered(200)),
    (HOLD_OVER, "outbound_webhooks/remove_rejected", Answered(404, "not_found")),
    (HOLD_OVER, "members/enrol_colleague_ok", Answered(201)),
    (HOLD_OVER, "transfers/transfer_ok", Answered(201)),
    (HOLD_OVER, "transfers/transfer_duplicate", Answered(201, replayed=True)),
    (HOLD_OVER, "transfers/transfer_rejected", Answered(422, "transfer_not_permitted")),
    (HOLD_OVER, "transfers/transfer_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "transfers/share_ok", Answered(200)),
    (HOLD_OVER, "transfers/share_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "transfers/share_rejected", Answered(400, "invalid_request")),
    (HOLD_OVER, "transfers/share_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "transfers/sharing_ok", Answered(200)),
    (HOLD_OVER, "transfers/sharing_rejected", Answered(403, "forbidden")),
    (HOLD_OVER, "transfers/share_end_ok", Answered(200)),
    (HOLD_OVER, "transfers/merge_ok", Answered(200)),
    (HOLD_OVER, "transfers/merge_duplicate", Answered(200, replayed=True)),
    (HOLD_OVER, "transfers/merge_rejected", Answered(422, "merge_not_permitted")),
    (HOLD_OVER, "transfers/merge_malformed", Answered(400, "invalid_request")),
    (HOLD_OVER, "accrual/customers_merged_ok", Batch(("merged",))),
    (HOLD_OVER, "accrual/customers_merged_duplicate", Batch(("duplicate",))),
    (HOLD_OVER, "accrual/customers_merged_rejected", Batch(("merge_refused",), (FIRST,))),
    (HOLD_OVER, "accrual/purchase_refunded_ok", Batch(("posted",))),
    (HOLD_OVER, "accrual/purchase_voided_ok", Batch(("posted",))),
    (EXPIRED, "expiry/schedule_ok", Swept(1)),
    (EXPIRED, "expiry/schedule_duplicate", Swept(0)),
    (EXPIRED, "expiry/schedule_malformed", Swept(0)),
    (EXPIRED, "expiry/schedule_rejected", Swept(None)),
    (EXPIRED, "expiry/shard_ok", Batch(("shard_swept",))),
    (EXPIRED, "expiry/shard_duplicate", Batch(("shard_swept",))),
    (EXPIRED, "expiry/shard_rejected", Batch(("malformed",))),
    (EXPIRED, "expiry/shard_malformed", Batch(("malformed",))),
    (EXPIRED, "anniversary/schedule_ok", Swept(0)),
    (EXPIRED, "anniversary/schedule_duplicate", Swept(0)),
    (EXPIRED, "anniversary/schedule_malformed", Swept(0)),
    (EXPIRED, "anniversary/schedule_rejected", Swept(None)),
    (EXPIRED, "tier_review/schedule_ok", Swept(0)),
    (EXPIRED, "tier_review/schedule_duplicate", Swept(0)),
    (EXPIRED, "tier_review/schedule_malformed", Swept(0)),
    (EXPIRED, "tier_review/schedule_rejected", Swept(None)),
    (EXPIRED, "tier_review/shard_ok", Batch(("shard_swept",))),
    (EXPIRED, "tier_review/shard_duplicate", Batch(("shard_swept",))),
    (EXPIRED, "tier_review/shard_rejected", Batch(("malformed",))),
    (EXPIRED, "tier_review/shard_malformed", Batch(("malformed",))),
    (EXPIRED, "reconciliation/schedule_ok", Reconciled(0)),
    (EXPIRED, "reconciliation/schedule_duplicate", Reconciled(0)),
    (EXPIRED, "reconciliation/schedule_malformed", Reconciled(0)),
    (EXPIRED, "reconciliation/schedule_rejected", Reconciled(None)),
    (EXPIRED, "checkpoints/schedule_ok", Published(1)),
    (EXPIRED, "checkpoints/schedule_duplicate", Published(0)),
    (EXPIRED, "checkpoints/schedule_malformed", Published(0)),
    (EXPIRED, "checkpoints/schedule_rejected", Published(None)),
    (EXPIRED, "proofs/proof_ok", Answered(200)),
    (EXPIRED, "proofs/proof_rejected", Answered(404, "not_found")),
    (EXPIRED, "proofs/proof_malformed", Answered(400, "invalid_request")),
    (EXPIRED, "maturation/payment_reversed_ok", Batch(("posted",))),
    (EXPIRED, "members/erase_malformed", Answered(400, "idempotency_key_missing")),
    (EXPIRED, "members/erase_ok", Answered(200)),
    (EXPIRED, "members/erase_duplicate", Answered(200, replayed=True)),
    (EXPIRED, "members/erase_rejected", Answered(422, "member_inactive")),
)


def sample(name: str) -> Any:  # noqa: ANN401 - an event is of any shape
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


@dataclass
class Teller:
    """Plays samples and says how each ended."""

    deployed: Deployed
    told: list[str]

    def play(self, name: str) -> Outcome:
        function = name.partition("/")[0]
        event = sample(name)
        match function:
            case "accrual" | "maturation" | "simulations" | "notifications":
                return self._batch(function, event)
            case "outbound_events" | "outbound_deliveries" | "outbound_retries":
                return self._batch(function, event)
            case "hold_release" | "expiry" | "tier_review" if "Records" in event:
                return self._batch(function, event)
            case "hold_release" | "expiry" | "tier_review" | "anniversary":
                return self._sweep(function, event)
            case "reconciliation":
                return self._reconcile(event)
            case "checkpoints":
                return self._publish(event)
            case "ledger_events":
                return self._follow(event)
            case "report_totals":
                return self._count(event)
            case _ if "routeKey" in event:
                return self._answer(function, event)
            case _:
                return self._load(event)

    def _batch(self, function: str, event: Json) -> Batch:
        again = failures(self.deployed.invoke(function, event))
        lines = self.deployed.printed.lines
        return Batch(tuple(line.get("code") or line["message"] for line in lines), tuple(again))

    def _sweep(self, function: str, event: Json) -> Swept:
        try:
            return Swept(self.deployed.invoke(function, event)["posted"])
        except Exception:  # noqa: BLE001 - that it was refused is what the sample shows
            return Swept(None)

    def _reconcile(self, event: Json) -> Reconciled:
        try:
            return Reconciled(self.deployed.invoke("reconciliation", event)["differences"])
        except Exception:  # noqa: BLE001 - that it was refused is what the sample shows
            return Reconciled(None)

    def _publish(self, event: Json) -> Published:
        try:
            return Published(self.deployed.invoke("checkpoints", event)["published"])
        except Exception:  # noqa: BLE001 - that it was refused is what the sample shows
            return Published(None)

    def _follow(self, event: Json) -> Followed:
        try:
            self.deployed.invoke("ledger_events", event)
        except Exception:  # noqa: BLE001 - that the batch comes again is what the sample shows
            return Followed(None)
        events = tuple(each["detail-type"] for each in self.deployed.published())
        return Followed(events, len(self.deployed.woken()))

    def _count(self, event: Json) -> Counted:
        try:
            answer = self.deployed.invoke("report_totals", event)
        except Exception:  # noqa: BLE001 - that the batch comes again is what the sample shows
            return Counted(None)
        assert answer == {"state": {}}
        return Counted(self.deployed.printed.line()["ids"]["counted"])

    def _answer(self, function: str, event: Json) -> Answered:
        answered = self.deployed.invoke(function, event)
        return Answered(
            answered["statusCode"],
            json.loads(answered["body"])["code"]
            if answered["headers"]["content-type"] == "application/problem+json"
            else None,
            replayed="idempotency-replayed" in answered["headers"],
        )

    def _load(self, event: Json) -> Loaded:
        before = len(self.told)
        loaded = self.deployed.invoke("program", event)["loaded"]
        return Loaded(loaded, self.told[-1] if len(self.told) > before else None)


def taken(_: HttpCourier, _url: str, *, at: datetime, **_said: object) -> Try:
    """What an endpoint answers that takes everything."""
    return Try(at=at, outcome="delivered", status_code=204, duration_milliseconds=31)


def open_for_story(deployed: Deployed, patched: pytest.MonkeyPatch) -> Teller:
    """A stack without a program, with all that the samples reach, and ids as they name them."""
    ids = itertools.chain([MEMBER], (f"mbr_{n:016d}" for n in itertools.count()))
    patched.setattr(services, "_new_member_id", lambda: MemberId(next(ids)))
    codes = map(code_of, (n.to_bytes(RANDOM_BYTES) for n in itertools.count(20511)))
    patched.setattr(services, "_new_code", codes.__next__)
    told: list[str] = []

    def tell(_event: Json, *, status: str, reason: str) -> None:
        told.append(f"{status}{reason}")

    patched.setattr(deployment, "_answer", tell)
    id_ = SimulationId("sim_k7d2q4x5n3r6t2bz")
    patched.setattr(services, "_new_simulation_id", lambda: id_)
    deployed.set_up(None)
    deployed.hear()
    deployed.queue_simulations()
    deployed.queue_shards()
    deployed.open_post(Post())
    deployed.queue_outbound()
    patched.setattr(services, "_new_outbound_id", lambda: WEBHOOK.removeprefix("whk_"))
    patched.setattr(HttpCourier, "post", taken)
    deployed.make_last_resorts()
    deployed.make_bucket()
    deployed.open_pool()
    deployed.ship(None)
    return Teller(deployed, told)


@pytest.fixture(scope="module")
def story() -> Mapping[str, Outcome]:
    """How every sample ended, all of them played one after the other."""
    with pytest.MonkeyPatch.context() as patched, new_stack(patched) as deployed:
        teller = open_for_story(deployed, patched)
        ended: dict[str, Outcome] = {}
        for instant, name, _ in STORY:
            deployed.clock.now = datetime.fromisoformat(instant)
            ended[name] = teller.play(name)
    return ended


@pytest.mark.parametrize(("name", "expected"), [row[1:] for row in STORY], ids=str)
def test_a_sample_ends_as_its_name_says(
    name: str, expected: Outcome, story: Mapping[str, Outcome]
) -> None:
    assert story[name] == expected


def test_every_sample_is_played_by_a_test() -> None:
    used = {PROGRAM_SAMPLE, IMPORT_SAMPLE, *EXAMPLE_PROGRAMS.iterdir()}
    used |= {EVENTS / f"{name}.json" for _, name, _ in STORY}
    webhooks: Any = test_webhooks.test_every_sample_is_answered_and_logged_without_its_content
    [played] = webhooks.pytestmark
    used |= {EVENTS / "webhooks" / f"{name}.json" for name in played.args[1]}
    assert {path for path in EVENTS.rglob("*") if path.is_file()} == used


def test_every_function_has_a_sample_that_is_fine_and_one_that_is_not() -> None:
    folders = {path for path in EVENTS.iterdir() if path.is_dir()} - {EXAMPLE_PROGRAMS}
    for folder in sorted(folders):
        names = [path.stem for path in folder.iterdir()]
        assert any(name.endswith("_ok") for name in names), folder.name
        assert any(name.endswith(("_rejected", "_malformed")) for name in names), folder.name
