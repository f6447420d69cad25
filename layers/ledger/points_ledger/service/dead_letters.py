"""What failed for good and lies in a queue of last resort: looking at it, and trying it again.

A look takes messages out for some seconds and gives them back: it removes nothing. A message that
is tried again is sent first and removed after, so whoever is killed in between leaves it where it
was, and it is tried twice; every worker here takes the same thing twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import FieldError, InvalidRequestError

MAX_LOOKED: Final = 100
"""Messages of one queue that one look goes through, and the most that one call tries again."""
MAX_SOUGHT: Final = 500
"""Messages of one queue that are gone through for those that were named."""
MAX_NAMED: Final = 100

LastResortKind = Literal["queue", "function", "schedule", "stream"]
"""What failed: messages of a queue, invocations of a function, starts of schedules, or records of
the table's stream, of which only the position is kept."""

CannotReason = Literal["stream_position", "unreadable", "not_sent"]
"""Why a message was not tried again: what it stands for is no longer there to be sent, it names
nothing that could be sent, or what it was sent to did not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastResort:
    """A queue of last resort.

    Attributes:
        name: how it is called outside, such as `earning_events_dead_letters`.
        queue: the queue's own name.
        target: where its messages are tried again: the name of a queue or of a function; empty
            where each message says so itself.
    """

    name: str
    queue: str
    kind: LastResortKind
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message as a look found it.

    Attributes:
        receipt: what gives it back or removes it.
        first_seen: when it was sent first, before it failed.
        received: how often it was handed out, looks included.
    """

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    first_seen: datetime
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureNote:
    """Why a message failed the last time: a code, and ids and field names, never content."""

    message_id: str
    code: str
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A call of a function with what it was called with before."""

    function: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message of a queue of last resort, and why it is there as far as is known."""

    last_resort: LastResort
    message: HeldMessage
    note: FailureNote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """How many messages a queue of last resort has, as the queue itself estimates."""

    last_resort: LastResort
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPage:
    """Dead letters by queue, the oldest first; `place` is that of the last, None at the end."""

    dead_letters: tuple[DeadLetter, ...]
    counts: tuple[QueueCount, ...]
    place: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """What one call tried again.

    Attributes:
        message_ids: of the messages that were sent again and removed here.
        not_redriven: those that stay, and why.
        not_found: named, and not seen in the queue.
        remaining: how many the queue has now, as it estimates.
    """

    message_ids: tuple[str, ...]
    not_redriven: Mapping[str, CannotReason]
    not_found: tuple[str, ...]
    remaining: int


class NotSentError(Exception):
    """What a message was sent to did not take it; the message stays."""


class LastResortQueues(Protocol):
    """The queues themselves, by their own names."""

    def count(self, queue: str) -> int:
        """How many messages there are, those that somebody looks at included."""

    def take(self, queue: str, *, limit: int) -> Sequence[HeldMessage]:
        """Up to `limit` messages, each once, hidden from others for some seconds."""

    def give_back(self, queue: str, messages: Sequence[HeldMessage]) -> None:
        """Show messages to others again, at once."""

    def send(self, queue: str, message: HeldMessage) -> None:
        """Put the message into another queue, with its attributes.

        Raises:
            NotSentError: it was not taken.
        """

    def remove(self, queue: str, message: HeldMessage) -> None:
        """Take a message away for good."""


class Functions(Protocol):
    """The functions, by their own names."""

    def start(self, invocation: Invocation) -> None:
        """Call a function without waiting for it.

        Raises:
            NotSentError: the call was not taken.
        """


class FailureNotes(Protocol):
    """Why messages failed."""

    def note(self, note: FailureNote) -> None:
        """Keep why a message failed for as long as a queue keeps the message."""

    def notes(self, message_ids: Sequence[str]) -> Mapping[str, FailureNote]:
        """Why some messages failed, where that was noted."""


