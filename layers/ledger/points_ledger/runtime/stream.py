"""Following the table's stream.

A new entry becomes an event, and so does what waits for a second person; the scores that an entry
changes are copied to their leaderboards. The entry that erases a person takes free text and
sign-ins away. A customer or a payment that has just become known wakes what waited for it: the
facts go to their queue again. An entry that changed or vanished is an alarm, because nothing in
this system can do that.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from points_ledger.adapters.dynamodb import Change, read_change
from points_ledger.adapters.eventbridge import EventBus, OutgoingEvent
from points_ledger.adapters.sqs import MAX_FACTS, FactQueues
from points_ledger.contracts.events import (
    APPROVAL_REQUESTED,
    EVENT_NAMES,
    INCONSISTENT,
    TIER_CHANGED,
    approval_detail,
    entry_detail,
    event_id,
    tier_detail,
    tier_event_id,
)
from points_ledger.domain.challenge import BOARD
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import EarningReconsidered, Fact
from points_ledger.domain.identity import MemberId
from points_ledger.runtime import bootstrap, observability, operations, services
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.runtime.settings import LedgerEventsSettings, load
from points_ledger.service.integrity import CHANGED_SHARDS
from points_ledger.service.ports import Approval, ExternalLink, PaymentLink

ACTOR = "stream:ledger_events"

MAX_NOTED: Final = 10_000
_noted: set[tuple[datetime, MemberId]] = set()
"""What this process has noted already."""


def follow(event: Mapping[str, Any]) -> None:
    """Publish and wake for each record of a batch, in order.

    Raises:
        Exception: something could not be published or queued; the batch has to come again.
    """
    with observability.invocation():
        try:
            changes = [read_change(record) for record in event["Records"]]
            for member_ids in map(_erased, changes):
                _forget(member_ids)
            for entry in (entry for change in changes for entry in _scored(change)):
                services.leaderboards().keep(entry)
            events = [told for change in changes for told in _events(change)]
            note_changes(changes)
            event_bus().publish(events)
            woken = _wake(changes)
        except Exception as error:
            observability.log_failure(error)
            raise
        for told in events:
            _log_published(told)
        observability.correlate(None)
        ids = {"records": len(changes), "events": len(events), "woken": woken}
        observability.log(Outcome(name="followed", ids=ids))


def _log_published(event: OutgoingEvent) -> None:
    """One line for each event, under what it was written for: it is found by either."""
    observability.correlate(event.correlation_id)
    ids: dict[str, Identifier] = {"event": event.name, "event_id": event.id}
    observability.log(Outcome(name="published", ids=ids))


def _wake(changes: Iterable[Change]) -> int:
    """Queue again what waited, under what has woken it; how many facts."""
    woken: dict[str, list[Fact]] = {}
    for change in changes:
        woken.setdefault(change.correlation_id or ACTOR, []).extend(_woken(change))
    for correlation_id, facts in woken.items():
        for first in range(0, len(facts), MAX_FACTS):
            batch = facts[first : first + MAX_FACTS]
            queues().send(batch, actor=ACTOR, correlation_id=correlation_id)
    return sum(map(len, woken.values()))


def note_changes(changes: Iterable[Change]) -> None:
    """Note whose ledger was written, for the reconciliation: once an hour for each member."""
    hour = bootstrap.utc_now().replace(minute=0, second=0, microsecond=0)
    written = {change.written_of for change in changes if change.written_of is not None}
    if len(_noted) > MAX_NOTED:
        _noted.clear()
    missing = sorted(member_id for member_id in written if (hour, member_id) not in _noted)
    if missing:
        operations.changes().note(missing, hour=hour, shard_count=CHANGED_SHARDS)
        _noted.update((hour, member_id) for member_id in missing)


def _events(change: Change) -> Iterable[OutgoingEvent]:
    if change.broken_entry is not None:
        member_id, number = change.broken_entry
        observability.log(
            Outcome(name="inconsistent", ids={"member_id": member_id, "entry": number}),
            level="error",
        )
        yield OutgoingEvent(
            name=INCONSISTENT,
            id=f"{event_id(member_id, number)}#{change.kind}",
            at=change.at,
            detail={"member_id": member_id, "entry": number, "change": change.kind},
        )
    elif isinstance(change.inserted, Entry):
        entry = change.inserted
        yield OutgoingEvent(
            name=EVENT_NAMES[entry.posting.type],
            id=event_id(entry.member_id, entry.number),
            at=entry.recorded_at,
            detail=entry_detail(entry),
            correlation_id=change.correlation_id,
        )
        changed_tier = tier_detail(entry)
        if changed_tier is not None:
            yield OutgoingEvent(
                name=TIER_CHANGED,
                id=tier_event_id(entry.member_id, entry.number),
                at=entry.recorded_at,
                detail=changed_tier,
                correlation_id=change.correlation_id,
            )
    elif isinstance(change.inserted, Approval):
        approval = change.inserted
        yield OutgoingEvent(
            name=APPROVAL_REQUESTED,
            id=approval.approval_id,
            at=approval.created_at,
            detail=approval_detail(approval),
            correlation_id=change.correlation_id,
        )


def _erased(change: Change) -> tuple[MemberId, ...]:
    """Under which ids somebody was known who has just been erased; none of any other change."""
    entry = change.inserted
    if not isinstance(entry, Entry) or entry.state.standing.status != "erased":
        return ()
    return (entry.member_id, *entry.state.standing.aliases)


def _forget(member_ids: tuple[MemberId, ...]) -> None:
    """Take away free text, in case the erasure ended before it had, and what they sign in with."""
    for member_id in member_ids:
        services.reader().erase_notes(member_id)
    if member_ids:
        services.inviting().forget(member_ids)


def _scored(change: Change) -> Iterable[Entry]:
    """Entries that change a score on a leaderboard."""
    entry = change.inserted
    if isinstance(entry, Entry) and any(name.startswith(BOARD) for name in entry.posting.counters):
        yield entry


def _woken(change: Change) -> Iterable[Fact]:
    match change.inserted:
        case ExternalLink(external_id=external_id):
            for key in services.reader().waiting(external_id):
                yield EarningReconsidered(purchase=key)
        case PaymentLink(payment=payment):
            yield from services.reader().parked(payment)
        case _:
            return


@cache
def event_bus() -> EventBus:
    """The stack's event bus."""
    return EventBus(client=bootstrap.events(), bus_name=load(LedgerEventsSettings).event_bus_name)


@cache
def queues() -> FactQueues:
    """The queue of facts about sales: nothing about payments ever waits."""
    return FactQueues(
        client=bootstrap.sqs(), earning_queue_url=load(LedgerEventsSettings).earning_queue_url
    )
