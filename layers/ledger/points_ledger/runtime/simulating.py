"""The worker of backtests: each message names one, and is worked on for as long as there is time.

A backtest that is not done when the time is over, or whose worker fails, comes again at once: its
message is given back to the queue, never sent anew, for a function that sends to its own queue
would be stopped as a loop. What was counted by then is stored (service/backtest_job.py).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from points_ledger.adapters.sqs import SIMULATION_FIELD, SimulationMessages
from points_ledger.domain.identity import SimulationId
from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime.batch import CORRELATION_ATTRIBUTE, Context
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import ProgramSettings, load

RESERVED_MILLISECONDS: Final = 30_000
"""No page is begun with less time left than a large one may need."""
HIDDEN_SECONDS: Final = 150
"""How long nobody else gets a message that is worked on: the time of a function and some more, so
that a backtest whose worker was killed goes on soon after."""
AT_ONCE: Final = 0


def work(event: Mapping[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Go on with each backtest of the batch; the answer names the messages that come again.

    Raises:
        SettingsError: the function cannot work at all: every message comes again.
    """
    queue_url = load(ProgramSettings).simulation_queue_url
    messages = SimulationMessages(client=bootstrap.sqs(), queue_url=queue_url)
    with observability.invocation():
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not _is_done(record, context, messages)
        ]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _is_done(record: Mapping[str, Any], context: Context, messages: SimulationMessages) -> bool:
    attribute = record.get("messageAttributes", {}).get(CORRELATION_ATTRIBUTE, {})
    observability.correlate(attribute.get("stringValue"))
    ids: dict[str, Identifier] = {"message_id": record["messageId"]}
    simulation_id = _named(record["body"])
    if simulation_id is None:
        # It would be handed out as often as a large ledger needs, and be no better then.
        observability.log(Outcome(name="refused", code="malformed", ids=ids), level="error")
        return True
    ids["simulation_id"] = simulation_id
    handle = record["receiptHandle"]
    try:
        _hide(messages, handle, seconds=HIDDEN_SECONDS)
        outcome = services.backtest_job().run(
            simulation_id,
            has_time=lambda: context.get_remaining_time_in_millis() > RESERVED_MILLISECONDS,
        )
    except Exception as error:  # noqa: BLE001 - one bad message must not take the others with it
        observability.log_failure(error, ids=ids)
        return False
    observability.log(Outcome(name=outcome, ids=ids))
    if outcome != "out_of_time":
        return True
    _hide(messages, handle, seconds=AT_ONCE)
    return False


def _hide(messages: SimulationMessages, handle: str, *, seconds: int) -> None:
    """Say when the message comes again; where the queue refuses, it comes when the queue thinks."""
    try:
        messages.hide(handle, seconds=seconds)
    except ClientError:
        observability.count("message_not_hidden")


def _named(body: str) -> SimulationId | None:
    """The backtest that a message is about; None where it is no such message."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    named = message.get(SIMULATION_FIELD) if isinstance(message, dict) else None
    return SimulationId(named) if isinstance(named, str) and named else None
