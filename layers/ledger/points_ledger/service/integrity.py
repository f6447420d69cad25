"""What the reconciliation found, and how far it has come.

One item holds both: the run that is under way or was the last one, and the one that was finished
before it. It is written page by page under its revision, so two workers never count a page twice.
"""

from dataclasses import field
from datetime import datetime
from typing import Final, Literal, Protocol

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import MemberId
from points_ledger.domain.reconciliation import Invariant

MAX_FINDINGS: Final = 100
"""Differences that a run keeps; `difference_count` counts further ones too."""

CHANGED_SHARDS: Final = 4
"""Parts of the notes of whose ledger was written in an hour."""

RunStatus = Literal["running", "done"]
Phase = Literal["open", "changed", "sample", "done"]
"""First who had a difference before, then who was written, then a part of everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing of one member that is not as it has to be.

    Attributes:
        entry: the number of the entry that shows it, where one does.
        detail: numbers, ids of purchases and names of fields; never personal data.
        found_at: when it was first found.
        frozen: whether the member was frozen for it.
    """

    member_id: MemberId
    invariant: Invariant
    entry: int | None
    detail: str
    found_at: datetime
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the reconciliation.

    Attributes:
        now: the time that it goes by.
        phase, place: what is checked next, and where in it.
        changed, sampled: members checked because they were written, or because it was their turn.
        failed: members that could not be read to an end; they come again with the next run.
        rearmed: due markers made again.
        difference_count: members with a difference.
    """

    now: datetime
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    phase: Phase = "open"
    place: str | None = None
    checked: int = 0
    changed: int = 0
    sampled: int = 0
    failed: int = 0
    rearmed: int = 0
    frozen: int = 0
    difference_count: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def status(self) -> RunStatus:
        """Whether it goes on with the next invocation."""
        return "running" if self.finished_at is None else "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The reconciliation of a stack.

    Attributes:
        revision: counts stored changes.
        run: under way, or the last one; None before the first.
        previous: the last one that was finished before `run`.
        covered_until: everybody written in hours before this one was checked since.
        sample_shard, sample_cursor: where in the directory of members the next sample begins.
    """

    revision: int = 0
    run: Run | None = None
    previous: Run | None = None
    covered_until: datetime | None = None
    sample_shard: int = 0
    sample_cursor: str | None = None

    @property
    def last(self) -> Run | None:
        """The last run that was finished."""
        return self.run if self.run is not None and self.run.status == "done" else self.previous

    @property
    def running(self) -> Run | None:
        """The run that is under way."""
        return self.run if self.run is not None and self.run.status == "running" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPage:
    """Members written in an hour, in no order that matters; `cursor` None at the end."""

    members: tuple[MemberId, ...] = field(default=())
    cursor: str | None = None


class IntegrityStore(Protocol):
    """The reconciliation's own items."""

    def integrity(self) -> Integrity:
        """How far it has come, read consistently; empty at first."""

    def save(self, integrity: Integrity, *, expected: int) -> bool:
        """Store it if its stored revision is `expected`; whether it was."""

    def changed(self, hour: datetime, shard: int, *, limit: int, cursor: str | None) -> ChangedPage:
        """Members that were written in an hour."""
