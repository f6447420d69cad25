"""A history in which everything happens: every type of entry, two program versions, a merge.

`chronicle()` plays it on the services in memory. `exported` is what GET /members/{id}/export
answers about one of its members, as it comes out of JSON.
"""

import copy
import json
from datetime import date
from functools import cache
from typing import Any, Final

from local.home import ROOT
from points_ledger.contracts.export import exported_entry, exported_program, versions_named
from points_ledger.contracts.responses import balance_document
from points_ledger.contracts.stored_program import program_of
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.program import VersionPeriod
from points_ledger.domain.redemption import Ticket
from points_ledger.domain.state import Standing
from points_ledger.service.erasing import EraseMember, Erasing
from points_ledger.service.importing import Importing, ImportRow
from points_ledger.service.ports import (
    Committed,
    Create,
    ProgramVersion,
    RequestKey,
    Save,
    VersionList,
)
from tests.builders import (
    START,
    after,
    bounced,
    line,
    paid,
    performed,
    posted,
    purchase_key,
    refunded,
    voided,
)
from tests.service.desk import customer_id
from tests.service.office import Office

ADA: Final = MemberId("member-1")
BOB: Final = MemberId("member-2")
CLEO: Final = MemberId("member-3")

Json = dict[str, Any]


def documents() -> tuple[Json, Json]:
    """The first program, and the second, which pays out in parts and asks for notice."""
    first: Json = json.loads((ROOT / "events" / "program.json").read_text(encoding="utf-8"))
    first["campaigns"][0] |= {"from": "2026-01-01T00:00", "to": "2027-01-01T00:00"}
    first["campaigns"][0]["member_cap_points"] = 60
    first["redemption"] |= {"minimum_amount": "0.00", "approval_above_points": 150}
    first["transfers"] |= {"within": "anyone", "approval_above_points": 40}
    first["sharing"] = {"within": "anyone"}
    first["adjustments"] = {"approval_above_points": 500, "approval_below_zero": True}
    first["memberships"] = [
        {"id": "club", "tier": "silver", "lasts": "P12M"},
        {"id": "circle", "tier": "gold", "lasts": "P1M", "items": ["CIRCLE"]},
    ]
    second = copy.deepcopy(first)
    second["earning_rules"][1] |= {"points": 2, "rounding": "nearest"}
    second["earning_rules"].append(
        {"id": "welcome", "on": "purchase", "points": 7, "on_partial_refund": "proportional"}
    )
    second["maturation"] |= {"partial_payment": "proportional", "cancel_unpaid_after": "P30D"}
    second["reversal"] = {"clawback": "within_balance"}
    second["point_value"] = {"points": 50, "amount": "1.00"}
    second["expiry"] |= {"requires_notice_days": 10}
    return first, second


SECOND_FROM: Final = after(days=60)


class Chronicle(Office):
    """An office with two program versions, imports and erasure."""

    def __init__(self) -> None:
        """Both versions are known from the start; nothing has happened."""
        first, second = documents()
        super().__init__(program_of(first, 1))
        versions = [
            ProgramVersion(
                program=program_of(each, n), document=json.dumps(each), published_at=START
            )
            for n, each in enumerate((first, second), start=1)
        ]
        periods = (
            VersionPeriod(version=1, effective_from=START),
            VersionPeriod(version=2, effective_from=SECOND_FROM),
        )
        done = self.memory.commit(
            [Create(item=versions[1]), Save(item=VersionList(periods=periods), expected=1)]
        )
        assert isinstance(done, Committed)
        self.versions = {version.program.version: version for version in versions}
        self.periods = periods
        path = self.recording.path
        self.importing = Importing(
            path=path,
            programs=self.programs,
            clock=self.clock,
            new_member_id=self._new_member_id,
        )
        self.erasing = Erasing(
            path=path, programs=self.programs, clock=self.clock, personal_data=self.memory
        )
        self.wait(after(hours=1))

    def chains(self) -> dict[MemberId, tuple[Entry, ...]]:
        """All entries of all members."""
        return dict(self.memory.snapshot().chains)

    def erase(self, member_id: MemberId) -> None:
        """Erase a person."""
        command = EraseMember(
            request=RequestKey(caller="admin", key=f"erase-{member_id}"),
            fingerprint=str(member_id),
            actor="admin",
            member_id=member_id,
        )
        self.erasing.erase(command)


@cache
def chronicle() -> Chronicle:
    """Everything that can happen, once."""
    office = Chronicle()
    for number, (name, customer) in enumerate((("Ada", "ada"), ("Bob", "bob"), ("Cleo", "cleo"))):
        office.enrol(customer, key=f"enrol-{number}", name=name)
    office.put_standing_of(ADA, Standing(organisation="acme", tags=("vip",)))
    office.give_membership("club")
    _bring_points_along(office)
    _earn_and_spend(office)
    _share_and_transfer(office)
    _adjust(office)
    _live_under_the_second_program(office)
    _merge_and_erase(office)
    return office


def _bring_points_along(office: Chronicle) -> None:
    for row, (customer, points, day) in enumerate(
        (
            ("ada", 40, date(2026, 3, 20)),
            ("ada", 90, date(2026, 6, 30)),
            ("bob", 10, date(2027, 1, 31)),
            ("cleo", 30, date(2026, 4, 10)),
            ("cleo", 50, date(2026, 6, 15)),
        )
    ):
        office.importing.take(
            ImportRow(
                file_id="old.csv",
                row_id=str(row),
                fingerprint=str(row),
                standing=Standing(),
                external_ids=(customer_id(customer),),
                points=points,
                last_day=day,
            )
        )


