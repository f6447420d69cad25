"""Taking an existing program over: members, their customers and their opening lots, row by row.

A row is a request of its file: the natural key is file id and row id, so that a file that is
imported again, in whole or from where it stopped, changes nothing more.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from points_ledger.domain.calendar import local_day
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    MemberInactiveError,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.opening import opening
from points_ledger.domain.program import Program
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import Standing
from points_ledger.service.anniversaries import anniversary_writes
from points_ledger.service.enrolling import linking_writes, owner_of
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.ports import (
    Create,
    ExternalLink,
    GuardHead,
    Profile,
    Request,
    RequestKey,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs

OPEN_STATUSES: Final = ("active", "frozen")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A member and at most one lot of theirs.

    Attributes:
        file_id, row_id: the natural key.
        fingerprint: what the row says, so that another row under its key is noticed.
        external_ids: by which a member is known; a row of a known member leaves what is known of
            the person as it is.
        points: 0 for no lot.
        last_day: of the lot.
    """

    file_id: str
    row_id: str
    fingerprint: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    standing: Standing
    external_ids: tuple[ExternalId, ...] = ()
    points: int = 0
    last_day: date | None = None

    @property
    def caller(self) -> str:
        """Who asks: the file."""
        return f"import:{self.file_id}"

    @property
    def request(self) -> RequestKey:
        """Under which the row is done once and for all."""
        return RequestKey(caller=self.caller, key=self.row_id)

    @property
    def source(self) -> EarningKey:
        """How the entry names the row."""
        id_ = f"{self.file_id}:{self.row_id}"
        return EarningKey(source="points-ledger", kind="import", id=id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a row: whose it is, whether it made the member, and how much it opened."""

    member_id: MemberId
    created: bool
    opened: int
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """Imports rows."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]

    def take(self, row: ImportRow) -> Imported:
        """Enrol the member of a row where nobody has its external ids, and open its lot.

        Raises:
            InvalidRequestError: the external ids belong to different members, or the lot's last
                day is over.
            LimitExceededError: the member would have too many external ids.
            MemberInactiveError: the member is closed.
            IdempotencyKeyReusedError: the row said something else when it was imported before.
            ConflictError: other writers won too often; import the file again.
        """
        return self.path.run(lambda view: self._decide(view, row))

    def check(self, row: ImportRow) -> Imported:
        """What would become of a row now, with nothing written.

        Raises:
            Rejection: see `take`.
        """
        return self._decide(View(self.path.store), row).result

    def _decide(self, view: View, row: ImportRow) -> Decision[Imported]:
        view.load(row.request, *row.external_ids)
        first = view.first_answer(row.request, row.fingerprint)
        if first is not None:
            return _repeated(first)
        owner = owner_of(view, row.external_ids)
        now = latest(self.clock(), [owner] if owner else [])
        program = self.programs.at(now)
        if row.last_day is not None and row.last_day < local_day(now, program.zone):
            raise InvalidRequestError((FieldError("last_day", "is over"),))
        if owner is None:
            member_id, entries, more = self._enrolled(row, now, program)
        else:
            if owner.state.standing.status not in OPEN_STATUSES:
                raise MemberInactiveError(owner.state.standing.status)
            member_id, entries = owner.member_id, ()
            more = linking_writes(view, owner.member_id, row.external_ids, now)
        head = entries[-1] if entries else owner
        assert head is not None
        entries = (*entries, *_opened(head, row, now, program))
        guard = () if entries else (GuardHead(member_id=head.member_id, number=head.number),)
        done = Imported(member_id=member_id, created=owner is None, opened=row.points)
        result = {"member_id": member_id, "created": done.created, "opened": done.opened}
        request = Request(key=row.request, fingerprint=row.fingerprint, result=json.dumps(result))
        posted = posting_writes(entries, [owner] if owner else [], program)
        return Decision(result=done, writes=(*posted, *guard, *more, Create(item=request)))

    def _enrolled(
        self, row: ImportRow, now: datetime, program: Program
    ) -> tuple[MemberId, tuple[Entry, ...], tuple[Write, ...]]:
        member_id = self.new_member_id()
        posting = enrolment(at=now, standing=row.standing, actor=row.caller, source=row.source)
        profile = Profile(
            member_id=member_id,
            name=row.name,
            email=row.email,
            phone=row.phone,
            birthday=row.birthday,
            external_ids=row.external_ids,
            created_at=now,
            updated_at=now,
        )
        links = (
            Create(item=ExternalLink(external_id=each, member_id=member_id, linked_at=now))
            for each in row.external_ids
        )
        entry = chain(None, member_id, posting, now)
        days = anniversary_writes(None, profile, now=now, zone=program.zone)
        return member_id, (entry,), (*links, *profile_writes(None, profile), *days)


def _repeated(first: Mapping[str, Any]) -> Decision[Imported]:
    return Decision(
        result=Imported(
            member_id=MemberId(first["member_id"]),
            created=first["created"],
            opened=first["opened"],
            replayed=True,
        )
    )


def _opened(head: Entry, row: ImportRow, now: datetime, program: Program) -> tuple[Entry, ...]:
    if not row.points:
        return ()
    assert row.last_day is not None
    before: tuple[Entry, ...] = ()
    settling = settlement(head.state, now=now, program=program, actor=row.caller)
    if settling is not None:
        head = chain(head, head.member_id, settling, now)
        before = (head,)
    posting = opening(
        head.state,
        points=row.points,
        last_day=row.last_day,
        source=row.source,
        now=now,
        program=program,
        actor=row.caller,
    )
    return (*before, chain(head, head.member_id, posting, now))
