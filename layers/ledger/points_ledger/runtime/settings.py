"""The only reader of the environment: one settings class per function.

A field is the variable of the same name in lower case, and every field is required: a variable
that is missing or blank stops the function before its handler runs. Plain dataclasses rather than
pydantic models, because the webhook function is to start without pydantic (importing it costs as
much as everything else that this package imports together; docs/benchmarks.md).
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final, TypeVar

from points_ledger.domain.dataclass import dataclass

NONE: Final = "none"
"""What a variable says that may be nothing: a blank one would be missing."""

_FLAGS: Final[Mapping[str, bool]] = MappingProxyType({"true": True, "false": False})


@dataclass(eq=False)
class SettingsError(Exception):
    """The environment is not what the function needs; `variables` are missing or unreadable."""

    variables: tuple[str, ...]

    def __str__(self) -> str:
        """Names only: a value may be a secret."""
        return f"missing or unreadable variables: {', '.join(self.variables)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every function has; Powertools reads these three by itself."""

    powertools_service_name: str
    powertools_metrics_namespace: str
    powertools_log_level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksSettings(Settings):
    """Function webhooks."""

    webhook_secret_arn: str
    earning_queue_url: str
    payment_queue_url: str
    stripe_api_url: str
    square_api_url: str
    square_notification_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings(Settings):
    """Functions that read and post: accrual, maturation, redemption, members, program."""

    table_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings(LedgerSettings):
    """What every function with a schedule has."""

    allow_future_schedules: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings(ScheduleSettings):
    """Sweeps; `sweep_parallelism` is how many visits one worker has in flight at most."""

    sweep_parallelism: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedSweepSettings(SweepSettings):
    """Sweeps whose crowded hours are left to workers: hold_release, expiry, tier_review."""

    sweep_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSettings(LedgerSettings):
    """Functions program, which sends backtests to their queue, and simulations, their worker."""

    simulation_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsSettings(Settings):
    """Function sessions."""

    people_client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingSettings(LedgerSettings):
    """Function messaging; `mail_key_arn` names the secret that signs links in mails."""

    mail_key_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsSettings(MessagingSettings):
    """Function notifications.

    `email_sender` and `email_reply_to` are addresses, or `NONE`; `{api_id}` in the addresses of API
    and portal stands for the API's own id.
    """

    notification_queue_url: str
    email_sender: str
    email_reply_to: str
    api_id: str
    public_api_url: str
    portal_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationsSettings(LedgerSettings):
    """Function invitations; ledger_events takes away what it made."""

    user_pool_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEventsSettings(InvitationsSettings):
    """Function ledger_events."""

    event_bus_name: str
    earning_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationSettings(ScheduleSettings):
    """Function reconciliation."""

    event_bus_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointsSettings(ScheduleSettings):
    """Function checkpoints."""

    checkpoint_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofsSettings(LedgerSettings):
    """Function proofs."""

    checkpoint_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsSettings(LedgerSettings):
    """Function operations: all queues of last resort, and the address of one of them."""

    last_resorts: str
    sibling_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundWebhooksSettings(LedgerSettings):
    """Function outbound_webhooks."""

    outbound_allow_loopback: bool
    outbound_deliveries_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundEventsSettings(LedgerSettings):
    """Function outbound_events."""

    outbound_deliveries_queue_url: str
    outbound_retries_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundTriesSettings(LedgerSettings):
    """What both workers of deliveries have; the delays are seconds, parted by commas."""

    outbound_allow_loopback: bool
    outbound_retry_delays_seconds: str
    outbound_retries_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundDeliveriesSettings(OutboundTriesSettings):
    """Function outbound_deliveries."""

    outbound_deliveries_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRetriesSettings(OutboundTriesSettings):
    """Function outbound_retries."""

    outbound_retries_dead_letters_queue_url: str


FUNCTION_SETTINGS: Final[Mapping[str, type[Settings]]] = MappingProxyType(
    {
        "webhooks": WebhooksSettings,
        "accrual": LedgerSettings,
        "maturation": LedgerSettings,
        "hold_release": QueuedSweepSettings,
        "redemption": LedgerSettings,
        "expiry": QueuedSweepSettings,
        "anniversary": SweepSettings,
        "tier_review": QueuedSweepSettings,
        "members": LedgerSettings,
        "accounts": LedgerSettings,
        "adjustments": LedgerSettings,
        "actions": LedgerSettings,
        "rewards": LedgerSettings,
        "transfers": LedgerSettings,
        "program": ProgramSettings,
        "simulations": ProgramSettings,
        "invitations": InvitationsSettings,
        "ledger_events": LedgerEventsSettings,
        "notifications": NotificationsSettings,
        "messaging": MessagingSettings,
        "report_totals": LedgerSettings,
        "portal": Settings,
        "sessions": SessionsSettings,
        "reports": LedgerSettings,
        "operations": OperationsSettings,
        "outbound_webhooks": OutboundWebhooksSettings,
        "outbound_events": OutboundEventsSettings,
        "outbound_deliveries": OutboundDeliveriesSettings,
        "outbound_retries": OutboundRetriesSettings,
        "reconciliation": ReconciliationSettings,
        "checkpoints": CheckpointsSettings,
        "proofs": ProofsSettings,
    }
)
"""By the name of the function's folder; a template test compares it with template.yaml."""

AnySettings = TypeVar("AnySettings", bound=Settings)


def variables(settings_class: type[Settings]) -> frozenset[str]:
    """The names of the variables that a function needs."""
    return frozenset(field.name.upper() for field in fields(settings_class))


def read(settings_class: type[AnySettings], environment: Mapping[str, str]) -> AnySettings:
    """Build settings from an environment.

    Raises:
        SettingsError: a variable is missing, blank, or neither "true" nor "false" for a flag; it
            names all of them at once.
    """
    values: dict[str, str | bool] = {}
    wrong: list[str] = []
    for field in fields(settings_class):
        variable = field.name.upper()
        text = environment.get(variable, "").strip()
        value = _FLAGS.get(text) if field.type is bool else text
        if value is None or value == "":
            wrong.append(variable)
        else:
            values[field.name] = value
    if wrong:
        raise SettingsError(tuple(wrong))
    return settings_class(**values)  # type: ignore[arg-type]  # checked field by field above


def load(settings_class: type[AnySettings]) -> AnySettings:
    """The settings of this process.

    Raises:
        SettingsError: see `read`.
    """
    return read(settings_class, os.environ)
