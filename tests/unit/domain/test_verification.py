"""Verifying: a history in which everything happens agrees, and no corruption of it does."""

from dataclasses import replace
from functools import cache
from typing import Any, Final, get_args

import pytest

from points_ledger.contracts.export import Misread, read_entry, read_exports
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.identity import MemberId
from points_ledger.domain.verification import Book, Difference, verify
from points_ledger.verify import verified
from tests.chronicle import ADA, BOB, CLEO, Json, chronicle, exported
from tests.corruption import Checkpoints, changes, corrupted, leaves, rehashed, rewritten

EXPORTS: Final = {ADA: (CLEO,), BOB: ()}
CHAINS: Final = {ADA: ADA, CLEO: ADA, BOB: BOB}
"""In whose export the entries of a member are."""

ONLY_HASHED: Final = frozenset(
    {
        # Who did it and why, and what else it was about: nothing follows from these.
        "actor", "reason", "details.note", "details.reason", "details.approval",
        "details.member", "details.transfer", "details.redemption", "source",
        # What staff or the import decided: the entry is where it is said.
        "standing.organisation", "standing.tags", "standing.tier",
        # Another input that comes to the same points.
        "inputs.due", "inputs.paid", "inputs.holder",
    }
)  # fmt: skip
"""Fields that somebody who can make new hashes can change in one entry without being noticed."""


@cache
def export_of(member_id: MemberId) -> Json:
    return exported(chronicle(), member_id, merged=EXPORTS[member_id])


@cache
def checkpoints(member_id: MemberId) -> Checkpoints:
    return Checkpoints(read_exports([export_of(member_id)]))


def documents(id_: MemberId) -> list[Json]:
    export = export_of(CHAINS[id_])
    chains = [export["entries"], *(part["entries"] for part in export["merged"])]
    return next(chain for chain in chains if chain[0]["member_id"] == id_)


def difference(export: Json) -> Difference | None:
    """The first difference, in whichever chain."""
    found = verified(read_exports([export]))
    return next((each.difference for each in found if each.difference), None)


# ---- What agrees


def test_everything_has_happened() -> None:
    entries = [entry for chain in chronicle().chains().values() for entry in chain]
    assert {entry.posting.type for entry in entries} == set(get_args(EntryType))


@pytest.mark.parametrize("member_id", EXPORTS)
def test_what_the_ledger_posted_agrees(member_id: MemberId) -> None:
    found = verified(read_exports([export_of(member_id)]))
    assert [each.difference for each in found] == [None] * len(found)
    assert [each.not_recomputed for each in found] == [()] * len(found)


# ---- One field of one entry


@pytest.mark.parametrize("id_", CHAINS)
def test_every_corruption_is_found_in_its_entry(id_: MemberId) -> None:
    points, judged = checkpoints(CHAINS[id_]), 0
    for place, document in enumerate(documents(id_)):
        following = points.book.chains[id_][place + 1 :]
        for path, value in leaves(document):
            for other in changes(value):
                judged += 1
                entry = read_entry(corrupted(document, path, other))
                if isinstance(entry, Misread):
                    assert entry.field, "the field is named"
                    continue
                found = points.judged(id_, place, [entry, *following])
                assert found is not None, (place + 1, path, value, other)
                assert (found.member_id, found.number) == (id_, place + 1), (path, found)
    assert judged > 1_000


def field_of(path: tuple[str | int, ...]) -> str:
    """The field of a leaf, as ONLY_HASHED names it."""
    nested = path[0] in ("details", "inputs", "standing") and len(path) > 1
    return ".".join(map(str, path[: 2 if nested else 1]))


@pytest.mark.parametrize("id_", CHAINS)
@pytest.mark.parametrize("with_accounts", [False, True])
def test_numbers_are_protected_by_more_than_hashes(id_: MemberId, with_accounts: bool) -> None:
    """Somebody who can make all hashes new, and all accounts, is noticed by what does not fit."""
    points, unnoticed = checkpoints(CHAINS[id_]), set[str]()
    for place, document in enumerate(documents(id_)):
        following = points.book.chains[id_][place + 1 :]
        before = points.walk_before(id_, place)
        for path, value in leaves(document):
            if path[0] in ("hash", "previous_hash") or (with_accounts and path[0] == "state"):
                continue  # these are made anew
            for other in list(changes(value))[:2]:
                entry = read_entry(corrupted(document, path, other))
                if isinstance(entry, Misread):
                    continue
                chain: list[Entry] = [entry, *following]
                if with_accounts:
                    chain = rewritten(chain, before.state, before.previous_hash)
                else:
                    chain = rehashed(chain, before.previous_hash)
                if points.judged(id_, place, chain) is None:
                    unnoticed.add(field_of(path))
    assert unnoticed <= ONLY_HASHED


