"""What is done about members rather than points, at a desk where a party of them is known."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Final

from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.state import Standing
from points_ledger.service.erasing import Erased, EraseMember, Erasing
from points_ledger.service.exporting import Exported, Exporting
from points_ledger.service.finding import Finding, Search
from points_ledger.service.importing import Imported, Importing, ImportRow
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import ExternalLink, Profile, ProfileKey, RequestKey
from points_ledger.service.standing import Changed, ChangeMember, Changing
from points_ledger.service.statements import Statement, Statements
from tests.service.desk import Desk, customer_id
from tests.service.party import ADA, party

ALL: Final = 1_000


class Registry:
    """The services about members, on the store of a desk."""

    def __init__(self, rules: Program | None = None) -> None:
        self.desk: Desk = party(rules)
        desk = self.desk
        path = WritePath(store=desk.store, pause=lambda _: None)
        self.changing = Changing(
            path=path, programs=desk.programs, clock=desk.clock, recording=desk.recording
        )
        self.erasing = Erasing(
            path=path, programs=desk.programs, clock=desk.clock, personal_data=desk.memory
        )
        self.importing = Importing(
            path=path,
            programs=desk.programs,
            clock=desk.clock,
            new_member_id=desk._new_member_id,
        )
        self.finding = Finding(store=desk.store, lists=desk.memory)
        self.statements = Statements(store=desk.store, reader=desk.memory, programs=desk.programs)
        self.exporting = Exporting(
            store=desk.store,
            reader=desk.memory,
            personal_data=desk.memory,
            queries=desk.queries,
        )

    # ---- Commands

    def change(
        self,
        member_id: MemberId = ADA,
        *,
        key: str | None = "change-1",
        personal: Mapping[str, str | None] | None = None,
        customers: tuple[str, ...] = (),
        **standing: object,
    ) -> Changed:
        command = ChangeMember(
            request=RequestKey(caller="staff", key=key) if key is not None else None,
            fingerprint=f"{member_id} {personal} {customers} {standing}",
            actor="staff",
            member_id=member_id,
            personal=personal or {},
            standing=standing,
            external_ids=tuple(map(customer_id, customers)),
        )
        return self.changing.change(command)

    def erase(self, member_id: MemberId = ADA, *, key: str = "erase-1") -> Erased:
        command = EraseMember(
            request=RequestKey(caller="admin", key=key),
            fingerprint=member_id,
            actor="admin",
            member_id=member_id,
        )
        return self.erasing.erase(command)

    def take(
        self,
        row_id: str = "row-1",
        *,
        file_id: str = "file-1",
        points: int = 0,
        last_day: date | None = None,
        customers: tuple[str, ...] = (),
        name: str | None = "Ida",
    ) -> Imported:
        row = import_row(row_id, file_id, points, last_day, customers, name)
        return self.importing.take(row)

    # ---- What there is

    def find(self, search: Search, *, limit: int = 25) -> list[MemberId]:
        found, cursor = self.finding.find(search, limit=limit, cursor=None)
        assert cursor is None
        return [each.member_id for each in found]

    def statement(
        self, month: date, member_id: MemberId = ADA, *, begin: int | None = None, limit: int = ALL
    ) -> Statement:
        return self.statements.statement(member_id, month, begin=begin, limit=limit)

    def export(
        self, member_id: MemberId = ADA, *, limit: int = ALL, cursor: str | None = None
    ) -> Exported:
        return self.exporting.export(member_id, limit=limit, cursor=cursor)

    def profile(self, member_id: MemberId = ADA) -> Profile | None:
        key = ProfileKey(member_id=member_id)
        found = self.desk.memory.get([key]).get(key)
        assert found is None or isinstance(found, Profile)
        return found

    def linked(self, customer: str) -> MemberId | None:
        key = customer_id(customer)
        found = self.desk.memory.get([key]).get(key)
        assert found is None or isinstance(found, ExternalLink)
        return found.member_id if found else None

    def external_ids(self, member_id: MemberId = ADA) -> tuple[ExternalId, ...]:
        profile = self.profile(member_id)
        assert profile is not None
        return profile.external_ids


def import_row(
    row_id: str,
    file_id: str,
    points: int,
    last_day: date | None,
    customers: tuple[str, ...],
    name: str | None,
) -> ImportRow:
    said = f"{points} {last_day} {customers} {name}"
    return ImportRow(
        file_id=file_id,
        row_id=row_id,
        fingerprint=hashlib.sha256(said.encode()).hexdigest(),
        name=name,
        standing=Standing(organisation="acme"),
        external_ids=tuple(map(customer_id, customers)),
        points=points,
        last_day=last_day,
    )
