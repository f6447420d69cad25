"""A person's data, page by page and all of it."""

import pytest

from points_ledger.domain.entry import Entry
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.sharing import Share
from points_ledger.service.exporting import Exported
from points_ledger.service.ports import Note, Put
from tests.builders import posted
from tests.service.party import ADA, BOB, EVE, earn
from tests.service.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def noted(registry: Registry, member_id: MemberId, count: int) -> list[Note]:
    notes = [
        Note(member_id=member_id, id=f"rdm_{n}", text=f"text {n}", salt="salt")
        for n in range(count)
    ]
    registry.desk.memory.commit([Put(item=note) for note in notes])
    return notes


def pages(registry: Registry, member_id: MemberId, limit: int) -> list[Exported]:
    found = [registry.export(member_id, limit=limit)]
    for _ in range(50):
        if found[-1].cursor is None:
            return found
        found.append(registry.export(member_id, limit=limit, cursor=found[-1].cursor))
    raise AssertionError("the pages do not end")


def entries(found: list[Exported]) -> dict[MemberId, list[Entry]]:
    chains: dict[MemberId, list[Entry]] = {}
    for page in found:
        for each in page.chains:
            chains.setdefault(each.member_id, []).extend(each.entries)
    return chains


def test_everything_about_a_person_is_on_one_page(registry: Registry) -> None:
    registry.desk.share({ADA: 60, BOB: 40})
    registry.desk.tell(posted("40.00", id="open", customer="ada"))
    notes = noted(registry, ADA, 2)
    found = registry.export()
    assert found.cursor is None
    assert found.member == registry.desk.queries.member(ADA)
    assert found.balance == registry.desk.queries.balance(ADA)
    assert found.sharing == (
        Share(member_id=ADA, percent=60),
        Share(member_id=BOB, percent=40),
    )
    assert list(found.notes) == notes
    assert [pending.points for pending in found.pending] == [24]
    assert list(found.entries) == registry.desk.memory.chain(ADA)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1_000])
def test_pages_have_every_entry_and_note_once_and_in_order(limit: int, registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    registry.desk.merge(EVE, BOB)
    for n in range(3):
        earn(registry.desk, "eve", "1.00", id=f"more-{n}")
    notes = [*noted(registry, ADA, 3), *noted(registry, BOB, 2)]
    found = pages(registry, BOB, limit)
    assert entries(found) == {id_: registry.desk.memory.chain(id_) for id_ in (BOB, ADA, EVE)}
    assert [note for page in found for note in page.notes] == notes
    assert all(len(page.entries) <= limit and len(page.notes) <= limit for page in found)


def test_who_was_merged_gets_the_data_of_who_survived(registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    assert registry.export(ADA) == registry.export(BOB)


def test_of_who_was_erased_only_the_ledger_is_left(registry: Registry) -> None:
    noted(registry, ADA, 1)
    registry.erase()
    found = registry.export()
    assert (found.member.profile, found.notes, found.pending) == (None, (), ())
    assert list(found.entries) == registry.desk.memory.chain(ADA)


def test_nobody_has_no_data(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        registry.export(MemberId("nobody"))


@pytest.mark.parametrize("cursor", ["", "x", "[]", "[0, 0, 0]", "[-1, 1, 0]", '["a", 1, 1]', "{}"])
def test_what_is_no_place_is_refused(cursor: str, registry: Registry) -> None:
    with pytest.raises(ValueError):
        registry.export(cursor=cursor)