def _earn_and_spend(office: Chronicle) -> None:
    retail, original = (
        line("19.99", category="retail"),
        line("1250.00", id="2", category="original"),
    )
    now = office.now
    office.tell(
        performed("signup", at=now),
        posted(retail, original, at=now, total="1340.49"),
        posted(line("30.01", category="retail"), id="p-2", at=now),
        paid("1340.49", at=now),
    )
    office.wait(after(days=2))
    for id_ in ("purchase-1", "p-2"):
        office.release(purchase_key(id_))
    office.recording.release(
        EarningKey(source="pos", kind="action", id="action-1"), now=office.now, actor="sweep"
    )
    ticket = Ticket(key=EarningKey(source="pos", kind="ticket", id="T-1"), amount=_amount("50.00"))
    spent = office.redeem(70, key="r-1", ticket=ticket, note="a present")
    office.go_on("reverse", spent, 20)
    held = office.redeem(60, key="r-2", reserve=True)
    office.go_on("capture", held, 35)
    office.go_on("cancel", office.redeem(10, key="r-3", reserve=True))
    office.redeem(5, key="r-4", reserve=True)
    office.wait(after(days=2, hours=1))
    office.expire(ADA)
    large = office.redeem(151, key="r-5", reserve=True)
    office.decide(large.result["approval_id"])
    office.go_on("capture", large)
    office.tell(
        refunded("100.00", at=office.now),
        refunded(None, "refund-2", lines={"2": "1250.00"}, at=office.now),
        paid("30.01", "payment-2", id="p-2", at=office.now),
        bounced("payment-2", id="p-2", at=office.now),
    )


def _amount(text: str) -> Any:  # noqa: ANN401 - a decimal
    return line(text).amount


def _share_and_transfer(office: Chronicle) -> None:
    office.wait(after(days=5))
    office.share({ADA: 50, BOB: 25, CLEO: 25}, owner=ADA)
    now = office.now
    office.tell(
        posted(line("150.00", category="retail"), id="p-3", at=now),
        paid("150.00", id="p-3", at=now),
    )
    office.wait(after(days=7))
    office.release(purchase_key("p-3"))
    office.transfer(12, sender=BOB, receiver=ADA, key="t-1", note="thanks")
    asked = office.transfer(41, sender=CLEO, receiver=BOB, key="t-2")
    office.decide(asked.result["approval_id"])
    again = office.transfer(41, sender=BOB, receiver=CLEO, key="t-3")
    office.decide(again.result["approval_id"], approved=False)
    office.tell(voided(id="p-3", at=office.now))
    office.wait(after(days=10))
    office.expire(BOB)
    office.wait(after(days=45))
    office.expire(BOB)


def _adjust(office: Chronicle) -> None:
    office.adjust(25)
    office.adjust(300, last_day=date(2026, 12, 31), reason="we are sorry")
    office.adjust(-15)
    below = office.adjust(-900, member_id=BOB)
    office.decide(below.result["approval_id"])
    office.adjust(30, member_id=BOB)
    office.put_standing(CLEO, "frozen")
    office.put_standing(CLEO, "active")


def _live_under_the_second_program(office: Chronicle) -> None:
    office.wait(after(days=90))
    now = office.now
    office.tell(
        posted(line("400.00", category="retail"), id="p-4", at=now, customer="cleo"),
        paid("100.00", "a", id="p-4", at=now),
        posted(line("80.00", category="retail"), id="p-5", at=now, customer="bob"),
    )
    office.wait(after(days=92))
    for id_ in ("p-4", "p-5"):
        office.release(purchase_key(id_))
    office.redeem(60, key="r-6", member_id=CLEO)
    office.tell(
        refunded("200.00", "back", id="p-4", at=office.now),
        bounced("a", id="p-4", at=office.now),
    )
    office.wait(after(days=107))
    office.adjust(20, last_day=date(2026, 6, 18), member_id=CLEO)
    office.wait(after(days=110))
    office.expire(CLEO)
    office.wait(after(days=122))
    for id_ in ("p-4", "p-5"):
        office.release(purchase_key(id_))
    office.tell(paid("150.00", "b", id="p-4", at=office.now))
    office.wait(after(days=125))
    office.release(purchase_key("p-4"))


def _merge_and_erase(office: Chronicle) -> None:
    office.merge(CLEO, ADA)
    office.tell(
        paid("50.00", "c", id="p-4", at=office.now),
        refunded("20.00", "more", id="p-4", at=office.now),
        posted(line("40.00", category="retail"), id="p-6", at=office.now, customer="cleo"),
    )
    office.wait(after(days=128))
    for id_ in ("p-4", "p-6"):
        office.release(purchase_key(id_))
    office.erase(BOB)


def exported(office: Chronicle, member_id: MemberId, *, merged: tuple[MemberId, ...] = ()) -> Json:
    """The export of a member, as a client reads it."""
    chains = office.chains()
    entries = [entry for id_ in (member_id, *merged) for entry in chains[id_]]
    balance = office.queries.balance(member_id)
    numbers = {*versions_named(entries), office.programs.number_at(balance.as_of)}
    document = {
        "member": {"member_id": member_id},
        "balance": balance_document(balance),
        "entries": [exported_entry(entry) for entry in chains[member_id]],
        "merged": [
            {"member_id": id_, "entries": [exported_entry(entry) for entry in chains[id_]]}
            for id_ in merged
        ],
        "program_versions": [
            exported_program(office.versions[number], office.periods[number - 1].effective_from)
            for number in sorted(numbers)
        ],
        "cursor": None,
    }
    found: Json = json.loads(json.dumps(document))
    return found