ReadInvocation = Callable[[LastResort, HeldMessage], Invocation | None]
"""What a message of a function or schedule asks for; None where it cannot be read."""
Gather = Callable[[Callable[[LastResort], QueueCount], Iterable[LastResort]], Iterable[QueueCount]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Shows what failed, and tries it again.

    Attributes:
        last_resorts: every queue of last resort of the stack, in the order in which they are shown.
        gather: how the queues are counted: one after the other, or side by side.
    """

    last_resorts: tuple[LastResort, ...]
    queues: LastResortQueues
    functions: Functions
    notes: FailureNotes
    read_invocation: ReadInvocation
    gather: Gather = map

    def page(self, *, queue: str | None, limit: int, after: str | None) -> DeadLetterPage:
        """A page of all dead letters, or of those in one queue, after a place.

        Raises:
            InvalidRequestError: there is no such queue.
            ValueError: the place is not one of this list.
        """
        looked_at = self.last_resorts if queue is None else (self._named(queue),)
        counts = tuple(self.gather(self._counted, looked_at))
        begin = self._place(after)
        found: list[DeadLetter] = []
        for count in counts:
            if count.messages == 0 or self._order(count.last_resort) < begin[0]:
                continue
            found += (each for each in self._look(count.last_resort) if self._sort(each) > begin)
            if len(found) > limit:
                break
        shown = sorted(found, key=self._sort)[:limit]
        more = len(found) > limit
        return DeadLetterPage(
            dead_letters=self._with_notes(shown),
            counts=counts,
            place=_written(shown[-1]) if more else None,
        )

    def redrive(self, queue: str, message_ids: Collection[str] | None) -> Redriven:
        """Try the messages of a queue again: those named, or all, at most MAX_LOOKED in one call.

        Raises:
            InvalidRequestError: there is no such queue.
        """
        last_resort = self._named(queue)
        wanted = None if message_ids is None else set(message_ids)
        held = list(self._sought(last_resort, wanted))
        chosen = [each for each in held if wanted is None or each.message_id in wanted]
        done: list[str] = []
        kept: dict[str, CannotReason] = {}
        left = {each.message_id: each for each in held}
        try:
            for message in chosen:
                reason = self._again(last_resort, message)
                if reason is None:
                    self.queues.remove(last_resort.queue, message)
                    done.append(message.message_id)
                    del left[message.message_id]
                else:
                    kept[message.message_id] = reason
        finally:
            self.queues.give_back(last_resort.queue, list(left.values()))
        seen = {each.message_id for each in held}
        return Redriven(
            message_ids=tuple(done),
            not_redriven=kept,
            not_found=tuple(sorted((wanted or set()) - seen)),
            remaining=self.queues.count(last_resort.queue),
        )

    def _again(self, last_resort: LastResort, message: HeldMessage) -> CannotReason | None:
        """Send one message where it failed; why that cannot be, None where it was sent."""
        try:
            match last_resort.kind:
                case "queue":
                    self.queues.send(last_resort.target, message)
                case "function" | "schedule":
                    invocation = self.read_invocation(last_resort, message)
                    if invocation is None:
                        return "unreadable"
                    self.functions.start(invocation)
                case "stream":
                    return "stream_position"
        except NotSentError:
            return "not_sent"
        return None

    def _look(self, last_resort: LastResort) -> Sequence[DeadLetter]:
        """What is in a queue; it is given back before anybody is told."""
        held = self.queues.take(last_resort.queue, limit=MAX_LOOKED)
        self.queues.give_back(last_resort.queue, held)
        return [DeadLetter(last_resort=last_resort, message=each, note=None) for each in held]

    def _sought(
        self, last_resort: LastResort, wanted: Collection[str] | None
    ) -> Sequence[HeldMessage]:
        if wanted is None:
            return self.queues.take(last_resort.queue, limit=MAX_LOOKED)
        held: list[HeldMessage] = []
        missing = set(wanted)
        while missing and len(held) < MAX_SOUGHT:
            more = self.queues.take(last_resort.queue, limit=MAX_LOOKED)
            if not more:
                break
            held += more
            missing -= {each.message_id for each in more}
        return held

    def _with_notes(self, shown: Sequence[DeadLetter]) -> tuple[DeadLetter, ...]:
        if not shown:
            return ()
        notes = self.notes.notes([each.message.message_id for each in shown])
        return tuple(
            DeadLetter(
                last_resort=each.last_resort,
                message=each.message,
                note=notes.get(each.message.message_id),
            )
            for each in shown
        )

    def _counted(self, last_resort: LastResort) -> QueueCount:
        return QueueCount(last_resort=last_resort, messages=self.queues.count(last_resort.queue))

    def _named(self, name: str) -> LastResort:
        for each in self.last_resorts:
            if each.name == name:
                return each
        message = "is not a queue of dead letters or failures"
        raise InvalidRequestError((FieldError("queue", message),))

    def _order(self, last_resort: LastResort) -> int:
        return self.last_resorts.index(last_resort)

    def _sort(self, letter: DeadLetter) -> tuple[int, str, str]:
        seen = letter.message.first_seen.isoformat()
        return self._order(letter.last_resort), seen, letter.message.message_id

    def _place(self, after: str | None) -> tuple[int, str, str]:
        if after is None:
            return (0, "", "")
        name, _, rest = after.partition(" ")
        seen, _, message_id = rest.partition(" ")
        places = [place for place, each in enumerate(self.last_resorts) if each.name == name]
        if not places or not message_id:
            raise ValueError("not a cursor of this list")
        return places[0], seen, message_id


def _written(letter: DeadLetter) -> str:
    message = letter.message
    return f"{letter.last_resort.name} {message.first_seen.isoformat()} {message.message_id}"
