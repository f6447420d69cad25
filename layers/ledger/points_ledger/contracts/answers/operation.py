"""What staff see of the machinery: dead letters, reconciliation, mails, outbound webhooks."""

from typing import Literal, TypedDict

from points_ledger.contracts.answers.common import Count, Cursor, Day, Instant
from points_ledger.domain.mail import MailedEvent
from points_ledger.domain.outbound import DeliveryStatus, DisabledBecause, TryOutcome
from points_ledger.domain.outbound import Status as EndpointStatus
from points_ledger.service.dead_letters import CannotReason


class DeadLetterAnswer(TypedDict):
    """A message that failed for good; `about` has kinds and ids, never what it says."""

    queue: str
    message_id: str
    first_seen: Instant
    received: Count
    reason: str | None
    failed_at: Instant | None
    about: dict[str, str]
    redrivable: bool


class QueueAnswer(TypedDict):
    """How many messages a queue of last resort has."""

    queue: str
    messages: Count
    redrivable: bool


class DeadLettersAnswer(TypedDict):
    """A page of what failed for good, queue by queue, the oldest first."""

    dead_letters: list[DeadLetterAnswer]
    queues: list[QueueAnswer]
    cursor: Cursor


class NotRedriven(TypedDict):
    """A message that was not tried again, and why."""

    message_id: str
    reason: CannotReason


class RedrivenAnswer(TypedDict):
    """What is tried again."""

    queue: str
    redriven: Count
    message_ids: list[str]
    not_redriven: list[NotRedriven]
    not_found: list[str]
    remaining: Count


class DifferenceAnswer(TypedDict):
    """A member who does not add up."""

    member_id: str
    invariant: str
    entry: Count | None
    detail: str
    found_at: Instant
    frozen: bool


class RunAnswer(TypedDict):
    """A run of the reconciliation."""

    status: Literal["running", "done"]
    scheduled_time: Instant
    started_at: Instant
    finished_at: Instant | None
    duration_seconds: Count
    checked: Count
    changed: Count
    sampled: Count
    failed: Count
    rearmed: Count
    frozen: Count
    difference_count: Count
    differences: list[DifferenceAnswer]


class DiscrepancyAnswer(TypedDict):
    """Totals that are not what their entries come to."""

    totals: str
    missing: dict[str, int]
    confirmed: bool
    healed: bool


class RecountAnswer(TypedDict):
    """A recount of the totals."""

    status: Literal["running", "done"]
    started_at: Instant
    finished_at: Instant | None
    until: Day
    members: Count
    entries: Count
    unreadable: Count
    conserved: bool | None
    differing: Count
    confirmed: Count
    healed: Count
    differences: list[DiscrepancyAnswer]


class IntegrityAnswer(TypedDict):
    """What the reconciliation found; runs are null where there is none."""

    status: Literal["unknown", "consistent", "inconsistent"]
    last: RunAnswer | None
    running: RunAnswer | None
    totals: RecountAnswer | None


QuietHoursAnswer = TypedDict("QuietHoursAnswer", {"from": str, "to": str})


class MailSettingsAnswer(TypedDict):
    """When no mails go out, and the language of whom none is known."""

    quiet_hours: QuietHoursAnswer | None
    default_language: str


class MailTemplateAnswer(TypedDict):
    """What a mail says."""

    event: MailedEvent
    language: str
    subject: str
    text: str
    html: str | None
    enabled: bool
    is_default: bool


class PlaceholdersAnswer(TypedDict):
    """What may stand in the templates of an event."""

    event: MailedEvent
    placeholders: list[str]


class TemplatesAnswer(TypedDict):
    """All templates in force."""

    revision: Count
    settings: MailSettingsAnswer
    templates: list[MailTemplateAnswer]
    events: list[PlaceholdersAnswer]
    languages: list[str]
    updated_at: Instant | None
    updated_by: str | None


class MailAnswer(TypedDict):
    """A mail as somebody would get it."""

    subject: str
    text: str
    html: str | None


class EndpointAnswer(TypedDict):
    """An endpoint of outbound webhooks; never its secret."""

    webhook_id: str
    url: str
    events: list[str] | None
    description: str | None
    status: EndpointStatus
    created_at: Instant
    failures: Count
    failing_since: Instant | None
    disabled_at: Instant | None
    disabled_because: DisabledBecause | None


class EndpointsAnswer(TypedDict):
    """All endpoints, oldest first."""

    outbound_webhooks: list[EndpointAnswer]


class RegisteredAnswer(EndpointAnswer):
    """A new endpoint; `secret` is null in a repeated answer once there is a newer one."""

    secret: str | None


class RemovedAnswer(TypedDict):
    """An endpoint that is told nothing more."""

    webhook_id: str
    status: Literal["removed"]


class SecretAnswer(TypedDict):
    """A new secret, null in a repeated answer once there is a newer one."""

    webhook_id: str
    secret: str | None
    previous_secret_until: Instant | None


class SentAnswer(TypedDict):
    """A delivery that is tried now."""

    delivery_id: str
    event_id: str


class AttemptAnswer(TypedDict):
    """One try of a delivery."""

    attempted_at: Instant
    outcome: TryOutcome
    status_code: int | None
    duration_milliseconds: Count


class DeliveryAnswer(TypedDict):
    """A delivery: its newest try first, then all that are kept."""

    delivery_id: str
    event_id: str
    type: str
    occurred_at: Instant
    status: DeliveryStatus
    attempt: Count
    attempted_at: Instant | None
    outcome: TryOutcome | None
    status_code: int | None
    duration_milliseconds: Count | None
    next_attempt_at: Instant | None
    attempts: list[AttemptAnswer]


class DeliveriesAnswer(TypedDict):
    """A page of deliveries, newest event first."""

    deliveries: list[DeliveryAnswer]
    cursor: Cursor
