"""Exports: entries with everything that their hashes cover, and back."""

import copy
import json
from typing import Any, Final

import pytest

from points_ledger.contracts.export import (
    Misread,
    UnreadableExportError,
    exported_entry,
    read_entry,
    read_exports,
    versions_named,
)
from points_ledger.domain.replay import replay
from tests.chronicle import ADA, BOB, CLEO, Json, chronicle, exported

BOBS: Final = exported(chronicle(), BOB)
FIRST: Final = BOBS["program_versions"][0]


def test_an_entry_comes_back_as_it_was() -> None:
    for entries in chronicle().chains().values():
        for entry in entries:
            assert read_entry(json.loads(json.dumps(exported_entry(entry)))) == entry


def test_what_is_read_replays() -> None:
    read = read_exports([exported(chronicle(), ADA, merged=(CLEO,))])
    for id_, entries in read.chains.items():
        assert replay(entries) == chronicle().chains()[id_][-1].state
    assert (read.member_id, set(read.chains), read.misread) == (ADA, {ADA, CLEO}, {})


def test_versions_are_those_of_entries_and_of_prices() -> None:
    assert versions_named(chronicle().chains()[ADA]) == [1, 2]
    assert versions_named(chronicle().chains()[ADA][:2]) == []


# ---- Pages


def pages(export: Json, size: int) -> list[Json]:
    entries = export["entries"]
    return [
        {**export, "entries": entries[start : start + size]}
        for start in range(0, len(entries), size)
    ]


def test_pages_are_one_export() -> None:
    assert read_exports(pages(BOBS, 5)) == read_exports([BOBS])


def test_entries_may_come_newest_first() -> None:
    turned = {**BOBS, "entries": BOBS["entries"][::-1]}
    assert read_exports([turned]).chains == read_exports([BOBS]).chains


def test_a_list_of_entries_will_do_with_programs_beside_it() -> None:
    read = read_exports([BOBS["entries"]], BOBS["program_versions"])
    assert read.chains == read_exports([BOBS]).chains
    assert read.balance is None


@pytest.mark.parametrize("name", ["program_versions", "programs", "versions"])
def test_programs_may_be_a_list_in_an_object(name: str) -> None:
    read = read_exports([BOBS["entries"]], {name: BOBS["program_versions"]})
    assert set(read.programs) == {1, 2}


def test_one_program_alone_will_do() -> None:
    assert set(read_exports([BOBS["entries"]], BOBS["program_versions"][0]).programs) == {1}


def test_without_a_date_of_every_version_none_counts() -> None:
    dated, undated = copy.deepcopy(BOBS["program_versions"])
    del undated["effective_from"]
    assert read_exports([BOBS["entries"]], [dated, undated]).periods == ()


# ---- What is no export


@pytest.mark.parametrize(
    ("page", "programs"),
    [
        (None, None),
        ("text", None),
        ({}, None),
        ({"entries": {}}, None),
        ({"entries": []}, BOBS["program_versions"]),
        ([], BOBS["program_versions"]),
        ([{"entry": 1}], BOBS["program_versions"]),
        (BOBS["entries"], None),
        (BOBS["entries"], []),
        (BOBS["entries"], "one"),
        (BOBS["entries"], [{"version": 1}]),
        (BOBS["entries"], [{"version": "1", "program": {}}]),
        (BOBS["entries"], [{**BOBS["program_versions"][0], "effective_from": "soon"}]),
        (BOBS["entries"], [FIRST, {**FIRST, "effective_from": None}]),
        ({**BOBS, "merged": {}}, None),
        ({**BOBS, "merged": [{"entries": []}]}, None),
        ({**BOBS, "program_versions": 3}, None),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused(page: Any, programs: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(UnreadableExportError):
        read_exports([page], programs)


def test_no_page_is_no_export() -> None:
    with pytest.raises(UnreadableExportError):
        read_exports([])


# ---- What is no entry


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("type", "gift", "type"),
        ("at", "2026-03-02", "at"),
        ("at", "2026-03-02T12:00:00", "at"),
        ("at", "2026-03-02T13:00:00+01:00", "at"),
        ("pending", 1.0, "pending"),
        ("pending", True, "pending"),
        ("lots", {"2026-02-30": 1}, "lots"),
        ("available", 1, "available"),
        ("balance", {}, "balance.available"),
        ("source", {"system": "pos"}, "source"),
        ("source", {"system": "a b", "kind": "c", "id": "d"}, "source"),
        ("rules", [{"id": "base"}], "rules"),
        ("standing", {"status": "gone"}, "standing"),
        ("standing", {"colour": "red"}, "standing"),
        ("hash", "00", "hash"),
        ("hash", "zz" * 32, "hash"),
        ("hash", "AB" * 32, "hash"),
        ("actor", "\ud800", "actor"),
        ("actor", None, "actor"),
        ("note", "more", "note"),
    ],
)
def test_what_the_ledger_never_exports_is_named(field: str, value: object, named: str) -> None:
    entry = {**BOBS["entries"][0], field: value}
    found = read_entry(entry)
    assert isinstance(found, Misread)
    assert found.field == named


def test_a_field_that_is_missing_is_named() -> None:
    for field in BOBS["entries"][0]:
        found = read_entry({k: v for k, v in BOBS["entries"][0].items() if k != field})
        assert isinstance(found, Misread)
        assert found.field == field


@pytest.mark.parametrize("value", [None, 1, "entry", []])
def test_what_is_no_object_is_no_entry(value: object) -> None:
    assert isinstance(read_entry(value), Misread)


def test_all_before_what_cannot_be_read_is_kept() -> None:
    broken = copy.deepcopy(BOBS)
    broken["entries"][3]["pending"] = "many"
    read = read_exports([broken])
    assert len(read.chains[BOB]) == 3
    assert read.misread[BOB] == Misread(
        field="pending", expected="a value of the format", found='"many"'
    )
