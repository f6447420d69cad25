"""The worker of mails: a batch of events of the bus, each handled by itself.

An event in quiet hours is hidden until they are over. It stays in its queue for that: a message can
be put off for at most twelve hours at a time, quiet hours last no longer, so it takes two of its
turns at most (docs/decisions/0017). What could not be sent now comes again as a failure does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from points_ledger.contracts.bus_events import EventMalformedError, correlation_of, read_told
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime.batch import (
    RESERVED_MILLISECONDS,
    Context,
    code_of,
    note_last_failure,
)
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import NONE, NotificationsSettings, load

if TYPE_CHECKING:
    from points_ledger.service.mailing import MailOutcome

LONGEST_HIDDEN_SECONDS: Final = 43_000
"""A message stays hidden for at most twelve hours from when it was received; some have passed."""

MAX_RECEIVES: Final = 8
"""After so many deliveries the queue of mails sets a message aside (template.yaml)."""

AGAIN: Final = frozenset({"quiet", "not_sent"})


def work(event: Mapping[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Mail each event of the batch; the answer names the messages that come again.

    Raises:
        SettingsError: the function cannot work at all: every message comes again.
    """
    settings = load(NotificationsSettings)
    with observability.invocation():
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not _is_done(record, context, settings)
        ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(record: Mapping[str, Any], context: Context, settings: NotificationsSettings) -> bool:
    observability.correlate(correlation_of(record["body"]))
    ids: dict[str, Identifier] = {"message_id": record["messageId"]}
    if context.get_remaining_time_in_millis() < RESERVED_MILLISECONDS:
        observability.log(Outcome(name="postponed", ids=ids), level="warning")
        return False
    try:
        told = read_told(record["body"])
        if told is None or settings.email_sender == NONE:
            observability.log(Outcome(name="ignored" if told is None else "mails_off", ids=ids))
            return True
        ids |= {"event": told.event, "member_id": told.member_id, "entry": told.number}
        outcome = services.mailing().tell(told)
        if outcome.again_at is not None:
            _hide(settings.notification_queue_url, record["receiptHandle"], outcome.again_at)
    except EventMalformedError:
        observability.log(Outcome(name="refused", code="malformed", ids=ids), level="error")
        note_last_failure(record, "malformed", {}, turns=MAX_RECEIVES)
        return False
    except Exception as error:  # noqa: BLE001 - one bad record must not take the others with it
        observability.log_failure(error, ids=ids)
        detail = {"error": type(error).__qualname__}
        note_last_failure(record, code_of(error), detail, turns=MAX_RECEIVES)
        return False
    _log(outcome, ids)
    if outcome.name in AGAIN:
        note_last_failure(record, outcome.code or outcome.name, {}, turns=MAX_RECEIVES)
    return outcome.name not in AGAIN


def _log(outcome: "MailOutcome", ids: Mapping[str, Identifier]) -> None:
    known = {**ids, "mail_id": outcome.message_id}
    level: observability.Level = (
        "warning" if outcome.name in ("unknown", "rejected", "not_sent") else "info"
    )
    name = outcome.name if outcome.name == "duplicate" else f"mail_{outcome.name}"
    observability.log(Outcome(name=name, code=outcome.code, ids=known), level=level)


def _hide(queue_url: str, receipt_handle: str, until: datetime) -> None:
    """See that a message comes again when it may be mailed; else it comes when the queue thinks."""
    seconds = int((until - bootstrap.utc_now()).total_seconds()) + 1
    try:
        bootstrap.sqs().change_message_visibility(
            QueueUrl=queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=max(0, min(seconds, LONGEST_HIDDEN_SECONDS)),
        )
    except ClientError:
        observability.count("message_not_hidden")