# ---- Entries as a whole


def without(export: Json, place: int) -> Json:
    entries = export["entries"]
    return {**export, "entries": entries[:place] + entries[place + 1 :]}


def test_an_entry_that_is_missing_is_found() -> None:
    export = export_of(BOB)
    for place in range(len(export["entries"]) - 1):
        found = difference(without(export, place))
        assert found is not None
        assert (found.number, found.field) == (place + 1, "entry")


def test_that_the_last_entries_are_missing_is_told_by_the_balance() -> None:
    export = export_of(BOB)
    found = difference(without(export, len(export["entries"]) - 1))
    assert found is not None
    assert found.field.startswith("balance.")


def test_an_entry_that_is_there_twice_is_found() -> None:
    export = export_of(BOB)
    entries = export["entries"]
    found = difference({**export, "entries": [*entries[:3], entries[2], *entries[3:]]})
    assert found is not None
    assert (found.number, found.field, found.found) == (4, "entry", "3")


def test_an_entry_of_somebody_else_is_found() -> None:
    export, other = export_of(BOB), export_of(ADA)["entries"][2]
    entries = export["entries"]
    found = difference({**export, "entries": [*entries[:2], other, *entries[3:]]})
    assert found is not None
    assert (found.number, found.field) == (3, "member_id")


def test_every_field_of_the_balance_is_compared() -> None:
    export = export_of(ADA)
    for path, value in leaves(export["balance"]):
        if path == ("as_of",):
            continue  # the balance is the same a second later
        for other in changes(value):
            found = difference({**export, "balance": corrupted(export["balance"], path, other)})
            assert found is not None, path
            assert found.field.startswith("balance"), path


# ---- Program versions


@pytest.mark.parametrize(
    ("version", "path", "value"),
    [
        (1, ("earning_rules", 0, "points"), 4),
        (1, ("earning_rules", 0, "per_amount"), "40.00"),
        (1, ("earning_rules", 1, "rounding"), "up"),
        (1, ("earning_rules", 1, "id"), "wholesale"),
        (1, ("campaigns", 0, "multiplier"), "3"),
        (1, ("campaigns", 0, "member_cap_points"), None),
        (1, ("tiers", 0, "multiplier"), "1.5"),
        (1, ("expiry", "after"), "P23M"),
        (1, ("expiry", "round_to"), "year"),
        (1, ("expiry", "warn_days_before"), [7]),
        (1, ("point_value", "points"), 10),
        (1, ("redemption", "reservation_minutes"), 16),
        (1, ("redemption", "paused"), True),
        (1, ("time_zone",), "Pacific/Kiritimati"),
        (1, ("maturation", "hold"), "PT96H"),
        (2, ("maturation", "partial_payment"), "full_only"),
        (2, ("maturation", "cancel_unpaid_after"), "P31D"),
        (2, ("maturation", "cancel_unpaid_after"), None),
        (2, ("reversal", "clawback"), "unlimited"),
        (2, ("expiry", "requires_notice_days"), None),
    ],
)
def test_a_corrupted_program_is_found(version: int, path: Any, value: object) -> None:  # noqa: ANN401 - steps
    found = []
    for member_id in EXPORTS:
        export = export_of(member_id)
        versions = export["program_versions"]
        place = next(n for n, each in enumerate(versions) if each["version"] == version)
        changed = corrupted(versions, (place, "program", *path), value)
        found.append(difference({**export, "program_versions": changed}))
    assert any(found)


def test_another_version_than_the_one_in_force_is_found() -> None:
    export = export_of(ADA)
    later = corrupted(export["program_versions"], (1, "effective_from"), "2026-03-02T12:30:00Z")
    found = difference({**export, "program_versions": later})
    assert found is not None
    assert (found.field, found.expected, found.found) == ("program_version", "2", "1")


def test_a_version_that_is_not_given_is_named() -> None:
    export = export_of(ADA)
    found = difference({**export, "program_versions": export["program_versions"][1:]})
    assert found is not None
    assert (found.field, found.expected) == ("program_version", "one of the versions given (2)")


# ---- What an export alone cannot tell


def test_what_needs_the_entries_of_a_merged_member_is_named() -> None:
    chains = chronicle().chains()
    whole = checkpoints(ADA).book
    (found,) = verify(replace(whole, chains={ADA: chains[ADA]}))
    assert found.difference is None
    types = [chains[ADA][each.number - 1].posting.type for each in found.not_recomputed]
    assert types == ["merge", "maturation", "reversal"]
    assert all(CLEO in each.reason for each in found.not_recomputed)


def test_without_dates_of_versions_all_else_is_checked() -> None:
    book = checkpoints(BOB).book
    (found,) = verify(Book(chains=book.chains, programs=book.programs))
    assert found.difference is None
