"""Several members of one organisation at a desk, for what passes between members."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program, TransferTerms
from points_ledger.domain.replay import replay
from points_ledger.domain.state import ORIGIN_COUNTERS, USE_COUNTERS, Standing
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.ports import Append, RequestKey
from tests.builders import paid, posted, program
from tests.service.desk import Desk, customer_id

ADA: Final = MemberId("member-1")
BOB: Final = MemberId("member-2")
EVE: Final = MemberId("member-3")
ZOE: Final = MemberId("member-4")
"""Of another organisation."""


def within_organisation(rules: Program | None = None, **terms: object) -> Program:
    """A program that lets members of one organisation share and transfer."""
    transfers = TransferTerms(enabled=True, within="organisation")
    return replace(
        rules or program(),
        sharing_within="organisation",
        transfers=replace(transfers, **terms),  # type: ignore[arg-type]  # terms of transfers
    )


def party(rules: Program | None = None) -> Desk:
    """Ada, Bob and Eve of one organisation, Zoe of another; Ada has 100 points, Bob 20."""
    desk = Desk(rules or within_organisation())
    for name in ("ada", "bob", "eve", "zoe"):
        enrol(desk, name, organisation="globex" if name == "zoe" else "acme")
    earn(desk, "ada", "100.00")
    earn(desk, "bob", "20.00")
    return desk


def enrol(desk: Desk, name: str, **standing: str) -> MemberId:
    """A member with the name as customer id and in the email address."""
    command = EnrolMember(
        request=RequestKey(caller="staff", key=f"enrol-{name}"),
        fingerprint=name,
        actor="staff",
        name=name.title(),
        email=f"{name}@example.com",
        standing=Standing(**standing),  # type: ignore[arg-type]  # texts of a standing
        external_ids=(customer_id(name),),
    )
    return desk.enrolling.enrol(command).member_id


def earn(desk: Desk, customer: str, amount: str, *, id: str | None = None) -> None:  # noqa: A002
    """A purchase that is paid."""
    purchase = id or f"of-{customer}"
    desk.tell(
        posted(amount, id=purchase, customer=customer, at=desk.now),
        paid(amount, id=purchase, at=desk.now),
    )


def put_standing(desk: Desk, member_id: MemberId, **changes: object) -> None:
    """Change what decides about a member, by an entry."""
    head = desk.memory.chain(member_id)[-1]
    standing = replace(head.state.standing, **changes)  # type: ignore[arg-type]  # of a standing
    posting = Posting(type="change", at=desk.now, standing=standing, actor="test")
    desk.memory.commit([Append(entry=chain(head, member_id, posting, desk.now))])


def check(desk: Desk) -> None:
    """Every chain replays, and no point was made or lost between members."""
    totals: dict[str, int] = {}
    for member_id in desk.memory.members():
        state = replay(desk.memory.chain(member_id))
        assert state == desk.memory.chain(member_id)[-1].state
        for name in (*ORIGIN_COUNTERS, *USE_COUNTERS):
            totals[name] = totals.get(name, 0) + state.counter(name)
        held = state.pending + state.available + state.reserved
        totals["held"] = totals.get("held", 0) + held
    assert totals.get("transferred", 0) == 0
    assert totals.get("merged", 0) == 0
    assert totals["earned"] == totals["held"] + sum(totals[name] for name in USE_COUNTERS)


def available(desk: Desk) -> Mapping[MemberId, int]:
    """What everybody has to spend, by id."""
    return {id_: desk.memory.chain(id_)[-1].state.available for id_ in desk.memory.members()}
